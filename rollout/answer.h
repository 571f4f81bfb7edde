/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - what goes to stdout: JSON lines for programs, aligned tables for people.
 *
 * Failures of stdout itself are noticed once, at the end, by answer_finish().
 */
#ifndef WINNOW_ROLLOUT_ANSWER_H
#define WINNOW_ROLLOUT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/json.h"

/* One value, one line.  Takes the reference over; NULL is ERR_NOMEM. */
int answer_json(json_t *j, struct error *err);
/* Flush stdout.  1: its reader went away (quietly fine); 0; ERR_IO or ERR_NOSPACE: it cannot be written. */
int answer_finish(struct error *err);
/* Whether writing further is of no use. */
bool answer_broken(void);

/* Text that a terminal may be shown: control characters but newline and tab appear as \xNN. */
void answer_safe(struct buf *out, const char *s, size_t n);

/*
 * A table: cells row by row, column widths from the first thousand rows; columns
 * of nothing but numbers stand right.  Cells are cut at 100 characters (…), and
 * are one line each.  Sticky error, told by table_end().
 */
struct table;
int table_new(size_t n_columns, const char *const *titles, struct table **ret, struct error *err);
void table_text(struct table *t, const char *s);   /* NULL: empty */
void table_number(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_json(struct table *t, const json_t *j); /* numbers as such, strings as they are, null empty */
int table_end(struct table *t, struct error *err); /* prints what is left; does not free */
void table_free(struct table *t);
void table_cleanup(struct table **t);
#define cleanup_table __attribute__((cleanup(table_cleanup)))

#endif
