/* SPDX-License-Identifier: Apache-2.0 */
/* tasks_portable.c - see tasks_portable.h. */
#include "rollout/tasks_portable.h"

#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/judge.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/reference.h"

#define WAIT_US 200000
#define UNKNOWN "what its test code passes is not known: no reference in Python passes it"

/* Judge the references of tasks whose tests are code: after that judge_not_portable() knows. */
static int look(struct judging *judging, const struct store_task *tasks, size_t n, struct error *err)
{
	struct reference_hooks hooks = { .need_values = true };
	cleanup_mem struct task **list = mem_calloc(n + 1, sizeof(*list));
	struct reference *r = NULL;
	size_t n_code = 0;
	int rc;

	if (!list)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (tasks[i].task->kind == TESTS_CHECK)
			list[n_code++] = tasks[i].task;
	rc = reference_new(judging->judge, &judging->languages, list, n_code, &judging->over, &hooks, &r, err);
	while (rc >= 0 && !reference_finished(r)) {
		rc = reference_pump(r, err);
		if (rc >= 0 && !reference_finished(r))
			rc = judge_wait(judging->judge, WAIT_US, err);
	}
	reference_free(r);
	return rc < 0 ? rc : 0;
}

static const char *reason_for(const struct judging *judging, const struct task *t, const struct language *l)
{
	const char *why = judge_not_portable(judging->judge, t, l->name);

	if (!why && l->calls_plain && !judge_knows_values(judging->judge, t))
		why = UNKNOWN;
	return why;
}

static int choose(const struct language_set *set, const char *names, const struct language ***ret, size_t *ret_n, struct error *err)
{
	cleanup_mem char *copy = names ? mem_strdup(names) : NULL;
	const struct language **list = mem_calloc(set->n + 1, sizeof(*list));
	char *rest = NULL;
	size_t n = 0;
	int rc = 0;

	if (!list || (names && !copy)) {
		mem_free(list);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; !names && i < set->n; i++)
		list[n++] = &set->items[i];
	for (char *name = copy ? strtok_r(copy, ",", &rest) : NULL; name && rc == 0; name = strtok_r(NULL, ",", &rest)) {
		const struct language *l = language_find(set, name);
		bool twice = false;

		for (size_t i = 0; i < n; i++)
			twice = twice || list[i] == l;
		if (!l)
			rc = error_set(err, ERR_INPUT, "--languages: unknown language '%s'", name);
		else if (!twice)
			list[n++] = l;
	}
	if (rc == 0 && !n)
		rc = error_set(err, ERR_INPUT, "--languages: no language is named");
	if (rc < 0) {
		mem_free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

static int say_json(const struct task *t, const struct language *const *languages, const char *const *why, size_t n,
		    struct error *err)
{
	json_t *to = json_array(), *reasons = json_object();

	for (size_t i = 0; i < n && to && reasons; i++)
		(void) (why[i] ? json_object_set_new(reasons, languages[i]->name, json_string(why[i])) :
				 json_array_append_new(to, json_string(languages[i]->name)));
	return answer_json(json_pack("{s:s, s:o, s:o}", "task_id", t->id, "portable", to, "reasons", reasons), err);
}

/* Each reason once, with the languages that it keeps out. */
static void say_text(const struct task *t, const struct language *const *languages, const char *const *why, size_t n)
{
	(void) printf("%s:", t->id);
	for (size_t i = 0; i < n; i++)
		if (!why[i])
			(void) printf(" %s", languages[i]->name);
	for (size_t i = 0; i < n; i++) {
		bool said = !why[i];

		for (size_t k = 0; k < i && !said; k++)
			said = why[k] && str_eq(why[k], why[i]);
		if (said)
			continue;
		(void) printf("; not %s", languages[i]->name);
		for (size_t k = i + 1; k < n; k++)
			if (why[k] && str_eq(why[k], why[i]))
				(void) printf(", %s", languages[k]->name);
		(void) printf(": %s", why[i]);
	}
	(void) printf("\n");
}

int tasks_portable(const struct globals *g, struct judging *judging, const char *names, const struct store_task *tasks,
		   size_t n, struct error *err)
{
	const struct language **languages = NULL;
	size_t n_languages = 0;
	cleanup_mem const char **why = NULL;
	cleanup_mem size_t *count = NULL;
	json_t *counts = NULL;
	int rc = choose(&judging->languages, names, &languages, &n_languages, err);

	if (rc == 0)
		rc = look(judging, tasks, n, err);
	if (rc == 0) {
		why = mem_calloc(n_languages + 1, sizeof(*why));
		count = mem_calloc(n_languages + 1, sizeof(*count));
		counts = json_object();
		if (!why || !count || !counts)
			rc = error_set(err, ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n && rc >= 0; i++) {
		const struct task *t = tasks[i].task;

		for (size_t k = 0; k < n_languages; k++) {
			why[k] = reason_for(judging, t, languages[k]);
			count[k] += !why[k];
		}
		if (g->json)
			rc = say_json(t, languages, why, n_languages, err);
		else
			say_text(t, languages, why, n_languages);
	}
	for (size_t k = 0; k < n_languages && rc >= 0; k++) {
		if (g->json)
			(void) json_object_set_new(counts, languages[k]->name, json_integer((json_int_t)count[k]));
		else
			(void) printf("%s%s %zu", k ? ", " : "portable to: ", languages[k]->name, count[k]);
	}
	if (rc >= 0 && g->json)
		rc = answer_json(json_pack("{s:I, s:O}", "tasks", (json_int_t)n, "portable", counts), err);
	else if (rc >= 0)
		(void) printf(" of %zu tasks\n", n);
	json_decref(counts);
	mem_free(languages);
	return rc;
}
