/* SPDX-License-Identifier: Apache-2.0 */
/* test_neardup.c - which programs are near one that was there before. */
#include "filters/neardup.h"

#include <stdio.h>

#include "core/buf.h"
#include "tests/unit/filters/table.h"

#define FIRST                                                                                          \
	"def longest(words):\n    best = ''\n    for word in words:\n        if len(word) > len(best):\n" \
	"            best = word\n    return best\n"

static struct near_case {
	const char *name, *language, *text;
	int near;
} cases[] = {
	{ "neardup: the same", "python", FIRST, 1 },
	{ "neardup: other names", "python",
	  "def pick(items):\n    top = ''\n    for one in items:\n        if len(one) > len(top):\n            top = one\n"
	  "    return top\n", 1 },
	{ "neardup: other layout and a comment", "python",
	  "def longest( words ):\n  # look at each\n  best=''\n  for word in words:\n    if len(word)>len(best):\n      best=word\n\n"
	  "  return best", 1 },
	{ "neardup: another function is called", "python",
	  "def longest(words):\n    best = ''\n    for word in words:\n        if ord(word) > ord(best):\n            best = word\n"
	  "    return best\n", 0 },
	{ "neardup: another mark", "python",
	  "def longest(words):\n    best = ''\n    for word in words:\n        if len(word) < len(best):\n            best = word\n"
	  "    return best\n", 0 },
	{ "neardup: another way", "python", "def longest(words):\n    return max(words, key=len, default='')\n", 0 },
	{ "neardup: another language", "javascript", FIRST, 0 },
	{ "neardup: nothing", "python", "", 0 },
	{ "neardup: a text that does not end", "python", "x = 'abc\ny = \"\"\"def\n", 0 },
	{ "neardup: a comment that does not end", "c", "int x; /* no end", 0 },
};

static void near_one(void **state)
{
	const struct near_case *c = *state;
	struct neardup *d = neardup_new(NEARDUP_THRESHOLD);

	assert_non_null(d);
	assert_int_equal(neardup_add(d, "python", FIRST, strlen(FIRST), NULL), 0);
	assert_int_equal(neardup_add(d, c->language, c->text, strlen(c->text), NULL), c->near);
	/* what was added is found, whatever it is */
	assert_int_equal(neardup_add(d, c->language, c->text, strlen(c->text), NULL), 1);
	neardup_reset(d);
	assert_int_equal(neardup_add(d, c->language, c->text, strlen(c->text), NULL), 0);
	neardup_free(d);
}

/* A long program with one line more is near; with half of it new it is not.  Among thousands each is found again. */
static void a_share_decides_and_many_are_found(void **state)
{
	struct neardup *d = neardup_new(NEARDUP_THRESHOLD);
	cleanup_buf struct buf b;
	size_t whole;

	(void)state;
	assert_non_null(d);
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 40; i++)
		buf_addf(&b, "total += table[%d] * weight(%d)\n", i * 7, i);
	whole = b.len;
	assert_int_equal(neardup_add(d, "python", b.data, whole, NULL), 0);
	buf_adds(&b, "print(total)\n");
	assert_int_equal(neardup_add(d, "python", b.data, b.len, NULL), 1);
	for (int i = 100; i < 160; i++)
		buf_addf(&b, "total -= sheet[%d] / measure(%d)\n", i * 7, i);
	assert_int_equal(neardup_add(d, "python", b.data, b.len, NULL), 0);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 3000; i++) {
			char text[160];
			int n = snprintf(text, sizeof(text), "def f(x):\n    y = x * %d\n    if y > %d:\n        return y %% %d\n    return g%d(y)\n",
					 i + 2, i * 3 + 1, i * 5 + 3, i);

			assert_int_equal(neardup_add(d, "python", text, (size_t)n, NULL), pass);
		}
	neardup_free(d);
}

static void no_memory_is_told(void **state)
{
	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct neardup *d;
		int r;

		mem_fault_at(nth);
		d = neardup_new(NEARDUP_THRESHOLD);
		r = d ? neardup_add(d, "python", FIRST, strlen(FIRST), NULL) : ERR_NOMEM;
		neardup_free(d);
		if (!mem_fault_fired()) {
			mem_fault_at(0);
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases) + 2];
	size_t n = 0;

	ADD_ROWS(tests, n, cases, near_one);
	ADD_TEST(tests, n, a_share_decides_and_many_are_found);
	ADD_TEST(tests, n, no_memory_is_told);
	return RUN_ADDED("filters/neardup", tests, n, NULL, NULL);
}
