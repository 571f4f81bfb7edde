/* SPDX-License-Identifier: Apache-2.0 */
/* test_hidden.c - what tells memory that is counted nowhere, from a /proc of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>
#include "core/fs.h"
#include "core/mem.h"
#include "sandbox/hidden.h"

#define MIB (UINT64_C(1) << 20)
#define SHARED(inode) "7f0000000000-7f0000001000 rw-s 00000000 00:01 " inode "   /dev/zero (deleted)\n"
#define OTHER "7f0000000000-7f0000001000 r--p 00000000 08:01 77   /usr/lib/libc.so.6\n7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n"

static char proc[] = "/tmp/hidden-test-XXXXXX";

static void put(const char *name, const char *text)
{
	cleanup_mem char *path = mem_printf("%s/%s", proc, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	cleanup_mem char *dir = NULL;

	(void)state;
	if (!mkdtemp(proc))
		return -1;
	dir = mem_printf("%s/5", proc);
	return mkdir(dir, 0700);
}

static int teardown(void **state)
{
	(void)state;
	return fs_remove_tree(proc, NULL);
}

static struct row {
	const char *name;
	unsigned faults;          /* of 4 KiB */
	uint64_t resident, limit; /* MiB */
	unsigned shared_kib;      /* of the host */
	const char *maps;
	bool hidden;
} rows[] = {
	{ "three mappings, much faulted in", 300000, 1, 256, 1 << 20, OTHER SHARED("1") OTHER SHARED("2") SHARED("3"), true },
	{ "two mappings", 300000, 1, 256, 1 << 20, SHARED("1") SHARED("2") OTHER, false },
	{ "one mapping in three parts", 300000, 1, 256, 1 << 20, SHARED("1") SHARED("1") SHARED("1"), false },
	{ "nothing of its own is shared", 300000, 1, 256, 1 << 20, OTHER OTHER OTHER OTHER, false },
	{ "nothing of the host is shared", 300000, 1, 256, 1 << 10, SHARED("1") SHARED("2") SHARED("3"), false },
	{ "little was faulted in", 120000, 1, 256, 1 << 20, SHARED("1") SHARED("2") SHARED("3"), false },
	{ "much is resident", 300000, 700, 256, 1 << 20, SHARED("1") SHARED("2") SHARED("3"), false },
	{ "no such process", 0, 1, 256, 1 << 20, NULL, false },
};

static void test_row(void **state)
{
	const struct row *r = *state;
	cleanup_mem char *stat = mem_printf("5 (a) b) (c) R 1 5 5 0 -1 4194304 %u 9 9 9 1 1\n", r->faults);
	cleanup_mem char *meminfo = mem_printf("MemTotal: 9 kB\nShmemHugePages: 99999999 kB\nShmem:   %u kB\n", r->shared_kib);
	uint64_t due = 0;

	put("5/stat", r->faults ? stat : "");
	put("meminfo", meminfo);
	put("5/maps", r->maps ? r->maps : "");
	assert_int_equal(hidden_memory(proc, 5, r->resident * MIB, r->limit * MIB, &due), r->hidden);
}

static void looks_again_only_when_more_was_faulted_in(void **state)
{
	uint64_t due = 0;

	(void)state;
	put("5/stat", "5 (a) R 1 5 5 0 -1 4194304 300000 9 9 9 1 1\n");
	put("meminfo", "MemTotal: 9 kB\nShmem: 1048576 kB\n");
	put("5/maps", OTHER);
	assert_false(hidden_memory(proc, 5, MIB, 256 * MIB, &due));
	assert_true(due > 300000u * UINT64_C(4096));
	put("5/maps", SHARED("1") SHARED("2") SHARED("3"));
	assert_false(hidden_memory(proc, 5, MIB, 256 * MIB, &due));
	put("5/stat", "5 (a) R 1 5 5 0 -1 4194304 400000 9 9 9 1 1\n");
	assert_true(hidden_memory(proc, 5, MIB, 256 * MIB, &due));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, &rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(looks_again_only_when_more_was_faulted_in);
	return _cmocka_run_group_tests("hidden", tests, n, setup, teardown);
}
