/* SPDX-License-Identifier: Apache-2.0 */
/* syscalls.c - the table of system calls as programs for the kernel, by libseccomp. */
#include "sandbox/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/mem.h"
#include "sandbox/init/protocol.h"

#define LOW_WORD 0xffffffffu
#define CLONE_NAMESPACES                                                                                \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
	 CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED)

struct builder {
	scmp_filter_ctx ctx;
	enum box_phase phase;
	const struct syscall_surroundings *around;
	bool heard; /* violations are answered by a listener of their own */
	int nr;
	int failed; /* the first negative answer of libseccomp */
};

static void keep(struct builder *b, int r)
{
	if (r < 0 && !b->failed)
		b->failed = r;
}

static void always(struct builder *b, uint32_t action)
{
	keep(b, seccomp_rule_add(b->ctx, action, b->nr, 0));
}

static void refuse(struct builder *b, int error)
{
	if (error == ENOSYS)
		return; /* as what has no row: libseccomp refuses to say it twice */
	always(b, SCMP_ACT_ERRNO((uint16_t)error));
}

/* Allow where (argument & mask) == value.  Arguments that are int in C have
 * anything in their upper half, hence the masks. */
static void allow_if(struct builder *b, unsigned arg, uint64_t mask, uint64_t value)
{
	struct scmp_arg_cmp c = { .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value };

	keep(b, seccomp_rule_add_array(b->ctx, SCMP_ACT_ALLOW, b->nr, 1, &c));
}

/* libseccomp has no "otherwise" but the default action: values that are not
 * allowed here answer ENOSYS. */
static void allow_values(struct builder *b, unsigned arg, const uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow_if(b, arg, LOW_WORD, values[i]);
}

static void refuse_unless(struct builder *b, unsigned arg, uint64_t value, int error)
{
	struct scmp_arg_cmp c = { .arg = arg, .op = SCMP_CMP_NE, .datum_a = value, .datum_b = 0 };

	keep(b, seccomp_rule_add_array(b->ctx, SCMP_ACT_ERRNO((uint16_t)error), b->nr, 1, &c));
}

static void add_clone(struct builder *b)
{
	uint64_t mask = CLONE_NAMESPACES;

	if (b->phase == BOX_RUN) {
		struct scmp_arg_cmp process = { .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD,
						.datum_b = 0 };

		allow_if(b, 0, mask | CLONE_THREAD, CLONE_THREAD);
		keep(b, seccomp_rule_add_array(b->ctx, SCMP_ACT_ERRNO(EPERM), b->nr, 1, &process));
	} else {
		allow_if(b, 0, mask, 0);
	}
}

static void add_signal(struct builder *b)
{
	if (b->around->signals_held)
		always(b, SCMP_ACT_ALLOW);
	else if (b->phase == BOX_RUN)
		allow_if(b, 0, LOW_WORD, SYSCALL_OWN_PID);
	else
		refuse(b, EPERM);
}

static void add_prctl(struct builder *b)
{
	static const uint64_t options[] = {
		PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP,
		PR_CAPBSET_READ, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_GET_NO_NEW_PRIVS, PR_SET_THP_DISABLE,
		PR_GET_THP_DISABLE, 0x53564d41 /* PR_SET_VMA */
	};

	allow_values(b, 0, options, ARRAY_SIZE(options));
}

static void add_ioctl(struct builder *b)
{
	static const uint64_t requests[] = { TCGETS, 0x802c542a /* TCGETS2 */, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX,
					     TIOCGWINSZ };

	allow_values(b, 1, requests, ARRAY_SIZE(requests));
}

static void add_fcntl(struct builder *b)
{
	static const uint64_t commands[] = { F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC,
					     F_GETPIPE_SZ, F_GET_SEALS };
	static const uint64_t locks[] = { F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW };

	allow_values(b, 1, commands, ARRAY_SIZE(commands));
	if (b->phase != BOX_RUN)
		allow_values(b, 1, locks, ARRAY_SIZE(locks));
}

static void add_row(struct builder *b, const struct syscall_row *row)
{
	bool run = b->phase == BOX_RUN;

	switch (row->rule) {
	case RULE_ALLOW:
		always(b, SCMP_ACT_ALLOW);
		break;
	case RULE_ERRNO:
		refuse(b, row->error);
		break;
	case RULE_VIOLATION:
		always(b, b->heard ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
		break;
	case RULE_FORK:
		if (run)
			refuse(b, EPERM);
		else
			always(b, SCMP_ACT_ALLOW);
		break;
	case RULE_CLONE:
		add_clone(b);
		break;
	case RULE_SIGNAL:
		add_signal(b);
		break;
	case RULE_SIGNAL_ANY:
		if (b->around->signals_held)
			always(b, SCMP_ACT_ALLOW);
		else
			refuse(b, EPERM);
		break;
	case RULE_IOCTL:
		add_ioctl(b);
		break;
	case RULE_FCNTL:
		add_fcntl(b);
		break;
	case RULE_PRCTL:
		add_prctl(b);
		break;
	case RULE_ARCH_PRCTL:
		allow_values(b, 0, (const uint64_t[]){ 0x1001, 0x1002, 0x1003, 0x1004 }, 4);
		break;
	case RULE_SELF_OR_ZERO:
		allow_values(b, 0, (const uint64_t[]){ 0, SYSCALL_OWN_PID }, 2);
		break;
	case RULE_ZERO:
		allow_if(b, 0, LOW_WORD, 0);
		break;
	case RULE_PERSONALITY:
		allow_values(b, 0, (const uint64_t[]){ 0, 0xffffffff }, 2);
		break;
	case RULE_UNIX_PAIR:
		allow_if(b, 0, LOW_WORD, AF_UNIX);
		break;
	case RULE_CONNECTED:
		allow_if(b, 4, UINT64_MAX, 0);
		refuse_unless(b, 4, 0, EPERM);
		break;
	case RULE_MKNOD:
	case RULE_MKNODAT: {
		unsigned arg = row->rule == RULE_MKNOD ? 1 : 2;

		allow_if(b, arg, S_IFMT, S_IFIFO);
		allow_if(b, arg, S_IFMT, S_IFREG);
		allow_if(b, arg, S_IFMT, 0);
		break;
	}
	case RULE_LOCK:
		if (run)
			refuse(b, row->error);
		else
			always(b, SCMP_ACT_ALLOW);
		break;
	case RULE_METADATA:
		if (b->around->own_root)
			always(b, SCMP_ACT_ALLOW);
		else
			refuse(b, EPERM);
		break;
	case RULE_UTIMENS:
		if (b->around->own_root) {
			always(b, SCMP_ACT_ALLOW);
		} else {
			allow_if(b, 1, UINT64_MAX, 0);
			refuse_unless(b, 1, 0, EPERM);
		}
		break;
	case RULE_TRUNCATE:
		if (b->around->own_root || b->around->truncate_held)
			always(b, SCMP_ACT_ALLOW);
		else
			refuse(b, EPERM);
		break;
	case RULE_ALLOCATE:
		if (run && !b->around->files_held)
			refuse(b, EOPNOTSUPP);
		else
			always(b, SCMP_ACT_ALLOW);
		break;
	case RULE_COUNT:
		break;
	}
}

static int export(scmp_filter_ctx ctx, struct buf *program, struct error *err)
{
	cleanup_fd int fd = memfd_create("syscalls", MFD_CLOEXEC);
	struct stat st;
	char *p;

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot make a memfd for the system call table");
	if (seccomp_export_bpf(ctx, fd) < 0 || fstat(fd, &st) < 0)
		return error_set(err, ERR_KERNEL, "cannot export the system call table");
	if ((size_t)st.st_size / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return error_set(err, ERR_INTERNAL, "the system call table is too long for the kernel");
	p = buf_reserve(program, (size_t)st.st_size);
	if (!p)
		return buf_check(program, "system call table", err);
	if (pread(fd, p, (size_t)st.st_size, 0) != st.st_size)
		return error_set_errno(err, ERR_IO, "cannot read the system call table back");
	buf_commit(program, (size_t)st.st_size);
	return 0;
}

static void add_notice(struct builder *b, const struct syscall_row *row)
{
	if (row->rule == RULE_VIOLATION)
		always(b, SCMP_ACT_NOTIFY);
}

static int build(struct builder *b, uint32_t otherwise, void (*add)(struct builder *b, const struct syscall_row *row),
		 struct buf *program, struct error *err)
{
	int r;

	b->ctx = seccomp_init(otherwise);
	if (!b->ctx)
		return error_set(err, ERR_NOMEM, "cannot start a system call table");
	keep(b, seccomp_attr_set(b->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2));
	keep(b, seccomp_attr_set(b->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
	for (size_t i = 0; i < n_syscall_rows && !b->failed; i++) {
		b->nr = seccomp_syscall_resolve_name(syscall_table[i].name);
		if (b->nr < 0)
			continue; /* this architecture or library has no such call: default deny */
		add(b, &syscall_table[i]);
		if (b->failed)
			error_set(err, ERR_INTERNAL, "system call table, row '%s': %s", syscall_table[i].name,
				  strerror(-b->failed));
	}
	r = b->failed ? ERR_INTERNAL : export(b->ctx, program, err);
	seccomp_release(b->ctx);
	return r;
}

int syscalls_build(enum box_phase phase, const struct syscall_surroundings *around, struct buf *program,
		   struct error *err)
{
	struct builder b = { .phase = phase, .around = around };

	return build(&b, SCMP_ACT_ERRNO(ENOSYS), add_row, program, err);
}

int syscalls_build_listener(const struct syscall_surroundings *around, struct buf *listener, struct buf *program,
			    struct error *err)
{
	struct builder hears = { .phase = BOX_RUN, .around = around };
	struct builder rest = { .phase = BOX_RUN, .around = around, .heard = true };
	int r = build(&hears, SCMP_ACT_ALLOW, add_notice, listener, err);

	return r < 0 ? r : build(&rest, SCMP_ACT_ERRNO(ENOSYS), add_row, program, err);
}

const char *syscalls_violation_name(int nr)
{
	for (size_t i = 0; i < n_syscall_rows; i++)
		if (syscall_table[i].rule == RULE_VIOLATION && seccomp_syscall_resolve_name(syscall_table[i].name) == nr)
			return syscall_table[i].name;
	return NULL;
}
