/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - the nouns: verdicts, flags, limits, tasks, programs, samples, judgements.
 * Plain data; name tables and parsing of tasks are in record.c and task.c.
 */
#ifndef WINNOW_CORE_RECORD_H
#define WINNOW_CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/value.h"

/* --- verdicts (DESIGN section 3), worst first: the first that is true is the verdict --- */
#define VERDICTS(X)                                                                       \
	X(VERDICT_INTERNAL_ERROR, "internal_error") X(VERDICT_NO_PROGRAM, "no_program")   \
	X(VERDICT_SECURITY_VIOLATION, "security_violation")                               \
	X(VERDICT_COMPILE_ERROR, "compile_error") X(VERDICT_TIME_LIMIT, "time_limit")     \
	X(VERDICT_MEMORY_LIMIT, "memory_limit") X(VERDICT_OUTPUT_LIMIT, "output_limit")   \
	X(VERDICT_RUNTIME_ERROR, "runtime_error") X(VERDICT_WRONG_ANSWER, "wrong_answer") \
	X(VERDICT_ACCEPTED, "accepted") X(VERDICT_OK, "ok")
enum verdict {
#define X(name, word) name,
	VERDICTS(X)
#undef X
	VERDICT_COUNT,
	VERDICT_NONE = -1 /* not judged */
};
const char *verdict_name(enum verdict v);              /* NULL for VERDICT_NONE */
enum verdict verdict_parse(const char *name);          /* VERDICT_NONE: no such word */

/* --- flags: everything that was true of a run; bits, stored as a sorted list of words --- */
#define FLAGS(X)                                                                          \
	X(FLAG_CPU_LIMIT, "cpu_limit") X(FLAG_WALL_LIMIT, "wall_limit")                   \
	X(FLAG_MEMORY_LIMIT, "memory_limit") X(FLAG_OUTPUT_LIMIT, "output_limit")         \
	X(FLAG_COMPILE_TIME_LIMIT, "compile_time_limit")                                  \
	X(FLAG_COMPILE_MEMORY_LIMIT, "compile_memory_limit")                              \
	X(FLAG_COMPILE_OUTPUT_LIMIT, "compile_output_limit")                              \
	X(FLAG_NONZERO_EXIT, "nonzero_exit") X(FLAG_SIGNAL, "signal")                     \
	X(FLAG_EXCEPTION, "exception")         /* the candidate raised */                 \
	X(FLAG_EARLY_EXIT, "early_exit")       /* ended before the last question */       \
	X(FLAG_PROTOCOL, "protocol")           /* bytes outside the protocol */           \
	X(FLAG_NOT_PLAIN, "not_plain")         /* a value that could not cross */         \
	X(FLAG_REFUSED_CALL, "refused_call")   /* a system call was refused by name */    \
	X(FLAG_NO_ENTRY_POINT, "no_entry_point")                                          \
	X(FLAG_TRUNCATED, "truncated") X(FLAG_OVERFIT, "overfit") X(FLAG_FLAKY, "flaky")  \
	X(FLAG_NEAR_LIMIT, "near_limit") X(FLAG_TEST_ERROR, "test_error") /* test code raised, not AssertionError */ \
	X(FLAG_STDOUT_TRUNCATED, "stdout_truncated") X(FLAG_SAME_PROCESS, "same_process")
enum flag_bit {
#define X(name, word) name##_BIT,
	FLAGS(X)
#undef X
	FLAG_COUNT
};
enum flag {
#define X(name, word) name = 1u << name##_BIT,
	FLAGS(X)
#undef X
};
json_t *flags_to_json(uint32_t flags);                 /* sorted array of words; new reference */
int flags_parse(const json_t *words, uint32_t *ret, struct error *err);

/* --- limits of one run; 0 means "not given" until limits_merge() has filled it --- */
struct limits {
	uint64_t cpu_us;          /* CPU time of the whole tree, a case (stdio) or a whole conversation (calls) */
	uint64_t wall_us;         /* 0: 3 x cpu + 2 s; counted only while a question is outstanding */
	uint64_t memory_bytes;
	uint64_t output_bytes;    /* stdout and stderr together */
	uint64_t file_bytes;      /* working directory */
	uint32_t processes;       /* threads of the candidate */
};
#define LIMITS_DEFAULT { .cpu_us = 5000000, .wall_us = 0, .memory_bytes = UINT64_C(2048) << 20, \
			 .output_bytes = UINT64_C(16) << 20, .file_bytes = UINT64_C(64) << 20, .processes = 64 }
/* What is given in `over`, else in `task`, else the default; wall_us is always filled. */
struct limits limits_merge(const struct limits *task, const struct limits *over);
uint64_t limits_wall_us(const struct limits *l);

/* --- tasks --- */
enum tests_kind { TESTS_CASES, TESTS_CHECK, TESTS_STDIO, TESTS_KIND_COUNT }; /* calls with cases; calls with check; stdio */
enum checker_kind { CHECKER_EXACT, CHECKER_TOKENS, CHECKER_FLOAT, CHECKER_UNORDERED, CHECKER_PROGRAM, CHECKER_KIND_COUNT };
struct checker {
	enum checker_kind kind;
	double abs_tol, rel_tol;      /* FLOAT; negative: not given */
	bool case_sensitive;          /* stdio TOKENS, FLOAT: default false as the ICPC default validator */
	bool space_sensitive;
	const char *language;         /* PROGRAM: python, c, cpp */
	const char *source;           /* PROGRAM: its text; called as the ICPC output validator (exit 42 yes, 43 no) */
	json_t *args;                 /* PROGRAM: array of extra arguments, borrowed from task->json; NULL: none */
};
struct script_step { bool is_new; const char *name; struct value *args; /* TUPLE */ struct value *expect; /* NULL: not compared */ const char *raises; };
struct test_case {
	bool visible;
	const char *name;             /* for people ("secret/03"); NULL: none */
	/* calls */
	struct value *args;           /* TUPLE, by the signature's types */
	struct value *expect;         /* NULL where raises is set, or where only expect_args is compared */
	const char *raises;
	struct value *expect_args;    /* TUPLE or NULL */
	struct script_step *script;   /* classes: n_script > 0 replaces args and expect */
	size_t n_script;
	/* stdio */
	const char *in;  size_t in_len;
	const char *out; size_t out_len;
};
struct param { const char *name; struct type *type; };
struct task {
	json_t *json;                 /* the native object; everything below borrows from it or from pool */
	struct value_pool *pool;
	const char *id, *prompt, *entry_point, *source, *split, *license;
	const char *prompt_language;  /* "prompt_language": the prompt is code which a completion continues; else NULL */
	struct param *params; size_t n_params; bool has_signature;
	struct type *returns;
	enum tests_kind kind;
	struct test_case *cases; size_t n_cases;
	const char *check;            /* TESTS_CHECK: the original Python test code */
	size_t *visible_asserts; size_t n_visible_asserts; /* TESTS_CHECK "visible": numbers of top-level asserts */
	struct checker checker;
	struct limits limits;         /* what the task says; zeros where it says nothing */
	int int_bits;                 /* 0 unbounded, or 64 */
	uint8_t digest[HASH_SHA256_BYTES];       /* of the canonical JSON: the task's revision */
	uint8_t tests_digest[HASH_SHA256_BYTES]; /* of what a verdict depends on: tests, checker, entry point, prompt code, signature */
};
/* Build from a native object (its reference is taken over, on failure too).
 * Validates as docs/formats/task.schema.json; ERR_INPUT names the key ("tests.cases[3].expect: …"). */
int task_parse(json_t *native, struct task **ret, struct error *err);
void task_free(struct task *t);
/* The keys that one object of the format may have, NULL-terminated: "task", "signature", "param",
 * "tests", "calls_case", "stdio_case", "script_step", "checker", "limits".  NULL: no such object. */
const char *const *task_keys(const char *object);
void task_cleanup(struct task **t);
#define cleanup_task __attribute__((cleanup(task_cleanup)))

/* --- what the judge says of one program --- */
struct judgement {
	enum verdict verdict;
	uint32_t flags;
	int tests_passed, tests_total;          /* -1: not counted (stopped at the first failure) */
	int visible_passed, visible_total;      /* likewise */
	uint64_t cpu_us, wall_us, memory_bytes; /* measured; of the slowest case for stdio */
	uint64_t compile_cpu_us;
	char *message;                          /* short word for people: the failing case, the exception; may be NULL */
	char *compile_output;                   /* first 4 KiB of the compiler's words; NULL where none */
	char *refused;                          /* violations by name: {"ptrace":1}; NULL: none known */
	const char *judging;                    /* "separate" or "same-process"; static */
	char tier[16];                          /* isolation that was really in force */
	char toolchain[96];                     /* "cpython 3.11.2", "gcc 12.2.0" */
	int exit_code, signal;                  /* of the last run; -1 / 0 */
	bool surveyed;                          /* traits is filled: what the values of the task's tests are (filters/portable.h) */
	uint32_t traits;
};
void judgement_clear(struct judgement *j);
/* passed of the contract: 1, 0, or -1 for NULL (internal_error, not judged). */
int judgement_passed(enum verdict v);

/* --- samples --- */
enum sample_state { SAMPLE_PENDING, SAMPLE_JUDGED, SAMPLE_SKIPPED, SAMPLE_FAILED, SAMPLE_STATE_COUNT };
const char *sample_state_name(enum sample_state s);

/* How the text of a sample is to be read (filters/extract.h). */
enum extract_mode {
	EXTRACT_CHAT,       /* an answer of a chat model: fences, prose, reasoning */
	EXTRACT_COMPLETION, /* a raw continuation: prompt + completion, to the letter */
	EXTRACT_SOLUTION    /* a whole program, to the letter */
};

/* 1 - C(n-c,k)/C(n,k) by running product (Chen et al. 2021, "Evaluating Large Language Models Trained on Code").
 * NaN where it is not defined: k is 0 or more than n, or c is more than n. */
double pass_at_k(uint64_t n, uint64_t c, uint64_t k);

#endif
