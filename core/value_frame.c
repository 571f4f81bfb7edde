/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_frame.c - tagged bytes (docs/formats/frame.md) to values; value_encode.c is the way back.
 *
 * Decoding trusts nothing:
 *  1. a count is believed only if the bytes left could hold so many items;
 *  2. containers nest at most VALUE_MAX_DEPTH deep, counted through references;
 *  3. what one call takes from the pool is bounded by the size of the frame;
 *  4. a reference names a container that is complete, so there are no cycles.
 */
#include "core/value.h"

#include <endian.h>
#include <string.h>

#include "core/mem.h"
#include "core/value_internal.h"

#define MEMORY_FACTOR 64
#define MEMORY_SLACK ((size_t)64 << 10)
#define MEMORY_MAX ((size_t)512 << 20)

struct decoder {
	struct value_pool *pool;
	struct value_numbers *numbers;
	const uint8_t *p, *end;
	size_t memory_start, memory_max;
	uint64_t hex_budget;
	struct error *err;
};

/* What a parent must know of the value just read. */
struct seen {
	unsigned height; /* containers on the longest way down; 0: none */
	bool hashable;
};

static int too_short(struct decoder *d)
{
	return error_set(d->err, ERR_INPUT, "a value ends before its time");
}

static int no_memory(struct decoder *d)
{
	return error_set(d->err, ERR_NOMEM, "out of memory for a value");
}

static int get_u32(struct decoder *d, uint32_t *ret)
{
	uint32_t v;

	if (d->end - d->p < 4)
		return too_short(d);
	memcpy(&v, d->p, sizeof(v));
	d->p += 4;
	*ret = le32toh(v);
	return 0;
}

static int get_u64(struct decoder *d, uint64_t *ret)
{
	uint64_t v;

	if (d->end - d->p < 8)
		return too_short(d);
	memcpy(&v, d->p, sizeof(v));
	d->p += 8;
	*ret = le64toh(v);
	return 0;
}

static int get_f64(struct decoder *d, double *ret)
{
	uint64_t bits;
	int r = get_u64(d, &bits);

	if (r == 0)
		memcpy(ret, &bits, sizeof(bits));
	return r;
}

static int get_str(struct decoder *d, const char **ret, size_t *ret_n)
{
	uint32_t n;
	int r = get_u32(d, &n);

	if (r < 0)
		return r;
	if (n > (size_t)(d->end - d->p))
		return too_short(d);
	*ret = (const char *)d->p;
	*ret_n = n;
	d->p += n;
	return 0;
}

static int check_memory(struct decoder *d, size_t more)
{
	size_t used = value_pool_used(d->pool) - d->memory_start;

	if (more > d->memory_max || used > d->memory_max - more)
		return error_set(d->err, ERR_LIMIT, "a frame takes too much memory");
	return 0;
}

/* The str of a value, copied with a NUL after it. */
static int get_text(struct decoder *d, struct value *v)
{
	const char *s;
	char *copy;
	int r = get_str(d, &s, &v->len);

	if (r < 0 || (r = check_memory(d, v->len)) < 0)
		return r;
	copy = value_alloc(d->pool, v->len + 1);
	if (!copy)
		return no_memory(d);
	memcpy(copy, s, v->len);
	copy[v->len] = '\0';
	v->str = copy;
	return 0;
}

/* UTF-8 as Python's surrogatepass writes it: also the three-byte forms of lone surrogates. */
static bool valid_text(const unsigned char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		unsigned char c = s[i], low = 0x80, high = 0xbf;

		if (c < 0x80) {
			len = 1;
			continue;
		}
		if (c < 0xc2 || c > 0xf4)
			return false;
		len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (c == 0xe0)
			low = 0xa0;
		else if (c == 0xf0)
			low = 0x90;
		else if (c == 0xf4)
			high = 0x8f;
		if (n - i < len || s[i + 1] < low || s[i + 1] > high)
			return false;
		for (size_t k = 2; k < len; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static int get_value(struct decoder *d, unsigned depth, struct value **ret, struct seen *ret_seen);

/* Type name and field names, joined by NULs into v->str; *ret_n fields. */
static int get_names(struct decoder *d, struct value *v, uint32_t *ret_n)
{
	const uint8_t *start = d->p;
	size_t n, total = 0;
	const char *s;
	char *to;
	int r;

	if ((r = get_str(d, &s, &n)) < 0 || (r = get_u32(d, ret_n)) < 0)
		return r;
	/* A field is 4 bytes of name and 1 of value at least. */
	if (*ret_n > (size_t)(d->end - d->p) / 5)
		return too_short(d);
	for (uint32_t i = 0;; i++) {
		if (memchr(s, '\0', n) || !valid_text((const unsigned char *)s, n))
			return error_set(d->err, ERR_INPUT, "a bad name in a namedtuple");
		total += n + 1;
		if (i == *ret_n)
			break;
		if ((r = get_str(d, &s, &n)) < 0)
			return r;
	}
	if ((r = check_memory(d, total)) < 0)
		return r;
	v->str = to = value_alloc(d->pool, total);
	if (!to)
		return no_memory(d);
	v->len = total - 1;
	d->p = start;
	for (uint32_t i = 0; i <= *ret_n; i++) {
		(void) get_str(d, &s, &n); /* was read above */
		memcpy(to, s, n);
		to[n] = '\0';
		to += n + 1;
		if (i == 0)
			d->p += 4;
	}
	return 0;
}

/* n items into v; `count` of them are to be read, pairs counted twice. */
static int get_items(struct decoder *d, struct value *v, size_t count, unsigned depth,
		     struct seen *ret_seen)
{
	size_t stride = value_is_dict(v->kind) ? 2 : 1;
	bool want_hashable = value_is_dict(v->kind) || value_is_set(v->kind);
	int r;

	if (count > (size_t)(d->end - d->p)) /* one byte each, at least */
		return too_short(d);
	if ((r = check_memory(d, count * sizeof(*v->items))) < 0)
		return r;
	v->items = value_alloc(d->pool, count * sizeof(*v->items));
	if (!v->items)
		return no_memory(d);
	for (size_t i = 0; i < count; i++) {
		struct seen seen;

		r = get_value(d, depth + 1, &v->items[i], &seen);
		if (r < 0)
			return r;
		v->n_items = i + 1;
		if (want_hashable && i % stride == 0 && !seen.hashable)
			return error_set(d->err, ERR_INPUT, "unhashable %s in a %s",
					 value_kind_word(v->items[i]->kind),
					 value_kind_word(v->kind));
		if (seen.height + 1 > ret_seen->height)
			ret_seen->height = seen.height + 1;
		if (!seen.hashable)
			ret_seen->hashable = false;
	}
	return 0;
}

static int get_container(struct decoder *d, struct value *v, unsigned depth, struct seen *ret_seen)
{
	struct value_numbers *numbers = d->numbers;
	size_t number = numbers->n;
	uint32_t n = 0;
	int r;

	if (depth >= VALUE_MAX_DEPTH)
		return error_set(d->err, ERR_LIMIT, "values nest more than %d deep",
				 VALUE_MAX_DEPTH);
	if (number >= VALUE_QUESTION_REF)
		return error_set(d->err, ERR_LIMIT, "too many containers in one frame");
	if (!mem_grow(&numbers->list, &numbers->cap, number + 1, sizeof(*numbers->list)))
		return no_memory(d);
	numbers->list[numbers->n++] = (struct value_container){ .value = NULL };
	ret_seen->height = 1;
	if (v->kind == VALUE_BYTEARRAY)
		r = get_text(d, v);
	else if (v->kind == VALUE_NAMED_TUPLE)
		r = get_names(d, v, &n);
	else
		r = get_u32(d, &n);
	if (r < 0)
		return r;
	r = get_items(d, v, (size_t)n * (value_is_dict(v->kind) ? 2 : 1), depth, ret_seen);
	if (r < 0)
		return r;
	if (v->kind != VALUE_TUPLE && v->kind != VALUE_NAMED_TUPLE && v->kind != VALUE_FROZENSET)
		ret_seen->hashable = false;
	numbers->list[number] = (struct value_container){
		.value = v,
		.height = (uint16_t)ret_seen->height,
		.hashable = ret_seen->hashable,
	};
	return 0;
}

static int get_ref(struct decoder *d, unsigned depth, struct value **ret, struct seen *ret_seen)
{
	const struct value_container *c;
	struct value *v;
	uint32_t index;
	int r = get_u32(d, &index);

	if (r < 0)
		return r;
	if (index >= VALUE_QUESTION_REF) {
		v = value_new(d->pool, VALUE_REF);
		if (!v)
			return no_memory(d);
		v->integer = index;
		*ret = v;
		return 0;
	}
	if (index >= d->numbers->n || !d->numbers->list[index].value)
		return error_set(d->err, ERR_INPUT,
				 "reference to container %u, which is not complete", index);
	c = &d->numbers->list[index];
	if (depth + c->height > VALUE_MAX_DEPTH)
		return error_set(d->err, ERR_LIMIT, "values nest more than %d deep",
				 VALUE_MAX_DEPTH);
	*ret = c->value;
	ret_seen->height = c->height;
	ret_seen->hashable = c->hashable;
	return 0;
}

static int get_bigint(struct decoder *d, struct value **ret)
{
	const char *s;
	uint8_t sign;
	size_t n;
	int r;

	if (d->p == d->end)
		return too_short(d);
	sign = *d->p++;
	if (sign > 1)
		return error_set(d->err, ERR_INPUT, "an integer has a bad sign");
	if ((r = get_str(d, &s, &n)) < 0 || (r = check_memory(d, n * 2)) < 0)
		return r;
	return value_int_from_hex(d->pool, sign == 1, s, n, &d->hex_budget, ret, d->err);
}

static int get_range(struct decoder *d, struct value *v, unsigned depth)
{
	v->items = value_alloc(d->pool, 3 * sizeof(*v->items));
	if (!v->items)
		return no_memory(d);
	for (size_t i = 0; i < 3; i++) {
		struct seen seen;
		int r = 0;

		if (d->p < d->end && *d->p != 'i' && *d->p != 'I')
			return error_set(d->err, ERR_INPUT, "a range of what is not an integer");
		r = get_value(d, depth, &v->items[i], &seen);
		if (r < 0)
			return r;
		v->n_items = i + 1;
	}
	if (v->items[2]->kind == VALUE_INT && v->items[2]->integer == 0)
		return error_set(d->err, ERR_INPUT, "a range with step 0");
	return 0;
}

static int kind_of_tag(uint8_t tag)
{
	switch (tag) {
	case 'N': return VALUE_NONE;
	case 'T': case 'F': return VALUE_BOOL;
	case 'i': return VALUE_INT;
	case 'I': return VALUE_BIGINT;
	case 'f': return VALUE_FLOAT;
	case 'c': return VALUE_COMPLEX;
	case 's': return VALUE_STR;
	case 'b': return VALUE_BYTES;
	case 'y': return VALUE_BYTEARRAY;
	case 'l': return VALUE_LIST;
	case 't': return VALUE_TUPLE;
	case 'q': return VALUE_DEQUE;
	case 'S': return VALUE_SET;
	case 'Z': return VALUE_FROZENSET;
	case 'd': return VALUE_DICT;
	case 'C': return VALUE_COUNTER;
	case 'O': return VALUE_ORDERED_DICT;
	case 'D': return VALUE_DEFAULT_DICT;
	case 'n': return VALUE_NAMED_TUPLE;
	case 'r': return VALUE_RANGE;
	case 'e': return VALUE_ELLIPSIS;
	case 'm': return VALUE_NOT_IMPLEMENTED;
	case 'k': return VALUE_TYPE;
	case 'g': return VALUE_ITERATOR;
	case 'h': return VALUE_HANDLE;
	case '@': return VALUE_REF;
	default: return -1;
	}
}

static int get_body(struct decoder *d, struct value *v, unsigned depth, struct seen *ret_seen)
{
	uint64_t u = 0;
	int r;

	switch (v->kind) {
	case VALUE_INT:
		r = get_u64(d, &u);
		v->integer = (int64_t)u;
		return r;
	case VALUE_FLOAT:
		return get_f64(d, &v->real);
	case VALUE_COMPLEX:
		r = get_f64(d, &v->real);
		return r < 0 ? r : get_f64(d, &v->imag);
	case VALUE_BYTES:
		return get_text(d, v);
	case VALUE_ITERATOR:
	case VALUE_HANDLE:
		r = get_u64(d, &u);
		v->integer = (int64_t)u;
		if (r < 0)
			return r;
		/* fall through */
	case VALUE_STR:
	case VALUE_TYPE:
		r = get_text(d, v);
		if (r == 0 && !valid_text((const unsigned char *)v->str, v->len))
			return error_set(d->err, ERR_INPUT, "a str is not UTF-8");
		return r;
	case VALUE_RANGE:
		return get_range(d, v, depth);
	default:
		return get_container(d, v, depth, ret_seen);
	}
}

static int get_value(struct decoder *d, unsigned depth, struct value **ret, struct seen *ret_seen)
{
	struct value *v;
	uint8_t tag;
	int kind, r;

	*ret_seen = (struct seen){ .height = 0, .hashable = true };
	if (d->p == d->end)
		return too_short(d);
	tag = *d->p++;
	kind = kind_of_tag(tag);
	if (kind < 0)
		return error_set(d->err, ERR_INPUT, "unknown tag 0x%02x", tag);
	if ((r = check_memory(d, sizeof(*v))) < 0)
		return r;
	switch (kind) {
	case VALUE_NONE:
	case VALUE_BOOL:
	case VALUE_ELLIPSIS:
	case VALUE_NOT_IMPLEMENTED:
		v = value_singleton(d->pool, (enum value_kind)kind, tag == 'T');
		if (!v)
			return no_memory(d);
		break;
	case VALUE_BIGINT:
		r = get_bigint(d, &v);
		break;
	case VALUE_REF:
		r = get_ref(d, depth, &v, ret_seen);
		break;
	default:
		v = value_new(d->pool, (enum value_kind)kind);
		if (!v)
			return no_memory(d);
		r = get_body(d, v, depth, ret_seen);
		break;
	}
	if (r == 0)
		*ret = v;
	return r;
}

int value_decode_numbered(struct value_numbers *numbers, struct value_pool *pool,
			  const uint8_t **p, const uint8_t *end, struct value **ret,
			  struct error *err)
{
	size_t n = (size_t)(end - *p);
	struct decoder d = {
		.pool = pool,
		.numbers = numbers,
		.p = *p,
		.end = end,
		.memory_start = value_pool_used(pool),
		.memory_max = n < MEMORY_MAX / MEMORY_FACTOR ? n * MEMORY_FACTOR + MEMORY_SLACK
							     : MEMORY_MAX,
		.hex_budget = VALUE_HEX_BUDGET,
		.err = err,
	};
	struct seen seen;
	struct value *v;
	int r = get_value(&d, 0, &v, &seen);

	if (r < 0)
		return r;
	*p = d.p;
	*ret = v;
	return 0;
}

int value_decode(struct value_pool *pool, const uint8_t **p, const uint8_t *end,
		 struct value **ret, struct error *err)
{
	struct value_numbers numbers = { 0 };
	int r = value_decode_numbered(&numbers, pool, p, end, ret, err);

	mem_free(numbers.list);
	return r;
}
