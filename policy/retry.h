/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h - when to ask again: pure functions over status codes, headers and a seeded stream. */
#ifndef WINNOW_POLICY_RETRY_H
#define WINNOW_POLICY_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include "core/rng.h"

/* 408, 409, 425, 429 and 5xx; never 400, 404, 422 and their kin. */
bool retry_http_status(long status);

/* The pause before attempt number `attempt` + 1 (attempt counts failures so far,
 * from 1): base doubled each time, at most cap, of which the upper half is drawn
 * at random, so that clients which failed together do not come back together. */
uint64_t retry_backoff_us(struct rng *rng, unsigned attempt, uint64_t base_us, uint64_t cap_us);

/* Retry-After: seconds ("120", "1.5") or an HTTP date in any of its three forms
 * (RFC 9110 section 5.6.7), which is taken relative to wall_now_us.  A date in
 * the past is 0.  False: neither. */
bool retry_after_parse(const char *value, int64_t wall_now_us, uint64_t *ret_us);

#endif
