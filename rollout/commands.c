/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - the table of all commands; see commands.h. */
#include "rollout/commands.h"

#include <string.h>

#include "core/mem.h"
#include "rollout/suggest.h"

const struct command *const commands[] = {
	&cmd_import,
	&cmd_run,
	&cmd_grade,
	&cmd_exec,
	&cmd_export,
	&cmd_train,
	&cmd_loop,
	&cmd_tasks,
	&cmd_report,
	&cmd_show,
	&cmd_sql,
	&cmd_prompt,
	&cmd_verify,
	&cmd_backup,
	&cmd_config,
	&cmd_doctor,
	&cmd_languages,
	&cmd_bench,
	&cmd_help,
	NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int command_unknown(const char *name, struct error *err)
{
	const char *names[ARRAY_SIZE(commands)], *near;
	size_t n = 0;

	for (; commands[n]; n++)
		names[n] = commands[n]->name;
	near = suggest(name, names, n);
	if (near)
		return error_set(err, ERR_INPUT, "unknown command '%s'; did you mean '%s'?", name,
				 near);
	return error_set(err, ERR_INPUT, "unknown command '%s'; 'winnow help' lists them", name);
}
