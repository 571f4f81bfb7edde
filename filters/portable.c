/* SPDX-License-Identifier: Apache-2.0 */
/* portable.c - one type for all values that are met in one place; see portable.h. */
#include "filters/portable.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define MAX_PLACES 16 /* parameters, and items of a tuple */

enum kind_bit { KIND_NONE = 1, KIND_NUMBER = 2, KIND_TEXT = 4, KIND_ARRAY = 8, KIND_MAP = 16 };

/* What was met in one place. */
struct place {
	unsigned kinds;
	struct place *item;           /* of arrays: all items together */
	struct place *items[MAX_PLACES]; /* and each by its number, */
	size_t n_items;               /* while all arrays are of one length */
	bool any_array, lengths_differ;
	struct place *key, *value;    /* of maps */
};
struct survey {
	struct value_pool *pool;
	struct place *params[MAX_PLACES], *answer;
	size_t n_params, n_calls;
	uint32_t traits;
	bool failed;
};

static const struct { const char *word, *words; } names[] = {
#define X(name, word, words) { word, words },
	TRAITS(X)
#undef X
};

static struct place *place_of(struct survey *s, struct place **at)
{
	if (!*at) {
		*at = value_alloc(s->pool, sizeof(**at));
		if (*at)
			memset(*at, 0, sizeof(**at));
		else
			s->failed = true;
	}
	return *at;
}

static void see(struct survey *s, struct place **at, const struct value *v, unsigned depth);

static void see_array(struct survey *s, struct place *p, const struct value *v, unsigned depth)
{
	p->kinds |= KIND_ARRAY;
	if (p->any_array && p->n_items != v->n_items)
		p->lengths_differ = true;
	p->any_array = true;
	p->n_items = v->n_items;
	for (size_t i = 0; i < v->n_items; i++) {
		see(s, &p->item, v->items[i], depth + 1);
		if (!p->lengths_differ && v->n_items <= MAX_PLACES)
			see(s, &p->items[i], v->items[i], depth + 1);
	}
}

static void see(struct survey *s, struct place **at, const struct value *v, unsigned depth)
{
	struct place *p = place_of(s, at);

	if (!p || depth > VALUE_MAX_DEPTH)
		return;
	switch (v->kind) {
	case VALUE_NONE:
		p->kinds |= KIND_NONE;
		break;
	case VALUE_BIGINT:
		s->traits |= TRAIT_BIG;
		/* fall through */
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_FLOAT:
		p->kinds |= KIND_NUMBER;
		break;
	case VALUE_STR:
		p->kinds |= KIND_TEXT;
		if (memchr(v->str, '\0', v->len))
			s->traits |= TRAIT_NUL;
		break;
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_SET:
	case VALUE_FROZENSET:
	case VALUE_DEQUE:
	case VALUE_NAMED_TUPLE:
		see_array(s, p, v, depth);
		break;
	case VALUE_DICT:
	case VALUE_COUNTER:
	case VALUE_ORDERED_DICT:
	case VALUE_DEFAULT_DICT:
		p->kinds |= KIND_MAP;
		for (size_t i = 0; i + 1 < v->n_items; i += 2) {
			see(s, &p->key, v->items[i], depth + 1);
			see(s, &p->value, v->items[i + 1], depth + 1);
		}
		break;
	case VALUE_ITERATOR:
	case VALUE_RANGE:
		/* Whoever takes items of it takes them of an array as well. */
		p->kinds |= KIND_ARRAY;
		p->lengths_differ = true;
		break;
	case VALUE_REF:
		/* An argument again, whose type is known. */
		break;
	case VALUE_COMPLEX:
		s->traits |= TRAIT_COMPLEX;
		break;
	case VALUE_BYTES:
	case VALUE_BYTEARRAY:
		s->traits |= TRAIT_BYTES;
		break;
	case VALUE_TYPE:
		s->traits |= TRAIT_TYPE;
		break;
	default:
		s->traits |= TRAIT_OBJECT;
		break;
	}
}

/* --- one type? --- */

static bool is_mixed(const struct place *p)
{
	unsigned kinds = p ? p->kinds & ~(unsigned)KIND_NONE : 0;

	if (!p)
		return false;
	if (kinds & (kinds - 1))
		return true;
	if (is_mixed(p->key) || is_mixed(p->value))
		return true;
	if (!is_mixed(p->item))
		return false;
	if (p->lengths_differ || p->n_items > MAX_PLACES)
		return true;
	for (size_t i = 0; i < p->n_items; i++)
		if (is_mixed(p->items[i]))
			return true;
	return false;
}

static bool is_scalar(const struct place *p)
{
	return !p || !(p->kinds & (KIND_ARRAY | KIND_MAP | KIND_NONE));
}

/* A scalar, or a list of scalars. */
static bool is_flat(const struct place *p)
{
	return is_scalar(p) || (!(p->kinds & (KIND_MAP | KIND_NONE)) && is_scalar(p->item));
}

/* Deeper than a list of lists of scalars, a map of scalars to scalars, or a tuple of what is flat. */
static bool is_deep(const struct place *p)
{
	if (!p || is_scalar(p))
		return false;
	if (p->kinds & KIND_NONE && p->kinds & (KIND_ARRAY | KIND_MAP) && !is_scalar(p->item))
		return true;
	if (p->kinds & KIND_MAP)
		return !is_scalar(p->key) || !is_scalar(p->value);
	if (!(p->kinds & KIND_ARRAY) || (!is_mixed(p->item) && is_flat(p->item) && is_scalar(p->item ? p->item->item : NULL)))
		return false;
	if (p->lengths_differ)
		return true;
	for (size_t i = 0; i < p->n_items && i < MAX_PLACES; i++)
		if (!is_flat(p->items[i]))
			return true;
	return false;
}

/* --- the survey --- */

struct survey *survey_new(void)
{
	struct survey *s = mem_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->pool = value_pool_new();
	if (!s->pool) {
		mem_free(s);
		return NULL;
	}
	return s;
}

void survey_free(struct survey *s)
{
	if (!s)
		return;
	value_pool_free(s->pool);
	mem_free(s);
}

void survey_call(struct survey *s, const struct value *args, const struct value *answer)
{
	if (args) {
		if (s->n_calls++ && s->n_params != args->n_items)
			s->traits |= TRAIT_ARITY;
		s->n_params = args->n_items;
		for (size_t i = 0; i < args->n_items && i < MAX_PLACES; i++)
			see(s, &s->params[i], args->items[i], 0);
	}
	if (answer)
		see(s, &s->answer, answer, 0);
}

void survey_mark(struct survey *s, uint32_t traits)
{
	s->traits |= traits;
}

uint32_t survey_traits(const struct survey *s)
{
	uint32_t traits = s->traits;
	bool mixed = is_mixed(s->answer), deep = is_deep(s->answer);

	for (size_t i = 0; i < MAX_PLACES; i++) {
		mixed = mixed || is_mixed(s->params[i]);
		deep = deep || is_deep(s->params[i]);
	}
	if (s->failed)
		return 0;
	return traits | (mixed ? (uint32_t)TRAIT_MIXED : 0) | (deep ? (uint32_t)TRAIT_DEEP : 0);
}

uint32_t survey_cases(const struct test_case *cases, size_t n)
{
	struct survey *s = survey_new();
	uint32_t traits;

	if (!s)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct test_case *c = &cases[i];

		if (c->n_script)
			survey_mark(s, TRAIT_SCRIPT);
		if (c->raises)
			survey_mark(s, TRAIT_RAISES);
		survey_call(s, c->n_script ? NULL : c->args, c->n_script ? NULL : c->expect);
	}
	traits = survey_traits(s);
	survey_free(s);
	return traits;
}

const char *portable_reason(uint32_t traits, const struct language *l)
{
	if (!l->calls_plain)
		return NULL;
	for (unsigned i = 0; i < TRAIT_COUNT; i++) {
		bool lacks = (1u << i) == TRAIT_BIG && l->calls_int_bits;

		for (char **word = l->calls_lacks; !lacks && word && *word; word++)
			lacks = str_eq(*word, names[i].word);
		if (lacks && traits & (1u << i))
			return names[i].words;
	}
	return NULL;
}
