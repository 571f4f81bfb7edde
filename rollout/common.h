/* SPDX-License-Identifier: Apache-2.0 */
/* common.h - what several commands do the same way. */
#ifndef WINNOW_ROLLOUT_COMMON_H
#define WINNOW_ROLLOUT_COMMON_H

#include "filters/judge.h"
#include "rollout/command.h"
#include "rollout/options.h"
#include "sandbox/language.h"

/* Options that every judging command has: --jobs --time --memory --output --isolation --require-isolation --languages-dir --plain. */
#define COMMON_JUDGE_OPTIONS                                                                                          \
	{ "jobs", OPTION_UINT, "N", NULL, "boxes at a time (default: one a core)", true },                            \
	{ "time", OPTION_NUMBER, "S", NULL, "CPU seconds of a program, instead of the task's own limit", true },      \
	{ "memory", OPTION_UINT, "MIB", NULL, "memory of a program in MiB, instead of the task's own limit", true },  \
	{ "output", OPTION_UINT, "KIB", NULL, "output of a program in KiB, instead of the task's own limit", true },  \
	{ "isolation", OPTION_STRING, "TIER", NULL,                                                                   \
	  "namespaces, uid, landlock or none (default: the strongest that this host proves)", true },                 \
	{ "require-isolation", OPTION_STRING, "TIER", "landlock", "refuse to run with less than this", true },        \
	{ "languages-dir", OPTION_STRING, "DIR", NULL, "folder of language recipes", true }

/* Load and detect the languages, then start the judge: call first, while the process is small. */
struct judging { struct language_set languages; struct judge *judge; struct limits over; };
int judging_open(const struct options *o, struct judging *ret, struct error *err);
void judging_close(struct judging *j);

#endif
