/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_fit.h - fits the grammar's weights to rows of shards: policy gradient with group-relative advantages.
 *
 * Add rows, then run.  Rows of a group are different programs (the grammar never says one twice), so a
 * row stands for its share of the probability: it counts by the square root of what the old weights gave
 * it.  Then
 *
 *   maximise  sum over groups of ( sum of w_i log p(program_i) over rows with a positive advantage
 *                                  - negative * sum of w_i log p over a few others, while p falls by no more than half )
 *
 * where advantage times share is scaled to a sum of one a group; by AdaGrad (Duchi et al. 2011) with weights
 * drawn towards those it began with.  Everything is in the order of rows and of one seed: the same rows give the
 * same weights, to the byte.
 */
#ifndef WINNOW_POLICY_GRAMMAR_FIT_H
#define WINNOW_POLICY_GRAMMAR_FIT_H

#include <stdint.h>
#include "core/error.h"
#include "policy/grammar.h"

struct gfit_options {
	unsigned epochs;           /* passes over the rows */
	double rate;               /* of learning */
	double decay;              /* towards the parent's weights, a pass */
	double negative;           /* weight of what was not accepted */
	uint64_t seed;
};
#define GFIT_OPTIONS_INIT { .epochs = 15, .rate = 0.2, .decay = 0.01, .negative = 0.1 }

struct gfit;
/* parent NULL: from no weights.  Both are borrowed; the parent is not changed. */
int gfit_new(const struct gtable *t, const struct gmodel *parent, const struct gfit_options *opt, struct gfit **ret,
	     struct error *err);
void gfit_free(struct gfit *f);
/* A row: its token ids, its group (rows of one group come one after another) and its advantage.
 * 1 taken, 0: not a derivation of this grammar, negative: no memory. */
int gfit_add(struct gfit *f, const char *group, const uint32_t *ids, size_t n, double advantage, struct error *err);
struct gfit_counts {
	uint64_t groups, groups_used; /* used: with rows above and below their mean */
	uint64_t rows, accepted;
	double before, after;      /* mean log probability of accepted rows that were used */
};
/* Fits; *ret is a model of the caller's. */
int gfit_run(struct gfit *f, struct gmodel **ret, struct gfit_counts *ret_counts, struct error *err);

#endif
