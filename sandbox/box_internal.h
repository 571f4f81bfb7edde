/* SPDX-License-Identifier: Apache-2.0 */
/* box_internal.h - the inside of a box, shared by box.c, box_io.c and box_end.c. */
#ifndef WINNOW_SANDBOX_BOX_INTERNAL_H
#define WINNOW_SANDBOX_BOX_INTERNAL_H

#include "sandbox/spawner.h"
#include "sandbox/waits.h"

struct box_output {
	struct watch watch; /* our end of the pipe */
	struct buf kept;
	uint64_t keep, total;
};

struct box {
	struct spawner *sp;
	struct box *next, **link;   /* in sp->boxes, later in sp->dead */
	const struct box_events *events;
	void *ctx;
	unsigned slot;
	char *home;                 /* made for this box where it has no tmpfs */

	/* What was asked. */
	enum box_phase phase;
	uint64_t cpu_limit_us, wall_limit_us, memory_limit_bytes, output_limit_bytes,
		 file_limit_bytes;
	uint32_t processes;
	bool wall_counts_questions, output_ends;

	/* Before the start: what init will get, by its number; -1: closed. */
	int fds[BOX_CLONE_MAX_FDS];
	size_t n_fds;
	unsigned tries;
	struct timer retry;
	struct warm *warm;          /* the runner that it is forked from; NULL: a box by box_clone() */

	/* Running. */
	pid_t init_pid, program_pid; /* in our pid namespace */
	struct watch init, status;
	int program_pidfd;
	bool started, ended;         /* INIT_STARTED, INIT_ENDED came */
	bool over;                   /* ended() was called */
	uint64_t cpu_before_exec_us, started_us, ended_us;
	struct timer setup_deadline, cpu_check, wall_deadline, kill_deadline;
	struct box_output out, err;

	/* The wall clock where it counts questions. */
	bool question;
	uint64_t question_since_us, question_used_us;

	/* The wall clock, in time that counts (box_end.c). */
	uint64_t wall_due_us, wall_looked_us; /* ends then, as far as is known; the last look */
	bool wall_over;                       /* the last look found it over: the next one ends it */
	uint64_t wall_moved_us;               /* of the last look at which a task had moved */
	uint64_t waited_us, wait_cpu_us, spawner_waited_us;
	uint64_t stalled_seen_us;             /* of the spawner's, by the start or the last look */
	struct waits waits;                   /* of the last look */

	/* Looks at what it holds (box_watch.c). */
	struct timer look;
	struct waits watched;
	uint64_t files_due_us;
	uint64_t hidden_due_bytes; /* faulted in by then, a look is taken (hidden.h) */

	/* Refused calls (box_listen.c). */
	struct watch listener;
	uint32_t n_heard;

	/* The channel. */
	struct watch channel;
	uint32_t channel_events;
	struct buf in, to_send;
	size_t in_done, sent;

	/* How it ends. */
	bool dying;                  /* we have decided to end it */
	enum box_end reason;         /* valid where dying */
	uint32_t limits_met;         /* flags */
	struct box_result result;
};

/* Decide to end the box: the first reason stays, all flags are kept. */
void box_end_by(struct box *box, enum box_end reason, uint32_t flag);
/* Our machinery failed. */
void box_fail(struct box *box, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Every process is dead: work out the result, tell, and bury. */
void box_finish(struct box *box);
void box_start_clocks(struct box *box);
void box_stop_clocks(struct box *box);

bool box_read_status(struct box *box); /* one message of init; false: none is waiting */

/* box_watch.c: what it holds of memory, of the disk, and a compiler of CPU time. */
void box_watch_start(struct box *box);
void box_watch_stop(struct box *box);

/* box_listen.c: hear of refused calls through this descriptor, which is taken over. */
void box_listen(struct box *box, int fd);

/* box_io.c */
int box_watch_io(struct box *box, int out_fd, int err_fd, int channel_fd, struct error *err);
void box_drain(struct box *box); /* take what is left in the pipes */
void box_close_io(struct box *box);

#endif
