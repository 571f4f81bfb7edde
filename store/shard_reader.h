/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard_reader.h - reads a folder of shards as any trainer would: the manifest, then each shard whole.
 *
 * A shard whose bytes are not those that the manifest counts and hashes is refused.
 */
#ifndef WINNOW_STORE_SHARD_READER_H
#define WINNOW_STORE_SHARD_READER_H

#include "core/error.h"
#include "core/json.h"

/* A row is borrowed; negative ends the reading. */
typedef int shard_row_fn(void *ctx, const json_t *row, struct error *err);
/*
 * Every row of every shard, in order.  name: "rollouts"; a folder of other rows is ERR_INPUT, as are a folder
 * without a manifest and a broken line (with file and line); ERR_CORRUPT: not the bytes of the manifest.
 * *ret_shards: [{"file","sha256"}], a new reference.
 */
int shard_read(const char *dir, const char *name, shard_row_fn *fn, void *ctx, json_t **ret_shards, struct error *err);

#endif
