/* SPDX-License-Identifier: Apache-2.0 */
/* language_cache.h - the answers of language_detect(), kept from one start to the next; for language_detect.c only. */
#ifndef WINNOW_SANDBOX_LANGUAGE_CACHE_H
#define WINNOW_SANDBOX_LANGUAGE_CACHE_H

#include <stdbool.h>
#include "sandbox/language.h"

/* The file that holds what this very toolchain said to this very recipe, there or not; mem_free() it.  NULL: no cache. */
char *language_cache_path(const struct language *l);
/* Fill toolchain, and the driver where a prepared one was kept.  False: it must be asked. */
bool language_cache_get(const char *path, struct language *l);
/* Keep both (prepared: the driver is what `prepare` made).  Best effort. */
void language_cache_put(const char *path, const struct language *l, bool prepared);

#endif
