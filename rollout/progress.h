/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - one live line on a terminal, a plain line every half minute elsewhere; on stderr. */
#ifndef WINNOW_ROLLOUT_PROGRESS_H
#define WINNOW_ROLLOUT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "rollout/tally.h"

struct progress {
	bool live;                   /* stderr is a terminal */
	bool shown;                  /* a live line stands there now */
	uint64_t started_us, last_us;
	uint64_t rate_us, rate_done; /* where the present rate is measured from */
	double per_second;
};
/* What the line says besides the tally. */
struct progress_now {
	const char *phase;           /* "references", "sampling", "judging", "paused: …" */
	uint64_t done, total;        /* of the phase */
	size_t asked, waiting, running;
};
void progress_start(struct progress *p);
/* At most five times a second (a terminal) or twice a minute. */
void progress_update(struct progress *p, const struct tally *t, const struct progress_now *now);
void progress_end(struct progress *p);  /* wipes the live line */

/* The line itself, without a newline; columns 0: as long as it is.  For tests too. */
size_t progress_line(char *out, size_t cap, const struct tally *t, const struct progress_now *now,
		     double per_second, size_t columns);

#endif
