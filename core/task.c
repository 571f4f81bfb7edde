/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.c - the native task format: a JSON object to a struct task.
 *
 * docs/formats/task.schema.json says the same for other programs; a test keeps
 * the two in step.  Unknown keys are errors everywhere but below "meta".
 */
#include "core/record.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const char *const keys_task[] = {
	"task_id", "prompt", "prompt_language", "entry_point", "signature", "tests", "limits",
	"int_bits", "split", "tags", "license", "source", "solutions", "quarantined", "meta", NULL,
};
static const char *const keys_signature[] = { "params", "returns", NULL };
static const char *const keys_param[] = { "name", "type", NULL };
static const char *const keys_tests[] = { "kind", "cases", "check", "checker", "visible",
					  "examples", NULL };
static const char *const keys_calls_case[] = { "args", "expect", "raises", "expect_args", "script",
					       "visible", "name", NULL };
static const char *const keys_stdio_case[] = { "in", "out", "visible", "name", NULL };
static const char *const keys_script_step[] = { "new", "call", "args", "expect", "raises", NULL };
static const char *const keys_checker[] = { "kind", "abs", "rel", "case_sensitive",
					    "space_sensitive", "language", "source", "args", NULL };
static const char *const keys_limits[] = { "cpu_s", "wall_s", "memory_mib", "output_kib",
					   "file_kib", "processes", NULL };

static const struct {
	const char *object;
	const char *const *keys;
} key_lists[] = {
	{ "task", keys_task },
	{ "signature", keys_signature },
	{ "param", keys_param },
	{ "tests", keys_tests },
	{ "calls_case", keys_calls_case },
	{ "stdio_case", keys_stdio_case },
	{ "script_step", keys_script_step },
	{ "checker", keys_checker },
	{ "limits", keys_limits },
};

const char *const *task_keys(const char *object)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_lists); i++)
		if (str_eq(key_lists[i].object, object))
			return key_lists[i].keys;
	return NULL;
}

static int bad(struct error *err, const char *where, const char *what)
{
	return error_set(err, ERR_INPUT, "%s: %s", where, what);
}

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for a task");
}

static void *pool_array(struct task *t, size_t n, size_t size)
{
	void *p;
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	p = value_alloc(t->pool, total);
	if (p)
		memset(p, 0, total);
	return p;
}

/* j is an object whose keys are all known.  where: "" at the top. */
static int only_keys(const json_t *j, const char *const *keys, const char *where, struct error *err)
{
	json_t *obj = (json_t *)(uintptr_t)j;

	if (!json_is_object(j))
		return bad(err, *where ? where : "task", "expected an object");
	for (void *it = json_object_iter(obj); it; it = json_object_iter_next(obj, it)) {
		const char *key = json_object_iter_key(it);
		size_t i = 0;

		while (keys[i] && !str_eq(keys[i], key))
			i++;
		if (!keys[i])
			return error_set(err, ERR_INPUT, "%s%sunknown key '%s'", where,
					 *where ? ": " : "", key);
	}
	return 0;
}

enum need { OPTIONAL, REQUIRED, REQUIRED_TEXT /* not empty */ };

/* A string without NUL.  *ret is untouched where an optional key is absent. */
static int get_str(const json_t *obj, const char *key, const char *where, enum need need,
		   const char **ret, struct error *err)
{
	const json_t *j = json_object_get(obj, key);
	const char *s = json_string_value(j), *what = NULL;

	if (!j && need == OPTIONAL)
		return 0;
	if (!j)
		what = "is missing";
	else if (!s)
		what = "expected a string";
	else if (strlen(s) != json_string_length(j))
		what = "a NUL character in the text";
	else if (need == REQUIRED_TEXT && !*s)
		what = "is empty";
	if (what)
		return error_set(err, ERR_INPUT, "%s%s%s: %s", where, *where ? "." : "", key, what);
	*ret = s;
	return 0;
}

static int get_bool(const json_t *obj, const char *key, const char *where, bool *ret,
		    struct error *err)
{
	const json_t *j = json_object_get(obj, key);

	if (j && !json_is_boolean(j))
		return error_set(err, ERR_INPUT, "%s.%s: expected true or false", where, key);
	if (j)
		*ret = json_is_true(j);
	return 0;
}

static int check_strings(const json_t *obj, const char *key, const char *where, struct error *err)
{
	const json_t *j = json_object_get(obj, key);

	if (j && !json_is_array(j))
		return error_set(err, ERR_INPUT, "%s%s: expected an array of strings", where, key);
	for (size_t i = 0; i < json_array_size(j); i++)
		if (!json_is_string(json_array_get(j, i)))
			return error_set(err, ERR_INPUT, "%s%s[%zu]: expected a string", where, key,
					 i);
	return 0;
}

/* --- limits --- */

static int get_limit(const json_t *obj, const char *key, double factor, uint64_t *ret,
		     struct error *err)
{
	const json_t *j = json_object_get(obj, key);
	double x = json_number_value(j) * factor;

	if (!j)
		return 0;
	if (!json_is_number(j) || !(x >= 1) || !(x < 0x1.0p53))
		return error_set(err, ERR_INPUT, "limits.%s: expected a number above 0", key);
	*ret = (uint64_t)x;
	return 0;
}

static int parse_limits(struct task *t, const json_t *j, struct error *err)
{
	uint64_t processes = 0;
	int r;

	if (!j)
		return 0;
	if ((r = only_keys(j, keys_limits, "limits", err)) < 0 ||
	    (r = get_limit(j, "cpu_s", 1e6, &t->limits.cpu_us, err)) < 0 ||
	    (r = get_limit(j, "wall_s", 1e6, &t->limits.wall_us, err)) < 0 ||
	    (r = get_limit(j, "memory_mib", 0x1.0p20, &t->limits.memory_bytes, err)) < 0 ||
	    (r = get_limit(j, "output_kib", 0x1.0p10, &t->limits.output_bytes, err)) < 0 ||
	    (r = get_limit(j, "file_kib", 0x1.0p10, &t->limits.file_bytes, err)) < 0 ||
	    (r = get_limit(j, "processes", 1, &processes, err)) < 0)
		return r;
	if (processes > 4096 || (processes && !json_is_integer(json_object_get(j, "processes"))))
		return bad(err, "limits.processes", "expected a whole number from 1 to 4096");
	t->limits.processes = (uint32_t)processes;
	return 0;
}

/* --- signature --- */

static int parse_param(struct task *t, const json_t *j, size_t i, struct error *err)
{
	const char *type = NULL;
	char where[64];
	int r;

	(void) snprintf(where, sizeof(where), "signature.params[%zu]", i);
	if ((r = only_keys(j, keys_param, where, err)) < 0 ||
	    (r = get_str(j, "name", where, REQUIRED_TEXT, &t->params[i].name, err)) < 0 ||
	    (r = get_str(j, "type", where, REQUIRED, &type, err)) < 0)
		return r;
	r = type_parse(t->pool, type, &t->params[i].type, err);
	return r < 0 ? error_prefix(err, r, "%s.type", where) : 0;
}

static int parse_signature(struct task *t, const json_t *j, struct error *err)
{
	const json_t *params = json_object_get(j, "params");
	const char *returns = "any";
	int r;

	if (j) {
		if ((r = only_keys(j, keys_signature, "signature", err)) < 0 ||
		    (r = get_str(j, "returns", "signature", OPTIONAL, &returns, err)) < 0)
			return r;
		if (!json_is_array(params))
			return bad(err, "signature.params", "expected an array");
		t->has_signature = true;
		t->n_params = json_array_size(params);
		t->params = pool_array(t, t->n_params, sizeof(*t->params));
		if (!t->params)
			return no_memory(err);
	}
	for (size_t i = 0; i < t->n_params; i++) {
		r = parse_param(t, json_array_get(params, i), i, err);
		if (r < 0)
			return r;
	}
	r = type_parse(t->pool, returns, &t->returns, err);
	return r < 0 ? error_prefix(err, r, "signature.returns") : 0;
}

/* --- checker --- */

static const char *const checker_words[] = {
	[CHECKER_EXACT] = "exact",         [CHECKER_TOKENS] = "tokens",
	[CHECKER_FLOAT] = "float",         [CHECKER_UNORDERED] = "unordered",
	[CHECKER_PROGRAM] = "program",
};
_Static_assert(ARRAY_SIZE(checker_words) == CHECKER_KIND_COUNT, "a word for each checker");

static int get_tolerance(const json_t *j, const char *key, double *ret, struct error *err)
{
	const json_t *x = json_object_get(j, key);

	if (!x)
		return 0;
	if (!json_is_number(x) || !(json_number_value(x) >= 0))
		return error_set(err, ERR_INPUT, "tests.checker.%s: expected a number, 0 or more",
				 key);
	*ret = json_number_value(x);
	return 0;
}

/* The first of keys that j has is an error: "only for ...". */
static int refuse_keys(const json_t *j, const char *const *keys, const char *only,
		       struct error *err)
{
	for (; *keys; keys++)
		if (json_object_get(j, *keys))
			return error_set(err, ERR_INPUT, "tests.checker.%s: is only for %s", *keys,
					 only);
	return 0;
}

static int parse_checker_object(struct task *t, const json_t *j, struct error *err)
{
	static const char *const of_float[] = { "abs", "rel", NULL };
	static const char *const of_program[] = { "language", "source", "args", NULL };
	static const char *const of_text[] = { "case_sensitive", "space_sensitive", NULL };
	struct checker *c = &t->checker;
	int r = 0;

	if (c->kind == CHECKER_FLOAT) {
		if ((r = get_tolerance(j, "abs", &c->abs_tol, err)) < 0 ||
		    (r = get_tolerance(j, "rel", &c->rel_tol, err)) < 0)
			return r;
	} else if ((r = refuse_keys(j, of_float, "kind 'float'", err)) < 0) {
		return r;
	}
	if (c->kind == CHECKER_PROGRAM) {
		if ((r = get_str(j, "language", "tests.checker", REQUIRED, &c->language, err)) <
			    0 ||
		    (r = get_str(j, "source", "tests.checker", REQUIRED_TEXT, &c->source, err)) <
			    0 ||
		    (r = check_strings(j, "args", "tests.checker.", err)) < 0)
			return r;
		if (!str_eq(c->language, "python") && !str_eq(c->language, "c") &&
		    !str_eq(c->language, "cpp"))
			return bad(err, "tests.checker.language", "expected python, c or cpp");
		c->args = json_object_get(j, "args");
	} else if ((r = refuse_keys(j, of_program, "kind 'program'", err)) < 0) {
		return r;
	}
	if (t->kind != TESTS_STDIO || c->kind == CHECKER_PROGRAM)
		return refuse_keys(j, of_text, "text of stdio that Winnow compares", err);
	if ((r = get_bool(j, "case_sensitive", "tests.checker", &c->case_sensitive, err)) < 0)
		return r;
	return get_bool(j, "space_sensitive", "tests.checker", &c->space_sensitive, err);
}

static int parse_checker(struct task *t, const json_t *j, struct error *err)
{
	struct checker *c = &t->checker;
	const char *word = json_string_value(j);
	int r, kind = 0;

	*c = (struct checker){ .abs_tol = -1, .rel_tol = -1 };
	c->kind = t->kind == TESTS_STDIO ? CHECKER_TOKENS : CHECKER_EXACT;
	if (!j)
		return 0;
	if (t->kind == TESTS_CHECK)
		return bad(err, "tests.checker", "test code compares for itself");
	if (!word && ((r = only_keys(j, keys_checker, "tests.checker", err)) < 0 ||
		      (r = get_str(j, "kind", "tests.checker", REQUIRED, &word, err)) < 0))
		return r;
	while (kind < CHECKER_KIND_COUNT && !str_eq(checker_words[kind], word))
		kind++;
	if (kind == CHECKER_KIND_COUNT)
		return error_set(err, ERR_INPUT, "tests.checker: unknown kind '%s'", word);
	if (kind == CHECKER_TOKENS && t->kind != TESTS_STDIO)
		return bad(err, "tests.checker", "'tokens' is only for stdio");
	if (kind == CHECKER_PROGRAM && json_is_string(j))
		return bad(err, "tests.checker",
			   "'program' needs an object with language and source");
	c->kind = (enum checker_kind)kind;
	r = json_is_object(j) ? parse_checker_object(t, j, err) : 0;
	if (r == 0 && c->kind == CHECKER_FLOAT && c->abs_tol < 0 && c->rel_tol < 0)
		c->abs_tol = c->rel_tol = 1e-6;
	return r;
}

/* --- cases --- */

/* An array of arguments as a TUPLE, by the signature where `typed`. */
static int parse_args(struct task *t, const json_t *j, const char *where, const char *key,
		      bool typed, struct value **ret, struct error *err)
{
	size_t n = json_array_size(j);
	struct value *v;
	int r;

	if (!json_is_array(j))
		return error_set(err, ERR_INPUT, "%s.%s: %s", where, key,
				 j ? "expected an array" : "is missing");
	if (typed && t->has_signature && n != t->n_params)
		return error_set(err, ERR_INPUT, "%s.%s: expected %zu arguments, got %zu", where,
				 key, t->n_params, n);
	v = value_new(t->pool, VALUE_TUPLE);
	if (!v)
		return no_memory(err);
	v->items = pool_array(t, n, sizeof(*v->items));
	if (!v->items)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		r = value_from_json(t->pool, json_array_get(j, i),
				    typed && t->has_signature ? t->params[i].type : NULL,
				    &v->items[i], err);
		if (r < 0)
			return error_prefix(err, r, "%s.%s[%zu]", where, key, i);
		v->n_items = i + 1;
	}
	*ret = v;
	return 0;
}

static int parse_expect(struct task *t, const json_t *obj, const char *where,
			const struct type *type, struct value **ret, const char **ret_raises,
			struct error *err)
{
	const json_t *expect = json_object_get(obj, "expect");
	int r = get_str(obj, "raises", where, OPTIONAL, ret_raises, err);

	if (r < 0)
		return r;
	if (*ret_raises && !**ret_raises)
		return error_set(err, ERR_INPUT, "%s.raises: is empty", where);
	if (expect && *ret_raises)
		return bad(err, where, "has both 'expect' and 'raises'");
	if (!expect)
		return 0;
	r = value_from_json(t->pool, expect, type, ret, err);
	return r < 0 ? error_prefix(err, r, "%s.expect", where) : 0;
}

static int parse_step(struct task *t, const json_t *j, const char *where, struct script_step *s,
		      struct error *err)
{
	const char *new_name = NULL, *call = NULL;
	int r;

	if ((r = only_keys(j, keys_script_step, where, err)) < 0 ||
	    (r = get_str(j, "new", where, OPTIONAL, &new_name, err)) < 0 ||
	    (r = get_str(j, "call", where, OPTIONAL, &call, err)) < 0)
		return r;
	if (!new_name == !call)
		return bad(err, where, "needs either 'new' or 'call'");
	s->is_new = new_name != NULL;
	s->name = new_name ? new_name : call;
	if (!*s->name)
		return bad(err, where, "a name is empty");
	if (s->is_new && json_object_get(j, "expect"))
		return bad(err, where, "'new' has no 'expect'");
	r = parse_expect(t, j, where, NULL, &s->expect, &s->raises, err);
	if (r < 0)
		return r;
	return parse_args(t, json_object_get(j, "args"), where, "args", false, &s->args, err);
}

static int parse_script(struct task *t, const json_t *j, const char *where, struct test_case *c,
			struct error *err)
{
	const json_t *script = json_object_get(j, "script");
	static const char *const others[] = { "args", "expect", "raises", "expect_args" };
	char here[96];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (json_object_get(j, others[i]))
			return error_set(err, ERR_INPUT, "%s: has both 'script' and '%s'", where,
					 others[i]);
	c->n_script = json_array_size(script);
	if (!c->n_script)
		return error_set(err, ERR_INPUT, "%s.script: expected a non-empty array", where);
	c->script = pool_array(t, c->n_script, sizeof(*c->script));
	if (!c->script)
		return no_memory(err);
	for (size_t i = 0; i < c->n_script; i++) {
		(void) snprintf(here, sizeof(here), "%s.script[%zu]", where, i);
		r = parse_step(t, json_array_get(script, i), here, &c->script[i], err);
		if (r < 0)
			return r;
	}
	if (!c->script[0].is_new)
		return error_set(err, ERR_INPUT, "%s.script[0]: the first step must be 'new'",
				 where);
	return 0;
}

static int parse_calls_case(struct task *t, const json_t *j, const char *where, struct test_case *c,
			    struct error *err)
{
	int r = only_keys(j, keys_calls_case, where, err);

	if (r < 0)
		return r;
	if (json_object_get(j, "script"))
		return parse_script(t, j, where, c, err);
	if ((r = parse_args(t, json_object_get(j, "args"), where, "args", true, &c->args, err)) <
		    0 ||
	    (r = parse_expect(t, j, where, t->returns, &c->expect, &c->raises, err)) < 0)
		return r;
	if (json_object_get(j, "expect_args")) {
		r = parse_args(t, json_object_get(j, "expect_args"), where, "expect_args", true,
			       &c->expect_args, err);
		if (r < 0)
			return r;
		if (c->expect_args->n_items != c->args->n_items)
			return error_set(err, ERR_INPUT, "%s.expect_args: expected %zu arguments",
					 where, c->args->n_items);
	}
	if (!c->expect && !c->raises && !c->expect_args)
		return bad(err, where, "needs 'expect', 'raises' or 'expect_args'");
	return 0;
}

static int parse_stdio_text(const json_t *j, const char *where, const char *key, const char **ret,
			    size_t *ret_len, struct error *err)
{
	const json_t *text = json_object_get(j, key);

	if (!json_is_string(text))
		return error_set(err, ERR_INPUT, "%s.%s: %s", where, key,
				 text ? "expected a string" : "is missing");
	*ret = json_string_value(text);
	*ret_len = json_string_length(text);
	return 0;
}

static int parse_stdio_case(const json_t *j, const char *where, struct test_case *c,
			    struct error *err)
{
	int r;

	if (json_object_get(j, "in_file") || json_object_get(j, "out_file"))
		return bad(err, where,
			   "'in_file' and 'out_file' must have been read by the importer");
	if ((r = only_keys(j, keys_stdio_case, where, err)) < 0 ||
	    (r = parse_stdio_text(j, where, "in", &c->in, &c->in_len, err)) < 0)
		return r;
	return parse_stdio_text(j, where, "out", &c->out, &c->out_len, err);
}

static int parse_cases(struct task *t, const json_t *cases, struct error *err)
{
	char where[64];
	int r;

	if (!json_is_array(cases))
		return bad(err, "tests.cases", cases ? "expected an array" : "is missing");
	t->n_cases = json_array_size(cases);
	if (!t->n_cases)
		return bad(err, "tests.cases", "a task without tests cannot be judged");
	t->cases = pool_array(t, t->n_cases, sizeof(*t->cases));
	if (!t->cases)
		return no_memory(err);
	for (size_t i = 0; i < t->n_cases; i++) {
		const json_t *j = json_array_get(cases, i);
		struct test_case *c = &t->cases[i];

		(void) snprintf(where, sizeof(where), "tests.cases[%zu]", i);
		if (t->kind == TESTS_STDIO)
			r = parse_stdio_case(j, where, c, err);
		else
			r = parse_calls_case(t, j, where, c, err);
		if (r < 0 || (r = get_bool(j, "visible", where, &c->visible, err)) < 0 ||
		    (r = get_str(j, "name", where, OPTIONAL, &c->name, err)) < 0)
			return r;
		if (!t->entry_point && t->kind == TESTS_CASES && !c->n_script)
			return bad(err, "entry_point", "is missing");
	}
	return 0;
}

static int parse_visible(struct task *t, const json_t *j, struct error *err)
{
	if (!j)
		return 0;
	if (!json_is_array(j))
		return bad(err, "tests.visible", "expected an array of numbers of asserts");
	t->n_visible_asserts = json_array_size(j);
	t->visible_asserts = pool_array(t, t->n_visible_asserts, sizeof(*t->visible_asserts));
	if (!t->visible_asserts)
		return no_memory(err);
	for (size_t i = 0; i < t->n_visible_asserts; i++) {
		const json_t *n = json_array_get(j, i);

		if (!json_is_integer(n) || json_integer_value(n) < 0)
			return error_set(err, ERR_INPUT,
					 "tests.visible[%zu]: expected a number, 0 or more", i);
		t->visible_asserts[i] = (size_t)json_integer_value(n);
	}
	return 0;
}

static int parse_tests(struct task *t, const json_t *j, struct error *err)
{
	const json_t *check = json_object_get(j, "check"), *cases = json_object_get(j, "cases");
	const char *kind = NULL;
	int r;

	if (!j)
		return bad(err, "tests", "is missing: a task without tests cannot be judged");
	/* The kind first, so that a command's own keys don't hide the reason. */
	if (json_is_object(j) && (r = get_str(j, "kind", "tests", REQUIRED, &kind, err)) < 0)
		return r;
	if (kind && str_eq(kind, "command"))
		return error_set(err, ERR_INPUT, "tests.kind 'command' cannot be judged yet");
	if ((r = only_keys(j, keys_tests, "tests", err)) < 0 ||
	    (r = check_strings(j, "examples", "tests.", err)) < 0)
		return r;
	if (str_eq(kind, "stdio"))
		t->kind = TESTS_STDIO;
	else if (str_eq(kind, "calls"))
		t->kind = check ? TESTS_CHECK : TESTS_CASES;
	else
		return error_set(err, ERR_INPUT, "tests.kind: unknown kind '%s'", kind);
	if (check && t->kind == TESTS_STDIO)
		return bad(err, "tests.check", "is only for kind 'calls'");
	if (check && cases)
		return bad(err, "tests", "has both 'cases' and 'check'");
	if (json_object_get(j, "visible") && !check)
		return bad(err, "tests.visible", "is only for 'check'; cases say it each");
	r = parse_checker(t, json_object_get(j, "checker"), err);
	if (r < 0)
		return r;
	if (!check)
		return parse_cases(t, cases, err);
	r = get_str(j, "check", "tests", REQUIRED, &t->check, err);
	if (r < 0)
		return r;
	if (!t->check[strspn(t->check, " \t\r\n")])
		return bad(err, "tests.check", "a task without tests cannot be judged");
	return parse_visible(t, json_object_get(j, "visible"), err);
}

/* --- the whole --- */

static int parse_rest(struct task *t, const json_t *j, struct error *err)
{
	const json_t *bits = json_object_get(j, "int_bits"), *meta = json_object_get(j, "meta");
	json_t *solutions = json_object_get(j, "solutions");
	const char *quarantined = NULL;
	int r;

	if ((r = get_str(j, "split", "", OPTIONAL, &t->split, err)) < 0 ||
	    (r = get_str(j, "license", "", OPTIONAL, &t->license, err)) < 0 ||
	    (r = get_str(j, "source", "", OPTIONAL, &t->source, err)) < 0 ||
	    (r = get_str(j, "quarantined", "", OPTIONAL, &quarantined, err)) < 0 ||
	    (r = check_strings(j, "tags", "", err)) < 0)
		return r;
	if (bits && !(json_is_integer(bits) && json_integer_value(bits) == 64))
		return bad(err, "int_bits", "expected 64 (absent: unbounded)");
	t->int_bits = bits ? 64 : 0;
	if (meta && !json_is_object(meta))
		return bad(err, "meta", "expected an object");
	if (solutions && !json_is_object(solutions))
		return bad(err, "solutions", "expected an object");
	for (void *it = json_object_iter(solutions); it; it = json_object_iter_next(solutions, it))
		if (!json_is_string(json_object_iter_value(it)))
			return error_set(err, ERR_INPUT, "solutions.%s: expected a string",
					 json_object_iter_key(it));
	return 0;
}

/* Tests without what only prompts, counts and people use. */
static json_t *judged_tests(const json_t *tests)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)tests), *cases, *list;

	if (!copy)
		return NULL;
	(void) json_object_del(copy, "visible");
	(void) json_object_del(copy, "examples");
	cases = json_object_get(copy, "cases");
	if (!cases)
		return copy;
	list = json_array();
	for (size_t i = 0; list && i < json_array_size(cases); i++) {
		json_t *c = json_copy(json_array_get(cases, i));

		if (c) {
			(void) json_object_del(c, "visible");
			(void) json_object_del(c, "name");
		}
		if (json_array_append_new(list, c) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	if (!list || json_object_set_new(copy, "cases", list) < 0) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

static int digest_of(const json_t *j, uint8_t ret[HASH_SHA256_BYTES], struct error *err)
{
	struct hash_sha256 *h = hash_sha256_new();
	int r;

	if (!h)
		return no_memory(err);
	r = json_hash_canonical(j, h, err);
	hash_sha256_end(h, ret);
	return r;
}

static int make_digests(struct task *t, struct error *err)
{
	static const char *const keys[] = { "entry_point", "signature", "int_bits" };
	cleanup_json json_t *parts = json_object();
	bool with_prompt = t->prompt_language || t->kind == TESTS_CHECK;
	int bad_parts = 0;

	bad_parts |= json_object_set_new(parts, "tests",
					 judged_tests(json_object_get(t->json, "tests")));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_object_get(t->json, keys[i]))
			bad_parts |= json_object_set(parts, keys[i],
						     json_object_get(t->json, keys[i]));
	if (with_prompt)
		bad_parts |= json_object_set(parts, "prompt", json_object_get(t->json, "prompt"));
	if (t->prompt_language)
		bad_parts |= json_object_set(parts, "prompt_language",
					     json_object_get(t->json, "prompt_language"));
	if (bad_parts)
		return no_memory(err);
	if (digest_of(t->json, t->digest, err) < 0)
		return no_memory(err);
	return digest_of(parts, t->tests_digest, err);
}

static int parse(struct task *t, struct error *err)
{
	const json_t *j = t->json;
	int r;

	t->pool = value_pool_new();
	if (!t->pool)
		return no_memory(err);
	if ((r = only_keys(j, keys_task, "", err)) < 0 ||
	    (r = get_str(j, "task_id", "", REQUIRED_TEXT, &t->id, err)) < 0 ||
	    (r = get_str(j, "prompt", "", REQUIRED, &t->prompt, err)) < 0 ||
	    (r = get_str(j, "prompt_language", "", OPTIONAL, &t->prompt_language, err)) < 0 ||
	    (r = get_str(j, "entry_point", "", OPTIONAL, &t->entry_point, err)) < 0 ||
	    (r = parse_signature(t, json_object_get(j, "signature"), err)) < 0 ||
	    (r = parse_tests(t, json_object_get(j, "tests"), err)) < 0 ||
	    (r = parse_limits(t, json_object_get(j, "limits"), err)) < 0 ||
	    (r = parse_rest(t, j, err)) < 0)
		return r;
	if (t->entry_point && !*t->entry_point)
		return bad(err, "entry_point", "is empty");
	if (t->prompt_language && !*t->prompt_language)
		return bad(err, "prompt_language", "is empty");
	return make_digests(t, err);
}

int task_parse(json_t *native, struct task **ret, struct error *err)
{
	struct task *t = mem_zalloc(sizeof(*t));
	int r;

	if (!t) {
		json_decref(native);
		return no_memory(err);
	}
	t->json = native;
	r = parse(t, err);
	if (r < 0) {
		task_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void task_free(struct task *t)
{
	if (!t)
		return;
	json_decref(t->json);
	value_pool_free(t->pool);
	mem_free(t);
}

void task_cleanup(struct task **t)
{
	task_free(*t);
	*t = NULL;
}
