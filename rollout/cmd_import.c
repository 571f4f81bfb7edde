/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_import.c - winnow import: tasks into the store, all or none.
 *
 * Everything is read and checked before the store is touched: bad input makes no store.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "rollout/answer.h"
#include "rollout/command.h"
#include "rollout/commands.h"
#include "rollout/options.h"
#include "store/import.h"
#include "store/store.h"

struct batch {
	const char *path;
	struct import_result read;
	struct store_import_result stored;
};

static int read_batches(const struct options *o, struct batch *batches, size_t n, struct error *err)
{
	const struct import_options opt = {
		.format = options_str(o, "format"),
		.skip_bad = options_flag(o, "skip-bad"),
		.split = options_str(o, "split"),
	};

	for (size_t i = 0; i < n; i++) {
		const char *const one[] = { options_args(o)[i], NULL };
		int r = import_paths(one, &opt, &batches[i].read, err);

		if (r < 0)
			return r;
		batches[i].path = one[0];
	}
	return 0;
}

/* Within one path the store looks for itself; two paths with one id would silently replace each other. */
static int check_ids(const struct batch *batches, size_t n, struct error *err)
{
	cleanup_json json_t *seen = json_object();

	if (!seen)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t b = 0; b < n; b++) {
		const struct import_result *read = &batches[b].read;

		for (size_t i = 0; i < read->n; i++) {
			const char *id = read->tasks[i]->id, *where = read->where[i];
			const json_t *before = json_object_get(seen, id);
			const char *first = json_get_str(before, "where");

			if (before && json_get_int(before, "batch", 0) != (json_int_t)b)
				return error_set(err, ERR_INPUT, "%s: task '%s' is in %s too", where, id,
						 first);
			if (!before &&
			    json_object_set_new(seen, id, json_pack("{s:s, s:I}", "where", where, "batch",
								    (json_int_t)b)))
				return error_set(err, ERR_NOMEM, "out of memory");
		}
	}
	return 0;
}

static int store_batches(struct store *s, struct batch *batches, size_t n, struct error *err)
{
	int r = store_begin(s, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct import_result *read = &batches[i].read;
		const struct store_import from = { .format = read->format,
						   .path = batches[i].path,
						   .url = read->url,
						   .revision = read->revision };

		r = store_put_tasks(s, &from, read->tasks, (const char *const *)read->where, read->n,
				    &batches[i].stored, err);
	}
	if (r == 0)
		r = store_commit(s, err);
	return r; /* closing rolls back what was not committed */
}

static int say_json(const struct batch *b, struct error *err)
{
	json_t *left = json_array();

	for (size_t i = 0; i < b->read.n_left; i++)
		if (json_array_append_new(left, json_string_lossy(b->read.left[i],
								  strlen(b->read.left[i]), NULL))) {
			json_decref(left);
			return error_set(err, ERR_NOMEM, "out of memory");
		}
	return answer_json(json_pack("{s:o, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I, s:o}", "path",
				     json_string_lossy(b->path, strlen(b->path), NULL), "format", b->read.format, "url", b->read.url, "revision",
				     b->read.revision, "tasks", (json_int_t)b->read.n, "added",
				     (json_int_t)b->stored.added, "updated",
				     (json_int_t)b->stored.updated, "unchanged",
				     (json_int_t)b->stored.unchanged, "left", left),
			   err);
}

static void say_words(const struct batch *b)
{
	(void) printf("%s: %zu task%s, %llu new", b->path, b->read.n, b->read.n == 1 ? "" : "s",
		      (unsigned long long)b->stored.added);
	if (b->stored.updated)
		(void) printf(", %llu changed", (unsigned long long)b->stored.updated);
	if (b->stored.unchanged)
		(void) printf(", %llu as before", (unsigned long long)b->stored.unchanged);
	if (b->read.n_left)
		(void) printf(", %zu left out", b->read.n_left);
	if (b->read.revision)
		(void) printf(" (%s @ %s)", b->read.url ? b->read.url : b->path, b->read.revision);
	(void) printf("\n");
}

static int say(const struct globals *g, const struct batch *batches, size_t n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		for (size_t k = 0; k < batches[i].read.n_left; k++)
			log_warn("left out: %s", batches[i].read.left[k]);
		if (g->json)
			r = say_json(&batches[i], err);
		else
			say_words(&batches[i]);
	}
	return r;
}

static int import_main(const struct globals *g, const struct options *o, struct error *err)
{
	cleanup_mem struct batch *batches = NULL;
	struct store *s = NULL;
	size_t n = options_n_args(o);
	int r = options_expect_args(o, 1, SIZE_MAX, err);

	if (r < 0)
		return r;
	batches = mem_calloc(n, sizeof(*batches));
	if (!batches)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = read_batches(o, batches, n, err);
	if (r >= 0)
		r = check_ids(batches, n, err);
	if (r >= 0)
		r = store_open(g->store, STORE_WRITE, options_u64(o, "wait"), "winnow import", &s, err);
	if (r >= 0)
		r = store_batches(s, batches, n, err);
	store_close(s);
	if (r >= 0)
		r = say(g, batches, n, err);
	for (size_t i = 0; i < n; i++)
		import_result_clear(&batches[i].read);
	return r < 0 ? r : EXIT_DONE;
}

static const struct option_spec import_options[] = {
	{ "format", OPTION_STRING, "F", NULL,
	  "native, humaneval, mbpp, icpc or git (default: told by the content)", false },
	{ "skip-bad", OPTION_FLAG, NULL, NULL, "take the rest of a file with broken lines, and list what was left out", false },
	{ "split", OPTION_STRING, "S", NULL, "split of tasks whose source names none", false },
	{ "wait", OPTION_DURATION, "S", "0", "how long to wait for another writer of the store", true },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_import = {
	.name = "import",
	.summary = "read tasks into the store, all of them or none",
	.usage = "PATH…",
	.description =
		"PATH is a file (plain or .gz), an ICPC problem package's folder, or URL-or-path@revision[:file-or-glob] "
		"with --format git. A task that the store has under the same id with other content becomes a new "
		"revision, and the current one.\n\n"
		"A broken line is reported with file and line, and nothing is stored; with --skip-bad the rest is, and "
		"what was left out is listed on stderr (and under left with --json).\n\n"
		"With --json one object a path: path, format, url, revision, tasks, added, updated, unchanged, left.",
	.options = import_options,
	.main = import_main,
};
