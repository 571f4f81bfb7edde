/* SPDX-License-Identifier: Apache-2.0 */
/* value_json_write.c - values as JSON that value_from_json() reads back under `any`. */
#include "core/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <nettle/base64.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/value_internal.h"

#define SAFE_INT (INT64_C(1) << 53) /* what every JSON reader keeps exact */

/* Work is counted, because values that share parts can denote far more than they hold. */
#define MAX_NODES (2u << 20)

struct writer {
	size_t n_nodes;
	bool too_large;
};

static json_t *write_value(struct writer *w, const struct value *v, unsigned depth);

static json_t *wrap(enum value_kind kind, json_t *inner)
{
	const char *key = NULL;
	json_t *j;

	for (size_t i = 0; i < ARRAY_SIZE(value_specials); i++)
		if (value_specials[i].kind == kind)
			key = value_specials[i].key;
	j = inner ? json_object() : NULL;
	if (!j || json_object_set_new(j, key, inner) < 0) {
		if (!j)
			json_decref(inner);
		json_decref(j);
		return NULL;
	}
	return j;
}

/* Append a new reference; on failure *arr becomes NULL and all is freed. */
static void append(json_t **arr, json_t *item)
{
	if (*arr && item && json_array_append_new(*arr, item) == 0)
		return;
	if (!*arr)
		json_decref(item);
	json_decref(*arr);
	*arr = NULL;
}

static json_t *write_items(struct writer *w, const struct value *v, unsigned depth)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < v->n_items; i++)
		append(&arr, write_value(w, v->items[i], depth + 1));
	return arr;
}

static json_t *write_pairs(struct writer *w, const struct value *v, unsigned depth)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i + 1 < v->n_items; i += 2) {
		json_t *pair = json_array();

		append(&pair, pair ? write_value(w, v->items[i], depth + 1) : NULL);
		append(&pair, pair ? write_value(w, v->items[i + 1], depth + 1) : NULL);
		append(&arr, pair);
	}
	return arr;
}

/* A dict that JSON can hold as it is: str keys, and not mistaken for a {"$…": …} form. */
static bool is_plain_object(const struct value *v)
{
	for (size_t i = 0; i + 1 < v->n_items; i += 2) {
		const struct value *k = v->items[i];

		if (k->kind != VALUE_STR || memchr(k->str, '\0', k->len) ||
		    str_utf8_valid(k->str, k->len) != k->len)
			return false;
	}
	return v->n_items != 2 || v->items[0]->str[0] != '$';
}

static json_t *write_object(struct writer *w, const struct value *v, unsigned depth)
{
	json_t *obj = json_object();

	for (size_t i = 0; obj && i + 1 < v->n_items; i += 2) {
		json_t *item = write_value(w, v->items[i + 1], depth + 1);

		if (!item || json_object_setn_new(obj, v->items[i]->str, v->items[i]->len, item)) {
			json_decref(obj);
			obj = NULL;
		}
	}
	return obj;
}

static json_t *write_base64(const struct value *v)
{
	size_t n = BASE64_ENCODE_RAW_LENGTH(v->len);
	cleanup_mem char *text = mem_alloc(n + 1);

	if (!text)
		return NULL;
	base64_encode_raw(text, v->len, (const uint8_t *)v->str);
	return json_stringn(text, n);
}

/* As a number, or as one of the words for what is not finite; *ret_word tells which. */
static json_t *write_double(double x, bool *ret_word)
{
	if (ret_word)
		*ret_word = !isfinite(x);
	if (isfinite(x))
		return json_real(x);
	return json_string(isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
}

static json_t *write_named_tuple(struct writer *w, const struct value *v, unsigned depth)
{
	json_t *arr = json_array(), *fields = json_array();
	const char *name = v->str, *end = v->str + v->len;

	append(&arr, json_string(name));
	for (size_t i = 0; fields && i < v->n_items; i++) {
		name += strlen(name);
		name += name < end;
		append(&fields, json_string(name));
	}
	append(&arr, fields);
	append(&arr, arr ? write_items(w, v, depth) : NULL);
	return arr;
}

static json_t *write_named(const struct value *v)
{
	json_t *arr = json_array();

	append(&arr, json_string(v->str));
	append(&arr, json_integer(v->integer));
	return arr;
}

static json_t *write_complex(const struct value *v)
{
	json_t *arr = json_array();

	append(&arr, write_double(v->real, NULL));
	append(&arr, write_double(v->imag, NULL));
	return arr;
}

static json_t *write_int(const struct value *v)
{
	char text[24];

	if (v->kind == VALUE_BIGINT)
		return wrap(VALUE_BIGINT, json_stringn(v->str, v->len));
	if (v->integer >= -SAFE_INT && v->integer <= SAFE_INT)
		return json_integer(v->integer);
	(void) snprintf(text, sizeof(text), "%lld", (long long)v->integer);
	return wrap(VALUE_BIGINT, json_string(text));
}

/* The ints of a range are plain, or decimal strings. */
static json_t *write_range(const struct value *v)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < v->n_items; i++) {
		json_t *item = write_int(v->items[i]);
		json_t *text = json_object_get(item, "$int");

		append(&arr, text ? json_incref(text) : json_incref(item));
		json_decref(item);
	}
	return arr;
}

static json_t *write_value(struct writer *w, const struct value *v, unsigned depth)
{
	bool word = false;
	json_t *j;

	if (depth > VALUE_MAX_DEPTH || ++w->n_nodes > MAX_NODES) {
		w->too_large = true;
		return NULL;
	}
	switch (v->kind) {
	case VALUE_NONE:
		return json_null();
	case VALUE_BOOL:
		return json_boolean(v->boolean);
	case VALUE_INT:
	case VALUE_BIGINT:
		return write_int(v);
	case VALUE_FLOAT:
		j = write_double(v->real, &word);
		return word ? wrap(VALUE_FLOAT, j) : j;
	case VALUE_COMPLEX:
		return wrap(v->kind, write_complex(v));
	case VALUE_STR:
		if (str_utf8_valid(v->str, v->len) == v->len)
			return json_stringn(v->str, v->len);
		return wrap(v->kind, write_base64(v));
	case VALUE_BYTES:
	case VALUE_BYTEARRAY:
		return wrap(v->kind, write_base64(v));
	case VALUE_LIST:
		return write_items(w, v, depth);
	case VALUE_TUPLE:
	case VALUE_SET:
	case VALUE_FROZENSET:
	case VALUE_DEQUE:
		return wrap(v->kind, write_items(w, v, depth));
	case VALUE_DICT:
		if (is_plain_object(v))
			return write_object(w, v, depth);
		/* fall through */
	case VALUE_COUNTER:
	case VALUE_ORDERED_DICT:
	case VALUE_DEFAULT_DICT:
		return wrap(v->kind, write_pairs(w, v, depth));
	case VALUE_NAMED_TUPLE:
		return wrap(v->kind, write_named_tuple(w, v, depth));
	case VALUE_RANGE:
		return wrap(v->kind, write_range(v));
	case VALUE_ELLIPSIS:
	case VALUE_NOT_IMPLEMENTED:
		return wrap(v->kind, json_null());
	case VALUE_TYPE:
		return wrap(v->kind, json_string(v->str));
	case VALUE_ITERATOR:
	case VALUE_HANDLE:
		return wrap(v->kind, write_named(v));
	case VALUE_REF:
		return wrap(v->kind, json_integer(v->integer));
	case VALUE_KIND_COUNT:
		break;
	}
	return NULL;
}

int value_to_json(const struct value *v, json_t **ret, struct error *err)
{
	struct writer w = { 0 };
	json_t *j = write_value(&w, v, 0);

	if (!j && w.too_large)
		return error_set(err, ERR_LIMIT, "a value is too deep or too large for JSON");
	if (!j)
		return error_set(err, ERR_NOMEM, "out of memory for a value");
	*ret = j;
	return 0;
}
