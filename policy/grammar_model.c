/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_model.c - the log-linear model over choices, and its file.
 *
 * The weight of a candidate at a place is the sum of the weights of its features; a feature is a
 * tuple (what, with what) hashed into one table (Weinberger et al. 2009, "Feature Hashing for
 * Large Scale Multitask Learning").  Word features are scaled so that a long prompt says no more
 * in all than a short one.
 */
#include "policy/grammar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/mem.h"

#define FORMAT "winnow-grammar-weights"
#define VERSION 1
#define WEIGHTS_MAX_BYTES (64u << 20)

static inline uint32_t mix(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b * UINT64_C(0xc2b2ae3d27d4eb4f) + c * UINT64_C(0x165667b19e3779f9);

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 32;
	x *= UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (uint32_t)x & (GRAMMAR_N_WEIGHTS - 1);
}

size_t gmodel_features(const struct gsight *s, const struct gplace *at, const struct gcand *c,
		       uint32_t index[GRAMMAR_MAX_FEATURES], float value[GRAMMAR_MAX_FEATURES])
{
	uint64_t cid = c->cid, parent = ((uint64_t)at->parent << 8) | at->arg, types = s->returns;
	float scale = s->n_words ? 1.5f / sqrtf((float)s->n_words) : 0;
	size_t n = 0;

	for (size_t i = 0; i < s->n_params; i++)
		types = types * 32 + s->param[i] + 1;
	index[n] = mix(1, cid, 0), value[n++] = 1;
	index[n] = mix(2, cid, at->type), value[n++] = 0.5f;
	index[n] = mix(3, cid, parent), value[n++] = 1;
	index[n] = mix(4, cid, (parent << 16) | at->grandparent), value[n++] = 1;
	index[n] = mix(5, cid, types), value[n++] = 0.5f;
	index[n] = mix(6, cid, (types << 24) | parent), value[n++] = 0.5f;
	if (c->name)
		index[n] = mix(9, c->name, parent), value[n++] = 0.7f;
	for (size_t i = 0; i < s->n_words; i++) {
		index[n] = mix(7, cid, s->word[i]), value[n++] = scale;
		index[n] = mix(8, cid, (parent << 32) | s->word[i]), value[n++] = scale;
	}
	return n;
}

float gmodel_score(const struct gmodel *m, const struct gsight *s, const struct gplace *at, const struct gcand *c)
{
	uint32_t index[GRAMMAR_MAX_FEATURES];
	float value[GRAMMAR_MAX_FEATURES], sum = c->prior;
	size_t n;

	if (!m)
		return sum;
	n = gmodel_features(s, at, c, index, value);
	for (size_t i = 0; i < n; i++)
		sum += m->w[index[i]] * value[i];
	return sum;
}

int gmodel_new(struct gmodel **ret, struct error *err)
{
	struct gmodel *m = mem_zalloc(sizeof(*m));

	if (m)
		m->w = mem_calloc(GRAMMAR_N_WEIGHTS, sizeof(*m->w));
	if (!m || !m->w) {
		gmodel_free(m);
		return error_set(err, ERR_NOMEM, "out of memory");
	}
	*ret = m;
	return 0;
}

void gmodel_free(struct gmodel *m)
{
	if (!m)
		return;
	mem_free(m->w);
	mem_free(m);
}

static int read_weights(struct gmodel *m, const json_t *weights, const char *path, struct error *err)
{
	size_t n = json_array_size(weights);

	if (!json_is_array(weights) || n % 2)
		return error_set(err, ERR_INPUT, "'%s': weights is not a list of pairs", path);
	for (size_t i = 0; i < n; i += 2) {
		const json_t *at = json_array_get(weights, i), *w = json_array_get(weights, i + 1);
		double x = json_number_value(w);

		if (!json_is_integer(at) || json_integer_value(at) < 0 || json_integer_value(at) >= GRAMMAR_N_WEIGHTS ||
		    !json_is_number(w) || !isfinite(x) || fabs(x) > 1e4)
			return error_set(err, ERR_INPUT, "'%s': weight %zu is not a place below %u and a number", path, i / 2,
					 GRAMMAR_N_WEIGHTS);
		m->w[json_integer_value(at)] = (float)x;
	}
	return 0;
}

int gmodel_read(const char *path, struct gmodel **ret, struct error *err)
{
	cleanup_buf struct buf text;
	cleanup_json json_t *j = NULL;
	uint8_t digest[HASH_SHA256_BYTES];
	struct gmodel *m = NULL;
	const char *format;
	int r;

	buf_init(&text, WEIGHTS_MAX_BYTES);
	r = fs_read_file(path, &text, err);
	if (r == 0)
		r = json_parse(text.data, text.len, &j, err);
	if (r < 0)
		return error_prefix(err, r, "weights file '%s'", path);
	format = json_string_value(json_object_get(j, "format"));
	if (!format || strcmp(format, FORMAT) != 0)
		return error_set(err, ERR_INPUT, "'%s' is no weights file of the grammar", path);
	if (json_integer_value(json_object_get(j, "version")) != VERSION ||
	    json_integer_value(json_object_get(j, "bits")) != GRAMMAR_WEIGHTS_BITS)
		return error_set(err, ERR_VERSION, "'%s': weights of another version of the grammar", path);
	r = gmodel_new(&m, err);
	if (r == 0)
		r = read_weights(m, json_object_get(j, "weights"), path, err);
	if (r < 0) {
		gmodel_free(m);
		return r;
	}
	hash_sha256_of(text.data, text.len, digest);
	hash_hex(digest, sizeof(digest), m->digest);
	*ret = m;
	return 0;
}

int gmodel_write(const struct gmodel *m, const json_t *lineage, const char *path, struct error *err)
{
	cleanup_buf struct buf out;
	const char *between = "";
	int r;

	buf_init(&out, WEIGHTS_MAX_BYTES);
	buf_addf(&out, "{\"format\":\"" FORMAT "\",\"version\":%d,\"bits\":%d,\n\"lineage\":", VERSION, GRAMMAR_WEIGHTS_BITS);
	r = json_dump_canonical(lineage, &out, err);
	if (r < 0)
		return r;
	buf_adds(&out, ",\n\"weights\":[");
	for (size_t i = 0; i < GRAMMAR_N_WEIGHTS; i++)
		if (fabsf(m->w[i]) >= 1e-4f) {
			buf_addf(&out, "%s\n%zu,%.5g", between, i, (double)m->w[i]);
			between = ",";
		}
	buf_adds(&out, "]}\n");
	r = buf_check(&out, "weights", err);
	return r < 0 ? r : fs_write_file(path, out.data, out.len, err);
}
