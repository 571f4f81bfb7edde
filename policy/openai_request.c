/* SPDX-License-Identifier: Apache-2.0 */
/* openai_request.c - see openai_request.h. */
#include "policy/openai_request.h"

#include <math.h>
#include "core/rng.h"

int64_t openai_seed_base(uint64_t run_seed, uint64_t task_seed)
{
	struct rng rng;
	uint64_t mixed;

	rng_seed(&rng, run_seed, "policy.openai");
	mixed = rng_next(&rng) ^ task_seed;
	rng_seed(&rng, mixed, "policy.openai.task");
	return (int64_t)(rng_next(&rng) >> (64 - 52) & ~((UINT64_C(1) << 17) - 1));
}

static bool put(json_t *body, const char *key, json_t *value)
{
	return json_object_set_new(body, key, value) == 0;
}

static bool put_sampling(json_t *body, const struct openai_ask *a)
{
	const struct policy_sampling *s = a->sampling;
	json_t *stop;

	if (!isnan(s->temperature) && !put(body, "temperature", json_real(s->temperature)))
		return false;
	if (!isnan(s->top_p) && !put(body, "top_p", json_real(s->top_p)))
		return false;
	if (s->max_tokens > 0 && !put(body, a->max_completion_tokens ? "max_completion_tokens" : "max_tokens",
				      json_integer(s->max_tokens)))
		return false;
	if (!s->stop || !s->stop[0])
		return true;
	stop = json_array();
	for (size_t i = 0; stop && s->stop[i]; i++) {
		if (json_array_append_new(stop, json_string(s->stop[i])) < 0) {
			json_decref(stop);
			return false;
		}
	}
	return put(body, "stop", stop);
}

int openai_request_body(const struct openai_ask *a, struct buf *out, struct error *err)
{
	cleanup_json json_t *body = json_object();
	bool ok = body && put(body, "model", json_string(a->model));

	if (a->chat)
		ok = ok && put(body, "messages", json_incref((json_t *)a->messages));
	else
		ok = ok && put(body, "prompt", json_string(a->prompt));
	if (a->n > 1)
		ok = ok && put(body, "n", json_integer(a->n));
	ok = ok && put_sampling(body, a) && put(body, "seed", json_integer(a->seed));
	if (a->logprobs) /* chat: a switch; completions: of how many tokens besides */
		ok = ok && put(body, "logprobs", a->chat ? json_true() : json_integer(1));
	if (a->token_ids)
		ok = ok && put(body, "return_token_ids", json_true());
	if (!ok)
		return error_set(err, ERR_NOMEM, "cannot make a request: no memory, or text that is not UTF-8");
	return json_dump_line(body, out, err);
}
