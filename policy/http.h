/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - POSTs of JSON, many at a time, over the loop (libcurl's multi
 * interface by multi_socket_action).  Connections are kept and reused.
 *
 * No callback comes from within http_post(), http_cancel() or http_free().
 */
#ifndef WINNOW_POLICY_HTTP_H
#define WINNOW_POLICY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/loop.h"

#define HTTP_MAX_BODY_BYTES (UINT64_C(64) << 20)

struct http;
struct http_call;

enum http_end {
	HTTP_ANSWERED,   /* status and body are whole */
	HTTP_UNREACHED,  /* no connection: refused, no such host, no TLS, too slow to connect */
	HTTP_BROKEN,     /* connected, but the answer did not come whole: reset, cut short */
	HTTP_TIMED_OUT,
	HTTP_TOO_LARGE,
	HTTP_NO_MEMORY,  /* ours, for the answer */
};
struct http_result {
	enum http_end end;
	long status;             /* 0 unless HTTP_ANSWERED */
	const char *body;        /* NUL-terminated, never NULL; borrowed during the callback, as is all here */
	size_t body_len;
	const char *retry_after; /* the header; NULL: none */
	const char *words;       /* why, where not HTTP_ANSWERED */
};
typedef void http_done_fn(void *ctx, const struct http_result *r);
/* The machinery itself failed; no call will end any more. */
typedef void http_broken_fn(void *ctx, const struct error *why);

int http_new(struct loop *loop, unsigned max_connections, http_broken_fn *on_broken, void *ctx,
	     struct http **ret, struct error *err);
/* Ends every call without its callback. */
void http_free(struct http *h);
/* key: a bearer token or NULL.  Takes the bytes out of body, on failure too. */
int http_post(struct http *h, const char *url, const char *key, struct buf *body, uint64_t timeout_us,
	      http_done_fn *done, void *ctx, struct http_call **ret, struct error *err);
void http_cancel(struct http_call *c);

#endif
