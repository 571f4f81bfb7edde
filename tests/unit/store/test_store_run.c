/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_run.c - runs, samples, judgements and their history, ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "store_fixture.h"

static const uint8_t digest[HASH_SHA256_BYTES] = { 0, 1, 0, 255 };

/* A run of three tasks, the first in two languages, the last left out. */
static int64_t make_run(struct store *s)
{
	cleanup_json json_t *template = json_pack("{s:s, s:[s]}", "system", "Be \xe2\x9c\x93", "stop", "```");
	struct store_run run = { .kind = "run", .policy_spec = "openai:http://h/v1#m", .policy_kind = "openai", .policy_name = "m",
				 .policy_version_number = -1, .template_name = "chat", .template_version = "2",
				 .template_text = template, .template_digest = digest, .config_json = "{}", .seed = UINT64_MAX,
				 .samples = 8, .isolation = "landlock", .toolchains_json = "{}", .judge_version = "1",
				 .extract_version = "1", .winnow_version = "0.1.0", .shard = "0/4" };
	struct store_plan_item plan[] = {
		{ .task_row = 1, .language = "python", .messages_json = "[{\"role\":\"user\"}]" },
		{ .task_row = 1, .language = "c", .messages_json = "[{\"role\":\"user\"}]" },
		{ .task_row = 2, .language = "python", .messages_json = "[]" },
		{ .task_row = 3, .language = "c", .skip_reason = "not_portable" },
	};
	struct error err = ERROR_INIT;
	int64_t id = 0;

	if (fixture_put_tasks(s, 3, 0, NULL, &err) < 0 || store_run_create(s, &run, plan, ARRAY_SIZE(plan), &id, &err) < 0)
		fail_msg("%s", err.msg);
	return id;
}

static void run__comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct store_run_row row;
	int64_t found;

	assert_int_equal(store_run_find(s, "last", &found, &err), ERR_NOTFOUND);
	assert_int_equal(make_run(s), 1);
	fixture_put_tasks(s, 3, 9, NULL, &err); /* newer revisions do not reach an older run */
	assert_int_equal(make_run(s), 2);
	assert_int_equal(store_run_load(s, 1, &row, &err), 0);
	assert_string_equal(row.state, "running");
	assert_string_equal(row.run.policy_spec, "openai:http://h/v1#m");
	assert_null(row.run.policy_version);
	assert_int_equal(row.run.policy_version_number, -1);
	assert_true(row.run.seed == UINT64_MAX);
	assert_int_equal(row.run.samples, 8);
	assert_string_equal(row.run.shard, "0/4");
	assert_null(row.run.select);
	assert_memory_equal(row.run.template_digest, digest, sizeof(digest));
	assert_string_equal(json_get_str(row.run.template_text, "system"), "Be \xe2\x9c\x93");
	assert_int_equal(row.n_plan, 4);
	assert_string_equal(row.plan[1].language, "c");
	assert_string_equal(row.plan[1].messages_json, "[{\"role\":\"user\"}]");
	assert_null(row.plan[1].skip_reason);
	assert_string_equal(row.plan[3].skip_reason, "not_portable");
	assert_ptr_equal(row.tasks[0], row.tasks[1]);
	assert_string_equal(row.tasks[2]->id, "Made/1");
	assert_int_equal(row.tasks[2]->cases[0].expect->integer, 2);
	store_run_row_clear(&row);
	store_run_row_clear(&row);
	assert_int_equal(store_run_load(s, 3, &row, &err), ERR_NOTFOUND);
	assert_int_equal(store_run_find(s, "last", &found, &err), 0);
	assert_int_equal(found, 2);
	assert_int_equal(store_run_find(s, "1", &found, &err), 0);
	assert_int_equal(found, 1);
	assert_int_equal(store_run_find(s, "3", &found, &err), ERR_NOTFOUND);
	assert_int_equal(store_run_find(s, "x", &found, &err), ERR_INPUT);
	assert_string_equal(fixture_ask(s, "SELECT seed FROM v_runs WHERE run_id = 1"), "\"18446744073709551615\"");
	fixture_assert_sound(s);
}

static void run__state_and_summary(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);

	make_run(s);
	assert_int_equal(store_run_set_state(s, 1, "stopped", "{\"a\":1}", &err), 0);
	assert_int_equal(store_run_set_state(s, 1, "complete", NULL, &err), 0);
	assert_string_equal(fixture_ask(s, "SELECT state || summary FROM v_runs"), "\"complete{\\\"a\\\":1}\"");
	assert_int_equal(store_run_set_state(s, 1, "merry", NULL, &err), ERR_INTERNAL);
	assert_int_equal(store_run_set_state(s, 7, "complete", NULL, &err), ERR_NOTFOUND);
	assert_int_equal(store_put_event(s, 1, "warn", "the server stalls", &err), 0);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM run_event WHERE run_id = 1 AND level = 'warn'"), 1);
	fixture_assert_sound(s);
}

static struct store_sample sample(uint32_t ordinal, uint32_t index)
{
	return (struct store_sample){ .sample_id = store_sample_id(1, ordinal, index, 0), .run_id = 1, .task_ordinal = ordinal,
				      .index = index, .origin = "sample", .language = "python", .state = SAMPLE_PENDING, .seed = -1,
				      .mode = EXTRACT_COMPLETION, .completion = "return 1\0x", .completion_len = 10 };
}

static struct judgement judgement(enum verdict v)
{
	return (struct judgement){ .verdict = v, .tests_passed = -1, .tests_total = -1, .visible_passed = 1, .visible_total = 2,
				   .cpu_us = 5, .wall_us = 6, .memory_bytes = 7, .compile_cpu_us = 8, .judging = "separate",
				   .tier = "landlock", .toolchain = "gcc 12.2.0", .exit_code = -1, .signal = 9, .flags = FLAG_SIGNAL };
}

struct seen { unsigned n; char last[200]; struct store_sample row; };
static int look(void *ctx, const struct store_sample *row)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->row = *row;
	snprintf(seen->last, sizeof(seen->last), "%s|%s|%s|%s", row->origin, row->language, row->reason ? row->reason : "-",
		 row->program ? row->program : "-");
	return row->completion && memcmp(row->completion, "return 1\0x", row->completion_len) != 0 ? -99 : 0;
}

static void sample__pending_holds_its_text_and_final_rows_stay(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct store_sample row = sample(0, 3);
	struct seen seen = { 0 };
	struct judgement j = judgement(VERDICT_ACCEPTED);
	int64_t id;

	make_run(s);
	row.reasoning = "hm";
	row.reasoning_len = 2;
	row.sampling_json = "{\"n\":4}";
	row.model = "m";
	row.token_ids_json = "[1,2]";
	row.truncated = true;
	assert_int_equal(store_put_sample(s, &row, &err), 0);
	assert_int_equal(store_each_sample(s, 1, true, true, look, &seen, &err), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.row.completion_len, 10);
	assert_int_equal(seen.row.extra_flags, FLAG_TRUNCATED);
	assert_int_equal(seen.row.seed, -1);
	assert_int_equal(seen.row.mode, EXTRACT_COMPLETION);
	assert_int_equal(seen.row.reasoning_len, 2);
	/* the same again, now failed, then sampled anew */
	row.state = SAMPLE_FAILED;
	row.reason = "http";
	assert_int_equal(store_put_sample(s, &row, &err), 0);
	assert_int_equal(store_each_sample(s, 1, true, true, look, &seen, &err), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(store_judge_sample(s, row.sample_id, 1, 0, &err), ERR_EXISTS);
	row.state = SAMPLE_PENDING;
	row.reason = NULL;
	row.program = "return 1";
	row.program_len = 8;
	assert_int_equal(store_put_sample(s, &row, &err), 0);
	assert_int_equal(store_put_judgement(s, digest, &j, &id, &err), 0);
	assert_int_equal(store_judge_sample(s, row.sample_id, id, FLAG_OVERFIT, &err), 0);
	assert_int_equal(store_put_sample(s, &row, &err), ERR_EXISTS);
	assert_string_equal(fixture_ask(s, "SELECT flags FROM v_samples"), "\"[\\\"overfit\\\",\\\"signal\\\",\\\"truncated\\\"]\"");
	assert_string_equal(fixture_ask(s, "SELECT program_id FROM v_samples"), "\"5efef616fdb95f38965663da5d9017572eee950b\"");
	/* skipped is final too */
	row = sample(2, 0);
	row.state = SAMPLE_SKIPPED;
	row.reason = "no_toolchain";
	assert_int_equal(store_put_sample(s, &row, &err), 0);
	assert_int_equal(store_put_sample(s, &row, &err), ERR_EXISTS);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(store_each_sample(s, 1, false, false, look, &seen, &err), 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.last, "sample|python|no_toolchain|-");
	assert_int_equal(store_each_sample(s, 2, false, false, look, &seen, &err), 0);
	assert_int_equal(seen.n, 2);
	fixture_assert_sound(s);
}

static void sample__refuses_what_has_no_place(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct store_sample row;

	make_run(s);
	row = sample(0, 0);
	row.sample_id++;
	assert_int_equal(store_put_sample(s, &row, &err), ERR_INTERNAL);
	row = sample(4, 0);
	assert_int_equal(store_put_sample(s, &row, &err), ERR_INTERNAL);
	assert_non_null(strstr(err.msg, "no task number 4"));
	row = sample(0, 0);
	row.state = SAMPLE_JUDGED;
	assert_int_equal(store_put_sample(s, &row, &err), ERR_INTERNAL);
	row.judgement_id = 5; /* which does not exist */
	assert_int_equal(store_put_sample(s, &row, &err), ERR_INTERNAL);
	assert_non_null(strstr(err.msg, "FOREIGN KEY"));
	assert_int_equal(store_judge_sample(s, 77, 1, 0, &err), ERR_NOTFOUND);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM sample"), 0);
	/* the largest of each part fits, one more does not */
	row = sample(0, STORE_MAX_SAMPLES - 1);
	row.attempt = STORE_MAX_ATTEMPTS - 1;
	row.sample_id = store_sample_id(1, 0, row.index, row.attempt);
	assert_int_equal(store_put_sample(s, &row, &err), 0);
	row.attempt++;
	row.sample_id = store_sample_id(1, 0, row.index, row.attempt);
	assert_int_equal(store_put_sample(s, &row, &err), ERR_INTERNAL);
	fixture_assert_sound(s);
}

static void judgement__one_a_key_but_for_internal_errors(void **state)
{
	static char message[] = "case 3", output[] = "warning: x", refused[] = "{\"ptrace\":2}";
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct judgement j = judgement(VERDICT_INTERNAL_ERROR), got;
	int64_t a, b, c, d, found;

	assert_int_equal(store_find_judgement(s, digest, &found, &got, &err), 0);
	assert_int_equal(store_put_judgement(s, digest, &j, &a, &err), 0);
	assert_int_equal(store_put_judgement(s, digest, &j, &b, &err), 0);
	assert_true(a != b);
	assert_int_equal(store_find_judgement(s, digest, &found, &got, &err), 0);
	j = judgement(VERDICT_COMPILE_ERROR);
	j.message = message;
	j.compile_output = output;
	j.refused = refused;
	assert_int_equal(store_put_judgement(s, digest, &j, &c, &err), 0);
	j.cpu_us = 999;
	assert_int_equal(store_put_judgement(s, digest, &j, &d, &err), 0);
	assert_int_equal(c, d);
	assert_int_equal(store_find_judgement(s, digest, &found, &got, &err), 1);
	assert_int_equal(found, c);
	assert_int_equal(got.verdict, VERDICT_COMPILE_ERROR);
	assert_int_equal(got.cpu_us, 5); /* the first's */
	assert_int_equal(got.tests_passed, -1);
	assert_int_equal(got.visible_total, 2);
	assert_int_equal(got.exit_code, -1);
	assert_int_equal(got.signal, 9);
	assert_int_equal(got.flags, FLAG_SIGNAL);
	assert_string_equal(got.message, "case 3");
	assert_string_equal(got.compile_output, "warning: x");
	assert_string_equal(got.refused, refused);
	assert_string_equal(got.judging, "separate");
	assert_string_equal(got.tier, "landlock");
	assert_string_equal(got.toolchain, "gcc 12.2.0");
	judgement_clear(&got);
	j.verdict = VERDICT_OK;
	assert_int_equal(store_put_judgement(s, digest, &j, &d, &err), ERR_INTERNAL);
	fixture_assert_sound(s);
}

static void judgement__history_is_kept(void **state)
{
	static const uint8_t other[32] = { 9 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct store_sample row = sample(0, 0);
	struct judgement j = judgement(VERDICT_ACCEPTED);
	int64_t a, b;

	make_run(s);
	assert_int_equal(store_put_sample(s, &row, &err), 0);
	assert_int_equal(store_put_judgement(s, digest, &j, &a, &err), 0);
	j.verdict = VERDICT_WRONG_ANSWER;
	assert_int_equal(store_put_judgement(s, other, &j, &b, &err), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(store_judge_sample(s, row.sample_id, i % 2 ? b : a, 0, &err), 0);
		assert_int_equal(store_judge_sample(s, row.sample_id, i % 2 ? b : a, 0, &err), 0); /* said twice, kept once */
	}
	assert_string_equal(fixture_ask(s, "SELECT verdict FROM v_samples"), "\"wrong_answer\"");
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_judgements"), 4);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_judgements WHERE current AND verdict = 'wrong_answer' AND replaced_at IS NULL"), 1);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_judgements WHERE NOT current AND replaced_at IS NOT NULL"), 3);
	fixture_assert_sound(s);
}

static void by_id(void *ctx, struct store_rank_item *items, size_t n)
{
	*(size_t *)ctx += n;
	for (size_t i = 0; i < n / 2; i++) { /* a rank function may reorder */
		struct store_rank_item t = items[i];

		items[i] = items[n - 1 - i];
		items[n - 1 - i] = t;
	}
	for (size_t i = 0; i < n; i++)
		items[i].rank = (unsigned)(n - i);
}

static void rank__is_by_task_and_language_over_all_runs(void **state)
{
	struct fixture *f = *state;
	struct fill how = { .n_tasks = 6, .n_samples = 30, .seed = 1 };
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	size_t ranked = 0;
	int64_t run;

	assert_int_equal(fixture_fill(s, &how, &run, &err), 0);
	how.seed = 2;
	assert_int_equal(fixture_fill(s, &how, &run, &err), 0);
	assert_int_equal(store_rank_run(s, 1, by_id, &ranked, &err), 0);
	assert_int_equal(ranked, fixture_count(s, "SELECT count(DISTINCT task_id || program_id) FROM v_samples WHERE passed"));
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM program_rank"), (int)ranked);
	/* by_id gives rank 1 to the lowest program_id of each task */
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_samples a JOIN v_samples b USING (task_id) WHERE a.rank < b.rank AND a.program_id >= b.program_id"), 0);
	assert_int_equal(fixture_count(s, "SELECT count(DISTINCT task_id) FROM v_samples WHERE rank = 1"), fixture_count(s, "SELECT count(DISTINCT task_id) FROM v_samples WHERE passed"));
	fixture_assert_sound(s);
}

/* ---- determinism ---- */

static int join_row(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	struct buf *out = ctx;

	(void)names;
	for (size_t i = 0; i < n; i++) {
		char *text = json_dumps(values[i], JSON_ENCODE_ANY);

		buf_adds(out, text);
		buf_addc(out, i + 1 < n ? '\t' : '\n');
		free(text);
	}
	return 0;
}

static void dump(struct store *s, struct buf *out)
{
	struct error err = ERROR_INIT;

	if (store_query(s, "SELECT sample_id, group_id, state, verdict, flags, passed, reward, flaky, duplicate_of, program_id, rank, reason"
			   " FROM v_samples ORDER BY sample_id", join_row, out, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Judge what was left pending, last sample first. */
static int judge_backwards(struct store *s)
{
	struct error err = ERROR_INIT;
	int64_t pending[512];
	size_t n = 0;
	char sql[200];

	for (;;) {
		snprintf(sql, sizeof(sql), "SELECT max(sample_id) FROM sample WHERE state = 'pending' AND sample_id < %lld",
			 n ? (long long)pending[n - 1] : INT64_MAX);
		pending[n] = fixture_count(s, sql);
		if (!pending[n])
			break;
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t judgement_id;

		/* the judgement of another sample of this program, as dedup would find it */
		snprintf(sql, sizeof(sql), "SELECT o.judgement_id FROM sample p JOIN sample o ON o.program_row = p.program_row AND"
			 " o.task_row = p.task_row AND o.judgement_id IS NOT NULL WHERE p.sample_id = %lld", (long long)pending[i]);
		judgement_id = fixture_count(s, sql);
		if (judgement_id && store_judge_sample(s, pending[i], judgement_id, 0, &err) < 0)
			return -1;
	}
	return (int)n;
}

static void runs__of_one_seed_are_equal_whatever_the_order(void **state)
{
	struct fixture *f = *state;
	struct fill how = { .n_tasks = 5, .n_samples = 30, .seed = 4 };
	struct error err = ERROR_INIT;
	cleanup_buf struct buf one, two;
	struct store *second;
	char path[160];
	int64_t run;

	buf_init(&one, 1 << 24);
	buf_init(&two, 1 << 24);
	fixture_open(f);
	assert_int_equal(fixture_fill(f->s, &how, &run, &err), 0);
	dump(f->s, &one);
	snprintf(path, sizeof(path), "%s/second.db", f->dir);
	assert_int_equal(store_open(path, STORE_WRITE, 0, "a test", &second, &err), 0);
	assert_int_equal(fixture_fill(second, &how, &run, &err), 0);
	dump(second, &two);
	assert_string_equal(one.data, two.data);
	store_close(second);
	/* duplicates do not depend on which of two equal programs was judged first */
	snprintf(path, sizeof(path), "%s/third.db", f->dir);
	how.leave_pending = true;
	assert_int_equal(store_open(path, STORE_WRITE, 0, "a test", &second, &err), 0);
	assert_int_equal(fixture_fill(second, &how, &run, &err), 0);
	assert_true(judge_backwards(second) > 10);
	assert_int_equal(fixture_count(second, "SELECT count(*) FROM v_samples s WHERE state = 'judged' AND verdict <> 'internal_error' AND duplicate_of IS NOT (SELECT nullif(min(d.sample_id), s.sample_id) FROM v_samples d WHERE d.task_id = s.task_id AND d.program_id = s.program_id AND d.state = 'judged' AND d.verdict <> 'internal_error')"), 0);
	fixture_assert_sound(second);
	store_close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(run__comes_back_as_it_was, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(run__state_and_summary, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(sample__pending_holds_its_text_and_final_rows_stay, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(sample__refuses_what_has_no_place, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(judgement__one_a_key_but_for_internal_errors, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(judgement__history_is_kept, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(rank__is_by_task_and_language_over_all_runs, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(runs__of_one_seed_are_equal_whatever_the_order, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_run", tests, NULL, NULL);
}
