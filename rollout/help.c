/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - words about commands, written once (in their structs) and shown three ways. */
#include "rollout/help.h"

#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/common.h"
#include "rollout/commands.h"
#include "rollout/options.h"

#define WIDTH 90       /* of a line of help */
#define OPTION_COLUMN 26

static const char program_summary[] =
	"turn coding tasks into training data: sample, judge, rank, store, export";

static const char *const exit_statuses[][2] = {
	{ "0", "done, whatever the verdicts were" },
	{ "1", "done, and the answer is no (doctor below the floor, --fail-under not met)" },
	{ "2", "wrong usage or input" },
	{ "3", "work remains that a retry could do; 'run --resume last' continues" },
	{ "4", "stopped in good order by --deadline, --budget or SIGTERM" },
	{ "130", "interrupted" },
};

/* --- wrapping --- */

/* Columns that n bytes of UTF-8 take. */
static size_t columns(const char *s, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)s[i] & 0xc0) != 0x80;
	return w;
}

/* Words of text from column `at` on, later lines indented; a blank line parts paragraphs. */
static void wrap(struct buf *out, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t blank = strspn(text, " \n"), n, w;
		bool paragraph = false;

		for (size_t i = 0; i + 1 < blank; i++)
			paragraph |= text[i] == '\n' && text[i + 1] == '\n';
		text += blank;
		if (!*text)
			break;
		n = strcspn(text, " \n");
		w = columns(text, n);
		if (paragraph && !first) {
			buf_addf(out, "\n\n%*s", (int)indent, "");
			at = indent;
		} else if (!first && at + 1 + w > WIDTH) {
			buf_addf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			buf_addc(out, ' ');
			at++;
		}
		buf_add(out, text, n);
		at += w;
		text += n;
		first = false;
	}
	buf_addc(out, '\n');
}

/* "--samples N"; a flag stands alone. */
static void option_head(const struct option_spec *s, struct buf *out)
{
	buf_addf(out, "--%s", s->name);
	if (s->arg)
		buf_addf(out, " %s", s->arg);
}

/* What is said after an option's own words. */
static void option_tail(const struct option_spec *s, struct buf *out)
{
	if (s->fallback && *s->fallback)
		buf_addf(out, " (default: %s)", s->fallback);
	if (s->kind == OPTION_LIST)
		buf_adds(out, " (may be given more than once)");
}

static void option_text(const struct option_spec *s, struct buf *out)
{
	cleanup_buf struct buf head = { 0 };
	cleanup_buf struct buf words = { 0 };
	size_t w;

	buf_init(&head, 4096);
	buf_init(&words, 65536);
	option_head(s, &head);
	buf_adds(&words, s->help);
	option_tail(s, &words);
	w = 2 + columns(head.data, head.len);
	buf_addf(out, " %c%s", s->config ? '*' : ' ', head.data);
	if (w + 2 > OPTION_COLUMN)
		buf_addf(out, "\n%*s", OPTION_COLUMN, "");
	else
		buf_addf(out, "%*s", (int)(OPTION_COLUMN - w), "");
	wrap(out, words.data, OPTION_COLUMN, OPTION_COLUMN);
}

static const char *options_word(const struct command *cmd)
{
	return cmd->options && cmd->options->name ? " [OPTION…]" : "";
}

static const char config_words[] =
	"Options marked * may also come from the environment (WINNOW_ and the name in capitals, _ for -) "
	"and from the file of --config where the command takes one (the name with _ for -). "
	"A flag is stronger than the environment, that than the file, that than the default.";

static void program_text(struct buf *out)
{
	buf_addf(out, "winnow %s - %s\n\n", winnow_version(), program_summary);
	buf_adds(out, "usage: winnow [-C DIR] [--store FILE] [--json] COMMAND [OPTION…] [ARGUMENT…]\n\n");
	buf_adds(out, "commands:\n");
	for (size_t i = 0; commands[i]; i++) {
		buf_addf(out, "  %-12s", commands[i]->name);
		wrap(out, commands[i]->summary, 14, 14);
	}
	buf_adds(out, "\noptions of every command:\n");
	for (const struct option_spec *s = options_globals; s->name; s++)
		option_text(s, out);
	buf_adds(out, "  --help                  say what a command does\n"
		      "  --version               print the version\n\n"
		      "exit status:\n");
	for (size_t i = 0; i < ARRAY_SIZE(exit_statuses); i++)
		buf_addf(out, "  %-5s%s\n", exit_statuses[i][0], exit_statuses[i][1]);
	buf_addc(out, '\n');
	wrap(out, config_words, 0, 0);
	buf_adds(out, "\n'winnow help COMMAND' says more of one command.\n");
}

void help_text(const struct command *cmd, struct buf *out)
{
	if (!cmd) {
		program_text(out);
		return;
	}
	buf_addf(out, "usage: winnow %s%s%s%s\n\n", cmd->name, options_word(cmd),
		 cmd->usage && *cmd->usage ? " " : "", cmd->usage ? cmd->usage : "");
	wrap(out, cmd->summary, 0, 0);
	if (cmd->description && *cmd->description) {
		buf_addc(out, '\n');
		wrap(out, cmd->description, 0, 0);
	}
	if (cmd->options && cmd->options->name) {
		buf_adds(out, "\noptions:\n");
		for (const struct option_spec *s = cmd->options; s->name; s++)
			option_text(s, out);
		if (options_implied_config(cmd))
			option_text(options_implied_config(cmd), out);
	}
	buf_adds(out, "\nand -C DIR, --store FILE, --json, --help, as every command.\n");
	if (options_configurable(cmd)) {
		buf_addc(out, '\n');
		wrap(out, config_words, 0, 0);
	}
}

/* --- man pages --- */

/* Text as roff takes it: no request at a line's start, hyphens that can be copied. */
static void roff(struct buf *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_adds(out, "\\&");
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, *text);
		start = *text == '\n';
	}
}

static void roff_paragraphs(struct buf *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		cleanup_buf struct buf part = { 0 };

		buf_init(&part, 1 << 20);
		buf_add(&part, text, end ? (size_t)(end - text) : strlen(text));
		buf_adds(out, ".PP\n");
		roff(out, part.data);
		buf_addc(out, '\n');
		if (!end)
			break;
		text = end + 2;
	}
}

static void roff_option(struct buf *out, const struct option_spec *s)
{
	cleanup_buf struct buf words = { 0 };

	buf_init(&words, 65536);
	buf_adds(&words, s->help);
	option_tail(s, &words);
	buf_adds(out, ".TP\n.B \\-\\-");
	roff(out, s->name);
	if (s->arg) {
		buf_adds(out, " \\fI");
		roff(out, s->arg);
		buf_adds(out, "\\fP");
	}
	buf_adds(out, s->config ? " *" : "");
	buf_addc(out, '\n');
	roff(out, words.data);
	buf_addc(out, '\n');
}

static void roff_exit(struct buf *out)
{
	buf_adds(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_SIZE(exit_statuses); i++) {
		buf_addf(out, ".TP\n.B %s\n", exit_statuses[i][0]);
		roff(out, exit_statuses[i][1]);
		buf_addc(out, '\n');
	}
}

static void program_man(struct buf *out)
{
	buf_addf(out, ".TH WINNOW 1 \"\" \"winnow %s\" \"User Commands\"\n", winnow_version());
	buf_adds(out, ".SH NAME\nwinnow \\- ");
	roff(out, program_summary);
	buf_adds(out, "\n.SH SYNOPSIS\n.B winnow\n[\\-C DIR] [\\-\\-store FILE] [\\-\\-json] COMMAND "
		      "[OPTION…] [ARGUMENT…]\n.SH COMMANDS\n");
	for (size_t i = 0; commands[i]; i++) {
		buf_addf(out, ".TP\n.BR winnow\\-%s (1)\n", commands[i]->name);
		roff(out, commands[i]->summary);
		buf_addc(out, '\n');
	}
	buf_adds(out, ".SH OPTIONS\n");
	for (const struct option_spec *s = options_globals; s->name; s++)
		roff_option(out, s);
	roff_exit(out);
	buf_adds(out, ".SH SEE ALSO\n");
	for (size_t i = 0; commands[i]; i++)
		buf_addf(out, ".BR winnow\\-%s (1)%s\n", commands[i]->name,
			 commands[i + 1] ? "," : "");
}

void help_man(const struct command *cmd, struct buf *out)
{
	if (!cmd) {
		program_man(out);
		return;
	}
	buf_adds(out, ".TH WINNOW\\-");
	for (const char *p = cmd->name; *p; p++)
		buf_addc(out, (char)toupper((unsigned char)*p));
	buf_addf(out, " 1 \"\" \"winnow %s\" \"User Commands\"\n", winnow_version());
	buf_addf(out, ".SH NAME\nwinnow\\-%s \\- ", cmd->name);
	roff(out, cmd->summary);
	buf_addf(out, "\n.SH SYNOPSIS\n.B winnow %s\n[OPTION…] ", cmd->name);
	roff(out, cmd->usage ? cmd->usage : "");
	buf_addc(out, '\n');
	if (cmd->description && *cmd->description) {
		buf_adds(out, ".SH DESCRIPTION\n");
		roff_paragraphs(out, cmd->description);
	}
	buf_adds(out, ".SH OPTIONS\n");
	for (const struct option_spec *s = cmd->options; s && s->name; s++)
		roff_option(out, s);
	if (options_implied_config(cmd))
		roff_option(out, options_implied_config(cmd));
	for (const struct option_spec *s = options_globals; s->name; s++)
		roff_option(out, s);
	if (options_configurable(cmd)) {
		buf_adds(out, ".SH CONFIGURATION\n");
		roff(out, config_words);
		buf_addc(out, '\n');
	}
	roff_exit(out);
	buf_adds(out, ".SH SEE ALSO\n.BR winnow (1)\n");
}

/* --- markdown --- */

static void markdown_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_addc(out, '\\');
		buf_addc(out, (char)(*text == '\n' ? ' ' : *text));
	}
}

static void markdown_option(struct buf *out, const struct option_spec *s)
{
	cleanup_mem char *key = options_key(s->name), *variable = options_variable(s->name);

	buf_addf(out, "| `--%s%s", s->name, s->arg ? " " : "");
	markdown_cell(out, s->arg ? s->arg : "");
	buf_adds(out, "` | ");
	if (s->fallback && *s->fallback)
		buf_addf(out, "`%s`", s->fallback);
	buf_adds(out, " | ");
	if (s->config)
		buf_addf(out, "`%s`, `%s`", variable ? variable : "", key ? key : "");
	buf_adds(out, " | ");
	markdown_cell(out, s->help);
	if (s->kind == OPTION_LIST)
		buf_adds(out, " (may be given more than once)");
	buf_adds(out, " |\n");
}

static void markdown_options(struct buf *out, const struct option_spec *specs, const struct option_spec *implied)
{
	buf_adds(out, "\n| option | default | also from environment and file | |\n|---|---|---|---|\n");
	for (; specs->name; specs++)
		markdown_option(out, specs);
	if (implied)
		markdown_option(out, implied);
}

void help_markdown(struct buf *out)
{
	buf_adds(out, "# Command line\n\n"
		      "<!-- made by `winnow help --markdown`: change the command's struct, not this file -->\n\n"
		      "`winnow [-C DIR] [--store FILE] [--json] COMMAND [OPTION…] [ARGUMENT…]`\n\n"
		      "The answer goes to stdout, talk and progress to stderr. The options of every command may "
		      "stand before the command's name or after it.\n");
	markdown_options(out, options_globals, NULL);
	buf_adds(out, "\n| exit status | |\n|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(exit_statuses); i++)
		buf_addf(out, "| %s | %s |\n", exit_statuses[i][0], exit_statuses[i][1]);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *cmd = commands[i];

		buf_addf(out, "\n## winnow %s\n\n`winnow %s%s%s%s`\n\n%s\n", cmd->name, cmd->name,
			 options_word(cmd), cmd->usage && *cmd->usage ? " " : "",
			 cmd->usage ? cmd->usage : "", cmd->summary);
		if (cmd->description && *cmd->description)
			buf_addf(out, "\n%s\n", cmd->description);
		if (cmd->options && cmd->options->name)
			markdown_options(out, cmd->options, options_implied_config(cmd));
	}
}

/* --- the configuration's schema --- */

static json_t *schema_of(const struct option_spec *s)
{
	static const char duration[] = "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$";
	static const char size[] = "^[0-9]+(\\.[0-9]+)?[KMGTkmgt]?$";

	switch (s->kind) {
	case OPTION_FLAG:
		return json_pack("{s:s, s:s}", "type", "boolean", "description", s->help);
	case OPTION_UINT:
		return json_pack("{s:s, s:i, s:s}", "type", "integer", "minimum", 0, "description",
				 s->help);
	case OPTION_NUMBER:
		return json_pack("{s:s, s:s}", "type", "number", "description", s->help);
	case OPTION_SIZE:
		return json_pack("{s:[s, s], s:i, s:s, s:s}", "type", "integer", "string", "minimum", 0,
				 "pattern", size, "description", s->help);
	case OPTION_DURATION:
		return json_pack("{s:[s, s], s:i, s:s, s:s}", "type", "number", "string", "minimum", 0,
				 "pattern", duration, "description", s->help);
	case OPTION_LIST:
		return json_pack("{s:[s, s], s:{s:s}, s:s}", "type", "array", "string", "items", "type",
				 "string", "description", s->help);
	case OPTION_STRING:
	default:
		return json_pack("{s:[s, s, s], s:s}", "type", "string", "number", "boolean",
				 "description", s->help);
	}
}

static int add_schemas(json_t *properties, const struct option_spec *specs)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		cleanup_mem char *key = NULL;
		json_t *schema;

		if (!s->config)
			continue;
		key = options_key(s->name);
		schema = schema_of(s);
		if (schema && s->fallback &&
		    json_object_set_new(schema, "x-default", json_string(s->fallback))) {
			json_decref(schema);
			return -1;
		}
		if (!key || json_object_set_new(properties, key, schema))
			return -1;
	}
	return 0;
}

json_t *help_config_schema(const struct command *cmd)
{
	cleanup_mem char *title = mem_printf("configuration of winnow %s", cmd->name);
	json_t *properties = json_object();

	if (!title || !properties || add_schemas(properties, cmd->options) ||
	    add_schemas(properties, options_globals)) {
		json_decref(properties);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:b}", "$schema",
			 "https://json-schema.org/draft/2020-12/schema", "title", title, "type",
			 "object", "properties", properties, "additionalProperties", 0);
}
