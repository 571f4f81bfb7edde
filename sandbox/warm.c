/* SPDX-License-Identifier: Apache-2.0 */
/* warm.c - see warm.h. */
#include "sandbox/warm.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "sandbox/box_internal.h"

#define MAX_FAILURES 3         /* of runners of one kind to start: then there is no more trying */
#define MAX_RUNNERS 24
#define FOR_EVER_US (UINT64_C(1) << 50)

struct warm {
	struct spawner *sp;
	struct warm *next;
	char *name;
	struct box *box;       /* its own; NULL: over */
	struct box *run;       /* what it serves; NULL: idle */
	bool ready, ending;
	unsigned runs;
	uint64_t used_us;
};
/* Kinds whose runners do not start here. */
struct warm_failure {
	struct warm_failure *next;
	unsigned n;
	char name[];
};

static struct warm_failure *failures_of(struct spawner *sp, const char *name, bool make)
{
	struct warm_failure *f;
	size_t n = strlen(name) + 1;

	for (f = sp->warm_failures; f; f = f->next)
		if (str_eq(f->name, name))
			return f;
	f = make ? mem_zalloc(sizeof(*f) + n) : NULL;
	if (f) {
		memcpy(f->name, name, n);
		f->next = sp->warm_failures;
		sp->warm_failures = f;
	}
	return f;
}

static void on_frame(void *ctx, struct box *box, const uint8_t *frame, size_t n)
{
	struct warm *w = ctx;

	if (n == 1 && frame[0] == 'R')
		w->ready = true;
	else
		box_kill(box);
}

static void on_ended(void *ctx, struct box *box, const struct box_result *result)
{
	struct warm *w = ctx, **at = &w->sp->warm;
	struct box *run = w->run;
	struct warm_failure *f = w->ready ? NULL : failures_of(w->sp, w->name, true);

	(void) box;
	(void) result;
	if (f)
		f->n++;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (run) {
		run->warm = NULL;
		box_fail(run, "its warm runner ended");
		box_finish(run);
	}
	mem_free(w->name);
	mem_free(w);
}

static void start(struct spawner *sp, const struct box_warm *spec)
{
	static const struct box_events events = { .frame = on_frame, .ended = on_ended };
	const char *env[64];
	struct box_file files[8];
	size_t n_env = 0;
	struct box_spec box = {
		.phase = BOX_WARM,
		.argv = spec->argv,
		.envp = env,
		.files = files,
		.channel = true,
		.cpu_us = FOR_EVER_US,
		.wall_us = FOR_EVER_US,
		.memory_bytes = UINT64_C(1) << 40,
		.output_bytes = 65536,
		.stderr_keep = 4096,
		.output_ends = true,
		.file_bytes = 16u << 20,
		.needs_proc = sp->jail.own_root,
	};
	struct error err = ERROR_INIT;
	struct warm *w;

	while (spec->envp[n_env])
		n_env++;
	if (spec->n_files + 1 > ARRAY_SIZE(files) || n_env + 2 > ARRAY_SIZE(env))
		return;
	memcpy(env, spec->envp, n_env * sizeof(*env));
	env[n_env] = sp->jail.own_root ? "WINNOW_OWN_PROC=1" : NULL; /* as JOB_PROC mounts it */
	env[n_env + 1] = NULL;
	memcpy(files, spec->files, spec->n_files * sizeof(*files));
	files[spec->n_files] = (struct box_file){ .name = "warm.so", .data = winnow_warm_library,
						  .len = (size_t)(winnow_warm_library_end - winnow_warm_library), .fd = -1 };
	box.n_files = spec->n_files + 1;
	w = mem_zalloc(sizeof(*w));
	if (!w)
		return;
	w->sp = sp;
	w->name = mem_strdup(spec->name);
	if (!w->name || box_start(sp, &box, &events, w, &w->box, &err) < 0) {
		mem_free(w->name);
		mem_free(w);
		return;
	}
	w->next = sp->warm;
	sp->warm = w;
}

void warm_kill(struct warm *w)
{
	if (w->ending)
		return;
	w->ending = true;
	box_kill(w->box);
}

struct warm *warm_take(struct spawner *sp, const struct box_warm *spec, struct box *box)
{
	const struct warm_failure *f = failures_of(sp, spec->name, false);
	struct warm *oldest = NULL;
	unsigned same = 0, busy = 0, all = 0;

	if (!sp->jail.seccomp || sp->leaving || (f && f->n >= MAX_FAILURES))
		return NULL;
	for (struct warm *w = sp->warm; w; w = w->next) {
		bool idle = w->ready && !w->ending && !w->run;

		all++;
		if (idle && (!oldest || w->used_us < oldest->used_us))
			oldest = w;
		if (w->ending || !str_eq(w->name, spec->name))
			continue;
		if (idle) {
			w->run = box;
			w->used_us = clock_now_us();
			return w;
		}
		same++;
		busy += w->run != NULL;
	}
	/* One is on its way already, or all serve. */
	if (same > busy || same >= sp->info.slots)
		return NULL;
	if (all >= MAX_RUNNERS) {
		if (oldest)
			warm_kill(oldest);
		return NULL;
	}
	start(sp, spec);
	return NULL;
}

bool warm_run(struct warm *w, struct box *box)
{
	char byte = 'F';
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(WARM_MAX_FDS * sizeof(int))];
	} room = { 0 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room };
	struct cmsghdr *c;
	ssize_t n;

	if (w->ending || !w->box || box->n_fds > WARM_MAX_FDS)
		return false;
	h.msg_controllen = CMSG_SPACE(box->n_fds * sizeof(int));
	c = CMSG_FIRSTHDR(&h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(box->n_fds * sizeof(int));
	memcpy(CMSG_DATA(c), box->fds, box->n_fds * sizeof(int));
	do
		n = sendmsg(w->box->channel.fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return true;
	warm_kill(w);
	return false;
}

void warm_done(struct warm *w, bool odd)
{
	w->run = NULL;
	if (odd || ++w->runs >= WARM_RUNS)
		warm_kill(w);
}

pid_t warm_pid(const struct warm *w)
{
	return w->box ? w->box->program_pid : 0;
}
