/* SPDX-License-Identifier: Apache-2.0 */
/* test_box.c - what a box does with each thing that a program may do, at every tier that works here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "box_harness.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/record.h"

#define NAMESPACES (1u << TIER_NAMESPACES)
#define UID (1u << TIER_UID)
#define LANDLOCK (1u << TIER_LANDLOCK)
#define NONE (1u << TIER_NONE)
#define FENCED (NAMESPACES | UID | LANDLOCK)
#define ALL (FENCED | NONE)
#define MIB(n) (UINT64_C(n) << 20)

struct row {
	const char *name;
	unsigned tiers;
	struct run run;
	enum box_end end;
	int exit_code, signal;
	uint32_t flags;       /* must be set */
	uint32_t not_flags;   /* must not be set */
	const char *out;      /* the whole of stdout; NULL: not looked at */
	const char *out_has;  /* part of stdout */
	const char *refused;  /* calls and counts */
	void (*check)(const struct ran *r);
	bool foreign;         /* by int 0x80, which some kernels do not have: then it is a fault of the program */
};

static void small_time(const struct ran *r)
{
	assert_true(r->cpu_us < 1000000);
	assert_true(r->wall_us < 4000000);
	assert_true(r->memory_bytes < MIB(16));
}

static void cpu_near_limit(const struct ran *r)
{
	assert_in_range(r->cpu_us, 300000, 900000);
}

static void cpu_worked(const struct ran *r)
{
	assert_in_range(r->cpu_us, 200000, 320000);
}

static void slept(const struct ran *r)
{
	assert_in_range(r->wall_us, 300000, 3000000);
	assert_true(r->cpu_us < 200000);
}

static void whole_megabyte(const struct ran *r)
{
	assert_int_equal(r->out_len, 1000000);
	for (size_t i = 0; i < r->out_len; i++)
		if (r->out[i] != (char)('a' + i % 26))
			fail_msg("byte %zu is wrong", i);
}

static void flood_cut(const struct ran *r)
{
	assert_int_equal(r->out_len, 1000);
	assert_true(r->out_total > MIB(1));
	assert_true(r->out_total < MIB(8)); /* it did not run on */
}

static void flood_counted(const struct ran *r)
{
	assert_int_equal(r->out_len, 1000);
	assert_int_equal(r->out_total, MIB(8));
}

static void peak_is_seen(const struct ran *r)
{
	assert_in_range(r->memory_bytes, MIB(64), MIB(80));
}

static void descendants_counted(const struct ran *r)
{
	assert_true(r->cpu_us > 30000); /* of a second, on a machine that may be busy */
}

static void made(const struct ran *r)
{
	assert_true(r->has_collected);
	assert_string_equal(r->collected, "made\n");
}

static void nothing_collected(const struct ran *r)
{
	assert_false(r->has_collected);
}

static void nothing_used(const struct ran *r)
{
	assert_true(r->wall_us < 900000); /* less than it idled, on a machine that may be busy */
}

static char input[1 << 20];
static const char *const no_env[] = { NULL };
static const char *const one_env[] = { "A=b c", "HOME=/h", "TMPDIR=/t", NULL };
#define ACTOR(...) .argv = { "./actor", __VA_ARGS__ }

/* clang-format off */
static const struct row rows[] = {
	{ "exit 0", ALL, { ACTOR("exit", "0") }, .end = BOX_EXITED, .exit_code = 0, .not_flags = ~0u, .out = "", .check = small_time },
	{ "exit 3 is data", ALL, { ACTOR("exit", "3") }, .end = BOX_EXITED, .exit_code = 3, .flags = FLAG_NONZERO_EXIT },
	{ "/bin/true", ALL, { .argv = { "/bin/true" }, .no_actor = true }, .end = BOX_EXITED, .exit_code = 0 },
	{ "abort is SIGABRT", ALL, { ACTOR("abort") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGABRT, .flags = FLAG_SIGNAL },
	{ "a bad pointer is SIGSEGV", ALL, { ACTOR("segv") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGSEGV, .flags = FLAG_SIGNAL },
	{ "SIGPIPE kills", ALL, { ACTOR("sigpipe") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGPIPE },
	{ "SIGALRM kills", ALL, { ACTOR("alarm") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGALRM },
	{ "a signal to itself", ALL, { ACTOR("raise", "10") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGUSR1 },
	{ "kill() of itself", ALL, { ACTOR("killself", "15") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGTERM },
	{ "SIGKILL of itself is no limit", ALL, { ACTOR("killself", "9") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_SIGNAL },
	{ "a missing program", ALL, { .argv = { "./nothing" } }, .end = BOX_EXEC_FAILED, .exit_code = 2 },
	{ "a program that is no program", ALL, { .argv = { "./text" }, .file_name = "text", .file = "hello", .file_len = 5 }, .end = BOX_EXEC_FAILED, .exit_code = 8 },
	{ "a script by its first line", ALL, { .argv = { "./s" }, .file_name = "s", .file = "#!/bin/sh\necho hi\n", .file_len = 18 }, .end = BOX_EXITED, .exit_code = 0, .out = "hi\n" },
	{ "python", ALL, { .argv = { "/usr/bin/python3", "-I", "-S", "-c", "import math, json, re, threading; t = threading.Thread(target=print, args=(6*7,)); t.start(); t.join()" }, .memory_bytes = MIB(1024) }, .end = BOX_EXITED, .exit_code = 0, .out = "42\n" },
	{ "a python event loop", ALL, { .argv = { "/usr/bin/python3", "-I", "-c", "import asyncio\nasync def f():\n await asyncio.sleep(0.01)\n print(1)\nasyncio.run(f())" }, .memory_bytes = MIB(1024) }, .end = BOX_EXITED, .exit_code = 0, .out = "1\n" },
	{ "a shell can't start programs", FENCED, { .argv = { "/bin/sh", "-c", "/bin/true; echo $?" } }, .end = BOX_EXITED, .exit_code = 2 },

	{ "CPU limit", ALL, { ACTOR("spin"), .cpu_us = 300000 }, .end = BOX_CPU_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_CPU_LIMIT, .not_flags = FLAG_WALL_LIMIT | FLAG_SIGNAL, .check = cpu_near_limit },
	{ "CPU limit counts threads", ALL, { ACTOR("spin2"), .cpu_us = 300000 }, .end = BOX_CPU_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_CPU_LIMIT, .check = cpu_near_limit },
	{ "CPU time is measured", ALL, { ACTOR("work", "200") }, .end = BOX_EXITED, .exit_code = 0, .check = cpu_worked },
	{ "wall limit", ALL, { ACTOR("sleep"), .wall_us = 300000 }, .end = BOX_WALL_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_WALL_LIMIT, .not_flags = FLAG_CPU_LIMIT | FLAG_SIGNAL, .check = slept },
	{ "wall time is measured", ALL, { ACTOR("nap", "300") }, .end = BOX_EXITED, .exit_code = 0, .check = slept },
	{ "what holds up the spawner is no wall time", ALL, { .argv = { "/usr/bin/python3", "-I", "-S", "-c", "import os, time\ntime.sleep(0.3)\nfor i in range(64): os.write(1, b'x' * 65536)" }, .memory_bytes = MIB(1024), .wall_us = 1000000, .output_drops = true, .keep = 1000, .talk = TALK_STALL, .kill_after_us = 200000 }, .end = BOX_EXITED, .exit_code = 0, .not_flags = FLAG_WALL_LIMIT },
	{ "page tables are memory", FENCED, { ACTOR("tables"), .memory_bytes = MIB(64), .memory = BOX_MEMORY_DATA, .cpu_us = 60000000, .wall_us = 120000000 }, .end = BOX_MEMORY_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_MEMORY_LIMIT },
	{ "killed by the service", ALL, { ACTOR("sleep"), .kill_after_us = 200000 }, .end = BOX_KILLED, .exit_code = -1, .signal = SIGKILL, .not_flags = ~0u },
	{ "killed before it started", ALL, { ACTOR("sleep"), .kill_after_us = 1 }, .end = BOX_KILLED, .exit_code = -2 },

	{ "a memory hog", ALL, { ACTOR("hog", "4096"), .memory_bytes = MIB(128) }, .end = BOX_MEMORY_LIMIT, .exit_code = -2, .flags = FLAG_MEMORY_LIMIT },
	{ "a memory hog under RLIMIT_DATA", ALL, { ACTOR("hog", "4096"), .memory_bytes = MIB(128), .memory = BOX_MEMORY_DATA }, .end = BOX_MEMORY_LIMIT, .exit_code = -2, .flags = FLAG_MEMORY_LIMIT },
	{ "memory below the limit is fine", ALL, { ACTOR("hog", "64"), .memory_bytes = MIB(128) }, .end = BOX_EXITED, .exit_code = 0, .not_flags = FLAG_MEMORY_LIMIT, .out = "held\n", .check = peak_is_seen },
	{ "endless recursion", ALL, { ACTOR("recurse") }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGSEGV },
	{ "limits can't be raised", FENCED, { ACTOR("raise_limits") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n" },

	{ "a megabyte of output", ALL, { ACTOR("pattern", "1000000") }, .end = BOX_EXITED, .exit_code = 0, .not_flags = ~0u, .check = whole_megabyte },
	{ "output limit", ALL, { ACTOR("flood", "1000"), .output_bytes = MIB(1), .keep = 1000 }, .end = BOX_OUTPUT_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_OUTPUT_LIMIT, .check = flood_cut },
	{ "output dropped and counted", ALL, { ACTOR("flood", "8"), .output_bytes = MIB(1), .keep = 1000, .output_drops = true }, .end = BOX_EXITED, .exit_code = 0, .flags = FLAG_STDOUT_TRUNCATED, .not_flags = FLAG_OUTPUT_LIMIT, .check = flood_counted },
	{ "a megabyte of input", ALL, { ACTOR("stdin"), .input = input, .input_len = sizeof(input) }, .end = BOX_EXITED, .exit_code = 0, .out_has = "1048576 " },
	{ "no input", ALL, { ACTOR("stdin") }, .end = BOX_EXITED, .exit_code = 0, .out = "0 0\n" },
	{ "closed stdout", ALL, { ACTOR("close", "4") }, .end = BOX_EXITED, .exit_code = 4 },
	{ "descriptors 0 to 2 alone", ALL, { ACTOR("fds") }, .end = BOX_EXITED, .exit_code = 0, .out = "0 1 2 \n" },
	{ "environment of the spec", ALL, { ACTOR("env"), .envp = one_env }, .end = BOX_EXITED, .exit_code = 0, .out = "A=b c\nHOME=/h\nTMPDIR=/t\n" },
	{ "environment of nothing", NAMESPACES, { ACTOR("env"), .envp = no_env }, .end = BOX_EXITED, .exit_code = 0, .out = "HOME=/box/work\nTMPDIR=/box/tmp\n" },
	{ "its own files", ALL, { ACTOR("files") }, .end = BOX_EXITED, .exit_code = 0, .out = "fine\n" },
	{ "the working folder is bounded", NAMESPACES, { ACTOR("fill"), .file_bytes = MIB(8) }, .end = BOX_EXITED, .exit_code = 0, .out = "stopped after 7 MiB\n" },
	{ "a file is bounded", UID | LANDLOCK | NONE, { ACTOR("fill"), .file_bytes = MIB(8) }, .end = BOX_SIGNALLED, .exit_code = -1, .signal = SIGXFSZ },
	{ "files together are bounded", UID | LANDLOCK, { ACTOR("fillslowly", "64"), .file_bytes = MIB(8) }, .end = BOX_OUTPUT_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_OUTPUT_LIMIT },
	{ "files without a name are bounded", UID | LANDLOCK, { ACTOR("fillslowly", "-64"), .file_bytes = MIB(8) }, .end = BOX_OUTPUT_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_OUTPUT_LIMIT },
	{ "threads have room for stacks", ALL, { ACTOR("threads", "15"), .processes = 16, .memory_bytes = MIB(128) }, .end = BOX_EXITED, .exit_code = 0, .out = "15\n" },
	{ "a file is brought back", ALL, { ACTOR("make", "result"), .collect = "result" }, .end = BOX_EXITED, .exit_code = 0, .check = made },
	{ "a link is not followed back", ALL, { ACTOR("link", "result"), .collect = "result" }, .end = BOX_EXITED, .exit_code = 0, .check = nothing_collected },
	{ "a file that is not there", ALL, { ACTOR("exit", "0"), .collect = "result" }, .end = BOX_EXITED, .exit_code = 0, .check = nothing_collected },

	{ "threads", ALL, { ACTOR("threads", "3"), .processes = 4 }, .end = BOX_EXITED, .exit_code = 0, .out = "3\n" },
	{ "threads are bounded", NAMESPACES | UID, { ACTOR("threads", "100"), .processes = 4, .memory_bytes = MIB(2048) }, .end = BOX_EXITED, .exit_code = 0, .out_has = "stopped at" },
	{ "no fork", FENCED, { ACTOR("fork") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n" },
	{ "no vfork", FENCED, { ACTOR("vfork") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n" },
	{ "no clone3", FENCED, { ACTOR("clone3") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused ENOSYS\n" },
	{ "no namespace by clone", FENCED, { ACTOR("clone_newuser") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused E" },
	{ "no session", FENCED, { ACTOR("setsid") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n" },
	{ "no internet socket", FENCED, { ACTOR("socket") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n" },
	{ "no unix socket", FENCED, { ACTOR("unix") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n" },
	{ "a pair of its own", FENCED, { ACTOR("event_loop") }, .end = BOX_EXITED, .exit_code = 0, .out = "fine\n" },
	{ "io_uring is absent", FENCED, { ACTOR("io_uring") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused ENOSYS\n", .not_flags = ~0u },
	{ "memfds are absent", FENCED, { ACTOR("memfd") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused ENOSYS\n" },
	{ "shared memory is absent", FENCED, { ACTOR("shm") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused ENOSYS\n" },
	{ "the death signal stays", FENCED, { ACTOR("undumpable") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused E" },
	{ "init can't be killed", FENCED, { ACTOR("killparent") }, .end = BOX_EXITED, .exit_code = 0 },
	{ "signals reach nobody else", FENCED, { ACTOR("killall") }, .end = BOX_EXITED, .exit_code = 0 },
	{ "ptrace is a violation", FENCED, { ACTOR("ptrace") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },
	{ "unshare is a violation", FENCED, { ACTOR("unshare") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },
	{ "mount is a violation", FENCED, { ACTOR("mount") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },
	{ "chroot is a violation", FENCED, { ACTOR("chroot") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },
	{ "bpf is a violation", FENCED, { ACTOR("bpf") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },
	{ "keyrings are a violation", FENCED, { ACTOR("keyctl") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },
	{ "int 0x80 is a violation", FENCED, { ACTOR("int80") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS, .foreign = true },
	{ "a violation is named by a run of its own", FENCED, { ACTOR("ptrace"), .name_refused = true }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n", .refused = "ptrace 1" },
	{ "each violation of a thread and a signal handler is named", FENCED, { ACTOR("violations"), .name_refused = true }, .end = BOX_EXITED, .exit_code = 0, .refused = "mount 2, unshare 2, keyctl 2" },
	{ "naming ends what calls for ever", FENCED, { ACTOR("ptrace_for_ever"), .name_refused = true }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_REFUSED_CALL, .refused = "ptrace 1000" },
	{ "no violation, no name", FENCED, { ACTOR("socket"), .name_refused = true }, .end = BOX_EXITED, .exit_code = 0, .out = "refused EPERM\n", .not_flags = ~0u, .refused = "" },
	{ "x32 is a violation", FENCED, { ACTOR("x32") }, .end = BOX_VIOLATION, .exit_code = -1, .signal = SIGSYS },

	{ "/etc/shadow", FENCED, { ACTOR("open", "/etc/shadow") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/etc/passwd", FENCED, { ACTOR("open", "/etc/passwd") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/etc/passwd is not there", NAMESPACES, { ACTOR("open", "/etc/passwd") }, .end = BOX_EXITED, .exit_code = 0, .out = "refused ENOENT\n" },
	{ "/root", FENCED, { ACTOR("list", "/root") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/home", FENCED, { ACTOR("list", "/home") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/proc", FENCED, { ACTOR("open", "/proc/self/status") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/sys", FENCED, { ACTOR("list", "/sys") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/dev/shm", FENCED, { ACTOR("write", "/dev/shm/x") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/usr can't be written", FENCED, { ACTOR("write", "/usr/x") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/ can't be written", FENCED, { ACTOR("write", "/x") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "/usr/bin/env can be read", FENCED, { ACTOR("open", "/usr/bin/env") }, .end = BOX_EXITED, .exit_code = 0, .out = "done\n" },
	{ "/dev/null can be written", FENCED, { ACTOR("write", "/dev/null") }, .end = BOX_EXITED, .exit_code = 0, .out = "done\n" },
	{ "modes of the host's files stay", FENCED, { ACTOR("chmod", "/usr/bin/env") }, .end = BOX_EXITED, .exit_code = 0, .out_has = "refused" },
	{ "times of the host's files stay", FENCED, { ACTOR("utime", "/tmp") }, .end = BOX_EXITED, .exit_code = 0 },
	{ "a folder of the host shown", FENCED, { ACTOR("list", "/etc/alternatives"), .read_only = "/etc/alternatives" }, .end = BOX_EXITED, .exit_code = 0, .out = "done\n" },
	{ "/proc where it is needed", NAMESPACES, { ACTOR("open", "/proc/self/status"), .needs_proc = true }, .end = BOX_EXITED, .exit_code = 0, .out = "done\n" },

	{ "compilers may fork", ALL, { .phase = BOX_COMPILE, .argv = { "/bin/sh", "-c", "/bin/true && echo fine" } }, .end = BOX_EXITED, .exit_code = 0, .out = "fine\n" },
	{ "an orphan dies with its box", ALL, { .phase = BOX_COMPILE, ACTOR("orphan") }, .end = BOX_EXITED, .exit_code = 0, .out = "left one\n" },
	{ "a fork bomb ends", NAMESPACES | UID, { .phase = BOX_COMPILE, ACTOR("bomb"), .processes = 32 }, .end = BOX_EXITED, .exit_code = 0, .out = "ended\n" },
	{ "a chain of descendants is counted and ended", ALL, { .phase = BOX_COMPILE, ACTOR("descendants", "3"), .wall_us = 1000000 }, .end = BOX_WALL_LIMIT, .exit_code = -1, .signal = SIGKILL, .check = descendants_counted },

	{ "frames there and back", ALL, { ACTOR("echo"), .talk = TALK_ECHO }, .end = BOX_EXITED, .exit_code = 7 },
	{ "a long frame there and back", ALL, { ACTOR("echo"), .talk = TALK_BIG }, .end = BOX_EXITED, .exit_code = 7 },
	{ "descriptor 3 is the channel", ALL, { ACTOR("fds"), .talk = TALK_LISTEN }, .end = BOX_EXITED, .exit_code = 0, .out = "0 1 2 3 \n" },
	{ "a frame too long", ALL, { ACTOR("too_long"), .talk = TALK_LISTEN }, .end = BOX_KILLED, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_PROTOCOL },
	{ "a flood of frames", ALL, { ACTOR("channel_flood"), .talk = TALK_LISTEN }, .end = BOX_KILLED, .exit_code = -1, .signal = SIGKILL, .not_flags = FLAG_PROTOCOL },
	{ "a question without an answer", ALL, { ACTOR("echo"), .talk = TALK_SILENT, .counts_questions = true, .wall_us = 300000 }, .end = BOX_WALL_LIMIT, .exit_code = -1, .signal = SIGKILL, .flags = FLAG_WALL_LIMIT },
	{ "only questions count", ALL, { ACTOR("echo"), .talk = TALK_IDLE, .counts_questions = true, .wall_us = 500000 }, .end = BOX_EXITED, .exit_code = 7, .check = nothing_used },
};
/* clang-format on */

struct fixture {
	enum tier tier;
	struct sandbox *sandbox;
};
static struct fixture fixtures[TIER_COUNT];
struct job {
	const struct row *row;
	struct fixture *fixture;
};

/* Does the kernel take 32-bit system calls at all?  Where it does not, int 0x80 is a SIGSEGV without any fence. */
static bool kernel_takes_int80(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
#ifdef __x86_64__
		long r;

		(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler of its own */
		__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory", "r8", "r9", "r10", "r11"); /* getpid */
#endif
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool int80_taken;

static void run_row(void **state)
{
	const struct job *job = *state;
	struct row adapted = *job->row;
	const struct row *row = &adapted;
	struct ran r;

	if (adapted.foreign && !int80_taken) {
		adapted.end = BOX_SIGNALLED;
		adapted.signal = SIGSEGV;
	}

	if (!job->fixture->sandbox)
		skip();
	assert_int_equal(harness_run(job->fixture->sandbox, &row->run, &r), 0);
	if (r.start_error)
		fail_msg("box_start: %s", r.failure);
	if (r.end != row->end || (row->exit_code != -2 && r.exit_code != row->exit_code) ||
	    (row->signal && r.signal != row->signal))
		fail_msg("end %d exit %d signal %d flags %x; stdout '%.200s' stderr '%.200s' failure '%s'", r.end,
			 r.exit_code, r.signal, r.flags, r.out, r.err, r.failure);
	if ((r.flags & row->flags) != row->flags || (r.flags & row->not_flags))
		fail_msg("flags are %x; stdout '%.200s' stderr '%.200s'", r.flags, r.out, r.err);
	if (row->out)
		assert_string_equal(r.out, row->out);
	if (row->out_has && !strstr(r.out, row->out_has))
		fail_msg("stdout is '%.200s'", r.out);
	if (row->refused)
		assert_string_equal(r.refused, row->refused);
	if (row->check)
		row->check(&r);
	ran_clear(&r);
}

/* More busy programs than cores: each is short of wall time because of the others, and must
 * still end by its CPU limit. */
static void crowded__ends_by_cpu_time(void **state)
{
	const struct fixture *f = *state;
	struct run run = { ACTOR("spin"), .cpu_us = 200000, .wall_us = 300000 };
	uint64_t crowd = 6 * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), id;
	struct ran r;

	if (!f->sandbox)
		skip();
	if (crowd > 200)
		crowd = 200;
	for (uint64_t i = 1; i <= crowd; i++)
		assert_int_equal(harness_send(f->sandbox, i, &run), 0);
	for (uint64_t i = 1; i <= crowd; i++) {
		assert_int_equal(harness_wait(f->sandbox, &id, &r), 0);
		if (r.end != BOX_CPU_LIMIT)
			fail_msg("end %d after %llu us of CPU; '%s'", r.end, (unsigned long long)r.cpu_us, r.failure);
		ran_clear(&r);
	}
}

/* Leave root behind for good, as setpriv --reuid … --no-new-privs does. */
static bool become_nobody(void)
{
	return geteuid() == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static bool open_fixture(struct fixture *f, enum tier tier)
{
	struct error err = ERROR_INIT;
	struct ran compiled = { 0 };
	bool ok;

	f->tier = tier;
	if (harness_open(tier, &f->sandbox, &err) < 0) {
		f->sandbox = NULL;
		print_message("%s: skipped: %s\n", tier_name(tier), err.msg);
		return true;
	}
	/* Also the test that a compiler works in this tier. */
	ok = harness_compile_actor(f->sandbox, &compiled) == 0 && compiled.end == BOX_EXITED &&
	     compiled.exit_code == 0 && compiled.has_collected;
	if (!ok)
		fprintf(stderr, "%s: the actor cannot be compiled: end %d exit %d\n%s%s\n", tier_name(tier),
			compiled.end, compiled.exit_code, compiled.err ? compiled.err : "",
			compiled.failure ? compiled.failure : "");
	ran_clear(&compiled);
	return ok;
}

int main(int argc, char **argv)
{
	static struct job jobs[TIER_COUNT][ARRAY_SIZE(rows)];
	static struct CMUnitTest tests[TIER_COUNT * (ARRAY_SIZE(rows) + 1)];
	const char *only = getenv("BOX_TEST_TIER");
	size_t n = 0;
	int r;

	if (argc > 1 && strcmp(argv[1], "--as-nobody") == 0 && !become_nobody()) {
		puts("skipped: only root can become nobody");
		return 77;
	}
	int80_taken = kernel_takes_int80();
	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (char)(i * 7);
	for (unsigned t = 0; t < TIER_COUNT; t++) {
		if (only && strcmp(only, tier_name(t)))
			continue;
		if (!open_fixture(&fixtures[t], t))
			return 1;
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			if (!(rows[i].tiers & 1u << t))
				continue;
			jobs[t][i] = (struct job){ &rows[i], &fixtures[t] };
			tests[n].name = mem_printf("%s: %s", tier_name(t), rows[i].name);
			tests[n].test_func = run_row;
			tests[n++].initial_state = &jobs[t][i];
		}
		tests[n].name = mem_printf("%s: a crowd ends by CPU time", tier_name(t));
		tests[n].test_func = crowded__ends_by_cpu_time;
		tests[n++].initial_state = &fixtures[t];
	}
	r = _cmocka_run_group_tests("box", tests, n, NULL, NULL);
	for (unsigned t = 0; t < TIER_COUNT; t++)
		sandbox_close(fixtures[t].sandbox);
	for (size_t i = 0; i < n; i++)
		mem_free((void *)(uintptr_t)tests[i].name);
	return r;
}
