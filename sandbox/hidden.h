/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden.h - memory that a process holds and that is counted nowhere.
 *
 * Pages of a shared anonymous mapping live as long as any part of it is mapped.  A program can map a
 * gigabyte, write to it, unmap all but one page, and do that again and again: neither its address space nor
 * its resident pages show it.  Only a cgroup counts such pages, and most hosts give us none.
 */
#ifndef WINNOW_SANDBOX_HIDDEN_H
#define WINNOW_SANDBOX_HIDDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Does pid hide more than limit bytes?  Yes where it has at once
 *   - faulted in more than twice the limit beyond what it has resident (resident bytes),
 *   - more than two shared anonymous mappings, and
 *   - the host more than the limit of shared memory in use.
 * A program that allocates and frees again meets the first, hence the others.  *due is the program's own,
 * 0 at first: how much has to be faulted in before the next two are looked at.  proc ("/proc") numbers
 * processes as we do.
 */
bool hidden_memory(const char *proc, pid_t pid, uint64_t resident, uint64_t limit, uint64_t *due);

#endif
