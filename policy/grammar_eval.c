/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_eval.c - loops, choices and bodies; see grammar_eval.h. */
#include "policy/grammar_eval_internal.h"

#include "core/mem.h"
#include "policy/grammar_examples.h"

#define MAX_KEPT_BYTES (64u << 10)

void *geval_alloc(struct geval *e, size_t bytes)
{
	void *p = e->arena + e->used;

	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > GEVAL_ARENA_BYTES - e->used)
		return NULL;
	e->used += bytes;
	return p;
}

static bool truth(struct geval *e, const struct gnode *n, bool *ret)
{
	struct gval v;

	if (!geval_node(e, n, &v))
		return false;
	*ret = v.i != 0;
	return true;
}

static void bind(struct geval *e, const struct gnode *n, unsigned arg, unsigned b, struct gval v)
{
	e->env[n->bound[arg][b]] = v;
}

/* --- expressions with a loop in them --- */
struct loop {
	const struct gnode *node;
	struct gval first, second;     /* what it runs over; second of pairs alone */
	bool pairs;
	unsigned value, test;          /* which argument; 0: none */
};

static bool loop_of(struct geval *e, const struct gnode *n, struct loop *l)
{
	uint8_t t = n->kid[0]->type;

	l->pairs = t == GT_PAIR_INT || t == GT_PAIR_CHAR;
	if (t < GT_ITER_INT) { /* filter, map_chars, filter_chars: over the value itself */
		struct gval v;

		if (!geval_node(e, n->kid[0], &v))
			return false;
		if (v.type != GT_STR) {
			l->first = v;
			return true;
		}
		if (!gval_list(e, GT_LIST_INT, v.n, &l->first))
			return false;
		for (uint32_t i = 0; i < v.n; i++)
			l->first.items[i] = (struct gval){ .i = v.text[i], .type = GT_CHAR };
		return true;
	}
	return geval_iter(e, n->kid[0], &l->first, &l->second);
}

/* Bind the i-th element and ask the test. */
static bool step(struct geval *e, const struct loop *l, uint32_t i, bool *ret_in)
{
	const struct gnode *n = l->node;

	*ret_in = true;
	for (unsigned a = 1; a < n->n; a++)
		if (n->bound[a][0]) {
			bind(e, n, a, 0, l->first.items[i]);
			if (l->pairs)
				bind(e, n, a, 1, l->second.items[i]);
		}
	return !l->test || truth(e, n->kid[l->test], ret_in);
}

static bool reduce(struct geval *e, struct loop *l, struct gval *ret)
{
	const struct gnode *n = l->node;
	bool any = false;
	struct gval best = { .type = GT_INT };

	for (uint32_t i = 0; i < l->first.n; i++) {
		struct gval v = { .i = 1, .type = GT_INT };
		bool in;

		if (!step(e, l, i, &in))
			return false;
		if (!in)
			continue;
		if (l->value && !geval_node(e, n->kid[l->value], &v))
			return false;
		switch (n->family) {
		case GF_largest_of:
		case GF_largest_of_or:
			best = !any || gval_compare(&v, &best) > 0 ? v : best;
			break;
		case GF_smallest_of: best = !any || gval_compare(&v, &best) < 0 ? v : best; break;
		case GF_sum_of_float:
			best.f = any ? best.f + v.f : v.f;
			break;
		default:
			if (__builtin_add_overflow(best.i, v.i, &best.i))
				return false;
		}
		any = true;
	}
	if (n->family == GF_sum_of_float) {
		best.type = GT_FLOAT;
		if (!any)
			best.f = 0;
	} else if (!any && n->family == GF_largest_of_or) {
		return geval_node(e, n->kid[2], ret);
	} else if (!any && (n->family == GF_largest_of || n->family == GF_smallest_of)) {
		return false;
	}
	*ret = best;
	return true;
}

static bool quantify(struct geval *e, struct loop *l, bool every, struct gval *ret)
{
	for (uint32_t i = 0; i < l->first.n; i++) {
		bool in;

		if (!step(e, l, i, &in))
			return false;
		if (in != every) {
			*ret = (struct gval){ .i = !every, .type = GT_BOOL };
			return true;
		}
	}
	*ret = (struct gval){ .i = every, .type = GT_BOOL };
	return true;
}

static bool collect(struct geval *e, struct loop *l, struct gval *ret)
{
	const struct gnode *n = l->node;
	bool as_text = n->type == GT_STR;
	uint32_t k = 0;
	struct gval out;

	if (!gval_list(e, as_text ? GT_LIST_STR : n->type, l->first.n, &out))
		return false;
	for (uint32_t i = 0; i < l->first.n; i++) {
		bool in;

		if (!step(e, l, i, &in))
			return false;
		if (!in)
			continue;
		out.items[k] = l->first.items[i];
		if (l->value && !geval_node(e, n->kid[l->value], &out.items[k]))
			return false;
		k++;
	}
	out.n = k;
	if (as_text) {
		size_t bytes = 0;
		char *text;

		for (uint32_t i = 0; i < k; i++)
			bytes += out.items[i].type == GT_CHAR ? 1 : out.items[i].n;
		text = geval_alloc(e, bytes + 1);
		if (!text)
			return false;
		*ret = (struct gval){ .text = text, .n = (uint32_t)bytes, .type = GT_STR };
		for (uint32_t i = 0; i < k; i++)
			if (out.items[i].type == GT_CHAR) {
				*text++ = (char)out.items[i].i;
			} else {
				memcpy(text, out.items[i].text, out.items[i].n);
				text += out.items[i].n;
			}
		return true;
	}
	*ret = out;
	return true;
}

/* -1: no loop. */
static int looping(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct loop l = { .node = n };

	switch (n->family) {
	case GF_sum_of:
	case GF_sum_of_float:
	case GF_largest_of:
	case GF_smallest_of:
	case GF_largest_of_or:
	case GF_sum_pairs: l.value = 1; break;
	case GF_sum_where: l.value = 1, l.test = 2; break;
	case GF_count_where:
	case GF_count_pairs:
	case GF_count_char_pairs: l.test = 1; break;
	case GF_every:
	case GF_every_pair:
	case GF_every_char_pair:
	case GF_some:
	case GF_some_pair: l.test = 1; break;
	case GF_map:
	case GF_map_pairs:
	case GF_map_chars:
	case GF_join_chars:
	case GF_join_texts_of: l.value = 1; break;
	case GF_map_where: l.value = 1, l.test = 2; break;
	case GF_filter:
	case GF_filter_chars: l.test = 1; break;
	default: return -1;
	}
	if (!loop_of(e, n, &l))
		return 0;
	if (n->type == GT_BOOL)
		return quantify(e, &l, n->family == GF_every || n->family == GF_every_pair || n->family == GF_every_char_pair, ret);
	if (n->type == GT_INT || n->type == GT_FLOAT)
		return reduce(e, &l, ret);
	return collect(e, &l, ret);
}

/* --- bodies --- */
static bool fold(struct geval *e, const struct gnode *n, struct gval *ret)
{
	unsigned last = n->family == GF_body_fold_if ? 3 : 2;
	struct gval first, second, acc;
	bool pairs = n->family == GF_body_fold_pairs;

	if (!geval_node(e, n->kid[0], &acc) || !geval_iter(e, n->kid[1], &first, &second))
		return false;
	for (uint32_t i = 0; i < first.n; i++) {
		bool in = true;

		bind(e, n, 2, 0, acc);
		bind(e, n, 2, 1, first.items[i]);
		if (pairs)
			bind(e, n, 2, 2, second.items[i]);
		if (n->family == GF_body_fold_if && !truth(e, n->kid[2], &in))
			return false;
		if (in && !geval_node(e, n->kid[last], &acc))
			return false;
	}
	if (n->family == GF_body_fold_then) {
		bind(e, n, 3, 0, acc);
		return geval_node(e, n->kid[3], ret);
	}
	*ret = acc;
	return true;
}

static bool scan(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval first, second, acc, best, out = { .n = 0 };
	bool is_best = n->family == GF_body_best;

	if (!geval_node(e, n->kid[0], &acc) || !geval_iter(e, n->kid[1], &first, &second) ||
	    !gval_list(e, GT_LIST_INT, first.n, &out))
		return false;
	best = acc;
	for (uint32_t i = 0; i < first.n; i++) {
		bind(e, n, 2, 0, acc);
		bind(e, n, 2, 1, first.items[i]);
		if (!geval_node(e, n->kid[2], &acc))
			return false;
		out.items[i] = acc;
		best = acc.i > best.i ? acc : best;
	}
	*ret = is_best ? best : out;
	return true;
}

static bool search(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval first, second;

	if (!geval_iter(e, n->kid[0], &first, &second))
		return false;
	for (uint32_t i = 0; i < first.n; i++) {
		bool in;

		bind(e, n, 1, 0, first.items[i]);
		if (!truth(e, n->kid[1], &in))
			return false;
		if (in)
			return geval_node(e, n->kid[2], ret);
	}
	return geval_node(e, n->kid[3], ret);
}

static bool places(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval xs;
	int64_t count = 0;

	if (!geval_node(e, n->kid[0], &xs))
		return false;
	for (uint32_t i = 0; i < xs.n; i++)
		for (uint32_t j = i + 1; j < xs.n; j++) {
			bool in;

			bind(e, n, 1, 0, (struct gval){ .i = i, .type = GT_INT });
			bind(e, n, 1, 1, (struct gval){ .i = j, .type = GT_INT });
			bind(e, n, 1, 2, xs.items[i]);
			bind(e, n, 1, 3, xs.items[j]);
			if (!truth(e, n->kid[1], &in))
				return false;
			count += in;
			if (in && n->family == GF_body_search_places)
				return geval_node(e, n->kid[2], ret);
		}
	if (n->family == GF_body_search_places)
		return geval_node(e, n->kid[3], ret);
	*ret = (struct gval){ .i = count, .type = GT_INT };
	return true;
}

static bool build(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval first, second, out;

	if (!geval_iter(e, n->kid[0], &first, &second) || !gval_list(e, (uint8_t)(n->type - GT_BODY), first.n, &out))
		return false;
	out.n = 0;
	for (uint32_t i = 0; i < first.n; i++) {
		bool in;

		bind(e, n, 1, 0, out);
		bind(e, n, 1, 1, first.items[i]);
		if (!truth(e, n->kid[1], &in))
			return false;
		if (in) {
			struct gval v;

			if (!geval_node(e, n->kid[2], &v))
				return false;
			out.items[out.n++] = v;
		}
	}
	*ret = out;
	return true;
}

static bool digits(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval acc, rest;

	if (!geval_node(e, n->kid[0], &acc) || !geval_node(e, n->kid[1], &rest))
		return false;
	while (rest.i > 0) {
		bind(e, n, 2, 0, acc);
		bind(e, n, 2, 1, rest);
		if (!geval_node(e, n->kid[2], &acc))
			return false;
		rest.i /= n->family == GF_body_halving ? 2 : 10;
	}
	*ret = acc;
	return true;
}

static bool states(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval times, a, b, next;

	if (!geval_node(e, n->kid[0], &times) || !geval_node(e, n->kid[1], &a) || !geval_node(e, n->kid[2], &b) || times.i > 1000)
		return false;
	for (int64_t i = 0; i < times.i; i++) {
		bind(e, n, 3, 0, a);
		bind(e, n, 3, 1, b);
		if (!geval_node(e, n->kid[3], &next) || !geval_node(e, n->kid[4], &b))
			return false;
		a = next;
	}
	*ret = a;
	return true;
}

static bool body(struct geval *e, const struct gnode *n, struct gval *ret)
{
	bool yes;

	switch (n->family) {
	case GF_body_return: return geval_node(e, n->kid[0], ret);
	case GF_body_guard: return truth(e, n->kid[0], &yes) && geval_node(e, n->kid[yes ? 1 : 2], ret);
	case GF_body_fold:
	case GF_body_fold_if:
	case GF_body_fold_pairs:
	case GF_body_fold_then: return fold(e, n, ret);
	case GF_body_scan:
	case GF_body_best: return scan(e, n, ret);
	case GF_body_search: return search(e, n, ret);
	case GF_body_search_places:
	case GF_body_count_places: return places(e, n, ret);
	case GF_body_build: return build(e, n, ret);
	case GF_body_halving:
	case GF_body_digits: return digits(e, n, ret);
	case GF_body_states: return states(e, n, ret);
	case GF_body_let: {
		struct gval v;

		if (!geval_node(e, n->kid[0], &v))
			return false;
		bind(e, n, 1, 0, v);
		return geval_node(e, n->kid[1], ret);
	}
	default: return false;
	}
}

bool geval_node(struct geval *e, const struct gnode *n, struct gval *ret)
{
	struct gval a[GRAMMAR_MAX_ARGS] = { { .type = GT_INT } };
	int r;

	if (++e->steps > GEVAL_MAX_STEPS)
		return false;
	if (n->family == GF_VAR) {
		*ret = e->env[n->value];
		return true;
	}
	if (n->family == GF_NUMBER) {
		*ret = (struct gval){ .type = n->type };
		if (n->type == GT_FLOAT)
			ret->f = (double)n->value;
		else
			ret->i = n->value;
		return true;
	}
	if (n->type >= GT_BODY)
		return body(e, n, ret);
	if (n->family == GF_choose || n->family == GF_and || n->family == GF_or) {
		bool yes;

		if (!truth(e, n->kid[0], &yes))
			return false;
		if (n->family == GF_choose)
			return geval_node(e, n->kid[yes ? 1 : 2], ret);
		if (yes == (n->family == GF_or)) {
			*ret = (struct gval){ .i = yes, .type = GT_BOOL };
			return true;
		}
		return geval_node(e, n->kid[1], ret);
	}
	r = looping(e, n, ret);
	if (r >= 0)
		return r > 0;
	for (unsigned i = 0; i < n->n; i++)
		if (!geval_node(e, n->kid[i], &a[i]))
			return false;
	return geval_op(e, n, a, ret) > 0;
}

/* --- the visible cases --- */
static bool take_value(struct geval *e, const struct value *v, uint8_t type, struct gval *ret)
{
	static const uint8_t elements[] = { [GT_LIST_INT] = GT_INT, [GT_LIST_FLOAT] = GT_FLOAT, [GT_LIST_STR] = GT_STR,
					    [GT_LIST_BOOL] = GT_BOOL, [GT_LIST_LIST_INT] = GT_LIST_INT };
	char *copy;

	*ret = (struct gval){ .type = type };
	switch (type) {
	case GT_INT: ret->i = v->integer; return v->kind == VALUE_INT;
	case GT_BOOL: ret->i = v->boolean; return v->kind == VALUE_BOOL;
	case GT_FLOAT:
		ret->f = v->kind == VALUE_INT ? (double)v->integer : v->real;
		return (v->kind == VALUE_FLOAT && isfinite(v->real)) || v->kind == VALUE_INT;
	case GT_STR:
		if (v->kind != VALUE_STR)
			return false;
		copy = geval_alloc(e, v->len + 1);
		if (!copy)
			return false;
		for (size_t i = 0; i < v->len; i++) {
			if ((unsigned char)v->str[i] >= 128 || !v->str[i])
				return false;
			copy[i] = v->str[i];
		}
		ret->text = copy;
		ret->n = (uint32_t)v->len;
		return true;
	default: break;
	}
	if (type < GT_LIST_INT || type >= GT_N_VALUES || v->kind != VALUE_LIST || !gval_list(e, type, v->n_items, ret))
		return false;
	for (size_t i = 0; i < v->n_items; i++)
		if (!take_value(e, v->items[i], elements[type], &ret->items[i]))
			return false;
	return true;
}

static bool take_case(struct geval *e, const struct gsight *s, const struct value *args, const struct value *expect)
{
	size_t k = e->n_cases;

	if (!args || !expect || args->n_items != s->n_params)
		return false;
	for (size_t i = 0; i < s->n_params; i++)
		if (!take_value(e, args->items[i], s->param[i], &e->args[k][i]))
			return false;
	if (!take_value(e, expect, s->returns, &e->expect[k]))
		return false;
	e->n_cases++;
	return true;
}

static int take_examples(struct geval *e, const struct task *t, const struct gsight *s, struct error *err)
{
	struct value *args[GEVAL_MAX_CASES], *outs[GEVAL_MAX_CASES];
	struct value_pool *pool = value_pool_new();
	size_t n;

	if (!pool)
		return error_set(err, ERR_NOMEM, "out of memory");
	n = grammar_read_examples(t, pool, args, outs, GEVAL_MAX_CASES);
	for (size_t i = 0; i < n; i++)
		(void)take_case(e, s, args[i], outs[i]);
	value_pool_free(pool);
	return 0;
}

int geval_new(const struct task *t, const struct gsight *s, struct geval **ret, struct error *err)
{
	struct geval *e = mem_zalloc(sizeof(*e));

	if (!e)
		return error_set(err, ERR_NOMEM, "out of memory");
	e->n_params = s->n_params;
	e->tolerance = 1e-9;
	for (size_t i = 0; i < t->n_cases && t->has_signature && e->n_cases < GEVAL_MAX_CASES; i++)
		if (t->cases[i].visible)
			(void)take_case(e, s, t->cases[i].args, t->cases[i].expect);
	if (!t->has_signature) {
		int r = take_examples(e, t, s, err);

		if (r < 0) {
			mem_free(e);
			return r;
		}
	}
	/* what was taken lies at the arena's beginning and stays */
	e->kept = e->arena + e->used;
	if (!e->n_cases || e->used > MAX_KEPT_BYTES) {
		mem_free(e);
		e = NULL;
	}
	*ret = e;
	return 0;
}

void geval_free(struct geval *e)
{
	mem_free(e);
}

bool geval_right(struct geval *e, const struct gprogram *p)
{
	for (size_t k = 0; k < e->n_cases; k++) {
		struct gval v;

		e->used = (size_t)(e->kept - e->arena);
		e->steps = 0;
		for (size_t i = 0; i < e->n_params; i++)
			e->env[i] = e->args[k][i];
		if (!geval_node(e, p->root, &v) || !gval_equal(&v, &e->expect[k], e->tolerance))
			return false;
	}
	return true;
}
