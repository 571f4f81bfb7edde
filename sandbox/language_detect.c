/* SPDX-License-Identifier: Apache-2.0 */
/*
 * language_detect.c - which toolchains this machine has, and drivers made ready for them.
 *
 * Runs the recipes' own `detect` and `prepare` commands, which are trusted: outside any box, before
 * the spawner exists.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "sandbox/language.h"
#include "sandbox/language_cache.h"

#define DETECT_US UINT64_C(5000000)
#define MAX_DRIVER_BYTES (1u << 20) /* and of what a detect command says */

/* What argv prints, for at most DETECT_US; both: its stderr as well.  Returns false where it cannot be had whole. */
static bool printed_by(char **argv, bool both, struct buf *out)
{
	char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *const env[] = { path, locale, NULL };
	posix_spawn_file_actions_t actions;
	uint64_t until = clock_now_us() + DETECT_US;
	bool whole = false;
	int pipe_fd[2], status = 0, rc;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return false;
	(void) posix_spawn_file_actions_init(&actions);
	(void) posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void) posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], 1);
	if (both)
		(void) posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], 2);
	else
		(void) posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&pid, argv[0], &actions, NULL, argv, env);
	(void) posix_spawn_file_actions_destroy(&actions);
	(void) close(pipe_fd[1]);
	while (rc == 0) {
		struct pollfd p = { .fd = pipe_fd[0], .events = POLLIN };
		uint64_t now = clock_now_us();
		char *room = buf_reserve(out, 4096);
		ssize_t got;

		if (!room || now >= until || poll(&p, 1, (int)((until - now) / 1000) + 1) == 0)
			break;
		got = read(pipe_fd[0], room, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		whole = got == 0;
		if (got <= 0)
			break;
		buf_commit(out, (size_t)got);
	}
	(void) close(pipe_fd[0]);
	if (rc != 0)
		return false;
	if (!whole)
		(void) kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The first word that begins with a digit, after the toolchain's own name or not, is the version. */
static void name_toolchain(struct language *l, const char *words)
{
	size_t n, name = strlen(l->detect_name);

	for (const char *word = words; *word; word += n + (word[n] != '\0')) {
		n = strcspn(word, " \t\r\n");
		if (n > name && !strncmp(word, l->detect_name, name) && word[name] >= '0' && word[name] <= '9') {
			word += name;
			n -= name;
		}
		if (!n || *word < '0' || *word > '9')
			continue;
		(void) snprintf(l->toolchain, sizeof(l->toolchain), "%.40s %.*s", l->detect_name,
				(int)(n < 40 ? n : 40), word);
		return;
	}
}

/* Put what `prepare` makes of the driver in the driver's place; where it fails the driver stays as it is. */
static int prepare_driver(struct language *l, bool *ret_made, struct error *err)
{
	cleanup_mem char *path = fs_join(l->dir, l->driver_name);
	cleanup_mem char **argv = NULL;
	struct buf made;
	size_t n = 0, len;
	char *text;

	while (l->prepare_argv[n])
		n++;
	argv = mem_calloc(n + 2, sizeof(*argv));
	if (!path || !argv)
		return error_set(err, ERR_NOMEM, "out of memory for '%s'", l->name);
	memcpy(argv, l->prepare_argv, n * sizeof(*argv));
	argv[n] = path;
	buf_init(&made, MAX_DRIVER_BYTES);
	if (printed_by(argv, false, &made) && made.len) {
		text = buf_steal(&made, &len);
		if (text) {
			mem_free(l->driver);
			l->driver = text;
			l->driver_len = len;
			*ret_made = true;
		}
	}
	buf_clear(&made);
	return 0;
}

int language_detect(struct language_set *s, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		struct language *l = &s->items[i];
		const char *program = l->compile_argv ? l->compile_argv[0] : l->run_argv[0];
		cleanup_mem char *kept = NULL;
		bool prepared = false, wanted;
		struct buf words;

		l->present = access(program, X_OK) == 0 && access(l->detect_argv[0], X_OK) == 0;
		l->toolchain[0] = '\0';
		if (!l->present)
			continue;
		wanted = l->driver && l->prepare_argv && l->prepare_argv[0];
		kept = language_cache_path(l);
		if (language_cache_get(kept, l))
			continue;
		buf_init(&words, MAX_DRIVER_BYTES);
		if (printed_by(l->detect_argv, true, &words))
			name_toolchain(l, words.data);
		buf_clear(&words);
		if (wanted)
			rc = prepare_driver(l, &prepared, err);
		if (rc == 0 && prepared == wanted)
			language_cache_put(kept, l, prepared);
	}
	return rc;
}
