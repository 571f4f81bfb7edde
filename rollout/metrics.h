/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - a Prometheus textfile (node_exporter's textfile collector reads *.prom).
 *
 * Written aside and renamed, so a reader never sees half of one.
 */
#ifndef WINNOW_ROLLOUT_METRICS_H
#define WINNOW_ROLLOUT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "rollout/tally.h"

struct metrics {
	int64_t run_id;
	const char *state;                   /* running, stopped, complete, failed */
	const char *policy_kind, *policy_name, *isolation, *version;
	const struct tally *tally;
	struct policy_stats policy;
	size_t asked, waiting, running;
	uint64_t elapsed_us;                 /* of this session */
	int64_t started_wall_us, now_wall_us;
	int64_t last_success_wall_us;        /* 0: not yet */
	uint64_t store_bytes, free_bytes;    /* 0: not known */
	bool paused;
};
void metrics_text(const struct metrics *m, struct buf *out);
int metrics_write(const char *path, const struct metrics *m, struct error *err);
/* winnow_last_success_timestamp_seconds of an earlier file, so that a run that has just
 * begun does not forget the night before; 0 where there is none. */
int64_t metrics_last_success_us(const char *path);

#endif
