/* SPDX-License-Identifier: Apache-2.0 */
/* engine_internal.h - the engine's parts, for engine*.c alone. */
#ifndef WINNOW_ROLLOUT_ENGINE_INTERNAL_H
#define WINNOW_ROLLOUT_ENGINE_INTERNAL_H

#include "rollout/engine.h"
#include "rollout/progress.h"
#include "rollout/reuse.h"

/* One policy_request() under way; lives until the policy is closed or has answered all of it. */
struct ask {
	struct ask *next, **link;
	uint64_t id;
	struct plan_batch batch;
	uint32_t left;
	bool got[PLAN_BATCH];
	json_t *messages;
	char *plain;
};

/* A sample that waits for a verdict; its row is in the store as pending. */
struct waiter {
	struct waiter *next;
	int64_t sample_id;
	uint32_t item;
	const struct language *language;
	uint32_t extra_flags;
};

/* One program to be judged, for every sample that has it. */
struct job {
	struct job *next, *prev;         /* in the queue, or among the running */
	struct engine *engine;
	uint8_t key[HASH_SHA256_BYTES];
	const struct task *task;
	const struct language *language;
	char *program;
	size_t program_len;
	struct waiter *waiters;
	uint64_t judge_id;
};
struct job_list {
	struct job *head, *tail;
	size_t n;
};

/* Our own failure, kept aside until the run's end: its samples stay pending, so that a
 * resumed run tries them again if this one does not come to its end. */
struct internal {
	struct internal *next;
	uint8_t key[HASH_SHA256_BYTES];
	struct judgement judgement;
	struct waiter *waiters;
};

enum engine_phase { PHASE_REFERENCES, PHASE_WORK, PHASE_OVER };

struct engine {
	struct engine_options opt;
	struct run *run;                 /* = opt.run */
	struct loop *loop;
	struct policy *policy;
	struct loop_timer *wake, *tick, *commit;
	bool awake;
	struct loop_signal *on_term, *on_int;
	unsigned n_term;
	enum engine_phase phase;

	struct reference *reference;
	struct task **reference_tasks;
	struct reference_counts reference_counts;
	size_t n_quarantined;

	/* sampling */
	struct ask *asks, *ended_asks;
	uint64_t next_ask_id;
	size_t n_asked;                  /* completions asked for and not here */
	bool plan_done;                  /* nothing is left to ask for */
	bool no_more;                    /* sampling was stopped */
	bool dropped;                    /* what is still asked for will not be waited for */
	uint64_t drop_at_us, leave_at_us;/* 0: not set */
	size_t skip_item;                /* rows of a skipped item are written a part at a time */
	uint32_t skip_next, skip_end;
	struct plan_batch skip_batch;
	size_t next_pending;             /* of run->pending */
	char *sampling_json;

	/* judging */
	struct reuse *in_flight;
	struct job_list queue, running;
	size_t n_waiting;                /* samples of both lists */
	struct internal *internal;
	uint64_t n_internal;             /* samples in it */

	/* writing */
	bool in_txn;
	unsigned n_rows;

	/* ending */
	bool ended;
	enum engine_end end;
	struct error error;

	struct progress progress;
	uint64_t started_us, last_guard_us, last_metrics_us;
	int64_t started_wall_us, last_success_us;
	bool metrics_failed;
};

/* engine.c */
void engine_wake(struct engine *e);
void engine_fail(struct engine *e, enum engine_end end, const struct error *why);
void engine_stop_sampling(struct engine *e, enum engine_end end, uint64_t grace_us);

/* engine_sample.c: asking, and what comes */
int engine_ask_more(struct engine *e, struct error *err);
int engine_take_pending(struct engine *e, struct error *err);
void engine_free_asks(struct engine *e, struct ask **list);
/* More may be asked for or taken. */
bool engine_has_room(const struct engine *e);

/* engine_judge.c: from a program to its verdict */
struct subject {                     /* a sample on its way */
	int64_t sample_id;
	uint32_t item;
	const struct language *language;
	uint32_t extra_flags;
	struct store_sample *row;    /* NULL: is in the store as pending already */
};
/* text is what the policy gave. */
int engine_judge_text(struct engine *e, struct subject *s, enum extract_mode mode, const char *text, size_t n,
		      struct error *err);
int engine_submit_jobs(struct engine *e, struct error *err);
int engine_settle_internal(struct engine *e, struct error *err);
void engine_free_jobs(struct engine *e);

/* engine_write.c: the one writer */
int engine_put_sample(struct engine *e, const struct store_sample *row, struct error *err);
int engine_put_skipped(struct engine *e, int64_t sample_id, const char *reason, struct error *err);
int engine_put_verdict(struct engine *e, int64_t sample_id, int64_t judgement_id, uint32_t extra_flags,
		       struct error *err);
int engine_put_judgement(struct engine *e, const uint8_t key[HASH_SHA256_BYTES], const struct judgement *j,
			 int64_t *ret_id, struct error *err);
int engine_begin(struct engine *e, struct error *err);
int engine_wrote(struct engine *e, struct error *err);   /* one row more: commit where it is time */
int engine_commit(struct engine *e, struct error *err);
void engine_on_commit_timer(void *ctx);
void engine_event(struct engine *e, const char *level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* engine_reference.c */
int engine_start_references(struct engine *e, struct error *err);
int engine_pump_references(struct engine *e, struct error *err);

#endif
