/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_bench.h - drive a policy in a test: ask, run the loop until all is
 * answered (or the policy dies, or time is up), look at what came.
 */
#ifndef WINNOW_TESTS_POLICY_BENCH_H
#define WINNOW_TESTS_POLICY_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/error.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/record.h"
#include "policy/policy.h"

struct got {
	uint64_t request_id;
	uint32_t index;
	enum policy_status status;
	enum extract_mode mode;
	int64_t seed;
	size_t n_token_ids, n_logprobs;
	char *text, *reasoning, *finish_reason, *failure, *language, *model, *fingerprint;
};

struct bench {
	struct loop *loop;
	struct policy *policy;
	struct loop_timer *guard;
	struct got *got;
	size_t n_got, n_want; /* the loop stops at n_want */
	bool dead, timed_out, asking;
	struct error why;
	void (*on_got)(struct bench *b, const struct policy_completion *c); /* NULL: nothing more is done */
	void *arg;
};

#define BENCH_OPTIONS { .sampling = { .temperature = NAN, .top_p = NAN }, .seed = 7, .retry_base_us = 2000, \
			.retry_cap_us = 20000, .request_timeout_us = 10000000, .dead_after_us = 10000000 }

/* Fails the test where the policy cannot be opened. */
void bench_open(struct bench *b, const struct policy_options *opt);
int bench_try_open(struct bench *b, const struct policy_options *opt, struct error *err);
void bench_ask(struct bench *b, uint64_t id, const struct task *task, uint32_t first, uint32_t n, const bool *skip);
/* Until n_want completions came, the policy died, nothing is left to wait for, or 20 s passed. */
void bench_run(struct bench *b, size_t n_want);
void bench_close(struct bench *b);
/* What came for (request, index): fails the test unless it is exactly one. */
const struct got *bench_find(const struct bench *b, uint64_t id, uint32_t index);
size_t bench_count(const struct bench *b, enum policy_status status);

/* A task whose prompt is Python code (code) or words. */
struct task *bench_task(const char *id, const char *entry_point, const char *prompt, bool code);
/* A file in the build's temporary folder; returns its path, mem_free() it. */
char *bench_file(const char *name, const void *data, size_t n);
char *bench_text(const char *name, const char *text);

#endif
