/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c - winnow bench: what boxes and judging cost, as ratios to a baseline of the same minute. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/bench.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"

#define ROWS_MAX 16
#define BATCHES 7

struct report {
	struct bench_row rows[ROWS_MAX];
	size_t n;
	struct sandbox_info isolation;
};

/* Keep to the first n of the processors that we may use, and our children with us. */
static int use_cores(const cpu_set_t *allowed, unsigned n, struct error *err)
{
	cpu_set_t some;
	unsigned have = 0;

	CPU_ZERO(&some);
	for (int cpu = 0; cpu < CPU_SETSIZE && have < n; cpu++) {
		if (!CPU_ISSET(cpu, allowed))
			continue;
		CPU_SET(cpu, &some);
		have++;
	}
	if (sched_setaffinity(0, sizeof(some), &some) < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot keep to %u processor%s", n, n == 1 ? "" : "s");
	return 0;
}

static int add_row(struct report *rep, struct bench_pair pair, unsigned cores, double seconds, struct error *err)
{
	int r = bench_compare(&pair, cores, BATCHES, seconds, &rep->rows[rep->n], err);

	rep->n += r == 0;
	return r;
}

static bool present(const struct language_set *set, const char *name)
{
	const struct language *l = language_find(set, name);

	return l && l->present;
}

/* All rows for so many cores.  The spawner inherits the affinity, so it is started anew. */
static int bench_cores(const struct sandbox_options *opt, const struct language_set *languages, unsigned cores,
		       double seconds, struct report *rep, struct error *err)
{
	struct bench_box *box = NULL;
	struct bench_judge *judge = NULL;
	int r = bench_box_open(opt, cores, &box, err);

	if (r < 0)
		return r;
	rep->isolation = *bench_box_info(box);
	r = add_row(rep, bench_box_pair(box), cores, seconds, err);
	bench_box_close(box);
	if (r == 0)
		r = bench_judge_open(opt, languages, cores, &judge, err);
	if (r == 0 && present(languages, "python"))
		r = add_row(rep, bench_judge_python_pair(judge), cores, seconds, err);
	if (r == 0 && present(languages, "c"))
		r = add_row(rep, bench_judge_c_pair(judge), cores, seconds, err);
	bench_judge_close(judge);
	return r;
}

/* --- answers --- */

static int say_json(const struct report *rep, double seconds, struct error *err)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < rep->n; i++)
		(void) json_array_append_new(rows, bench_row_json(&rep->rows[i]));
	return answer_json(json_pack("{s:s, s:f, s:o, s:o}", "version", winnow_version(), "seconds_per_row", seconds,
				     "isolation", isolation_json(&rep->isolation), "rows", rows),
			   err);
}

static int say_words(const struct report *rep, struct error *err)
{
	static const char *const titles[] = { "ratio",	"low",	  "high",     "what",  "cores",
					      "per s", "ms each", "compared with", "per s", "ms each" };
	cleanup_table struct table *t = NULL;
	int r = table_new(ARRAY_SIZE(titles), titles, &t, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rep->n; i++) {
		const struct bench_row *row = &rep->rows[i];

		table_number(t, "%.3f", row->ratio);
		table_number(t, "%.3f", row->ratio_low);
		table_number(t, "%.3f", row->ratio_high);
		table_text(t, row->name);
		table_number(t, "%u", row->cores);
		table_number(t, "%.1f", row->per_s);
		table_number(t, "%.2f", 1e3 * row->cores / row->per_s);
		table_text(t, row->baseline);
		table_number(t, "%.1f", row->baseline_per_s);
		table_number(t, "%.2f", 1e3 * row->cores / row->baseline_per_s);
	}
	r = table_end(t, err);
	(void) printf("\nratio: how often a second, measured / compared with; median, lowest and highest of %d batches that "
		      "alternate\nisolation: %s\n",
		      BATCHES, tier_name(rep->isolation.tier));
	return r;
}

static int bench_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct language_set languages = { 0 };
	struct sandbox_options opt;
	struct report rep = { 0 };
	double seconds = options_num(o, "seconds");
	cpu_set_t allowed;
	int r = options_expect_args(o, 0, 0, err);

	if (r == 0 && (isnan(seconds) || seconds < 0.05 || seconds > 3600))
		r = error_set(err, ERR_INPUT, "--seconds: %s is not between 0.05 and 3600", options_str(o, "seconds"));
	if (r == 0)
		r = judging_isolation(o, &opt, err);
	if (r == 0 && sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		r = error_set_errno(err, ERR_KERNEL, "cannot tell which processors may be used");
	if (r == 0)
		r = judging_languages(o, &languages, err);
	for (unsigned cores = 1; r == 0 && cores <= 2; cores++) {
		if (CPU_COUNT(&allowed) < (int)cores) {
			(void) fprintf(stderr, "winnow bench: there is one processor alone: no rows for %u\n", cores);
			break;
		}
		r = use_cores(&allowed, cores, err);
		if (r == 0)
			r = bench_cores(&opt, &languages, cores, seconds, &rep, err);
	}
	language_set_clear(&languages);
	if (r < 0)
		return r;
	return g->json ? say_json(&rep, seconds, err) : say_words(&rep, err);
}

static const struct option_spec bench_options[] = {
	{ "seconds", OPTION_NUMBER, "S", "4", "how long to measure each row", false },
	COMMON_ISOLATION_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_bench = {
	.name = "bench",
	.summary = "measure boxes and judging, each against a bare baseline in the same run",
	.usage = "",
	.description =
		"Rows: a one-shot box of /bin/true against vfork and exec of it; Python candidates judged by calls against bare "
		"starts of python3; C candidates compiled and judged by stdio against bare runs of gcc over the same text. Each "
		"on one core and on two, with as many boxes. Every program is another text, so nothing is reused.\n\n"
		"Measured and baseline slices alternate; the ratio is of neighbours, its median, lowest and highest come first. "
		"With --json one object with rows.",
	.options = bench_options,
	.main = bench_main,
};
