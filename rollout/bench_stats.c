/* SPDX-License-Identifier: Apache-2.0 */
/* bench_stats.c - slices by turns, their medians and extremes. */
#include <assert.h>
#include <stdlib.h>

#include "rollout/bench.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	assert(n > 0);
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int bench_compare(const struct bench_pair *pair, unsigned cores, unsigned batches, double seconds,
		  struct bench_row *ret, struct error *err)
{
	double measured[BENCH_BATCHES_MAX], baseline[BENCH_BATCHES_MAX], ratio[BENCH_BATCHES_MAX];
	uint64_t slice_us = (uint64_t)(seconds * 1e6 / (2.0 * batches));
	int r;

	assert(batches > 0 && batches <= BENCH_BATCHES_MAX);
	r = pair->measure(pair->ctx, cores, slice_us / 4, &measured[0], err);
	if (r == 0)
		r = pair->measure_baseline(pair->ctx, cores, slice_us / 4, &baseline[0], err);
	for (unsigned i = 0; i < batches && r == 0; i++) {
		/* Which goes first changes by turns too. */
		if (i % 2)
			r = pair->measure(pair->ctx, cores, slice_us, &measured[i], err);
		if (r == 0)
			r = pair->measure_baseline(pair->ctx, cores, slice_us, &baseline[i], err);
		if (r == 0 && i % 2 == 0)
			r = pair->measure(pair->ctx, cores, slice_us, &measured[i], err);
		ratio[i] = r == 0 ? measured[i] / baseline[i] : 0;
	}
	if (r < 0)
		return error_prefix(err, r, "%s", pair->name);
	*ret = (struct bench_row){ .name = pair->name, .baseline = pair->baseline, .cores = cores, .batches = batches };
	ret->ratio = bench_median(ratio, batches);
	ret->ratio_low = ratio[0];
	ret->ratio_high = ratio[batches - 1];
	ret->per_s = bench_median(measured, batches);
	ret->per_s_low = measured[0];
	ret->per_s_high = measured[batches - 1];
	ret->baseline_per_s = bench_median(baseline, batches);
	ret->baseline_low = baseline[0];
	ret->baseline_high = baseline[batches - 1];
	return 0;
}

json_t *bench_row_json(const struct bench_row *row)
{
	return json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:f, s:f, s:f, s:i}", "name", row->name, "cores",
			 (int)row->cores, "ratio", row->ratio, "ratio_low", row->ratio_low, "ratio_high", row->ratio_high,
			 "per_s", row->per_s, "per_s_low", row->per_s_low, "per_s_high", row->per_s_high, "baseline",
			 row->baseline, "baseline_per_s", row->baseline_per_s, "baseline_per_s_low", row->baseline_low,
			 "baseline_per_s_high", row->baseline_high, "batches", (int)row->batches);
}
