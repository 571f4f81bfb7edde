/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - see http.h.
 *
 * curl says which sockets it waits for (on_socket) and when it wants to be woken
 * (on_timeout); the loop says when either happens; then curl moves bytes and
 * collect() hands on the calls that ended.  A socket's watcher is freed while
 * curl still holds the descriptor open, as the loop needs it.
 */
#include "policy/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>
#include "core/mem.h"

#define CONNECT_TIMEOUT_MS 10000
#define RETRY_AFTER_BYTES 80

struct http_socket {
	struct http_socket *prev, *next;
	struct http *http;
	curl_socket_t fd;
	struct loop_poll *poll;
};

struct http_call {
	struct http_call *prev, *next;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct buf request, answer;
	char retry_after[RETRY_AFTER_BYTES];
	char words[CURL_ERROR_SIZE];
	http_done_fn *done;
	void *ctx;
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct http_socket *sockets;
	struct http_call *calls;
	http_broken_fn *on_broken;
	void *ctx;
	bool curl_ready;
	bool broken;
};

static void call_free(struct http_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else if (c->http->calls == c)
		c->http->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->easy) {
		(void)curl_multi_remove_handle(c->http->multi, c->easy);
		curl_easy_cleanup(c->easy);
	}
	curl_slist_free_all(c->headers);
	buf_clear(&c->request);
	buf_clear(&c->answer);
	mem_free(c);
}

static void fail(struct http *h, const struct error *why)
{
	if (h->broken)
		return;
	h->broken = true;
	h->on_broken(h->ctx, why);
}

static enum http_end end_of(const struct http_call *c, CURLcode code)
{
	long sent = 0;

	if (c->answer.error)
		return c->answer.error == ERR_NOMEM ? HTTP_NO_MEMORY : HTTP_TOO_LARGE;
	switch (code) {
	case CURLE_OK:
		return HTTP_ANSWERED;
	case CURLE_OPERATION_TIMEDOUT:
		/* Nothing of the request went out: it was the connection that took too long. */
		(void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent);
		return sent > 0 ? HTTP_TIMED_OUT : HTTP_UNREACHED;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return HTTP_UNREACHED;
	default:
		return HTTP_BROKEN;
	}
}

static void finish(struct http_call *c, CURLcode code)
{
	struct http_result r = { .end = end_of(c, code), .body = c->answer.data, .body_len = c->answer.len };

	if (r.end == HTTP_ANSWERED)
		(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &r.status);
	else if (r.end == HTTP_TOO_LARGE)
		r.words = "the answer is larger than 64 MiB";
	else
		r.words = c->words[0] ? c->words : curl_easy_strerror(code);
	r.retry_after = c->retry_after[0] ? c->retry_after : NULL;
	(void)curl_multi_remove_handle(c->http->multi, c->easy);
	c->done(c->ctx, &r);
	call_free(c);
}

static void collect(struct http *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		void *call = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK && call)
			finish(call, msg->data.result);
	}
}

static void act(struct http *h, curl_socket_t fd, int what)
{
	int running;
	CURLMcode code = curl_multi_socket_action(h->multi, fd, what, &running);

	if (code != CURLM_OK) {
		struct error err = ERROR_INIT;

		error_set(&err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
		fail(h, &err);
		return;
	}
	collect(h);
}

static void on_poll(void *ctx, int events)
{
	struct http_socket *s = ctx; /* may be gone after act() */
	int what = 0;

	if (events & LOOP_READ)
		what |= CURL_CSELECT_IN;
	if (events & LOOP_WRITE)
		what |= CURL_CSELECT_OUT;
	act(s->http, s->fd, what ? what : CURL_CSELECT_ERR);
}

static void on_timer(void *ctx)
{
	act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http *h = ctx;
	struct error err = ERROR_INIT;

	(void)multi;
	if (timeout_ms < 0) {
		loop_timer_stop(h->timer);
		return 0;
	}
	return loop_timer_start(h->timer, (uint64_t)timeout_ms * 1000, 0, &err) < 0 ? -1 : 0;
}

static void socket_free(struct http_socket *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		s->http->sockets = s->next;
	if (s->next)
		s->next->prev = s->prev;
	loop_poll_free(s->poll);
	mem_free(s);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned)
{
	struct http *h = ctx;
	struct http_socket *s = assigned;
	struct error err = ERROR_INIT;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			(void)curl_multi_assign(h->multi, fd, NULL);
			socket_free(s);
		}
		return 0;
	}
	if (!s) {
		s = mem_zalloc(sizeof(*s));
		if (!s)
			return -1;
		s->http = h;
		s->fd = fd;
		if (loop_poll_new(h->loop, fd, on_poll, s, &s->poll, &err) < 0) {
			mem_free(s);
			return -1;
		}
		s->next = h->sockets;
		if (s->next)
			s->next->prev = s;
		h->sockets = s;
		(void)curl_multi_assign(h->multi, fd, s);
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= LOOP_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= LOOP_WRITE;
	return loop_poll_set(s->poll, events, &err) < 0 ? -1 : 0;
}

int http_new(struct loop *loop, unsigned max_connections, http_broken_fn *on_broken, void *ctx,
	     struct http **ret, struct error *err)
{
	struct http *h = mem_zalloc(sizeof(*h));
	int r;

	if (!h)
		return error_set(err, ERR_NOMEM, "out of memory");
	h->loop = loop;
	h->on_broken = on_broken;
	h->ctx = ctx;
	h->curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	h->multi = h->curl_ready ? curl_multi_init() : NULL;
	if (!h->multi) {
		http_free(h);
		return error_set(err, ERR_NOMEM, "cannot start libcurl");
	}
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)max_connections);
	r = loop_timer_new(loop, on_timer, h, &h->timer, err);
	if (r < 0) {
		http_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->calls)
		call_free(h->calls);
	if (h->multi) {
		/* Closing kept connections still takes the watchers away one by one, but wakes no timer. */
		(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, NULL);
		(void)curl_multi_cleanup(h->multi);
	}
	while (h->sockets)
		socket_free(h->sockets);
	loop_timer_free(h->timer);
	if (h->curl_ready)
		curl_global_cleanup();
	mem_free(h);
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_call *c = ctx;

	buf_add(&c->answer, data, size * n);
	return c->answer.error ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	static const char name[] = "retry-after:";
	struct http_call *c = ctx;
	size_t len = size * n, from = sizeof(name) - 1;

	if (len > from && strncasecmp(data, name, from) == 0) {
		while (len > from && strchr("\r\n \t", data[len - 1]))
			len--;
		while (from < len && (data[from] == ' ' || data[from] == '\t'))
			from++;
		snprintf(c->retry_after, sizeof(c->retry_after), "%.*s", (int)(len - from), data + from);
	}
	return size * n;
}

/* A server on this very machine is never behind a proxy. */
static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "://127.", "://localhost", "://[::1]" };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (strstr(url, hosts[i]))
			return true;
	return false;
}

static bool add_header(struct http_call *c, const char *line)
{
	struct curl_slist *list = line ? curl_slist_append(c->headers, line) : NULL;

	if (list)
		c->headers = list;
	return list != NULL;
}

static bool set_options(struct http_call *c, const char *url, const char *key, uint64_t timeout_us)
{
	cleanup_mem char *auth = key ? mem_printf("Authorization: Bearer %s", key) : NULL;
	long timeout_ms = (long)((timeout_us + 999) / 1000);
	CURL *e = c->easy;

	if (!add_header(c, "Content-Type: application/json") || !add_header(c, "Accept: application/json") ||
	    !add_header(c, "Expect:") || (key && !add_header(c, auth)))
		return false;
	if (timeout_ms < 1)
		timeout_ms = 1;
	return curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->request.len) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->request.data) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->words) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PRIVATE, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
				timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_USERAGENT, "winnow") == CURLE_OK &&
	       (!is_loopback(url) || curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK);
}

int http_post(struct http *h, const char *url, const char *key, struct buf *body, uint64_t timeout_us,
	      http_done_fn *done, void *ctx, struct http_call **ret, struct error *err)
{
	struct http_call *c = mem_zalloc(sizeof(*c));
	CURLMcode code;

	if (!c) {
		buf_clear(body);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	c->http = h;
	c->done = done;
	c->ctx = ctx;
	c->request = *body;
	buf_init(body, body->max);
	buf_init(&c->answer, HTTP_MAX_BODY_BYTES);
	c->next = h->calls;
	if (c->next)
		c->next->prev = c;
	h->calls = c;
	c->easy = curl_easy_init();
	if (c->request.error || !c->easy || !set_options(c, url, key, timeout_us)) {
		call_free(c);
		return error_set(err, ERR_NOMEM, "cannot make a request to '%s'", url);
	}
	code = curl_multi_add_handle(h->multi, c->easy);
	if (code != CURLM_OK) {
		call_free(c);
		return error_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
	}
	*ret = c;
	return 0;
}

void http_cancel(struct http_call *c)
{
	call_free(c);
}
