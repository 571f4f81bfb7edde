/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_verify.h - whether what a store holds is what was put there, and copies of it.
 */
#ifndef WINNOW_STORE_STORE_VERIFY_H
#define WINNOW_STORE_STORE_VERIFY_H

#include <stdint.h>
#include "store/store.h"

struct store_damage {
	const char *kind;    /* "structure" (b-trees, indexes), "reference", "checksum", "digest", "schema" */
	const char *table;   /* NULL: not of one table */
	const char *row;     /* "sample_id=17"; NULL: not of one row */
	const char *what;    /* one line for people */
};
/* Negative ends the search. */
typedef int store_damage_fn(void *ctx, const struct store_damage *damage);

struct store_verified { uint64_t rows, texts, damages; };
/*
 * Look at everything, in one read transaction: SQLite's own check of every b-tree and index, every
 * foreign key, the checksum of each row of each table, the SHA-256 of each text, and the schema against
 * the one of this program.  Damage is no error: each is told to found(), and what can still
 * be read is looked at after it.  Errors: ERR_NOMEM, ERR_IO, what found() returned.
 */
int store_verify(struct store *s, store_damage_fn *found, void *ctx, struct store_verified *ret, struct error *err);

/* Copy the store as it is at this moment to a new file: written aside, synced, renamed.  A writer goes on
 * meanwhile.  ERR_EXISTS: there is something at path.  Pages are copied as they are, damaged ones too. */
int store_backup(struct store *s, const char *path, uint64_t *ret_bytes, struct error *err);

#endif
