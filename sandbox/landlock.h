/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.h - what of Landlock we use, and which of it this kernel has.
 *
 * Kernel structures and rights are spelled out here, since the headers of the
 * oldest supported distribution know only the first ABIs.
 */
#ifndef WINNOW_SANDBOX_LANDLOCK_H
#define WINNOW_SANDBOX_LANDLOCK_H

#include <stdint.h>

#define LANDLOCK_NR_CREATE 444
#define LANDLOCK_NR_ADD 445
#define LANDLOCK_NR_ENTER 446

struct landlock_attr {
	uint64_t fs, net, scoped;
};
struct landlock_path_rule {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

#define LANDLOCK_FS_EXECUTE (1ull << 0)
#define LANDLOCK_FS_WRITE_FILE (1ull << 1)
#define LANDLOCK_FS_READ_FILE (1ull << 2)
#define LANDLOCK_FS_READ_DIR (1ull << 3)
#define LANDLOCK_FS_TRUNCATE (1ull << 14) /* ABI 3 */
#define LANDLOCK_FS_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define LANDLOCK_FS_ABI1 ((1ull << 13) - 1)
#define LANDLOCK_FS_REFER (1ull << 13) /* ABI 2 */
/* Rights that a rule for a file may have. */
#define LANDLOCK_FS_FILE (LANDLOCK_FS_EXECUTE | LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_READ_FILE | \
			  LANDLOCK_FS_TRUNCATE | LANDLOCK_FS_IOCTL_DEV)
#define LANDLOCK_FS_READ_ONLY (LANDLOCK_FS_EXECUTE | LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR)
#define LANDLOCK_FS_DEVICE (LANDLOCK_FS_READ_FILE | LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_TRUNCATE)

/* The kernel's ABI, lowered to WINNOW_LANDLOCK_ABI where that is set (tests of
 * older kernels' behaviour); 0: none. */
int landlock_abi(void);
/* Everything that this ABI can handle. */
struct landlock_attr landlock_handled(int abi);

#endif
