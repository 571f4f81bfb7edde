/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.h - does a task's own solution pass its own tests?
 *
 * Each solution in a language whose toolchain is here is judged, unless the answer is
 * known from earlier (the hooks ask and tell a store; `grade` has none).  A reference
 * that fails is the task's fault: the task is to be quarantined, with the reason.  A
 * reference that could not be judged (our failure) says nothing about its task.
 *
 * Asynchronous: reference_pump() whenever there may be room, until reference_finished().
 */
#ifndef WINNOW_ROLLOUT_REFERENCE_H
#define WINNOW_ROLLOUT_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/record.h"
#include "filters/judge.h"

struct reference;
struct reference_hooks {
	/* 1 passed, 0 failed, -1 not known; NULL: nothing is known */
	int (*known)(void *ctx, const uint8_t key[32]);
	/* Was judged now; NULL: nobody wants to know. */
	int (*checked)(void *ctx, size_t task, const char *language, const uint8_t key[32], bool passed,
		       const char *message, struct error *err);
	void *ctx;
	/* Programs of other languages come too: what the values of test code are must be known, as judge_knows_values()
	 * has it, and what is known from earlier is judged again where it is not. */
	bool need_values;
};
/* tasks, judge and languages are borrowed.  over: limits of the run; a reference gets the
 * larger of these and its task's own, so that a strict run does not quarantine anything. */
int reference_new(struct judge *judge, const struct language_set *languages, struct task *const *tasks, size_t n_tasks,
		  const struct limits *over, const struct reference_hooks *hooks, struct reference **ret,
		  struct error *err);
void reference_free(struct reference *r);   /* cancels what is under way */

/* Submit as many as fit; a failure of a hook or of judge_submit() comes out here. */
int reference_pump(struct reference *r, struct error *err);
bool reference_finished(const struct reference *r);
/* Called after each answer, from the judge's callback; NULL: none. */
void reference_on_progress(struct reference *r, void (*fn)(void *ctx), void *ctx);

/* Why a task is to be quarantined ("reference solution (python) fails: wrong_answer: …");
 * NULL: it passes, has none, or could not be judged. */
const char *reference_reason(const struct reference *r, size_t task);
struct reference_counts {
	size_t total, done;       /* solutions */
	size_t remembered;        /* of done: known from earlier */
	size_t failed_tasks;
	size_t without;           /* tasks that have no solution in a language that is here */
	size_t internal_errors;   /* solutions that could not be judged */
};
struct reference_counts reference_counts(const struct reference *r);

/* The solution of a task in a language, borrowed; NULL: none. */
const char *reference_solution(const struct task *t, const char *language, size_t *ret_len);

#endif
