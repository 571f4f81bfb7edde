/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - place the program's files in its working folder; bring one back. */
#include "sandbox/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From here on files are made, and permissions met, as the program's user. */
static void act_as_program(const struct job *j)
{
	if (!(j->flags & JOB_SET_IDS))
		return;
	setfsgid(j->gid);
	setfsuid(j->uid);
}

static void act_as_ourselves(const struct job *j)
{
	if (!(j->flags & JOB_SET_IDS))
		return;
	setfsuid(0);
	setfsgid(0);
}

static int copy(int to, int from, uint64_t offset, uint64_t len)
{
	off_t at = (off_t)offset;

	while (len > 0) {
		ssize_t n = sendfile(to, from, &at, len > 1u << 30 ? 1u << 30 : (size_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		len -= (uint64_t)n;
	}
	return 0;
}

static void make_parents(const char *name)
{
	char part[PATH_MAX];

	for (size_t i = 1; name[i] && i < sizeof(part); i++) {
		if (name[i] != '/')
			continue;
		memcpy(part, name, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			init_fail("make a folder for", name);
	}
}

void files_place(const struct job *j)
{
	int next_fd = INIT_FD_FILES;

	act_as_program(j);
	if (chdir(j->home) < 0)
		init_fail("enter the box's folder", j->home);
	if (mkdir("work", 0700) < 0 || mkdir("tmp", 0700) < 0 || chdir("work") < 0)
		init_fail("make the working folder in", j->home);
	for (size_t i = 0; i < j->n_files; i++) {
		const struct job_file *f = &j->files[i];
		int from = f->from_fd ? next_fd++ : INIT_FD_JOB;
		int fd;

		make_parents(f->name);
		fd = open(f->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, f->executable ? 0700 : 0600);
		if (fd < 0 || copy(fd, from, f->offset, f->len) < 0 || close(fd) < 0)
			init_fail("place file", f->name);
	}
	act_as_ourselves(j);
}

/* A file of the working folder, through no link. */
static int open_result(const char *name)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0,
		  0x0c /* RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS */ };
	int fd = (int)syscall(437 /* openat2 */, AT_FDCWD, name, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS && !strchr(name, '/'))
		fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

int files_collect(const struct job *j)
{
	struct stat st;
	int fd, mem = -1;

	fd = open_result(j->collect);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= j->collect_max) {
		mem = memfd_create("collected", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (mem < 0)
			init_fail("make a memfd for the collected file", NULL);
		if (copy(mem, fd, 0, (uint64_t)st.st_size) < 0)
			init_fail("copy the collected file", NULL);
		fcntl(mem, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	}
	close(fd);
	return mem;
}
