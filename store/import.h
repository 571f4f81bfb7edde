/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import.h - task files of the world into native tasks.  One file a format (import_<format>.c).
 *
 * An importer reads paths and gives native JSON objects, each with where it came
 * from ("file:line"); parsing and validation (task_parse) are the same for all.
 */
#ifndef WINNOW_STORE_IMPORT_H
#define WINNOW_STORE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include "core/error.h"
#include "core/record.h"

struct import_options {
	const char *format;            /* NULL: detected where the content is unambiguous */
	bool skip_bad;                 /* take the rest and list what was left */
	const char *split;             /* set where the source has none; NULL */
};
struct import_result {
	struct task **tasks; char **where; size_t n;
	char *format;                  /* that was used (of the first path) */
	char *url, *revision;          /* git: where from, commit id; NULL elsewhere */
	char **left; size_t n_left;    /* skip_bad: "file:line: why" */
};
/* Formats: native humaneval mbpp icpc git.  ERR_INPUT names file and line (or
 * folder); an unknown format is "unknown format 'x'" and lists what there is.
 * git: PATH is URL-or-path@revision[:file-or-glob]; files below are read by their own format. */
int import_paths(const char *const *paths, const struct import_options *opt, struct import_result *ret, struct error *err);
void import_result_clear(struct import_result *r);
const char *const *import_formats(void); /* NULL-terminated */
/* Programs that came with the tasks (an ICPC package's submissions): for tests and `tasks check`. */

#endif
