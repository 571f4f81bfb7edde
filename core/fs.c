/* SPDX-License-Identifier: Apache-2.0 */
/* fs.c - files and folders; see fs.h. */
#include "core/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "core/mem.h"
#include "core/str.h"

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

/* What opening a path failed with: absence is told apart. */
static int open_error(struct error *err, const char *path)
{
	int code = errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO;

	return error_set_errno(err, code, "cannot open '%s'", path);
}

int fs_read_file(const char *path, struct buf *b, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return open_error(err, path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		(void) buf_reserve(b, (size_t)st.st_size);
	for (;;) {
		/* The one byte more tells a file that just fits from one that is too large. */
		size_t room = b->cap > b->len + 1 ? b->cap - b->len - 1 : 16384;
		ssize_t n;
		char extra, *to;

		if (room > b->max - b->len)
			room = b->max - b->len;
		to = room ? buf_reserve(b, room) : NULL;
		if (b->error)
			break;
		n = read(fd, to ? to : &extra, to ? room : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno == EISDIR ? ERR_INPUT : ERR_IO, "cannot read '%s'", path);
		if (n == 0)
			return 0;
		if (!to) {
			b->error = ERR_LIMIT;
			break;
		}
		buf_commit(b, (size_t)n);
	}
	return buf_check(b, path, err);
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t done = write(fd, data, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

static int sync_dir_of(const char *path, struct error *err)
{
	cleanup_mem char *dir = fs_dirname(path);
	cleanup_fd int fd = -1;

	if (!dir)
		return no_memory(err);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return open_error(err, dir);
	/* Some file systems cannot sync a folder; they keep renames in order by themselves. */
	if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP)
		return error_set_errno(err, ERR_IO, "cannot sync '%s'", dir);
	return 0;
}

static int write_special(const char *path, const void *data, size_t n, struct error *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return open_error(err, path);
	return write_all(fd, data, n) < 0 ? error_set_errno(err, ERR_IO, "cannot write '%s'", path) : 0;
}

int fs_write_file(const char *path, const void *data, size_t n, struct error *err)
{
	cleanup_mem char *tmp = mem_printf("%s.tmp.%ld", path, (long)getpid());
	cleanup_fd int fd = -1;
	int r = 0;

	if (!tmp)
		return no_memory(err);
	if (fs_is_special(path))
		return write_special(path, data, n, err);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot create '%s'", tmp);
	if (write_all(fd, data, n) < 0 || fsync(fd) < 0)
		r = error_set_errno(err, ERR_IO, "cannot write '%s'", tmp);
	else if (close(fd_steal(&fd)) < 0)
		r = error_set_errno(err, ERR_IO, "cannot write '%s'", tmp);
	else if (rename(tmp, path) < 0)
		r = error_set_errno(err, ERR_IO, "cannot rename '%s' to '%s'", tmp, path);
	if (r < 0) {
		(void) unlink(tmp);
		return r;
	}
	return sync_dir_of(path, err);
}

/* A file in the way is the caller's input; all else is the file system's. */
static int mkdir_error(struct error *err, const char *path)
{
	int code = errno == EEXIST || errno == ENOTDIR ? ERR_INPUT : ERR_IO;

	return error_set_errno(err, code, "cannot create folder '%s'", path);
}

int fs_mkdir_all(const char *path, struct error *err)
{
	cleanup_mem char *copy = mem_strdup(path);
	char *p;

	if (!copy)
		return no_memory(err);
	for (p = copy; *p; p++) {
		if (p == copy || *p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return mkdir_error(err, copy);
		*p = '/';
	}
	if (mkdir(copy, 0777) == 0 || (errno == EEXIST && fs_is_dir(copy)))
		return 0;
	return mkdir_error(err, copy);
}

bool fs_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool fs_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool fs_is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int fs_free_bytes(const char *path, uint64_t *ret, struct error *err)
{
	struct statvfs vfs;

	if (statvfs(path, &vfs) < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
				       "cannot see how much is free at '%s'", path);
	*ret = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int fs_list(const char *path, char ***ret, size_t *ret_n, struct error *err)
{
	DIR *dir = opendir(path);
	char **list = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	int r = 0;

	if (!dir)
		return open_error(err, path);
	if (!mem_grow(&list, &cap, 1, sizeof(*list)))
		r = no_memory(err);
	while (r == 0) {
		errno = 0;
		e = readdir(dir);
		if (!e) {
			if (errno)
				r = error_set_errno(err, ERR_IO, "cannot read folder '%s'", path);
			break;
		}
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (!mem_grow(&list, &cap, n + 2, sizeof(*list)) ||
		    !(list[n] = mem_strdup(e->d_name)))
			r = no_memory(err);
		else
			n++;
	}
	(void) closedir(dir);
	if (list)
		list[n] = NULL;
	if (r < 0) {
		str_list_free(list);
		return r;
	}
	qsort(list, n, sizeof(*list), by_name);
	*ret = list;
	if (ret_n)
		*ret_n = n;
	return 0;
}

/* --- removal --- */

/*
 * The tree may be a stranger's work, of any depth and with any modes, but nobody changes it any
 * more.  So there is neither recursion nor a list of names: the way down is by folder, the way up
 * by "..", and what was emptied below is found again because it can then be removed.
 */
struct removal {
	int fd; /* the folder that is being emptied */
	dev_t dev;
	ino_t emptied; /* the folder last come back from: it must go now */
	unsigned long depth;
};

static void enter_folder(struct removal *m, int fd)
{
	(void) close(m->fd);
	m->fd = fd;
}

/* Open a folder of m->fd that is not empty, to go on there. */
static int go_down(struct removal *m, const char *name, struct error *err)
{
	cleanup_fd int fd = openat(m->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == EACCES && fchmodat(m->fd, name, 0700, 0) == 0)
		fd = openat(m->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s' to remove it", name);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot look at '%s'", name);
	if (st.st_dev != m->dev)
		return error_set(err, ERR_IO, "'%s' is on another device and is left alone", name);
	if (m->emptied && st.st_ino == m->emptied)
		return error_set(err, ERR_IO, "cannot remove folder '%s'", name);
	/* A folder may have lost its own write bit. */
	if ((st.st_mode & 0700) != 0700)
		(void) fchmod(fd, 0700);
	enter_folder(m, fd_steal(&fd));
	m->emptied = 0;
	m->depth++;
	return 1;
}

static int go_up(struct removal *m, struct error *err)
{
	struct stat st;
	int fd;

	if (fstat(m->fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot look at a folder");
	fd = openat(m->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot go back from a folder");
	enter_folder(m, fd);
	m->emptied = st.st_ino;
	m->depth--;
	return 0;
}

/* 1: went down into a folder, 0: removed. */
static int remove_entry(struct removal *m, const char *name, struct error *err)
{
	if (unlinkat(m->fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_set_errno(err, ERR_IO, "cannot remove '%s'", name);
	if (unlinkat(m->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_set_errno(err, ERR_IO, "cannot remove folder '%s'", name);
	return go_down(m, name, err);
}

/* 1: went down into a folder, 0: m->fd is empty. */
static int remove_entries(struct removal *m, struct error *err)
{
	int copy = openat(m->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!dir) {
		r = error_set_errno(err, ERR_IO, "cannot read a folder to remove it");
		if (copy >= 0)
			(void) close(copy);
		return r;
	}
	while (r == 0) {
		errno = 0;
		e = readdir(dir);
		if (!e) {
			if (errno)
				r = error_set_errno(err, ERR_IO, "cannot read a folder");
			break;
		}
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			r = remove_entry(m, e->d_name, err);
	}
	(void) closedir(dir);
	return r;
}

int fs_remove_below(int dirfd, struct error *err)
{
	struct removal m = { .fd = -1 };
	struct stat st;
	int r = 0;

	if (fstat(dirfd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot look at a folder");
	m.dev = st.st_dev;
	m.fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m.fd < 0)
		return error_set_errno(err, ERR_IO, "cannot read a folder to remove it");
	for (;;) {
		r = remove_entries(&m, err);
		if (r < 0 || (r == 0 && !m.depth))
			break;
		if (r == 0 && (r = go_up(&m, err)) < 0)
			break;
	}
	(void) close(m.fd);
	return r;
}

int fs_remove_tree(const char *path, struct error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : error_set_errno(err, ERR_IO, "cannot look at '%s'", path);
	if (!S_ISDIR(st.st_mode)) {
		if (unlink(path) < 0 && errno != ENOENT)
			return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
		return 0;
	}
	/* It, too, may have lost its own bits. */
	if ((st.st_mode & 0700) != 0700)
		(void) chmod(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return open_error(err, path);
	r = fs_remove_below(fd, err);
	if (r < 0)
		return error_prefix(err, r, "cannot remove '%s'", path);
	if (rmdir(path) < 0 && errno != ENOENT)
		return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
	return 0;
}

/* --- paths --- */

char *fs_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	if (*name == '/' || !n)
		return mem_strdup(name);
	return mem_printf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

char *fs_dirname(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	if (!n)
		return mem_strdup(".");
	while (n > 1 && path[n - 1] == '/')
		n--;
	return mem_strndup(path, n);
}

/* --- lines --- */

#define BLOCK (64u << 10)

struct fs_lines {
	char *path;
	gzFile gz; /* reads plain files as they are */
	size_t max_line;
	unsigned long number;
	bool at_end;   /* nothing more to read from gz */
	size_t start;  /* of what was not yet returned */
	size_t scanned; /* from start: holds no newline */
	struct buf buf;
};

int fs_lines_open(const char *path, size_t max_line, struct fs_lines **ret, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct fs_lines *l;
	struct stat st;

	if (fd < 0)
		return open_error(err, path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(err, ERR_INPUT, "'%s' is a folder", path);
	l = mem_zalloc(sizeof(*l));
	if (!l)
		return no_memory(err);
	/* A line, its end, and a block read ahead. */
	buf_init(&l->buf, max_line > SIZE_MAX - 2 * BLOCK ? SIZE_MAX : max_line + 2 * BLOCK);
	l->max_line = max_line;
	l->path = mem_strdup(path);
	l->gz = l->path ? gzdopen(fd, "rb") : NULL;
	if (!l->gz) {
		fs_lines_close(l);
		return no_memory(err);
	}
	fd = -1; /* gzclose() closes it */
	(void) gzbuffer(l->gz, BLOCK);
	*ret = l;
	return 0;
}

static int fill(struct fs_lines *l, struct error *err)
{
	const char *why;
	char *to;
	int n, code;

	if (l->start) {
		buf_remove_front(&l->buf, l->start);
		l->start = 0;
	}
	to = buf_reserve(&l->buf, BLOCK);
	if (!to)
		return buf_check(&l->buf, l->path, err);
	n = gzread(l->gz, to, BLOCK);
	if (n > 0)
		buf_commit(&l->buf, (size_t)n);
	if (n == (int)BLOCK)
		return 0;
	why = gzerror(l->gz, &code);
	if (code == Z_ERRNO)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", l->path);
	if (code == Z_BUF_ERROR)
		return error_set(err, ERR_INPUT, "%s:%lu: truncated gzip", l->path, l->number + 1);
	if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
		return error_set(err, ERR_INPUT, "%s:%lu: bad gzip (%s)", l->path, l->number + 1,
				 why);
	if (n == 0 || gzeof(l->gz))
		l->at_end = true;
	return 0;
}

int fs_lines_next(struct fs_lines *l, const char **ret_line, size_t *ret_len, struct error *err)
{
	char *line, *end;
	size_t len;
	int r;

	for (;;) {
		line = l->buf.data + l->start;
		len = l->buf.len - l->start;
		end = len > l->scanned ? memchr(line + l->scanned, '\n', len - l->scanned) : NULL;
		if (end || l->at_end)
			break;
		l->scanned = len;
		if (len > l->max_line)
			break;
		r = fill(l, err);
		if (r < 0)
			return r;
	}
	if (!end && !len)
		return 0;
	l->number++;
	if (end)
		len = (size_t)(end - line);
	if (len > l->max_line)
		return error_set(err, ERR_LIMIT, "%s:%lu: a line is longer than %zu bytes", l->path,
				 l->number, l->max_line);
	l->start += len + (end != NULL);
	l->scanned = 0;
	if (len && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (l->number == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
		line += 3;
		len -= 3;
	}
	*ret_line = line;
	if (ret_len)
		*ret_len = len;
	return 1;
}

unsigned long fs_lines_number(const struct fs_lines *l)
{
	return l->number;
}

void fs_lines_close(struct fs_lines *l)
{
	if (!l)
		return;
	if (l->gz)
		(void) gzclose_r(l->gz);
	buf_clear(&l->buf);
	mem_free(l->path);
	mem_free(l);
}
