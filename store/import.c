/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - reading, detection and checks that all importers share; see import.h. */
#include "store/import.h"

#include <string.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/import_internal.h"

static const char *const formats[] = { "native", "humaneval", "mbpp", "icpc", "git", NULL };

static const struct line_format {
	const char *name;
	import_object_fn *object;
} line_formats[] = {
	{ "native", import_native_object },
	{ "humaneval", import_humaneval_object },
	{ "mbpp", import_mbpp_object },
};

const char *const *import_formats(void)
{
	return formats;
}

static const struct line_format *line_format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(line_formats); i++)
		if (str_eq(line_formats[i].name, name))
			return &line_formats[i];
	return NULL;
}

/* --- what importers build with --- */

int import_set(json_t *dst, const char *key, json_t *value, struct error *err)
{
	if (!value || json_object_set_new(dst, key, value) < 0)
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	return 0;
}

int import_copy(json_t *dst, const char *to, const json_t *src, const char *key, struct error *err)
{
	json_t *j = json_object_get(src, key);

	if (!j || json_is_null(j))
		return 0;
	return import_set(dst, to, json_incref(j), err);
}

int import_need_str(const json_t *src, const char *key, bool empty_ok, const char **ret,
		    struct error *err)
{
	const json_t *j = json_object_get(src, key);

	if (!j)
		return error_set(err, ERR_INPUT, "'%s' is missing", key);
	if (!json_is_string(j))
		return error_set(err, ERR_INPUT, "'%s' is not a string", key);
	if (!empty_ok && !json_string_length(j))
		return error_set(err, ERR_INPUT, "'%s' is empty", key);
	*ret = json_string_value(j);
	return 0;
}

int import_bad(struct import_state *st, struct error *err)
{
	struct import_result *ret = st->ret;
	char *text;

	if (!st->opt->skip_bad || err->code != ERR_INPUT)
		return err->code;
	text = mem_strdup(err->msg);
	if (!text || !mem_grow(&ret->left, &st->cap_left, ret->n_left + 1, sizeof(*ret->left))) {
		mem_free(text);
		return error_set(err, ERR_NOMEM, "out of memory for the list of bad tasks");
	}
	ret->left[ret->n_left++] = text;
	return 0;
}

int import_add(struct import_state *st, json_t *native, const char *where, struct error *err)
{
	struct import_result *ret = st->ret;
	struct task *task = NULL;
	char *at = NULL;
	const char *before;
	int r;

	if (st->opt->split && !json_object_get(native, "split")) {
		r = import_set(native, "split", json_string(st->opt->split), err);
		if (r < 0) {
			json_decref(native);
			return r;
		}
	}
	r = task_parse(native, &task, err);
	if (r < 0)
		return error_prefix(err, r, "%s", where);
	before = json_get_str(st->ids, task->id);
	if (before) {
		r = error_set(err, ERR_INPUT, "%s: two tasks of one id: '%s' was given before at %s",
			      where, task->id, before);
		task_free(task);
		return r;
	}
	at = mem_strdup(where);
	if (!at || !mem_grow(&ret->tasks, &st->cap, ret->n + 1, sizeof(struct task *)) ||
	    !mem_grow(&ret->where, &st->cap_where, ret->n + 1, sizeof(*ret->where)) ||
	    json_object_set_new(st->ids, task->id, json_string(where)) < 0) {
		mem_free(at);
		task_free(task);
		return error_set(err, ERR_NOMEM, "out of memory for tasks");
	}
	ret->tasks[ret->n] = task;
	ret->where[ret->n++] = at;
	return 0;
}

/* --- detection --- */

/* By the keys of an object; NULL with *err filled where none fits. */
static const struct line_format *detect(const json_t *obj, struct error *err)
{
	const char *language = json_get_str(obj, "language");
	const char *found = NULL;

	if (json_is_object(json_object_get(obj, "tests")))
		found = "native";
	else if (json_object_get(obj, "prompt") && json_object_get(obj, "entry_point") &&
		 (json_object_get(obj, "test") || json_object_get(obj, "assertion")))
		found = "humaneval";
	else if (json_object_get(obj, "code") && json_object_get(obj, "test_list"))
		found = "mbpp";
	if (!found) {
		(void)error_set(err, ERR_INPUT,
				"unknown format: the keys are those of no task format "
				"(native, humaneval, mbpp); give --format");
		return NULL;
	}
	if (str_eq(found, "humaneval") && language && !str_eq(language, "python")) {
		(void)error_set(err, ERR_INPUT,
				"unknown format: tasks with tests in '%s' are not read", language);
		return NULL;
	}
	return line_format_find(found);
}

/* --- line formats --- */

static int one_line(struct import_state *st, const struct line_format **format,
		    const struct import_file *file, const char *where, const char *line, size_t n,
		    struct error *err)
{
	size_t bad = str_utf8_valid(line, n);
	cleanup_json json_t *obj = NULL;
	json_t *native = NULL;
	int r;

	if (bad < n)
		return error_set(err, ERR_INPUT, "%s: invalid UTF-8 at byte %zu of the line", where,
				 bad + 1);
	r = json_parse(line, n, &obj, err);
	if (r < 0)
		return error_prefix(err, r, "%s", where);
	if (!json_is_object(obj))
		return error_set(err, ERR_INPUT, "%s: a task must be a JSON object", where);
	if (!*format) {
		*format = detect(obj, err);
		if (!*format)
			return error_prefix(err, ERR_INPUT, "%s", where);
	}
	r = (*format)->object(obj, file, &native, err);
	if (r < 0)
		return error_prefix(err, r, "%s", where);
	return import_add(st, native, where, err);
}

static bool is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			return false;
	return true;
}

int import_text(struct import_state *st, const char *format, const struct import_file *file,
		const void *text, size_t n, const char **ret_format, struct error *err)
{
	const struct line_format *f = NULL;
	cleanup_buf struct buf plain;
	unsigned long number = 0;
	bool any = false;
	const char *p, *end;
	int r;

	buf_init(&plain, IMPORT_MAX_FILE_BYTES);
	if (format) {
		f = line_format_find(format);
		if (!f)
			return error_set(err, ERR_INPUT, "%s: format '%s' is not read from a file",
					 file->name, format);
	}
	r = decompress_all(text, n, &plain, err);
	if (r < 0)
		return error_prefix(err, r, "%s", file->name);
	r = buf_check(&plain, file->name, err);
	if (r < 0)
		return r;
	p = plain.data;
	end = p + plain.len;
	if (plain.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3; /* a byte order mark */
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((eol ? eol : end) - p);
		struct error line_err = ERROR_INIT;
		cleanup_mem char *where = NULL;

		number++;
		if (!is_blank(p, len)) {
			any = true;
			where = mem_printf("%s:%lu", file->name, number);
			if (!where)
				return error_set(err, ERR_NOMEM, "out of memory");
			r = one_line(st, &f, file, where, p, len, &line_err);
			if (r < 0) {
				r = import_bad(st, &line_err);
				if (err)
					*err = line_err;
				if (r < 0)
					return r;
			}
		}
		p = eol ? eol + 1 : end;
	}
	if (!any)
		return error_set(err, ERR_INPUT, "%s: no tasks: the file is empty", file->name);
	if (ret_format && f)
		*ret_format = f->name;
	return 0;
}

/* --- paths --- */

static int load_beside(void *ctx, const char *relative, struct buf *out, struct error *err)
{
	cleanup_mem char *path = fs_join(ctx, relative);

	if (!path)
		return error_set(err, ERR_NOMEM, "out of memory");
	return fs_read_file(path, out, err);
}

static int import_file_path(struct import_state *st, const char *format, const char *path,
			    const char **ret_format, struct error *err)
{
	cleanup_mem char *dir = fs_dirname(path);
	struct import_file file = { .name = path, .load = load_beside, .ctx = dir };
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, IMPORT_MAX_FILE_BYTES);
	if (!dir)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = fs_read_file(path, &b, err);
	if (r < 0)
		return r;
	return import_text(st, format, &file, b.data, b.len, ret_format, err);
}

static int unknown_format(const char *name, struct error *err)
{
	return error_set(err, ERR_INPUT, "unknown format '%s'; there are: native humaneval mbpp icpc git",
			 name);
}

static int import_path(struct import_state *st, const char *path, const char **ret_format,
		       struct error *err)
{
	const char *format = st->opt->format;
	bool exists = fs_exists(path);

	*ret_format = format;
	if (str_eq(format, "git") || (!format && !exists && strchr(path, '@'))) {
		*ret_format = "git";
		return import_git(st, path, err);
	}
	if (!exists)
		return error_set(err, ERR_NOTFOUND, "no such file or folder: '%s'", path);
	if (fs_is_dir(path)) {
		if (format && !str_eq(format, "icpc"))
			return error_set(err, ERR_INPUT, "'%s' is a folder; format '%s' is read from a file",
					 path, format);
		if (!import_icpc_found(path))
			return error_set(err, ERR_INPUT,
					 "'%s': no problem package (problem.yaml, or info.toml and data) "
					 "in this folder or below", path);
		*ret_format = "icpc";
		return import_icpc(st, path, err);
	}
	return import_file_path(st, format, path, ret_format, err);
}

int import_paths(const char *const *paths, const struct import_options *opt,
		 struct import_result *ret, struct error *err)
{
	struct import_result got = { 0 };
	cleanup_json json_t *ids = json_object();
	struct import_state st = { .opt = opt, .ret = &got, .ids = ids };
	bool known = !opt->format;
	int r = 0;

	for (size_t i = 0; formats[i]; i++)
		known = known || str_eq(formats[i], opt->format);
	if (!known)
		return unknown_format(opt->format, err);
	if (!ids)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (!paths[0])
		return error_set(err, ERR_INPUT, "no file to import was named");
	for (size_t i = 0; r == 0 && paths[i]; i++) {
		const char *used = NULL;

		r = import_path(&st, paths[i], &used, err);
		if (r == 0 && !got.format && used) {
			got.format = mem_strdup(used);
			if (!got.format)
				r = error_set(err, ERR_NOMEM, "out of memory");
		}
	}
	if (r < 0) {
		import_result_clear(&got);
		return r;
	}
	*ret = got;
	return 0;
}

void import_result_clear(struct import_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		task_free(r->tasks[i]);
		mem_free(r->where[i]);
	}
	for (size_t i = 0; i < r->n_left; i++)
		mem_free(r->left[i]);
	mem_free(r->tasks);
	mem_free(r->where);
	mem_free(r->left);
	mem_free(r->format);
	mem_free(r->url);
	mem_free(r->revision);
	*r = (struct import_result){ 0 };
}
