/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_openai.c - see mock_openai.h.
 *
 * One thread a connection (libmicrohttpd's), so that a stalled one holds up no
 * other; one lock over what they share.  Nothing here allocates by core/mem: a
 * test that lets allocations fail means its own, not the server's.
 */
#include "tests/support/mock_openai.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include "core/mem.h"
#include "core/str.h"

#define MAX_REQUEST (UINT64_C(64) << 20)
#define MAX_BEHAVIOURS 8
#define MAX_CHOICES 1024

struct mock_openai {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	pthread_cond_t stop_cond;
	bool stopping;
	json_t *requests;   /* array */
	json_t *counts;     /* "model/behaviour" to how often it was in force */
	const json_t *answers;
};

struct behaviour {
	char name[32];
	long limit, arg; /* -1: none given */
};

struct exchange {
	struct mock_openai *m;
	struct MHD_Connection *connection;
	struct behaviour active[MAX_BEHAVIOURS];
	size_t n_active;
	json_t *body;       /* the request */
	bool chat;
	long n;
	json_int_t seed;
};

struct body { char *data; size_t len; bool bad; };

/* --- behaviours --- */

static bool parse_behaviour(const char *word, struct behaviour *b)
{
	size_t n = strcspn(word, ":@");
	const char *colon = strchr(word, ':'), *at = strchr(word, '@');

	if (n == 0 || n >= sizeof(b->name))
		return false;
	memcpy(b->name, word, n);
	b->name[n] = '\0';
	b->limit = colon ? strtol(colon + 1, NULL, 10) : -1;
	b->arg = at ? strtol(at + 1, NULL, 10) : -1;
	return true;
}

/* Which behaviours of the model's name are in force for this request. */
static void activate(struct exchange *x, const char *model)
{
	char *words = strdup(model), *rest = NULL;

	if (!words)
		return;
	for (char *word = strtok_r(words, "+", &rest); word && x->n_active < MAX_BEHAVIOURS; word = strtok_r(NULL, "+", &rest)) {
		struct behaviour b;
		json_int_t count;
		char key[128];

		if (!parse_behaviour(word, &b))
			continue;
		snprintf(key, sizeof(key), "%s/%s", model, b.name);
		count = json_get_int(x->m->counts, key, 0);
		if (b.limit >= 0 && count >= b.limit)
			continue;
		(void)json_object_set_new(x->m->counts, key, json_integer(count + 1));
		x->active[x->n_active++] = b;
	}
	free(words);
}

static const struct behaviour *active(const struct exchange *x, const char *name)
{
	for (size_t i = 0; i < x->n_active; i++)
		if (strcmp(x->active[i].name, name) == 0)
			return &x->active[i];
	return NULL;
}

static long arg_of(const struct exchange *x, const char *name, long fallback)
{
	const struct behaviour *b = active(x, name);

	return b && b->arg >= 0 ? b->arg : fallback;
}

/* --- answers --- */

static enum MHD_Result send_text(struct exchange *x, unsigned status, const char *type, const char *text, size_t n,
				 const char *retry_after)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(n, (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type", type);
	if (retry_after)
		(void)MHD_add_response_header(r, "Retry-After", retry_after);
	result = MHD_queue_response(x->connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result send_json(struct exchange *x, unsigned status, json_t *j, const char *retry_after)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	enum MHD_Result result = MHD_NO;

	json_decref(j);
	if (text)
		result = send_text(x, status, "application/json", text, strlen(text), retry_after);
	free(text);
	return result;
}

static enum MHD_Result send_error(struct exchange *x, unsigned status, const char *message, const char *param,
				  const char *retry_after)
{
	return send_json(x, status,
			 json_pack("{s:{s:s, s:s, s:s?, s:i}}", "error", "message", message, "type", "mock_error", "param",
				   param, "code", (int)status),
			 retry_after);
}

static const char *answer_for(const struct exchange *x, json_int_t seed)
{
	const json_t *messages = json_object_get(x->body, "messages");
	const char *prompt = json_get_str(x->body, "prompt");
	json_t *a;
	size_t i, n = 0, pick;

	if (messages)
		prompt = json_get_str(json_array_get(messages, json_array_size(messages) - 1), "content");
	if (!prompt)
		return NULL;
	for (int pass = 0; pass < 2; pass++) {
		pick = pass == 1 && n > 0 ? (size_t)((uint64_t)seed % n) : SIZE_MAX;
		n = 0;
		json_array_foreach(x->m->answers, i, a) {
			const char *contains = json_get_str(a, "contains");

			if (!contains || !strstr(prompt, contains))
				continue;
			if (n++ == pick)
				return json_get_str(a, "text");
		}
	}
	return NULL;
}

static json_t *make_choice(const struct exchange *x, long number)
{
	json_int_t seed = x->seed + number;
	json_t *choice = json_object(), *message;
	const char *known = answer_for(x, seed), *finish = "stop";
	char made[64];

	snprintf(made, sizeof(made), "text of seed %lld", (long long)seed);
	if (!known)
		known = made;
	if (active(x, "empty") || active(x, "only-reasoning") || (active(x, "half-empty") && number % 2))
		known = "";
	if (active(x, "length") || active(x, "only-reasoning"))
		finish = "length";
	if (active(x, "filter"))
		finish = "content_filter";
	if (active(x, "abort") && number == 0)
		finish = "abort";
	(void)json_object_set_new(choice, "index", json_integer(active(x, "same-index") ? 0 : number));
	(void)json_object_set_new(choice, "finish_reason", json_string(finish));
	if (x->chat) {
		message = json_pack("{s:s, s:s}", "role", "assistant", "content", known);
		if (active(x, "reasoning") || active(x, "only-reasoning"))
			(void)json_object_set_new(message, "reasoning", json_string("because"));
		if (active(x, "reasoning-content"))
			(void)json_object_set_new(message, "reasoning_content", json_string("because of that"));
		if (active(x, "refusal"))
			(void)json_object_set_new(message, "refusal", json_string("that I will not do"));
		(void)json_object_set_new(choice, "message", message);
	} else {
		(void)json_object_set_new(choice, "text", json_string(known));
	}
	if (active(x, "logprobs")) {
		(void)json_object_set_new(choice, "token_ids", json_pack("[i,i]", 7, 8));
		(void)json_object_set_new(choice, "logprobs",
					  x->chat ? json_pack("{s:[{s:s,s:f},{s:s,s:f}]}", "content", "token", "a", "logprob",
							      -0.5, "token", "b", "logprob", -0.25)
						  : json_pack("{s:[s,s], s:[f,f]}", "tokens", "a", "b", "token_logprobs", -0.5,
							      -0.25));
	}
	return choice;
}

static json_t *make_answer(const struct exchange *x)
{
	json_t *choices = json_array();
	long n = x->n + arg_of(x, "extra", 0);

	if (active(x, "ignore-n"))
		n = 1;
	if (active(x, "short") && n > arg_of(x, "short", 1))
		n = arg_of(x, "short", 1);
	if (active(x, "no-choices"))
		n = 0;
	for (long i = 0; i < n; i++)
		(void)json_array_append_new(choices, make_choice(x, i));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:i, s:I}}", "id", "mock-1", "object",
			 x->chat ? "chat.completion" : "text_completion", "model", json_get_str(x->body, "model"),
			 "system_fingerprint", "fp_mock", "choices", choices, "usage", "prompt_tokens", 10, "completion_tokens",
			 (json_int_t)n * 5);
}

static ssize_t cut_reader(void *ctx, uint64_t pos, char *to, size_t max)
{
	static const char text[] = "{\"choices\":[{\"index\":0,";

	(void)ctx;
	if (pos > 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > sizeof(text) - 1)
		max = sizeof(text) - 1;
	memcpy(to, text, max);
	return (ssize_t)max;
}

static enum MHD_Result send_cut(struct exchange *x)
{
	struct MHD_Response *r = MHD_create_response_from_callback(1000, 64, cut_reader, NULL, NULL);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	result = MHD_queue_response(x->connection, 200, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result reset(struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (info)
		(void)setsockopt((int)info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return MHD_NO; /* closes, which with this linger resets */
}

/* Wait ms milliseconds, or (negative) for ever; less where the server stops. */
static void wait_ms(struct mock_openai *m, long ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms < 0 ? 3600 : ms / 1000;
	until.tv_nsec += ms < 0 ? 0 : ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&m->lock);
	while (!m->stopping && pthread_cond_timedwait(&m->stop_cond, &m->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&m->lock);
}

static const char *after_seconds(const struct exchange *x, const char *name, char ret[24])
{
	long s = arg_of(x, name, -1);

	if (s < 0)
		return NULL;
	snprintf(ret, 24, "%ld", s);
	return ret;
}

static enum MHD_Result send_date(struct exchange *x)
{
	time_t at = time(NULL) + arg_of(x, "429-date", 1);
	struct tm tm;
	char date[64];

	gmtime_r(&at, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return send_error(x, 429, "come back later", NULL, date);
}

static enum MHD_Result send_huge(struct exchange *x)
{
	size_t n = (size_t)65 << 20;
	char *text = malloc(n);
	enum MHD_Result result = MHD_NO;

	if (text) {
		memset(text, ' ', n);
		result = send_text(x, 200, "application/json", text, n, NULL);
	}
	free(text);
	return result;
}

static enum MHD_Result respond(struct exchange *x)
{
	static const struct { const char *name; unsigned status; const char *message; } plain[] = {
		{ "500", 500, "something broke" },   { "408", 408, "too slow" },
		{ "400", 400, "the prompt is bad" }, { "422", 422, "a field is bad" },
		{ "401", 401, "who are you" },       { "403", 403, "you may not" },
		{ "404", 404, "no such page" },      { "404-model", 404, "the model 'x' does not exist" },
		{ "302", 302, "elsewhere" },
	};
	const char *auth = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Authorization");
	char seconds[24];

	if (active(x, "slow"))
		wait_ms(x->m, arg_of(x, "slow", 10));
	if (active(x, "key") && (!auth || strcmp(auth, "Bearer sesame") != 0))
		return send_error(x, 401, "wrong key", NULL, NULL);
	if (active(x, "echo-key"))
		return send_error(x, 400, auth ? auth : "no key", NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (active(x, plain[i].name))
			return send_error(x, plain[i].status, plain[i].message, NULL, NULL);
	if (active(x, "429"))
		return send_error(x, 429, "too many requests", NULL, after_seconds(x, "429", seconds));
	if (active(x, "503"))
		return send_error(x, 503, "loading", NULL, after_seconds(x, "503", seconds));
	if (active(x, "429-date"))
		return send_date(x);
	if (active(x, "reset"))
		return reset(x);
	if (active(x, "cut"))
		return send_cut(x);
	if (active(x, "huge"))
		return send_huge(x);
	if (active(x, "stall")) {
		wait_ms(x->m, -1);
		return MHD_NO;
	}
	if (active(x, "truncated"))
		return send_text(x, 200, "application/json", "{\"choices\":[{\"index\":0,\"mess", 27, NULL);
	if (active(x, "html"))
		return send_text(x, 200, "text/html", "<html>hello</html>", 18, NULL);
	if (active(x, "error200"))
		return send_error(x, 200, "the engine died", NULL, NULL);
	if (active(x, "error200-text"))
		return send_json(x, 200, json_pack("{s:s}", "error", "the engine died"), NULL);
	if (x->n > 1 && active(x, "reject-n"))
		return send_error(x, 400, "n must be 1", "n", NULL);
	if (x->n > 1 && active(x, "reject-n-mute"))
		return send_error(x, 400, "Only one completion choice is allowed", NULL, NULL);
	if (active(x, "max-n") && x->n > arg_of(x, "max-n", 1))
		return send_error(x, 400, "n_cmpl cannot be greater than the number of slots", NULL, NULL);
	if (active(x, "reject-token-ids") && json_object_get(x->body, "return_token_ids"))
		return send_error(x, 400, "Unrecognized request argument supplied: return_token_ids", NULL, NULL);
	if (active(x, "reject-max-tokens") && json_object_get(x->body, "max_tokens"))
		return send_error(x, 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens",
				  NULL);
	return send_json(x, 200, make_answer(x), NULL);
}

static enum MHD_Result handle(struct mock_openai *m, struct MHD_Connection *connection, const char *url, const char *method,
			      const struct body *text)
{
	struct exchange x = { .m = m, .connection = connection, .chat = str_ends(url, "/chat/completions") };
	const char *auth = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	enum MHD_Result result;

	if (strcmp(method, "POST") != 0 || (!x.chat && !str_ends(url, "/completions")))
		return send_error(&x, 404, "no such page", NULL, NULL);
	x.body = text->bad || !text->data ? NULL : json_loadb(text->data, text->len, 0, NULL);
	if (!x.body)
		return send_error(&x, 400, "the body is not JSON", NULL, NULL);
	x.n = (long)json_get_int(x.body, "n", 1);
	if (x.n < 1 || x.n > MAX_CHOICES)
		x.n = 1;
	x.seed = json_get_int(x.body, "seed", 0);
	pthread_mutex_lock(&m->lock);
	(void)json_array_append_new(m->requests, json_pack("{s:s, s:s?, s:O}", "path", url, "auth", auth, "body", x.body));
	activate(&x, json_get_str(x.body, "model") ? json_get_str(x.body, "model") : "ok");
	pthread_mutex_unlock(&m->lock);
	result = respond(&x);
	/* The log holds the body too, and other threads count its references. */
	pthread_mutex_lock(&m->lock);
	json_decref(x.body);
	pthread_mutex_unlock(&m->lock);
	return result;
}

/* Called first with the headers, then with each part of the body, then with none. */
static enum MHD_Result on_access(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *data, size_t *n, void **state)
{
	struct body *text = *state;

	(void)version;
	if (!text) {
		*state = calloc(1, sizeof(*text));
		return *state ? MHD_YES : MHD_NO;
	}
	if (*n > 0) {
		char *more = text->len + *n < MAX_REQUEST ? realloc(text->data, text->len + *n) : NULL;

		if (more) {
			text->data = more;
			memcpy(more + text->len, data, *n);
			text->len += *n;
		}
		text->bad = text->bad || !more;
		*n = 0;
		return MHD_YES;
	}
	return handle(ctx, connection, url, method, text);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode how)
{
	struct body *text = *state;

	(void)ctx;
	(void)connection;
	(void)how;
	if (text)
		free(text->data);
	free(text);
	*state = NULL;
}

int mock_openai_start(uint16_t port, const json_t *answers, struct mock_openai **ret, struct error *err)
{
	struct mock_openai *m = calloc(1, sizeof(*m));
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (!m)
		return error_set(err, ERR_NOMEM, "out of memory");
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->stop_cond, NULL);
	m->requests = json_array();
	m->counts = json_object();
	m->answers = answers;
	m->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, port, NULL,
				     NULL, on_access, m, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, 1024u,
				     MHD_OPTION_END);
	if (!m->daemon) {
		mock_openai_stop(m);
		return error_set_errno(err, ERR_IO, "cannot listen on 127.0.0.1:%u", port);
	}
	*ret = m;
	return 0;
}

void mock_openai_stop(struct mock_openai *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->stop_cond);
	pthread_mutex_unlock(&m->lock);
	if (m->daemon)
		MHD_stop_daemon(m->daemon);
	json_decref(m->requests);
	json_decref(m->counts);
	pthread_cond_destroy(&m->stop_cond);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

uint16_t mock_openai_port(const struct mock_openai *m)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

size_t mock_openai_count(struct mock_openai *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = json_array_size(m->requests);
	pthread_mutex_unlock(&m->lock);
	return n;
}

json_t *mock_openai_request(struct mock_openai *m, size_t i)
{
	json_t *r;

	pthread_mutex_lock(&m->lock);
	r = json_deep_copy(json_array_get(m->requests, i));
	pthread_mutex_unlock(&m->lock);
	return r;
}

void mock_openai_forget(struct mock_openai *m)
{
	pthread_mutex_lock(&m->lock);
	json_array_clear(m->requests);
	json_object_clear(m->counts);
	pthread_mutex_unlock(&m->lock);
}
