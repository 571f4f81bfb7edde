/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_bench.h - a judge with a spawner of its own, for tests that need one.
 *
 * With BENCH_PLAIN in the environment the judge takes no shortcut.
 * bench_open() is a group setup: where this host allows no box at all it leaves bench_judge() NULL,
 * and bench_or_skip() skips each test by name.
 */
#ifndef WINNOW_TESTS_UNIT_FILTERS_JUDGE_BENCH_H
#define WINNOW_TESTS_UNIT_FILTERS_JUDGE_BENCH_H

#include "filters/judge.h"

int bench_open(void **state);
int bench_close(void **state);
struct judge *bench_or_skip(void);
const struct language_set *bench_languages(void);

/* A task of one's own from its JSON; fails the test where it is none. */
struct task *bench_task(const char *json);
/* Judge one program and wait; judgement_clear() what comes back. */
struct judgement bench_judge(const struct task *task, const char *language, const char *program,
			     size_t n, bool all_tests);
/* The same of any request, whose limits come from its task. */
struct judgement bench_judge_request(struct judge_request req);
/* Submit it, wait so long, cancel it: fails the test where an answer comes after that. */
void bench_cancel_after(struct judge_request req, uint64_t us);

#endif
