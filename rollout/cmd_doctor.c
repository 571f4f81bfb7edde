/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_doctor.c - winnow doctor: what this host can do, proved and not guessed.
 *
 * For each tier a sandbox is opened that may use this tier alone: it builds a
 * whole box and runs a program in it.  What does not work says which step failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/facts.h"
#include "rollout/options.h"

#define YEAR_2024_US (INT64_C(1704067200) * 1000000)
#define LITTLE_DISK (UINT64_C(5) << 30) /* what run's --min-free suggests */

struct tier_proof {
	bool works;
	struct sandbox_info info;
	char why[512]; /* it does not work */
};
struct checkup {
	struct tier_proof tiers[TIER_COUNT];
	enum tier in_force; /* TIER_COUNT: none that may be used */
	enum tier floor;
	bool good; /* in force, and not below the floor */
	struct language_set languages;
};

static void prove(enum tier tier, const struct sandbox_options *base, struct tier_proof *ret)
{
	struct sandbox_options opt = *base;
	struct error err = ERROR_INIT;
	struct sandbox *s = NULL;

	opt.slots = 1;
	opt.tier_given = true;
	opt.tier = tier;
	opt.floor = TIER_NONE;
	if (sandbox_open(&opt, &s, &err) == 0) {
		ret->works = true;
		ret->info = *sandbox_info(s);
	} else {
		/* "no tier at or above …; landlock: why": only the last part is news here. */
		cleanup_mem char *mark = mem_printf("; %s: ", tier_name(tier));
		const char *why = mark ? strstr(err.msg, mark) : NULL;

		(void) snprintf(ret->why, sizeof(ret->why), "%s", why ? why + strlen(mark) : err.msg);
	}
	sandbox_close(s);
}

static int check(const struct options *o, struct checkup *c, struct error *err)
{
	struct sandbox_options opt;
	int r = judging_isolation(o, &opt, err);

	if (r < 0)
		return r;
	r = judging_languages(o, &c->languages, err);
	if (r < 0)
		return r;
	c->floor = opt.floor;
	c->in_force = TIER_COUNT;
	for (int t = 0; t < TIER_COUNT; t++) {
		prove((enum tier)t, &opt, &c->tiers[t]);
		if (c->in_force != TIER_COUNT || !c->tiers[t].works)
			continue;
		/* No isolation at all is never fallen into: it has to be asked for. */
		if (opt.tier_given ? (enum tier)t == opt.tier : t < TIER_NONE || opt.floor == TIER_NONE)
			c->in_force = (enum tier)t;
	}
	c->good = c->in_force != TIER_COUNT && c->in_force <= c->floor;
	return 0;
}

/* The facts that hold whatever the tier: of the strongest that works. */
static const struct sandbox_info *facts(const struct checkup *c)
{
	for (int t = 0; t < TIER_COUNT; t++)
		if (c->tiers[t].works)
			return &c->tiers[t].info;
	return NULL;
}

/* --- disk and clock --- */

static char *folder_of(const char *path)
{
	char *dir = fs_dirname(path);

	if (dir && !fs_is_dir(dir)) {
		mem_free(dir);
		return mem_strdup(".");
	}
	return dir;
}

static json_t *disk_json(const char *what, const char *path)
{
	uint64_t bytes = 0;
	struct error err = ERROR_INIT;

	if (fs_free_bytes(path, &bytes, &err) < 0)
		return json_pack("{s:s, s:o, s:n, s:s}", "what", what, "path", json_string_lossy(path, strlen(path), NULL),
				 "free_bytes", "failure", err.msg);
	return json_pack("{s:s, s:o, s:I, s:b}", "what", what, "path", json_string_lossy(path, strlen(path), NULL),
			 "free_bytes", (json_int_t)bytes, "little", bytes < LITTLE_DISK);
}

static json_t *disks_json(const struct globals *g)
{
	cleanup_mem char *dir = folder_of(g->store);
	const char *scratch = getenv("TMPDIR");
	json_t *list = json_array();

	if (!dir || json_array_append_new(list, disk_json("store", dir)) ||
	    json_array_append_new(list, disk_json("scratch", scratch && *scratch ? scratch : "/tmp"))) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *clock_json(void)
{
	struct timespec res = { 0 };
	char now[32];
	int64_t wall = clock_wall_us();

	clock_iso8601(wall, now);
	(void) clock_getres(CLOCK_MONOTONIC, &res);
	return json_pack("{s:s, s:I, s:b}", "utc", now, "monotonic_resolution_ns",
			 (json_int_t)res.tv_sec * 1000000000 + res.tv_nsec, "plausible", wall > YEAR_2024_US);
}

/* --- answers --- */

static json_t *tiers_json(const struct checkup *c)
{
	json_t *list = json_array();

	for (int t = 0; t < TIER_COUNT; t++) {
		const struct tier_proof *p = &c->tiers[t];

		if (json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:o}", "tier", tier_name((enum tier)t), "works",
							  (int)p->works, "in_force", c->in_force == (enum tier)t, "reason",
							  p->works ? json_null() : json_string(p->why)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *languages_json(const struct checkup *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->languages.n; i++)
		if (json_array_append_new(list, facts_language_json(&c->languages.items[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *checkup_json(const struct globals *g, const struct checkup *c)
{
	const struct sandbox_info *info = facts(c);
	struct utsname u;

	if (uname(&u) < 0)
		(void) snprintf(u.release, sizeof(u.release), "unknown");
	return json_pack("{s:s, s:b, s:s, s:o, s:o, s:s, s:i, s:b, s:s, s:b, s:I, s:o, s:o, s:o}", "version",
			 winnow_version(), "ok", (int)c->good, "require_isolation", tier_name(c->floor), "isolation",
			 c->in_force == TIER_COUNT ? json_null() : isolation_json(&c->tiers[c->in_force].info), "tiers",
			 tiers_json(c), "kernel", u.release, "landlock_abi", info ? info->landlock_abi : 0, "seccomp",
			 info ? (int)info->seccomp : 0, "cgroup", info && info->cgroup[0] ? info->cgroup : "none",
			 "user_namespace", info ? (int)info->user_namespace : 0, "cores",
			 (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "languages", languages_json(c), "disk", disks_json(g),
			 "clock", clock_json());
}

static void say_tiers(const struct checkup *c, struct table *t)
{
	for (int i = 0; i < TIER_COUNT; i++) {
		const struct tier_proof *p = &c->tiers[i];

		table_text(t, tier_name((enum tier)i));
		table_text(t, c->in_force == (enum tier)i ? "in force" : p->works ? "works" : "no");
		if (i == TIER_NONE)
			table_text(t, "no isolation at all: only by --isolation=none");
		else
			table_text(t, p->works ? "" : p->why);
	}
}

static void say_languages(const struct checkup *c, struct table *t)
{
	for (size_t i = 0; i < c->languages.n; i++) {
		const struct language *l = &c->languages.items[i];
		cleanup_mem char *note = facts_language_note(l);

		table_text(t, l->name);
		table_text(t, l->present ? "there" : "missing");
		table_text(t, l->present ? l->toolchain : note);
	}
}

static void say_host(const json_t *j, struct table *t)
{
	const json_t *disk, *clock = json_object_get(j, "clock");
	size_t i;

	table_text(t, "kernel");
	table_text(t, json_get_str(j, "kernel"));
	table_text(t, "");
	table_text(t, "landlock");
	if (json_get_int(j, "landlock_abi", 0))
		table_number(t, "ABI %lld", (long long)json_get_int(j, "landlock_abi", 0));
	else
		table_text(t, "no");
	table_text(t, "");
	table_text(t, "seccomp");
	table_text(t, json_get_bool(j, "seccomp", false) ? "yes" : "no");
	table_text(t, "");
	table_text(t, "cgroup");
	table_text(t, json_get_str(j, "cgroup"));
	table_text(t, str_eq(json_get_str(j, "cgroup"), "none") ? "not used: memory is limited by rlimits and watched" : "");
	table_text(t, "namespaces");
	table_text(t, json_get_bool(j, "user_namespace", false) ? "user" : "no user");
	table_text(t, json_get_bool(j, "user_namespace", false) ? "boxes sit in user namespaces of their own" : "");
	table_text(t, "cores");
	table_number(t, "%lld", (long long)json_get_int(j, "cores", 0));
	table_text(t, "");
	json_array_foreach(json_object_get(j, "disk"), i, disk) {
		cleanup_mem char *what = mem_printf("disk: %s", json_get_str(disk, "what"));
		json_int_t bytes = json_get_int(disk, "free_bytes", -1);

		table_text(t, what);
		if (bytes < 0)
			table_text(t, json_get_str(disk, "failure"));
		else
			table_number(t, "%.1f GiB free", (double)bytes / (1 << 30));
		table_text(t, json_get_bool(disk, "little", false) ? "little: a run may pause by --min-free" : "");
	}
	table_text(t, "clock");
	table_text(t, json_get_str(clock, "utc"));
	table_text(t, json_get_bool(clock, "plausible", true) ? "" : "the wall clock is wrong");
}

static int say_words(const struct checkup *c, const json_t *j, struct error *err)
{
	static const char *const titles[3][3] = { { "isolation", "", "why not" },
						  { "language", "", "toolchain" },
						  { "host", "", "" } };

	for (int part = 0; part < 3; part++) {
		cleanup_table struct table *t = NULL;
		int r = table_new(3, titles[part], &t, err);

		if (r < 0)
			return r;
		if (part == 0)
			say_tiers(c, t);
		else if (part == 1)
			say_languages(c, t);
		else
			say_host(j, t);
		r = table_end(t, err);
		if (r < 0)
			return r;
		(void) printf("\n");
	}
	if (c->good)
		(void) printf("candidates will run with isolation '%s'\n", tier_name(c->in_force));
	else
		(void) printf("candidates will not run: --require-isolation asks for '%s', and %s%s\n",
			      tier_name(c->floor), c->in_force == TIER_COUNT ? "nothing works" : "there is only ",
			      c->in_force == TIER_COUNT ? "" : tier_name(c->in_force));
	return 0;
}

static int doctor_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct checkup c = { 0 };
	cleanup_json json_t *j = NULL;
	int r = options_expect_args(o, 0, 0, err);

	if (r == 0)
		r = check(o, &c, err);
	if (r == 0) {
		j = checkup_json(g, &c);
		r = !j ? error_set(err, ERR_NOMEM, "out of memory")
		       : g->json ? answer_json(json_incref(j), err) : say_words(&c, j, err);
	}
	language_set_clear(&c.languages);
	if (r < 0)
		return r;
	return c.good ? EXIT_DONE : EXIT_ANSWER_NO;
}

static const struct option_spec doctor_options[] = {
	COMMON_ISOLATION_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "prove what isolation, toolchains and room this host has",
	.usage = "",
	.description =
		"Each tier of isolation is proved by building a whole box and running a program in it; one that does not work "
		"says which step failed. A missing toolchain is named with the Debian package that brings it.\n\n"
		"The exit status is 1 where the isolation in force is below --require-isolation.",
	.options = doctor_options,
	.main = doctor_main,
};
