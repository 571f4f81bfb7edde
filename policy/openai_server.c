/* SPDX-License-Identifier: Apache-2.0 */
/* openai_server.c - see openai_server.h. */
#include "policy/openai_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/buf.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"

#define MAX_KEY_FILE (64u << 10)

static uint64_t add_time(uint64_t now_us, uint64_t pause_us)
{
	return pause_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + pause_us;
}

bool server_usable(const struct openai_server *s, uint64_t now_us, uint64_t *ret_when)
{
	uint64_t when = s->not_before_us;

	*ret_when = UINT64_MAX;
	if (s->trying || s->n_state == SERVER_N_PROBING)
		return false;
	if (s->down && s->down_until_us > when)
		when = s->down_until_us;
	if (when <= now_us)
		return true;
	*ret_when = when;
	return false;
}

void server_started(struct openai_server *s)
{
	s->in_flight++;
	if (s->down)
		s->trying = true;
}

void server_ended(struct openai_server *s)
{
	s->in_flight--;
}

void server_unreached(struct openai_server *s, const struct server_limits *l, uint64_t now_us, const char *words)
{
	uint64_t pause = l->base_us;

	snprintf(s->words, sizeof(s->words), "%s", words);
	/* Many in flight fail at once when a server goes: that is one failure, not many. */
	if (s->down && !s->trying)
		return;
	if (!s->down)
		s->down_since_us = now_us;
	s->down = true;
	s->trying = false;
	s->trips++;
	for (unsigned i = 1; i < s->trips && pause < l->cap_us; i++)
		pause *= 2;
	s->down_until_us = add_time(now_us, pause < l->cap_us ? pause : l->cap_us);
}

void server_answered(struct openai_server *s)
{
	s->down = false;
	s->trying = false;
	s->trips = 0;
}

void server_well(struct openai_server *s)
{
	s->sick = false;
}

void server_unwell(struct openai_server *s, const struct server_limits *l, uint64_t now_us)
{
	s->sick = true;
	s->sick_until_us = add_time(now_us, l->cap_us);
}

bool server_is_dead(const struct openai_server *s, const struct server_limits *l, uint64_t now_us)
{
	return s->down && !s->trying &&
	       (s->trips > l->max_trips || now_us - s->down_since_us >= l->dead_after_us);
}

unsigned server_ask(const struct openai_server *s, unsigned count, bool *ret_probe)
{
	*ret_probe = s->n_state == SERVER_N_UNKNOWN && count > 1;
	if (s->n_state != SERVER_N_KNOWN)
		return count > 1 ? 2 : 1;
	return count < s->n_max ? count : s->n_max;
}

void server_learn_n(struct openai_server *s, unsigned asked, unsigned got)
{
	if (asked < 2)
		return;
	if (s->n_state != SERVER_N_KNOWN) {
		s->n_state = SERVER_N_KNOWN;
		s->n_max = got > 1 ? SERVER_MAX_N : 1;
		return;
	}
	if (got >= asked) {
		s->n_short = 0;
		return;
	}
	/* Once may be an accident; twice in a row is how this server is. */
	if (++s->n_short >= 2 && got < s->n_max) {
		s->n_max = got;
		s->n_short = 0;
	}
}

void server_refused_n(struct openai_server *s, unsigned asked)
{
	unsigned fewer = asked / 2 > 1 ? asked / 2 : 1;

	if (s->n_state != SERVER_N_KNOWN || fewer < s->n_max)
		s->n_max = fewer;
	s->n_state = SERVER_N_KNOWN;
}

/* --- spec and key --- */

void openai_spec_clear(struct openai_spec *s)
{
	for (unsigned i = 0; i < s->n_servers; i++)
		mem_free(s->servers[i].url);
	mem_free(s->servers);
	mem_free(s->model);
	*s = (struct openai_spec){ 0 };
}

static int check_url(const char *url, struct error *err)
{
	const char *host;
	size_t n;

	if (str_starts(url, "http://"))
		host = url + 7;
	else if (str_starts(url, "https://"))
		host = url + 8;
	else
		return error_set(err, ERR_INPUT, "--policy openai: '%.100s' does not begin with http:// or https://", url);
	n = strcspn(host, "/");
	if (memchr(host, '@', n)) /* not repeated: it holds a password */
		return error_set(err, ERR_INPUT,
				 "--policy openai: a user or password in the URL is refused: put the key in a file or the environment");
	if (n == 0 || host[0] == ':')
		return error_set(err, ERR_INPUT, "--policy openai: '%.100s' has no host", url);
	if (strpbrk(url, "?\" \t\r\n"))
		return error_set(err, ERR_INPUT, "--policy openai: '%.100s' has a query or white space in it", url);
	return 0;
}

int openai_spec_parse(const char *text, struct openai_spec *ret, struct error *err)
{
	const char *hash = strchr(text, '#');
	cleanup_mem char *urls = hash ? mem_strndup(text, (size_t)(hash - text)) : NULL;
	struct openai_spec s = { 0 };
	char **list = NULL;
	size_t n = 0;
	int r;

	if (!hash || !hash[1])
		return error_set(err, ERR_INPUT, "--policy openai: no '#MODEL' after the URL");
	if (!urls)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = str_split(urls, ',', &list, &n, err);
	if (r < 0)
		return r;
	s.model = mem_strdup(hash + 1);
	s.servers = mem_calloc(n ? n : 1, sizeof(*s.servers));
	r = s.model && s.servers ? 0 : error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n && r >= 0; i++) {
		size_t len = strlen(list[i]);

		while (len > 0 && list[i][len - 1] == '/')
			list[i][--len] = '\0';
		r = check_url(list[i], err);
		if (r < 0)
			break;
		s.servers[i].url = mem_strdup(list[i]);
		if (!s.servers[i].url)
			r = error_set(err, ERR_NOMEM, "out of memory");
		s.n_servers++;
	}
	str_list_free(list);
	if (r >= 0 && s.n_servers == 0)
		r = error_set(err, ERR_INPUT, "--policy openai: no URL before '#'");
	if (r < 0) {
		openai_spec_clear(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static int check_key(const char *key, const char *where, const char *name, struct error *err)
{
	for (const char *s = key; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 127)
			return error_set(err, ERR_INPUT, "%s '%s': the key is not one word of printable characters", where, name);
	return 0;
}

int openai_key_read(const char *file, char **ret, struct error *err)
{
	static const char *const variables[] = { "WINNOW_API_KEY", "OPENAI_API_KEY" };
	cleanup_mem char *key = NULL;
	cleanup_buf struct buf text;
	size_t from = 0;
	int r;

	buf_init(&text, MAX_KEY_FILE);
	*ret = NULL;
	if (file) {
		r = fs_read_file(file, &text, err);
		if (r < 0)
			return error_prefix(err, r, "api key");
		while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
			text.len--;
		while (from < text.len && strchr(" \t\r\n", text.data[from]))
			from++;
		if (from == text.len)
			return error_set(err, ERR_INPUT, "api key file '%s' is empty", file);
		if (memchr(text.data, '\0', text.len))
			return error_set(err, ERR_INPUT, "api key file '%s': the key is not one word of printable characters", file);
		key = mem_strndup(text.data + from, text.len - from);
		if (!key)
			return error_set(err, ERR_NOMEM, "out of memory");
		r = check_key(key, "api key file", file, err);
		if (r < 0)
			return r;
		*ret = mem_steal(&key);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i]);

		if (!value || !*value)
			continue;
		r = check_key(value, "environment variable", variables[i], err);
		if (r < 0)
			return r;
		*ret = mem_strdup(value);
		return *ret ? 0 : error_set(err, ERR_NOMEM, "out of memory");
	}
	return 0;
}

void openai_redact(const char *text, const char *key, char *ret, unsigned n)
{
	size_t key_len = key ? strlen(key) : 0;
	unsigned at = 0;

	while (*text && at + 1 < n) {
		if (key_len > 0 && strncmp(text, key, key_len) == 0) {
			static const char blot[] = "[key]";

			for (const char *s = blot; *s && at + 1 < n; s++)
				ret[at++] = *s;
			text += key_len;
			continue;
		}
		ret[at++] = (unsigned char)*text < ' ' ? ' ' : *text;
		text++;
	}
	/* Cut within a character: take the broken one away. */
	ret[at] = '\0';
	ret[str_utf8_valid(ret, at)] = '\0';
}
