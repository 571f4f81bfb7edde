/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - the parts of winnow bench: something measured, beside its baseline, in one run.
 *
 * A bench does its thing `parallel` times at once for a slice of time and says
 * how often it was done a second.  Slices of the measured and of the baseline
 * alternate, so that what slows the machine slows both; the ratio is of two
 * neighbours, and the median of several ratios is what counts.
 */
#ifndef WINNOW_ROLLOUT_BENCH_H
#define WINNOW_ROLLOUT_BENCH_H

#include <stdint.h>
#include "core/error.h"
#include "core/json.h"
#include "sandbox/language.h"
#include "sandbox/sandbox.h"

#define BENCH_BATCHES_MAX 64

typedef int bench_slice_fn(void *ctx, unsigned parallel, uint64_t slice_us, double *ret_per_s, struct error *err);

struct bench_pair {
	const char *name, *baseline; /* what is measured, and what it is compared with */
	bench_slice_fn *measure, *measure_baseline;
	void *ctx;
};
struct bench_row {
	const char *name, *baseline;
	unsigned cores, batches;
	double ratio, ratio_low, ratio_high;          /* measured / baseline, median and extremes */
	double per_s, per_s_low, per_s_high;
	double baseline_per_s, baseline_low, baseline_high;
};
/* Alternate slices for about seconds in all (after one short warm-up of each). */
int bench_compare(const struct bench_pair *pair, unsigned cores, unsigned batches, double seconds,
		  struct bench_row *ret, struct error *err);
json_t *bench_row_json(const struct bench_row *row);

/* The middle of n > 0 values, which get sorted. */
double bench_median(double *values, size_t n);

/* --- /bin/true in a one-shot box, against vfork and exec of it (bench_box.c) --- */
struct bench_box;
int bench_box_open(const struct sandbox_options *opt, unsigned slots, struct bench_box **ret, struct error *err);
void bench_box_close(struct bench_box *b);
const struct sandbox_info *bench_box_info(const struct bench_box *b);
struct bench_pair bench_box_pair(struct bench_box *b);

/* --- candidates judged, against what their language costs bare (bench_judge.c) --- */
struct bench_judge;
int bench_judge_open(const struct sandbox_options *opt, const struct language_set *languages, unsigned slots,
		     struct bench_judge **ret, struct error *err);
void bench_judge_close(struct bench_judge *b);
struct bench_pair bench_judge_python_pair(struct bench_judge *b);
struct bench_pair bench_judge_c_pair(struct bench_judge *b);

#endif
