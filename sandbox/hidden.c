/* SPDX-License-Identifier: Apache-2.0 */
/* hidden.c - memory that a process holds and that is counted nowhere. */
#include "sandbox/hidden.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/mem.h"

#define OBJECTS_PLAIN 2 /* shared anonymous mappings that a program may have without a word */
#define MAPS_MAX (256u << 10)
#define SHARED_ANONYMOUS "/dev/zero (deleted)"

/* The beginning of a file of proc; what there is of it, and a zero. */
static size_t read_some(const char *path, char *text, size_t n)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t got = 1;

	while (fd >= 0 && have + 1 < n && got > 0) {
		got = read(fd, text + have, n - 1 - have);
		if (got > 0)
			have += (size_t)got;
	}
	text[have] = '\0';
	return have;
}

static uint64_t faulted_bytes(const char *proc, pid_t pid)
{
	char path[64], text[1024];
	const char *at;
	uint64_t faults;

	(void) snprintf(path, sizeof(path), "%s/%d/stat", proc, (int)pid);
	read_some(path, text, sizeof(text));
	at = strrchr(text, ')'); /* the name of the program may hold any */
	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %" SCNu64, &faults) != 1)
		return 0;
	return faults * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t shared_bytes_of_host(const char *proc)
{
	char path[64], text[4096];
	const char *at;

	(void) snprintf(path, sizeof(path), "%s/meminfo", proc);
	read_some(path, text, sizeof(text));
	at = strstr(text, "\nShmem:");
	return at ? strtoull(at + strlen("\nShmem:"), NULL, 10) << 10 : 0;
}

/* Whether more than OBJECTS_PLAIN different ones are mapped; a list too long to be read is one of many. */
static bool many_shared_mappings(const char *proc, pid_t pid)
{
	cleanup_mem char *text = mem_alloc(MAPS_MAX);
	uint64_t seen[OBJECTS_PLAIN];
	unsigned n = 0;
	char path[64], *rest;

	if (!text)
		return false;
	(void) snprintf(path, sizeof(path), "%s/%d/maps", proc, (int)pid);
	if (read_some(path, text, MAPS_MAX) + 1 == MAPS_MAX)
		return true;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t inode;
		bool known = false;

		if (!strstr(line, SHARED_ANONYMOUS) || sscanf(line, "%*s %*s %*s %*s %" SCNu64, &inode) != 1)
			continue;
		for (unsigned i = 0; i < n; i++)
			known |= seen[i] == inode;
		if (!known && n == OBJECTS_PLAIN)
			return true;
		if (!known)
			seen[n++] = inode;
	}
	return false;
}

bool hidden_memory(const char *proc, pid_t pid, uint64_t resident, uint64_t limit, uint64_t *due)
{
	uint64_t faulted = faulted_bytes(proc, pid);

	if (faulted < *due || faulted <= resident || faulted - resident <= 2 * limit)
		return false;
	if (shared_bytes_of_host(proc) > limit && many_shared_mappings(proc, pid))
		return true;
	*due = faulted + limit / 2; /* not at every look of a busy program */
	return false;
}
