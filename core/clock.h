/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - monotonic and wall time in microseconds; replaceable in tests. */
#ifndef WINNOW_CORE_CLOCK_H
#define WINNOW_CORE_CLOCK_H

#include <stdint.h>

uint64_t clock_now_us(void);       /* monotonic */
int64_t clock_wall_us(void);       /* since 1970, UTC */
void clock_iso8601(int64_t wall_us, char ret[32]); /* 2026-11-23T08:26:00.123Z */
/* Tests: all later calls return what these give; NULL restores. */
void clock_set_fake(uint64_t (*now_us)(void), int64_t (*wall_us)(void));

#endif
