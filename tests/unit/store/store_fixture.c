/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture.c - see store_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/rng.h"
#include "store_fixture.h"

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/winnow-store-XXXXXX");
	if (!mkdtemp(f->dir)) {
		free(f);
		return -1;
	}
	snprintf(f->path, sizeof(f->path), "%s/winnow.db", f->dir);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	mem_fault_at(0);
	store_close(f->s);
	(void)fs_remove_tree(f->dir, NULL);
	free(f);
	return 0;
}

struct store *fixture_open(struct fixture *f)
{
	struct error err = ERROR_INIT;

	if (store_open(f->path, STORE_WRITE, 0, "a test", &f->s, &err) < 0)
		fail_msg("cannot open: %s", err.msg);
	return f->s;
}

void fixture_reopen(struct fixture *f, enum store_mode mode)
{
	struct error err = ERROR_INIT;

	store_close(f->s);
	f->s = NULL;
	if (store_open(f->path, mode, 0, "a test", &f->s, &err) < 0)
		fail_msg("cannot reopen: %s", err.msg);
}

struct task *fixture_task(unsigned i, unsigned variant)
{
	struct error err = ERROR_INIT;
	struct task *t = NULL;
	json_t *j = json_pack("{s:o, s:s, s:s, s:{s:[{s:s, s:s}], s:s}, s:{s:s, s:[{s:[i], s:i, s:b}, {s:[i], s:i}]},"
			      " s:s, s:s, s:[s, s], s:s}",
			      "task_id", json_sprintf("Made/%u", i), "prompt", "Return twice the number, \xc3\xa0 la carte.",
			      "entry_point", "twice", "signature", "params", "name", "x", "type", "int", "returns", "int",
			      "tests", "kind", "calls", "cases", "args", (int)i, "expect", (int)(2 * i + variant), "visible", 1,
			      "args", 7, "expect", 14, "source", "Made", "split", i % 3 == 2 ? "holdout" : "train", "tags",
			      i % 2 ? "odd" : "even", "small", "license", "MIT");

	if (!j || task_parse(j, &t, &err) < 0)
		return NULL;
	return t;
}

int fixture_put_tasks(struct store *s, unsigned n, unsigned variant, struct store_import_result *ret, struct error *err)
{
	struct store_import imp = { .format = "native", .path = "made.tasks.jsonl" };
	struct task **tasks = calloc(n ? n : 1, sizeof(*tasks));
	const char **where = calloc(n ? n : 1, sizeof(*where));
	int r = tasks && where ? 0 : error_set(err, ERR_NOMEM, "out of memory");

	for (unsigned i = 0; i < n && r == 0; i++) {
		tasks[i] = fixture_task(i, variant);
		where[i] = "made.tasks.jsonl:1";
		if (!tasks[i])
			r = error_set(err, ERR_NOMEM, "cannot make a task");
	}
	if (r == 0)
		r = store_put_tasks(s, &imp, tasks, where, n, ret, err);
	for (unsigned i = 0; tasks && i < n; i++)
		task_free(tasks[i]);
	free(tasks);
	free(where);
	return r;
}

int fixture_make_run(struct store *s, const struct fill *how, int64_t *ret_run, struct error *err)
{
	static const uint8_t digest[HASH_SHA256_BYTES] = { 1, 2, 3 };
	struct store_run run = { .kind = "run", .policy_spec = "replay:made.jsonl", .policy_kind = "replay", .policy_name = "made",
				 .policy_version = "v1", .policy_version_number = 1, .template_name = "plain",
				 .template_version = "1", .template_digest = digest, .config_json = "{\"samples\":4}",
				 .select = "source:Made", .seed = UINT64_C(0xffffffffffffff00) | how->seed, .samples = how->n_samples,
				 .isolation = "namespaces", .toolchains_json = "{\"python\":\"cpython 3.11.2\"}",
				 .judge_version = "1", .extract_version = "1", .winnow_version = "0.1.0" };
	cleanup_json json_t *template = json_pack("{s:s}", "user", "Solve: {prompt}");
	struct store_plan_item *plan;
	struct store_task *tasks;
	size_t n;
	int r = store_select_tasks(s, NULL, false, &tasks, &n, err);

	if (r < 0)
		return r;
	run.template_text = template;
	plan = calloc(n ? n : 1, sizeof(*plan));
	for (size_t i = 0; plan && i < n; i++)
		plan[i] = (struct store_plan_item){ .task_row = tasks[i].row, .language = "python",
						    .messages_json = "[{\"content\":\"Solve it\",\"role\":\"user\"}]" };
	r = plan ? store_run_create(s, &run, plan, n, ret_run, err) : error_set(err, ERR_NOMEM, "out of memory");
	free(plan);
	store_tasks_free(tasks, n);
	return r;
}

static void make_judgement(struct rng *rng, const char *program, struct judgement *j)
{
	uint8_t digest[HASH_SHA256_BYTES];
	unsigned pick;

	hash_sha256_of(program, strlen(program), digest);
	pick = digest[0] % 16;
	*j = (struct judgement){ .verdict = pick < 6 ? VERDICT_ACCEPTED : pick < 10 ? VERDICT_WRONG_ANSWER
							 : (enum verdict)(VERDICT_SECURITY_VIOLATION + (int)(pick - 10)),
				 .tests_passed = pick < 6 ? 2 : 1, .tests_total = 2, .visible_passed = 1, .visible_total = 1,
				 .cpu_us = 1000 + digest[1] * 10, .wall_us = 2000 + rng_below(rng, 100), .memory_bytes = 8 << 20,
				 .judging = "separate", .exit_code = -1 };
	if (pick == 6)
		j->flags = FLAG_OVERFIT;
	if (pick == 5)
		j->flags = FLAG_FLAKY;
	if (j->verdict == VERDICT_TIME_LIMIT)
		j->flags = FLAG_CPU_LIMIT | FLAG_NEAR_LIMIT;
	if (j->verdict == VERDICT_SECURITY_VIOLATION)
		j->refused = (char *)(uintptr_t)"{\"ptrace\":2,\"mount\":1}";
	snprintf(j->tier, sizeof(j->tier), "namespaces");
	snprintf(j->toolchain, sizeof(j->toolchain), "cpython 3.11.2");
	j->message = j->verdict == VERDICT_ACCEPTED ? NULL : (char *)(uintptr_t)"case 2: expected 14";
}

static void make_program(struct rng *rng, unsigned task, size_t pad, char *text, size_t n)
{
	int len = snprintf(text, n, "def twice(x):\n    return x * 2 + %u - %u  # ", (unsigned)rng_below(rng, 40), task);

	for (size_t i = (size_t)len; i + 2 < n && i < pad; i++)
		text[i] = (char)('a' + (i * 7 + (size_t)len) % 26);
	if (pad > (size_t)len && pad < n - 1)
		text[pad] = '\0';
}

int fixture_fill_one(struct store *s, const struct fill *how, int64_t run, unsigned i, unsigned k, struct error *err)
{
	char program[8192], completion[8300], stream[48];
	struct store_sample row = { .sample_id = store_sample_id(run, i, k, 0), .run_id = run, .task_ordinal = i, .index = k,
				    .origin = "sample", .language = "python", .state = SAMPLE_PENDING, .seed = (int64_t)k,
				    .sampling_json = "{\"temperature\":0.8}", .model = "made", .mode = EXTRACT_CHAT,
				    .finish_reason = "stop" };
	uint8_t key[HASH_SHA256_BYTES];
	struct judgement j;
	struct rng rng;
	int64_t id;
	int r;

	snprintf(stream, sizeof(stream), "%u/%u", i, k);
	rng_seed(&rng, how->seed, stream);
	make_program(&rng, i, how->text_bytes, program, sizeof(program));
	snprintf(completion, sizeof(completion), "```python\n%s\n``` (%u)", program, k);
	row.completion = completion;
	row.completion_len = strlen(completion);
	if (k % 17 == 16) { /* the policy's fault */
		row.state = SAMPLE_FAILED;
		row.reason = "timeout";
		row.completion = NULL;
		return store_put_sample(s, &row, err);
	}
	if (k % 13 == 12) {
		row.finish_reason = "length";
		row.truncated = true;
	}
	row.program = program;
	row.program_len = strlen(program);
	r = store_put_sample(s, &row, err);
	if (r < 0 || (how->leave_pending && k % 5 == 4))
		return r;
	make_judgement(&rng, program, &j);
	if (k % 31 == 30)
		j.verdict = VERDICT_INTERNAL_ERROR;
	hash_sha256_of(program, strlen(program), key);
	key[0] ^= (uint8_t)i;
	r = store_put_judgement(s, key, &j, &id, err);
	return r < 0 ? r : store_judge_sample(s, row.sample_id, id, k % 29 == 28 ? FLAG_NEAR_LIMIT : 0, err);
}

static void rank_by_cpu(void *ctx, struct store_rank_item *items, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		items[i].rank = 1;
		for (size_t k = 0; k < n; k++)
			items[i].rank += items[k].cpu_us < items[i].cpu_us;
	}
}

int fixture_fill(struct store *s, const struct fill *how, int64_t *ret_run, struct error *err)
{
	unsigned in_batch = 0;
	int64_t run;
	int r = fixture_put_tasks(s, how->n_tasks, 0, NULL, err);

	if (r == 0)
		r = fixture_make_run(s, how, &run, err);
	if (r == 0)
		r = store_begin(s, err);
	for (unsigned i = 0; i < how->n_tasks && r == 0; i++)
		for (unsigned k = 0; k < how->n_samples && r == 0; k++) {
			r = fixture_fill_one(s, how, run, i, k, err);
			if (r == 0 && how->batch_of_256 && ++in_batch % 256 == 0) {
				r = store_commit(s, err);
				if (r == 0)
					r = store_begin(s, err);
			}
		}
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	r = store_commit(s, err);
	if (r == 0)
		r = store_rank_run(s, run, rank_by_cpu, NULL, err);
	if (r == 0)
		r = store_put_event(s, run, "info", "filled", err);
	if (r == 0)
		r = store_run_set_state(s, run, "complete", "{\"done\":true}", err);
	if (r == 0)
		*ret_run = run;
	return r;
}

/* ---- asking ---- */

static char answer[1 << 16];

static int keep_first(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	char *text = n ? json_dumps(values[0], JSON_ENCODE_ANY) : NULL;
	bool *had = ctx;

	(void)names;
	if (text && !*had)
		snprintf(answer, sizeof(answer), "%s", text);
	*had = true;
	free(text);
	return 0;
}

const char *fixture_ask(struct store *s, const char *sql)
{
	struct error err = ERROR_INIT;
	bool had = false;

	answer[0] = '\0';
	if (store_query(s, sql, keep_first, &had, &err) < 0)
		fail_msg("%s: %s", sql, err.msg);
	return answer;
}

long long fixture_count(struct store *s, const char *sql)
{
	return atoll(fixture_ask(s, sql));
}

static int sum_damaged(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	char sql[256];

	(void)n;
	(void)names;
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM temp.\"intact_%s\" WHERE NOT intact", json_string_value(values[0]));
	if (fixture_count(ctx, sql) != 0)
		fail_msg("damaged rows in table %s", json_string_value(values[0]));
	return 0;
}

void fixture_assert_sound(struct store *s)
{
	struct error err = ERROR_INIT;

	assert_string_equal(fixture_ask(s, "PRAGMA integrity_check"), "\"ok\"");
	assert_string_equal(fixture_ask(s, "PRAGMA foreign_key_check"), "");
	if (store_query(s, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", sum_damaged, s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM temp.intact_sample_all WHERE NOT intact"), 0);
}
