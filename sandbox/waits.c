/* SPDX-License-Identifier: Apache-2.0 */
/* waits.c - /proc/PID/task/TID/schedstat, of a whole tree. */
#include "sandbox/waits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fs.h"
#include "core/mem.h"

#define MAX_PROCESSES 128

/* Files of /proc are whole in one read.  Returns false where there is nothing. */
static bool read_text(const char *path, char *text, size_t size)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		do
			n = read(fd, text, size - 1);
		while (n < 0 && errno == EINTR);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool read_times(const char *path, uint64_t *ret_cpu_us, uint64_t *ret_waited_us)
{
	uint64_t cpu_ns, waited_ns;
	char text[128];

	if (!read_text(path, text, sizeof(text)) ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &cpu_ns, &waited_ns) != 2)
		return false;
	*ret_cpu_us = cpu_ns / 1000;
	*ret_waited_us = waited_ns / 1000;
	return true;
}

bool waits_usable(const char *proc)
{
	char path[256], target[32];
	ssize_t n;

	(void) snprintf(path, sizeof(path), "%s/self", proc);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	return strtol(target, NULL, 10) == (long)getpid();
}

uint64_t waits_of_task(const char *proc, pid_t tid)
{
	char path[256];
	uint64_t cpu_us, waited_us;

	(void) snprintf(path, sizeof(path), "%s/%d/schedstat", proc, (int)tid);
	return read_times(path, &cpu_us, &waited_us) ? waited_us : 0;
}

struct tree {
	const char *proc;
	pid_t pids[MAX_PROCESSES];
	size_t n;
};

static void add_process(struct tree *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->pids[i] == pid)
			return;
	if (pid > 0 && t->n < MAX_PROCESSES)
		t->pids[t->n++] = pid;
}

static void add_children(struct tree *t, const char *task)
{
	char path[512], text[4096], *end;

	(void) snprintf(path, sizeof(path), "%s/children", task);
	if (!read_text(path, text, sizeof(text)))
		return;
	/* Each number is followed by a space; one that was cut off is not. */
	for (char *p = text; (end = strchr(p, ' ')); p = end + 1)
		add_process(t, (pid_t)strtol(p, NULL, 10));
}

static void add_task(struct waits *w, const char *task, pid_t tid)
{
	struct wait_task one = { .tid = tid };
	char path[512], text[512], *state;

	(void) snprintf(path, sizeof(path), "%s/schedstat", task);
	if (w->n == WAITS_MAX_TASKS || !read_times(path, &one.cpu_us, &one.waited_us))
		return;
	w->tasks[w->n++] = one;
	(void) snprintf(path, sizeof(path), "%s/stat", task);
	if (!read_text(path, text, sizeof(text)))
		return;
	state = strrchr(text, ')'); /* the name before it may hold anything */
	if (state && strncmp(state, ") R", 3) == 0)
		w->runnable = true;
}

static void look_at_process(struct tree *t, pid_t pid, struct waits *w)
{
	char path[256], task[400];
	struct dirent *e;
	DIR *d;

	(void) snprintf(path, sizeof(path), "%s/%d/task", t->proc, (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		long tid = strtol(e->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		(void) snprintf(task, sizeof(task), "%s/%ld", path, tid);
		if (w)
			add_task(w, task, (pid_t)tid);
		add_children(t, task);
	}
	if (d)
		closedir(d);
}

void waits_read(const char *proc, pid_t init, pid_t program, struct waits *ret)
{
	struct tree t = { .proc = proc };

	ret->n = 0;
	ret->runnable = false;
	add_process(&t, init);
	add_process(&t, program);
	for (size_t i = 0; i < t.n; i++)
		look_at_process(&t, t.pids[i], t.pids[i] == init ? NULL : ret);
}

uint64_t waits_cpu_us(const struct waits *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n; i++)
		sum += w->tasks[i].cpu_us;
	return sum;
}

size_t waits_pids(const char *proc, pid_t init, pid_t program, pid_t *pids, size_t max)
{
	struct tree t = { .proc = proc };
	size_t n = 0;

	add_process(&t, init);
	add_process(&t, program);
	for (size_t i = 0; i < t.n; i++) {
		look_at_process(&t, t.pids[i], NULL);
		if (t.pids[i] != init && n < max)
			pids[n++] = t.pids[i];
	}
	return n;
}

struct waits_growth waits_since(const struct waits *before, const struct waits *now)
{
	struct waits_growth g = { .moved = before->n != now->n };

	for (size_t i = 0; i < now->n; i++) {
		const struct wait_task *task = &now->tasks[i];
		struct wait_task old = { 0 };

		for (size_t k = 0; k < before->n; k++)
			if (before->tasks[k].tid == task->tid)
				old = before->tasks[k];
		/* Another's number, used again. */
		if (old.waited_us > task->waited_us || old.cpu_us > task->cpu_us)
			old = (struct wait_task){ 0 };
		g.cpu_us += task->cpu_us - old.cpu_us;
		g.waited_us += task->waited_us - old.waited_us;
		if (old.tid != task->tid || old.waited_us != task->waited_us || old.cpu_us != task->cpu_us)
			g.moved = true;
	}
	return g;
}
