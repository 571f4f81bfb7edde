/* SPDX-License-Identifier: Apache-2.0 */
/* pytext.c - logical lines and calls in Python text; see pytext.h. */
#include "store/pytext.h"

#include <string.h>

#define MAX_CALL_BYTES (1u << 16) /* an open bracket in prose ends the search, not the text */

bool py_is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       (c & 0x80);
}

/* p is at a quote: past the string's end, or end where it never closes. */
static const char *skip_string(const char *p, const char *end)
{
	char quote = *p;
	bool triple = end - p >= 3 && p[1] == quote && p[2] == quote;

	p += triple ? 3 : 1;
	while (p < end) {
		if (*p == '\\') {
			p += 2;
			continue;
		}
		if (*p == quote && !triple)
			return p + 1;
		if (*p == quote && end - p >= 3 && p[1] == quote && p[2] == quote)
			return p + 3;
		if (!triple && *p == '\n')
			return p; /* broken text; take the line as its end */
		p++;
	}
	return end;
}

void py_scan_init(struct py_scan *s, const char *text, size_t n)
{
	*s = (struct py_scan){ .p = text, .end = text + n };
}

/* Skip blank and comment lines; leaves p at the first byte of a statement. */
static bool to_statement(struct py_scan *s)
{
	unsigned column = 0;

	while (s->p < s->end) {
		char c = *s->p;

		if (c == ' ')
			column++;
		else if (c == '\t')
			column = (column / 8 + 1) * 8;
		else if (c == '\n' || c == '\r' || c == '\f')
			column = 0;
		else if (c == '#')
			while (s->p + 1 < s->end && s->p[1] != '\n')
				s->p++;
		else if (c != ';') {
			s->indent = column;
			return true;
		}
		s->p++;
	}
	return false;
}

bool py_scan_next(struct py_scan *s, struct py_line *ret)
{
	const char *p, *last;
	unsigned depth = 0;

	if (s->split) {
		/* After a ';': same physical line, same indent. */
		s->split = false;
		while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
			s->p++;
		if (s->p < s->end && (*s->p == '\n' || *s->p == '\r' || *s->p == '#' || *s->p == ';'))
			if (!to_statement(s))
				return false;
	} else if (!to_statement(s)) {
		return false;
	}
	if (s->p >= s->end)
		return false;
	*ret = (struct py_line){ .p = s->p, .indent = s->indent };
	last = p = s->p;
	while (p < s->end) {
		char c = *p;

		if (c == '\n' && !depth)
			break;
		if (c == ';' && !depth) {
			s->split = true;
			break;
		}
		if (c == '#') {
			while (p < s->end && *p != '\n')
				p++;
			continue;
		}
		if (c == '\\') {
			p += 2;
			if (p < s->end && p[-1] == '\r' && *p == '\n')
				p++;
			last = p < s->end ? p : s->end;
			continue;
		}
		if (c == '"' || c == '\'') {
			p = skip_string(p, s->end);
			if (p > s->end)
				p = s->end;
			last = p;
			continue;
		}
		if (c == '(' || c == '[' || c == '{')
			depth++;
		else if ((c == ')' || c == ']' || c == '}') && depth)
			depth--;
		p++;
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			last = p;
	}
	if (p > s->end)
		p = s->end;
	ret->n = (size_t)(last - ret->p);
	s->p = p < s->end ? p + 1 : p;
	return true;
}

bool py_line_is(const struct py_line *l, const char *word)
{
	size_t n = strlen(word);

	return l->n >= n && memcmp(l->p, word, n) == 0 && (l->n == n || !py_is_name_char(l->p[n]));
}

/* "def check(" in any spacing */
static bool defines_check(const struct py_line *l)
{
	size_t i = 3;

	if (!py_line_is(l, "def"))
		return false;
	while (i < l->n && (l->p[i] == ' ' || l->p[i] == '\t'))
		i++;
	return l->n - i > 5 && memcmp(l->p + i, "check", 5) == 0 && !py_is_name_char(l->p[i + 5]);
}

void py_each_assert(const char *text, size_t n, py_assert_fn *fn, void *ctx)
{
	struct py_scan s, body;
	struct py_line l;
	bool found = false, first = true;
	unsigned indent = 0;
	size_t number = 0;

	py_scan_init(&s, text, n);
	body = s;
	while (py_scan_next(&s, &l))
		if (l.indent == 0 && defines_check(&l)) {
			found = true;
			body = s;
		}
	while (py_scan_next(&body, &l)) {
		if (found && first)
			indent = l.indent;
		if (found && l.indent == 0)
			return;
		first = false;
		if (l.indent == indent && py_line_is(&l, "assert") && !fn(ctx, number++, &l))
			return;
	}
}

/* p is at an opening bracket: past its partner, or NULL. */
static const char *skip_brackets(const char *p, const char *end)
{
	unsigned depth = 0;

	if ((size_t)(end - p) > MAX_CALL_BYTES)
		end = p + MAX_CALL_BYTES;
	while (p < end) {
		if (*p == '"' || *p == '\'') {
			const char *q = skip_string(p, end);

			if (q >= end || *q == '\n')
				return NULL;
			p = q;
			continue;
		}
		if (*p == '(' || *p == '[' || *p == '{')
			depth++;
		else if ((*p == ')' || *p == ']' || *p == '}') && --depth == 0)
			return p + 1;
		p++;
	}
	return NULL;
}

bool py_find_call(const char *text, size_t n, const char *name, size_t *at, const char **ret_args,
		  size_t *ret_n, size_t *ret_start)
{
	size_t len = strlen(name);
	const char *end = text + n;

	if (!len)
		return false;
	for (size_t i = *at; i + len < n; i++) {
		const char *p = text + i, *close;
		size_t back = i;

		size_t open = len;

		if (p[0] != name[0] || memcmp(p, name, len) != 0)
			continue;
		while (i + open + 1 < n && (p[open] == ' ' || p[open] == '\t'))
			open++;
		if (p[open] != '(')
			continue;
		if (i && (py_is_name_char(p[-1]) || p[-1] == '.'))
			continue;
		while (back && (text[back - 1] == ' ' || text[back - 1] == '\t'))
			back--;
		if (back >= 3 && back < i && memcmp(text + back - 3, "def", 3) == 0)
			continue;
		close = skip_brackets(p + open, end);
		if (!close)
			continue;
		*ret_args = p + open + 1;
		*ret_n = (size_t)(close - *ret_args) - 1;
		*ret_start = i;
		*at = (size_t)(close - text);
		return true;
	}
	return false;
}

void py_normalise(const char *p, size_t n, struct buf *out)
{
	const char *end = p + n;

	while (p < end) {
		if (*p == '"' || *p == '\'') {
			const char *q = skip_string(p, end);

			if (q > end)
				q = end;
			for (; p < q; p++)
				buf_addc(out, *p == '\'' ? '"' : *p);
			continue;
		}
		if (*p == '#')
			while (p < end && *p != '\n')
				p++;
		else if (*p != ' ' && *p != '\t' && *p != '\r' && *p != '\n' && *p != '\\')
			buf_addc(out, *p);
		if (p < end)
			p++;
	}
}

bool py_defines(const char *text, size_t n, const char *name, size_t name_len)
{
	struct py_scan s;
	struct py_line l;

	py_scan_init(&s, text, n);
	while (py_scan_next(&s, &l)) {
		size_t i = 0;

		if (l.indent)
			continue;
		if (py_line_is(&l, "async"))
			for (i = 5; i < l.n && (l.p[i] == ' ' || l.p[i] == '\t');)
				i++;
		l.p += i;
		l.n -= i;
		i = py_line_is(&l, "def") ? 3 : py_line_is(&l, "class") ? 5 : 0;
		bool keyword = i > 0;

		while (i < l.n && (l.p[i] == ' ' || l.p[i] == '\t'))
			i++;
		if (l.n - i < name_len || memcmp(l.p + i, name, name_len) != 0)
			continue;
		i += name_len;
		if (i < l.n && py_is_name_char(l.p[i]))
			continue;
		if (keyword)
			return true;
		while (i < l.n && (l.p[i] == ' ' || l.p[i] == '\t'))
			i++;
		if (i < l.n && l.p[i] == '=' && (i + 1 == l.n || l.p[i + 1] != '='))
			return true;
	}
	return false;
}
