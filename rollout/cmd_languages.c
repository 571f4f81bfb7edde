/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_languages.c - winnow languages: what candidates may be written in, and which toolchains there are. */
#include <string.h>

#include "core/mem.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/facts.h"
#include "rollout/options.h"

static int say_table(const struct language_set *set, struct error *err)
{
	static const char *const titles[] = { "language", "title", "toolchain", "tests", "note" };
	cleanup_table struct table *t = NULL;
	int r = table_new(ARRAY_SIZE(titles), titles, &t, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < set->n; i++) {
		const struct language *l = &set->items[i];
		cleanup_mem char *note = facts_language_note(l);

		table_text(t, l->name);
		table_text(t, l->title);
		table_text(t, l->present ? l->toolchain : "missing");
		table_text(t, l->driver ? "calls stdio" : "stdio");
		table_text(t, note);
	}
	return table_end(t, err);
}

static int languages_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct language_set set = { 0 };
	int r = options_expect_args(o, 0, 0, err);

	if (r == 0)
		r = judging_languages(o, &set, err);
	if (r < 0)
		return r;
	for (size_t i = 0; g->json && i < set.n && r == 0; i++)
		r = answer_json(facts_language_json(&set.items[i]), err);
	if (!g->json)
		r = say_table(&set, err);
	language_set_clear(&set);
	return r < 0 ? r : EXIT_DONE;
}

static const struct option_spec languages_options[] = {
	{ "languages-dir", OPTION_STRING, "DIR", NULL, "folder of language recipes", true },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_languages = {
	.name = "languages",
	.summary = "list the languages of candidates, and which toolchains are there",
	.usage = "",
	.description = "A language is a folder of data: its recipe says how a program is compiled and run. With --json one object "
		       "a language.",
	.options = languages_options,
	.main = languages_main,
};
