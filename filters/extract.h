/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract.h - the program in a completion.
 *
 * Rules, by version (kept with each judgement): reasoning (<think>…</think>, and
 * what the server gave apart) is never program text; a fenced block of the wanted
 * language, else an unlabelled one, the last of them (or the one that defines
 * the entry point); no fence: the text as it is, if it is code of that language
 * at all.  For a task whose prompt is code (prompt_language), a completion that
 * does not define the entry point itself is joined to its prompt, as human-eval does.
 */
#ifndef WINNOW_FILTERS_EXTRACT_H
#define WINNOW_FILTERS_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/record.h"

#define EXTRACT_VERSION "1"

struct extracted {
	bool found;             /* false: no_program */
	struct buf program;
	struct buf reasoning;   /* what was kept apart; may be empty */
	bool joined;            /* the prompt was put before it */
	bool fenced;
};
/* Never fails for what a completion holds; ERR_NOMEM, or ERR_LIMIT past 4 MiB.
 * An empty (or only white) completion is not found, in every mode. */
int extract_program(const struct task *task, const char *language, enum extract_mode mode,
		    const char *completion, size_t n, struct extracted *ret, struct error *err);
void extracted_clear(struct extracted *e);

#endif
