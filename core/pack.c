/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - the writing half of pack.h; the reading half is unpack.c. */
#include "core/pack.h"

#include <endian.h>
#include <string.h>

void pack_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void pack_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

void pack_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_add(b, &v, sizeof(v));
}

void pack_i64(struct buf *b, int64_t v)
{
	pack_u64(b, (uint64_t)v);
}

void pack_f64(struct buf *b, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	pack_u64(b, bits);
}

void pack_bytes(struct buf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX) {
		if (!b->error)
			b->error = ERR_LIMIT;
		return;
	}
	pack_u32(b, (uint32_t)n);
	buf_add(b, p, n);
	buf_addc(b, '\0');
}

void pack_str(struct buf *b, const char *s)
{
	pack_u8(b, s != NULL);
	if (s)
		pack_bytes(b, s, strlen(s));
}
