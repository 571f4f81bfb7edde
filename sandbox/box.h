/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box.h - the spawner's side: run one untrusted program under limits.
 *
 * Everything here lives in the spawner process and never blocks: describe a run
 * in a box_spec, box_start() it, and get events from the spawner's loop.  All
 * pointers of a spec are borrowed for the call only.
 *
 * A program that crashes, loops or floods is a *successful* run: the result
 * says how it ended.  An error of box_start(), or end BOX_FAILED, means that we
 * could not run it as asked.
 */
#ifndef WINNOW_SANDBOX_BOX_H
#define WINNOW_SANDBOX_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "sandbox/sandbox.h"

struct spawner;
struct box;

enum box_phase {
	BOX_RUN,      /* a candidate: no new process, only threads */
	BOX_COMPILE,  /* a compiler: may start processes; every descendant is killed at the end */
	BOX_JUDGE,    /* our Python judge: may fork; as bounded as a compiler */
	BOX_WARM      /* a warm runner (warm.h): trusted, without limits */
};
enum box_memory { BOX_MEMORY_AS, BOX_MEMORY_DATA }; /* which rlimit stands in where no cgroup counts */

struct box_file {
	const char *name;             /* relative to the working directory, no '..' */
	const void *data; size_t len;
	int fd;                       /* a memfd whose content is the file, instead of data; -1: data */
	bool executable;
};
/* An interpreter that has started, to fork the run from; all is borrowed for the call. */
struct box_warm {
	const char *name;             /* runs of one name share runners: language, kind of run, hash seed */
	const char *const *argv;      /* of the runner; it finds warm.so, of init/warm_library.c, in its folder */
	const char *const *envp;
	const struct box_file *files; size_t n_files;
};
struct box_spec {
	enum box_phase phase;
	const char *const *argv;      /* argv[0]: absolute path, or "./name" of a file below */
	const char *const *envp;      /* the environment, to which HOME and TMPDIR of the box are added where missing; NULL: PATH, LANG and these */
	const struct box_file *files; size_t n_files; /* placed in the (fresh, writable, bounded) working directory */
	const char *const *read_only; /* further absolute paths of the host to show read-only; NULL-terminated or NULL */
	const void *stdin_data; size_t stdin_len; /* NULL: empty */
	bool channel;                 /* descriptor 3: a stream socket that carries frames */
	const char *collect;          /* after a clean end, bring back this file of the working directory; NULL: none */
	uint64_t collect_max;
	uint64_t cpu_us, wall_us;     /* both > 0 */
	bool wall_counts_questions;   /* wall_us counts only between box_question(true) and (false) */
	uint64_t memory_bytes;        /* > 0 */
	enum box_memory memory;
	uint64_t output_bytes;        /* stdout and stderr together; the rest is dropped, counted, and ends the run */
	uint64_t stdout_keep, stderr_keep; /* how much of each is kept for the result */
	bool output_ends;             /* false: past output_bytes only drop, do not kill (compilers) */
	uint64_t file_bytes;          /* working directory */
	uint32_t processes;           /* threads (RUN) or processes */
	uint64_t stack_bytes;         /* of each thread; 0: an eighth of the memory, 64 to 256 MiB */
	bool needs_proc;              /* recipe says that the language needs /proc */
	bool finds_itself;            /* it only asks /proc/self/exe for its own name: any tier can show that */
	/*
	 * A violation is not killed for but answered EPERM, counted and named in the result.  For a run of its own
	 * beside the one that a verdict comes from: whether a kernel allows it must make no difference, so it
	 * is no way to find violations (a signal may take back a call before it is heard of).  RUN only.
	 */
	bool name_refused;
	const struct box_warm *warm;  /* where one is idle it is forked and argv is only what it stands for; NULL: never */
};

enum box_end { BOX_EXITED, BOX_SIGNALLED, BOX_CPU_LIMIT, BOX_WALL_LIMIT, BOX_MEMORY_LIMIT, BOX_OUTPUT_LIMIT,
	       BOX_VIOLATION, BOX_KILLED /* by box_kill() */, BOX_EXEC_FAILED /* argv[0] cannot be run: errno in exit_code */,
	       BOX_FAILED /* our machinery: see failure */, BOX_END_COUNT };
#define BOX_MAX_REFUSED 24 /* names; more are not counted */
struct box_refused { const char *call; uint32_t count; }; /* call: static */
struct box_result {
	enum box_end end;
	uint32_t flags;               /* of record.h: everything that was true */
	int exit_code, signal;        /* -1 / 0 where there is none */
	struct box_refused refused[BOX_MAX_REFUSED]; size_t n_refused; /* name_refused: by first attempt */
	uint64_t cpu_us, wall_us, memory_bytes; /* of the program's tree, from exec to death; peak */
	struct buf out, err;          /* kept bytes; owned by the result */
	uint64_t out_total, err_total;
	int collected_fd;             /* sealed memfd; -1; owned by the result (dup it to keep it) */
	bool memory_hint;             /* an allocation failed, as far as init could tell */
	char failure[200];            /* BOX_FAILED, BOX_EXEC_FAILED: which step and why */
};

struct box_events {
	/* A whole frame (without its length word) came over the channel; borrowed.  May call any box_* on this box. */
	void (*frame)(void *ctx, struct box *box, const uint8_t *frame, size_t n);
	/* The channel broke the framing (too long a frame).  The box is being killed with FLAG_PROTOCOL; ended() follows. */
	/* Once, last: every process of the box is dead.  The box is freed after this returns; the result is borrowed. */
	void (*ended)(void *ctx, struct box *box, const struct box_result *result);
};

int box_start(struct spawner *sp, const struct box_spec *spec, const struct box_events *events, void *ctx,
	      struct box **ret, struct error *err);
/* Queue a frame for the candidate (length word is added).  ERR_LIMIT: too long. */
int box_send(struct box *box, const void *frame, size_t n, struct error *err);
/* A question is (no longer) outstanding: starts (stops) the wall clock where wall_counts_questions. */
void box_question(struct box *box, bool outstanding);
/* Something lies on the channel that no handler has seen. */
bool box_has_unread(const struct box *box);
void box_kill(struct box *box); /* ended() follows, with BOX_KILLED unless a limit came first */
/* CPU time used so far. */
uint64_t box_cpu_us(struct box *box);

/* --- the service: what the spawner does for main --- */
struct spawner_service {
	/* In the spawner, after the fork and the probe.  Returns the service's state in *ret. */
	int (*start)(struct spawner *sp, void *arg, void **ret, struct error *err);
	/* A request.  The bytes are borrowed.  Answer it once by spawner_reply(), now or later. */
	void (*request)(void *state, uint64_t id, const uint8_t *msg, size_t n);
	void (*cancel)(void *state, uint64_t id);
	void (*stop)(void *state);
};
int spawner_reply(struct spawner *sp, uint64_t id, const void *msg, size_t n);
const struct sandbox_info *spawner_info(const struct spawner *sp);
unsigned spawner_slots(const struct spawner *sp);
/* Call back once after delay_us; returns a handle for spawner_timer_cancel(). */
struct spawner_timer;
struct spawner_timer *spawner_timer_start(struct spawner *sp, uint64_t delay_us, void (*cb)(void *ctx), void *ctx);
void spawner_timer_cancel(struct spawner_timer *t);

#endif
