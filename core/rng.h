/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h - seeded streams (xoshiro256**, seeded by splitmix64; Blackman and Vigna 2018), one per use. */
#ifndef WINNOW_CORE_RNG_H
#define WINNOW_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng { uint64_t s[4]; };
void rng_seed(struct rng *r, uint64_t seed, const char *stream); /* other stream names give independent streams */
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n); n > 0 */
double rng_unit(struct rng *r);                /* [0, 1) */

#endif
