/* SPDX-License-Identifier: Apache-2.0 */
/* compress.h - zstd and gzip, streaming out and whole in; byte-identical output for one input. */
#ifndef WINNOW_CORE_COMPRESS_H
#define WINNOW_CORE_COMPRESS_H

#include <stddef.h>
#include "core/buf.h"
#include "core/error.h"

enum compress_kind { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD };
const char *compress_suffix(enum compress_kind kind);           /* "", ".gz", ".zst" */
int compress_parse(const char *name, enum compress_kind *ret, struct error *err); /* none gzip zstd */

struct compressor; /* writes compressed bytes into a buf that the caller drains */
int compressor_new(enum compress_kind kind, struct compressor **ret, struct error *err);
int compressor_add(struct compressor *c, const void *p, size_t n, struct buf *out, struct error *err);
int compressor_end(struct compressor *c, struct buf *out, struct error *err);
void compressor_free(struct compressor *c);

/* Whole input (by magic: zstd, gzip, or neither: copied) appended to out. */
int decompress_all(const void *p, size_t n, struct buf *out, struct error *err);

#endif
