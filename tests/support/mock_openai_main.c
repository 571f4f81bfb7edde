/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_openai_main.c - mock_openai [--port P] [--answers FILE]: the test server as
 * a program.  Prints its port on the first line of stdout and serves until its
 * stdin ends or a SIGTERM comes.  FILE: JSON lines {"contains","text"}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fs.h"
#include "core/str.h"
#include "tests/support/mock_openai.h"

static int read_answers(const char *path, json_t *list, struct error *err)
{
	struct fs_lines *lines = NULL;
	const char *line;
	size_t n;
	int r = fs_lines_open(path, 1 << 24, &lines, err);

	while (r >= 0 && (r = fs_lines_next(lines, &line, &n, err)) > 0) {
		json_t *j = NULL;

		r = json_parse(line, n, &j, err);
		if (r < 0)
			error_prefix(err, r, "%s:%lu", path, fs_lines_number(lines));
		else
			(void)json_array_append_new(list, j);
	}
	fs_lines_close(lines);
	return r;
}

int main(int argc, char **argv)
{
	json_t *answers = json_array();
	struct mock_openai *m = NULL;
	struct error err = ERROR_INIT;
	uint64_t port = 0;
	char byte;
	int r = 0;

	for (int i = 1; i + 1 < argc && r >= 0; i += 2) {
		if (strcmp(argv[i], "--port") == 0)
			r = str_parse_u64(argv[i + 1], "--port", 0, 65535, &port, &err);
		else if (strcmp(argv[i], "--answers") == 0)
			r = read_answers(argv[i + 1], answers, &err);
		else
			r = error_set(&err, ERR_INPUT, "unknown option '%s'", argv[i]);
	}
	if (r >= 0 && argc % 2 == 0)
		r = error_set(&err, ERR_INPUT, "option '%s' has no value", argv[argc - 1]);
	if (r >= 0)
		r = mock_openai_start((uint16_t)port, answers, &m, &err);
	if (r < 0) {
		fprintf(stderr, "mock_openai: %s\n", err.msg);
		json_decref(answers);
		return 2;
	}
	printf("%u\n", mock_openai_port(m));
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	mock_openai_stop(m);
	json_decref(answers);
	return 0;
}
