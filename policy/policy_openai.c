/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_openai.c - samples from OpenAI-compatible servers.
 *
 * Theory of operation.  A policy_request becomes a *group*; the indices it still
 * needs are *units*, contiguous runs of them, waiting in `ready` or (after a
 * failure, until their pause is over) in `waiting`.  pump(), which runs from a
 * timer alone, sends units to servers, cut to as many choices as a server gives
 * at a time: each HTTP request is a *call*.  When a call ends, on_answer()
 * delivers what came and queues what is missing again.
 *
 * Invariants:
 *   1. An index of a group is in exactly one place: delivered, in a unit, or in a call.
 *   2. group->n_left counts the indices that are not delivered; at 0 it is freed.
 *   3. Only pump() starts and cancels calls; so a callback may ask and drain at will.
 */
#include "policy/policy_internal.h"

#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/http.h"
#include "policy/openai_reply.h"
#include "policy/openai_request.h"
#include "policy/openai_server.h"
#include "policy/retry.h"

#define DEFAULT_IN_FLIGHT 64
#define DEFAULT_RETRIES 6
#define DEFAULT_TIMEOUT_US UINT64_C(600000000)
#define DEFAULT_BASE_US UINT64_C(1000000)
#define DEFAULT_CAP_US UINT64_C(60000000)
#define DEFAULT_DEAD_US UINT64_C(60000000)
#define MAX_REQUEST_BYTES (UINT64_C(16) << 20)
/* So many units in a row that ended without one good answer are no accident:
 * the server is as good as gone, and the run should stop and be resumed. */
#define HOPELESS_UNITS 64
#define WORDS 300

struct group {
	uint64_t id;
	json_t *messages;
	char *prompt;
	int64_t seed_base;
	enum extract_mode mode;
	uint32_t n_left;
};

struct unit {
	struct unit *next;
	struct group *group;
	uint32_t first, n;
	unsigned failures;
	bool alone;            /* ask one by one, without n: a 400 may have been about it */
	uint64_t due_us;
};

struct queue { struct unit *head, **tail; };

struct call {
	struct call *prev, *next;
	struct openai *o;
	struct openai_server *server;
	struct unit *unit;
	struct http_call *http;
	bool probe;
};

struct openai {
	struct policy base;
	struct openai_spec spec;
	struct server_limits limits;
	struct policy_sampling sampling;
	bool chat, logprobs;
	char *key;
	uint64_t seed, timeout_us;
	unsigned max_in_flight, max_retries;
	unsigned n_calls, n_groups, n_hopeless;
	struct rng rng;
	struct http *http;
	struct loop_timer *timer;
	struct queue ready, waiting; /* waiting: by due time */
	struct call *calls;
	uint64_t drain_until_us;
};

/* --- units and groups --- */

static void push(struct queue *q, struct unit *u)
{
	u->next = NULL;
	*q->tail = u;
	q->tail = &u->next;
}

static void push_front(struct queue *q, struct unit *u)
{
	u->next = q->head;
	if (!q->head)
		q->tail = &u->next;
	q->head = u;
}

static struct unit *pop(struct queue *q)
{
	struct unit *u = q->head;

	q->head = u->next;
	if (!q->head)
		q->tail = &q->head;
	return u;
}

static void push_due(struct queue *q, struct unit *u)
{
	struct unit **at = &q->head;

	while (*at && (*at)->due_us <= u->due_us)
		at = &(*at)->next;
	u->next = *at;
	*at = u;
	if (!u->next)
		q->tail = &u->next;
}

static struct unit *unit_new(struct group *g, uint32_t first, uint32_t n)
{
	struct unit *u = mem_zalloc(sizeof(*u));

	if (!u)
		return NULL;
	u->group = g;
	u->first = first;
	u->n = n;
	return u;
}

static void group_free(struct group *g)
{
	json_decref(g->messages);
	mem_free(g->prompt);
	mem_free(g);
}

/* n indices of the group are delivered or dropped. */
static void group_less(struct openai *o, struct group *g, uint32_t n)
{
	g->n_left -= n;
	if (g->n_left > 0)
		return;
	o->n_groups--;
	group_free(g);
}

static void unit_drop(struct openai *o, struct unit *u)
{
	group_less(o, u->group, u->n);
	mem_free(u);
}

static void kick(struct openai *o)
{
	struct error err = ERROR_INIT;

	if (loop_timer_start(o->timer, 0, 0, &err) < 0)
		policy_die(&o->base, &err);
}

static void die_nomem(struct openai *o)
{
	struct error err = ERROR_INIT;

	error_set(&err, ERR_NOMEM, "out of memory");
	policy_die(&o->base, &err);
	kick(o);
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

static void check_hopeless(struct openai *o, const char *words)
{
	unsigned limit = o->max_in_flight > HOPELESS_UNITS ? o->max_in_flight : HOPELESS_UNITS;
	struct error err = ERROR_INIT;

	if (++o->n_hopeless < limit)
		return;
	error_set(&err, ERR_REMOTE, "no good answer to %u requests in a row, each tried %u times; the last: %s",
		  o->n_hopeless, o->max_retries + 1, words);
	policy_die(&o->base, &err);
}

/* This try failed; the unit gets another after a pause, unless it had its share. */
static void try_again(struct openai *o, struct unit *u, enum policy_status status, const char *words)
{
	u->failures++;
	if (u->failures > o->max_retries) {
		deliver_failure(o, u, status, words);
		check_hopeless(o, words);
		return;
	}
	if (o->base.draining) {
		unit_drop(o, u);
		return;
	}
	o->base.stats.retries++;
	u->due_us = clock_now_us() + retry_backoff_us(&o->rng, u->failures, o->limits.base_us, o->limits.cap_us);
	push_due(&o->waiting, u);
}

static void again_at_once(struct openai *o, struct unit *u)
{
	if (o->base.draining)
		unit_drop(o, u);
	else
		push(&o->ready, u);
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
	if (u->alone && c->server->n_state == SERVER_N_UNKNOWN)
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
		u->alone = true;
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
	deliver_failure(o, u, POLICY_HTTP, words);
	check_hopeless(o, words);
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

static void call_unlink(struct call *c)
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
	server_answered(c->server); /* at least it was there */
	if (h->end == HTTP_TOO_LARGE) {
		deliver_failure(o, u, POLICY_HTTP, words);
		return;
	}
	server_unwell(c->server, &o->limits, clock_now_us());
	try_again(o, u, h->end == HTTP_TIMED_OUT ? POLICY_TIMEOUT : POLICY_HTTP, words);
}

static void on_answer(void *ctx, const struct http_result *h)
{
	struct call *c = ctx;
	struct openai *o = c->o;

	call_unlink(c);
	if (c->probe && c->server->n_state == SERVER_N_PROBING)
		c->server->n_state = SERVER_N_UNKNOWN; /* until what came says more */
	settle(o, c, c->unit, h);
	mem_free(c);
	kick(o);
}

/* --- sending --- */

/* The server that has least to do, well ones first; NULL: none now, and *ret_when says when. */
static struct openai_server *choose(struct openai *o, uint64_t now, uint64_t *ret_when)
{
	struct openai_server *best = NULL;
	uint64_t when;

	*ret_when = UINT64_MAX;
	for (unsigned i = 0; i < o->spec.n_servers; i++) {
		struct openai_server *s = &o->spec.servers[i];

		if (s->sick && s->sick_until_us <= now)
			s->sick = false;
		if (!server_usable(s, now, &when)) {
			if (when < *ret_when)
				*ret_when = when;
			continue;
		}
		if (!best || s->sick < best->sick || (s->sick == best->sick && s->in_flight < best->in_flight))
			best = s;
	}
	return best;
}

static int post(struct openai *o, struct call *c, struct error *err)
{
	const struct group *g = c->unit->group;
	cleanup_mem char *url = mem_printf("%s/%s", c->server->url, o->chat ? "chat/completions" : "completions");
	struct openai_ask ask = {
		.chat = o->chat,
		.model = o->spec.model,
		.messages = g->messages,
		.prompt = g->prompt,
		.sampling = &o->sampling,
		.n = c->unit->n,
		.seed = g->seed_base + c->unit->first,
		.logprobs = o->logprobs,
		.token_ids = o->logprobs && !c->server->no_token_ids,
		.max_completion_tokens = c->server->wants_max_completion_tokens,
	};
	cleanup_buf struct buf body;
	int r;

	buf_init(&body, MAX_REQUEST_BYTES);
	if (!url)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = openai_request_body(&ask, &body, err);
	if (r < 0)
		return r;
	return http_post(o->http, url, o->key, &body, o->timeout_us, on_answer, c, &c->http, err);
}

/* Send the first of u's indices to s; what is left of u goes back to the front of the queue. */
static int start(struct openai *o, struct openai_server *s, struct unit *u, struct error *err)
{
	struct call *c = mem_zalloc(sizeof(*c));
	bool probe = false;
	uint32_t n = u->alone ? 1 : server_ask(s, u->n, &probe);
	int r;

	if (c && n < u->n) {
		struct unit *rest = unit_new(u->group, u->first + n, u->n - n);

		if (rest) {
			rest->failures = u->failures;
			rest->alone = u->alone;
			u->n = n;
			push_front(&o->ready, rest);
		} else {
			mem_free(c);
			c = NULL;
		}
	}
	if (!c) {
		push_front(&o->ready, u);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	c->o = o;
	c->server = s;
	c->unit = u;
	c->probe = probe;
	r = post(o, c, err);
	if (r < 0) {
		push_front(&o->ready, u);
		mem_free(c);
		return r;
	}
	if (probe)
		s->n_state = SERVER_N_PROBING;
	server_started(s);
	c->next = o->calls;
	if (c->next)
		c->next->prev = c;
	o->calls = c;
	o->n_calls++;
	o->base.stats.requests++;
	return 0;
}

static void drop_queued(struct openai *o)
{
	while (o->ready.head)
		unit_drop(o, pop(&o->ready));
	while (o->waiting.head)
		unit_drop(o, pop(&o->waiting));
}

static void cancel_calls(struct openai *o)
{
	while (o->calls) {
		struct call *c = o->calls;

		http_cancel(c->http);
		call_unlink(c);
		unit_drop(o, c->unit);
		mem_free(c);
	}
}

static void wake_at(struct openai *o, uint64_t now, uint64_t when)
{
	struct error err = ERROR_INIT;

	if (when == UINT64_MAX)
		return;
	if (loop_timer_start(o->timer, when > now ? when - now : 0, 0, &err) < 0) {
		policy_die(&o->base, &err);
		drop_queued(o);
		cancel_calls(o);
	}
}

static void pump(void *ctx)
{
	struct openai *o = ctx;
	uint64_t now = clock_now_us();
	uint64_t when = UINT64_MAX;
	struct error err = ERROR_INIT;

	if (o->base.draining || o->base.dead) {
		drop_queued(o);
		if (o->base.dead || now >= o->drain_until_us)
			cancel_calls(o);
		else if (o->n_calls > 0)
			wake_at(o, now, o->drain_until_us);
		return;
	}
	while (o->waiting.head && o->waiting.head->due_us <= now)
		push(&o->ready, pop(&o->waiting));
	while (o->ready.head && o->n_calls < o->max_in_flight) {
		struct openai_server *s = choose(o, now, &when);

		if (!s)
			break;
		when = UINT64_MAX;
		if (start(o, s, pop(&o->ready), &err) < 0) {
			policy_die(&o->base, &err);
			drop_queued(o);
			cancel_calls(o);
			return;
		}
	}
	if (o->waiting.head && o->waiting.head->due_us < when)
		when = o->waiting.head->due_us;
	wake_at(o, now, when);
}

/* --- operations --- */

static int openai_request(struct policy *p, const struct policy_request *req, struct error *err)
{
	struct openai *o = (struct openai *)p;
	struct group *g;
	struct queue made = { NULL, &made.head };
	uint32_t run;

	if (o->chat ? !json_is_array(req->messages) : !req->plain_prompt)
		return error_set(err, ERR_INPUT, "task '%s' has no %s", req->task->id, o->chat ? "messages" : "plain prompt");
	g = mem_zalloc(sizeof(*g));
	if (!g)
		return error_set(err, ERR_NOMEM, "out of memory");
	g->id = req->id;
	g->seed_base = openai_seed_base(o->seed, req->seed);
	g->mode = EXTRACT_CHAT;
	if (o->chat) {
		g->messages = json_incref((json_t *)req->messages);
	} else {
		/* The prompt was the code itself only in the task's own language. */
		if (req->task->prompt_language && (!req->language || str_eq(req->task->prompt_language, req->language)))
			g->mode = EXTRACT_COMPLETION;
		g->prompt = mem_strdup(req->plain_prompt);
	}
	for (uint32_t i = 0; i < req->n; i += run) {
		struct unit *u;

		run = 1;
		if (req->skip && req->skip[i])
			continue;
		while (i + run < req->n && !(req->skip && req->skip[i + run]))
			run++;
		u = unit_new(g, req->first + i, run);
		if (!u || (!o->chat && !g->prompt)) {
			mem_free(u);
			while (made.head)
				mem_free(pop(&made));
			group_free(g);
			return error_set(err, ERR_NOMEM, "out of memory");
		}
		g->n_left += run;
		push(&made, u);
	}
	if (g->n_left == 0) {
		group_free(g);
		return 0;
	}
	o->n_groups++;
	while (made.head)
		push(&o->ready, pop(&made));
	kick(o);
	return 0;
}

static unsigned openai_room(const struct policy *p)
{
	const struct openai *o = (const struct openai *)p;

	return o->n_groups < o->max_in_flight ? o->max_in_flight - o->n_groups : 0;
}

static void openai_drain(struct policy *p, uint64_t grace_us)
{
	struct openai *o = (struct openai *)p;
	uint64_t now = clock_now_us();

	o->drain_until_us = grace_us > UINT64_MAX - now ? UINT64_MAX : now + grace_us;
	kick(o);
}

static void openai_close(struct policy *p)
{
	struct openai *o = (struct openai *)p;

	drop_queued(o);
	cancel_calls(o);
	http_free(o->http);
	loop_timer_free(o->timer);
	openai_spec_clear(&o->spec);
	str_list_free(o->sampling.stop);
	if (o->key)
		explicit_bzero(o->key, strlen(o->key));
	mem_free(o->key);
	mem_free(o);
}

static void on_broken(void *ctx, const struct error *why)
{
	struct openai *o = ctx;

	policy_die(&o->base, why);
	kick(o);
}

static int read_options(struct openai *o, const struct policy_options *opt, const char *rest, struct error *err)
{
	int r;

	if (opt->api && !str_eq(opt->api, "chat") && !str_eq(opt->api, "completions"))
		return error_set(err, ERR_INPUT, "--api '%s' is neither chat nor completions", opt->api);
	o->chat = !opt->api || str_eq(opt->api, "chat");
	o->logprobs = opt->logprobs;
	o->seed = opt->seed;
	o->timeout_us = opt->request_timeout_us ? opt->request_timeout_us : DEFAULT_TIMEOUT_US;
	o->max_in_flight = opt->max_in_flight ? opt->max_in_flight : DEFAULT_IN_FLIGHT;
	o->max_retries = opt->max_retries ? opt->max_retries : DEFAULT_RETRIES;
	o->limits.base_us = opt->retry_base_us ? opt->retry_base_us : DEFAULT_BASE_US;
	o->limits.cap_us = opt->retry_cap_us ? opt->retry_cap_us : DEFAULT_CAP_US;
	o->limits.dead_after_us = opt->dead_after_us ? opt->dead_after_us : DEFAULT_DEAD_US;
	o->limits.max_trips = o->max_retries;
	rng_seed(&o->rng, opt->seed, "policy.retry");
	r = openai_spec_parse(rest, &o->spec, err);
	if (r < 0)
		return r;
	r = openai_key_read(opt->api_key_file, &o->key, err);
	if (r < 0)
		return r;
	o->sampling = opt->sampling;
	r = policy_copy_stop(opt->sampling.stop, &o->sampling.stop, err);
	if (r < 0)
		return r;
	o->base.name = mem_strdup(o->spec.model);
	return o->base.name ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

static int openai_open(const struct policy_options *opt, const char *rest, struct loop *loop, struct policy **ret,
		       struct error *err)
{
	struct openai *o = mem_zalloc(sizeof(*o));
	int r;

	if (!o)
		return error_set(err, ERR_NOMEM, "out of memory");
	o->ready.tail = &o->ready.head;
	o->waiting.tail = &o->waiting.head;
	r = read_options(o, opt, rest, err);
	if (r >= 0)
		r = http_new(loop, o->max_in_flight, on_broken, o, &o->http, err);
	if (r >= 0)
		r = loop_timer_new(loop, pump, o, &o->timer, err);
	if (r < 0) {
		mem_free(o->base.name);
		openai_close(&o->base);
		return r;
	}
	*ret = &o->base;
	return 0;
}

const struct policy_ops policy_openai_ops = {
	.kind = "openai",
	.open = openai_open,
	.request = openai_request,
	.room = openai_room,
	.drain = openai_drain,
	.close = openai_close,
};
