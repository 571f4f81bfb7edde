/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compress.c - zstd and gzip.
 *
 * Output must be a function of the input alone: one thread, a fixed level, no
 * time stamp and no file name in the gzip header (zlib writes none by itself).
 */
#include "core/compress.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "core/mem.h"
#include "core/str.h"

#define ZSTD_LEVEL 9
#define GZIP_LEVEL 6
#define STEP ((size_t)64 << 10)

static const struct {
	const char *name, *suffix;
} kinds[] = {
	[COMPRESS_NONE] = { "none", "" },
	[COMPRESS_GZIP] = { "gzip", ".gz" },
	[COMPRESS_ZSTD] = { "zstd", ".zst" },
};

struct compressor {
	enum compress_kind kind;
	ZSTD_CCtx *zstd;
	z_stream z;
	bool z_open;
};

const char *compress_suffix(enum compress_kind kind)
{
	return kinds[kind].suffix;
}

int compress_parse(const char *name, enum compress_kind *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(name, kinds[i].name)) {
			*ret = (enum compress_kind)i;
			return 0;
		}
	return error_set(err, ERR_INPUT, "unknown compression '%s' (none, gzip, zstd)", name);
}

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for compression");
}

int compressor_new(enum compress_kind kind, struct compressor **ret, struct error *err)
{
	struct compressor *c = mem_zalloc(sizeof(*c));
	bool ok = c != NULL;

	if (ok)
		c->kind = kind;
	if (ok && kind == COMPRESS_ZSTD) {
		c->zstd = ZSTD_createCCtx();
		ok = c->zstd &&
		     !ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel,
							  ZSTD_LEVEL)) &&
		     !ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1));
	} else if (ok && kind == COMPRESS_GZIP) {
		/* 15 bits of window, and 16: a gzip header */
		ok = deflateInit2(&c->z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8,
				  Z_DEFAULT_STRATEGY) == Z_OK;
		c->z_open = ok;
	}
	if (!ok) {
		compressor_free(c);
		return no_memory(err);
	}
	*ret = c;
	return 0;
}

static int run_zstd(struct compressor *c, const void *p, size_t n, ZSTD_EndDirective end,
		    struct buf *out, struct error *err)
{
	ZSTD_inBuffer in = { p, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer to = { buf_reserve(out, STEP), STEP, 0 };

		if (!to.dst)
			return buf_check(out, "compressed output", err);
		left = ZSTD_compressStream2(c->zstd, &to, &in, end);
		if (ZSTD_isError(left))
			return error_set(err, ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
		buf_commit(out, to.pos);
	} while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

static int run_gzip(struct compressor *c, const void *p, size_t n, bool end, struct buf *out,
		    struct error *err)
{
	const unsigned char *from = p;
	int r;

	do {
		unsigned step = n > 1u << 30 ? 1u << 30 : (unsigned)n;

		c->z.next_in = (unsigned char *)(uintptr_t)from;
		c->z.avail_in = step;
		do {
			char *to = buf_reserve(out, STEP);

			if (!to)
				return buf_check(out, "compressed output", err);
			c->z.next_out = (unsigned char *)to;
			c->z.avail_out = (unsigned)STEP;
			r = deflate(&c->z, end && step == n ? Z_FINISH : Z_NO_FLUSH);
			if (r == Z_STREAM_ERROR)
				return error_set(err, ERR_INTERNAL, "gzip: bad state");
			buf_commit(out, STEP - c->z.avail_out);
		} while (c->z.avail_out == 0);
		from += step;
		n -= step;
	} while (n);
	return 0;
}

int compressor_add(struct compressor *c, const void *p, size_t n, struct buf *out,
		   struct error *err)
{
	if (!n)
		return 0;
	switch (c->kind) {
	case COMPRESS_ZSTD:
		return run_zstd(c, p, n, ZSTD_e_continue, out, err);
	case COMPRESS_GZIP:
		return run_gzip(c, p, n, false, out, err);
	default:
		buf_add(out, p, n);
		return buf_check(out, "output", err);
	}
}

int compressor_end(struct compressor *c, struct buf *out, struct error *err)
{
	switch (c->kind) {
	case COMPRESS_ZSTD:
		return run_zstd(c, NULL, 0, ZSTD_e_end, out, err);
	case COMPRESS_GZIP:
		return run_gzip(c, NULL, 0, true, out, err);
	default:
		return buf_check(out, "output", err);
	}
}

void compressor_free(struct compressor *c)
{
	if (!c)
		return;
	(void) ZSTD_freeCCtx(c->zstd);
	if (c->z_open)
		(void) deflateEnd(&c->z);
	mem_free(c);
}

/* --- whole input --- */

/* By way of a buffer on the stack, so that what fills `out` to its last byte is
 * still seen to end there. */
#define STACK_STEP 16384

static int from_zstd(const void *p, size_t n, struct buf *out, struct error *err)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = { p, n, 0 };
	char step[STACK_STEP];
	size_t left = 0;
	int r = 0;
	bool full = false;

	if (!d)
		return no_memory(err);
	while (r == 0 && (in.pos < in.size || full)) {
		ZSTD_outBuffer to = { step, sizeof(step), 0 };

		left = ZSTD_decompressStream(d, &to, &in);
		if (ZSTD_isError(left)) {
			r = error_set(err, ERR_INPUT, "bad zstd: %s", ZSTD_getErrorName(left));
			break;
		}
		buf_add(out, step, to.pos);
		r = buf_check(out, "decompressed input", err);
		/* More may wait inside, but only if a frame is not at its end. */
		full = to.pos == to.size && left > 0;
	}
	if (r == 0 && left > 0)
		r = error_set(err, ERR_INPUT, "truncated zstd");
	(void) ZSTD_freeDCtx(d);
	return r;
}

static int from_gzip(const unsigned char *p, size_t n, struct buf *out, struct error *err)
{
	z_stream z = { 0 };
	unsigned char step[STACK_STEP];
	int r = 0, e = Z_OK;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return no_memory(err);
	z.next_in = (unsigned char *)(uintptr_t)p;
	while (r == 0) {
		size_t left = n - (size_t)(z.next_in - p);

		z.avail_in = left > 1u << 30 ? 1u << 30 : (unsigned)left;
		z.next_out = step;
		z.avail_out = sizeof(step);
		e = inflate(&z, Z_NO_FLUSH);
		buf_add(out, step, sizeof(step) - z.avail_out);
		r = buf_check(out, "decompressed input", err);
		if (r < 0)
			break;
		left = n - (size_t)(z.next_in - p);
		if (e == Z_STREAM_END) {
			/* Members may follow each other; a new one starts with the magic. */
			if (left < 2 || z.next_in[0] != 0x1f || z.next_in[1] != 0x8b)
				break;
			(void) inflateReset(&z);
		} else if (e == Z_BUF_ERROR || (e == Z_OK && !left && z.avail_out)) {
			r = error_set(err, ERR_INPUT, "truncated gzip");
		} else if (e == Z_MEM_ERROR) {
			r = no_memory(err);
		} else if (e != Z_OK) {
			r = error_set(err, ERR_INPUT, "bad gzip: %s", z.msg ? z.msg : "not gzip");
		}
	}
	(void) inflateEnd(&z);
	return r;
}

int decompress_all(const void *p, size_t n, struct buf *out, struct error *err)
{
	static const unsigned char zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	const unsigned char *b = p;

	if (n >= 4 && memcmp(b, zstd_magic, 4) == 0)
		return from_zstd(p, n, out, err);
	if (n >= 2 && b[0] == 0x1f && b[1] == 0x8b)
		return from_gzip(b, n, out, err);
	buf_add(out, p, n);
	return buf_check(out, "input", err);
}
