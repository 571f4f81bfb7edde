/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_answer.c - what an ended call means: which indices are delivered, which are
 * asked again and when, what is learnt of the server, and when to give up.
 */
#include "policy/openai_internal.h"

#include <stdio.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/openai_reply.h"
#include "policy/retry.h"

/* So many groups in a row without one good answer are no accident: the server is
 * as good as gone, and the run should stop and be resumed. */
#define HOPELESS_GROUPS 64
#define WORDS 300

static void die_nomem(struct openai *o)
{
	struct error err = ERROR_INIT;

	error_set(&err, ERR_NOMEM, "out of memory");
	policy_die(&o->base, &err);
	openai_kick(o);
}

/* --- failures --- */

static void deliver_failure(struct openai *o, struct unit *u, enum policy_status status, const char *words)
{
	for (uint32_t i = 0; i < u->n; i++) {
		struct policy_completion c = {
			.request_id = u->group->id,
			.index = u->first + i,
			.status = status,
			.mode = u->group->mode,
			.model = o->spec.model,
			.seed = u->group->seed_base + u->first + i,
			.failure = words,
		};

		policy_deliver(&o->base, &c);
	}
	unit_drop(o, u);
}

/* The unit has failed for good.  It counts once a group: a single task whose
 * prompt no server can take fails each of its samples, and is no sign of death. */
static void fail_unit(struct openai *o, struct unit *u, enum policy_status status, const char *words)
{
	unsigned limit = o->max_in_flight > HOPELESS_GROUPS ? o->max_in_flight : HOPELESS_GROUPS;
	struct error err = ERROR_INIT;

	o->n_hopeless += !u->group->failed;
	u->group->failed = true;
	deliver_failure(o, u, status, words);
	if (o->n_hopeless < limit)
		return;
	error_set(&err, ERR_REMOTE, "no good answer to %u requests in a row; the last: %s", o->n_hopeless, words);
	policy_die(&o->base, &err);
}

/* This try failed; the unit gets another after a pause, unless it had its share. */
static void try_again(struct openai *o, struct unit *u, enum policy_status status, const char *words)
{
	u->failures++;
	if (u->failures > o->max_retries) {
		fail_unit(o, u, status, words);
		return;
	}
	if (o->base.draining) {
		unit_drop(o, u);
		return;
	}
	o->base.stats.retries++;
	u->due_us = clock_now_us() + retry_backoff_us(&o->rng, u->failures, o->limits.base_us, o->limits.cap_us);
	queue_push_due(&o->waiting, u);
}

static void again_at_once(struct openai *o, struct unit *u)
{
	if (o->base.draining)
		unit_drop(o, u);
	else
		queue_push(&o->ready, u);
}

/* --- answers --- */

static void on_unreached(struct openai *o, struct openai_server *s, struct unit *u, const char *words)
{
	uint64_t now = clock_now_us();
	struct error err = ERROR_INIT;
	unsigned n_dead = 0;

	server_unreached(s, &o->limits, now, words);
	again_at_once(o, u); /* no fault of the request */
	for (unsigned i = 0; i < o->spec.n_servers; i++)
		n_dead += server_is_dead(&o->spec.servers[i], &o->limits, now);
	if (n_dead < o->spec.n_servers)
		return;
	error_set(&err, ERR_REMOTE, "cannot reach '%s': %s", s->url, words);
	policy_die(&o->base, &err);
}

static bool is_cut(const struct openai_choice *c)
{
	return c->finish_reason && (str_eq(c->finish_reason, "abort") || str_eq(c->finish_reason, "error"));
}

static bool is_empty(const struct openai_choice *c)
{
	return c->text_len == 0 && !c->reasoning && !c->refusal && !str_eq(c->finish_reason, "content_filter");
}

static void deliver_choice(struct openai *o, const struct unit *u, uint32_t offset, const struct openai_reply *r,
			   const struct openai_choice *ch)
{
	struct policy_completion c = {
		.request_id = u->group->id,
		.index = u->first + offset,
		.text = ch->text,
		.text_len = ch->text_len,
		.reasoning = ch->reasoning,
		.reasoning_len = ch->reasoning_len,
		.finish_reason = ch->finish_reason,
		.mode = u->group->mode,
		.token_ids = ch->token_ids,
		.logprobs = ch->logprobs,
		.model = r->model ? r->model : o->spec.model,
		.fingerprint = r->fingerprint,
		.seed = u->group->seed_base + u->first + offset,
	};
	char words[WORDS];

	if (ch->refusal || str_eq(ch->finish_reason, "content_filter")) {
		openai_redact(ch->refusal ? ch->refusal : "stopped by the server's content filter", o->key, words,
			      sizeof(words));
		c.status = POLICY_REFUSED;
		c.failure = words;
	}
	policy_deliver(&o->base, &c);
}

/* slots[i]: the choice of the unit's i-th index, or NULL.  Servers number their
 * choices; where two have one number (or none has), position decides. */
static void place_choices(const struct openai_reply *r, uint32_t n, const struct openai_choice **slots)
{
	bool distinct = true;

	for (size_t i = 0; i < r->n_choices && distinct; i++) {
		uint32_t at = r->choices[i].index;

		if (at >= n)
			continue;
		distinct = !slots[at];
		slots[at] = &r->choices[i];
	}
	if (distinct)
		return;
	for (uint32_t i = 0; i < n; i++)
		slots[i] = i < r->n_choices ? &r->choices[i] : NULL;
}

/* A list of choices came.  Takes the unit. */
static void on_choices(struct openai *o, struct call *c, struct unit *u, const struct openai_reply *r)
{
	cleanup_mem const struct openai_choice **slots = mem_calloc(u->n, sizeof(*slots));
	struct group *g = u->group;
	uint32_t got = 0, empty = 0, run;

	if (!slots) {
		unit_drop(o, u);
		die_nomem(o);
		return;
	}
	place_choices(r, u->n, slots);
	for (uint32_t i = 0; i < u->n; i++) {
		if (slots[i] && is_cut(slots[i]))
			slots[i] = NULL;
		got += slots[i] != NULL;
		empty += slots[i] && is_empty(slots[i]);
	}
	if (got == 0 || empty == got) {
		try_again(o, u, POLICY_EMPTY, r->n_choices == 0 ? "the answer's list of choices is empty"
					      : got == 0	? "the server broke every choice off"
								: "every choice is empty");
		return;
	}
	server_well(c->server);
	o->n_hopeless = 0;
	if (u->alone == c->server && c->server->n_state == SERVER_N_UNKNOWN)
		server_refused_n(c->server, 2); /* the same without n went through */
	else
		server_learn_n(c->server, u->n, got);
	for (uint32_t i = 0; i < u->n; i += run) {
		run = 1;
		if (slots[i]) {
			deliver_choice(o, u, i, r, slots[i]);
			continue;
		}
		while (i + run < u->n && !slots[i + run])
			run++;
		struct unit *missing = unit_new(g, u->first + i, run);

		if (!missing) {
			die_nomem(o);
			got += run; /* no longer held by any unit: counted off below */
			continue;
		}
		missing->failures = u->failures;
		missing->alone = u->alone;
		/* n_left keeps these; they are no part of u any more */
		again_at_once(o, missing);
	}
	mem_free(u);
	group_less(o, g, got);
}

/* A 400 may be about a field that this server does not know; true: sent again without it. */
static bool adapt(struct openai *o, struct call *c, struct unit *u, const struct openai_reply *r)
{
	struct openai_server *s = c->server;

	if (o->logprobs && !s->no_token_ids && openai_reply_names_field(r, "return_token_ids")) {
		s->no_token_ids = true;
	} else if (o->sampling.max_tokens > 0 && !s->wants_max_completion_tokens &&
		   openai_reply_names_field(r, "max_completion_tokens")) {
		s->wants_max_completion_tokens = true;
	} else if (u->n > 1 && (openai_reply_names_field(r, "n") || openai_reply_names_field(r, "n_cmpl"))) {
		server_refused_n(s, u->n);
	} else if (u->n > 1 && s->n_state == SERVER_N_KNOWN) {
		server_refused_n(s, u->n);
	} else if (u->n > 1) {
		u->alone = s;
	} else {
		return false;
	}
	again_at_once(o, u);
	return true;
}

static void die_of(struct openai *o, const struct openai_server *s, long status, const char *words)
{
	struct error err = ERROR_INIT;

	if (status == 404)
		error_set(&err, ERR_REMOTE, "'%s' has no model '%s': %s", s->url, o->spec.model, words);
	else
		error_set(&err, ERR_REMOTE, "'%s' refused the key (HTTP %ld): %s", s->url, status, words);
	policy_die(&o->base, &err);
}

/* An HTTP answer that is no success.  Takes the unit. */
static void on_refusal(struct openai *o, struct call *c, struct unit *u, const struct http_result *h,
		       const struct openai_reply *r)
{
	char said[WORDS], words[WORDS + 40];

	openai_redact(r->is_error ? r->error : h->body, o->key, said, sizeof(said));
	snprintf(words, sizeof(words), "HTTP %ld%s%s", h->status, said[0] ? ": " : "", said);
	if (h->status == 401 || h->status == 403 || (h->status == 404 && openai_reply_is_model_missing(r))) {
		unit_drop(o, u);
		die_of(o, c->server, h->status, said);
		return;
	}
	if (retry_http_status(h->status)) {
		if (h->status >= 500)
			server_unwell(c->server, &o->limits, clock_now_us());
		try_again(o, u, POLICY_HTTP, words);
		return;
	}
	if ((h->status == 400 || h->status == 422) && adapt(o, c, u, r))
		return;
	fail_unit(o, u, POLICY_HTTP, words);
}

static void on_http(struct openai *o, struct call *c, struct unit *u, const struct http_result *h)
{
	cleanup_openai_reply struct openai_reply r = OPENAI_REPLY_INIT;
	bool good = h->status >= 200 && h->status < 300;
	struct error err = ERROR_INIT;
	uint64_t pause;
	char words[WORDS];
	int code;

	server_answered(c->server);
	if (!good && h->retry_after && retry_after_parse(h->retry_after, clock_wall_us(), &pause)) {
		uint64_t until = clock_now_us() + pause;

		if (until > c->server->not_before_us)
			c->server->not_before_us = until;
	}
	code = openai_reply_parse(h->body, h->body_len, &r, &err);
	if (code == ERR_NOMEM) {
		unit_drop(o, u);
		die_nomem(o);
		return;
	}
	if (!good) {
		on_refusal(o, c, u, h, &r);
		return;
	}
	if (code < 0 || r.is_error) {
		openai_redact(code < 0 ? err.msg : r.error, o->key, words, sizeof(words));
		server_unwell(c->server, &o->limits, clock_now_us());
		try_again(o, u, POLICY_HTTP, words[0] ? words : "an error without words in an answer of HTTP 200");
		return;
	}
	o->base.stats.prompt_tokens += r.prompt_tokens;
	o->base.stats.completion_tokens += r.completion_tokens;
	on_choices(o, c, u, &r);
}

void openai_call_unlink(struct call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->o->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->o->n_calls--;
	server_ended(c->server);
}

/* What an ended call means for its unit, which it takes. */
static void settle(struct openai *o, struct call *c, struct unit *u, const struct http_result *h)
{
	char words[WORDS];

	if (o->base.dead) {
		unit_drop(o, u);
		return;
	}
	openai_redact(h->words ? h->words : "", o->key, words, sizeof(words));
	if (h->end == HTTP_ANSWERED) {
		on_http(o, c, u, h);
		return;
	}
	if (h->end == HTTP_UNREACHED) {
		on_unreached(o, c->server, u, words);
		return;
	}
	if (h->end == HTTP_NO_MEMORY) { /* our failure, not the policy's */
		unit_drop(o, u);
		die_nomem(o);
		return;
	}
	server_answered(c->server); /* at least it was there */
	if (h->end == HTTP_TOO_LARGE) {
		deliver_failure(o, u, POLICY_HTTP, words);
		return;
	}
	server_unwell(c->server, &o->limits, clock_now_us());
	try_again(o, u, h->end == HTTP_TIMED_OUT ? POLICY_TIMEOUT : POLICY_HTTP, words);
}

void openai_on_answer(void *ctx, const struct http_result *h)
{
	struct call *c = ctx;
	struct openai *o = c->o;

	openai_call_unlink(c);
	if (c->probe && c->server->n_state == SERVER_N_PROBING)
		c->server->n_state = SERVER_N_UNKNOWN; /* until what came says more */
	settle(o, c, c->unit, h);
	mem_free(c);
	openai_kick(o);
}
