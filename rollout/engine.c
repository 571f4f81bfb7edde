/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - the engine's life: start, the pump, pauses, and all the ways to end.
 *
 * engine_run() has three phases: PHASE_REFERENCES, PHASE_WORK, PHASE_OVER.  An end is
 * either immediate (engine_fail(): what is under way is dropped, what is stored stays) or
 * in good order (engine_stop_sampling(): nothing more is asked for, what came is judged).
 */
#include "rollout/engine_internal.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/common.h"
#include "rollout/metrics.h"

#define WAKE_US 1000                 /* not 0: a timer that is always due would keep descriptors waiting */
#define TICK_US 200000
#define GUARD_US 1000000
#define METRICS_US 15000000
#define DEADLINE_GRACE_US 60000000   /* for completions under way when the deadline comes */
#define TERM_GRACE_US 8000000        /* the same when told to end */
#define TERM_LEAVE_US 26000000       /* then judging ends too: 30 s hold the rest */
#define DROP_SLACK_US 200000

static const struct {
	const char *name, *state;
	int exit_status;
} ends[] = {
	[ENGINE_COMPLETE] = { "complete", "complete", EXIT_DONE },
	[ENGINE_DEADLINE] = { "deadline", "stopped", EXIT_STOPPED },
	[ENGINE_TERMINATED] = { "terminated", "stopped", EXIT_STOPPED },
	[ENGINE_INTERRUPTED] = { "interrupted", "stopped", EXIT_INTERRUPTED },
	[ENGINE_POLICY_DEAD] = { "policy_dead", "failed", EXIT_WORK_REMAINS },
	[ENGINE_SPAWNER_DEAD] = { "spawner_dead", "failed", EXIT_WORK_REMAINS },
	[ENGINE_INTERNAL_ERRORS] = { "internal_errors", "failed", EXIT_WORK_REMAINS },
	[ENGINE_ERROR] = { "error", "failed", EXIT_WORK_REMAINS },
};
_Static_assert(ARRAY_SIZE(ends) == ENGINE_END_COUNT, "every end has a row");

const char *engine_end_name(enum engine_end e)
{
	return ends[e].name;
}

const char *engine_end_state(enum engine_end e)
{
	return ends[e].state;
}

int engine_end_exit_status(enum engine_end e)
{
	return ends[e].exit_status;
}

/* --- ending --- */

static void end(struct engine *e, enum engine_end how)
{
	if (e->ended)
		return;
	e->ended = true;
	e->end = how;
	e->phase = PHASE_OVER;
	loop_stop(e->loop);
}

void engine_fail(struct engine *e, enum engine_end how, const struct error *why)
{
	if (e->ended)
		return;
	e->error = *why;
	end(e, how);
}

void engine_stop_sampling(struct engine *e, enum engine_end how, uint64_t grace_us)
{
	uint64_t now = clock_now_us();

	if (e->no_more || e->ended)
		return;
	e->no_more = true;
	e->end = how;
	if (e->phase == PHASE_WORK && e->policy) {
		/* Recorded completions are never on their way. */
		if (str_eq(policy_kind(e->policy), "replay"))
			grace_us = 0;
		policy_drain(e->policy, grace_us);
	}
	e->drop_at_us = now + grace_us + (grace_us ? DROP_SLACK_US : 0);
	engine_wake(e);
}

void engine_on_policy_dead(void *ctx, const struct error *why)
{
	struct engine *e = ctx;

	if (e->ended || e->no_more)
		return;
	e->error = *why;
	log_error("the policy is dead: %s", why->msg);
	engine_event(e, "error", "the policy is dead: %s", why->msg);
	e->no_more = true;
	e->dropped = true;
	e->end = ENGINE_POLICY_DEAD;
	engine_wake(e);
}

static void on_spawner_dead(void *ctx, const struct error *why)
{
	struct engine *e = ctx;

	engine_event(e, "error", "the spawner died: %s", why->msg);
	engine_fail(e, ENGINE_SPAWNER_DEAD, why);
}

static void on_signal(void *ctx, int signum)
{
	struct engine *e = ctx;

	if (signum == SIGINT) {
		log_info("interrupted: leaving at once; '--resume last' goes on");
		end(e, ENGINE_INTERRUPTED);
		return;
	}
	if (e->n_term++) {
		end(e, ENGINE_TERMINATED);
		return;
	}
	log_info("told to end: finishing what is under way (30 s at most)");
	e->leave_at_us = clock_now_us() + TERM_LEAVE_US;
	if (e->no_more && e->drop_at_us > clock_now_us() + TERM_GRACE_US)
		e->drop_at_us = clock_now_us() + TERM_GRACE_US;
	engine_stop_sampling(e, ENGINE_TERMINATED, TERM_GRACE_US);
}

/* --- the pump --- */

void engine_wake(struct engine *e)
{
	struct error err = ERROR_INIT;

	if (e->awake || e->ended)
		return;
	if (loop_timer_start(e->wake, WAKE_US, 0, &err) < 0) {
		engine_fail(e, ENGINE_ERROR, &err);
		return;
	}
	e->awake = true;
}

static bool work_is_over(const struct engine *e)
{
	bool nothing_comes = e->dropped || !e->n_asked;

	/* Told to end, or without room on the disk: nothing more is begun, the rest stays pending. */
	if (e->no_more && (e->opt.guard.low || e->n_term))
		return nothing_comes && !e->running.n;
	if (e->no_more)
		return nothing_comes && !e->queue.n && !e->running.n && e->next_pending == e->run->n_pending;
	return e->plan_done && !e->n_asked && !e->queue.n && !e->running.n &&
	       e->next_pending == e->run->n_pending;
}

/* Told to stop, but there was nothing left to stop. */
static bool everything_done(const struct engine *e)
{
	return tally_done(&e->run->tally) + e->n_internal == e->run->tally.planned;
}

static int pump_work(struct engine *e, struct error *err)
{
	int r = 0;

	engine_free_asks(e, &e->ended_asks);
	if (!e->opt.guard.low && !e->n_term) {
		r = engine_take_pending(e, err);
		if (r == 0)
			r = engine_submit_jobs(e, err);
		if (r == 0)
			r = engine_ask_more(e, err);
	}
	if (r == 0 && !e->ended && work_is_over(e))
		end(e, everything_done(e) ? ENGINE_COMPLETE : e->end);
	return r;
}

static int pump_references(struct engine *e, struct error *err)
{
	int r;

	if (e->no_more) { /* the deadline or SIGTERM came early */
		reference_free(e->reference);
		e->reference = NULL;
		end(e, e->end);
		return 0;
	}
	if (e->opt.guard.low)
		return 0;
	r = e->reference ? engine_pump_references(e, err) : 0;
	if (r < 0 || e->reference)
		return r;
	for (size_t i = 0, last = SIZE_MAX; i < e->run->n_items; i++) {
		if (!str_eq(e->run->items[i].skip, skip_reason_name(SKIP_TASK_QUARANTINED)) ||
		    e->run->items[i].task == last)
			continue;
		last = e->run->items[i].task;
		e->n_quarantined++;
	}
	e->phase = PHASE_WORK;
	engine_wake(e);
	return 0;
}

static void on_wake(void *ctx)
{
	struct engine *e = ctx;
	struct error err = ERROR_INIT;
	int r = 0;

	e->awake = false;
	if (e->phase == PHASE_REFERENCES)
		r = pump_references(e, &err);
	else if (e->phase == PHASE_WORK)
		r = pump_work(e, &err);
	if (r < 0)
		engine_fail(e, ENGINE_ERROR, &err);
}

/* --- the tick: progress, disk, deadline, metrics --- */

static void poll_guard(struct engine *e, uint64_t now)
{
	struct guard *g = &e->opt.guard;

	if (now - e->last_guard_us < GUARD_US && e->last_guard_us)
		return;
	e->last_guard_us = now;
	switch (guard_poll(g)) {
	case GUARD_BECAME_LOW:
		log_warn("only %llu MiB free where the store is, less than --min-free %llu MiB: pausing",
			 (unsigned long long)(g->free_bytes >> 20), (unsigned long long)(g->min_free_bytes >> 20));
		break;
	case GUARD_BECAME_FREE:
		log_info("%llu MiB free again: going on", (unsigned long long)(g->free_bytes >> 20));
		engine_event(e, "warning", "had paused for --min-free");
		break;
	case GUARD_SAME:
	default:
		return;
	}
	engine_wake(e);
}

static void show_progress(struct engine *e)
{
	struct progress_now now = { .asked = e->n_asked, .waiting = e->queue.n, .running = e->running.n };

	if (e->phase == PHASE_REFERENCES) {
		now.phase = "references";
		now.done = e->reference_counts.done;
		now.total = e->reference_counts.total;
	} else {
		now.phase = e->opt.guard.low ? "paused (disk)" : e->no_more ? "finishing" : "sampling";
		now.done = tally_done(&e->run->tally);
		now.total = e->run->tally.planned;
	}
	progress_update(&e->progress, &e->run->tally, &now);
}

static void on_tick(void *ctx)
{
	struct engine *e = ctx;
	uint64_t now = clock_now_us();
	struct error err = ERROR_INIT;

	if (e->ended)
		return;
	poll_guard(e, now);
	if (!e->no_more && deadline_left_us(&e->opt.deadline) == 0) {
		log_info("the deadline has come: no more sampling, judging what is there");
		engine_stop_sampling(e, ENGINE_DEADLINE, DEADLINE_GRACE_US);
	}
	if (e->drop_at_us && now >= e->drop_at_us && !e->dropped) {
		e->dropped = true;
		engine_wake(e);
	}
	if (e->leave_at_us && now >= e->leave_at_us) {
		log_warn("leaving %zu samples to be judged by a resumed run", e->n_waiting);
		end(e, e->end);
		return;
	}
	if (now - e->last_metrics_us >= METRICS_US && engine_write_metrics(e, "running", &err) < 0 &&
	    !e->metrics_failed) {
		e->metrics_failed = true;
		log_warn("%s", err.msg);
	}
	show_progress(e);
}

int engine_write_metrics(struct engine *e, const char *state, struct error *err)
{
	struct run *r = e->run;
	struct stat st;
	struct metrics m = {
		.run_id = r->id, .state = state, .isolation = tier_name(judge_info(e->opt.judging->judge)->tier),
		.version = winnow_version(), .tally = &r->tally, .asked = e->n_asked, .waiting = e->queue.n,
		.running = e->running.n, .elapsed_us = engine_elapsed_us(e), .started_wall_us = e->started_wall_us,
		.now_wall_us = clock_wall_us(), .free_bytes = e->opt.guard.free_bytes, .paused = e->opt.guard.low,
	};

	if (!e->opt.metrics_path)
		return 0;
	e->last_metrics_us = clock_now_us();
	if (str_eq(state, "complete"))
		e->last_success_us = m.now_wall_us;
	m.last_success_wall_us = e->last_success_us;
	if (e->policy) {
		m.policy = policy_stats(e->policy);
		m.policy_kind = policy_kind(e->policy);
		m.policy_name = policy_name(e->policy);
	}
	if (stat(store_path(e->opt.store), &st) == 0)
		m.store_bytes = (uint64_t)st.st_size;
	return metrics_write(e->opt.metrics_path, &m, err);
}

/* --- life --- */

int engine_new(const struct engine_options *opt, struct engine **ret, struct error *err)
{
	struct engine *e = mem_zalloc(sizeof(*e));
	int r;

	if (!e)
		return error_set(err, ERR_NOMEM, "out of memory");
	e->opt = *opt;
	e->run = opt->run;
	e->started_us = clock_now_us();
	e->started_wall_us = clock_wall_us();
	e->in_flight = reuse_new();
	if (!e->in_flight) {
		engine_free(e);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	if (opt->metrics_path)
		e->last_success_us = metrics_last_success_us(opt->metrics_path);
	e->loop = opt->loop;
	r = loop_timer_new(e->loop, on_wake, e, &e->wake, err);
	if (r == 0)
		r = loop_timer_new(e->loop, on_tick, e, &e->tick, err);
	if (r == 0)
		r = loop_timer_new(e->loop, engine_on_commit_timer, e, &e->commit, err);
	if (r == 0)
		r = loop_signal_new(e->loop, SIGTERM, on_signal, e, &e->on_term, err);
	if (r == 0)
		r = loop_signal_new(e->loop, SIGINT, on_signal, e, &e->on_int, err);
	if (r == 0)
		r = judge_attach(opt->judging->judge, e->loop, on_spawner_dead, e, err);
	if (r < 0) {
		engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void engine_set_policy(struct engine *e, struct policy *p)
{
	e->policy = p;
}

static int make_sampling_json(struct engine *e, struct error *err)
{
	cleanup_json json_t *sampling = run_sampling(e->run);
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, 1u << 20);
	if (!sampling)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = json_dump_canonical(sampling, &b, err);
	if (r < 0)
		return r;
	e->sampling_json = buf_steal(&b, NULL);
	return e->sampling_json ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

/* After the loop: nothing of ours is left open, whatever ended it. */
static void settle_end(struct engine *e)
{
	struct error err = ERROR_INIT;
	int r = 0;

	e->phase = PHASE_OVER;
	reference_free(e->reference);
	e->reference = NULL;
	if (e->end == ENGINE_COMPLETE)
		r = engine_settle_internal(e, &err);
	if (r == 0)
		r = engine_commit(e, &err);
	if (r < 0 && e->end != ENGINE_ERROR) {
		e->end = ENGINE_ERROR;
		e->error = err;
	}
	if (e->in_txn) {
		store_rollback(e->opt.store);
		e->in_txn = false;
	}
	engine_free_jobs(e);
}

int engine_run(struct engine *e, enum engine_end *ret, struct error *err)
{
	int r = make_sampling_json(e, err);

	if (r == 0 && e->opt.metrics_path)
		r = engine_write_metrics(e, "running", err);
	if (r == 0 && e->opt.check_references)
		r = engine_start_references(e, err);
	if (r == 0)
		r = loop_timer_start(e->tick, 0, TICK_US, err);
	if (r < 0)
		return r;
	progress_start(&e->progress);
	poll_guard(e, clock_now_us());
	e->phase = PHASE_REFERENCES;
	engine_wake(e);
	if (!e->ended)
		r = loop_run(e->loop, err);
	progress_end(&e->progress);
	if (r == 0 && !e->ended)
		r = error_set(err, ERR_INTERNAL, "the event loop ended before the run did");
	if (r < 0) {
		e->error = *err;
		e->end = ENGINE_ERROR;
	}
	settle_end(e);
	*ret = e->end;
	if (err)
		*err = e->error;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	if (e->in_txn)
		store_rollback(e->opt.store);
	reference_free(e->reference);
	engine_free_jobs(e);
	engine_free_asks(e, &e->asks);
	engine_free_asks(e, &e->ended_asks);
	reuse_free(e->in_flight);
	mem_free(e->reference_tasks);
	mem_free(e->sampling_json);
	loop_timer_free(e->wake);
	loop_timer_free(e->tick);
	loop_timer_free(e->commit);
	loop_signal_free(e->on_term);
	loop_signal_free(e->on_int);
	mem_free(e);
}

struct reference_counts engine_reference_counts(const struct engine *e)
{
	return e->reference_counts;
}

size_t engine_quarantined(const struct engine *e)
{
	return e->n_quarantined;
}

uint64_t engine_elapsed_us(const struct engine *e)
{
	return clock_now_us() - e->started_us;
}
