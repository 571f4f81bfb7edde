/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_write.c - the one writer: a transaction is open from the first row on, and is
 * committed at 256 rows or after 50 ms, whichever comes first.
 */
#include "rollout/engine_internal.h"

#include <stdio.h>

#include "core/log.h"

#define COMMIT_ROWS 256
#define COMMIT_US 50000

int engine_begin(struct engine *e, struct error *err)
{
	int r;

	if (e->in_txn)
		return 0;
	r = store_begin(e->opt.store, err);
	if (r < 0)
		return r;
	e->in_txn = true;
	e->n_rows = 0;
	return loop_timer_start(e->commit, COMMIT_US, 0, err);
}

int engine_commit(struct engine *e, struct error *err)
{
	int r;

	if (!e->in_txn)
		return 0;
	e->in_txn = false;
	loop_timer_stop(e->commit);
	r = store_commit(e->opt.store, err);
	if (r < 0)
		store_rollback(e->opt.store);
	return r;
}

int engine_wrote(struct engine *e, struct error *err)
{
	return ++e->n_rows >= COMMIT_ROWS ? engine_commit(e, err) : 0;
}

void engine_on_commit_timer(void *ctx)
{
	struct engine *e = ctx;
	struct error err = ERROR_INIT;

	if (engine_commit(e, &err) < 0)
		engine_fail(e, ENGINE_ERROR, &err);
}

int engine_put_sample(struct engine *e, const struct store_sample *row, struct error *err)
{
	int r = engine_begin(e, err);

	if (r == 0)
		r = store_put_sample(e->opt.store, row, err);
	return r < 0 ? r : engine_wrote(e, err);
}

int engine_put_verdict(struct engine *e, int64_t sample_id, int64_t judgement_id, uint32_t extra_flags,
		       struct error *err)
{
	int r = engine_begin(e, err);

	if (r == 0)
		r = store_judge_sample(e->opt.store, sample_id, judgement_id, extra_flags, err);
	return r < 0 ? r : engine_wrote(e, err);
}

int engine_put_skipped(struct engine *e, int64_t sample_id, const char *reason, struct error *err)
{
	int r = engine_begin(e, err);

	if (r == 0)
		r = store_skip_sample(e->opt.store, sample_id, reason, err);
	return r < 0 ? r : engine_wrote(e, err);
}

/* Not counted as a row: the sample that follows it belongs into the same transaction. */
int engine_put_judgement(struct engine *e, const uint8_t key[HASH_SHA256_BYTES], const struct judgement *j,
			 int64_t *ret_id, struct error *err)
{
	int r = engine_begin(e, err);

	return r < 0 ? r : store_put_judgement(e->opt.store, key, j, ret_id, err);
}

/* Events are for people; one that cannot be written is no reason to stop. */
void engine_event(struct engine *e, const char *level, const char *fmt, ...)
{
	struct error err = ERROR_INIT;
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (engine_begin(e, &err) < 0 || store_put_event(e->opt.store, e->run->id, level, text, &err) < 0)
		log_debug("event not stored: %s", err.msg);
}
