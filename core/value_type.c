/* SPDX-License-Identifier: Apache-2.0 */
/* value_type.c - the types of signatures: list<tuple<int,string>>. */
#include "core/value.h"

#include <string.h>

#include "core/mem.h"
#include "core/value_internal.h"

#define MAX_ARGS 64
#define MAX_TYPE_DEPTH 32

static const struct {
	const char *name;
	int min_args, max_args;
} type_words[] = {
	[TYPE_INT] = { "int", 0, 0 },       [TYPE_FLOAT] = { "float", 0, 0 },
	[TYPE_COMPLEX] = { "complex", 0, 0 }, [TYPE_BOOL] = { "bool", 0, 0 },
	[TYPE_STRING] = { "string", 0, 0 }, [TYPE_BYTES] = { "bytes", 0, 0 },
	[TYPE_NONE] = { "none", 0, 0 },     [TYPE_ANY] = { "any", 0, 0 },
	[TYPE_LIST] = { "list", 1, 1 },     [TYPE_SET] = { "set", 1, 1 },
	[TYPE_MAP] = { "map", 2, 2 },       [TYPE_TUPLE] = { "tuple", 0, MAX_ARGS },
	[TYPE_OPTIONAL] = { "optional", 1, 1 },
};
_Static_assert(ARRAY_SIZE(type_words) == TYPE_KIND_COUNT, "a word for each type");

struct parser {
	struct value_pool *pool;
	const char *text, *p;
	struct error *err;
};

static int bad(struct parser *s, const char *what)
{
	return error_set(s->err, ERR_INPUT, "type '%s': %s at column %zu", s->text, what,
			 (size_t)(s->p - s->text) + 1);
}

static void skip_spaces(struct parser *s)
{
	while (*s->p == ' ')
		s->p++;
}

static int parse_type(struct parser *s, struct type **ret, unsigned depth);

static int parse_args(struct parser *s, struct type *t, unsigned depth)
{
	struct type *args[MAX_ARGS];
	size_t n = 0;
	int r;

	s->p++; /* < */
	skip_spaces(s);
	while (*s->p != '>') {
		if (n == MAX_ARGS)
			return bad(s, "too many arguments");
		r = parse_type(s, &args[n++], depth + 1);
		if (r < 0)
			return r;
		skip_spaces(s);
		if (*s->p == ',') {
			s->p++;
			skip_spaces(s);
			if (*s->p == '>')
				return bad(s, "a type is missing");
		} else if (*s->p != '>') {
			return bad(s, "expected ',' or '>'");
		}
	}
	s->p++;
	t->args = value_alloc(s->pool, n * sizeof(*t->args));
	if (!t->args)
		return error_set(s->err, ERR_NOMEM, "out of memory for a type");
	memcpy(t->args, args, n * sizeof(*args));
	t->n_args = n;
	return 0;
}

static int parse_type(struct parser *s, struct type **ret, unsigned depth)
{
	const char *start;
	struct type *t;
	size_t n = 0;
	int kind = -1, r;
	bool has_args;

	skip_spaces(s);
	start = s->p;
	if (depth > MAX_TYPE_DEPTH)
		return bad(s, "types nest too deep");
	while (s->p[n] >= 'a' && s->p[n] <= 'z')
		n++;
	for (int i = 0; i < TYPE_KIND_COUNT && kind < 0; i++)
		if (strlen(type_words[i].name) == n && memcmp(type_words[i].name, start, n) == 0)
			kind = i;
	if (kind < 0)
		return bad(s, n ? "unknown type" : "a type is missing");
	s->p += n;
	t = value_alloc(s->pool, sizeof(*t));
	if (!t)
		return error_set(s->err, ERR_NOMEM, "out of memory for a type");
	*t = (struct type){ .kind = (enum type_kind)kind };
	skip_spaces(s);
	has_args = *s->p == '<';
	if (has_args && type_words[kind].max_args == 0)
		return bad(s, "this type has no arguments");
	if (!has_args && type_words[kind].max_args > 0)
		return bad(s, "expected '<'");
	if (has_args) {
		r = parse_args(s, t, depth);
		if (r < 0)
			return r;
		if ((int)t->n_args < type_words[kind].min_args ||
		    (int)t->n_args > type_words[kind].max_args) {
			s->p = start;
			return bad(s, "wrong number of arguments");
		}
	}
	*ret = t;
	return 0;
}

int type_parse(struct value_pool *p, const char *text, struct type **ret, struct error *err)
{
	struct parser s = { .pool = p, .text = text, .p = text, .err = err };
	struct type *t;
	int r = parse_type(&s, &t, 0);

	if (r < 0)
		return r;
	skip_spaces(&s);
	if (*s.p)
		return bad(&s, "text after the type");
	*ret = t;
	return 0;
}

void type_print(const struct type *t, struct buf *out)
{
	buf_adds(out, type_words[t->kind].name);
	if (type_words[t->kind].max_args == 0)
		return;
	buf_addc(out, '<');
	for (size_t i = 0; i < t->n_args; i++) {
		if (i)
			buf_addc(out, ',');
		type_print(t->args[i], out);
	}
	buf_addc(out, '>');
}
