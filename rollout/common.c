/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - what several commands do the same way; see common.h. */
#include "rollout/common.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"

#define INPUT_MAX (UINT64_C(256) << 20)

const char *winnow_version(void)
{
	return WINNOW_VERSION;
}

int judging_languages(const struct options *o, struct language_set *ret, struct error *err)
{
	const char *dir = options_has(o, "languages-dir") ? options_str(o, "languages-dir") : NULL;
	int r = language_load(dir ? dir : language_default_dir(), ret, err);

	if (r < 0)
		return dir ? error_prefix(err, r, "--languages-dir") : r;
	r = language_detect(ret, err);
	if (r < 0)
		language_set_clear(ret);
	return r;
}

/* A positive whole number of units, in units of `unit` bytes; 0 where not given. */
static int bytes_option(const struct options *o, const char *name, uint64_t unit, uint64_t *ret,
			struct error *err)
{
	if (!options_has(o, name) || !options_given(o, name))
		return 0;
	if (!options_u64(o, name))
		return error_set(err, ERR_INPUT, "--%s: must be at least 1", name);
	if (__builtin_mul_overflow(options_u64(o, name), unit, ret) || *ret > INT64_MAX)
		return error_set(err, ERR_INPUT, "--%s: %s is too large", name,
				 options_str(o, name));
	return 0;
}

int judging_limits(const struct options *o, struct limits *ret, struct error *err)
{
	struct limits over = { 0 };
	double seconds = options_has(o, "time") ? options_num(o, "time") : (double)NAN;
	int r;

	if (!isnan(seconds)) {
		if (seconds < 0.001 || seconds > 86400)
			return error_set(err, ERR_INPUT, "--time: %g is not between 0.001 and 86400",
					 seconds);
		over.cpu_us = (uint64_t)(seconds * 1e6 + 0.5);
	}
	r = bytes_option(o, "memory", UINT64_C(1) << 20, &over.memory_bytes, err);
	if (r == 0)
		r = bytes_option(o, "output", UINT64_C(1) << 10, &over.output_bytes, err);
	if (r == 0)
		*ret = over;
	return r;
}

int judging_isolation(const struct options *o, struct sandbox_options *ret, struct error *err)
{
	struct sandbox_options so = SANDBOX_OPTIONS_INIT;
	const char *tier = options_has(o, "isolation") ? options_str(o, "isolation") : NULL;
	const char *floor =
		options_has(o, "require-isolation") ? options_str(o, "require-isolation") : NULL;
	uint64_t jobs = options_has(o, "jobs") ? options_u64(o, "jobs") : 0;
	int r = 0;

	if (options_has(o, "jobs") && options_given(o, "jobs") && (jobs < 1 || jobs > 4096))
		return error_set(err, ERR_INPUT, "--jobs: %llu is not between 1 and 4096",
				 (unsigned long long)jobs);
	so.slots = (unsigned)jobs;
	if (floor && (r = tier_parse(floor, &so.floor, err)) < 0)
		return error_prefix(err, r, "--require-isolation");
	if (tier && (r = tier_parse(tier, &so.tier, err)) < 0)
		return error_prefix(err, r, "--isolation");
	so.tier_given = tier != NULL;
	/* --isolation=none says by name that less than the default floor is wanted. */
	if (so.tier_given && !options_given(o, "require-isolation") && so.tier > so.floor)
		so.floor = so.tier;
	if (so.tier_given && so.tier > so.floor)
		return error_set(err, ERR_INPUT, "--isolation: '%s' is less than --require-isolation '%s'",
				 tier_name(so.tier), tier_name(so.floor));
	so.languages_dir = options_has(o, "languages-dir") ? options_str(o, "languages-dir") : NULL;
	*ret = so;
	return 0;
}

int judging_open(const struct options *o, struct judging *ret, struct error *err)
{
	struct judging j = { 0 };
	struct judge_options jo = { .plain = options_has(o, "plain") && options_flag(o, "plain") };
	int r = judging_limits(o, &j.over, err);

	if (r == 0)
		r = judging_isolation(o, &jo.sandbox, err);
	if (r < 0)
		return r;
	r = judging_languages(o, &j.languages, err);
	if (r < 0)
		return r;
	/* The judge borrows the set for its life, so it must live at its last address. */
	*ret = j;
	jo.languages = &ret->languages;
	r = judge_open(&jo, &ret->judge, err);
	if (r < 0) {
		language_set_clear(&ret->languages);
		*ret = (struct judging){ 0 };
	}
	return r;
}

void judging_close(struct judging *j)
{
	judge_close(j->judge);
	language_set_clear(&j->languages);
	*j = (struct judging){ 0 };
}

json_t *isolation_json(const struct sandbox_info *info)
{
	return json_pack("{s:s, s:i, s:b, s:b, s:s}", "tier", tier_name(info->tier), "landlock_abi",
			 info->landlock_abi, "user_namespace", (int)info->user_namespace, "seccomp",
			 (int)info->seccomp, "cgroup", info->cgroup[0] ? info->cgroup : "none");
}

static int read_stdin(struct buf *out, struct error *err)
{
	for (;;) {
		char *room = buf_reserve(out, 65536);
		ssize_t n;

		if (!room)
			return buf_check(out, "standard input", err);
		n = read(STDIN_FILENO, room, 65536);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_commit(out, (size_t)n);
		else if (errno != EINTR)
			return error_set_errno(err, ERR_IO, "cannot read standard input");
	}
}

int read_input(const char *path, const char *what, struct buf *out, struct error *err)
{
	int r;

	if (out->max > INPUT_MAX)
		out->max = INPUT_MAX;
	r = str_eq(path, "-") ? read_stdin(out, err) : fs_read_file(path, out, err);
	if (r == ERR_LIMIT || r == ERR_IO)
		r = ERR_INPUT; /* what was given cannot be read: another try finds the same */
	return r < 0 && what ? error_prefix(err, r, "%s", what) : r;
}

void language_names(const struct language_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", s->items[i].name);
}

int language_wanted(const struct language_set *s, const char *name, const struct language **ret,
		    struct error *err)
{
	cleanup_buf struct buf names = { 0 };

	*ret = language_find(s, name);
	if (*ret)
		return 0;
	buf_init(&names, 4096);
	language_names(s, &names);
	return error_set(err, ERR_INPUT, "unknown language '%s'; there are %s", name, names.data);
}

int check_writable(const char *path, const char *what, struct error *err)
{
	cleanup_mem char *dir = NULL;

	if (!path || str_eq(path, "-"))
		return 0;
	if (fs_is_dir(path))
		return error_set(err, ERR_INPUT, "%s: '%s' is a folder", what, path);
	if (fs_is_special(path)) {
		if (access(path, W_OK) < 0)
			return error_set_errno(err, ERR_INPUT, "%s: cannot write '%s'", what, path);
		return 0;
	}
	dir = fs_dirname(path);
	if (!dir)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (access(dir, W_OK | X_OK) < 0)
		return error_set_errno(err, ERR_INPUT, "%s: cannot write in '%s'", what, dir);
	return 0;
}
