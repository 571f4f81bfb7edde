/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - keep room on the store's disk: below --min-free the run pauses, and goes on when there is room again. */
#ifndef WINNOW_ROLLOUT_GUARD_H
#define WINNOW_ROLLOUT_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct guard {
	const char *path;       /* the store; borrowed */
	uint64_t min_free_bytes;/* 0: no guard */
	uint64_t free_bytes;    /* as last seen */
	bool low;
};
enum guard_change { GUARD_SAME, GUARD_BECAME_LOW, GUARD_BECAME_FREE };
/* Look at the disk.  To go on it must have 1/16 more than the minimum, so that a run
 * does not flicker at the border.  A disk that cannot be asked changes nothing. */
enum guard_change guard_poll(struct guard *g);

#endif
