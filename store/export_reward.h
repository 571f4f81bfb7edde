/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_reward.h - the reward of a row by a named scheme.  The parts are stored apart and combined only
 * at export, so one store gives any of them; the manifest holds the formula.
 */
#ifndef WINNOW_STORE_EXPORT_REWARD_H
#define WINNOW_STORE_EXPORT_REWARD_H

#include <stdint.h>
#include "core/error.h"
#include "core/record.h"

enum export_reward { REWARD_BINARY, REWARD_FRACTION, REWARD_WEIGHTED, REWARD_SPEED, REWARD_SCHEME_COUNT };
int export_reward_parse(const char *name, enum export_reward *ret, struct error *err); /* unknown: lists the names */
const char *export_reward_name(enum export_reward scheme);
const char *export_reward_formula(enum export_reward scheme);
/* fraction: tests passed of tests, NaN: not all were counted.  rank: from 1, 0: none.  NaN: no reward, never 0 for it. */
double export_reward(enum export_reward scheme, enum verdict v, double fraction, int64_t rank);

#endif
