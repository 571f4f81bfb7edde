/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - winnow help: what the commands do, for people, man and the reference. */
#include <stdio.h>

#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/help.h"
#include "rollout/options.h"

static int names(const struct globals *g, struct error *err)
{
	json_t *list = g->json ? json_array() : NULL;

	for (size_t i = 0; commands[i]; i++) {
		if (g->json)
			(void) json_array_append_new(list, json_pack("{s:s, s:s}", "name",
								     commands[i]->name, "summary",
								     commands[i]->summary));
		else
			(void) printf("%s\n", commands[i]->name);
	}
	return g->json ? answer_json(list, err) : 0;
}

static int help_main(const struct globals *g, const struct options *o, struct error *err)
{
	const struct command *cmd = NULL;
	cleanup_buf struct buf text = { 0 };
	int r = options_expect_args(o, 0, 1, err);

	buf_init(&text, 4 << 20);
	if (r < 0)
		return r;
	if (options_n_args(o)) {
		cmd = command_find(options_args(o)[0]);
		if (!cmd)
			return command_unknown(options_args(o)[0], err);
	}
	if (options_flag(o, "names"))
		return names(g, err);
	if (options_flag(o, "markdown"))
		help_markdown(&text);
	else if (options_flag(o, "man"))
		help_man(cmd, &text);
	else
		help_text(cmd, &text);
	r = buf_check(&text, "help", err);
	if (r == 0)
		(void) fputs(text.data, stdout);
	return r;
}

static const struct option_spec help_options[] = {
	{ "man", OPTION_FLAG, NULL, NULL, "a manual page in roff", false },
	{ "markdown", OPTION_FLAG, NULL, NULL, "the reference of all commands (docs/reference/cli.md)", false },
	{ "names", OPTION_FLAG, NULL, NULL, "the names of all commands, one a line", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_help = {
	.name = "help",
	.summary = "say what the commands do",
	.usage = "[COMMAND]",
	.description = "Without COMMAND, lists the commands, the options of every command and the exit "
		       "statuses. 'winnow COMMAND --help' is the same as 'winnow help COMMAND'.",
	.options = help_options,
	.main = help_main,
};
