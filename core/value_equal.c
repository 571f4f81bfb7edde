/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_equal.c - Python's ==, exact over numbers and independent of the order
 * of sets and dicts.
 *
 * Values may share parts (a list met twice is one list), so a small frame can
 * denote an exponentially large value; and hashes can be made to collide.  All
 * work is therefore counted, and past MAX_STEPS the answer is "not equal".
 */
#include "core/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/value_internal.h"

#define MAX_STEPS (UINT64_C(50) * 1000 * 1000)
#define SMALL 8 /* up to so many items are compared pairwise, without hashing */

struct cmp {
	uint64_t steps;
	bool close; /* numbers by tolerance */
	double abs_tol, rel_tol;
};

static bool equal(struct cmp *c, const struct value *a, const struct value *b, unsigned depth);

/* false when the work is used up */
static inline bool spend(struct cmp *c, uint64_t n)
{
	c->steps += n;
	return c->steps <= MAX_STEPS;
}

/* --- numbers --- */

static bool is_number(const struct value *v)
{
	return v->kind >= VALUE_BOOL && v->kind <= VALUE_COMPLEX;
}

static bool is_small_int(const struct value *v)
{
	return v->kind == VALUE_BOOL || v->kind == VALUE_INT;
}

static int64_t small_int(const struct value *v)
{
	return v->kind == VALUE_BOOL ? v->boolean : v->integer;
}

/* x is an integer that fits int64_t. */
static bool double_to_int64(double x, int64_t *ret)
{
	if (!(x >= -0x1.0p63 && x < 0x1.0p63) || x != trunc(x))
		return false;
	*ret = (int64_t)x;
	return true;
}

#define WHOLE_TEXT 320 /* sign, 309 digits, NUL */

/* The exact decimal digits of a finite double that is beyond int64_t (and so whole). */
static size_t double_digits(double x, char ret[WHOLE_TEXT])
{
	return (size_t)snprintf(ret, WHOLE_TEXT, "%.0f", x);
}

static bool real_equal(double x, const struct value *v)
{
	char digits[WHOLE_TEXT];
	int64_t i;

	if (v->kind == VALUE_FLOAT || v->kind == VALUE_COMPLEX)
		return x == v->real;
	if (is_small_int(v))
		return double_to_int64(x, &i) && i == small_int(v);
	if (!isfinite(x) || double_to_int64(x, &i) || x != trunc(x))
		return false;
	return double_digits(x, digits) == v->len && memcmp(digits, v->str, v->len) == 0;
}

static double imaginary(const struct value *v)
{
	return v->kind == VALUE_COMPLEX ? v->imag : 0.0;
}

static bool number_equal(const struct value *a, const struct value *b)
{
	if (imaginary(a) != imaginary(b))
		return false;
	if (a->kind == VALUE_FLOAT || a->kind == VALUE_COMPLEX)
		return real_equal(a->real, b);
	if (b->kind == VALUE_FLOAT || b->kind == VALUE_COMPLEX)
		return real_equal(b->real, a);
	if (is_small_int(a) || is_small_int(b))
		return is_small_int(a) && is_small_int(b) && small_int(a) == small_int(b);
	return a->len == b->len && memcmp(a->str, b->str, a->len) == 0;
}

static double to_double(const struct value *v)
{
	if (is_small_int(v))
		return (double)small_int(v);
	if (v->kind == VALUE_BIGINT)
		return strtod(v->str, NULL);
	return v->real;
}

static bool double_close(const struct cmp *c, double x, double y)
{
	double d = fabs(x - y);

	if (x == y)
		return true;
	if (!isfinite(x) || !isfinite(y))
		return false;
	return (c->abs_tol >= 0 && d <= c->abs_tol) ||
	       (c->rel_tol >= 0 && d <= c->rel_tol * fabs(y));
}

static bool number_close(const struct cmp *c, const struct value *a, const struct value *b)
{
	return number_equal(a, b) || (double_close(c, to_double(a), to_double(b)) &&
				      double_close(c, imaginary(a), imaginary(b)));
}

/* --- ranges: equal by the sequence they denote --- */

/* Integers of up to 37 digits; what is beyond is compared part by part. */
static bool to_int128(const struct value *v, __int128 *ret)
{
	__int128 x = 0;

	if (is_small_int(v)) {
		*ret = small_int(v);
		return true;
	}
	if (v->kind != VALUE_BIGINT || v->len > 38)
		return false;
	for (const char *p = v->str; *p; p++)
		if (*p != '-')
			x = x * 10 + (*p - '0');
	*ret = *v->str == '-' ? -x : x;
	return v->len - (*v->str == '-') <= 37;
}

struct range {
	__int128 len, start, step; /* start and step are 0 where they make no difference */
};

static bool range_read(const struct value *v, struct range *ret)
{
	__int128 start, stop, step;

	if (v->n_items != 3 || !to_int128(v->items[0], &start) || !to_int128(v->items[1], &stop) ||
	    !to_int128(v->items[2], &step) || step == 0)
		return false;
	ret->len = 0;
	if (step > 0 && start < stop)
		ret->len = (stop - start - 1) / step + 1;
	else if (step < 0 && start > stop)
		ret->len = (start - stop - 1) / -step + 1;
	ret->start = ret->len > 0 ? start : 0;
	ret->step = ret->len > 1 ? step : 0;
	return true;
}

static bool range_equal(const struct value *a, const struct value *b)
{
	struct range x, y;

	if (range_read(a, &x) && range_read(b, &y))
		return x.len == y.len && x.start == y.start && x.step == y.step;
	for (size_t i = 0; i < 3 && a->n_items == 3 && b->n_items == 3; i++)
		if (!number_equal(a->items[i], b->items[i]))
			return false;
	return a->n_items == b->n_items;
}

/* --- hashing, consistent with equality --- */

static uint64_t mix(uint64_t h, uint64_t x)
{
	h ^= x + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return h;
}

static uint64_t hash_int(int64_t i)
{
	return mix(1, (uint64_t)i);
}

static uint64_t hash_double(double x)
{
	char digits[WHOLE_TEXT];
	uint64_t bits;
	int64_t i;

	if (double_to_int64(x, &i))
		return hash_int(i);
	if (isnan(x))
		return 2;
	if (isfinite(x) && x == trunc(x))
		return hash_xxh3(digits, double_digits(x, digits));
	memcpy(&bits, &x, sizeof(bits));
	return mix(3, bits);
}

static uint64_t hash_number(const struct value *v)
{
	if (is_small_int(v))
		return hash_int(small_int(v));
	if (v->kind == VALUE_BIGINT)
		return hash_xxh3(v->str, v->len);
	if (v->kind == VALUE_COMPLEX && v->imag != 0)
		return mix(hash_double(v->real), hash_double(v->imag) + 1);
	return hash_double(v->real);
}

static uint64_t hash(struct cmp *c, const struct value *v, unsigned depth);

static uint64_t hash_items(struct cmp *c, const struct value *v, unsigned depth)
{
	uint64_t h = v->n_items;

	for (size_t i = 0; i < v->n_items; i++)
		h = mix(h, hash(c, v->items[i], depth + 1));
	return h;
}

/* Order makes no difference.  A pair whose value is 0 adds nothing, because a
 * Counter equals another that lacks it; the number of items stays out for the same reason. */
static uint64_t hash_pairs(struct cmp *c, const struct value *v, unsigned depth)
{
	uint64_t h = 11, zero = hash_int(0);

	for (size_t i = 0; i + 1 < v->n_items; i += 2) {
		uint64_t value = hash(c, v->items[i + 1], depth + 1);

		if (value != zero)
			h += mix(hash(c, v->items[i], depth + 1), value);
	}
	return h;
}

static uint64_t hash(struct cmp *c, const struct value *v, unsigned depth)
{
	uint64_t h;
	struct range r;

	/* What is too deep or too much work hashes alike, and then compares as unequal. */
	if (depth > VALUE_MAX_DEPTH + 1 || !spend(c, 1 + v->len / 64))
		return 0;
	switch (v->kind) {
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_BIGINT:
	case VALUE_FLOAT:
	case VALUE_COMPLEX:
		return hash_number(v);
	case VALUE_STR:
		return mix(4, hash_xxh3(v->str, v->len));
	case VALUE_BYTES:
	case VALUE_BYTEARRAY:
		return mix(5, hash_xxh3(v->str, v->len));
	case VALUE_LIST:
		return mix(6, hash_items(c, v, depth));
	case VALUE_TUPLE:
	case VALUE_NAMED_TUPLE:
		return mix(7, hash_items(c, v, depth));
	case VALUE_DEQUE:
		return mix(8, hash_items(c, v, depth));
	case VALUE_SET:
	case VALUE_FROZENSET:
		h = v->n_items;
		for (size_t i = 0; i < v->n_items; i++)
			h += mix(9, hash(c, v->items[i], depth + 1));
		return mix(10, h);
	case VALUE_DICT:
	case VALUE_COUNTER:
	case VALUE_ORDERED_DICT:
	case VALUE_DEFAULT_DICT:
		return hash_pairs(c, v, depth);
	case VALUE_RANGE:
		if (!range_read(v, &r))
			return 12;
		return mix(mix(mix(12, (uint64_t)r.len), (uint64_t)r.start), (uint64_t)r.step);
	case VALUE_TYPE:
		return mix(13, hash_xxh3(v->str, v->len));
	default:
		return mix(14 + (uint64_t)v->kind, (uint64_t)v->integer);
	}
}

/* --- finding equal items in any order --- */

/*
 * The items items[0], items[stride], … of a set or dict.  With memory it is an
 * open-addressing table that forgets what was taken; without (few items, or
 * malloc failed) it is a plain search.
 */
struct finder {
	struct value *const *items;
	size_t n, stride;
	uint64_t *hashes;
	uint32_t *slots; /* index + 1; 0: free */
	size_t mask;
	unsigned char *taken;
	unsigned char small_taken[SMALL];
};

static void finder_end(struct finder *f)
{
	mem_free(f->hashes);
	mem_free(f->slots);
	if (f->taken != f->small_taken)
		mem_free(f->taken);
}

static void finder_insert(struct finder *f, size_t i, uint64_t h)
{
	size_t at = h & f->mask;

	f->hashes[i] = h;
	while (f->slots[at])
		at = (at + 1) & f->mask;
	f->slots[at] = (uint32_t)i + 1;
}

/* Not filled yet. */
static void finder_init(struct finder *f, struct value *const *items, size_t n, size_t stride)
{
	size_t size = 16;

	*f = (struct finder){ .items = items, .n = n, .stride = stride };
	if (n <= SMALL) {
		f->taken = f->small_taken;
		return;
	}
	if (n >= UINT32_MAX / 4)
		return;
	while (size < n * 2)
		size *= 2;
	f->taken = mem_calloc(n, 1);
	f->hashes = mem_alloc(n * sizeof(*f->hashes));
	f->slots = mem_calloc(size, sizeof(*f->slots));
	f->mask = size - 1;
	if (!f->taken || !f->hashes || !f->slots) {
		finder_end(f);
		f->taken = NULL;
		f->hashes = NULL;
		f->slots = NULL;
	}
}

static void finder_fill(struct cmp *c, struct finder *f)
{
	for (size_t i = 0; f->slots && i < f->n; i++)
		finder_insert(f, i, hash(c, f->items[i * f->stride], 0));
}

/* Index of an item not taken that equals v, or f->n. */
static size_t finder_find(struct cmp *c, const struct finder *f, const struct value *v,
			  unsigned depth)
{
	bool was_close = c->close;
	size_t found = f->n;

	c->close = false; /* hashes know no tolerance */
	if (f->slots) {
		uint64_t h = hash(c, v, 0);

		for (size_t at = h & f->mask; f->slots[at]; at = (at + 1) & f->mask) {
			size_t i = f->slots[at] - 1;

			if (!spend(c, 1))
				break;
			if (f->hashes[i] == h && !f->taken[i] &&
			    equal(c, v, f->items[i * f->stride], depth + 1)) {
				found = i;
				break;
			}
		}
	} else {
		for (size_t i = 0; i < f->n && found == f->n; i++)
			if ((!f->taken || !f->taken[i]) &&
			    equal(c, v, f->items[i * f->stride], depth + 1))
				found = i;
	}
	c->close = was_close;
	return found;
}

static void finder_take(struct finder *f, size_t i)
{
	if (f->taken)
		f->taken[i] = 1;
}

/* Number of items that equal v: the way without memory. */
static size_t count_equal(struct cmp *c, const struct value *v, const struct value *in,
			  unsigned depth)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_items; i++)
		n += equal(c, v, in->items[i], depth + 1);
	return n;
}

/*
 * a and b hold the same items in any order.  With tolerance, what has no exact
 * partner is paired with the first unpaired one that is close enough.
 */
static bool same_items(struct cmp *c, const struct value *a, const struct value *b, unsigned depth)
{
	struct finder f;
	bool same = true;

	if (a->n_items != b->n_items)
		return false;
	finder_init(&f, b->items, b->n_items, 1);
	finder_fill(c, &f);
	if (!f.taken) {
		for (size_t i = 0; i < a->n_items && same; i++)
			same = count_equal(c, a->items[i], a, depth) ==
			       count_equal(c, a->items[i], b, depth);
		finder_end(&f);
		return same && spend(c, 0);
	}
	if (c->close) {
		cleanup_mem unsigned char *paired = mem_calloc(a->n_items, 1);

		same = paired != NULL;
		for (size_t i = 0; i < a->n_items && same; i++) {
			size_t k = finder_find(c, &f, a->items[i], depth);

			paired[i] = k < f.n;
			if (k < f.n)
				finder_take(&f, k);
		}
		for (size_t i = 0; i < a->n_items && same; i++) {
			size_t k = 0;

			if (paired[i])
				continue;
			while (k < f.n &&
			       (f.taken[k] || !equal(c, a->items[i], b->items[k], depth + 1)))
				k++;
			same = k < f.n;
			if (same)
				finder_take(&f, k);
		}
	} else {
		for (size_t i = 0; i < a->n_items && same; i++) {
			size_t k = finder_find(c, &f, a->items[i], depth);

			same = k < f.n;
			if (same)
				finder_take(&f, k);
		}
	}
	finder_end(&f);
	return same;
}

static bool is_zero(const struct value *v)
{
	return is_number(v) && hash_number(v) == hash_int(0) &&
	       number_equal(v, &(struct value){ .kind = VALUE_INT });
}

/*
 * Dicts by their pairs.  `counters`: both are Counters, where a missing key
 * stands for 0.  With tolerance, a key without exact partner may pair with a close one.
 */
static bool same_pairs(struct cmp *c, const struct value *a, const struct value *b, bool counters,
		       unsigned depth)
{
	struct finder f;
	bool same = true;
	size_t n_found = 0;

	if (!counters && a->n_items != b->n_items)
		return false;
	finder_init(&f, b->items, b->n_items / 2, 2);
	finder_fill(c, &f);
	for (size_t i = 0; i + 1 < a->n_items && same; i += 2) {
		size_t k = finder_find(c, &f, a->items[i], depth);

		for (size_t l = 0; k == f.n && c->close && l < f.n; l++)
			if ((!f.taken || !f.taken[l]) &&
			    equal(c, a->items[i], b->items[2 * l], depth + 1))
				k = l;
		if (k < f.n) {
			same = equal(c, a->items[i + 1], b->items[2 * k + 1], depth + 1);
			finder_take(&f, k);
			n_found++;
		} else {
			same = counters && is_zero(a->items[i + 1]);
		}
	}
	/* What b has beyond a; without marks, ask a about each. */
	for (size_t k = 0; same && counters && n_found < f.n && k < f.n; k++) {
		bool in_a = f.taken && f.taken[k];

		for (size_t i = 0; !f.taken && !in_a && i + 1 < a->n_items; i += 2)
			in_a = equal(c, a->items[i], b->items[2 * k], depth + 1);
		same = in_a || is_zero(b->items[2 * k + 1]);
	}
	finder_end(&f);
	return same && spend(c, 0);
}

size_t value_duplicate(struct value *const *items, size_t n, size_t stride)
{
	struct cmp c = { 0 };
	struct finder f;
	size_t dup = n;

	finder_init(&f, items, n, stride);
	for (size_t i = 0; i < n && dup == n; i++) {
		const struct value *v = items[i * stride];

		if (f.slots) {
			if (finder_find(&c, &f, v, 0) < n)
				dup = i;
			else
				finder_insert(&f, i, hash(&c, v, 0));
		} else {
			for (size_t k = 0; k < i && dup == n; k++)
				if (equal(&c, v, items[k * stride], 0))
					dup = i;
		}
	}
	finder_end(&f);
	return dup;
}

/* --- equality --- */

static bool same_sequence(struct cmp *c, const struct value *a, const struct value *b,
			  unsigned depth)
{
	if (a->n_items != b->n_items)
		return false;
	for (size_t i = 0; i < a->n_items; i++)
		if (!equal(c, a->items[i], b->items[i], depth + 1))
			return false;
	return true;
}

static bool same_order_of_keys(struct cmp *c, const struct value *a, const struct value *b,
			       unsigned depth)
{
	for (size_t i = 0; i + 1 < a->n_items && i + 1 < b->n_items; i += 2)
		if (!equal(c, a->items[i], b->items[i], depth + 1))
			return false;
	return true;
}

static bool same_text(const struct value *a, const struct value *b)
{
	return a->len == b->len && memcmp(a->str, b->str, a->len) == 0;
}

static bool is_bytes(const struct value *v)
{
	return v->kind == VALUE_BYTES || v->kind == VALUE_BYTEARRAY;
}

static bool is_tuple(const struct value *v)
{
	return v->kind == VALUE_TUPLE || v->kind == VALUE_NAMED_TUPLE;
}

static bool equal(struct cmp *c, const struct value *a, const struct value *b, unsigned depth)
{
	if (depth > VALUE_MAX_DEPTH + 1 || !spend(c, 1 + a->len / 64))
		return false;
	if (is_number(a) && is_number(b))
		return c->close ? number_close(c, a, b) : number_equal(a, b);
	if (is_bytes(a) && is_bytes(b))
		return same_text(a, b);
	if (is_tuple(a) && is_tuple(b))
		return same_sequence(c, a, b, depth);
	if (value_is_set(a->kind) && value_is_set(b->kind))
		return same_items(c, a, b, depth);
	if (value_is_dict(a->kind) && value_is_dict(b->kind)) {
		if (!same_pairs(c, a, b, a->kind == VALUE_COUNTER && b->kind == VALUE_COUNTER,
				depth))
			return false;
		return a->kind != VALUE_ORDERED_DICT || b->kind != VALUE_ORDERED_DICT ||
		       same_order_of_keys(c, a, b, depth);
	}
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_NONE:
	case VALUE_ELLIPSIS:
	case VALUE_NOT_IMPLEMENTED:
		return true;
	case VALUE_STR:
	case VALUE_TYPE:
		return same_text(a, b);
	case VALUE_LIST:
	case VALUE_DEQUE:
		return same_sequence(c, a, b, depth);
	case VALUE_RANGE:
		return range_equal(a, b);
	case VALUE_ITERATOR:
	case VALUE_HANDLE:
	case VALUE_REF:
		return a->integer == b->integer;
	default:
		return false;
	}
}

bool value_equal(const struct value *a, const struct value *b)
{
	struct cmp c = { 0 };

	return equal(&c, a, b, 0);
}

bool value_close(const struct value *a, const struct value *b, double abs_tol, double rel_tol)
{
	struct cmp c = { .close = true, .abs_tol = abs_tol, .rel_tol = rel_tol };

	return equal(&c, a, b, 0);
}

bool value_equal_unordered(const struct value *a, const struct value *b)
{
	struct cmp c = { 0 };

	if ((a->kind == VALUE_LIST && b->kind == VALUE_LIST) || (is_tuple(a) && is_tuple(b)) ||
	    (a->kind == VALUE_DEQUE && b->kind == VALUE_DEQUE))
		return same_items(&c, a, b, 0);
	return equal(&c, a, b, 0);
}
