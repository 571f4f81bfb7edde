/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop.c - polls, timers, signals, and closing what is left. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"

#include "tests/unit/core/table.h"

static struct loop *loop;
static int fds[2];
static int n_calls, last_events;
static struct loop_timer *timer;
static struct loop_poll *poll_;

static int setup(void **state)
{
	(void)state;
	n_calls = last_events = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	return loop_new(&loop, NULL);
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	(void) close(fds[0]);
	(void) close(fds[1]);
	return 0;
}

static void on_timer(void *ctx)
{
	n_calls++;
	if (ctx && n_calls == 3)
		loop_timer_free(timer);
}

static void loop__ends_when_nothing_is_left(void **state)
{
	uint64_t before = clock_now_us();

	(void)state;
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(loop_timer_new(loop, on_timer, NULL, &timer, NULL), 0);
	assert_int_equal(loop_timer_start(timer, 5500, 0, NULL), 0);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(n_calls, 1);
	assert_true(clock_now_us() - before >= 5000);
	loop_timer_free(timer);
}

static void loop__repeats_a_timer_until_it_is_freed(void **state)
{
	(void)state;
	assert_int_equal(loop_timer_new(loop, on_timer, loop, &timer, NULL), 0);
	assert_int_equal(loop_timer_start(timer, 0, 1000, NULL), 0);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(n_calls, 3);
}

static void loop__stops_a_timer(void **state)
{
	(void)state;
	assert_int_equal(loop_timer_new(loop, on_timer, NULL, &timer, NULL), 0);
	assert_int_equal(loop_timer_start(timer, 0, 1000, NULL), 0);
	loop_timer_stop(timer);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(n_calls, 0);
}

static void on_poll(void *ctx, int events)
{
	char c;

	(void)ctx;
	n_calls++;
	last_events |= events;
	if (events & LOOP_WRITE)
		(void) loop_poll_set(poll_, LOOP_READ, NULL);
	if (events & LOOP_READ) {
		if (read(fds[0], &c, 1) <= 0)
			loop_stop(loop);
	} else if (write(fds[1], "x", 1) == 1) {
		(void) shutdown(fds[1], SHUT_WR);
	}
}

static void loop__polls_for_both(void **state)
{
	(void)state;
	assert_int_equal(loop_poll_new(loop, fds[0], on_poll, NULL, &poll_, NULL), 0);
	assert_int_equal(loop_poll_set(poll_, LOOP_WRITE, NULL), 0);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(last_events, LOOP_READ | LOOP_WRITE);
	assert_int_equal(n_calls, 3); /* writable, a byte, the end */
	assert_int_equal(loop_poll_set(poll_, 0, NULL), 0);
	assert_int_equal(loop_run(loop, NULL), 0); /* paused: nothing to wait for */
	assert_int_equal(n_calls, 3);
	loop_poll_free(poll_);
}

static void loop__refuses_a_bad_descriptor(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	poll_ = NULL;
	assert_int_equal(loop_poll_new(loop, 9999, on_poll, NULL, &poll_, &err), ERR_IO);
	assert_null(poll_);
	assert_true(err.sys_errno > 0);
}

static void on_signal(void *ctx, int signum)
{
	(void)ctx;
	n_calls += signum;
	loop_stop(loop);
}

static void loop__hears_signals(void **state)
{
	struct loop_signal *s = NULL;

	(void)state;
	assert_int_equal(loop_signal_new(loop, SIGUSR1, on_signal, NULL, &s, NULL), 0);
	(void) raise(SIGUSR1);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(n_calls, SIGUSR1);
	loop_signal_free(s);
}

static void loop__closes_what_is_left(void **state)
{
	struct loop_signal *s = NULL;

	(void)state;
	assert_int_equal(loop_timer_new(loop, on_timer, NULL, &timer, NULL), 0);
	assert_int_equal(loop_timer_start(timer, 1000000000, 0, NULL), 0);
	assert_int_equal(loop_poll_new(loop, fds[0], on_poll, NULL, &poll_, NULL), 0);
	assert_int_equal(loop_poll_set(poll_, LOOP_READ, NULL), 0);
	assert_int_equal(loop_signal_new(loop, SIGUSR2, on_signal, NULL, &s, NULL), 0);
	/* teardown frees the loop; the leak checker sees what is forgotten */
}

static void loop__fails_without_memory(void **state)
{
	struct loop_signal *s = NULL;
	struct loop *l = NULL;

	(void)state;
	mem_fault_at(1);
	assert_int_equal(loop_new(&l, NULL), ERR_NOMEM);
	mem_fault_at(1);
	assert_int_equal(loop_timer_new(loop, on_timer, NULL, &timer, NULL), ERR_NOMEM);
	mem_fault_at(1);
	assert_int_equal(loop_poll_new(loop, fds[0], on_poll, NULL, &poll_, NULL), ERR_NOMEM);
	mem_fault_at(1);
	assert_int_equal(loop_signal_new(loop, SIGUSR1, on_signal, NULL, &s, NULL), ERR_NOMEM);
	mem_fault_at(0);
}

static void count_lines(void *ctx)
{
	++*(int *)ctx;
}

static void log__prints_one_line_a_call(void **state)
{
	int saved = dup(STDERR_FILENO), lines = 0;
	char text[256] = "";
	ssize_t n;

	(void)state;
	(void) dup2(fds[1], STDERR_FILENO);
	log_set_before(count_lines, &lines);
	log_warn("disk is %d %% full\nreally", 95);
	log_debug("not shown");
	log_set_level(LOG_ERROR);
	log_info("not shown");
	log_error("gone");
	log_set_before(NULL, NULL);
	log_set_level(LOG_INFO);
	(void) dup2(saved, STDERR_FILENO);
	(void) close(saved);
	n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	assert_string_equal(text, "winnow: warning: disk is 95 % full really\nwinnow: error: gone\n");
	assert_int_equal(lines, 2);
}

int main(void)
{
	static struct CMUnitTest tests[10];
	size_t n = 0;

	ADD_TEST(tests, n, loop__ends_when_nothing_is_left);
	ADD_TEST(tests, n, loop__repeats_a_timer_until_it_is_freed);
	ADD_TEST(tests, n, loop__stops_a_timer);
	ADD_TEST(tests, n, loop__polls_for_both);
	ADD_TEST(tests, n, loop__refuses_a_bad_descriptor);
	ADD_TEST(tests, n, loop__hears_signals);
	ADD_TEST(tests, n, loop__closes_what_is_left);
	ADD_TEST(tests, n, loop__fails_without_memory);
	ADD_TEST(tests, n, log__prints_one_line_a_call);
	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = setup;
		tests[i].teardown_func = teardown;
	}
	return RUN_ADDED("loop", tests, n);
}
