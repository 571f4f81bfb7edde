/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - the arena of values, their kinds, and repr(). */
#include "core/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/value_internal.h"

/* --- arena --- */

#define CHUNK_MIN ((size_t)16 << 10)
#define CHUNK_MAX ((size_t)1 << 20)
#define ALIGN ((size_t)16)

struct chunk {
	struct chunk *next;
	size_t size;
	size_t used;
	_Alignas(16) unsigned char data[];
};

struct value_pool {
	struct chunk *chunks; /* the first is the one in use */
	size_t total;
	size_t used;
	struct value *singletons[5];
};

struct value_pool *value_pool_new(void)
{
	return mem_zalloc(sizeof(struct value_pool));
}

void value_pool_reset(struct value_pool *p)
{
	struct chunk *keep = NULL, *next;

	for (struct chunk *c = p->chunks; c; c = next) {
		next = c->next;
		if (!keep && c->size <= CHUNK_MIN)
			keep = c;
		else
			mem_free(c);
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
	*p = (struct value_pool){ .chunks = keep, .total = keep ? keep->size : 0 };
}

void value_pool_free(struct value_pool *p)
{
	struct chunk *next;

	if (!p)
		return;
	for (struct chunk *c = p->chunks; c; c = next) {
		next = c->next;
		mem_free(c);
	}
	mem_free(p);
}

size_t value_pool_bytes(const struct value_pool *p)
{
	return p->total;
}

size_t value_pool_used(const struct value_pool *p)
{
	return p->used;
}

void *value_alloc(struct value_pool *p, size_t n)
{
	struct chunk *c = p->chunks;
	size_t size;
	void *data;

	if (__builtin_add_overflow(n, ALIGN - 1, &n))
		return NULL;
	n &= ~(size_t)(ALIGN - 1);
	if (!c || c->size - c->used < n) {
		/* Chunks grow with the pool, so that many small pools stay small. */
		size = c ? p->total : CHUNK_MIN;
		if (size > CHUNK_MAX)
			size = CHUNK_MAX;
		if (size < CHUNK_MIN)
			size = CHUNK_MIN;
		if (size < n)
			size = n;
		if (size > SIZE_MAX - sizeof(*c))
			return NULL;
		c = mem_alloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		c->size = size;
		c->used = 0;
		/* A large object gets a chunk of its own behind the one in use. */
		if (p->chunks && size == n && p->chunks->size - p->chunks->used > ALIGN * 8) {
			c->next = p->chunks->next;
			p->chunks->next = c;
		} else {
			c->next = p->chunks;
			p->chunks = c;
		}
		p->total += size;
	}
	data = c->data + c->used;
	c->used += n;
	p->used += n;
	return data;
}

struct value *value_new(struct value_pool *p, enum value_kind kind)
{
	struct value *v = value_alloc(p, sizeof(*v));

	if (!v)
		return NULL;
	*v = (struct value){ .kind = kind, .str = "" };
	return v;
}

struct value *value_singleton(struct value_pool *p, enum value_kind kind, bool boolean)
{
	size_t i;

	switch (kind) {
	case VALUE_NONE:
		i = 0;
		break;
	case VALUE_BOOL:
		i = boolean ? 1 : 2;
		break;
	case VALUE_ELLIPSIS:
		i = 3;
		break;
	default:
		i = 4;
		break;
	}
	if (!p->singletons[i]) {
		p->singletons[i] = value_new(p, kind);
		if (p->singletons[i])
			p->singletons[i]->boolean = boolean;
	}
	return p->singletons[i];
}

/* --- kinds --- */

bool value_is_dict(enum value_kind kind)
{
	return kind == VALUE_DICT || kind == VALUE_COUNTER || kind == VALUE_ORDERED_DICT ||
	       kind == VALUE_DEFAULT_DICT;
}

bool value_is_set(enum value_kind kind)
{
	return kind == VALUE_SET || kind == VALUE_FROZENSET;
}

bool value_is_container(enum value_kind kind)
{
	return value_is_dict(kind) || value_is_set(kind) || kind == VALUE_LIST ||
	       kind == VALUE_TUPLE || kind == VALUE_DEQUE || kind == VALUE_NAMED_TUPLE;
}

bool value_hashable(const struct value *v)
{
	switch (v->kind) {
	case VALUE_LIST:
	case VALUE_SET:
	case VALUE_DICT:
	case VALUE_COUNTER:
	case VALUE_ORDERED_DICT:
	case VALUE_DEFAULT_DICT:
	case VALUE_DEQUE:
	case VALUE_BYTEARRAY:
		return false;
	case VALUE_TUPLE:
	case VALUE_NAMED_TUPLE:
		for (size_t i = 0; i < v->n_items; i++)
			if (!value_hashable(v->items[i]))
				return false;
		return true;
	default:
		return true;
	}
}

static const char *const kind_words[] = {
	[VALUE_NONE] = "None",
	[VALUE_BOOL] = "bool",
	[VALUE_INT] = "int",
	[VALUE_BIGINT] = "int",
	[VALUE_FLOAT] = "float",
	[VALUE_COMPLEX] = "complex",
	[VALUE_STR] = "str",
	[VALUE_BYTES] = "bytes",
	[VALUE_BYTEARRAY] = "bytearray",
	[VALUE_LIST] = "list",
	[VALUE_TUPLE] = "tuple",
	[VALUE_SET] = "set",
	[VALUE_FROZENSET] = "frozenset",
	[VALUE_DICT] = "dict",
	[VALUE_COUNTER] = "Counter",
	[VALUE_ORDERED_DICT] = "OrderedDict",
	[VALUE_DEFAULT_DICT] = "defaultdict",
	[VALUE_DEQUE] = "deque",
	[VALUE_NAMED_TUPLE] = "namedtuple",
	[VALUE_RANGE] = "range",
	[VALUE_ELLIPSIS] = "Ellipsis",
	[VALUE_NOT_IMPLEMENTED] = "NotImplemented",
	[VALUE_TYPE] = "type",
	[VALUE_ITERATOR] = "iterator",
	[VALUE_HANDLE] = "object",
	[VALUE_REF] = "reference",
};
_Static_assert(ARRAY_SIZE(kind_words) == VALUE_KIND_COUNT, "a word for each kind");

const char *value_kind_word(enum value_kind kind)
{
	return (unsigned)kind < VALUE_KIND_COUNT ? kind_words[kind] : "unknown";
}

/* --- repr --- */

void value_float_repr(double x, bool add_dot_0, char *ret)
{
	char text[40], digits[24];
	const char *e;
	int n = 0, exponent;

	if (isnan(x)) {
		(void) sprintf(ret, "%s", "nan");
		return;
	}
	if (isinf(x)) {
		(void) sprintf(ret, "%s", x < 0 ? "-inf" : "inf");
		return;
	}
	for (int precision = 0; precision < 17; precision++) {
		(void) snprintf(text, sizeof(text), "%.*e", precision, x);
		if (strtod(text, NULL) == x)
			break;
	}
	e = strchr(text, 'e');
	exponent = (int)strtol(e + 1, NULL, 10);
	for (const char *p = text; p < e; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	if (signbit(x))
		*ret++ = '-';
	if (exponent < -4 || exponent >= 16) {
		ret += sprintf(ret, n > 1 ? "%c.%s" : "%c%s", digits[0], digits + 1);
		(void) sprintf(ret, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
		return;
	}
	if (exponent < 0) {
		ret += sprintf(ret, "0.");
		while (++exponent < 0)
			*ret++ = '0';
		(void) sprintf(ret, "%s", digits);
		return;
	}
	for (int i = 0; i <= exponent; i++)
		*ret++ = (char)(i < n ? digits[i] : '0');
	if (n > exponent + 1)
		(void) sprintf(ret, ".%s", digits + exponent + 1);
	else
		(void) sprintf(ret, "%s", add_dot_0 ? ".0" : "");
}

struct repr {
	struct buf *out;
	size_t left;
	bool full;
};

static void put(struct repr *r, const char *s, size_t n)
{
	if (r->full)
		return;
	if (n > r->left) {
		n = r->left;
		r->full = true;
	}
	buf_add(r->out, s, n);
	r->left -= n;
}

static void puts_repr(struct repr *r, const char *s)
{
	put(r, s, strlen(s));
}

/* One code point of Python's own UTF-8 (surrogates allowed); n: bytes left. */
static size_t decode_point(const unsigned char *s, size_t n, uint32_t *ret)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));

	if (len > n)
		len = n;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	*ret = c;
	return len;
}

static void put_quoted(struct repr *r, const char *s, size_t n, bool is_bytes)
{
	char quote = memchr(s, '\'', n) && !memchr(s, '"', n) ? '"' : '\'';
	char text[16];

	put(r, &quote, 1);
	for (size_t i = 0; i < n && !r->full;) {
		unsigned char c = (unsigned char)s[i];
		uint32_t point;
		size_t len;

		if (c == (unsigned char)quote || c == '\\') {
			text[0] = '\\';
			text[1] = (char)c;
			put(r, text, 2);
			i++;
		} else if (c == '\n' || c == '\r' || c == '\t') {
			puts_repr(r, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
			i++;
		} else if (c < 0x20 || c == 0x7f || (is_bytes && c >= 0x80)) {
			(void) snprintf(text, sizeof(text), "\\x%02x", c);
			puts_repr(r, text);
			i++;
		} else if (c < 0x80) {
			put(r, s + i, 1);
			i++;
		} else {
			len = decode_point((const unsigned char *)s + i, n - i, &point);
			if (point <= 0xa0 || point == 0xad)
				(void) snprintf(text, sizeof(text), "\\x%02x", point);
			else if ((point >= 0xd800 && point <= 0xdfff) ||
				 (point >= 0x2028 && point <= 0x202e) || point == 0xfeff)
				(void) snprintf(text, sizeof(text), "\\u%04x", point);
			else
				(void) snprintf(text, sizeof(text), "%.*s", (int)len, s + i);
			puts_repr(r, text);
			i += len;
		}
	}
	put(r, &quote, 1);
}

static void repr(struct repr *r, const struct value *v, unsigned depth);

static void put_items(struct repr *r, const struct value *v, const char *open, const char *close,
		      unsigned depth)
{
	puts_repr(r, open);
	for (size_t i = 0; i < v->n_items && !r->full; i++) {
		if (i)
			puts_repr(r, ", ");
		repr(r, v->items[i], depth + 1);
	}
	puts_repr(r, close);
}

static void put_pairs(struct repr *r, const struct value *v, unsigned depth, bool as_tuples)
{
	puts_repr(r, as_tuples ? "[" : "{");
	for (size_t i = 0; i + 1 < v->n_items && !r->full; i += 2) {
		puts_repr(r, i ? ", " : "");
		puts_repr(r, as_tuples ? "(" : "");
		repr(r, v->items[i], depth + 1);
		puts_repr(r, as_tuples ? ", " : ": ");
		repr(r, v->items[i + 1], depth + 1);
		puts_repr(r, as_tuples ? ")" : "");
	}
	puts_repr(r, as_tuples ? "]" : "}");
}

static void put_named_tuple(struct repr *r, const struct value *v, unsigned depth)
{
	const char *field = v->str, *end = v->str + v->len;

	puts_repr(r, field);
	puts_repr(r, "(");
	for (size_t i = 0; i < v->n_items && !r->full; i++) {
		puts_repr(r, i ? ", " : "");
		field += strlen(field);
		if (field < end) {
			puts_repr(r, ++field);
			puts_repr(r, "=");
		}
		repr(r, v->items[i], depth + 1);
	}
	puts_repr(r, ")");
}

static void put_complex(struct repr *r, const struct value *v)
{
	char re[40], im[40];

	value_float_repr(v->real, false, re);
	value_float_repr(v->imag, false, im);
	if (v->real == 0 && !signbit(v->real)) {
		puts_repr(r, im);
		puts_repr(r, "j");
		return;
	}
	puts_repr(r, "(");
	puts_repr(r, re);
	puts_repr(r, im[0] == '-' ? "" : "+");
	puts_repr(r, im);
	puts_repr(r, "j)");
}

static void repr(struct repr *r, const struct value *v, unsigned depth)
{
	char text[48];

	if (r->full)
		return;
	if (depth > VALUE_MAX_DEPTH) {
		puts_repr(r, "...");
		return;
	}
	switch (v->kind) {
	case VALUE_NONE:
	case VALUE_ELLIPSIS:
	case VALUE_NOT_IMPLEMENTED:
		puts_repr(r, value_kind_word(v->kind));
		break;
	case VALUE_BOOL:
		puts_repr(r, v->boolean ? "True" : "False");
		break;
	case VALUE_INT:
		(void) snprintf(text, sizeof(text), "%lld", (long long)v->integer);
		puts_repr(r, text);
		break;
	case VALUE_BIGINT:
		put(r, v->str, v->len);
		break;
	case VALUE_FLOAT:
		value_float_repr(v->real, true, text);
		puts_repr(r, text);
		break;
	case VALUE_COMPLEX:
		put_complex(r, v);
		break;
	case VALUE_STR:
		put_quoted(r, v->str, v->len, false);
		break;
	case VALUE_BYTES:
		puts_repr(r, "b");
		put_quoted(r, v->str, v->len, true);
		break;
	case VALUE_BYTEARRAY:
		puts_repr(r, "bytearray(b");
		put_quoted(r, v->str, v->len, true);
		puts_repr(r, ")");
		break;
	case VALUE_LIST:
		put_items(r, v, "[", "]", depth);
		break;
	case VALUE_TUPLE:
		put_items(r, v, "(", v->n_items == 1 ? ",)" : ")", depth);
		break;
	case VALUE_SET:
		put_items(r, v, v->n_items ? "{" : "set(", v->n_items ? "}" : ")", depth);
		break;
	case VALUE_FROZENSET:
		put_items(r, v, v->n_items ? "frozenset({" : "frozenset(", v->n_items ? "})" : ")",
			  depth);
		break;
	case VALUE_DEQUE:
		put_items(r, v, "deque([", "])", depth);
		break;
	case VALUE_DICT:
		put_pairs(r, v, depth, false);
		break;
	case VALUE_COUNTER:
	case VALUE_ORDERED_DICT:
		puts_repr(r, value_kind_word(v->kind));
		puts_repr(r, "(");
		if (v->n_items)
			put_pairs(r, v, depth, v->kind == VALUE_ORDERED_DICT);
		puts_repr(r, ")");
		break;
	case VALUE_DEFAULT_DICT:
		puts_repr(r, "defaultdict(None, ");
		put_pairs(r, v, depth, false);
		puts_repr(r, ")");
		break;
	case VALUE_NAMED_TUPLE:
		put_named_tuple(r, v, depth);
		break;
	case VALUE_RANGE:
		puts_repr(r, "range(");
		repr(r, v->items[0], depth + 1);
		puts_repr(r, ", ");
		repr(r, v->items[1], depth + 1);
		if (v->items[2]->kind != VALUE_INT || v->items[2]->integer != 1) {
			puts_repr(r, ", ");
			repr(r, v->items[2], depth + 1);
		}
		puts_repr(r, ")");
		break;
	case VALUE_TYPE:
		puts_repr(r, "<class '");
		put(r, v->str, v->len);
		puts_repr(r, "'>");
		break;
	case VALUE_ITERATOR:
	case VALUE_HANDLE:
		puts_repr(r, "<");
		put(r, v->str, v->len);
		puts_repr(r, " object>");
		break;
	case VALUE_REF:
		(void) snprintf(text, sizeof(text), "<argument's container %lld>",
				(long long)(v->integer & 0x7fffffff));
		puts_repr(r, text);
		break;
	case VALUE_KIND_COUNT:
		break;
	}
}

void value_repr(const struct value *v, struct buf *out, size_t max)
{
	struct repr r = { .out = out, .left = max };
	size_t start = out->len, end;

	repr(&r, v, 0);
	if (!r.full || out->error)
		return;
	/* Make room for the dots, and leave no half of a character before them. */
	end = max > 3 ? start + max - 3 : start;
	while (end > start && ((unsigned char)out->data[end] & 0xc0) == 0x80)
		end--;
	out->len = end;
	out->data[end] = '\0';
	buf_adds(out, max >= 3 ? "..." : "");
}
