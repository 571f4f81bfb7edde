/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_openai.c - every way a server can behave, end to end: each index
 * comes exactly once, with the right status, the right text for its seed, and no
 * more requests than that takes.
 */
#include "tests/unit/policy/policy_bench.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/str.h"
#include "tests/support/mock_openai.h"

static struct mock_openai *mock;
static struct task *words, *code;

static char *spec_of(const char *model)
{
	return mem_printf("openai:http://127.0.0.1:%u/v1#%s", mock_openai_port(mock), model);
}

/* A port that nobody listens on: bound, and never listened to. */
static int closed_port(uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* --- one request against one behaviour --- */

static struct behaviour_case {
	const char *name, *model;
	uint32_t n;
	enum policy_status want;
	size_t want_requests;     /* 0: not looked at */
	const char *want_failure; /* part of it */
	unsigned retries;         /* 0: 3 */
	uint64_t timeout_us;      /* 0: 10 s */
	const char *api;
	bool logprobs;
	uint32_t max_tokens;
} behaviour_cases[] = {
	{ "n is honoured: a probe, then the rest at once", "ok", 7, POLICY_OK, .want_requests = 2 },
	{ "n is honoured, completions", "ok", 7, POLICY_OK, .want_requests = 2, .api = "completions" },
	{ "one sample: no n, no probe", "reject-n-mute", 1, POLICY_OK, .want_requests = 1 },
	{ "n is ignored: one by one after the probe", "ignore-n", 6, POLICY_OK, .want_requests = 6 },
	{ "n is refused by name: one by one", "reject-n", 6, POLICY_OK, .want_requests = 7 },
	{ "n is refused without its name", "reject-n-mute", 6, POLICY_OK, .want_requests = 0 },
	{ "n is refused beyond 4: halved until it fits", "max-n@4", 30, POLICY_OK, .want_requests = 0 },
	{ "fewer choices than n: the missing are asked again", "short@3", 12, POLICY_OK, .want_requests = 0 },
	{ "more choices than n: the rest is left", "extra@3", 5, POLICY_OK, .want_requests = 2 },
	{ "every choice says index 0: position decides", "same-index", 5, POLICY_OK, .want_requests = 2 },
	{ "the first choice is broken off: asked again", "abort:2", 3, POLICY_OK, .want_requests = 0 },
	{ "503 twice, then well", "503:2", 3, POLICY_OK, .want_requests = 4 },
	{ "500 twice, then well", "500:2", 3, POLICY_OK, .want_requests = 4 },
	{ "408 once, then well", "408:1", 3, POLICY_OK, .want_requests = 3 },
	{ "429 at once again", "429:2@0", 3, POLICY_OK, .want_requests = 4 },
	{ "429 without Retry-After", "429:2", 3, POLICY_OK, .want_requests = 4 },
	{ "429 with a date that is past", "429-date:1@0", 3, POLICY_OK, .want_requests = 3 },
	{ "a reset, then well", "reset:2", 3, POLICY_OK, .want_requests = 4 },
	{ "an answer cut short, then well", "cut:2", 3, POLICY_OK, .want_requests = 4 },
	{ "truncated JSON, then well", "truncated:2", 3, POLICY_OK, .want_requests = 4 },
	{ "HTML, then well", "html:1", 3, POLICY_OK, .want_requests = 3 },
	{ "an error in a 200, then well", "error200:2", 3, POLICY_OK, .want_requests = 4 },
	{ "a bare error in a 200, then well", "error200-text:1", 3, POLICY_OK, .want_requests = 3 },
	{ "all empty once, then well", "empty:1", 3, POLICY_OK, .want_requests = 3 },
	{ "no choices once, then well", "no-choices:1", 3, POLICY_OK, .want_requests = 3 },
	{ "a stall, then well", "stall:1", 1, POLICY_OK, .timeout_us = 1000000 },
	{ "several ills after each other", "503:1+error200:2+truncated:3+ignore-n", 4, POLICY_OK, .want_requests = 0 },
	{ "500 for ever", "500", 1, POLICY_HTTP, .want_requests = 4, .want_failure = "HTTP 500: something broke" },
	{ "500 for ever, several", "500", 5, POLICY_HTTP, .want_requests = 0, .want_failure = "HTTP 500: something broke" },
	{ "503 for ever", "503@0", 2, POLICY_HTTP, .want_requests = 4, .want_failure = "HTTP 503: loading" },
	{ "429 for ever", "429@0", 2, POLICY_HTTP, .want_requests = 4, .want_failure = "HTTP 429: too many requests" },
	{ "resets for ever", "reset", 2, POLICY_HTTP, .want_requests = 4 },
	{ "truncated for ever", "truncated", 2, POLICY_HTTP, .want_requests = 4, .want_failure = "the answer: not JSON" },
	{ "an error in a 200 for ever", "error200", 2, POLICY_HTTP, .want_requests = 4, .want_failure = "the engine died" },
	{ "empty for ever", "empty", 2, POLICY_EMPTY, .want_requests = 4, .want_failure = "every choice is empty" },
	{ "no choices for ever", "no-choices", 2, POLICY_EMPTY, .want_requests = 4, .want_failure = "the answer's list of choices is empty" },
	{ "a stall for ever", "stall", 1, POLICY_TIMEOUT, .want_requests = 2, .retries = 1, .timeout_us = 200000 },
	{ "400 is not tried again", "400", 1, POLICY_HTTP, .want_requests = 1, .want_failure = "HTTP 400: the prompt is bad" },
	{ "422 is not tried again", "422", 1, POLICY_HTTP, .want_requests = 1, .want_failure = "HTTP 422: a field is bad" },
	{ "404 is not tried again", "404", 1, POLICY_HTTP, .want_requests = 1, .want_failure = "HTTP 404: no such page" },
	{ "a redirection is not followed", "302", 1, POLICY_HTTP, .want_requests = 1, .want_failure = "HTTP 302" },
	{ "a bad prompt fails each of its samples", "400", 4, POLICY_HTTP, .want_requests = 0, .want_failure = "HTTP 400: the prompt is bad" },
	{ "an answer without end", "huge", 1, POLICY_HTTP, .want_requests = 1, .want_failure = "the answer is larger than 64 MiB" },
	{ "the content filter", "filter", 3, POLICY_REFUSED, .want_requests = 2, .want_failure = "content filter" },
	{ "a refusal", "refusal", 3, POLICY_REFUSED, .want_requests = 2, .want_failure = "that I will not do" },
	{ "return_token_ids is refused: left out", "reject-token-ids", 3, POLICY_OK, .want_requests = 3, .logprobs = true },
	{ "max_tokens is refused: its newer name", "reject-max-tokens", 3, POLICY_OK, .want_requests = 3, .max_tokens = 9 },
};

static void behaves(void **state)
{
	const struct behaviour_case *row = *state;
	cleanup_mem char *spec = spec_of(row->model);
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	mock_openai_forget(mock);
	opt.spec = spec;
	opt.api = row->api;
	opt.logprobs = row->logprobs;
	opt.sampling.max_tokens = row->max_tokens;
	opt.max_retries = row->retries ? row->retries : 3;
	if (row->timeout_us)
		opt.request_timeout_us = row->timeout_us;
	bench_open(&b, &opt);
	bench_ask(&b, 5, words, 10, row->n, NULL);
	bench_run(&b, 0); /* until nothing is left to wait for: nothing may come after the last */
	assert_false(b.dead);
	assert_int_equal(b.n_got, row->n);
	for (uint32_t i = 0; i < row->n; i++) {
		const struct got *g = bench_find(&b, 5, 10 + i);
		char text[64];

		assert_string_equal(policy_status_name(g->status), policy_status_name(row->want));
		if (row->want == POLICY_OK) {
			snprintf(text, sizeof(text), "text of seed %lld", (long long)g->seed);
			assert_string_equal(g->text, text);
			assert_null(g->failure);
			assert_string_equal(g->finish_reason, "stop");
			assert_string_equal(g->fingerprint, "fp_mock");
		} else if (row->want_failure && !strstr(g->failure, row->want_failure)) {
			fail_msg("'%s' does not hold '%s'", g->failure, row->want_failure);
		}
	}
	if (row->want_requests)
		assert_int_equal(mock_openai_count(mock), row->want_requests);
	assert_int_equal(policy_stats(b.policy).requests, mock_openai_count(mock));
	assert_int_equal(policy_stats(b.policy).failed, row->want == POLICY_OK ? 0 : row->n);
	assert_true(policy_room(b.policy) == 64);
	bench_close(&b);
}

/* --- what is fatal --- */

static struct fatal_case {
	const char *name, *model, *want;
} fatal_cases[] = {
	{ "401 is fatal", "401", "refused the key (HTTP 401): who are you" },
	{ "403 is fatal", "403", "refused the key (HTTP 403): you may not" },
	{ "a missing model is fatal", "404-model", "has no model '404-model': the model 'x' does not exist" },
};

static void is_fatal(void **state)
{
	const struct fatal_case *row = *state;
	cleanup_mem char *spec = spec_of(row->model);
	struct policy_options opt = BENCH_OPTIONS;
	struct error err = ERROR_INIT;
	struct policy_request req = { .task = words, .n = 1 };
	struct bench b;

	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 4, NULL);
	bench_ask(&b, 2, words, 4, 4, NULL);
	bench_run(&b, 0);
	assert_true(b.dead);
	assert_int_equal(b.why.code, ERR_REMOTE);
	if (!strstr(b.why.msg, row->want))
		fail_msg("'%s' does not hold '%s'", b.why.msg, row->want);
	assert_int_equal(b.n_got, 0);
	assert_int_equal(policy_room(b.policy), 0);
	assert_int_equal(policy_request(b.policy, &req, &err), ERR_REMOTE);
	bench_run(&b, 0); /* and nothing comes after */
	assert_int_equal(b.n_got, 0);
	bench_close(&b);
}

static void openai__nobody_there_is_dead(void **state)
{
	uint16_t port;
	int fd = closed_port(&port);
	cleanup_mem char *spec = mem_printf("openai:http://127.0.0.1:%u/v1#ok", port);
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.spec = spec;
	opt.max_retries = 3;
	bench_open(&b, &opt);
	for (int i = 0; i < 10; i++)
		bench_ask(&b, (uint64_t)i, words, 0, 3, NULL);
	bench_run(&b, 0);
	assert_true(b.dead);
	assert_non_null(strstr(b.why.msg, "cannot reach 'http://127.0.0.1:"));
	assert_int_equal(b.n_got, 0);
	bench_close(&b);
	close(fd);
}

static void openai__one_of_two_servers_is_enough(void **state)
{
	uint16_t port;
	int fd = closed_port(&port);
	cleanup_mem char *spec = mem_printf("openai:http://127.0.0.1:%u/v1,http://127.0.0.1:%u/v1/#ok", port,
					    mock_openai_port(mock));
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	mock_openai_forget(mock);
	opt.spec = spec;
	opt.max_retries = 2;
	bench_open(&b, &opt);
	for (int i = 0; i < 30; i++)
		bench_ask(&b, (uint64_t)i, words, 0, 5, NULL);
	bench_run(&b, 150);
	assert_false(b.dead);
	assert_int_equal(bench_count(&b, POLICY_OK), 150);
	for (uint32_t i = 0; i < 30; i++)
		for (uint32_t k = 0; k < 5; k++)
			(void)bench_find(&b, i, k);
	bench_close(&b);
	close(fd);
}

static void openai__a_sick_server_is_left_for_a_well_one(void **state)
{
	struct mock_openai *other = NULL;
	struct error err = ERROR_INIT;
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	/* Both get the same model name; the first is sick by its counts, for 1,000 requests. */
	assert_int_equal(mock_openai_start(0, NULL, &other, &err), 0);
	mock_openai_forget(mock);
	cleanup_mem char *spec = mem_printf("openai:http://127.0.0.1:%u/v1,http://127.0.0.1:%u/v1#500:3", mock_openai_port(mock),
					    mock_openai_port(other));
	opt.spec = spec;
	opt.max_retries = 6;
	bench_open(&b, &opt);
	for (int i = 0; i < 40; i++)
		bench_ask(&b, (uint64_t)i, words, 0, 2, NULL);
	bench_run(&b, 80);
	assert_int_equal(bench_count(&b, POLICY_OK), 80);
	assert_true(mock_openai_count(mock) > 0 && mock_openai_count(other) > 0);
	bench_close(&b);
	mock_openai_stop(other);
}

static void openai__a_hopeless_server_is_dead(void **state)
{
	cleanup_mem char *spec = spec_of("500");
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.spec = spec;
	opt.max_retries = 1;
	bench_open(&b, &opt);
	for (int i = 0; i < 80; i++)
		bench_ask(&b, (uint64_t)i, words, 0, 1, NULL);
	bench_run(&b, 0);
	assert_true(b.dead);
	assert_int_equal(b.n_got, 64);
	assert_non_null(strstr(b.why.msg, "no good answer to 64 requests in a row"));
	bench_close(&b);
}

/* One task that no server can take is no sign of death, however many samples it has. */
static void openai__one_bad_prompt_is_not_hopeless(void **state)
{
	cleanup_mem char *spec = spec_of("400");
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 150, NULL);
	bench_run(&b, 0);
	assert_false(b.dead);
	assert_int_equal(bench_count(&b, POLICY_HTTP), 150);
	bench_close(&b);
}

/* What one server will not have is not held against another. */
static void openai__n_is_learnt_of_each_server(void **state)
{
	struct mock_openai *other = NULL;
	struct error err = ERROR_INIT;
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;
	size_t before;

	(void)state;
	mock_openai_forget(mock);
	assert_int_equal(mock_openai_start(0, NULL, &other, &err), 0);
	/* Both refuse n once, without naming it, by their own counts. */
	cleanup_mem char *spec = mem_printf("openai:http://127.0.0.1:%u/v1,http://127.0.0.1:%u/v1#reject-n-mute:1",
					    mock_openai_port(mock), mock_openai_port(other));
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 60, NULL);
	bench_run(&b, 60);
	assert_int_equal(bench_count(&b, POLICY_OK), 60);
	before = mock_openai_count(mock) + mock_openai_count(other);
	assert_true(before < 60); /* not all went one by one */
	bench_close(&b);
	mock_openai_stop(other);
}

/* --- fields --- */

static void openai__reasoning_is_kept_apart(void **state)
{
	static const struct { const char *model, *reasoning, *finish; bool empty; } rows[] = {
		{ "reasoning", "because", "stop", false },
		{ "reasoning-content", "because of that", "stop", false },
		{ "only-reasoning", "because", "length", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_mem char *spec = spec_of(rows[i].model);
		struct policy_options opt = BENCH_OPTIONS;
		const struct got *g;
		struct bench b;

		opt.spec = spec;
		bench_open(&b, &opt);
		bench_ask(&b, 1, words, 0, 3, NULL);
		bench_run(&b, 3);
		g = bench_find(&b, 1, 2);
		assert_int_equal(g->status, POLICY_OK);
		assert_string_equal(g->reasoning, rows[i].reasoning);
		assert_string_equal(g->finish_reason, rows[i].finish);
		assert_int_equal(g->text[0] == '\0', rows[i].empty);
		bench_close(&b);
	}
}

static void openai__half_empty_is_taken_as_it_is(void **state)
{
	cleanup_mem char *spec = spec_of("half-empty");
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 6, NULL);
	bench_run(&b, 6);
	assert_int_equal(bench_count(&b, POLICY_OK), 6);
	assert_string_equal(bench_find(&b, 1, 1)->text, "");
	bench_close(&b);
}

static void openai__logprobs_and_ids_for_both_interfaces(void **state)
{
	static const char *const apis[] = { "chat", "completions" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(apis); i++) {
		cleanup_mem char *spec = spec_of("logprobs");
		cleanup_json json_t *sent = NULL;
		struct policy_options opt = BENCH_OPTIONS;
		struct bench b;

		mock_openai_forget(mock);
		opt.spec = spec;
		opt.api = apis[i];
		opt.logprobs = true;
		bench_open(&b, &opt);
		bench_ask(&b, 1, code, 0, 2, NULL);
		bench_run(&b, 2);
		assert_int_equal(bench_find(&b, 1, 1)->n_token_ids, 2);
		assert_int_equal(bench_find(&b, 1, 1)->n_logprobs, 2);
		sent = mock_openai_request(mock, 0);
		assert_true(json_get_bool(json_object_get(sent, "body"), "return_token_ids", false));
		assert_int_equal(policy_stats(b.policy).prompt_tokens, 10);
		assert_int_equal(policy_stats(b.policy).completion_tokens, 10);
		bench_close(&b);
	}
}

static void openai__sends_what_was_asked(void **state)
{
	static char stop1[] = "\ndef", *stop[] = { stop1, NULL };
	cleanup_mem char *spec = spec_of("ok");
	cleanup_json json_t *sent = NULL;
	struct policy_options opt = BENCH_OPTIONS;
	const json_t *body;
	struct bench b;

	(void)state;
	mock_openai_forget(mock);
	opt.spec = spec;
	opt.api = "completions";
	opt.sampling = (struct policy_sampling){ 0.8, 0.95, 300, stop };
	bench_open(&b, &opt);
	assert_string_equal(policy_kind(b.policy), "openai");
	assert_string_equal(policy_name(b.policy), "ok");
	bench_ask(&b, 1, code, 0, 2, NULL);
	bench_run(&b, 2);
	assert_int_equal(bench_find(&b, 1, 0)->mode, EXTRACT_COMPLETION);
	sent = mock_openai_request(mock, 0);
	body = json_object_get(sent, "body");
	assert_string_equal(json_get_str(sent, "path"), "/v1/completions");
	assert_string_equal(json_get_str(body, "prompt"), code->prompt);
	assert_string_equal(json_get_str(body, "model"), "ok");
	assert_int_equal(json_get_int(body, "n", 0), 2);
	assert_int_equal(json_get_int(body, "max_tokens", 0), 300);
	assert_true(json_get_num(body, "temperature", 0) == 0.8);
	assert_true(json_get_num(body, "top_p", 0) == 0.95);
	assert_string_equal(json_string_value(json_array_get(json_object_get(body, "stop"), 0)), "\ndef");
	assert_null(json_object_get(body, "logprobs"));
	bench_close(&b);
}

/* --- seeds --- */

/* The seed of a sample is the same however its group was cut, and no two samples share one. */
static void openai__a_sample_keeps_its_seed(void **state)
{
	static const char *const models[] = { "ok", "ignore-n", "short@2", "500:2" };
	int64_t seeds[12] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		cleanup_mem char *spec = spec_of(models[i]);
		struct policy_options opt = BENCH_OPTIONS;
		struct bench b;

		mock_openai_forget(mock);
		opt.spec = spec;
		bench_open(&b, &opt);
		bench_ask(&b, 1, words, 0, 7, NULL);
		bench_ask(&b, 2, words, 7, 5, NULL);
		bench_run(&b, 12);
		for (uint32_t k = 0; k < 12; k++) {
			const struct got *g = bench_find(&b, k < 7 ? 1 : 2, k);

			if (i == 0)
				seeds[k] = g->seed;
			assert_true(g->seed == seeds[k]);
			assert_true(k == 0 || g->seed == seeds[k - 1] + 1);
		}
		bench_close(&b);
	}
}

static void openai__what_is_there_is_not_asked(void **state)
{
	static const bool skip[] = { true, false, false, true, true, false, true };
	cleanup_mem char *spec = spec_of("ok");
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 7, skip);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 3);
	(void)bench_find(&b, 1, 1);
	(void)bench_find(&b, 1, 2);
	(void)bench_find(&b, 1, 5);
	bench_close(&b);
}

/* --- the key --- */

static void openai__the_key_is_sent_and_never_shown(void **state)
{
	cleanup_mem char *file = bench_text("key", "  sesame\n");
	cleanup_mem char *with_key = spec_of("key");
	cleanup_mem char *echo = spec_of("echo-key");
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.api_key_file = file;
	opt.spec = with_key;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 1, NULL);
	bench_run(&b, 1);
	assert_int_equal(bench_find(&b, 1, 0)->status, POLICY_OK);
	bench_close(&b);

	opt.spec = echo;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 1, NULL);
	bench_run(&b, 1);
	assert_string_equal(bench_find(&b, 1, 0)->failure, "HTTP 400: Bearer [key]");
	bench_close(&b);
	(void)unlink(file);
}

/* --- time --- */

static void waits(const char *model, uint64_t at_least_us)
{
	cleanup_mem char *spec = spec_of(model);
	struct policy_options opt = BENCH_OPTIONS;
	uint64_t before = clock_now_us();
	struct bench b;

	mock_openai_forget(mock);
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 2, NULL);
	bench_run(&b, 2);
	assert_int_equal(bench_count(&b, POLICY_OK), 2);
	assert_true(clock_now_us() - before >= at_least_us);
	bench_close(&b);
}

static void openai__retry_after_is_honoured(void **state)
{
	(void)state;
	waits("429:1@1", 1000000);
	waits("503:1@1", 1000000);
	waits("429-date:1@3", 1900000); /* a date has whole seconds */
}

static void stop_draining(struct bench *b, const struct policy_completion *c)
{
	(void)c;
	policy_drain(b->policy, 0);
}

static void openai__drain_ends_what_waits(void **state)
{
	cleanup_mem char *spec = spec_of("stall");
	struct policy_options opt = BENCH_OPTIONS;
	struct error err = ERROR_INIT;
	struct policy_request req = { .task = words, .n = 1 };
	uint64_t before = clock_now_us();
	struct bench b;

	(void)state;
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 4, NULL);
	policy_drain(b.policy, 100000);
	assert_int_equal(policy_room(b.policy), 0);
	assert_int_equal(policy_request(b.policy, &req, &err), ERR_CANCELLED);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 0);
	assert_false(b.dead);
	assert_true(clock_now_us() - before < 5000000);
	bench_close(&b);
}

static void openai__drain_from_a_callback(void **state)
{
	cleanup_mem char *spec = spec_of("ignore-n");
	struct policy_options opt = BENCH_OPTIONS;
	struct bench b;

	(void)state;
	opt.spec = spec;
	opt.max_in_flight = 1;
	bench_open(&b, &opt);
	b.on_got = stop_draining;
	bench_ask(&b, 1, words, 0, 20, NULL);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 1);
	bench_close(&b);
}

static void stop_when_three_are_out(void *ctx)
{
	struct bench *b = ctx;

	if (mock_openai_count(mock) == 3)
		loop_stop(b->loop);
}

static void openai__drain_lets_what_is_in_flight_end(void **state)
{
	cleanup_mem char *spec = spec_of("slow@700");
	struct policy_options opt = BENCH_OPTIONS;
	struct loop_timer *t = NULL;
	struct error err = ERROR_INIT;
	struct bench b;

	(void)state;
	mock_openai_forget(mock);
	opt.spec = spec;
	bench_open(&b, &opt);
	for (int i = 0; i < 3; i++)
		bench_ask(&b, (uint64_t)i, words, 0, 1, NULL);
	/* Let the three go out: a drain before that would drop them. */
	assert_int_equal(loop_timer_new(b.loop, stop_when_three_are_out, &b, &t, &err), 0);
	assert_int_equal(loop_timer_start(t, 5000, 5000, &err), 0);
	bench_run(&b, 0);
	loop_timer_free(t);
	policy_drain(b.policy, 10000000);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 3);
	bench_close(&b);
}

/* --- many --- */

static void ask_next(struct bench *b, const struct policy_completion *c)
{
	uint64_t *next = b->arg;

	(void)c;
	while (*next < 200 && policy_room(b->policy) > 0) {
		bench_ask(b, *next, words, 0, 3, NULL);
		++*next;
	}
}

static void openai__many_in_flight_with_all_ills(void **state)
{
	cleanup_mem char *spec = spec_of("slow@1+500:20+reset:20+truncated:20+429:20@0+error200:20+empty:20+short@2");
	struct policy_options opt = BENCH_OPTIONS;
	uint64_t next = 0;
	struct bench b;

	(void)state;
	mock_openai_forget(mock);
	opt.spec = spec;
	opt.max_in_flight = 16;
	opt.max_retries = 100;
	bench_open(&b, &opt);
	b.arg = &next;
	b.on_got = ask_next;
	ask_next(&b, NULL);
	assert_int_equal(next, 16);
	bench_run(&b, 600);
	assert_int_equal(bench_count(&b, POLICY_OK), 600);
	for (uint32_t i = 0; i < 200; i++)
		for (uint32_t k = 0; k < 3; k++)
			(void)bench_find(&b, i, k);
	bench_close(&b);
}

static void openai__close_with_calls_in_flight(void **state)
{
	cleanup_mem char *spec = spec_of("stall");
	struct policy_options opt = BENCH_OPTIONS;
	struct loop_timer *t = NULL;
	struct error err = ERROR_INIT;
	struct bench b;

	(void)state;
	opt.spec = spec;
	bench_open(&b, &opt);
	bench_ask(&b, 1, words, 0, 4, NULL);
	assert_int_equal(loop_timer_new(b.loop, (void (*)(void *))loop_stop, b.loop, &t, &err), 0);
	assert_int_equal(loop_timer_start(t, 50000, 0, &err), 0);
	bench_run(&b, 0);
	loop_timer_free(t);
	bench_close(&b);
}

/* --- opening --- */

static struct open_case {
	const char *name, *spec, *api, *version, *want;
} open_cases[] = {
	{ "no kind", "gpt", NULL, NULL, "--policy 'gpt' is none of replay:FILE, openai:URL#MODEL, command:ARGV, grammar[:WEIGHTS]" },
	{ "nothing after the kind", "openai:", NULL, NULL, "--policy 'openai:' says nothing after 'openai:'" },
	{ "no model", "openai:http://h/v1", NULL, NULL, "--policy openai: no '#MODEL' after the URL" },
	{ "empty model", "openai:http://h/v1#", NULL, NULL, "--policy openai: no '#MODEL' after the URL" },
	{ "no scheme", "openai:h/v1#m", NULL, NULL, "--policy openai: 'h/v1' does not begin with http:// or https://" },
	{ "no host", "openai:http:///v1#m", NULL, NULL, "--policy openai: 'http:///v1' has no host" },
	{ "a query", "openai:http://h/v1?a=b#m", NULL, NULL, "--policy openai: 'http://h/v1?a=b' has a query or white space in it" },
	{ "a password in the URL is not repeated", "openai:http://me:secret@h/v1#m", NULL, NULL,
	  "--policy openai: a user or password in the URL is refused: put the key in a file or the environment" },
	{ "an unknown api", "openai:http://h/v1#m", "talk", NULL, "--api 'talk' is neither chat nor completions" },
	{ "a version that is no number", "openai:http://h/v1#m", NULL, "one:x", NULL },
	{ "a version with an empty label", "openai:http://h/v1#m", NULL, "1:", "--policy-version '1:': the label after ':' is empty" },
};

static void refuses_to_open(void **state)
{
	const struct open_case *row = *state;
	struct policy_options opt = BENCH_OPTIONS;
	struct error err = ERROR_INIT;
	struct bench b;

	opt.spec = row->spec;
	opt.api = row->api;
	opt.version = row->version;
	assert_int_equal(bench_try_open(&b, &opt, &err), ERR_INPUT);
	if (row->want)
		assert_string_equal(err.msg, row->want);
	else
		assert_non_null(strstr(err.msg, "--policy-version"));
}

static void version__number_and_label(void **state)
{
	const char *label = "x";
	struct error err = ERROR_INIT;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(policy_version_parse("12", &n, &label, &err), 0);
	assert_int_equal(n, 12);
	assert_null(label);
	assert_int_equal(policy_version_parse("3:step-900", &n, &label, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(label, "step-900");
	assert_int_equal(policy_version_parse("-1", &n, &label, &err), ERR_INPUT);
}

/* Every allocation of opening and asking fails in turn: an error, no leak, no crash. */
static void openai__no_memory_to_open_or_ask(void **state)
{
	cleanup_mem char *spec = spec_of("ok");
	struct policy_options opt = BENCH_OPTIONS;
	struct loop *loop = NULL;
	struct error err = ERROR_INIT;
	struct bench b = { 0 };
	unsigned long nth;
	bool fired;

	(void)state;
	opt.spec = spec;
	opt.version = "1";
	assert_int_equal(loop_new(&loop, &err), 0);
	for (nth = 1;; nth++) {
		struct policy_request req = { .task = words, .plain_prompt = "p", .n = 3 };
		int r;

		req.messages = json_array();
		mem_fault_at(nth);
		r = policy_open(&opt, loop, (policy_completion_fn *)abort, (policy_dead_fn *)abort, &b, &b.policy, &err);
		if (r >= 0)
			r = policy_request(b.policy, &req, &err);
		fired = mem_fault_fired();
		mem_fault_at(0);
		policy_close(b.policy);
		b.policy = NULL;
		json_decref((json_t *)req.messages);
		if (!fired)
			break;
		if (r < 0)
			assert_true(r == ERR_NOMEM || r == ERR_INTERNAL);
	}
	assert_true(nth > 10);
	loop_free(loop);
}

/* Every allocation of a whole conversation fails in turn: no index comes twice, and
 * either all come or the policy says that it is dead. */
static void openai__no_memory_on_the_way(void **state)
{
	cleanup_mem char *spec = spec_of("short@2");
	struct policy_options opt = BENCH_OPTIONS;
	unsigned long nth;
	unsigned n_dead = 0;
	bool fired = true;

	(void)state;
	opt.spec = spec;
	opt.logprobs = true;
	for (nth = 1; fired; nth++) {
		struct bench b;

		bench_open(&b, &opt);
		bench_ask(&b, 1, words, 0, 7, NULL);
		mem_fault_at(nth);
		bench_run(&b, 0);
		fired = mem_fault_fired();
		mem_fault_at(0);
		for (uint32_t i = 0; i < 7; i++) {
			if (b.dead) {
				size_t times = 0;

				for (size_t k = 0; k < b.n_got; k++)
					times += b.got[k].index == i;
				assert_true(times <= 1);
			} else {
				assert_int_equal(bench_find(&b, 1, i)->status, POLICY_OK);
			}
		}
		if (b.dead)
			assert_true(b.why.code == ERR_NOMEM || b.why.code == ERR_INTERNAL);
		n_dead += b.dead;
		bench_close(&b);
	}
	assert_true(n_dead > 10);
}

static int start(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	(void)unsetenv("WINNOW_API_KEY");
	(void)unsetenv("OPENAI_API_KEY");
	words = bench_task("t/1", "f", "Write f.", false);
	code = bench_task("t/2", "f", "def f():\n", true);
	return mock_openai_start(0, NULL, &mock, &err) < 0 ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	mock_openai_stop(mock);
	task_free(words);
	task_free(code);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest singles[] = {
		cmocka_unit_test(openai__nobody_there_is_dead),
		cmocka_unit_test(openai__one_of_two_servers_is_enough),
		cmocka_unit_test(openai__a_sick_server_is_left_for_a_well_one),
		cmocka_unit_test(openai__a_hopeless_server_is_dead),
		cmocka_unit_test(openai__one_bad_prompt_is_not_hopeless),
		cmocka_unit_test(openai__n_is_learnt_of_each_server),
		cmocka_unit_test(openai__reasoning_is_kept_apart),
		cmocka_unit_test(openai__half_empty_is_taken_as_it_is),
		cmocka_unit_test(openai__logprobs_and_ids_for_both_interfaces),
		cmocka_unit_test(openai__sends_what_was_asked),
		cmocka_unit_test(openai__a_sample_keeps_its_seed),
		cmocka_unit_test(openai__what_is_there_is_not_asked),
		cmocka_unit_test(openai__the_key_is_sent_and_never_shown),
		cmocka_unit_test(openai__retry_after_is_honoured),
		cmocka_unit_test(openai__drain_ends_what_waits),
		cmocka_unit_test(openai__drain_from_a_callback),
		cmocka_unit_test(openai__drain_lets_what_is_in_flight_end),
		cmocka_unit_test(openai__many_in_flight_with_all_ills),
		cmocka_unit_test(openai__close_with_calls_in_flight),
		cmocka_unit_test(openai__no_memory_to_open_or_ask),
		cmocka_unit_test(openai__no_memory_on_the_way),
		cmocka_unit_test(version__number_and_label),
	};
	struct CMUnitTest tests[ARRAY_SIZE(behaviour_cases) + ARRAY_SIZE(fatal_cases) + ARRAY_SIZE(open_cases) + ARRAY_SIZE(singles)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(behaviour_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = behaviour_cases[i].name, .test_func = behaves,
						  .initial_state = &behaviour_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(fatal_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = fatal_cases[i].name, .test_func = is_fatal, .initial_state = &fatal_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(open_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = open_cases[i].name, .test_func = refuses_to_open,
						  .initial_state = &open_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		tests[n++] = singles[i];
	return cmocka_run_group_tests(tests, start, stop);
}
