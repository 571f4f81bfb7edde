/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warm.h - the spawner's side of warm runners: interpreters that have started and are forked from.
 *
 * A runner is the program of a box of its own (phase BOX_WARM); what it does there is in
 * init/warm_library.c.  It serves one run at a time, never reads what a candidate wrote, and is
 * renewed after WARM_RUNS runs and after anything odd.  No run ever waits for one to start:
 * that one takes the plain path.
 */
#ifndef WINNOW_SANDBOX_WARM_H
#define WINNOW_SANDBOX_WARM_H

#include "sandbox/spawner.h"

#define WARM_RUNS 500

struct warm;
/* An idle runner for this kind of run, now taken by box; NULL: there is none (one may be on its way). */
struct warm *warm_take(struct spawner *sp, const struct box_warm *spec, struct box *box);
/* Have it start the box whose descriptors box->fds are.  false: it cannot, and is being ended; start the box otherwise. */
bool warm_run(struct warm *w, struct box *box);
/* The box is over.  odd: the run failed for a reason of ours, so that the runner is not to be used again. */
void warm_done(struct warm *w, bool odd);
/* Its process, as we see it; 0: unknown. */
pid_t warm_pid(const struct warm *w);
/* End it: with it goes the run that it serves. */
void warm_kill(struct warm *w);

#endif
