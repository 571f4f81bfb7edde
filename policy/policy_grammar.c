/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_grammar.c - the embedded policy: programs drawn from a grammar, with weights or without.
 *
 * Sample i of a task is the i-th different program of the task's stream, whatever was asked before:
 * a request for indices further on draws those between as well, one for indices that were passed
 * begins again.  So a resumed run draws the same programs as one that was never stopped.
 */
#include "policy/policy_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/grammar.h"
#include "policy/grammar_eval.h"

#define BATCH 4                    /* samples a turn of the loop: each may take many drafts */
#define DEFAULT_ROOM 8
#define MAX_PROGRAM_BYTES 65536
#define DEFAULT_DRAFTS 100        /* of one sample */
#define MAX_DRAFTS 100000
#define MAX_MISSES 200000          /* draws in a row that give nothing new: the grammar has no more */

struct stream {                    /* of one task in one language */
	struct gsight sight;
	struct gsampler *sampler;
	struct geval *eval;        /* NULL: nothing visible to be right on */
	struct rng rng;
	uint64_t seed;
	char *task_id, *language;
	uint32_t next;             /* index of the next different program */
	uint64_t *seen;            /* hashes of programs, open addressing, 0 free */
	size_t n_seen, cap_seen;
	bool exhausted;
};
struct waiting {
	struct waiting *next;
	uint64_t id, seed;
	const struct task *task;   /* borrowed until all its completions came */
	char *language;
	uint32_t first, n, at;
	bool *skip;
};
struct grammar {
	struct policy base;
	struct gtable *table;
	struct gmodel *model;
	double temperature;
	struct stream stream;      /* the one in use: requests come task by task */
	unsigned drafts;
	struct gprogram program, draft;
	struct buf text;
	struct waiting *head, **tail;
	unsigned n_waiting, max_waiting;
	struct loop_timer *timer;
};

static void stream_clear(struct stream *s)
{
	gsampler_free(s->sampler);
	geval_free(s->eval);
	mem_free(s->task_id);
	mem_free(s->language);
	mem_free(s->seen);
	*s = (struct stream){ 0 };
}

/* 1 new, 0 seen, negative: no memory. */
static int note(struct stream *s, uint64_t hash)
{
	hash |= 1;
	if (2 * s->n_seen >= s->cap_seen) {
		size_t cap = s->cap_seen ? 2 * s->cap_seen : 1024;
		uint64_t *bigger = mem_calloc(cap, sizeof(*bigger));

		if (!bigger)
			return -1;
		for (size_t i = 0; i < s->cap_seen; i++)
			if (s->seen[i]) {
				size_t k = (s->seen[i] >> 1) & (cap - 1);

				while (bigger[k])
					k = (k + 1) & (cap - 1);
				bigger[k] = s->seen[i];
			}
		mem_free(s->seen);
		s->seen = bigger;
		s->cap_seen = cap;
	}
	for (size_t k = (hash >> 1) & (s->cap_seen - 1);; k = (k + 1) & (s->cap_seen - 1)) {
		if (s->seen[k] == hash)
			return 0;
		if (!s->seen[k]) {
			s->seen[k] = hash;
			s->n_seen++;
			return 1;
		}
	}
}

static int stream_open(struct grammar *g, const struct waiting *w, struct error *err)
{
	struct stream *s = &g->stream;
	int r;

	stream_clear(s);
	r = grammar_see(w->task, &s->sight, err);
	if (r == 0 && !grammar_covers(g->table, &s->sight))
		r = error_set(err, ERR_INPUT, "the grammar has no program of this signature");
	if (r == 0 && !grammar_prints(w->language))
		r = error_set(err, ERR_INPUT, "the grammar does not write '%s'", w->language);
	if (r == 0)
		r = gsampler_new(g->table, g->model, &s->sight, g->temperature, &s->sampler, err);
	if (r == 0 && g->drafts > 1)
		r = geval_new(w->task, &s->sight, &s->eval, err);
	if (r < 0)
		return r;
	s->task_id = mem_strdup(w->task->id);
	s->language = mem_strdup(w->language);
	s->seed = w->seed;
	rng_seed(&s->rng, w->seed, "grammar");
	return s->task_id && s->language ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

static bool is_stream_of(const struct stream *s, const struct waiting *w, uint32_t index)
{
	return s->sampler && s->seed == w->seed && s->next <= index && strcmp(s->task_id, w->task->id) == 0 &&
	       strcmp(s->language, w->language) == 0;
}

/* The next different draft into g->draft and g->text; 0 where there is no more. */
static int next_draft(struct grammar *g)
{
	struct stream *s = &g->stream;

	for (unsigned misses = 0; misses < MAX_MISSES && !s->exhausted; misses++) {
		int r;

		if (!gsampler_draw(s->sampler, &s->rng, &g->draft))
			continue;
		buf_reset(&g->text);
		grammar_print(s->language, &s->sight, &g->draft, &g->text);
		if (g->text.error)
			continue;
		r = note(s, hash_xxh3(g->text.data, g->text.len));
		if (r)
			return r;
	}
	s->exhausted = true;
	return 0;
}

/* The program's nodes refer to one another: a copy has to be walked again. */
static bool keep_draft(struct grammar *g)
{
	size_t n = g->draft.n_tokens;

	if (!grammar_replay(g->table, &g->stream.sight, g->draft.tokens, n, NULL, NULL, &g->program))
		return false;
	memcpy(g->program.logprob, g->draft.logprob, n * sizeof(*g->draft.logprob));
	return true;
}

/*
 * The next sample into g->program and g->text; 0 where there is no more.  Of so many drafts the first that
 * is right on the visible cases, else the first.
 */
static int next_program(struct grammar *g)
{
	struct stream *s = &g->stream;
	bool any = false;

	for (unsigned i = 0; i < g->drafts; i++) {
		int r = next_draft(g);
		bool right;

		if (r < 0)
			return r;
		if (r == 0)
			break;
		right = !s->eval || geval_right(s->eval, &g->draft);
		if ((right || !any) && !keep_draft(g))
			return -1;
		any = true;
		if (right)
			break;
	}
	if (!any)
		return 0;
	buf_reset(&g->text);
	grammar_print(s->language, &s->sight, &g->program, &g->text);
	s->next++;
	return g->text.error ? -1 : 1;
}

static json_t *numbers(const uint32_t *ids, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < n; i++)
		if (json_array_append_new(a, json_integer((json_int_t)ids[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

static json_t *logarithms(const struct gprogram *p, size_t n_head)
{
	json_t *a = json_array();

	/* what was seen was not drawn */
	for (size_t i = 0; a && i < n_head + p->n_tokens; i++) {
		double x = i < n_head ? 0 : round((double)p->logprob[i - n_head] * 1e4) / 1e4;

		if (json_array_append_new(a, json_real(x)) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static void refuse(struct grammar *g, const struct waiting *w, uint32_t index, enum policy_status status, const char *why)
{
	struct policy_completion c = { .request_id = w->id, .index = index, .status = status, .failure = why, .seed = -1 };

	policy_deliver(&g->base, &c);
}

static int answer(struct grammar *g, const struct waiting *w, uint32_t index, struct error *err)
{
	cleanup_json json_t *ids = NULL, *logs = NULL;
	struct policy_completion c = { .request_id = w->id, .index = index, .status = POLICY_OK, .finish_reason = "stop",
				       .mode = EXTRACT_SOLUTION, .seed = -1 };
	uint32_t tokens[GRAMMAR_MAX_TOKENS];
	size_t n;
	int r = 1;

	if (!is_stream_of(&g->stream, w, index)) {
		r = stream_open(g, w, err);
		if (r < 0) {
			if (r == ERR_NOMEM)
				return r;
			stream_clear(&g->stream);
			refuse(g, w, index, POLICY_REFUSED, err->msg);
			return 0;
		}
	}
	r = 1;
	while (r > 0 && g->stream.next <= index)
		r = next_program(g);
	if (r < 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (r == 0) {
		refuse(g, w, index, POLICY_EMPTY, "the grammar has no further program for this task");
		return 0;
	}
	n = grammar_encode(&g->stream.sight, &g->program, tokens);
	ids = numbers(tokens, n);
	logs = logarithms(&g->program, n - g->program.n_tokens);
	if (!ids || !logs)
		return error_set(err, ERR_NOMEM, "out of memory");
	c.text = g->text.data;
	c.text_len = g->text.len;
	c.language = w->language;
	c.token_ids = ids;
	c.logprobs = logs;
	c.seed = (int64_t)(w->seed & INT64_MAX);
	policy_deliver(&g->base, &c);
	return 0;
}

static void waiting_free(struct waiting *w)
{
	mem_free(w->skip);
	mem_free(w->language);
	mem_free(w);
}

static void on_timer(void *ctx)
{
	struct grammar *g = ctx;
	struct error err = ERROR_INIT;
	unsigned done = 0;

	while (g->head && done < BATCH) {
		struct waiting *w = g->head;
		uint32_t offset;

		if (w->at == w->n) {
			g->head = w->next;
			if (!g->head)
				g->tail = &g->head;
			g->n_waiting--;
			waiting_free(w);
			continue;
		}
		offset = w->at++;
		if (w->skip && w->skip[offset])
			continue;
		if (answer(g, w, w->first + offset, &err) < 0) {
			policy_die(&g->base, &err);
			return;
		}
		done++;
	}
	if (g->head && loop_timer_start(g->timer, 0, 0, &err) < 0)
		policy_die(&g->base, &err);
}

static int grammar_request(struct policy *p, const struct policy_request *req, struct error *err)
{
	struct grammar *g = (struct grammar *)p;
	struct waiting *w = mem_zalloc(sizeof(*w));
	int r;

	if (!w)
		return error_set(err, ERR_NOMEM, "out of memory");
	*w = (struct waiting){ .id = req->id, .seed = req->seed, .task = req->task, .first = req->first, .n = req->n };
	w->language = mem_strdup(req->language);
	w->skip = req->skip ? mem_memdup(req->skip, req->n * sizeof(*req->skip)) : NULL;
	if (!w->language || (req->skip && !w->skip)) {
		waiting_free(w);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	if (!g->head) {
		r = loop_timer_start(g->timer, 0, 0, err);
		if (r < 0) {
			waiting_free(w);
			return r;
		}
	}
	*g->tail = w;
	g->tail = &w->next;
	g->n_waiting++;
	p->stats.requests++;
	return 0;
}

static unsigned grammar_room(const struct policy *p)
{
	const struct grammar *g = (const struct grammar *)p;

	return g->n_waiting < g->max_waiting ? g->max_waiting - g->n_waiting : 0;
}

static void grammar_drain(struct policy *p, uint64_t grace_us)
{
	struct grammar *g = (struct grammar *)p;

	(void)grace_us;
	for (struct waiting *w = g->head; w; w = w->next)
		w->at = w->n;
}

static void grammar_close(struct policy *p)
{
	struct grammar *g = (struct grammar *)p;

	while (g->head) {
		struct waiting *w = g->head;

		g->head = w->next;
		waiting_free(w);
	}
	loop_timer_free(g->timer);
	stream_clear(&g->stream);
	gmodel_free(g->model);
	grammar_table_free(g->table);
	buf_clear(&g->text);
	mem_free(g);
}

/* "WEIGHTS?drafts=N": *ret_path is "" where there are no weights; mem_free() it. */
static int parse_spec(const char *rest, char **ret_path, unsigned *ret_drafts, struct error *err)
{
	const char *mark = strrchr(rest, '?');
	uint64_t n = DEFAULT_DRAFTS;
	int r;

	if (mark && !str_starts(mark, "?drafts="))
		return error_set(err, ERR_INPUT, "--policy grammar: '%.60s' is not ?drafts=N", mark);
	if (mark) {
		r = str_parse_u64(mark + strlen("?drafts="), "--policy grammar: drafts", 1, MAX_DRAFTS, &n, err);
		if (r < 0)
			return r;
	}
	*ret_drafts = (unsigned)n;
	*ret_path = mark ? mem_strndup(rest, (size_t)(mark - rest)) : mem_strdup(rest);
	return *ret_path ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

static int grammar_open(const struct policy_options *opt, const char *rest, struct loop *loop, struct policy **ret,
			struct error *err)
{
	struct grammar *g;
	cleanup_mem char *path = NULL;
	double t = opt->sampling.temperature;
	unsigned drafts;
	int r = parse_spec(rest, &path, &drafts, err);

	if (r < 0)
		return r;
	if (!isnan(t) && t != 0 && !(t >= 0.05 && t <= 10))
		return error_set(err, ERR_INPUT, "--temperature %g: the grammar takes 0.05 to 10", t);
	g = mem_zalloc(sizeof(*g));
	if (!g)
		return error_set(err, ERR_NOMEM, "out of memory");
	g->tail = &g->head;
	g->drafts = drafts;
	g->temperature = isnan(t) || t == 0 ? 1 : t;
	g->max_waiting = opt->max_in_flight ? opt->max_in_flight : DEFAULT_ROOM;
	buf_init(&g->text, MAX_PROGRAM_BYTES);
	r = grammar_table_new(&g->table, err);
	if (r == 0 && *path)
		r = gmodel_read(path, &g->model, err);
	if (r == 0)
		r = loop_timer_new(loop, on_timer, g, &g->timer, err);
	if (r == 0) {
		g->base.name = g->model ? mem_printf("grammar-%.12s", g->model->digest) : mem_strdup("grammar");
		if (!g->base.name)
			r = error_set(err, ERR_NOMEM, "out of memory");
	}
	if (r < 0) {
		grammar_close(&g->base);
		return r;
	}
	*ret = &g->base;
	return 0;
}

const struct policy_ops policy_grammar_ops = {
	.kind = "grammar",
	.bare = true,
	.open = grammar_open,
	.request = grammar_request,
	.room = grammar_room,
	.drain = grammar_drain,
	.close = grammar_close,
};
