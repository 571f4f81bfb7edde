/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pytext.h - just enough of Python's lexical rules to number the asserts of a
 * test and to find calls in prose.
 *
 * Importers must say which asserts a prompt reveals.  No interpreter is started
 * for that: logical lines (brackets, strings, comments, continuation) and
 * balanced calls are all it takes.
 */
#ifndef WINNOW_STORE_PYTEXT_H
#define WINNOW_STORE_PYTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "core/buf.h"

/* A logical line (a simple statement, or the header of a compound one). */
struct py_line {
	const char *p;      /* its first byte that is no white space */
	size_t n;           /* up to its last byte; the line's end is not in it */
	unsigned indent;    /* in columns, tabs to the next multiple of 8 */
};
struct py_scan {
	const char *p, *end;
	unsigned indent;    /* of the physical line that a ';' split */
	bool split;
};
void py_scan_init(struct py_scan *s, const char *text, size_t n);
bool py_scan_next(struct py_scan *s, struct py_line *ret); /* false: no more; blank lines and comments are skipped */

/* Whether the line begins with this word ("assert", "def"), and not with a longer one. */
bool py_line_is(const struct py_line *l, const char *word);

/*
 * Top-level asserts of a test: of the last top-level function `check`, or of
 * the module where there is none.  fn gets each with its ordinal number; a
 * false answer stops.
 */
typedef bool py_assert_fn(void *ctx, size_t number, const struct py_line *line);
void py_each_assert(const char *text, size_t n, py_assert_fn *fn, void *ctx);

/*
 * The next call `name(...)` with balanced brackets at or after *at: its
 * arguments (without the brackets).  What follows `def ` or a dot is no call.
 * *at moves past the call.  False: no more.
 */
bool py_find_call(const char *text, size_t n, const char *name, size_t *at, const char **ret_args,
		  size_t *ret_n, size_t *ret_start);

/* The text without white space outside of strings and with one kind of quote, for comparing. */
void py_normalise(const char *p, size_t n, struct buf *out);

/* Whether text defines name at its top level (def, async def, class, or `name =`). */
bool py_defines(const char *text, size_t n, const char *name, size_t name_len);

bool py_is_name_char(char c);

#endif
