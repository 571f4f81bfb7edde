/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - what a run has done so far, in numbers: the source of progress, metrics and summary. */
#ifndef WINNOW_ROLLOUT_TALLY_H
#define WINNOW_ROLLOUT_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include "core/json.h"
#include "core/record.h"
#include "policy/policy.h"
#include "rollout/passk.h"

/* Reasons of state `skipped` (DESIGN section 3). */
#define SKIP_REASONS(X)                                                             \
	X(SKIP_NOT_PORTABLE, "not_portable") X(SKIP_NO_TOOLCHAIN, "no_toolchain")   \
	X(SKIP_TASK_QUARANTINED, "task_quarantined") X(SKIP_BUDGET, "budget")       \
	X(SKIP_DEADLINE, "deadline")
enum skip_reason {
#define X(name, word) name,
	SKIP_REASONS(X)
#undef X
	SKIP_REASON_COUNT
};
const char *skip_reason_name(enum skip_reason r);
int skip_reason_parse(const char *word);                     /* -1: no such word */
int policy_status_parse(const char *word);                   /* -1: no such word */

struct tally {
	/* the whole run, earlier sessions included */
	uint64_t planned;
	uint64_t sampled;                    /* completions that came */
	uint64_t judged;
	uint64_t verdicts[VERDICT_COUNT];
	uint64_t failed[POLICY_STATUS_COUNT];
	uint64_t skipped[SKIP_REASON_COUNT];
	uint64_t pending;                    /* sampled, not judged yet */
	uint64_t cpu_us;                     /* of candidates, once a judgement */
	struct passk_group *groups;          /* one an item of the plan; the run's */
	size_t n_groups;
	/* this session */
	uint64_t judged_now;                 /* judgements made by running something */
	uint64_t reused;                     /* verdicts taken from the store */
	uint64_t duplicates;                 /* verdicts shared with an equal program under way */
	uint64_t session_samples;            /* rows brought to their end */
};
uint64_t tally_failed(const struct tally *t);
uint64_t tally_skipped(const struct tally *t);
uint64_t tally_done(const struct tally *t);                  /* judged + failed + skipped */
void tally_judged(struct tally *t, size_t item, enum verdict v);

#endif
