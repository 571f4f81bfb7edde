/* SPDX-License-Identifier: Apache-2.0 */
/* box_job.c - a box_spec and the jail as one memfd that init reads (init/job.c). */
#include "sandbox/spawner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "core/mem.h"
#include "core/pack.h"
#include "core/str.h"

#define NPROC_SLACK 4
#define MAPPING_SLACK_BYTES (UINT64_C(32) << 20) /* libraries, arenas: address space that holds no data */
#define STACK_MIN_BYTES (UINT64_C(64) << 20)
#define STACK_MAX_BYTES (UINT64_C(256) << 20)
#define STACKS_MAX_BYTES (UINT64_C(8) << 30) /* of threads: address space, of which little is touched */
#define MAX_DESCRIPTORS 256
#define LOCKED_BYTES 65536

static void pack_strings(struct buf *b, const char *const *list)
{
	uint32_t n = 0;

	while (list && list[n])
		n++;
	pack_u32(b, n);
	for (uint32_t i = 0; i < n; i++)
		pack_str(b, list[i]);
}

static bool has_variable(const char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return true;
	return false;
}

/* The spec's variables, and where home and the temporary folder are, which
 * only the jail knows. */
static void pack_environment(struct buf *b, const struct box_spec *spec, const char *home)
{
	static const char *const standard[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL };
	const char *const *envp = spec->envp ? spec->envp : standard;
	bool add_home = !has_variable(envp, "HOME"), add_tmp = !has_variable(envp, "TMPDIR");
	uint32_t n = 0;
	char text[4096];

	while (envp[n])
		n++;
	pack_u32(b, n + add_home + add_tmp);
	for (uint32_t i = 0; i < n; i++)
		pack_str(b, envp[i]);
	if (add_home) {
		snprintf(text, sizeof(text), "HOME=%s/work", home);
		pack_str(b, text);
	}
	if (add_tmp) {
		snprintf(text, sizeof(text), "TMPDIR=%s/tmp", home);
		pack_str(b, text);
	}
}

static void pack_mounts(struct buf *b, const struct jail *jail, const struct box_spec *spec)
{
	uint32_t n_extra = 0;

	while (spec->read_only && spec->read_only[n_extra])
		n_extra++;
	if (!jail->own_root) {
		pack_u32(b, 0);
		return;
	}
	pack_u32(b, n_extra + (uint32_t)jail->n_mounts);
	/* The spec's first: what is inside a folder of the jail is covered by it,
	 * and one below /tmp makes that a plain folder. */
	for (uint32_t i = 0; i < n_extra; i++) {
		pack_u8(b, JOB_MOUNT_READ_ONLY);
		pack_str(b, spec->read_only[i]);
		pack_str(b, spec->read_only[i]);
	}
	for (size_t i = 0; i < jail->n_mounts; i++) {
		pack_u8(b, jail->mounts[i].kind);
		pack_str(b, jail->mounts[i].source);
		pack_str(b, jail->mounts[i].target);
	}
}

static void pack_rules(struct buf *b, const struct jail *jail, const struct box_spec *spec, const char *home)
{
	uint32_t n_extra = 0, n = 0;
	bool held = jail->handled.fs && spec->phase != BOX_WARM;

	while (spec->read_only && spec->read_only[n_extra])
		n_extra++;
	pack_u64(b, held ? jail->handled.fs : 0);
	pack_u64(b, held ? jail->handled.net : 0);
	pack_u64(b, held ? jail->handled.scoped : 0);
	if (!held) {
		pack_u32(b, 0);
		return;
	}
	for (size_t i = 0; i < jail->n_mounts; i++)
		n += jail->mounts[i].kind != JOB_MOUNT_SYMLINK;
	pack_u32(b, n + n_extra + 1 + spec->needs_proc);
	for (size_t i = 0; i < jail->n_mounts; i++) {
		if (jail->mounts[i].kind == JOB_MOUNT_SYMLINK)
			continue;
		pack_u64(b, jail->mounts[i].kind == JOB_MOUNT_DEVICE ? LANDLOCK_FS_DEVICE : LANDLOCK_FS_READ_ONLY);
		pack_str(b, jail->mounts[i].target);
	}
	for (uint32_t i = 0; i < n_extra; i++) {
		pack_u64(b, LANDLOCK_FS_READ_ONLY);
		pack_str(b, spec->read_only[i]);
	}
	if (spec->needs_proc) {
		pack_u64(b, LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR);
		pack_str(b, "/proc");
	}
	/* All but device nodes and sockets of its own. */
	pack_u64(b, ~(LANDLOCK_FS_IOCTL_DEV | 1ull << 6 /* MAKE_CHAR */ | 1ull << 9 /* MAKE_SOCK */ |
		      1ull << 11 /* MAKE_BLOCK */));
	pack_str(b, home);
}

/* The spawner's exact clock must come first.  This limit is counted in whole
 * ticks, each charged to whoever is met: on a machine shared with others it may
 * be ahead of the exact time by some tenths. */
static uint64_t cpu_backstop_s(uint64_t cpu_us)
{
	return (cpu_us + cpu_us / 2 + 999999) / 1000000 + 1;
}

static void pack_limits(struct buf *b, const struct jail *jail, const struct box_spec *spec)
{
	uint64_t memory = spec->memory_bytes, stack = memory / 8, stacks = 0;
	struct { uint32_t resource; uint64_t value; } limits[JOB_MAX_LIMITS];
	uint32_t n = 0;
	if (spec->phase == BOX_WARM) {
		/* The deepest stack that any run may have: where mappings begin is settled at its start. */
		pack_u32(b, 1);
		pack_u32(b, RLIMIT_STACK);
		pack_u64(b, STACK_MAX_BYTES);
		return;
	}
#define LIMIT(r, v)                        \
	do {                               \
		limits[n].resource = (r);  \
		limits[n++].value = (v);   \
	} while (0)

	if (stack < STACK_MIN_BYTES)
		stack = STACK_MIN_BYTES;
	if (stack > STACK_MAX_BYTES)
		stack = STACK_MAX_BYTES;
	if (stack > memory)
		stack = memory;
	if (spec->stack_bytes)
		stack = spec->stack_bytes;
	LIMIT(RLIMIT_CORE, 0);
	LIMIT(RLIMIT_CPU, cpu_backstop_s(spec->cpu_us));
	LIMIT(RLIMIT_FSIZE, spec->file_bytes);
	LIMIT(RLIMIT_NOFILE, MAX_DESCRIPTORS);
	LIMIT(RLIMIT_STACK, stack);
	LIMIT(RLIMIT_MEMLOCK, LOCKED_BYTES);
	LIMIT(RLIMIT_MSGQUEUE, 0);
	LIMIT(RLIMIT_SIGPENDING, 1024);
	/* Each thread reserves as much stack as the main one may have.  What is really used is watched
	 * (box_watch.c); where it can't be, this is the limit. */
	if (spec->phase == BOX_RUN && spec->processes > 1 && box_watch_works()) {
		stacks = stack * spec->processes;
		if (stacks > STACKS_MAX_BYTES)
			stacks = STACKS_MAX_BYTES;
	}
	LIMIT(spec->memory == BOX_MEMORY_DATA ? RLIMIT_DATA : RLIMIT_AS, memory + MAPPING_SLACK_BYTES + stacks);
	/* Counts all of a user id: it means something where the box has its own.
	 * In a user namespace init is counted as well, and under an id of the slot's what
	 * the run before left dead but not yet reaped: hence the few more. */
	if (spec->processes && (jail->way.set_ids || jail->way.user_namespace))
		LIMIT(RLIMIT_NPROC, spec->processes + NPROC_SLACK);
#undef LIMIT
	pack_u32(b, n);
	for (uint32_t i = 0; i < n; i++) {
		pack_u32(b, limits[i].resource);
		pack_u64(b, limits[i].value);
	}
}

/* Lengths and offsets: data lies behind the header in the order of the list. */
static int pack_files(struct buf *b, const struct box_spec *spec, struct error *err)
{
	uint64_t offset = 0;

	pack_u32(b, (uint32_t)spec->n_files);
	for (size_t i = 0; i < spec->n_files; i++) {
		const struct box_file *f = &spec->files[i];
		bool from_fd = !f->data && f->fd >= 0;
		struct stat st = { 0 };

		if (!f->name || f->name[0] == '/' || !f->name[0] || strstr(f->name, ".."))
			return error_set(err, ERR_INPUT, "file name '%s' is not inside the working folder",
					 f->name ? f->name : "");
		if (from_fd && fstat(f->fd, &st) < 0)
			return error_set_errno(err, ERR_IO, "cannot look at the descriptor of file '%s'", f->name);
		pack_str(b, f->name);
		pack_u8(b, f->executable);
		pack_u8(b, from_fd);
		pack_u64(b, from_fd ? 0 : offset);
		pack_u64(b, from_fd ? (uint64_t)st.st_size : f->len);
		if (!from_fd)
			offset += f->len;
	}
	return 0;
}

static int write_all(int fd, const void *data, size_t n, struct error *err)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return error_set_errno(err, ERR_IO, "cannot write the job of a box");
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static void pack_table(struct buf *b, const struct buf *table)
{
	pack_bytes(b, table ? table->data : NULL, table ? table->len : 0);
}

int box_job_write(const struct spawner *sp, const struct box_spec *spec, unsigned slot, const char *made_home,
		  struct error *err)
{
	const struct jail *jail = &sp->jail;
	const char *home = jail_home(jail, made_home);
	cleanup_buf struct buf b;
	cleanup_fd int fd = -1;
	bool runner = spec->phase == BOX_WARM;
	uint32_t n, flags = 0;
	int r;

	buf_init(&b, JOB_MAX_HEADER);
	if (jail->own_root)
		flags |= JOB_NEW_ROOT;
	if (jail->pid_namespace)
		flags |= JOB_PID_NAMESPACE;
	if (jail->way.set_ids && !runner)
		flags |= JOB_SET_IDS;
	if (runner)
		flags |= JOB_RUNNER;
	if (spec->channel)
		flags |= JOB_CHANNEL;
	if (box_hears(sp, spec))
		flags |= JOB_LISTEN;
	if (spec->needs_proc || (spec->finds_itself && jail->own_root))
		flags |= JOB_PROC;
	pack_u32(&b, JOB_MAGIC);
	pack_u32(&b, flags);
	pack_u32(&b, runner ? jail->uid : jail_slot_uid(jail, slot));
	pack_u32(&b, jail->way.set_ids && !runner ? jail_slot_uid(jail, slot) : jail->gid);
	pack_str(&b, jail->stage);
	pack_str(&b, home);
	pack_u64(&b, spec->file_bytes);
	pack_mounts(&b, jail, spec);
	pack_limits(&b, jail, spec);
	pack_rules(&b, jail, spec, home);
	/* A runner is trusted, and a domain of Landlock may build no mounts. */
	pack_table(&b, runner ? NULL : flags & JOB_LISTEN ? &jail->heard : &jail->programs[spec->phase]);
	pack_table(&b, flags & JOB_LISTEN ? &jail->listener : NULL);
	pack_strings(&b, spec->argv);
	pack_environment(&b, spec, home);
	r = pack_files(&b, spec, err);
	if (r < 0)
		return r;
	pack_str(&b, spec->collect);
	pack_u64(&b, spec->collect_max);
	r = buf_check(&b, "description of a box", err);
	if (r < 0)
		return r;
	fd = memfd_create("job", MFD_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot make the memfd of a box's job");
	n = (uint32_t)b.len;
	r = write_all(fd, &n, sizeof(n), err);
	if (r == 0)
		r = write_all(fd, b.data, b.len, err);
	for (size_t i = 0; i < spec->n_files && r == 0; i++)
		if (spec->files[i].data || spec->files[i].fd < 0)
			r = write_all(fd, spec->files[i].data, spec->files[i].len, err);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, ERR_IO, "cannot rewind the job of a box");
	return fd_steal(&fd);
}
