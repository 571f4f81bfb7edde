/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assertions.h - test code that is nothing but assertions of one call each, for filters/ only.
 *
 * The Python judge recognises such test code when it is taught a task (judge.py, Recogniser) and
 * says it as a list: arguments, a constant, and how the answer must stand to it.  The relay then
 * asks and compares by itself, and no Python judge runs for that task.  What an answer means must
 * be what Python would say; where that is not sure, it is said, and Python is asked after all.
 */
#ifndef WINNOW_FILTERS_ASSERTIONS_H
#define WINNOW_FILTERS_ASSERTIONS_H

#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/record.h"
#include "core/value.h"

/* The bytes of docs/formats/frame.md ("What `t` may hold"). */
enum assertion_kind {
	ASSERT_EQUAL = 'E',
	ASSERT_NOT_EQUAL = 'N',
	ASSERT_IS = 'I',         /* None, True or False */
	ASSERT_IS_NOT = 'J',
	ASSERT_TRUE = 'T',
	ASSERT_FALSE = 'F',      /* not f(…) */
	ASSERT_NEAR = '<',       /* abs(f(…) - constant) < tolerance */
	ASSERT_NEAR_OR_AT = ',', /* … <= tolerance */
	ASSERT_ALWAYS = 'A',     /* assert True: nothing is asked */
	ASSERT_NEVER = 'Z'
};
struct assertion {
	enum assertion_kind kind;
	double tolerance;
};
struct assertions {
	struct value_pool *pool;
	struct test_case *cases;   /* args and expect, from the pool; one for each of items */
	struct assertion *items;
	size_t n;
};

/* Read what the Python judge recognised.  visible: numbers of the visible assertions.  *ret is the
 * caller's to free.  ERR_INPUT: not well-formed; ERR_NOMEM. */
int assertions_read(const uint8_t *p, size_t n, const size_t *visible, size_t n_visible, struct assertions **ret,
		    struct error *err);
void assertions_free(struct assertions *a); /* NULL is fine */

enum assertion_answer { ASSERTION_FAILS, ASSERTION_HOLDS, ASSERTION_UNSURE /* only Python knows */ };
/* Does it hold of this answer (NULL for those that ask nothing)?  expect: the constant. */
enum assertion_answer assertion_check(const struct assertion *a, const struct value *answer, const struct value *expect);

#endif
