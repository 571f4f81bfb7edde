/* SPDX-License-Identifier: Apache-2.0 */
/* store_content.c - texts, programs and sampling parameters, each stored once by what it is. */
#include <string.h>

#include "core/mem.h"
#include "store/store_internal.h"

/* Most texts are new, so try to insert and look only when something was there. */
static const char sql_insert_content[] =
	"INSERT INTO content(content_row, near, digest, bytes, body, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, row_checksum(?1, ?2, ?3, ?4, ?5)) ON CONFLICT (near, digest) DO NOTHING";
static const char sql_find_content[] = "SELECT content_row FROM content WHERE near = ?1 AND digest = ?2";
static const char sql_read_content[] = "SELECT digest, body FROM content WHERE content_row = ?1";
static const char sql_insert_program[] =
	"INSERT INTO program(program_row, program_id, language, content_row, checksum)"
	" VALUES (?1, ?2, ?3, ?4, row_checksum(?1, ?2, ?3, ?4)) ON CONFLICT (content_row, language) DO NOTHING";
static const char sql_find_program[] = "SELECT program_row FROM program WHERE content_row = ?1 AND language = ?2";
static const char sql_insert_sampling[] =
	"INSERT INTO sampling(sampling_row, digest, model, fingerprint, parameters, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, row_checksum(?1, ?2, ?3, ?4, ?5)) ON CONFLICT (digest) DO NOTHING";
static const char sql_find_sampling[] = "SELECT sampling_row FROM sampling WHERE digest = ?1";

/* Run an `ON CONFLICT DO NOTHING` insert whose id was *ret_row; true in *ret_new where it went in.
 * An id that was not used is given back, so that ids do not depend on how often a text was seen. */
static int insert_or_not(struct store *s, sqlite3_stmt *st, enum store_ids which, const char *doing, bool *ret_new,
			 struct error *err)
{
	int r = store_do(s, st, doing, err);

	if (r < 0)
		return r;
	*ret_new = sqlite3_changes(s->db) > 0;
	if (!*ret_new)
		s->next_id[which]--;
	return 0;
}

static int found_row(struct store *s, sqlite3_stmt *st, const char *doing, int64_t *ret, struct error *err)
{
	int r = store_step(s, st, doing, err);

	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_CORRUPT, "store '%s': cannot %s: an index and its table disagree", s->path, doing);
	*ret = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

int store_intern(struct store *s, int64_t near, const char *text, size_t n, int64_t *ret_row, struct error *err)
{
	uint8_t digest[HASH_SHA256_BYTES];
	sqlite3_stmt *st = NULL;
	int64_t row;
	bool fresh;
	int r;

	*ret_row = 0;
	if (!text)
		return 0;
	hash_sha256_of(text, n, digest);
	r = store_new_id(s, IDS_CONTENT, &row, err);
	if (r == 0)
		r = store_stmt(s, sql_insert_content, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, row);
	sqlite3_bind_int64(st, 2, near);
	store_bind_blob(st, 3, digest, sizeof(digest));
	sqlite3_bind_int64(st, 4, (sqlite3_int64)n);
	store_bind_text(st, 5, text, n);
	r = insert_or_not(s, st, IDS_CONTENT, "store a text", &fresh, err);
	if (r < 0)
		return r;
	if (!fresh) {
		r = store_stmt(s, sql_find_content, &st, err);
		if (r < 0)
			return r;
		sqlite3_bind_int64(st, 1, near);
		store_bind_blob(st, 2, digest, sizeof(digest));
		return found_row(s, st, "find a text", ret_row, err);
	}
	*ret_row = row;
	return 0;
}

int store_intern_str(struct store *s, int64_t near, const char *text, int64_t *ret_row, struct error *err)
{
	return store_intern(s, near, text, text ? strlen(text) : 0, ret_row, err);
}

int store_intern_program(struct store *s, int64_t near, const char *text, size_t n, const char *language, int64_t *ret_row, struct error *err)
{
	char program_id[HASH_GIT_HEX];
	int64_t content, row;
	sqlite3_stmt *st = NULL;
	bool fresh;
	int r;

	*ret_row = 0;
	if (!text)
		return 0;
	r = store_intern(s, near, text, n, &content, err);
	if (r == 0)
		r = store_new_id(s, IDS_PROGRAM, &row, err);
	if (r == 0)
		r = store_stmt(s, sql_insert_program, &st, err);
	if (r < 0)
		return r;
	hash_git_blob(text, n, program_id);
	sqlite3_bind_int64(st, 1, row);
	store_bind_str(st, 2, program_id);
	store_bind_str(st, 3, language);
	sqlite3_bind_int64(st, 4, content);
	r = insert_or_not(s, st, IDS_PROGRAM, "store a program", &fresh, err);
	if (r < 0)
		return r;
	if (!fresh) {
		r = store_stmt(s, sql_find_program, &st, err);
		if (r < 0)
			return r;
		sqlite3_bind_int64(st, 1, content);
		store_bind_str(st, 2, language);
		return found_row(s, st, "find a program", ret_row, err);
	}
	*ret_row = row;
	return 0;
}

static int sampling_digest(const char *const field[3], uint8_t ret[HASH_SHA256_BYTES], struct error *err)
{
	struct hash_sha256 *h = hash_sha256_new();

	if (!h)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (int i = 0; i < 3; i++)
		hash_sha256_add_field(h, field[i], field[i] ? strlen(field[i]) : 0);
	hash_sha256_end(h, ret);
	return 0;
}

int store_intern_sampling(struct store *s, const char *model, const char *fingerprint, const char *parameters,
			  int64_t *ret_row, struct error *err)
{
	uint8_t digest[HASH_SHA256_BYTES];
	sqlite3_stmt *st = NULL;
	int64_t row;
	bool fresh;
	int r;

	*ret_row = 0;
	if (!model && !fingerprint && !parameters)
		return 0;
	r = sampling_digest((const char *const[]){ model, fingerprint, parameters }, digest, err);
	if (r < 0)
		return r;
	if (s->sampling_row && memcmp(digest, s->sampling_digest, sizeof(digest)) == 0) {
		*ret_row = s->sampling_row;
		return 0;
	}
	r = store_new_id(s, IDS_SAMPLING, &row, err);
	if (r == 0)
		r = store_stmt(s, sql_insert_sampling, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, row);
	store_bind_blob(st, 2, digest, sizeof(digest));
	store_bind_str(st, 3, model);
	store_bind_str(st, 4, fingerprint);
	store_bind_str(st, 5, parameters);
	r = insert_or_not(s, st, IDS_SAMPLING, "store sampling parameters", &fresh, err);
	if (r < 0)
		return r;
	if (!fresh) {
		r = store_stmt(s, sql_find_sampling, &st, err);
		if (r < 0)
			return r;
		store_bind_blob(st, 1, digest, sizeof(digest));
		r = found_row(s, st, "find sampling parameters", &row, err);
		if (r < 0)
			return r;
	}
	memcpy(s->sampling_digest, digest, sizeof(digest));
	*ret_row = s->sampling_row = row;
	return 0;
}

int store_content(struct store *s, int64_t row, char **ret, size_t *ret_n, struct error *err)
{
	uint8_t digest[HASH_SHA256_BYTES];
	sqlite3_stmt *st = NULL;
	const char *body;
	size_t n;
	int r = store_stmt(s, sql_read_content, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, row);
	r = store_step(s, st, "read a text", err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_CORRUPT, "store '%s': text %lld is missing", s->path, (long long)row);
	body = (const char *)sqlite3_column_text(st, 1);
	n = (size_t)sqlite3_column_bytes(st, 1);
	if (!body) {
		bool dropped = sqlite3_column_type(st, 1) == SQLITE_NULL;

		sqlite3_reset(st);
		if (!dropped)
			return error_set(err, ERR_NOMEM, "out of memory");
		return error_set(err, ERR_CORRUPT, "store '%s': text %lld was dropped", s->path, (long long)row);
	}
	hash_sha256_of(body, n, digest);
	if (sqlite3_column_bytes(st, 0) != (int)sizeof(digest) ||
	    memcmp(sqlite3_column_blob(st, 0), digest, sizeof(digest)) != 0) {
		sqlite3_reset(st);
		return error_set(err, ERR_CORRUPT, "store '%s': text %lld does not match its digest", s->path,
				 (long long)row);
	}
	*ret = mem_memdup(body, n);
	sqlite3_reset(st);
	if (!*ret)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (ret_n)
		*ret_n = n;
	return 0;
}
