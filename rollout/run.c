/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - a new run: tasks, items, prompts; and its row in the store. */
#include "rollout/run_internal.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "filters/extract.h"
#include "rollout/reference.h"

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

/* A word, or commas between words; both forms come from options. */
static int add_language(struct run *r, const struct judging *j, const char *word, struct error *err)
{
	const struct language *l = language_find(&j->languages, word);

	if (!l)
		return error_set(err, ERR_INPUT, "--languages: unknown language '%s'; 'winnow languages' lists them",
				 word);
	for (size_t i = 0; i < r->n_languages; i++)
		if (r->languages[i] == l)
			return 0;
	r->languages[r->n_languages++] = l;
	return 0;
}

int run_resolve_languages(struct run *r, const struct judging *j, struct error *err)
{
	const char *text = run_str(r, "languages");
	char **words = NULL;
	size_t n = 0;
	int rc;

	rc = str_split(text ? text : "python", ',', &words, &n, err);
	if (rc < 0)
		return rc;
	r->languages = mem_calloc(n + 1, sizeof(struct language *));
	if (!r->languages)
		rc = nomem(err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_language(r, j, words[i], err);
	str_list_free(words);
	return rc;
}

int run_open_template(struct run *r, struct error *err)
{
	const char *dir = run_str(r, "templates_dir");
	int rc = prompt_template_open(dir ? dir : prompt_default_dir(), run_str(r, "template"), &r->template, err);

	return rc < 0 ? error_prefix(err, rc, "--template") : run_adopt_stop(r, err);
}

const struct language *run_language(const struct run *r, const struct judging *j, const char *word)
{
	const struct language *l = language_find(&j->languages, word);

	for (size_t i = 0; l && i < r->n_languages; i++)
		if (r->languages[i] == l)
			return l;
	return NULL;
}

size_t run_group(const struct run *r, size_t item, const struct language *l)
{
	if (!r->by_record)
		return item;
	for (size_t i = 0; i < r->n_languages; i++)
		if (r->languages[i] == l)
			return item * r->n_languages + i;
	return item * r->n_languages;
}

int run_init_plan(struct run *r, struct error *err)
{
	int rc = plan_init(&r->plan, r->n_items, r->samples, err);

	if (rc < 0)
		return rc;
	r->tally.n_groups = r->n_items * (r->by_record ? r->n_languages : 1);
	r->tally.groups = mem_calloc(r->tally.n_groups + 1, sizeof(*r->tally.groups));
	if (!r->tally.groups)
		return nomem(err);
	r->tally.planned = plan_size(&r->plan);
	return 0;
}

static int select_tasks(struct run *r, struct store *s, struct error *err)
{
	int rc = store_select_tasks(s, run_str(r, "select"), true, &r->selected, &r->n_selected, err);

	if (rc < 0)
		return rc;
	if (!r->n_selected && run_str(r, "select"))
		return error_set(err, ERR_INPUT, "--select '%s' chooses none of the tasks of '%s'", run_str(r, "select"),
				 store_path(s));
	if (!r->n_selected)
		return error_set(err, ERR_INPUT, "the store '%s' holds no tasks; import some first", store_path(s));
	r->tasks = mem_calloc(r->n_selected, sizeof(*r->tasks));
	if (!r->tasks)
		return nomem(err);
	for (size_t i = 0; i < r->n_selected; i++)
		if (plan_shard_has(&r->shard, i))
			r->tasks[r->n_tasks++] = (struct run_task){ .task = r->selected[i].task,
								    .row = r->selected[i].row,
								    .quarantined = r->selected[i].quarantined };
	if (!r->n_tasks)
		return error_set(err, ERR_INPUT, "--shard %s: no task of %zu falls to it", run_str(r, "shard"),
				 r->n_selected);
	return 0;
}

/* A quarantine by an earlier reference check is looked at again by this run's check. */
static const char *plan_skip(const struct run *r, const struct judging *j, const struct run_task *t,
			     const struct language *l)
{
	const char *why = NULL;

	if (t->quarantined && (run_flag(r, "no_reference_check") || !str_starts(t->quarantined, "reference ")))
		return skip_reason_name(SKIP_TASK_QUARANTINED);
	if (!r->by_record)
		why = judge_skip_reason(j->judge, t->task, l->name);
	if (!why)
		return NULL;
	return skip_reason_name((enum skip_reason)skip_reason_parse(why));
}

static int make_messages(struct run *r, struct run_item *item, char **ret, struct error *err)
{
	cleanup_json json_t *messages = NULL;
	cleanup_buf struct buf b = { 0 };
	int rc;

	rc = prompt_messages(r->template, r->tasks[item->task].task, item->language->name, item->language->title,
			     item->language->conventions,
			     &messages, err);
	if (rc < 0)
		return error_prefix(err, rc, "task '%s'", r->tasks[item->task].task->id);
	buf_init(&b, 64u << 20);
	rc = json_dump_canonical(messages, &b, err);
	if (rc == 0)
		rc = buf_check(&b, "prompt", err);
	if (rc < 0)
		return rc;
	*ret = buf_steal(&b, NULL);
	return *ret ? 0 : nomem(err);
}

int run_plan(struct run *r, struct store *s, const struct judging *j, struct error *err)
{
	size_t n_languages;
	int rc;

	rc = run_resolve_languages(r, j, err);
	if (rc == 0)
		rc = run_open_template(r, err);
	if (rc == 0)
		rc = select_tasks(r, s, err);
	if (rc < 0)
		return rc;
	n_languages = r->by_record ? 1 : r->n_languages;
	r->items = mem_calloc(r->n_tasks * n_languages, sizeof(*r->items));
	r->messages = mem_calloc(r->n_tasks * n_languages, sizeof(*r->messages));
	if (!r->items || !r->messages)
		return nomem(err);
	for (size_t i = 0; i < r->n_tasks; i++) {
		for (size_t k = 0; k < n_languages; k++) {
			struct run_item *item = &r->items[r->n_items];

			*item = (struct run_item){ .task = i, .language = r->languages[k] };
			item->skip = plan_skip(r, j, &r->tasks[i], item->language);
			rc = make_messages(r, item, &r->messages[r->n_items], err);
			if (rc < 0)
				return rc;
			item->messages_json = r->messages[r->n_items++];
		}
	}
	return run_init_plan(r, err);
}

/* {"python": "cpython 3.11.2", …} of the run's languages. */
static json_t *toolchains(const struct run *r)
{
	json_t *ret = json_object();

	for (size_t i = 0; ret && i < r->n_languages; i++)
		if (json_object_set_new(ret, r->languages[i]->name, json_string(r->languages[i]->toolchain)) < 0) {
			json_decref(ret);
			return NULL;
		}
	return ret;
}

static int dump(const json_t *j, struct buf *b, struct error *err)
{
	int rc;

	buf_init(b, 64u << 20);
	if (!j)
		return nomem(err);
	rc = json_dump_canonical(j, b, err);
	return rc < 0 ? rc : buf_check(b, "configuration", err);
}

int run_create(struct run *r, struct store *s, const struct judging *j, const struct policy *p, struct error *err)
{
	cleanup_mem struct store_plan_item *plan = mem_calloc(r->n_items, sizeof(*plan));
	cleanup_json json_t *tools = toolchains(r), *text = prompt_template_text(r->template);
	cleanup_buf struct buf config, tools_text;
	struct store_run row = {
		.kind = "run",
		.policy_spec = run_str(r, "policy"), .policy_kind = policy_kind(p), .policy_name = policy_name(p),
		.policy_version = policy_version(p), .policy_version_number = -1,
		.template_name = prompt_template_name(r->template),
		.template_version = prompt_template_version(r->template),
		.template_text = text, .template_digest = prompt_template_digest(r->template),
		.select = run_str(r, "select"), .seed = r->seed, .samples = r->samples,
		.isolation = tier_name(judge_info(j->judge)->tier),
		.judge_version = JUDGE_VERSION, .extract_version = EXTRACT_VERSION,
		.winnow_version = winnow_version(), .shard = run_str(r, "shard"),
	};
	const char *said = run_str(r, "policy_version"), *label;
	uint64_t number;
	int rc;

	rc = dump(r->config, &config, err);
	if (rc == 0)
		rc = dump(tools, &tools_text, err);
	else
		buf_init(&tools_text, 1);
	if (rc < 0)
		return rc;
	if (!plan)
		return nomem(err);
	if (said) {
		rc = policy_version_parse(said, &number, &label, err);
		if (rc < 0)
			return rc;
		row.policy_version_number = (int64_t)number;
	}
	row.config_json = config.data;
	row.toolchains_json = tools_text.data;
	for (size_t i = 0; i < r->n_items; i++)
		plan[i] = (struct store_plan_item){ .task_row = r->tasks[r->items[i].task].row,
						    .language = r->items[i].language->name,
						    .messages_json = r->items[i].messages_json,
						    .skip_reason = r->items[i].skip };
	rc = store_begin(s, err);
	if (rc < 0)
		return rc;
	rc = store_run_create(s, &row, plan, r->n_items, &r->id, err);
	if (rc == 0)
		rc = store_commit(s, err);
	if (rc < 0)
		store_rollback(s);
	return rc;
}

void run_clear(struct run *r)
{
	plan_clear(&r->plan);
	mem_free(r->tally.groups);
	for (size_t i = 0; i < r->n_pending; i++)
		mem_free(r->pending[i].text);
	mem_free(r->pending);
	if (r->messages)
		for (size_t i = 0; i < r->n_items; i++)
			mem_free(r->messages[i]);
	mem_free(r->messages);
	mem_free(r->items);
	mem_free(r->tasks);
	mem_free(r->languages);
	prompt_template_close(r->template);
	if (r->has_loaded)
		store_run_row_clear(&r->loaded);
	store_tasks_free(r->selected, r->n_selected);
	mem_free(r->state);
	json_decref(r->stop);
	json_decref(r->config);
	memset(r, 0, sizeof(*r));
}
