/* SPDX-License-Identifier: Apache-2.0 */
/* reuse.c - open addressing with linear probing; the last bytes of a key are those of a SHA-256 and serve as the hash (the first are the task's). */
#include "rollout/reuse.h"

#include <string.h>

#include "core/mem.h"

struct slot {
	uint8_t key[REUSE_KEY_BYTES];
	void *value; /* NULL: free */
};
struct reuse {
	struct slot *slots;
	size_t cap;  /* a power of two, never more than half full */
	size_t n;
};

static size_t home(const struct reuse *r, const uint8_t *key)
{
	uint64_t h;

	memcpy(&h, key + REUSE_KEY_BYTES - sizeof(h), sizeof(h));
	return (size_t)h & (r->cap - 1);
}

static struct slot *find(const struct reuse *r, const uint8_t *key)
{
	size_t i = home(r, key);

	while (r->slots[i].value && memcmp(r->slots[i].key, key, REUSE_KEY_BYTES) != 0)
		i = (i + 1) & (r->cap - 1);
	return &r->slots[i];
}

struct reuse *reuse_new(void)
{
	struct reuse *r = mem_zalloc(sizeof(*r));

	if (!r)
		return NULL;
	r->cap = 64;
	r->slots = mem_calloc(r->cap, sizeof(*r->slots));
	if (!r->slots) {
		mem_free(r);
		return NULL;
	}
	return r;
}

void reuse_free(struct reuse *r)
{
	if (!r)
		return;
	mem_free(r->slots);
	mem_free(r);
}

size_t reuse_count(const struct reuse *r)
{
	return r->n;
}

void *reuse_get(const struct reuse *r, const uint8_t key[REUSE_KEY_BYTES])
{
	return find(r, key)->value;
}

static int grow(struct reuse *r, struct error *err)
{
	struct reuse bigger = { .cap = r->cap * 2, .n = r->n };

	bigger.slots = mem_calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < r->cap; i++)
		if (r->slots[i].value)
			*find(&bigger, r->slots[i].key) = r->slots[i];
	mem_free(r->slots);
	*r = bigger;
	return 0;
}

int reuse_put(struct reuse *r, const uint8_t key[REUSE_KEY_BYTES], void *value, struct error *err)
{
	struct slot *s;
	int ret;

	if ((r->n + 1) * 2 > r->cap) {
		ret = grow(r, err);
		if (ret < 0)
			return ret;
	}
	s = find(r, key);
	if (s->value)
		return error_set(err, ERR_EXISTS, "this program is being judged already");
	memcpy(s->key, key, REUSE_KEY_BYTES);
	s->value = value;
	r->n++;
	return 0;
}

void *reuse_remove(struct reuse *r, const uint8_t key[REUSE_KEY_BYTES])
{
	struct slot *s = find(r, key);
	void *value = s->value;
	size_t hole, i;

	if (!value)
		return NULL;
	r->n--;
	/* Close the hole: move back whatever could no longer be found across it. */
	hole = (size_t)(s - r->slots);
	for (i = (hole + 1) & (r->cap - 1); r->slots[i].value; i = (i + 1) & (r->cap - 1)) {
		size_t from = (i - home(r, r->slots[i].key)) & (r->cap - 1);
		size_t gap = (i - hole) & (r->cap - 1);

		if (from >= gap) {
			r->slots[hole] = r->slots[i];
			hole = i;
		}
	}
	r->slots[hole].value = NULL;
	return value;
}
