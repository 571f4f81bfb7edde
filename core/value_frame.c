/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_frame.c - values as tagged bytes (docs/formats/frame.md).
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

#define QUESTION_REF UINT32_C(0x80000000)
#define MEMORY_FACTOR 64
#define MEMORY_SLACK ((size_t)64 << 10)
#define MEMORY_MAX ((size_t)512 << 20)

/* --- numbers of the containers of one frame --- */

struct container {
	struct value *value; /* NULL until complete */
	uint16_t height;     /* containers on the longest way down, this one counted */
	bool hashable;
};

struct value_numbers {
	struct container *list;
	size_t n, cap;
	uint32_t *slots; /* encoding: by address; number + 1, 0: free */
	size_t n_slots;
};

struct value_numbers *value_numbers_new(void)
{
	return mem_zalloc(sizeof(struct value_numbers));
}

void value_numbers_reset(struct value_numbers *n)
{
	n->n = 0;
	if (n->n_slots)
		memset(n->slots, 0, n->n_slots * sizeof(*n->slots));
}

void value_numbers_free(struct value_numbers *n)
{
	if (!n)
		return;
	mem_free(n->list);
	mem_free(n->slots);
	mem_free(n);
}

size_t value_numbers_count(const struct value_numbers *n)
{
	return n->n;
}

struct value *value_numbers_at(const struct value_numbers *n, size_t number)
{
	return number < n->n ? n->list[number].value : NULL;
}

static bool has_number(enum value_kind kind)
{
	return value_is_container(kind) || kind == VALUE_BYTEARRAY;
}

static size_t slot_of(const struct value_numbers *n, const struct value *v)
{
	uint64_t h = (uint64_t)(uintptr_t)v * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 20) & (n->n_slots - 1);
}

static void slot_put(struct value_numbers *n, size_t number)
{
	size_t at = slot_of(n, n->list[number].value);

	while (n->slots[at])
		at = (at + 1) & (n->n_slots - 1);
	n->slots[at] = (uint32_t)number + 1;
}

/* The number of v, or SIZE_MAX where it has none yet. */
static size_t number_of(const struct value_numbers *n, const struct value *v)
{
	if (!n->n_slots)
		return SIZE_MAX;
	for (size_t at = slot_of(n, v); n->slots[at]; at = (at + 1) & (n->n_slots - 1))
		if (n->list[n->slots[at] - 1].value == v)
			return n->slots[at] - 1;
	return SIZE_MAX;
}

static bool number_add(struct value_numbers *n, const struct value *v)
{
	if (!mem_grow(&n->list, &n->cap, n->n + 1, sizeof(*n->list)))
		return false;
	if ((n->n + 1) * 2 > n->n_slots) {
		size_t now = n->n_slots ? n->n_slots * 2 : 64;
		uint32_t *slots = mem_calloc(now, sizeof(*slots));

		if (!slots)
			return false;
		mem_free(n->slots);
		n->slots = slots;
		n->n_slots = now;
		for (size_t i = 0; i < n->n; i++)
			slot_put(n, i);
	}
	n->list[n->n] = (struct container){ .value = (struct value *)(uintptr_t)v };
	slot_put(n, n->n++);
	return true;
}

/* --- encoding --- */

static void put_u32(struct buf *out, uint64_t v)
{
	uint32_t le = htole32((uint32_t)v);

	if (v > UINT32_MAX && !out->error)
		out->error = ERR_LIMIT;
	buf_add(out, &le, sizeof(le));
}

static void put_u64(struct buf *out, uint64_t v)
{
	v = htole64(v);
	buf_add(out, &v, sizeof(v));
}

static void put_f64(struct buf *out, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_u64(out, bits);
}

static void put_str(struct buf *out, const char *s, size_t n)
{
	put_u32(out, n);
	buf_add(out, s, n);
}

static char tag_of(const struct value *v)
{
	static const char tags[] = {
		[VALUE_NONE] = 'N', [VALUE_BOOL] = 'T', [VALUE_INT] = 'i', [VALUE_BIGINT] = 'I',
		[VALUE_FLOAT] = 'f', [VALUE_COMPLEX] = 'c', [VALUE_STR] = 's', [VALUE_BYTES] = 'b',
		[VALUE_BYTEARRAY] = 'y', [VALUE_LIST] = 'l', [VALUE_TUPLE] = 't', [VALUE_SET] = 'S',
		[VALUE_FROZENSET] = 'Z', [VALUE_DICT] = 'd', [VALUE_COUNTER] = 'C',
		[VALUE_ORDERED_DICT] = 'O', [VALUE_DEFAULT_DICT] = 'D', [VALUE_DEQUE] = 'q',
		[VALUE_NAMED_TUPLE] = 'n', [VALUE_RANGE] = 'r', [VALUE_ELLIPSIS] = 'e',
		[VALUE_NOT_IMPLEMENTED] = 'm', [VALUE_TYPE] = 'k', [VALUE_ITERATOR] = 'g',
		[VALUE_HANDLE] = 'h', [VALUE_REF] = '@',
	};
	_Static_assert(ARRAY_SIZE(tags) == VALUE_KIND_COUNT, "a tag for each kind");

	return v->kind == VALUE_BOOL && !v->boolean ? 'F' : tags[v->kind];
}

static void encode(struct value_numbers *numbers, const struct value *v, struct buf *out,
		   unsigned depth)
{
	size_t number;

	if (out->error)
		return;
	if (has_number(v->kind)) {
		if (depth >= VALUE_MAX_DEPTH) {
			out->error = ERR_LIMIT;
			return;
		}
		number = number_of(numbers, v);
		if (number != SIZE_MAX) {
			buf_addc(out, '@');
			put_u32(out, number);
			return;
		}
		if (!number_add(numbers, v)) {
			out->error = ERR_NOMEM;
			return;
		}
	}
	buf_addc(out, tag_of(v));
	switch (v->kind) {
	case VALUE_INT:
		put_u64(out, (uint64_t)v->integer);
		break;
	case VALUE_BIGINT: {
		bool negative = *v->str == '-';
		struct buf hex;

		buf_init(&hex, SIZE_MAX);
		value_decimal_to_hex(v->str + negative, v->len - negative, &hex);
		buf_addc(out, negative ? 1 : 0);
		put_str(out, hex.data, hex.len);
		if (hex.error && !out->error)
			out->error = hex.error;
		buf_clear(&hex);
		break;
	}
	case VALUE_FLOAT:
		put_f64(out, v->real);
		break;
	case VALUE_COMPLEX:
		put_f64(out, v->real);
		put_f64(out, v->imag);
		break;
	case VALUE_STR:
	case VALUE_BYTES:
	case VALUE_BYTEARRAY:
	case VALUE_TYPE:
		put_str(out, v->str, v->len);
		break;
	case VALUE_NAMED_TUPLE: {
		const char *name = v->str, *end = v->str + v->len;

		put_str(out, name, strlen(name));
		put_u32(out, v->n_items);
		for (size_t i = 0; i < v->n_items; i++) {
			name += strlen(name);
			name += name < end;
			put_str(out, name, strlen(name));
		}
		break;
	}
	case VALUE_ITERATOR:
	case VALUE_HANDLE:
		put_u64(out, (uint64_t)v->integer);
		put_str(out, v->str, v->len);
		break;
	case VALUE_REF:
		put_u32(out, (uint64_t)v->integer);
		break;
	default:
		if (value_is_dict(v->kind))
			put_u32(out, v->n_items / 2);
		else if (value_is_container(v->kind))
			put_u32(out, v->n_items);
		break;
	}
	for (size_t i = 0; i < v->n_items; i++)
		encode(numbers, v->items[i], out, depth + 1);
}

void value_encode_numbered(struct value_numbers *numbers, const struct value *v, struct buf *out)
{
	encode(numbers, v, out, 0);
}

void value_encode(const struct value *v, struct buf *out)
{
	struct value_numbers numbers = { 0 };

	encode(&numbers, v, out, 0);
	mem_free(numbers.list);
	mem_free(numbers.slots);
}

/* --- decoding --- */

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
	if (number >= QUESTION_REF)
		return error_set(d->err, ERR_LIMIT, "too many containers in one frame");
	if (!mem_grow(&numbers->list, &numbers->cap, number + 1, sizeof(*numbers->list)))
		return no_memory(d);
	numbers->list[numbers->n++] = (struct container){ .value = NULL };
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
	numbers->list[number] = (struct container){
		.value = v,
		.height = (uint16_t)ret_seen->height,
		.hashable = ret_seen->hashable,
	};
	return 0;
}

static int get_ref(struct decoder *d, unsigned depth, struct value **ret, struct seen *ret_seen)
{
	const struct container *c;
	struct value *v;
	uint32_t index;
	int r = get_u32(d, &index);

	if (r < 0)
		return r;
	if (index >= QUESTION_REF) {
		v = value_new(d->pool, VALUE_REF);
		if (!v)
			return no_memory(d);
		v->integer = index;
		*ret = v;
		return 0;
	}
	if (index >= d->numbers->n || !d->numbers->list[index].value)
		return error_set(d->err, ERR_INPUT, "reference to container %u, which is not complete",
				 index);
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
