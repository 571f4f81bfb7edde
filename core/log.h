/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - talk on stderr.  Libraries log at debug only; commands may log at any level. */
#ifndef WINNOW_CORE_LOG_H
#define WINNOW_CORE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
void log_set_level(enum log_level level); /* default LOG_INFO */
/* Called before each line is printed (to wipe a live progress line); NULL: none. */
void log_set_before(void (*before)(void *ctx), void *ctx);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
