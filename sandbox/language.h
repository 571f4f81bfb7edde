/* SPDX-License-Identifier: Apache-2.0 */
/*
 * language.h - languages are data: a folder each under sandbox/languages/, with
 * language.yaml (the recipe), drivers, and whatever the toolchain is given.
 *
 * language.yaml:
 *   name: cpp
 *   title: C++
 *   aliases: [c++, cxx]              # fence words that mean this language
 *   extensions: [.cc, .cpp, .cxx]
 *   source: main.cpp                 # what the program's file is called
 *   detect: { argv: [/usr/bin/g++, -dumpfullversion], name: g++, package: g++ }   # toolchain string "g++ 12.2.0"
 *   needs_proc: false
 *   runtime: { memory_mib: 192, threads: 32, stack_mib: 16 }   # what the runtime itself takes: granted on top of a task's limits;
 *                                    # and the stack limit, where each thread would take all of the usual one
 *   memory: as                       # or data
 *   compile:                         # absent: nothing is compiled
 *     argv: [/usr/bin/g++, -O2, -std=gnu++17, -o, program, main.cpp]
 *     output: program
 *     env: { GOFLAGS: -mod=mod }     # with the PATH and LANG that every compiler gets
 *     finds_itself: false            # the compiler reads /proc/self/exe: only its name, which every tier can show
 *     files: [Build.java]            # of this folder, placed beside the program
 *     limits: { cpu_s: 20, memory_mib: 2048, output_kib: 64, file_mib: 64, processes: 32 }
 *   run:
 *     argv: [./program]
 *     env: { LANG: C.UTF-8 }         # "{seed}" in a value: the request's seed, modulo 2^32; in argv and env
 *                                    # "{memory_mib}": the task's memory limit, "{threads}": its processes
 *     files: [run.js]                # as above
 *     syntax_mark: '  File "main.py"'  # a failed run whose stderr begins so is a compile_error
 *   calls:                           # absent: calls tasks are not portable to it
 *     driver: driver.py              # placed beside the program
 *     prepare: [/usr/bin/python3, …]   # may be absent: given the driver's path as last argument, prints
 *                                      # what is placed in the box in its stead (byte code, say)
 *     argv: [/usr/bin/python3, …, driver.py]
 *     values: plain                  # the driver tells lists from tuples, or keys from their text, no better than its
 *                                    # language does: what is expected says it; default: python, it does
 *     int_bits: 64                   # what an integer of the language holds; default 0: any
 *     conventions: conventions.txt   # a file of this folder, for prompts: how arguments and answers look in the language
 *     lacks: [complex, mixed]        # values of tests that it cannot hold: traits of filters/portable.h
 *     compile: [/usr/bin/g++, …]     # where programs are compiled: with the driver beside them, output and limits as above
 *     entry: { file: entry.h, text: "…{entry}…{name}…" }   # placed too: {name} is what the task calls, {entry} what the
 *                                    # program calls it (as given, in snake_case or in camelCase, whichever it mentions)
 *   warm:                            # may be absent: an interpreter that is forked from, not started, for each run
 *     driver: warm.py                # placed in the runner's folder together with warm.so (init/warm_library.c)
 *     argv: [/usr/bin/python3, …, warm.py]   # the plain argv of the run follows
 *   memory_words: [MemoryError]      # on stderr of a failed run: it was memory
 */
#ifndef WINNOW_SANDBOX_LANGUAGE_H
#define WINNOW_SANDBOX_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/record.h"
#include "sandbox/box.h"

/* A file of the recipe's folder that is placed in a box. */
struct language_file { char *name, *data; size_t len; };
struct language_files { struct language_file *items; size_t n; };

struct language {
	char *name, *title, *dir, *source;
	char **aliases, **extensions, **memory_words; /* NULL-terminated */
	char **detect_argv; char *detect_name;
	char *package;                /* of Debian, that brings the toolchain; NULL: not said */
	bool needs_proc, compile_finds_itself;
	uint64_t runtime_memory_bytes; uint32_t runtime_threads; /* granted on top of a task's limits */
	uint64_t runtime_stack_bytes; /* 0: by the memory limit */
	enum box_memory memory;
	char **compile_argv; char *compile_output; struct limits compile_limits; /* compile_argv NULL: not compiled */
	char **compile_env; struct language_files compile_files;
	char **run_argv, **run_env; struct language_files run_files;
	char *syntax_mark;            /* stderr of a failed run begins so: it was no program of the language; NULL: none */
	char **calls_argv, **calls_env, **prepare_argv, **calls_compile_argv;
	char *conventions;            /* for prompts: how values look in the language; NULL: nothing to say */
	char **calls_lacks;           /* NULL: nothing */
	bool calls_plain; unsigned calls_int_bits; char *entry_name, *entry_text; /* NULL: none */
	char *driver; /* driver: text of the driver file, NULL: no calls */
	size_t driver_len; char *driver_name;
	char **warm_argv; char *warm; size_t warm_len; char *warm_name; /* warm: text of the runner's file, NULL: none */
	char toolchain[96];           /* filled by language_detect(); "" unknown */
	bool present;                 /* its first program exists */
	uint8_t digest[32];           /* of the recipe, the driver and the files */
};
struct language_set { struct language *items; size_t n; char *dir; };

/* WINNOW_LANGUAGES_DIR, else ../share/winnow/languages beside the program, else the source tree's.  Static memory. */
const char *language_default_dir(void);
/* Read every folder of dir.  ERR_INPUT names file and line of a bad recipe. */
int language_load(const char *dir, struct language_set *ret, struct error *err);
void language_set_clear(struct language_set *s);
/* By name or alias, NULL: none. */
const struct language *language_find(const struct language_set *s, const char *name);
const struct language *language_by_extension(const struct language_set *s, const char *path);
/* Which toolchain is there: present and toolchain are filled, drivers are prepared.
 * Runs detect_argv and prepare_argv (trusted, outside a box) in a child: call before
 * sandbox_open(), or in tests. */
int language_detect(struct language_set *s, struct error *err);

#endif
