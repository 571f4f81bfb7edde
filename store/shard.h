/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard.h - files NAME-00000-of-0000N.jsonl[.zst|.gz] and their manifest, all or nothing.
 *
 * Shards are written into a folder aside within the target, synced, and only
 * by shards_commit() renamed into place, manifest last.  Until then the target
 * is as it was; shards_close() without a commit removes what was written.
 */
#ifndef WINNOW_STORE_SHARD_H
#define WINNOW_STORE_SHARD_H

#include <stddef.h>
#include <stdint.h>
#include "core/compress.h"
#include "core/error.h"
#include "core/json.h"

#define SHARD_MANIFEST "manifest.json"
#define SHARD_CARD "README.md"
#define SHARD_MAX 99999

struct shards;

/* dir is made where it is missing (and removed again where nothing is
 * committed).  ERR_EXISTS: dir holds a manifest of another name. */
int shards_open(const char *dir, const char *name, enum compress_kind compress, struct shards **ret,
		struct error *err);
void shards_close(struct shards *s);

/* Begin a shard; the one before is ended and synced. */
int shards_next(struct shards *s, struct error *err);
/* One row into the current shard; line without its end. */
int shards_add(struct shards *s, const char *line, size_t n, struct error *err);
/* Count a group of the current shard. */
void shards_count_group(struct shards *s);
uint32_t shards_n(const struct shards *s);         /* begun so far */
uint64_t shards_bytes(const struct shards *s);     /* of the current shard, uncompressed */

/* End the last shard, put "shards" (file, rows, groups, bytes, sha256) into the
 * manifest, and make all of it visible.  card: the text of README.md.  Older shards of this
 * name that are not in the new manifest are removed after. */
int shards_commit(struct shards *s, json_t *manifest, const char *card, struct error *err);

#endif
