/* SPDX-License-Identifier: Apache-2.0 */
/*
 * language_cache.c - what a toolchain said of itself, and its prepared driver, kept from one start
 * to the next: seven toolchains take most of a second to ask.
 *
 * Kept in winnow/toolchains of the user's cache folder, a file for each recipe, driver and
 * toolchain (its path, size, inode and times of change: an upgrade is another file).  Only files of
 * our own are believed.  Where there is no such folder, nothing is kept and nothing is lost.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "sandbox/language_cache.h"

#define HEAD "winnow-toolchain 1 "
#define MAX_BYTES (4u << 20)

static char *cache_dir(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && cache[0] == '/')
		return mem_printf("%s/winnow/toolchains", cache);
	if (home && home[0] == '/')
		return mem_printf("%s/.cache/winnow/toolchains", home);
	return NULL;
}

char *language_cache_path(const struct language *l)
{
	cleanup_mem char *dir = cache_dir();
	struct hash_sha256 *hash;
	uint8_t digest[HASH_SHA256_BYTES];
	char name[2 * HASH_SHA256_BYTES + 1];
	struct stat st;

	if (!dir || stat(l->detect_argv[0], &st) < 0)
		return NULL;
	hash = hash_sha256_new();
	if (!hash)
		return NULL;
	hash_sha256_add_field(hash, l->digest, sizeof(l->digest));
	hash_sha256_add_field(hash, l->detect_argv[0], strlen(l->detect_argv[0]));
	hash_sha256_add_field(hash, &st.st_dev, sizeof(st.st_dev));
	hash_sha256_add_field(hash, &st.st_ino, sizeof(st.st_ino));
	hash_sha256_add_field(hash, &st.st_size, sizeof(st.st_size));
	hash_sha256_add_field(hash, &st.st_mtim, sizeof(st.st_mtim));
	hash_sha256_add_field(hash, &st.st_ctim, sizeof(st.st_ctim));
	hash_sha256_end(hash, digest);
	hash_hex(digest, sizeof(digest), name);
	return mem_printf("%s/%s", dir, name);
}

bool language_cache_get(const char *path, struct language *l)
{
	struct error err = ERROR_INIT;
	struct stat st;
	struct buf text;
	const char *end;
	bool ok = false;

	if (!path || lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022))
		return false;
	buf_init(&text, MAX_BYTES);
	if (fs_read_file(path, &text, &err) == 0 && text.len > strlen(HEAD) &&
	    !memcmp(text.data, HEAD, strlen(HEAD))) {
		const char *version = text.data + strlen(HEAD);

		end = memchr(version, '\n', text.len - strlen(HEAD));
		if (end && (size_t)(end - version) < sizeof(l->toolchain)) {
			size_t n = text.len - (size_t)(end + 1 - text.data);
			char *driver = n ? mem_alloc(n + 1) : NULL;

			ok = !n || driver;
			if (ok)
				(void) snprintf(l->toolchain, sizeof(l->toolchain), "%.*s",
						(int)(end - version), version);
			if (driver) {
				memcpy(driver, end + 1, n);
				driver[n] = '\0';
				mem_free(l->driver);
				l->driver = driver;
				l->driver_len = n;
			}
		}
	}
	buf_clear(&text);
	return ok;
}

void language_cache_put(const char *path, const struct language *l, bool prepared)
{
	cleanup_mem char *dir = path ? fs_dirname(path) : NULL;
	struct error err = ERROR_INIT;
	struct buf text;

	if (!dir || !l->toolchain[0])
		return;
	buf_init(&text, MAX_BYTES);
	buf_adds(&text, HEAD);
	buf_adds(&text, l->toolchain);
	buf_addc(&text, '\n');
	if (prepared)
		buf_add(&text, l->driver, l->driver_len);
	/* No room or no right to write there: the next start asks again. */
	if (!text.error && fs_mkdir_all(dir, &err) == 0)
		(void) fs_write_file(path, text.data, text.len, &err);
	buf_clear(&text);
}
