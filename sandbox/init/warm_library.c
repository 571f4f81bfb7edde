/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warm_library.c - the half of a warm runner that is C: a shared library for an interpreter that is forked
 * from, never reused (sandbox/languages/python/warm.py is the other half).
 *
 * The runner is the program of a box of its own, trusted, and never reads a byte that a candidate
 * wrote: all it gets is a byte over its channel with the descriptors that winnow-init would get
 * (protocol.h).  The fork puts up the same fences by the same code as init, and only then reads the
 * program.  Order of calls:
 *
 *   warm_start()  before anything is loaded
 *   warm_learn()  all is loaded, and a fork of it is somewhere in a rehearsal
 *   warm_ready()  tell the spawner
 *   warm_next()   wait for a run
 *   warm_fork()   then warm_enter() in the child, warm_wait() in the parent: bury it and report
 *   warm_exit()   in the child, where nothing of the interpreter's own end could be seen
 *
 * A fork shares its memory with the runner until it writes there.  On a virtual machine the fault that
 * each such page takes may cost 25 us, five milliseconds a run in all; so a rehearsal tells which pages
 * a run is going to write and read, and each fork asks for them in a few calls at 1 us a page.
 */
#include "sandbox/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARKED_FROM 64 /* above any number that a run's descriptors get */
#define PAGE 4096u
#define MAX_RANGES 1024
#define MAX_GAP 2            /* pages between two ranges that are cheaper taken along */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_EXCLUSIVE (UINT64_C(1) << 56)
#define POPULATE_READ 22
#define POPULATE_WRITE 23

static struct job job;
static int control = -1;
static int got[WARM_MAX_FDS];
static size_t n_got;
static struct range {
	uintptr_t at;
	size_t pages;
	int advice;
} ranges[MAX_RANGES];
static size_t n_ranges;
static uint64_t space_before, space_extra, peak_before, peak_extra;

/* Symbols of this library are called by ctypes. */
void warm_start(void) __attribute__((visibility("default")));
void warm_ready(void) __attribute__((visibility("default")));
void warm_learn(int pid) __attribute__((visibility("default")));
int warm_pair(int ret[2]) __attribute__((visibility("default")));
int warm_fork(void) __attribute__((visibility("default")));
int warm_next(void) __attribute__((visibility("default")));
void warm_wait(int pid) __attribute__((visibility("default")));
const char *const *warm_enter(void) __attribute__((visibility("default")));
void warm_exit(int code) __attribute__((visibility("default")));

/* Address space in use, by what the limit of it would still allow: there is no /proc. */
static uint64_t address_space(void)
{
	uint64_t low = 0, high = UINT64_C(1) << 40;
	struct rlimit had, l;

	if (getrlimit(RLIMIT_AS, &had) < 0)
		return 0;
	while (high - low > PAGE) {
		uint64_t middle = low + (high - low) / 2 / PAGE * PAGE;
		void *p;

		l = (struct rlimit){ middle, had.rlim_max };
		if (setrlimit(RLIMIT_AS, &l) < 0)
			break;
		p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			low = middle;
		} else {
			munmap(p, PAGE);
			high = middle;
		}
	}
	setrlimit(RLIMIT_AS, &had);
	return high;
}

static uint64_t peak(void)
{
	struct rusage ru;

	return getrusage(RUSAGE_SELF, &ru) < 0 ? 0 : (uint64_t)ru.ru_maxrss << 10;
}

void warm_start(void)
{
	control = fcntl(INIT_FD_CHANNEL, F_DUPFD_CLOEXEC, PARKED_FROM + WARM_MAX_FDS);
	close(INIT_FD_CHANNEL);
	space_before = address_space();
	peak_before = peak();
}

static void say(const char *frame, size_t n)
{
	while (write(control, frame, n) < 0)
		if (errno != EINTR)
			_exit(1);
}

void warm_ready(void)
{
	static const char frame[] = { 1, 0, 0, 0, 'R' };
	uint64_t space = address_space(), now = peak();

	/* Only to learn; no run is to see it. */
	if (getenv("WINNOW_OWN_PROC") && umount2("/proc", MNT_DETACH) < 0)
		_exit(1);
	unsetenv("WINNOW_OWN_PROC");

	space_extra = space > space_before ? space - space_before : 0;
	peak_extra = now > peak_before ? now - peak_before : 0;
	say(frame, sizeof(frame));
}

static void learn_page(uintptr_t at, int advice)
{
	struct range *last = n_ranges ? &ranges[n_ranges - 1] : NULL;

	if (last && last->advice == advice && at >= last->at && (at - last->at) / PAGE <= last->pages + MAX_GAP) {
		last->pages = (at - last->at) / PAGE + 1;
		return;
	}
	if (n_ranges < MAX_RANGES)
		ranges[n_ranges++] = (struct range){ at, 1, advice };
}

/* One mapping of ours: what the fork has made its own there, or read of a file. */
static void learn_mapping(int pagemap, uintptr_t from, uintptr_t to, bool written)
{
	uint64_t entries[512];

	for (uintptr_t at = from; at < to;) {
		size_t n = (to - at) / PAGE < 512 ? (to - at) / PAGE : 512;
		ssize_t got_bytes = pread(pagemap, entries, n * 8, (off_t)(at / PAGE * 8));

		if (got_bytes <= 0)
			return;
		n = (size_t)got_bytes / 8;
		for (size_t i = 0; i < n; i++) {
			bool present = entries[i] & PAGEMAP_PRESENT, own = entries[i] & PAGEMAP_EXCLUSIVE;

			if (present && (!written || own))
				learn_page(at + i * PAGE, written ? POPULATE_WRITE : POPULATE_READ);
		}
		at += n * PAGE;
	}
}

void warm_learn(int pid)
{
	char path[64], line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	int pagemap;

	n_ranges = 0;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	while (maps && pagemap >= 0 && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char rights[5], rest[256] = "";

		if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255[^\n]", &from, &to, rights, rest) < 3)
			continue;
		if (rights[0] == 'r' && rights[3] == 'p' && !strstr(rest, "[v"))
			learn_mapping(pagemap, from, to, rights[1] == 'w');
	}
	if (maps)
		fclose(maps);
	if (pagemap >= 0)
		close(pagemap);
}

int warm_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret);
}

int warm_fork(void)
{
	int pid = fork();

	for (size_t i = 0; pid == 0 && i < n_ranges; i++)
		if (madvise((void *)ranges[i].at, ranges[i].pages * PAGE, ranges[i].advice) < 0 && errno == EINVAL)
			break; /* an older kernel */
	return pid;
}

int warm_next(void)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(WARM_MAX_FDS * sizeof(int))];
	} room;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(control, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n == 1 ? CMSG_FIRSTHDR(&h) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || h.msg_flags & MSG_CTRUNC)
		return 0;
	n_got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n_got <= INIT_FD_JOB)
		return 0;
	memcpy(got, CMSG_DATA(c), n_got * sizeof(int));
	return 1;
}

static void forget_descriptors(void)
{
	for (size_t i = 0; i < n_got; i++)
		close(got[i]);
	n_got = 0;
}

static uint64_t micro(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

void warm_wait(int pid)
{
	struct init_msg ended = { .kind = INIT_ENDED };
	struct rusage ru;
	uint64_t used;
	/* It alone is told here; the rest must not stay open while the run is on. */
	int status_fd = fcntl(got[INIT_FD_STATUS], F_DUPFD_CLOEXEC, PARKED_FROM);

	forget_descriptors();
	if (status_fd < 0)
		_exit(1);
	/* A run starts no process, so nothing can outlive it. */
	while (wait4(pid, &ended.status, __WALL, &ru) < 0)
		if (errno != EINTR)
			_exit(1);
	used = (uint64_t)ru.ru_maxrss << 10;
	ended.cpu_us = micro(&ru.ru_utime) + micro(&ru.ru_stime);
	ended.memory_bytes = used > peak_extra ? used - peak_extra : 0;
	init_send_to(status_fd, &ended, -1);
	close(status_fd);
}

static void place_descriptors(void)
{
	size_t n = n_got;
	int parked[WARM_MAX_FDS];

	for (size_t i = 0; i < n; i++) {
		parked[i] = fcntl(got[i], F_DUPFD_CLOEXEC, PARKED_FROM);
		if (parked[i] < 0)
			_exit(1);
	}
	for (size_t i = 0; i < n; i++)
		if (dup3(parked[i], (int)i, i > INIT_FD_CHANNEL ? O_CLOEXEC : 0) < 0)
			_exit(1);
	/* The control socket goes here, with all else. */
	syscall(436 /* close_range */, n, ~0u, 0u);
}

static void enter_own_folder(void)
{
	if (!(job.flags & JOB_NEW_ROOT))
		return;
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0)
		init_fail("make a mount namespace of its own", NULL);
	root_mount_home(&job);
}

const char *const *warm_enter(void)
{
	int ruleset;

	place_descriptors();
	job_read(&job);
	enter_own_folder();
	files_place(&job);
	ruleset = landlock_build(&job);
	/* What is loaded here and would not be in an interpreter of its own. */
	for (size_t i = 0; i < job.n_limits; i++)
		if (job.limits[i].resource == RLIMIT_AS || job.limits[i].resource == RLIMIT_DATA)
			job.limits[i].value += space_extra;
	program_enter(&job, ruleset, true);
	syscall(436 /* close_range */, INIT_FD_STATUS, ~0u, 0u);
	return job.envp;
}

void warm_exit(int code)
{
	exit(code);
}
