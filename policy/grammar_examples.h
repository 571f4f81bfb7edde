/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_examples.h - a signature from what a prompt shows: `assert f(1, [2]) == 3`.
 *
 * For tasks without a signature (MBPP), whose prompt names the function by an example alone.
 */
#ifndef WINNOW_POLICY_GRAMMAR_EXAMPLES_H
#define WINNOW_POLICY_GRAMMAR_EXAMPLES_H

#include "policy/grammar.h"

typedef void grammar_cases_fn(struct gsight *s, struct value *const *args, struct value *const *outs, size_t n);
/* Fills the parameters (named by their types) and what is returned; `cases` is given what the
 * examples show.  ERR_INPUT: no example that is a call compared with a literal, or types that the
 * grammar has no values of. */
int grammar_see_examples(const struct task *t, struct gsight *s, grammar_cases_fn *cases, struct error *err);
/* The examples that are a call compared with a literal: at most max, values in the pool. */
size_t grammar_read_examples(const struct task *t, struct value_pool *pool, struct value **ret_args, struct value **ret_outs,
			     size_t max);

#endif
