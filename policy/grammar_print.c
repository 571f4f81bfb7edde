/* SPDX-License-Identifier: Apache-2.0 */
/* grammar_print.c - which printer writes which language. */
#include <string.h>

#include "core/mem.h"
#include "policy/grammar.h"

static const struct {
	const char *language;
	void (*print)(const struct gsight *s, const struct gprogram *p, struct buf *out);
} printers[] = {
	{ "python", grammar_print_python },
};

bool grammar_prints(const char *language)
{
	for (size_t i = 0; i < ARRAY_SIZE(printers); i++)
		if (strcmp(printers[i].language, language) == 0)
			return true;
	return false;
}

void grammar_print(const char *language, const struct gsight *s, const struct gprogram *p, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(printers); i++)
		if (strcmp(printers[i].language, language) == 0)
			printers[i].print(s, p, out);
}
