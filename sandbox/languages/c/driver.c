/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - answers questions about a C program over descriptor 3 (docs/formats/frame.md).
 *
 * It knows nothing of tests: it is compiled together with the program, whose function's own declaration,
 * as the compiler writes it (-aux-info), says how arguments are passed and where the answer is found:
 * entry.h has it as ENTRY_RETURN and ENTRY_PARAMS, made by the recipe.  Everything here has names that no
 * program uses, and stands before the program, so that no macro of the program's reaches it.
 */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern long winnow_read(int, void *, unsigned long) __asm__("read");
extern long winnow_write(int, const void *, unsigned long) __asm__("write");
extern void winnow_exit(int) __asm__("_exit") __attribute__((noreturn));

#define WINNOW_MAX_FRAME (16u << 20)
#define WINNOW_MAX_PARAMS 32

/* --- types of parameters --- */
enum winnow_base {
	WINNOW_OTHER, WINNOW_VOID, WINNOW_BOOL, WINNOW_CHAR,
	WINNOW_I8, WINNOW_U8, WINNOW_I16, WINNOW_U16, WINNOW_I32, WINNOW_U32, WINNOW_I64, WINNOW_U64,
	WINNOW_FLOAT, WINNOW_DOUBLE, WINNOW_LONG_DOUBLE
};
#define WINNOW_STARS 16 /* how many '*': times this */
#define WINNOW_CONST 256 /* what it points to is const */

#define WINNOW_ROW(T, code) \
	T: (code), T *: (code) + 16, T **: (code) + 32, T ***: (code) + 48, \
	const T *: (code) + 16 + WINNOW_CONST, const T **: (code) + 32, const T ***: (code) + 48, \
	T *const *: (code) + 32 + WINNOW_CONST, const T *const *: (code) + 32 + WINNOW_CONST
/* The type's code.  The expression loses the outermost qualifiers. */
#define WINNOW_TYPE(T) _Generic((T)0, \
	WINNOW_ROW(_Bool, WINNOW_BOOL), WINNOW_ROW(char, WINNOW_CHAR), \
	WINNOW_ROW(signed char, WINNOW_I8), WINNOW_ROW(unsigned char, WINNOW_U8), \
	WINNOW_ROW(short, WINNOW_I16), WINNOW_ROW(unsigned short, WINNOW_U16), \
	WINNOW_ROW(int, WINNOW_I32), WINNOW_ROW(unsigned, WINNOW_U32), \
	WINNOW_ROW(long, WINNOW_I64), WINNOW_ROW(unsigned long, WINNOW_U64), \
	WINNOW_ROW(long long, WINNOW_I64), WINNOW_ROW(unsigned long long, WINNOW_U64), \
	WINNOW_ROW(float, WINNOW_FLOAT), WINNOW_ROW(double, WINNOW_DOUBLE), \
	WINNOW_ROW(long double, WINNOW_LONG_DOUBLE), default: WINNOW_OTHER)
#define WINNOW_CHECK(T) _Static_assert(WINNOW_TYPE(T) != WINNOW_OTHER, "no value is passed as '" #T "' (see the conventions for C)");

static unsigned winnow_base(unsigned type) { return type & 15; }
static unsigned winnow_stars(unsigned type) { return type / WINNOW_STARS & 15; }
static bool winnow_is_int(unsigned type) { return !winnow_stars(type) && winnow_base(type) >= WINNOW_I8 && winnow_base(type) <= WINNOW_U64; }
static bool winnow_is_int_pointer(unsigned type) { return winnow_stars(type) == 1 && winnow_base(type) >= WINNOW_I8 && winnow_base(type) <= WINNOW_U64; }
static bool winnow_is_string(unsigned type) { return winnow_base(type) == WINNOW_CHAR && winnow_stars(type) == 1; }

/* What an item of so much fewer stars takes. */
static size_t winnow_size(unsigned type)
{
	static const unsigned char sizes[] = { 1, 1, sizeof(bool), 1, 1, 1, 2, 2, 4, 4, 8, 8, sizeof(float), sizeof(double), sizeof(long double) };

	return winnow_stars(type) ? sizeof(void *) : sizes[winnow_base(type)];
}
static unsigned winnow_pointee(unsigned type) { return (type & ~(unsigned)WINNOW_CONST) - WINNOW_STARS; }

/* --- failures --- */
static jmp_buf winnow_failed;
static const char *winnow_failure, *winnow_failure_message;

static void winnow_raise(const char *name, const char *message) __attribute__((noreturn));
static void winnow_raise(const char *name, const char *message)
{
	winnow_failure = name;
	winnow_failure_message = message;
	longjmp(winnow_failed, 1);
}
static void winnow_refuse(const char *message) __attribute__((noreturn));
static void winnow_refuse(const char *message) { winnow_raise("TypeError", message); }

static void *winnow_alloc(size_t n)
{
	void *p = calloc(n ? n : 1, 1);

	if (!p)
		winnow_raise("MemoryError", "no memory for an argument");
	return p;
}

/* --- values out --- */
static unsigned char *winnow_out;
static size_t winnow_out_len, winnow_out_cap;

static void winnow_put(const void *p, size_t n)
{
	if (winnow_out_len + n > WINNOW_MAX_FRAME - 64)
		winnow_raise("size", NULL);
	if (winnow_out_len + n > winnow_out_cap) {
		size_t cap = winnow_out_cap ? winnow_out_cap : 4096;
		unsigned char *more;

		while (cap < winnow_out_len + n)
			cap *= 2;
		more = realloc(winnow_out, cap);
		if (!more)
			winnow_raise("MemoryError", "no memory for an answer");
		winnow_out = more;
		winnow_out_cap = cap;
	}
	memcpy(winnow_out + winnow_out_len, p, n);
	winnow_out_len += n;
}
static void winnow_put_tag(char c) { winnow_put(&c, 1); }
static void winnow_put_u32(uint32_t v) { winnow_put(&v, 4); }
static void winnow_put_str(const char *s, size_t n) { winnow_put_u32((uint32_t)n); winnow_put(s, n); }

/* Text that is no UTF-8 would break the frame: each such byte becomes U+FFFD. */
static void winnow_put_text(const char *text, size_t len)
{
	size_t at = 0, from;

	winnow_put_tag('s');
	from = winnow_out_len;
	winnow_put_u32(0);
	while (at < len) {
		const unsigned char *s = (const unsigned char *)text + at;
		unsigned char c = s[0];
		size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
		bool good = n && n <= len - at;

		for (size_t k = 1; good && k < n; k++)
			good = (s[k] & 0xc0) == 0x80;
		if (good && ((c == 0xe0 && s[1] < 0xa0) || (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] >= 0x90)))
			good = false;
		if (good)
			winnow_put(s, n);
		else
			winnow_put("\xef\xbf\xbd", 3);
		at += good ? n : 1;
	}
	at = winnow_out_len - from - 4;
	memcpy(winnow_out + from, &(uint32_t){ (uint32_t)at }, 4);
}

static void winnow_put_scalar(unsigned type, const void *p)
{
	int64_t i = 0;
	double d;

	if (winnow_is_string(type)) {
		const char *s = *(char *const *)p;

		if (s)
			winnow_put_text(s, strlen(s));
		else
			winnow_put_tag('N');
		return;
	}
	if (winnow_stars(type))
		winnow_refuse("an answer of pointers that no convention knows");
	switch (winnow_base(type)) {
	case WINNOW_BOOL: winnow_put_tag(*(const bool *)p ? 'T' : 'F'); return;
	case WINNOW_CHAR: winnow_put_text(p, 1); return;
	case WINNOW_I8: i = *(const signed char *)p; break;
	case WINNOW_U8: i = *(const unsigned char *)p; break;
	case WINNOW_I16: i = *(const short *)p; break;
	case WINNOW_U16: i = *(const unsigned short *)p; break;
	case WINNOW_I32: i = *(const int *)p; break;
	case WINNOW_U32: i = *(const unsigned *)p; break;
	case WINNOW_I64: memcpy(&i, p, 8); break;
	case WINNOW_U64:
		memcpy(&i, p, 8);
		if (i < 0) {
			char digits[17];

			(void) snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)i);
			winnow_put("I", 2); /* a sign of 0 follows */
			winnow_put_str(digits, 16);
			return;
		}
		break;
	case WINNOW_FLOAT:
		d = (double)*(const float *)p;
		/* The shortest decimal of a float is what its author meant: 0.1f is 0.1. */
		for (int digits = 1; isfinite(d) && digits <= 9; digits++) {
			char text[40];

			(void) snprintf(text, sizeof(text), "%.*g", digits, (double)*(const float *)p);
			d = strtod(text, NULL);
			if ((float)d == *(const float *)p)
				break;
		}
		goto real;
	case WINNOW_DOUBLE: d = *(const double *)p; goto real;
	case WINNOW_LONG_DOUBLE: d = (double)*(const long double *)p; goto real;
	default: winnow_refuse("an answer of a type that no convention knows");
	}
	winnow_put_tag('i');
	winnow_put(&i, 8);
	return;
real:
	winnow_put_tag('f');
	winnow_put(&d, 8);
}

static void winnow_put_list(unsigned item, const void *items, size_t n, char tag)
{
	if (n && !items)
		winnow_refuse("an answer of items that are nowhere");
	if (n > WINNOW_MAX_FRAME)
		winnow_raise("size", NULL);
	winnow_put_tag(tag);
	winnow_put_u32((uint32_t)n);
	for (size_t i = 0; i < n; i++)
		winnow_put_scalar(item, (const char *)items + i * winnow_size(item));
}

/* --- values in --- */
static const unsigned char *winnow_at, *winnow_end;
static uint32_t winnow_containers;

static void winnow_get(void *to, size_t n)
{
	if ((size_t)(winnow_end - winnow_at) < n)
		winnow_exit(3);
	memcpy(to, winnow_at, n);
	winnow_at += n;
}
static char winnow_peek(void) { return winnow_at < winnow_end ? (char)*winnow_at : '\0'; }
static char winnow_get_tag(void) { char c = winnow_peek(); winnow_at++; return c; }
static uint32_t winnow_get_u32(void) { uint32_t v; winnow_get(&v, 4); return v; }
static bool winnow_is_sequence(char c) { return c && strchr("ltSZq", c); }
static bool winnow_is_mapping(char c) { return c && strchr("dCOD", c); }

static char *winnow_get_text(void)
{
	uint32_t n = winnow_get_u32();
	char *s;

	if ((size_t)(winnow_end - winnow_at) < n)
		winnow_exit(3);
	s = winnow_alloc((size_t)n + 1);
	winnow_get(s, n);
	if (memchr(s, '\0', n))
		winnow_refuse("text with a zero byte");
	return s;
}

/* One scalar argument, into what a parameter (or an item) of this type takes. */
static void winnow_get_scalar(unsigned type, void *to)
{
	char c = winnow_get_tag();
	double d = 0;
	int64_t i = 0;

	if (winnow_is_string(type)) {
		if (c != 's' && c != 'N')
			winnow_refuse("an argument is no text");
		*(char **)to = c == 's' ? winnow_get_text() : NULL;
		return;
	}
	if (winnow_stars(type))
		winnow_refuse("a parameter of pointers that no convention knows");
	if (winnow_base(type) == WINNOW_CHAR && c == 's') {
		char *s = winnow_get_text();

		if (strlen(s) != 1)
			winnow_refuse("an argument is no single character");
		*(char *)to = s[0];
		return;
	}
	switch (c) {
	case 'T': i = 1; d = 1; break;
	case 'F': break;
	case 'i': winnow_get(&i, 8); d = (double)i; break;
	case 'I': winnow_raise("OverflowError", "an integer beyond 64 bits");
	case 'f':
		winnow_get(&d, 8);
		if (winnow_base(type) >= WINNOW_FLOAT)
			break;
		if (!(d == floor(d) && fabs(d) <= 9e15))
			winnow_refuse("an argument is no integer");
		i = (int64_t)d;
		break;
	default: winnow_refuse("an argument is of another type than the parameter");
	}
	switch (winnow_base(type)) {
#define WINNOW_FIT(code, T, low, high) \
	case code: if (i < (int64_t)(low) || i > (int64_t)(high)) winnow_raise("OverflowError", "an integer does not fit the parameter"); \
		*(T *)to = (T)i; break;
	WINNOW_FIT(WINNOW_CHAR, char, CHAR_MIN, CHAR_MAX)
	WINNOW_FIT(WINNOW_I8, signed char, SCHAR_MIN, SCHAR_MAX)
	WINNOW_FIT(WINNOW_U8, unsigned char, 0, UCHAR_MAX)
	WINNOW_FIT(WINNOW_I16, short, SHRT_MIN, SHRT_MAX)
	WINNOW_FIT(WINNOW_U16, unsigned short, 0, USHRT_MAX)
	WINNOW_FIT(WINNOW_I32, int, INT_MIN, INT_MAX)
	WINNOW_FIT(WINNOW_U32, unsigned, 0, UINT_MAX)
	WINNOW_FIT(WINNOW_U64, uint64_t, 0, INT64_MAX)
	case WINNOW_I64: memcpy(to, &i, 8); break;
	case WINNOW_BOOL: *(bool *)to = i != 0; break;
	case WINNOW_FLOAT: *(float *)to = (float)d; break;
	case WINNOW_DOUBLE: *(double *)to = d; break;
	case WINNOW_LONG_DOUBLE: *(long double *)to = (long double)d; break;
	default: winnow_refuse("a parameter of a type that no convention knows");
	}
}

/* --- the call --- */
union winnow_slot { void *pointer; int64_t integer; double real; long double wide; };

struct winnow_changeable {
	uint32_t number;
	unsigned item;
	size_t n;
	char *now, *before;
};
struct winnow_call {
	const unsigned *types;
	size_t n, next;
	union winnow_slot *slots, *targets; /* targets: where outs point to */
	struct winnow_changeable changeable[WINNOW_MAX_PARAMS];
	size_t n_changeable;
};

static unsigned winnow_next_type(const struct winnow_call *c)
{
	if (c->next >= c->n)
		winnow_refuse("more arguments than the function takes");
	return c->types[c->next];
}

/* The parameter that says how many: an integer of any type. */
static void winnow_give_count(struct winnow_call *c, size_t n)
{
	unsigned type;

	if (c->next >= c->n || !winnow_is_int(c->types[c->next]))
		winnow_refuse("an array parameter without its length after it");
	type = c->types[c->next];
	memcpy(&c->slots[c->next++], &(uint64_t){ n }, winnow_size(type)); /* little-endian */
}

static void winnow_give(struct winnow_call *c);

static void winnow_give_rows(struct winnow_call *c, unsigned type, uint32_t n)
{
	unsigned row = winnow_pointee(type), item = winnow_pointee(row), sizes;
	void **rows = winnow_alloc(n * sizeof(void *));
	size_t *lengths = winnow_alloc(n * sizeof(size_t));
	char *as_wanted;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len;

		if (!winnow_is_sequence(winnow_get_tag()))
			winnow_refuse("an item of a list is no list");
		winnow_containers++;
		len = winnow_get_u32();
		lengths[i] = len;
		rows[i] = winnow_alloc(len * winnow_size(item));
		for (uint32_t k = 0; k < len; k++)
			winnow_get_scalar(item, (char *)rows[i] + k * winnow_size(item));
	}
	c->slots[c->next++].pointer = rows;
	winnow_give_count(c, n);
	sizes = winnow_next_type(c);
	if (!winnow_is_int_pointer(sizes))
		winnow_refuse("rows without their lengths after them");
	as_wanted = winnow_alloc(n * winnow_size(winnow_pointee(sizes)));
	for (uint32_t i = 0; i < n; i++)
		memcpy(as_wanted + i * winnow_size(winnow_pointee(sizes)), &lengths[i], winnow_size(winnow_pointee(sizes)));
	c->slots[c->next++].pointer = as_wanted;
}

static void winnow_give_sequence(struct winnow_call *c, unsigned type)
{
	bool tuple = winnow_peek() == 't', list = winnow_peek() == 'l';
	uint32_t number = winnow_containers, n;
	unsigned item;
	char *items;

	winnow_get_tag();
	winnow_containers++;
	n = winnow_get_u32();
	if (!winnow_stars(type) || (winnow_is_string(type) && tuple)) {
		/* A tuple may be a parameter for each of its items. */
		if (!tuple)
			winnow_refuse("a list for a parameter that is no array");
		for (uint32_t i = 0; i < n; i++)
			winnow_give(c);
		return;
	}
	if (winnow_stars(type) - (winnow_base(type) == WINNOW_CHAR) >= 2) {
		winnow_give_rows(c, type, n);
		return;
	}
	item = winnow_pointee(type);
	items = winnow_alloc(n * winnow_size(item));
	for (uint32_t i = 0; i < n; i++) {
		if (winnow_is_string(type) && winnow_peek() != 's')
			winnow_refuse("a list of other than characters for a text");
		winnow_get_scalar(item, items + i * winnow_size(item));
	}
	if (list && !(type & WINNOW_CONST) && c->n_changeable < WINNOW_MAX_PARAMS) {
		struct winnow_changeable *ch = &c->changeable[c->n_changeable++];

		*ch = (struct winnow_changeable){ .number = number, .item = item, .n = n, .now = items,
						  .before = winnow_alloc(n * winnow_size(item)) };
		memcpy(ch->before, items, n * winnow_size(item));
	}
	c->slots[c->next++].pointer = items;
	winnow_give_count(c, n);
}

/* Two arrays and their length. */
static void winnow_give_mapping(struct winnow_call *c)
{
	unsigned key = winnow_next_type(c), value;
	char *keys, *values;
	uint32_t n;

	winnow_get_tag();
	winnow_containers++;
	n = winnow_get_u32();
	c->next++;
	value = winnow_next_type(c);
	c->next--;
	if (!winnow_stars(key) || !winnow_stars(value))
		winnow_refuse("a mapping wants an array of keys and an array of values");
	key = winnow_pointee(key);
	value = winnow_pointee(value);
	keys = winnow_alloc(n * winnow_size(key));
	values = winnow_alloc(n * winnow_size(value));
	for (uint32_t i = 0; i < n; i++) {
		winnow_get_scalar(key, keys + i * winnow_size(key));
		winnow_get_scalar(value, values + i * winnow_size(value));
	}
	c->slots[c->next++].pointer = keys;
	c->slots[c->next++].pointer = values;
	winnow_give_count(c, n);
}

/* The next argument, into as many parameters as its kind takes. */
static void winnow_give(struct winnow_call *c)
{
	unsigned type = winnow_next_type(c);

	if (winnow_is_mapping(winnow_peek())) {
		winnow_give_mapping(c);
	} else if (winnow_is_sequence(winnow_peek())) {
		winnow_give_sequence(c, type);
	} else if (winnow_peek() == 'N' && winnow_stars(type)) {
		winnow_get_tag();
		c->slots[c->next++].pointer = NULL;
	} else if (winnow_stars(type) == 1 && !winnow_is_string(type)) {
		/* A value or none: a pointer to it. */
		void *target = winnow_alloc(sizeof(union winnow_slot));

		winnow_get_scalar(winnow_pointee(type), target);
		c->slots[c->next++].pointer = target;
	} else {
		winnow_get_scalar(type, &c->slots[c->next++]);
	}
}

/* --- the answer --- */

static size_t winnow_count(unsigned type, const union winnow_slot *at)
{
	uint64_t n = 0;

	memcpy(&n, at, winnow_size(type));
	/* A negative number of items is none that can be read. */
	if (winnow_size(type) < 8 ? n >> (8 * winnow_size(type) - 1) : n >> 63)
		winnow_refuse("a negative number of items");
	return (size_t)n;
}

static void winnow_put_rows(unsigned row, void *const *rows, size_t n, unsigned lengths, const void *sizes)
{
	if (n && (!rows || !sizes))
		winnow_refuse("an answer of rows that are nowhere");
	if (n > WINNOW_MAX_FRAME)
		winnow_raise("size", NULL);
	winnow_put_tag('l');
	winnow_put_u32((uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		union winnow_slot len = { 0 };

		memcpy(&len, (const char *)sizes + i * winnow_size(lengths), winnow_size(lengths));
		winnow_put_list(winnow_pointee(row), rows[i], winnow_count(lengths, &len), 'l');
	}
}

/* How many of the types from here on are one value, and that value where it is to be written. */
static size_t winnow_put_found(const unsigned *types, size_t n, const union winnow_slot *at, bool write)
{
	unsigned type = types[0], depth = winnow_stars(type) - (winnow_base(type) == WINNOW_CHAR && winnow_stars(type));

	if (!depth || (winnow_is_string(type))) {
		if (write)
			winnow_put_scalar(type, at);
		return 1;
	}
	if (depth == 2 && n >= 3 && winnow_is_int(types[1]) && winnow_is_int_pointer(types[2])) {
		if (write)
			winnow_put_rows(winnow_pointee(type), at[0].pointer, winnow_count(types[1], &at[1]),
					winnow_pointee(types[2]), at[2].pointer);
		return 3;
	}
	if (depth == 1 && n >= 2 && winnow_is_int(types[1])) {
		if (write)
			winnow_put_list(winnow_pointee(type), at[0].pointer, winnow_count(types[1], &at[1]), 'l');
		return 2;
	}
	if (depth == 1 && n >= 3 && winnow_stars(types[1]) && winnow_is_int(types[2])) {
		unsigned key = winnow_pointee(type), value = winnow_pointee(types[1]);
		size_t count = write ? winnow_count(types[2], &at[2]) : 0;

		if (count && (!at[0].pointer || !at[1].pointer))
			winnow_refuse("an answer of items that are nowhere");
		if (write) {
			winnow_put_tag('d');
			winnow_put_u32((uint32_t)count);
		}
		for (size_t i = 0; i < count; i++) {
			winnow_put_scalar(key, (const char *)at[0].pointer + i * winnow_size(key));
			winnow_put_scalar(value, (const char *)at[1].pointer + i * winnow_size(value));
		}
		return 3;
	}
	if (depth == 1) {
		/* A value or none. */
		if (write && at[0].pointer)
			winnow_put_scalar(winnow_pointee(type), at[0].pointer);
		else if (write)
			winnow_put_tag('N');
		return 1;
	}
	winnow_refuse("an answer of pointers that no convention knows");
}

static void winnow_put_answer(const struct winnow_call *c, size_t first_out, unsigned returns, const union winnow_slot *returned)
{
	unsigned types[WINNOW_MAX_PARAMS + 1];
	union winnow_slot at[WINNOW_MAX_PARAMS + 1];
	size_t n = 0, values = 0;

	if (returns != WINNOW_VOID) {
		types[n] = returns;
		at[n++] = *returned;
	}
	for (size_t i = first_out; i < c->n; i++) {
		types[n] = winnow_pointee(c->types[i]);
		at[n++] = c->targets[i];
	}
	/* `bool f(…, T *out)`: whether there is a value. */
	if (returns == WINNOW_BOOL && n > 1 && 1 + winnow_put_found(types + 1, n - 1, at + 1, false) == n) {
		bool there;

		memcpy(&there, returned, sizeof(there));
		if (there)
			winnow_put_found(types + 1, n - 1, at + 1, true);
		else
			winnow_put_tag('N');
		return;
	}
	for (size_t i = 0; i < n; values++)
		i += winnow_put_found(types + i, n - i, at + i, false);
	if (!values) {
		winnow_put_tag('N');
		return;
	}
	if (values > 1) {
		winnow_put_tag('t');
		winnow_put_u32((uint32_t)values);
	}
	for (size_t i = 0; i < n;)
		i += winnow_put_found(types + i, n - i, at + i, true);
}

static void winnow_put_changes(const struct winnow_call *c)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->n_changeable; i++)
		n += memcmp(c->changeable[i].now, c->changeable[i].before, c->changeable[i].n * winnow_size(c->changeable[i].item)) != 0;
	winnow_put_u32(n);
	for (size_t i = 0; i < c->n_changeable; i++) {
		const struct winnow_changeable *ch = &c->changeable[i];

		if (!memcmp(ch->now, ch->before, ch->n * winnow_size(ch->item)))
			continue;
		winnow_put_u32(ch->number);
		winnow_put_list(ch->item, ch->now, ch->n, 'l');
	}
}

/* --- the channel --- */
/* The program's function, of entry.h. */
struct winnow_entry {
	const char *name;             /* what the task calls it */
	const unsigned *types;
	size_t n;
	unsigned returns;
	void (*call)(union winnow_slot *slots, void *returned);
};
static const struct winnow_entry *winnow_entry;

static void winnow_read_exactly(void *to, size_t n)
{
	char *at = to;

	while (n) {
		long got = winnow_read(3, at, n);

		if (got <= 0)
			winnow_exit(0);
		at += got;
		n -= (size_t)got;
	}
}

static void winnow_send(void)
{
	uint32_t n = (uint32_t)winnow_out_len;
	unsigned char *frame = malloc(winnow_out_len + 4);
	size_t at = 0, len = winnow_out_len + 4;

	if (!frame)
		winnow_exit(3);
	memcpy(frame, &n, 4);
	memcpy(frame + 4, winnow_out, winnow_out_len);
	while (at < len) {
		long put = winnow_write(3, frame + at, len - at);

		if (put <= 0)
			winnow_exit(0);
		at += (size_t)put;
	}
	free(frame);
}

static void winnow_answer_call(void)
{
	union winnow_slot slots[WINNOW_MAX_PARAMS], targets[WINNOW_MAX_PARAMS], returned = { 0 };
	struct winnow_call c = { .types = winnow_entry->types, .n = winnow_entry->n, .slots = slots, .targets = targets };
	size_t first_out;
	uint32_t n;

	if (c.n > WINNOW_MAX_PARAMS)
		winnow_refuse("too many parameters");
	memset(slots, 0, sizeof(slots));
	memset(targets, 0, sizeof(targets));
	if (winnow_get_tag() != 't')
		winnow_exit(3);
	winnow_containers = 1;
	for (n = winnow_get_u32(); n > 0; n--)
		winnow_give(&c);
	first_out = c.next;
	for (size_t i = first_out; i < c.n; i++) {
		if (!winnow_stars(c.types[i]) || c.types[i] & WINNOW_CONST)
			winnow_refuse("fewer arguments than the function takes");
		slots[i].pointer = &targets[i];
	}
	winnow_entry->call(slots, &returned);
	winnow_put_tag('R');
	winnow_put_answer(&c, first_out, winnow_entry->returns, &returned);
	winnow_put_changes(&c);
}

static void winnow_put_failure(void)
{
	const char *const bases[] = { winnow_failure, "Exception", "BaseException" };

	winnow_out_len = 0;
	if (!winnow_failure_message) {
		winnow_put_tag('U');
		winnow_put_str(winnow_failure, strlen(winnow_failure));
		return;
	}
	winnow_put_tag('X');
	winnow_put_str(winnow_failure, strlen(winnow_failure));
	winnow_put_str(winnow_failure_message, strlen(winnow_failure_message));
	winnow_put_u32(3);
	for (size_t i = 0; i < 3; i++)
		winnow_put_str(bases[i], strlen(bases[i]));
	winnow_put_u32(0);
}

static void winnow_answer(void)
{
	const char *name = winnow_entry->name;
	uint32_t n;

	switch (winnow_get_tag()) {
	case 'L':
	case '-':
		winnow_put_tag('K');
		return;
	case '?':
		n = winnow_get_u32();
		if ((size_t)(winnow_end - winnow_at) < n)
			winnow_exit(3);
		if (n != strlen(name) || memcmp(winnow_at, name, n)) {
			winnow_put_tag('?');
			winnow_put_str((const char *)winnow_at, n);
			return;
		}
		winnow_at += n;
		break;
	default:
		winnow_put_tag('U');
		winnow_put_str("question", 8);
		return;
	}
	if (setjmp(winnow_failed))
		winnow_put_failure();
	else
		winnow_answer_call();
}

static int winnow_serve(const struct winnow_entry *entry)
{
	winnow_entry = entry;
	for (;;) {
		unsigned char *frame;
		uint32_t n;

		winnow_read_exactly(&n, 4);
		if (!n || n > WINNOW_MAX_FRAME)
			winnow_exit(3);
		frame = malloc(n);
		if (!frame)
			winnow_exit(3);
		winnow_read_exactly(frame, n);
		winnow_at = frame;
		winnow_end = frame + n;
		winnow_out_len = 0;
		winnow_answer();
		winnow_send();
		/* The arguments stay: a program may keep what it was given, and give it back later. */
		free(frame);
	}
}

#define main winnow_program_main
#include "main.c"
#undef main
#include "entry.h"
