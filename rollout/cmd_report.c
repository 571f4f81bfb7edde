/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - winnow report: the store as one page. */
#include <stdio.h>

#include "core/fs.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"
#include "rollout/report.h"

#define REPORT_MAX_BYTES ((size_t)64 << 20)

static int make(const struct globals *g, struct buf *page, struct error *err)
{
	cleanup_json json_t *data = NULL;
	struct store *s = NULL;
	int r = store_open(g->store, STORE_READ, 0, "winnow report", &s, err);

	if (r == 0)
		r = report_data(s, &data, err);
	store_close(s);
	return r < 0 ? r : report_page(data, page, err);
}

static int report_main(const struct globals *g, const struct options *o, struct error *err)
{
	const char *out = options_str(o, "out");
	cleanup_buf struct buf page;
	int r = options_expect_args(o, 0, 0, err);

	buf_init(&page, REPORT_MAX_BYTES);
	if (r == 0 && !str_eq(out, "-"))
		r = check_writable(out, "--out", err);
	if (r == 0)
		r = make(g, &page, err);
	if (r < 0)
		return r;
	if (str_eq(out, "-")) {
		(void) fwrite(page.data, 1, page.len, stdout);
		return EXIT_DONE;
	}
	r = fs_write_file(out, page.data, page.len, err);
	if (r < 0)
		return r;
	if (g->json)
		return answer_json(json_pack("{s:s, s:I}", "path", out, "bytes", (json_int_t)page.len), err);
	(void) printf("%s: %zu bytes\n", out, page.len);
	return EXIT_DONE;
}

static const struct option_spec report_options[] = {
	{ "out", OPTION_STRING, "FILE.html", "report.html", "where the page goes; - for standard output", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_report = {
	.name = "report",
	.summary = "write the store as one self-contained HTML page",
	.usage = "",
	.description =
		"Funnel, pass@k curves, distributions of reward, time and memory, pass rate by run and policy version, "
		"translations, speedups, tasks by difficulty, and programs worth a look with their texts and verdicts. The page "
		"loads nothing from elsewhere, needs no server, and can be used by keyboard.\n\n"
		"Its figures are aggregates, so that its size does not grow with the number of samples. Reading does not disturb "
		"a run that is writing to the store.",
	.options = report_options,
	.main = report_main,
};
