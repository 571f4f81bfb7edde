/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c - the last words of a run. */
#include "rollout/summary.h"

#include "core/mem.h"

static json_t *integer(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *verdicts_json(const struct tally *t)
{
	json_t *ret = json_object();

	for (int v = 0; ret && v < VERDICT_COUNT; v++)
		if (v != VERDICT_OK)
			(void) json_object_set_new(ret, verdict_name((enum verdict)v), integer(t->verdicts[v]));
	return ret;
}

static json_t *failed_json(const struct tally *t)
{
	json_t *ret = json_object();

	for (int i = 0; ret && i < POLICY_STATUS_COUNT; i++)
		if (i != POLICY_OK)
			(void) json_object_set_new(ret, policy_status_name((enum policy_status)i),
						   integer(t->failed[i]));
	return ret;
}

static json_t *skipped_json(const struct tally *t)
{
	json_t *ret = json_object();

	for (int i = 0; ret && i < SKIP_REASON_COUNT; i++)
		(void) json_object_set_new(ret, skip_reason_name((enum skip_reason)i), integer(t->skipped[i]));
	return ret;
}

static double per_second(const struct summary *s)
{
	return s->wall_us ? (double)s->run->tally.session_samples * 1e6 / (double)s->wall_us : 0;
}

json_t *summary_json(const struct summary *s)
{
	const struct tally *t = &s->run->tally;
	struct reference_counts ref = engine_reference_counts(s->engine);
	uint64_t gone = tally_done(t) + t->pending;
	json_t *ret = json_object();
	struct { const char *key; json_t *value; } fields[] = {
		{ "run_id", json_integer((json_int_t)s->run->id) },
		{ "state", json_string(engine_end_state(s->end)) },
		{ "exit_reason", json_string(engine_end_name(s->end)) },
		{ "error", s->error && s->error->code ? json_string(s->error->msg) : json_null() },
		{ "resumed", json_boolean(s->run->resumed) },
		{ "tasks", integer(s->run->n_tasks) },
		{ "quarantined", integer(engine_quarantined(s->engine)) },
		{ "references_checked", integer(ref.done) },
		{ "tasks_without_reference", integer(ref.without) },
		{ "planned", integer(t->planned) },
		{ "sampled", integer(t->sampled) },
		{ "judged", integer(t->judged) },
		{ "pending", integer(t->pending) },
		{ "unsampled", integer(t->planned > gone ? t->planned - gone : 0) },
		{ "verdicts", verdicts_json(t) },
		{ "failed", failed_json(t) },
		{ "skipped", skipped_json(t) },
		{ "reused", integer(t->reused + t->duplicates) },
		{ "duplicates", integer(s->duplicates) },
		{ "internal_errors", integer(t->verdicts[VERDICT_INTERNAL_ERROR]) },
		{ "judgements", integer(t->judged_now) },
		{ "wall_s", json_real((double)s->wall_us / 1e6) },
		{ "cpu_s", json_real((double)t->cpu_us / 1e6) },
		{ "verdicts_per_s", json_real(per_second(s)) },
		{ "store", json_string(s->store) },
		{ "isolation", json_string(s->isolation) },
	};
	bool good = ret != NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (good)
			good = json_object_set_new(ret, fields[i].key, fields[i].value) == 0;
		else
			json_decref(fields[i].value);
	}
	if (good && passk_add(ret, t->groups, t->n_groups))
		return ret;
	json_decref(ret);
	return NULL;
}

static void row(FILE *out, const char *what, uint64_t n, uint64_t of)
{
	fprintf(out, "  %-20s %10llu", what, (unsigned long long)n);
	if (of)
		fprintf(out, "  %5.1f %%", 100.0 * (double)n / (double)of);
	fputc('\n', out);
}

static void reasons(FILE *out, const char *state, const char *word, uint64_t n, uint64_t of)
{
	char what[64];

	if (!n)
		return;
	(void) snprintf(what, sizeof(what), "%s: %s", state, word);
	row(out, what, n, of);
}

void summary_print(FILE *out, const struct summary *s)
{
	const struct tally *t = &s->run->tally;
	uint64_t gone = tally_done(t) + t->pending;

	fprintf(out, "run %lld: %s", (long long)s->run->id, engine_end_state(s->end));
	if (s->end != ENGINE_COMPLETE)
		fprintf(out, " (%s)", engine_end_name(s->end));
	fprintf(out, "; %zu tasks, %.1f s, %.1f samples/s, isolation %s\n", s->run->n_tasks, (double)s->wall_us / 1e6,
		per_second(s), s->isolation);
	row(out, "planned", t->planned, 0);
	row(out, "sampled", t->sampled, t->planned);
	for (int i = 0; i < POLICY_STATUS_COUNT; i++)
		if (i != POLICY_OK)
			reasons(out, "failed", policy_status_name((enum policy_status)i), t->failed[i], t->planned);
	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		reasons(out, "skipped", skip_reason_name((enum skip_reason)i), t->skipped[i], t->planned);
	if (t->planned > gone)
		row(out, "not sampled yet", t->planned - gone, t->planned);
	if (t->pending)
		row(out, "not judged yet", t->pending, t->planned);
	row(out, "judged", t->judged, t->planned);
	for (int v = 0; v < VERDICT_COUNT; v++)
		if (v != VERDICT_OK && t->verdicts[v]) {
			char what[32];

			(void) snprintf(what, sizeof(what), "  %s", verdict_name((enum verdict)v));
			row(out, what, t->verdicts[v], t->judged);
		}
	if (s->duplicates)
		row(out, "duplicates", s->duplicates, t->judged);
	passk_print(out, t->groups, t->n_groups);
	if (t->planned > tally_done(t))
		fprintf(out, "work remains: 'winnow run --resume %lld' goes on\n", (long long)s->run->id);
}
