/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standalone.c - a main() for fuzz targets where there is no libFuzzer: gives
 * each file of the folders (or each file) named to the target once.
 */
#include <stdio.h>
#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay_file(const char *path, struct error *err)
{
	cleanup_mem uint8_t *exact = NULL;
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, SIZE_MAX);
	r = fs_read_file(path, &b, err);
	if (r < 0)
		return r;
	/* Exactly as large, so that a sanitizer sees a read past the end. */
	exact = mem_alloc(b.len);
	if (!exact)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (b.len)
		memcpy(exact, b.data, b.len);
	(void) LLVMFuzzerTestOneInput(exact, b.len);
	return 0;
}

static int replay(const char *path, unsigned *n_files, struct error *err)
{
	char **names = NULL;
	int r;

	if (!fs_is_dir(path)) {
		++*n_files;
		return replay_file(path, err);
	}
	r = fs_list(path, &names, NULL, err);
	for (char **name = names; r == 0 && *name; name++) {
		cleanup_mem char *file = fs_join(path, *name);

		++*n_files;
		r = file ? replay_file(file, err) : error_set(err, ERR_NOMEM, "out of memory");
	}
	str_list_free(names);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	unsigned n_files = 0;

	for (int i = 1; i < argc; i++)
		if (replay(argv[i], &n_files, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
	printf("%u files\n", n_files);
	return n_files ? 0 : 1;
}
