/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c - free space of the store's filesystem. */
#include "rollout/guard.h"

#include "core/fs.h"

enum guard_change guard_poll(struct guard *g)
{
	bool was = g->low;
	struct error err = ERROR_INIT;
	uint64_t n;

	if (!g->min_free_bytes || fs_free_bytes(g->path, &n, &err) < 0)
		return GUARD_SAME;
	g->free_bytes = n;
	if (n < g->min_free_bytes)
		g->low = true;
	else if (n - g->min_free_bytes >= g->min_free_bytes / 16)
		g->low = false;
	if (g->low == was)
		return GUARD_SAME;
	return g->low ? GUARD_BECAME_LOW : GUARD_BECAME_FREE;
}
