/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - from argv to a command and from its result to an exit status.
 *
 * Globals may stand before the command or after it: those before are handed to
 * options_parse() in front of the command's own words.  Only this file exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/help.h"
#include "rollout/options.h"

/* A file opened later must never land on 0, 1 or 2, where our words would go. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
	if (fd > STDERR_FILENO)
		(void) close(fd);
}

/* Words at argv[i] that are a global and its value: 0 where it is none. */
static int global_words(const char *arg)
{
	if (strcmp(arg, "-C") == 0 || strcmp(arg, "--directory") == 0 || strcmp(arg, "--store") == 0)
		return 2;
	if (str_starts(arg, "-C") || str_starts(arg, "--directory=") ||
	    str_starts(arg, "--store=") || str_starts(arg, "--json") || strcmp(arg, "--help") == 0 ||
	    strcmp(arg, "-h") == 0)
		return 1;
	return 0;
}

/* One large write at the end where nobody watches, so that its failure still has its reason. */
static void buffer_stdout(void)
{
	static char room[256 << 10];

	if (!isatty(STDOUT_FILENO))
		(void) setvbuf(stdout, room, _IOFBF, sizeof(room));
}

static int complain(const char *command, const struct error *err, int status)
{
	(void) fflush(stdout);
	(void) fprintf(stderr, "winnow%s%s: %s\n", command ? " " : "", command ? command : "",
		       err->msg[0] ? err->msg : error_word(err->code));
	return status;
}

/* What every command does at its end: the answer must have got out. */
static int finish(const char *command, int status)
{
	struct error err = ERROR_INIT;
	int r = answer_finish(&err);

	if (r >= 0)
		return status; /* a reader that went away has what it wanted */
	return complain(command, &err, EXIT_WORK_REMAINS);
}

static int print_help(const struct command *cmd, struct error *err)
{
	cleanup_buf struct buf text;
	int r;

	buf_init(&text, 1 << 20);
	help_text(cmd, &text);
	r = buf_check(&text, "help", err);
	if (r == 0)
		(void) fputs(text.data, stdout);
	return r;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	cleanup_options struct options *o = NULL;
	struct error err = ERROR_INIT;
	struct globals g = { 0 };
	int r = options_parse(cmd, argc, argv, &o, &err);

	if (r < 0)
		return complain(cmd->name, &err, error_exit_status(r));
	if (options_help(o)) {
		r = print_help(cmd, &err);
		return r < 0 ? complain(cmd->name, &err, error_exit_status(r))
			     : finish(cmd->name, EXIT_DONE);
	}
	g.directory = options_str(o, "directory");
	g.store = options_str(o, "store");
	g.json = options_flag(o, "json");
	if (g.directory && chdir(g.directory) < 0) {
		(void) error_set_errno(&err, ERR_INPUT, "-C: cannot enter '%s'", g.directory);
		return complain(cmd->name, &err, EXIT_USAGE);
	}
	r = cmd->main(&g, o, &err);
	if (r < 0)
		return complain(cmd->name, &err, error_exit_status(r));
	return finish(cmd->name, r);
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	cleanup_mem char **words = NULL;
	struct error err = ERROR_INIT;
	int n_words = 0, i = 1, status;

	open_standard_fds();
	buffer_stdout();
	(void) signal(SIGPIPE, SIG_IGN); /* a run must outlive the reader of its talk */
	words = mem_calloc((size_t)argc + 2, sizeof(*words));
	if (!words) {
		(void) error_set(&err, ERR_NOMEM, "out of memory");
		return complain(NULL, &err, EXIT_WORK_REMAINS);
	}
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		int n = global_words(argv[i]);

		if (strcmp(argv[i], "--version") == 0) {
			(void) printf("winnow %s\n", winnow_version());
			return finish(NULL, EXIT_DONE);
		}
		if (!n) {
			(void) error_set(&err, ERR_INPUT, "unknown option '%s' before the command", argv[i]);
			return complain(NULL, &err, EXIT_USAGE);
		}
		if (i + n > argc) {
			(void) error_set(&err, ERR_INPUT, "%s needs a value", argv[i]);
			return complain(NULL, &err, EXIT_USAGE);
		}
		words[n_words++] = argv[i];
		if (n == 2)
			words[n_words++] = argv[++i];
	}
	if (i >= argc) {
		status = print_help(NULL, &err);
		return status < 0 ? complain(NULL, &err, error_exit_status(status))
				  : finish(NULL, EXIT_DONE);
	}
	cmd = command_find(argv[i]);
	if (!cmd) {
		(void) command_unknown(argv[i], &err);
		return complain(NULL, &err, EXIT_USAGE);
	}
	while (++i < argc)
		words[n_words++] = argv[i];
	return run_command(cmd, n_words, words);
}
