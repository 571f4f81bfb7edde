/* SPDX-License-Identifier: Apache-2.0 */
/* openai_queue.c - groups, their units, and the queues that units wait in; see openai_internal.h. */
#include "policy/openai_internal.h"

#include "core/mem.h"

void queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

void queue_push(struct queue *q, struct unit *u)
{
	u->next = NULL;
	*q->tail = u;
	q->tail = &u->next;
}

void queue_push_front(struct queue *q, struct unit *u)
{
	u->next = q->head;
	if (!q->head)
		q->tail = &u->next;
	q->head = u;
}

struct unit *queue_pop(struct queue *q)
{
	struct unit *u = q->head;

	q->head = u->next;
	if (!q->head)
		q->tail = &q->head;
	return u;
}

void queue_push_due(struct queue *q, struct unit *u)
{
	struct unit **at = &q->head;

	while (*at && (*at)->due_us <= u->due_us)
		at = &(*at)->next;
	u->next = *at;
	*at = u;
	if (!u->next)
		q->tail = &u->next;
}

struct unit *unit_new(struct group *g, uint32_t first, uint32_t n)
{
	struct unit *u = mem_zalloc(sizeof(*u));

	if (!u)
		return NULL;
	u->group = g;
	u->first = first;
	u->n = n;
	return u;
}

void group_free(struct group *g)
{
	json_decref(g->messages);
	mem_free(g->prompt);
	mem_free(g);
}

void group_less(struct openai *o, struct group *g, uint32_t n)
{
	g->n_left -= n;
	if (g->n_left > 0)
		return;
	o->n_groups--;
	group_free(g);
}

void unit_drop(struct openai *o, struct unit *u)
{
	group_less(o, u->group, u->n);
	mem_free(u);
}
