/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.h - hands the accepted programs of the store to filters/rank and the ranks back. */
#ifndef WINNOW_ROLLOUT_RANKING_H
#define WINNOW_ROLLOUT_RANKING_H

#include "store/store.h"

#define RANKING_NOISE 0.05

/* Begins and commits a transaction of its own. */
int ranking_run(struct store *s, int64_t run_id, struct error *err);
/* A store_rank_fn; ctx is an int that becomes ERR_NOMEM where memory ran out. */
void ranking_fill(void *ctx, struct store_rank_item *items, size_t n);

#endif
