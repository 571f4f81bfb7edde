/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.h - when to stop: "06:00" is the next such local time, "8h" is so long from now. */
#ifndef WINNOW_ROLLOUT_DEADLINE_H
#define WINNOW_ROLLOUT_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/error.h"

struct deadline {
	bool given;
	bool wall;        /* at_us is wall time (06:00), else monotonic (8h): a clock that is set moves only the former */
	int64_t at_us;
};
/* NULL: none.  ERR_INPUT names --deadline. */
int deadline_parse(const char *text, struct deadline *ret, struct error *err);
/* Microseconds left: 0 when passed, UINT64_MAX without a deadline. */
uint64_t deadline_left_us(const struct deadline *d);

#endif
