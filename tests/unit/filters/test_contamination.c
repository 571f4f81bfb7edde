/* SPDX-License-Identifier: Apache-2.0 */
/* test_contamination.c - shared runs of words, through what a rewriting changes. */
#include "filters/contamination.h"

#include <stdio.h>

#include "tests/unit/filters/table.h"

#define NEAR                                                                                              \
	"from typing import List\n\n\ndef near_pair(values: List[float], limit: float) -> bool:\n"        \
	"    \"\"\" Tell whether some two of the values lie nearer to each other than the limit allows.\n" \
	"    >>> near_pair([1.0, 2.0], 0.5)\n    False\n    \"\"\"\n"
#define SIGNATURE "from typing import List, Tuple, Optional\n\n\ndef other(a: List[int], b: Tuple[int, int]) -> Optional[int]:\n"

static struct find_case {
	const char *name, *text;
	int found;
	bool in_long;
} cases[] = {
	{ "contamination: the item itself", NEAR, 1, true },
	{ "contamination: another case and spacing",
	  "TELL   WHETHER some\ttwo of the\n\nvalues lie Nearer to each OTHER than the limit allows!", 1, true },
	{ "contamination: other names",
	  "def close(xs: list, eps: float):\n    '''Tell whether some two of the xs lie nearer to each other than the eps "
	  "allows.\n    >>> close([1.0, 2.0], 0.5)\n    '''\n", 1, true },
	{ "contamination: seven words in a row", "This is nearer to each other than the limit, says the rule", 0, false },
	{ "contamination: a run of eight within another text",
	  "Sort the points. Two points lie nearer to each other than their weight allows in the end.", 0, false },
	{ "contamination: eight of the item's words in a row",
	  "Tell me, please: whether some two of the values lie nearer is what I ask.", 1, false },
	{ "contamination: a signature says nothing", SIGNATURE, 0, false },
	{ "contamination: another task", "Return the reverse of every word that begins with a capital letter in the text.", 0, false },
	{ "contamination: nothing", "", 0, false },
};

static struct contamination *index_of(void)
{
	struct contamination *c = contamination_new();
	bool usable;

	assert_non_null(c);
	assert_int_equal(contamination_add(c, "set", "signature", SIGNATURE, &usable, NULL), 0);
	assert_false(usable);
	assert_int_equal(contamination_add(c, "set", "near", NEAR, &usable, NULL), 0);
	assert_true(usable);
	assert_int_equal(contamination_add(c, "set", "short", "Add two numbers.", &usable, NULL), 0);
	assert_false(usable);
	return c;
}

static void find_one(void **state)
{
	const struct find_case *c = *state;
	struct contamination *index = index_of();
	struct contamination_hit hit;

	assert_int_equal(contamination_find(index, c->text, &hit, NULL), c->found);
	if (c->found) {
		assert_string_equal(hit.item, "near");
		assert_string_equal(hit.set, "set");
		assert_int_equal(hit.items, 1);
		assert_true(hit.shared_short > 0);
		assert_int_equal(hit.shared_long > 0, c->in_long);
	}
	contamination_free(index);
}

static void the_item_that_shares_most_is_named(void **state)
{
	struct contamination *c = contamination_new();
	struct contamination_hit hit;
	bool usable;

	(void)state;
	assert_non_null(c);
	assert_int_equal(contamination_add(c, "one", "part", "values lie nearer to each other than the limit permits", &usable, NULL), 0);
	assert_int_equal(contamination_add(c, "two", "whole", NEAR, &usable, NULL), 0);
	assert_int_equal(contamination_find(c, NEAR, &hit, NULL), 1);
	assert_string_equal(hit.set, "two");
	assert_string_equal(hit.item, "whole");
	assert_int_equal(hit.items, 2);
	contamination_free(c);
}

/* What stands in every item of a set is its form, not its content. */
static void a_phrase_of_many_items_says_nothing(void **state)
{
	static const char phrase[] = "Please read the following exercise carefully before answering with working code";
	struct contamination *c = contamination_new();
	struct contamination_hit hit;
	char id[16];
	bool usable;

	(void)state;
	assert_non_null(c);
	for (int i = 0; i < 11; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(contamination_add(c, "set", id, phrase, &usable, NULL), 0);
		if (i == 9)
			assert_int_equal(contamination_find(c, phrase, &hit, NULL), 1);
	}
	assert_int_equal(contamination_find(c, phrase, &hit, NULL), 0);
	contamination_free(c);
}

static void no_memory_is_told(void **state)
{
	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct contamination_hit hit;
		struct contamination *c;
		bool usable;
		int r;

		mem_fault_at(nth);
		c = contamination_new();
		r = c ? contamination_add(c, "set", "near", NEAR, &usable, NULL) : ERR_NOMEM;
		if (r == 0)
			r = contamination_find(c, NEAR, &hit, NULL);
		contamination_free(c);
		if (!mem_fault_fired()) {
			mem_fault_at(0);
			assert_int_equal(r, 1);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases) + 3];
	size_t n = 0;

	ADD_ROWS(tests, n, cases, find_one);
	ADD_TEST(tests, n, the_item_that_shares_most_is_named);
	ADD_TEST(tests, n, a_phrase_of_many_items_says_nothing);
	ADD_TEST(tests, n, no_memory_is_told);
	return RUN_ADDED("filters/contamination", tests, n, NULL, NULL);
}
