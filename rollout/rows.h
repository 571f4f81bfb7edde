/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the rows of a query on stdout. */
#ifndef WINNOW_ROLLOUT_ROWS_H
#define WINNOW_ROLLOUT_ROWS_H

#include "core/error.h"
#include "core/json.h"
#include "store/store.h"

enum rows_form { ROWS_TABLE, ROWS_CSV, ROWS_JSON, ROWS_JSON_PARSED /* columns that hold JSON text are values */ };

/* Print what the statement gives, with bound parameters (NULL-terminated; NULL:
 * none).  Ends early, with success, where stdout's reader went away. */
int rows_print(struct store *s, const char *sql, const char *const *params, enum rows_form form, struct error *err);
/* All rows as a list of objects, JSON columns parsed.  New reference. */
int rows_fetch(struct store *s, const char *sql, const char *const *params, json_t **ret, struct error *err);
/* The first row as an object; ERR_NOTFOUND "no such row" where there is none. */
int rows_fetch_one(struct store *s, const char *sql, const char *const *params, json_t **ret, struct error *err);

#endif
