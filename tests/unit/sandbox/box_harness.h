/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_harness.h - run one box from a test and wait for its result.
 *
 * A spawner lives in another process, so the harness brings a small service:
 * a request describes a run, the reply says all that box_result says.
 */
#ifndef WINNOW_TESTS_BOX_HARNESS_H
#define WINNOW_TESTS_BOX_HARNESS_H

#include "sandbox/box.h"
#include "sandbox/sandbox.h"

#define RUN_MAX_ARGS 16

/* What the service does with the channel. */
enum run_talk {
	TALK_NONE,
	TALK_ECHO,     /* send three frames one after another, expect them back, then "q" */
	TALK_BIG,      /* one frame of 900,000 bytes there and back, then "q" */
	TALK_SILENT,   /* ask "s": it never answers */
	TALK_IDLE,     /* ask nothing for a second, then "q" */
	TALK_STALL,    /* ask nothing; after kill_after_us let the spawner itself be away for 1.5 s, and kill nothing */
	TALK_LISTEN    /* only count what comes; kill after 1000 frames */
};

struct run {
	enum box_phase phase;
	const char *argv[RUN_MAX_ARGS];
	const char *const *envp;
	const char *file_name;          /* one file, beside the actor */
	const void *file; size_t file_len;
	const void *input; size_t input_len;
	const char *collect;
	const char *read_only;
	uint64_t cpu_us, wall_us, memory_bytes, output_bytes, keep, file_bytes;
	bool output_drops;
	enum box_memory memory;
	uint32_t processes;
	enum run_talk talk;
	bool counts_questions, needs_proc, no_actor, name_refused;
	uint64_t kill_after_us;
};
struct ran {
	int start_error; /* of box_start() */
	enum box_end end;
	uint32_t flags, frames;
	int exit_code, signal;
	uint64_t cpu_us, wall_us, memory_bytes, out_total, err_total;
	char *out, *err, *failure, *collected, *refused; /* NUL-terminated; refused: "ptrace 3, mount 1" */
	size_t out_len, collected_len;
	bool has_collected;
};

/* Open with this tier (0: proved).  ERR_KERNEL: not here. */
int harness_open(enum tier tier, struct sandbox **ret, struct error *err);
/* Compile the actor in a box; its program is placed as ./actor in every later run. */
int harness_compile_actor(struct sandbox *s, struct ran *ret);
const void *harness_actor(size_t *ret_len);
/* Returns 0, or negative where no answer came. */
int harness_run(struct sandbox *s, const struct run *run, struct ran *ret);
/* Without waiting; for many at once. */
int harness_send(struct sandbox *s, uint64_t id, const struct run *run);
int harness_wait(struct sandbox *s, uint64_t *ret_id, struct ran *ret);
void ran_clear(struct ran *r);

#endif
