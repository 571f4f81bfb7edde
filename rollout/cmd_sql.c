/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sql.c - winnow sql: one read-only statement, as a table, CSV or JSON lines. */
#include "rollout/commands.h"
#include "rollout/options.h"
#include "rollout/rows.h"
#include "store/store.h"

static int sql_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct store *s = NULL;
	enum rows_form form = g->json ? ROWS_JSON : options_flag(o, "csv") ? ROWS_CSV : ROWS_TABLE;
	int r = options_expect_args(o, 1, 1, err);

	if (r == 0 && g->json && options_flag(o, "csv"))
		r = error_set(err, ERR_INPUT, "--csv and --json exclude each other");
	if (r == 0)
		r = store_open(g->store, STORE_READ, 0, "winnow sql", &s, err);
	if (r == 0)
		r = rows_print(s, options_args(o)[0], NULL, form, err);
	store_close(s);
	return r < 0 ? r : EXIT_DONE;
}

static const struct option_spec sql_options[] = {
	{ "csv", OPTION_FLAG, NULL, NULL, "comma-separated values with a line of names", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_sql = {
	.name = "sql",
	.summary = "ask the store by one read-only SQL statement",
	.usage = "QUERY",
	.description =
		"docs/store.md lists the views and has a cookbook. For people the answer is a table, long cells cut at 100 "
		"characters; --csv and --json (one object a row) give whole values.",
	.options = sql_options,
	.main = sql_main,
};
