/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - "did you mean": the nearest of some words to one that is unknown. */
#ifndef WINNOW_ROLLOUT_SUGGEST_H
#define WINNOW_ROLLOUT_SUGGEST_H

#include <stddef.h>

/* The one of words[0 … n-1] that takes fewest edits (swaps count once) to become
 * `word`, where that is at most a third of its length (and at least one edit is
 * allowed), or that alone begins with `word`.  NULL: none is near. */
const char *suggest(const char *word, const char *const *words, size_t n);

#endif
