/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_examples.c - Python's literals in the examples of a prompt, and the types they tell. */
#include "policy/grammar_examples.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"

#define MAX_DEPTH 6
#define MAX_TEXT 400

struct reader {
	const char *p;
	struct value_pool *pool;
	bool failed;
};

static void skip_space(struct reader *r)
{
	while (isspace((unsigned char)*r->p))
		r->p++;
}

static struct value *fail(struct reader *r)
{
	r->failed = true;
	return NULL;
}

static struct value *make(struct reader *r, enum value_kind kind)
{
	struct value *v = value_new(r->pool, kind);

	return v ? v : fail(r);
}

static struct value *read_text(struct reader *r)
{
	char quote = *r->p++, *copy;
	const char *from = r->p;
	struct value *v;

	while (*r->p && *r->p != quote) {
		if (*r->p == '\\')
			return fail(r); /* escapes: rare in examples, and a type needs none */
		r->p++;
	}
	if (!*r->p)
		return fail(r);
	v = make(r, VALUE_STR);
	copy = v ? value_alloc(r->pool, (size_t)(r->p - from) + 1) : NULL;
	if (!copy)
		return fail(r);
	memcpy(copy, from, (size_t)(r->p - from));
	copy[r->p - from] = '\0';
	v->str = copy;
	v->len = (size_t)(r->p++ - from);
	return v;
}

static struct value *read_number(struct reader *r)
{
	char *end;
	double d = strtod(r->p, &end);
	bool whole = true;
	struct value *v;

	if (end == r->p)
		return fail(r);
	for (const char *p = r->p; p < end; p++)
		whole = whole && *p != '.' && *p != 'e' && *p != 'E' && *p != 'n' && *p != 'N' && *p != 'x';
	v = make(r, whole ? VALUE_INT : VALUE_FLOAT);
	if (!v)
		return NULL;
	if (whole)
		v->integer = strtoll(r->p, NULL, 10);
	else
		v->real = d;
	r->p = end;
	return v;
}

static struct value *read_value(struct reader *r, unsigned depth);

static struct value *read_items(struct reader *r, char close, enum value_kind kind, unsigned depth)
{
	struct value *items[256], *v;
	size_t n = 0;

	for (;;) {
		skip_space(r);
		if (*r->p == close)
			break;
		if (n == ARRAY_SIZE(items) || depth == MAX_DEPTH)
			return fail(r);
		items[n] = read_value(r, depth + 1);
		if (r->failed)
			return NULL;
		n++;
		skip_space(r);
		if (*r->p == ',')
			r->p++;
		else if (*r->p != close)
			return fail(r);
	}
	r->p++;
	v = make(r, kind);
	if (!v)
		return NULL;
	v->items = value_alloc(r->pool, (n + 1) * sizeof(*v->items));
	if (!v->items)
		return fail(r);
	memcpy(v->items, items, n * sizeof(*items));
	v->n_items = n;
	return v;
}

static struct value *read_value(struct reader *r, unsigned depth)
{
	struct value *v;

	skip_space(r);
	switch (*r->p) {
	case '\'':
	case '"':
		return read_text(r);
	case '[':
		r->p++;
		return read_items(r, ']', VALUE_LIST, depth);
	case '(':
		r->p++;
		return read_items(r, ')', VALUE_TUPLE, depth);
	default:
		break;
	}
	if (strncmp(r->p, "True", 4) == 0 || strncmp(r->p, "False", 5) == 0) {
		v = make(r, VALUE_BOOL);
		if (!v)
			return NULL;
		v->boolean = *r->p == 'T';
		r->p += v->boolean ? 4 : 5;
		return v;
	}
	return read_number(r);
}

/* The type of all that was seen in one place; *seen GT_NONE: nothing yet. */
static bool join(uint8_t *seen, uint8_t t)
{
	if (t == GT_NONE)
		return false;
	if (*seen == GT_NONE || *seen == t)
		*seen = t;
	else if ((*seen == GT_INT && t == GT_FLOAT) || (*seen == GT_FLOAT && t == GT_INT))
		*seen = GT_FLOAT;
	else
		return false;
	return true;
}

static uint8_t gtype_of_value(const struct value *v)
{
	uint8_t element = GT_NONE;

	switch (v->kind) {
	case VALUE_INT: return GT_INT;
	case VALUE_FLOAT: return GT_FLOAT;
	case VALUE_BOOL: return GT_BOOL;
	case VALUE_STR: return GT_STR;
	case VALUE_LIST: break;
	default: return GT_NONE;
	}
	for (size_t i = 0; i < v->n_items; i++)
		if (!join(&element, gtype_of_value(v->items[i])))
			return GT_NONE;
	switch (element) {
	case GT_NONE: /* an empty list: of ints, until it shows otherwise */
	case GT_INT: return GT_LIST_INT;
	case GT_FLOAT: return GT_LIST_FLOAT;
	case GT_BOOL: return GT_LIST_BOOL;
	case GT_STR: return GT_LIST_STR;
	case GT_LIST_INT: return GT_LIST_LIST_INT;
	default: return GT_NONE;
	}
}

static void name_params(struct gsight *s)
{
	static const char *const stems[GT_N_VALUES] = { "n", "x", "flag", "s", "c", "xs", "xs", "ws", "flags", "rows" };
	unsigned used[GT_N_VALUES] = { 0 };

	for (size_t i = 0; i < s->n_params; i++) {
		const char *stem = stems[s->param[i]];
		unsigned k = used[s->param[i]]++;

		if (k == 0)
			(void) snprintf(s->param_name[i], sizeof(s->param_name[i]), "%s", stem);
		else
			(void) snprintf(s->param_name[i], sizeof(s->param_name[i]), "%s%u", stem, k + 1);
		if (s->param[i] == GT_LIST_FLOAT && used[GT_LIST_INT])
			(void) snprintf(s->param_name[i], sizeof(s->param_name[i]), "values%u", k + 1);
		s->param_hash[i] = (uint32_t)(hash_xxh3(s->param_name[i], strlen(s->param_name[i])) & 0x7fffffff);
	}
}

/* "assert name(args) == value" */
static bool read_example(struct reader *r, const char *name, struct value **ret_args, struct value **ret_out)
{
	size_t n = strlen(name);
	const char *call = strstr(r->p, name);

	if (!call || call[n] != '(')
		return false;
	r->p = call + n + 1;
	*ret_args = read_items(r, ')', VALUE_TUPLE, 0);
	if (r->failed)
		return false;
	skip_space(r);
	if (strncmp(r->p, "==", 2) != 0)
		return false;
	r->p += 2;
	*ret_out = read_value(r, 0);
	skip_space(r);
	return !r->failed && *r->p == '\0';
}

size_t grammar_read_examples(const struct task *t, struct value_pool *pool, struct value **ret_args, struct value **ret_outs,
			     size_t max)
{
	const json_t *examples = json_object_get(json_object_get(t->json, "tests"), "examples");
	size_t n = 0, i;
	json_t *e;

	json_array_foreach((json_t *)examples, i, e) {
		struct reader rd = { .p = json_string_value(e), .pool = pool };

		if (rd.p && n < max && read_example(&rd, t->entry_point, &ret_args[n], &ret_outs[n]))
			n++;
	}
	return n;
}

int grammar_see_examples(const struct task *t, struct gsight *s, grammar_cases_fn *cases, struct error *err)
{
	struct value_pool *pool = value_pool_new();
	struct value *args[8], *outs[8];
	size_t n, i;
	int r = 0;

	if (!pool)
		return error_set(err, ERR_NOMEM, "out of memory");
	n = grammar_read_examples(t, pool, args, outs, ARRAY_SIZE(args));
	if (!n)
		r = error_set(err, ERR_INPUT, "the task has no signature, and no example shows one");
	s->returns = n ? gtype_of_value(outs[0]) : GT_NONE;
	if (r == 0 && s->returns == GT_NONE)
		r = error_set(err, ERR_INPUT, "the grammar has no values of the type that is returned");
	s->n_params = n && args[0]->n_items <= GRAMMAR_MAX_PARAMS ? (uint8_t)args[0]->n_items : 0;
	for (i = 0; r == 0 && i < s->n_params; i++) {
		s->param[i] = gtype_of_value(args[0]->items[i]);
		if (s->param[i] == GT_NONE)
			r = error_set(err, ERR_INPUT, "the grammar has no values of the type of argument %zu", i + 1);
	}
	if (r == 0 && !s->n_params)
		r = error_set(err, ERR_INPUT, "the example has no arguments, or too many");
	if (r == 0) {
		name_params(s);
		cases(s, args, outs, n);
	}
	value_pool_free(pool);
	return r;
}
