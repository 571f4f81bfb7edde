/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - framed, queued, non-blocking messages over a stream socket. */
#include "sandbox/link.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/pack.h"

#define HEAD_BYTES 13 /* u32 length of what follows, u8 kind, u64 id */
#define READ_CHUNK 65536
#define READ_AT_ONCE 64 /* chunks, so that one side cannot starve the loop */

void link_init(struct link *l, int fd)
{
	*l = (struct link){ .fd = fd };
	buf_init(&l->in, LINK_MAX_QUEUE_BYTES);
	buf_init(&l->out, LINK_MAX_QUEUE_BYTES);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void link_clear(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	buf_clear(&l->in);
	buf_clear(&l->out);
}

int link_send(struct link *l, enum link_kind kind, uint64_t id, const void *p, size_t n, struct error *err)
{
	size_t before = l->out.len;
	int r;

	if (l->hung_up)
		return error_set(err, ERR_CANCELLED, "the other end is closed");
	if (n > UINT32_MAX - HEAD_BYTES)
		return error_set(err, ERR_LIMIT, "message of %zu bytes is too long", n);
	pack_u32(&l->out, (uint32_t)(n + HEAD_BYTES - 4));
	pack_u8(&l->out, (uint8_t)kind);
	pack_u64(&l->out, id);
	buf_add(&l->out, p, n);
	r = buf_check(&l->out, "message queue", err);
	if (r < 0) { /* all or nothing: the queue stays as it was */
		l->out.len = before;
		l->out.error = 0;
	}
	return r;
}

bool link_wants_write(const struct link *l)
{
	return !l->hung_up && l->out.len > l->out_done;
}

size_t link_queued_bytes(const struct link *l)
{
	return l->out.len - l->out_done;
}

int link_flush(struct link *l, struct error *err)
{
	while (l->out_done < l->out.len) {
		ssize_t n = send(l->fd, l->out.data + l->out_done, l->out.len - l->out_done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			l->hung_up = true;
			return error_set_errno(err, ERR_IO, "cannot send to the other process");
		}
		l->out_done += (size_t)n;
	}
	/* Move the rest to the front only when that is cheap by comparison. */
	if (l->out_done == l->out.len) {
		buf_reset(&l->out);
		l->out_done = 0;
	} else if (l->out_done > l->out.len / 2) {
		buf_remove_front(&l->out, l->out_done);
		l->out_done = 0;
	}
	return 0;
}

static void drop_handed_out(struct link *l)
{
	if (l->in_done == l->in.len) {
		buf_reset(&l->in);
		l->in_done = 0;
	} else if (l->in_done > l->in.len / 2) {
		buf_remove_front(&l->in, l->in_done);
		l->in_done = 0;
	}
}

int link_fill(struct link *l, struct error *err)
{
	drop_handed_out(l);
	for (int i = 0; i < READ_AT_ONCE; i++) {
		char *p = buf_reserve(&l->in, READ_CHUNK);
		ssize_t n;

		if (!p)
			return buf_check(&l->in, "message queue", err);
		n = recv(l->fd, p, READ_CHUNK, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			l->hung_up = true;
			return error_set_errno(err, ERR_IO, "cannot read from the other process");
		}
		if (n == 0) {
			l->hung_up = true;
			return error_set(err, ERR_IO, "the other process is gone");
		}
		buf_commit(&l->in, (size_t)n);
	}
	return 0;
}

int link_next(struct link *l, enum link_kind *ret_kind, uint64_t *ret_id, const uint8_t **ret_p, size_t *ret_n)
{
	struct unpack u;
	uint32_t n;

	if (l->in.len - l->in_done < HEAD_BYTES)
		return 0;
	unpack_init(&u, l->in.data + l->in_done, HEAD_BYTES);
	n = unpack_u32(&u);
	if (l->in.len - l->in_done - 4 < n)
		return 0;
	*ret_kind = unpack_u8(&u);
	*ret_id = unpack_u64(&u);
	*ret_p = (const uint8_t *)l->in.data + l->in_done + HEAD_BYTES;
	*ret_n = n - (HEAD_BYTES - 4);
	l->in_done += (size_t)n + 4;
	return 1;
}
