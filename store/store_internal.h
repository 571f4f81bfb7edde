/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_internal.h - what the files of store/ share: statements, texts by digest, row checksums.
 *
 * Statements are prepared once and kept by the address of their SQL, so write
 * each as one `static const char sql_x[]`.  A statement handed out by
 * store_stmt() is reset and unbound; store_step() resets it again unless it
 * gave a row, and whoever reads rows resets it (sqlite3_reset()) when done.
 * Bound texts are borrowed until then.
 */
#ifndef WINNOW_STORE_STORE_INTERNAL_H
#define WINNOW_STORE_STORE_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/hash.h"
#include "store/store.h"

/* Ids that we give ourselves (a row's checksum covers its id); one counter a table. */
enum store_ids { IDS_CONTENT, IDS_IMPORT, IDS_TASK, IDS_RUN, IDS_EVENT, IDS_PROGRAM, IDS_SAMPLING, IDS_JUDGEMENT, IDS_COUNT };

struct store_slot { const char *sql; sqlite3_stmt *stmt; };

struct store {
	sqlite3 *db;
	char *path;               /* as given, for messages */
	char *real;               /* links followed: the lock and the log stand beside this */
	enum store_mode mode;
	int lock_fd;              /* -1 for readers */
	bool in_txn;              /* store_begin() was called and nothing ended it */
	bool asking;              /* a query of a user is being prepared: the authorizer is strict */
	struct store_slot *slots; /* open addressing by address */
	size_t n_slots, cap_slots;
	int64_t next_id[IDS_COUNT]; /* 0: not known in this transaction */
	struct buf scratch;       /* of row_checksum() */
	/* the last set of sampling parameters, the same for nearly all samples of a run */
	uint8_t sampling_digest[HASH_SHA256_BYTES];
	int64_t sampling_row;     /* 0: none */
};

/* --- store_sql.c --- */
/* Fill *err from the connection's last error: "'path': doing: why". */
int store_sql_error(struct store *s, int rc, const char *doing, struct error *err);
int store_stmt(struct store *s, const char *sql, sqlite3_stmt **ret, struct error *err);
/* 1 a row, 0 done, negative failed. */
int store_step(struct store *s, sqlite3_stmt *st, const char *doing, struct error *err);
/* Step a statement that gives no row. */
int store_do(struct store *s, sqlite3_stmt *st, const char *doing, struct error *err);
int store_exec(struct store *s, const char *sql, const char *doing, struct error *err);
void store_slots_clear(struct store *s);
/* row_checksum(a, b, …): XXH3-64 over typed values; docs/store.md has the encoding. */
int store_register_functions(struct store *s, struct error *err);
/* Temporary views intact_<table> and intact_sample_all, for whoever must not read damaged rows; see store_intact.c. */
int store_make_intact_views(struct store *s, struct error *err);
int store_new_id(struct store *s, enum store_ids which, int64_t *ret, struct error *err);
void store_forget_ids(struct store *s);

/* Binding: NULL and negative "none" become SQL NULL. */
void store_bind_str(sqlite3_stmt *st, int i, const char *text);
void store_bind_text(sqlite3_stmt *st, int i, const char *text, size_t n);
void store_bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n);
void store_bind_row(sqlite3_stmt *st, int i, int64_t row);          /* 0: NULL */
void store_bind_natural(sqlite3_stmt *st, int i, int64_t value);    /* negative: NULL */
/* Copies of a column; *ret NULL where it is NULL.  ERR_NOMEM. */
int store_column_dup(sqlite3_stmt *st, int i, char **ret, struct error *err);

/* A transaction of our own where the caller has none open, a savepoint where it has:
 * all or nothing either way.  store_scope_end(…, r) commits for r >= 0 and rolls back
 * otherwise; returns r or the failure of the commit. */
struct store_scope { bool own, light; };
int store_scope_begin(struct store *s, struct store_scope *scope, struct error *err);
/* Without the savepoint, for the hot path: a failure within a caller's transaction may
 * leave unused texts in it, which harm nothing. */
int store_scope_light(struct store *s, struct store_scope *scope, struct error *err);
int store_scope_end(struct store *s, struct store_scope *scope, int r, struct error *err);

/* --- store_content.c --- */
/* The row of a text, made where it is not there yet; NULL text gives row 0.  A text is stored once
 * for each `near`, the row of the task it belongs to or 0: an index in the order of
 * digests alone would have every new text on a page of its own. */
int store_intern(struct store *s, int64_t near, const char *text, size_t n, int64_t *ret_row, struct error *err);
int store_intern_str(struct store *s, int64_t near, const char *text, int64_t *ret_row, struct error *err);
int store_intern_program(struct store *s, int64_t near, const char *text, size_t n, const char *language, int64_t *ret_row, struct error *err);
int store_intern_sampling(struct store *s, const char *model, const char *fingerprint, const char *parameters,
			  int64_t *ret_row, struct error *err);
/* The text of a row (mem_free() it); ERR_CORRUPT where it is missing, was dropped or does not match its digest. */
int store_content(struct store *s, int64_t row, char **ret, size_t *ret_n, struct error *err);

/* --- store_flags.c --- */
/* Flags as their JSON text; "[]" for none.  Borrowed where none, else in *owned (mem_free() it). */
int store_flags_text(uint32_t flags, char **owned, const char **ret, struct error *err);
int store_flags_read(const char *text, uint32_t *ret, struct error *err);

/* --- store_lock.c --- */
int store_lock(const char *path, uint64_t wait_us, const char *what, int *ret_fd, struct error *err);
void store_unlock(int *fd);

/* --- generated from schema/NNNN_name.sql --- */
struct store_migration { int version; const char *name; const char *sql; };
extern const struct store_migration store_migrations[];
extern const int n_store_migrations;

#endif
