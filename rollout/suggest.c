/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - the nearest word by optimal string alignment. */
#include "rollout/suggest.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define WORD_MAX 40 /* longer words are no slips of the finger */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t edits(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1], n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			d[i][j] = least(change, least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

const char *suggest(const char *word, const char *const *words, size_t n)
{
	size_t len = strlen(word), allowed = len / 3 > 1 ? len / 3 : 1, n_begin = 0;
	const char *best = NULL, *begins = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t e = edits(word, words[i]);

		if (e <= allowed && e < strlen(words[i])) {
			allowed = e ? e - 1 : 0; /* the first of equals stays */
			best = words[i];
			if (!e)
				return best;
		}
		if (len >= 2 && str_starts(words[i], word)) {
			begins = words[i];
			n_begin++;
		}
	}
	return best ? best : n_begin == 1 ? begins : NULL;
}
