/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c - the reading half of pack.h.  Needs libc alone: winnow-init links it. */
#include "core/pack.h"

#include <endian.h>
#include <string.h>

void unpack_init(struct unpack *u, const void *p, size_t n)
{
	u->p = p;
	u->end = u->p + n;
	u->bad = false;
}

/* n bytes, or NULL with bad set. */
static const uint8_t *take(struct unpack *u, size_t n)
{
	const uint8_t *p = u->p;

	if (u->bad || n > (size_t)(u->end - p)) {
		u->bad = true;
		return NULL;
	}
	u->p += n;
	return p;
}

uint8_t unpack_u8(struct unpack *u)
{
	const uint8_t *p = take(u, 1);

	return p ? *p : 0;
}

uint32_t unpack_u32(struct unpack *u)
{
	const uint8_t *p = take(u, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

uint64_t unpack_u64(struct unpack *u)
{
	const uint8_t *p = take(u, 8);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

int64_t unpack_i64(struct unpack *u)
{
	return (int64_t)unpack_u64(u);
}

double unpack_f64(struct unpack *u)
{
	uint64_t bits = unpack_u64(u);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

const void *unpack_bytes(struct unpack *u, size_t *ret_n)
{
	size_t n = unpack_u32(u);
	const uint8_t *p = take(u, n);
	const uint8_t *nul = take(u, 1);

	if (nul && *nul)
		u->bad = true;
	if (u->bad) {
		if (ret_n)
			*ret_n = 0;
		return NULL;
	}
	if (ret_n)
		*ret_n = n;
	return p;
}

const char *unpack_str(struct unpack *u)
{
	size_t n;
	const char *s;

	switch (unpack_u8(u)) {
	case 0:
		return NULL;
	case 1:
		s = unpack_bytes(u, &n);
		if (s && strlen(s) == n)
			return s;
		break;
	}
	u->bad = true;
	return NULL;
}

bool unpack_done(const struct unpack *u)
{
	return !u->bad && u->p == u->end;
}
