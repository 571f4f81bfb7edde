/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_prompt.c - winnow prompt: the messages that a policy would be sent. */
#include <stdio.h>

#include "core/mem.h"
#include "core/str.h"
#include "policy/prompt.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"
#include "rollout/rows.h"
#include "store/store.h"

static int load_task(const char *store_file, const char *id, struct task **ret, struct error *err)
{
	const char *params[] = { id, NULL };
	cleanup_json json_t *row = NULL;
	struct store *s = NULL;
	int r = store_open(store_file, STORE_READ, 0, "winnow prompt", &s, err);

	if (r == 0)
		r = rows_fetch_one(s, "SELECT json FROM v_tasks WHERE task_id = ?1 AND current = 1", params, &row, err);
	if (r == ERR_NOTFOUND && s)
		r = error_set(err, ERR_NOTFOUND, "no task '%s' in '%s'", id, store_file);
	store_close(s);
	if (r < 0)
		return r;
	return task_parse(json_incref(json_object_get(row, "json")), ret, err);
}

static int say(const struct globals *g, const struct task *task, const struct language *lang,
	       const struct prompt_template *t, struct error *err)
{
	cleanup_json json_t *messages = NULL;
	cleanup_mem char *plain = NULL;
	const json_t *message;
	size_t i;
	int r = prompt_messages(t, task, lang->name, lang->title, lang->conventions, &messages, err);

	if (r == 0)
		r = prompt_plain(t, task, lang->name, lang->title, lang->conventions, &plain, err);
	if (r < 0)
		return r;
	if (g->json)
		return answer_json(json_pack("{s:s, s:s, s:s, s:s, s:O, s:s}", "task_id", task->id, "language", lang->name,
					     "template", prompt_template_name(t), "template_version",
					     prompt_template_version(t), "messages", messages, "plain", plain),
				   err);
	json_array_foreach(messages, i, message) {
		cleanup_buf struct buf safe = { 0 };
		const json_t *content = json_object_get(message, "content");

		buf_init(&safe, SIZE_MAX);
		answer_safe(&safe, json_string_value(content), json_string_length(content));
		(void) printf("%s--- %s ---\n%s%s", i ? "\n" : "", json_get_str(message, "role"), safe.data,
			      safe.len && safe.data[safe.len - 1] == '\n' ? "" : "\n");
	}
	return 0;
}

static int prompt_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct language_set languages = { 0 };
	const struct language *lang = NULL;
	struct prompt_template *t = NULL;
	cleanup_task struct task *task = NULL;
	const char *dir = options_str(o, "templates-dir"), *name = options_str(o, "language");
	int r = options_expect_args(o, 1, 1, err);

	if (r < 0)
		return r;
	if (!name)
		return error_set(err, ERR_INPUT, "--language is needed");
	dir = dir ? dir : prompt_default_dir();
	r = language_load(options_str(o, "languages-dir") ?: language_default_dir(), &languages, err);
	if (r == 0 && (r = language_wanted(&languages, name, &lang, err)) < 0)
		r = error_prefix(err, r, "--language");
	if (r == 0 && (r = prompt_template_open(dir, options_str(o, "template"), &t, err)) < 0)
		r = error_prefix(err, r, "--template");
	if (r == 0)
		r = load_task(g->store, options_args(o)[0], &task, err);
	if (r == 0)
		r = say(g, task, lang, t, err);
	prompt_template_close(t);
	language_set_clear(&languages);
	return r < 0 ? r : EXIT_DONE;
}

static const struct option_spec prompt_options[] = {
	{ "language", OPTION_STRING, "L", NULL, "language that the program is to be in", false },
	{ "template", OPTION_STRING, "NAME", "chat-v1", "prompt template", true },
	{ "templates-dir", OPTION_STRING, "DIR", NULL, "folder of prompt templates", true },
	{ "languages-dir", OPTION_STRING, "DIR", NULL, "folder of language recipes", true },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_prompt = {
	.name = "prompt",
	.summary = "print the messages that a policy would be sent for a task",
	.usage = "TASK",
	.description = "Only cases marked visible are in a prompt. With --json an object with messages (as a chat server gets "
		       "them) and plain (as a server of plain completions does).",
	.options = prompt_options,
	.main = prompt_main,
};
