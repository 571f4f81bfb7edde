/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libc.c - the few functions of the C library that winnow-init calls.
 *
 * It is linked with nothing else: the start of a static glibc program asks
 * CPUID some dozens of times, each a trap to the hypervisor on a virtual
 * machine, which makes 0.3 ms a box of what is 0.09 ms without.  Prototypes
 * and structures are the system headers'; only what is used is here, and only
 * as far as it is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "sandbox/init/init.h"

static int last_error;

int *__errno_location(void)
{
	return &last_error;
}

#if defined(__x86_64__)
static long raw6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

/* argc and argv lie on the stack that the kernel made. */
__asm__(".text\n.global _start\n.type _start, @function\n_start:\n"
	"	xor %ebp, %ebp\n	mov (%rsp), %edi\n	lea 8(%rsp), %rsi\n	and $-16, %rsp\n"
	"	call main\n	mov %eax, %edi\n	mov $231, %eax\n	syscall\n	hlt\n");

/* clone(flags, stack): the child calls run(arg) on its own stack. */
__asm__(".text\n.global init_clone\n.type init_clone, @function\ninit_clone:\n"
	"	and $-16, %rsi\n	mov %rdx, -8(%rsi)\n	mov %rcx, -16(%rsi)\n	sub $16, %rsi\n"
	"	xor %edx, %edx\n	xor %r10d, %r10d\n	xor %r8d, %r8d\n	mov $56, %eax\n	syscall\n"
	"	test %eax, %eax\n	jz 1f\n	ret\n"
	"1:	xor %ebp, %ebp\n	pop %rdi\n	pop %rax\n	call *%rax\n	hlt\n");
#elif defined(__aarch64__)
static long raw6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

__asm__(".text\n.global _start\n.type _start, %function\n_start:\n"
	"	mov x29, #0\n	mov x30, #0\n	ldr w0, [sp]\n	add x1, sp, #8\n"
	"	bl main\n	mov x8, #94\n	svc #0\n	brk #1\n");

__asm__(".text\n.global init_clone\n.type init_clone, %function\ninit_clone:\n"
	"	and x1, x1, #-16\n	stp x3, x2, [x1, #-16]!\n"
	"	mov x2, #0\n	mov x3, #0\n	mov x4, #0\n	mov x8, #220\n	svc #0\n"
	"	cbz x0, 1f\n	ret\n"
	"1:	mov x29, #0\n	ldp x0, x1, [sp], #16\n	blr x1\n	brk #1\n");
#else
#error "winnow-init needs the system call convention of this architecture"
#endif

static long answer(long r)
{
	if ((unsigned long)r > -4096ul) {
		last_error = (int)-r;
		return -1;
	}
	return r;
}

#define CALL(n, a, b, c, d, e, f) \
	answer(raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
#define CALL0(n) CALL(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) CALL(n, a, 0, 0, 0, 0, 0)
#define CALL2(n, a, b) CALL(n, a, b, 0, 0, 0, 0)
#define CALL3(n, a, b, c) CALL(n, a, b, c, 0, 0, 0)
#define CALL4(n, a, b, c, d) CALL(n, a, b, c, d, 0, 0)
#define CALL5(n, a, b, c, d, e) CALL(n, a, b, c, d, e, 0)

long syscall(long n, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return CALL(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

void _exit(int status)
{
	for (;;)
		raw6(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

/* --- files --- */

ssize_t read(int fd, void *p, size_t n) { return CALL3(SYS_read, fd, p, n); }
int close(int fd) { return (int)CALL1(SYS_close, fd); }
int chdir(const char *path) { return (int)CALL1(SYS_chdir, path); }
int mkdir(const char *path, mode_t mode) { return (int)CALL3(SYS_mkdirat, AT_FDCWD, path, mode); }
int rmdir(const char *path) { return (int)CALL3(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR); }
int symlink(const char *text, const char *path) { return (int)CALL3(SYS_symlinkat, text, AT_FDCWD, path); }
int stat(const char *path, struct stat *st) { return (int)CALL4(SYS_newfstatat, AT_FDCWD, path, st, 0); }
int fstat(int fd, struct stat *st) { return (int)CALL2(SYS_fstat, fd, st); }
mode_t umask(mode_t mask) { return (mode_t)CALL1(SYS_umask, mask); }
int memfd_create(const char *name, unsigned flags) { return (int)CALL2(SYS_memfd_create, name, flags); }
int umount2(const char *path, int flags) { return (int)CALL2(SYS_umount2, path, flags); }

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return (int)CALL4(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
	va_list ap;
	long argument;

	va_start(ap, command);
	argument = va_arg(ap, long);
	va_end(ap);
	return (int)CALL3(SYS_fcntl, fd, command, argument);
}

ssize_t sendfile(int to, int from, off_t *at, size_t n)
{
	return CALL4(SYS_sendfile, to, from, at, n);
}

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
	return (int)CALL5(SYS_mount, source, target, type, flags, data);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	return CALL3(SYS_sendmsg, fd, m, flags);
}

int poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	struct timespec t = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

	return (int)CALL5(SYS_ppoll, p, n, timeout_ms < 0 ? NULL : &t, NULL, 8);
}

/* --- processes, signals, limits --- */

pid_t getpid(void) { return (pid_t)CALL0(SYS_getpid); }
pid_t setsid(void) { return (pid_t)CALL0(SYS_setsid); }
int kill(pid_t pid, int sig) { return (int)CALL2(SYS_kill, pid, sig); }
int setfsuid(uid_t id) { return (int)CALL1(SYS_setfsuid, id); }
int setfsgid(gid_t id) { return (int)CALL1(SYS_setfsgid, id); }

pid_t wait4(pid_t pid, int *status, int flags, struct rusage *ru)
{
	return (pid_t)CALL4(SYS_wait4, pid, status, flags, ru);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)CALL3(SYS_execve, path, argv, envp);
}

int prctl(int option, ...)
{
	va_list ap;
	long a[4];

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return (int)CALL5(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

int getrlimit(__rlimit_resource_t what, struct rlimit *l)
{
	return (int)CALL4(SYS_prlimit64, 0, what, NULL, l);
}

int setrlimit(__rlimit_resource_t what, const struct rlimit *l)
{
	return (int)CALL4(SYS_prlimit64, 0, what, l, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	return (int)CALL2(SYS_clock_gettime, clock, t);
}

int usleep(useconds_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000L };

	return (int)CALL2(SYS_nanosleep, &t, NULL);
}

/* The default action alone: the kernel's structure is then all zeros. */
sighandler_t signal(int sig, sighandler_t handler)
{
	static const unsigned long zeros[4];

	if (handler != SIG_DFL)
		return SIG_ERR;
	return CALL4(SYS_rt_sigaction, sig, zeros, NULL, 8) < 0 ? SIG_ERR : SIG_DFL;
}

int sigemptyset(sigset_t *set)
{
	memset(set, 0, sizeof(*set));
	return 0;
}

int sigaddset(sigset_t *set, int sig)
{
	set->__val[0] |= 1ul << (sig - 1);
	return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return (int)CALL4(SYS_rt_sigprocmask, how, set, old, 8);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	return (int)CALL4(SYS_signalfd4, fd, set, 8, flags);
}

/* --- memory and text --- */

void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n)
{
	char *t = to;

	while (n--)
		*t++ = (char)c;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *p, int c, size_t n)
{
	const unsigned char *s = p;

	for (; n; n--, s++)
		if (*s == (unsigned char)c)
			return (void *)(uintptr_t)s;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

char *strchr(const char *s, int c)
{
	for (; *s; s++)
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
	return NULL;
}

/* Decimal digits alone. */
long strtol(const char *s, char **end, int base)
{
	long v = 0;

	(void)base;
	while (*s >= '0' && *s <= '9')
		v = v * 10 + (*s++ - '0');
	if (end)
		*end = (char *)(uintptr_t)s;
	return v;
}

struct sink {
	char *to;
	size_t n, at;
};

static void put(struct sink *s, char c)
{
	if (s->at + 1 < s->n)
		s->to[s->at] = c;
	s->at++;
}

static void put_number(struct sink *s, unsigned long long v)
{
	char digits[24];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		put(s, digits[--n]);
}

/* %s %d %u %llu */
int snprintf(char *to, size_t n, const char *fmt, ...)
{
	struct sink s = { to, n, 0 };
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&s, *fmt);
			continue;
		}
		fmt++;
		if (*fmt == 's') {
			for (const char *p = va_arg(ap, const char *); *p; p++)
				put(&s, *p);
		} else if (*fmt == 'd') {
			int v = va_arg(ap, int);

			if (v < 0)
				put(&s, '-');
			put_number(&s, v < 0 ? 0u - (unsigned)v : (unsigned)v);
		} else if (*fmt == 'u') {
			put_number(&s, va_arg(ap, unsigned));
		} else if (fmt[0] == 'l' && fmt[1] == 'l' && fmt[2] == 'u') {
			fmt += 2;
			put_number(&s, va_arg(ap, unsigned long long));
		}
	}
	va_end(ap);
	if (n)
		to[s.at < n ? s.at : n - 1] = '\0';
	return (int)s.at;
}
