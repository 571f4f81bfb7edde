/* SPDX-License-Identifier: Apache-2.0 */
/* test_spawner.c - the spawner's life: start, many boxes, peers, death of either side, residue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "box_harness.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/record.h"

#define MIB(n) (UINT64_C(n) << 20)

static void nap_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static struct sandbox *open_or_skip(enum tier tier)
{
	struct sandbox *s = NULL;
	struct error err = ERROR_INIT;
	struct ran r = { 0 };
	size_t n;

	if (harness_open(tier, &s, &err) < 0) {
		print_message("skipped: %s\n", err.msg);
		skip();
	}
	if (!harness_actor(&n)) {
		assert_int_equal(harness_compile_actor(s, &r), 0);
		assert_true(r.has_collected);
		ran_clear(&r);
	}
	return s;
}

/* --- our descendants, by process id and start time, so that no other test's count --- */

struct process {
	int pid, parent;
	unsigned long long start;
	char name[32];
};
static struct process known[4096];
static size_t n_known;

static bool read_process(int pid, struct process *p)
{
	char path[64], text[512] = "", *end;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	end = n > 0 ? strrchr(text, ')') : NULL;
	if (!end || sscanf(text, "%d (%31[^)]", &p->pid, p->name) != 2)
		return false;
	return sscanf(end, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		      &p->parent, &p->start) == 2 && end[2] != 'Z';
}

/* Note every living descendant; returns how many bear that name. */
static int see_descendants(const char *name)
{
	static struct process all[8192];
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;
	bool grown = true;
	int found = 0;

	while (d && (e = readdir(d)) && n < ARRAY_SIZE(all))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && read_process(atoi(e->d_name), &all[n]))
			n++;
	if (d)
		closedir(d);
	n_known = 0;
	while (grown) {
		grown = false;
		for (size_t i = 0; i < n; i++) {
			bool ours = all[i].parent == getpid();

			for (size_t k = 0; k < n_known && !ours; k++)
				ours = all[i].parent == known[k].pid;
			if (!ours || !all[i].pid || n_known == ARRAY_SIZE(known))
				continue;
			known[n_known++] = all[i];
			found += strcmp(all[i].name, name) == 0;
			all[i].pid = all[i].parent = 0;
			grown = true;
		}
	}
	return found;
}

static bool wait_for(const char *name, int count)
{
	for (int i = 0; i < 500; i++) {
		if (see_descendants(name) >= count)
			return true;
		nap_ms(10);
	}
	return false;
}

/* Of the descendants noted last, all but ourselves are dead. */
static bool all_gone(void)
{
	for (int i = 0; i < 1000; i++) {
		size_t alive = 0;

		for (size_t k = 0; k < n_known; k++) {
			struct process p;

			alive += read_process(known[k].pid, &p) && p.start == known[k].start;
		}
		if (!alive)
			return true;
		nap_ms(10);
	}
	return false;
}

static pid_t only_child(void)
{
	char path[64], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

static void names__of_tiers_are_read_back(void **state)
{
	enum tier t;
	struct error err = ERROR_INIT;

	(void)state;
	for (unsigned i = 0; i < TIER_COUNT; i++) {
		assert_int_equal(tier_parse(tier_name(i), &t, &err), 0);
		assert_int_equal(t, i);
	}
	assert_int_equal(tier_parse("magic", &t, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "'magic'"));
}

static void open__takes_the_best_that_works(void **state)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct sandbox *s;
	struct error err = ERROR_INIT;

	(void)state;
	if (sandbox_open(&o, &s, &err) < 0) {
		print_message("skipped: %s\n", err.msg);
		skip();
	}
	assert_true(sandbox_info(s)->tier <= TIER_LANDLOCK);
	assert_true(sandbox_info(s)->slots >= 1);
	assert_true(sandbox_info(s)->seccomp);
	print_message("tier %s, landlock %d, user namespace %d\n", tier_name(sandbox_info(s)->tier),
		      sandbox_info(s)->landlock_abi, sandbox_info(s)->user_namespace);
	sandbox_close(s);
}

static void open__refuses_what_is_below_the_floor(void **state)
{
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct sandbox *s;
	struct error err = ERROR_INIT;

	(void)state;
	o.tier_given = true;
	o.tier = TIER_NONE;
	assert_int_equal(sandbox_open(&o, &s, &err), ERR_KERNEL);
	assert_non_null(strstr(err.msg, "weaker than the floor"));
	setenv("WINNOW_LANDLOCK_ABI", "0", 1);
	o.tier = TIER_LANDLOCK;
	assert_int_equal(sandbox_open(&o, &s, &err), ERR_KERNEL);
	unsetenv("WINNOW_LANDLOCK_ABI");
	assert_non_null(strstr(err.msg, "Landlock"));
}

static void service__that_cannot_start_is_an_error(void **state);
static int broken_start(struct spawner *sp, void *arg, void **ret, struct error *err)
{
	(void)sp;
	(void)arg;
	(void)ret;
	return error_set(err, ERR_NOTFOUND, "no such thing as '%s'", "tea");
}

static void service__that_cannot_start_is_an_error(void **state)
{
	static const struct spawner_service broken = { .start = broken_start };
	struct sandbox_options o = SANDBOX_OPTIONS_INIT;
	struct sandbox *s;
	struct error err = ERROR_INIT;

	(void)state;
	o.floor = TIER_NONE;
	o.tier = TIER_NONE;
	o.tier_given = true;
	o.service = &broken;
	assert_int_equal(sandbox_open(&o, &s, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "no such thing as 'tea'");
}

static void many__boxes_at_once(void **state)
{
	struct sandbox *s = open_or_skip(*(enum tier *)*state);
	struct run run = { .argv = { "./actor", "nap", "50" } };
	bool seen[101] = { false };

	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(harness_send(s, i, &run), 0);
	for (int i = 0; i < 100; i++) {
		uint64_t id;
		struct ran r;

		assert_int_equal(harness_wait(s, &id, &r), 0);
		assert_false(seen[id]);
		seen[id] = true;
		if (r.start_error || r.end != BOX_EXITED)
			fail_msg("box %d: error %d end %d '%s'", i, r.start_error, r.end, r.failure);
		ran_clear(&r);
	}
	sandbox_close(s);
}

static void close__kills_every_box(void **state)
{
	struct sandbox *s = open_or_skip(*(enum tier *)*state);
	struct run run = { .argv = { "./actor", "sleep" } };
	uint64_t begin;

	for (uint64_t i = 1; i <= 5; i++)
		assert_int_equal(harness_send(s, i, &run), 0);
	assert_int_equal(sandbox_pump(s, NULL), 0);
	assert_true(wait_for("actor", 5));
	begin = clock_now_us();
	sandbox_close(s);
	assert_true(clock_now_us() - begin < 5000000);
	assert_true(all_gone());
}

static void spawner__killed_takes_every_box_along(void **state)
{
	struct sandbox *s = open_or_skip(*(enum tier *)*state);
	struct run run = { .argv = { "./actor", "sleep" } };
	struct run forked = { .phase = BOX_COMPILE, .argv = { "/bin/sh", "-c", "./actor sleep; true" } };
	struct ran r;
	uint64_t id;
	pid_t pid = only_child();

	assert_true(pid > 1);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(harness_send(s, i, i == 1 ? &forked : &run), 0);
	assert_int_equal(sandbox_pump(s, NULL), 0);
	assert_true(wait_for("actor", 3));
	kill(pid, SIGKILL);
	assert_true(all_gone());
	assert_int_equal(harness_wait(s, &id, &r), ERR_IO);
	sandbox_close(s);
}

static int scratch_folders(const char *base)
{
	char **names = NULL;
	size_t n = 0, found = 0;

	if (fs_list(base, &names, &n, NULL) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		found += strncmp(names[i], "winnow-", 7) == 0;
	for (size_t i = 0; i < n; i++)
		mem_free(names[i]);
	mem_free(names);
	return (int)found;
}

static void main__killed_takes_all_along(void **state)
{
	enum tier tier = *(enum tier *)*state;
	char base[] = "/tmp/scratch-test-XXXXXX";
	struct sandbox *probe = open_or_skip(tier);
	int status;
	pid_t pid;

	sandbox_close(probe);
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	setenv("TMPDIR", base, 1);
	pid = fork();
	if (pid == 0) { /* another main */
		struct run run = { .argv = { "./actor", "sleep" } };
		struct sandbox *s;

		if (harness_open(tier, &s, NULL) < 0)
			_exit(3);
		for (uint64_t i = 1; i <= 3; i++)
			harness_send(s, i, &run);
		sandbox_pump(s, NULL);
		for (;;)
			pause();
	}
	assert_true(wait_for("actor", 3));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	unsetenv("TMPDIR");
	assert_true(all_gone());
	assert_int_equal(scratch_folders(base), 0);
	rmdir(base);
}

static void scratch__leaves_nothing(void **state)
{
	char base[] = "/tmp/scratch-test-XXXXXX";
	struct run run = { .argv = { "./actor", "files" } };
	struct sandbox *s;
	struct ran r;

	(void)state;
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	setenv("TMPDIR", base, 1);
	if (harness_open(TIER_LANDLOCK, &s, NULL) < 0) {
		unsetenv("TMPDIR");
		rmdir(base);
		skip();
	}
	assert_int_equal(scratch_folders(base), 1);
	assert_int_equal(harness_run(s, &run, &r), 0);
	assert_int_equal(r.end, BOX_EXITED);
	ran_clear(&r);
	sandbox_close(s);
	assert_int_equal(scratch_folders(base), 0);
	/* Also when it is killed. */
	assert_int_equal(harness_open(TIER_LANDLOCK, &s, NULL), 0);
	assert_int_equal(scratch_folders(base), 1);
	kill(only_child(), SIGKILL);
	sandbox_close(s);
	assert_int_equal(scratch_folders(base), 0);
	unsetenv("TMPDIR");
	rmdir(base);
}

static void peers__talk_and_die_with_us(void **state)
{
	static const char *const cat[] = { "sh", "-c", "exec cat", NULL };
	static const char *const none[] = { "/nowhere/at-all", NULL };
	struct sandbox *s = open_or_skip(TIER_NONE);
	struct error err = ERROR_INIT;
	struct pollfd f;
	char b[16];
	int in, out;

	(void)state;
	assert_int_equal(sandbox_spawn_peer(s, none, &in, &out, &err), ERR_IO);
	assert_non_null(strstr(err.msg, "/nowhere/at-all"));
	assert_int_equal(sandbox_spawn_peer(s, cat, &in, &out, &err), 0);
	assert_int_equal(write(in, "hello", 5), 5);
	f = (struct pollfd){ .fd = out, .events = POLLIN };
	assert_int_equal(poll(&f, 1, 5000), 1);
	assert_int_equal(read(out, b, sizeof(b)), 5);
	sandbox_close(s);
	/* The end of file comes from its death: we still hold its input. */
	assert_int_equal(poll(&f, 1, 5000), 1);
	assert_int_equal(read(out, b, sizeof(b)), 0);
	close(in);
	close(out);
}

static bool become_nobody(void)
{
	return geteuid() == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static void make_folder(const char *base, const char *name, time_t age_s)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - age_s }, { .tv_sec = time(NULL) - age_s } };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/%s/box", base, name);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* What a winnow left that was killed together with its spawner goes with the next start; nothing else does. */
static void scratch__of_the_dead_is_removed(void **state)
{
	static const struct { const char *name; time_t age_s; bool locked, goes; } folders[] = {
		{ "winnow-scratch-aaaaaa", 4000, false, true },
		{ "winnow-scratch-bbbbbb", 4000, true, false },   /* somebody lives in it */
		{ "winnow-scratch-cccccc", 5, false, false },     /* just made, and perhaps not locked yet */
		{ "winnow-scratch-archive", 4000, false, false }, /* not a name of ours */
		{ "winnow-models", 4000, false, false },
	};
	char base[] = "/tmp/scratch-test-XXXXXX", path[256];
	int fds[ARRAY_SIZE(folders)];
	struct sandbox *s;

	(void)state;
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		make_folder(base, folders[i].name, folders[i].age_s);
		(void)snprintf(path, sizeof(path), "%s/%s", base, folders[i].name);
		fds[i] = folders[i].locked ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (folders[i].locked)
			assert_int_equal(flock(fds[i], LOCK_EX | LOCK_NB), 0);
	}
	setenv("TMPDIR", base, 1);
	if (harness_open(TIER_LANDLOCK, &s, NULL) < 0) {
		unsetenv("TMPDIR");
		(void)fs_remove_tree(base, NULL);
		skip();
	}
	sandbox_close(s);
	unsetenv("TMPDIR");
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/box", base, folders[i].name);
		if (fs_exists(path) == folders[i].goes)
			fail_msg("'%s' %s", folders[i].name, folders[i].goes ? "is still there" : "is gone");
		if (fds[i] >= 0)
			close(fds[i]);
	}
	assert_int_equal(fs_remove_tree(base, NULL), 0);
}

int main(int argc, char **argv)
{
	static enum tier tiers[TIER_COUNT] = { TIER_NAMESPACES, TIER_UID, TIER_LANDLOCK, TIER_NONE };
#define AT(test, t) { tiers_of_##t " " #test, test, NULL, NULL, &tiers[t] }
#define tiers_of_TIER_NAMESPACES "namespaces:"
#define tiers_of_TIER_UID "uid:"
#define tiers_of_TIER_LANDLOCK "landlock:"
#define FENCED(test) AT(test, TIER_NAMESPACES), AT(test, TIER_UID), AT(test, TIER_LANDLOCK)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names__of_tiers_are_read_back),
		cmocka_unit_test(open__takes_the_best_that_works),
		cmocka_unit_test(open__refuses_what_is_below_the_floor),
		cmocka_unit_test(service__that_cannot_start_is_an_error),
		FENCED(many__boxes_at_once),
		FENCED(close__kills_every_box),
		FENCED(spawner__killed_takes_every_box_along),
		FENCED(main__killed_takes_all_along),
		cmocka_unit_test(scratch__leaves_nothing),
		cmocka_unit_test(scratch__of_the_dead_is_removed),
		cmocka_unit_test(peers__talk_and_die_with_us),
	};

	if (argc > 1 && strcmp(argv[1], "--as-nobody") == 0 && !become_nobody()) {
		puts("skipped: only root can become nobody");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
