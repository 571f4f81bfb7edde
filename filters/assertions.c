/* SPDX-License-Identifier: Apache-2.0 */
/* assertions.c - recognised test code: reading it, and what an answer means for it; see assertions.h. */
#include "filters/assertions.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"

/* What every int up to here and every float between them have in common: both are exact in a double. */
#define EXACT_INT (INT64_C(1) << 53)
#define MAX_ASSERTIONS 1000000u

static bool known_kind(uint8_t kind)
{
	return kind && strchr("ENIJTF<,AZ", kind);
}

static bool take_u32(const uint8_t **p, const uint8_t *end, uint32_t *ret)
{
	if (end - *p < 4)
		return false;
	memcpy(ret, *p, 4);
	*ret = le32toh(*ret);
	*p += 4;
	return true;
}

static int read_one(struct assertions *a, size_t i, const uint8_t *p, const uint8_t *end, struct error *err)
{
	struct value_numbers *numbers;
	struct test_case *c = &a->cases[i];
	uint64_t bits;
	int r;

	if (end - p < 9 || !known_kind(*p))
		return error_set(err, ERR_INPUT, "assertion %zu is of no known kind", i + 1);
	a->items[i].kind = (enum assertion_kind)*p;
	memcpy(&bits, p + 1, 8);
	bits = le64toh(bits);
	memcpy(&a->items[i].tolerance, &bits, 8);
	p += 9;
	numbers = value_numbers_new();
	if (!numbers)
		return error_set(err, ERR_NOMEM, "out of memory for assertions");
	r = value_decode_numbered(numbers, a->pool, &p, end, &c->args, err);
	if (r == 0)
		r = value_decode_numbered(numbers, a->pool, &p, end, &c->expect, err);
	value_numbers_free(numbers);
	if (r == 0 && (p != end || c->args->kind != VALUE_TUPLE))
		r = error_set(err, ERR_INPUT, "assertion %zu is not well-formed", i + 1);
	return r;
}

static int read_all(struct assertions *a, const uint8_t *p, const uint8_t *end, struct error *err)
{
	uint32_t n, size;

	if (!take_u32(&p, end, &n) || !n || n > MAX_ASSERTIONS || n > (size_t)(end - p))
		return error_set(err, ERR_INPUT, "a bad number of assertions");
	a->cases = mem_calloc(n, sizeof(*a->cases));
	a->items = mem_calloc(n, sizeof(*a->items));
	if (!a->cases || !a->items)
		return error_set(err, ERR_NOMEM, "out of memory for assertions");
	for (a->n = 0; a->n < n; a->n++) {
		int r;

		if (!take_u32(&p, end, &size) || size > (size_t)(end - p))
			return error_set(err, ERR_INPUT, "assertion %zu is cut", a->n + 1);
		r = read_one(a, a->n, p, p + size, err);
		if (r < 0)
			return r;
		p += size;
	}
	return p == end ? 0 : error_set(err, ERR_INPUT, "bytes after the last assertion");
}

int assertions_read(const uint8_t *p, size_t n, const size_t *visible, size_t n_visible, struct assertions **ret,
		    struct error *err)
{
	struct assertions *a = mem_zalloc(sizeof(*a));
	int r;

	if (!a)
		return error_set(err, ERR_NOMEM, "out of memory for assertions");
	a->pool = value_pool_new();
	r = a->pool ? read_all(a, p, p + n, err) : error_set(err, ERR_NOMEM, "out of memory for assertions");
	if (r < 0) {
		assertions_free(a);
		return r;
	}
	for (size_t i = 0; i < n_visible; i++)
		if (visible[i] < a->n)
			a->cases[visible[i]].visible = true;
	*ret = a;
	return 0;
}

void assertions_free(struct assertions *a)
{
	if (!a)
		return;
	value_pool_free(a->pool);
	mem_free(a->cases);
	mem_free(a->items);
	mem_free(a);
}

/* Nothing in it but what Python compares and tests for truth without asking anybody. */
static bool plain(const struct value *v, unsigned depth)
{
	switch (v->kind) {
	case VALUE_NONE:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_BIGINT:
	case VALUE_FLOAT:
	case VALUE_COMPLEX:
	case VALUE_STR:
	case VALUE_BYTES:
		return true;
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_SET:
	case VALUE_FROZENSET:
	case VALUE_DICT:
		break;
	default:
		return false;
	}
	if (depth > VALUE_MAX_DEPTH)
		return false;
	for (size_t i = 0; i < v->n_items; i++)
		if (!plain(v->items[i], depth + 1))
			return false;
	return true;
}

/* bool() of a plain value. */
static bool truth(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NONE:
		return false;
	case VALUE_BOOL:
		return v->boolean;
	case VALUE_INT:
		return v->integer != 0;
	case VALUE_FLOAT:
		return v->real != 0;
	case VALUE_COMPLEX:
		return v->real != 0 || v->imag != 0;
	case VALUE_STR:
	case VALUE_BYTES:
		return v->len > 0;
	case VALUE_BIGINT:
		return true;
	default:
		return v->n_items > 0;
	}
}

/* A number whose difference to another such is the same in Python and in doubles. */
static bool exact_number(const struct value *v, double *ret)
{
	if (v->kind == VALUE_FLOAT)
		*ret = v->real;
	else if (v->kind == VALUE_BOOL)
		*ret = v->boolean;
	else if (v->kind == VALUE_INT && v->integer < EXACT_INT && v->integer > -EXACT_INT)
		*ret = (double)v->integer;
	else
		return false;
	return true;
}

static enum assertion_answer said(bool holds)
{
	return holds ? ASSERTION_HOLDS : ASSERTION_FAILS;
}

enum assertion_answer assertion_check(const struct assertion *a, const struct value *answer, const struct value *expect)
{
	double x, y, distance;
	bool is;

	if (a->kind == ASSERT_ALWAYS || a->kind == ASSERT_NEVER)
		return said(a->kind == ASSERT_ALWAYS);
	if (!plain(answer, 0))
		return ASSERTION_UNSURE;
	switch (a->kind) {
	case ASSERT_EQUAL:
	case ASSERT_NOT_EQUAL:
		if (!plain(expect, 0))
			return ASSERTION_UNSURE;
		return said(value_equal(answer, expect) == (a->kind == ASSERT_EQUAL));
	case ASSERT_IS:
	case ASSERT_IS_NOT:
		is = answer->kind == expect->kind &&
		     (answer->kind == VALUE_NONE || (answer->kind == VALUE_BOOL && answer->boolean == expect->boolean));
		return said(is == (a->kind == ASSERT_IS));
	case ASSERT_TRUE:
	case ASSERT_FALSE:
		return said(truth(answer) == (a->kind == ASSERT_TRUE));
	case ASSERT_NEAR:
	case ASSERT_NEAR_OR_AT:
		if (!exact_number(answer, &x) || !exact_number(expect, &y))
			return ASSERTION_UNSURE;
		distance = fabs(x - y);
		return said(a->kind == ASSERT_NEAR ? distance < a->tolerance : distance <= a->tolerance);
	default:
		return ASSERTION_UNSURE;
	}
}
