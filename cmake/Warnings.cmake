# One interface target carries the warnings and the hardening of the release.
add_library(winnow_flags INTERFACE)
target_compile_definitions(winnow_flags INTERFACE _GNU_SOURCE)
target_include_directories(winnow_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(winnow_flags INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
	-Wundef -Wwrite-strings -Wpointer-arith -fno-strict-aliasing)
option(WINNOW_WERROR "warnings are errors" ON)
if(WINNOW_WERROR)
	target_compile_options(winnow_flags INTERFACE -Werror)
endif()
set(WINNOW_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize takes them")
if(WINNOW_SANITIZE)
	target_compile_options(winnow_flags INTERFACE -fsanitize=${WINNOW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	target_link_options(winnow_flags INTERFACE -fsanitize=${WINNOW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
	target_compile_options(winnow_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE)
	target_link_options(winnow_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now)
endif()
