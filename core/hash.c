/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c - SHA-256 and SHA-1 by nettle, XXH3 by xxhash. */
#include "core/hash.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <xxhash.h>

#include "core/mem.h"

struct hash_sha256 {
	struct sha256_ctx ctx;
};

struct hash_sha256 *hash_sha256_new(void)
{
	struct hash_sha256 *h = mem_alloc(sizeof(*h));

	if (h)
		sha256_init(&h->ctx);
	return h;
}

void hash_sha256_add(struct hash_sha256 *h, const void *p, size_t n)
{
	if (n)
		sha256_update(&h->ctx, n, p);
}

void hash_sha256_add_field(struct hash_sha256 *h, const void *p, size_t n)
{
	uint64_t len = htole64(p ? (uint64_t)n : UINT64_MAX);

	hash_sha256_add(h, &len, sizeof(len));
	if (p)
		hash_sha256_add(h, p, n);
}

void hash_sha256_end(struct hash_sha256 *h, uint8_t ret[HASH_SHA256_BYTES])
{
	sha256_digest(&h->ctx, HASH_SHA256_BYTES, ret);
	mem_free(h);
}

void hash_sha256_of(const void *p, size_t n, uint8_t ret[HASH_SHA256_BYTES])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	if (n)
		sha256_update(&ctx, n, p);
	sha256_digest(&ctx, HASH_SHA256_BYTES, ret);
}

void hash_git_blob(const void *p, size_t n, char ret_hex[HASH_GIT_HEX])
{
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx ctx;
	char head[32];
	int head_len = snprintf(head, sizeof(head), "blob %zu", n) + 1; /* with its NUL */

	sha1_init(&ctx);
	sha1_update(&ctx, (size_t)head_len, (const uint8_t *)head);
	if (n)
		sha1_update(&ctx, n, p);
	sha1_digest(&ctx, sizeof(digest), digest);
	hash_hex(digest, sizeof(digest), ret_hex);
}

uint64_t hash_xxh3(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

void hash_hex(const uint8_t *p, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*ret++ = digits[p[i] >> 4];
		*ret++ = digits[p[i] & 15];
	}
	*ret = '\0';
}
