/* SPDX-License-Identifier: Apache-2.0 */
/* init_image.S - the winnow-init executable as data of the library. */
	.section .rodata
	.global winnow_init_image
	.global winnow_init_image_end
	.balign 16
winnow_init_image:
	.incbin WINNOW_INIT_PATH
winnow_init_image_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
