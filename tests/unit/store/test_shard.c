/* SPDX-License-Identifier: Apache-2.0 */
/* test_shard.c - shards are written aside and become visible all at once. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/shard.h"

struct folder { char base[64], dir[96]; };

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->base, sizeof(f->base), "/tmp/winnow-shard-XXXXXX");
	if (!mkdtemp(f->base)) {
		free(f);
		return -1;
	}
	snprintf(f->dir, sizeof(f->dir), "%s/out", f->base);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;

	mem_fault_at(0);
	(void)chmod(f->dir, 0777);
	(void)fs_remove_tree(f->base, NULL);
	free(f);
	return 0;
}

/* Names in dir, joined by blanks. */
static const char *list(const char *dir)
{
	static char out[4096];
	char **names;
	size_t n;

	out[0] = 0;
	if (fs_list(dir, &names, &n, NULL) < 0)
		return "(none)";
	for (size_t i = 0; i < n; i++)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s", i ? " " : "", names[i]);
	str_list_free(names);
	return out;
}

/* n shards of two rows each. */
static int write_shards(const char *dir, const char *name, enum compress_kind kind, unsigned n, const char *row,
			struct error *err)
{
	json_t *manifest = json_pack("{s:s}", "name", name);
	struct shards *s = NULL;
	int r = manifest ? shards_open(dir, name, kind, &s, err) : ERR_NOMEM;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		r = shards_next(s, err);
		for (unsigned k = 0; r == 0 && k < 2; k++)
			r = shards_add(s, row, strlen(row), err);
		if (r == 0)
			shards_count_group(s);
	}
	if (r == 0)
		r = shards_commit(s, manifest, "# card\n", err);
	shards_close(s);
	json_decref(manifest);
	return r;
}

static json_t *read_manifest(const char *dir)
{
	char *path = fs_join(dir, SHARD_MANIFEST);
	json_t *j = NULL;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(fs_read_file(path, &b, NULL), 0);
	assert_int_equal(json_parse(b.data, b.len, &j, NULL), 0);
	buf_clear(&b);
	mem_free(path);
	return j;
}

static void commit__makes_shards_and_manifest(void **state)
{
	struct folder *f = *state;
	struct error err = ERROR_INIT;
	json_t *manifest, *shard;
	size_t i;

	if (write_shards(f->dir, "sft", COMPRESS_ZSTD, 2, "{\"a\":1}", &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(list(f->dir), "README.md manifest.json sft-00000-of-00002.jsonl.zst sft-00001-of-00002.jsonl.zst");
	manifest = read_manifest(f->dir);
	assert_int_equal(json_array_size(json_object_get(manifest, "shards")), 2);
	json_array_foreach(json_object_get(manifest, "shards"), i, shard) {
		char *path = fs_join(f->dir, json_get_str(shard, "file")), hex[HASH_SHA256_HEX];
		uint8_t digest[HASH_SHA256_BYTES];
		struct buf b, plain;

		buf_init(&b, 1 << 20);
		buf_init(&plain, 1 << 20);
		assert_int_equal(fs_read_file(path, &b, NULL), 0);
		hash_sha256_of(b.data, b.len, digest);
		hash_hex(digest, sizeof(digest), hex);
		assert_string_equal(hex, json_get_str(shard, "sha256"));
		assert_int_equal(b.len, json_get_int(shard, "bytes", -1));
		assert_int_equal(json_get_int(shard, "rows", -1), 2);
		assert_int_equal(json_get_int(shard, "groups", -1), 1);
		assert_int_equal(decompress_all(b.data, b.len, &plain, NULL), 0);
		assert_string_equal(plain.data, "{\"a\":1}\n{\"a\":1}\n");
		buf_clear(&b);
		buf_clear(&plain);
		mem_free(path);
	}
	json_decref(manifest);
}

static void commit__removes_what_an_older_export_left(void **state)
{
	struct folder *f = *state;
	char *other;

	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_NONE, 3, "{}", NULL), 0);
	other = fs_join(f->dir, "sft-notes.jsonl");
	assert_int_equal(fs_write_file(other, "x", 1, NULL), 0);
	mem_free(other);
	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_GZIP, 1, "{}", NULL), 0);
	assert_string_equal(list(f->dir), "README.md manifest.json sft-00000-of-00001.jsonl.gz sft-notes.jsonl");
}

static void open__refuses_a_folder_of_another_export(void **state)
{
	struct folder *f = *state;
	struct error err = ERROR_INIT;
	char *path;

	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_NONE, 1, "{}", NULL), 0);
	assert_int_equal(write_shards(f->dir, "dpo", COMPRESS_NONE, 1, "{}", &err), ERR_EXISTS);
	assert_non_null(strstr(err.msg, "'sft'"));
	assert_string_equal(list(f->dir), "README.md manifest.json sft-00000-of-00001.jsonl");
	path = fs_join(f->dir, SHARD_MANIFEST);
	assert_int_equal(fs_write_file(path, "[1]", 3, NULL), 0);
	mem_free(path);
	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_NONE, 1, "{}", &err), ERR_EXISTS);
	assert_non_null(strstr(err.msg, "no manifest"));
}

static void close__leaves_the_folder_as_it_was(void **state)
{
	struct folder *f = *state;
	struct shards *s;

	assert_int_equal(shards_open(f->dir, "sft", COMPRESS_ZSTD, &s, NULL), 0);
	assert_int_equal(shards_next(s, NULL), 0);
	assert_int_equal(shards_add(s, "{}", 2, NULL), 0);
	shards_close(s);
	assert_false(fs_exists(f->dir));
	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_NONE, 1, "{}", NULL), 0);
	assert_int_equal(shards_open(f->dir, "sft", COMPRESS_ZSTD, &s, NULL), 0);
	assert_int_equal(shards_next(s, NULL), 0);
	shards_close(s);
	assert_string_equal(list(f->dir), "README.md manifest.json sft-00000-of-00001.jsonl");
	shards_close(NULL);
}

static void open__removes_folders_of_killed_exports(void **state)
{
	struct folder *f = *state;
	char path[256];
	pid_t pid = 999999;

	while (kill(pid, 0) == 0 || errno != ESRCH)
		pid--;
	snprintf(path, sizeof(path), "%s/.tmp-sft-%ld", f->dir, (long)pid);
	assert_int_equal(fs_mkdir_all(path, NULL), 0);
	snprintf(path, sizeof(path), "%s/.tmp-sft-1/x", f->dir); /* a process that lives */
	assert_int_equal(fs_mkdir_all(path, NULL), 0);
	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_NONE, 1, "{}", NULL), 0);
	assert_string_equal(list(f->dir), ".tmp-sft-1 README.md manifest.json sft-00000-of-00001.jsonl");
}

/* A full disk, as far as a file size limit is one. */
static void failure__changes_nothing(void **state)
{
	struct folder *f = *state;
	struct rlimit was, small = { 64 * 1024, 64 * 1024 };
	struct error err = ERROR_INIT;
	char *row = mem_alloc(200000);
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
	uint64_t x = 1;
	int r;

	assert_int_equal(write_shards(f->dir, "sft", COMPRESS_NONE, 1, "{\"old\":1}", NULL), 0);
	for (size_t i = 0; i < 199999; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		row[i] = (char)('a' + (x >> 60));
	}
	row[199999] = 0;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = write_shards(f->dir, "sft", COMPRESS_NONE, 2, row, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, old);
	mem_free(row);
	assert_true(r == ERR_IO || r == ERR_NOSPACE);
	assert_non_null(strstr(err.msg, f->dir));
	assert_string_equal(list(f->dir), "README.md manifest.json sft-00000-of-00001.jsonl");
}

static void memory__each_failure_is_clean(void **state)
{
	struct folder *f = *state;
	unsigned long nth;

	for (nth = 1; nth < 2000; nth++) {
		bool fired;
		int r;

		mem_fault_at(nth);
		r = write_shards(f->dir, "sft", COMPRESS_ZSTD, 2, "{\"a\":1}", NULL);
		fired = mem_fault_fired();
		mem_fault_at(0);
		if (!fired)
			break;
		if (r < 0) { /* not committed: nothing, or what the commit before made */
			const char *names = list(f->dir);

			assert_null(strstr(names, ".tmp"));
		}
	}
	assert_true(nth > 10 && nth < 2000);
	assert_string_equal(list(f->dir), "README.md manifest.json sft-00000-of-00002.jsonl.zst sft-00001-of-00002.jsonl.zst");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commit__makes_shards_and_manifest), TEST(commit__removes_what_an_older_export_left),
		TEST(open__refuses_a_folder_of_another_export), TEST(close__leaves_the_folder_as_it_was),
		TEST(open__removes_folders_of_killed_exports), TEST(failure__changes_nothing),
		TEST(memory__each_failure_is_clean),
	};

	return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
