/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.c - rank_programs() sorts; the store wants its items in their places. */
#include "rollout/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "filters/rank.h"

static int by_id(const void *a, const void *b)
{
	const struct rank_item *x = a, *y = b;

	return strcmp(x->program_id, y->program_id);
}

void ranking_fill(void *ctx, struct store_rank_item *items, size_t n)
{
	struct rank_item *ranked = mem_calloc(n ? n : 1, sizeof(*ranked));
	int *failed = ctx;

	if (!ranked) {
		*failed = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct rank_item){ .program_id = items[i].program_id, .cpu_us = items[i].cpu_us,
						.memory_bytes = items[i].memory_bytes,
						.program_len = items[i].program_len };
	rank_programs(ranked, n, RANKING_NOISE);
	qsort(ranked, n, sizeof(*ranked), by_id);
	for (size_t i = 0; i < n; i++) {
		struct rank_item wanted = { .program_id = items[i].program_id };
		const struct rank_item *at = bsearch(&wanted, ranked, n, sizeof(*ranked), by_id);

		items[i].rank = at->rank;
	}
	mem_free(ranked);
}

int ranking_run(struct store *s, int64_t run_id, struct error *err)
{
	int failed = 0, r = store_begin(s, err);

	if (r < 0)
		return r;
	r = store_rank_run(s, run_id, ranking_fill, &failed, err);
	if (r == 0 && failed)
		r = error_set(err, failed, "out of memory while ranking");
	if (r == 0)
		r = store_commit(s, err);
	if (r < 0)
		store_rollback(s);
	return r;
}
