/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the one table of all commands (commands.c), in the order of the help text. */
#ifndef WINNOW_ROLLOUT_COMMANDS_H
#define WINNOW_ROLLOUT_COMMANDS_H

#include <stddef.h>
#include "rollout/command.h"

extern const struct command cmd_import, cmd_run, cmd_grade, cmd_exec, cmd_export, cmd_show, cmd_sql,
	cmd_prompt, cmd_report, cmd_config, cmd_doctor, cmd_languages, cmd_bench, cmd_verify,
	cmd_backup, cmd_help, cmd_train, cmd_loop, cmd_tasks;

extern const struct command *const commands[]; /* ends with NULL */
/* NULL: no such command. */
const struct command *command_find(const char *name);
/* ERR_INPUT "unknown command 'x'", with the nearest name where one is near. */
int command_unknown(const char *name, struct error *err);

#endif
