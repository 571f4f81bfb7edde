/* SPDX-License-Identifier: Apache-2.0 */
/* export_reward.c - named schemes that make one number of a judgement's parts; see export_reward.h. */
#include "store/export_reward.h"

#include <math.h>

#include "core/mem.h"
#include "core/str.h"

static const struct {
	const char *name, *formula;
} schemes[REWARD_SCHEME_COUNT] = {
	[REWARD_BINARY] = { "binary", "1 where the verdict is accepted, null where it is internal_error, else 0" },
	[REWARD_FRACTION] = { "fraction",
			      "1 where the verdict is accepted, 0 where nothing was run (compile_error, no_program), tests_passed / "
			      "tests_total where all tests were counted, else null; null where it is internal_error" },
	[REWARD_WEIGHTED] = { "weighted",
			      "1 where the verdict is accepted, 0 where nothing was run (compile_error, no_program), else 0.1 + 0.4 * "
			      "tests_passed / tests_total (0.1 where the tests were not all counted); null where it is internal_error" },
	[REWARD_SPEED] = { "speed",
			   "0.5 + 0.5 / rank where the verdict is accepted (rank 1: the best of its task and language by measured time; "
			   "0.5 where it has none), null where it is internal_error, else 0" },
};

int export_reward_parse(const char *name, enum export_reward *ret, struct error *err)
{
	for (int i = 0; i < REWARD_SCHEME_COUNT; i++)
		if (str_eq(schemes[i].name, name)) {
			*ret = (enum export_reward)i;
			return 0;
		}
	return error_set(err, ERR_INPUT, "unknown scheme '%s'; there are: binary fraction weighted speed", name);
}

const char *export_reward_name(enum export_reward scheme)
{
	return schemes[scheme].name;
}

const char *export_reward_formula(enum export_reward scheme)
{
	return schemes[scheme].formula;
}

double export_reward(enum export_reward scheme, enum verdict v, double fraction, int64_t rank)
{
	bool ran = v != VERDICT_COMPILE_ERROR && v != VERDICT_NO_PROGRAM;

	if (v == VERDICT_NONE || v == VERDICT_INTERNAL_ERROR)
		return NAN;
	if (v == VERDICT_ACCEPTED)
		return scheme == REWARD_SPEED ? 0.5 + (rank > 0 ? 0.5 / (double)rank : 0) : 1;
	switch (scheme) {
	case REWARD_FRACTION:
		return ran ? fraction : 0;
	case REWARD_WEIGHTED:
		return ran ? 0.1 + (isnan(fraction) ? 0 : 0.4 * fraction) : 0;
	default:
		return 0;
	}
}
