/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.c - the compile step of a recipe, and what is common to all runs: the files and the
 * environment of a program, and what the end of a run means.
 *
 * The compiler meets hostile text: it runs in a box of its own with limits of its own.  What it
 * made comes back as a sealed memfd, from which the program is run for each case.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "filters/judge_internal.h"

bool compile_needed(const struct job *job)
{
	return job->language->compile_argv && job->artifact_fd < 0;
}

static void keep_output(struct job *job, const struct box_result *r)
{
	size_t room = COMPILE_OUTPUT_KEEP, n = r->err.len < room ? r->err.len : room;

	buf_reset(&job->compile_out);
	buf_add(&job->compile_out, r->err.data, n);
	room -= n;
	n = r->out.len < room ? r->out.len : room;
	buf_add(&job->compile_out, r->out.data, n);
	/* Text with a NUL in it would be cut there on its way to people. */
	for (size_t i = 0; i < job->compile_out.len; i++)
		if (!job->compile_out.data[i])
			job->compile_out.data[i] = '?';
}

static void compile_ended(struct job *job, const struct box_result *r)
{
	uint32_t limits = 0;
	bool made = r->end == BOX_EXITED && r->exit_code == 0 && r->collected_fd >= 0;

	if (r->end == BOX_FAILED || r->end == BOX_EXEC_FAILED || r->end == BOX_KILLED) {
		job_failed(job, "compiling: %s", r->failure[0] ? r->failure : "the box was killed");
		return;
	}
	keep_output(job, r);
	if (r->flags & (FLAG_CPU_LIMIT | FLAG_WALL_LIMIT))
		limits |= FLAG_COMPILE_TIME_LIMIT;
	if (r->flags & FLAG_MEMORY_LIMIT)
		limits |= FLAG_COMPILE_MEMORY_LIMIT;
	if (r->flags & FLAG_OUTPUT_LIMIT)
		limits |= FLAG_COMPILE_OUTPUT_LIMIT;
	job->result.compile_cpu_us = r->cpu_us;
	if (job->kind == REQUEST_EXEC) {
		struct exec_result *e = &job->exec;

		e->compiled = true;
		e->compile_verdict = made ? VERDICT_OK : VERDICT_COMPILE_ERROR;
		e->compile_exit_code = r->exit_code;
		e->compile_cpu_us = r->cpu_us;
		e->compile_wall_us = r->wall_us;
		buf_add(&e->compile_out, job->compile_out.data, job->compile_out.len);
		if (!made)
			e->flags |= limits;
	}
	if (made) {
		job->artifact_fd = fcntl(r->collected_fd, F_DUPFD_CLOEXEC, 3);
		if (job->artifact_fd < 0)
			job_failed(job, "cannot keep the compiled program");
		else
			job_run(job);
		return;
	}
	if (r->end == BOX_VIOLATION)
		job_end(job, VERDICT_SECURITY_VIOLATION, r->flags, "while compiling");
	else if (limits)
		job_end(job, VERDICT_COMPILE_ERROR, limits, "compiling met a limit");
	else
		job_end(job, VERDICT_COMPILE_ERROR, 0, "it does not compile");
}

/* --- how a program is run --- */

/* One word of a recipe with its placeholders filled in. */
static char *fill(const char *word, uint64_t seed, const struct box_spec *spec)
{
	const struct { const char *name; uint64_t value; } places[] = {
		{ "{seed}", seed & UINT32_MAX },
		{ "{memory_mib}", spec->memory_bytes >> 20 },
		{ "{threads}", spec->processes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *at = strstr(word, places[i].name);

		if (at)
			return mem_printf("%.*s%" PRIu64 "%s", (int)(at - word), word, places[i].value,
					  at + strlen(places[i].name));
	}
	return mem_strdup(word);
}

/* The words, after `first` where it is not NULL; NULL-terminated. */
static char **fill_all(const char *const *first, char *const *words, uint64_t seed,
		       const struct box_spec *spec)
{
	size_t n = 0, at = 0;
	char **list;

	while (first && first[at])
		at++;
	while (words && words[n])
		n++;
	list = mem_calloc(at + n + 1, sizeof(*list));
	if (!list)
		return NULL;
	for (size_t i = 0; i < at + n; i++) {
		list[i] = i < at ? mem_strdup(first[i]) : fill(words[i - at], seed, spec);
		if (!list[i]) {
			str_list_free(list);
			return NULL;
		}
	}
	return list;
}

/* Fills everything that a box takes from the recipe; files->files[0] is the caller's. */
static bool fill_spec(const struct language *l, char *const *argv, char *const *env, bool compiles,
		      const struct language_files *own, uint64_t seed, struct box_spec *spec,
		      struct run_files *files)
{
	static const char *const run_words[] = { "PATH=/usr/bin:/bin", NULL };
	static const char *const compile_words[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL };

	files->argv = fill_all(NULL, argv, seed, spec);
	files->env = fill_all(compiles ? compile_words : run_words, env, seed, spec);
	if (!files->argv || !files->env)
		return false;
	spec->argv = (const char *const *)files->argv;
	spec->envp = (const char *const *)files->env;
	spec->files = files->files;
	spec->n_files = 1;
	for (size_t i = 0; i < own->n && spec->n_files < RUN_MAX_FILES - 2; i++)
		files->files[spec->n_files++] = (struct box_file){ .name = own->items[i].name,
								   .data = own->items[i].data,
								   .len = own->items[i].len,
								   .fd = -1 };
	spec->memory = l->memory;
	spec->stack_bytes = l->runtime_stack_bytes;
	spec->needs_proc = !compiles && l->needs_proc;
	spec->finds_itself = compiles && l->compile_finds_itself;
	if (!compiles) {
		spec->memory_bytes += l->runtime_memory_bytes;
		spec->processes += l->runtime_threads;
	}
	return true;
}

/* What the program calls the task's function: its name as it is, in snake_case or in camelCase. */
static void entry_word(const char *name, char snake[256], char camel[256])
{
	size_t s = 0, c = 0;

	for (size_t i = 0; name[i] && s < 250 && c < 250; i++) {
		bool upper = name[i] >= 'A' && name[i] <= 'Z';

		if (upper && i && name[i - 1] != '_' && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z'))
			snake[s++] = '_';
		snake[s++] = upper ? (char)(name[i] | 0x20) : name[i];
		if (name[i] == '_' && c && name[i + 1] && name[i + 1] != '_') {
			i++;
			if (name[i] >= 'a' && name[i] <= 'z')
				camel[c++] = (char)(name[i] & ~0x20);
			else
				camel[c++] = name[i];
			upper = name[i] >= 'A' && name[i] <= 'Z';
			if (s < 250)
				snake[s++] = upper ? (char)(name[i] | 0x20) : name[i];
		} else {
			camel[c++] = name[i];
		}
	}
	snake[s] = camel[c] = '\0';
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool mentions(const char *text, size_t n, const char *word)
{
	size_t len = strlen(word);
	const char *at = text, *end = text + n;

	while (len && (at = memmem(at, (size_t)(end - at), word, len)) != NULL) {
		if ((at == text || !is_word_char(at[-1])) && (at + len == end || !is_word_char(at[len])))
			return true;
		at++;
	}
	return false;
}

/* The recipe's entry text for this job; NULL: no memory. */
static char *entry_text(const struct job *job)
{
	const char *name = job->task->task->entry_point, *entry = name;
	char snake[256], camel[256], lower[256], upper[256];
	const char *const forms[] = { name, camel, lower, upper, snake };
	struct buf b;
	size_t n;

	entry_word(name, snake, camel);
	(void) snprintf(lower, sizeof(lower), "%s", camel);
	(void) snprintf(upper, sizeof(upper), "%s", camel);
	if (lower[0] >= 'A' && lower[0] <= 'Z')
		lower[0] = (char)(lower[0] | 0x20);
	if (upper[0] >= 'a' && upper[0] <= 'z')
		upper[0] = (char)(upper[0] & ~0x20);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!mentions(job->program, job->program_len, forms[i]))
			continue;
		entry = forms[i];
		break;
	}
	buf_init(&b, 1 << 20);
	for (const char *at = job->language->entry_text; *at;) {
		if (str_starts(at, "{entry}")) {
			buf_adds(&b, entry);
			at += 7;
		} else if (str_starts(at, "{name}")) {
			buf_adds(&b, name);
			at += 6;
		} else {
			buf_addc(&b, *at++);
		}
	}
	if (b.error) {
		buf_clear(&b);
		return NULL;
	}
	return buf_steal(&b, &n);
}

static bool is_calls(const struct job *job)
{
	return job->task && job->task->task->kind != TESTS_STDIO;
}

/* As compile_spec(), with the recipe's driver beside the program. */
static bool compile_calls_spec(const struct job *job, struct box_spec *spec, struct run_files *files)
{
	const struct language *l = job->language;

	if (!compile_spec(l, job->program, job->program_len, spec, files))
		return false;
	str_list_free(files->argv);
	files->argv = fill_all(NULL, l->calls_compile_argv, 0, spec);
	spec->argv = (const char *const *)files->argv;
	files->files[spec->n_files++] = (struct box_file){ .name = l->driver_name, .data = l->driver,
							   .len = l->driver_len, .fd = -1 };
	if (l->entry_name) {
		files->entry = entry_text(job);
		files->files[spec->n_files++] = (struct box_file){
			.name = l->entry_name,
			.data = files->entry,
			.len = files->entry ? strlen(files->entry) : 0,
			.fd = -1,
		};
	}
	return files->argv && (!l->entry_name || files->entry);
}

bool compile_spec(const struct language *language, const char *source, size_t source_len,
		  struct box_spec *spec, struct run_files *files)
{
	const struct limits *limits = &language->compile_limits;

	*files = (struct run_files){ 0 };
	files->files[0] = (struct box_file){ .name = language->source, .data = source,
					     .len = source_len, .fd = -1 };
	*spec = (struct box_spec){
		.phase = BOX_COMPILE,
		.collect = language->compile_output,
		.collect_max = limits->file_bytes,
		.cpu_us = limits->cpu_us,
		.wall_us = limits_wall_us(limits),
		.memory_bytes = limits->memory_bytes,
		.output_bytes = limits->output_bytes,
		.stderr_keep = 1024,
		.file_bytes = limits->file_bytes,
		.processes = limits->processes,
	};
	return fill_spec(language, language->compile_argv, language->compile_env, true,
			 &language->compile_files, 0, spec, files);
}

bool run_spec(struct job *job, const struct language *language, int artifact_fd, const char *source,
	      size_t source_len, struct box_spec *spec, struct run_files *files)
{
	*files = (struct run_files){ 0 };
	files->files[0] = (struct box_file){ .fd = artifact_fd };
	if (artifact_fd >= 0) {
		files->files[0].name = language->compile_output;
		files->files[0].executable = true;
	} else {
		files->files[0].name = language->source;
		files->files[0].data = source;
		files->files[0].len = source_len;
	}
	if (!fill_spec(language, language->run_argv, language->run_env, false, &language->run_files,
		       job->seed, spec, files))
		return false;
	if (artifact_fd < 0)
		warm_spec_fill(job, language, "run", spec, &files->warm);
	return true;
}

bool calls_spec(struct job *job, const struct language *language, struct box_spec *spec,
		struct run_files *files)
{
	static const struct language_files none = { 0 };

	*files = (struct run_files){ 0 };
	if (job->artifact_fd >= 0)
		files->files[0] = (struct box_file){ .name = language->compile_output, .fd = job->artifact_fd,
						     .executable = true };
	else
		files->files[0] = (struct box_file){ .name = language->driver_name, .data = language->driver,
						     .len = language->driver_len, .fd = -1 };
	if (!fill_spec(language, language->calls_argv, language->calls_env, false, &none, job->seed, spec,
		       files))
		return false;
	warm_spec_fill(job, language, "calls", spec, &files->warm);
	return true;
}

void run_files_clear(struct run_files *f)
{
	str_list_free(f->env);
	str_list_free(f->argv);
	f->env = f->argv = NULL;
	mem_free(f->entry);
	f->entry = NULL;
	warm_spec_clear(&f->warm);
}

void compile_start(struct job *job)
{
	static const struct machine machine = { .ended = compile_ended };
	struct run_files files;
	struct box_spec spec;

	if (is_calls(job) ? compile_calls_spec(job, &spec, &files) :
			    compile_spec(job->language, job->program, job->program_len, &spec, &files)) {
		spec.stdout_keep = spec.stderr_keep = COMPILE_OUTPUT_KEEP;
		(void) job_box(job, &spec, &machine);
	} else {
		job_failed(job, "out of memory for compiling");
	}
	run_files_clear(&files);
}

/* --- what an end means --- */

static bool contains(const struct buf *b, const char *word)
{
	return memmem(b->data, b->len, word, strlen(word)) != NULL;
}

static bool was_memory(const struct language *l, const struct box_result *r)
{
	if (r->memory_hint)
		return true;
	for (char **w = l->memory_words; w && *w; w++)
		if (contains(&r->err, *w))
			return true;
	return false;
}

enum verdict end_verdict(const struct language *language, const struct box_result *r,
			 uint32_t *ret_flags, char why[200])
{
	enum verdict v = VERDICT_OK;
	uint32_t flags = r->flags;

	why[0] = '\0';
	switch (r->end) {
	case BOX_EXITED:
		if (r->exit_code == 0)
			break;
		flags |= FLAG_NONZERO_EXIT;
		v = VERDICT_RUNTIME_ERROR;
		(void) snprintf(why, 200, "exit code %d", r->exit_code);
		if (language->syntax_mark && r->err.len >= strlen(language->syntax_mark) &&
		    !memcmp(r->err.data, language->syntax_mark, strlen(language->syntax_mark))) {
			v = VERDICT_COMPILE_ERROR;
			flags &= ~(uint32_t)FLAG_NONZERO_EXIT;
			(void) snprintf(why, 200, "it is no %s program", language->title);
		}
		break;
	case BOX_SIGNALLED:
		flags |= FLAG_SIGNAL;
		/* The kernel's own limit may come before the spawner's clock. */
		if (r->signal == SIGXCPU)
			flags |= FLAG_CPU_LIMIT;
		v = VERDICT_RUNTIME_ERROR;
		(void) snprintf(why, 200, "killed by signal %d", r->signal);
		break;
	case BOX_CPU_LIMIT:
		flags |= FLAG_CPU_LIMIT;
		break;
	case BOX_WALL_LIMIT:
		flags |= FLAG_WALL_LIMIT;
		break;
	case BOX_MEMORY_LIMIT:
		flags |= FLAG_MEMORY_LIMIT;
		break;
	case BOX_OUTPUT_LIMIT:
		flags |= FLAG_OUTPUT_LIMIT;
		break;
	case BOX_VIOLATION:
		*ret_flags = flags;
		(void) snprintf(why, 200, "a forbidden system call");
		return VERDICT_SECURITY_VIOLATION;
	case BOX_EXEC_FAILED:
		/* A file that the compiler made from the candidate's text and that is no program. */
		if (language->compile_argv) {
			*ret_flags = flags;
			(void) snprintf(why, 200, "the compiled program cannot be run");
			return VERDICT_RUNTIME_ERROR;
		}
		/* fall through */
	default:
		(void) snprintf(why, 200, "%.190s", r->failure[0] ? r->failure : "the box was killed");
		*ret_flags = 0;
		return VERDICT_INTERNAL_ERROR;
	}
	if (v == VERDICT_RUNTIME_ERROR && was_memory(language, r))
		flags |= FLAG_MEMORY_LIMIT;
	*ret_flags = flags;
	if (v == VERDICT_COMPILE_ERROR)
		return v;
	if (flags & (FLAG_CPU_LIMIT | FLAG_WALL_LIMIT)) {
		(void) snprintf(why, 200, "%s", flags & FLAG_CPU_LIMIT ? "CPU time" : "wall time");
		return VERDICT_TIME_LIMIT;
	}
	if (flags & FLAG_MEMORY_LIMIT) {
		(void) snprintf(why, 200, "memory");
		return VERDICT_MEMORY_LIMIT;
	}
	if (flags & FLAG_OUTPUT_LIMIT) {
		(void) snprintf(why, 200, "output");
		return VERDICT_OUTPUT_LIMIT;
	}
	return v;
}
