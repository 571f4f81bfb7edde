/* SPDX-License-Identifier: Apache-2.0 */
/* value_encode.c - values to tagged bytes (docs/formats/frame.md), and the numbers of containers.
 */
#include "core/value.h"

#include <endian.h>
#include <string.h>

#include "core/mem.h"
#include "core/value_internal.h"

/* --- numbers of the containers of one frame --- */

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
	n->list[n->n] = (struct value_container){ .value = (struct value *)(uintptr_t)v };
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

	if (v->kind == VALUE_BOOL && !v->boolean)
		return 'F';
	return tags[v->kind];
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
