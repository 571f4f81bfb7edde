/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - one event loop that samples, judges and writes at the same time.
 *
 * The way of a sample, and the function that makes each step:
 *
 *   plan ──ask──▶ policy ──on_completion──▶ extract ─┬─ no program ───────────────▶ judged
 *                                                    ├─ known verdict (store) ────▶ judged
 *                                                    └─▶ pending ─▶ queue ─▶ judge ─▶ judged
 *
 * Backpressure both ways: the policy is asked only while fewer than a bound are asked for
 * or wait for a box (engine_pump()), and the judge gets no more than it can start soon.
 * So memory does not grow with the run.  Every callback only notes what came and wakes
 * the pump, which runs from the loop; nothing is submitted from within another's callback.
 *
 * All writes go through one transaction at a time (engine_write.c), of at most 256 rows or
 * 50 ms.  A sample whose program is being judged is in the store as pending, text included:
 * after a kill it is judged from there and not sampled again.
 */
#ifndef WINNOW_ROLLOUT_ENGINE_H
#define WINNOW_ROLLOUT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/error.h"
#include "core/loop.h"
#include "policy/policy.h"
#include "rollout/deadline.h"
#include "rollout/guard.h"
#include "rollout/reference.h"
#include "rollout/run.h"

/* Why the engine stopped. */
enum engine_end {
	ENGINE_COMPLETE,        /* everything planned has been done */
	ENGINE_DEADLINE,        /* --deadline */
	ENGINE_TERMINATED,      /* SIGTERM */
	ENGINE_INTERRUPTED,     /* SIGINT */
	ENGINE_POLICY_DEAD,
	ENGINE_SPAWNER_DEAD,
	ENGINE_INTERNAL_ERRORS, /* too many */
	ENGINE_ERROR,           /* of ours: the store, memory */
	ENGINE_END_COUNT
};
const char *engine_end_name(enum engine_end e);      /* "complete", "deadline", … for the summary */
const char *engine_end_state(enum engine_end e);     /* of the run row: complete, stopped, failed */
int engine_end_exit_status(enum engine_end e);

struct engine_options {
	struct run *run;
	struct store *store;
	struct judging *judging;
	struct loop *loop;
	struct deadline deadline;
	struct guard guard;
	const char *metrics_path;    /* NULL: none */
	bool check_references;
};

struct engine;
/* Everything in opt is borrowed.  Signals TERM and INT are the engine's from here on. */
int engine_new(const struct engine_options *opt, struct engine **ret, struct error *err);
/* After policy_close(), before loop_free(). */
void engine_free(struct engine *e);
/* The callbacks that the policy is opened with (ctx: the engine), and the policy. */
void engine_on_completion(void *ctx, const struct policy_completion *c);
void engine_on_policy_dead(void *ctx, const struct error *why);
void engine_set_policy(struct engine *e, struct policy *p);

/*
 * Check references, then work until the plan is done or something stops it.  The run must
 * be created.  Returns 0 and *ret whatever ended it; *err says more for the ends that are failures.
 * The store holds everything that came, and no transaction is open.
 */
int engine_run(struct engine *e, enum engine_end *ret, struct error *err);

/* For the summary. */
struct reference_counts engine_reference_counts(const struct engine *e);
size_t engine_quarantined(const struct engine *e);   /* tasks of this run that are */
uint64_t engine_elapsed_us(const struct engine *e);
/* Write the metrics file once more, with the run's last state. */
int engine_write_metrics(struct engine *e, const char *state, struct error *err);

#endif
