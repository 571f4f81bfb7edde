/* SPDX-License-Identifier: Apache-2.0 */
/* statement.c - problem statements as text; see statement.h. */
#include "store/statement.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/str.h"

/* --- HTML --- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

struct html {
	const char *p, *end;
	struct buf *out;
	bool pre;           /* white space counts */
	bool space;         /* one is due before the next word */
	unsigned newlines;  /* at the end of what was written */
};

static void html_byte(struct html *h, char c)
{
	bool white = c == ' ' || c == '\t' || c == '\n' || c == '\r';

	if (white && !h->pre) {
		h->space = true;
		return;
	}
	if (c == '\r')
		return;
	if (h->space && h->out->len && !h->newlines)
		buf_addc(h->out, ' ');
	h->space = false;
	buf_addc(h->out, c);
	h->newlines = c == '\n' ? h->newlines + 1 : 0;
}

static void html_break(struct html *h, unsigned lines)
{
	h->space = false;
	if (!h->out->len)
		return;
	while (h->newlines < lines) {
		buf_addc(h->out, '\n');
		h->newlines++;
	}
}

static bool name_in(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcasecmp(name, *list) == 0)
			return true;
	return false;
}

static void skip_to_close(struct html *h, const char *name)
{
	size_t n = strlen(name);

	for (; h->p < h->end; h->p++)
		if (*h->p == '<' && h->end - h->p > (ptrdiff_t)n + 1 && h->p[1] == '/' &&
		    strncasecmp(h->p + 2, name, n) == 0) {
			const char *gt = memchr(h->p, '>', (size_t)(h->end - h->p));

			h->p = gt ? gt + 1 : h->end;
			return;
		}
}

static void html_tag(struct html *h)
{
	static const char *const dropped[] = { "script", "style", "title", NULL };
	static const char *const paragraphs[] = { "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre",
						  "ul", "ol", "table", "blockquote", NULL };
	static const char *const lines[] = { "br", "div", "tr", "li", "dt", "dd", "section", NULL };
	const char *gt;
	char name[16];
	bool closing;
	size_t n = 0;

	if (h->end - h->p >= 4 && memcmp(h->p, "<!--", 4) == 0) {
		const char *close = memmem(h->p, (size_t)(h->end - h->p), "-->", 3);

		h->p = close ? close + 3 : h->end;
		return;
	}
	gt = memchr(h->p, '>', (size_t)(h->end - h->p));
	closing = h->end - h->p > 1 && h->p[1] == '/';
	for (const char *q = h->p + 1 + closing; q < h->end && n + 1 < sizeof(name); q++) {
		if (!is_alnum(*q))
			break;
		name[n++] = *q;
	}
	name[n] = 0;
	if (!gt || (!n && h->p[1] != '!')) { /* a lone '<' */
		html_byte(h, '<');
		h->p++;
		return;
	}
	h->p = gt + 1;
	if (!closing && name_in(name, dropped)) {
		skip_to_close(h, name);
		return;
	}
	if (name_in(name, paragraphs))
		html_break(h, 2);
	else if (name_in(name, lines))
		html_break(h, 1);
	else if (!strcasecmp(name, "td") || !strcasecmp(name, "th"))
		h->space = true;
	else if (!strcasecmp(name, "sup") && !closing)
		html_byte(h, '^');
	else if (!strcasecmp(name, "sub") && !closing)
		html_byte(h, '_');
	if (!strcasecmp(name, "li") && !closing) {
		html_byte(h, '-');
		h->space = true;
	}
	if (!strcasecmp(name, "pre")) {
		h->pre = !closing;
		if (h->pre && h->p < h->end && *h->p == '\n')
			h->p++;
	}
}

static void add_utf8(struct html *h, unsigned long c)
{
	char s[4];
	size_t n = 0;

	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
		s[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | c >> 18);
		s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (c & 0x3f));
	}
	for (size_t i = 0; i < n; i++)
		html_byte(h, s[i]);
}

static void html_entity(struct html *h)
{
	static const struct { const char *name; unsigned long c; } names[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
		{ "nbsp", ' ' }, { "le", 0x2264 }, { "ge", 0x2265 }, { "ne", 0x2260 },
		{ "times", 0xd7 }, { "middot", 0xb7 }, { "minus", 0x2212 }, { "hellip", 0x2026 },
		{ "mdash", 0x2014 }, { "ndash", 0x2013 }, { "lsquo", 0x2018 }, { "rsquo", 0x2019 },
		{ "ldquo", 0x201c }, { "rdquo", 0x201d }, { "rarr", 0x2192 }, { "pi", 0x3c0 },
	};
	size_t left = (size_t)(h->end - h->p);
	const char *semi = memchr(h->p, ';', left < 12 ? left : 12);
	size_t n = semi ? (size_t)(semi - h->p) - 1 : 0;
	char text[12] = "";

	if (n && n < sizeof(text)) {
		memcpy(text, h->p + 1, n);
		if (text[0] == '#') {
			char *rest;
			bool hex = text[1] == 'x' || text[1] == 'X';
			unsigned long c = strtoul(text + 1 + hex, &rest, hex ? 16 : 10);

			if (!*rest && c && c < 0x110000 && (c < 0xd800 || c > 0xdfff)) {
				h->p = semi + 1;
				add_utf8(h, c == 0xa0 ? ' ' : c);
				return;
			}
		}
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (str_eq(text, names[i].name)) {
				h->p = semi + 1;
				add_utf8(h, names[i].c);
				return;
			}
	}
	html_byte(h, '&');
	h->p++;
}

void statement_from_html(const char *p, size_t n, struct buf *out)
{
	struct html h = { .p = p, .end = p + n, .out = out };

	while (h.p < h.end) {
		if (*h.p == '<')
			html_tag(&h);
		else if (*h.p == '&')
			html_entity(&h);
		else
			html_byte(&h, *h.p++);
	}
	while (out->len && strchr(" \t\n", out->data[out->len - 1]))
		out->data[--out->len] = 0;
	if (out->len)
		buf_addc(out, '\n');
}

/* --- task.md of library-checker --- */

static void keyword(const char *name, struct buf *out)
{
	buf_addc(out, name[0] >= 'a' && name[0] <= 'z' ? (char)(name[0] - 'a' + 'A') : name[0]);
	buf_adds(out, name[0] ? name + 1 : "");
}

void statement_from_task_md(const char *p, size_t n, const struct statement_names *names,
			    struct buf *out)
{
	const char *end = p + n;
	bool shown = true; /* outside of other languages */

	while (p < end) {
		const char *close = end - p > 2 && p[0] == '@' && p[1] == '{' ?
					    memchr(p, '}', (size_t)(end - p)) : NULL;
		cleanup_mem char *name = NULL;
		bool known = true;

		if (!close) {
			if (shown)
				buf_addc(out, *p);
			p++;
			continue;
		}
		name = mem_strndup(p + 2, (size_t)(close - p) - 2);
		if (!name) {
			out->error = ERR_NOMEM;
			return;
		}
		if (str_starts(name, "lang."))
			shown = str_eq(name, "lang.en") || str_eq(name, "lang.end");
		else if (!shown)
			known = true;
		else if (str_starts(name, "keyword."))
			keyword(name + strlen("keyword."), out);
		else if (str_starts(name, "param."))
			known = names->param(names->ctx, name + strlen("param."), out);
		else if (str_starts(name, "example."))
			known = names->example(names->ctx, name + strlen("example."), out);
		else
			known = false;
		if (!known)
			buf_add(out, p, (size_t)(close - p) + 1);
		p = close + 1;
		if (str_starts(name, "lang.") && p < end && *p == '\n')
			p++;
	}
}
