/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_icpc.c - problem packages: ICPC/Kattis (problem.yaml) and the like of
 * library-checker (info.toml).
 *
 * data/sample is visible, data/secret hidden.  With tolerances the checker is
 * `float`, else `tokens` (case and space by the flags); one source file below
 * output_validators is a checker program.  What cannot be judged to the letter
 * (interactive problems, several validators, flags that differ between groups)
 * is an error, never a guess.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/icpc_package.h"
#include "store/import_internal.h"
#include "store/statement.h"

#define MAX_TEXT_BYTES (UINT64_C(256) << 20)
#define MAX_DEPTH 16

/* --- test data --- */

static int add_case(struct icpc_package *k, const char *in, const char *ans, const char *name, bool visible,
		    struct error *err)
{
	cleanup_buf struct buf a, b;
	json_t *c = json_object();
	int r;

	buf_init(&a, MAX_TEXT_BYTES);
	buf_init(&b, MAX_TEXT_BYTES);
	if (!c || json_array_append_new(k->cases, c) < 0)
		return error_set(err, ERR_NOMEM, "out of memory for test data");
	if ((r = icpc_read_text(in, &a, err)) < 0 || (r = icpc_read_text(ans, &b, err)) < 0 ||
	    (r = import_set(c, "in", json_stringn(a.data, a.len), err)) < 0 ||
	    (r = import_set(c, "out", json_stringn(b.data, b.len), err)) < 0 ||
	    (r = import_set(c, "name", json_string(name), err)) < 0)
		return r;
	return visible ? import_set(c, "visible", json_true(), err) : 0;
}

/* Files in sorted order, folders among them; `name` is the path below data. */
static int add_cases(struct icpc_package *k, const char *dir, const char *name, bool visible, unsigned depth,
		     struct error *err)
{
	char **names = NULL;
	size_t n = 0;
	int r;

	if (depth > MAX_DEPTH)
		return error_set(err, ERR_INPUT, "'%s' is nested too deep", dir);
	r = fs_list(dir, &names, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		cleanup_mem char *path = fs_join(dir, names[i]);
		cleanup_mem char *ans = NULL, *below = NULL;
		size_t len = strlen(names[i]);

		below = mem_printf("%s/%s", name, names[i]);
		if (!path || !below) {
			r = error_set(err, ERR_NOMEM, "out of memory");
		} else if (fs_is_dir(path)) {
			/* A .in that is a folder holds the files of one case (2023-07); we read plain cases. */
			r = add_cases(k, path, below, visible, depth + 1, err);
		} else if (str_ends(names[i], ".in")) {
			ans = mem_printf("%.*s.ans", (int)(strlen(path) - 3), path);
			below[strlen(below) - 3] = 0;
			if (!ans)
				r = error_set(err, ERR_NOMEM, "out of memory");
			else if (!fs_exists(ans))
				r = error_set(err, ERR_INPUT, "'%s' has no answer file beside it", path);
			else
				r = add_case(k, path, ans, below, visible, err);
		} else if (str_ends(names[i], ".ans") && len > 4) {
			ans = mem_printf("%.*s.in", (int)(strlen(path) - 4), path);
			if (!ans)
				r = error_set(err, ERR_NOMEM, "out of memory");
			else if (!fs_exists(ans))
				r = error_set(err, ERR_INPUT, "'%s' has no input file beside it", path);
		}
	}
	str_list_free(names);
	return r;
}

static int read_data(struct icpc_package *k, struct error *err)
{
	static const struct { const char *path, *name; bool visible; } parts[] = {
		{ "data/sample", "sample", true },
		{ "data/secret", "secret", false },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++) {
		cleanup_mem char *dir = icpc_path(k, parts[i].path, err);

		if (!dir)
			return ERR_NOMEM;
		if (fs_is_dir(dir))
			r = add_cases(k, dir, parts[i].name, parts[i].visible, 0, err);
	}
	if (r == 0 && !json_array_size(k->cases))
		return error_set(err, ERR_INPUT, "the package has no tests (data/sample, data/secret)");
	return r;
}

/* --- the checker --- */

static const char *language_of(const char *name)
{
	static const struct { const char *suffix, *language; } table[] = {
		{ ".py", "python" }, { ".py3", "python" }, { ".c", "c" }, { ".cc", "cpp" },
		{ ".cpp", "cpp" },   { ".cxx", "cpp" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (str_ends(name, table[i].suffix))
			return table[i].language;
	return NULL;
}

/* The one source file below dir (which may hold a folder for it); headers count as more than one. */
static int find_validator(const char *dir, unsigned depth, char **ret, struct error *err)
{
	char **names = NULL;
	size_t n = 0;
	int r;

	if (depth > MAX_DEPTH)
		return error_set(err, ERR_INPUT, "'%s' is nested too deep", dir);
	r = fs_list(dir, &names, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		cleanup_mem char *path = fs_join(dir, names[i]);

		if (names[i][0] == '.')
			continue;
		if (!path)
			r = error_set(err, ERR_NOMEM, "out of memory");
		else if (fs_is_dir(path))
			r = find_validator(path, depth + 1, ret, err);
		else if (!language_of(names[i]))
			r = error_set(err, ERR_INPUT,
				      "'%s': an output validator must be one source file in python, c or "
				      "cpp", path);
		else if (*ret)
			r = error_set(err, ERR_INPUT, "'%s': there is more than one output validator file",
				      path);
		else
			*ret = mem_steal(&path);
	}
	str_list_free(names);
	return r;
}

static json_t *split_words(const char *text)
{
	json_t *list = json_array();

	for (const char *p = text; list && *p;) {
		size_t n = strcspn(p, " \t\n");

		if (n && json_array_append_new(list, json_stringn(p, n)) < 0) {
			json_decref(list);
			return NULL;
		}
		p += n + (p[n] != 0);
	}
	return list;
}

static int program_checker(struct icpc_package *k, json_t *checker, struct error *err)
{
	cleanup_mem char *dir = icpc_path(k, "output_validators", err);
	cleanup_mem char *dir2 = icpc_path(k, "output_validator", err);
	cleanup_mem char *path = NULL;
	cleanup_buf struct buf b;
	int r = 0;

	buf_init(&b, 16 << 20);
	if (!dir || !dir2)
		return ERR_NOMEM;
	if (fs_is_dir(dir) || fs_is_dir(dir2))
		r = find_validator(fs_is_dir(dir) ? dir : dir2, 0, &path, err);
	if (r < 0)
		return r;
	if (!path)
		return error_set(err, ERR_INPUT,
				 "validation is custom, but there is no program below output_validators");
	if ((r = icpc_read_text(path, &b, err)) < 0 ||
	    (r = import_set(checker, "kind", json_string("program"), err)) < 0 ||
	    (r = import_set(checker, "language", json_string(language_of(path)), err)) < 0 ||
	    (r = import_set(checker, "source", json_stringn(b.data, b.len), err)) < 0)
		return r;
	if (!k->flags || !*k->flags)
		return 0;
	return import_set(checker, "args", split_words(k->flags), err);
}

/* The default validator's flags (ICPC problem package format, "Default output validator"). */
static int default_checker(struct icpc_package *k, json_t *checker, struct error *err)
{
	cleanup_json json_t *words = split_words(k->flags ? k->flags : "");
	double abs = -1, rel = -1;
	int r = 0;

	if (!words)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < json_array_size(words); i++) {
		const char *word = json_string_value(json_array_get(words, i));
		const char *next = json_string_value(json_array_get(words, i + 1));
		bool both = str_eq(word, "float_tolerance");
		double x;

		if (str_eq(word, "case_sensitive")) {
			r = import_set(checker, "case_sensitive", json_true(), err);
		} else if (str_eq(word, "space_change_sensitive")) {
			r = import_set(checker, "space_sensitive", json_true(), err);
		} else if (both || str_eq(word, "float_absolute_tolerance") ||
			   str_eq(word, "float_relative_tolerance")) {
			if (!next)
				return error_set(err, ERR_INPUT, "validator flag '%s' needs a number", word);
			r = str_parse_double(next, word, 0, HUGE_VAL, &x, err);
			if (r == 0 && (both || strstr(word, "absolute")))
				abs = x;
			if (r == 0 && (both || strstr(word, "relative")))
				rel = x;
			i++;
		} else {
			r = error_set(err, ERR_INPUT, "unknown validator flag '%s'", word);
		}
	}
	if (r == 0)
		r = import_set(checker, "kind", json_string(abs >= 0 || rel >= 0 ? "float" : "tokens"),
			       err);
	if (r == 0 && abs >= 0)
		r = import_set(checker, "abs", json_real(abs), err);
	if (r == 0 && rel >= 0)
		r = import_set(checker, "rel", json_real(rel), err);
	return r;
}

/* --- the statement --- */

static bool add_param(void *ctx, const char *name, struct buf *out)
{
	const struct icpc_package *k = ctx;
	const char *value = json_get_str(k->params, name);

	buf_adds(out, value ? value : "");
	return value != NULL;
}

static bool add_example(void *ctx, const char *name, struct buf *out)
{
	const struct icpc_package *k = ctx;
	size_t i;
	json_t *c;

	json_array_foreach(k->cases, i, c) {
		const char *case_name = json_get_str(c, "name");

		if (!json_get_bool(c, "visible", false) || !str_starts(case_name, "sample/") ||
		    !str_eq(case_name + strlen("sample/"), name))
			continue;
		buf_addf(out, "Input:\n```\n%s```\nOutput:\n```\n%s```", json_get_str(c, "in"),
			 json_get_str(c, "out"));
		return true;
	}
	return false;
}

static int read_statement(struct icpc_package *k, struct error *err)
{
	static const char *const files[] = {
		"problem_statement/problem.en.md", "problem_statement/problem.md",
		"problem_statement/problem.en.tex", "problem_statement/problem.tex",
		"problem_statement/problem.en.html", "problem_statement/problem.html",
		"statement/problem.en.md", "statement/problem.en.tex", "statement/problem.tex", "task.md",
	};
	const struct statement_names names = { add_param, add_example, k };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_mem char *path = icpc_path(k, files[i], err);
		cleanup_buf struct buf raw, text;
		int r;

		buf_init(&raw, 16 << 20);
		buf_init(&text, 32 << 20);
		if (!path)
			return ERR_NOMEM;
		if (!fs_exists(path))
			continue;
		r = icpc_read_text(path, &raw, err);
		if (r < 0)
			return r;
		if (str_ends(path, ".html"))
			statement_from_html(raw.data, raw.len, &text);
		else if (str_eq(files[i], "task.md"))
			statement_from_task_md(raw.data, raw.len, &names, &text);
		else
			buf_add(&text, raw.data, raw.len);
		r = buf_check(&text, path, err);
		if (r < 0)
			return r;
		if (!text.len)
			return error_set(err, ERR_INPUT, "%s: the statement is empty", path);
		return import_set(k->task, "prompt", json_stringn(text.data, text.len), err);
	}
	return error_set(err, ERR_INPUT, "the package has no statement (problem_statement/problem.*, task.md)");
}

/* --- one package --- */

static int set_limits(struct icpc_package *k, struct error *err)
{
	json_t *limits = json_object();
	int r = 0;

	if (!limits)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (k->time_s > 0)
		r = import_set(limits, "cpu_s", json_real(k->time_s), err);
	if (r == 0 && k->memory_mib > 0)
		r = import_set(limits, "memory_mib", json_real(k->memory_mib), err);
	if (r == 0 && k->output_mib > 0)
		r = import_set(limits, "output_kib", json_real(k->output_mib * 1024), err);
	if (r == 0 && json_object_size(limits))
		return import_set(k->task, "limits", limits, err);
	json_decref(limits);
	return r;
}

static int build(struct icpc_package *k, struct error *err)
{
	json_t *tests = json_object(), *checker = json_object();
	int r;

	k->cases = json_array();
	/* Each set takes its reference over at once, so that nothing is lost below. */
	if ((r = import_set(k->task, "tests", tests, err)) < 0) {
		json_decref(checker);
		json_decref(k->cases);
		return r;
	}
	if ((r = import_set(tests, "checker", checker, err)) < 0) {
		json_decref(k->cases);
		return r;
	}
	if ((r = import_set(tests, "cases", k->cases, err)) < 0 ||
	    (r = import_set(tests, "kind", json_string("stdio"), err)) < 0 ||
	    (r = import_set(k->task, "task_id", json_string(k->id), err)) < 0 ||
	    (r = import_set(k->task, "source", json_string("icpc"), err)) < 0 ||
	    (r = icpc_package_configure(k, err)) < 0 ||
	    (r = read_data(k, err)) < 0 || (r = read_statement(k, err)) < 0 ||
	    (r = set_limits(k, err)) < 0)
		return r;
	if (k->license && (r = import_set(k->task, "license", json_string(k->license), err)) < 0)
		return r;
	return k->custom ? program_checker(k, checker, err) : default_checker(k, checker, err);
}

static int one_package(struct import_state *st, const char *path, struct error *err)
{
	char *real = realpath(path, NULL); /* "." has a name too */
	cleanup_mem char *copy = mem_strdup(real ? real : path);
	cleanup_json json_t *task = json_object();
	cleanup_json json_t *params = json_object();
	struct icpc_package k = { .path = path, .task = task, .params = params };
	char *slash;
	int r;

	free(real);
	if (!copy || !task || !params)
		return error_set(err, ERR_NOMEM, "out of memory");
	slash = strrchr(copy, '/');
	k.id = slash ? slash + 1 : copy;
	r = build(&k, err);
	icpc_package_clear(&k);
	if (r < 0)
		/* Messages that name a file below the folder need no prefix. */
		return strstr(err->msg, path) ? r : error_prefix(err, r, "%s", path);
	return import_add(st, mem_steal(&task), path, err);
}

/* --- folders of packages --- */

static bool has(const char *dir, const char *name)
{
	cleanup_mem char *path = fs_join(dir, name);

	return path && fs_exists(path);
}

bool import_icpc_is_package(const char *path)
{
	return has(path, "problem.yaml") || (has(path, "info.toml") && has(path, "data"));
}

typedef int package_fn(void *ctx, const char *path, struct error *err);

/* fn on each package at dir or below, in sorted order; a non-zero answer stops. */
static int each_package(const char *dir, unsigned depth, package_fn *fn, void *ctx, struct error *err)
{
	char **names = NULL;
	size_t n = 0;
	int r;

	if (import_icpc_is_package(dir))
		return fn(ctx, dir, err);
	if (depth > MAX_DEPTH)
		return 0;
	r = fs_list(dir, &names, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		cleanup_mem char *path = fs_join(dir, names[i]);

		if (!path)
			r = error_set(err, ERR_NOMEM, "out of memory");
		else if (names[i][0] != '.' && fs_is_dir(path))
			r = each_package(path, depth + 1, fn, ctx, err);
	}
	str_list_free(names);
	return r;
}

static int add_package(void *ctx, const char *path, struct error *err)
{
	struct error why = ERROR_INIT;
	int r = one_package(ctx, path, &why);

	if (r < 0) {
		r = import_bad(ctx, &why);
		if (err)
			*err = why;
	}
	return r;
}

static int stop_at_first(void *ctx, const char *path, struct error *err)
{
	(void)ctx;
	(void)path;
	(void)err;
	return 1;
}

bool import_icpc_found(const char *path)
{
	return each_package(path, 0, stop_at_first, NULL, NULL) == 1;
}

int import_icpc(struct import_state *st, const char *path, struct error *err)
{
	return each_package(path, 0, add_package, st, err);
}
