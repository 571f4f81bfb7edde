/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - jansson, with errors in our form and canonical output.
 *
 * Folders other than core use jansson's json_t through this header.
 */
#ifndef WINNOW_CORE_JSON_H
#define WINNOW_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>
#include "core/buf.h"
#include "core/error.h"

/* Parse one JSON text (any value).  Duplicate keys, invalid UTF-8 and trailing
 * text are ERR_INPUT; the message says what and at which column (1-based byte).
 * NUL in strings is allowed.  *ret is a new reference. */
int json_parse(const char *text, size_t n, json_t **ret, struct error *err);

/* Compact, keys sorted, 17 significant digits: one text for one value. */
int json_dump_canonical(const json_t *j, struct buf *out, struct error *err);
/* Compact, keys as inserted. */
int json_dump_line(const json_t *j, struct buf *out, struct error *err);

/* Add the canonical text to a hash, without making it first. */
struct hash_sha256;
int json_hash_canonical(const json_t *j, struct hash_sha256 *h, struct error *err);

/* Borrowed values of an object's key; NULL/false when absent or of another type. */
const char *json_get_str(const json_t *obj, const char *key);
bool json_get_bool(const json_t *obj, const char *key, bool fallback);
json_int_t json_get_int(const json_t *obj, const char *key, json_int_t fallback);
double json_get_num(const json_t *obj, const char *key, double fallback);

/* A string of possibly invalid UTF-8: each bad byte becomes U+FFFD, and
 * *ret_replaced tells whether any was.  NULL: no memory. */
json_t *json_string_lossy(const char *s, size_t n, bool *ret_replaced);

void json_cleanup(json_t **j);
#define cleanup_json __attribute__((cleanup(json_cleanup)))

#endif
