/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - what this host has; see facts.h. */
#include "rollout/facts.h"


#include "core/mem.h"

static const char *program_of(const struct language *l)
{
	char **argv = l->detect_argv ? l->detect_argv : l->compile_argv ? l->compile_argv : l->run_argv;

	return argv && argv[0] ? argv[0] : l->name;
}

char *facts_language_note(const struct language *l)
{
	if (l->present)
		return NULL;
	return l->package ? mem_printf("apt install %s", l->package) : mem_printf("there is no %s", program_of(l));
}

static json_t *string_list(char *const *list)
{
	json_t *j = json_array();

	for (; j && list && *list; list++)
		if (json_array_append_new(j, json_string(*list))) {
			json_decref(j);
			return NULL;
		}
	return j;
}

json_t *facts_language_json(const struct language *l)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:s?, s:b, s:b, s:b, s:s?}", "name", l->name, "title", l->title, "aliases",
			 string_list(l->aliases), "extensions", string_list(l->extensions), "present", (int)l->present,
			 "toolchain", l->present && l->toolchain[0] ? l->toolchain : NULL, "calls", l->driver != NULL,
			 "compiled", l->compile_argv != NULL, "needs_proc", (int)l->needs_proc, "package",
			 l->package);
}
