/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - where samples come from: one interface over replay, openai, command (and grammar).
 *
 * Asynchronous over the loop.  Ask for a group of completions of one task; each
 * comes back by on_completion exactly once, as text or as the policy's failure,
 * in any order.  A completion is known by (request id, index): nothing depends on arrival.
 */
#ifndef WINNOW_POLICY_POLICY_H
#define WINNOW_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/record.h"
#include "sandbox/sandbox.h"

struct policy;

struct policy_sampling {           /* NaN / 0 / NULL: not given, the server's own */
	double temperature, top_p;
	uint32_t max_tokens;
	char **stop;               /* NULL-terminated */
};
struct policy_options {
	const char *spec;          /* replay:FILE, openai:http://host:port/v1#MODEL, command:ARGV */
	const char *version;       /* --policy-version "N[:LABEL]", NULL */
	uint64_t seed;
	struct policy_sampling sampling;
	unsigned max_in_flight;    /* requests; 0: the policy's default (openai 64) */
	const char *api;           /* openai: "chat" (default) or "completions" */
	const char *api_key_file;  /* else environment WINNOW_API_KEY, OPENAI_API_KEY; never logged or stored */
	uint64_t request_timeout_us; /* 0: 600 s */
	unsigned max_retries;      /* 0: 6 */
	bool logprobs;
	struct sandbox *sandbox;   /* command: who starts the child; borrowed */
	struct task *const *tasks; size_t n_tasks; /* replay: to join records without task ids by prompt or position; borrowed */
	const char *language;      /* default language of samples */
	uint64_t retry_base_us;    /* first pause before a retry; 0: 1 s */
	uint64_t retry_cap_us;     /* longest pause of ours; 0: 60 s */
	uint64_t dead_after_us;    /* every server unreachable for so long: dead; 0: 60 s */
};

struct policy_request {
	uint64_t id;               /* the caller's */
	const struct task *task;   /* borrowed until all its completions came */
	const char *language;
	const json_t *messages;    /* [{"role","content"}], borrowed likewise */
	const char *plain_prompt;  /* for plain completions (and the code prompt of a completion task); borrowed likewise */
	uint32_t first, n;         /* sample indices first … first + n - 1 of this task */
	const bool *skip;          /* n entries: true where that index is there already (resume); NULL: none */
	uint64_t seed;             /* of this task's stream */
};

enum policy_status { POLICY_OK, POLICY_HTTP, POLICY_TIMEOUT, POLICY_EMPTY, POLICY_REFUSED, POLICY_MISSING, POLICY_STATUS_COUNT };
/* "http" "timeout" "empty" "refused" "missing" (replay holds no such sample): reasons of state `failed` */
const char *policy_status_name(enum policy_status s);

struct policy_completion {
	uint64_t request_id;
	uint32_t index;            /* sample index */
	enum policy_status status;
	const char *text; size_t text_len;           /* all borrowed during the callback */
	const char *reasoning; size_t reasoning_len; /* NULL: none given apart */
	const char *finish_reason;                   /* "stop", "length", NULL unknown */
	enum extract_mode mode;                      /* how the text is to be read */
	const char *language;                        /* where the record says; NULL: as requested */
	const json_t *token_ids, *logprobs;          /* arrays or NULL */
	const char *model, *fingerprint;             /* as the server said; NULL */
	int64_t seed;                                /* that was sent; -1 none */
	const char *failure;                         /* words for people where status is not POLICY_OK */
};
typedef void policy_completion_fn(void *ctx, const struct policy_completion *c);
/* The policy as a whole cannot go on (server dead, file gone): the run stops with exit 3; what is asked stays pending. */
typedef void policy_dead_fn(void *ctx, const struct error *why);

/* ERR_INPUT: bad spec; ERR_REMOTE: cannot be reached at all.  replay reads its
 * whole file here and names file and line of what is broken. */
int policy_open(const struct policy_options *opt, struct loop *loop, policy_completion_fn *on_completion,
		policy_dead_fn *on_dead, void *ctx, struct policy **ret, struct error *err);
int policy_request(struct policy *p, const struct policy_request *req, struct error *err);
/* How many more requests it would take now: backpressure towards the engine. */
unsigned policy_room(const struct policy *p);
/* No new requests go out; those in flight end (or are dropped after grace_us, with no callback). */
void policy_drain(struct policy *p, uint64_t grace_us);
/* Not from within a callback of this policy.  NULL is fine. */
void policy_close(struct policy *p);
/* Kind ("replay"), a name for rows (file name, model id), version text. Borrowed. */
const char *policy_kind(const struct policy *p);
const char *policy_name(const struct policy *p);
const char *policy_version(const struct policy *p); /* what --policy-version said; NULL: nothing */
/* "N[:LABEL]": *ret_label is borrowed from text, NULL where there is none.  ERR_INPUT. */
int policy_version_parse(const char *text, uint64_t *ret_n, const char **ret_label, struct error *err);
/* Counters for progress and metrics: requests sent, retries, failures, tokens (0 unknown). */
struct policy_stats { uint64_t requests, retries, failed, prompt_tokens, completion_tokens; };
struct policy_stats policy_stats(const struct policy *p);

/* --- samples files, read without a loop: `grade` and `replay` share it --- */
struct sample_record {
	const char *task_id;       /* as the file says, or of the joined task; NULL: neither.  Belongs to the file */
	size_t task;               /* ordinal within the tasks given; SAMPLE_NO_TASK: none were given */
	json_t *sample;            /* the "sample" field or NULL */
	enum extract_mode mode;    /* completion or solution; "mode" of the record says otherwise */
	char *text; size_t text_len;
	const char *language;      /* NULL.  Belongs to the file, as does finish_reason */
	const char *finish_reason; /* NULL */
	char *reasoning;           /* NULL */
	unsigned long line;        /* of the file; 0 in a folder */
	json_t *extra;             /* unknown fields, NULL where none */
};
#define SAMPLE_NO_TASK SIZE_MAX
struct sample_names;               /* words that many records share */
struct sample_file {
	struct sample_record *items; size_t n;
	const char *shape;         /* "human-eval" "evalplus" "bigcode" "codet" */
	char *path;
	struct sample_names *names;
};
/* Shapes are told by content (docs/formats/samples.md).  Any broken line:
 * ERR_INPUT with file and line.  tasks: for joining by prompt (CodeT: by the def
 * line) and by position (bigcode); a record of an unknown task is ERR_INPUT
 * naming file, line and task.  n_tasks 0: nothing is joined nor checked (and
 * CodeT and bigcode files are refused). */
int sample_file_read(const char *path, struct task *const *tasks, size_t n_tasks, struct sample_file *ret, struct error *err);
/* The sample index of each record within its task: its "sample" where all of
 * the task have whole numbers there, else the order within the task.  Two of one
 * index: ERR_INPUT naming both lines.  *ret has f->n entries, mem_free() it. */
int sample_file_index(const struct sample_file *f, uint32_t **ret, struct error *err);
void sample_file_clear(struct sample_file *f);

#endif
