/* SPDX-License-Identifier: Apache-2.0 */
/* openai_request.h - the body of a request, and the seeds in it.  Pure. */
#ifndef WINNOW_POLICY_OPENAI_REQUEST_H
#define WINNOW_POLICY_OPENAI_REQUEST_H

#include "core/buf.h"
#include "policy/policy.h"

struct openai_ask {
	bool chat;
	const char *model;
	const json_t *messages;  /* chat */
	const char *prompt;      /* completions */
	const struct policy_sampling *sampling;
	unsigned n;              /* 1: the field is left out */
	int64_t seed;
	bool logprobs;
	bool token_ids;
	bool max_completion_tokens; /* the newer name of max_tokens */
};
int openai_request_body(const struct openai_ask *a, struct buf *out, struct error *err);

/* The seed of a task's sample 0: 52 bits (so that any JSON reader keeps it) of
 * which the lower 17 are zero.  Sample i sends base + i, whatever group it is
 * asked in: a server that gives child k of a request the seed + k then draws the
 * same seeds as one that is asked one by one, and no two groups share one. */
int64_t openai_seed_base(uint64_t run_seed, uint64_t task_seed);

#endif
