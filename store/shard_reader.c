/* SPDX-License-Identifier: Apache-2.0 */
/* shard_reader.c - see shard_reader.h. */
#include "store/shard_reader.h"

#include <string.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/shard.h"

#define MANIFEST_MAX_BYTES (64u << 20)
#define SHARD_MAX_BYTES (UINT64_C(4) << 30)

static int read_json(const char *path, json_t **ret, struct error *err)
{
	cleanup_buf struct buf text;
	int r;

	buf_init(&text, MANIFEST_MAX_BYTES);
	r = fs_read_file(path, &text, err);
	if (r == 0)
		r = json_parse(text.data, text.len, ret, err);
	return r < 0 ? error_prefix(err, r, "'%s'", path) : 0;
}

static int each_line(const char *path, const struct buf *text, shard_row_fn *fn, void *ctx, struct error *err)
{
	unsigned long number = 0;

	for (size_t at = 0; at < text->len;) {
		const char *end = memchr(text->data + at, '\n', text->len - at);
		size_t n = end ? (size_t)(end - text->data) - at : text->len - at;
		cleanup_json json_t *row = NULL;
		int r = json_parse(text->data + at, n, &row, err);

		number++;
		if (r == 0 && !json_is_object(row))
			r = error_set(err, ERR_INPUT, "not an object");
		if (r == 0)
			r = fn(ctx, row, err);
		if (r < 0)
			return error_prefix(err, r, "%s:%lu", path, number);
		at += n + 1;
	}
	return 0;
}

static int read_shard(const char *dir, const json_t *shard, shard_row_fn *fn, void *ctx, struct error *err)
{
	const char *file = json_get_str(shard, "file"), *want = json_get_str(shard, "sha256");
	cleanup_mem char *path = NULL;
	cleanup_buf struct buf packed, text;
	uint8_t digest[HASH_SHA256_BYTES];
	char hex[HASH_SHA256_HEX];
	int r;

	buf_init(&packed, SHARD_MAX_BYTES);
	buf_init(&text, SHARD_MAX_BYTES);
	if (!file || !want || strchr(file, '/'))
		return error_set(err, ERR_INPUT, "'%s/" SHARD_MANIFEST "': a shard without file or sha256", dir);
	path = fs_join(dir, file);
	if (!path)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = fs_read_file(path, &packed, err);
	if (r < 0)
		return r;
	hash_sha256_of(packed.data, packed.len, digest);
	hash_hex(digest, sizeof(digest), hex);
	if (strcmp(hex, want) != 0)
		return error_set(err, ERR_CORRUPT, "'%s' is not the file that its manifest tells of", path);
	r = decompress_all(packed.data, packed.len, &text, err);
	if (r < 0)
		return error_prefix(err, r, "'%s'", path);
	return each_line(path, &text, fn, ctx, err);
}

int shard_read(const char *dir, const char *name, shard_row_fn *fn, void *ctx, json_t **ret_shards, struct error *err)
{
	cleanup_mem char *path = fs_join(dir, SHARD_MANIFEST);
	cleanup_json json_t *manifest = NULL, *list = json_array();
	const json_t *shards;
	json_t *shard;
	size_t i;
	int r;

	if (!path || !list)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = read_json(path, &manifest, err);
	if (r < 0)
		return r == ERR_NOTFOUND ? error_set(err, ERR_INPUT, "'%s' holds no " SHARD_MANIFEST ": not a folder of shards", dir) : r;
	if (!str_eq(json_get_str(manifest, "name"), name))
		return error_set(err, ERR_INPUT, "'%s' holds %s, and %s are needed", path,
				 json_get_str(manifest, "name") ? json_get_str(manifest, "name") : "no shards", name);
	shards = json_object_get(manifest, "shards");
	json_array_foreach((json_t *)shards, i, shard) {
		r = read_shard(dir, shard, fn, ctx, err);
		if (r < 0)
			return r;
		if (json_array_append_new(list, json_pack("{s:O, s:O}", "file", json_object_get(shard, "file"), "sha256",
							  json_object_get(shard, "sha256"))) < 0)
			return error_set(err, ERR_NOMEM, "out of memory");
	}
	*ret_shards = json_incref(list);
	return 0;
}
