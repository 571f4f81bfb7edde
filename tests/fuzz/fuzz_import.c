/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_import.c - any bytes as a file of tasks.
 *
 * The first byte chooses the format (or none: detected) and skip_bad, the rest
 * is the file.  What is taken is a task that parses again from its own text;
 * what is not says where.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/import_internal.h"
#include "tests/fuzz/same_task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A case file's text: whatever its name is. */
static int load(void *ctx, const char *relative, struct buf *out, struct error *err)
{
	(void)ctx;
	if (strcmp(relative, "none") == 0)
		return error_set(err, ERR_NOTFOUND, "no such file");
	buf_adds(out, relative);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const formats[] = { NULL, "native", "humaneval", "mbpp" };
	struct import_options opt = { 0 };
	struct import_result result = { 0 };
	const struct import_file file = { .name = "fuzz", .load = load };
	cleanup_json json_t *ids = json_object();
	struct import_state st = { .opt = &opt, .ret = &result, .ids = ids };
	struct error err = ERROR_INIT;
	int r;

	if (!n)
		return 0;
	opt.skip_bad = data[0] & 4;
	r = import_text(&st, formats[data[0] & 3], &file, data + 1, n - 1, NULL, &err);
	if (r < 0)
		must(r == err.code && strstr(err.msg, "fuzz"));
	for (size_t i = 0; i < result.n; i++)
		must_parse_again(result.tasks[i]);
	for (size_t i = 0; i < result.n_left; i++)
		must(strstr(result.left[i], "fuzz:") != NULL);
	import_result_clear(&result);
	return 0;
}
