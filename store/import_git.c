/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_git.c - task files of a git commit; its id is their provenance.
 *
 * Of the whole tree, or of a folder, files named *.tasks.jsonl (also compressed)
 * are taken, and other *.jsonl whose first line is a task of a known format.
 * What a file's name or a glob chooses must be a task file.
 */
#include <string.h>

#include "core/compress.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/gitsource.h"
#include "store/import_internal.h"

struct git_import {
	struct import_state *st;
	struct gitsource *g;
	size_t n_files;
};

/* in_file and out_file of a task file lie beside it, in the same tree. */
struct git_folder {
	struct gitsource *g;
	char *dir;
};

static int load_blob(void *ctx, const char *relative, struct buf *out, struct error *err)
{
	struct git_folder *f = ctx;
	cleanup_mem char *path = NULL;

	while (str_starts(relative, "./"))
		relative += 2;
	path = mem_printf("%s%s", f->dir, relative);
	if (!path)
		return error_set(err, ERR_NOMEM, "out of memory");
	return gitsource_read(f->g, path, out, err);
}

static bool has_suffix(const char *path, const char *suffix)
{
	static const char *const packed[] = { "", ".gz", ".zst" };

	for (size_t i = 0; i < ARRAY_SIZE(packed); i++) {
		cleanup_mem char *whole = mem_printf("%s%s", suffix, packed[i]);

		if (whole && str_ends(path, whole))
			return true;
	}
	return false;
}

/* Whether the first line is a task; other JSON lines (samples, logs) are no business of ours. */
static bool looks_like_tasks(const struct buf *raw)
{
	static const char *const keys[] = { "tests", "test", "test_list", "assertion" };
	cleanup_buf struct buf plain;
	cleanup_json json_t *first = NULL;
	const char *eol;

	buf_init(&plain, IMPORT_MAX_FILE_BYTES);
	if (decompress_all(raw->data, raw->len, &plain, NULL) < 0 || plain.error)
		return false;
	eol = memchr(plain.data, '\n', plain.len);
	if (json_parse(plain.data, eol ? (size_t)(eol - plain.data) : plain.len, &first, NULL) < 0)
		return false;
	if (!json_object_get(first, "task_id"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_object_get(first, keys[i]))
			return true;
	return false;
}

static int one_file(void *ctx, const char *path, struct error *err)
{
	struct git_import *gi = ctx;
	cleanup_buf struct buf raw;
	cleanup_mem char *name = NULL, *dir = NULL;
	const char *slash = strrchr(path, '/');
	struct git_folder folder = { .g = gi->g };
	struct import_file file = { .load = load_blob, .ctx = &folder };
	const char *chosen = gitsource_path(gi->g);
	/* What a file's name or a glob chooses must be tasks; a folder holds other things too. */
	bool sure = has_suffix(path, ".tasks.jsonl") || (chosen && str_glob(chosen, path));
	int r;

	buf_init(&raw, IMPORT_MAX_FILE_BYTES);
	if (!has_suffix(path, ".jsonl") && !str_eq(path, chosen))
		return 0;
	r = gitsource_read(gi->g, path, &raw, err);
	if (r < 0)
		return r;
	if (!sure && !looks_like_tasks(&raw))
		return 0;
	name = mem_printf("%s@%.12s:%s", gitsource_url(gi->g), gitsource_commit(gi->g), path);
	dir = mem_strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	if (!name || !dir)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (str_starts(raw.data, "version https://git-lfs"))
		return error_set(err, ERR_INPUT, "%s: the file lies in Git LFS, which is not read", name);
	folder.dir = dir;
	file.name = name;
	gi->n_files++;
	return import_text(gi->st, NULL, &file, raw.data, raw.len, NULL, err);
}

int import_git(struct import_state *st, const char *spec, struct error *err)
{
	struct git_import gi = { .st = st };
	struct import_result *ret = st->ret;
	int r = gitsource_open(spec, &gi.g, err);

	if (r < 0)
		return r;
	r = gitsource_each(gi.g, one_file, &gi, err);
	if (r == 0 && !gi.n_files)
		r = gitsource_path(gi.g) ?
			    error_set(err, ERR_INPUT, "'%s' has no task file at '%s' in %s",
				      gitsource_url(gi.g), gitsource_path(gi.g), gitsource_commit(gi.g)) :
			    error_set(err, ERR_INPUT, "'%s' has no task file (*.tasks.jsonl) in %s",
				      gitsource_url(gi.g), gitsource_commit(gi.g));
	/* A result has one provenance: two commits in one import would blur it. */
	if (r == 0 && ret->revision && !str_eq(ret->revision, gitsource_commit(gi.g)))
		r = error_set(err, ERR_INPUT, "'%s': import two git commits one after the other", spec);
	if (r == 0 && !ret->revision) {
		ret->url = mem_strdup(gitsource_url(gi.g));
		ret->revision = mem_strdup(gitsource_commit(gi.g));
		if (!ret->url || !ret->revision)
			r = error_set(err, ERR_NOMEM, "out of memory");
	}
	gitsource_close(gi.g);
	return r;
}
