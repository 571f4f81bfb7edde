/* SPDX-License-Identifier: Apache-2.0 */
/* warm_spec.c - which warm runner a run may be forked from (sandbox/warm.h). */
#include <inttypes.h>

#include "core/mem.h"
#include "filters/judge_internal.h"

void warm_spec_fill(struct job *job, const struct language *l, const char *kind, struct box_spec *spec,
		    struct warm_spec *w)
{
	size_t n = 0, n_own = 0;

	*w = (struct warm_spec){ 0 };
	if (!l->warm || job->service->plain)
		return;
	while (l->warm_argv[n_own])
		n_own++;
	while (spec->argv[n])
		n++;
	w->argv = mem_calloc(n_own + n + 1, sizeof(*w->argv));
	w->name = mem_printf("%s %s %" PRIu64, l->name, kind, job->seed & UINT32_MAX);
	if (!w->argv || !w->name)
		return; /* then it is started anew */
	for (size_t i = 0; i < n_own; i++)
		w->argv[i] = l->warm_argv[i];
	for (size_t i = 0; i < n; i++)
		w->argv[n_own + i] = spec->argv[i];
	w->files[0] = (struct box_file){ .name = l->warm_name, .data = l->warm, .len = l->warm_len, .fd = -1 };
	w->files[1] = (struct box_file){ .name = l->driver_name, .data = l->driver, .len = l->driver_len, .fd = -1 };
	w->warm = (struct box_warm){
		.name = w->name,
		.argv = w->argv,
		.envp = spec->envp,
		.files = w->files,
		.n_files = l->driver ? 2 : 1,
	};
	spec->warm = &w->warm;
}

void warm_spec_clear(struct warm_spec *w)
{
	mem_free(w->argv);
	mem_free(w->name);
	*w = (struct warm_spec){ 0 };
}
