/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run.c - the plan in words. */
#include "rollout/dry_run.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "rollout/answer.h"
#include "rollout/reference.h"

struct facts {
	size_t quarantined;               /* tasks in the store that are, by an earlier check or by hand */
	size_t references, without;       /* tasks with and without a solution to check */
	size_t skipped_items[SKIP_REASON_COUNT];
	uint64_t to_sample, to_judge;
};

static void gather(const struct run *r, const struct judging *j, struct facts *f)
{
	uint64_t done;

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < r->n_tasks; i++) {
		size_t found = 0, len;

		f->quarantined += r->tasks[i].quarantined != NULL;
		for (size_t k = 0; k < j->languages.n; k++)
			found += j->languages.items[k].present &&
				 reference_solution(r->tasks[i].task, j->languages.items[k].name, &len);
		if (found)
			f->references++;
		else
			f->without++;
	}
	for (size_t i = 0; i < r->n_items; i++)
		if (r->items[i].skip)
			f->skipped_items[skip_reason_parse(r->items[i].skip)]++;
	done = tally_done(&r->tally) + r->tally.pending;
	f->to_sample = r->tally.planned > done ? r->tally.planned - done : 0;
	f->to_judge = f->to_sample + r->tally.pending;
}

static json_t *names(const struct run *r)
{
	json_t *ret = json_array();

	for (size_t i = 0; ret && i < r->n_languages; i++)
		(void) json_array_append_new(ret, json_string(r->languages[i]->name));
	return ret;
}

static json_t *skips(const struct facts *f)
{
	json_t *ret = json_object();

	for (int i = 0; ret && i < SKIP_REASON_COUNT; i++)
		if (f->skipped_items[i])
			(void) json_object_set_new(ret, skip_reason_name((enum skip_reason)i),
						   json_integer((json_int_t)f->skipped_items[i]));
	return ret;
}

int dry_run_print(const struct run *r, struct store *s, const struct judging *j, bool json, struct error *err)
{
	const char *tier = tier_name(judge_info(j->judge)->tier);
	const char *policy = run_str(r, "policy");
	struct facts f;

	gather(r, j, &f);
	if (json)
		return answer_json(
			json_pack("{s:b, s:o, s:i, s:o, s:i, s:I, s:I, s:I, s:I, s:I, s:o, s:i, s:i, s:i, s:s?, s:s, s:s, s:i}",
				  "dry_run", 1, "run_id", r->id ? json_integer((json_int_t)r->id) : json_null(),
				  "tasks", (int)r->n_tasks, "languages", names(r), "samples_per_task", (int)r->samples,
				  "planned", (json_int_t)r->tally.planned, "judged", (json_int_t)r->tally.judged,
				  "pending", (json_int_t)r->tally.pending, "to_sample", (json_int_t)f.to_sample,
				  "to_judge", (json_int_t)f.to_judge, "skipped_items", skips(&f),
				  "tasks_with_reference", (int)f.references, "tasks_without_reference", (int)f.without,
				  "quarantined", (int)f.quarantined, "policy", policy, "store", store_path(s),
				  "isolation", tier, "jobs", (int)judge_slots(j->judge)),
			err);
	if (r->resumed)
		printf("would go on with run %lld of '%s' (%s)\n", (long long)r->id, store_path(s), r->state);
	else
		printf("would start a run in '%s'\n", store_path(s));
	printf("  policy      %s\n", policy ? policy : "(none given)");
	printf("  template    %s@%s\n", prompt_template_name(r->template), prompt_template_version(r->template));
	printf("  tasks       %zu (%zu with a reference to check, %zu without", r->n_tasks, f.references, f.without);
	if (f.quarantined)
		printf(", %zu quarantined by an earlier check", f.quarantined);
	printf(")\n  languages   ");
	for (size_t i = 0; i < r->n_languages; i++)
		printf("%s%s", i ? ", " : "", r->languages[i]->name);
	printf("\n  samples     %u a task%s, %llu in all, seed %llu\n", r->samples,
	       r->by_record || r->n_languages == 1 ? "" : " and language", (unsigned long long)r->tally.planned,
	       (unsigned long long)r->seed);
	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		if (f.skipped_items[i])
			printf("  skipped     %zu tasks: %s\n", f.skipped_items[i],
			       skip_reason_name((enum skip_reason)i));
	if (r->resumed)
		printf("  done        %llu (%llu judged), %llu more wait for a verdict\n",
		       (unsigned long long)tally_done(&r->tally), (unsigned long long)r->tally.judged,
		       (unsigned long long)r->tally.pending);
	printf("  to do       %llu to sample, %llu to judge\n", (unsigned long long)f.to_sample,
	       (unsigned long long)f.to_judge);
	printf("  isolation   %s, %u boxes at a time\n", tier, judge_slots(j->judge));
	printf("nothing was changed\n");
	return 0;
}
