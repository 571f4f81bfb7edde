/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_icpc.c - any bytes as an ICPC problem package.
 *
 * Texts divided by NUL: problem.yaml, .timelimit, the statement, then inputs and answers of
 * a sample and a secret case.  What is taken is a task that parses again from its own text; what is
 * not has words that name the package.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/mem.h"
#include "store/import_internal.h"
#include "tests/fuzz/same_task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char folder[64];

static void make_folder(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	must(mkdir(path, 0700) == 0);
}

static void leave(void)
{
	(void) fs_remove_tree(folder, NULL);
}

static void make_folders(void)
{
	static const char *const names[] = { "package", "package/data", "package/data/sample", "package/data/secret",
					     "package/problem_statement" };

	strcpy(folder, "/tmp/winnow-fuzz-XXXXXX");
	must(mkdtemp(folder) != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		make_folder(names[i]);
	atexit(leave);
}

static void put(const char *name, const uint8_t *text, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/package/%s", folder, name);
	f = fopen(path, "w");
	must(f && fwrite(text, 1, n, f) == n && fclose(f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "problem.yaml", ".timelimit", "problem_statement/problem.en.tex",
					     "data/sample/1.in", "data/sample/1.ans", "data/secret/2.in",
					     "data/secret/2.ans" };
	const struct import_options opt = { 0 };
	struct import_result result = { 0 };
	cleanup_json json_t *ids = json_object();
	struct import_state st = { .opt = &opt, .ret = &result, .ids = ids };
	struct error err = ERROR_INIT;
	const uint8_t *end = data + n;
	char path[128];
	int r;

	if (!folder[0])
		make_folders();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const uint8_t *stop = data < end ? memchr(data, 0, (size_t)(end - data)) : NULL;

		if (!stop)
			stop = end;
		put(names[i], data, (size_t)(stop - data));
		data = stop < end ? stop + 1 : end;
	}
	snprintf(path, sizeof(path), "%s/package", folder);
	must(import_icpc_found(path));
	r = import_icpc(&st, path, &err);
	if (r < 0)
		must(r == err.code && strstr(err.msg, "package"));
	for (size_t i = 0; i < result.n; i++)
		must_parse_again(result.tasks[i]);
	import_result_clear(&result);
	return 0;
}
