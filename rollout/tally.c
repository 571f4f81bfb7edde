/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c - sums and name tables. */
#include "rollout/tally.h"

#include "core/mem.h"
#include "core/str.h"

static const char *const skip_names[] = {
#define X(name, word) word,
	SKIP_REASONS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(skip_names) == SKIP_REASON_COUNT, "every skip reason has a word");

const char *skip_reason_name(enum skip_reason r)
{
	return (unsigned)r < SKIP_REASON_COUNT ? skip_names[r] : NULL;
}

int skip_reason_parse(const char *word)
{
	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		if (str_eq(word, skip_names[i]))
			return i;
	return -1;
}

int policy_status_parse(const char *word)
{
	for (int i = 0; i < POLICY_STATUS_COUNT; i++)
		if (i != POLICY_OK && str_eq(word, policy_status_name((enum policy_status)i)))
			return i;
	return -1;
}

uint64_t tally_failed(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < POLICY_STATUS_COUNT; i++)
		n += t->failed[i];
	return n;
}

uint64_t tally_skipped(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		n += t->skipped[i];
	return n;
}

uint64_t tally_done(const struct tally *t)
{
	return t->judged + tally_failed(t) + tally_skipped(t);
}

void tally_judged(struct tally *t, size_t item, enum verdict v)
{
	int passed = judgement_passed(v);

	t->judged++;
	t->verdicts[v]++;
	if (passed >= 0 && item < t->n_groups) {
		t->groups[item].n++;
		t->groups[item].c += passed == 1;
	}
}
