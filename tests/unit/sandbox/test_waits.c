/* SPDX-License-Identifier: Apache-2.0 */
/* test_waits.c - what is read of /proc about waiting, and a wall limit on a core that many want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "box_harness.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/record.h"
#include "sandbox/waits.h"

/* --- a /proc of our own --- */

static char proc[] = "/tmp/waits-test-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", proc, name);
	for (char *p = path + sizeof(proc); (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void) mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int make_proc(void **state)
{
	(void)state;
	return mkdtemp(proc) ? 0 : -1;
}

static int remove_proc(void **state)
{
	(void)state;
	return fs_remove_tree(proc, NULL);
}

static const struct wait_task *task_of(const struct waits *w, pid_t tid)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->tasks[i].tid == tid)
			return &w->tasks[i];
	fail_msg("task %d is not there", (int)tid);
	return NULL;
}

static void read__walks_the_tree_below_init(void **state)
{
	struct waits w;

	(void)state;
	put("10/task/10/schedstat", "9000000 7000000 1\n"); /* init */
	put("10/task/10/stat", "10 (winnow-init) R 1 10\n");
	put("10/task/10/children", "20 30 ");
	put("20/task/20/schedstat", "5000 1000000 3\n");
	put("20/task/20/stat", "20 (x) R) S 10 20\n");
	put("20/task/20/children", "");
	put("20/task/21/schedstat", "6000 2000000 3\n");
	put("20/task/21/stat", "21 (a) S 10 20\n");
	put("20/task/21/children", "40 ");
	put("30/task/30/schedstat", "rubbish\n");
	put("40/task/40/schedstat", "7000 3000000 3\n");
	put("40/task/40/stat", "40 (cc1) D 20 20\n");
	waits_read(proc, 10, 20, &w);
	assert_int_equal(w.n, 3);
	assert_false(w.runnable);
	assert_int_equal(task_of(&w, 20)->waited_us, 1000);
	assert_int_equal(task_of(&w, 21)->cpu_us, 6);
	assert_int_equal(task_of(&w, 40)->waited_us, 3000);
	put("40/task/40/stat", "40 (cc1) R 20 20\n");
	waits_read(proc, 10, 20, &w);
	assert_true(w.runnable);
	put("10/schedstat", "9000000 7000000 1\n");
	assert_int_equal(waits_of_task(proc, 10), 7000);
}

static void read__without_proc_finds_nothing(void **state)
{
	struct waits w;
	char path[256], text[32];

	(void)state;
	waits_read("/nowhere/at-all", getpid(), getpid(), &w);
	assert_int_equal(w.n, 0);
	assert_false(w.runnable);
	assert_int_equal(waits_of_task("/nowhere/at-all", getpid()), 0);
	assert_false(waits_usable("/nowhere/at-all"));
	/* Nor is one that numbers processes otherwise of use. */
	(void) snprintf(path, sizeof(path), "%s/self", proc);
	(void) snprintf(text, sizeof(text), "%d", (int)getpid() + 1);
	assert_int_equal(symlink(text, path), 0);
	assert_false(waits_usable(proc));
	assert_int_equal(unlink(path), 0);
	(void) snprintf(text, sizeof(text), "%d", (int)getpid());
	assert_int_equal(symlink(text, path), 0);
	assert_true(waits_usable(proc));
}

static void since__is_by_task(void **state)
{
	static const struct waits none = { .n = 0 };
	static const struct waits a = { .n = 2, .tasks = { { 1, 10, 100 }, { 2, 10, 50 } } };
	static const struct waits b = { .n = 2, .tasks = { { 3, 1, 30 }, { 2, 10, 70 } } };
	static const struct waits again = { .n = 1, .tasks = { { 3, 1, 20 } } };
	struct waits_growth g;

	(void)state;
	g = waits_since(&none, &none);
	assert_int_equal(g.waited_us, 0);
	assert_false(g.moved);
	g = waits_since(&none, &a);
	assert_int_equal(g.waited_us, 150);
	assert_int_equal(g.cpu_us, 20);
	assert_true(g.moved);
	g = waits_since(&a, &a);
	assert_int_equal(g.waited_us, 0);
	assert_false(g.moved);
	g = waits_since(&a, &b); /* one gone, one new, one went on */
	assert_int_equal(g.waited_us, 30 + 20);
	assert_int_equal(g.cpu_us, 1);
	assert_true(g.moved);
	g = waits_since(&b, &again); /* another task of the same number */
	assert_int_equal(g.waited_us, 20);
	assert_true(g.moved);
}

/* --- a core that many want --- */

#define HOGS 16
#define HOG_LIFE_S 120 /* should we die first */
#define WALL_US 400000
#define CPU_US 40000   /* takes longer than WALL_US with one core among HOGS + 1 */

static pid_t hogs[HOGS];

static bool pin_to_one_core(void)
{
	cpu_set_t have, one;

	if (sched_getaffinity(0, sizeof(have), &have) < 0)
		return false;
	CPU_ZERO(&one);
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &have)) {
			CPU_SET(i, &one);
			break;
		}
	return sched_setaffinity(0, sizeof(one), &one) == 0;
}

static void end_hogs(void)
{
	for (int i = 0; i < HOGS; i++) {
		if (hogs[i] <= 0)
			continue;
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
		hogs[i] = 0;
	}
}

/* They begin when told to, by a byte each. */
static bool make_hogs(int start_fd)
{
	for (int i = 0; i < HOGS; i++) {
		hogs[i] = fork();
		if (hogs[i] < 0)
			return false;
		if (hogs[i] == 0) {
			char c;

			alarm(HOG_LIFE_S);
			setsid(); /* where sessions share a core, one share each */
			if (read(start_fd, &c, 1) == 1)
				for (;;)
					;
			_exit(0);
		}
	}
	return true;
}

/* The tiers differ in who the program's user is, and whether in a pid namespace. */
static struct sandbox *open_busy(enum tier tier)
{
	struct sandbox *s = NULL;
	struct error err = ERROR_INIT;
	char go[HOGS] = { 0 };
	struct ran r = { 0 };
	int p[2];

	if (harness_open(tier, &s, &err) < 0) {
		print_message("skipped: %s\n", err.msg);
		skip();
	}
	assert_int_equal(harness_compile_actor(s, &r), 0);
	assert_true(r.has_collected);
	ran_clear(&r);
	sandbox_close(s);
	assert_int_equal(pipe(p), 0);
	if (!pin_to_one_core() || !make_hogs(p[0]) || nice(2) < 0) {
		end_hogs();
		fail_msg("cannot make the core busy");
	}
	if (harness_open(tier, &s, &err) < 0 || write(p[1], go, sizeof(go)) != (ssize_t)sizeof(go)) {
		end_hogs();
		fail_msg("cannot open: %s", err.msg);
	}
	close(p[0]);
	close(p[1]);
	return s;
}

static void busy_core(enum tier tier)
{
	struct run spin = { .argv = { "./actor", "spin" }, .cpu_us = CPU_US, .wall_us = WALL_US };
	struct run sleep = { .argv = { "./actor", "sleep" }, .cpu_us = CPU_US, .wall_us = WALL_US };
	struct run tree = { .phase = BOX_COMPILE, .argv = { "/bin/sh", "-c", "./actor work 30; ./actor work 30; true" },
			    .wall_us = WALL_US };
	struct sandbox *s = open_busy(tier);
	struct ran a = { 0 }, b = { 0 }, c = { 0 };
	int r;

	r = harness_run(s, &spin, &a);
	if (r == 0)
		r = harness_run(s, &sleep, &b);
	if (r == 0)
		r = harness_run(s, &tree, &c);
	end_hogs();
	sandbox_close(s);
	assert_int_equal(r, 0);
	print_message("spin %d cpu %llu wall %llu; sleep %d wall %llu; tree %d cpu %llu wall %llu\n", a.end,
		      (unsigned long long)a.cpu_us, (unsigned long long)a.wall_us, b.end,
		      (unsigned long long)b.wall_us, c.end, (unsigned long long)c.cpu_us,
		      (unsigned long long)c.wall_us);
	assert_int_equal(a.end, BOX_CPU_LIMIT);
	assert_false(a.flags & FLAG_WALL_LIMIT);
	assert_int_equal(b.end, BOX_WALL_LIMIT);
	assert_false(b.flags & FLAG_CPU_LIMIT);
	assert_true(b.wall_us >= WALL_US);
	assert_true(b.wall_us < 10 * WALL_US); /* and not at the bound of 20 */
	assert_int_equal(c.end, BOX_EXITED);
	assert_int_equal(c.exit_code, 0);
	ran_clear(&a);
	ran_clear(&b);
	ran_clear(&c);
}

static void wall__counts_no_wait_for_a_core_in_namespaces(void **state)
{
	(void)state;
	busy_core(TIER_NAMESPACES);
}

static void wall__counts_no_wait_for_a_core_without_them(void **state)
{
	(void)state;
	busy_core(TIER_LANDLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read__walks_the_tree_below_init),
		cmocka_unit_test(read__without_proc_finds_nothing),
		cmocka_unit_test(since__is_by_task),
		cmocka_unit_test(wall__counts_no_wait_for_a_core_in_namespaces),
		cmocka_unit_test(wall__counts_no_wait_for_a_core_without_them),
	};

	return cmocka_run_group_tests(tests, make_proc, remove_proc);
}
