/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract.c - the program in a completion, by the rules of docs/formats/extraction.md.
 *
 * Reads hostile text: everything is bounded by its length, in one pass for reasoning and one for
 * fences, and nothing but memory can fail.
 */
#include "filters/extract.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/str.h"

#define MAX_COMPLETION ((size_t)4 << 20)
/* Joined to its prompt, indented by at most eight bytes a line. */
#define MAX_PROGRAM ((size_t)64 << 20)

struct text {
	const char *p;
	size_t n;
};

/* --- words by which fences name a language --- */

static const struct {
	const char *language;
	const char *words[10];
} fence_words[] = {
	{ "python", { "python", "py", "python3", "py3", "python2", "cpython", "ipython" } },
	{ "c", { "c", "c99", "c11", "c17", "ansi-c", "h" } },
	{ "cpp", { "cpp", "c++", "cxx", "cc", "c++11", "c++14", "c++17", "c++20", "hpp" } },
	{ "javascript", { "javascript", "js", "node", "nodejs", "mjs", "es6" } },
	{ "go", { "go", "golang" } },
	{ "rust", { "rust", "rs" } },
	{ "java", { "java" } },
};

static bool word_is_language(struct text word, const char *language)
{
	if (word.n == strlen(language) && !strncasecmp(word.p, language, word.n))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(fence_words); i++) {
		if (strcmp(fence_words[i].language, language))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(fence_words[i].words); k++) {
			const char *w = fence_words[i].words[k];

			if (w && strlen(w) == word.n && !strncasecmp(word.p, w, word.n))
				return true;
		}
	}
	return false;
}

/* --- lines --- */

/* The line at p, its newline counted; a last line may have none. */
static size_t line_length(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? (size_t)(nl - p) + 1 : (size_t)(end - p);
}

static bool is_white(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n\v\f", p[i]) || !p[i])
			return false;
	return true;
}

static size_t indentation(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i;
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* s, then something that cannot go on a name, at the start of p. */
static bool begins_with_word(const char *p, size_t n, const char *s)
{
	size_t len = strlen(s);

	return n >= len && !memcmp(p, s, len) && (n == len || !is_name_byte(p[len]));
}

/* --- what a text defines --- */

static bool python_line_defines(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name), i;

	if (begins_with_word(p, n, "async")) {
		i = 5 + indentation(p + 5, n - 5);
		p += i;
		n -= i;
	}
	if (begins_with_word(p, n, "def") || begins_with_word(p, n, "class")) {
		i = *p == 'd' ? 3 : 5;
		i += indentation(p + i, n - i);
		return begins_with_word(p + i, n - i, name);
	}
	if (!begins_with_word(p, n, name))
		return false;
	i = len + indentation(p + len, n - len);
	return i < n && p[i] == '=' && (i + 1 == n || p[i + 1] != '=');
}

static bool text_defines(struct text t, const char *language, const char *name)
{
	const char *end = t.p + t.n, *p;
	bool python = !strcmp(language, "python");
	size_t len;

	if (!name || !*name)
		return false;
	len = strlen(name);
	for (p = t.p; p < end;) {
		size_t n = line_length(p, end);

		if (python) {
			if (python_line_defines(p, n, name))
				return true;
			p += n;
			continue;
		}
		for (size_t i = 0; i + len < n; i++) {
			size_t k = i + len;

			if (p[i] != *name || memcmp(p + i, name, len) ||
			    (i && is_name_byte(p[i - 1])))
				continue;
			k += indentation(p + k, n - k);
			if (k < n && (p[k] == '(' || p[k] == '{' || p[k] == '<'))
				return true;
		}
		p += n;
	}
	return false;
}

/* Is it code of this language at all?  For what comes without a fence. */
static bool looks_like_code(struct text t, const char *language, bool continues_prompt)
{
	static const char *const python_words[] = { "def",   "class",  "import", "from", "async",
						    "@",     "return", "for",    "while", "if",
						    "print", "with",   "try",    "lambda" };
	const char *end = t.p + t.n, *p;
	bool python = !strcmp(language, "python");
	size_t marks = 0;

	for (p = t.p; p < end;) {
		size_t n = line_length(p, end), in = indentation(p, n);
		const char *s = p + in;
		size_t len = n - in;

		p += n;
		while (len && strchr(" \t\r\n", s[len - 1]))
			len--;
		if (!len)
			continue;
		if (!python) {
			marks += s[len - 1] == ';' || s[len - 1] == '{' || s[len - 1] == '}';
			if (*s == '#' && len > 8 && begins_with_word(s + 1, len - 1, "include"))
				return true;
			continue;
		}
		/* A continuation starts inside the function. */
		if (continues_prompt && in && s == t.p + in)
			return true;
		for (size_t i = 0; i < ARRAY_SIZE(python_words); i++) {
			if (!begins_with_word(s, len, python_words[i]) &&
			    !(*python_words[i] == '@' && *s == '@'))
				continue;
			/* "for example we …" is prose; a colon, bracket or = is not. */
			if (i == 2 || i == 5 || s[len - 1] == ':' || memchr(s, '(', len) ||
			    memchr(s, '=', len) || (i == 3 && len > 12 && strstr(s, " import ")) ||
			    (i == 6 && (in || continues_prompt)))
				return true;
		}
		if (in == 0 && len > 4 && is_name_byte(*s)) {
			const char *eq = memchr(s, '=', len);
			size_t name = 0;

			while (name < len && is_name_byte(s[name]))
				name++;
			if (eq && s + name + indentation(s + name, len - name) == eq)
				return true;
		}
	}
	return marks >= 2;
}

/* --- reasoning --- */

static const char *const reasoning_tags[] = { "think", "thinking", "reasoning" };

/* A tag like <think> or </think> at p; its length, 0 where there is none. */
static size_t tag_at(const char *p, const char *end, bool closing)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasoning_tags); i++) {
		size_t len = strlen(reasoning_tags[i]), n = len + 2 + closing;

		if ((size_t)(end - p) >= n && p[0] == '<' && (!closing || p[1] == '/') &&
		    !strncasecmp(p + 1 + closing, reasoning_tags[i], len) && p[n - 1] == '>')
			return n;
	}
	return 0;
}

static const char *find_tag(const char *p, const char *end, bool closing, size_t *ret_n)
{
	for (; (p = memchr(p, '<', (size_t)(end - p))) != NULL; p++) {
		*ret_n = tag_at(p, end, closing);
		if (*ret_n)
			return p;
	}
	return NULL;
}

/* Copy what is no reasoning to `rest` and what is to `reasoning`; CRLF becomes LF. */
static void split_reasoning(struct text t, struct buf *rest, struct buf *reasoning)
{
	const char *p = t.p, *end = t.p + t.n, *open, *close;
	size_t open_n, close_n;

	/* Servers and templates that begin inside the reasoning show its end alone. */
	open = find_tag(p, end, false, &open_n);
	close = find_tag(p, end, true, &close_n);
	if (close && (!open || close < open)) {
		buf_add(reasoning, p, (size_t)(close - p));
		p = close + close_n;
	}
	while (p < end) {
		open = find_tag(p, end, false, &open_n);
		/* Only at the start of a line: elsewhere it is talk about the tag, or code. */
		while (open && open > p && !is_white(open - 1, 1))
			open = find_tag(open + 1, end, false, &open_n);
		if (!open) {
			buf_add(rest, p, (size_t)(end - p));
			break;
		}
		buf_add(rest, p, (size_t)(open - p));
		p = open + open_n;
		close = find_tag(p, end, true, &close_n);
		buf_add(reasoning, p, close ? (size_t)(close - p) : (size_t)(end - p));
		p = close ? close + close_n : end;
	}
}

static void drop_carriage_returns(struct buf *b)
{
	size_t to = 0;

	if (b->error || !b->len || !memchr(b->data, '\r', b->len))
		return;
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '\r' || i + 1 == b->len || b->data[i + 1] != '\n')
			b->data[to++] = b->data[i];
	b->data[to] = '\0';
	b->len = to;
}

/* --- fences --- */

struct fence {
	char mark;
	size_t marks, indent;
	struct text word; /* the language it names, or empty */
};

static bool opens_fence(const char *p, size_t n, struct fence *ret)
{
	size_t i = indentation(p, n), start = i;

	*ret = (struct fence){ .indent = i };
	if (i == n || (p[i] != '`' && p[i] != '~'))
		return false;
	ret->mark = p[i];
	while (i < n && p[i] == ret->mark)
		i++;
	ret->marks = i - start;
	if (ret->marks < 3)
		return false;
	if (ret->mark == '`' && memchr(p + i, '`', n - i))
		return false;
	while (i < n && strchr(" \t{.", p[i]) && p[i])
		i++;
	start = i;
	while (i < n && !strchr(" \t\r\n{},:;=", p[i]) && p[i])
		i++;
	ret->word = (struct text){ p + start, i - start };
	return true;
}

static bool closes_fence(const char *p, size_t n, const struct fence *f)
{
	size_t i = indentation(p, n), start = i;

	while (i < n && p[i] == f->mark)
		i++;
	return i - start >= f->marks && is_white(p + i, n - i);
}

/* Which block to take: more is better; of equals the last. */
enum worth { WORTH_NOTHING, WORTH_UNLABELLED, WORTH_LANGUAGE, WORTH_UNLABELLED_DEFINES,
	     WORTH_LANGUAGE_DEFINES };

/* The best block of t into `block` (its indentation taken off); false: there is no fence at all. */
static bool best_block(struct text t, const char *language, const char *entry_point,
		       struct buf *block, enum worth *ret_worth)
{
	const char *p = t.p, *end = t.p + t.n;
	bool any = false;
	struct buf now;

	*ret_worth = WORTH_NOTHING;
	buf_init(&now, MAX_COMPLETION);
	while (p < end && !now.error) {
		size_t n = line_length(p, end);
		enum worth worth = WORTH_NOTHING;
		struct fence f;

		if (!opens_fence(p, n, &f)) {
			p += n;
			continue;
		}
		any = true;
		buf_reset(&now);
		for (p += n; p < end; p += n) {
			size_t in;

			n = line_length(p, end);
			if (closes_fence(p, n, &f)) {
				p += n;
				break;
			}
			in = indentation(p, n);
			in = in < f.indent ? in : f.indent;
			buf_add(&now, p + in, n - in);
		}
		if (is_white(now.data, now.len))
			continue;
		if (!f.word.n)
			worth = WORTH_UNLABELLED;
		else if (word_is_language(f.word, language))
			worth = WORTH_LANGUAGE;
		if (worth && text_defines((struct text){ now.data, now.len }, language, entry_point))
			worth += WORTH_UNLABELLED_DEFINES - WORTH_UNLABELLED;
		if (worth && worth >= *ret_worth) {
			*ret_worth = worth;
			buf_reset(block);
			buf_add(block, now.data, now.len);
		}
	}
	if (now.error && !block->error)
		block->error = now.error;
	buf_clear(&now);
	return any;
}

/* --- joining to a prompt that is code --- */

/* Indentation of the body that the prompt's last `def` opened: where the prompt has none of it yet,
 * *ret_empty is true. */
static struct text body_indent(const char *prompt, bool *ret_empty)
{
	const char *end = prompt + strlen(prompt), *def = NULL, *p;
	struct text in = { "    ", 4 };

	*ret_empty = false;
	for (p = prompt; p < end; p += line_length(p, end)) {
		size_t n = line_length(p, end), i = indentation(p, n);

		if (begins_with_word(p + i, n - i, "def") || begins_with_word(p + i, n - i, "async")) {
			def = p;
			*ret_empty = true;
		} else if (def && !is_white(p, n) && i && *ret_empty) {
			in = (struct text){ p, i };
			*ret_empty = false;
		}
	}
	return in;
}

static void join_python(const struct task *task, struct text code, struct extracted *ret)
{
	static const char *const starters[] = { "def", "class", "import", "from", "async", "@" };
	const char *end = code.p + code.n, *p = code.p;
	struct text in;
	bool empty, top = false;

	if (text_defines(code, "python", task->entry_point)) {
		/* A whole program: the prompt gives its imports and helpers, the later definition
		 * holds.  (A future import must come first: then the program stands alone.) */
		if (strncmp(p, "from __future__", 15) && !strstr(p, "\nfrom __future__")) {
			buf_adds(&ret->program, task->prompt);
			in = body_indent(task->prompt, &empty);
			if (empty) {
				buf_addc(&ret->program, '\n');
				buf_add(&ret->program, in.p, in.n);
				buf_adds(&ret->program, "pass");
			}
			buf_addc(&ret->program, '\n');
			ret->joined = true;
		}
		buf_add(&ret->program, code.p, code.n);
		return;
	}
	buf_adds(&ret->program, task->prompt);
	ret->joined = true;
	while (p < end && is_white(p, line_length(p, end)))
		p += line_length(p, end);
	for (size_t i = 0; i < ARRAY_SIZE(starters); i++)
		if (begins_with_word(p, (size_t)(end - p), starters[i]) || *p == '@')
			top = true;
	if (top || (p < end && (*p == ' ' || *p == '\t'))) {
		if (task->prompt[0] && !str_ends(task->prompt, "\n"))
			buf_addc(&ret->program, '\n');
		buf_add(&ret->program, code.p, code.n);
		return;
	}
	/* A body that lost its indentation. */
	in = body_indent(task->prompt, &empty);
	if (task->prompt[0] && !str_ends(task->prompt, "\n"))
		buf_addc(&ret->program, '\n');
	for (; p < end; p += line_length(p, end)) {
		size_t n = line_length(p, end);

		if (!is_white(p, n))
			buf_add(&ret->program, in.p, in.n);
		buf_add(&ret->program, p, n);
	}
}

static void join_other(const struct task *task, const char *language, struct text code,
		       struct extracted *ret)
{
	const char *p = task->prompt, *end = p + strlen(p);

	ret->joined = true;
	if (!text_defines(code, language, task->entry_point)) {
		buf_adds(&ret->program, task->prompt);
		buf_add(&ret->program, code.p, code.n);
		return;
	}
	/* A second definition would not compile: of the prompt only what it includes is taken. */
	for (; p < end; p += line_length(p, end)) {
		size_t n = line_length(p, end);

		if ((*p == '#' && begins_with_word(p + 1, n - 1, "include")) ||
		    begins_with_word(p, n, "using")) {
			buf_add(&ret->program, p, n);
			if (p[n - 1] != '\n')
				buf_addc(&ret->program, '\n');
		}
	}
	buf_add(&ret->program, code.p, code.n);
}

static void from_chat(const struct task *task, const char *language, struct text completion,
		      struct extracted *ret)
{
	bool continues = str_eq(task->prompt_language, language);
	enum worth worth;
	struct buf rest, block;
	struct text code;

	buf_init(&rest, MAX_COMPLETION);
	buf_init(&block, MAX_COMPLETION);
	split_reasoning(completion, &rest, &ret->reasoning);
	drop_carriage_returns(&rest);
	ret->fenced = best_block((struct text){ rest.data, rest.len }, language, task->entry_point,
				 &block, &worth);
	if (rest.error || block.error) {
		ret->program.error = rest.error ? rest.error : block.error;
	} else if (ret->fenced) {
		ret->found = worth != WORTH_NOTHING;
		code = (struct text){ block.data, block.len };
	} else {
		code = (struct text){ rest.data, rest.len };
		ret->found = !is_white(code.p, code.n) &&
			     looks_like_code(code, language, continues);
	}
	if (ret->found && !continues)
		buf_add(&ret->program, code.p, code.n);
	else if (ret->found && !strcmp(language, "python"))
		join_python(task, code, ret);
	else if (ret->found)
		join_other(task, language, code, ret);
	buf_clear(&rest);
	buf_clear(&block);
}

int extract_program(const struct task *task, const char *language, enum extract_mode mode,
		    const char *completion, size_t n, struct extracted *ret, struct error *err)
{
	struct extracted e = { 0 };
	int r;

	if (n > MAX_COMPLETION)
		return error_set(err, ERR_LIMIT, "a completion of %zu bytes is too large (at most %zu)",
				 n, MAX_COMPLETION);
	buf_init(&e.program, MAX_PROGRAM);
	buf_init(&e.reasoning, MAX_COMPLETION);
	if (is_white(completion, n)) {
		*ret = e;
		return 0;
	}
	if (mode == EXTRACT_CHAT) {
		from_chat(task, language, (struct text){ completion, n }, &e);
	} else {
		e.found = true;
		if (mode == EXTRACT_COMPLETION && str_eq(task->prompt_language, language)) {
			buf_adds(&e.program, task->prompt);
			e.joined = true;
		}
		buf_add(&e.program, completion, n);
	}
	r = buf_check(&e.program, "program", err);
	if (r == 0)
		r = buf_check(&e.reasoning, "reasoning", err);
	if (r < 0)
		extracted_clear(&e);
	else
		*ret = e;
	return r;
}

void extracted_clear(struct extracted *e)
{
	buf_clear(&e->program);
	buf_clear(&e->reasoning);
	*e = (struct extracted){ 0 };
}
