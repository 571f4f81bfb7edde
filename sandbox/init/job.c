/* SPDX-License-Identifier: Apache-2.0 */
/* job.c - read the job that the spawner wrote.  It is trusted; bad bytes mean a mistake of ours. */
#include "sandbox/init/init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "core/pack.h"

static uint8_t header[JOB_MAX_HEADER];
static struct sock_filter filter[BPF_MAXINSNS], listener[BPF_MAXINSNS];

static void read_exactly(void *to, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t r = read(INIT_FD_JOB, (char *)to + at, n - at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			if (r == 0)
				errno = EIO;
			init_fail("read the job", NULL);
		}
		at += (size_t)r;
	}
}

static size_t count(struct unpack *u, size_t max)
{
	uint32_t n = unpack_u32(u);

	if (u->bad || n > max) {
		errno = E2BIG;
		init_fail("read the job", "too many items");
	}
	return n;
}

static void read_strings(struct unpack *u, const char **ret)
{
	size_t n = count(u, JOB_MAX_ARGS);

	for (size_t i = 0; i < n; i++)
		ret[i] = unpack_str(u);
	ret[n] = NULL;
}

static void read_table(struct unpack *u, struct sock_filter room[BPF_MAXINSNS], struct sock_fprog *ret)
{
	size_t n;
	const void *table = unpack_bytes(u, &n);

	if (u->bad || n > BPF_MAXINSNS * sizeof(*room)) {
		errno = E2BIG;
		init_fail("read the job", "system call table");
	}
	memcpy(room, table, n);
	ret->filter = room;
	ret->len = (unsigned short)(n / sizeof(*room));
}

void job_read(struct job *j)
{
	uint32_t len;
	struct unpack u;

	read_exactly(&len, sizeof(len));
	if (len > sizeof(header)) {
		errno = E2BIG;
		init_fail("read the job", "header");
	}
	read_exactly(header, len);
	unpack_init(&u, header, len);
	if (unpack_u32(&u) != JOB_MAGIC) {
		errno = EPROTO;
		init_fail("read the job", "magic");
	}
	j->flags = unpack_u32(&u);
	j->uid = unpack_u32(&u);
	j->gid = unpack_u32(&u);
	j->stage = unpack_str(&u);
	j->home = unpack_str(&u);
	j->file_bytes = unpack_u64(&u);
	j->n_mounts = count(&u, JOB_MAX_MOUNTS);
	for (size_t i = 0; i < j->n_mounts; i++) {
		j->mounts[i].kind = unpack_u8(&u);
		j->mounts[i].source = unpack_str(&u);
		j->mounts[i].target = unpack_str(&u);
	}
	j->n_limits = count(&u, JOB_MAX_LIMITS);
	for (size_t i = 0; i < j->n_limits; i++) {
		j->limits[i].resource = (int)unpack_u32(&u);
		j->limits[i].value = unpack_u64(&u);
	}
	j->landlock_fs = unpack_u64(&u);
	j->landlock_net = unpack_u64(&u);
	j->landlock_scoped = unpack_u64(&u);
	j->n_rules = count(&u, JOB_MAX_RULES);
	for (size_t i = 0; i < j->n_rules; i++) {
		j->rules[i].access = unpack_u64(&u);
		j->rules[i].path = unpack_str(&u);
	}
	read_table(&u, filter, &j->program);
	read_table(&u, listener, &j->listener);
	read_strings(&u, j->argv);
	read_strings(&u, j->envp);
	j->n_files = count(&u, JOB_MAX_FILES);
	for (size_t i = 0; i < j->n_files; i++) {
		j->files[i].name = unpack_str(&u);
		j->files[i].executable = unpack_u8(&u) != 0;
		j->files[i].from_fd = unpack_u8(&u) != 0;
		j->files[i].offset = sizeof(len) + len + unpack_u64(&u);
		j->files[i].len = unpack_u64(&u);
		if (j->files[i].from_fd)
			j->files[i].offset = 0;
	}
	j->collect = unpack_str(&u);
	j->collect_max = unpack_u64(&u);
	if (!unpack_done(&u) || !j->argv[0]) {
		errno = EPROTO;
		init_fail("read the job", "its end");
	}
}
