/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - a command is a const struct in its own cmd_<name>.c; one table in commands.c.
 * Help, man pages and docs/reference/cli.md come from these structs, and a test holds them together.
 */
#ifndef WINNOW_ROLLOUT_COMMAND_H
#define WINNOW_ROLLOUT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include "core/error.h"
#include "core/json.h"
#include "core/record.h"

enum option_kind { OPTION_FLAG, OPTION_STRING, OPTION_UINT, OPTION_NUMBER, OPTION_SIZE, OPTION_DURATION, OPTION_LIST /* repeatable string */ };
struct option_spec {
	const char *name;          /* "samples" for --samples */
	enum option_kind kind;
	const char *arg;           /* "N"; NULL for flags */
	const char *fallback;      /* default as text; NULL none */
	const char *help;          /* one line or more, lower case, no full stop */
	bool config;               /* may also come from WINNOW_<NAME> and the config file (key: name with _ for -) */
};

/* The effective value of each option and where it came from: flag > environment > file > default. */
enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };
struct options;                    /* opaque; options.h */

struct globals {
	const char *directory;     /* -C DIR, already entered */
	const char *store;         /* --store FILE, default winnow.db */
	bool json;                 /* --json */
};
struct command {
	const char *name;
	const char *summary;       /* one line */
	const char *usage;         /* arguments after the options: "PATH…" */
	const char *description;   /* paragraphs for the manual */
	const struct option_spec *options; /* ends with .name NULL */
	/* Returns an exit status of DESIGN section 5; a negative value means *err
	 * holds why, and main prints it and exits with error_exit_status(). */
	int (*main)(const struct globals *g, const struct options *o, struct error *err);
};

/* exit statuses */
#define EXIT_DONE 0
#define EXIT_ANSWER_NO 1
#define EXIT_USAGE 2
#define EXIT_WORK_REMAINS 3
#define EXIT_STOPPED 4
#define EXIT_INTERRUPTED 130

#endif
