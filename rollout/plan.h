/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - task x language x n gives samples; pure.
 *
 * An item is one (task, language); its ordinal is part of every sample's id.  The
 * samples of a plan are walked in batches with fixed borders, so that what a policy is
 * asked does not depend on when it was asked; what is there already (a resumed run) is
 * marked and left out.  Only marks take memory, and only for items that are partly done.
 */
#ifndef WINNOW_ROLLOUT_PLAN_H
#define WINNOW_ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"

/* Part `index` of `count` (0-based) of the tasks. */
struct plan_shard {
	uint32_t index, count;
};
/* "I/N" with 0 <= I < N; NULL is 0/1.  ERR_INPUT names --shard. */
int plan_shard_parse(const char *text, struct plan_shard *ret, struct error *err);
bool plan_shard_has(const struct plan_shard *s, size_t task_ordinal);

/* The seed of one item's stream: of seed, task and language alone, 63 bits. */
uint64_t plan_seed(uint64_t seed, const char *task_id, const char *language);

struct plan_marks;
struct plan {
	size_t n_items;
	uint32_t samples;          /* of each item */
	struct plan_marks *marks;
	uint64_t n_marked;
	size_t item;               /* the walk: next item, next index in it */
	uint32_t index;
};
/* ERR_INPUT where a sample id could not number them (store.h). */
int plan_init(struct plan *p, size_t n_items, uint32_t samples, struct error *err);
void plan_clear(struct plan *p);
uint64_t plan_size(const struct plan *p);

/* This sample is there already.  Twice is once. */
int plan_mark(struct plan *p, size_t item, uint32_t index, struct error *err);
bool plan_marked(const struct plan *p, size_t item, uint32_t index);

#define PLAN_BATCH 64u
struct plan_batch {
	size_t item;
	uint32_t first, n;         /* indices first … first + n - 1 */
	uint32_t wanted;           /* of them not marked; > 0 */
	bool skip[PLAN_BATCH];     /* true: marked */
};
/* The next batch in which anything is wanted; false at the end. */
bool plan_next(struct plan *p, struct plan_batch *ret);

#endif
