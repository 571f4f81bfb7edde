/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_fit.c - see grammar_fit.h. */
#include "policy/grammar_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define MAX_ABOVE 32               /* rows of a group that are used, above and below its mean */
#define MAX_BELOW 12
#define MIN_PROBABILITY 1e-4       /* a candidate below this is left as it is */

struct row {
	struct gsight *sight;      /* of the group's first row */
	uint32_t *tokens;
	size_t n_tokens;
	size_t group;
	double advantage, old, weight;
	bool used;
};
struct gfit {
	const struct gtable *table;
	const struct gmodel *parent;
	struct gfit_options opt;
	struct row *rows;
	size_t n_rows, cap_rows;
	char *group;               /* of the last row */
	size_t n_groups;
	struct gsight **sights;
	size_t n_sights, cap_sights;
	struct gmodel *model;
	float *sum;                /* of squared gradients */
	struct gprogram program;
	struct rng rng;
};

int gfit_new(const struct gtable *t, const struct gmodel *parent, const struct gfit_options *opt, struct gfit **ret,
	     struct error *err)
{
	struct gfit *f = mem_zalloc(sizeof(*f));

	if (!f)
		return error_set(err, ERR_NOMEM, "out of memory");
	f->table = t;
	f->parent = parent;
	f->opt = *opt;
	rng_seed(&f->rng, opt->seed, "fit");
	*ret = f;
	return 0;
}

void gfit_free(struct gfit *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_rows; i++)
		mem_free(f->rows[i].tokens);
	for (size_t i = 0; i < f->n_sights; i++)
		mem_free(f->sights[i]);
	mem_free(f->sights);
	mem_free(f->rows);
	mem_free(f->group);
	mem_free(f->sum);
	gmodel_free(f->model);
	mem_free(f);
}

int gfit_add(struct gfit *f, const char *group, const uint32_t *ids, size_t n, double advantage, struct error *err)
{
	struct gsight s, *keep;
	const uint32_t *tokens;
	size_t n_tokens;
	struct row row = { .advantage = advantage };

	if (!grammar_decode(ids, n, &s, &tokens, &n_tokens) ||
	    !grammar_replay(f->table, &s, tokens, n_tokens, NULL, NULL, &f->program))
		return 0;
	if (!f->group || strcmp(f->group, group) != 0) {
		mem_free(f->group);
		f->group = mem_strdup(group);
		keep = mem_memdup(&s, sizeof(s));
		if (!f->group || !keep || !mem_grow(&f->sights, &f->cap_sights, f->n_sights + 1, sizeof(*f->sights))) {
			mem_free(keep);
			return error_set(err, ERR_NOMEM, "out of memory");
		}
		f->sights[f->n_sights++] = keep;
		f->n_groups++;
	}
	row.sight = f->sights[f->n_sights - 1];
	row.group = f->n_groups - 1;
	row.n_tokens = n_tokens;
	row.tokens = mem_memdup(tokens, n_tokens * sizeof(*tokens));
	if (!row.tokens || !mem_grow(&f->rows, &f->cap_rows, f->n_rows + 1, sizeof(row))) {
		mem_free(row.tokens);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	f->rows[f->n_rows++] = row;
	return 1;
}

/* --- one row --- */
struct pass {
	struct gfit *f;
	const struct gmodel *model;
	const struct gsight *sight;
	double logp;
	double step;               /* 0: only look */
};

static void distribution(const struct pass *p, const struct gplace *at, const struct gcand *cands, size_t n, double *prob)
{
	double best = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++) {
		prob[i] = (double)gmodel_score(p->model, p->sight, at, &cands[i]);
		best = prob[i] > best ? prob[i] : best;
	}
	for (size_t i = 0; i < n; i++)
		sum += prob[i] = exp(prob[i] - best);
	for (size_t i = 0; i < n; i++)
		prob[i] /= sum;
}

static void at_choice(void *ctx, const struct gplace *at, const struct gcand *cands, size_t n, size_t chosen)
{
	struct pass *p = ctx;
	double prob[256];
	uint32_t index[GRAMMAR_MAX_FEATURES];
	float value[GRAMMAR_MAX_FEATURES];

	distribution(p, at, cands, n, prob);
	p->logp += log(prob[chosen] > 1e-30 ? prob[chosen] : 1e-30);
	if (p->step == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		double slope = p->step * ((double)(i == chosen) - prob[i]);
		size_t k;

		if (i != chosen && prob[i] < MIN_PROBABILITY)
			continue;
		k = gmodel_features(p->sight, at, &cands[i], index, value);
		for (size_t j = 0; j < k; j++) {
			float g = (float)slope * value[j], *sum = &p->f->sum[index[j]];

			*sum += g * g;
			p->f->model->w[index[j]] += (float)p->f->opt.rate * g / sqrtf(*sum + 1e-6f);
		}
	}
}

static double log_probability(struct gfit *f, const struct gmodel *m, const struct row *r)
{
	struct pass p = { .f = f, .model = m, .sight = r->sight };

	(void)grammar_replay(f->table, r->sight, r->tokens, r->n_tokens, at_choice, &p, &f->program);
	return p.logp;
}

static void learn(struct gfit *f, const struct row *r)
{
	struct pass p = { .f = f, .model = f->model, .sight = r->sight, .step = r->weight };

	if (r->weight < 0 && log_probability(f, f->model, r) < r->old - log(2))
		return;
	(void)grammar_replay(f->table, r->sight, r->tokens, r->n_tokens, at_choice, &p, &f->program);
}

/* --- which rows, and what they weigh --- */
static int by_old(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;

	if ((*x)->old != (*y)->old)
		return (*x)->old > (*y)->old ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

static void weigh(struct row **rows, size_t n, double total)
{
	double sum = 0, best = -INFINITY;

	for (size_t i = 0; i < n; i++)
		best = rows[i]->old > best ? rows[i]->old : best;
	for (size_t i = 0; i < n; i++)
		sum += rows[i]->weight = exp(0.5 * (rows[i]->old - best)) * fabs(rows[i]->advantage);
	for (size_t i = 0; i < n; i++) {
		rows[i]->weight *= total / sum;
		rows[i]->used = true;
	}
}

static int choose_group(struct gfit *f, size_t from, size_t to, struct gfit_counts *c, struct error *err)
{
	struct row **above = mem_calloc(to - from + 1, sizeof(struct row *)), **below = mem_calloc(to - from + 1, sizeof(struct row *));
	size_t n_above = 0, n_below = 0;

	if (!above || !below) {
		mem_free(above);
		mem_free(below);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	for (size_t i = from; i < to; i++) {
		struct row *r = &f->rows[i];

		r->old = log_probability(f, f->parent, r);
		if (r->advantage > 0)
			above[n_above++] = r;
		else if (r->advantage < 0)
			below[n_below++] = r;
	}
	c->accepted += n_above;
	if (n_above && n_below) {
		c->groups_used++;
		qsort(above, n_above, sizeof(*above), by_old);
		qsort(below, n_below, sizeof(*below), by_old);
		weigh(above, n_above < MAX_ABOVE ? n_above : MAX_ABOVE, 1);
		weigh(below, n_below < MAX_BELOW ? n_below : MAX_BELOW, -f->opt.negative);
	}
	mem_free(above);
	mem_free(below);
	return 0;
}

static int choose_rows(struct gfit *f, struct gfit_counts *c, struct error *err)
{
	int r = 0;

	for (size_t from = 0, to; from < f->n_rows && r == 0; from = to) {
		for (to = from + 1; to < f->n_rows && f->rows[to].group == f->rows[from].group;)
			to++;
		r = choose_group(f, from, to, c, err);
	}
	return r;
}

static double mean_accepted(struct gfit *f, const struct gmodel *m)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->n_rows; i++)
		if (f->rows[i].used && f->rows[i].weight > 0) {
			sum += log_probability(f, m, &f->rows[i]);
			n++;
		}
	return n ? sum / (double)n : 0;
}

static void shuffle(struct gfit *f, size_t *order, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)rng_below(&f->rng, i), t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
}

static void decay(struct gfit *f)
{
	for (size_t i = 0; i < GRAMMAR_N_WEIGHTS; i++) {
		float towards = f->parent ? f->parent->w[i] : 0;

		f->model->w[i] += (float)f->opt.decay * (towards - f->model->w[i]);
	}
}

int gfit_run(struct gfit *f, struct gmodel **ret, struct gfit_counts *ret_counts, struct error *err)
{
	struct gfit_counts c = { .groups = f->n_groups, .rows = f->n_rows };
	cleanup_mem size_t *order = mem_calloc(f->n_rows + 1, sizeof(*order));
	size_t n = 0;
	int r = gmodel_new(&f->model, err);

	f->sum = mem_calloc(GRAMMAR_N_WEIGHTS, sizeof(*f->sum));
	if (r == 0 && (!order || !f->sum))
		r = error_set(err, ERR_NOMEM, "out of memory");
	if (r == 0)
		r = choose_rows(f, &c, err);
	if (r < 0)
		return r;
	if (f->parent)
		memcpy(f->model->w, f->parent->w, GRAMMAR_N_WEIGHTS * sizeof(*f->model->w));
	for (size_t i = 0; i < f->n_rows; i++)
		if (f->rows[i].used)
			order[n++] = i;
	c.before = mean_accepted(f, f->parent);
	for (unsigned epoch = 0; epoch < f->opt.epochs; epoch++) {
		shuffle(f, order, n);
		for (size_t i = 0; i < n; i++)
			learn(f, &f->rows[order[i]]);
		decay(f);
	}
	c.after = mean_accepted(f, f->model);
	*ret = f->model;
	f->model = NULL;
	*ret_counts = c;
	return 0;
}
