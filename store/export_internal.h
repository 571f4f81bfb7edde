/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_internal.h - what the exporters share.
 *
 * export.c walks the groups (a run's samples of one task in one language) in an
 * order that depends on content alone, sorts out what may not leave the store,
 * and hands each group to the format's function; that projects rows and gives
 * them to export_emit().  Only one group's index is in memory, never its texts.
 */
#ifndef WINNOW_STORE_EXPORT_INTERNAL_H
#define WINNOW_STORE_EXPORT_INTERNAL_H

#include "core/hash.h"
#include "core/record.h"
#include "store/export.h"
#include "store/shard.h"
#include "store/store_internal.h"

/* Why a sample is not in an export; the manifest counts each. */
#define EXPORT_REASONS(X)                                                                        \
	X(LEFT_NONE, NULL)                                                                       \
	X(LEFT_WHERE, "where")                /* the user's --where does not hold */             \
	X(LEFT_SPLIT, "split")                /* the task is of another one than --split says */ \
	X(LEFT_ORIGIN, "origin")              /* a translation, repair or improvement */         \
	X(LEFT_SUPERSEDED, "superseded")      /* a later attempt of the same sample is there */  \
	X(LEFT_PENDING, "pending")                                                               \
	X(LEFT_SKIPPED, "skipped")                                                               \
	X(LEFT_FAILED, "failed")                                                                 \
	X(LEFT_QUARANTINED, "quarantined")    /* the task is */                                  \
	X(LEFT_CONTAMINATED, "contaminated")  /* the task's text is of an evaluation set */      \
	X(LEFT_DAMAGED, "damaged")            /* a checksum does not hold */                     \
	X(LEFT_SAME_PROCESS, "same_process")                                                     \
	X(LEFT_FLAKY, "flaky")                                                                   \
	X(LEFT_NO_TEXT, "no_text")            /* there is no completion, or no prompt */         \
	X(LEFT_NOT_ACCEPTED, "not_accepted")  /* sft */                                          \
	X(LEFT_DUPLICATE, "duplicate")        /* sft, dpo: this program of the task is there */  \
	X(LEFT_NEAR, "near_duplicate")        /* sft: a program like it is there */              \
	X(LEFT_PER_TASK, "per_task")          /* sft, kto: the task has --per-task rows */       \
	X(LEFT_NOT_GRADED, "not_graded")      /* dpo, kto: internal_error */                     \
	X(LEFT_UNPAIRED, "unpaired")          /* dpo: nothing to set it against, or enough pairs */ \
	X(LEFT_NOT_SAMPLED, "not_sampled")    /* hard-unsolved: no sample of the task was judged */ \
	X(LEFT_SOLVED, "solved")              /* hard-unsolved: one was accepted */
enum export_reason {
#define X(name, word) name,
	EXPORT_REASONS(X)
#undef X
	LEFT_COUNT
};

struct export_item {
	int64_t sample_id;
	uint32_t index;
	enum export_reason left;
	enum verdict verdict;
	bool plain;                   /* a raw continuation of the prompt */
	int64_t completion_bytes;
	double reward;                /* NaN: none */
	double advantage;             /* NaN: none */
	char program_id[HASH_GIT_HEX];/* "" where there is no program */
};

struct export_group {
	int64_t run_id, ordinal;
	const char *task_id, *task_rev, *split, *language; /* borrowed during the call */
	const char *policy_kind, *policy_name, *policy_version, *template;
	bool quarantined, new_task;   /* new_task: the first group of this task revision and language */
	const char *prompt;           /* the task's own text; NULL where it is damaged */
	json_t *messages;             /* what the policy was given; NULL: none */
	char group_id[HASH_SHA256_HEX];
	struct export_item *items;    /* those that are in, in order of index */
	size_t n;
};

/* Everything of one sample that rows are made of. */
struct export_text {
	json_t *completion, *reasoning, *program;      /* strings; NULL: none */
	json_t *token_ids, *logprobs, *parameters;     /* parsed; NULL: none */
	json_t *flags;                                 /* array of words */
	json_t *finish_reason, *model, *fingerprint, *judging, *seed; /* strings, integer; NULL: none */
	json_t *tests_passed, *tests_total, *measured; /* NULL: none */
	bool truncated;
	const char *mode;                              /* static */
};

struct export_ctx {
	struct store *s;
	const struct export_options *opt;
	struct shards *shards;        /* NULL while counting */
	const struct export_kind *kind;
	uint64_t rows, groups, left[LEFT_COUNT];
	uint64_t rows_of_shards, groups_of_shards; /* with --shards: counted before */
	uint32_t n_shards;
	uint64_t group_rows;          /* of the group at hand */
	int shape;                    /* 0 not known yet, 1 messages, 2 plain text */
	json_t *seen;                 /* programs of the task at hand */
	uint64_t pairs;               /* dpo: of the task at hand */
	uint64_t taken[2];            /* sft, kto: rows of the task at hand; kto by label */
	json_t *finding;              /* of the task at hand: what it shares with an evaluation set; NULL */
	json_t *findings;             /* array: of all tasks, with the shard that holds or would have held them */
};

typedef int export_group_fn(struct export_ctx *x, struct export_group *g, struct error *err);
int export_sft_group(struct export_ctx *x, struct export_group *g, struct error *err);
int export_rollouts_group(struct export_ctx *x, struct export_group *g, struct error *err);
int export_kto_group(struct export_ctx *x, struct export_group *g, struct error *err);
int export_dpo_group(struct export_ctx *x, struct export_group *g, struct error *err);

/* For rows that are no samples: rows of all tasks, instead of a walk over the groups.  runs: JSON array of the
 * chosen runs; asked: the kind's own statement, with the user's condition in it. */
typedef int export_walk_fn(struct export_ctx *x, sqlite3_stmt *asked, const char *runs, struct error *err);
int export_prompts_walk(struct export_ctx *x, sqlite3_stmt *rates, const char *runs, struct error *err);
extern const char export_sql_rate[];

struct export_kind {
	const char *name;
	export_group_fn *group;
	const char *advantage; /* formula for the manifest; NULL: the rows have neither advantage nor reward */
	export_walk_fn *walk;  /* NULL: over the groups */
};

/* --- for the formats --- */
bool export_counting(const struct export_ctx *x);
/* One row (its reference is taken over; NULL is ERR_NOMEM).  While counting: row is NULL and only counted. */
int export_emit(struct export_ctx *x, json_t *row, struct error *err);
int export_load(struct export_ctx *x, const struct export_item *item, struct export_text *ret, struct error *err);
void export_text_clear(struct export_text *t);
/* messages and plain text don't mix in one export: ERR_INPUT says how to choose. */
int export_shape(struct export_ctx *x, bool plain, struct error *err);
/* The prompt as the shape wants it: the list of messages, or the task's text.  New reference. */
json_t *export_prompt(const struct export_group *g, bool plain);
/* An answer: [{"role":"assistant","content":…}], or the text.  New reference. */
json_t *export_answer(const struct export_text *t, bool plain);
/* Content-derived id of a row. */
int export_row_id(const struct export_group *g, const struct export_item *item, const json_t *completion,
		  char ret[HASH_SHA256_HEX], struct error *err);
/* Ask whether a task's text is of an evaluation set: x->finding is what it shares with one, or NULL. */
int export_ask_contaminated(struct export_ctx *x, const char *prompt, struct error *err);
/* Note x->finding, if any: in which shard the task's rows (x->group_rows) are or would have been. */
int export_note_contaminated(struct export_ctx *x, const char *task_id, const char *task_rev, struct error *err);
/* True the first time that this program is met in its task and language; negative: no memory. */
int export_first_of_task(struct export_ctx *x, const struct export_item *item, struct error *err);
/* Whether the task at hand may have one more row (of this label), which then counts. */
bool export_take_row(struct export_ctx *x, bool label);
/* obj[key] = value, taken over; NULL value gives JSON null. */
int export_set(json_t *obj, const char *key, json_t *value, struct error *err);
json_t *export_number(double x); /* null for NaN */

#endif
