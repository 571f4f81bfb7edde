/* SPDX-License-Identifier: Apache-2.0 */
/* passk.h - pass@1, pass@10, pass@100: mean over tasks of the unbiased estimator, and how it is shown. */
#ifndef WINNOW_ROLLOUT_PASSK_H
#define WINNOW_ROLLOUT_PASSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "core/json.h"

/* One task (in one language): n judged samples, c of them accepted. */
struct passk_group {
	uint32_t n, c;
};
/* As a fraction.  Groups without judged samples do not count; NaN where no group
 * counts or one that does has fewer than k samples. */
double passk_mean(const struct passk_group *groups, size_t n_groups, uint32_t k);
/* Adds "pass_at_1", "pass_at_10", "pass_at_100" to an object: fractions, null where there
 * is no value.  False: no memory. */
bool passk_add(json_t *object, const struct passk_group *groups, size_t n_groups);
/* "pass@1 22.12 %  pass@10 50.38 %"; what has no value is left out. */
void passk_print(FILE *out, const struct passk_group *groups, size_t n_groups);

#endif
