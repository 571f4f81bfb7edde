/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_internal.h - what the three parts of the openai policy share: the queue of
 * what is still to be asked (openai_queue.c), what an answer means
 * (openai_answer.c), and sending (policy_openai.c, with the theory of operation).
 */
#ifndef WINNOW_POLICY_OPENAI_INTERNAL_H
#define WINNOW_POLICY_OPENAI_INTERNAL_H

#include "core/rng.h"
#include "policy/http.h"
#include "policy/openai_server.h"
#include "policy/policy_internal.h"

struct group {
	uint64_t id;
	json_t *messages;
	char *prompt;
	int64_t seed_base;
	enum extract_mode mode;
	uint32_t n_left;
	bool failed;           /* some of it used up its tries */
};

struct unit {
	struct unit *next;
	struct group *group;
	uint32_t first, n;
	unsigned failures;
	const struct openai_server *alone; /* ask one by one, without n: this server's 400 may have been about it */
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

/* --- openai_queue.c --- */
void queue_init(struct queue *q);
void queue_push(struct queue *q, struct unit *u);
void queue_push_front(struct queue *q, struct unit *u);
void queue_push_due(struct queue *q, struct unit *u);
struct unit *queue_pop(struct queue *q);
struct unit *unit_new(struct group *g, uint32_t first, uint32_t n); /* NULL: no memory */
/* Its indices will not be delivered. */
void unit_drop(struct openai *o, struct unit *u);
void group_free(struct group *g);
/* n indices of the group are delivered or dropped. */
void group_less(struct openai *o, struct group *g, uint32_t n);

/* --- openai_answer.c --- */
/* The end of a call (http_done_fn, ctx: the call). */
void openai_on_answer(void *ctx, const struct http_result *h);
void openai_call_unlink(struct call *c);

/* --- policy_openai.c --- */
void openai_kick(struct openai *o); /* pump() runs at the next turn */

#endif
