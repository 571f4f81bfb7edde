/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_mbpp.c - MBPP (Google), and its sanitized variant.
 *
 * The prompt is prose; the tests are one assert a line, joined after their
 * set-up and run at module level.  The first assert is visible: it is what
 * tells the name and the shape of the arguments.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/import_internal.h"
#include "store/pytext.h"

static bool count_asserts(void *ctx, size_t number, const struct py_line *line)
{
	(void)line;
	*(size_t *)ctx = number + 1;
	return true;
}

/* Add each string of obj[key] as a line. */
static int join_lines(const json_t *obj, const char *key, struct buf *out, struct error *err)
{
	const json_t *list = json_object_get(obj, key), *j;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return error_set(err, ERR_INPUT, "'%s' is not a list", key);
	json_array_foreach(list, i, j) {
		if (!json_is_string(j))
			return error_set(err, ERR_INPUT, "%s[%zu] is not a string", key, i);
		buf_add(out, json_string_value(j), json_string_length(j));
		if (out->len && out->data[out->len - 1] != '\n')
			buf_addc(out, '\n');
	}
	return 0;
}

/* The first name that test calls and code defines; else the last one that code defines. */
static char *entry_point_of(const char *test, const char *code)
{
	size_t code_n = strlen(code);
	const char *last = NULL;
	size_t last_n = 0;
	struct py_scan s;
	struct py_line l;

	for (const char *p = test; *p;) {
		const char *start = p;

		if (*p == '"' || *p == '\'') { /* not a name; a quote inside is met again below */
			const char *close = strchr(p + 1, *p);

			p = close ? close + 1 : p + 1;
			continue;
		}
		while (py_is_name_char(*p))
			p++;
		if (p == start) {
			p++;
			continue;
		}
		size_t n = (size_t)(p - start);

		while (*p == ' ')
			p++;
		if (*p == '(' && (start == test || start[-1] != '.') &&
		    py_defines(code, code_n, start, n))
			return mem_strndup(start, n);
	}
	py_scan_init(&s, code, code_n);
	while (py_scan_next(&s, &l)) {
		size_t i = 3, from;

		if (l.indent || !py_line_is(&l, "def"))
			continue;
		while (i < l.n && (l.p[i] == ' ' || l.p[i] == '\t'))
			i++;
		for (from = i; i < l.n && py_is_name_char(l.p[i]);)
			i++;
		last = l.p + from;
		last_n = i - from;
	}
	return last ? mem_strndup(last, last_n) : mem_strdup("");
}

static int set_id(json_t *task, const json_t *obj, struct error *err)
{
	const json_t *id = json_object_get(obj, "task_id");

	if (json_is_integer(id))
		return import_set(task, "task_id",
				  json_sprintf("MBPP/%lld", (long long)json_integer_value(id)), err);
	if (json_is_string(id) && json_string_length(id))
		return import_set(task, "task_id", json_incref((json_t *)id), err);
	return error_set(err, ERR_INPUT, "'task_id' is missing, or neither a number nor a name");
}

static int set_tests(json_t *task, const json_t *obj, struct error *err)
{
	json_t *tests = json_object(), *first = json_array_get(json_object_get(obj, "test_list"), 0);
	const json_t *setup = json_object_get(obj, "test_setup_code");
	cleanup_buf struct buf check;
	size_t before = 0;
	int r;

	buf_init(&check, 16 << 20);
	r = import_set(task, "tests", tests, err);
	if (r < 0)
		return r;
	if (!first)
		return error_set(err, ERR_INPUT, "the task has no tests ('test_list' is missing or empty)");
	r = join_lines(obj, "test_imports", &check, err);
	if (r < 0)
		return r;
	if (setup && !json_is_null(setup) && !json_is_string(setup))
		return error_set(err, ERR_INPUT, "'test_setup_code' is not a string");
	if (json_string_length(setup)) {
		buf_add(&check, json_string_value(setup), json_string_length(setup));
		if (check.len && check.data[check.len - 1] != '\n')
			buf_addc(&check, '\n');
	}
	py_each_assert(check.data, check.len, count_asserts, &before);
	r = join_lines(obj, "test_list", &check, err);
	if (r == 0)
		r = buf_check(&check, "test_list", err);
	if (r == 0)
		r = import_set(tests, "kind", json_string("calls"), err);
	if (r == 0)
		r = import_set(tests, "check", json_stringn(check.data, check.len), err);
	if (r == 0)
		r = import_set(tests, "visible", json_pack("[I]", (json_int_t)before), err);
	if (r == 0)
		r = import_set(tests, "examples", json_pack("[O]", first), err);
	return r;
}

int import_mbpp_object(json_t *obj, const struct import_file *file, json_t **ret, struct error *err)
{
	cleanup_json json_t *task = json_object();
	cleanup_mem char *entry_point = NULL;
	const char *prompt, *code, *key = json_object_get(obj, "text") ? "text" : "prompt";
	const json_t *challenge = json_object_get(obj, "challenge_test_list");
	int r;

	(void)file;
	if (!task)
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	if ((r = set_id(task, obj, err)) < 0)
		return r;
	if ((r = import_need_str(obj, key, false, &prompt, err)) < 0 ||
	    (r = import_need_str(obj, "code", false, &code, err)) < 0 ||
	    (r = set_tests(task, obj, err)) < 0)
		return error_prefix(err, r, "task '%s'", json_get_str(task, "task_id"));
	entry_point = entry_point_of(
		json_string_value(json_array_get(json_object_get(obj, "test_list"), 0)), code);
	if (!entry_point)
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	if (!*entry_point)
		return error_set(err, ERR_INPUT, "task '%s': 'code' defines no function to be tested",
				 json_get_str(task, "task_id"));
	if ((r = import_copy(task, "prompt", obj, key, err)) < 0 ||
	    (r = import_set(task, "entry_point", json_string(entry_point), err)) < 0 ||
	    (r = import_set(task, "source", json_string("mbpp"), err)) < 0 ||
	    (r = import_copy(task, "license", obj, "license", err)) < 0 ||
	    (r = import_set(task, "solutions", json_pack("{s:O}", "python", json_object_get(obj, "code")),
			    err)) < 0)
		return r;
	if (json_array_size(challenge))
		r = import_set(task, "meta", json_pack("{s:O}", "challenge_test_list", challenge), err);
	if (r < 0)
		return r;
	*ret = mem_steal(&task);
	return 0;
}
