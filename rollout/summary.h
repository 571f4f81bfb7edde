/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h - what a run did, as one JSON object for programs and as a table for people. */
#ifndef WINNOW_ROLLOUT_SUMMARY_H
#define WINNOW_ROLLOUT_SUMMARY_H

#include <stdint.h>
#include <stdio.h>
#include "core/json.h"
#include "rollout/engine.h"
#include "rollout/run.h"

struct summary {
	const struct run *run;
	const struct engine *engine;
	enum engine_end end;
	const struct error *error;     /* why, where the end is a failure */
	const char *store, *isolation;
	uint64_t duplicates;           /* samples whose program an earlier sample of the task had; of the whole run */
	uint64_t wall_us;              /* of this session */
};
/* Keys: docs/formats/summary.md.  New reference; NULL: no memory. */
json_t *summary_json(const struct summary *s);
void summary_print(FILE *out, const struct summary *s);

#endif
