/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.c - tiers as lists of fences.
 *
 *   namespaces  pid, mount, ipc, uts namespaces a box, own root; either as root
 *               with a user id a slot, or in user namespaces.  The spawner
 *               itself moves into one empty network namespace and a mount
 *               namespace of its own, once; boxes inherit them for nothing.
 *   uid         root without the right to mount: a user id a slot, Landlock
 *   landlock    ordinary user without namespaces
 *   none        resource limits alone
 *
 * Slot ids are 0x60000000 + 256 * (our process id) + slot: two spawners of one
 * host never share one, and no distribution gives ids of that range out.  Where
 * a container maps only the usual 65,536 ids, 20000 + … modulo 40000.
 */
#include "sandbox/jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "sandbox/syscalls.h"

#define UID_BASE_WIDE 0x60000000u
#define UID_BASE_NARROW 20000u
#define UID_NARROW_RANGE 40000u
#define NOBODY 65534u
#define HOME_IN_ROOT "/box"
#define SCRATCH_NAME "winnow-scratch-"
#define LEFTOVER_S 60

size_t jail_ways(const struct jail_way **ret)
{
	static const struct jail_way as_root[] = {
		{ TIER_NAMESPACES, false, true, UID_BASE_WIDE },
		{ TIER_NAMESPACES, false, true, UID_BASE_NARROW },
		{ TIER_NAMESPACES, true, false, 0 },
		{ TIER_UID, false, true, UID_BASE_WIDE },
		{ TIER_UID, false, true, UID_BASE_NARROW },
		{ TIER_LANDLOCK, false, false, 0 },
		{ TIER_NONE, false, false, 0 },
	};
	static const struct jail_way as_user[] = {
		{ TIER_NAMESPACES, true, false, 0 },
		{ TIER_LANDLOCK, false, false, 0 },
		{ TIER_NONE, false, false, 0 },
	};

	*ret = geteuid() == 0 ? as_root : as_user;
	return geteuid() == 0 ? ARRAY_SIZE(as_root) : ARRAY_SIZE(as_user);
}

static int write_text(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int enter_user_namespace(struct jail *j, struct error *err)
{
	char map[64];
	uint32_t uid = geteuid(), gid = getegid();

	j->uid = uid ? uid : NOBODY;
	j->gid = gid ? gid : NOBODY;
	if (unshare(CLONE_NEWUSER) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot make a user namespace");
	if (write_text("/proc/self/setgroups", "deny") < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot write /proc/self/setgroups");
	snprintf(map, sizeof(map), "%u %u 1", j->uid, uid);
	if (write_text("/proc/self/uid_map", map) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot write /proc/self/uid_map");
	snprintf(map, sizeof(map), "%u %u 1", j->gid, gid);
	if (write_text("/proc/self/gid_map", map) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot write /proc/self/gid_map");
	return 0;
}

static int enter_namespaces(struct jail *j, struct error *err)
{
	int r;

	if (j->way.user_namespace) {
		r = enter_user_namespace(j, err);
		if (r < 0)
			return r;
	}
	if (unshare(CLONE_NEWNS) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot make a mount namespace");
	if (unshare(CLONE_NEWNET) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot make a network namespace");
	/* What boxes mount must not travel back to the host. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot make mounts private");
	return 0;
}

static int add_mount(struct jail *j, enum job_mount_kind kind, const char *source, const char *target,
		     struct error *err)
{
	struct jail_mount m = { kind, mem_strdup(source), mem_strdup(target) };

	if (!m.source || !m.target || !mem_grow(&j->mounts, &j->cap_mounts, j->n_mounts + 1, sizeof(m))) {
		mem_free(m.source);
		mem_free(m.target);
		return error_set(err, ERR_NOMEM, "no memory for the list of mounts");
	}
	j->mounts[j->n_mounts++] = m;
	return 0;
}

/* What of the host a box shows; what is missing on the host is left out. */
static int list_mounts(struct jail *j, struct error *err)
{
	static const char *const folders[] = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };
	static const char *const configs[] = { "/etc/ld.so.cache", "/etc/alternatives", "/etc/java-17-openjdk" };
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };
	struct stat st;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		char link[PATH_MAX];
		ssize_t n = readlink(folders[i], link, sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			r = add_mount(j, JOB_MOUNT_SYMLINK, link, folders[i], err);
		} else if (stat(folders[i], &st) == 0) {
			r = add_mount(j, JOB_MOUNT_READ_ONLY, folders[i], folders[i], err);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(configs) && r == 0; i++)
		if (stat(configs[i], &st) == 0)
			r = add_mount(j, JOB_MOUNT_READ_ONLY, configs[i], configs[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(devices) && r == 0; i++)
		if (stat(devices[i], &st) == 0 && S_ISCHR(st.st_mode))
			r = add_mount(j, JOB_MOUNT_DEVICE, devices[i], devices[i], err);
	if (r == 0 && j->own_root)
		r = add_mount(j, JOB_MOUNT_SYMLINK, "box/tmp", "/tmp", err);
	return r;
}

static int pick_stage(struct jail *j, struct error *err)
{
	static const char *const stages[] = { "/tmp", "/mnt", "/run", "/var", "/usr" };

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		if (!fs_is_dir(stages[i]))
			continue;
		j->stage = mem_strdup(stages[i]);
		return j->stage ? 0 : error_set(err, ERR_NOMEM, "no memory for the jail");
	}
	return error_set(err, ERR_KERNEL, "there is no folder to build a root on");
}

static struct syscall_surroundings surroundings(const struct jail *j)
{
	return (struct syscall_surroundings){
		.own_root = j->own_root || j->way.set_ids,
		.signals_held = j->pid_namespace || j->way.set_ids || j->landlock_abi >= 6,
		.truncate_held = j->landlock_abi >= 3,
		.files_held = j->own_root,
	};
}

int jail_build_listener(struct jail *j, struct error *err)
{
	struct syscall_surroundings around = surroundings(j);

	if (j->listener.len && j->heard.len)
		return 0;
	buf_clear(&j->listener);
	buf_clear(&j->heard);
	buf_init(&j->listener, 1 << 20);
	buf_init(&j->heard, 1 << 20);
	return syscalls_build_listener(&around, &j->listener, &j->heard, err);
}

static int build_tables(struct jail *j, struct error *err)
{
	struct syscall_surroundings around = surroundings(j);

	for (int phase = BOX_RUN; phase <= BOX_JUDGE; phase++) {
		int r = syscalls_build(phase, &around, &j->programs[phase], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * What a winnow left that was killed together with its spawner: folders of our name and user, and whoever made
 * one holds a lock on it as long as he lives.  One that was only just made may not be locked yet.
 */
static void remove_leftover(const char *base, const char *name)
{
	cleanup_mem char *path = fs_join(base, name);
	cleanup_fd int fd = -1;
	struct stat st;

	if (!path)
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || time(NULL) - st.st_mtime < LEFTOVER_S)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		fs_remove_tree(path, NULL);
}

static void remove_leftovers(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (str_starts(e->d_name, SCRATCH_NAME) && strlen(e->d_name) == strlen(SCRATCH_NAME) + 6)
			remove_leftover(base, e->d_name);
	if (d)
		closedir(d);
}

static int make_scratch(struct jail *j, const char *scratch_dir, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	const char *base = scratch_dir ? scratch_dir : tmp && *tmp ? tmp : "/tmp";

	if (base[0] != '/')
		return error_set(err, ERR_INPUT, "scratch folder '%s' is not an absolute path", base);
	remove_leftovers(base);
	j->scratch = mem_printf("%s/" SCRATCH_NAME "XXXXXX", base);
	if (!j->scratch)
		return error_set(err, ERR_NOMEM, "no memory for the jail");
	if (!mkdtemp(j->scratch)) {
		int r = error_set_errno(err, ERR_IO, "cannot make a scratch folder in '%s'", base);

		mem_free(j->scratch);
		j->scratch = NULL;
		return r;
	}
	j->scratch_fd = open(j->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->scratch_fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open scratch folder '%s'", j->scratch);
	flock(j->scratch_fd, LOCK_EX | LOCK_NB); /* a file system without locks: then it stays, should we be killed */
	/* Slots pass through it to their own. */
	if (j->way.set_ids && chmod(j->scratch, 0711) < 0)
		return error_set_errno(err, ERR_IO, "cannot open scratch folder '%s' for slots", j->scratch);
	return 0;
}

int jail_enter(struct jail *j, const struct jail_way *way, const char *scratch_dir, struct error *err)
{
	unsigned mix = (unsigned)getpid() << 8;
	int r = 0;

	*j = (struct jail){ .way = *way, .uid = geteuid(), .gid = getegid(), .scratch_fd = -1 };
	for (int phase = BOX_RUN; phase <= BOX_JUDGE; phase++)
		buf_init(&j->programs[phase], 1 << 20);
	j->own_root = j->pid_namespace = way->tier == TIER_NAMESPACES;
	j->seccomp = way->tier != TIER_NONE;
	j->first_uid = way->uid_base == UID_BASE_WIDE ? UID_BASE_WIDE + (mix & 0x0fffffff)
						      : UID_BASE_NARROW + mix % UID_NARROW_RANGE;
	if (way->tier != TIER_NONE)
		j->landlock_abi = landlock_abi();
	if ((way->tier == TIER_LANDLOCK || way->tier == TIER_UID) && j->landlock_abi < 1)
		return error_set(err, ERR_KERNEL, "this kernel has no Landlock, or refuses it");
	j->handled = landlock_handled(j->landlock_abi);
	if (way->tier == TIER_NAMESPACES)
		r = enter_namespaces(j, err);
	else
		r = make_scratch(j, scratch_dir, err);
	if (r == 0)
		r = list_mounts(j, err);
	if (r == 0 && j->own_root)
		r = pick_stage(j, err);
	if (r == 0 && j->seccomp)
		r = build_tables(j, err);
	return r;
}

void jail_clear(struct jail *j)
{
	if (j->scratch) {
		fs_remove_tree(j->scratch, NULL);
		if (j->scratch_fd >= 0)
			close(j->scratch_fd);
	}
	mem_free(j->scratch);
	mem_free(j->stage);
	for (size_t i = 0; i < j->n_mounts; i++) {
		mem_free(j->mounts[i].source);
		mem_free(j->mounts[i].target);
	}
	mem_free(j->mounts);
	for (int phase = BOX_RUN; phase <= BOX_JUDGE; phase++)
		buf_clear(&j->programs[phase]);
	buf_clear(&j->listener);
	buf_clear(&j->heard);
	*j = (struct jail){ 0 };
}

int jail_clone_flags(const struct jail *j)
{
	int flags = 0;

	if (j->pid_namespace)
		flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	if (j->way.user_namespace)
		flags |= CLONE_NEWUSER;
	return flags;
}

uint32_t jail_slot_uid(const struct jail *j, unsigned slot)
{
	return j->way.set_ids ? j->first_uid + slot : j->uid;
}

int jail_make_home(struct jail *j, unsigned slot, char **ret, struct error *err)
{
	cleanup_mem char *path = NULL;
	uint32_t id = jail_slot_uid(j, slot);

	*ret = NULL;
	if (j->own_root)
		return 0;
	path = mem_printf("%s/XXXXXX", j->scratch);
	if (!path)
		return error_set(err, ERR_NOMEM, "no memory for a box's folder");
	if (!mkdtemp(path))
		return error_set_errno(err, ERR_IO, "cannot make a box's folder in '%s'", j->scratch);
	if (j->way.set_ids && chown(path, id, id) < 0) {
		int r = error_set_errno(err, ERR_KERNEL, "cannot give folder '%s' to its slot", path);

		rmdir(path);
		return r;
	}
	*ret = mem_steal(&path);
	return 0;
}

void jail_remove_home(const char *home)
{
	if (home)
		fs_remove_tree(home, NULL);
}

const char *jail_home(const struct jail *j, const char *made)
{
	return j->own_root ? HOME_IN_ROOT : made;
}
