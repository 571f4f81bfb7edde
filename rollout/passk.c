/* SPDX-License-Identifier: Apache-2.0 */
/* passk.c - means of pass_at_k() (core/record.h). */
#include "rollout/passk.h"

#include <math.h>

#include "core/mem.h"
#include "core/record.h"

static const uint32_t shown[] = { 1, 10, 100 };

double passk_mean(const struct passk_group *groups, size_t n_groups, uint32_t k)
{
	double sum = 0;
	size_t counted = 0;

	for (size_t i = 0; i < n_groups; i++) {
		if (!groups[i].n)
			continue;
		if (groups[i].n < k)
			return NAN;
		sum += pass_at_k(groups[i].n, groups[i].c, k);
		counted++;
	}
	return counted ? sum / (double)counted : NAN;
}

bool passk_add(json_t *object, const struct passk_group *groups, size_t n_groups)
{
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		double v = passk_mean(groups, n_groups, shown[i]);
		char key[24];

		(void) snprintf(key, sizeof(key), "pass_at_%u", shown[i]);
		if (json_object_set_new(object, key, isnan(v) ? json_null() : json_real(v)) < 0)
			return false;
	}
	return true;
}

void passk_print(FILE *out, const struct passk_group *groups, size_t n_groups)
{
	const char *gap = "";

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		double v = passk_mean(groups, n_groups, shown[i]);

		if (isnan(v))
			continue;
		fprintf(out, "%spass@%u %.2f %%", gap, shown[i], 100 * v);
		gap = "  ";
	}
	if (*gap)
		fputc('\n', out);
}
