/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_replay.c - recorded completions as a policy.
 *
 * The whole file is read and indexed at open.  Requests wait in a queue and are
 * answered from a timer, a batch at a time, so that reading, judging and writing
 * get their turns, and no callback comes from within policy_request().
 */
#include "policy/policy_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

#define BATCH 64
#define DEFAULT_ROOM 64

struct place {                 /* where a (task, index) is */
	const char *task_id;
	uint32_t index;
	size_t record;
};

struct waiting {
	struct waiting *next;
	uint64_t id;
	char *task_id;
	uint32_t first, n, at; /* at: how many are done with */
	bool *skip;
};

struct replay {
	struct policy base;
	struct sample_file file;
	struct place *places;  /* sorted by task id, then index */
	unsigned max_waiting, n_waiting;
	struct waiting *head, **tail;
	struct loop_timer *timer;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = x->task_id == y->task_id ? 0 : strcmp(x->task_id, y->task_id);

	if (order)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

static const struct sample_record *find(const struct replay *rp, const char *task_id, uint32_t index)
{
	struct place key = { .task_id = task_id, .index = index };
	const struct place *at = bsearch(&key, rp->places, rp->file.n, sizeof(*rp->places), by_place);

	return at ? &rp->file.items[at->record] : NULL;
}

static void waiting_free(struct waiting *w)
{
	mem_free(w->skip);
	mem_free(w->task_id);
	mem_free(w);
}

static void answer(struct replay *rp, const struct waiting *w, uint32_t index)
{
	const struct sample_record *r = find(rp, w->task_id, index);
	struct policy_completion c = { .request_id = w->id, .index = index, .seed = -1 };
	char words[320];

	if (!r) {
		snprintf(words, sizeof(words), "'%s' holds no sample %u of task '%s'", rp->file.path, index, w->task_id);
		c.status = POLICY_MISSING;
		c.failure = words;
	} else {
		c.status = POLICY_OK;
		c.text = r->text;
		c.text_len = r->text_len;
		c.mode = r->mode;
		c.language = r->language;
		c.finish_reason = r->finish_reason;
		c.reasoning = r->reasoning;
		c.reasoning_len = r->reasoning ? strlen(r->reasoning) : 0;
	}
	policy_deliver(&rp->base, &c);
}

static void on_timer(void *ctx)
{
	struct replay *rp = ctx;
	unsigned done = 0;

	while (rp->head && done < BATCH) {
		struct waiting *w = rp->head;

		if (w->at == w->n) {
			rp->head = w->next;
			if (!rp->head)
				rp->tail = &rp->head;
			rp->n_waiting--;
			waiting_free(w);
			continue;
		}
		uint32_t offset = w->at++;

		if (w->skip && w->skip[offset])
			continue;
		answer(rp, w, w->first + offset); /* may ask for more, or drain */
		done++;
	}
	if (rp->head) {
		struct error err = ERROR_INIT;

		if (loop_timer_start(rp->timer, 0, 0, &err) < 0)
			policy_die(&rp->base, &err);
	}
}

static int replay_request(struct policy *p, const struct policy_request *req, struct error *err)
{
	struct replay *rp = (struct replay *)p;
	struct waiting *w = mem_zalloc(sizeof(*w));
	int r;

	if (!w)
		return error_set(err, ERR_NOMEM, "out of memory");
	w->id = req->id;
	w->task_id = mem_strdup(req->task->id);
	w->first = req->first;
	w->n = req->n;
	w->skip = req->skip ? mem_memdup(req->skip, req->n * sizeof(*req->skip)) : NULL;
	if (!w->task_id || (req->skip && !w->skip)) {
		waiting_free(w);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	if (!rp->head) {
		r = loop_timer_start(rp->timer, 0, 0, err);
		if (r < 0) {
			waiting_free(w);
			return r;
		}
	}
	*rp->tail = w;
	rp->tail = &w->next;
	rp->n_waiting++;
	p->stats.requests++;
	return 0;
}

static unsigned replay_room(const struct policy *p)
{
	const struct replay *rp = (const struct replay *)p;

	return rp->n_waiting < rp->max_waiting ? rp->max_waiting - rp->n_waiting : 0;
}

static void drop_all(struct replay *rp)
{
	while (rp->head) {
		struct waiting *w = rp->head;

		rp->head = w->next;
		waiting_free(w);
	}
	rp->tail = &rp->head;
	rp->n_waiting = 0;
}

/* Nothing is ever in flight: what waits is dropped at the next turn (a drain may
 * come from within answer(), which still holds the head). */
static void replay_drain(struct policy *p, uint64_t grace_us)
{
	struct replay *rp = (struct replay *)p;

	(void)grace_us;
	for (struct waiting *w = rp->head; w; w = w->next)
		w->at = w->n;
}

static void replay_close(struct policy *p)
{
	struct replay *rp = (struct replay *)p;

	drop_all(rp);
	loop_timer_free(rp->timer);
	sample_file_clear(&rp->file);
	mem_free(rp->places);
	mem_free(rp);
}

static int read_all(struct replay *rp, const struct policy_options *opt, const char *path, struct error *err)
{
	cleanup_mem uint32_t *index = NULL;
	int r = sample_file_read(path, opt->tasks, opt->n_tasks, &rp->file, err);

	if (r < 0)
		return r;
	r = sample_file_index(&rp->file, &index, err);
	if (r < 0)
		return r;
	rp->places = mem_calloc(rp->file.n, sizeof(*rp->places));
	if (!rp->places)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < rp->file.n; i++)
		rp->places[i] = (struct place){ rp->file.items[i].task_id, index[i], i };
	qsort(rp->places, rp->file.n, sizeof(*rp->places), by_place);
	return 0;
}

static int replay_open(const struct policy_options *opt, const char *rest, struct loop *loop, struct policy **ret,
		       struct error *err)
{
	struct replay *rp = mem_zalloc(sizeof(*rp));
	const char *slash = strrchr(rest, '/');
	int r;

	if (!rp)
		return error_set(err, ERR_NOMEM, "out of memory");
	rp->tail = &rp->head;
	rp->max_waiting = opt->max_in_flight ? opt->max_in_flight : DEFAULT_ROOM;
	r = read_all(rp, opt, rest, err);
	if (r >= 0)
		r = loop_timer_new(loop, on_timer, rp, &rp->timer, err);
	if (r >= 0) {
		rp->base.name = mem_strdup(slash && slash[1] ? slash + 1 : rest);
		if (!rp->base.name)
			r = error_set(err, ERR_NOMEM, "out of memory");
	}
	if (r < 0) {
		replay_close(&rp->base);
		return r;
	}
	*ret = &rp->base;
	return 0;
}

const struct policy_ops policy_replay_ops = {
	.kind = "replay",
	.open = replay_open,
	.request = replay_request,
	.room = replay_room,
	.drain = replay_drain,
	.close = replay_close,
};
