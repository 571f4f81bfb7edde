/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.c - build the box's own root and leave the host's.
 *
 * A fresh tmpfs becomes the root first and the host's root moves below it
 * (pivot_root takes the tmpfs off the stage folder, so that nothing of the host
 * is hidden by it); then what is to be seen is bound from there, the host's
 * root is detached, and the new one made read-only.
 */
#include "sandbox/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OLD_ROOT "/.host"

struct mount_attributes {
	uint64_t set, clear, propagation, userns_fd;
};
#define ATTR_READ_ONLY 1u
#define ATTR_NOSUID 2u
#define ATTR_NODEV 4u
#define ATTR_NOEXEC 8u

static int set_attributes(const char *path, uint64_t set, int flags)
{
	struct mount_attributes a = { .set = set };

	return (int)syscall(442 /* mount_setattr */, AT_FDCWD, path, flags, &a, sizeof(a));
}

/* Make the folders above path. */
static void make_parents(const char *path)
{
	char part[PATH_MAX];

	for (size_t i = 1; path[i] && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			init_fail("make a folder of the root", part);
	}
}

static void bind_one(const struct job_mount *m)
{
	char source[PATH_MAX];
	struct stat st;
	uint64_t attributes = m->kind == JOB_MOUNT_DEVICE ? ATTR_NOSUID | ATTR_NOEXEC
							  : ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV;
	int recursive = 0;

	if ((size_t)snprintf(source, sizeof(source), OLD_ROOT "%s", m->source) >= sizeof(source)) {
		errno = ENAMETOOLONG;
		init_fail("bind", m->source);
	}
	if (stat(source, &st) < 0)
		init_fail("find", m->source);
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(m->target, 0755) < 0 && errno != EEXIST)
			init_fail("make a folder of the root", m->target);
	} else {
		int fd = open(m->target, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		if (fd < 0)
			init_fail("make a file of the root", m->target);
		close(fd);
	}
	if (mount(source, m->target, NULL, MS_BIND, NULL) < 0) {
		/* In a user namespace a folder with mounts of the host below it can
		 * only be bound together with them. */
		if (errno != EINVAL || mount(source, m->target, NULL, MS_BIND | MS_REC, NULL) < 0)
			init_fail("bind", m->source);
		recursive = 0x8000; /* AT_RECURSIVE */
	}
	if (set_attributes(m->target, attributes, recursive) < 0)
		init_fail("make read-only", m->source);
}

void root_mount_home(const struct job *j)
{
	char options[96];

	snprintf(options, sizeof(options), "size=%llu,nr_inodes=%u,mode=700,uid=%u,gid=%u",
		 (unsigned long long)j->file_bytes, 16384u, j->uid, j->gid);
	if (mount("winnow", j->home, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		init_fail("mount the working folder", NULL);
}

void root_build(const struct job *j)
{
	if (mount("winnow", j->stage, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=512,mode=755") < 0)
		init_fail("mount a tmpfs as the box's root on", j->stage);
	if (chdir(j->stage) < 0 || mkdir("." OLD_ROOT, 0700) < 0 ||
	    syscall(SYS_pivot_root, ".", "." OLD_ROOT) < 0 || chdir("/") < 0)
		init_fail("change the root", NULL);
	for (size_t i = 0; i < j->n_mounts; i++) {
		const struct job_mount *m = &j->mounts[i];

		make_parents(m->target);
		if (m->kind != JOB_MOUNT_SYMLINK)
			bind_one(m);
		else if (symlink(m->source, m->target) < 0 && errno != EEXIST)
			init_fail("make a link of the root", m->target);
	}
	if (j->flags & JOB_PROC) {
		if (mkdir("/proc", 0755) < 0 ||
		    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0)
			init_fail("mount /proc", NULL);
	}
	make_parents(j->home);
	if (mkdir(j->home, 0700) < 0)
		init_fail("make the working folder", NULL);
	root_mount_home(j);
	if (umount2(OLD_ROOT, MNT_DETACH) < 0 || rmdir(OLD_ROOT) < 0)
		init_fail("leave the host's root", NULL);
	if (set_attributes("/", ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV, 0) < 0)
		init_fail("make the root read-only", NULL);
}
