/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - messages between the main process and the spawner over one stream
 * socket: u32 length, u8 kind, u64 id, bytes.  Never blocks; both ends use it.
 */
#ifndef WINNOW_SANDBOX_LINK_H
#define WINNOW_SANDBOX_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"

enum link_kind {
	LINK_REQUEST, /* main to spawner: for the service */
	LINK_CANCEL,
	LINK_REPLY,   /* spawner to main */
	LINK_READY,   /* the tier is proved: struct sandbox_info */
	LINK_REFUSED, /* the tier does not work: text */
	LINK_BROKEN   /* the service could not start: u32 error code, text */
};
#define LINK_MAX_QUEUE_BYTES (UINT64_C(1) << 30)

struct link {
	int fd;
	struct buf in, out;
	size_t in_done;  /* bytes of in that were handed out */
	size_t out_done; /* bytes of out that were sent */
	bool hung_up;
};

void link_init(struct link *l, int fd); /* fd is taken over and made non-blocking */
void link_clear(struct link *l);
int link_send(struct link *l, enum link_kind kind, uint64_t id, const void *p, size_t n, struct error *err);
bool link_wants_write(const struct link *l);
size_t link_queued_bytes(const struct link *l);
/* Send what can be sent; read what is there.  ERR_IO when the other end is gone and nothing was read. */
int link_flush(struct link *l, struct error *err);
int link_fill(struct link *l, struct error *err);
/* 1: a message, borrowed until the next call; 0: none is whole yet. */
int link_next(struct link *l, enum link_kind *ret_kind, uint64_t *ret_id, const uint8_t **ret_p, size_t *ret_n);

#endif
