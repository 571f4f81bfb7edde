/* SPDX-License-Identifier: Apache-2.0 */
/* init_image.S - the winnow-init executable, and the library of warm runners, as data of this one. */
	.section .rodata
	.global winnow_init_image
	.global winnow_init_image_end
	.balign 16
winnow_init_image:
	.incbin WINNOW_INIT_PATH
winnow_init_image_end:
	.byte 0
	.global winnow_warm_library
	.global winnow_warm_library_end
	.balign 16
winnow_warm_library:
	.incbin WINNOW_WARM_PATH
winnow_warm_library_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
