/* SPDX-License-Identifier: Apache-2.0 */
/* export_row.c - what rows are made of, whatever their shape; see export_internal.h. */
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/export_internal.h"

static const char sql_sample[] =
	"SELECT c.body, e.body, b.body, k.body, l.body, m.parameters, m.model, m.fingerprint,"
	" v.flags, s.finish_reason, v.judging, s.seed, v.tests_passed, v.tests_total, s.truncated, s.mode,"
	" v.cpu_ms, v.wall_ms, v.memory_kib, v.isolation, v.toolchain"
	" FROM sample s JOIN v_samples v ON v.sample_id = s.sample_id"
	" LEFT JOIN content c ON c.content_row = s.completion_row"
	" LEFT JOIN content e ON e.content_row = s.reasoning_row"
	" LEFT JOIN program p ON p.program_row = s.program_row"
	" LEFT JOIN content b ON b.content_row = p.content_row"
	" LEFT JOIN content k ON k.content_row = s.token_ids_row"
	" LEFT JOIN content l ON l.content_row = s.logprobs_row"
	" LEFT JOIN sampling m ON m.sampling_row = s.sampling_row"
	" WHERE s.sample_id = ?1";
enum {
	COL_COMPLETION, COL_REASONING, COL_PROGRAM, COL_TOKENS, COL_LOGPROBS, COL_PARAMETERS, COL_MODEL,
	COL_FINGERPRINT, COL_FLAGS, COL_FINISH, COL_JUDGING, COL_SEED, COL_PASSED, COL_TOTAL, COL_TRUNCATED,
	COL_MODE, COL_CPU, COL_WALL, COL_MEMORY, COL_ISOLATION, COL_TOOLCHAIN
};

int export_set(json_t *obj, const char *key, json_t *value, struct error *err)
{
	if (json_object_set_new(obj, key, value ? value : json_null()) < 0)
		return error_set(err, ERR_NOMEM, "out of memory for a row");
	return 0;
}

json_t *export_number(double x)
{
	return isnan(x) ? json_null() : json_real(x);
}

/* --- loading --- */

/* A text column as a JSON string; *ret NULL where it is NULL. */
static int column_string(sqlite3_stmt *st, int i, json_t **ret, struct error *err)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	bool replaced;

	if (!text)
		return 0;
	*ret = json_string_lossy(text, (size_t)sqlite3_column_bytes(st, i), &replaced);
	return *ret ? 0 : error_set(err, ERR_NOMEM, "out of memory for a row");
}

/* A column that holds JSON. */
static int column_parsed(struct store *s, sqlite3_stmt *st, int i, json_t **ret, struct error *err)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	int r;

	if (!text)
		return 0;
	r = json_parse(text, (size_t)sqlite3_column_bytes(st, i), ret, err);
	return r == ERR_INPUT ? error_prefix(err, ERR_CORRUPT, "store '%s'", store_path(s)) : r;
}

static json_t *column_integer(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? NULL : json_integer(sqlite3_column_int64(st, i));
}

static json_t *column_real(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? json_null() : json_real(sqlite3_column_double(st, i));
}

/* near_limit says how long it took, so it is a measured value. */
static void drop_measured_flags(json_t *flags)
{
	for (size_t i = json_array_size(flags); i-- > 0;)
		if (str_eq(json_string_value(json_array_get(flags, i)), "near_limit"))
			(void)json_array_remove(flags, i);
}

static int load_measured(sqlite3_stmt *st, struct export_text *t, struct error *err)
{
	json_t *isolation = NULL, *toolchain = NULL;
	int r;

	t->measured = json_object();
	if (!t->measured)
		return error_set(err, ERR_NOMEM, "out of memory for a row");
	if ((r = export_set(t->measured, "cpu_ms", column_real(st, COL_CPU), err)) < 0 ||
	    (r = export_set(t->measured, "wall_ms", column_real(st, COL_WALL), err)) < 0 ||
	    (r = export_set(t->measured, "memory_kib", column_real(st, COL_MEMORY), err)) < 0 ||
	    (r = column_string(st, COL_ISOLATION, &isolation, err)) < 0 ||
	    (r = export_set(t->measured, "isolation", isolation, err)) < 0 ||
	    (r = column_string(st, COL_TOOLCHAIN, &toolchain, err)) < 0)
		return r;
	return export_set(t->measured, "toolchain", toolchain, err);
}

static const char *mode_of(const char *word)
{
	static const char *const modes[] = { "chat", "completion", "solution" };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (str_eq(word, modes[i]))
			return modes[i];
	return "chat";
}

int export_load(struct export_ctx *x, const struct export_item *item, struct export_text *ret, struct error *err)
{
	sqlite3_stmt *st;
	int r = store_stmt(x->s, sql_sample, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, item->sample_id);
	r = store_step(x->s, st, "read a sample", err);
	if (r == 0)
		return error_set(err, ERR_CORRUPT, "store '%s': sample %lld is gone", store_path(x->s),
				 (long long)item->sample_id);
	if (r < 0)
		return r;
	if ((r = column_string(st, COL_COMPLETION, &ret->completion, err)) == 0 &&
	    (r = column_string(st, COL_REASONING, &ret->reasoning, err)) == 0 &&
	    (r = column_string(st, COL_PROGRAM, &ret->program, err)) == 0 &&
	    (r = column_parsed(x->s, st, COL_TOKENS, &ret->token_ids, err)) == 0 &&
	    (r = column_parsed(x->s, st, COL_LOGPROBS, &ret->logprobs, err)) == 0 &&
	    (r = column_parsed(x->s, st, COL_PARAMETERS, &ret->parameters, err)) == 0 &&
	    (r = column_string(st, COL_MODEL, &ret->model, err)) == 0 &&
	    (r = column_string(st, COL_FINGERPRINT, &ret->fingerprint, err)) == 0 &&
	    (r = column_parsed(x->s, st, COL_FLAGS, &ret->flags, err)) == 0 &&
	    (r = column_string(st, COL_FINISH, &ret->finish_reason, err)) == 0 &&
	    (r = column_string(st, COL_JUDGING, &ret->judging, err)) == 0) {
		ret->seed = column_integer(st, COL_SEED);
		ret->tests_passed = column_integer(st, COL_PASSED);
		ret->tests_total = column_integer(st, COL_TOTAL);
		ret->truncated = sqlite3_column_int(st, COL_TRUNCATED) != 0;
		ret->mode = mode_of((const char *)sqlite3_column_text(st, COL_MODE));
		if (x->opt->with_measurements)
			r = load_measured(st, ret, err);
		else
			drop_measured_flags(ret->flags);
	}
	sqlite3_reset(st);
	return r;
}

void export_text_clear(struct export_text *t)
{
	json_t *const all[] = { t->completion, t->reasoning, t->program, t->token_ids, t->logprobs,
				t->parameters, t->flags, t->finish_reason, t->model, t->fingerprint,
				t->judging, t->seed, t->tests_passed, t->tests_total, t->measured };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		json_decref(all[i]);
	*t = (struct export_text){ 0 };
}

/* --- pieces of rows --- */

json_t *export_prompt(const struct export_group *g, bool plain)
{
	return plain ? json_string(g->prompt) : json_incref(g->messages);
}

json_t *export_answer(const struct export_text *t, bool plain)
{
	if (plain)
		return json_incref(t->completion);
	return json_pack("[{s:s, s:O}]", "role", "assistant", "content", t->completion);
}

int export_row_id(const struct export_group *g, const struct export_item *item, const json_t *completion,
		  char ret[HASH_SHA256_HEX], struct error *err)
{
	struct hash_sha256 *h = hash_sha256_new();
	uint8_t digest[HASH_SHA256_BYTES];
	char index[16];
	int n = snprintf(index, sizeof(index), "%u", item->index);

	if (!h)
		return error_set(err, ERR_NOMEM, "out of memory");
	hash_sha256_add_field(h, g->group_id, strlen(g->group_id));
	hash_sha256_add_field(h, index, (size_t)n);
	hash_sha256_add_field(h, json_string_value(completion), json_string_length(completion));
	hash_sha256_end(h, digest);
	hash_hex(digest, sizeof(digest), ret);
	return 0;
}

int export_first_of_task(struct export_ctx *x, const struct export_item *item, struct error *err)
{
	if (!*item->program_id)
		return 1;
	if (json_object_get(x->seen, item->program_id))
		return 0;
	if (json_object_set_new(x->seen, item->program_id, json_true()) < 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 1;
}

bool export_take_row(struct export_ctx *x, bool label)
{
	if (x->opt->per_task && x->taken[label] >= x->opt->per_task)
		return false;
	x->taken[label]++;
	return true;
}

int export_shape(struct export_ctx *x, bool plain, struct error *err)
{
	int shape = plain ? 2 : 1;

	if (!x->shape)
		x->shape = shape;
	if (x->shape != shape)
		return error_set(err, ERR_INPUT,
				 "chat answers and plain completions do not fit into one export of '%s'; "
				 "choose with --run or --where", x->kind->name);
	return 0;
}
