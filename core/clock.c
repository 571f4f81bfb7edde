/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - time in microseconds. */
#include "core/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t (*fake_now)(void);
static int64_t (*fake_wall)(void);

void clock_set_fake(uint64_t (*now_us)(void), int64_t (*wall_us)(void))
{
	fake_now = now_us;
	fake_wall = wall_us;
}

uint64_t clock_now_us(void)
{
	struct timespec ts;

	if (fake_now)
		return fake_now();
	(void) clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
	struct timespec ts;

	if (fake_wall)
		return fake_wall();
	(void) clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void clock_iso8601(int64_t wall_us, char ret[32])
{
	int64_t sec = wall_us / 1000000, us = wall_us % 1000000;
	struct tm tm;
	time_t t;

	if (us < 0) {
		us += 1000000;
		sec--;
	}
	t = (time_t)sec;
	if (!gmtime_r(&t, &tm) || tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999) {
		(void) snprintf(ret, 32, "out of range");
		return;
	}
	/* The remainders change nothing; they let the compiler see that it fits. */
	(void) snprintf(ret, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
			(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
			(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
			(unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
			(unsigned)(us / 1000) % 1000);
}
