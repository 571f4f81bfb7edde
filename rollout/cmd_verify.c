/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c - winnow verify and backup: is the store what was put there, and a copy of it. */
#include <stdio.h>

#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"
#include "store/store_verify.h"

static int say_damage(void *ctx, const struct store_damage *d)
{
	const struct globals *g = ctx;

	if (g->json)
		return answer_json(json_pack("{s:s, s:s?, s:s?, s:s}", "damage", d->kind, "table", d->table, "row", d->row, "what",
					     d->what), NULL);
	(void)printf("%s: %s%s%s%s%s\n", d->kind, d->table ? d->table : "", d->row ? " " : "", d->row ? d->row : "",
		     d->table || d->row ? ": " : "", d->what);
	return 0;
}

static int say_sum(const struct globals *g, const struct store_verified *sum, struct error *err)
{
	int r;

	if (g->json) {
		r = answer_json(json_pack("{s:b, s:I, s:I, s:I}", "sound", sum->damages == 0, "rows", (json_int_t)sum->rows,
					  "texts", (json_int_t)sum->texts, "damages", (json_int_t)sum->damages), err);
		if (r < 0)
			return r;
	} else {
		(void)printf("'%s': %llu rows and %llu texts, %llu found damaged\n", g->store, (unsigned long long)sum->rows,
			     (unsigned long long)sum->texts, (unsigned long long)sum->damages);
	}
	return sum->damages ? EXIT_ANSWER_NO : EXIT_DONE;
}

static int verify_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct store_verified sum = { 0 };
	struct store *s = NULL;
	struct globals copy = *g;
	int r = options_expect_args(o, 0, 0, err);

	if (r == 0)
		r = store_open(g->store, STORE_READ, 0, "winnow verify", &s, err);
	if (r == ERR_CORRUPT) { /* so damaged that nothing else can be looked at */
		struct store_damage d = { .kind = "structure", .what = err->msg };

		sum.damages = 1;
		r = say_damage(&copy, &d);
	} else if (r == 0) {
		r = store_verify(s, say_damage, &copy, &sum, err);
	}
	store_close(s);
	return r < 0 ? r : say_sum(g, &sum, err);
}

static int backup_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct store *s = NULL;
	uint64_t bytes = 0;
	const char *path;
	int r = options_expect_args(o, 1, 1, err);

	if (r == 0)
		r = store_open(g->store, STORE_READ, 0, "winnow backup", &s, err);
	if (r < 0)
		return r;
	path = options_args(o)[0];
	r = store_backup(s, path, &bytes, err);
	store_close(s);
	if (r == ERR_EXISTS && err)
		err->code = r = ERR_INPUT;
	if (r < 0)
		return r;
	if (g->json)
		return answer_json(json_pack("{s:s, s:I}", "file", path, "bytes", (json_int_t)bytes), err);
	(void)printf("%s: %llu bytes\n", path, (unsigned long long)bytes);
	return EXIT_DONE;
}

static const struct option_spec no_options[] = { { NULL, OPTION_FLAG, NULL, NULL, NULL, false } };

const struct command cmd_verify = {
	.name = "verify",
	.summary = "look at every row, text, index and reference of the store for damage",
	.usage = "",
	.description =
		"Checks SQLite's b-trees and indexes, foreign keys, the checksum of each row, the SHA-256 of each text, and the "
		"schema. Prints a line for each damage found, with its table and row, and a sum; with --json an object a line. "
		"Exits 1 where something is damaged. Only reads; a run may go on meanwhile.",
	.options = no_options,
	.main = verify_main,
};

const struct command cmd_backup = {
	.name = "backup",
	.summary = "copy the store, as it is at this moment, to a new file",
	.usage = "FILE",
	.description =
		"A run may go on writing meanwhile; the copy holds what was committed when it began. It is written aside, synced "
		"and then given its name, which must be free.",
	.options = no_options,
	.main = backup_main,
};
