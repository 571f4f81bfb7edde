/* SPDX-License-Identifier: Apache-2.0 */
/* sample_names.c - see sample_names.h. */
#include "policy/sample_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"

struct sample_names {
	char **slots; /* open addressing; n_slots is a power of two, at most half full */
	size_t n_slots;
	size_t n;
};

struct sample_names *sample_names_new(void)
{
	return mem_zalloc(sizeof(struct sample_names));
}

void sample_names_free(struct sample_names *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_slots; i++)
		mem_free(s->slots[i]);
	mem_free(s->slots);
	mem_free(s);
}

static size_t slot_of(char *const *slots, size_t n_slots, const char *text)
{
	size_t at = (size_t)hash_xxh3(text, strlen(text)) & (n_slots - 1);

	while (slots[at] && strcmp(slots[at], text) != 0)
		at = (at + 1) & (n_slots - 1);
	return at;
}

const char *sample_names_add(struct sample_names *s, const char *text)
{
	size_t at;

	if (s->n * 2 >= s->n_slots) {
		size_t n_slots = s->n_slots ? s->n_slots * 2 : 64;
		char **slots = mem_calloc(n_slots, sizeof(*slots));

		if (!slots)
			return NULL;
		for (size_t i = 0; i < s->n_slots; i++)
			if (s->slots[i])
				slots[slot_of(slots, n_slots, s->slots[i])] = s->slots[i];
		mem_free(s->slots);
		s->slots = slots;
		s->n_slots = n_slots;
	}
	at = slot_of(s->slots, s->n_slots, text);
	if (!s->slots[at]) {
		s->slots[at] = mem_strdup(text);
		if (s->slots[at])
			s->n++;
	}
	return s->slots[at];
}

static int by_id(const void *a, const void *b, void *arg)
{
	struct task *const *tasks = arg;

	return strcmp(tasks[*(const size_t *)a]->id, tasks[*(const size_t *)b]->id);
}

int sample_join_init(struct sample_join *j, struct task *const *tasks, size_t n_tasks, struct error *err)
{
	*j = (struct sample_join){ .tasks = tasks, .n_tasks = n_tasks };
	if (n_tasks == 0)
		return 0;
	j->by_id = mem_calloc(n_tasks, sizeof(*j->by_id));
	if (!j->by_id)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n_tasks; i++)
		j->by_id[i] = i;
	qsort_r(j->by_id, n_tasks, sizeof(*j->by_id), by_id, (void *)tasks);
	return 0;
}

void sample_join_clear(struct sample_join *j)
{
	mem_free(j->by_id);
	*j = (struct sample_join){ 0 };
}

static bool is_number(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < '0' || *s > '9')
			return false;
	return true;
}

static bool find_number(const struct sample_join *j, const char *number, size_t *ret)
{
	size_t n = strlen(number), found = 0;

	for (size_t i = 0; i < j->n_tasks; i++) {
		const char *id = j->tasks[i]->id;
		size_t len = strlen(id);

		if (len > n && id[len - n - 1] == '/' && strcmp(id + len - n, number) == 0) {
			*ret = i;
			found++;
		}
	}
	return found == 1;
}

bool sample_join_by_id(struct sample_join *j, const char *id, size_t *ret)
{
	size_t low = 0, high = j->n_tasks;

	if (j->last < j->n_tasks && strcmp(j->tasks[j->last]->id, id) == 0) {
		*ret = j->last;
		return true;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(j->tasks[j->by_id[mid]]->id, id);

		if (order == 0) {
			*ret = j->last = j->by_id[mid];
			return true;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return is_number(id) && find_number(j, id, ret);
}

bool sample_join_by_folder(const struct sample_join *j, const char *name, size_t *ret)
{
	for (size_t i = 0; i < j->n_tasks; i++) {
		const char *id = j->tasks[i]->id;
		size_t at = 0;

		while (id[at] && (id[at] == name[at] || (id[at] == '/' && name[at] == '_')))
			at++;
		if (!id[at] && !name[at]) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* The name after the last line that begins with "def " (helpers stand before it). */
static char *last_def(const char *prompt)
{
	const char *found = NULL;
	size_t n = 0;

	for (const char *line = prompt; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, "def ", 4) == 0)
			found = line + 4;
	if (!found)
		return NULL;
	while (*found == ' ')
		found++;
	while (isalnum((unsigned char)found[n]) || found[n] == '_' || (unsigned char)found[n] >= 0x80)
		n++;
	return mem_strndup(found, n);
}

/* How far two prompts agree, white space left out. */
static size_t agreement(const char *a, const char *b)
{
	size_t n = 0;

	for (;;) {
		while (isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		if (!*a || *a != *b)
			return n;
		a++;
		b++;
		n++;
	}
}

int sample_join_by_prompt(const struct sample_join *j, const char *prompt, size_t *ret, struct error *err)
{
	cleanup_mem char *name = last_def(prompt);
	size_t best = 0, n_best = 0;

	if (!name)
		return error_set(err, ERR_INPUT, "the prompt has no line 'def NAME' to join it to a task by");
	for (size_t i = 0; i < j->n_tasks; i++) {
		const struct task *t = j->tasks[i];
		size_t agrees;

		if (!t->entry_point || strcmp(t->entry_point, name) != 0)
			continue;
		agrees = agreement(prompt, t->prompt) + 1;
		if (agrees > best) {
			best = agrees;
			n_best = 0;
			*ret = i;
		}
		n_best += agrees == best;
	}
	if (n_best == 0)
		return error_set(err, ERR_INPUT, "unknown task: none has the entry point '%s'", name);
	if (n_best > 1)
		return error_set(err, ERR_INPUT, "%zu tasks have the entry point '%s' and fit the prompt alike", n_best, name);
	return 0;
}
