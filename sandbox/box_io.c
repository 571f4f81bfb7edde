/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_io.c - what a box says: output drained while it runs, frames relayed.
 *
 * Pipes are read until they would block and never waited for: that every writer
 * is dead is known from init, not from an end of file.
 */
#include "sandbox/box_internal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/mem.h"
#include "core/record.h"

#define CHUNK_BYTES 65536
#define CHUNKS_AT_ONCE 16 /* then others get their turn */
#define DRAIN_CHUNKS 1024
#define SEND_QUEUE_BYTES (UINT64_C(64) << 20)

static char chunk[CHUNK_BYTES];

static void keep(struct box_output *o, const char *p, size_t n)
{
	uint64_t room = o->keep - o->kept.len;

	o->total += n;
	buf_add(&o->kept, p, n < room ? n : (size_t)room);
}

static void read_output(struct box *box, struct box_output *o, int rounds)
{
	for (int i = 0; i < rounds && o->watch.fd >= 0; i++) {
		ssize_t n = read(o->watch.fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			spawner_unwatch(box->sp, &o->watch);
			break;
		}
		keep(o, chunk, (size_t)n);
		if (box->output_ends && box->out.total + box->err.total > box->output_limit_bytes)
			box_end_by(box, BOX_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT);
	}
}

static void out_ready(struct watch *w, uint32_t events)
{
	struct box *box = w->owner;

	(void)events;
	read_output(box, &box->out, CHUNKS_AT_ONCE);
}

static void err_ready(struct watch *w, uint32_t events)
{
	struct box *box = w->owner;

	(void)events;
	read_output(box, &box->err, CHUNKS_AT_ONCE);
}

static void want_channel(struct box *box)
{
	uint32_t events = EPOLLIN | (box->to_send.len > box->sent ? EPOLLOUT : 0);

	if (box->channel.fd < 0 || events == box->channel_events)
		return;
	box->channel_events = events;
	spawner_rewatch(box->sp, &box->channel, events);
}

static void flush_channel(struct box *box)
{
	while (box->channel.fd >= 0 && box->sent < box->to_send.len) {
		ssize_t n = send(box->channel.fd, box->to_send.data + box->sent, box->to_send.len - box->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) { /* it has closed its end, or is dead: what it is told no longer matters */
			box->sent = box->to_send.len;
			break;
		}
		box->sent += (size_t)n;
	}
	if (box->sent == box->to_send.len) {
		buf_reset(&box->to_send);
		box->sent = 0;
	}
	want_channel(box);
}

/* Hand out what frames are whole.  Stops when a handler ended the box. */
static void hand_out_frames(struct box *box)
{
	while (!box->dying && box->in.len - box->in_done >= 4) {
		uint32_t n;
		const uint8_t *frame;

		memcpy(&n, box->in.data + box->in_done, sizeof(n));
		n = le32toh(n);
		if (n > VALUE_MAX_FRAME_BYTES) {
			box_end_by(box, BOX_KILLED, FLAG_PROTOCOL);
			return;
		}
		if (box->in.len - box->in_done - 4 < n)
			break;
		frame = (const uint8_t *)box->in.data + box->in_done + 4;
		box->in_done += (size_t)n + 4;
		if (box->events->frame)
			box->events->frame(box->ctx, box, frame, n);
	}
	if (box->in_done == box->in.len) {
		buf_reset(&box->in);
		box->in_done = 0;
	} else if (box->in_done > box->in.len / 2) {
		buf_remove_front(&box->in, box->in_done);
		box->in_done = 0;
	}
}

static void read_channel(struct box *box, int rounds)
{
	for (int i = 0; i < rounds && box->channel.fd >= 0; i++) {
		ssize_t n = recv(box->channel.fd, chunk, sizeof(chunk), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			spawner_unwatch(box->sp, &box->channel);
			break;
		}
		if (box->dying)
			continue; /* nothing it says now counts */
		buf_add(&box->in, chunk, (size_t)n);
		if (box->in.error) {
			box_fail(box, "no memory for the frames of a box");
			return;
		}
		hand_out_frames(box);
	}
}

static void channel_ready(struct watch *w, uint32_t events)
{
	struct box *box = w->owner;

	if (events & EPOLLOUT)
		flush_channel(box);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_channel(box, CHUNKS_AT_ONCE);
}

int box_send(struct box *box, const void *frame, size_t n, struct error *err)
{
	uint32_t length = htole32((uint32_t)n);
	size_t before = box->to_send.len;
	int r;

	if (n > VALUE_MAX_FRAME_BYTES)
		return error_set(err, ERR_LIMIT, "frame of %zu bytes is too long", n);
	if (box->dying || box->over)
		return 0; /* ended() will tell */
	buf_add(&box->to_send, &length, sizeof(length));
	buf_add(&box->to_send, frame, n);
	r = buf_check(&box->to_send, "queue of frames", err);
	if (r < 0) {
		box->to_send.len = before;
		box->to_send.error = 0;
		return r;
	}
	flush_channel(box);
	return 0;
}

bool box_has_unread(const struct box *box)
{
	char byte;

	if (box->in.len > box->in_done)
		return true;
	return box->channel.fd >= 0 && recv(box->channel.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

int box_watch_io(struct box *box, int out_fd, int err_fd, int channel_fd, struct error *err)
{
	struct spawner *sp = box->sp;
	int r;

	buf_init(&box->in, 2 * (size_t)VALUE_MAX_FRAME_BYTES);
	buf_init(&box->to_send, SEND_QUEUE_BYTES);
	box->out.watch = (struct watch){ -1, out_ready, box };
	box->err.watch = (struct watch){ -1, err_ready, box };
	box->channel = (struct watch){ -1, channel_ready, box };
	r = spawner_watch(sp, &box->out.watch, out_fd, EPOLLIN, err);
	if (r == 0)
		r = spawner_watch(sp, &box->err.watch, err_fd, EPOLLIN, err);
	if (r == 0 && channel_fd >= 0)
		r = spawner_watch(sp, &box->channel, channel_fd, EPOLLIN, err);
	box->channel_events = EPOLLIN;
	return r;
}

void box_drain(struct box *box)
{
	/* All writers are dead and the pipes hold a bounded rest; only in tier none
	 * may somebody still write, who is not waited for. */
	read_channel(box, DRAIN_CHUNKS);
	read_output(box, &box->out, DRAIN_CHUNKS);
	read_output(box, &box->err, DRAIN_CHUNKS);
}

void box_close_io(struct box *box)
{
	spawner_unwatch(box->sp, &box->out.watch);
	spawner_unwatch(box->sp, &box->err.watch);
	spawner_unwatch(box->sp, &box->channel);
	buf_clear(&box->in);
	buf_clear(&box->to_send);
}
