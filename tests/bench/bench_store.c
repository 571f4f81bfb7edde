/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store.c - what the store costs a sample, beside one plain STRICT table with the same texts.
 *
 *     bench_store [--samples N] [--dir DIR] [--keep] [--json]
 *
 * Both sides get the same samples in the same batches of 256 a transaction, by
 * turns of 10,000, in one process, with the same pragmas.  The store's side does
 * what the engine does: look for a known verdict; put the sample as pending, and
 * some rows later its judgement and verdict; or, where the verdict is known, put
 * it judged at once.  The plain side inserts one row, once, with all of it:
 *
 *     CREATE TABLE plain(id INTEGER PRIMARY KEY, …, completion TEXT, program TEXT, …) STRICT
 *
 * Texts look like HumanEval's: a prompt of some 450 bytes a task, completions of
 * some 220, the program is both; 24 in 100 were said before.  Making them is not
 * timed.  Prints the ratio of rates (wall and CPU) over the whole, and the time a sample
 * at the end over the time a sample at ten thousand.
 */
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/rng.h"
#include "core/str.h"
#include "store/store.h"

#define TURN 10000
#define BATCH 256
#define PER_TASK 100
#define LAG 16            /* programs that are being judged while others come */
#define PROMPT_MAX 1024
#define TEXT_MAX 4096

struct text { char *completion, *program; size_t n_completion, n_program; uint8_t key[32]; uint32_t task, index; };
struct times { double wall, cpu; };
struct bench {
	struct store *s;
	sqlite3 *db;
	sqlite3_stmt *insert;
	int64_t run;
	uint64_t n;
	struct text *turn;
	size_t n_turn;
	struct rng rng;
};

static void die(const char *what, const struct error *err)
{
	(void)fprintf(stderr, "bench_store: %s: %s\n", what, err ? err->msg : "failed");
	exit(2);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct times now(void)
{
	return (struct times){ seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static void add_since(struct times *sum, struct times from)
{
	struct times to = now();

	sum->wall += to.wall - from.wall;
	sum->cpu += to.cpu - from.cpu;
}

/* ---- texts ---- */

static size_t words(struct rng *rng, char *to, size_t want)
{
	static const char *const some[] = { "return", "for", "in", "range", "len", "numbers", "result", "if", "not", "value",
					    "sorted", "append", "string", "index", "else", "lambda", "x", "total", "0", "1" };
	size_t n = 0;

	while (n < want) {
		const char *w = some[rng_below(rng, ARRAY_SIZE(some))];
		size_t len = strlen(w);

		memcpy(to + n, w, len);
		n += len;
		to[n++] = rng_below(rng, 8) ? ' ' : '\n';
	}
	return n;
}

static void make_turn(struct bench *b, uint64_t first, size_t n)
{
	char prompt[PROMPT_MAX], text[TEXT_MAX], stream[32];
	size_t n_prompt = 0;

	for (size_t i = 0; i < n; i++) {
		struct text *t = &b->turn[i];
		uint64_t at = first + i;

		t->task = (uint32_t)(at / PER_TASK);
		t->index = (uint32_t)(at % PER_TASK);
		if (i == 0 || t->index == 0) {
			struct rng task;

			(void)snprintf(stream, sizeof(stream), "task %u", t->task);
			rng_seed(&task, 7, stream);
			n_prompt = words(&task, prompt, 380 + rng_below(&task, 140));
		}
		/* said before: the same as one of the task that came earlier in this turn */
		if (t->index >= 8 && i >= 8 && rng_below(&b->rng, 100) < 26) {
			const struct text *old = &b->turn[i - 1 - rng_below(&b->rng, 8)];

			memcpy(text, old->completion, t->n_completion = old->n_completion);
		} else {
			t->n_completion = words(&b->rng, text, 60 + rng_below(&b->rng, 320));
		}
		t->completion = malloc(t->n_completion + 1);
		t->program = malloc(n_prompt + t->n_completion + 1);
		if (!t->completion || !t->program)
			die("texts", NULL);
		memcpy(t->completion, text, t->n_completion);
		memcpy(t->program, prompt, n_prompt);
		memcpy(t->program + n_prompt, text, t->n_completion);
		t->n_program = n_prompt + t->n_completion;
		hash_sha256_of(t->program, t->n_program, t->key);
		memcpy(t->key, &t->task, sizeof(t->task)); /* as verdict keys: those of a task lie together */
	}
	b->n_turn = n;
}

static void free_turn(struct bench *b)
{
	for (size_t i = 0; i < b->n_turn; i++) {
		free(b->turn[i].completion);
		free(b->turn[i].program);
	}
}

static void verdict_of(const struct text *t, struct judgement *j)
{
	bool accepted = t->key[5] < 56;

	*j = (struct judgement){ .verdict = accepted ? VERDICT_ACCEPTED : VERDICT_WRONG_ANSWER, .tests_passed = -1,
				 .tests_total = -1, .visible_passed = -1, .visible_total = -1, .cpu_us = 3000u + t->key[6],
				 .wall_us = 4000u + t->key[7], .memory_bytes = 12u << 20, .judging = "separate", .exit_code = -1 };
	memcpy(j->tier, "namespaces", 11);
	memcpy(j->toolchain, "cpython 3.11.2", 15);
	j->message = accepted ? NULL : (char *)(uintptr_t)"case 2 of 7";
}

/* ---- the store ---- */

static int put_tasks(struct bench *b, struct error *err)
{
	size_t n = (size_t)((b->n + PER_TASK - 1) / PER_TASK);
	struct store_import imp = { .format = "native", .path = "bench" };
	struct store_import_result result;
	struct task **tasks = calloc(n, sizeof(struct task *));
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = task_parse(json_pack("{s:o, s:s, s:s, s:{s:[{s:s, s:s}], s:s}, s:{s:s, s:[{s:[i], s:i}]}, s:s}", "task_id",
					 json_sprintf("Bench/%zu", i), "prompt", "Return it.", "entry_point", "f", "signature",
					 "params", "name", "x", "type", "int", "returns", "int", "tests", "kind", "calls",
					 "cases", "args", (int)i, "expect", 1, "source", "Bench"), &tasks[i], err);
	if (r == 0)
		r = store_put_tasks(b->s, &imp, tasks, NULL, n, &result, err);
	for (size_t i = 0; i < n; i++)
		task_free(tasks[i]);
	free(tasks);
	return r;
}

static int make_run(struct bench *b, struct error *err)
{
	struct store_run run = { .kind = "run", .policy_spec = "replay:bench", .policy_kind = "replay", .policy_version_number = -1,
				 .config_json = "{}", .samples = PER_TASK, .isolation = "namespaces", .judge_version = "1",
				 .extract_version = "1", .winnow_version = "bench" };
	struct store_plan_item *plan;
	struct store_task *tasks;
	size_t n;
	int r = store_select_tasks(b->s, NULL, false, &tasks, &n, err);

	if (r < 0)
		return r;
	plan = calloc(n, sizeof(*plan));
	for (size_t i = 0; i < n; i++)
		plan[i] = (struct store_plan_item){ .task_row = tasks[i].row, .language = "python",
						    .messages_json = "[{\"content\":\"Solve it\",\"role\":\"user\"}]" };
	r = store_run_create(b->s, &run, plan, n, &b->run, err);
	free(plan);
	store_tasks_free(tasks, n);
	return r;
}

static int store_verdict(struct bench *b, const struct text *t, struct error *err)
{
	struct judgement j;
	int64_t id;
	int r;

	verdict_of(t, &j);
	r = store_put_judgement(b->s, t->key, &j, &id, err);
	return r < 0 ? r : store_judge_sample(b->s, store_sample_id(b->run, t->task, t->index, 0), id, 0, err);
}

static int store_one(struct bench *b, const struct text *t, bool *ret_wait, struct error *err)
{
	struct store_sample row = { .sample_id = store_sample_id(b->run, t->task, t->index, 0), .run_id = b->run,
				    .task_ordinal = t->task, .index = t->index, .origin = "sample", .language = "python",
				    .state = SAMPLE_PENDING, .completion = t->completion, .completion_len = t->n_completion,
				    .program = t->program, .program_len = t->n_program, .finish_reason = "stop", .seed = -1,
				    .mode = EXTRACT_COMPLETION, .sampling_json = "{\"temperature\":0.8}", .model = "bench" };
	struct judgement known;
	int r = store_find_judgement(b->s, t->key, &row.judgement_id, &known, err);

	if (r < 0)
		return r;
	if (r > 0) {
		judgement_clear(&known);
		row.state = SAMPLE_JUDGED;
	}
	*ret_wait = r == 0;
	return store_put_sample(b->s, &row, err);
}

static int store_turn(struct bench *b, struct error *err)
{
	size_t waiting[LAG], n_waiting = 0, in_batch = 0;
	int r = store_begin(b->s, err);

	for (size_t i = 0; i < b->n_turn && r == 0; i++) {
		bool wait;

		r = store_one(b, &b->turn[i], &wait, err);
		if (r == 0 && wait)
			waiting[n_waiting++] = i;
		if (n_waiting == LAG || i + 1 == b->n_turn)
			for (size_t k = 0; k < n_waiting && r == 0; k++)
				r = store_verdict(b, &b->turn[waiting[k]], err);
		if (n_waiting == LAG)
			n_waiting = 0;
		if (r == 0 && ++in_batch == BATCH) {
			in_batch = 0;
			r = store_commit(b->s, err);
			if (r == 0)
				r = store_begin(b->s, err);
		}
	}
	return r < 0 ? r : store_commit(b->s, err);
}

/* ---- one plain table ---- */

static void plain_exec(struct bench *b, const char *sql)
{
	if (sqlite3_exec(b->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "bench_store: %s: %s\n", sql, sqlite3_errmsg(b->db));
		exit(2);
	}
}

static void plain_open(struct bench *b, const char *path)
{
	cleanup_mem char *pragmas = mem_printf("PRAGMA journal_mode = WAL; %s", store_pragmas());

	if (!pragmas || sqlite3_open(path, &b->db) != SQLITE_OK)
		die(path, NULL);
	plain_exec(b, pragmas);
	plain_exec(b, "CREATE TABLE plain(id INTEGER PRIMARY KEY, task TEXT NOT NULL, sample INTEGER NOT NULL, language TEXT NOT NULL,"
		      " completion TEXT NOT NULL, program TEXT, verdict TEXT, message TEXT, cpu_us INTEGER, wall_us INTEGER,"
		      " memory_bytes INTEGER, judging TEXT, toolchain TEXT, created_us INTEGER NOT NULL) STRICT");
	if (sqlite3_prepare_v2(b->db, "INSERT INTO plain VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)", -1,
			       &b->insert, NULL) != SQLITE_OK)
		die("prepare", NULL);
}

static void plain_turn(struct bench *b)
{
	size_t in_batch = 0;

	plain_exec(b, "BEGIN IMMEDIATE");
	for (size_t i = 0; i < b->n_turn; i++) {
		const struct text *t = &b->turn[i];
		struct judgement j;
		char task[24];
		struct timespec ts;

		verdict_of(t, &j);
		(void)snprintf(task, sizeof(task), "Bench/%u", t->task);
		(void)clock_gettime(CLOCK_REALTIME, &ts);
		sqlite3_bind_int64(b->insert, 1, store_sample_id(1, t->task, t->index, 0));
		sqlite3_bind_text(b->insert, 2, task, -1, SQLITE_STATIC);
		sqlite3_bind_int64(b->insert, 3, t->index);
		sqlite3_bind_text(b->insert, 4, "python", -1, SQLITE_STATIC);
		sqlite3_bind_text(b->insert, 5, t->completion, (int)t->n_completion, SQLITE_STATIC);
		sqlite3_bind_text(b->insert, 6, t->program, (int)t->n_program, SQLITE_STATIC);
		sqlite3_bind_text(b->insert, 7, verdict_name(j.verdict), -1, SQLITE_STATIC);
		sqlite3_bind_text(b->insert, 8, j.message, -1, SQLITE_STATIC);
		sqlite3_bind_int64(b->insert, 9, (sqlite3_int64)j.cpu_us);
		sqlite3_bind_int64(b->insert, 10, (sqlite3_int64)j.wall_us);
		sqlite3_bind_int64(b->insert, 11, (sqlite3_int64)j.memory_bytes);
		sqlite3_bind_text(b->insert, 12, j.judging, -1, SQLITE_STATIC);
		sqlite3_bind_text(b->insert, 13, j.toolchain, -1, SQLITE_STATIC);
		sqlite3_bind_int64(b->insert, 14, ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
		if (sqlite3_step(b->insert) != SQLITE_DONE)
			die("insert", NULL);
		sqlite3_reset(b->insert);
		if (++in_batch == BATCH) {
			in_batch = 0;
			plain_exec(b, "COMMIT; BEGIN IMMEDIATE");
		}
	}
	plain_exec(b, "COMMIT");
}

/* ---- the whole ---- */

static double file_mib(const char *path)
{
	struct stat sb;

	return stat(path, &sb) < 0 ? NAN : (double)sb.st_size / (1 << 20);
}

static void measure(struct bench *b, const char *path, const char *plain_path, bool json)
{
	struct times store = { 0 }, plain = { 0 }, store_at_10k = { 0 }, plain_at_10k = { 0 }, store_end = { 0 }, plain_end = { 0 };
	uint64_t n_end = b->n >= 20 * TURN ? 10 * TURN : TURN, turns = (b->n + TURN - 1) / TURN;
	struct error err = ERROR_INIT;
	struct rusage usage;
	double us = 1e6 / (double)b->n;

	for (uint64_t k = 0; k < turns; k++) {
		uint64_t first = k * TURN, left = b->n - first;
		struct times store_turn_s = { 0 }, plain_turn_s = { 0 }, from;

		make_turn(b, first, left < TURN ? left : TURN);
		for (int side = 0; side < 2; side++) {
			from = now();
			if ((side + k) % 2) {
				plain_turn(b);
				add_since(&plain_turn_s, from);
			} else {
				if (store_turn(b, &err) < 0)
					die("the store", &err);
				add_since(&store_turn_s, from);
			}
		}
		free_turn(b);
		store.wall += store_turn_s.wall, store.cpu += store_turn_s.cpu;
		plain.wall += plain_turn_s.wall, plain.cpu += plain_turn_s.cpu;
		if (k == 0)
			store_at_10k = store_turn_s, plain_at_10k = plain_turn_s;
		if (first + n_end >= b->n) {
			store_end.wall += store_turn_s.wall, store_end.cpu += store_turn_s.cpu;
			plain_end.wall += plain_turn_s.wall, plain_end.cpu += plain_turn_s.cpu;
		}
		if (turns >= 20 && (k + 1) % (turns / 10) == 0)
			(void)fprintf(stderr, "%8llu samples: store %.2f us, plain %.2f us of CPU a sample so far\n",
				      (unsigned long long)(first + b->n_turn), store.cpu * 1e6 / (double)(first + b->n_turn),
				      plain.cpu * 1e6 / (double)(first + b->n_turn));
	}
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf(json ? "{\"samples\":%llu,\"ratio_wall\":%.3f,\"ratio_cpu\":%.3f,\"store_us\":%.2f,\"plain_us\":%.2f,"
			    "\"store_cpu_us\":%.2f,\"plain_cpu_us\":%.2f,\"growth_wall\":%.3f,\"growth_cpu\":%.3f,"
			    "\"plain_growth_cpu\":%.3f,\"memory_mib\":%.1f,\"store_mib\":%.1f,\"plain_mib\":%.1f}\n"
			  : "%llu samples\nrate, store / plain table:  wall %.3f   CPU %.3f\nus a sample, wall:          store %.2f"
			    "   plain %.2f\nus a sample, CPU:           store %.2f   plain %.2f\ntime a sample at the end / at ten "
			    "thousand: wall %.3f   CPU %.3f   (plain CPU %.3f)\nresident memory %.1f MiB; files: store %.1f MiB, plain "
			    "%.1f MiB\n",
		     (unsigned long long)b->n, plain.wall / store.wall, plain.cpu / store.cpu, store.wall * us, plain.wall * us,
		     store.cpu * us, plain.cpu * us, store_end.wall / (double)n_end / (store_at_10k.wall / TURN),
		     store_end.cpu / (double)n_end / (store_at_10k.cpu / TURN),
		     plain_end.cpu / (double)n_end / (plain_at_10k.cpu / TURN), (double)usage.ru_maxrss / 1024, file_mib(path),
		     file_mib(plain_path));
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct bench b = { .n = 1000000 };
	const char *parent = "/tmp";
	bool keep = false, json = false;
	char dir[512], path[600], plain_path[600];

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--samples") && i + 1 < argc)
			b.n = strtoull(argv[++i], NULL, 10);
		else if (str_eq(argv[i], "--dir") && i + 1 < argc)
			parent = argv[++i];
		else if (str_eq(argv[i], "--keep"))
			keep = true;
		else if (str_eq(argv[i], "--json"))
			json = true;
		else
			die("usage: bench_store [--samples N] [--dir DIR] [--keep] [--json]", NULL);
	}
	if (b.n < TURN || b.n > 20000000)
		die("--samples: from 10000 to 20000000", NULL);
	(void)snprintf(dir, sizeof(dir), "%s/bench-store-XXXXXX", parent);
	if (!mkdtemp(dir))
		die(dir, NULL);
	(void)snprintf(path, sizeof(path), "%s/winnow.db", dir);
	(void)snprintf(plain_path, sizeof(plain_path), "%s/plain.db", dir);
	b.turn = calloc(TURN, sizeof(*b.turn));
	rng_seed(&b.rng, 1, "samples");
	if (!b.turn || store_open(path, STORE_WRITE, 0, "bench_store", &b.s, &err) < 0 || put_tasks(&b, &err) < 0 ||
	    make_run(&b, &err) < 0)
		die("the store", &err);
	plain_open(&b, plain_path);
	measure(&b, path, plain_path, json);
	sqlite3_finalize(b.insert);
	sqlite3_close(b.db);
	store_close(b.s);
	free(b.turn);
	if (keep)
		(void)printf("kept: %s\n", dir);
	else
		(void)fs_remove_tree(dir, NULL);
	return 0;
}
