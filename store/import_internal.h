/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_internal.h - what the importers share.
 *
 * A line format is one function: an object of the source in, a native task
 * object out.  Reading, detection, line numbers, validation, duplicate ids and
 * skip_bad are import.c's, the same for all.  A folder format adds its tasks
 * itself by import_add().
 */
#ifndef WINNOW_STORE_IMPORT_INTERNAL_H
#define WINNOW_STORE_IMPORT_INTERNAL_H

#include "store/import.h"

#define IMPORT_MAX_FILE_BYTES (UINT64_C(1) << 30)

/* Where an object came from, and how files that it names are read. */
struct import_file {
	const char *name;   /* for messages */
	/* Append what the file names by a relative path (checked: no "..", not absolute). */
	int (*load)(void *ctx, const char *relative, struct buf *out, struct error *err);
	void *ctx;
};

struct import_state {
	const struct import_options *opt;
	struct import_result *ret;
	size_t cap, cap_where, cap_left;
	json_t *ids;        /* task_id -> where it was first given */
};

/* *ret: a native task, new reference.  obj is borrowed. */
typedef int import_object_fn(json_t *obj, const struct import_file *file, json_t **ret,
			     struct error *err);
int import_native_object(json_t *obj, const struct import_file *file, json_t **ret, struct error *err);
int import_humaneval_object(json_t *obj, const struct import_file *file, json_t **ret,
			    struct error *err);
int import_mbpp_object(json_t *obj, const struct import_file *file, json_t **ret, struct error *err);

/*
 * One text (plain, gzip or zstd) of a line format; format NULL: by the keys of
 * its first object.  *ret_format (may be NULL) gets the static name that was
 * used.  Everything that reads task lines goes through here.
 */
int import_text(struct import_state *st, const char *format, const struct import_file *file,
		const void *text, size_t n, const char **ret_format, struct error *err);

/* Validate and add one native object (its reference is taken over, on failure too). */
int import_add(struct import_state *st, json_t *native, const char *where, struct error *err);
/* A bad task: 0 where skip_bad takes the rest (listed), else the error's code. */
int import_bad(struct import_state *st, struct error *err);

/* A problem package, or a folder of such at any depth. */
int import_icpc(struct import_state *st, const char *path, struct error *err);
bool import_icpc_is_package(const char *path);
/* Whether there is a package at path or below it. */
bool import_icpc_found(const char *path);

/* source@revision[:file-or-glob] */
int import_git(struct import_state *st, const char *spec, struct error *err);

/* A copy of src[key] under dst[to], where src has it and it is not null. */
int import_copy(json_t *dst, const char *to, const json_t *src, const char *key, struct error *err);
/* dst[key] = value (its reference is taken over; NULL is ERR_NOMEM). */
int import_set(json_t *dst, const char *key, json_t *value, struct error *err);
/* The string src[key]; ERR_INPUT where it is missing, of another type or (unless empty_ok) empty. */
int import_need_str(const json_t *src, const char *key, bool empty_ok, const char **ret,
		    struct error *err);

#endif
