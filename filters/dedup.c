/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dedup.c - the key under which a verdict is reused: everything that it depends on, and nothing
 * else.  Two requests of one key are the same question; a key never depends on where or when.
 */
#include <string.h>

#include "filters/judge.h"
#include "filters/judge_internal.h"

static void add_u64(struct hash_sha256 *h, uint64_t v)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	hash_sha256_add_field(h, bytes, sizeof(bytes));
}

static void add_str(struct hash_sha256 *h, const char *s)
{
	hash_sha256_add_field(h, s, s ? strlen(s) : 0);
}

static void add_language(struct hash_sha256 *h, const struct language *l)
{
	add_str(h, l ? l->name : NULL);
	add_str(h, l ? l->toolchain : NULL);
	hash_sha256_add_field(h, l ? l->digest : NULL, l ? sizeof(l->digest) : 0);
}

int judge_verdict_key(const struct judge *j, const struct judge_request *req,
		      uint8_t ret[HASH_SHA256_BYTES], struct error *err)
{
	const struct language_set *set = judge_languages(j);
	const struct language *language = language_find(set, req->language);
	const struct task *t = req->task;
	struct hash_sha256 *h;

	if (!language)
		return error_set(err, ERR_INPUT, "unknown language '%s'", req->language);
	h = hash_sha256_new();
	if (!h)
		return error_set(err, ERR_NOMEM, "out of memory for a key");
	add_str(h, "winnow verdict " JUDGE_VERSION);
	hash_sha256_add_field(h, req->program, req->program_len);
	add_language(h, language);
	hash_sha256_add_field(h, t->tests_digest, sizeof(t->tests_digest));
	/* Counted or not is another result, though never another verdict. */
	add_u64(h, req->all_tests);
	add_u64(h, req->confirm);
	for (size_t i = 0; req->all_tests && i < t->n_visible_asserts; i++)
		add_u64(h, t->visible_asserts[i]);
	for (size_t i = 0; req->all_tests && i < t->n_cases; i++)
		add_u64(h, t->cases[i].visible);
	/* What judges: the Python of the judge, the judge's own text, a validator's compiler. */
	if (t->kind == TESTS_CHECK) {
		add_language(h, language_find(set, "python"));
		hash_sha256_add_field(h, judge_py_start, (size_t)(judge_py_end - judge_py_start));
	}
	if (t->checker.kind == CHECKER_PROGRAM)
		add_language(h, t->checker.language ? language_find(set, t->checker.language) : NULL);
	add_u64(h, req->limits.cpu_us);
	add_u64(h, limits_wall_us(&req->limits));
	add_u64(h, req->limits.memory_bytes);
	add_u64(h, req->limits.output_bytes);
	add_u64(h, req->limits.file_bytes);
	add_u64(h, req->limits.processes);
	add_u64(h, req->seed);
	add_str(h, tier_name(judge_info(j)->tier));
	hash_sha256_end(h, ret);
	/* The keys of one task's programs lie together in an index; 192 bits are left to tell programs apart. */
	memcpy(ret, t->tests_digest, JUDGE_KEY_PREFIX);
	return 0;
}
