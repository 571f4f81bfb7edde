/* SPDX-License-Identifier: Apache-2.0 */
/* decontaminate.c - see decontaminate.h. */
#include "rollout/decontaminate.h"

#include <string.h>

#include "core/mem.h"
#include "filters/contamination.h"
#include "store/import.h"

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int add_file(struct contamination *c, const char *file, json_t *sets, struct error *err)
{
	const struct import_options opt = { 0 };
	struct import_result tasks = { 0 };
	json_int_t usable = 0;
	int r = import_paths((const char *const[]){ file, NULL }, &opt, &tasks, err);

	if (r < 0)
		return error_prefix(err, r, "--decontaminate");
	for (size_t i = 0; r == 0 && i < tasks.n; i++) {
		bool can_be_found = false;

		r = contamination_add(c, last_part(file), tasks.tasks[i]->id, tasks.tasks[i]->prompt, &can_be_found, err);
		usable += can_be_found;
	}
	if (r == 0 && json_array_append_new(sets, json_pack("{s:s, s:s, s:I, s:I}", "file", last_part(file), "format", tasks.format,
							    "items", (json_int_t)tasks.n, "usable", usable)) < 0)
		r = error_set(err, ERR_NOMEM, "out of memory for an evaluation set");
	import_result_clear(&tasks);
	return r;
}

int decontaminate_load(const char *const *files, struct contamination **ret, json_t **ret_sets, struct error *err)
{
	cleanup_json json_t *sets = json_array();
	struct contamination *c = contamination_new();
	int r = c && sets ? 0 : error_set(err, ERR_NOMEM, "out of memory for evaluation sets");

	for (size_t i = 0; r == 0 && files[i]; i++)
		r = add_file(c, files[i], sets, err);
	if (r < 0) {
		contamination_free(c);
		return r;
	}
	*ret = c;
	*ret_sets = mem_steal(&sets);
	return 0;
}

int decontaminate_find(void *ctx, const char *text, json_t **ret, struct error *err)
{
	struct contamination_hit hit;
	int r = contamination_find(ctx, text, &hit, err);

	if (r <= 0)
		return r;
	*ret = json_pack("{s:s, s:s, s:I, s:I, s:I}", "set", hit.set, "item", hit.item, "shared_8", (json_int_t)hit.shared_short,
			 "shared_13", (json_int_t)hit.shared_long, "items", (json_int_t)hit.items);
	return *ret ? 1 : error_set(err, ERR_NOMEM, "out of memory for a finding");
}
