/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the effective options of one command, and where each came from.
 *
 * Every command also takes the globals -C DIR, --store FILE (configuration key
 * `store`, environment WINNOW_STORE), --json and --help; they are asked for by
 * the same functions ("directory", "store", "json").  A command with options that
 * may stand in a configuration file also takes --config FILE, unless it has an
 * option of that name itself.
 */
#ifndef WINNOW_ROLLOUT_OPTIONS_H
#define WINNOW_ROLLOUT_OPTIONS_H

#include "rollout/command.h"

/* Parse argv (after the command's name) against cmd->options, then environment
 * and --config FILE.  "--name value", "--name=value", "--" ends options; a flag
 * may be switched off by "--name=false".  An unknown option or bad value:
 * ERR_INPUT naming it; unknown config key: file and line.  An empty environment
 * variable counts as absent; a repeatable option takes one value a line there.
 * Where --help is among argv nothing else is looked at: see options_help(). */
int options_parse(const struct command *cmd, int argc, char **argv, struct options **ret, struct error *err);
void options_free(struct options *o);
void options_cleanup(struct options **o);
#define cleanup_options __attribute__((cleanup(options_cleanup)))

bool options_help(const struct options *o);                           /* --help was asked for */
bool options_has(const struct options *o, const char *name);          /* this command takes such an option */
bool options_given(const struct options *o, const char *name);        /* not from the default */
bool options_flag(const struct options *o, const char *name);
const char *options_str(const struct options *o, const char *name);   /* NULL: neither given nor default */
uint64_t options_u64(const struct options *o, const char *name);      /* UINT, SIZE in bytes, DURATION in microseconds; 0 when not given */
double options_num(const struct options *o, const char *name);        /* NaN when not given */
const char *const *options_list(const struct options *o, const char *name); /* NULL-terminated, never NULL */
enum origin options_origin(const struct options *o, const char *name, const char **ret_where /* "file:line", "WINNOW_X", "--x", "default" */);
const char *origin_name(enum origin origin);                          /* "default" "file" "environment" "flag" */
const char *const *options_args(const struct options *o);             /* positional arguments, NULL-terminated */
size_t options_n_args(const struct options *o);
/* ERR_INPUT unless there are min to max positional arguments; the message shows the command's usage. */
int options_expect_args(const struct options *o, size_t min, size_t max, struct error *err);
/* {"key": value} of all config options: what a run stores.  Sizes in bytes,
 * durations in seconds, null where neither given nor default.  New reference;
 * NULL: no memory. */
json_t *options_effective(const struct options *o);
/* The same of one option, config or not. */
json_t *options_value(const struct options *o, const char *name);

/* Does it have options that may stand in a configuration file? */
bool options_configurable(const struct command *cmd);
/* --config FILE, where the command takes it without saying so; else NULL. */
const struct option_spec *options_implied_config(const struct command *cmd);

/* The globals, ends with .name NULL: for help and for the configuration's schema. */
extern const struct option_spec options_globals[];
/* Name of the configuration key ("min_free") or, upper, the variable ("WINNOW_MIN_FREE").  mem_free() it. */
char *options_key(const char *name);
char *options_variable(const char *name);

#endif
