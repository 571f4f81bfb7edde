/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_openai.c - samples from OpenAI-compatible servers.
 *
 * Theory of operation.  A policy_request becomes a *group*; the indices it still
 * needs are *units*, contiguous runs of them, waiting in `ready` or (after a
 * failure, until their pause is over) in `waiting`.  pump(), which runs from a
 * timer alone, sends units to servers, cut to as many choices as a server gives
 * at a time: each HTTP request is a *call*.  When a call ends, openai_on_answer()
 * delivers what came and queues what is missing again.
 *
 * Invariants:
 *   1. An index of a group is in exactly one place: delivered, in a unit, or in a call.
 *   2. group->n_left counts the indices that are not delivered; at 0 it is freed.
 *   3. Only pump() starts and cancels calls; so a callback may ask and drain at will.
 */
#include "policy/openai_internal.h"

#include <string.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/openai_request.h"

#define DEFAULT_IN_FLIGHT 64
#define DEFAULT_RETRIES 6
#define DEFAULT_TIMEOUT_US UINT64_C(600000000)
#define DEFAULT_BASE_US UINT64_C(1000000)
#define DEFAULT_CAP_US UINT64_C(60000000)
#define DEFAULT_DEAD_US UINT64_C(60000000)
#define MAX_REQUEST_BYTES (UINT64_C(16) << 20)

void openai_kick(struct openai *o)
{
	struct error err = ERROR_INIT;

	if (loop_timer_start(o->timer, 0, 0, &err) < 0)
		policy_die(&o->base, &err);
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
	return http_post(o->http, url, o->key, &body, o->timeout_us, openai_on_answer, c, &c->http, err);
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
			queue_push_front(&o->ready, rest);
		} else {
			mem_free(c);
			c = NULL;
		}
	}
	if (!c) {
		queue_push_front(&o->ready, u);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	c->o = o;
	c->server = s;
	c->unit = u;
	c->probe = probe;
	r = post(o, c, err);
	if (r < 0) {
		queue_push_front(&o->ready, u);
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
		unit_drop(o, queue_pop(&o->ready));
	while (o->waiting.head)
		unit_drop(o, queue_pop(&o->waiting));
}

static void cancel_calls(struct openai *o)
{
	while (o->calls) {
		struct call *c = o->calls;

		http_cancel(c->http);
		openai_call_unlink(c);
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
		queue_push(&o->ready, queue_pop(&o->waiting));
	while (o->ready.head && o->n_calls < o->max_in_flight) {
		struct openai_server *s = choose(o, now, &when);

		if (!s)
			break;
		when = UINT64_MAX;
		if (start(o, s, queue_pop(&o->ready), &err) < 0) {
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
	struct queue made;
	uint32_t run;

	if (o->chat ? !json_is_array(req->messages) : !req->plain_prompt)
		return error_set(err, ERR_INPUT, "task '%s' has no %s", req->task->id, o->chat ? "messages" : "plain prompt");
	queue_init(&made);
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
				mem_free(queue_pop(&made));
			group_free(g);
			return error_set(err, ERR_NOMEM, "out of memory");
		}
		g->n_left += run;
		queue_push(&made, u);
	}
	if (g->n_left == 0) {
		group_free(g);
		return 0;
	}
	o->n_groups++;
	while (made.head)
		queue_push(&o->ready, queue_pop(&made));
	openai_kick(o);
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
	openai_kick(o);
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
	openai_kick(o);
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
	queue_init(&o->ready);
	queue_init(&o->waiting);
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
