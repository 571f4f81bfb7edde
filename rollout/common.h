/* SPDX-License-Identifier: Apache-2.0 */
/* common.h - what several commands do the same way. */
#ifndef WINNOW_ROLLOUT_COMMON_H
#define WINNOW_ROLLOUT_COMMON_H

#include "core/buf.h"
#include "filters/judge.h"
#include "rollout/command.h"
#include "rollout/options.h"
#include "sandbox/language.h"

const char *winnow_version(void); /* "0.1.0" */

/* Options that every judging command has: --jobs --time --memory --output --plain --isolation --require-isolation --languages-dir. */
#define COMMON_JUDGE_OPTIONS                                                                                          \
	{ "jobs", OPTION_UINT, "N", NULL, "boxes at a time (default: one a core)", true },                            \
	{ "time", OPTION_NUMBER, "S", NULL, "CPU seconds of a program, instead of the task's own limit", true },      \
	{ "memory", OPTION_UINT, "MIB", NULL, "memory of a program in MiB, instead of the task's own limit", true },  \
	{ "output", OPTION_UINT, "KIB", NULL, "output of a program in KiB, instead of the task's own limit", true },  \
	{ "plain", OPTION_FLAG, NULL, NULL, "take no shortcut: the same verdicts, more slowly", true },               \
	COMMON_ISOLATION_OPTIONS
#define COMMON_ISOLATION_OPTIONS                                                                                      \
	{ "isolation", OPTION_STRING, "TIER", NULL,                                                                   \
	  "namespaces, uid, landlock or none (default: the strongest that this host proves)", true },                 \
	{ "require-isolation", OPTION_STRING, "TIER", "landlock", "refuse to run with less than this", true },        \
	{ "languages-dir", OPTION_STRING, "DIR", NULL, "folder of language recipes", true }

/* Load and detect the languages, then start the judge: call first, while the process is small. */
struct judging { struct language_set languages; struct judge *judge; struct limits over; };
int judging_open(const struct options *o, struct judging *ret, struct error *err);
void judging_close(struct judging *j);

/* The parts of it, for commands that need less: each reads those of its options that the command has. */
int judging_languages(const struct options *o, struct language_set *ret, struct error *err);
int judging_limits(const struct options *o, struct limits *ret, struct error *err);
int judging_isolation(const struct options *o, struct sandbox_options *ret, struct error *err);

/* {"tier","landlock_abi","user_namespace","seccomp","cgroup"}; new reference, NULL: no memory. */
json_t *isolation_json(const struct sandbox_info *info);

/* A whole file, or standard input for "-"; what ("--stdin") begins messages, NULL: none. */
int read_input(const char *path, const char *what, struct buf *out, struct error *err);

/* A file that is to be written later: its folder must be there and writable.  ERR_INPUT
 * names the option ("--out"); path NULL or "-" is fine. */
int check_writable(const char *path, const char *what, struct error *err);

/* "python, c, cpp": the names of a set, for messages. */
void language_names(const struct language_set *s, struct buf *out);
/* The language of a name, or ERR_INPUT that lists those there are. */
int language_wanted(const struct language_set *s, const char *name, const struct language **ret, struct error *err);

#endif
