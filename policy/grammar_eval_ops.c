/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_eval_ops.c - the operations of the grammar on values, as Python has them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/grammar_eval_internal.h"

#define MAX_RANGE 5000


bool gval_list(struct geval *e, uint8_t type, size_t n, struct gval *ret)
{
	struct gval v = { .type = type, .n = (uint32_t)n };

	v.items = geval_alloc(e, (n + 1) * sizeof(struct gval));
	if (!v.items)
		return false;
	*ret = v;
	return true;
}

static bool text(struct geval *e, const char *s, size_t n, struct gval *ret)
{
	char *copy = geval_alloc(e, n + 1);

	if (!copy)
		return false;
	if (n)
		memcpy(copy, s, n);
	*ret = (struct gval){ .text = copy, .n = (uint32_t)n, .type = GT_STR };
	return true;
}

bool gval_equal(const struct gval *a, const struct gval *b, double tolerance)
{
	if (a->type == GT_FLOAT || b->type == GT_FLOAT) {
		double x = a->type == GT_FLOAT ? a->f : (double)a->i, y = b->type == GT_FLOAT ? b->f : (double)b->i;

		return x == y || fabs(x - y) <= tolerance * (1 > fabs(y) ? 1 : fabs(y));
	}
	if (a->type == GT_STR || b->type == GT_STR)
		return a->type == b->type && a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
	if (a->type >= GT_LIST_INT) {
		if (a->n != b->n || b->type < GT_LIST_INT)
			return false;
		for (uint32_t i = 0; i < a->n; i++)
			if (!gval_equal(&a->items[i], &b->items[i], tolerance))
				return false;
		return true;
	}
	return a->i == b->i;
}

int gval_compare(const struct gval *a, const struct gval *b)
{
	if (a->type == GT_STR) {
		int c = memcmp(a->text, b->text, a->n < b->n ? a->n : b->n);

		return c ? c : (a->n > b->n) - (a->n < b->n);
	}
	if (a->type == GT_FLOAT || b->type == GT_FLOAT) {
		double x = a->type == GT_FLOAT ? a->f : (double)a->i, y = b->type == GT_FLOAT ? b->f : (double)b->i;

		return (x > y) - (x < y);
	}
	return (a->i > b->i) - (a->i < b->i);
}

static struct gval of_int(int64_t i)
{
	return (struct gval){ .i = i, .type = GT_INT };
}

static struct gval of_bool(bool b)
{
	return (struct gval){ .i = b, .type = GT_BOOL };
}

static struct gval of_char(int64_t c)
{
	return (struct gval){ .i = c, .type = GT_CHAR };
}

static struct gval of_float(double f)
{
	return (struct gval){ .f = f, .type = GT_FLOAT };
}

static double as_float(const struct gval *v)
{
	return v->type == GT_FLOAT ? v->f : (double)v->i;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q - ((a % b != 0) && ((a < 0) != (b < 0)));
}

static int arithmetic(const struct gnode *n, const struct gval *a, struct gval *ret)
{
	int64_t x = a[0].i, y = n->n > 1 ? a[1].i : 0, z = 0;
	bool over = false;

	switch (n->family) {
	case GF_add: over = __builtin_add_overflow(x, y, &z); break;
	case GF_sub: over = __builtin_sub_overflow(x, y, &z); break;
	case GF_mul: over = __builtin_mul_overflow(x, y, &z); break;
	case GF_floordiv:
	case GF_mod:
		if (y == 0 || (x == INT64_MIN && y == -1))
			return 0;
		z = n->family == GF_floordiv ? floor_div(x, y) : x - floor_div(x, y) * y;
		break;
	case GF_neg: over = __builtin_sub_overflow(0, x, &z); break;
	case GF_abs: over = __builtin_sub_overflow(0, x, &z); z = x < 0 ? z : x; over = over && x < 0; break;
	case GF_max2: z = x > y ? x : y; break;
	case GF_min2: z = x < y ? x : y; break;
	case GF_power:
		if (y < 0 || y > 64)
			return 0;
		for (z = 1; y > 0 && !over; y--)
			over = __builtin_mul_overflow(z, x, &z);
		break;
	case GF_gcd:
		if (x == INT64_MIN || y == INT64_MIN)
			return 0;
		for (x = llabs(x), y = llabs(y); y; z = x % y, x = y, y = z)
			;
		z = x;
		break;
	default: return -1;
	}
	*ret = of_int(z);
	return !over;
}

static int float_arithmetic(const struct gnode *n, const struct gval *a, struct gval *ret)
{
	double x = as_float(&a[0]), y = n->n > 1 ? as_float(&a[1]) : 0;

	switch (n->family) {
	case GF_plus_int:
	case GF_add: *ret = of_float(x + y); return 1;
	case GF_minus_int:
	case GF_sub: *ret = of_float(x - y); return 1;
	case GF_times_int:
	case GF_mul: *ret = of_float(x * y); return 1;
	case GF_divide_int:
	case GF_divide:
		if (y == 0)
			return 0;
		*ret = of_float(x / y);
		return 1;
	case GF_neg: *ret = of_float(-x); return 1;
	case GF_abs: *ret = of_float(fabs(x)); return 1;
	case GF_max2: *ret = x >= y ? a[0] : a[1]; return 1;
	case GF_min2: *ret = x <= y ? a[0] : a[1]; return 1;
	case GF_square_root:
		if (x < 0)
			return 0;
		*ret = of_float(sqrt(x));
		return 1;
	case GF_to_float: *ret = of_float(x); return 1;
	case GF_round_to: {
		double scale;

		if (a[1].i < 0 || a[1].i > 12)
			return 0;
		scale = pow(10, (double)a[1].i);
		*ret = of_float(rint(x * scale) / scale);
		return 1;
	}
	default: return -1;
	}
}

static int truths(const struct gnode *n, const struct gval *a, struct gval *ret)
{
	switch (n->family) {
	case GF_less:
	case GF_char_less:
	case GF_text_less: *ret = of_bool(gval_compare(&a[0], &a[1]) < 0); return 1;
	case GF_less_equal:
	case GF_char_less_equal: *ret = of_bool(gval_compare(&a[0], &a[1]) <= 0); return 1;
	case GF_greater: *ret = of_bool(gval_compare(&a[0], &a[1]) > 0); return 1;
	case GF_greater_equal: *ret = of_bool(gval_compare(&a[0], &a[1]) >= 0); return 1;
	case GF_equal: *ret = of_bool(gval_equal(&a[0], &a[1], 0)); return 1;
	case GF_differ: *ret = of_bool(!gval_equal(&a[0], &a[1], 0)); return 1;
	case GF_divides:
	case GF_divides_not:
		if (a[1].i == 0 || a[1].i == -1)
			return 0;
		*ret = of_bool((a[0].i % a[1].i == 0) == (n->family == GF_divides));
		return 1;
	case GF_and: *ret = of_bool(a[0].i && a[1].i); return 1;
	case GF_or: *ret = of_bool(a[0].i || a[1].i); return 1;
	case GF_not: *ret = of_bool(!a[0].i); return 1;
	case GF_true: *ret = of_bool(true); return 1;
	case GF_false: *ret = of_bool(false); return 1;
	case GF_empty: *ret = of_bool(a[0].n == 0); return 1;
	case GF_holds:
	case GF_holds_not: {
		bool there = false;

		for (uint32_t i = 0; i < a[1].n && !there; i++)
			there = gval_equal(&a[0], &a[1].items[i], 0);
		*ret = of_bool(there == (n->family == GF_holds));
		return 1;
	}
	case GF_holds_char: *ret = of_bool(memchr(a[1].text, (int)a[0].i, a[1].n)); return 1;
	case GF_holds_text: *ret = of_bool(memmem(a[1].text, a[1].n, a[0].text, a[0].n)); return 1;
	case GF_starts: *ret = of_bool(a[0].n >= a[1].n && memcmp(a[0].text, a[1].text, a[1].n) == 0); return 1;
	case GF_ends:
		*ret = of_bool(a[0].n >= a[1].n && memcmp(a[0].text + a[0].n - a[1].n, a[1].text, a[1].n) == 0);
		return 1;
	case GF_is_digit: *ret = of_bool(isdigit((int)a[0].i)); return 1;
	case GF_is_upper: *ret = of_bool(isupper((int)a[0].i)); return 1;
	case GF_is_lower: *ret = of_bool(islower((int)a[0].i)); return 1;
	case GF_is_alpha: *ret = of_bool(isalpha((int)a[0].i)); return 1;
	case GF_is_space: *ret = of_bool(isspace((int)a[0].i)); return 1;
	case GF_is_vowel: *ret = of_bool(a[0].i && strchr("aeiou", (int)a[0].i)); return 1;
	default: return -1;
	}
}

/* Python's slice bounds. */
static uint32_t bound(int64_t i, uint32_t n)
{
	if (i < 0)
		i = i + n < 0 ? 0 : i + n;
	return i > n ? n : (uint32_t)i;
}

static int64_t text_count(const struct gval *s, const char *w, uint32_t n)
{
	int64_t k = 0;

	if (n == 0)
		return s->n + 1;
	for (uint32_t i = 0; i + n <= s->n;)
		if (memcmp(s->text + i, w, n) == 0) {
			k++;
			i += n;
		} else {
			i++;
		}
	return k;
}

static bool is_list(const struct gval *v)
{
	return v->type >= GT_LIST_INT;
}

static struct gval at(const struct gval *v, uint32_t i)
{
	return is_list(v) ? v->items[i] : of_char(v->text[i]);
}

static int numbers_of_sequences(const struct gnode *n, const struct gval *a, struct gval *ret)
{
	int64_t z = 0;
	char c;

	switch (n->family) {
	case GF_len: *ret = of_int(a[0].n); return 1;
	case GF_sum:
		for (uint32_t i = 0; i < a[0].n; i++)
			if (__builtin_add_overflow(z, a[0].items[i].i, &z))
				return 0;
		*ret = of_int(z);
		return 1;
	case GF_product:
		z = 1;
		for (uint32_t i = 0; i < a[0].n; i++)
			if (__builtin_mul_overflow(z, a[0].items[i].i, &z))
				return 0;
		*ret = of_int(z);
		return 1;
	case GF_sum_float:
	case GF_product_float: {
		double f = n->family == GF_sum_float ? 0 : 1;

		for (uint32_t i = 0; i < a[0].n; i++)
			f = n->family == GF_sum_float ? f + a[0].items[i].f : f * a[0].items[i].f;
		*ret = of_float(f);
		return 1;
	}
	case GF_largest:
	case GF_smallest:
	case GF_largest_or:
	case GF_largest_char:
	case GF_longest:
	case GF_shortest:
		if (!a[0].n) {
			if (n->family != GF_largest_or)
				return 0;
			*ret = a[1];
			return 1;
		}
		*ret = at(&a[0], 0);
		for (uint32_t i = 1; i < a[0].n; i++) {
			struct gval x = at(&a[0], i);
			int c2 = n->family == GF_longest || n->family == GF_shortest ? (x.n > ret->n) - (x.n < ret->n)
										    : gval_compare(&x, ret);

			if (n->family == GF_smallest || n->family == GF_shortest ? c2 < 0 : c2 > 0)
				*ret = x;
		}
		return 1;
	case GF_count:
		for (uint32_t i = 0; i < a[0].n; i++)
			z += gval_equal(&a[0].items[i], &a[1], 0);
		*ret = of_int(z);
		return 1;
	case GF_place:
		for (uint32_t i = 0; i < a[0].n; i++)
			if (gval_equal(&a[0].items[i], &a[1], 0)) {
				*ret = of_int(i);
				return 1;
			}
		return 0;
	case GF_count_text: *ret = of_int(text_count(&a[0], a[1].text, a[1].n)); return 1;
	case GF_count_char:
		c = (char)a[1].i;
		*ret = of_int(text_count(&a[0], &c, 1));
		return 1;
	case GF_find: {
		const char *p = a[1].n ? memmem(a[0].text, a[0].n, a[1].text, a[1].n) : a[0].text;

		*ret = of_int(p ? p - a[0].text : -1);
		return 1;
	}
	case GF_n_distinct:
	case GF_n_distinct_chars:
		if (a[0].type == GT_LIST_LIST_INT)
			return 0; /* a list is no key in Python */
		for (uint32_t i = 0; i < a[0].n; i++) {
			struct gval x = at(&a[0], i);
			bool before = false;

			for (uint32_t j = 0; j < i && !before; j++) {
				struct gval y = at(&a[0], j);

				before = gval_equal(&x, &y, 0);
			}
			z += !before;
		}
		*ret = of_int(z);
		return 1;
	case GF_digit_value:
		*ret = of_int(a[0].i - '0');
		return isdigit((int)a[0].i) != 0;
	case GF_code: *ret = of_int(a[0].i); return 1;
	case GF_parse_int: {
		char digits[24], *end;
		uint32_t from = 0, to = a[0].n;

		while (from < to && isspace((unsigned char)a[0].text[from]))
			from++;
		while (to > from && isspace((unsigned char)a[0].text[to - 1]))
			to--;
		if (to == from || to - from > 18)
			return 0;
		memcpy(digits, a[0].text + from, to - from);
		digits[to - from] = '\0';
		*ret = of_int(strtoll(digits, &end, 10));
		return !*end && !isspace((unsigned char)digits[0]);
	}
	case GF_truncate: *ret = of_int((int64_t)a[0].f); return fabs(a[0].f) < 1e15;
	case GF_zero: *ret = of_int(0); return 1;
	case GF_one: *ret = of_int(1); return 1;
	case GF_two: *ret = of_int(2); return 1;
	case GF_three: *ret = of_int(3); return 1;
	case GF_ten: *ret = of_int(10); return 1;
	case GF_half: *ret = of_float(0.5); return 1;
	case GF_float_one: *ret = of_float(1); return 1;
	case GF_float_zero: *ret = of_float(0); return 1;
	default: return -1;
	}
}

static int items(const struct gnode *n, const struct gval *a, struct gval *ret)
{
	int64_t i;

	switch (n->family) {
	case GF_first:
	case GF_first_char: i = 0; break;
	case GF_last:
	case GF_last_char: i = -1; break;
	case GF_item:
	case GF_char_at: i = a[1].i; break;
	default: return -1;
	}
	if (i < 0)
		i += a[0].n;
	if (i < 0 || i >= a[0].n)
		return 0;
	*ret = at(&a[0], (uint32_t)i);
	return 1;
}

static int in_order(const void *x, const void *y)
{
	return gval_compare(x, y);
}

static int in_falling_order(const void *x, const void *y)
{
	return gval_compare(y, x);
}

/* Stable, and short: insertion. */
static void sort_by_length(struct gval *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct gval x = v[i];
		uint32_t j = i;

		for (; j && v[j - 1].n > x.n; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static int range(struct geval *e, int64_t from, int64_t to, int64_t step, struct gval *ret)
{
	int64_t n = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;

	if (step > 0 ? to <= from : to >= from)
		n = 0;
	if (n > MAX_RANGE || !gval_list(e, GT_LIST_INT, (size_t)n, ret))
		return 0;
	for (int64_t i = 0; i < n; i++)
		ret->items[i] = of_int(from + i * step);
	return 1;
}

static int lists(struct geval *e, const struct gnode *n, const struct gval *a, struct gval *ret)
{
	uint32_t from = 0, to = a[0].n, step = 1, k = 0;

	switch (n->family) {
	case GF_join_lists:
		if (!gval_list(e, n->type, (size_t)a[0].n + a[1].n, ret))
			return 0;
		memcpy(ret->items, a[0].items, a[0].n * sizeof(*ret->items));
		memcpy(ret->items + a[0].n, a[1].items, a[1].n * sizeof(*ret->items));
		return 1;
	case GF_repeat_list:
		if (a[1].i > 1000)
			return 0;
		if (!gval_list(e, n->type, a[1].i > 0 ? a[0].n * (size_t)a[1].i : 0, ret))
			return 0;
		for (uint32_t i = 0; i < ret->n; i++)
			ret->items[i] = a[0].items[i % a[0].n];
		return 1;
	case GF_reverse:
		if (!gval_list(e, n->type, a[0].n, ret))
			return 0;
		for (uint32_t i = 0; i < a[0].n; i++)
			ret->items[i] = a[0].items[a[0].n - 1 - i];
		return 1;
	case GF_sort:
	case GF_sort_down:
	case GF_by_length:
	case GF_distinct_sorted:
	case GF_distinct:
		if (!gval_list(e, n->type, a[0].n, ret))
			return 0;
		memcpy(ret->items, a[0].items, a[0].n * sizeof(*ret->items));
		if (n->family == GF_by_length)
			sort_by_length(ret->items, ret->n);
		else if (n->family != GF_distinct)
			qsort(ret->items, ret->n, sizeof(*ret->items), n->family == GF_sort_down ? in_falling_order : in_order);
		if (n->family == GF_distinct_sorted || n->family == GF_distinct) {
			for (uint32_t i = 0; i < ret->n; i++) {
				bool before = false;

				for (uint32_t j = 0; j < k && !before; j++)
					before = gval_equal(&ret->items[j], &ret->items[i], 0);
				if (!before)
					ret->items[k++] = ret->items[i];
			}
			ret->n = k;
		}
		return 1;
	case GF_from: from = bound(a[1].i, a[0].n); break;
	case GF_up_to: to = bound(a[1].i, a[0].n); break;
	case GF_tail: from = bound(1, a[0].n); break;
	case GF_but_last: to = a[0].n ? a[0].n - 1 : 0; break;
	case GF_every_nth:
		if (a[1].i <= 0)
			return 0;
		step = a[1].i > 1000 ? 1000 : (uint32_t)a[1].i;
		break;
	case GF_list_of:
	case GF_list_of_two:
		if (!gval_list(e, n->type, n->n, ret))
			return 0;
		for (unsigned i = 0; i < n->n; i++)
			ret->items[i] = a[i];
		return 1;
	case GF_no_items: return gval_list(e, n->type, 0, ret);
	case GF_range: return range(e, 0, a[0].i, 1, ret);
	case GF_range_from: return range(e, a[0].i, a[1].i, 1, ret);
	case GF_range_step: return a[2].i ? range(e, a[0].i, a[1].i, a[2].i, ret) : 0;
	case GF_flatten:
		for (uint32_t i = 0; i < a[0].n; i++)
			k += a[0].items[i].n;
		if (!gval_list(e, GT_LIST_INT, k, ret))
			return 0;
		k = 0;
		for (uint32_t i = 0; i < a[0].n; i++)
			for (uint32_t j = 0; j < a[0].items[i].n; j++)
				ret->items[k++] = a[0].items[i].items[j];
		return 1;
	default: return -1;
	}
	if (!gval_list(e, n->type, a[0].n, ret))
		return 0;
	for (uint32_t i = from; i < to; i += step)
		ret->items[k++] = a[0].items[i];
	ret->n = k;
	return 1;
}

static int split(struct geval *e, const struct gval *s, int sep, struct gval *ret)
{
	uint32_t k = 0;

	if (!gval_list(e, GT_LIST_STR, (size_t)s->n + 1, ret))
		return 0;
	for (uint32_t i = 0; i <= s->n;) {
		uint32_t from = i;

		while (i < s->n && (sep ? s->text[i] != sep : !isspace((unsigned char)s->text[i])))
			i++;
		if (sep || i > from)
			ret->items[k++] = (struct gval){ .text = s->text + from, .n = i - from, .type = GT_STR };
		i++;
	}
	ret->n = k;
	return 1;
}

static int join(struct geval *e, const struct gval *list, const char *sep, size_t n_sep, struct gval *ret)
{
	size_t n = 0;
	char *out;

	for (uint32_t i = 0; i < list->n; i++)
		n += list->items[i].n + (i ? n_sep : 0);
	out = geval_alloc(e, n + 1);
	if (!out)
		return 0;
	*ret = (struct gval){ .text = out, .n = (uint32_t)n, .type = GT_STR };
	for (uint32_t i = 0; i < list->n; i++) {
		if (i && n_sep)
			memcpy(out, sep, n_sep), out += n_sep;
		memcpy(out, list->items[i].text, list->items[i].n);
		out += list->items[i].n;
	}
	return 1;
}

static int by_byte(const void *a, const void *b)
{
	return (int)*(const unsigned char *)a - (int)*(const unsigned char *)b;
}

static int changed(struct geval *e, const struct gnode *n, const struct gval *a, struct gval *ret)
{
	char *out;
	uint32_t k = 0, len = a[0].n;

	if (!text(e, a[0].text, len, ret))
		return 0;
	out = (char *)ret->text;
	for (uint32_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)a[0].text[i];

		switch (n->family) {
		case GF_reverse_text: out[i] = a[0].text[len - 1 - i]; break;
		case GF_upper: out[i] = (char)toupper(c); break;
		case GF_lower: out[i] = (char)tolower(c); break;
		case GF_capitalize: out[i] = (char)(i ? tolower(c) : toupper(c)); break;
		case GF_swapcase: out[i] = (char)(isupper(c) ? tolower(c) : toupper(c)); break;
		case GF_replace: out[i] = c == a[1].i ? (char)a[2].i : (char)c; break;
		case GF_remove:
			if (c != a[1].i)
				out[k++] = (char)c;
			break;
		default: break;
		}
	}
	if (n->family == GF_remove)
		ret->n = k;
	if (n->family == GF_sort_text)
		qsort(out, len, 1, by_byte);
	return 1;
}

static int texts(struct geval *e, const struct gnode *n, const struct gval *a, struct gval *ret)
{
	uint32_t from = 0, to = n->n ? a[0].n : 0;
	char c, number[24], *out;

	switch (n->family) {
	case GF_no_text: return text(e, "", 0, ret);
	case GF_reverse_text:
	case GF_upper:
	case GF_lower:
	case GF_capitalize:
	case GF_swapcase:
	case GF_replace:
	case GF_remove:
	case GF_sort_text: return changed(e, n, a, ret);
	case GF_join_texts:
		out = geval_alloc(e, (size_t)a[0].n + a[1].n + 1);
		if (!out)
			return 0;
		memcpy(out, a[0].text, a[0].n);
		memcpy(out + a[0].n, a[1].text, a[1].n);
		*ret = (struct gval){ .text = out, .n = a[0].n + a[1].n, .type = GT_STR };
		return 1;
	case GF_repeat_text:
		if (a[1].i > 1000)
			return 0;
		to = a[1].i > 0 ? a[0].n * (uint32_t)a[1].i : 0;
		out = geval_alloc(e, to + 1);
		if (!out)
			return 0;
		for (uint32_t i = 0; i < to; i++)
			out[i] = a[0].text[i % a[0].n];
		*ret = (struct gval){ .text = out, .n = to, .type = GT_STR };
		return 1;
	case GF_strip:
		while (from < to && isspace((unsigned char)a[0].text[from]))
			from++;
		while (to > from && isspace((unsigned char)a[0].text[to - 1]))
			to--;
		return text(e, a[0].text + from, to - from, ret);
	case GF_text_from: from = bound(a[1].i, a[0].n); return text(e, a[0].text + from, to - from, ret);
	case GF_text_tail: from = bound(1, a[0].n); return text(e, a[0].text + from, to - from, ret);
	case GF_text_up_to: return text(e, a[0].text, bound(a[1].i, a[0].n), ret);
	case GF_text_nth:
		if (a[1].i <= 0 || !text(e, a[0].text, a[0].n, ret))
			return 0;
		to = 0;
		for (uint32_t i = 0; i < a[0].n; i += a[1].i > 1000 ? 1000 : (uint32_t)a[1].i)
			((char *)ret->text)[to++] = a[0].text[i];
		ret->n = to;
		return 1;
	case GF_join: return join(e, &a[1], a[0].text, a[0].n, ret);
	case GF_join_by_char: c = (char)a[0].i; return join(e, &a[1], &c, 1, ret);
	case GF_spread:
		to = a[1].n ? 2 * a[1].n - 1 : 0;
		out = geval_alloc(e, (size_t)to + 1);
		if (!out)
			return 0;
		for (uint32_t i = 0; i < to; i++)
			out[i] = i % 2 ? (char)a[0].i : a[1].text[i / 2];
		*ret = (struct gval){ .text = out, .n = to, .type = GT_STR };
		return 1;
	case GF_to_text: return text(e, number, (size_t)snprintf(number, sizeof(number), "%lld", (long long)a[0].i), ret);
	case GF_char_text: c = (char)a[0].i; return text(e, &c, 1, ret);
	case GF_words: return split(e, &a[0], 0, ret);
	case GF_split_at: return split(e, &a[0], (int)a[1].i, ret);
	default: return -1;
	}
}

static int characters(const struct gnode *n, const struct gval *a, struct gval *ret)
{
	if (n->type != GT_CHAR)
		return -1;
	switch (n->family) {
	case GF_space: *ret = of_char(' '); return 1;
	case GF_dash: *ret = of_char('-'); return 1;
	case GF_comma: *ret = of_char(','); return 1;
	case GF_underscore: *ret = of_char('_'); return 1;
	case GF_dot: *ret = of_char('.'); return 1;
	case GF_star: *ret = of_char('*'); return 1;
	case GF_letter_a: *ret = of_char('a'); return 1;
	case GF_letter_z: *ret = of_char('z'); return 1;
	case GF_digit_0: *ret = of_char('0'); return 1;
	case GF_digit_1: *ret = of_char('1'); return 1;
	case GF_open: *ret = of_char('('); return 1;
	case GF_close: *ret = of_char(')'); return 1;
	case GF_char_upper: *ret = of_char(toupper((int)a[0].i)); return 1;
	case GF_char_lower: *ret = of_char(tolower((int)a[0].i)); return 1;
	case GF_char_of: *ret = of_char(a[0].i); return a[0].i > 0 && a[0].i < 128;
	default: return -1;
	}
}

int geval_op(struct geval *e, const struct gnode *n, const struct gval *a, struct gval *ret)
{
	int r = -1;

	if (n->type == GT_FLOAT)
		r = float_arithmetic(n, a, ret);
	else if (n->type == GT_INT)
		r = arithmetic(n, a, ret);
	else if (n->type == GT_BOOL)
		r = truths(n, a, ret);
	else if (n->type == GT_CHAR)
		r = characters(n, a, ret);
	if (r < 0)
		r = numbers_of_sequences(n, a, ret);
	if (r < 0)
		r = items(n, a, ret);
	if (r < 0 && n->type >= GT_LIST_INT && n->type < GT_N_VALUES)
		r = lists(e, n, a, ret);
	if (r < 0)
		r = texts(e, n, a, ret);
	return r;
}

bool geval_iter(struct geval *e, const struct gnode *n, struct gval *ret_first, struct gval *ret_second)
{
	struct gval a[2];
	uint32_t k;

	for (unsigned i = 0; i < n->n; i++)
		if (!geval_node(e, n->kid[i], &a[i]))
			return false;
	switch (n->family) {
	case GF_over: *ret_first = a[0]; return true;
	case GF_over_text:
		if (!gval_list(e, GT_LIST_INT, a[0].n, ret_first))
			return false;
		for (uint32_t i = 0; i < a[0].n; i++)
			ret_first->items[i] = of_char(a[0].text[i]);
		return true;
	case GF_over_range: return range(e, 0, a[0].i, 1, ret_first);
	case GF_over_one_to: return a[0].i < MAX_RANGE && range(e, 1, a[0].i + 1, 1, ret_first);
	case GF_over_from_to: return range(e, a[0].i, a[1].i, 1, ret_first);
	case GF_over_from_through: return a[1].i < INT64_MAX && range(e, a[0].i, a[1].i + 1, 1, ret_first);
	case GF_over_places: return range(e, 0, a[0].n, 1, ret_first);
	case GF_over_down: return a[0].i < MAX_RANGE && range(e, a[0].i, 0, -1, ret_first);
	case GF_over_both:
	case GF_over_both_chars: k = a[0].n < a[1].n ? a[0].n : a[1].n; break;
	case GF_over_neighbours:
	case GF_over_char_neighbours: k = a[0].n ? a[0].n - 1 : 0; break;
	case GF_over_numbered: k = a[0].n; break;
	default: return false;
	}
	if (!gval_list(e, GT_LIST_INT, k, ret_first) || !gval_list(e, GT_LIST_INT, k, ret_second))
		return false;
	for (uint32_t i = 0; i < k; i++) {
		bool neighbours = n->family == GF_over_neighbours || n->family == GF_over_char_neighbours;

		ret_first->items[i] = n->family == GF_over_numbered ? of_int(i) : at(&a[0], i);
		ret_second->items[i] = neighbours ? at(&a[0], i + 1) : n->family == GF_over_numbered ? at(&a[0], i) : at(&a[1], i);
	}
	return true;
}
