/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - one SQLite file that holds everything that persists.
 *
 * WAL, synchronous=NORMAL, STRICT tables, foreign keys, application_id
 * 0x57494e57 ("WINW"), migrations by user_version (store/schema/NNNN_name.sql,
 * embedded).  One writer: an OFD lock on FILE.lock, whose text names the
 * holder; readers never take it.  Nothing is done twice: every insert below is
 * keyed by what the row *is* (run, task, index, attempt; digest), never by order of arrival.
 */
#ifndef WINNOW_STORE_STORE_H
#define WINNOW_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/json.h"
#include "core/record.h"

#define STORE_APPLICATION_ID 0x57494e57

struct store;
enum store_mode { STORE_READ, STORE_WRITE };

/* STORE_WRITE creates the file where it is missing and migrates an older one;
 * waits up to wait_us for the lock, then ERR_BUSY naming the holder ("held by
 * 'winnow run' (process 123 on host h, since …)").  STORE_READ of a missing file:
 * ERR_NOTFOUND.  Not a store, or of another program: ERR_INPUT; of a newer
 * version: ERR_VERSION; no space: ERR_NOSPACE; read-only folder: ERR_IO. */
int store_open(const char *path, enum store_mode mode, uint64_t wait_us, const char *what, struct store **ret, struct error *err);
void store_close(struct store *s);             /* rolls back what is open; NULL is fine */
const char *store_path(const struct store *s);
/* The pragmas of a writer, apart from WAL and foreign keys: what a comparison has to set too. */
const char *store_pragmas(void);

/* One transaction at a time.  A writing function below makes one of its own where none is open.
 * When one fails within yours, roll back; after ERR_NOSPACE and ERR_IO SQLite may have done so already. */
int store_begin(struct store *s, struct error *err);
int store_commit(struct store *s, struct error *err);
void store_rollback(struct store *s);
/* A passive checkpoint, when idle. */
void store_checkpoint(struct store *s);

/* --- tasks --- */
struct store_import { const char *format, *path, *url, *revision /* commit id */; };
struct store_import_result { uint64_t added, updated, unchanged; };
/* All of the tasks or none (one transaction).  A task of known task_id with other
 * content becomes a new revision and the current one.  Two of one id within the
 * batch: ERR_INPUT.  where[i] ("file:line") is for messages, may be NULL. */
int store_put_tasks(struct store *s, const struct store_import *imp, struct task *const *tasks, const char *const *where,
		    size_t n, struct store_import_result *ret, struct error *err);
/* Current revisions, in (source, natural id order: HumanEval/2 before HumanEval/10) order, chosen by
 * EXPR of the contract (NULL: all): comma-separated id:GLOB tag:T split:S source:S or @FILE.
 * Terms of one kind are alternatives, kinds are combined by and.  A bad term is ERR_INPUT.
 * ret arrays are mem_free()d after task_free() of each; quarantined ones are left out unless with_quarantined. */
struct store_task { int64_t row; struct task *task; char *quarantined; /* reason or NULL */ };
int store_select_tasks(struct store *s, const char *expr, bool with_quarantined, struct store_task **ret, size_t *ret_n, struct error *err);
void store_tasks_free(struct store_task *t, size_t n);
/* reason NULL lifts it. */
int store_quarantine_task(struct store *s, int64_t task_row, const char *reason, struct error *err);
/* Reference check remembered by tests digest + toolchain + judge version + limits (`key`): 1 passed, 0 failed, -1 unknown. */
int store_reference_check(struct store *s, const uint8_t key[32]);
int store_put_reference_check(struct store *s, int64_t task_row, const char *language, const uint8_t key[32], bool passed, const char *message, struct error *err);

/* --- runs --- */
struct store_run {
	int64_t id;
	const char *kind;              /* "run" */
	const char *policy_spec, *policy_kind, *policy_name;
	const char *policy_version;    /* text or NULL */
	int64_t policy_version_number; /* -1: unordered */
	const char *template_name, *template_version; const json_t *template_text; const uint8_t *template_digest; /* NULL: none */
	const char *config_json;       /* the effective configuration */
	const char *select;
	uint64_t seed; uint32_t samples;
	const char *isolation, *toolchains_json, *judge_version, *extract_version, *winnow_version;
	const char *shard;             /* "I/N" or NULL */
};
/* Make a run and its plan: task rows in order with the prompt of each (messages as canonical JSON text). */
struct store_plan_item { int64_t task_row; const char *language; const char *messages_json; const char *skip_reason; /* NULL: judged */ };
int store_run_create(struct store *s, const struct store_run *run, const struct store_plan_item *plan, size_t n, int64_t *ret_id, struct error *err);
/* text "last" or a number; ERR_NOTFOUND. */
int store_run_find(struct store *s, const char *text, int64_t *ret_id, struct error *err);
struct store_run_row { struct store_run run; char *state; json_t *owned; struct store_plan_item *plan; size_t n_plan; struct task **tasks; /* as of the run */ };
int store_run_load(struct store *s, int64_t id, struct store_run_row *ret, struct error *err);
void store_run_row_clear(struct store_run_row *r);
/* state: "running", "stopped", "complete", "failed"; summary NULL keeps what is there. */
int store_run_set_state(struct store *s, int64_t id, const char *state, const char *summary_json, struct error *err);

/* --- samples --- */
/* run<<40 | task_ordinal<<22 | index<<5 | attempt */
#define STORE_MAX_TASKS (1u << 18)
#define STORE_MAX_SAMPLES (1u << 17)
#define STORE_MAX_ATTEMPTS (1u << 5)
static inline int64_t store_sample_id(int64_t run, uint32_t task_ordinal, uint32_t index, uint32_t attempt)
{
	return (run << 40) | ((int64_t)task_ordinal << 22) | ((int64_t)index << 5) | attempt;
}
struct store_sample {
	int64_t sample_id; int64_t run_id; uint32_t task_ordinal, index, attempt;
	const char *origin;            /* "sample", "translation", "repair", "improve" */
	int64_t parent_id;             /* 0: none */
	const char *language;
	enum sample_state state; const char *reason; /* of skipped and failed */
	const char *completion; size_t completion_len; /* NULL where there is none */
	const char *reasoning; size_t reasoning_len;
	const char *finish_reason; bool truncated;
	int64_t seed;                  /* sent; -1 none */
	const char *sampling_json;     /* parameters in force */
	const char *model, *fingerprint;
	const char *token_ids_json, *logprobs_json;
	enum extract_mode mode;
	const char *program; size_t program_len; /* NULL: no program (or not extracted yet) */
	int64_t judgement_id;          /* 0: not judged */
	uint32_t extra_flags;          /* of this sample alone (truncated…); or-ed with the judgement's */
};
/* Insert, or replace a row of the same id whose state was pending or failed.  Texts and programs are stored once by digest. */
int store_put_sample(struct store *s, const struct store_sample *row, struct error *err);
/* key is the verdict key; the same key again returns the row that is there (measured values of the first stay). */
int store_put_judgement(struct store *s, const uint8_t key[32], const struct judgement *j, int64_t *ret_id, struct error *err);
/* 1 and *ret (judgement_clear() it), *ret_id; 0 none.  internal_error rows are never found. */
int store_find_judgement(struct store *s, const uint8_t key[32], int64_t *ret_id, struct judgement *ret, struct error *err);
/* Point a sample (pending before) at its judgement: state judged. */
int store_judge_sample(struct store *s, int64_t sample_id, int64_t judgement_id, uint32_t extra_flags, struct error *err);
/* A pending sample cannot be judged after all: state skipped, for this reason. */
int store_skip_sample(struct store *s, int64_t sample_id, const char *reason, struct error *err);
/* For resume: what a run holds.  The callback gets rows in id order; completion and program only where wanted. */
typedef int store_sample_fn(void *ctx, const struct store_sample *row);
int store_each_sample(struct store *s, int64_t run_id, bool pending_only, bool with_texts, store_sample_fn *fn, void *ctx, struct error *err);
/* Ranks of accepted programs within (task, language), filled at a run's end: (program row, rank). Reads through filters/rank by callback. */
struct store_rank_item { int64_t program_row; const char *program_id; uint64_t cpu_us, memory_bytes, program_len; unsigned rank; };
typedef void store_rank_fn(void *ctx, struct store_rank_item *items, size_t n);
int store_rank_run(struct store *s, int64_t run_id, store_rank_fn *rank, void *ctx, struct error *err);
/* Events of a run kept for its owner (stalls, retries, internal errors): level, text. */
int store_put_event(struct store *s, int64_t run_id, const char *level, const char *text, struct error *err);

/* --- reading for people --- */
/* Any single read-only statement.  row() gets column names and values as JSON (integer, real, string, null;
 * blobs as hex).  ERR_INPUT with SQLite's message. */
typedef int store_row_fn(void *ctx, size_t n_columns, const char *const *names, json_t *const *values);
int store_query(struct store *s, const char *sql, store_row_fn *fn, void *ctx, struct error *err);
/* As store_query() with bound text parameters ?1 ?2 …, NULL-terminated. */
int store_query_bound(struct store *s, const char *sql, const char *const *params, store_row_fn *fn, void *ctx, struct error *err);

#endif
