/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - JSON lines and tables on stdout; see answer.h. */
#include "rollout/answer.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define CELL_MAX 100     /* characters */
#define ROWS_MEASURED 1000

static int add_bytes(const char *text, size_t n, void *ctx)
{
	buf_add(ctx, text, n);
	return 0;
}

/* Numbers of 15 digits: what was measured is never that exact, and 0.1 stays 0.1. */
int answer_json(json_t *j, struct error *err)
{
	cleanup_json json_t *own = j;
	cleanup_buf struct buf line = { 0 };
	int r;

	buf_init(&line, SIZE_MAX);
	if (!j || json_dump_callback(own, add_bytes, &line, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)))
		return error_set(err, ERR_NOMEM, "out of memory for the answer");
	buf_addc(&line, '\n');
	r = buf_check(&line, "the answer", err);
	if (r < 0)
		return r;
	(void) fwrite(line.data, 1, line.len, stdout);
	return 0;
}

bool answer_broken(void)
{
	return ferror(stdout) != 0;
}

int answer_finish(struct error *err)
{
	bool failed = ferror(stdout) != 0;
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return 0;
	/* The reason of an earlier failure is gone, but a pipe without a reader still tells. */
	if (errno == EPIPE || (poll(&p, 1, 0) == 1 && p.revents & POLLERR))
		return 1;
	if (!errno)
		return error_set(err, ERR_IO, "cannot write the answer to stdout");
	return error_set_errno(err, ERR_IO, "cannot write the answer to stdout");
}

void answer_safe(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else if (c == 0xc2 && i + 1 < n && (unsigned char)s[i + 1] >= 0x80 &&
			 (unsigned char)s[i + 1] < 0xa0) /* C1 controls */
			buf_addf(out, "\\x%02x", (unsigned char)s[++i]);
		else
			buf_addc(out, s[i]);
	}
}

/* --- tables --- */

struct table {
	size_t n_columns, n_cells, cap;
	char **cells;   /* of rows that wait to be printed; the first row holds the titles */
	size_t *widths; /* fixed once printing began */
	bool *numbers;
	bool printing;
	int error;
};

int table_new(size_t n_columns, const char *const *titles, struct table **ret, struct error *err)
{
	cleanup_table struct table *t = mem_zalloc(sizeof(*t));

	if (!t)
		return error_set(err, ERR_NOMEM, "out of memory for a table");
	t->n_columns = n_columns;
	t->widths = mem_calloc(n_columns + 1, sizeof(*t->widths));
	t->numbers = mem_calloc(n_columns + 1, sizeof(*t->numbers));
	if (!t->widths || !t->numbers)
		return error_set(err, ERR_NOMEM, "out of memory for a table");
	for (size_t i = 0; i < n_columns; i++)
		table_text(t, titles[i]);
	for (size_t i = 0; i < n_columns; i++)
		t->numbers[i] = true; /* until a cell says otherwise */
	if (t->error)
		return error_set(err, ERR_NOMEM, "out of memory for a table");
	*ret = mem_steal(&t);
	return 0;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void print_row(const struct table *t, char *const *cells)
{
	size_t used = 0; /* nothing but blanks comes after the last cell that says something */

	for (size_t c = 0; c < t->n_columns; c++)
		if (*cells[c])
			used = c + 1;
	for (size_t c = 0; c < used; c++) {
		size_t w = characters(cells[c]), pad = t->widths[c] > w ? t->widths[c] - w : 0;

		if (t->numbers[c])
			(void) printf("%*s", (int)pad, "");
		(void) fputs(cells[c], stdout);
		if (!t->numbers[c] && c + 1 < used)
			(void) printf("%*s", (int)pad, "");
		if (c + 1 < used)
			(void) fputs("  ", stdout);
	}
	(void) putchar('\n');
}

/* Print every whole row that waits. */
static void flush_rows(struct table *t)
{
	size_t rows = t->n_columns ? t->n_cells / t->n_columns : 0;

	for (size_t i = 0; !t->printing && i < rows * t->n_columns; i++) {
		size_t w = characters(t->cells[i]);

		if (w > t->widths[i % t->n_columns])
			t->widths[i % t->n_columns] = w;
	}
	t->printing = true;
	for (size_t r = 0; r < rows; r++)
		print_row(t, t->cells + r * t->n_columns);
	for (size_t i = 0; i < t->n_cells; i++)
		mem_free(t->cells[i]);
	t->n_cells = 0;
}

static void add_cell(struct table *t, const char *s, size_t n, bool number)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_buf struct buf safe = { 0 };
	size_t column = t->n_columns ? t->n_cells % t->n_columns : 0, kept = 0, end = 0;

	if (t->error || !t->n_columns)
		return;
	while (end < n && kept < CELL_MAX) {
		end++;
		while (end < n && ((unsigned char)s[end] & 0xc0) == 0x80)
			end++;
		kept++;
	}
	buf_init(&safe, SIZE_MAX);
	buf_init(&text, SIZE_MAX);
	answer_safe(&safe, s, end);
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.data[i] == '\n')
			buf_adds(&text, "\\n");
		else if (safe.data[i] == '\t')
			buf_adds(&text, "\\t");
		else
			buf_addc(&text, safe.data[i]);
	}
	if (end < n)
		buf_adds(&text, "…");
	if (n && !number)
		t->numbers[column] = false;
	if (safe.error || !mem_grow(&t->cells, &t->cap, t->n_cells + 1, sizeof(*t->cells)) ||
	    !(t->cells[t->n_cells] = buf_steal(&text, NULL))) {
		t->error = ERR_NOMEM;
		return;
	}
	t->n_cells++;
	if (t->n_cells % t->n_columns == 0 &&
	    (t->printing || t->n_cells / t->n_columns > ROWS_MEASURED))
		flush_rows(t);
}

void table_text(struct table *t, const char *s)
{
	add_cell(t, s ? s : "", s ? strlen(s) : 0, false);
}

void table_number(struct table *t, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(text, sizeof(text), fmt, ap); /* NOLINT(clang-analyzer-valist.Uninitialized): a false alarm */
	va_end(ap);
	add_cell(t, text, strlen(text), true);
}

void table_json(struct table *t, const json_t *j)
{
	cleanup_buf struct buf text = { 0 };

	if (json_is_string(j)) {
		add_cell(t, json_string_value(j), json_string_length(j), false);
	} else if (json_is_integer(j)) {
		table_number(t, "%lld", (long long)json_integer_value(j));
	} else if (json_is_real(j)) {
		table_number(t, "%.10g", json_real_value(j));
	} else if (!j || json_is_null(j)) {
		table_text(t, NULL);
	} else {
		buf_init(&text, SIZE_MAX);
		if (json_dump_line(j, &text, NULL) < 0)
			t->error = ERR_NOMEM;
		add_cell(t, text.data, text.len, false);
	}
}

int table_end(struct table *t, struct error *err)
{
	flush_rows(t);
	return t->error ? error_set(err, t->error, "out of memory for a table") : 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_cells; i++)
		mem_free(t->cells[i]);
	mem_free(t->cells);
	mem_free(t->widths);
	mem_free(t->numbers);
	mem_free(t);
}

void table_cleanup(struct table **t)
{
	table_free(*t);
	*t = NULL;
}
