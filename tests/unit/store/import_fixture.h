/* SPDX-License-Identifier: Apache-2.0 */
/* import_fixture.h - files to import, in a folder of each test's own. */
#ifndef WINNOW_TESTS_IMPORT_FIXTURE_H
#define WINNOW_TESTS_IMPORT_FIXTURE_H

#include "store/import.h"

struct imported {
	char dir[64];
	char *path;                  /* of the last file put */
	struct import_result got;
	struct error err;
	int r;
};
int imported_setup(void **state);
int imported_teardown(void **state);

/* Write a file below the folder, making what is above it. */
void imported_put(struct imported *f, const char *name, const char *text);
void imported_put_bytes(struct imported *f, const char *name, const void *p, size_t n);
/* Import dir/name ("": the folder itself); f->r, f->got, f->err. */
int imported_run(struct imported *f, const char *name, const char *format, bool skip_bad);
/* The import failed with ERR_INPUT and a message that holds all of `words` (split by '|'). */
void imported_expect_error(struct imported *f, const char *words);
/* A member of a task's native object by a path such as "tests.cases.0.in"; NULL where there is none. */
const json_t *imported_member(const struct imported *f, size_t task, const char *path);
const char *imported_text(const struct imported *f, size_t task, const char *path);

#endif
