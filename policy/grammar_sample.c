/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_sample.c - draws derivations, and walks them again.
 *
 * One recursion serves both: expand() lists the candidates of a place and asks `pick` which to take.
 * Candidates depend on the place alone (type, parents, depth left, variables in scope), so a drawn
 * program and its walk from a shard see the same lists.
 *
 * Depth is bounded: a production is a candidate only where its arguments can still be ended.
 * What comes to nothing that a programmer would write (x - x, a parameter never used) is thrown
 * away as soon as it is seen (grammar_sense.c); the caller draws again.
 */
#include "policy/grammar_sense.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/mem.h"

#define MAX_DEPTH 6
#define MAX_CANDS 256
#define FIRST_VAR 4096u
#define FIRST_NUMBER 8192u
#define CID_VAR 1000u
#define CID_NUMBER 1500u
#define VAR_PRIOR 1.4f
#define BOUND_PRIOR 2.2f
#define MAX_TRIES 4u
#define NUMBER_PRIOR (-0.5f)
#define DEPTH_PRIOR 0.7f           /* a level deeper: simpler */
#define FOREIGN_PRIOR 2.0f         /* types that the signature does not speak of */
#define MAX_PRODS 1024

#define CACHE_SIZE 8192u           /* a power of two */

struct cached {
	uint64_t key;              /* 0: free */
	uint16_t n;
	struct gcand *cands;
	float *cum, *logp;         /* cumulated probabilities; log of each */
};

/*
 * Least depths of each type with the variables that there are: of anything, and of what varies.
 * An operation on constants alone is never taken, so both are one but for leaves.
 */
struct depths {
	uint32_t mask;             /* 1 << type for each type that a variable has; 0: free */
	uint8_t any[GT_COUNT], varying[GT_COUNT];
	uint8_t prod[MAX_PRODS];   /* of each production */
};

struct walk {
	const struct gtable *table;
	const struct gsight *sight;
	struct gprogram *p;
	uint8_t scope[GRAMMAR_MAX_VARS];
	uint8_t n_scope;
	/* which candidate; false: give up */
	bool (*pick)(struct walk *w, const struct gplace *at);
	struct depths depths[64];  /* by mask */
	bool careful;              /* drop what makes no sense */
	struct gcand cands[MAX_CANDS];
	size_t n_cands;
	void *ctx;
	/* replay */
	const uint32_t *tokens;
	size_t n_tokens, at_token;
	gchoice_fn *fn;
};
struct gsampler {
	struct walk w;
	const struct gmodel *model;
	double temperature;
	struct rng *rng;
	struct cached *cache;
	size_t n_cached;
};

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned arg_depth(const struct depths *d, const struct gprod *p, unsigned a, bool varying)
{
	for (unsigned b = 0; b < p->n_bind[a]; b++)
		if (p->bind_type[a][b] == p->arg[a])
			return 1;
	return varying || p->n_bind[a] || p->arg[a] >= GT_ITER_INT || p->arg[a] == GT_BOOL ? d->varying[p->arg[a]]
											   : d->any[p->arg[a]];
}

/* Of a production with arguments: one of them varies. */
static unsigned prod_depth(const struct depths *d, const struct gprod *p)
{
	unsigned best = 0xff;

	for (unsigned v = 0; v < p->n_args; v++) {
		unsigned deepest = 0;

		for (unsigned a = 0; a < p->n_args; a++)
			deepest = larger(deepest, arg_depth(d, p, a, a == v));
		if (deepest < 0xf0 && deepest + 1 < best)
			best = deepest + 1;
	}
	return best;
}

static void find_depths(const struct gtable *t, struct depths *d)
{
	memset(d->any, 0xff, sizeof(d->any));
	memset(d->varying, 0xff, sizeof(d->varying));
	for (unsigned type = 0; type < GT_COUNT; type++)
		if (d->mask & (1u << type))
			d->any[type] = d->varying[type] = 1;
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < t->n_prods; i++) {
			const struct gprod *p = &t->prods[i];
			unsigned depth = p->n_args ? prod_depth(d, p) : 1;

			d->prod[i] = (uint8_t)depth;
			if (grammar_is_bare(p->family))
				continue;
			if (depth < d->any[p->type]) {
				d->any[p->type] = (uint8_t)depth;
				changed = true;
			}
			if (p->n_args && depth < d->varying[p->type]) {
				d->varying[p->type] = (uint8_t)depth;
				changed = true;
			}
		}
	}
}

static const struct depths *depths_here(struct walk *w)
{
	uint32_t mask = 0x80000000u;
	struct depths *d;

	for (unsigned i = 0; i < w->n_scope; i++)
		mask |= 1u << w->p->vars[w->scope[i]].type;
	d = &w->depths[(mask * 2654435761u) >> 26];
	if (d->mask != mask) {
		d->mask = mask;
		find_depths(w->table, d);
	}
	return d;
}

/* Kinds of things that a type speaks of: 1 numbers with fractions, 2 texts, 4 lists of lists, 8 lists of truths. */
static unsigned kinds_of(uint8_t type)
{
	switch (type) {
	case GT_FLOAT:
	case GT_LIST_FLOAT:
	case GT_ITER_FLOAT: return 1;
	case GT_STR:
	case GT_CHAR:
	case GT_LIST_STR:
	case GT_ITER_STR:
	case GT_ITER_CHAR:
	case GT_PAIR_CHAR: return 2;
	case GT_LIST_LIST_INT:
	case GT_ITER_LIST_INT: return 4;
	case GT_LIST_BOOL:
	case GT_ITER_BOOL: return 8;
	default: return 0;
	}
}

static bool is_foreign(const struct gsight *s, const struct gprod *p)
{
	unsigned known = kinds_of(s->returns), used = 0;

	for (size_t i = 0; i < s->n_params; i++)
		known |= kinds_of(s->param[i]);
	for (unsigned a = 0; a < p->n_args; a++)
		used |= kinds_of(p->arg[a]);
	return (used & ~known) != 0;
}

static void list_candidates(struct walk *w, const struct gplace *at)
{
	uint8_t type = at->type;
	unsigned left = at->depth;
	bool parent_is_open = grammar_takes_bare(at->parent, at->arg);
	unsigned ordinal[GR_COUNT] = { 0 };
	float penalty = DEPTH_PRIOR * (float)(MAX_DEPTH - left);

	const struct depths *d = depths_here(w);

	w->n_cands = 0;
	for (unsigned i = 0; i < w->n_scope && at->need != GNEED_CONSTANT; i++) {
		const struct gvar *v = &w->p->vars[w->scope[i]];
		unsigned k;

		if (v->type != type)
			continue;
		k = ordinal[v->role]++;
		w->cands[w->n_cands++] = (struct gcand){
			.token = FIRST_VAR + i, .cid = CID_VAR + v->role * 16u + (k < 15 ? k : 15), .prior = v->role == GR_PARAM ? VAR_PRIOR : BOUND_PRIOR,
			.name = v->role == GR_PARAM ? w->sight->param_hash[w->scope[i]] : 0 };
	}
	if ((type == GT_INT || type == GT_FLOAT) && at->need != GNEED_VARYING)
		for (unsigned i = 0; i < w->sight->n_numbers; i++)
			w->cands[w->n_cands++] = (struct gcand){ .token = FIRST_NUMBER + i, .cid = CID_NUMBER + i,
								 .prior = NUMBER_PRIOR };
	for (size_t i = 0; i < w->table->n_by_type[type]; i++) {
		uint16_t number = w->table->by_type[type][i];
		const struct gprod *p = &w->table->prods[number];
		bool fits = left >= 1 && (parent_is_open || !grammar_is_bare(p->family));

		if (p->n_args)
			fits = fits && at->need != GNEED_CONSTANT && d->prod[number] <= left;
		else
			fits = fits && at->need != GNEED_VARYING;
		if (fits && w->n_cands < MAX_CANDS)
			w->cands[w->n_cands++] = (struct gcand){ .token = number, .cid = p->family,
								 .prior = p->prior - (p->n_args ? penalty : 0) -
											 FOREIGN_PRIOR * (float)is_foreign(w->sight, p) };
	}
}

static struct gnode *expand(struct walk *w, uint8_t type, unsigned left, uint16_t parent, uint8_t arg, uint16_t grandparent,
			    uint8_t need);

static struct gnode *new_node(struct walk *w, uint16_t family, uint8_t type)
{
	struct gnode *n;

	if (w->p->n_nodes == GRAMMAR_MAX_NODES)
		return NULL;
	n = &w->p->nodes[w->p->n_nodes++];
	*n = (struct gnode){ .family = family, .type = type };
	return n;
}

static struct gnode *expand_prod(struct walk *w, uint16_t number, unsigned left, uint16_t parent)
{
	const struct gprod *p = &w->table->prods[number];
	struct gnode *n = new_node(w, p->family, p->type);
	uint8_t by_letter[128];

	if (!n)
		return NULL;
	memset(by_letter, GT_NONE, sizeof(by_letter));
	n->prod = number;
	n->n = p->n_args;
	for (unsigned a = 0; a < p->n_args; a++) {
		uint8_t scope_before = w->n_scope;

		for (unsigned b = 0; b < p->n_bind[a]; b++) {
			uint8_t *var = &by_letter[p->bind_id[a][b] & 127];

			if (*var == GT_NONE) {
				if (w->p->n_vars == GRAMMAR_MAX_VARS)
					return NULL;
				*var = w->p->n_vars;
				w->p->vars[w->p->n_vars++] = (struct gvar){ .type = p->bind_type[a][b], .role = p->bind_role[a][b] };
			}
			n->bound[a][b] = *var;
			w->scope[w->n_scope++] = *var;
		}
		n->kid[a] = expand(w, p->arg[a], left - 1, p->family, (uint8_t)a, parent, gnode_need(p, n, a));
		w->n_scope = scope_before;
		if (!n->kid[a])
			return NULL;
	}
	return !w->careful || gnode_makes_sense(w->p, n, parent) ? n : NULL;
}

static struct gnode *expand_once(struct walk *w, uint8_t type, unsigned left, uint16_t parent, uint8_t arg,
				 uint16_t grandparent, uint8_t need)
{
	struct gplace at = { .type = type, .arg = arg, .depth = (uint8_t)left, .need = need, .parent = parent,
			     .grandparent = grandparent };
	struct gnode *n;
	uint32_t token;

	if (!w->pick(w, &at))
		return NULL;
	token = w->p->tokens[w->p->n_tokens - 1];
	if (token >= FIRST_NUMBER) {
		n = new_node(w, GF_NUMBER, type);
		if (n)
			n->value = w->sight->number[token - FIRST_NUMBER];
		return n;
	}
	if (token >= FIRST_VAR) {
		n = new_node(w, GF_VAR, type);
		if (n)
			n->value = w->scope[token - FIRST_VAR];
		return n;
	}
	return expand_prod(w, (uint16_t)token, left, parent);
}

/* What makes no sense is drawn again where it stands, a few times, before more is thrown away. */
static struct gnode *expand(struct walk *w, uint8_t type, unsigned left, uint16_t parent, uint8_t arg, uint16_t grandparent,
			    uint8_t need)
{
	size_t n_nodes = w->p->n_nodes, n_tokens = w->p->n_tokens;
	uint8_t n_vars = w->p->n_vars, n_scope = w->n_scope;

	for (unsigned i = 0; i < (w->careful ? MAX_TRIES : 1); i++) {
		struct gnode *n = expand_once(w, type, left, parent, arg, grandparent, need);

		if (n)
			return n;
		w->p->n_nodes = n_nodes;
		w->p->n_tokens = n_tokens;
		w->p->n_vars = n_vars;
		w->n_scope = n_scope;
	}
	return NULL;
}

static struct gnode *walk_program(struct walk *w, struct gprogram *p)
{
	w->p = p;
	p->n_nodes = p->n_tokens = 0;
	p->n_vars = w->sight->n_params;
	w->n_scope = w->sight->n_params;
	for (uint8_t i = 0; i < w->sight->n_params; i++) {
		p->vars[i] = (struct gvar){ .type = w->sight->param[i], .role = GR_PARAM };
		w->scope[i] = i;
	}
	p->root = expand(w, (uint8_t)(GT_BODY + w->sight->returns), MAX_DEPTH, 0xffff, 0, 0xffff, GNEED_ANY);
	return p->root;
}

/* --- drawing --- */
static uint64_t place_key(const struct walk *w, const struct gplace *at)
{
	uint64_t k = at->type;

	k = k * 16 + at->arg;
	k = k * 16 + at->depth;
	k = k * 4 + at->need;
	k = k * 65599 + at->parent;
	k = k * 65599 + at->grandparent;
	for (unsigned i = w->sight->n_params; i < w->n_scope; i++) {
		const struct gvar *v = &w->p->vars[w->scope[i]];

		k = k * UINT64_C(0x100000001b3) + v->type * 8u + v->role + 1;
	}
	k ^= k >> 31;
	k *= UINT64_C(0x9e3779b97f4a7c15);
	return k | 1;
}

static void forget(struct gsampler *g)
{
	for (size_t i = 0; i < CACHE_SIZE; i++) {
		mem_free(g->cache[i].cands);
		mem_free(g->cache[i].cum);
		g->cache[i] = (struct cached){ 0 };
	}
	g->n_cached = 0;
}

static bool fill(struct gsampler *g, struct cached *c, uint64_t key, const struct gplace *at)
{
	struct walk *w = &g->w;
	float score[MAX_CANDS], best = -INFINITY;
	double sum = 0, run = 0;

	list_candidates(w, at);
	if (!w->n_cands)
		return false;
	for (size_t i = 0; i < w->n_cands; i++) {
		score[i] = gmodel_score(g->model, w->sight, at, &w->cands[i]) / (float)g->temperature;
		best = score[i] > best ? score[i] : best;
	}
	for (size_t i = 0; i < w->n_cands; i++)
		sum += exp((double)(score[i] - best));
	c->cands = mem_memdup(w->cands, w->n_cands * sizeof(*w->cands));
	c->cum = mem_calloc(2 * w->n_cands, sizeof(*c->cum));
	if (!c->cands || !c->cum)
		return false;
	c->logp = c->cum + w->n_cands;
	for (size_t i = 0; i < w->n_cands; i++) {
		double p = exp((double)(score[i] - best)) / sum;

		run += p;
		c->cum[i] = (float)run;
		c->logp[i] = (float)log(p > 1e-30 ? p : 1e-30);
	}
	c->n = (uint16_t)w->n_cands;
	c->key = key;
	g->n_cached++;
	return true;
}

static bool draw_pick(struct walk *w, const struct gplace *at)
{
	struct gsampler *g = w->ctx;
	uint64_t key = place_key(w, at);
	struct cached *c;
	float u;
	size_t lo = 0, hi;

	if (g->n_cached > CACHE_SIZE / 2)
		forget(g);
	for (size_t i = key & (CACHE_SIZE - 1);; i = (i + 1) & (CACHE_SIZE - 1)) {
		c = &g->cache[i];
		if (!c->key || c->key == key)
			break;
	}
	if (!c->key && !fill(g, c, key, at)) {
		mem_free(c->cands);
		mem_free(c->cum);
		*c = (struct cached){ 0 };
		return false;
	}
	u = (float)rng_unit(g->rng);
	hi = c->n - 1u;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->cum[mid] > u)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (w->p->n_tokens == GRAMMAR_MAX_NODES)
		return false;
	w->p->tokens[w->p->n_tokens] = c->cands[lo].token;
	w->p->logprob[w->p->n_tokens++] = c->logp[lo];
	return true;
}

int gsampler_new(const struct gtable *t, const struct gmodel *m, const struct gsight *s, double temperature,
		 struct gsampler **ret, struct error *err)
{
	struct gsampler *g = mem_zalloc(sizeof(*g));

	assert(temperature > 0 && t->n_prods <= MAX_PRODS);
	if (g)
		g->cache = mem_calloc(CACHE_SIZE, sizeof(*g->cache));
	if (!g || !g->cache) {
		mem_free(g);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	g->w = (struct walk){ .table = t, .sight = s, .pick = draw_pick, .careful = true, .ctx = g };
	g->model = m;
	g->temperature = temperature;
	*ret = g;
	return 0;
}

void gsampler_free(struct gsampler *g)
{
	if (!g)
		return;
	forget(g);
	mem_free(g->cache);
	mem_free(g);
}

bool gsampler_draw(struct gsampler *g, struct rng *rng, struct gprogram *ret)
{
	g->rng = rng;
	g->w.ctx = g;
	return walk_program(&g->w, ret) && gprogram_makes_sense(ret, g->w.sight);
}

/* --- walking again --- */
static bool replay_pick(struct walk *w, const struct gplace *at)
{
	uint32_t token;

	if (w->at_token == w->n_tokens || w->p->n_tokens == GRAMMAR_MAX_NODES)
		return false;
	token = w->tokens[w->at_token++];
	list_candidates(w, at);
	for (size_t i = 0; i < w->n_cands; i++)
		if (w->cands[i].token == token) {
			w->p->tokens[w->p->n_tokens++] = token;
			if (w->fn)
				w->fn(w->ctx, at, w->cands, w->n_cands, i);
			return true;
		}
	return false;
}

bool grammar_replay(const struct gtable *t, const struct gsight *s, const uint32_t *tokens, size_t n, gchoice_fn *fn,
		    void *ctx, struct gprogram *ret)
{
	struct walk w = { .table = t, .sight = s, .pick = replay_pick, .tokens = tokens, .n_tokens = n, .fn = fn, .ctx = ctx };

	return walk_program(&w, ret) && w.at_token == n;
}

bool grammar_covers(const struct gtable *t, const struct gsight *s)
{
	struct gprogram p = { .n_vars = s->n_params };
	struct walk w = { .table = t, .sight = s, .p = &p, .n_scope = s->n_params };
	struct gplace at = { .depth = MAX_DEPTH, .parent = 0xffff, .grandparent = 0xffff };

	for (uint8_t i = 0; i < s->n_params; i++) {
		p.vars[i] = (struct gvar){ .type = s->param[i], .role = GR_PARAM };
		w.scope[i] = i;
	}
	at.type = (uint8_t)(GT_BODY + s->returns);
	list_candidates(&w, &at);
	return w.n_cands > 0;
}

/* --- token ids: version, counts, types, names, words, then the choices --- */
#define TOKEN_VERSION 0x57470001u

size_t grammar_encode(const struct gsight *s, const struct gprogram *p, uint32_t ids[GRAMMAR_MAX_TOKENS])
{
	size_t n = 0;

	ids[n++] = TOKEN_VERSION;
	ids[n++] = s->n_params;
	ids[n++] = s->n_words;
	ids[n++] = s->n_numbers;
	ids[n++] = s->returns;
	for (size_t i = 0; i < s->n_params; i++) {
		ids[n++] = s->param[i];
		ids[n++] = s->param_hash[i];
	}
	for (size_t i = 0; i < s->n_words; i++)
		ids[n++] = s->word[i];
	for (size_t i = 0; i < p->n_tokens; i++)
		ids[n++] = p->tokens[i];
	return n;
}

bool grammar_decode(const uint32_t *ids, size_t n, struct gsight *ret_sight, const uint32_t **ret_tokens, size_t *ret_n)
{
	struct gsight s = { 0 };
	size_t at = 5;

	if (n < at || ids[0] != TOKEN_VERSION || ids[1] > GRAMMAR_MAX_PARAMS || ids[2] > GRAMMAR_MAX_WORDS ||
	    ids[3] > GRAMMAR_MAX_NUMBERS || ids[4] >= GT_N_VALUES || n < at + 2 * ids[1] + ids[2])
		return false;
	s.n_params = (uint8_t)ids[1];
	s.n_words = (uint8_t)ids[2];
	s.n_numbers = (uint8_t)ids[3];
	s.returns = (uint8_t)ids[4];
	for (size_t i = 0; i < s.n_params; i++) {
		if (ids[at] >= GT_N_VALUES)
			return false;
		s.param[i] = (uint8_t)ids[at++];
		s.param_hash[i] = ids[at++];
	}
	for (size_t i = 0; i < s.n_words; i++)
		s.word[i] = ids[at++];
	*ret_sight = s;
	*ret_tokens = ids + at;
	*ret_n = n - at;
	return true;
}
