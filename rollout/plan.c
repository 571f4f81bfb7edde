/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - items, marks and the walk over them. */
#include "rollout/plan.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store.h"

/* bits is NULL while nothing is marked, and again once everything is. */
struct plan_marks {
	uint8_t *bits;
	uint32_t n;
};

int plan_shard_parse(const char *text, struct plan_shard *ret, struct error *err)
{
	cleanup_mem char *index = NULL;
	const char *slash;
	uint64_t i, n;
	int r;

	if (!text) {
		*ret = (struct plan_shard){ 0, 1 };
		return 0;
	}
	slash = strchr(text, '/');
	if (!slash)
		return error_set(err, ERR_INPUT, "--shard: '%s' is not I/N, as in 0/4", text);
	index = mem_strndup(text, (size_t)(slash - text));
	if (!index)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = str_parse_u64(slash + 1, "--shard: N", 1, UINT32_MAX, &n, err);
	if (r < 0)
		return r;
	r = str_parse_u64(index, "--shard: I (counted from 0)", 0, n - 1, &i, err);
	if (r < 0)
		return r;
	*ret = (struct plan_shard){ (uint32_t)i, (uint32_t)n };
	return 0;
}

bool plan_shard_has(const struct plan_shard *s, size_t task_ordinal)
{
	return task_ordinal % s->count == s->index;
}

uint64_t plan_seed(uint64_t seed, const char *task_id, const char *language)
{
	/* A hash of a few hundred bytes: no streaming needed, so no allocation either. */
	uint64_t parts[3] = { seed, hash_xxh3(task_id, strlen(task_id)),
			      hash_xxh3(language, strlen(language)) };

	return hash_xxh3(parts, sizeof(parts)) >> 1;
}

int plan_init(struct plan *p, size_t n_items, uint32_t samples, struct error *err)
{
	memset(p, 0, sizeof(*p));
	if (n_items > STORE_MAX_TASKS)
		return error_set(err, ERR_INPUT,
				 "%zu tasks times languages is more than the %u of one run; use --select or --shard",
				 n_items, STORE_MAX_TASKS);
	if (samples > STORE_MAX_SAMPLES)
		return error_set(err, ERR_INPUT, "--samples: %u is more than %u", samples,
				 STORE_MAX_SAMPLES);
	p->marks = mem_calloc(n_items ? n_items : 1, sizeof(*p->marks));
	if (!p->marks)
		return error_set(err, ERR_NOMEM, "out of memory");
	p->n_items = n_items;
	p->samples = samples;
	return 0;
}

void plan_clear(struct plan *p)
{
	if (p->marks)
		for (size_t i = 0; i < p->n_items; i++)
			mem_free(p->marks[i].bits);
	mem_free(p->marks);
	memset(p, 0, sizeof(*p));
}

uint64_t plan_size(const struct plan *p)
{
	return (uint64_t)p->n_items * p->samples;
}

bool plan_marked(const struct plan *p, size_t item, uint32_t index)
{
	const struct plan_marks *m = &p->marks[item];

	if (m->n == p->samples)
		return true;
	return m->bits && (m->bits[index / 8] >> (index % 8) & 1);
}

int plan_mark(struct plan *p, size_t item, uint32_t index, struct error *err)
{
	struct plan_marks *m;

	if (item >= p->n_items || index >= p->samples)
		return error_set(err, ERR_CORRUPT, "sample %zu/%u is outside its run's plan", item,
				 index);
	if (plan_marked(p, item, index))
		return 0;
	m = &p->marks[item];
	if (!m->bits) {
		m->bits = mem_zalloc((p->samples + 7) / 8);
		if (!m->bits)
			return error_set(err, ERR_NOMEM, "out of memory");
	}
	m->bits[index / 8] |= (uint8_t)(1u << (index % 8));
	p->n_marked++;
	if (++m->n == p->samples) {
		mem_free(m->bits);
		m->bits = NULL;
	}
	return 0;
}

bool plan_next(struct plan *p, struct plan_batch *ret)
{
	while (p->item < p->n_items) {
		uint32_t left = p->samples - p->index;

		if (!left || p->marks[p->item].n == p->samples) {
			p->item++;
			p->index = 0;
			continue;
		}
		ret->item = p->item;
		ret->first = p->index;
		ret->n = left < PLAN_BATCH ? left : PLAN_BATCH;
		ret->wanted = 0;
		for (uint32_t i = 0; i < ret->n; i++) {
			ret->skip[i] = plan_marked(p, p->item, ret->first + i);
			ret->wanted += !ret->skip[i];
		}
		p->index += ret->n;
		if (ret->wanted)
			return true;
	}
	return false;
}
