/* SPDX-License-Identifier: Apache-2.0 */
/* retry.c - see retry.h. */
#include "policy/retry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "core/mem.h"

/* A server that says "come back in a month" is as good as silent: what is beyond a day is read as a day. */
#define RETRY_AFTER_MAX_S 86400

bool retry_http_status(long status)
{
	return status == 408 || status == 409 || status == 425 || status == 429 || (status >= 500 && status <= 599);
}

uint64_t retry_backoff_us(struct rng *rng, unsigned attempt, uint64_t base_us, uint64_t cap_us)
{
	uint64_t pause = base_us;

	for (unsigned i = 1; i < attempt && pause < cap_us; i++)
		pause = pause > UINT64_MAX / 2 ? UINT64_MAX : pause * 2;
	if (pause > cap_us)
		pause = cap_us;
	return pause - pause / 2 + rng_below(rng, pause / 2 + 1);
}

static bool parse_seconds(const char *s, uint64_t *ret_us)
{
	uint64_t whole = 0, micro = 0, scale = 100000;
	bool any = false;

	for (; *s >= '0' && *s <= '9'; s++, any = true)
		if (whole <= RETRY_AFTER_MAX_S)
			whole = whole * 10 + (uint64_t)(*s - '0');
	if (any && *s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			micro += (uint64_t)(*s - '0') * scale;
	while (*s == ' ' || *s == '\t')
		s++;
	if (!any || *s)
		return false;
	if (whole >= RETRY_AFTER_MAX_S) {
		whole = RETRY_AFTER_MAX_S;
		micro = 0;
	}
	*ret_us = whole * 1000000 + micro;
	return true;
}

static int month_number(const char name[4])
{
	static const char names[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	for (int i = 0; i < (int)ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

/* Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT; Sun Nov  6 08:49:37 1994 */
static bool parse_date(const char *s, int64_t *ret_s)
{
	struct tm tm = { 0 };
	char month[4] = "";
	int day = 0, year = 0, h = 0, m = 0, sec = 0, end = 0;

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month, &year, &h, &m, &sec, &end) == 6 &&
	    end > 0) {
		/* IMF-fixdate */
	} else if (end = 0, sscanf(s, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &day, month, &year, &h,
				   &m, &sec, &end) == 6 && end > 0) {
		year += year < 70 ? 2000 : 1900;
	} else if (end = 0, sscanf(s, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &day, &h, &m, &sec,
				   &year, &end) == 6 && end > 0) {
		/* asctime */
	} else {
		return false;
	}
	while (s[end] == ' ' || s[end] == '\t')
		end++;
	tm.tm_mon = month_number(month);
	if (s[end] || tm.tm_mon < 0 || day < 1 || day > 31 || year < 1970 || h < 0 || h > 23 || m < 0 || m > 59 ||
	    sec < 0 || sec > 60)
		return false;
	tm.tm_mday = day;
	tm.tm_year = year - 1900;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = sec;
	*ret_s = (int64_t)timegm(&tm);
	return true;
}

bool retry_after_parse(const char *value, int64_t wall_now_us, uint64_t *ret_us)
{
	int64_t at_s, delta_us;

	while (*value == ' ' || *value == '\t')
		value++;
	if (parse_seconds(value, ret_us))
		return true;
	if (!parse_date(value, &at_s))
		return false;
	delta_us = at_s * 1000000 - wall_now_us;
	if (delta_us < 0)
		delta_us = 0;
	if (delta_us > (int64_t)RETRY_AFTER_MAX_S * 1000000)
		delta_us = (int64_t)RETRY_AFTER_MAX_S * 1000000;
	*ret_us = (uint64_t)delta_us;
	return true;
}
