/* SPDX-License-Identifier: Apache-2.0 */
/* checker.c - see checker.h; the token rules are those of the ICPC default output validator. */
#include "filters/checker.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t line_at(const char *text, size_t at)
{
	size_t line = 1;

	for (const char *p = text; (p = memchr(p, '\n', at - (size_t)(p - text))) != NULL; p++)
		line++;
	return line;
}

static bool exact(const char *got, size_t got_len, const char *want, size_t want_len, size_t *ret_at)
{
	size_t n, at = 0;

	if (got_len && got[got_len - 1] == '\n')
		got_len--;
	if (want_len && want[want_len - 1] == '\n')
		want_len--;
	n = got_len < want_len ? got_len : want_len;
	while (at < n && got[at] == want[at])
		at++;
	*ret_at = at;
	return at == got_len && at == want_len;
}

/* --- tokens --- */

struct scan {
	const char *start, *p, *end;
};

struct piece {
	const char *p;
	size_t n;
};

static struct piece take(struct scan *s, bool space)
{
	struct piece piece = { s->p, 0 };

	while (s->p < s->end && is_space(*s->p) == space)
		s->p++;
	piece.n = (size_t)(s->p - piece.p);
	return piece;
}

/* A decimal number and nothing else; hexadecimal, inf and nan are words. */
static bool number(struct piece t, double *ret)
{
	char copy[512], *end;
	bool digit = false;

	if (!t.n || t.n >= sizeof(copy))
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (!strchr("0123456789+-.eE", t.p[i]) || !t.p[i])
			return false;
		digit |= isdigit((unsigned char)t.p[i]) != 0;
	}
	memcpy(copy, t.p, t.n);
	copy[t.n] = '\0';
	*ret = strtod(copy, &end);
	return digit && !*end;
}

static bool close_to(const struct checker *c, double got, double want)
{
	double d = fabs(got - want);

	if (got == want)
		return true;
	if (!isfinite(got) || !isfinite(want))
		return false;
	return (c->abs_tol >= 0 && d <= c->abs_tol) ||
	       (c->rel_tol >= 0 && d <= c->rel_tol * fabs(want));
}

static bool same_token(const struct checker *c, struct piece got, struct piece want)
{
	double x, y;

	/* What no double can hold is compared as a word. */
	if (c->kind == CHECKER_FLOAT && number(want, &y) && isfinite(y))
		return number(got, &x) && close_to(c, x, y);
	if (got.n != want.n)
		return false;
	return c->case_sensitive ? !memcmp(got.p, want.p, got.n)
				 : !strncasecmp(got.p, want.p, got.n);
}

static bool tokens(const struct checker *c, struct scan got, struct scan want, size_t *ret_at)
{
	for (;;) {
		struct piece g = take(&got, true), w = take(&want, true);

		*ret_at = (size_t)(g.p - got.start);
		if (c->space_sensitive && (g.n != w.n || memcmp(g.p, w.p, g.n)))
			return false;
		g = take(&got, false);
		w = take(&want, false);
		if (!g.n && !w.n)
			return true;
		*ret_at = (size_t)(g.p - got.start);
		/* A NUL would end strncasecmp() early. */
		if (!g.n || !w.n || memchr(g.p, '\0', g.n) || !same_token(c, g, w))
			return false;
	}
}

/* --- unordered lines --- */

static int compare_pieces(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;
	int c = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

static bool sorted_lines(const char *text, size_t len, struct piece **ret, size_t *ret_n)
{
	const char *p = text, *end = text + len;
	struct piece *list = NULL;
	size_t n = 0, cap = 0, last = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct piece line = { p, (size_t)(stop - p) };

		while (line.n && is_space(line.p[line.n - 1]))
			line.n--;
		if (!mem_grow(&list, &cap, n + 1, sizeof(*list))) {
			mem_free(list);
			return false;
		}
		list[n++] = line;
		if (line.n)
			last = n;
		p = nl ? nl + 1 : end;
	}
	if (last)
		qsort(list, last, sizeof(*list), compare_pieces);
	*ret = list;
	*ret_n = last;
	return true;
}

static bool unordered(const char *got, size_t got_len, const char *want, size_t want_len,
		      bool *ret_nomem)
{
	cleanup_mem struct piece *a = NULL, *b = NULL;
	size_t n = 0, m = 0;

	if (!sorted_lines(got, got_len, &a, &n) || !sorted_lines(want, want_len, &b, &m)) {
		*ret_nomem = true;
		return false;
	}
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (compare_pieces(&a[i], &b[i]))
			return false;
	return true;
}

bool checker_text(const struct checker *c, const char *got, size_t got_len, const char *want,
		  size_t want_len, size_t *ret_line, bool *ret_nomem)
{
	bool same = false, nomem = false, has_place = true;
	size_t at = 0;

	switch (c->kind) {
	case CHECKER_EXACT:
		same = exact(got, got_len, want, want_len, &at);
		break;
	case CHECKER_TOKENS:
	case CHECKER_FLOAT:
		same = tokens(c, (struct scan){ got, got, got + got_len },
			      (struct scan){ want, want, want + want_len }, &at);
		break;
	case CHECKER_UNORDERED:
		same = unordered(got, got_len, want, want_len, &nomem);
		has_place = false;
		break;
	default:
		has_place = false;
		break;
	}
	if (ret_line)
		*ret_line = same || !has_place ? 0 : line_at(got, at);
	if (ret_nomem)
		*ret_nomem = nomem;
	return same;
}

bool checker_value(const struct checker *c, const struct value *got, const struct value *want)
{
	switch (c->kind) {
	case CHECKER_FLOAT:
		return value_close(got, want, c->abs_tol, c->rel_tol);
	case CHECKER_UNORDERED:
		return value_equal_unordered(got, want);
	default:
		return value_equal(got, want);
	}
}
