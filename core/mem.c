/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - malloc with overflow checks and a switch that makes the nth allocation fail. */
#include "core/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Test support; 0 (off) costs one predictable branch an allocation. */
static unsigned long fault_countdown;
static bool fault_fired;

void mem_fault_at(unsigned long nth)
{
	fault_countdown = nth;
	fault_fired = false;
}

bool mem_fault_fired(void)
{
	return fault_fired;
}

/* A breakpoint here stops where the injected failure happens. */
static __attribute__((noinline)) bool fault_happens(void)
{
	fault_fired = true;
	errno = ENOMEM;
	return true;
}

static inline bool fault(void)
{
	if (__builtin_expect(fault_countdown != 0, 0) && --fault_countdown == 0)
		return fault_happens();
	return false;
}

void *mem_alloc(size_t size)
{
	if (fault())
		return NULL;
	return malloc(size ? size : 1);
}

void *mem_zalloc(size_t size)
{
	return mem_calloc(1, size);
}

void *mem_calloc(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	if (fault())
		return NULL;
	return calloc(1, total ? total : 1);
}

void *mem_realloc(void *old, size_t size)
{
	if (fault())
		return NULL;
	return realloc(old, size ? size : 1);
}

void *mem_realloc_array(void *old, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return mem_realloc(old, total);
}

void *mem_memdup(const void *p, size_t n)
{
	char *copy;

	if (n == SIZE_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	copy = mem_alloc(n + 1);
	if (!copy)
		return NULL;
	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return s ? mem_memdup(s, strlen(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
	return s ? mem_memdup(s, strnlen(s, n)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	s = mem_alloc((size_t)n + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	(void) vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

void mem_free(void *p)
{
	free(p);
}

bool mem_grow(void *array_ptr, size_t *cap, size_t need, size_t elem_size)
{
	size_t n = *cap;
	void *old, *now;

	if (need <= n)
		return true;
	if (__builtin_mul_overflow(n, 2, &n))
		n = need;
	if (n < need)
		n = need;
	if (n < 8)
		n = 8;
	/* memcpy, since array_ptr is the address of a pointer of any type */
	memcpy(&old, array_ptr, sizeof(old));
	now = mem_realloc_array(old, n, elem_size);
	if (!now)
		return false;
	memcpy(array_ptr, &now, sizeof(now));
	*cap = n;
	return true;
}

void mem_cleanup_ptr(void *ptr_to_ptr)
{
	void *p;

	memcpy(&p, ptr_to_ptr, sizeof(p));
	mem_free(p);
}

void mem_cleanup_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		(void) close(*fd);
		errno = saved;
		*fd = -1;
	}
}
