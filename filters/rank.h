/* SPDX-License-Identifier: Apache-2.0 */
/* rank.h - order the accepted programs of a task: faster first; pure. */
#ifndef WINNOW_FILTERS_RANK_H
#define WINNOW_FILTERS_RANK_H

#include <stddef.h>
#include <stdint.h>

struct rank_item {
	const char *program_id;
	uint64_t cpu_us, memory_bytes, program_len;
	unsigned rank;          /* filled: 1 is best; equal within noise share a rank */
};
/* Within noise_ratio (say 0.05) of each other counts as equally fast; ties by memory (same
 * ratio), then length, then program_id.  Sorts items and fills rank. */
void rank_programs(struct rank_item *items, size_t n, double noise_ratio);

#endif
