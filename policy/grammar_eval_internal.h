/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_eval_internal.h - values and their arena, shared by grammar_eval.c and grammar_eval_ops.c. */
#ifndef WINNOW_POLICY_GRAMMAR_EVAL_INTERNAL_H
#define WINNOW_POLICY_GRAMMAR_EVAL_INTERNAL_H

#include <math.h>
#include <string.h>

#include "policy/grammar_eval.h"
#include "policy/grammar_families.h"

struct gval {
	union {
		int64_t i;             /* int, bool, character */
		double f;
		struct gval *items;    /* list */
		const char *text;      /* string, n bytes */
	};
	uint32_t n;
	uint8_t type;                  /* enum gtype */
};
#define GEVAL_ARENA_BYTES (256u << 10)
#define GEVAL_MAX_STEPS 20000u
#define GEVAL_MAX_CASES 8
struct gpair { struct gval e, f; };
struct geval {
	struct gval env[GRAMMAR_MAX_VARS];
	unsigned steps;
	size_t used;
	size_t n_cases, n_params;
	struct gval args[GEVAL_MAX_CASES][GRAMMAR_MAX_PARAMS], expect[GEVAL_MAX_CASES];
	double tolerance;              /* of floats, relative and absolute */
	char *kept;                    /* end of what args and expect refer to, in the arena */
	_Alignas(16) char arena[GEVAL_ARENA_BYTES];
};
/* NULL: no more. */
void *geval_alloc(struct geval *e, size_t bytes);
/* False: it cannot be worked out, or it would raise. */
bool geval_node(struct geval *e, const struct gnode *n, struct gval *ret);
/* A node without bound variables, its arguments worked out.  -1: not one of these; 0: raises; 1 done. */
int geval_op(struct geval *e, const struct gnode *n, const struct gval *a, struct gval *ret);
/* What a loop runs over, as a list of elements; pairs as two lists of one length. */
bool geval_iter(struct geval *e, const struct gnode *n, struct gval *ret_first, struct gval *ret_second);
bool gval_equal(const struct gval *a, const struct gval *b, double tolerance);
int gval_compare(const struct gval *a, const struct gval *b);
bool gval_list(struct geval *e, uint8_t type, size_t n, struct gval *ret);

#endif
