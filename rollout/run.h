/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - what one run is made of: its configuration, tasks, plan and state.
 *
 * A run is created in the store with its plan before anything is judged, and is found
 * there again by a resumed session.  Its configuration has two halves: what the rows
 * depend on (a resumed run must say the same, or nothing) and what only this session
 * is about (jobs, metrics, deadline, …), which may change.
 */
#ifndef WINNOW_ROLLOUT_RUN_H
#define WINNOW_ROLLOUT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/json.h"
#include "core/record.h"
#include "policy/policy.h"
#include "policy/prompt.h"
#include "rollout/common.h"
#include "rollout/plan.h"
#include "rollout/tally.h"
#include "store/store.h"

struct run_task {
	struct task *task;              /* borrowed from the run */
	int64_t row;
	const char *quarantined;        /* in the store, before this run's check; NULL */
};
struct run_item {
	size_t task;                    /* ordinal in run.tasks */
	const struct language *language;
	const char *messages_json;
	const char *skip;               /* static word, NULL: to be judged */
};
/* A completion that an earlier session stored and did not get judged. */
struct run_pending {
	int64_t sample_id;
	uint32_t item, index, attempt;
	const struct language *language;
	char *text;
	size_t text_len;
	enum extract_mode mode;
	uint32_t extra_flags;
};
struct run {
	int64_t id;                     /* 0: not created yet */
	bool resumed;
	char *state;                    /* as it was found; NULL for a new one */
	json_t *config;                 /* effective: the stored half, where resumed, over this session's */
	uint64_t seed;
	uint32_t samples;
	struct limits over;
	bool all_tests, confirm;
	bool by_record;                 /* replay: one item a task, and each record says its language */
	struct plan_shard shard;
	const struct language **languages;
	size_t n_languages;
	struct prompt_template *template;
	json_t *stop;                   /* the template's stop strings, where they are used; NULL */
	struct run_task *tasks;
	size_t n_tasks;
	struct run_item *items;
	size_t n_items;
	struct plan plan;
	struct tally tally;
	struct run_pending *pending;
	size_t n_pending, cap_pending;
	char **messages;                /* n_items; what items[].messages_json borrows, NULL where loaded */
	/* owners of what is borrowed above */
	struct store_task *selected;
	size_t n_selected;
	struct store_run_row loaded;
	bool has_loaded;
};

/* Read the options; nothing is opened.  ERR_INPUT names the option. */
int run_configure(struct run *r, const struct options *o, struct error *err);
/* --resume TEXT: find the run, refuse (ERR_INPUT, naming the keys) what it was not made with,
 * and load its tasks, plan and what has been done.  ERR_NOTFOUND: no such run. */
int run_load(struct run *r, const char *text, const struct options *o, struct store *s, const struct judging *j,
	     struct error *err);
/* A new run: select tasks and make the plan, in memory. */
int run_plan(struct run *r, struct store *s, const struct judging *j, struct error *err);
/* Put it into the store; fills r->id. */
int run_create(struct run *r, struct store *s, const struct judging *j, const struct policy *p, struct error *err);
void run_clear(struct run *r);

/* What a policy is opened with; borrows from r.  stop is NULL-terminated; mem_free(ret->sampling.stop). */
int run_policy_options(const struct run *r, const struct judging *j, struct policy_options *ret, struct error *err);
/* The sampling parameters as stored with each sample; new reference. */
json_t *run_sampling(const struct run *r);
/* Where pass@k counts a sample of this item and language. */
size_t run_group(const struct run *r, size_t item, const struct language *l);
/* A language of this run by a record's word; NULL: none of it. */
const struct language *run_language(const struct run *r, const struct judging *j, const char *word);

/* Read a value of r->config. */
const char *run_str(const struct run *r, const char *key);
uint64_t run_u64(const struct run *r, const char *key);
double run_num(const struct run *r, const char *key);   /* NaN: not given */
bool run_flag(const struct run *r, const char *key);

#endif
