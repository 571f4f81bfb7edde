/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.h - help text, man pages and docs/reference/cli.md, all from the command structs.
 * Each appends to *out; check it once at the end.  cmd NULL: the program as a whole.
 */
#ifndef WINNOW_ROLLOUT_HELP_H
#define WINNOW_ROLLOUT_HELP_H

#include "core/buf.h"
#include "rollout/command.h"

void help_text(const struct command *cmd, struct buf *out);
void help_man(const struct command *cmd, struct buf *out);
void help_markdown(struct buf *out);
/* The configuration file's JSON schema, from the command's option table.  New reference; NULL: no memory. */
json_t *help_config_schema(const struct command *cmd);

#endif
