/* SPDX-License-Identifier: Apache-2.0 */
/* test_rank.c - order and ranks of accepted programs. */
#include "filters/rank.h"

#include "tests/unit/filters/table.h"

static struct rank_case {
	const char *name;
	double noise;
	struct rank_item items[6];
	size_t n;
	const char *order; /* ids and ranks */
} cases[] = {
	{ "rank: nothing", 0.05, { { 0 } }, 0, "" },
	{ "rank: one", 0.05, { { "a", 5, 5, 5, 0 } }, 1, "a1 " },
	{ "rank: faster first", 0.05,
	  { { "a", 300, 1, 1, 0 }, { "b", 100, 9, 9, 0 }, { "c", 200, 1, 1, 0 } }, 3, "b1 c2 a3 " },
	{ "rank: within noise they share a rank and memory decides", 0.05,
	  { { "a", 100, 2000, 1, 0 }, { "b", 104, 1000, 1, 0 }, { "c", 111, 1, 1, 0 } }, 3, "b1 a1 c3 " },
	{ "rank: then length", 0.05,
	  { { "a", 100, 1000, 30, 0 }, { "b", 101, 1010, 20, 0 }, { "c", 102, 1020, 10, 0 } }, 3,
	  "c1 b1 a1 " },
	{ "rank: then id, whatever the order of arrival", 0.05,
	  { { "d", 100, 1000, 9, 0 }, { "b", 100, 1000, 9, 0 }, { "c", 100, 1000, 9, 0 },
	    { "a", 100, 1000, 9, 0 } }, 4, "a1 b1 c1 d1 " },
	{ "rank: a chain of neighbours is no one group", 0.05,
	  { { "a", 100, 3, 1, 0 }, { "b", 104, 2, 1, 0 }, { "c", 108, 1, 1, 0 } }, 3, "b1 a1 c3 " },
	{ "rank: no noise, no sharing but of equals", 0.0,
	  { { "a", 100, 1, 1, 0 }, { "b", 101, 1, 1, 0 }, { "c", 100, 1, 1, 0 } }, 3, "a1 c1 b3 " },
	{ "rank: zero times are equal", 0.05,
	  { { "b", 0, 1, 1, 0 }, { "a", 0, 1, 1, 0 } }, 2, "a1 b1 " },
};

static void rank_one(void **state)
{
	struct rank_case *c = *state;
	char got[128] = "";

	rank_programs(c->items, c->n, c->noise);
	for (size_t i = 0; i < c->n; i++) {
		size_t at = strlen(got);

		got[at++] = c->items[i].program_id[0];
		got[at++] = (char)('0' + c->items[i].rank);
		got[at++] = ' ';
		got[at] = '\0';
	}
	assert_string_equal(got, c->order);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases)];
	size_t n = 0;

	ADD_ROWS(tests, n, cases, rank_one);
	return RUN_ADDED("rank", tests, n, NULL, NULL);
}
