/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contamination.h - does a text share runs of words with the items of an evaluation set?
 *
 * Item and text are cut to words: letters and digits in lower case, everything else (spacing, marks, underscores) parts
 * them.  What a `def` in the text itself names (the function, its parameters), and a letter alone, is also taken as one
 * word that equals any other such name, so renaming hides nothing.  A text is contaminated when it shares a run of 8 words with an item (the rule of
 * open-r1 and s1); whether it shares one of 13 (the rule of GPT-3's report) is told beside it.
 *
 * A run says nothing, and is passed over, when fewer than three different words in it carry meaning (no names, numbers,
 * types or keywords of a signature), or when more than ten items, and more than one in a hundred, have it.
 *
 * Price: one hash a word; a thousand prompts are looked up in some 10 ms.
 */
#ifndef WINNOW_FILTERS_CONTAMINATION_H
#define WINNOW_FILTERS_CONTAMINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"

#define CONTAMINATION_SHORT 8
#define CONTAMINATION_LONG 13

struct contamination;
struct contamination *contamination_new(void);        /* NULL: no memory */
void contamination_free(struct contamination *c);     /* NULL is fine */

/* Add an item; set and item (its id) are copied.  *ret_usable: whether it has a run of 8 words that says something, for
 * no text can be found to hold an item without.  ERR_NOMEM. */
int contamination_add(struct contamination *c, const char *set, const char *item, const char *text, bool *ret_usable,
		      struct error *err);

struct contamination_hit {
	const char *set, *item;     /* the item that shares most; borrowed from c */
	uint32_t shared_short, shared_long; /* different runs of 8 and of 13 words that both have */
	uint32_t items;             /* how many items share a run of 8 at all */
};
/* 1: contaminated, *ret is filled; 0: not.  The first added of equals is named.  ERR_NOMEM. */
int contamination_find(struct contamination *c, const char *text, struct contamination_hit *ret, struct error *err);

#endif
