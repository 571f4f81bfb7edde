/* SPDX-License-Identifier: Apache-2.0 */
/* engine_sample.c - asking the policy, and taking what comes. */
#include "rollout/engine_internal.h"

#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"

#define MAX_ASKED 1024          /* completions asked for and not here */
#define FAILURES_TOLD 3         /* of each reason; the rest is in the counts */
#define SKIPS_A_TURN 512        /* rows of skipped samples written before others get their turn */

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

bool engine_has_room(const struct engine *e)
{
	size_t bound = 4 * (size_t)judge_slots(e->opt.judging->judge) + 256;

	/* Recorded completions come at once: nothing is won by asking for more than can wait. */
	return e->n_waiting < bound && e->n_asked + e->n_waiting < (e->run->by_record ? bound : MAX_ASKED);
}

static void ask_free(struct ask *a)
{
	json_decref(a->messages);
	mem_free(a->plain);
	mem_free(a);
}

void engine_free_asks(struct engine *e, struct ask **list)
{
	(void)e;
	while (*list) {
		struct ask *a = *list;

		*list = a->next;
		ask_free(a);
	}
}

static void ask_link(struct ask **list, struct ask *a)
{
	a->next = *list;
	a->link = list;
	if (*list)
		(*list)->link = &a->next;
	*list = a;
}

static void ask_unlink(struct ask *a)
{
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
}

static int send_ask(struct engine *e, const struct plan_batch *b, struct error *err)
{
	const struct run_item *item = &e->run->items[b->item];
	const struct task *task = e->run->tasks[item->task].task;
	struct ask *a = mem_zalloc(sizeof(*a));
	struct policy_request req = { .task = task, .language = item->language->name, .first = b->first, .n = b->n };
	int r;

	if (!a)
		return nomem(err);
	a->batch = *b;
	a->left = b->wanted;
	a->id = ++e->next_ask_id;
	r = json_parse(item->messages_json, strlen(item->messages_json), &a->messages, err);
	if (r == 0)
		r = prompt_plain(e->run->template, task, item->language->name, item->language->title,
				 item->language->conventions, &a->plain, err);
	if (r == 0) {
		req.id = a->id;
		req.messages = a->messages;
		req.plain_prompt = a->plain;
		req.skip = b->wanted < b->n ? a->batch.skip : NULL;
		req.seed = plan_seed(e->run->seed, task->id, item->language->name);
		r = policy_request(e->policy, &req, err);
	}
	if (r < 0) {
		ask_free(a);
		return error_prefix(err, r, "task '%s'", task->id);
	}
	ask_link(&e->asks, a);
	e->n_asked += b->wanted;
	return 0;
}

/* A row for each sample of an item that is not judged, a part at a time. */
static int write_skips(struct engine *e, struct error *err)
{
	const struct run_item *item = &e->run->items[e->skip_batch.item];
	unsigned written = 0;

	for (; e->skip_next < e->skip_batch.n && written < SKIPS_A_TURN; e->skip_next++) {
		uint32_t index = e->skip_batch.first + e->skip_next;
		struct store_sample row = {
			.sample_id = store_sample_id(e->run->id, (uint32_t)e->skip_batch.item, index, 0),
			.run_id = e->run->id, .task_ordinal = (uint32_t)e->skip_batch.item, .index = index,
			.origin = "sample", .language = item->language->name, .state = SAMPLE_SKIPPED,
			.reason = item->skip, .seed = -1, .mode = EXTRACT_CHAT,
		};
		int r;

		if (e->skip_batch.skip[e->skip_next])
			continue;
		r = engine_put_sample(e, &row, err);
		if (r < 0)
			return r;
		e->run->tally.skipped[skip_reason_parse(item->skip)]++;
		e->run->tally.session_samples++;
		written++;
	}
	return 0;
}

int engine_ask_more(struct engine *e, struct error *err)
{
	unsigned skipped_batches = 0;
	struct plan_batch b;
	int r;

	while (!e->no_more && !e->plan_done && !e->ended) {
		if (e->skip_next < e->skip_batch.n) {
			if (++skipped_batches > SKIPS_A_TURN / PLAN_BATCH) {
				engine_wake(e);
				return 0;
			}
			r = write_skips(e, err);
			if (r < 0)
				return r;
			continue;
		}
		if (!engine_has_room(e) || !policy_room(e->policy))
			return 0;
		if (!plan_next(&e->run->plan, &b)) {
			e->plan_done = true;
			return 0;
		}
		if (e->run->items[b.item].skip) {
			e->skip_batch = b;
			e->skip_next = 0;
			continue;
		}
		r = send_ask(e, &b, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int engine_take_pending(struct engine *e, struct error *err)
{
	while (e->next_pending < e->run->n_pending && engine_has_room(e) && !e->ended) {
		struct run_pending *p = &e->run->pending[e->next_pending];
		struct subject s = { .sample_id = p->sample_id, .item = p->item, .language = p->language,
				     .extra_flags = p->extra_flags };
		int r = engine_judge_text(e, &s, p->mode, p->text, p->text_len, err);

		if (r < 0)
			return r;
		mem_free(p->text);
		p->text = NULL;
		e->next_pending++;
	}
	return 0;
}

/* --- what comes --- */

static struct ask *find_ask(struct engine *e, uint64_t id)
{
	for (struct ask *a = e->asks; a; a = a->next)
		if (a->id == id)
			return a;
	return NULL;
}

static char *json_text(const json_t *j, struct error *err)
{
	cleanup_buf struct buf b;

	buf_init(&b, 256u << 20);
	if (json_dump_canonical(j, &b, err) < 0 || buf_check(&b, "array", err) < 0)
		return NULL;
	return buf_steal(&b, NULL);
}

/* The language that a completion is in, or NULL with why it is none of this run. */
static const struct language *completion_language(struct engine *e, const struct run_item *item,
						  const struct policy_completion *c)
{
	if (!c->language || !e->run->by_record)
		return item->language;
	return run_language(e->run, e->opt.judging, c->language);
}

static int take_failed(struct engine *e, struct store_sample *row, enum policy_status status, const char *why,
		       struct error *err)
{
	row->state = SAMPLE_FAILED;
	row->reason = policy_status_name(status);
	row->completion = NULL;
	row->completion_len = 0;
	e->run->tally.failed[status]++;
	e->run->tally.session_samples++;
	if (e->run->tally.failed[status] <= FAILURES_TOLD) {
		const char *task = e->run->tasks[e->run->items[row->task_ordinal].task].task->id;
		const char *more = e->run->tally.failed[status] == FAILURES_TOLD ? "; more of these are only counted" : "";

		log_warn("task '%s' sample %u: %s: %s%s", task, row->index, row->reason, why ? why : "no reason given",
			 more);
		engine_event(e, "warning", "task '%s' sample %u: %s: %s%s", task, row->index, row->reason,
			     why ? why : "no reason given", more);
	}
	return engine_put_sample(e, row, err);
}

static int take_skipped(struct engine *e, struct store_sample *row, const char *reason, struct error *err)
{
	int which = skip_reason_parse(reason);

	row->state = SAMPLE_SKIPPED;
	row->reason = skip_reason_name((enum skip_reason)which);
	e->run->tally.skipped[which]++;
	e->run->tally.session_samples++;
	return engine_put_sample(e, row, err);
}

static int take(struct engine *e, const struct ask *a, const struct policy_completion *c, struct error *err)
{
	const struct run_item *item = &e->run->items[a->batch.item];
	const struct task *task = e->run->tasks[item->task].task;
	const struct language *language = completion_language(e, item, c);
	cleanup_mem char *ids = NULL, *logprobs = NULL;
	bool truncated = str_eq(c->finish_reason, "length");
	struct store_sample row = {
		.sample_id = store_sample_id(e->run->id, (uint32_t)a->batch.item, c->index, 0),
		.run_id = e->run->id, .task_ordinal = (uint32_t)a->batch.item, .index = c->index,
		.origin = "sample", .language = item->language->name,
		.state = SAMPLE_PENDING, .completion = c->text, .completion_len = c->text_len,
		.reasoning = c->reasoning, .reasoning_len = c->reasoning_len,
		.finish_reason = c->finish_reason, .truncated = truncated, .seed = c->seed,
		.sampling_json = e->sampling_json, .model = c->model, .fingerprint = c->fingerprint,
		.mode = c->mode, .extra_flags = truncated ? FLAG_TRUNCATED : 0,
	};
	struct subject s = { .sample_id = row.sample_id, .item = row.task_ordinal, .language = language,
			     .extra_flags = row.extra_flags, .row = &row };
	const char *skip;

	if (c->status != POLICY_OK)
		return take_failed(e, &row, c->status, c->failure, err);
	if (!language)
		return take_failed(e, &row, POLICY_MISSING, "its language is none of this run's", err);
	row.language = language->name;
	if ((c->token_ids && !(ids = json_text(c->token_ids, err))) ||
	    (c->logprobs && !(logprobs = json_text(c->logprobs, err))))
		return err->code ? err->code : nomem(err);
	row.token_ids_json = ids;
	row.logprobs_json = logprobs;
	if (e->run->by_record) {
		skip = judge_skip_reason(e->opt.judging->judge, task, language->name);
		if (skip)
			return take_skipped(e, &row, skip, err);
	}
	e->run->tally.sampled++;
	return engine_judge_text(e, &s, c->mode, c->text, c->text_len, err);
}

void engine_on_completion(void *ctx, const struct policy_completion *c)
{
	struct engine *e = ctx;
	struct error err = ERROR_INIT;
	struct ask *a;
	uint32_t offset;

	if (e->ended || e->dropped)
		return;
	a = find_ask(e, c->request_id);
	offset = a ? c->index - a->batch.first : 0;
	if (!a || c->index < a->batch.first || offset >= a->batch.n || a->batch.skip[offset] || a->got[offset]) {
		log_warn("the policy answered what was not asked: request %llu, sample %u",
			 (unsigned long long)c->request_id, c->index);
		return;
	}
	a->got[offset] = true;
	a->left--;
	e->n_asked--;
	if (take(e, a, c, &err) < 0)
		engine_fail(e, ENGINE_ERROR, &err);
	if (!a->left) {
		/* The policy may still look at it while this callback is on its stack. */
		ask_unlink(a);
		ask_link(&e->ended_asks, a);
	}
	engine_wake(e);
}
