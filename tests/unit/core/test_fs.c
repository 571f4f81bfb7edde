/* SPDX-License-Identifier: Apache-2.0 */
/* test_fs.c - files, folders, lines, and compression, which shares their temporary folder. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/str.h"

#include "tests/unit/core/table.h"

static char dir[64];
static char path[96];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/winnow-test-fs-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void) snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

static void write_file(const void *data, size_t n)
{
	struct error err = ERROR_INIT;

	if (fs_write_file(path, data, n, &err) < 0)
		fail_msg("%s", err.msg);
}

static void fs__writes_and_reads_whole_files(void **state)
{
	struct error err = ERROR_INIT;
	char **names = NULL;
	size_t n = 0;
	struct buf b;

	(void)state;
	write_file("first", 5);
	write_file("a\0b", 3);
	buf_init(&b, 3);
	assert_int_equal(fs_read_file(path, &b, &err), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_clear(&b);
	buf_init(&b, 2);
	assert_int_equal(fs_read_file(path, &b, &err), ERR_LIMIT);
	assert_non_null(strstr(err.msg, path));
	buf_clear(&b);
	assert_int_equal(fs_list(dir, &names, &n, &err), 0);
	assert_int_equal(n, 1); /* nothing aside is left */
	str_list_free(names);
	write_file("", 0);
	buf_init(&b, 10);
	assert_int_equal(fs_read_file(path, &b, &err), 0);
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void fs__says_what_failed(void **state)
{
	struct error err = ERROR_INIT;
	struct fs_lines *l = NULL;
	uint64_t bytes = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(fs_read_file("/nonexistent/x", &b, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "cannot open '/nonexistent/x': No such file or directory");
	assert_int_equal(fs_read_file(dir, &b, &err), ERR_INPUT);
	assert_int_equal(fs_write_file("/nonexistent/x", "", 0, &err), ERR_IO);
	assert_int_equal(fs_lines_open(dir, 10, &l, &err), ERR_INPUT);
	assert_int_equal(fs_lines_open("/nonexistent", 10, &l, &err), ERR_NOTFOUND);
	write_file("x", 1);
	assert_int_equal(fs_mkdir_all(path, &err), ERR_INPUT);
	/* a node is written to, and stays one: no file takes its place */
	(void) unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_true(fs_is_special(path) && !fs_is_special(dir) && !fs_is_special("/nonexistent"));
	assert_int_equal(fs_write_file(path, "x", 1, &err), 0);
	assert_true(fs_is_special(path));
	(void) unlink(path);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_int_equal(fs_write_file(path, "x", 1, &err), ERR_NOSPACE);
	assert_true(fs_is_special(path));
	(void) unlink(path);
	write_file("x", 1);
	assert_int_equal(fs_free_bytes(dir, &bytes, &err), 0);
	assert_true(bytes > 0);
	assert_true(fs_exists(path) && !fs_is_dir(path) && fs_is_dir(dir));
	buf_clear(&b);
}

static void fs__removes_trees_of_any_depth(void **state)
{
	char tree[128];
	struct error err = ERROR_INIT;
	int fd;

	(void)state;
	(void) snprintf(tree, sizeof(tree), "%s/deep", dir);
	assert_int_equal(mkdir(tree, 0700), 0);
	fd = open(tree, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 3000; i++) {
		int below;

		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		assert_int_equal(mkdirat(fd, "e", 0700), 0);
		below = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		assert_true(below >= 0);
		if (i % 100 == 0)
			assert_int_equal(fchmod(fd, 0), 0);
		close(fd);
		fd = below;
	}
	close(fd);
	assert_int_equal(fs_remove_tree(tree, &err), 0);
	assert_false(fs_exists(tree));
}

static void fs__removes_trees_but_follows_no_link(void **state)
{
	char deep[256], link[128], kept[128];
	struct error err = ERROR_INIT;

	(void)state;
	write_file("kept", 4);
	(void) snprintf(deep, sizeof(deep), "%s/tree/a/b/c", dir);
	(void) snprintf(link, sizeof(link), "%s/tree/link", dir);
	(void) snprintf(kept, sizeof(kept), "%s/tree", dir);
	assert_int_equal(fs_mkdir_all(deep, &err), 0);
	assert_int_equal(fs_mkdir_all(deep, &err), 0);
	assert_int_equal(symlink(dir, link), 0);
	(void) snprintf(deep, sizeof(deep), "%s/tree/a", dir);
	assert_int_equal(chmod(deep, 0), 0);
	assert_int_equal(fs_remove_tree(kept, &err), 0);
	assert_false(fs_exists(kept));
	assert_true(fs_exists(path));
	assert_int_equal(fs_remove_tree(kept, &err), 0); /* gone already */
}

static struct path_case {
	const char *name, *dir, *file, *joined, *dirname;
} path_cases[] = {
	{ "path: plain", "a", "b", "a/b", "a" },
	{ "path: slash at the end", "a/", "b", "a/b", "a" },
	{ "path: absolute name", "a", "/b", "/b", "/" },
	{ "path: empty folder", "", "b", "b", "." },
	{ "path: root", "/", "b", "/b", "/" },
	{ "path: deeper", "/x/y", "b/c", "/x/y/b/c", "/x/y/b" },
	{ "path: slashes behind", "a", "b//", "a/b//", "a" },
};

static void joins(void **state)
{
	const struct path_case *row = *state;
	char *joined = fs_join(row->dir, row->file), *parent = fs_dirname(row->joined);

	assert_string_equal(joined, row->joined);
	assert_string_equal(parent, row->dirname);
	mem_free(joined);
	mem_free(parent);
}

/* --- lines --- */

static struct lines_case {
	const char *name, *text;
	size_t n;
	const char *want; /* lines joined by | */
} lines_cases[] = {
	{ "lines: none", "", 0, "" },
	{ "lines: one, not ended", "abc", 3, "abc|" },
	{ "lines: ended", "abc\n", 4, "abc|" },
	{ "lines: empty ones", "\n\nx\n\n", 5, "||x||" },
	{ "lines: carriage returns", "a\r\nb\r\n", 6, "a|b|" },
	{ "lines: a byte order mark", "\xef\xbb\xbf" "a\n\xef\xbb\xbf" "b\n", 9, "a|\xef\xbb\xbf" "b|" },
	{ "lines: as long as may be", "0123456789012345\nx", 18, "0123456789012345|x|" },
};

static void read_lines(const char *want)
{
	struct error err = ERROR_INIT;
	struct fs_lines *l = NULL;
	unsigned long number = 0;
	const char *line;
	struct buf b;
	size_t len;
	int r;

	buf_init(&b, SIZE_MAX);
	assert_int_equal(fs_lines_open(path, 16, &l, &err), 0);
	while ((r = fs_lines_next(l, &line, &len, &err)) > 0) {
		assert_int_equal(strlen(line), len);
		assert_int_equal(fs_lines_number(l), ++number);
		buf_adds(&b, line);
		buf_addc(&b, '|');
	}
	assert_int_equal(r, 0);
	assert_string_equal(b.data, want);
	fs_lines_close(l);
	buf_clear(&b);
}

static void compress_to(enum compress_kind kind, const void *data, size_t n, struct buf *out)
{
	struct compressor *c = NULL;
	struct error err = ERROR_INIT;

	assert_int_equal(compressor_new(kind, &c, &err), 0);
	for (size_t i = 0; i < n; i += 1000)
		assert_int_equal(compressor_add(c, (const char *)data + i, n - i < 1000 ? n - i : 1000,
						out, &err), 0);
	assert_int_equal(compressor_end(c, out, &err), 0);
	compressor_free(c);
}

static void gives_lines(void **state)
{
	const struct lines_case *row = *state;
	struct buf gz;

	write_file(row->text, row->n);
	read_lines(row->want);
	buf_init(&gz, SIZE_MAX);
	compress_to(COMPRESS_GZIP, row->text, row->n, &gz);
	write_file(gz.data, gz.len);
	read_lines(row->want);
	buf_clear(&gz);
}

static int read_all(size_t max_line, struct error *err, unsigned long *ret_n)
{
	struct fs_lines *l = NULL;
	const char *line;
	int r = fs_lines_open(path, max_line, &l, err);

	while (r == 0 || r == 1) {
		r = fs_lines_next(l, &line, NULL, err);
		if (r == 0)
			break;
	}
	*ret_n = fs_lines_number(l);
	fs_lines_close(l);
	return r;
}

static void lines__names_the_line_that_is_too_long(void **state)
{
	struct error err = ERROR_INIT;
	unsigned long n;

	(void)state;
	write_file("ab\n0123456789\nx\n", 16);
	assert_int_equal(read_all(9, &err, &n), ERR_LIMIT);
	assert_non_null(strstr(err.msg, "file:2: a line is longer than 9 bytes"));
	assert_int_equal(read_all(10, &err, &n), 0);
	assert_int_equal(n, 3);
}

static void lines__reads_many(void **state)
{
	struct error err = ERROR_INIT;
	unsigned long n = 0;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	for (int i = 0; i < 50000; i++)
		buf_addf(&b, "line %d %.*s\n", i, i % 50, "..................................................");
	write_file(b.data, b.len);
	assert_int_equal(read_all(100, &err, &n), 0);
	assert_int_equal(n, 50000);
	buf_clear(&b);
}

static void lines__refuses_bad_gzip(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b, gz;
	unsigned long n;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&gz, SIZE_MAX);
	for (unsigned i = 0; i < 20000; i++)
		buf_addf(&b, "%u\n", i * 2654435761u);
	compress_to(COMPRESS_GZIP, b.data, b.len, &gz);
	for (size_t cut = gz.len / 2; cut < gz.len; cut += gz.len / 4 - 3) {
		write_file(gz.data, cut);
		assert_int_equal(read_all(100, &err, &n), ERR_INPUT);
		assert_non_null(strstr(err.msg, "truncated gzip"));
	}
	write_file(gz.data, gz.len - 1);
	assert_int_equal(read_all(100, &err, &n), ERR_INPUT);
	gz.data[gz.len / 2] ^= 0x55;
	write_file(gz.data, gz.len);
	assert_int_equal(read_all(100, &err, &n), ERR_INPUT);
	assert_non_null(strstr(err.msg, "gzip"));
	buf_clear(&b);
	buf_clear(&gz);
}

static void fs__survives_each_failed_allocation(void **state)
{
	(void)state;
	write_file("a\nb\n", 4);
	for (unsigned long nth = 1;; nth++) {
		struct error err = ERROR_INIT;
		char **names = NULL;
		struct fs_lines *l = NULL;
		const char *line;
		struct buf b;
		int r;

		buf_init(&b, 100);
		mem_fault_at(nth);
		r = fs_read_file(path, &b, &err);
		if (r == 0)
			r = fs_list(dir, &names, NULL, &err);
		if (r == 0)
			r = fs_lines_open(path, 10, &l, &err);
		if (r == 0)
			r = fs_lines_next(l, &line, NULL, &err);
		if (r == 1)
			r = fs_write_file(path, "a\nb\n", 4, &err);
		str_list_free(names);
		fs_lines_close(l);
		buf_clear(&b);
		if (!mem_fault_fired()) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
	mem_fault_at(0);
}

/* --- compression --- */

static struct kind_case {
	const char *name, *word, *suffix;
	enum compress_kind kind;
} kind_cases[] = {
	{ "compress: none", "none", "", COMPRESS_NONE },
	{ "compress: gzip", "gzip", ".gz", COMPRESS_GZIP },
	{ "compress: zstd", "zstd", ".zst", COMPRESS_ZSTD },
};

static void compresses(void **state)
{
	const struct kind_case *row = *state;
	struct error err = ERROR_INIT;
	struct buf in, one, two, back;
	enum compress_kind kind;

	assert_int_equal(compress_parse(row->word, &kind, &err), 0);
	assert_int_equal(kind, row->kind);
	assert_string_equal(compress_suffix(kind), row->suffix);
	for (size_t n = 0; n < 400000; n = n * 7 + 1) {
		buf_init(&in, SIZE_MAX);
		buf_init(&one, SIZE_MAX);
		buf_init(&two, SIZE_MAX);
		buf_init(&back, n);
		for (size_t i = 0; i < n; i++)
			buf_addc(&in, (char)('a' + i * i % 23));
		compress_to(kind, in.data, n, &one);
		compress_to(kind, in.data, n, &two);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.data, two.data, one.len);
		if (decompress_all(one.data, one.len, &back, &err) < 0)
			fail_msg("%zu: %s", n, err.msg);
		assert_int_equal(back.len, n);
		assert_memory_equal(back.data, in.data, n);
		if (n > 1000 && kind != COMPRESS_NONE) {
			buf_reset(&back);
			assert_int_equal(decompress_all(one.data, one.len - 5, &back, &err), ERR_INPUT);
			back.max = n - 1;
			buf_reset(&back);
			assert_int_equal(decompress_all(one.data, one.len, &back, &err), ERR_LIMIT);
		}
		buf_clear(&in);
		buf_clear(&one);
		buf_clear(&two);
		buf_clear(&back);
	}
}

static void compress__refuses_unknown_words(void **state)
{
	struct error err = ERROR_INIT;
	enum compress_kind kind;

	(void)state;
	assert_int_equal(compress_parse("lzma", &kind, &err), ERR_INPUT);
	assert_string_equal(err.msg, "unknown compression 'lzma' (none, gzip, zstd)");
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(path_cases) + ARRAY_SIZE(lines_cases) +
				       ARRAY_SIZE(kind_cases) + 9];
	size_t n = 0;

	ADD_ROWS(tests, n, path_cases, joins);
	ADD_ROWS(tests, n, lines_cases, gives_lines);
	ADD_ROWS(tests, n, kind_cases, compresses);
	ADD_TEST(tests, n, fs__writes_and_reads_whole_files);
	ADD_TEST(tests, n, fs__says_what_failed);
	ADD_TEST(tests, n, fs__removes_trees_of_any_depth);
	ADD_TEST(tests, n, fs__removes_trees_but_follows_no_link);
	ADD_TEST(tests, n, lines__names_the_line_that_is_too_long);
	ADD_TEST(tests, n, lines__reads_many);
	ADD_TEST(tests, n, lines__refuses_bad_gzip);
	ADD_TEST(tests, n, fs__survives_each_failed_allocation);
	ADD_TEST(tests, n, compress__refuses_unknown_words);
	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = setup;
		tests[i].teardown_func = teardown;
	}
	return RUN_ADDED("fs", tests, n);
}
