/* SPDX-License-Identifier: Apache-2.0 */
/* shard.c - write aside, sync, rename; see shard.h. */
#include "store/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"

#define FLUSH_BYTES (1u << 18)
#define MANIFEST_MAX_BYTES (64u << 20)

struct shard_file {
	uint64_t rows, groups, bytes, plain_bytes;
	char sha256[HASH_SHA256_HEX];
};

struct shards {
	char *dir, *name, *tmp;      /* tmp: the folder aside; NULL where it is gone */
	int dir_fd, tmp_fd;
	bool made_dir;
	enum compress_kind compress;
	struct shard_file *files;
	size_t n, cap;
	/* the current one */
	int fd;                      /* -1: none */
	struct compressor *packer;
	struct hash_sha256 *hash;
	struct buf out;
};

static void aside_name(size_t i, char ret[32])
{
	(void)snprintf(ret, 32, "%05zu", i);
}

static char *final_name(const struct shards *s, size_t i)
{
	return mem_printf("%s-%05zu-of-%05zu.jsonl%s", s->name, i, s->n, compress_suffix(s->compress));
}

/* --- opening and giving up --- */

/* The format of the manifest that is there must be ours; anything else is not ours to replace. */
static int check_old_manifest(struct shards *s, struct error *err)
{
	cleanup_mem char *path = fs_join(s->dir, SHARD_MANIFEST);
	cleanup_json json_t *old = NULL;
	cleanup_buf struct buf b;
	const char *name;
	int r;

	buf_init(&b, MANIFEST_MAX_BYTES);
	if (!path)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (!fs_exists(path))
		return 0;
	r = fs_read_file(path, &b, err);
	if (r < 0)
		return r;
	if (json_parse(b.data, b.len, &old, NULL) < 0 || !(name = json_get_str(old, "name")))
		return error_set(err, ERR_EXISTS, "'%s' is no manifest of shards; choose another folder", path);
	if (!str_eq(name, s->name))
		return error_set(err, ERR_EXISTS, "'%s' holds an export of '%s'; choose another folder", s->dir,
				 name);
	return 0;
}

/* Folders aside of exports that were killed. */
static void remove_stale(struct shards *s)
{
	cleanup_mem char *prefix = mem_printf(".tmp-%s-", s->name);
	char **names = NULL;
	size_t n = 0;

	if (!prefix || fs_list(s->dir, &names, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		cleanup_mem char *path = NULL;
		uint64_t pid;

		if (!str_starts(names[i], prefix) ||
		    str_parse_u64(names[i] + strlen(prefix), "pid", 1, INT32_MAX, &pid, NULL) < 0 ||
		    kill((pid_t)pid, 0) == 0 || errno != ESRCH)
			continue;
		path = fs_join(s->dir, names[i]);
		if (path)
			(void)fs_remove_tree(path, NULL);
	}
	str_list_free(names);
}

static int open_dirs(struct shards *s, struct error *err)
{
	char pid[32];
	int r;

	s->made_dir = !fs_exists(s->dir);
	r = fs_mkdir_all(s->dir, err);
	if (r < 0) {
		s->made_dir = false;
		return r;
	}
	r = check_old_manifest(s, err);
	if (r < 0)
		return r;
	remove_stale(s);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	s->tmp = mem_printf("%s/.tmp-%s-%s", s->dir, s->name, pid);
	if (!s->tmp)
		return error_set(err, ERR_NOMEM, "out of memory");
	(void)fs_remove_tree(s->tmp, NULL); /* of an earlier process of this id */
	if (mkdir(s->tmp, 0777) < 0) {
		r = error_set_errno(err, ERR_IO, "cannot make '%s'", s->tmp);
		mem_free(s->tmp);
		s->tmp = NULL;
		return r;
	}
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->tmp_fd = open(s->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0 || s->tmp_fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", s->dir);
	return 0;
}

int shards_open(const char *dir, const char *name, enum compress_kind compress, struct shards **ret,
		struct error *err)
{
	struct shards *s = mem_zalloc(sizeof(*s));
	int r = 0;

	if (!s)
		return error_set(err, ERR_NOMEM, "out of memory");
	s->dir_fd = s->tmp_fd = s->fd = -1;
	s->compress = compress;
	buf_init(&s->out, SIZE_MAX);
	s->dir = mem_strdup(dir);
	s->name = mem_strdup(name);
	if (!s->dir || !s->name)
		r = error_set(err, ERR_NOMEM, "out of memory");
	if (r == 0)
		r = open_dirs(s, err);
	if (r < 0) {
		shards_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void drop_current(struct shards *s)
{
	uint8_t digest[HASH_SHA256_BYTES];

	compressor_free(s->packer);
	s->packer = NULL;
	if (s->hash)
		hash_sha256_end(s->hash, digest);
	s->hash = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void shards_close(struct shards *s)
{
	if (!s)
		return;
	drop_current(s);
	if (s->tmp)
		(void)fs_remove_tree(s->tmp, NULL);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	if (s->tmp_fd >= 0)
		close(s->tmp_fd);
	if (s->made_dir)
		(void)rmdir(s->dir);
	buf_clear(&s->out);
	mem_free(s->files);
	mem_free(s->dir);
	mem_free(s->name);
	mem_free(s->tmp);
	mem_free(s);
}

/* --- writing --- */

static int flush(struct shards *s, struct error *err)
{
	struct shard_file *f = &s->files[s->n - 1];
	const char *p = s->out.data;
	size_t left = s->out.len;
	int r = buf_check(&s->out, "a shard", err);

	if (r < 0)
		return r;
	hash_sha256_add(s->hash, p, left);
	f->bytes += left;
	while (left) {
		ssize_t k = write(s->fd, p, left);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_set_errno(err, ERR_IO, "cannot write a shard in '%s'", s->dir);
		p += k;
		left -= (size_t)k;
	}
	buf_reset(&s->out);
	return 0;
}

static int end_current(struct shards *s, struct error *err)
{
	uint8_t digest[HASH_SHA256_BYTES];
	int r;

	if (s->fd < 0)
		return 0;
	r = compressor_end(s->packer, &s->out, err);
	if (r == 0)
		r = flush(s, err);
	if (r == 0 && fsync(s->fd) < 0)
		r = error_set_errno(err, ERR_IO, "cannot sync a shard in '%s'", s->dir);
	if (r < 0)
		return r;
	hash_sha256_end(mem_steal(&s->hash), digest);
	hash_hex(digest, sizeof(digest), s->files[s->n - 1].sha256);
	r = close(fd_steal(&s->fd));
	drop_current(s);
	return r < 0 ? error_set_errno(err, ERR_IO, "cannot close a shard in '%s'", s->dir) : 0;
}

int shards_next(struct shards *s, struct error *err)
{
	char aside[32];
	int r = end_current(s, err);

	if (r < 0)
		return r;
	if (s->n >= SHARD_MAX)
		return error_set(err, ERR_LIMIT, "more than %d shards", SHARD_MAX);
	if (!mem_grow(&s->files, &s->cap, s->n + 1, sizeof(*s->files)))
		return error_set(err, ERR_NOMEM, "out of memory");
	s->files[s->n] = (struct shard_file){ 0 };
	aside_name(s->n, aside);
	s->fd = openat(s->tmp_fd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (s->fd < 0)
		return error_set_errno(err, ERR_IO, "cannot make a shard in '%s'", s->tmp);
	s->n++;
	buf_reset(&s->out);
	s->hash = hash_sha256_new();
	if (!s->hash)
		return error_set(err, ERR_NOMEM, "out of memory");
	return compressor_new(s->compress, &s->packer, err);
}

int shards_add(struct shards *s, const char *line, size_t n, struct error *err)
{
	struct shard_file *f = &s->files[s->n - 1];
	int r = compressor_add(s->packer, line, n, &s->out, err);

	if (r == 0)
		r = compressor_add(s->packer, "\n", 1, &s->out, err);
	if (r < 0)
		return r;
	f->rows++;
	f->plain_bytes += n + 1;
	return s->out.len >= FLUSH_BYTES ? flush(s, err) : 0;
}

void shards_count_group(struct shards *s)
{
	s->files[s->n - 1].groups++;
}

uint32_t shards_n(const struct shards *s)
{
	return (uint32_t)s->n;
}

uint64_t shards_bytes(const struct shards *s)
{
	return s->n ? s->files[s->n - 1].plain_bytes : 0;
}

/* --- making it visible --- */

static int list_files(const struct shards *s, json_t *manifest, struct error *err)
{
	json_t *list = json_array();

	if (!list || json_object_set_new(manifest, "shards", list) < 0)
		return error_set(err, ERR_NOMEM, "out of memory for the manifest");
	for (size_t i = 0; i < s->n; i++) {
		const struct shard_file *f = &s->files[i];
		cleanup_mem char *name = final_name(s, i);
		json_t *j = name ? json_pack("{s:s, s:I, s:I, s:I, s:s}", "file", name, "rows",
					     (json_int_t)f->rows, "groups", (json_int_t)f->groups, "bytes",
					     (json_int_t)f->bytes, "sha256", f->sha256) : NULL;

		if (json_array_append_new(list, j) < 0)
			return error_set(err, ERR_NOMEM, "out of memory for the manifest");
	}
	return 0;
}

static int write_manifest(struct shards *s, const json_t *manifest, struct error *err)
{
	cleanup_mem char *text = json_dumps(manifest, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	cleanup_mem char *path = fs_join(s->tmp, SHARD_MANIFEST);
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, MANIFEST_MAX_BYTES);
	if (!text || !path)
		return error_set(err, ERR_NOMEM, "out of memory for the manifest");
	buf_adds(&b, text);
	buf_addc(&b, '\n');
	r = buf_check(&b, "the manifest", err);
	return r < 0 ? r : fs_write_file(path, b.data, b.len, err);
}

/* NAME-ddddd-of-ddddd.jsonl and its compressed forms */
static bool is_shard_of(const char *file, const char *name)
{
	static const char form[] = "-ddddd-of-ddddd.jsonl";
	size_t n = strlen(name);

	if (strncmp(file, name, n) != 0)
		return false;
	file += n;
	for (const char *f = form; *f; f++, file++)
		if (*f == 'd' ? *file < '0' || *file > '9' : *file != *f)
			return false;
	return str_eq(file, "") || str_eq(file, ".zst") || str_eq(file, ".gz");
}

static bool in_manifest(const json_t *manifest, const char *file)
{
	json_t *j;
	size_t i;

	json_array_foreach(json_object_get(manifest, "shards"), i, j)
		if (str_eq(json_get_str(j, "file"), file))
			return true;
	return false;
}

static void remove_old(struct shards *s, const json_t *manifest)
{
	char **names = NULL;
	size_t n = 0;

	if (fs_list(s->dir, &names, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (is_shard_of(names[i], s->name) && !in_manifest(manifest, names[i]))
			(void)unlinkat(s->dir_fd, names[i], 0);
	str_list_free(names);
}

static int write_card(struct shards *s, const char *card, struct error *err)
{
	cleanup_mem char *path = fs_join(s->tmp, SHARD_CARD);

	return path ? fs_write_file(path, card, strlen(card), err) : error_set(err, ERR_NOMEM, "out of memory");
}

int shards_commit(struct shards *s, json_t *manifest, const char *card, struct error *err)
{
	int r = end_current(s, err);

	if (r == 0)
		r = list_files(s, manifest, err);
	if (r == 0)
		r = write_manifest(s, manifest, err);
	if (r == 0)
		r = write_card(s, card, err);
	if (r < 0)
		return r;
	/* While shards change under it, an old manifest would tell hashes that do not
	 * hold: a folder without one is an export in progress. */
	if (unlinkat(s->dir_fd, SHARD_MANIFEST, 0) < 0 && errno != ENOENT)
		return error_set_errno(err, ERR_IO, "cannot replace the manifest in '%s'", s->dir);
	s->made_dir = false;
	for (size_t i = 0; i < s->n; i++) {
		cleanup_mem char *name = final_name(s, i);
		char aside[32];

		aside_name(i, aside);
		if (!name)
			return error_set(err, ERR_NOMEM, "out of memory");
		if (renameat(s->tmp_fd, aside, s->dir_fd, name) < 0)
			return error_set_errno(err, ERR_IO, "cannot rename a shard to '%s/%s'", s->dir, name);
	}
	if (renameat(s->tmp_fd, SHARD_CARD, s->dir_fd, SHARD_CARD) < 0)
		return error_set_errno(err, ERR_IO, "cannot rename '%s/%s'", s->dir, SHARD_CARD);
	if (fsync(s->dir_fd) < 0)
		return error_set_errno(err, ERR_IO, "cannot sync '%s'", s->dir);
	if (renameat(s->tmp_fd, SHARD_MANIFEST, s->dir_fd, SHARD_MANIFEST) < 0)
		return error_set_errno(err, ERR_IO, "cannot rename the manifest in '%s'", s->dir);
	if (fsync(s->dir_fd) < 0)
		return error_set_errno(err, ERR_IO, "cannot sync '%s'", s->dir);
	remove_old(s, manifest);
	return 0;
}
