/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_judge.h - a judge that runs nothing: the verdict is a word in the program.
 *
 * Linked instead of filters/judge.c, so that the engine is tested for what it does itself.
 * A program that holds "accept" is accepted, "internal" fails in our machinery (while
 * fake_judge.internal_fails is set), anything else is a wrong answer.
 */
#ifndef WINNOW_TESTS_FAKE_JUDGE_H
#define WINNOW_TESTS_FAKE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include "filters/judge.h"

struct fake_judge {
	bool internal_fails;
	size_t submitted, answered;
	size_t signal_after;        /* raise signal_number at this answer; 0: never */
	int signal_number;
	size_t die_after;           /* the spawner "dies" at this answer; 0: never */
	size_t max_in_flight;       /* seen */
	bool stuck;                 /* nothing is answered */
};
extern struct fake_judge fake_judge;
struct judge *fake_judge_new(void);

#endif
