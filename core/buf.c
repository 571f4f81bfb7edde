/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.c - growable bytes.
 *
 * Invariants: (1) data is `nothing` exactly while cap is 0 (or the struct is
 * still all zero); (2) cap counts the byte of the final NUL; (3) len <= max.
 */
#include "core/buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

static char nothing[1]; /* what data points at before the first byte; never written */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .data = nothing, .max = max };
}

void buf_clear(struct buf *b)
{
	size_t max = b->max;

	if (b->cap)
		mem_free(b->data);
	buf_init(b, max);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->cap)
		b->data[0] = '\0';
	else
		b->data = nothing;
}

/* Room for n more bytes and the NUL; false with the sticky error set. */
static bool room(struct buf *b, size_t n)
{
	size_t need, cap;
	char *now;

	if (b->error)
		return false;
	if (n > b->max - b->len) {
		b->error = ERR_LIMIT;
		return false;
	}
	if (__builtin_add_overflow(b->len, n, &need) || need == SIZE_MAX) {
		b->error = ERR_LIMIT;
		return false;
	}
	need++;
	if (need <= b->cap)
		return true;
	cap = b->cap < 32 ? 64 : b->cap + b->cap / 2;
	if (b->max < SIZE_MAX && cap > b->max + 1)
		cap = b->max + 1;
	if (cap < need)
		cap = need;
	now = mem_realloc(b->cap ? b->data : NULL, cap);
	if (!now) {
		b->error = ERR_NOMEM;
		return false;
	}
	if (!b->cap)
		now[0] = '\0';
	b->data = now;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	if (!n || !room(b, n))
		return;
	memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	if (b->cap - b->len >= 2 && b->cap && b->len < b->max && !b->error) {
		b->data[b->len++] = c;
		b->data[b->len] = '\0';
		return;
	}
	buf_add(b, &c, 1);
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (b->error)
		return;
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		b->error = ERR_LIMIT;
	else if (n > 0 && room(b, (size_t)n)) {
		(void) vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(b, fmt, ap);
	va_end(ap);
}

void buf_remove_front(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (!n)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (!room(b, n))
		return NULL;
	return b->data + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
	if (b->error || !b->cap)
		return;
	b->len += n;
	b->data[b->len] = '\0';
}

int buf_check(const struct buf *b, const char *what, struct error *err)
{
	switch (b->error) {
	case 0:
		return 0;
	case ERR_LIMIT:
		return error_set(err, ERR_LIMIT, "'%s' is too large (more than %zu bytes)", what,
				 b->max);
	default:
		return error_set(err, ERR_NOMEM, "out of memory for '%s'", what);
	}
}

char *buf_steal(struct buf *b, size_t *ret_len)
{
	char *data;

	if (b->error)
		return NULL;
	if (!b->cap && !room(b, 0))
		return NULL;
	data = b->data;
	if (ret_len)
		*ret_len = b->len;
	buf_init(b, b->max);
	return data;
}
