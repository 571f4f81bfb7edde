/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - typed plain data: what crosses between judge and candidate.
 *
 * Semantics are Python's, because the original tests are Python: equality is
 * numeric over bool, int, float and complex (1 == 1.0 == True, exact for big
 * ints), a list never equals a tuple, a set equals a frozenset, a str never
 * equals bytes.  Values live in an arena owned by the caller (struct value_pool)
 * and are freed all at once.
 */
#ifndef WINNOW_CORE_VALUE_H
#define WINNOW_CORE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/json.h"

enum value_kind {
	VALUE_NONE, VALUE_BOOL, VALUE_INT, VALUE_BIGINT, VALUE_FLOAT, VALUE_COMPLEX,
	VALUE_STR,       /* bytes are UTF-8 where lone surrogates are allowed (as Python's surrogatepass writes) */
	VALUE_BYTES, VALUE_BYTEARRAY,
	VALUE_LIST, VALUE_TUPLE, VALUE_SET, VALUE_FROZENSET, VALUE_DICT,
	VALUE_COUNTER, VALUE_ORDERED_DICT, VALUE_DEFAULT_DICT, VALUE_DEQUE, VALUE_NAMED_TUPLE,
	VALUE_RANGE,     /* items: start, stop, step */
	VALUE_ELLIPSIS, VALUE_NOT_IMPLEMENTED,
	VALUE_TYPE,      /* a builtin type by name: str is "int" */
	VALUE_ITERATOR,  /* lives in the candidate: integer is its id, str its kind ("generator", "map", "dict_keys") */
	VALUE_HANDLE,    /* any other object of the candidate: integer is its id, str its type's name */
	VALUE_REF,       /* container of the question: integer is 0x80000000 + its number (pre-order, from 0) */
	VALUE_KIND_COUNT
};

struct value {
	enum value_kind kind;
	bool boolean;
	int64_t integer;          /* INT, ITERATOR, HANDLE, REF */
	double real, imag;        /* FLOAT, COMPLEX */
	const char *str;          /* STR, BYTES, BYTEARRAY; BIGINT: decimal digits with sign; TYPE, HANDLE, ITERATOR: name;
	                           * NAMED_TUPLE: type name, then NUL-separated field names */
	size_t len;               /* of str */
	struct value **items;     /* containers; DICT and its kin: key, value, key, value… */
	size_t n_items;           /* number of pointers in items (twice the pairs of a dict) */
};

/* Limits on what is decoded, BOX-AND-JUDGE section 4. */
#define VALUE_MAX_DEPTH 200
#define VALUE_MAX_DIGITS 100000
#define VALUE_MAX_FRAME_BYTES (16u << 20)

struct value_pool;            /* arena */
struct value_pool *value_pool_new(void);
void value_pool_reset(struct value_pool *p);
void value_pool_free(struct value_pool *p);
size_t value_pool_bytes(const struct value_pool *p);
struct value *value_new(struct value_pool *p, enum value_kind kind); /* zeroed; NULL: no memory */
void *value_alloc(struct value_pool *p, size_t n);

/* Python's ==.  NaN equals nothing (identity is not carried).  HANDLE and
 * ITERATOR equal themselves by id only.  Never recurses past VALUE_MAX_DEPTH. */
bool value_equal(const struct value *a, const struct value *b);
/* As value_equal() but numbers within abs or rel tolerance (either suffices), at any depth.
 * rel is relative to b, the expected value; a negative tolerance is not given. */
bool value_close(const struct value *a, const struct value *b, double abs_tol, double rel_tol);
/* Equal as multisets at the outermost container, exact below. */
bool value_equal_unordered(const struct value *a, const struct value *b);
/* repr() as Python writes it, cut to max bytes with "..."; for people. */
void value_repr(const struct value *v, struct buf *out, size_t max);

/* --- types of signatures (DESIGN section 4) --- */
enum type_kind {
	TYPE_INT, TYPE_FLOAT, TYPE_COMPLEX, TYPE_BOOL, TYPE_STRING, TYPE_BYTES, TYPE_NONE, TYPE_ANY,
	TYPE_LIST, TYPE_SET, TYPE_MAP, TYPE_TUPLE, TYPE_OPTIONAL, TYPE_KIND_COUNT
};
struct type {
	enum type_kind kind;
	struct type **args;
	size_t n_args;
};
/* "list<tuple<int,string>>"; lives in the pool.  ERR_INPUT names the text and column. */
int type_parse(struct value_pool *p, const char *text, struct type **ret, struct error *err);
void type_print(const struct type *t, struct buf *out);

/* JSON of the native task format, read by the declared type (NULL: any).
 * ERR_INPUT says where ("[2].name") and what was expected. */
int value_from_json(struct value_pool *p, const json_t *j, const struct type *t, struct value **ret, struct error *err);
/* The inverse, under `any`: plain JSON where JSON has it, {"$tuple": …} and so on elsewhere. */
int value_to_json(const struct value *v, json_t **ret, struct error *err);

/* --- frames ---
 * One value as tagged bytes: the language-neutral form that drivers read and
 * write.  Layout in docs/formats/frame.md. */
void value_encode(const struct value *v, struct buf *out);
/* Decode exactly one value from u..end and move *p past it.  Every limit above
 * is checked; nothing is trusted.  ERR_INPUT: not well-formed (reason in err);
 * ERR_LIMIT: a limit was passed; ERR_NOMEM. */
int value_decode(struct value_pool *pool, const uint8_t **p, const uint8_t *end, struct value **ret, struct error *err);

/*
 * A frame of several values (arguments and keywords, an answer and what it
 * changed) numbers its containers through: one value_numbers for each frame.
 * `@` is resolved to the very struct value it names (sharing is kept, cycles
 * cannot be); a VALUE_REF is left only for indices from 0x80000000 on, which
 * name containers of the question: integer is the index with that bit.
 */
struct value_numbers;
struct value_numbers *value_numbers_new(void); /* NULL: no memory */
void value_numbers_reset(struct value_numbers *n);
void value_numbers_free(struct value_numbers *n);
size_t value_numbers_count(const struct value_numbers *n);
/* The container with this number; NULL: there is none, or it is not complete. */
struct value *value_numbers_at(const struct value_numbers *n, size_t number);
/* A container that was met before becomes `@`.  Errors stick in out (ERR_LIMIT: too deep). */
void value_encode_numbered(struct value_numbers *n, const struct value *v, struct buf *out);
/* The limit of memory is that of one value_decode() each. */
int value_decode_numbered(struct value_numbers *n, struct value_pool *pool, const uint8_t **p,
			  const uint8_t *end, struct value **ret, struct error *err);

#endif
