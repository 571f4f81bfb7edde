/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - the live line.  log lines wipe it first, by log_set_before(). */
#include "rollout/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

#define LIVE_US 200000
#define PLAIN_US 30000000
#define RATE_US 2000000
#define BAR 20

static void wipe(void *ctx)
{
	struct progress *p = ctx;

	if (!p->shown)
		return;
	fputs("\r\033[K", stderr);
	p->shown = false;
}

void progress_start(struct progress *p)
{
	memset(p, 0, sizeof(*p));
	p->live = isatty(STDERR_FILENO) == 1;
	p->started_us = p->rate_us = clock_now_us();
	p->last_us = p->live ? 0 : p->started_us;
	if (p->live)
		log_set_before(wipe, p);
}

static void eta(char *out, size_t cap, uint64_t left, double per_second)
{
	uint64_t s;

	if (per_second <= 0 || (double)left / per_second > 8640000.0) {
		(void) snprintf(out, cap, "-");
		return;
	}
	s = (uint64_t)((double)left / per_second + 0.5);
	if (s >= 3600)
		(void) snprintf(out, cap, "%u:%02u:%02u", (unsigned)(s / 3600),
				(unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		(void) snprintf(out, cap, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

size_t progress_line(char *out, size_t cap, const struct tally *t, const struct progress_now *now,
		     double per_second, size_t columns)
{
	double part = now->total ? (double)now->done / (double)now->total : 1.0;
	unsigned full = (unsigned)(part * BAR);
	char bar[BAR + 1], left[32];
	int n;

	for (unsigned i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = '\0';
	eta(left, sizeof(left), now->total > now->done ? now->total - now->done : 0, per_second);
	n = snprintf(out, cap, "%s [%s] %llu/%llu %.0f%%  %.1f/s  accepted %llu", now->phase, bar,
		     (unsigned long long)now->done, (unsigned long long)now->total, 100 * part,
		     per_second, (unsigned long long)t->verdicts[VERDICT_ACCEPTED]);
	if (n >= 0 && (size_t)n < cap && t->judged)
		n += snprintf(out + n, cap - (size_t)n, " (%.1f%%)",
			      100.0 * (double)t->verdicts[VERDICT_ACCEPTED] / (double)t->judged);
	if (n >= 0 && (size_t)n < cap)
		n += snprintf(out + n, cap - (size_t)n, "  ETA %s  asked %zu waiting %zu running %zu", left,
			      now->asked, now->waiting, now->running);
	if (n < 0)
		n = 0;
	if ((size_t)n >= cap)
		n = (int)cap - 1;
	if (columns && (size_t)n >= columns) {
		n = (int)columns - 1;
		out[n] = '\0';
	}
	return (size_t)n;
}

static size_t terminal_columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col)
		return 80;
	return w.ws_col;
}

void progress_update(struct progress *p, const struct tally *t, const struct progress_now *now)
{
	uint64_t at = clock_now_us();
	char line[400];

	if (!now->total)
		return;
	if (now->done < p->rate_done) { /* another phase */
		p->rate_done = now->done;
		p->rate_us = at;
		p->per_second = 0;
	}
	if (at - p->rate_us >= (p->per_second > 0 ? RATE_US : LIVE_US)) {
		double r = (double)(now->done - p->rate_done) * 1e6 / (double)(at - p->rate_us);

		p->per_second = p->per_second > 0 ? 0.7 * p->per_second + 0.3 * r : r;
		p->rate_us = at;
		p->rate_done = now->done;
	}
	if (at - p->last_us < (p->live ? LIVE_US : PLAIN_US))
		return;
	p->last_us = at;
	(void) progress_line(line, sizeof(line), t, now, p->per_second,
			     p->live ? terminal_columns() : 0);
	if (!p->live) {
		log_info("%s", line);
		return;
	}
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	p->shown = true;
}

void progress_end(struct progress *p)
{
	if (!p->live)
		return;
	wipe(p);
	log_set_before(NULL, NULL);
}
