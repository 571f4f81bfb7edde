/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_lock.c - one writer a store: an open-file-description lock on FILE.lock.
 *
 * The kernel drops it when the last copy of the descriptor closes, so a killed
 * writer never leaves it behind.  The file's text only tells people who holds it;
 * what a dead writer left there is harmless, and the file is never removed
 * (removing it would let two writers lock two different files).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/mem.h"
#include "store/store_internal.h"

#define POLL_US 100000
#define MAX_TEXT 4096

/* "'winnow run' (process 123 on host h, since …)" */
static void describe_holder(int fd, char *ret, size_t n)
{
	char text[MAX_TEXT];
	ssize_t got = pread(fd, text, sizeof(text), 0);
	cleanup_json json_t *j = NULL;

	snprintf(ret, n, "another process");
	if (got <= 0 || json_parse(text, (size_t)got, &j, NULL) < 0 || !json_get_str(j, "what"))
		return;
	snprintf(ret, n, "'%.80s' (process %lld on host %.64s, since %.32s)", json_get_str(j, "what"),
		 (long long)json_get_int(j, "pid", 0), json_get_str(j, "host") ? json_get_str(j, "host") : "?",
		 json_get_str(j, "since") ? json_get_str(j, "since") : "?");
}

static int write_holder(int fd, const char *path, const char *what, struct error *err)
{
	char host[65] = "", since[32];
	cleanup_buf struct buf text;
	cleanup_json json_t *j = NULL;
	int r;

	buf_init(&text, MAX_TEXT);
	(void)gethostname(host, sizeof(host) - 1);
	clock_iso8601(clock_wall_us(), since);
	j = json_pack("{s:I, s:s, s:s%, s:s}", "pid", (json_int_t)getpid(), "host", host, "what", what,
		      strnlen(what, 80), "since", since);
	if (!j)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = json_dump_line(j, &text, err);
	if (r < 0)
		return r;
	buf_addc(&text, '\n');
	r = buf_check(&text, "lock text", err);
	if (r < 0)
		return r;
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len)
		return error_set_errno(err, ERR_IO, "cannot write '%s'", path);
	return 0;
}

int store_lock(const char *path, uint64_t wait_us, const char *what, int *ret_fd, struct error *err)
{
	const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cleanup_mem char *lock = mem_printf("%s.lock", path);
	cleanup_fd int fd = -1;
	uint64_t start = clock_now_us();
	char holder[320];
	int r;

	if (!lock)
		return error_set(err, ERR_NOMEM, "out of memory");
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open the lock file '%s'", lock);
	while (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		uint64_t passed = clock_now_us() - start;

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return error_set_errno(err, ERR_IO, "cannot lock '%s'", lock);
		if (passed >= wait_us) {
			describe_holder(fd, holder, sizeof(holder));
			return error_set(err, ERR_BUSY, "the store '%s' is held by %s", path, holder);
		}
		uint64_t nap = wait_us - passed < POLL_US ? wait_us - passed : POLL_US;
		struct timespec ts = { .tv_sec = 0, .tv_nsec = (long)nap * 1000 };

		(void)nanosleep(&ts, NULL);
	}
	r = write_holder(fd, lock, what, err);
	if (r < 0)
		return r;
	*ret_fd = fd_steal(&fd);
	return 0;
}

void store_unlock(int *fd)
{
	if (*fd < 0)
		return;
	(void)!ftruncate(*fd, 0);
	close(*fd);
	*fd = -1;
}
