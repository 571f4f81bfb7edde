/* SPDX-License-Identifier: Apache-2.0 */
/* value_internal.h - what the value_*.c files share; nobody else includes it. */
#ifndef WINNOW_CORE_VALUE_INTERNAL_H
#define WINNOW_CORE_VALUE_INTERNAL_H

#include "core/value.h"

/* The one None, True, False, Ellipsis or NotImplemented of a pool: they have no
 * identity of their own, and a list of a million of them costs pointers alone. */
struct value *value_singleton(struct value_pool *p, enum value_kind kind, bool boolean);

/* Bytes handed out since the last reset (value_pool_bytes() also counts slack). */
size_t value_pool_used(const struct value_pool *p);

/* Shortest text that reads back as x, as Python's repr(); ret holds at least 32 bytes. */
void value_float_repr(double x, bool add_dot_0, char *ret);

/* A sequence of items with one kind: tuple and namedtuple; set and frozenset; dict and kin. */
bool value_is_dict(enum value_kind kind);
bool value_is_set(enum value_kind kind);
bool value_is_container(enum value_kind kind); /* has items */

/* May be a set's element or a dict's key: no list, set, dict, deque or bytearray, at any depth. */
bool value_hashable(const struct value *v);

/* Index of an item that equals an earlier one among items[0], items[stride]…; n when there is none.
 */
size_t value_duplicate(struct value *const *items, size_t n, size_t stride);

/* ITERATOR, HANDLE and TYPE names, and all other kinds' words for messages. */
const char *value_kind_word(enum value_kind kind);

/* --- value_big.c: integers as text --- */
/* Decimal text with optional sign: canonical form in the pool (no leading zeros, no "-0"), as INT
 * where it fits int64 and else BIGINT.  ERR_INPUT: not an integer; ERR_LIMIT: too many digits. */
int value_int_from_decimal(struct value_pool *p, const char *s, size_t n, struct value **ret,
			   struct error *err);
/* Lower-case hexadecimal digits without leading zeros; likewise.  *budget is
 * spent on the work (limb steps); ERR_LIMIT when it is used up. */
int value_int_from_hex(struct value_pool *p, bool negative, const char *s, size_t n,
		       uint64_t *budget, struct value **ret, struct error *err);
/* Append the hexadecimal digits of a canonical decimal without its sign. */
void value_decimal_to_hex(const char *digits, size_t n, struct buf *out);

/* --- the {"$word": …} forms of JSON (value_json.c reads, value_json_write.c writes) --- */
enum value_form {
	VALUE_FORM_ITEMS, /* an array */
	VALUE_FORM_PAIRS, /* [[k, v], …] */
	VALUE_FORM_TEXT,  /* base64 */
	VALUE_FORM_OTHER, /* its own */
};
struct value_special {
	const char *key;
	enum value_kind kind;
	enum value_form form;
};
#define VALUE_N_SPECIALS 22
extern const struct value_special value_specials[VALUE_N_SPECIALS];

/* --- numbers of the containers of one frame (value_encode.c, value_frame.c) --- */
struct value_container {
	struct value *value; /* NULL until complete */
	uint16_t height;     /* containers on the longest way down, this one counted */
	bool hashable;
};
struct value_numbers {
	struct value_container *list;
	size_t n, cap;
	uint32_t *slots; /* encoding: by address; number + 1, 0: free */
	size_t n_slots;
};
#define VALUE_QUESTION_REF UINT32_C(0x80000000)

#define VALUE_HEX_BUDGET (UINT64_C(400) * 1000 * 1000)

#endif
