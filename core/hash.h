/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - content identity: SHA-256 (equality), git blob ids (for people), XXH3-64 (checksums). */
#ifndef WINNOW_CORE_HASH_H
#define WINNOW_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SHA256_BYTES 32
#define HASH_GIT_HEX 41 /* 40 digits and NUL */
#define HASH_SHA256_HEX 65

struct hash_sha256; /* incremental */
struct hash_sha256 *hash_sha256_new(void);                         /* NULL: no memory */
void hash_sha256_add(struct hash_sha256 *h, const void *p, size_t n);
/* Add length and bytes, so that ("ab","c") and ("a","bc") differ.  NULL counts as its own value. */
void hash_sha256_add_field(struct hash_sha256 *h, const void *p, size_t n);
void hash_sha256_end(struct hash_sha256 *h, uint8_t ret[HASH_SHA256_BYTES]); /* frees h */

void hash_sha256_of(const void *p, size_t n, uint8_t ret[HASH_SHA256_BYTES]);
/* What `git hash-object` prints for these bytes. */
void hash_git_blob(const void *p, size_t n, char ret_hex[HASH_GIT_HEX]);
uint64_t hash_xxh3(const void *p, size_t n);
void hash_hex(const uint8_t *p, size_t n, char *ret /* 2n + 1 */);

#endif
