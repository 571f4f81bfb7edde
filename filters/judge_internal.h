/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_internal.h - the judge's side that lives in the spawner, for filters/ only.
 *
 * Theory of operation.  judge_service.c owns a queue of jobs; at most `slots` of them run.  A job
 * runs one *machine* at a time, each of which owns at most one box of the job (job->box) and ends
 * by calling job_finish(), job_failed() or the next machine:
 *
 *   compile.c       -> the artifact, then the machine that was asked for
 *   judge_calls.c   cases: candidate.c asks, C code compares
 *   judge_check.c   the Python judge asks through the relay, candidate.c answers
 *   judge_stdio.c   one box a case, then the checker (maybe a validator in a box)
 *   judge_exec.c    one box
 *
 * job_failed() is for our own faults alone: the job starts again from nothing, three times at most.
 * A job ends only when its box is gone; job_finish() kills what is left and waits for that.
 */
#ifndef WINNOW_FILTERS_JUDGE_INTERNAL_H
#define WINNOW_FILTERS_JUDGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/pack.h"
#include "core/record.h"
#include "filters/assertions.h"
#include "filters/judge.h"
#include "sandbox/box.h"
#include "sandbox/language.h"

#define JUDGE_TRIES 3
#define JUDGE_MAX_QUESTIONS 1000000u
#define JUDGE_MAX_ANSWER_BYTES (UINT64_C(256) << 20) /* of one sample, all answers together */
#define COMPILE_OUTPUT_KEEP 4096

enum request_kind { REQUEST_JUDGE = 1, REQUEST_EXEC = 2 };

struct service;
struct job;
struct python_judge;

/* A task as the service keeps it. */
struct service_task {
	struct task *task;
	unsigned users;          /* jobs */
	bool forgotten;          /* free it with the last user */
	int validator_fd;        /* the compiled output validator, -1: not yet */
	bool examined;           /* a Python judge has looked at its test code: */
	struct assertions *assertions; /* which is nothing but these; NULL: only Python can judge it */
	struct service_task *next;
};

/* What a machine tells its job of; set by the machine while it runs. */
struct machine {
	void (*frame)(struct job *job, const uint8_t *frame, size_t n); /* NULL: no channel */
	void (*ended)(struct job *job, const struct box_result *result);
};

/* One question to the candidate and its answer, decoded (candidate.c). */
struct answer {
	char op;                 /* one of frame.md's answers; 'K' and '!' for the load */
	struct value *value;     /* R; for E and V a list of the items */
	const char *name;        /* X, !: class; ?: name; U: reason */
	const char *message;     /* X, ! */
	const char *const *bases; size_t n_bases;
	struct value *question;  /* R, X: of calls: the arguments as they are now */
};

struct job {
	struct service *service;
	uint64_t id;
	enum request_kind kind;
	struct job *next;                /* in the queue, or of the running */
	bool running, cancelled, finishing, retrying;
	unsigned tries;
	char failure[200];               /* of the last internal failure */

	struct service_task *task;       /* NULL for exec */
	const struct language *language;
	char *program; size_t program_len;
	struct limits limits;
	uint64_t seed;
	bool all_tests;
	bool survey;                     /* look at all values that cross: into */
	struct survey *values;           /* this; NULL: not yet */
	bool called;                     /* the question under way is a call that was looked at */
	bool confirm;                    /* a second run where judge.h says so */
	bool second;                     /* this is it: `first` holds what the first run said */
	struct judgement first;
	bool naming;                     /* this run is only to name the calls that ended the one before, kept here: */
	struct judgement named_judgement;
	struct exec_result named_exec;
	struct box_refused refused[BOX_MAX_REFUSED]; size_t n_refused;
	void *stdin_data; size_t stdin_len; /* exec */
	uint64_t keep_bytes;

	struct box *box;
	struct machine machine;
	struct spawner_timer *retry_timer;
	int artifact_fd;                 /* the compiled program; -1 */

	struct judgement result;         /* REQUEST_JUDGE */
	struct exec_result exec;         /* REQUEST_EXEC */
	struct buf compile_out;

	/* candidate.c: the conversation */
	struct value_pool *pool;         /* of the question under way and its answer */
	struct value_numbers *numbers;
	char asked;                      /* op of the outstanding question, 0: none */
	uint32_t asked_items;            /* most items of a '>' */
	uint64_t n_questions, answer_bytes;
	bool loaded, stopping;
	const struct candidate_events *candidate;
	enum verdict death;              /* why the candidate ended early; VERDICT_NONE: it did not */
	char death_message[200];

	/* cases and stdio */
	size_t case_index, step_index;
	uint64_t handle;                 /* the object that a script made */
	bool asked_attribute;            /* a script: the method is being looked up, then called */
	enum verdict first_verdict;      /* of the first case that failed */
	char first_message[300];
	struct value *args;              /* of the question under way */

	/* check: recognised test code is asked and compared by judge_calls.c */
	const struct assertions *assertions; /* of the task, where it is judged so; NULL: not */
	bool unsure;                     /* it was, and an answer came that only Python can judge */
	/* of a language with plain values: an array was answered; this run takes arrays as tuples */
	bool gave_array, as_tuples;

	/* check: the Python judge */
	bool examining;                  /* the task was just taught: 't' tells whether it is recognised */
	struct python_judge *judge;
	struct buf held_question;        /* came before the program was loaded */
	bool reported, judge_turn, consumed;
	char outcome;                    /* of its report */
	char *report_message;
	uint64_t judge_since_us;
	struct spawner_timer *watch;     /* of the judge's turn */

	/* stdio: what the case wrote, for the validator */
	struct buf team_output;
};

struct service {
	struct spawner *spawner;
	const struct language_set *languages;
	struct job *queue, **queue_tail;
	struct job *running, *dead;
	unsigned n_running, slots;
	struct service_task *tasks;
	struct python_judge *judges;
	bool stopping, pumping;
	bool plain;              /* no shortcuts */
	bool deaf;               /* this kernel names no refused calls */
};

extern const struct spawner_service judge_service;
struct judge_service_arg {
	const struct language_set *languages;
	bool plain;
};

/* --- judge_service.c --- */
void job_finish(struct job *job, enum verdict v);
/* As job_finish() with a message (formatted, cut to 300 bytes) and flags. */
void job_end(struct job *job, enum verdict v, uint32_t flags, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Our own fault: again, or internal_error. */
void job_failed(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Once more from the start: not a failure. */
void job_restart(struct job *job);
/* Never again: the task itself is at fault, whatever the program. */
void job_task_fault(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* No verdict: the language cannot hold what the tests pass or expect. */
void job_not_portable(struct job *job, const char *why);
/* Start a box for this job; on failure the job has failed, and false comes back. */
bool job_box(struct job *job, const struct box_spec *spec, const struct machine *machine);
/* After the compile step (or at once where there is none). */
void job_run(struct job *job);
/* judge_refused.c: the names of what a program was ended for, from a run that gives no verdict.
 * job_wants_naming(): this job, which has ended, is to be run once more for that. */
bool job_wants_naming(const struct job *job);
void job_start_naming(struct job *job); /* put the result by */
void job_hear(struct job *job, const struct box_result *r); /* a box of this run has ended */
void job_end_naming(struct job *job);   /* what was put by, and the names */
struct value_numbers *job_numbers(struct job *job);
bool job_has_ended(const struct job *job);

/* The verdict that the end of a run means by itself: VERDICT_OK for exit code 0; *ret_flags gets what was
 * true of it; what is written to `why` says it in words.  VERDICT_INTERNAL_ERROR: our machinery. */
enum verdict end_verdict(const struct language *language, const struct box_result *r, uint32_t *ret_flags,
			 char why[200]);
/* Keep the times and sizes of a run (of the slowest for stdio). */
void job_measure(struct job *job, const struct box_result *r);

/* --- compile.c --- */
void compile_start(struct job *job);
bool compile_needed(const struct job *job);
/* warm_spec.c: let *spec be forked from a warm runner where the language has one and shortcuts are
 * allowed.  kind: "run" or "calls".  *w must live until the box has been started. */
struct warm_spec {
	struct box_warm warm;
	struct box_file files[2];
	const char **argv;
	char *name;
};
void warm_spec_fill(struct job *job, const struct language *l, const char *kind, struct box_spec *spec,
		    struct warm_spec *w);
void warm_spec_clear(struct warm_spec *w);
/* What a box_spec of run_spec(), compile_spec() or calls_spec() borrows. */
#define RUN_MAX_FILES 8
struct run_files {
	struct box_file files[RUN_MAX_FILES]; /* the program first, then the recipe's own */
	char **env, **argv;
	char *entry; /* the recipe's entry text */
	struct warm_spec warm;
};
/* The box that compiles source, by the recipe's compile step: all of *spec but what is kept of its output.  False: no memory. */
bool compile_spec(const struct language *language, const char *source, size_t source_len, struct box_spec *spec,
		  struct run_files *files);
/* argv, files and environment of the box that runs the program itself; to the memory and the threads that *spec grants
 * already what the runtime takes is added.  False: no memory. */
bool run_spec(struct job *job, const struct language *language, int artifact_fd, const char *source,
	      size_t source_len, struct box_spec *spec, struct run_files *files);
/* The same for the recipe's driver, which answers questions. */
bool calls_spec(struct job *job, const struct language *language, struct box_spec *spec, struct run_files *files);
void run_files_clear(struct run_files *f);

/* --- candidate.c: a program that answers questions --- */
/* Starts it and sends its text.  The answers come to job->on_answer. */
struct candidate_events {
	void (*loaded)(struct job *job);
	void (*answer)(struct job *job, const struct answer *a, const uint8_t *frame, size_t n);
	/* The candidate is gone (its box has ended), before it was told to: job->death says why. */
	void (*died)(struct job *job);
	/* It is gone because of candidate_stop(). */
	void (*stopped)(struct job *job);
};
void candidate_start(struct job *job, const struct candidate_events *events);
/* Ask; the frame is a question of frame.md. */
void candidate_ask(struct job *job, const uint8_t *frame, size_t n);
void candidate_stop(struct job *job);
/* The candidate broke the rules: it is killed, and died() follows with this verdict. */
void candidate_fault(struct job *job, enum verdict v, uint32_t flags, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- the machines --- */
void calls_start(struct job *job);
/* A candidate that check_start() has started is asked the task's assertions from here on. */
void calls_take_over(struct job *job);
void check_start(struct job *job);
void stdio_start(struct job *job);
void exec_start(struct job *job);
void check_cancel(struct job *job);  /* gives the Python judge back */

/* --- judge_python.c: the pool of Python judges --- */
struct python_judge_events {
	void (*frame)(struct job *job, const uint8_t *frame, size_t n);
	/* The judge's box is gone; job->judge is NULL already. */
	void (*gone)(struct job *job, const struct box_result *result);
};
/* An idle or a new judge for the job, told of its task (*ret_taught: just now, and 't' or 'x' will come); NULL: *err. */
struct python_judge *python_judge_take(struct job *job, const struct python_judge_events *ev, bool *ret_taught,
				       struct error *err);
int python_judge_send(struct python_judge *j, const void *frame, size_t n, struct error *err);
/* Back to the pool: clean, or (doubt) to be killed. */
void python_judge_give(struct python_judge *j, bool doubt);
void python_judge_forget(struct service *s, const uint8_t digest[HASH_SHA256_BYTES]);
void python_judges_close(struct service *s);
/* It could not be taught this task after all. */
void python_judge_unteach(struct python_judge *j, const uint8_t digest[HASH_SHA256_BYTES]);
extern const char judge_py_start[], judge_py_end[];

/* --- messages between main and service (judge_wire.c) --- */
void limits_pack(struct buf *b, const struct limits *l);
void limits_unpack(struct unpack *u, struct limits *l);
void judgement_pack(struct buf *b, const struct judgement *j);
bool judgement_unpack(struct unpack *u, struct judgement *j); /* false: no memory or malformed */
void exec_result_pack(struct buf *b, const struct exec_result *r);
bool exec_result_unpack(struct unpack *u, struct exec_result *r);

#endif
