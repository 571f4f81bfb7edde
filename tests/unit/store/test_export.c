/* SPDX-License-Identifier: Apache-2.0 */
/* test_export.c - what leaves a store, in which shape, and that the same store gives the same bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/export.h"
#include "store_fixture.h"

#define SAMPLES 60
#define TASKS 12

static int64_t fill_into(struct store *s, unsigned tasks, unsigned samples)
{
	struct fill how = { .n_tasks = tasks, .n_samples = samples, .seed = 7 };
	struct error err = ERROR_INIT;
	int64_t run = 0;

	if (fixture_fill(s, &how, &run, &err) < 0)
		fail_msg("cannot fill: %s", err.msg);
	return run;
}

static void fill(struct fixture *f)
{
	fixture_open(f);
	fill_into(f->s, TASKS, SAMPLES);
	fixture_reopen(f, STORE_READ);
}

static char out_path[160];
static const char *out_dir(const struct fixture *f, const char *name)
{
	snprintf(out_path, sizeof(out_path), "%s/%s", f->dir, name);
	return out_path;
}

/* Export without compression; NULL and *err on failure. */
static json_t *try_export(struct fixture *f, const char *name, struct export_options opt, struct error *err)
{
	json_t *manifest = NULL;

	opt.out_dir = out_dir(f, name);
	opt.winnow_version = "0.1.0";
	if (export_run(f->s, &opt, &manifest, err) < 0)
		assert_null(manifest);
	return manifest;
}

static json_t *must_export(struct fixture *f, const char *name, struct export_options opt)
{
	struct error err = ERROR_INIT;
	json_t *manifest = try_export(f, name, opt, &err);

	if (!manifest)
		fail_msg("export: %s", err.msg);
	return manifest;
}

/* All rows of an uncompressed export, in order. */
static json_t *read_rows(const struct fixture *f, const char *name, const json_t *manifest)
{
	json_t *rows = json_array(), *shard;
	size_t i;

	json_array_foreach(json_object_get(manifest, "shards"), i, shard) {
		char path[256];
		struct buf b;
		size_t n = 0;

		snprintf(path, sizeof(path), "%s/%s", out_dir(f, name), json_get_str(shard, "file"));
		buf_init(&b, 1 << 28);
		assert_int_equal(fs_read_file(path, &b, NULL), 0);
		for (const char *p = b.data, *eol; (eol = strchr(p, '\n')); p = eol + 1) {
			json_t *row = NULL;

			assert_int_equal(json_parse(p, (size_t)(eol - p), &row, NULL), 0);
			json_array_append_new(rows, row);
			n++;
		}
		assert_int_equal(n, json_get_int(shard, "rows", -1));
		buf_clear(&b);
	}
	assert_int_equal(json_array_size(rows), json_get_int(manifest, "rows", -1));
	return rows;
}

static json_int_t left_out(const json_t *manifest, const char *reason)
{
	return json_get_int(json_object_get(json_object_get(manifest, "filters"), "left_out"), reason, 0);
}

static json_int_t left_out_total(const json_t *manifest)
{
	json_t *left = json_object_get(json_object_get(manifest, "filters"), "left_out"), *n;
	json_int_t sum = 0;
	const char *key;

	json_object_foreach(left, key, n)
		sum += json_integer_value(n);
	return sum;
}

/* --- rollouts --- */

static void rollouts__account_for_every_sample(void **state)
{
	struct fixture *f = *state;
	json_t *m;

	fill(f);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS });
	assert_int_equal(json_get_int(m, "rows", 0) + left_out_total(m), TASKS * SAMPLES);
	assert_int_equal(left_out(m, "failed"), fixture_count(f->s, "SELECT count(*) FROM v_samples WHERE state = 'failed'"));
	assert_int_equal(left_out(m, "flaky"), fixture_count(f->s, "SELECT count(*) FROM v_samples WHERE flaky AND state = 'judged'"));
	assert_int_equal(json_get_int(m, "groups", 0), TASKS);
	json_decref(m);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .with_flaky = true });
	assert_int_equal(left_out(m, "flaky"), 0);
	json_decref(m);
}

static void rollouts__have_group_relative_advantages(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *row;
	double sum = 0, squares = 0;
	json_int_t size = 0, n = 0, graded = 0;
	size_t i, nulls = 0;
	const char *group = "";

	fill(f);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS });
	rows = read_rows(f, "r", m);
	json_array_foreach(rows, i, row) {
		const json_t *reward = json_object_get(row, "reward"), *advantage = json_object_get(row, "advantage");

		if (!str_eq(group, json_get_str(row, "group"))) {
			assert_int_equal(n, size);
			assert_true(fabs(sum) < 1e-9);
			assert_true(!graded || fabs(squares / (double)graded - 1) < 1e-9);
			group = json_get_str(row, "group");
			size = json_get_int(row, "group_size", 0);
			sum = squares = 0;
			n = graded = 0;
		}
		n++;
		if (str_eq(json_get_str(row, "verdict"), "internal_error")) {
			assert_true(json_is_null(reward) && json_is_null(advantage));
			assert_true(json_is_null(json_object_get(row, "passed")));
			nulls++;
			continue;
		}
		graded++;
		assert_true(json_number_value(reward) == (str_eq(json_get_str(row, "verdict"), "accepted") ? 1 : 0));
		sum += json_number_value(advantage);
		squares += json_number_value(advantage) * json_number_value(advantage);
	}
	assert_true(nulls > 0);
	assert_int_equal(n, size);
	json_decref(rows);
	json_decref(m);
}

static void rollouts__come_in_natural_order(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *row;
	int task = -1, sample = -1;
	size_t i;

	fill(f);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .shards = 4 });
	rows = read_rows(f, "r", m);
	json_array_foreach(rows, i, row) {
		int now = atoi(json_get_str(row, "task_id") + strlen("Made/"));
		int index = (int)json_get_int(row, "sample", -1);

		assert_true(now > task || (now == task && index > sample));
		task = now;
		sample = index;
	}
	assert_int_equal(task, TASKS - 1); /* Made/11 after Made/9 */
	json_decref(rows);
	json_decref(m);
}

static void rollouts__hide_measured_values_unless_asked(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *row;
	size_t i, near = 0;

	fill(f);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS });
	rows = read_rows(f, "r", m);
	json_array_foreach(rows, i, row) {
		char *flags = json_dumps(json_object_get(row, "flags"), 0);

		assert_null(json_object_get(row, "measured"));
		assert_null(strstr(flags, "near_limit"));
		free(flags);
	}
	json_decref(rows);
	json_decref(m);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .with_measurements = true });
	rows = read_rows(f, "r", m);
	json_array_foreach(rows, i, row) {
		char *flags = json_dumps(json_object_get(row, "flags"), 0);

		assert_true(json_is_number(json_object_get(json_object_get(row, "measured"), "cpu_ms")));
		near += strstr(flags, "near_limit") != NULL;
		free(flags);
	}
	assert_true(near > 0);
	assert_true(json_is_true(json_object_get(m, "with_measurements")));
	json_decref(rows);
	json_decref(m);
}

/* --- the same bytes --- */

static char *all_bytes(const struct fixture *f, const char *name, bool with_manifest)
{
	char **names;
	struct buf b;
	size_t n;

	buf_init(&b, 1 << 28);
	assert_int_equal(fs_list(out_dir(f, name), &names, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		char *path = fs_join(out_dir(f, name), names[i]);
		struct buf one;

		buf_init(&one, 1 << 28);
		if (with_manifest || (!str_eq(names[i], "manifest.json") && !str_eq(names[i], "README.md"))) {
			assert_int_equal(fs_read_file(path, &one, NULL), 0);
			buf_addf(&b, "== %s %zu\n", names[i], one.len);
			for (size_t k = 0; k < one.len; k++)
				buf_addf(&b, "%02x", (unsigned char)one.data[k]);
		}
		buf_clear(&one);
		mem_free(path);
	}
	str_list_free(names);
	return buf_steal(&b, NULL);
}

static void exports__of_one_store_are_the_same_bytes(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (int format = 0; format < EXPORT_FORMAT_COUNT; format++)
		for (int kind = COMPRESS_NONE; kind <= COMPRESS_ZSTD; kind++) {
			struct export_options opt = { .format = (enum export_format)format, .shards = 3,
						      .compress = (enum compress_kind)kind, .with_measurements = true };
			char a[32], b[32], *x, *y;

			snprintf(a, sizeof(a), "a%d%d", format, kind);
			snprintf(b, sizeof(b), "b%d%d", format, kind);
			json_decref(must_export(f, a, opt));
			json_decref(must_export(f, b, opt));
			json_decref(must_export(f, b, opt)); /* over itself */
			x = all_bytes(f, a, true);
			y = all_bytes(f, b, true);
			assert_string_equal(x, y);
			mem_free(x);
			mem_free(y);
		}
}

static void runs__of_one_seed_export_the_same_rows(void **state)
{
	struct fixture *f = *state;
	char *x[3];

	/* Two runs in one store, and one in another: other run ids, other times. */
	fixture_open(f);
	fill_into(f->s, TASKS, SAMPLES);
	fill_into(f->s, TASKS, SAMPLES);
	for (int format = 0; format < EXPORT_FORMAT_COUNT; format++) {
		struct export_options opt = { .format = (enum export_format)format };
		char name[32];

		for (int i = 0; i < 2; i++) {
			snprintf(name, sizeof(name), "o%d%d", format, i);
			opt.runs = i ? "last" : "1";
			json_decref(must_export(f, name, opt));
			x[i] = all_bytes(f, name, false);
		}
		assert_string_equal(x[0], x[1]);
		assert_true(strlen(x[0]) > 1000 || format == EXPORT_HARD_UNSOLVED); /* all are solved */
		mem_free(x[0]);
		mem_free(x[1]);
	}
	json_decref(must_export(f, "one", (struct export_options){ .format = EXPORT_ROLLOUTS, .runs = "1" }));
	x[0] = all_bytes(f, "one", false);
	store_close(f->s);
	f->s = NULL;
	snprintf(f->path, sizeof(f->path), "%s/other.db", f->dir);
	fill(f);
	json_decref(must_export(f, "other", (struct export_options){ .format = EXPORT_ROLLOUTS }));
	x[1] = all_bytes(f, "other", false);
	assert_string_equal(x[0], x[1]);
	mem_free(x[0]);
	mem_free(x[1]);
}

static void runs__of_one_configuration_are_groups_apart(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *ids = json_object(), *row;
	size_t i;

	fixture_open(f);
	fill_into(f->s, 2, 8);
	fill_into(f->s, 2, 8);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS });
	rows = read_rows(f, "r", m);
	assert_int_equal(json_get_int(m, "groups", 0), 4);
	json_array_foreach(rows, i, row)
		json_object_set(ids, json_get_str(row, "id"), row);
	assert_int_equal(json_object_size(ids), json_array_size(rows));
	json_decref(ids);
	json_decref(rows);
	json_decref(m);
	/* sft takes each program once all the same */
	m = must_export(f, "s", (struct export_options){ .format = EXPORT_SFT });
	assert_int_equal(json_get_int(m, "rows", 0),
			 fixture_count(f->s, "SELECT count(DISTINCT task_id || program_id) FROM v_samples WHERE passed AND NOT flaky"));
	json_decref(m);
}

/* --- shards --- */

static void shards__never_split_a_group(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (uint32_t n = 1; n <= 20; n += n < 4 ? 1 : 8) {
		json_t *m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .shards = n }), *shard;
		json_t *rows = read_rows(f, "r", m), *seen = json_object();
		size_t i, at = 0;

		assert_int_equal(json_array_size(json_object_get(m, "shards")), n < TASKS ? n : TASKS);
		json_array_foreach(json_object_get(m, "shards"), i, shard) {
			json_int_t k = json_get_int(shard, "rows", 0);

			assert_true(k > 0);
			for (; k; k--, at++) {
				const char *group = json_get_str(json_array_get(rows, at), "group");
				json_int_t where = json_get_int(seen, group, (json_int_t)i);

				assert_int_equal(where, i);
				json_object_set_new(seen, group, json_integer((json_int_t)i));
			}
		}
		assert_int_equal(json_object_size(seen), TASKS);
		json_decref(seen);
		json_decref(rows);
		json_decref(m);
	}
}

static void shards__of_nothing_are_one(void **state)
{
	struct fixture *f = *state;
	json_t *m;

	fill(f);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_SFT, .shards = 4, .where = "0" });
	assert_int_equal(json_get_int(m, "rows", -1), 0);
	assert_int_equal(json_array_size(json_object_get(m, "shards")), 1);
	assert_int_equal(left_out(m, "where"), TASKS * SAMPLES);
	json_decref(m);
}

/* --- sft and dpo --- */

static void sft__has_accepted_programs_once(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *row;
	size_t i;

	fill(f);
	m = must_export(f, "s", (struct export_options){ .format = EXPORT_SFT });
	rows = read_rows(f, "s", m);
	assert_string_equal(json_get_str(m, "shape"), "messages");
	assert_int_equal(json_array_size(rows),
			 fixture_count(f->s, "SELECT count(DISTINCT task_id || program_id) FROM v_samples WHERE passed AND NOT flaky"));
	assert_int_equal(json_array_size(rows) + (size_t)left_out_total(m), TASKS * SAMPLES);
	json_array_foreach(rows, i, row) {
		const json_t *messages = json_object_get(row, "messages");
		const json_t *last = json_array_get(messages, json_array_size(messages) - 1);

		assert_int_equal(json_array_size(messages), 2);
		assert_string_equal(json_get_str(last, "role"), "assistant");
		assert_non_null(strstr(json_get_str(last, "content"), json_get_str(row, "program")));
	}
	json_decref(rows);
	json_decref(m);
}

static void dpo__pairs_accepted_with_wrong(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *row, *per_task = json_object(), *used = json_object();
	size_t i;

	fill(f);
	m = must_export(f, "d", (struct export_options){ .format = EXPORT_DPO, .pairs_per_task = 3 });
	rows = read_rows(f, "d", m);
	assert_true(json_array_size(rows) > TASKS);
	json_array_foreach(rows, i, row) {
		const char *task = json_get_str(row, "task_id");
		json_int_t n = json_get_int(per_task, task, 0) + 1;

		assert_true(n <= 3);
		json_object_set_new(per_task, task, json_integer(n));
		assert_string_equal(json_get_str(row, "rejected_verdict"), "wrong_answer");
		assert_false(json_equal(json_object_get(row, "chosen"), json_object_get(row, "rejected")));
		assert_string_equal(json_get_str(json_array_get(json_object_get(row, "prompt"), 0), "role"), "user");
		assert_null(json_object_get(used, json_get_str(row, "chosen_id")));
		assert_null(json_object_get(used, json_get_str(row, "rejected_id")));
		json_object_set_new(used, json_get_str(row, "chosen_id"), json_true());
		json_object_set_new(used, json_get_str(row, "rejected_id"), json_true());
	}
	assert_int_equal(2 * json_array_size(rows) + (size_t)left_out_total(m), TASKS * SAMPLES);
	json_decref(per_task);
	json_decref(used);
	json_decref(rows);
	json_decref(m);
}

/* --- raw continuations --- */

/* One task of a code prompt with an accepted and a wrong completion, and a later attempt of the first. */
static void fill_plain(struct fixture *f, enum extract_mode second)
{
	static const uint8_t key_a[32] = { 1 }, key_b[32] = { 2 };
	struct store_import imp = { .format = "native", .path = "p" };
	struct error err = ERROR_INIT;
	struct store_run run = { .kind = "run", .policy_kind = "replay", .policy_name = "p", .policy_version_number = -1,
				 .config_json = "{}", .samples = 2 };
	struct judgement good = { .verdict = VERDICT_ACCEPTED, .tests_passed = 1, .tests_total = 1, .judging = "separate",
				  .tier = "namespaces", .toolchain = "cpython" };
	struct judgement bad = { .verdict = VERDICT_WRONG_ANSWER, .tests_passed = -1, .tests_total = -1,
				 .judging = "separate", .tier = "namespaces", .toolchain = "cpython" };
	struct store_sample row = { .origin = "sample", .language = "python", .state = SAMPLE_PENDING, .seed = -1,
				    .mode = EXTRACT_COMPLETION, .completion = "    return 1\n", .completion_len = 13,
				    .program = "def f():\n    return 1\n", .program_len = 22 };
	struct store_plan_item plan = { .language = "python", .messages_json = "[{\"content\":\"x\",\"role\":\"user\"}]" };
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "task_id", "P/1", "prompt", "def f():\n", "entry_point",
			      "f", "prompt_language", "python", "tests", "kind", "calls", "check", "assert f() == 1");
	struct store_task *tasks;
	struct task *task = NULL;
	int64_t id, good_id, bad_id;
	size_t n;

	fixture_open(f);
	assert_int_equal(task_parse(j, &task, &err), 0);
	assert_int_equal(store_put_tasks(f->s, &imp, &task, NULL, 1, NULL, &err), 0);
	task_free(task);
	assert_int_equal(store_select_tasks(f->s, NULL, false, &tasks, &n, &err), 0);
	plan.task_row = tasks[0].row;
	store_tasks_free(tasks, n);
	assert_int_equal(store_run_create(f->s, &run, &plan, 1, &id, &err), 0);
	assert_int_equal(store_begin(f->s, &err), 0);
	assert_int_equal(store_put_judgement(f->s, key_a, &good, &good_id, &err), 0);
	assert_int_equal(store_put_judgement(f->s, key_b, &bad, &bad_id, &err), 0);
	for (uint32_t i = 0; i < 3; i++) { /* index 0 twice: the later attempt is the one that counts */
		row.run_id = id;
		row.index = i / 2;
		row.attempt = i % 2;
		row.sample_id = store_sample_id(id, 0, row.index, row.attempt);
		if (i == 2) {
			row.completion = "    return 2\n";
			row.program = "def f():\n    return 2\n";
			row.mode = second;
		}
		if (store_put_sample(f->s, &row, &err) < 0 ||
		    store_judge_sample(f->s, row.sample_id, i == 1 ? good_id : bad_id, 0, &err) < 0)
			fail_msg("%s", err.msg);
	}
	assert_int_equal(store_commit(f->s, &err), 0);
}

static void plain__completions_have_text_columns(void **state)
{
	struct fixture *f = *state;
	json_t *m, *rows, *row;

	fill_plain(f, EXTRACT_COMPLETION);
	m = must_export(f, "s", (struct export_options){ .format = EXPORT_SFT });
	rows = read_rows(f, "s", m);
	assert_string_equal(json_get_str(m, "shape"), "plain");
	assert_int_equal(left_out(m, "superseded"), 1);
	assert_int_equal(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	assert_string_equal(json_get_str(row, "prompt"), "def f():\n");
	assert_string_equal(json_get_str(row, "completion"), "    return 1\n");
	assert_null(json_object_get(row, "messages"));
	json_decref(rows);
	json_decref(m);
	m = must_export(f, "d", (struct export_options){ .format = EXPORT_DPO });
	rows = read_rows(f, "d", m);
	row = json_array_get(rows, 0);
	assert_string_equal(json_get_str(row, "prompt"), "def f():\n");
	assert_string_equal(json_get_str(row, "chosen"), "    return 1\n");
	assert_string_equal(json_get_str(row, "rejected"), "    return 2\n");
	json_decref(rows);
	json_decref(m);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .trainer = "trl" });
	rows = read_rows(f, "r", m);
	row = json_array_get(rows, 1);
	assert_string_equal(json_get_str(row, "completion"), "    return 2\n");
	assert_true(json_is_null(json_object_get(json_object_get(row, "reward_parts"), "tests_fraction")));
	assert_true(json_is_null(json_object_get(row, "tests_passed")));
	json_decref(rows);
	json_decref(m);
}

static void plain__and_chat_do_not_mix(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	json_t *m;

	fill_plain(f, EXTRACT_CHAT);
	assert_null(try_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .trainer = "trl" }, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.msg, "plain"));
	assert_false(fs_exists(out_dir(f, "r")));
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS }); /* the canonical row holds both */
	assert_int_equal(json_get_int(m, "rows", 0), 2);
	json_decref(m);
}

/* --- filters --- */

struct where_case { const char *name, *where, *error; };
static struct where_case where_cases[] = {
	{ "where: a column", "verdict = 'accepted' -- mine", NULL },
	{ "where: an unknown column", "colour = 1", "no such column" },
	{ "where: a column of ours that v_samples lacks", "completion_row > 0", "no such column" },
	{ "where: a second statement", "1; DELETE FROM sample", "without ';'" },
	{ "where: nothing", "  ", "--where" },
	{ "where: unbalanced", "1) OR (1", NULL },
	{ "where: cut off", "(1", "--where" },
	{ "where: a function that loads code", "load_extension('x') = 1", "--where" },
};

static void where_run(void **state)
{
	const struct where_case *c = *state;
	struct error err = ERROR_INIT;
	struct fixture *f;
	void *own;
	json_t *m;

	assert_int_equal(fixture_setup(&own), 0);
	f = own;
	fixture_open(f);
	fill_into(f->s, 2, 20);
	m = try_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .where = c->where }, &err);
	if (c->error) {
		assert_null(m);
		assert_int_equal(err.code, ERR_INPUT);
		if (!strstr(err.msg, c->error))
			fail_msg("'%s' is not in '%s'", c->error, err.msg);
		assert_false(fs_exists(out_dir(f, "r")));
	} else if (!m) {
		fail_msg("%s", err.msg);
	}
	json_decref(m);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM sample"), 40);
	fixture_teardown(&own);
}

static void where__leaves_the_rest_out(void **state)
{
	struct fixture *f = *state;
	json_t *m;

	fill(f);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS, .where = "split = 'holdout'" });
	assert_int_equal(json_get_int(m, "groups", 0), TASKS / 3);
	assert_int_equal(left_out(m, "where"), TASKS * SAMPLES * 2 / 3);
	json_decref(m);
}

static void quarantined__tasks_stay_out(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	json_t *m;

	fixture_open(f);
	fill_into(f->s, TASKS, SAMPLES);
	assert_int_equal(store_quarantine_task(f->s, 1, "its reference fails", &err), 0);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS });
	assert_int_equal(json_get_int(m, "groups", 0), TASKS - 1);
	assert_int_equal(left_out(m, "quarantined"), SAMPLES);
	json_decref(m);
}

static void damaged__rows_stay_out(void **state)
{
	struct fixture *f = *state;
	json_int_t damaged;
	sqlite3 *db;
	json_t *m;

	fixture_open(f);
	fill_into(f->s, TASKS, SAMPLES);
	store_close(f->s);
	f->s = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE content SET body = replace(body, 'return', 'Return') WHERE content_row IN"
				      " (SELECT completion_row FROM sample WHERE sample_index < 2);"
				      "UPDATE judgement SET verdict = 'accepted' WHERE judgement_id IN (SELECT judgement_id"
				      " FROM sample WHERE sample_index = 2 AND ordinal = 3)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	fixture_reopen(f, STORE_READ);
	damaged = fixture_count(f->s, "SELECT count(*) FROM temp.intact_sample_all WHERE NOT intact");
	assert_true(damaged > TASKS);
	m = must_export(f, "r", (struct export_options){ .format = EXPORT_ROLLOUTS });
	assert_true(left_out(m, "damaged") >= TASKS);
	assert_int_equal(json_get_int(m, "rows", 0) + left_out_total(m), TASKS * SAMPLES);
	json_decref(m);
}

static void options__that_are_wrong(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	enum export_format format;

	fill(f);
	assert_null(try_export(f, "r", (struct export_options){ .format = EXPORT_SFT, .runs = "9" }, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_null(try_export(f, "r", (struct export_options){ .format = EXPORT_SFT, .trainer = "other" }, &err));
	assert_non_null(strstr(err.msg, "'other'"));
	assert_int_equal(export_format_parse("csv", &format, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "sft rollouts dpo"));
	assert_int_equal(export_format_parse("dpo", &format, &err), 0);
	assert_int_equal(format, EXPORT_DPO);
}

static void memory__each_failure_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned long nth;

	fixture_open(f);
	fill_into(f->s, 2, 6);
	for (nth = 1; nth < 3000; nth++) {
		struct error err = ERROR_INIT;
		bool fired;
		json_t *m;

		mem_fault_at(nth);
		m = try_export(f, "r", (struct export_options){ .format = EXPORT_DPO, .shards = 2 }, &err);
		fired = mem_fault_fired();
		mem_fault_at(0);
		if (!fired) {
			assert_non_null(m);
			json_decref(m);
			break;
		}
		json_decref(m);
		/* Not half an export: none, or (a failure in tidying up) a whole one. */
		if (!m && fs_exists(out_dir(f, "r"))) {
			char *bytes = all_bytes(f, "r", true);

			assert_null(strstr(bytes, ".tmp"));
			mem_free(bytes);
		}
	}
	assert_true(nth > 20 && nth < 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest others[] = {
		TEST(rollouts__account_for_every_sample), TEST(rollouts__have_group_relative_advantages),
		TEST(rollouts__come_in_natural_order), TEST(rollouts__hide_measured_values_unless_asked),
		TEST(exports__of_one_store_are_the_same_bytes), TEST(runs__of_one_seed_export_the_same_rows),
		TEST(runs__of_one_configuration_are_groups_apart), TEST(shards__never_split_a_group),
		TEST(shards__of_nothing_are_one), TEST(sft__has_accepted_programs_once), TEST(dpo__pairs_accepted_with_wrong),
		TEST(plain__completions_have_text_columns), TEST(plain__and_chat_do_not_mix), TEST(where__leaves_the_rest_out),
		TEST(quarantined__tasks_stay_out), TEST(damaged__rows_stay_out), TEST(options__that_are_wrong),
		TEST(memory__each_failure_leaves_nothing),
	};
	struct CMUnitTest tests[ARRAY_SIZE(where_cases) + ARRAY_SIZE(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(where_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = where_cases[i].name, .test_func = where_run,
						  .initial_state = &where_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
