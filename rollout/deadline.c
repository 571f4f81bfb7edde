/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.c - local times of day and durations. */
#include "rollout/deadline.h"

#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/str.h"

static bool two_digits(const char *s, int max, int *ret)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	*ret = (s[0] - '0') * 10 + (s[1] - '0');
	return *ret <= max;
}

static int time_of_day(const char *text, struct deadline *ret, struct error *err)
{
	int64_t now_us = clock_wall_us();
	time_t now = (time_t)(now_us / 1000000);
	struct tm tm;
	int hour, minute;

	if (strlen(text) != 5 || text[2] != ':' || !two_digits(text, 23, &hour) ||
	    !two_digits(text + 3, 59, &minute))
		return error_set(err, ERR_INPUT, "--deadline: '%s' is neither a time of day (06:00) nor a duration (8h)",
				 text);
	/* Today, else tomorrow; mktime() knows about days of 23 and 25 hours. */
	for (int day = 0; day < 3; day++) {
		time_t t;

		if (!localtime_r(&now, &tm))
			return error_set(err, ERR_INPUT, "--deadline: the local time is not known");
		tm.tm_mday += day;
		tm.tm_hour = hour;
		tm.tm_min = minute;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		t = mktime(&tm);
		if (t == (time_t)-1 || (int64_t)t * 1000000 <= now_us)
			continue;
		*ret = (struct deadline){ .given = true, .wall = true, .at_us = (int64_t)t * 1000000 };
		return 0;
	}
	return error_set(err, ERR_INPUT, "--deadline: there is no next '%s'", text);
}

int deadline_parse(const char *text, struct deadline *ret, struct error *err)
{
	uint64_t us;
	int r;

	if (!text) {
		*ret = (struct deadline){ .given = false };
		return 0;
	}
	if (strchr(text, ':'))
		return time_of_day(text, ret, err);
	r = str_parse_duration(text, "--deadline", &us, err);
	if (r < 0)
		return r;
	if (us > (uint64_t)INT64_MAX / 2)
		return error_set(err, ERR_INPUT, "--deadline: '%s' is too long", text);
	*ret = (struct deadline){ .given = true, .at_us = (int64_t)(clock_now_us() + us) };
	return 0;
}

uint64_t deadline_left_us(const struct deadline *d)
{
	int64_t now;

	if (!d->given)
		return UINT64_MAX;
	now = d->wall ? clock_wall_us() : (int64_t)clock_now_us();
	return now >= d->at_us ? 0 : (uint64_t)(d->at_us - now);
}
