/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor.c - the program that box tests run: does one thing that a candidate
 * might, named by its first argument.  Compiled by the tests in a box.
 * What it finds out it prints; "refused N" is an errno.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int say(long r)
{
	if (r < 0)
		printf("refused %s\n", strerrorname_np(errno));
	else
		printf("done\n");
	return 0;
}

static void *add(void *p)
{
	__atomic_add_fetch((int *)p, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *spin(void *p)
{
	for (;;)
		*(volatile int *)p += 1;
	return NULL;
}

static int threads(int n)
{
	pthread_t t[256];
	int sum = 0;

	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, add, &sum)) {
			printf("stopped at %d\n", i);
			return 0;
		}
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	printf("%d\n", sum);
	return 0;
}

static int hog(size_t mib)
{
	for (size_t i = 0; i < mib; i++) {
		char *p = malloc(1 << 20);

		if (!p) {
			printf("no memory\n");
			return 3;
		}
		memset(p, 1, 1 << 20);
	}
	printf("held\n");
	return 0;
}

static int recurse(int n)
{
	volatile char pad[4096];

	pad[0] = (char)n;
	return recurse(n + 1) + pad[0];
}

static int read_all(void)
{
	unsigned long n = 0, sum = 0;
	unsigned char b[65536];
	ssize_t r;

	while ((r = read(0, b, sizeof(b))) > 0)
		for (ssize_t i = 0; i < r; i++, n++)
			sum = sum * 31 + b[i];
	printf("%lu %lu\n", n, sum);
	return 0;
}

static int flood(size_t bytes)
{
	char b[4096];

	memset(b, 'x', sizeof(b));
	for (size_t i = 0; i < bytes; i += sizeof(b))
		if (write(1, b, sizeof(b)) < 0)
			return 4;
	return 0;
}

static int pattern(size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		putchar('a' + (int)(i % 26));
	return 0;
}

static int list_fds(void)
{
	for (int i = 0; i < 256; i++)
		if (fcntl(i, F_GETFD) >= 0)
			printf("%d ", i);
	printf("\n");
	return 0;
}

static int files(void)
{
	char b[16] = "", name[256];
	int fd = open("note", O_CREAT | O_RDWR, 0600);

	if (fd < 0 || write(fd, "hello", 5) != 5 || pread(fd, b, 5, 0) != 5 || strcmp(b, "hello"))
		return 1;
	/* (Into another folder takes Landlock ABI 2.) */
	if (mkdir("sub", 0700) || rename("note", "note2") || unlink("note2") || rename("sub", "sub2") || rmdir("sub2"))
		return 2;
	snprintf(name, sizeof(name), "%s/x", getenv("TMPDIR"));
	fd = open(name, O_CREAT | O_RDWR, 0600);
	if (fd < 0)
		return 3;
	printf("fine\n");
	return 0;
}

static int fill(void)
{
	static char b[1 << 20];

	for (int i = 0; i < 64; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "f%d", i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		for (int k = 0; k < 64; k++)
			if (write(fd, b, sizeof(b)) != (ssize_t)sizeof(b)) {
				printf("stopped after %d MiB\n", i * 64 + k);
				return 0;
			}
	}
	return 0;
}

/* One file of 4 MiB after another, each a while after the last; without a name where n is negative. */
static int fill_slowly(int n)
{
	static char b[4 << 20];

	for (int i = 0; i < abs(n); i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "f%d", i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (n < 0)
			unlink(name);
		if (fd < 0 || write(fd, b, sizeof(b)) != (ssize_t)sizeof(b)) {
			printf("stopped after %d files\n", i);
			return 0;
		}
		usleep(50000);
	}
	printf("all written\n");
	return 0;
}

/* A grandchild that holds our stdout and outlives us. */
static int orphan(void)
{
	pid_t p = fork();

	if (p < 0)
		return 1;
	if (p == 0) {
		if (fork() == 0) {
			setsid();
			signal(SIGTERM, SIG_IGN);
			for (;;)
				pause();
		}
		_exit(0);
	}
	waitpid(p, NULL, 0);
	printf("left one\n");
	return 0;
}

static int bomb(void)
{
	int n = 0;

	for (;;) {
		pid_t p = fork();

		if (p < 0)
			break;
		if (p == 0)
			for (;;)
				pause();
		n++;
		if (n > 2000)
			break;
	}
	printf("%s\n", n > 2000 ? "no end" : "ended");
	return 0;
}

static int echo_frames(void)
{
	static unsigned char b[1 << 20];

	for (;;) {
		uint32_t n;
		size_t at = 0;

		if (read(3, &n, 4) != 4)
			return 0;
		while (at < n) {
			ssize_t r = read(3, b + at, n - at);

			if (r <= 0)
				return 1;
			at += (size_t)r;
		}
		if (n && b[0] == 'q')
			return 7;
		if (n && b[0] == 's')
			for (;;)
				pause();
		if (write(3, &n, 4) != 4)
			return 2;
		for (at = 0; at < n;) {
			ssize_t r = write(3, b + at, n - at);

			if (r <= 0)
				return 3;
			at += (size_t)r;
		}
	}
}

static int too_long_frame(void)
{
	uint32_t n = 0x7fffffff;

	if (write(3, &n, 4) != 4)
		return 1;
	for (;;)
		pause();
}

static int channel_flood(void)
{
	uint32_t n = 4;

	for (;;)
		if (write(3, &n, 4) != 4 || write(3, "spam", 4) != 4)
			return 0;
}

static int foreign_call(void)
{
#ifdef __x86_64__
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	printf("went through: %ld\n", r);
#else
	raise(SIGSYS);
#endif
	return 0;
}

static int x32_call(void)
{
#ifdef __x86_64__
	printf("went through: %ld\n", syscall(0x40000000 + 39));
#else
	raise(SIGSYS);
#endif
	return 0;
}

static int event_loop(void)
{
	int s[2];
	char b[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || send(s[0], "x", 1, 0) != 1 || recv(s[1], b, 1, 0) != 1)
		return 1;
	printf("fine\n");
	return 0;
}

static int raise_limits(void)
{
	struct rlimit l = { RLIM_INFINITY, RLIM_INFINITY };

	return say(setrlimit(RLIMIT_AS, &l));
}

static int descendants(int depth)
{
	while (depth-- > 0) {
		pid_t p = fork();

		if (p < 0)
			return 1;
		if (p > 0) {
			waitpid(p, NULL, 0);
			return 0;
		}
	}
	for (;;)
		;
}

static void violate(int sig)
{
	(void)sig;
	mount("t", "/tmp", "tmpfs", 0, NULL);
	syscall(SYS_unshare, 0);
	syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

static void *violations(void *arg)
{
	violate(0);
	return arg;
}

static int act(const char *what, const char *arg)
{
	long n = arg ? strtol(arg, NULL, 0) : 0;

#define IS(s) (strcmp(what, s) == 0)
	if (IS("exit"))
		return (int)n;
	if (IS("abort"))
		abort();
	if (IS("segv"))
		*(volatile int *)8 = 1;
	if (IS("raise"))
		return raise((int)n);
	if (IS("killself"))
		return say(kill(getpid(), (int)n));
	if (IS("sigpipe")) {
		int p[2];

		if (pipe(p) == 0 && close(p[0]) == 0 && write(p[1], "x", 1) < 0)
			return 5;
		return 0;
	}
	if (IS("alarm")) {
		alarm(1);
		for (;;)
			pause();
	}
	if (IS("spin"))
		for (;;)
			;
	if (IS("spin2")) {
		int x = 0;
		pthread_t t;

		pthread_create(&t, NULL, spin, &x);
		spin(&x);
	}
	if (IS("work")) {
		struct timespec t;

		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < n);
		return 0;
	}
	if (IS("sleep"))
		for (;;)
			pause();
	if (IS("nap"))
		return usleep((useconds_t)n * 1000);
	if (IS("threads"))
		return threads((int)n);
	if (IS("hog"))
		return hog((size_t)n);
	if (IS("recurse"))
		return recurse(0);
	if (IS("stdin"))
		return read_all();
	if (IS("flood"))
		return flood((size_t)n << 20);
	if (IS("pattern"))
		return pattern((size_t)n);
	if (IS("fds"))
		return list_fds();
	if (IS("env")) {
		for (char **e = environ; *e; e++)
			puts(*e);
		return 0;
	}
	if (IS("files"))
		return files();
	if (IS("fill"))
		return fill();
	if (IS("fillslowly"))
		return fill_slowly((int)n);
	if (IS("orphan"))
		return orphan();
	if (IS("bomb"))
		return bomb();
	if (IS("descendants"))
		return descendants((int)n);
	if (IS("fork"))
		return say(fork());
	if (IS("vfork"))
		return say(syscall(SYS_vfork));
	if (IS("clone3"))
		return say(syscall(SYS_clone3, NULL, 0));
	if (IS("clone_newuser"))
		return say(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	if (IS("open"))
		return say(open(arg, O_RDONLY));
	if (IS("write"))
		return say(open(arg, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	if (IS("list"))
		return opendir(arg) ? say(0) : say(-1);
	if (IS("chmod"))
		return say(chmod(arg, 0777));
	if (IS("utime"))
		return say(utimes(arg, NULL));
	if (IS("socket"))
		return say(socket(AF_INET, SOCK_STREAM, 0));
	if (IS("unix"))
		return say(socket(AF_UNIX, SOCK_STREAM, 0));
	if (IS("event_loop"))
		return event_loop();
	if (IS("ptrace"))
		return say(ptrace(PTRACE_TRACEME, 0, 0, 0));
	if (IS("unshare"))
		return say(unshare(CLONE_NEWUSER));
	if (IS("mount"))
		return say(mount("t", "/tmp", "tmpfs", 0, NULL));
	if (IS("chroot"))
		return say(chroot("."));
	if (IS("bpf"))
		return say(syscall(SYS_bpf, 0, 0, 0));
	if (IS("keyctl"))
		return say(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	if (IS("io_uring"))
		return say(syscall(425, 1, 0));
	if (IS("memfd"))
		return say(syscall(SYS_memfd_create, "x", 0));
	if (IS("shm"))
		return say(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
	if (IS("setsid"))
		return say(setsid());
	if (IS("killparent"))
		return say(kill(getppid() ? getppid() : 1, SIGKILL));
	if (IS("killall")) {
		signal(SIGTERM, SIG_IGN);
		say(kill(-1, SIGTERM));
		return 0;
	}
	if (IS("tables")) { /* reads a byte of each 2 MiB of a terabyte: one page of zeros, half a million tables */
		size_t size = (size_t)1 << 40, sum = 0;
		volatile char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED)
			return say(-1);
		for (size_t i = 0; i < size; i += (size_t)2 << 20)
			sum += (size_t)p[i];
		return (int)sum;
	}
	if (IS("violations")) { /* from a handler, a thread, and itself */
		pthread_t t;

		signal(SIGUSR1, violate);
		raise(SIGUSR1);
		if (pthread_create(&t, NULL, violations, NULL) == 0)
			pthread_join(t, NULL);
		return 0;
	}
	if (IS("ptrace_for_ever"))
		for (;;)
			ptrace(PTRACE_TRACEME, 0, 0, 0);
	if (IS("int80"))
		return foreign_call();
	if (IS("x32"))
		return x32_call();
	if (IS("raise_limits"))
		return raise_limits();
	if (IS("undumpable"))
		return say(prctl(PR_SET_PDEATHSIG, 0));
	if (IS("ids")) {
		printf("%u %u\n", getuid(), getgid());
		return 0;
	}
	if (IS("pid")) {
		printf("%d\n", getpid());
		return 0;
	}
	if (IS("close")) {
		close(0);
		close(1);
		close(2);
		return (int)n;
	}
	if (IS("echo"))
		return echo_frames();
	if (IS("too_long"))
		return too_long_frame();
	if (IS("channel_flood"))
		return channel_flood();
	if (IS("make")) {
		FILE *f = fopen(arg, "w");

		return !f || fputs("made\n", f) < 0 || fclose(f) ? 1 : 0;
	}
	if (IS("link"))
		return symlink("/etc/passwd", arg);
	fprintf(stderr, "actor: nothing is called '%s'\n", what);
	return 99;
}

int main(int argc, char **argv)
{
	int r = act(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : NULL);

	fflush(stdout);
	return r;
}
