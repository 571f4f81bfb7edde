/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c - opening: what is made, what is refused, one writer, readers beside it, transactions. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "store_fixture.h"

static void write_file(const char *path, const void *data, size_t n)
{
	struct error err = ERROR_INIT;

	if (fs_write_file(path, data, n, &err) < 0)
		fail_msg("%s", err.msg);
}

static void sql_file(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void open__makes_a_store(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	assert_int_equal(fixture_count(f->s, "PRAGMA application_id"), STORE_APPLICATION_ID);
	assert_true(fixture_count(f->s, "PRAGMA user_version") >= 1);
	assert_string_equal(fixture_ask(f->s, "SELECT count(*) FROM store WHERE length(store_id) = 32"), "1");
	assert_string_equal(store_path(f->s), f->path);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"), 0);
	fixture_reopen(f, STORE_WRITE);
	fixture_reopen(f, STORE_READ);
	assert_string_equal(fixture_ask(f->s, "SELECT count(*) FROM store"), "1");
}

/* What is in the place of a store, and what opening it must say. */
enum place { PLACE_NOTHING, PLACE_TEXT, PLACE_EMPTY, PLACE_FOLDER, PLACE_OTHER_DB, PLACE_NEWER, PLACE_DAMAGED, PLACE_FIFO };
static struct refusal { const char *name; enum place place; enum store_mode mode; int want; const char *words; } refusals[] = {
	{ "open: nothing there, for reading", PLACE_NOTHING, STORE_READ, ERR_NOTFOUND, "there is no store" },
	{ "open: a text file, for reading", PLACE_TEXT, STORE_READ, ERR_INPUT, "is not a winnow store" },
	{ "open: a text file, for writing", PLACE_TEXT, STORE_WRITE, ERR_INPUT, "is not a winnow store" },
	{ "open: an empty file, for reading", PLACE_EMPTY, STORE_READ, ERR_INPUT, "it is empty" },
	{ "open: an empty file, for writing, becomes a store", PLACE_EMPTY, STORE_WRITE, 0, "" },
	{ "open: a folder, for reading", PLACE_FOLDER, STORE_READ, ERR_INPUT, "it is a folder" },
	{ "open: a folder, for writing", PLACE_FOLDER, STORE_WRITE, ERR_INPUT, "it is a folder" },
	{ "open: a fifo", PLACE_FIFO, STORE_READ, ERR_INPUT, "not a regular file" },
	{ "open: another program's SQLite file, for reading", PLACE_OTHER_DB, STORE_READ, ERR_INPUT, "of another program" },
	{ "open: another program's SQLite file, for writing", PLACE_OTHER_DB, STORE_WRITE, ERR_INPUT, "of another program" },
	{ "open: a newer store, for reading", PLACE_NEWER, STORE_READ, ERR_VERSION, "version 99" },
	{ "open: a newer store, for writing", PLACE_NEWER, STORE_WRITE, ERR_VERSION, "version 99" },
	{ "open: a store with damaged first pages", PLACE_DAMAGED, STORE_READ, ERR_CORRUPT, "is damaged" },
};

static void open__refuses(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	/* One fixture for all rows: each has a folder of its own in it. */
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *c = &refusals[i];
		cleanup_buf struct buf before, after;
		char path[160], lock[180];
		struct store *s = NULL;
		int r;

		buf_init(&before, 1 << 24);
		buf_init(&after, 1 << 24);
		snprintf(path, sizeof(path), "%s/case-%zu.db", f->dir, i);
		snprintf(lock, sizeof(lock), "%s.lock", path);
		switch (c->place) {
		case PLACE_NOTHING:
			break;
		case PLACE_TEXT:
			write_file(path, "Dear diary,\n", 12);
			break;
		case PLACE_EMPTY:
			write_file(path, "", 0);
			break;
		case PLACE_FOLDER:
			assert_int_equal(mkdir(path, 0777), 0);
			break;
		case PLACE_FIFO:
			assert_int_equal(mkfifo(path, 0666), 0);
			break;
		case PLACE_OTHER_DB:
			sql_file(path, "CREATE TABLE t(x); PRAGMA user_version = 1");
			break;
		case PLACE_NEWER:
		case PLACE_DAMAGED:
			assert_int_equal(store_open(path, STORE_WRITE, 0, "a test", &s, &err), 0);
			store_close(s);
			s = NULL;
			sql_file(path, c->place == PLACE_NEWER ? "PRAGMA user_version = 99" : "PRAGMA journal_mode = DELETE");
			if (c->place == PLACE_DAMAGED) {
				int fd = open(path, O_WRONLY | O_CLOEXEC);

				assert_int_equal(pwrite(fd, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 100), 16);
				close(fd);
			}
			assert_int_equal(unlink(lock), 0);
		}
		if (c->place == PLACE_TEXT || c->place == PLACE_OTHER_DB || c->place == PLACE_NEWER)
			assert_int_equal(fs_read_file(path, &before, &err), 0);
		err = (struct error)ERROR_INIT;
		r = store_open(path, c->mode, 0, "a test", &s, &err);
		if (r == 0)
			store_close(s);
		if (r != c->want || !strstr(err.msg, c->words))
			fail_msg("%s: %d '%s'", c->name, r, err.msg);
		if (before.len) {
			assert_int_equal(fs_read_file(path, &after, &err), 0);
			assert_true(before.len == after.len && memcmp(before.data, after.data, after.len) == 0);
		}
		if (c->place == PLACE_TEXT || c->place == PLACE_OTHER_DB || c->place == PLACE_FOLDER)
			assert_false(fs_exists(lock)); /* what is not ours is left alone */
	}
}

/* ---- the lock ---- */

static void lock__a_second_writer_learns_who_holds_it(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *second = NULL;
	uint64_t start;
	char pid[40];

	fixture_open(f);
	assert_int_equal(store_open(f->path, STORE_WRITE, 0, "another", &second, &err), ERR_BUSY);
	snprintf(pid, sizeof(pid), "(process %d on host ", (int)getpid());
	if (!strstr(err.msg, "held by 'a test' ") || !strstr(err.msg, pid) || !strstr(err.msg, ", since 2"))
		fail_msg("the message is: %s", err.msg);
	assert_int_equal(error_exit_status(ERR_BUSY), 3);
	start = clock_now_us();
	assert_int_equal(store_open(f->path, STORE_WRITE, 250000, "another", &second, &err), ERR_BUSY);
	assert_true(clock_now_us() - start >= 250000);
	store_close(f->s);
	f->s = NULL;
	assert_int_equal(store_open(f->path, STORE_WRITE, 0, "another", &f->s, &err), 0);
}

static void lock__is_one_by_whatever_link_a_store_is_reached(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *second = NULL;
	char link[160];

	fixture_open(f);
	snprintf(link, sizeof(link), "%s/link.db", f->dir);
	assert_int_equal(symlink(f->path, link), 0);
	assert_int_equal(store_open(link, STORE_WRITE, 0, "another", &second, &err), ERR_BUSY);
	assert_int_equal(store_open(link, STORE_READ, 0, "another", &second, &err), 0);
	store_close(second);
}

static void lock__waits_for_a_holder_to_end(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	int ready[2], status;
	uint64_t start;
	pid_t child;
	char c;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *s;
		struct timespec nap = { .tv_nsec = 300000000 };

		if (store_open(f->path, STORE_WRITE, 0, "a child", &s, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		nanosleep(&nap, NULL);
		_exit(0); /* without closing: the kernel drops the lock, the text stays */
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	start = clock_now_us();
	if (store_open(f->path, STORE_WRITE, UINT64_C(30000000), "a test", &f->s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(clock_now_us() - start < UINT64_C(25000000));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
}

static void lock__stale_text_is_harmless(void **state)
{
	struct fixture *f = *state;
	char lock[160];

	snprintf(lock, sizeof(lock), "%s.lock", f->path);
	write_file(lock, "{\"pid\":1,\"host\":\"gone\",\"what\":\"winnow run\"", 43);
	fixture_open(f);
	store_close(f->s);
	f->s = NULL;
	write_file(lock, "\xff\xfe garbage", 10);
	fixture_open(f);
}

/* ---- readers ---- */

static void reader__sees_what_is_committed_while_a_writer_writes(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *reader;

	fixture_open(f);
	assert_int_equal(store_open(f->path, STORE_READ, 0, "reader", &reader, &err), 0);
	assert_int_equal(store_begin(f->s, &err), 0);
	assert_int_equal(fixture_put_tasks(f->s, 5, 0, NULL, &err), 0);
	assert_int_equal(fixture_count(reader, "SELECT count(*) FROM task"), 0);
	assert_int_equal(store_commit(f->s, &err), 0);
	assert_int_equal(fixture_count(reader, "SELECT count(*) FROM task"), 5);
	assert_int_equal(store_begin(reader, &err), ERR_INTERNAL);
	store_close(reader);
}

/* Read as an ordinary user from a folder in which nothing can be made; the exit code tells. */
static int read_there(const char *path)
{
	struct error err = ERROR_INIT;
	struct store *s;
	int r;

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 10;
	r = store_open(path, STORE_WRITE, 0, "a test", &s, &err);
	if (r != ERR_IO)
		return 11;
	r = store_open(path, STORE_READ, 0, "a test", &s, &err);
	if (r < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 12;
	}
	store_close(s);
	return 0;
}

static void reader__works_in_a_read_only_folder(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	int status;
	pid_t child;

	fixture_open(f);
	assert_int_equal(fixture_put_tasks(f->s, 3, 0, NULL, &err), 0);
	store_close(f->s);
	f->s = NULL;
	assert_int_equal(chmod(f->path, 0444), 0);
	assert_int_equal(chmod(f->dir, 0555), 0);
	child = fork();
	if (child == 0)
		_exit(read_there(f->path));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void open__a_path_with_signs_of_uris_is_a_path(void **state)
{
	static const char *const names[] = { "a?b.db", "a%41#.db", "file:x.db" };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[160];
		struct store *s;

		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		assert_int_equal(store_open(path, STORE_WRITE, 0, "a test", &s, &err), 0);
		store_close(s);
		assert_true(fs_exists(path));
	}
}

/* ---- transactions ---- */

static void transaction__rollback_forgets_and_commit_keeps(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);

	assert_int_equal(store_commit(s, &err), ERR_INTERNAL);
	assert_int_equal(store_begin(s, &err), 0);
	assert_int_equal(store_begin(s, &err), ERR_INTERNAL);
	assert_int_equal(fixture_put_tasks(s, 4, 0, NULL, &err), 0);
	store_rollback(s);
	store_rollback(s);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task"), 0);
	assert_int_equal(store_begin(s, &err), 0);
	assert_int_equal(fixture_put_tasks(s, 4, 0, NULL, &err), 0);
	assert_int_equal(store_commit(s, &err), 0);
	store_checkpoint(s);
	assert_int_equal(store_begin(s, &err), 0);
	assert_int_equal(fixture_put_tasks(s, 6, 0, NULL, &err), 0);
	fixture_reopen(f, STORE_WRITE); /* closing rolls back */
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM task"), 4);
	fixture_assert_sound(f->s);
	store_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(open__makes_a_store, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(open__refuses, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(open__a_path_with_signs_of_uris_is_a_path, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(lock__a_second_writer_learns_who_holds_it, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(lock__is_one_by_whatever_link_a_store_is_reached, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(lock__waits_for_a_holder_to_end, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(lock__stale_text_is_harmless, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(reader__sees_what_is_committed_while_a_writer_writes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(reader__works_in_a_read_only_folder, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(transaction__rollback_forgets_and_commit_keeps, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
