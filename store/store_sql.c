/* SPDX-License-Identifier: Apache-2.0 */
/* store_sql.c - statements kept by the address of their SQL, errors of SQLite in our words, row checksums. */
#include <errno.h>
#include <string.h>

#include "core/mem.h"
#include "store/store_internal.h"

static int code_of(struct store *s, int rc)
{
	int sys = s->db ? sqlite3_system_errno(s->db) : 0;

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_FULL:
		return ERR_NOSPACE;
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return ERR_NOMEM;
		/* The shared memory of the log has no room: SQLite calls that an I/O error. */
		if (sys == ENOSPC || sys == EDQUOT || rc == SQLITE_IOERR_SHMSIZE)
			return ERR_NOSPACE;
		return ERR_IO;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return sys == ENOSPC || sys == EDQUOT ? ERR_NOSPACE : ERR_IO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_INTERRUPT:
		return ERR_CANCELLED;
	default:
		return ERR_INTERNAL;
	}
}

int store_sql_error(struct store *s, int rc, const char *doing, struct error *err)
{
	int code = code_of(s, rc);
	const char *why = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);

	error_set(err, code, "store '%s': cannot %s: %s", s->path, doing, why);
	if (err && s->db && code != ERR_NOMEM)
		err->sys_errno = sqlite3_system_errno(s->db);
	return code;
}

/* ---- statements ---- */

static size_t slot_of(const struct store *s, const char *sql)
{
	size_t i = (((uintptr_t)sql >> 3) * UINT64_C(0x9e3779b97f4a7c15)) & (s->cap_slots - 1);

	while (s->slots[i].sql && s->slots[i].sql != sql)
		i = (i + 1) & (s->cap_slots - 1);
	return i;
}

static int grow_slots(struct store *s, struct error *err)
{
	size_t cap = s->cap_slots ? s->cap_slots * 2 : 128;
	struct store_slot *old = s->slots, *fresh = mem_calloc(cap, sizeof(*fresh));
	size_t n_old = s->cap_slots;

	if (!fresh)
		return error_set(err, ERR_NOMEM, "out of memory");
	s->slots = fresh;
	s->cap_slots = cap;
	for (size_t i = 0; i < n_old; i++)
		if (old[i].sql)
			s->slots[slot_of(s, old[i].sql)] = old[i];
	mem_free(old);
	return 0;
}

int store_stmt(struct store *s, const char *sql, sqlite3_stmt **ret, struct error *err)
{
	sqlite3_stmt *st = NULL;
	size_t i;
	int rc;

	if (s->n_slots * 2 >= s->cap_slots) {
		rc = grow_slots(s, err);
		if (rc < 0)
			return rc;
	}
	i = slot_of(s, sql);
	if (!s->slots[i].sql) {
		rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
		if (rc != SQLITE_OK)
			return store_sql_error(s, rc, "prepare a statement", err);
		s->slots[i] = (struct store_slot){ .sql = sql, .stmt = st };
		s->n_slots++;
	}
	st = s->slots[i].stmt;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	*ret = st;
	return 0;
}

void store_slots_clear(struct store *s)
{
	for (size_t i = 0; i < s->cap_slots; i++)
		sqlite3_finalize(s->slots[i].stmt);
	mem_free(s->slots);
	s->slots = NULL;
	s->n_slots = s->cap_slots = 0;
}

int store_step(struct store *s, sqlite3_stmt *st, const char *doing, struct error *err)
{
	int rc = sqlite3_step(st), r;

	if (rc == SQLITE_ROW)
		return 1;
	r = rc == SQLITE_DONE ? 0 : store_sql_error(s, rc, doing, err);
	sqlite3_reset(st);
	return r;
}

int store_do(struct store *s, sqlite3_stmt *st, const char *doing, struct error *err)
{
	int r;

	do {
		r = store_step(s, st, doing, err);
	} while (r > 0);
	return r;
}

int store_exec(struct store *s, const char *sql, const char *doing, struct error *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_sql_error(s, rc, doing, err);
}

/* ---- binding ----
 * A failed binding (only for want of memory) leaves NULL there; NOT NULL or the
 * checksum would catch it, but sqlite3_bind of static memory allocates nothing. */

void store_bind_text(sqlite3_stmt *st, int i, const char *text, size_t n)
{
	if (text)
		sqlite3_bind_text64(st, i, text, n, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(st, i);
}

void store_bind_str(sqlite3_stmt *st, int i, const char *text)
{
	store_bind_text(st, i, text, text ? strlen(text) : 0);
}

void store_bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n)
{
	if (p)
		sqlite3_bind_blob64(st, i, p, n, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, i);
}

void store_bind_row(sqlite3_stmt *st, int i, int64_t row)
{
	if (row)
		sqlite3_bind_int64(st, i, row);
	else
		sqlite3_bind_null(st, i);
}

void store_bind_natural(sqlite3_stmt *st, int i, int64_t value)
{
	if (value >= 0)
		sqlite3_bind_int64(st, i, value);
	else
		sqlite3_bind_null(st, i);
}

int store_column_dup(sqlite3_stmt *st, int i, char **ret, struct error *err)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	*ret = NULL;
	if (!text) {
		if (sqlite3_column_type(st, i) == SQLITE_NULL)
			return 0;
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	*ret = mem_memdup(text, (size_t)sqlite3_column_bytes(st, i));
	return *ret ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

/* ---- ids ---- */

static const char sql_max_content[] = "SELECT max(content_row) FROM content";
static const char sql_max_import[] = "SELECT max(import_row) FROM import";
static const char sql_max_task[] = "SELECT max(task_row) FROM task";
static const char sql_max_run[] = "SELECT max(run_id) FROM run";
static const char sql_max_event[] = "SELECT max(event_id) FROM run_event";
static const char sql_max_program[] = "SELECT max(program_row) FROM program";
static const char sql_max_sampling[] = "SELECT max(sampling_row) FROM sampling";
static const char sql_max_judgement[] = "SELECT max(judgement_id) FROM judgement";
static const char *const max_sql[] = { sql_max_content, sql_max_import,  sql_max_task,     sql_max_run,
				       sql_max_event,   sql_max_program, sql_max_sampling, sql_max_judgement };
_Static_assert(ARRAY_SIZE(max_sql) == IDS_COUNT, "one statement a counter");

int store_new_id(struct store *s, enum store_ids which, int64_t *ret, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r;

	if (!s->next_id[which]) {
		r = store_stmt(s, max_sql[which], &st, err);
		if (r == 0)
			r = store_step(s, st, "read the last id", err);
		if (r < 0)
			return r;
		s->next_id[which] = sqlite3_column_int64(st, 0) + 1;
		sqlite3_reset(st);
	}
	*ret = s->next_id[which]++;
	return 0;
}

void store_forget_ids(struct store *s)
{
	memset(s->next_id, 0, sizeof(s->next_id));
	s->sampling_row = 0;
}

/* ---- row checksums ---- */

static void add_u64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, bytes, sizeof(bytes));
}

/* Each value is a tag and its bytes, so that no two rows share an encoding:
 * n | i + i64 | f + f64 | t + u64 length + bytes | b + u64 length + bytes; little-endian. */
static void row_checksum(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct buf *b = sqlite3_user_data(ctx);

	buf_reset(b);
	for (int i = 0; i < argc; i++) {
		int type = sqlite3_value_type(argv[i]);
		double real;
		uint64_t bits;

		switch (type) {
		case SQLITE_NULL:
			buf_addc(b, 'n');
			break;
		case SQLITE_INTEGER:
			buf_addc(b, 'i');
			add_u64(b, (uint64_t)sqlite3_value_int64(argv[i]));
			break;
		case SQLITE_FLOAT:
			real = sqlite3_value_double(argv[i]);
			memcpy(&bits, &real, sizeof(bits));
			buf_addc(b, 'f');
			add_u64(b, bits);
			break;
		default: {
			const void *p = type == SQLITE_TEXT ? (const void *)sqlite3_value_text(argv[i])
							    : sqlite3_value_blob(argv[i]);
			size_t n = (size_t)sqlite3_value_bytes(argv[i]);

			buf_addc(b, type == SQLITE_TEXT ? 't' : 'b');
			add_u64(b, n);
			if (n)
				buf_add(b, p, n);
		}
		}
	}
	if (b->error)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_int64(ctx, (int64_t)hash_xxh3(b->data, b->len));
	if (b->cap > (1u << 20))
		buf_clear(b);
}

int store_register_functions(struct store *s, struct error *err)
{
	int rc = sqlite3_create_function_v2(s->db, "row_checksum", -1,
					    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, &s->scratch,
					    row_checksum, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_sql_error(s, rc, "register row_checksum()", err);
}
