/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_watch.c - looks at what a running box holds, where nothing of the kernel counts it for us.
 *
 *   memory   resident pages of all its processes together, what of them is swapped out, and page tables beyond
 *            what those pages need: one byte read in each 2 MiB of a large mapping is no resident page (the
 *            kernel has one page of zeros for all), and costs a page of tables each time.  A resource limit
 *            bounds one process, and its address space at that: threads' stacks, of which little is ever
 *            touched, would use it up.  What a process hides from all of these: hidden.h
 *   threads  where no RLIMIT_NPROC of its own counts them: a few more than allowed may have started
 *   CPU      of a compiler's tree; that of a lone process is checked by its exact clock (box_end.c)
 *   files    of its folder and those it holds open without a name, where the folder is no tmpfs of its own
 *
 * The next look comes before the limit could be met at a rate that machines reach; a run that ends in a
 * few milliseconds is never looked at.  The resource limits (box_job.c) stay as the backstop.
 */
#include "sandbox/box_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/record.h"
#include "sandbox/hidden.h"

#define LOOK_MIN_US 2000
#define LOOK_MAX_US 20000
#define LOOK_TREE_US 50000           /* a tree of processes, a folder: dearer looks */
#define BYTES_PER_US 8192            /* faster than pages are touched or files written */
#define FILES_MAX 16384              /* as many as a tmpfs of a box takes */
#define FOLDERS_DEEP 64
#define FILES_SLACK_BYTES (UINT64_C(16) << 20) /* one file has its own limit, and the program is a file too */
#define PIDS_MAX 128
#define THREADS_SLACK 32
#define TABLES_FREE_BYTES (UINT64_C(8) << 20)

static const char proc[] = "/proc";

bool box_watch_works(void)
{
	static int works = -1;

	if (works < 0)
		works = waits_usable(proc);
	return works > 0;
}

static uint64_t kilobytes(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, 10) << 10 : 0;
}

static uint64_t memory_bytes(pid_t pid)
{
	char path[64], text[4096];
	cleanup_fd int fd = -1;
	uint64_t pages, tables;
	ssize_t n;

	(void) snprintf(path, sizeof(path), "%s/%d/status", proc, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The program chooses its name, but no line break gets into it. */
	pages = kilobytes(text, "\nVmRSS:") + kilobytes(text, "\nVmSwap:");
	tables = kilobytes(text, "\nVmPTE:");
	return pages + (tables > pages / 64 + TABLES_FREE_BYTES ? tables - pages / 64 - TABLES_FREE_BYTES : 0);
}

static uint64_t threads_of(pid_t pid)
{
	char path[64];
	struct stat st;

	(void) snprintf(path, sizeof(path), "%s/%d/task", proc, (int)pid);
	return stat(path, &st) == 0 && st.st_nlink > 2 ? st.st_nlink - 2 : 0;
}

struct usage {
	uint64_t bytes, files;
};

static void count(struct usage *u, const struct stat *st)
{
	u->bytes += (uint64_t)st->st_blocks * 512;
	u->files++;
}

/* The folder open as fd (taken over) and what is below it.  Deeper ones than most are let be: each costs a file. */
static void count_folder(int fd, int depth, struct usage *u)
{
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) && u->files <= FILES_MAX) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		count(u, &st);
		if (S_ISDIR(st.st_mode) && depth < FOLDERS_DEEP)
			count_folder(openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				     depth + 1, u);
	}
	closedir(d);
}

/* Files that a process holds open and that have no name any more. */
static void count_nameless(pid_t pid, struct usage *u)
{
	char path[64];
	struct dirent *e;
	struct stat st;
	DIR *d;

	(void) snprintf(path, sizeof(path), "%s/%d/fd", proc, (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) && !st.st_nlink)
			count(u, &st);
	if (d)
		closedir(d);
}

/* How soon `left` bytes could be used up. */
static uint64_t until(uint64_t left, uint64_t max_us)
{
	uint64_t us = left / BYTES_PER_US;

	return us < LOOK_MIN_US ? LOOK_MIN_US : us > max_us ? max_us : us;
}

static void look(void *ctx)
{
	struct box *box = ctx;
	bool tree = box->phase != BOX_RUN;
	uint64_t now = clock_now_us(), memory = 0, max = tree ? LOOK_TREE_US : LOOK_MAX_US;
	pid_t pids[PIDS_MAX] = { box->program_pid };
	size_t n = 1;

	if (tree) {
		n = waits_pids(proc, box->init_pid, box->program_pid, pids, PIDS_MAX);
		waits_read(proc, box->init_pid, box->program_pid, &box->watched);
		if (waits_cpu_us(&box->watched) >= box->cpu_limit_us) {
			box_end_by(box, BOX_CPU_LIMIT, FLAG_CPU_LIMIT);
			return;
		}
	}
	for (size_t i = 0; i < n; i++)
		memory += memory_bytes(pids[i]);
	if (!tree && box->processes && threads_of(box->program_pid) > box->processes + THREADS_SLACK)
		memory = UINT64_MAX; /* threads are memory of the kernel, which nobody else counts */
	if (!tree && hidden_memory(proc, box->program_pid, memory, box->memory_limit_bytes, &box->hidden_due_bytes))
		memory = UINT64_MAX;
	if (memory > box->memory_limit_bytes) {
		box_end_by(box, BOX_MEMORY_LIMIT, FLAG_MEMORY_LIMIT);
		return;
	}
	if (box->home && now >= box->files_due_us) {
		struct usage u = { 0, 0 };

		count_folder(open(box->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, &u);
		for (size_t i = 0; i < n; i++)
			count_nameless(pids[i], &u);
		if (u.bytes > box->file_limit_bytes + FILES_SLACK_BYTES || u.files > FILES_MAX) {
			box_end_by(box, BOX_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT);
			return;
		}
		/* Many files take long to count: never more than a tenth of the time. */
		box->files_due_us = clock_now_us() + LOOK_TREE_US / 2 + 10 * (clock_now_us() - now);
	}
	timer_arm(&box->sp->timers, &box->look, now + until(box->memory_limit_bytes - memory, max));
}

void box_watch_start(struct box *box)
{
	uint64_t now = clock_now_us();

	if (!box_watch_works())
		return;
	box->look.fire = look;
	box->look.ctx = box;
	timer_arm(&box->sp->timers, &box->look, now + until(box->memory_limit_bytes, LOOK_MAX_US));
}

void box_watch_stop(struct box *box)
{
	timer_disarm(&box->sp->timers, &box->look);
}
