/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_humaneval.c - HumanEval, HumanEval+ and MBPP+ (EvalPlus), MBXP in Python.
 *
 * The prompt is code that a completion continues.  The test text is kept to
 * the letter as tests.check; which of its asserts the prompt reveals is found
 * by comparing calls, so that hidden ones stay hidden.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/import_internal.h"
#include "store/pytext.h"

/* The source's name by the id's prefix; "MBPP/…" in this shape is MBXP. */
static const struct { const char *prefix, *source; } sources[] = {
	{ "HumanEval/", "humaneval" },
	{ "MBPP/", "mbxp" },
	{ "Mbpp/", "mbpp-plus" },
};

static json_t *source_of(const char *task_id)
{
	const char *slash = strchr(task_id, '/');
	cleanup_mem char *lower = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (str_starts(task_id, sources[i].prefix))
			return json_string(sources[i].source);
	if (!slash || slash == task_id)
		return json_string("humaneval");
	lower = mem_strndup(task_id, (size_t)(slash - task_id));
	if (!lower)
		return NULL;
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return json_string(lower);
}

/* --- what the prompt shows --- */

struct shown {
	json_t *calls;      /* set of normalised argument texts */
	json_t *examples;   /* texts, in order */
	json_t *visible;    /* ordinal numbers of asserts */
	const char *entry_point;
	bool failed;        /* no memory */
};

/* The lines of an example: from the line with the call up to the next example,
 * a blank line or the end of the docstring; a ">>> " form has its answer below. */
static json_t *example_text(const char *prompt, size_t n, size_t call, size_t call_end)
{
	size_t start = call, end;
	bool doctest;
	cleanup_buf struct buf b;

	buf_init(&b, 1 << 20);
	while (start && prompt[start - 1] != '\n')
		start--;
	while (prompt[start] == ' ' || prompt[start] == '\t')
		start++;
	doctest = n - start >= 3 && memcmp(prompt + start, ">>>", 3) == 0;
	for (end = call_end; end < n && prompt[end] != '\n'; end++)
		;
	for (const char *quotes = "\"'"; *quotes; quotes++) {
		char triple[4] = { *quotes, *quotes, *quotes, 0 };
		char *at = memmem(prompt + start, end - start, triple, 3);

		if (at && (size_t)(at - prompt) > call)
			end = (size_t)(at - prompt);
		else if (at && (size_t)(at - prompt) == start)
			start += 3;
	}
	while (start < call && (prompt[start] == ' ' || prompt[start] == '\t'))
		start++;
	while (end > start && strchr(" \t\r", prompt[end - 1]))
		end--;
	buf_add(&b, prompt + start, end - start);
	while (doctest && end < n && prompt[end] != '\n')
		end++;
	while (doctest && end < n) {
		size_t from = end + 1, to;

		while (from < n && (prompt[from] == ' ' || prompt[from] == '\t'))
			from++;
		for (to = from; to < n && prompt[to] != '\n'; to++)
			;
		end = to;
		while (to > from && strchr(" \t\r", prompt[to - 1]))
			to--;
		if (to == from || (to - from >= 3 && (!memcmp(prompt + from, ">>>", 3) ||
						      !memcmp(prompt + from, "\"\"\"", 3) ||
						      !memcmp(prompt + from, "'''", 3))))
			break;
		buf_addc(&b, '\n');
		buf_add(&b, prompt + from, to - from);
	}
	return b.error ? NULL : json_stringn(b.data, b.len);
}

static void find_examples(const char *prompt, size_t n, struct shown *sh)
{
	size_t at = 0, args_n, start, last_end = 0;
	const char *args;

	while (py_find_call(prompt, n, sh->entry_point, &at, &args, &args_n, &start)) {
		cleanup_buf struct buf key;
		bool new_line = !last_end || memchr(prompt + last_end, '\n', start - last_end);

		buf_init(&key, 1 << 20);
		py_normalise(args, args_n, &key);
		if (key.error || json_object_set_new(sh->calls, key.data, json_true()) < 0)
			sh->failed = true;
		/* "write f() that …" and "f (see below)" are prose, not examples */
		if ((!args_n || args[-2] == ' ') && !(start >= 4 && !memcmp(prompt + start - 4, ">>> ", 4)))
			new_line = false;
		if (new_line && json_array_append_new(sh->examples, example_text(prompt, n, start, at)) < 0)
			sh->failed = true;
		last_end = at;
	}
}

/* An assert is visible when it calls the candidate and only with shown arguments. */
static bool one_assert(void *ctx, size_t number, const struct py_line *line)
{
	struct shown *sh = ctx;
	const char *const names[] = { "candidate", sh->entry_point };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t at = 0, args_n, start;
		const char *args;

		while (py_find_call(line->p, line->n, names[i], &at, &args, &args_n, &start)) {
			cleanup_buf struct buf key;

			buf_init(&key, 1 << 20);
			py_normalise(args, args_n, &key);
			if (key.error) {
				sh->failed = true;
				return false;
			}
			if (!json_object_get(sh->calls, key.data))
				return true;
			any = true;
		}
	}
	if (any && json_array_append_new(sh->visible, json_integer((json_int_t)number)) < 0)
		sh->failed = true;
	return !sh->failed;
}

static int mark_visible(json_t *tests, const char *prompt, const char *check, const char *entry_point,
			struct error *err)
{
	cleanup_json json_t *calls = json_object();
	cleanup_json json_t *examples = json_array();
	cleanup_json json_t *visible = json_array();
	struct shown sh = { calls, examples, visible, entry_point, false };

	if (!calls || !examples || !visible)
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	find_examples(prompt, strlen(prompt), &sh);
	if (!sh.failed)
		py_each_assert(check, strlen(check), one_assert, &sh);
	if (sh.failed)
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	if (json_array_size(visible) && import_set(tests, "visible", json_incref(visible), err) < 0)
		return ERR_NOMEM;
	if (json_array_size(examples))
		return import_set(tests, "examples", json_incref(examples), err);
	return 0;
}

static int add_solution(json_t *task, const char *prompt, const json_t *obj, struct error *err)
{
	const json_t *solution = json_object_get(obj, "canonical_solution");
	json_t *solutions;
	int r;

	if (!solution || json_is_null(solution))
		return 0;
	if (!json_is_string(solution))
		return error_set(err, ERR_INPUT, "'canonical_solution' is not a string");
	solutions = json_object();
	r = import_set(task, "solutions", solutions, err);
	if (r < 0)
		return r;
	return import_set(solutions, "python",
			  json_sprintf("%s%s", prompt, json_string_value(solution)), err);
}

/* Kept, not judged. */
static int add_meta(json_t *task, const json_t *obj, struct error *err)
{
	static const char *const keys[] = { "contract", "base_input", "plus_input", "atol",
					    "description" };
	json_t *meta = json_object();
	int r = 0;

	if (!meta)
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++)
		r = import_copy(meta, keys[i], obj, keys[i], err);
	if (r == 0 && json_object_size(meta))
		return import_set(task, "meta", meta, err);
	json_decref(meta);
	return r;
}

int import_humaneval_object(json_t *obj, const struct import_file *file, json_t **ret,
			    struct error *err)
{
	const char *id, *prompt, *entry_point, *check, *language = json_get_str(obj, "language");
	const char *check_key = "test";
	cleanup_json json_t *task = json_object();
	json_t *tests = json_object();
	int r;

	(void)file;
	if (!task || import_set(task, "tests", tests, err) < 0) {
		return error_set(err, ERR_NOMEM, "out of memory for a task");
	}
	r = import_need_str(obj, "task_id", false, &id, err);
	if (r == 0)
		r = import_need_str(obj, "prompt", false, &prompt, err);
	if (r == 0)
		r = import_need_str(obj, "entry_point", false, &entry_point, err);
	if (r < 0)
		return r;
	if (language && !str_eq(language, "python"))
		return error_set(err, ERR_INPUT,
				 "task '%s': not this format: its tests are in '%s', not in python", id,
				 language);
	if (!json_object_get(obj, "test") && json_object_get(obj, "assertion"))
		check_key = "assertion"; /* MBPP+ */
	if (json_object_get(obj, check_key))
		r = import_need_str(obj, check_key, false, &check, err);
	else
		r = error_set(err, ERR_INPUT, "the task has no tests ('test' is missing)");
	if (r < 0)
		return error_prefix(err, r, "task '%s'", id);
	if ((r = import_copy(task, "task_id", obj, "task_id", err)) < 0 ||
	    (r = import_copy(task, "prompt", obj, "prompt", err)) < 0 ||
	    (r = import_copy(task, "entry_point", obj, "entry_point", err)) < 0 ||
	    (r = import_copy(task, "license", obj, "license", err)) < 0 ||
	    (r = import_set(task, "prompt_language", json_string("python"), err)) < 0 ||
	    (r = import_set(task, "source", source_of(id), err)) < 0 ||
	    (r = import_set(tests, "kind", json_string("calls"), err)) < 0 ||
	    (r = import_copy(tests, "check", obj, check_key, err)) < 0 ||
	    (r = mark_visible(tests, prompt, check, entry_point, err)) < 0 ||
	    (r = add_solution(task, prompt, obj, err)) < 0 || (r = add_meta(task, obj, err)) < 0)
		return r;
	*ret = mem_steal(&task);
	return 0;
}
