/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reuse.h - who is judging this very program at the moment: a table by verdict key.
 *
 * Programs of one verdict key (filters/judge.h) get one judgement.  What was judged
 * earlier is found in the store; what is being judged is found here, and waits for it.
 */
#ifndef WINNOW_ROLLOUT_REUSE_H
#define WINNOW_ROLLOUT_REUSE_H

#include <stddef.h>
#include <stdint.h>
#include "core/error.h"

#define REUSE_KEY_BYTES 32

struct reuse;
struct reuse *reuse_new(void);              /* NULL: no memory */
void reuse_free(struct reuse *r);           /* the table alone, not what it points at */
size_t reuse_count(const struct reuse *r);
void *reuse_get(const struct reuse *r, const uint8_t key[REUSE_KEY_BYTES]);  /* NULL: none */
/* value must not be NULL.  ERR_EXISTS where the key is taken; ERR_NOMEM. */
int reuse_put(struct reuse *r, const uint8_t key[REUSE_KEY_BYTES], void *value, struct error *err);
void *reuse_remove(struct reuse *r, const uint8_t key[REUSE_KEY_BYTES]);     /* what was there, or NULL */

#endif
