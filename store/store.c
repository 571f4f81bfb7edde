/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - open, recognise, migrate, and one transaction at a time.
 *
 * Opening a store for writing: look at the file's header (a file that is not
 * ours is left untouched, no lock file beside it) → take the writer's lock →
 * open with SQLite, which rolls back what a killed writer left → recognise
 * → migrate, each step in one transaction → switch to WAL.  The first step
 * writes application_id, so a store is either empty or recognisable.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"

#define BUSY_MS 10000            /* for a program of another kind that writes (readers never block us) */
#define HEADER_BYTES 100         /* of a SQLite file */
#define HEADER_APPLICATION_ID 68 /* big-endian there */
#define SCRATCH_MAX ((size_t)2 << 30)

/* Of a writer. */
#define PRAGMAS                                                                                                     \
	"PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"                     \
	"PRAGMA mmap_size = 67108864; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864"

static int not_ours(const char *path, const char *why, struct error *err)
{
	return error_set(err, ERR_INPUT, "'%s' is not a winnow store (%s)", path, why);
}

/* Refuse what is certainly not a store before anything is touched. */
static int look_at_file(const char *path, enum store_mode mode, struct error *err)
{
	uint8_t head[HEADER_BYTES];
	cleanup_mem char *journal = mem_printf("%s-journal", path);
	cleanup_fd int fd = -1;
	struct stat sb;
	uint32_t app;
	ssize_t n;

	if (!journal)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (stat(path, &sb) < 0) {
		if (errno == ENOENT && mode == STORE_WRITE)
			return 0;
		if (errno == ENOENT)
			return error_set(err, ERR_NOTFOUND, "there is no store '%s'", path);
		return error_set_errno(err, ERR_IO, "cannot look at '%s'", path);
	}
	if (S_ISDIR(sb.st_mode))
		return not_ours(path, "it is a folder", err);
	if (!S_ISREG(sb.st_mode))
		return not_ours(path, "it is not a regular file", err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", path);
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", path);
	if (access(journal, F_OK) == 0)
		return 0; /* a creation that was cut short; SQLite rolls it back */
	if (n == 0)
		return mode == STORE_WRITE ? 0 : not_ours(path, "it is empty", err);
	if (n < (ssize_t)sizeof(head) || memcmp(head, "SQLite format 3", 16) != 0)
		return not_ours(path, "it is not a SQLite file", err);
	app = (uint32_t)head[HEADER_APPLICATION_ID] << 24 | (uint32_t)head[HEADER_APPLICATION_ID + 1] << 16 |
	      (uint32_t)head[HEADER_APPLICATION_ID + 2] << 8 | head[HEADER_APPLICATION_ID + 3];
	if (app != STORE_APPLICATION_ID)
		return not_ours(path, "it is a SQLite file of another program", err);
	return 0;
}

/* ---- transactions ---- */

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_savepoint[] = "SAVEPOINT scope";
static const char sql_release[] = "RELEASE scope";
static const char sql_rollback_to[] = "ROLLBACK TO scope";

static int do_kept(struct store *s, const char *sql, const char *doing, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql, &st, err);

	return r < 0 ? r : store_do(s, st, doing, err);
}

/* Going back must not fail for want of memory, so its statements are prepared before they are needed. */
static int prepare_way_back(struct store *s, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_rollback, &st, err);

	if (r == 0)
		r = store_stmt(s, sql_rollback_to, &st, err);
	return r < 0 ? r : store_stmt(s, sql_release, &st, err);
}

int store_begin(struct store *s, struct error *err)
{
	int r;

	if (s->mode != STORE_WRITE)
		return error_set(err, ERR_INTERNAL, "store '%s' was opened for reading", s->path);
	if (s->in_txn)
		return error_set(err, ERR_INTERNAL, "store '%s': a transaction is open already", s->path);
	r = prepare_way_back(s, err);
	if (r == 0)
		r = do_kept(s, sql_begin, "begin a transaction", err);
	if (r < 0)
		return r;
	s->in_txn = true;
	store_forget_ids(s);
	return 0;
}

void store_rollback(struct store *s)
{
	if (!s || !s->db || !s->in_txn)
		return;
	for (int tries = 0; tries < 3 && !sqlite3_get_autocommit(s->db); tries++)
		(void)do_kept(s, sql_rollback, "roll back", NULL);
	s->in_txn = false;
	store_forget_ids(s);
}

int store_commit(struct store *s, struct error *err)
{
	int r;

	if (!s->in_txn)
		return error_set(err, ERR_INTERNAL, "store '%s': no transaction is open", s->path);
	/* A full disk makes SQLite itself roll back; what was put since store_begin() is gone then. */
	if (sqlite3_get_autocommit(s->db)) {
		store_rollback(s);
		return error_set(err, ERR_IO, "store '%s': the transaction was rolled back by an earlier failure",
				 s->path);
	}
	r = do_kept(s, sql_commit, "commit", err);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	s->in_txn = false;
	return 0;
}

int store_scope_light(struct store *s, struct store_scope *scope, struct error *err)
{
	*scope = (struct store_scope){ .own = !s->in_txn, .light = true };
	if (scope->own)
		return store_begin(s, err);
	if (sqlite3_get_autocommit(s->db))
		return error_set(err, ERR_IO, "store '%s': the transaction was rolled back by an earlier failure",
				 s->path);
	return 0;
}

int store_scope_begin(struct store *s, struct store_scope *scope, struct error *err)
{
	int r = store_scope_light(s, scope, err);

	scope->light = false;
	return r < 0 || scope->own ? r : do_kept(s, sql_savepoint, "set a savepoint", err);
}

int store_scope_end(struct store *s, struct store_scope *scope, int r, struct error *err)
{
	int ended = 0;

	if (scope->own) {
		if (r >= 0)
			ended = store_commit(s, err);
		else
			store_rollback(s);
	} else if (!scope->light) {
		if (r >= 0) {
			ended = do_kept(s, sql_release, "release a savepoint", err);
		} else {
			store_forget_ids(s);
			if (!sqlite3_get_autocommit(s->db)) {
				(void)do_kept(s, sql_rollback_to, "go back to a savepoint", NULL);
				(void)do_kept(s, sql_release, "release a savepoint", NULL);
			}
		}
	}
	return ended < 0 ? ended : r;
}

void store_checkpoint(struct store *s)
{
	if (s && s->db && s->mode == STORE_WRITE && !s->in_txn)
		(void)sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* ---- recognise and migrate ---- */

static int read_int(struct store *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			*ret = sqlite3_column_int64(st, 0);
			rc = SQLITE_OK;
		} else if (rc == SQLITE_DONE) {
			rc = SQLITE_ERROR;
		}
	}
	sqlite3_finalize(st);
	return rc;
}

/* SQLITE_OK or its code, with the three numbers that tell what a file is. */
struct identity { int64_t application_id, version, n_objects; };
static int read_identity(struct store *s, struct identity *id)
{
	int rc = read_int(s, "SELECT count(*) FROM sqlite_schema", &id->n_objects);

	if (rc == SQLITE_OK)
		rc = read_int(s, "PRAGMA application_id", &id->application_id);
	if (rc == SQLITE_OK)
		rc = read_int(s, "PRAGMA user_version", &id->version);
	return rc;
}

static int check_identity(struct store *s, const struct identity *id, struct error *err)
{
	if (id->application_id == 0 && id->version == 0 && id->n_objects == 0)
		return s->mode == STORE_WRITE ? 0 : not_ours(s->path, "it is empty", err);
	if (id->application_id != STORE_APPLICATION_ID)
		return not_ours(s->path, "it is a SQLite file of another program", err);
	if (id->version > n_store_migrations)
		return error_set(err, ERR_VERSION,
				 "store '%s' is of version %lld; this program knows versions up to %d: use a newer winnow",
				 s->path, (long long)id->version, n_store_migrations);
	if (id->version < 1)
		return not_ours(s->path, "it has no version", err);
	if (s->mode == STORE_READ && id->version < n_store_migrations)
		return error_set(err, ERR_VERSION,
				 "store '%s' is of version %lld, older than %d: a command that writes migrates it", s->path,
				 (long long)id->version, n_store_migrations);
	return 0;
}

/* The one row of the table `store`: an id that no other store has. */
static int put_store_row(struct store *s, struct error *err)
{
	static const char sql[] = "INSERT INTO store(one, store_id, created_us, checksum)"
				  " VALUES (1, ?1, ?2, row_checksum(1, ?1, ?2))";
	uint8_t bytes[16];
	char hex[33];
	sqlite3_stmt *st = NULL;
	int r;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_set_errno(err, ERR_KERNEL, "cannot get random bytes");
	hash_hex(bytes, sizeof(bytes), hex);
	r = store_stmt(s, sql, &st, err);
	if (r < 0)
		return r;
	store_bind_str(st, 1, hex);
	sqlite3_bind_int64(st, 2, clock_wall_us());
	return store_do(s, st, "name the store", err);
}

static int migrate_step(struct store *s, const struct store_migration *m, struct error *err)
{
	cleanup_mem char *pragma = NULL;
	int64_t broken = 0;
	int rc, r;

	pragma = m->version == 1 ? mem_printf("PRAGMA application_id = %d; PRAGMA user_version = %d",
					      STORE_APPLICATION_ID, m->version)
				 : mem_printf("PRAGMA user_version = %d", m->version);
	if (!pragma)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = store_exec(s, pragma, "migrate", err);
	if (r == 0)
		r = store_exec(s, m->sql, m->name, err);
	if (r == 0 && m->version == 1)
		r = put_store_row(s, err);
	if (r < 0)
		return r;
	rc = read_int(s, "SELECT count(*) FROM pragma_foreign_key_check", &broken);
	if (rc != SQLITE_OK)
		return store_sql_error(s, rc, "check references", err);
	if (broken)
		return error_set(err, ERR_CORRUPT, "store '%s': migration %s leaves %lld broken references", s->path,
				 m->name, (long long)broken);
	return 0;
}

static int migrate(struct store *s, int64_t version, struct error *err)
{
	int r = store_exec(s, "PRAGMA foreign_keys = OFF", "migrate", err);

	for (int i = (int)version; r == 0 && i < n_store_migrations; i++) {
		r = store_begin(s, err);
		if (r < 0)
			break;
		r = migrate_step(s, &store_migrations[i], err);
		if (r < 0)
			store_rollback(s);
		else
			r = store_commit(s, err);
	}
	return r;
}

/* ---- open ---- */

/* While a user's query is prepared or runs, only reading is authorised. */
static int authorize(void *ctx, int action, const char *a, const char *b, const char *db, const char *trigger)
{
	static const char *const pragmas[] = { "table_info", "table_xinfo", "table_list", "index_list", "index_info",
					       "index_xinfo", "foreign_key_list", "foreign_key_check", "integrity_check",
					       "quick_check", "database_list", "collation_list", "compile_options",
					       "function_list" };
	static const char *const numbers[] = { "user_version", "application_id", "schema_version", "page_count",
					       "page_size", "freelist_count", "data_version" };
	const struct store *s = ctx;

	(void)db;
	(void)trigger;
	if (!s->asking)
		return SQLITE_OK;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b && strcasecmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		for (size_t i = 0; a && i < ARRAY_SIZE(pragmas); i++)
			if (strcasecmp(a, pragmas[i]) == 0)
				return SQLITE_OK;
		for (size_t i = 0; a && !b && i < ARRAY_SIZE(numbers); i++)
			if (strcasecmp(a, numbers[i]) == 0)
				return SQLITE_OK;
		return SQLITE_DENY;
	case SQLITE_UPDATE:
		/* SQLite asks for this when it sets up some of the pragma tables; a statement that
		 * really did it is refused as the schema is not writable. */
		return a && strcmp(a, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

/* "file:…?immutable=1" with what has a meaning in URIs escaped. */
static char *immutable_uri(const char *path)
{
	cleanup_buf struct buf b;

	buf_init(&b, 1 << 16);
	buf_adds(&b, "file:");
	for (const char *p = path; *p; p++) {
		if (*p == '?' || *p == '#' || *p == '%')
			buf_addf(&b, "%%%02X", (unsigned char)*p);
		else
			buf_addc(&b, *p);
	}
	buf_adds(&b, "?immutable=1");
	return buf_steal(&b, NULL);
}

/* Counting its allocations costs SQLite an eighth of the time of an insert.  Refused, and
 * harmless, where somebody in this process used SQLite before. */
static void set_up_sqlite(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_db(struct store *s, const char *name, int flags, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc, r;

	(void)pthread_once(&once, set_up_sqlite);
	rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
	if (rc != SQLITE_OK) {
		r = store_sql_error(s, rc, "open", err);
		sqlite3_close(s->db);
		s->db = NULL;
		return r;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	r = store_register_functions(s, err);
	if (r < 0)
		return r;
	sqlite3_set_authorizer(s->db, authorize, s);
	return 0;
}

static int identity_error(struct store *s, int rc, struct error *err)
{
	if ((rc & 0xff) == SQLITE_NOTADB)
		return not_ours(s->path, "it is not a SQLite file", err);
	if ((rc & 0xff) == SQLITE_CORRUPT)
		return error_set(err, ERR_CORRUPT, "store '%s' is damaged: it cannot be opened: %s", s->path, sqlite3_errmsg(s->db));
	return store_sql_error(s, rc, "read", err);
}

/* A log that was not folded in yet must not be ignored. */
static bool has_log(const char *path)
{
	cleanup_mem char *wal = mem_printf("%s-wal", path);
	struct stat sb;

	return !wal || (stat(wal, &sb) == 0 && sb.st_size > 0);
}

static int open_for_reading(struct store *s, const char *name, struct error *err)
{
	cleanup_mem char *uri = NULL;
	struct identity id = { 0 };
	int rc, r;

	r = open_db(s, name, SQLITE_OPEN_READONLY, err);
	if (r < 0)
		return r;
	rc = read_identity(s, &id);
	if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) && !has_log(s->real)) {
		/* A folder in which the log's shared memory cannot be made, and no log: nobody is writing. */
		uri = immutable_uri(name);
		if (!uri)
			return error_set(err, ERR_NOMEM, "out of memory");
		sqlite3_close(s->db);
		s->db = NULL;
		r = open_db(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
		if (r < 0)
			return r;
		rc = read_identity(s, &id);
	}
	if (rc != SQLITE_OK)
		return identity_error(s, rc, err);
	r = check_identity(s, &id, err);
	if (r == 0)
		r = store_exec(s, "PRAGMA mmap_size = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY",
			       "set up", err);
	if (r == 0)
		r = store_make_intact_views(s, err);
	if (r == 0)
		r = store_exec(s, "PRAGMA query_only = 1", "set up", err);
	return r;
}

static int open_for_writing(struct store *s, const char *name, uint64_t wait_us, const char *what, struct error *err)
{
	struct identity id = { 0 };
	int rc, r;

	r = store_lock(s->real, wait_us, what, &s->lock_fd, err);
	if (r < 0)
		return r;
	r = open_db(s, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	if (r < 0)
		return r;
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return error_set(err, ERR_IO, "store '%s' is read-only", s->path);
	rc = read_identity(s, &id);
	if (rc != SQLITE_OK)
		return identity_error(s, rc, err);
	r = check_identity(s, &id, err);
	if (r == 0 && id.version < n_store_migrations)
		r = migrate(s, id.version, err);
	if (r == 0)
		r = store_exec(s,
			       "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; " PRAGMAS, "set up", err);
	if (r == 0)
		r = store_make_intact_views(s, err);
	return r;
}

/* One store has one lock, by whatever link it is reached. */
static int real_path(const char *path, char **ret, struct error *err)
{
	char *real = realpath(path, NULL);

	if (!real && errno == ENOMEM)
		return error_set(err, ERR_NOMEM, "out of memory");
	*ret = mem_strdup(real ? real : path);
	free(real);
	return *ret ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

int store_open(const char *path, enum store_mode mode, uint64_t wait_us, const char *what, struct store **ret,
	       struct error *err)
{
	cleanup_mem char *name = NULL;
	struct store *s;
	int r = look_at_file(path, mode, err);

	if (r < 0)
		return r;
	/* SQLite reads ":memory:" and "file:" in ways of its own. */
	name = path[0] == ':' || str_starts(path, "file:") ? mem_printf("./%s", path) : mem_strdup(path);
	s = mem_zalloc(sizeof(*s));
	if (!s || !name) {
		mem_free(s);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	s->mode = mode;
	s->lock_fd = -1;
	buf_init(&s->scratch, SCRATCH_MAX);
	s->path = mem_strdup(path);
	r = real_path(path, &s->real, err);
	if (r == 0 && !s->path)
		r = error_set(err, ERR_NOMEM, "out of memory");
	else if (r == 0 && mode == STORE_WRITE)
		r = open_for_writing(s, name, wait_us, what, err);
	else if (r == 0)
		r = open_for_reading(s, name, err);
	if (r < 0) {
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_rollback(s);
	store_slots_clear(s);
	if (s->db)
		sqlite3_close(s->db);
	store_unlock(&s->lock_fd);
	buf_clear(&s->scratch);
	mem_free(s->path);
	mem_free(s->real);
	mem_free(s);
}

const char *store_pragmas(void)
{
	return PRAGMAS;
}

const char *store_path(const struct store *s)
{
	return s->path;
}
