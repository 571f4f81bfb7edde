/* SPDX-License-Identifier: Apache-2.0 */
/* import_fixture.c - see import_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "import_fixture.h"

int imported_setup(void **state)
{
	struct imported *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/winnow-import-XXXXXX");
	if (!mkdtemp(f->dir)) {
		free(f);
		return -1;
	}
	*state = f;
	return 0;
}

int imported_teardown(void **state)
{
	struct imported *f = *state;

	mem_fault_at(0);
	import_result_clear(&f->got);
	(void)fs_remove_tree(f->dir, NULL);
	mem_free(f->path);
	free(f);
	return 0;
}

void imported_put_bytes(struct imported *f, const char *name, const void *p, size_t n)
{
	char *dir;

	mem_free(f->path);
	f->path = fs_join(f->dir, name);
	assert_non_null(f->path);
	dir = fs_dirname(f->path);
	assert_int_equal(fs_mkdir_all(dir, NULL), 0);
	assert_int_equal(fs_write_file(f->path, p, n, NULL), 0);
	mem_free(dir);
}

void imported_put(struct imported *f, const char *name, const char *text)
{
	imported_put_bytes(f, name, text, strlen(text));
}

int imported_run(struct imported *f, const char *name, const char *format, bool skip_bad)
{
	struct import_options opt = { .format = format, .skip_bad = skip_bad };
	char *path = *name ? fs_join(f->dir, name) : mem_strdup(f->dir);
	const char *paths[] = { path, NULL };

	import_result_clear(&f->got);
	f->err = (struct error)ERROR_INIT;
	f->r = import_paths(paths, &opt, &f->got, &f->err);
	mem_free(path);
	return f->r;
}

void imported_expect_error(struct imported *f, const char *words)
{
	char **list;
	size_t n;

	if (f->r != ERR_INPUT)
		fail_msg("expected ERR_INPUT, got %d '%s'", f->r, f->err.msg);
	assert_int_equal(str_split(words, '|', &list, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		if (!strstr(f->err.msg, list[i]))
			fail_msg("'%s' is not in '%s'", list[i], f->err.msg);
	str_list_free(list);
	assert_int_equal(f->got.n, 0);
}

const json_t *imported_member(const struct imported *f, size_t task, const char *path)
{
	const json_t *j = task < f->got.n ? f->got.tasks[task]->json : NULL;
	char **keys;
	size_t n;

	assert_int_equal(str_split(path, '.', &keys, &n, NULL), 0);
	for (size_t i = 0; i < n && j; i++)
		j = json_is_array(j) ? json_array_get(j, (size_t)atoi(keys[i])) : json_object_get(j, keys[i]);
	str_list_free(keys);
	return j;
}

const char *imported_text(const struct imported *f, size_t task, const char *path)
{
	return json_string_value(imported_member(f, task, path));
}
