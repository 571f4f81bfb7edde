/* SPDX-License-Identifier: Apache-2.0 */
/* test_syscalls.c - the table is sorted, complete in its reasons, and small enough for the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/mem.h"
#include "sandbox/syscalls.h"

static void table__is_sorted_and_unique(void **state)
{
	(void)state;
	for (size_t i = 1; i < n_syscall_rows; i++)
		if (strcmp(syscall_table[i - 1].name, syscall_table[i].name) >= 0)
			fail_msg("'%s' stands before '%s'", syscall_table[i - 1].name, syscall_table[i].name);
}

static void table__gives_a_reason_for_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_syscall_rows; i++) {
		assert_true(syscall_table[i].reason && strlen(syscall_table[i].reason) > 5);
		assert_true(syscall_table[i].rule < RULE_COUNT);
	}
}

static void table__names_only_calls_that_exist(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_syscall_rows; i++)
		if (seccomp_syscall_resolve_name(syscall_table[i].name) == __NR_SCMP_ERROR)
			fail_msg("libseccomp knows no '%s'", syscall_table[i].name);
}

static enum syscall_rule rule_of(const char *name)
{
	for (size_t i = 0; i < n_syscall_rows; i++)
		if (strcmp(syscall_table[i].name, name) == 0)
			return syscall_table[i].rule;
	return RULE_COUNT;
}

static void table__never_allows_what_reaches_out(void **state)
{
	static const char *const never[] = { "ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "socket", "connect",
					     "process_vm_readv", "userfaultfd", "perf_event_open", "kexec_load",
					     "pidfd_getfd", "open_by_handle_at", "io_uring_setup", "memfd_create",
					     "sendmsg", "recvmsg", "setsid", "setpgid", "clone3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		enum syscall_rule r = rule_of(never[i]);

		if (r != RULE_VIOLATION && r != RULE_ERRNO)
			fail_msg("'%s' has rule %d", never[i], (int)r);
	}
}

/* How many instructions the kernel walks for a number (no argument rules on its way matter). */
static size_t steps(const struct sock_filter *f, size_t n, uint32_t nr)
{
	size_t at = 0, count = 0;
	uint32_t a = 0;

	while (at < n && count < 10000) {
		const struct sock_filter *i = &f[at++];

		count++;
		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			a = i->k == 0 ? nr : i->k == 4 ? 0xc000003eu : 0;
		else if (BPF_CLASS(i->code) == BPF_ALU)
			a &= i->k;
		else if (BPF_CLASS(i->code) == BPF_RET)
			return count;
		else if (BPF_OP(i->code) == BPF_JA)
			at += i->k;
		else if (BPF_OP(i->code) == BPF_JEQ)
			at += a == i->k ? i->jt : i->jf;
		else if (BPF_OP(i->code) == BPF_JGT)
			at += a > i->k ? i->jt : i->jf;
		else if (BPF_OP(i->code) == BPF_JGE)
			at += a >= i->k ? i->jt : i->jf;
		else
			return SIZE_MAX;
	}
	return SIZE_MAX;
}

/* What a program answers for a number where every argument is 0. */
static uint32_t action(const struct buf *b, uint32_t nr)
{
	const struct sock_filter *f = (const struct sock_filter *)(void *)b->data;
	size_t n = b->len / sizeof(*f), at = 0;
	uint32_t a = 0;

	while (at < n) {
		const struct sock_filter *i = &f[at++];
		bool yes = false;

		if (i->code == (BPF_LD | BPF_W | BPF_ABS)) {
			a = i->k == 0 ? nr : i->k == 4 ? 0xc000003eu : 0;
			continue;
		}
		if (BPF_CLASS(i->code) == BPF_ALU) {
			a &= i->k;
			continue;
		}
		if (BPF_CLASS(i->code) == BPF_RET)
			return i->k;
		if (BPF_OP(i->code) == BPF_JA) {
			at += i->k;
			continue;
		}
		if (BPF_OP(i->code) == BPF_JEQ)
			yes = a == i->k;
		else if (BPF_OP(i->code) == BPF_JGT)
			yes = a > i->k;
		else if (BPF_OP(i->code) == BPF_JGE)
			yes = a >= i->k;
		else if (BPF_OP(i->code) == BPF_JSET)
			yes = (a & i->k) != 0;
		at += yes ? i->jt : i->jf;
	}
	return UINT32_MAX;
}

static void programs__are_balanced_trees(void **state)
{
	static const struct syscall_surroundings around[] = { { true, true, true, true }, { false, false, false, false },
							      { false, true, true, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(around); i++)
		for (int phase = BOX_RUN; phase <= BOX_JUDGE; phase++) {
			struct error err = ERROR_INIT;
			struct buf b;
			size_t n, worst = 0;

			buf_init(&b, 1 << 20);
			if (syscalls_build(phase, &around[i], &b, &err) < 0)
				fail_msg("%s", err.msg);
			n = b.len / sizeof(struct sock_filter);
			assert_in_range(n, 100, 2000);
			for (uint32_t nr = 0; nr < 470; nr++) {
				size_t s = steps((const struct sock_filter *)(void *)b.data, n, nr);

				if (s > worst)
					worst = s;
			}
			/* A list would take hundreds; rows that look at arguments some dozens. */
			assert_in_range(worst, 5, 100);
			buf_clear(&b);
		}
}

/* What a run whose calls are heard gets: the listener hears the violations alone, the table lets them pass. */
static void listener__hears_each_violation_and_nothing_else(void **state)
{
	static const struct syscall_surroundings around = { true, true, true, true };
	struct buf listener, program, usual;
	struct error err = ERROR_INIT;
	size_t heard = 0;

	(void)state;
	buf_init(&listener, 1 << 20);
	buf_init(&program, 1 << 20);
	buf_init(&usual, 1 << 20);
	assert_int_equal(syscalls_build_listener(&around, &listener, &program, &err), 0);
	assert_int_equal(syscalls_build(BOX_RUN, &around, &usual, &err), 0);
	for (uint32_t nr = 0; nr < 470; nr++) {
		bool violation = syscalls_violation_name((int)nr) != NULL;

		assert_int_equal(action(&listener, nr), violation ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
		assert_int_equal(action(&program, nr), violation ? SECCOMP_RET_ALLOW : action(&usual, nr));
		assert_true(!violation || action(&usual, nr) == SECCOMP_RET_KILL_PROCESS);
		heard += violation;
	}
	assert_in_range(heard, 20, 100);
	assert_string_equal(syscalls_violation_name(seccomp_syscall_resolve_name("ptrace")), "ptrace");
	assert_null(syscalls_violation_name(seccomp_syscall_resolve_name("read")));
	assert_null(syscalls_violation_name(-1));
	buf_clear(&listener);
	buf_clear(&program);
	buf_clear(&usual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table__is_sorted_and_unique),
		cmocka_unit_test(table__gives_a_reason_for_each_row),
		cmocka_unit_test(table__names_only_calls_that_exist),
		cmocka_unit_test(table__never_allows_what_reaches_out),
		cmocka_unit_test(programs__are_balanced_trees),
		cmocka_unit_test(listener__hears_each_violation_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
