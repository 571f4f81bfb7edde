/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the effective options of one command, and where each came from. */
#ifndef WINNOW_ROLLOUT_OPTIONS_H
#define WINNOW_ROLLOUT_OPTIONS_H

#include "rollout/command.h"

/* Parse argv (after the command's name) against cmd->options, then environment
 * and --config FILE.  "--name value", "--name=value", "--" ends options.  An
 * unknown option or bad value: ERR_INPUT naming it; unknown config key: file and line. */
int options_parse(const struct command *cmd, int argc, char **argv, struct options **ret, struct error *err);
void options_free(struct options *o);

bool options_given(const struct options *o, const char *name);        /* not from the default */
bool options_flag(const struct options *o, const char *name);
const char *options_str(const struct options *o, const char *name);   /* NULL: neither given nor default */
uint64_t options_u64(const struct options *o, const char *name);      /* UINT, SIZE in bytes, DURATION in microseconds; 0 when not given */
double options_num(const struct options *o, const char *name);        /* NaN when not given */
const char *const *options_list(const struct options *o, const char *name); /* NULL-terminated, never NULL */
enum origin options_origin(const struct options *o, const char *name, const char **ret_where /* "file:line", "WINNOW_X" */);
const char *const *options_args(const struct options *o);             /* positional arguments, NULL-terminated */
size_t options_n_args(const struct options *o);
/* {"key": value} of all config options: what a run stores. New reference. */
json_t *options_effective(const struct options *o);

#endif
