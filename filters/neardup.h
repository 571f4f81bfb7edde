/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neardup.h - programs that are an earlier one but for names, layout and little else.
 *
 * MinHash (Broder 1997) over runs of six tokens: 128 values a program, found again by 16 bands of 8 (Indyk and Motwani
 * 1998), and taken as near where the share of equal values, which estimates the Jaccard similarity of the two sets of runs
 * with a standard error of 0.03, reaches the threshold.
 *
 * Tokens know no language: words, numbers, texts in quotes, single marks; spacing and what is plainly comment (from "# "
 * to the line's end, between slash-star and star-slash) is none.  Within each run names are numbered as they come, so
 * renaming changes nothing; a word keeps its text where it is a control word, stands after a dot, or is called and not
 * defined in the same text: `max(xs)` and `min(ys)` differ.
 *
 * Price: about 30 us and 800 bytes a program of a hundred tokens.
 */
#ifndef WINNOW_FILTERS_NEARDUP_H
#define WINNOW_FILTERS_NEARDUP_H

#include <stddef.h>
#include <stdint.h>
#include "core/error.h"

#define NEARDUP_THRESHOLD 0.85

struct neardup;
struct neardup *neardup_new(double threshold); /* NULL: no memory */
void neardup_free(struct neardup *d);          /* NULL is fine */
void neardup_reset(struct neardup *d);         /* forget all programs */
/* 1: near one of this language that was added before; 0: it is new, and remembered.  ERR_NOMEM: not remembered. */
int neardup_add(struct neardup *d, const char *language, const char *text, size_t n, struct error *err);

#endif
