/* SPDX-License-Identifier: Apache-2.0 */
/* fs.h - files: whole reads, atomic writes, line readers (plain or gzip), removal of trees by descriptor. */
#ifndef WINNOW_CORE_FS_H
#define WINNOW_CORE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"

/* Append the whole file to b (its max bounds it).  ERR_NOTFOUND, ERR_IO, ERR_LIMIT; names the path. */
int fs_read_file(const char *path, struct buf *b, struct error *err);

/*
 * Write aside (path + ".tmp.PID"), fsync, rename, fsync the directory.  A device or a pipe
 * (fs_is_special) is written to as it is: a rename would put a file in its place.
 */
int fs_write_file(const char *path, const void *data, size_t n, struct error *err);
int fs_mkdir_all(const char *path, struct error *err);
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
bool fs_is_special(const char *path); /* there, and neither a file nor a folder */
int fs_free_bytes(const char *path, uint64_t *ret, struct error *err);

/* Sorted names (no . and ..) in a folder; str_list_free() them. */
int fs_list(const char *path, char ***ret, size_t *ret_n, struct error *err);

/* Remove what is below dirfd, following no link, staying on one device. */
int fs_remove_below(int dirfd, struct error *err);
int fs_remove_tree(const char *path, struct error *err);

char *fs_join(const char *dir, const char *name); /* name alone where it is absolute; NULL: no memory */
char *fs_dirname(const char *path);

/* Lines of a text file, plain or gzip (told by magic), of at most max_line bytes. */
struct fs_lines;
int fs_lines_open(const char *path, size_t max_line, struct fs_lines **ret, struct error *err);
/* 1 and a borrowed NUL-terminated line without its end (valid until the next
 * call), 0 at the end, negative on failure (names path and line number). */
int fs_lines_next(struct fs_lines *l, const char **ret_line, size_t *ret_len, struct error *err);
unsigned long fs_lines_number(const struct fs_lines *l); /* of the line last returned, from 1 */
void fs_lines_close(struct fs_lines *l);

#endif
