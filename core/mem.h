/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - the only door to malloc, and scope-bound release.
 *
 * Every allocator returns NULL when there is no memory (or when a test asked
 * for a failure by mem_fault_at()).  All are overflow-checked.
 */
#ifndef WINNOW_CORE_MEM_H
#define WINNOW_CORE_MEM_H

#include <stddef.h>
#include <stdbool.h>

void *mem_alloc(size_t size);                                   /* not zeroed */
void *mem_zalloc(size_t size);                                  /* zeroed */
void *mem_calloc(size_t n, size_t size);                        /* zeroed array */
void *mem_realloc(void *old, size_t size);                      /* old stays valid on failure */
void *mem_realloc_array(void *old, size_t n, size_t size);
char *mem_strdup(const char *s);                                /* NULL for NULL */
char *mem_strndup(const char *s, size_t n);
void *mem_memdup(const void *p, size_t n);                      /* with one NUL byte after */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p);

/* Grow *array (elements of elem_size, *cap of them) so that it holds at least
 * `need` elements.  Returns false when there is no memory; nothing changes. */
bool mem_grow(void *array_ptr, size_t *cap, size_t need, size_t elem_size);

/* Fail the nth allocation from now (1 = the next), once.  0 switches off. */
void mem_fault_at(unsigned long nth);
bool mem_fault_fired(void);

void mem_cleanup_ptr(void *ptr_to_ptr);  /* for the attribute below */
void mem_cleanup_fd(int *fd);
#define cleanup_mem __attribute__((cleanup(mem_cleanup_ptr)))
#define cleanup_fd  __attribute__((cleanup(mem_cleanup_fd)))

/* Hand over, visibly: yields *pp and leaves NULL there. */
#define mem_steal(pp) ({ __typeof__(*(pp)) mem_stolen_ = *(pp); *(pp) = NULL; mem_stolen_; })
static inline int fd_steal(int *fd) { int was = *fd; *fd = -1; return was; }

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
