/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_sample.c - samples: put, judge, read back for a resumed run.
 *
 * A pending row holds its text, so that nothing is sampled twice; a failed row
 * may be tried again.  Judged and skipped rows are final, but that a judged one
 * may get another judgement, the former of which is kept in sample_judgement.
 */
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"

static const char sql_task_of[] = "SELECT task_row FROM run_task WHERE run_id = ?1 AND ordinal = ?2";
static const char sql_put[] =
	"INSERT INTO sample(sample_id, run_id, ordinal, sample_index, attempt, task_row, origin, parent_id, language, state,"
	" reason, completion_row, reasoning_row, token_ids_row, logprobs_row, sampling_row, finish_reason, truncated, seed,"
	" mode, program_row, judgement_id, flags, created_us, judged_us, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,"
	" ?24, ?25, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
	" ?21, ?22, ?23, ?24, ?25))"
	" ON CONFLICT (sample_id) DO UPDATE SET task_row = excluded.task_row, origin = excluded.origin,"
	" parent_id = excluded.parent_id, language = excluded.language, state = excluded.state, reason = excluded.reason,"
	" completion_row = excluded.completion_row, reasoning_row = excluded.reasoning_row,"
	" token_ids_row = excluded.token_ids_row, logprobs_row = excluded.logprobs_row,"
	" sampling_row = excluded.sampling_row, finish_reason = excluded.finish_reason, truncated = excluded.truncated,"
	" seed = excluded.seed, mode = excluded.mode, program_row = excluded.program_row,"
	" judgement_id = excluded.judgement_id, flags = excluded.flags, created_us = excluded.created_us,"
	" judged_us = excluded.judged_us, checksum = excluded.checksum"
	" WHERE sample.state IN ('pending', 'failed')";
static const char sql_state[] = "SELECT state, judgement_id, judged_us, flags FROM sample WHERE sample_id = ?1";
static const char sql_judge[] =
	"UPDATE sample SET state = 'judged', reason = NULL, judgement_id = ?2, judged_us = ?3, flags = ?4, checksum ="
	" row_checksum(sample_id, run_id, ordinal, sample_index, attempt, task_row, origin, parent_id, language, 'judged',"
	" NULL, completion_row, reasoning_row, token_ids_row, logprobs_row, sampling_row, finish_reason, truncated, seed,"
	" mode, program_row, ?2, ?4, created_us, ?3) WHERE sample_id = ?1";
static const char sql_skip[] =
	"UPDATE sample SET state = 'skipped', reason = ?2, checksum ="
	" row_checksum(sample_id, run_id, ordinal, sample_index, attempt, task_row, origin, parent_id, language, 'skipped',"
	" ?2, completion_row, reasoning_row, token_ids_row, logprobs_row, sampling_row, finish_reason, truncated, seed,"
	" mode, program_row, judgement_id, flags, created_us, judged_us) WHERE sample_id = ?1 AND state = 'pending'";
static const char sql_next_place[] = "SELECT coalesce(max(place), 0) + 1 FROM sample_judgement WHERE sample_id = ?1";
static const char sql_keep_old[] =
	"INSERT INTO sample_judgement(sample_id, place, judgement_id, judged_us, replaced_us, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, row_checksum(?1, ?2, ?3, ?4, ?5))";

#define EACH_COLUMNS \
	"s.sample_id, s.run_id, s.ordinal, s.sample_index, s.attempt, s.origin, s.parent_id, s.language, s.state, s.reason," \
	" s.finish_reason, s.truncated, s.seed, s.mode, s.judgement_id, s.flags, m.parameters, m.model, m.fingerprint"
#define EACH_RANGE " WHERE s.sample_id >= ?1 AND s.sample_id < ?2 AND (?3 = 0 OR s.state = 'pending') ORDER BY s.sample_id"
static const char sql_each[] =
	"SELECT " EACH_COLUMNS " FROM sample s LEFT JOIN sampling m ON m.sampling_row = s.sampling_row" EACH_RANGE;
static const char sql_each_texts[] =
	"SELECT " EACH_COLUMNS ", c.body, r.body, x.body, t.body, l.body FROM sample s"
	" LEFT JOIN sampling m ON m.sampling_row = s.sampling_row"
	" LEFT JOIN content c ON c.content_row = s.completion_row"
	" LEFT JOIN content r ON r.content_row = s.reasoning_row"
	" LEFT JOIN program p ON p.program_row = s.program_row"
	" LEFT JOIN content x ON x.content_row = p.content_row"
	" LEFT JOIN content t ON t.content_row = s.token_ids_row"
	" LEFT JOIN content l ON l.content_row = s.logprobs_row" EACH_RANGE;

static const char *const mode_words[] = { "chat", "completion", "solution" };
_Static_assert(EXTRACT_SOLUTION + 1 == ARRAY_SIZE(mode_words), "a word for each mode");

/* Rows that a sample refers to. */
struct refs { int64_t task, completion, reasoning, token_ids, logprobs, sampling, program; };

static int find_task_row(struct store *s, const struct store_sample *row, int64_t *ret, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_task_of, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, row->run_id);
	sqlite3_bind_int64(st, 2, row->task_ordinal);
	r = store_step(s, st, "find a task of the run", err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_INTERNAL, "run %lld has no task number %u", (long long)row->run_id, row->task_ordinal);
	*ret = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

static int intern_all(struct store *s, const struct store_sample *row, struct refs *ref, struct error *err)
{
	int r = find_task_row(s, row, &ref->task, err);

	if (r == 0)
		r = store_intern(s, ref->task, row->completion, row->completion_len, &ref->completion, err);
	if (r == 0)
		r = store_intern(s, ref->task, row->reasoning, row->reasoning_len, &ref->reasoning, err);
	if (r == 0)
		r = store_intern_str(s, ref->task, row->token_ids_json, &ref->token_ids, err);
	if (r == 0)
		r = store_intern_str(s, ref->task, row->logprobs_json, &ref->logprobs, err);
	if (r == 0)
		r = store_intern_sampling(s, row->model, row->fingerprint, row->sampling_json, &ref->sampling, err);
	if (r == 0)
		r = store_intern_program(s, ref->task, row->program, row->program_len, row->language, &ref->program, err);
	return r;
}

static int put_row(struct store *s, const struct store_sample *row, const struct refs *ref, const char *flags, struct error *err)
{
	int64_t now = clock_wall_us();
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_put, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, row->sample_id);
	sqlite3_bind_int64(st, 2, row->run_id);
	sqlite3_bind_int64(st, 3, row->task_ordinal);
	sqlite3_bind_int64(st, 4, row->index);
	sqlite3_bind_int64(st, 5, row->attempt);
	sqlite3_bind_int64(st, 6, ref->task);
	store_bind_str(st, 7, row->origin);
	store_bind_row(st, 8, row->parent_id);
	store_bind_str(st, 9, row->language);
	store_bind_str(st, 10, sample_state_name(row->state));
	store_bind_str(st, 11, row->reason);
	store_bind_row(st, 12, ref->completion);
	store_bind_row(st, 13, ref->reasoning);
	store_bind_row(st, 14, ref->token_ids);
	store_bind_row(st, 15, ref->logprobs);
	store_bind_row(st, 16, ref->sampling);
	store_bind_str(st, 17, row->finish_reason);
	sqlite3_bind_int(st, 18, row->truncated);
	store_bind_natural(st, 19, row->seed);
	store_bind_str(st, 20, mode_words[row->mode]);
	store_bind_row(st, 21, ref->program);
	store_bind_row(st, 22, row->judgement_id);
	store_bind_str(st, 23, flags);
	sqlite3_bind_int64(st, 24, now);
	store_bind_natural(st, 25, row->judgement_id ? now : -1);
	r = store_do(s, st, "store a sample", err);
	if (r == 0 && sqlite3_changes(s->db) == 0)
		return error_set(err, ERR_EXISTS, "sample %lld is there already and is final", (long long)row->sample_id);
	return r;
}

int store_put_sample(struct store *s, const struct store_sample *row, struct error *err)
{
	uint32_t flag_bits = row->extra_flags | (row->truncated ? FLAG_TRUNCATED : 0);
	cleanup_mem char *flags_owned = NULL;
	struct store_scope scope;
	struct refs ref = { 0 };
	const char *flags;
	int r;

	if (row->task_ordinal >= STORE_MAX_TASKS || row->index >= STORE_MAX_SAMPLES || row->attempt >= STORE_MAX_ATTEMPTS ||
	    row->sample_id != store_sample_id(row->run_id, row->task_ordinal, row->index, row->attempt))
		return error_set(err, ERR_INTERNAL, "sample %lld does not have the id of its place", (long long)row->sample_id);
	if ((row->state == SAMPLE_JUDGED) != (row->judgement_id != 0))
		return error_set(err, ERR_INTERNAL, "a sample is judged exactly when it has a judgement");
	r = store_flags_text(flag_bits, &flags_owned, &flags, err);
	if (r == 0)
		r = store_scope_light(s, &scope, err);
	if (r < 0)
		return r;
	r = intern_all(s, row, &ref, err);
	if (r == 0)
		r = put_row(s, row, &ref, flags, err);
	return store_scope_end(s, &scope, r, err);
}

/* ---- judging ---- */

struct before { bool pending; int64_t judgement_id, judged_us; uint32_t flags; };

static int read_before(struct store *s, int64_t sample_id, struct before *ret, struct error *err)
{
	sqlite3_stmt *st = NULL;
	const char *state;
	bool final;
	int r = store_stmt(s, sql_state, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, sample_id);
	r = store_step(s, st, "find a sample", err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_NOTFOUND, "there is no sample %lld", (long long)sample_id);
	state = (const char *)sqlite3_column_text(st, 0);
	ret->pending = str_eq(state, "pending");
	final = !ret->pending && !str_eq(state, "judged");
	ret->judgement_id = sqlite3_column_int64(st, 1);
	ret->judged_us = sqlite3_column_int64(st, 2);
	r = store_flags_read((const char *)sqlite3_column_text(st, 3), &ret->flags, err);
	sqlite3_reset(st);
	if (r == 0 && final)
		r = error_set(err, ERR_EXISTS, "sample %lld was skipped or failed and cannot be judged", (long long)sample_id);
	return r;
}

static int keep_old(struct store *s, int64_t sample_id, const struct before *b, int64_t now, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int64_t place;
	int r = store_stmt(s, sql_next_place, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, sample_id);
	r = store_step(s, st, "read history", err);
	if (r < 0)
		return r;
	place = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	r = store_stmt(s, sql_keep_old, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, sample_id);
	sqlite3_bind_int64(st, 2, place);
	sqlite3_bind_int64(st, 3, b->judgement_id);
	sqlite3_bind_int64(st, 4, b->judged_us);
	sqlite3_bind_int64(st, 5, now);
	return store_do(s, st, "keep a former judgement", err);
}

static int judge_row(struct store *s, int64_t sample_id, int64_t judgement_id, uint32_t flag_bits, int64_t now, struct error *err)
{
	cleanup_mem char *flags_owned = NULL;
	const char *flags;
	sqlite3_stmt *st = NULL;
	int r = store_flags_text(flag_bits, &flags_owned, &flags, err);

	if (r == 0)
		r = store_stmt(s, sql_judge, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, sample_id);
	sqlite3_bind_int64(st, 2, judgement_id);
	sqlite3_bind_int64(st, 3, now);
	store_bind_str(st, 4, flags);
	r = store_do(s, st, "judge a sample", err);
	sqlite3_clear_bindings(st);
	return r;
}

int store_judge_sample(struct store *s, int64_t sample_id, int64_t judgement_id, uint32_t extra_flags, struct error *err)
{
	int64_t now = clock_wall_us();
	struct store_scope scope;
	struct before b;
	int r = store_scope_light(s, &scope, err);

	if (r < 0)
		return r;
	r = read_before(s, sample_id, &b, err);
	if (r == 0 && !b.pending && b.judgement_id == judgement_id)
		now = b.judged_us; /* said again: only flags can be new */
	else if (r == 0 && !b.pending)
		r = keep_old(s, sample_id, &b, now, err);
	if (r == 0)
		r = judge_row(s, sample_id, judgement_id, b.flags | extra_flags, now, err);
	return store_scope_end(s, &scope, r, err);
}

int store_skip_sample(struct store *s, int64_t sample_id, const char *reason, struct error *err)
{
	struct store_scope scope;
	sqlite3_stmt *st = NULL;
	int r = store_scope_light(s, &scope, err);

	if (r < 0)
		return r;
	r = store_stmt(s, sql_skip, &st, err);
	if (r == 0) {
		sqlite3_bind_int64(st, 1, sample_id);
		store_bind_str(st, 2, reason);
		r = store_do(s, st, "skip a sample", err);
		sqlite3_clear_bindings(st);
	}
	return store_scope_end(s, &scope, r, err);
}

/* ---- reading back ---- */

static const char *text_of(sqlite3_stmt *st, int i, size_t *ret_n)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	if (ret_n)
		*ret_n = text ? (size_t)sqlite3_column_bytes(st, i) : 0;
	return text;
}

static int read_sample(sqlite3_stmt *st, bool with_texts, struct store_sample *row, struct error *err)
{
	const char *state = text_of(st, 8, NULL), *mode = text_of(st, 13, NULL);
	int state_no, mode_no, r;

	*row = (struct store_sample){
		.sample_id = sqlite3_column_int64(st, 0),
		.run_id = sqlite3_column_int64(st, 1),
		.task_ordinal = (uint32_t)sqlite3_column_int64(st, 2),
		.index = (uint32_t)sqlite3_column_int64(st, 3),
		.attempt = (uint32_t)sqlite3_column_int64(st, 4),
		.origin = text_of(st, 5, NULL),
		.parent_id = sqlite3_column_int64(st, 6),
		.language = text_of(st, 7, NULL),
		.reason = text_of(st, 9, NULL),
		.finish_reason = text_of(st, 10, NULL),
		.truncated = sqlite3_column_int(st, 11),
		.seed = sqlite3_column_type(st, 12) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 12),
		.judgement_id = sqlite3_column_int64(st, 14),
		.sampling_json = text_of(st, 16, NULL),
		.model = text_of(st, 17, NULL),
		.fingerprint = text_of(st, 18, NULL),
	};
	for (state_no = 0; state_no < SAMPLE_STATE_COUNT && !str_eq(sample_state_name((enum sample_state)state_no), state);)
		state_no++;
	for (mode_no = 0; mode_no < (int)ARRAY_SIZE(mode_words) && !str_eq(mode_words[mode_no], mode);)
		mode_no++;
	if (state_no == SAMPLE_STATE_COUNT || mode_no == (int)ARRAY_SIZE(mode_words))
		return error_set(err, ERR_CORRUPT, "sample %lld has an unknown state or mode", (long long)row->sample_id);
	row->state = (enum sample_state)state_no;
	row->mode = (enum extract_mode)mode_no;
	r = store_flags_read(text_of(st, 15, NULL), &row->extra_flags, err);
	if (r == 0 && with_texts) {
		row->completion = text_of(st, 19, &row->completion_len);
		row->reasoning = text_of(st, 20, &row->reasoning_len);
		row->program = text_of(st, 21, &row->program_len);
		row->token_ids_json = text_of(st, 22, NULL);
		row->logprobs_json = text_of(st, 23, NULL);
	}
	return r;
}

int store_each_sample(struct store *s, int64_t run_id, bool pending_only, bool with_texts, store_sample_fn *fn, void *ctx,
		      struct error *err)
{
	struct store_sample row;
	sqlite3_stmt *st = NULL;
	int rc, r = 0;

	/* Not a kept statement: fn may come back to the store. */
	rc = sqlite3_prepare_v2(s->db, with_texts ? sql_each_texts : sql_each, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_sql_error(s, rc, "read samples", err);
	sqlite3_bind_int64(st, 1, store_sample_id(run_id, 0, 0, 0));
	sqlite3_bind_int64(st, 2, store_sample_id(run_id + 1, 0, 0, 0));
	sqlite3_bind_int(st, 3, pending_only);
	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		r = read_sample(st, with_texts, &row, err);
		if (r == 0)
			r = fn(ctx, &row);
	}
	if (r == 0 && rc != SQLITE_DONE)
		r = store_sql_error(s, rc, "read samples", err);
	sqlite3_finalize(st);
	return r;
}
