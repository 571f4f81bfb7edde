/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h - verdicts: compile a program, ask it every question, compare, say what it is worth.
 *
 * The main side.  The judge's state machines run inside the spawner as its
 * service (judge_service.c); a request goes over once and one judgement comes
 * back.  The candidate never meets the answers: cases are compared in the
 * spawner by C code, `check` code runs in a Python judge in a box of its own,
 * and only single calls cross to the candidate (BOX-AND-JUDGE section 4).
 *
 * internal_error is ours alone: such a run is tried three times before it is reported.
 */
#ifndef WINNOW_FILTERS_JUDGE_H
#define WINNOW_FILTERS_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/loop.h"
#include "core/record.h"
#include "sandbox/language.h"
#include "sandbox/sandbox.h"

struct judge;

struct judge_options {
	struct sandbox_options sandbox;     /* .service is filled by judge_open() */
	const struct language_set *languages; /* borrowed for the judge's life; detected before */
	bool plain;                         /* no shortcuts: the same verdicts, more slowly */
};
/* Starts the spawner: call before anything large is loaded.  Errors as sandbox_open(). */
int judge_open(const struct judge_options *opt, struct judge **ret, struct error *err);
const struct sandbox_info *judge_info(const struct judge *j);
struct sandbox *judge_sandbox(struct judge *j);
unsigned judge_slots(const struct judge *j);
const struct language_set *judge_languages(const struct judge *j);
void judge_close(struct judge *j);

/* Attach to the loop: results are then called back from it.  on_dead: the
 * spawner died; everything outstanding is lost and is to be tried by a resumed run. */
int judge_attach(struct judge *j, struct loop *loop, void (*on_dead)(void *ctx, const struct error *why), void *ctx,
		 struct error *err);
/* Without a loop: wait up to timeout_us and call back what came.  Returns the number of callbacks. */
int judge_wait(struct judge *j, uint64_t timeout_us, struct error *err);

/* The answer to a request.  VERDICT_NONE: there is none, since the language cannot hold what the tests pass or expect;
 * the message says why, and judge_skip_reason() knows from now on.  *result is the callee's to keep parts of by judgement_move(); cleared afterwards. */
typedef void judge_done_fn(void *ctx, uint64_t id, struct judgement *result);

struct judge_request {
	const struct task *task;         /* sent over on first use, by digest */
	const char *language;
	const char *program; size_t program_len;
	struct limits limits;            /* merged: what is in force (limits_merge()) */
	uint64_t seed;                   /* PYTHONHASHSEED and the judge's randomness */
	bool all_tests;                  /* count all; do not stop at the first failure */
	/*
	 * Run what was accepted, and what ended near its limit, a second time: another hash seed,
	 * cases in the other order.  The verdict stays the first run's; where the second says
	 * otherwise the judgement carries FLAG_FLAKY, and its message says what.  Times are the
	 * lesser of the two runs.
	 */
	bool confirm;
	/* Look at all values that pass between tests and program: for a reference in Python, whose tests are code. */
	bool survey;
};
/* Whether it is known of what kinds the values of this task's tests are: of cases always, of test code after a
 * judgement that looked (survey), or that a language could not hold. */
bool judge_knows_values(const struct judge *j, const struct task *task);
/* Why no program in this language can be asked what the task asks, as words for people; NULL: it can, or that is
 * not known yet.  Static memory. */
const char *judge_not_portable(const struct judge *j, const struct task *task, const char *language);
/* Why this program cannot be judged at all on this task, as a word of the sample's
 * skip reasons ("not_portable", "no_toolchain"), or NULL where it can. */
const char *judge_skip_reason(const struct judge *j, const struct task *task, const char *language);
/* Queue.  At most some slots run at once; the rest waits in order.  ERR_INPUT: unknown language. */
int judge_submit(struct judge *j, const struct judge_request *req, judge_done_fn *done, void *ctx, uint64_t *ret_id,
		 struct error *err);
void judge_cancel(struct judge *j, uint64_t id);
size_t judge_in_flight(const struct judge *j);

/* --- one bare program, for `winnow exec` and the benchmarks --- */
struct exec_request {
	const char *language; const char *program; size_t program_len;
	const void *stdin_data; size_t stdin_len;
	struct limits limits;
	uint64_t keep_bytes;             /* of stdout and of stderr */
};
struct exec_result {
	enum verdict verdict;            /* ok instead of accepted */
	uint32_t flags;
	int exit_code, signal;           /* -1 / 0 */
	uint64_t cpu_us, wall_us, memory_bytes;
	struct buf out, err;
	bool out_truncated, err_truncated;
	bool compiled;                   /* the compile_* below are filled */
	enum verdict compile_verdict;    /* ok or compile_error */
	int compile_exit_code; uint64_t compile_cpu_us, compile_wall_us; struct buf compile_out;
	char *refused;                   /* as judgement.refused */
	char tier[16]; char toolchain[96];
	char failure[200];               /* internal_error: why */
};
typedef void exec_done_fn(void *ctx, uint64_t id, struct exec_result *result);
int judge_exec(struct judge *j, const struct exec_request *req, exec_done_fn *done, void *ctx, uint64_t *ret_id,
	       struct error *err);

/* What equality of verdicts goes by (DESIGN section 7): SHA-256 over program bytes,
 * language, tests digest, checker, driver, judge and toolchain versions, limits and tier; its
 * first JUDGE_KEY_PREFIX bytes give way to those of the tests digest. */
#define JUDGE_KEY_PREFIX 8
int judge_verdict_key(const struct judge *j, const struct judge_request *req, uint8_t ret[HASH_SHA256_BYTES], struct error *err);
void exec_result_clear(struct exec_result *r); /* what a callback was given is cleared after it */
/* The version of the judge's own code, part of every key; bumped when a verdict could change. */
#define JUDGE_VERSION "2"

#endif
