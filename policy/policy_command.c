/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_command.c - samples from a child process that speaks JSON lines
 * (docs/user/adding-a-policy.md).
 *
 * The child is started by the spawner; its stdin and stdout are ours.  Each
 * contiguous run of wanted indices is one *ask* with an id of its own: one line
 * out, and for each index one line back, in any order.  A line that is not of
 * the protocol, or the child's end, ends the policy: who breaks the protocol
 * cannot be trusted to keep indices apart.
 */
#include "policy/policy_internal.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"

#define DEFAULT_IN_FLIGHT 64
#define DEFAULT_TIMEOUT_US UINT64_C(600000000)
#define MAX_LINE_BYTES (UINT64_C(64) << 20)
#define MAX_QUEUED_BYTES (UINT64_C(256) << 20)
#define READ_BYTES 65536
#define MAX_WORDS 64

struct ask {
	struct ask *next;
	uint64_t wire_id, request_id;
	uint32_t first, n, n_left;
	bool *done;
	enum extract_mode mode;
	int64_t seed;
	uint64_t deadline_us;
};

struct command {
	struct policy base;
	struct policy_sampling sampling; /* stop is a copy */
	struct loop_poll *in_poll, *out_poll;
	struct loop_timer *timer;
	int in_fd, out_fd;               /* the child's stdin and stdout */
	struct buf out, in;              /* to the child; from it */
	struct ask *asks;
	unsigned n_asks, max_in_flight;
	uint64_t next_id, timeout_us, drain_until_us;
};

static void ask_free(struct ask *a)
{
	mem_free(a->done);
	mem_free(a);
}

static void drop_asks(struct command *c)
{
	while (c->asks) {
		struct ask *a = c->asks;

		c->asks = a->next;
		ask_free(a);
	}
	c->n_asks = 0;
}

static void remove_ask(struct command *c, struct ask *gone)
{
	struct ask **at = &c->asks;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	c->n_asks--;
	ask_free(gone);
}

/* Nothing is read or written any more. */
static void hang_up(struct command *c)
{
	loop_poll_free(c->in_poll);
	loop_poll_free(c->out_poll);
	c->in_poll = c->out_poll = NULL;
	if (c->timer)
		loop_timer_stop(c->timer);
	if (c->in_fd >= 0)
		(void)close(fd_steal(&c->in_fd));
	if (c->out_fd >= 0)
		(void)close(fd_steal(&c->out_fd));
}

static void give_up(struct command *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void give_up(struct command *c, int code, const char *fmt, ...)
{
	struct error err = ERROR_INIT;
	va_list ap;

	va_start(ap, fmt);
	error_setv(&err, code, fmt, ap);
	va_end(ap);
	error_prefix(&err, code, "command '%s'", c->base.name);
	hang_up(c);
	drop_asks(c);
	if (!c->base.draining)
		policy_die(&c->base, &err);
}

/* --- time --- */

static void set_timer(struct command *c)
{
	uint64_t now = clock_now_us(), when = c->base.draining ? c->drain_until_us : UINT64_MAX;
	struct error err = ERROR_INIT;

	for (const struct ask *a = c->asks; a; a = a->next)
		if (a->deadline_us < when)
			when = a->deadline_us;
	if (when == UINT64_MAX || (!c->asks && !c->base.draining))
		loop_timer_stop(c->timer);
	else if (loop_timer_start(c->timer, when > now ? when - now : 0, 0, &err) < 0)
		give_up(c, err.code, "%s", err.msg);
}

static void fail_rest(struct command *c, struct ask *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		struct policy_completion done = {
			.request_id = a->request_id,
			.index = a->first + i,
			.status = POLICY_TIMEOUT,
			.mode = a->mode,
			.seed = a->seed,
			.failure = "the command did not answer in time",
		};

		if (a->done[i])
			continue;
		a->done[i] = true;
		policy_deliver(&c->base, &done);
	}
}

static void on_timer(void *ctx)
{
	struct command *c = ctx;
	uint64_t now = clock_now_us();

	if (c->base.draining && (!c->asks || now >= c->drain_until_us)) {
		hang_up(c);
		drop_asks(c);
		return;
	}
	for (struct ask **at = &c->asks; *at;) {
		struct ask *a = *at;

		if (a->deadline_us > now) {
			at = &a->next;
			continue;
		}
		*at = a->next; /* taken out first: a callback may ask for more */
		c->n_asks--;
		fail_rest(c, a);
		ask_free(a);
		at = &c->asks;
	}
	set_timer(c);
}

/* --- writing --- */

/* write() to a pipe whose reader has gone raises SIGPIPE, and the program's own
 * handling of it is not ours to change: hold it back, and take it away if it came. */
static ssize_t write_quietly(int fd, const void *p, size_t n)
{
	sigset_t pipe_set, old, pending;
	struct timespec none = { 0, 0 };
	ssize_t wrote;
	int saved;

	(void)sigemptyset(&pipe_set);
	(void)sigaddset(&pipe_set, SIGPIPE);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	wrote = write(fd, p, n);
	saved = errno;
	if (wrote < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_set, NULL, &none) < 0 && errno == EINTR)
			continue;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return wrote;
}

static void on_writable(void *ctx, int events)
{
	struct command *c = ctx;
	struct error err = ERROR_INIT;

	(void)events;
	while (c->out.len > 0) {
		ssize_t n = write_quietly(c->in_fd, c->out.data, c->out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			if (errno == EPIPE)
				give_up(c, ERR_REMOTE, "it ended or closed its standard input");
			else
				give_up(c, ERR_REMOTE, "cannot write to it: %s", strerror(errno));
			return;
		}
		buf_remove_front(&c->out, (size_t)n);
	}
	if (loop_poll_set(c->in_poll, 0, &err) < 0)
		give_up(c, err.code, "%s", err.msg);
}

/* --- reading --- */

static bool read_mode(const json_t *line, enum extract_mode *mode)
{
	const char *word = json_get_str(line, "mode");

	if (!word)
		return json_object_get(line, "mode") == NULL;
	if (strcmp(word, "chat") == 0)
		*mode = EXTRACT_CHAT;
	else if (strcmp(word, "completion") == 0)
		*mode = EXTRACT_COMPLETION;
	else if (strcmp(word, "solution") == 0)
		*mode = EXTRACT_SOLUTION;
	else
		return false;
	return true;
}

static enum policy_status read_status(const json_t *line)
{
	const char *word = json_get_str(line, "status");

	for (int s = POLICY_HTTP; word && s < POLICY_STATUS_COUNT; s++)
		if (strcmp(word, policy_status_name((enum policy_status)s)) == 0)
			return (enum policy_status)s;
	return POLICY_HTTP;
}

static const json_t *array_or_null(const json_t *line, const char *key)
{
	const json_t *j = json_object_get(line, key);

	return json_is_array(j) ? j : NULL;
}

/* 0, or what is wrong with the line. */
static const char *take_answer(struct command *c, const json_t *line)
{
	const json_t *text = json_object_get(line, "text"), *reasoning = json_object_get(line, "reasoning");
	const json_t *error = json_object_get(line, "error");
	json_int_t id = json_get_int(line, "id", -1), index = json_get_int(line, "index", -1);
	struct policy_completion done = { .seed = -1 };
	struct ask *a = c->asks;

	if (id < 0 || (uint64_t)id >= c->next_id)
		return "'id' is not that of a request";
	while (a && a->wire_id != (uint64_t)id)
		a = a->next;
	if (!a)
		return NULL; /* answered in full or given up: it is late */
	if (index < a->first || index >= (json_int_t)a->first + a->n)
		return "'index' was not asked";
	if (a->done[index - a->first])
		return "'index' was answered before";
	if (json_is_string(text) == json_is_string(error))
		return "neither 'text' nor 'error' (or both)";
	done.mode = a->mode;
	if (!read_mode(line, &done.mode))
		return "'mode' is none of \"chat\", \"completion\", \"solution\"";
	done.request_id = a->request_id;
	done.index = (uint32_t)index;
	done.seed = a->seed;
	done.finish_reason = json_get_str(line, "finish_reason");
	done.language = json_get_str(line, "language");
	done.model = json_get_str(line, "model");
	done.fingerprint = json_get_str(line, "fingerprint");
	done.token_ids = array_or_null(line, "token_ids");
	done.logprobs = array_or_null(line, "logprobs");
	if (json_is_string(reasoning)) {
		done.reasoning = json_string_value(reasoning);
		done.reasoning_len = json_string_length(reasoning);
	}
	if (json_is_string(error)) {
		done.status = read_status(line);
		done.failure = json_string_value(error);
	} else {
		done.text = json_string_value(text);
		done.text_len = json_string_length(text);
	}
	a->done[index - a->first] = true;
	a->deadline_us = clock_now_us() + c->timeout_us;
	if (--a->n_left == 0)
		remove_ask(c, a);
	policy_deliver(&c->base, &done);
	return NULL;
}

static bool take_line(struct command *c, const char *line, size_t n)
{
	cleanup_json json_t *j = NULL;
	struct error err = ERROR_INIT;
	const char *wrong;

	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (n == 0)
		return true;
	if (json_parse(line, n, &j, &err) < 0) {
		give_up(c, ERR_REMOTE, "it wrote a line that is not JSON: %s: '%.60s'", err.msg, line);
		return false;
	}
	wrong = json_is_object(j) ? take_answer(c, j) : "not an object";
	if (wrong)
		give_up(c, ERR_REMOTE, "it wrote a line that is no answer: %s: '%.80s'", wrong, line);
	return !wrong;
}

/* Every whole line in c->in.  False: the policy is over. */
static bool take_lines(struct command *c)
{
	size_t from = 0;
	char *end;

	while ((end = memchr(c->in.data + from, '\n', c->in.len - from)) != NULL) {
		size_t n = (size_t)(end - (c->in.data + from));

		*end = '\0';
		if (!take_line(c, c->in.data + from, n))
			return false;
		from += n + 1;
	}
	buf_remove_front(&c->in, from);
	return true;
}

static void on_readable(void *ctx, int events)
{
	struct command *c = ctx;
	char *room;
	ssize_t n;

	(void)events;
	room = buf_reserve(&c->in, READ_BYTES);
	if (!room) {
		give_up(c, ERR_REMOTE, "it wrote a line longer than %llu MiB", (unsigned long long)(MAX_LINE_BYTES >> 20));
		return;
	}
	do
		n = read(c->out_fd, room, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0) {
		give_up(c, ERR_REMOTE, "cannot read from it: %s", strerror(errno));
		return;
	}
	if (n == 0) {
		give_up(c, ERR_REMOTE, "it ended%s", c->asks ? " with requests unanswered" : "");
		return;
	}
	buf_commit(&c->in, (size_t)n);
	if (!take_lines(c))
		return;
	if (c->base.draining && !c->asks)
		hang_up(c);
	else
		set_timer(c);
}

/* --- asking --- */

static bool put(json_t *obj, const char *key, json_t *value)
{
	return json_object_set_new(obj, key, value) == 0;
}

static json_t *sampling_json(const struct policy_sampling *s)
{
	json_t *j = json_object(), *stop;
	bool ok = j != NULL;

	if (!isnan(s->temperature))
		ok = ok && put(j, "temperature", json_real(s->temperature));
	if (!isnan(s->top_p))
		ok = ok && put(j, "top_p", json_real(s->top_p));
	if (s->max_tokens)
		ok = ok && put(j, "max_tokens", json_integer(s->max_tokens));
	if (ok && s->stop) {
		stop = json_array();
		for (size_t i = 0; stop && ok && s->stop[i]; i++)
			ok = json_array_append_new(stop, json_string(s->stop[i])) == 0;
		ok = put(j, "stop", stop) && ok;
	}
	if (!ok)
		json_decref(j);
	return ok ? j : NULL;
}

static int write_ask(struct command *c, const struct policy_request *req, const struct ask *a, struct error *err)
{
	cleanup_json json_t *line = json_object();
	bool ok = line && put(line, "id", json_integer((json_int_t)a->wire_id)) &&
		  put(line, "task_id", json_string(req->task->id)) &&
		  put(line, "language", req->language ? json_string(req->language) : json_null()) &&
		  put(line, "messages", req->messages ? json_incref((json_t *)req->messages) : json_null()) &&
		  put(line, "prompt", req->plain_prompt ? json_string(req->plain_prompt) : json_null()) &&
		  put(line, "first", json_integer(a->first)) && put(line, "n", json_integer(a->n)) &&
		  put(line, "seed", json_integer(a->seed)) && put(line, "sampling", sampling_json(&c->sampling));
	int r;

	if (!ok)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = json_dump_line(line, &c->out, err);
	if (r < 0)
		return r;
	buf_addc(&c->out, '\n');
	return buf_check(&c->out, "the requests that the command has not read", err);
}

static struct ask *ask_new(struct command *c, const struct policy_request *req, uint32_t offset, uint32_t n)
{
	struct ask *a = mem_zalloc(sizeof(*a));

	if (!a)
		return NULL;
	a->done = mem_calloc(n, sizeof(*a->done));
	if (!a->done) {
		mem_free(a);
		return NULL;
	}
	a->wire_id = c->next_id++;
	a->request_id = req->id;
	a->first = req->first + offset;
	a->n = a->n_left = n;
	a->seed = (int64_t)(req->seed & INT64_MAX);
	a->mode = EXTRACT_CHAT;
	a->deadline_us = clock_now_us() + c->timeout_us;
	return a;
}

static int command_request(struct policy *p, const struct policy_request *req, struct error *err)
{
	struct command *c = (struct command *)p;
	struct ask *made = NULL, **tail = &made;
	size_t out_len = c->out.len;
	unsigned n_made = 0;
	uint32_t run;
	int r = 0;

	for (uint32_t i = 0; i < req->n && r >= 0; i += run) {
		run = 1;
		if (req->skip && req->skip[i])
			continue;
		while (i + run < req->n && !(req->skip && req->skip[i + run]))
			run++;
		*tail = ask_new(c, req, i, run);
		if (!*tail) {
			r = error_set(err, ERR_NOMEM, "out of memory");
			break;
		}
		r = write_ask(c, req, *tail, err);
		tail = &(*tail)->next;
		n_made++;
	}
	if (r >= 0)
		r = loop_poll_set(c->in_poll, LOOP_WRITE, err);
	if (r < 0) {
		while (made) {
			struct ask *a = made;

			made = a->next;
			ask_free(a);
		}
		c->out.len = out_len; /* none of it was written: that happens from the loop */
		c->out.error = 0;
		return r;
	}
	*tail = c->asks;
	c->asks = made;
	c->n_asks += n_made;
	p->stats.requests += n_made;
	set_timer(c);
	return 0;
}

static unsigned command_room(const struct policy *p)
{
	const struct command *c = (const struct command *)p;

	return c->n_asks < c->max_in_flight ? c->max_in_flight - c->n_asks : 0;
}

static void command_drain(struct policy *p, uint64_t grace_us)
{
	struct command *c = (struct command *)p;
	uint64_t now = clock_now_us();

	c->drain_until_us = !c->asks ? now : grace_us > UINT64_MAX - now ? UINT64_MAX : now + grace_us;
	set_timer(c);
}

static void command_close(struct policy *p)
{
	struct command *c = (struct command *)p;

	hang_up(c);
	drop_asks(c);
	loop_timer_free(c->timer);
	str_list_free(c->sampling.stop);
	buf_clear(&c->in);
	buf_clear(&c->out);
	mem_free(c);
}

/* --- opening --- */

/* Words by white space; '…' and "…" hold white space; \ takes the next byte as it is (not within '…'). */
static int split_words(const char *text, char *storage, const char *argv[MAX_WORDS + 1], struct error *err)
{
	unsigned n = 0;
	char *to = storage;

	while (*text) {
		char quote = 0;

		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			break;
		if (n == MAX_WORDS)
			return error_set(err, ERR_INPUT, "--policy command: more than %d words", MAX_WORDS);
		argv[n++] = to;
		for (; *text && (quote || (*text != ' ' && *text != '\t')); text++) {
			if (quote ? *text == quote : (*text == '\'' || *text == '"'))
				quote = quote ? 0 : *text;
			else if (*text == '\\' && quote != '\'' && text[1])
				*to++ = *++text;
			else
				*to++ = *text;
		}
		*to++ = '\0';
		if (quote)
			return error_set(err, ERR_INPUT, "--policy command: no closing %c", quote);
	}
	argv[n] = NULL;
	if (n == 0 || !*argv[0])
		return error_set(err, ERR_INPUT, "--policy command: no program is named");
	return 0;
}

static int start_child(struct command *c, const struct policy_options *opt, const char *rest, struct loop *loop,
		       struct error *err)
{
	cleanup_mem char *storage = mem_alloc(2 * strlen(rest) + 2);
	const char *argv[MAX_WORDS + 1];
	int r;

	if (!storage)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = split_words(rest, storage, argv, err);
	if (r < 0)
		return r;
	if (!opt->sandbox)
		return error_set(err, ERR_INTERNAL, "a command policy needs the sandbox to start its child");
	r = sandbox_spawn_peer(opt->sandbox, argv, &c->in_fd, &c->out_fd, err);
	if (r < 0)
		return error_prefix(err, r, "--policy command '%s'", argv[0]);
	r = loop_poll_new(loop, c->in_fd, on_writable, c, &c->in_poll, err);
	if (r >= 0)
		r = loop_poll_set(c->in_poll, 0, err);
	if (r >= 0)
		r = loop_poll_new(loop, c->out_fd, on_readable, c, &c->out_poll, err);
	if (r >= 0)
		r = loop_poll_set(c->out_poll, LOOP_READ, err);
	if (r >= 0)
		r = loop_timer_new(loop, on_timer, c, &c->timer, err);
	return r;
}

static int command_open(const struct policy_options *opt, const char *rest, struct loop *loop, struct policy **ret,
			struct error *err)
{
	struct command *c = mem_zalloc(sizeof(*c));
	int r;

	if (!c)
		return error_set(err, ERR_NOMEM, "out of memory");
	c->in_fd = c->out_fd = -1;
	buf_init(&c->in, MAX_LINE_BYTES);
	buf_init(&c->out, MAX_QUEUED_BYTES);
	c->max_in_flight = opt->max_in_flight ? opt->max_in_flight : DEFAULT_IN_FLIGHT;
	c->timeout_us = opt->request_timeout_us ? opt->request_timeout_us : DEFAULT_TIMEOUT_US;
	c->sampling = opt->sampling;
	r = policy_copy_stop(opt->sampling.stop, &c->sampling.stop, err);
	if (r >= 0) {
		c->base.name = mem_strdup(rest);
		r = c->base.name ? 0 : error_set(err, ERR_NOMEM, "out of memory");
	}
	if (r >= 0)
		r = start_child(c, opt, rest, loop, err);
	if (r < 0) {
		mem_free(c->base.name);
		command_close(&c->base);
		return r;
	}
	*ret = &c->base;
	return 0;
}

const struct policy_ops policy_command_ops = {
	.kind = "command",
	.open = command_open,
	.request = command_request,
	.room = command_room,
	.drain = command_drain,
	.close = command_close,
};
