/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - growable bytes with a mandatory maximum and a sticky error.
 *
 * Appends are void; the first failure (no memory, or past `max`) sticks and
 * makes later appends do nothing, so one check of buf_error() at the end is
 * enough.  data is never NULL and always has a NUL byte after data[len - 1].
 */
#ifndef WINNOW_CORE_BUF_H
#define WINNOW_CORE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>
#include "core/error.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	int error; /* 0, ERR_NOMEM or ERR_LIMIT */
};

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b);              /* frees; usable again with the same max */
void buf_reset(struct buf *b);              /* len = 0, error = 0, keeps memory */
void buf_add(struct buf *b, const void *data, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_remove_front(struct buf *b, size_t n);
/* Room for n more bytes at data + len, or NULL; then buf_commit() what was written. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* 0, or fills *err from the sticky error ("'what' is too large" / out of memory). */
int buf_check(const struct buf *b, const char *what, struct error *err);
/* Take the memory (NUL-terminated, mem_free() it); b is empty afterwards.  NULL on sticky error. */
char *buf_steal(struct buf *b, size_t *ret_len);

#define cleanup_buf __attribute__((cleanup(buf_clear)))

#endif
