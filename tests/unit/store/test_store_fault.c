/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_fault.c - no memory, no space, killed at any moment: the store stays sound. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/rng.h"
#include "store/store_internal.h"
#include "store_fixture.h"

/* ---- SQLite's memory through ours, so that a sweep reaches its allocations too ---- */

#define HEAD 16 /* holds the size; keeps the alignment */

static int size_of(void *p)
{
	return p ? *(int *)(void *)((char *)p - HEAD) : 0;
}

static void *allocate(int n)
{
	char *p = mem_alloc((size_t)n + HEAD);

	if (!p)
		return NULL;
	memcpy(p, &n, sizeof(n));
	return p + HEAD;
}

static void release(void *p)
{
	if (p)
		mem_free((char *)p - HEAD);
}

static void *reallocate(void *old, int n)
{
	char *p = mem_realloc(old ? (char *)old - HEAD : NULL, (size_t)n + HEAD);

	if (!p)
		return NULL;
	memcpy(p, &n, sizeof(n));
	return p + HEAD;
}

static int round_up(int n)
{
	return (n + 7) & ~7;
}

static int start(void *ctx)
{
	(void)ctx;
	return SQLITE_OK;
}

static void end(void *ctx)
{
	(void)ctx;
}

static int use_our_memory(void **state)
{
	static sqlite3_mem_methods methods = { allocate, release, reallocate, size_of, round_up, start, end, NULL };

	(void)state;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
	       sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK;
}

/* ---- no memory ---- */

struct op { const char *name; int (*run)(struct fixture *f, struct error *err); const char *unchanged; };
static struct task *two_tasks[2];

static int op_put_tasks(struct fixture *f, struct error *err)
{
	int r = store_begin(f->s, err);

	if (r == 0)
		r = store_put_tasks(f->s, NULL, two_tasks, NULL, 2, NULL, err);
	store_rollback(f->s); /* each round begins with the same store */
	return r;
}

static int op_sample(struct fixture *f, struct error *err)
{
	static const uint8_t key[32] = { 3 };
	struct store_sample row = { .sample_id = store_sample_id(1, 0, 0, 0), .run_id = 1, .origin = "sample", .language = "c",
				    .state = SAMPLE_PENDING, .completion = "int", .completion_len = 3, .program = "int",
				    .program_len = 3, .model = "m", .truncated = true, .seed = -1 };
	struct judgement j = { .verdict = VERDICT_ACCEPTED, .flags = FLAG_NEAR_LIMIT };
	int64_t id;
	int r = store_begin(f->s, err);

	if (r == 0)
		r = store_put_sample(f->s, &row, err);
	if (r == 0)
		r = store_put_judgement(f->s, key, &j, &id, err);
	if (r == 0)
		r = store_judge_sample(f->s, row.sample_id, id, FLAG_OVERFIT, err);
	store_rollback(f->s);
	return r;
}

static int op_select(struct fixture *f, struct error *err)
{
	struct store_task *tasks;
	size_t n;
	int r = store_select_tasks(f->s, "id:Made/*,split:train", false, &tasks, &n, err);

	if (r == 0)
		store_tasks_free(tasks, n);
	return r;
}

static int op_load(struct fixture *f, struct error *err)
{
	struct store_run_row row;
	int r = store_run_load(f->s, 1, &row, err);

	if (r == 0)
		store_run_row_clear(&row);
	return r;
}

static int op_open(struct fixture *f, struct error *err)
{
	char path[160];
	struct store *s;
	int r;

	snprintf(path, sizeof(path), "%s/fresh.db", f->dir);
	r = store_open(path, STORE_WRITE, 0, "a test", &s, err);
	if (r < 0)
		return r;
	store_close(s);
	(void)unlink(path);
	return 0;
}

static const struct op ops[] = {
	{ "put_tasks", op_put_tasks, "SELECT (SELECT count(*) FROM task) || ' ' || (SELECT count(*) FROM content)" },
	{ "put and judge a sample", op_sample, "SELECT (SELECT count(*) FROM sample) || ' ' || (SELECT count(*) FROM content) || (SELECT count(*) FROM judgement)" },
	{ "select", op_select, "SELECT count(*) FROM task" },
	{ "load a run", op_load, "SELECT count(*) FROM run" },
	{ "open", op_open, "SELECT count(*) FROM run" },
};

static void sweep(struct fixture *f, const struct op *op)
{
	struct error err = ERROR_INIT;
	unsigned long nth = 1, failed = 0;
	char before[100];

	for (;; nth += 1 + nth / 64) {
		bool fired;
		int r;

		fixture_reopen(f, STORE_WRITE); /* statements are prepared anew */
		snprintf(before, sizeof(before), "%s", fixture_ask(f->s, op->unchanged));
		mem_fault_at(nth);
		r = op->run(f, &err);
		fired = mem_fault_fired();
		mem_fault_at(0);
		if (!fired) {
			if (r != 0)
				fail_msg("%s, without a fault: %d %s", op->name, r, err.msg);
			break;
		}
		/* SQLite can do without some, and then the work is done. */
		if (r != 0 && r != ERR_NOMEM)
			fail_msg("%s, allocation %lu fails: %d %s", op->name, nth, r, err.msg);
		failed += r != 0;
		if (strcmp(before, fixture_ask(f->s, op->unchanged)) != 0)
			fail_msg("%s, allocation %lu fails: the store changed", op->name, nth);
	}
	assert_true(failed > 50);
}

static void memory__each_allocation_fails_in_turn(void **state)
{
	struct fill how = { .n_tasks = 1, .n_samples = 4 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	int64_t run;

	two_tasks[0] = fixture_task(7, 1);
	two_tasks[1] = fixture_task(8, 1);
	fixture_open(f);
	assert_int_equal(fixture_put_tasks(f->s, 2, 0, NULL, &err), 0);
	assert_int_equal(fixture_make_run(f->s, &how, &run, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		sweep(f, &ops[i]);
	fixture_reopen(f, STORE_WRITE);
	fixture_assert_sound(f->s);
	task_free(two_tasks[0]);
	task_free(two_tasks[1]);
}

/* ---- no space ---- */

/* Fill until it says no; returns the code, and the samples that were committed. */
static int fill_up(struct store *s, const struct fill *how, int64_t run, unsigned *ret_committed, struct error *err)
{
	int r = 0;

	*ret_committed = 0;
	for (unsigned k = 0; k < 20000; k += 50) {
		r = store_begin(s, err);
		for (unsigned i = 0; i < 50 && r == 0; i++)
			r = fixture_fill_one(s, how, run, 0, k + i, err);
		if (r == 0)
			r = store_commit(s, err);
		if (r < 0)
			break;
		*ret_committed += 50;
	}
	store_rollback(s);
	return r;
}

static void check_full(struct fixture *f, const struct fill *how, int64_t run, unsigned *ret_committed)
{
	struct error err = ERROR_INIT;
	int r = fill_up(f->s, how, run, ret_committed, &err);

	if (r != ERR_NOSPACE)
		fail_msg("%d %s", r, err.msg);
	assert_int_equal(error_exit_status(r), 3);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM sample"), *ret_committed);
	fixture_assert_sound(f->s);
}

static void space__a_full_store_is_sound_and_goes_on_when_there_is_space(void **state)
{
	struct fill how = { .n_tasks = 1, .n_samples = 4, .seed = 1, .text_bytes = 3000 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	unsigned committed;
	int64_t run;

	fixture_open(f);
	assert_int_equal(fixture_put_tasks(f->s, 1, 0, NULL, &err), 0);
	assert_int_equal(fixture_make_run(f->s, &how, &run, &err), 0);
	assert_int_equal(sqlite3_exec(f->s->db, "PRAGMA max_page_count = 300", NULL, NULL, NULL), SQLITE_OK);
	check_full(f, &how, run, &committed);
	assert_int_equal(fixture_put_tasks(f->s, 40, 1, NULL, &err) == 0 ? ERR_NOSPACE : err.code, ERR_NOSPACE);
	assert_int_equal(sqlite3_exec(f->s->db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(fixture_fill_one(f->s, &how, run, 0, committed, &err), 0);
	fixture_reopen(f, STORE_WRITE);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM sample"), committed + 1);
	fixture_assert_sound(f->s);
}

static int mount_setup(void **state)
{
	return fixture_setup(state);
}

static int mount_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	f->s = NULL;
	(void)umount2(f->dir, MNT_DETACH);
	return fixture_teardown(state);
}

static void space__a_full_file_system(void **state)
{
	struct fill how = { .n_tasks = 1, .n_samples = 4, .seed = 1, .text_bytes = 3000 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	unsigned committed;
	int64_t run;

	if (mount("winnow-test", f->dir, "tmpfs", 0, "size=3m") < 0)
		skip(); /* needs the right to mount */
	fixture_open(f);
	assert_int_equal(fixture_put_tasks(f->s, 1, 0, NULL, &err), 0);
	assert_int_equal(fixture_make_run(f->s, &how, &run, &err), 0);
	check_full(f, &how, run, &committed);
	assert_int_equal(mount("winnow-test", f->dir, "tmpfs", MS_REMOUNT, "size=30m"), 0);
	assert_int_equal(fixture_fill_one(f->s, &how, run, 0, committed, &err), 0);
	fixture_reopen(f, STORE_WRITE);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM sample"), committed + 1);
	fixture_assert_sound(f->s);
	/* and opening where there is no room at all is told as such */
	store_close(f->s);
	f->s = NULL;
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mount("winnow-test", f->dir, "tmpfs", MS_REMOUNT, "size=20k"), 0);
	assert_int_equal(store_open(f->path, STORE_WRITE, 0, "a test", &f->s, &err), ERR_NOSPACE);
	f->s = NULL;
}

/* ---- killed ---- */

/* In a child: fill and tell the number of committed samples after each commit, until killed. */
static void write_until_killed(const char *path, const struct fill *how, int pipe_fd)
{
	struct store *s;
	int64_t run;
	uint32_t told = 0;

	if (store_open(path, STORE_WRITE, UINT64_C(5000000), "a child", &s, NULL) < 0 ||
	    fixture_put_tasks(s, how->n_tasks, 0, NULL, NULL) < 0 || fixture_make_run(s, how, &run, NULL) < 0)
		_exit(3);
	for (unsigned k = 0;; k++) {
		if (store_begin(s, NULL) < 0)
			_exit(4);
		for (unsigned i = 0; i < how->n_tasks; i++)
			if (fixture_fill_one(s, how, run, i, k, NULL) < 0)
				_exit(5);
		if (store_commit(s, NULL) < 0)
			_exit(6);
		told += how->n_tasks;
		if (write(pipe_fd, &told, sizeof(told)) != (ssize_t)sizeof(told))
			_exit(7);
		if (k % 16 == 15)
			store_checkpoint(s);
	}
}

static void kill__what_was_committed_is_there(void **state)
{
	struct fill how = { .n_tasks = 10, .n_samples = 4, .seed = 1, .text_bytes = 500 };
	struct fixture *f = *state;
	struct rng rng;

	rng_seed(&rng, 20, "kill");
	for (unsigned round = 0; round < 20; round++) {
		struct timespec nap = { .tv_nsec = (long)(rng_below(&rng, 60) * 1000000) };
		uint32_t told = 0, n;
		char sql[100];
		int ends[2], status;
		long long there;
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0) {
			close(ends[0]);
			write_until_killed(f->path, &how, ends[1]);
		}
		assert_true(child > 0);
		close(ends[1]);
		nanosleep(&nap, NULL);
		kill(child, SIGKILL);
		while (read(ends[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
			told = n;
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status))
			fail_msg("the child ended by itself with %d", WEXITSTATUS(status));
		fixture_open(f);
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM sample WHERE run_id = (SELECT max(run_id) FROM run)");
		there = fixture_count(f->s, sql);
		/* all that was told, perhaps the batch whose telling was cut off, never a part of one */
		if (told ? there != told && there != told + how.n_tasks : there % how.n_tasks != 0)
			fail_msg("told %u, there are %lld", told, there);
		fixture_assert_sound(f->s);
		store_close(f->s);
		f->s = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory__each_allocation_fails_in_turn, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(space__a_full_store_is_sound_and_goes_on_when_there_is_space, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(space__a_full_file_system, mount_setup, mount_teardown),
		cmocka_unit_test_setup_teardown(kill__what_was_committed_is_there, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_fault", tests, use_our_memory, NULL);
}
