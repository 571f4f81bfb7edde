/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - flat little-endian messages between our own processes.
 *
 * Used by both ends of one build on one machine (main process, spawner, init);
 * never stored, never sent to a candidate.  Writing appends to a struct buf;
 * reading walks a borrowed range with a sticky `bad` flag: after a read past
 * the end every later read gives zeros, and unpack_done() tells.
 * The reading half is unpack.c; it needs libc alone, so that winnow-init can link it.
 */
#ifndef WINNOW_CORE_PACK_H
#define WINNOW_CORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"

void pack_u8(struct buf *b, uint8_t v);
void pack_u32(struct buf *b, uint32_t v);
void pack_u64(struct buf *b, uint64_t v);
void pack_i64(struct buf *b, int64_t v);
void pack_f64(struct buf *b, double v);
void pack_bytes(struct buf *b, const void *p, size_t n); /* u32 length + bytes + one NUL */
void pack_str(struct buf *b, const char *s);             /* NULL is told apart from "" */

struct unpack {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};
void unpack_init(struct unpack *u, const void *p, size_t n);
uint8_t unpack_u8(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
int64_t unpack_i64(struct unpack *u);
double unpack_f64(struct unpack *u);
const void *unpack_bytes(struct unpack *u, size_t *ret_n); /* borrowed; NUL follows; never NULL unless bad */
const char *unpack_str(struct unpack *u);                  /* borrowed; NULL where NULL was packed */
bool unpack_done(const struct unpack *u);                  /* all read and nothing bad */

#endif
