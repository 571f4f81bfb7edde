/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_native.c - our own format (docs/formats/task.schema.json).
 *
 * All that is left to do is to embed the files that stdio cases name, so that
 * a task is one self-contained text.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/import_internal.h"

#define MAX_CASE_BYTES (UINT64_C(256) << 20)

/* Relative, and never out of the folder. */
static bool path_is_inside(const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (const char *p = path; p;) {
		const char *slash = strchr(p, '/');
		size_t n = slash ? (size_t)(slash - p) : strlen(p);

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return false;
		p = slash ? slash + 1 : NULL;
	}
	return true;
}

static int embed(json_t *c, size_t number, const char *from, const char *to,
		 const struct import_file *file, struct error *err)
{
	json_t *j = json_object_get(c, from);
	cleanup_buf struct buf b;
	const char *path;
	size_t bad;
	int r;

	buf_init(&b, MAX_CASE_BYTES);
	if (!j)
		return 0;
	path = json_string_value(j);
	if (!path)
		return error_set(err, ERR_INPUT, "tests.cases[%zu].%s: not a string", number, from);
	if (json_object_get(c, to))
		return error_set(err, ERR_INPUT, "tests.cases[%zu]: both '%s' and '%s' are given", number,
				 to, from);
	if (!path_is_inside(path))
		return error_set(err, ERR_INPUT,
				 "tests.cases[%zu].%s: '%s' is not a relative path below the file's folder",
				 number, from, path);
	r = file->load ? file->load(file->ctx, path, &b, err) :
			 error_set(err, ERR_INPUT, "there is no folder to read '%s' from", path);
	if (r == ERR_NOTFOUND)
		r = error_set(err, ERR_INPUT, "no such file: '%s'", path);
	if (r < 0)
		return error_prefix(err, r, "tests.cases[%zu].%s", number, from);
	bad = str_utf8_valid(b.data, b.len);
	if (bad < b.len)
		return error_set(err, ERR_INPUT, "tests.cases[%zu].%s: invalid UTF-8 at byte %zu of '%s'",
				 number, from, bad + 1, path);
	r = import_set(c, to, json_stringn(b.data, b.len), err);
	if (r < 0)
		return r;
	(void)json_object_del(c, from);
	return 0;
}

int import_native_object(json_t *obj, const struct import_file *file, json_t **ret, struct error *err)
{
	json_t *cases = json_object_get(json_object_get(obj, "tests"), "cases");
	size_t i;
	json_t *c;

	json_array_foreach(cases, i, c) {
		int r = 0;

		if (!json_is_object(c))
			continue; /* task_parse() says what is wrong with it */
		r = embed(c, i, "in_file", "in", file, err);
		if (r == 0)
			r = embed(c, i, "out_file", "out", file, err);
		if (r < 0)
			return r;
	}
	*ret = json_incref(obj);
	return 0;
}
