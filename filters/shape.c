/* SPDX-License-Identifier: Apache-2.0 */
/* shape.c - the kinds that an answer would have, had Python given it. */
#include "filters/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_array(const struct value *v)
{
	return v->kind == VALUE_LIST || v->kind == VALUE_TUPLE;
}

static bool is_set(const struct value *v)
{
	return v->kind == VALUE_SET || v->kind == VALUE_FROZENSET;
}

static bool is_map(const struct value *v)
{
	return v->kind == VALUE_DICT || v->kind == VALUE_COUNTER || v->kind == VALUE_ORDERED_DICT ||
	       v->kind == VALUE_DEFAULT_DICT;
}

static bool all_differ(const struct value *v)
{
	/* Long ones would take quadratic time: only a set itself is then taken as one. */
	if (v->n_items > 4096)
		return false;
	for (size_t i = 0; i < v->n_items; i++)
		for (size_t k = 0; k < i; k++)
			if (value_equal(v->items[i], v->items[k]))
				return false;
	return true;
}

static bool can_be_member(const struct value *v)
{
	if (v->kind == VALUE_LIST || v->kind == VALUE_SET || is_map(v))
		return false;
	for (size_t i = 0; v->kind == VALUE_TUPLE && i < v->n_items; i++)
		if (!can_be_member(v->items[i]))
			return false;
	return true;
}

/* What a language with nothing but strings for keys would write for this key; false where it could write nothing. */
static bool key_text(const struct value *key, char *text, size_t size)
{
	switch (key->kind) {
	case VALUE_NONE:
		(void) snprintf(text, size, "null");
		return true;
	case VALUE_BOOL:
		(void) snprintf(text, size, "%s", key->boolean ? "true" : "false");
		return true;
	case VALUE_INT:
		(void) snprintf(text, size, "%" PRId64, key->integer);
		return true;
	case VALUE_FLOAT:
		for (int digits = 1; digits <= 17; digits++) {
			double back = 0;

			(void) snprintf(text, size, "%.*g", digits, key->real);
			if (sscanf(text, "%lf", &back) == 1 && back == key->real)
				return true;
		}
		return false;
	default:
		return false;
	}
}

/* The key of `like` that v's key k means, and its value; NULL: none. */
static const struct value *matching_value(const struct value *like, struct value **key)
{
	char text[64];

	for (size_t i = 0; i + 1 < like->n_items; i += 2)
		if (value_equal(like->items[i], *key))
			return like->items[i + 1];
	if ((*key)->kind != VALUE_STR)
		return NULL;
	for (size_t i = 0; i + 1 < like->n_items; i += 2) {
		struct value *named = like->items[i];

		if (key_text(named, text, sizeof(text)) && strlen(text) == (*key)->len &&
		    !memcmp(text, (*key)->str, (*key)->len)) {
			*key = named;
			return like->items[i + 1];
		}
	}
	return NULL;
}

static void shape(struct value *v, const struct value *like, unsigned depth)
{
	if (depth > VALUE_MAX_DEPTH)
		return;
	if (like->kind == VALUE_BOOL && v->kind == VALUE_INT && (v->integer == 0 || v->integer == 1)) {
		v->kind = VALUE_BOOL;
		v->boolean = v->integer == 1;
	} else if (is_array(v) && is_array(like)) {
		v->kind = like->kind;
		for (size_t i = 0; i < v->n_items && i < like->n_items; i++)
			shape(v->items[i], like->items[i], depth + 1);
	} else if ((is_array(v) || is_set(v)) && is_set(like)) {
		for (size_t i = 0; i < v->n_items && like->n_items; i++) {
			/* Members stand in no order: all of them are of the kind of the first. */
			if (is_array(v->items[i]) && is_array(like->items[0]))
				shape(v->items[i], like->items[0], depth + 1);
			if (!can_be_member(v->items[i]))
				return;
		}
		if (is_set(v) || all_differ(v))
			v->kind = like->kind;
	} else if (is_map(v) && is_map(like)) {
		for (size_t i = 0; i + 1 < v->n_items; i += 2) {
			const struct value *to = matching_value(like, &v->items[i]);

			if (to)
				shape(v->items[i + 1], to, depth + 1);
		}
	}
}

void shape_like(struct value *v, const struct value *like)
{
	shape(v, like, 0);
}
