/* SPDX-License-Identifier: Apache-2.0 */
/* prompt_vars.c - see prompt_vars.h. */
#include "policy/prompt_vars.h"

#include <string.h>
#include "core/mem.h"
#include "core/str.h"
#include "core/value.h"

#define MAX_TEXT (UINT64_C(8) << 20)
#define MAX_EXAMPLES 8
#define MAX_EXAMPLE_BYTES 4096 /* a longer one says nothing more, and costs tokens in each prompt */

static const struct { const char *name; bool only_if; } vars[] = {
#define X(id, name, only_if) { name, only_if },
	PROMPT_VARS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(vars) == PROMPT_VAR_COUNT, "a name for each");

int prompt_var_find(const char *name, size_t n)
{
	for (int i = 0; i < PROMPT_VAR_COUNT; i++)
		if (strlen(vars[i].name) == n && memcmp(vars[i].name, name, n) == 0)
			return i;
	return -1;
}

bool prompt_var_is_condition(enum prompt_var v)
{
	return vars[v].only_if;
}

static void add_signature(const struct task *t, struct buf *b)
{
	if (!t->has_signature || !t->entry_point)
		return;
	buf_addf(b, "%s(", t->entry_point);
	for (size_t i = 0; i < t->n_params; i++) {
		buf_addf(b, "%s%s: ", i ? ", " : "", t->params[i].name);
		type_print(t->params[i].type, b);
	}
	buf_adds(b, ")");
	if (t->returns) {
		buf_adds(b, " -> ");
		type_print(t->returns, b);
	}
}

/* "1, [2, 3]" of a tuple of arguments */
static void add_args(const struct value *args, struct buf *b)
{
	for (size_t i = 0; args && i < args->n_items; i++) {
		if (i)
			buf_adds(b, ", ");
		value_repr(args->items[i], b, MAX_EXAMPLE_BYTES + 1);
	}
}

static void add_result(const struct value *expect, const char *raises, struct buf *b)
{
	if (raises) {
		buf_addf(b, " raises %s", raises);
	} else if (expect) {
		buf_adds(b, " returns ");
		value_repr(expect, b, MAX_EXAMPLE_BYTES + 1);
	}
	buf_addc(b, '\n');
}

static void add_script(const struct test_case *c, struct buf *b)
{
	for (size_t i = 0; i < c->n_script; i++) {
		const struct script_step *s = &c->script[i];

		buf_addf(b, s->is_new ? "object = %s(" : "object.%s(", s->name);
		add_args(s->args, b);
		buf_addc(b, ')');
		add_result(s->expect, s->raises, b);
	}
}

static void add_call(const struct task *t, const struct test_case *c, struct buf *b)
{
	buf_addf(b, "%s(", t->entry_point ? t->entry_point : "f");
	add_args(c->args, b);
	buf_addc(b, ')');
	add_result(c->expect, c->raises, b);
	if (c->expect_args) {
		buf_adds(b, "  and leaves its arguments as (");
		add_args(c->expect_args, b);
		buf_adds(b, ")\n");
	}
}

static void add_block(const char *title, const char *text, size_t n, struct buf *b)
{
	buf_addf(b, "%s:\n```\n", title);
	buf_add(b, text, n);
	if (n == 0 || text[n - 1] != '\n')
		buf_addc(b, '\n');
	buf_adds(b, "```\n");
}

static void add_case(const struct task *t, const struct test_case *c, struct buf *b)
{
	if (t->kind == TESTS_STDIO) {
		if (b->len)
			buf_addc(b, '\n');
		add_block("Input", c->in, c->in_len, b);
		add_block("Output", c->out, c->out_len, b);
	} else if (c->n_script) {
		if (b->len)
			buf_addc(b, '\n');
		add_script(c, b);
	} else {
		add_call(t, c, b);
	}
}

/* The visible cases, shortened to the first few that are not too long; and what
 * the task itself says are examples (of a check: its visible asserts, as text). */
static void add_examples(const struct task *t, struct buf *b)
{
	const json_t *examples = json_object_get(json_object_get(t->json, "tests"), "examples");
	json_t *item;
	unsigned n = 0;
	size_t i;

	for (i = 0; t->kind != TESTS_CHECK && i < t->n_cases && n < MAX_EXAMPLES; i++) {
		size_t before = b->len;

		if (!t->cases[i].visible)
			continue;
		add_case(t, &t->cases[i], b);
		if (b->len - before > MAX_EXAMPLE_BYTES) {
			b->len = before;
			b->data[before] = '\0';
			continue;
		}
		n++;
	}
	json_array_foreach(examples, i, item) {
		if (n >= MAX_EXAMPLES)
			break;
		if (!json_is_string(item) || json_string_length(item) > MAX_EXAMPLE_BYTES)
			continue;
		buf_add(b, json_string_value(item), json_string_length(item));
		buf_addc(b, '\n');
		n++;
	}
	while (b->len > 0 && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
}

/* Without the blank lines around it: templates set their own. */
static void add_prompt(const char *prompt, struct buf *b)
{
	size_t n;

	while (*prompt == '\n' || *prompt == '\r')
		prompt++;
	n = strlen(prompt);
	while (n > 0 && strchr(" \t\r\n", prompt[n - 1]))
		n--;
	buf_add(b, prompt, n);
}

void prompt_vars_clear(struct prompt_vars *v)
{
	for (size_t i = 0; i < PROMPT_VAR_COUNT; i++)
		buf_clear(&v->text[i]);
}

int prompt_vars_fill(struct prompt_vars *v, const struct task *task, const char *language, const char *language_title,
		    const char *conventions,
		     struct error *err)
{
	bool code = task->prompt_language != NULL;
	bool same = code && str_eq(task->prompt_language, language);
	int r;

	for (size_t i = 0; i < PROMPT_VAR_COUNT; i++)
		buf_init(&v->text[i], MAX_TEXT);
	add_prompt(task->prompt ? task->prompt : "", &v->text[PROMPT_TASK_PROMPT]);
	buf_adds(&v->text[PROMPT_LANGUAGE], language);
	buf_adds(&v->text[PROMPT_LANGUAGE_TITLE], language_title ? language_title : language);
	buf_adds(&v->text[PROMPT_PROMPT_LANGUAGE], code ? task->prompt_language : "");
	buf_adds(&v->text[PROMPT_ENTRY_POINT], task->entry_point ? task->entry_point : "");
	add_signature(task, &v->text[PROMPT_SIGNATURE]);
	if (task->kind != TESTS_STDIO && !same && conventions)
		add_prompt(conventions, &v->text[PROMPT_CONVENTIONS]);
	add_examples(task, &v->text[PROMPT_EXAMPLES]);
	if (same)
		buf_adds(&v->text[PROMPT_COMPLETION], "1");
	if (code && !same)
		buf_adds(&v->text[PROMPT_FOREIGN], "1");
	if (!code)
		buf_adds(&v->text[PROMPT_TEXT], "1");
	buf_adds(&v->text[task->kind == TESTS_STDIO ? PROMPT_STDIO : PROMPT_CALLS], "1");
	if (!code && task->entry_point && !task->has_signature)
		buf_adds(&v->text[PROMPT_FREE_ENTRY_POINT], "1");
	for (size_t i = 0; i < PROMPT_VAR_COUNT; i++) {
		r = buf_check(&v->text[i], vars[i].name, err);
		if (r < 0)
			return error_prefix(err, r, "prompt of task '%s'", task->id);
	}
	return 0;
}
