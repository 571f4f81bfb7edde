/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_end.c - clocks, limits, and how a run ended.
 *
 * A limit kills the program itself, not init: init then reaps it, so that what
 * it used is known exactly, kills what else there is, reports and ends.  Only
 * when init does not come to that in time is it killed as well.
 */
#include "sandbox/box_internal.h"
#include "sandbox/warm.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/record.h"

#define KILL_PATIENCE_US 5000000
#define CPU_CHECK_MIN_US 2000
#define WALL_LOOKS 8                /* within a wall limit, at what the box waits for */
#define WALL_LOOK_MIN_US 5000
#define WALL_MOST 20                /* limits: then a run is over, whatever held it up */
#define MEMORY_NEAR(limit) ((limit) - (limit) / 20) /* 95 % */

static void pidfd_kill(int pidfd)
{
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void kill_now(struct box *box)
{
	if (box->program_pidfd >= 0)
		pidfd_kill(box->program_pidfd);
	else if (box->sp->jail.pid_namespace)
		pidfd_kill(box->init.fd); /* still setting up: nothing to measure */
	/* Else: elsewhere than in a pid namespace init must live to bury the program;
	 * INIT_CHILD comes soon, or the patience below runs out. */
}

static void kill_harder(void *ctx)
{
	struct box *box = ctx;

	if (box->warm) {
		warm_kill(box->warm); /* whose end brings ours */
		return;
	}
	pidfd_kill(box->init.fd);
	if (!box->sp->jail.pid_namespace && box->program_pid > 0)
		kill(-box->program_pid, SIGKILL); /* leads a group that nobody leaves */
}

static void finish_unstarted(void *ctx)
{
	box_finish(ctx);
}

void box_end_by(struct box *box, enum box_end reason, uint32_t flag)
{
	box->limits_met |= flag;
	if (box->dying || box->over)
		return;
	box->dying = true;
	box->reason = reason;
	box_stop_clocks(box);
	if (box->init_pid <= 0) { /* still waiting for its start: the loop finishes it */
		box->retry.fire = finish_unstarted;
		if (!timer_arm(&box->sp->timers, &box->retry, 0))
			box_finish(box);
		return;
	}
	box->kill_deadline = (struct timer){ .place = box->kill_deadline.place, .fire = kill_harder, .ctx = box };
	timer_arm(&box->sp->timers, &box->kill_deadline, clock_now_us() + KILL_PATIENCE_US);
	kill_now(box);
}

void box_fail(struct box *box, const char *fmt, ...)
{
	va_list ap;

	if (!box->result.failure[0]) {
		va_start(ap, fmt);
		vsnprintf(box->result.failure, sizeof(box->result.failure), fmt, ap);
		va_end(ap);
	}
	if (box->dying)
		box->reason = BOX_FAILED;
	box_end_by(box, BOX_FAILED, 0);
}

void box_kill(struct box *box)
{
	box_end_by(box, BOX_KILLED, 0);
}

/* The clock of another process, as clock_getcpuclockid() makes it. */
static clockid_t cpu_clock_of(pid_t pid)
{
	return (clockid_t)(~(unsigned)pid << 3 | 2);
}

uint64_t box_cpu_us(struct box *box)
{
	struct timespec t;
	uint64_t used;

	if (box->ended || !box->started || box->program_pid <= 0)
		return box->result.cpu_us;
	if (clock_gettime(cpu_clock_of(box->program_pid), &t) < 0)
		return box->result.cpu_us;
	used = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	used = used > box->cpu_before_exec_us ? used - box->cpu_before_exec_us : 0;
	if (used > box->result.cpu_us)
		box->result.cpu_us = used;
	return box->result.cpu_us;
}

/* No ticks: the clock can't pass the limit before every core has run for its
 * share of what is left. */
static void check_cpu(void *ctx)
{
	struct box *box = ctx;
	uint64_t used = box_cpu_us(box), left, wait;
	unsigned runners = box->sp->cpus;

	if (used >= box->cpu_limit_us) {
		box_end_by(box, BOX_CPU_LIMIT, FLAG_CPU_LIMIT);
		return;
	}
	if (box->phase == BOX_RUN && box->processes && box->processes < runners)
		runners = box->processes;
	left = box->cpu_limit_us - used;
	wait = left / (runners ? runners : 1);
	if (wait < CPU_CHECK_MIN_US)
		wait = CPU_CHECK_MIN_US;
	timer_arm(&box->sp->timers, &box->cpu_check, clock_now_us() + wait);
}

/*
 * The wall clock.  It counts either all time from exec on, or only that in
 * which a question is outstanding.  What of it the box's tasks spent ready to
 * run but without a core is taken off again, and so is what we ourselves were held up by
 * a neighbour (its folder took long to remove: who writes meanwhile waits for us); with questions also what we
 * had to wait before we could take an answer.  A busy machine makes no wall limit.
 * The kernel counts a wait when it is over, hence the rule for a task that is
 * ready now and has not moved since an earlier look.
 *
 * Since the waits of a task go with it, a look is taken a few times within the
 * limit; runs that end sooner, nearly all, pay nothing.
 */
static uint64_t wall_elapsed(const struct box *box, uint64_t now)
{
	if (!box->wall_counts_questions)
		return now > box->started_us ? now - box->started_us : 0;
	return box->question_used_us +
	       (box->question && now > box->question_since_us ? now - box->question_since_us : 0);
}

static void wall_look(void *ctx);

static void arm_wall(struct box *box, uint64_t now)
{
	uint64_t elapsed = wall_elapsed(box, now), step = box->wall_limit_us / WALL_LOOKS, next;

	if (step < WALL_LOOK_MIN_US)
		step = WALL_LOOK_MIN_US;
	next = box->wall_looked_us + step;
	if (next > box->wall_due_us)
		next = box->wall_due_us;
	box->wall_deadline.fire = wall_look;
	box->wall_deadline.ctx = box;
	timer_arm(&box->sp->timers, &box->wall_deadline, now + (next > elapsed ? next - elapsed : 0));
}

/* Add what was waited for since the last look. */
static uint64_t excused(struct box *box, uint64_t elapsed)
{
	static const char proc[] = "/proc";
	struct waits_growth g;
	struct waits now;
	uint64_t sum, most;

	box->waited_us += box->sp->stalled_us - box->stalled_seen_us;
	box->stalled_seen_us = box->sp->stalled_us;
	if (!waits_usable(proc))
		return box->waited_us < elapsed ? box->waited_us : elapsed;
	waits_read(proc, box->init_pid, box->program_pid, &now);
	g = waits_since(&box->waits, &now);
	box->waits = now;
	box->waited_us += g.waited_us;
	box->wait_cpu_us += g.cpu_us;
	if (box->wall_counts_questions) {
		uint64_t ours = waits_of_task(proc, getpid());

		if (box->spawner_waited_us && ours > box->spawner_waited_us)
			box->waited_us += ours - box->spawner_waited_us;
		box->spawner_waited_us = ours;
	}
	if (g.moved)
		box->wall_moved_us = elapsed;
	sum = box->waited_us + (now.runnable ? elapsed - box->wall_moved_us : 0);
	/* Several waits may be of the same time, but none of that in which it ran. */
	most = elapsed > box->wait_cpu_us ? elapsed - box->wait_cpu_us : 0;
	return sum < most ? sum : most;
}

static void wall_look(void *ctx)
{
	struct box *box = ctx;
	uint64_t now = clock_now_us(), elapsed = wall_elapsed(box, now);
	uint64_t due = box->wall_limit_us + excused(box, elapsed);

	if (elapsed >= due || elapsed / WALL_MOST >= box->wall_limit_us) {
		/* We may be late ourselves (a neighbour's folder took long to remove), and its end or
		 * its answer may lie unread: one more round of the loop reads that first. */
		if (!box->wall_over) {
			box->wall_over = true;
			timer_arm(&box->sp->timers, &box->wall_deadline, now + WALL_LOOK_MIN_US);
			return;
		}
		box_end_by(box, BOX_WALL_LIMIT, FLAG_WALL_LIMIT);
		return;
	}
	box->wall_looked_us = elapsed;
	/* Not for every little wait one by one. */
	if (due > box->wall_limit_us && due - elapsed < WALL_LOOK_MIN_US)
		due = elapsed + WALL_LOOK_MIN_US;
	box->wall_due_us = due;
	arm_wall(box, now);
}

void box_start_clocks(struct box *box)
{
	struct timers *ts = &box->sp->timers;

	timer_disarm(ts, &box->setup_deadline);
	if (box->dying)
		return;
	box->cpu_check.fire = check_cpu;
	box->cpu_check.ctx = box;
	box->wall_due_us = box->wall_limit_us;
	box->stalled_seen_us = box->sp->stalled_us;
	if (box->question)
		box->question_since_us = box->started_us;
	if (!box->wall_counts_questions || box->question)
		arm_wall(box, clock_now_us());
	box_watch_start(box);
	check_cpu(box);
}

void box_stop_clocks(struct box *box)
{
	struct timers *ts = &box->sp->timers;

	timer_disarm(ts, &box->setup_deadline);
	timer_disarm(ts, &box->cpu_check);
	timer_disarm(ts, &box->wall_deadline);
	box_watch_stop(box);
	if (box->question && box->started && box->wall_counts_questions) {
		box->question_used_us += clock_now_us() - box->question_since_us;
		box->question = false;
	}
}

void box_question(struct box *box, bool outstanding)
{
	uint64_t now = clock_now_us();

	if (outstanding == box->question || box->dying || box->over)
		return;
	box->question = outstanding;
	box->wall_over = false;
	if (!box->wall_counts_questions || !box->started)
		return; /* box_start_clocks() will see it */
	if (outstanding) {
		box->question_since_us = now;
		arm_wall(box, now);
	} else {
		box->question_used_us += now - box->question_since_us;
		timer_disarm(&box->sp->timers, &box->wall_deadline);
	}
}

/* What the exit alone says, before any limit. */
static void read_status(struct box *box, int status)
{
	struct box_result *r = &box->result;

	r->exit_code = -1;
	if (WIFEXITED(status)) {
		r->exit_code = WEXITSTATUS(status);
		r->end = BOX_EXITED;
		if (r->exit_code)
			r->flags |= FLAG_NONZERO_EXIT;
	} else {
		r->signal = WTERMSIG(status);
		r->end = BOX_SIGNALLED;
		/* Our own kill is no news. */
		if (!(box->dying && r->signal == SIGKILL))
			r->flags |= FLAG_SIGNAL;
	}
}

/*
 * Where no cgroup counts: the peak of the largest process.  A clean exit with
 * a peak below the limit is never a memory_limit; a run that did not end well
 * is one from 95 % on, since an allocation that is refused touches nothing.
 */
static bool memory_limit_met(const struct box *box)
{
	const struct box_result *r = &box->result;
	bool clean = r->end == BOX_EXITED && r->exit_code == 0;

	return r->memory_bytes >= box->memory_limit_bytes ||
	       (!clean && r->memory_bytes >= MEMORY_NEAR(box->memory_limit_bytes));
}

static void decide(struct box *box)
{
	struct box_result *r = &box->result;
	bool abnormal = r->end == BOX_SIGNALLED || r->exit_code != 0;

	r->flags |= box->limits_met;
	if (r->cpu_us > box->cpu_limit_us)
		r->flags |= FLAG_CPU_LIMIT;
	if (memory_limit_met(box))
		r->flags |= FLAG_MEMORY_LIMIT;
	r->memory_hint = (r->flags & FLAG_MEMORY_LIMIT) || (abnormal && r->memory_bytes >= box->memory_limit_bytes / 2);
	if (box->sp->jail.seccomp && r->end == BOX_SIGNALLED && r->signal == SIGSYS) {
		r->flags |= FLAG_REFUSED_CALL;
		r->end = BOX_VIOLATION;
	} else if (r->flags & FLAG_CPU_LIMIT) {
		r->end = BOX_CPU_LIMIT;
	} else if (r->flags & FLAG_WALL_LIMIT) {
		r->end = BOX_WALL_LIMIT;
	} else if (r->flags & FLAG_MEMORY_LIMIT) {
		r->end = BOX_MEMORY_LIMIT;
	} else if (r->flags & FLAG_OUTPUT_LIMIT) {
		r->end = BOX_OUTPUT_LIMIT;
	} else if (box->dying) {
		r->end = box->reason;
	}
}

static void fill_result(struct box *box)
{
	struct box_result *r = &box->result;

	if (box->wall_counts_questions)
		r->wall_us = box->question_used_us;
	else if (box->started_us && box->ended_us > box->started_us)
		r->wall_us = box->ended_us - box->started_us;
	if (box->dying && box->reason == BOX_FAILED) {
		r->end = BOX_FAILED;
	} else if (r->end == BOX_EXEC_FAILED) {
		/* as init said */
	} else if (box->ended) {
		decide(box);
	} else if (box->dying) {
		r->end = box->reason;
		r->flags |= box->limits_met;
	} else {
		r->end = BOX_FAILED;
		snprintf(r->failure, sizeof(r->failure), "winnow-init ended without a report");
	}
	r->out = box->out.kept;
	r->err = box->err.kept;
	r->out_total = box->out.total;
	r->err_total = box->err.total;
	if (r->out_total > r->out.len)
		r->flags |= FLAG_STDOUT_TRUNCATED;
	if (r->out.error || r->err.error) {
		r->end = BOX_FAILED;
		snprintf(r->failure, sizeof(r->failure), "no memory for the output of a box");
	}
}

/* A message of init. */
static void take_message(struct box *box, const struct init_msg *m, int fd, pid_t sender)
{
	struct box_result *r = &box->result;

	switch (m->kind) {
	case INIT_CHILD:
		box->program_pid = sender;
		box->program_pidfd = fd_steal(&fd);
		box->cpu_before_exec_us = m->cpu_us;
		box->started_us = m->time_us;
		if (box->dying)
			pidfd_kill(box->program_pidfd);
		break;
	case INIT_LISTENER:
		box_listen(box, fd_steal(&fd));
		break;
	case INIT_STARTED:
		box->started = true;
		box_start_clocks(box);
		break;
	case INIT_EXEC_FAILED:
		r->end = BOX_EXEC_FAILED;
		r->exit_code = m->error;
		snprintf(r->failure, sizeof(r->failure), "cannot execute the program: %s", strerror(m->error));
		break;
	case INIT_ENDED:
		box_stop_clocks(box);
		box->ended = true;
		box->ended_us = m->time_us;
		r->cpu_us = m->cpu_us > box->cpu_before_exec_us ? m->cpu_us - box->cpu_before_exec_us : 0;
		r->memory_bytes = m->memory_bytes;
		r->collected_fd = fd_steal(&fd);
		read_status(box, m->status);
		break;
	case INIT_FAILED:
		box_fail(box, "%s: %s", m->step, strerror(m->error));
		break;
	default:
		box_fail(box, "winnow-init said something unknown");
		break;
	}
	if (fd >= 0)
		close(fd);
}

bool box_read_status(struct box *box)
{
	struct init_msg m;
	struct iovec iov = { &m, sizeof(m) };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct ucred from = { 0 };
	int fd = -1;
	ssize_t n;

	if (box->status.fd < 0)
		return false;
	n = recvmsg(box->status.fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n != (ssize_t)sizeof(m)) { /* its end; the pidfd tells the rest */
		spawner_unwatch(box->sp, &box->status);
		return false;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		else if (c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&from, CMSG_DATA(c), sizeof(from));
	}
	take_message(box, &m, fd, from.pid);
	if (box->warm && box->ended) { /* nobody else will tell that it is over */
		box_finish(box);
		return false;
	}
	return true;
}

void box_finish(struct box *box)
{
	struct spawner *sp = box->sp;
	struct warm *warm = box->warm;

	box->warm = NULL;
	box_stop_clocks(box);
	if (box->init_pid > 0)
		box_drain(box);
	timer_disarm(&sp->timers, &box->kill_deadline);
	timer_disarm(&sp->timers, &box->retry);
	fill_result(box);
	box_close_io(box);
	spawner_unwatch(sp, &box->listener);
	spawner_unwatch(sp, &box->status);
	spawner_unwatch(sp, &box->init);
	if (box->program_pidfd >= 0)
		close(box->program_pidfd);
	for (size_t i = 0; i < box->n_fds; i++)
		if (box->fds[i] >= 0)
			close(box->fds[i]);
	box->n_fds = 0;
	jail_remove_home(box->home);
	mem_free(box->home);
	box->home = NULL;
	/* Free for the next before the service hears of it: it may start one at once. */
	sp->slot_used[box->slot] = 0;
	sp->n_boxes--;
	*box->link = box->next;
	if (box->next)
		box->next->link = box->link;
	box->next = sp->dead;
	sp->dead = box;
	box->over = true;
	if (warm)
		warm_done(warm, box->result.end == BOX_FAILED);
	if (box->events && box->events->ended)
		box->events->ended(box->ctx, box, &box->result);
}

void boxes_free_dead(struct spawner *sp)
{
	struct box *box;

	while ((box = sp->dead)) {
		sp->dead = box->next;
		if (box->result.collected_fd >= 0)
			close(box->result.collected_fd);
		buf_clear(&box->result.out);
		buf_clear(&box->result.err);
		mem_free(box);
	}
}
