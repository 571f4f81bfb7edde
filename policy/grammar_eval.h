/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_eval.h - works a program out on the visible cases, as its author would with a pencil.
 *
 * The grammar drafts several programs for one sample and says the first that is right on what the
 * prompt shows.  Nothing but visible cases ever comes here, and no verdict comes from here: what is
 * said goes to the judge like any other program.
 *
 * Values are 64-bit ints, doubles, ASCII texts and lists; what goes beyond (a larger int, another
 * character, too many steps or bytes) cannot be worked out, and counts as not right.
 */
#ifndef WINNOW_POLICY_GRAMMAR_EVAL_H
#define WINNOW_POLICY_GRAMMAR_EVAL_H

#include <stdbool.h>
#include "policy/grammar.h"

struct geval;
/* The visible cases of a task.  *ret NULL: it shows none that can be worked out. */
int geval_new(const struct task *t, const struct gsight *s, struct geval **ret, struct error *err);
void geval_free(struct geval *e);
/* Is it right on every visible case? */
bool geval_right(struct geval *e, const struct gprogram *p);

#endif
