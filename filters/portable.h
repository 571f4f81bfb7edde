/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portable.h - which languages can hold the values that a task's tests pass and expect, for filters/ only.
 *
 * A survey takes all values of a task and finds one type for each parameter and for the answer.  What
 * stands in the way of some language is a trait; a recipe lists those that its language lacks (language.h,
 * calls.lacks).
 */
#ifndef WINNOW_FILTERS_PORTABLE_H
#define WINNOW_FILTERS_PORTABLE_H

#include <stddef.h>
#include <stdint.h>
#include "core/record.h"
#include "core/value.h"
#include "sandbox/language.h"

/* word of a recipe, words for people */
#define TRAITS(X)                                                                   \
	X(TRAIT_COMPLEX, "complex", "a complex number")                             \
	X(TRAIT_TYPE, "type", "a type as a value")                                  \
	X(TRAIT_BYTES, "bytes", "bytes")                                            \
	X(TRAIT_OBJECT, "object", "an object of Python's own")                      \
	X(TRAIT_SCRIPT, "script", "an object with methods")                         \
	X(TRAIT_KEYWORDS, "keywords", "an argument by keyword")                     \
	X(TRAIT_BIG, "big", "an integer beyond 64 bits")                            \
	X(TRAIT_MIXED, "mixed", "values of several types in one place")             \
	X(TRAIT_ARITY, "arity", "calls with different numbers of arguments")        \
	X(TRAIT_DEEP, "deep", "containers nested further than lists of lists")      \
	X(TRAIT_RAISES, "raises", "an exception that is expected")                  \
	X(TRAIT_NUL, "nul", "text with a zero byte")
enum trait_bit {
#define X(name, word, words) name##_BIT,
	TRAITS(X)
#undef X
	TRAIT_COUNT
};
enum trait {
#define X(name, word, words) name = 1u << name##_BIT,
	TRAITS(X)
#undef X
};

struct survey;
struct survey *survey_new(void); /* NULL: no memory */
void survey_free(struct survey *s); /* NULL is fine */
/* args: a tuple; answer: NULL where none is known.  Values are not kept. */
void survey_call(struct survey *s, const struct value *args, const struct value *answer);
void survey_mark(struct survey *s, uint32_t traits);
/* Everything that was seen, as traits.  Where memory ran out it is 0: no language is refused for that. */
uint32_t survey_traits(const struct survey *s);
/* All of n cases. */
uint32_t survey_cases(const struct test_case *cases, size_t n);

/* Why a task with these traits cannot be put to a program in this language, as words for people; NULL: it can. */
const char *portable_reason(uint32_t traits, const struct language *l);

#endif
