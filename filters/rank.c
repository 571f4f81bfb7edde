/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank.c - order accepted programs.
 *
 * "Within 5 % of each other" is no order (a ~ b and b ~ c do not make a ~ c), so a sort may not
 * compare by it.  Instead: sort by time, cut the row into groups, each of what lies within the
 * noise of the group's fastest; inside a group the same by memory; then length, then id.
 */
#include "filters/rank.h"

#include <stdlib.h>
#include <string.h>

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_id(const struct rank_item *a, const struct rank_item *b)
{
	return strcmp(a->program_id ? a->program_id : "", b->program_id ? b->program_id : "");
}

static int by_cpu(const void *x, const void *y)
{
	const struct rank_item *a = x, *b = y;
	int c = compare_u64(a->cpu_us, b->cpu_us);

	return c ? c : compare_id(a, b);
}

static int by_memory(const void *x, const void *y)
{
	const struct rank_item *a = x, *b = y;
	int c = compare_u64(a->memory_bytes, b->memory_bytes);

	return c ? c : compare_id(a, b);
}

static int by_length(const void *x, const void *y)
{
	const struct rank_item *a = x, *b = y;
	int c = compare_u64(a->program_len, b->program_len);

	return c ? c : compare_id(a, b);
}

static uint64_t cpu_of(const struct rank_item *i)
{
	return i->cpu_us;
}

static uint64_t memory_of(const struct rank_item *i)
{
	return i->memory_bytes;
}

/* How many of the sorted items are within the noise of the first. */
static size_t group_length(const struct rank_item *items, size_t n, double noise_ratio,
			   uint64_t (*key)(const struct rank_item *))
{
	double most = (double)key(&items[0]) * (1.0 + noise_ratio);
	size_t len = 1;

	while (len < n && (double)key(&items[len]) <= most)
		len++;
	return len;
}

void rank_programs(struct rank_item *items, size_t n, double noise_ratio)
{
	if (!n)
		return;
	if (noise_ratio < 0)
		noise_ratio = 0;
	qsort(items, n, sizeof(*items), by_cpu);
	for (size_t at = 0, len; at < n; at += len) {
		len = group_length(items + at, n - at, noise_ratio, cpu_of);
		for (size_t i = at; i < at + len; i++)
			items[i].rank = (unsigned)at + 1;
		qsort(items + at, len, sizeof(*items), by_memory);
		for (size_t k = at, part; k < at + len; k += part) {
			part = group_length(items + k, at + len - k, noise_ratio, memory_of);
			qsort(items + k, part, sizeof(*items), by_length);
		}
	}
}
