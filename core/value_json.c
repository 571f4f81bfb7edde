/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_json.c - values of the native task format: read by the declared type,
 * and under `any` with {"$tuple": [...]} and its kin for what JSON lacks.
 */
#include "core/value.h"

#include <math.h>
#include <string.h>
#include <nettle/base64.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/value_internal.h"

const struct value_special value_specials[] = {
	{ "$tuple", VALUE_TUPLE, VALUE_FORM_ITEMS },
	{ "$set", VALUE_SET, VALUE_FORM_ITEMS },
	{ "$frozenset", VALUE_FROZENSET, VALUE_FORM_ITEMS },
	{ "$deque", VALUE_DEQUE, VALUE_FORM_ITEMS },
	{ "$map", VALUE_DICT, VALUE_FORM_PAIRS },
	{ "$counter", VALUE_COUNTER, VALUE_FORM_PAIRS },
	{ "$ordereddict", VALUE_ORDERED_DICT, VALUE_FORM_PAIRS },
	{ "$defaultdict", VALUE_DEFAULT_DICT, VALUE_FORM_PAIRS },
	{ "$bytes", VALUE_BYTES, VALUE_FORM_TEXT },
	{ "$bytearray", VALUE_BYTEARRAY, VALUE_FORM_TEXT },
	{ "$str", VALUE_STR, VALUE_FORM_TEXT }, /* what JSON strings cannot hold: lone surrogates */
	{ "$int", VALUE_BIGINT, VALUE_FORM_OTHER },
	{ "$float", VALUE_FLOAT, VALUE_FORM_OTHER },
	{ "$complex", VALUE_COMPLEX, VALUE_FORM_OTHER },
	{ "$range", VALUE_RANGE, VALUE_FORM_OTHER },
	{ "$namedtuple", VALUE_NAMED_TUPLE, VALUE_FORM_OTHER },
	{ "$type", VALUE_TYPE, VALUE_FORM_OTHER },
	{ "$ellipsis", VALUE_ELLIPSIS, VALUE_FORM_OTHER },
	{ "$notimplemented", VALUE_NOT_IMPLEMENTED, VALUE_FORM_OTHER },
	/* Written for people and logs; not read, since they live in a candidate. */
	{ "$iterator", VALUE_ITERATOR, VALUE_FORM_OTHER },
	{ "$handle", VALUE_HANDLE, VALUE_FORM_OTHER },
	{ "$ref", VALUE_REF, VALUE_FORM_OTHER },
};
_Static_assert(ARRAY_SIZE(value_specials) == VALUE_N_SPECIALS, "the header knows how many");

/* Where we are: a list from the innermost outwards, turned round only for a message. */
struct place {
	const struct place *up;
	const char *key; /* NULL: index */
	size_t index;
};

struct reader {
	struct value_pool *pool;
	struct error *err;
};

static void print_place(const struct place *at, struct buf *out)
{
	if (!at || !at->up)
		return;
	print_place(at->up, out);
	if (at->key)
		buf_addf(out, ".%s", at->key);
	else
		buf_addf(out, "[%zu]", at->index);
}

static int prefix_place(struct reader *r, const struct place *at, int code)
{
	cleanup_buf struct buf b;

	buf_init(&b, 256);
	print_place(at, &b);
	if (b.len)
		return error_prefix(r->err, code, "%s", b.data);
	return code;
}

static int wrong(struct reader *r, const struct place *at, const char *expected, const json_t *got)
{
	static const char *const words[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer", [JSON_REAL] = "a number with a fraction",
		[JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null",
	};

	return prefix_place(r, at, error_set(r->err, ERR_INPUT, "expected %s, got %s", expected,
					     got ? words[json_typeof(got)] : "nothing"));
}

static int no_memory(struct reader *r)
{
	return error_set(r->err, ERR_NOMEM, "out of memory for a value");
}

static int read_value(struct reader *r, const json_t *j, const struct type *t,
		      const struct place *at, unsigned depth, struct value **ret);

static int make(struct reader *r, enum value_kind kind, struct value **ret)
{
	*ret = value_new(r->pool, kind);
	return *ret ? 0 : no_memory(r);
}

static int set_text(struct reader *r, struct value *v, const void *s, size_t n)
{
	char *copy = value_alloc(r->pool, n + 1);

	if (!copy)
		return no_memory(r);
	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	v->str = copy;
	v->len = n;
	return 0;
}

static int read_base64(struct reader *r, const json_t *j, enum value_kind kind,
		       const struct place *at, struct value **ret)
{
	struct base64_decode_ctx ctx;
	size_t n = json_string_length(j), len = BASE64_DECODE_LENGTH(n);
	struct value *v;
	uint8_t *data;
	int e;

	if (!json_is_string(j))
		return wrong(r, at, "a string of base64", j);
	e = make(r, kind, &v);
	if (e < 0)
		return e;
	data = value_alloc(r->pool, len + 1);
	if (!data)
		return no_memory(r);
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &len, data, n, json_string_value(j)) ||
	    !base64_decode_final(&ctx))
		return prefix_place(r, at, error_set(r->err, ERR_INPUT, "expected base64"));
	data[len] = '\0';
	v->str = (const char *)data;
	v->len = len;
	*ret = v;
	return 0;
}

static int read_int(struct reader *r, const json_t *j, const struct place *at, struct value **ret)
{
	int e;

	if (json_is_integer(j)) {
		e = make(r, VALUE_INT, ret);
		if (e == 0)
			(*ret)->integer = json_integer_value(j);
		return e;
	}
	if (!json_is_string(j))
		return wrong(r, at, "int", j);
	e = value_int_from_decimal(r->pool, json_string_value(j), json_string_length(j), ret,
				   r->err);
	if (e == ERR_INPUT)
		return wrong(r, at, "int or a string of decimal digits", j);
	return e < 0 ? prefix_place(r, at, e) : 0;
}

/* A number, or one of the three words that JSON numbers lack. */
static int read_double(struct reader *r, const json_t *j, const struct place *at, double *ret)
{
	const char *s = json_string_value(j);

	if (json_is_number(j))
		*ret = json_number_value(j);
	else if (s && str_eq(s, "NaN"))
		*ret = (double)NAN;
	else if (s && str_eq(s, "Infinity"))
		*ret = (double)INFINITY;
	else if (s && str_eq(s, "-Infinity"))
		*ret = -(double)INFINITY;
	else
		return wrong(r, at, "float", j);
	return 0;
}

static int read_float(struct reader *r, const json_t *j, const struct place *at, struct value **ret)
{
	double x = 0;
	int e = read_double(r, j, at, &x);

	if (e == 0)
		e = make(r, VALUE_FLOAT, ret);
	if (e == 0)
		(*ret)->real = x;
	return e;
}

static int read_complex(struct reader *r, const json_t *j, const struct place *at,
			struct value **ret)
{
	double re = 0, im = 0;
	int e;

	if (json_is_object(j) && json_object_size(j) == 1 && json_object_get(j, "$complex"))
		j = json_object_get(j, "$complex");
	if (json_is_array(j)) {
		if (json_array_size(j) != 2)
			return wrong(r, at, "[real, imaginary]", j);
		e = read_double(r, json_array_get(j, 0), &(struct place){ at, NULL, 0 }, &re);
		if (e == 0)
			e = read_double(r, json_array_get(j, 1), &(struct place){ at, NULL, 1 },
					&im);
	} else if (json_is_number(j)) {
		e = read_double(r, j, at, &re);
	} else {
		return wrong(r, at, "complex ([real, imaginary])", j);
	}
	if (e == 0)
		e = make(r, VALUE_COMPLEX, ret);
	if (e == 0) {
		(*ret)->real = re;
		(*ret)->imag = im;
	}
	return e;
}

static int read_str(struct reader *r, const json_t *j, const struct place *at, struct value **ret)
{
	int e;

	if (!json_is_string(j))
		return wrong(r, at, "string", j);
	e = make(r, VALUE_STR, ret);
	return e < 0 ? e : set_text(r, *ret, json_string_value(j), json_string_length(j));
}

static int check_keys(struct reader *r, const struct value *v, size_t stride,
		      const struct place *at)
{
	size_t n = v->n_items / stride, dup;

	for (size_t i = 0; i < n; i++)
		if (!value_hashable(v->items[i * stride]))
			return prefix_place(r, &(struct place){ at, NULL, i },
					    error_set(r->err, ERR_INPUT, "unhashable %s in a %s",
						      value_kind_word(v->items[i * stride]->kind),
						      value_kind_word(v->kind)));
	dup = value_duplicate(v->items, n, stride);
	if (dup < n)
		return prefix_place(r, &(struct place){ at, NULL, dup },
				    error_set(r->err, ERR_INPUT, "is in the %s twice",
					      value_kind_word(v->kind)));
	return 0;
}

/* An array; each item by its own type (tuple) or all by types[0]; types NULL: any. */
static int read_items(struct reader *r, const json_t *j, enum value_kind kind,
		      struct type *const *types, size_t n_types, const struct place *at,
		      unsigned depth, struct value **ret)
{
	size_t n = json_array_size(j);
	struct value *v;
	int e;

	if (!json_is_array(j))
		return wrong(r, at, "an array", j);
	e = make(r, kind, &v);
	if (e < 0)
		return e;
	v->items = value_alloc(r->pool, n * sizeof(*v->items));
	if (!v->items)
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		const struct type *t = !types ? NULL : n_types > 1 ? types[i] : types[0];

		e = read_value(r, json_array_get(j, i), t, &(struct place){ at, NULL, i },
			       depth + 1, &v->items[i]);
		if (e < 0)
			return e;
		v->n_items = i + 1;
	}
	if (value_is_set(kind)) {
		e = check_keys(r, v, 1, at);
		if (e < 0)
			return e;
	}
	*ret = v;
	return 0;
}

/* [[k, v], …] */
static int read_pairs(struct reader *r, const json_t *j, enum value_kind kind,
		      const struct type *key, const struct type *val, const struct place *at,
		      unsigned depth, struct value **ret)
{
	size_t n = json_array_size(j);
	struct value *v;
	int e;

	if (!json_is_array(j))
		return wrong(r, at, "an array of [key, value]", j);
	e = make(r, kind, &v);
	if (e < 0)
		return e;
	v->items = value_alloc(r->pool, 2 * n * sizeof(*v->items));
	if (!v->items)
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(j, i);
		struct place here = { at, NULL, i };

		if (!json_is_array(pair) || json_array_size(pair) != 2)
			return wrong(r, &here, "[key, value]", pair);
		for (size_t k = 0; k < 2; k++) {
			e = read_value(r, json_array_get(pair, k), k ? val : key,
				       &(struct place){ &here, NULL, k }, depth + 1,
				       &v->items[2 * i + k]);
			if (e < 0)
				return e;
		}
		v->n_items = 2 * i + 2;
	}
	e = check_keys(r, v, 2, at);
	if (e < 0)
		return e;
	*ret = v;
	return 0;
}

static int read_object(struct reader *r, const json_t *j, const struct type *val,
		       const struct place *at, unsigned depth, struct value **ret)
{
	size_t n = json_object_size(j);
	const char *key;
	size_t key_len;
	struct value *v;
	json_t *item;
	void *it;
	int e;

	if (!json_is_object(j))
		return wrong(r, at, "an object", j);
	e = make(r, VALUE_DICT, &v);
	if (e < 0)
		return e;
	v->items = value_alloc(r->pool, 2 * n * sizeof(*v->items));
	if (!v->items)
		return no_memory(r);
	for (it = json_object_iter((json_t *)(uintptr_t)j); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)j, it)) {
		struct value *k;

		key = json_object_iter_key(it);
		key_len = json_object_iter_key_len(it);
		item = json_object_iter_value(it);
		e = make(r, VALUE_STR, &k);
		if (e == 0)
			e = set_text(r, k, key, key_len);
		if (e == 0)
			e = read_value(r, item, val, &(struct place){ at, key, 0 }, depth + 1,
				       &v->items[v->n_items + 1]);
		if (e < 0)
			return e;
		v->items[v->n_items] = k;
		v->n_items += 2;
	}
	*ret = v;
	return 0;
}

static int read_range(struct reader *r, const json_t *j, const struct place *at, struct value **ret)
{
	struct value *v;
	int e;

	if (!json_is_array(j) || json_array_size(j) != 3)
		return wrong(r, at, "[start, stop, step]", j);
	e = make(r, VALUE_RANGE, &v);
	if (e < 0)
		return e;
	v->items = value_alloc(r->pool, 3 * sizeof(*v->items));
	if (!v->items)
		return no_memory(r);
	for (size_t i = 0; i < 3; i++) {
		e = read_int(r, json_array_get(j, i), &(struct place){ at, NULL, i }, &v->items[i]);
		if (e < 0)
			return e;
		v->n_items = i + 1;
	}
	if (v->items[2]->kind == VALUE_INT && v->items[2]->integer == 0)
		return prefix_place(r, at, error_set(r->err, ERR_INPUT, "a range with step 0"));
	*ret = v;
	return 0;
}

/* ["Name", ["field", …], [value, …]] */
static int read_named_tuple(struct reader *r, const json_t *j, const struct place *at,
			    unsigned depth, struct value **ret)
{
	const json_t *name = json_array_get(j, 0), *fields = json_array_get(j, 1);
	const json_t *values = json_array_get(j, 2);
	cleanup_buf struct buf names;
	struct value *v;
	int e;

	buf_init(&names, SIZE_MAX);
	if (!json_is_array(j) || json_array_size(j) != 3 || !json_is_string(name) ||
	    !json_is_array(fields) || !json_is_array(values) ||
	    json_array_size(fields) != json_array_size(values))
		return wrong(r, at, "[name, [field, …], [value, …]]", j);
	buf_adds(&names, json_string_value(name));
	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *f = json_array_get(fields, i);

		if (!json_is_string(f))
			return wrong(r, at, "field names", f);
		buf_addc(&names, '\0');
		buf_adds(&names, json_string_value(f));
	}
	if (names.error)
		return no_memory(r);
	e = read_items(r, values, VALUE_NAMED_TUPLE, NULL, 0, at, depth, &v);
	if (e == 0)
		e = set_text(r, v, names.data, names.len);
	if (e == 0)
		*ret = v;
	return e;
}

static int read_special(struct reader *r, const struct value_special *s, const json_t *j,
			const struct place *at, unsigned depth, struct value **ret)
{
	struct place here = { at, s->key, 0 };
	int e;

	switch (s->form) {
	case VALUE_FORM_ITEMS:
		return read_items(r, j, s->kind, NULL, 0, &here, depth, ret);
	case VALUE_FORM_PAIRS:
		return read_pairs(r, j, s->kind, NULL, NULL, &here, depth, ret);
	case VALUE_FORM_TEXT:
		return read_base64(r, j, s->kind, &here, ret);
	case VALUE_FORM_OTHER:
		break;
	}
	switch (s->kind) {
	case VALUE_BIGINT:
		return read_int(r, j, &here, ret);
	case VALUE_FLOAT:
		return read_float(r, j, &here, ret);
	case VALUE_COMPLEX:
		return read_complex(r, j, &here, ret);
	case VALUE_RANGE:
		return read_range(r, j, &here, ret);
	case VALUE_NAMED_TUPLE:
		return read_named_tuple(r, j, &here, depth, ret);
	case VALUE_ELLIPSIS:
	case VALUE_NOT_IMPLEMENTED:
		*ret = value_singleton(r->pool, s->kind, false);
		return *ret ? 0 : no_memory(r);
	case VALUE_TYPE:
		e = read_str(r, j, &here, ret);
		if (e == 0)
			(*ret)->kind = VALUE_TYPE;
		return e;
	default:
		return prefix_place(
			r, &here,
			error_set(r->err, ERR_INPUT, "only a running candidate has such a value"));
	}
}

static int read_any(struct reader *r, const json_t *j, const struct place *at, unsigned depth,
		    struct value **ret)
{
	const char *key;
	json_t *obj = (json_t *)(uintptr_t)j;

	switch (json_typeof(j)) {
	case JSON_NULL:
		*ret = value_singleton(r->pool, VALUE_NONE, false);
		return *ret ? 0 : no_memory(r);
	case JSON_TRUE:
	case JSON_FALSE:
		*ret = value_singleton(r->pool, VALUE_BOOL, json_is_true(j));
		return *ret ? 0 : no_memory(r);
	case JSON_INTEGER:
		return read_int(r, j, at, ret);
	case JSON_REAL:
		return read_float(r, j, at, ret);
	case JSON_STRING:
		return read_str(r, j, at, ret);
	case JSON_ARRAY:
		return read_items(r, j, VALUE_LIST, NULL, 0, at, depth, ret);
	case JSON_OBJECT:
		break;
	}
	if (json_object_size(j) != 1)
		return read_object(r, j, NULL, at, depth, ret);
	key = json_object_iter_key(json_object_iter(obj));
	if (*key != '$')
		return read_object(r, j, NULL, at, depth, ret);
	for (size_t i = 0; i < ARRAY_SIZE(value_specials); i++)
		if (str_eq(value_specials[i].key, key))
			return read_special(r, &value_specials[i], json_object_get(j, key), at,
					    depth, ret);
	return prefix_place(r, at, error_set(r->err, ERR_INPUT, "unknown form '%s'", key));
}

static int read_value(struct reader *r, const json_t *j, const struct type *t,
		      const struct place *at, unsigned depth, struct value **ret)
{
	if (depth > VALUE_MAX_DEPTH)
		return error_set(r->err, ERR_LIMIT, "values nest more than %d deep",
				 VALUE_MAX_DEPTH);
	switch (t ? t->kind : TYPE_ANY) {
	case TYPE_INT:
		return read_int(r, j, at, ret);
	case TYPE_FLOAT:
		return read_float(r, j, at, ret);
	case TYPE_COMPLEX:
		return read_complex(r, j, at, ret);
	case TYPE_BOOL:
		return json_is_boolean(j) ? read_any(r, j, at, depth, ret)
					  : wrong(r, at, "bool", j);
	case TYPE_STRING:
		if (json_is_object(j) && json_object_get(j, "$str"))
			return read_any(r, j, at, depth, ret);
		return read_str(r, j, at, ret);
	case TYPE_BYTES:
		return read_base64(r, j, VALUE_BYTES, at, ret);
	case TYPE_NONE:
		return json_is_null(j) ? read_any(r, j, at, depth, ret) : wrong(r, at, "null", j);
	case TYPE_LIST:
		return read_items(r, j, VALUE_LIST, t->args, 1, at, depth, ret);
	case TYPE_SET:
		return read_items(r, j, VALUE_SET, t->args, 1, at, depth, ret);
	case TYPE_TUPLE:
		if (json_is_array(j) && json_array_size(j) != t->n_args)
			return prefix_place(r, at,
					    error_set(r->err, ERR_INPUT,
						      "expected a tuple of %zu, got %zu items",
						      t->n_args, json_array_size(j)));
		return read_items(r, j, VALUE_TUPLE, t->args, t->n_args, at, depth, ret);
	case TYPE_MAP:
		if (t->args[0]->kind == TYPE_STRING)
			return read_object(r, j, t->args[1], at, depth, ret);
		return read_pairs(r, j, VALUE_DICT, t->args[0], t->args[1], at, depth, ret);
	case TYPE_OPTIONAL:
		return read_value(r, j, json_is_null(j) ? NULL : t->args[0], at, depth, ret);
	default:
		return read_any(r, j, at, depth, ret);
	}
}

int value_from_json(struct value_pool *p, const json_t *j, const struct type *t, struct value **ret,
		    struct error *err)
{
	struct reader r = { .pool = p, .err = err };
	struct place root = { NULL, NULL, 0 };
	struct value *v;
	int e;

	if (!j)
		return error_set(err, ERR_INPUT, "a value is missing");
	e = read_value(&r, j, t, &root, 0, &v);
	if (e == 0)
		*ret = v;
	return e;
}
