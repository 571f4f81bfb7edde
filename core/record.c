/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - the name tables of record.h, limits, judgements, pass@k. */
#include "core/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const char *const verdict_words[] = {
#define X(name, word) [name] = word,
	VERDICTS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(verdict_words) == VERDICT_COUNT, "a word for each verdict");

const char *verdict_name(enum verdict v)
{
	return v >= 0 && v < VERDICT_COUNT ? verdict_words[v] : NULL;
}

enum verdict verdict_parse(const char *name)
{
	for (int v = 0; name && v < VERDICT_COUNT; v++)
		if (str_eq(verdict_words[v], name))
			return (enum verdict)v;
	return VERDICT_NONE;
}

static const char *const flag_words[] = {
#define X(name, word) [name##_BIT] = word,
	FLAGS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(flag_words) == FLAG_COUNT, "a word for each flag");
_Static_assert(FLAG_COUNT <= 32, "flags fit uint32_t");

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *flags_to_json(uint32_t flags)
{
	const char *words[FLAG_COUNT];
	json_t *arr = json_array();
	size_t n = 0;

	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (flags & (UINT32_C(1) << i))
			words[n++] = flag_words[i];
	qsort(words, n, sizeof(*words), by_text);
	for (size_t i = 0; arr && i < n; i++)
		if (json_array_append_new(arr, json_string(words[i])) < 0) {
			json_decref(arr);
			arr = NULL;
		}
	return arr;
}

int flags_parse(const json_t *words, uint32_t *ret, struct error *err)
{
	uint32_t flags = 0;

	if (!json_is_array(words))
		return error_set(err, ERR_INPUT, "flags: expected an array of words");
	for (size_t i = 0; i < json_array_size(words); i++) {
		const char *word = json_string_value(json_array_get(words, i));
		size_t k = 0;

		while (word && k < FLAG_COUNT && !str_eq(flag_words[k], word))
			k++;
		if (!word || k == FLAG_COUNT)
			return error_set(err, ERR_INPUT, "flags: unknown flag '%s'",
					 word ? word : "(not a string)");
		flags |= UINT32_C(1) << k;
	}
	*ret = flags;
	return 0;
}

uint64_t limits_wall_us(const struct limits *l)
{
	uint64_t wall;

	if (l->wall_us)
		return l->wall_us;
	if (__builtin_mul_overflow(l->cpu_us, 3, &wall) ||
	    __builtin_add_overflow(wall, UINT64_C(2000000), &wall))
		return UINT64_MAX;
	return wall;
}

struct limits limits_merge(const struct limits *task, const struct limits *over)
{
	static const struct limits none, fallback = LIMITS_DEFAULT;
	struct limits l;

	if (!task)
		task = &none;
	if (!over)
		over = &none;
#define PICK(field) l.field = over->field ? over->field : task->field ? task->field : fallback.field
	PICK(cpu_us);
	PICK(wall_us);
	PICK(memory_bytes);
	PICK(output_bytes);
	PICK(file_bytes);
	PICK(processes);
#undef PICK
	l.wall_us = limits_wall_us(&l);
	return l;
}

void judgement_clear(struct judgement *j)
{
	mem_free(j->message);
	mem_free(j->compile_output);
	mem_free(j->refused);
	*j = (struct judgement){
		.verdict = VERDICT_NONE,
		.tests_passed = -1,
		.tests_total = -1,
		.visible_passed = -1,
		.visible_total = -1,
		.exit_code = -1,
	};
}

int judgement_passed(enum verdict v)
{
	switch (v) {
	case VERDICT_ACCEPTED:
	case VERDICT_OK:
		return 1;
	case VERDICT_NONE:
	case VERDICT_INTERNAL_ERROR:
		return -1;
	default:
		return 0;
	}
}

static const char *const state_words[] = {
	[SAMPLE_PENDING] = "pending",
	[SAMPLE_JUDGED] = "judged",
	[SAMPLE_SKIPPED] = "skipped",
	[SAMPLE_FAILED] = "failed",
};
_Static_assert(ARRAY_SIZE(state_words) == SAMPLE_STATE_COUNT, "a word for each state");

const char *sample_state_name(enum sample_state s)
{
	return (unsigned)s < SAMPLE_STATE_COUNT ? state_words[s] : NULL;
}

double pass_at_k(uint64_t n, uint64_t c, uint64_t k)
{
	double none = 1;

	if (k == 0 || k > n || c > n)
		return (double)NAN;
	if (n - c < k)
		return 1;
	for (uint64_t i = n - c + 1; i <= n; i++)
		none *= 1 - (double)k / (double)i;
	return 1 - none;
}
