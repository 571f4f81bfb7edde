/* SPDX-License-Identifier: Apache-2.0 */
/* landlock.c - which Landlock rights this kernel can handle. */
#include "sandbox/landlock.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/str.h"

int landlock_abi(void)
{
	long abi = syscall(LANDLOCK_NR_CREATE, NULL, 0, 1);
	const char *mask = getenv("WINNOW_LANDLOCK_ABI");
	uint64_t lower;

	if (abi < 0)
		return 0;
	if (mask && str_parse_u64(mask, "WINNOW_LANDLOCK_ABI", 0, 1000, &lower, NULL) == 0 &&
	    (long)lower < abi)
		abi = (long)lower;
	return (int)abi;
}

struct landlock_attr landlock_handled(int abi)
{
	struct landlock_attr a = { 0, 0, 0 };

	if (abi >= 1)
		a.fs = LANDLOCK_FS_ABI1;
	if (abi >= 2)
		a.fs |= LANDLOCK_FS_REFER;
	if (abi >= 3)
		a.fs |= LANDLOCK_FS_TRUNCATE;
	if (abi >= 4)
		a.net = 3; /* bind and connect TCP */
	if (abi >= 5)
		a.fs |= LANDLOCK_FS_IOCTL_DEV;
	if (abi >= 6)
		a.scoped = 3; /* abstract unix sockets, signals */
	return a;
}
