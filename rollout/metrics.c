/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - the exposition format: HELP, TYPE, then the samples of one family together. */
#include "rollout/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "core/fs.h"

#define METRICS_MAX (64u << 10)

static void label(struct buf *b, const char *name, const char *value, const char *after)
{
	buf_addf(b, "%s=\"", name);
	for (const char *p = value ? value : ""; *p; p++) {
		if (*p == '\\' || *p == '"')
			buf_addc(b, '\\');
		if (*p == '\n')
			buf_adds(b, "\\n");
		else
			buf_addc(b, *p);
	}
	buf_addf(b, "\"%s", after);
}

static void family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	family(b, name, type, help);
	buf_addf(b, "%s %llu\n", name, (unsigned long long)v);
}

static void seconds(struct buf *b, const char *name, const char *type, const char *help, double v)
{
	family(b, name, type, help);
	buf_addf(b, "%s %.3f\n", name, v);
}

static void labelled(struct buf *b, const char *name, const char *key, const char *word, uint64_t v)
{
	buf_addf(b, "%s{", name);
	label(b, key, word, "} ");
	buf_addf(b, "%llu\n", (unsigned long long)v);
}

static void samples(struct buf *b, const struct tally *t)
{
	family(b, "winnow_samples_total", "counter", "Samples of the run by state.");
	labelled(b, "winnow_samples_total", "state", "pending", t->pending);
	labelled(b, "winnow_samples_total", "state", "judged", t->judged);
	labelled(b, "winnow_samples_total", "state", "skipped", tally_skipped(t));
	labelled(b, "winnow_samples_total", "state", "failed", tally_failed(t));
	family(b, "winnow_verdicts_total", "counter", "Judged samples of the run by verdict.");
	for (int v = 0; v < VERDICT_COUNT; v++)
		if (v != VERDICT_OK)
			labelled(b, "winnow_verdicts_total", "verdict", verdict_name((enum verdict)v),
				 t->verdicts[v]);
	family(b, "winnow_failed_total", "counter", "Samples that the policy failed to give, by reason.");
	for (int i = 0; i < POLICY_STATUS_COUNT; i++)
		if (i != POLICY_OK)
			labelled(b, "winnow_failed_total", "reason",
				 policy_status_name((enum policy_status)i), t->failed[i]);
	family(b, "winnow_skipped_total", "counter", "Samples left out, by reason.");
	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		labelled(b, "winnow_skipped_total", "reason", skip_reason_name((enum skip_reason)i),
			 t->skipped[i]);
}

void metrics_text(const struct metrics *m, struct buf *b)
{
	const struct tally *t = m->tally;

	family(b, "winnow_run_info", "gauge", "The run that this file is about; always 1.");
	buf_addf(b, "winnow_run_info{run=\"%lld\",", (long long)m->run_id);
	label(b, "state", m->state, ",");
	label(b, "policy", m->policy_kind, ",");
	label(b, "model", m->policy_name, ",");
	label(b, "isolation", m->isolation, ",");
	label(b, "version", m->version, "} 1\n");
	one(b, "winnow_planned_samples", "gauge", "Samples that the run's plan holds.", t->planned);
	samples(b, t);
	one(b, "winnow_judgements_total", "counter", "Programs judged in this session.", t->judged_now);
	one(b, "winnow_reused_verdicts_total", "counter",
	    "Verdicts taken from the store in this session.", t->reused);
	one(b, "winnow_duplicate_programs_total", "counter",
	    "Verdicts shared with an equal program under way in this session.", t->duplicates);
	seconds(b, "winnow_candidate_cpu_seconds_total", "counter",
		"CPU time of judged candidates.", (double)t->cpu_us / 1e6);
	one(b, "winnow_policy_requests_total", "counter", "Requests sent to the policy.", m->policy.requests);
	one(b, "winnow_policy_retries_total", "counter", "Requests sent again.", m->policy.retries);
	one(b, "winnow_policy_failures_total", "counter", "Requests that failed for good.", m->policy.failed);
	family(b, "winnow_policy_tokens_total", "counter", "Tokens as the policy counted them.");
	labelled(b, "winnow_policy_tokens_total", "kind", "prompt", m->policy.prompt_tokens);
	labelled(b, "winnow_policy_tokens_total", "kind", "completion", m->policy.completion_tokens);
	family(b, "winnow_queue_length", "gauge", "Samples asked for, waiting for a box, running.");
	labelled(b, "winnow_queue_length", "queue", "asked", m->asked);
	labelled(b, "winnow_queue_length", "queue", "waiting", m->waiting);
	labelled(b, "winnow_queue_length", "queue", "running", m->running);
	one(b, "winnow_paused", "gauge", "1 while the run waits for disk space.", m->paused);
	seconds(b, "winnow_session_seconds", "gauge", "Wall time of this session.",
		(double)m->elapsed_us / 1e6);
	one(b, "winnow_store_bytes", "gauge", "Size of the store file.", m->store_bytes);
	one(b, "winnow_store_free_bytes", "gauge",
	    "Free space of the store's filesystem (0: not watched).", m->free_bytes);
	seconds(b, "winnow_start_timestamp_seconds", "gauge", "When this session began.",
		(double)m->started_wall_us / 1e6);
	seconds(b, "winnow_update_timestamp_seconds", "gauge", "When this file was written.",
		(double)m->now_wall_us / 1e6);
	seconds(b, "winnow_last_success_timestamp_seconds", "gauge",
		"When a run last came to its end (0: never).", (double)m->last_success_wall_us / 1e6);
}

int metrics_write(const char *path, const struct metrics *m, struct error *err)
{
	cleanup_buf struct buf b;
	int r;

	buf_init(&b, METRICS_MAX);
	metrics_text(m, &b);
	r = buf_check(&b, "metrics", err);
	if (r == 0)
		r = fs_write_file(path, b.data, b.len, err);
	return r < 0 ? error_prefix(err, r, "--metrics") : 0;
}

int64_t metrics_last_success_us(const char *path)
{
	static const char name[] = "\nwinnow_last_success_timestamp_seconds ";
	cleanup_buf struct buf b;
	const char *p;
	double v;

	buf_init(&b, METRICS_MAX);
	if (fs_read_file(path, &b, NULL) < 0)
		return 0;
	p = strstr(b.data, name);
	if (!p)
		return 0;
	v = strtod(p + strlen(name), NULL);
	return v > 0 && v < 1e12 ? (int64_t)(v * 1e6) : 0;
}
