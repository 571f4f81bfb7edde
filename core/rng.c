/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c - xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64. */
#include "core/rng.h"

#include <string.h>

#include "core/hash.h"

static uint64_t splitmix64(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed, const char *stream)
{
	uint64_t x = seed;

	/* Mix first, so that seeds and stream names cannot cancel each other out. */
	x = splitmix64(&x) ^ hash_xxh3(stream ? stream : "", stream ? strlen(stream) : 0);
	for (size_t i = 0; i < 4; i++)
		r->s[i] = splitmix64(&x);
}

static inline uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t rng_next(struct rng *r)
{
	uint64_t result = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl(r->s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	/* Draws below 2^64 mod n are dropped, so that what is left divides evenly. */
	uint64_t low = -n % n, x;

	do
		x = rng_next(r);
	while (x < low);
	return x % n;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}
