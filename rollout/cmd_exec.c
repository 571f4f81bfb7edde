/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec.c - winnow exec: one program in the sandbox, one JSON object. */
#include <signal.h>
#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/base64.h"
#include "rollout/common.h"
#include "rollout/options.h"

#define PROGRAM_MAX (UINT64_C(16) << 20)
#define STDIN_MAX (UINT64_C(64) << 20)

/* obj[key] = the text; bytes that are no UTF-8 are replaced there, and then obj[key_base64] holds them all. */
static int set_text(json_t *obj, const char *key, const struct buf *text)
{
	cleanup_mem char *base64_key = NULL, *base64 = NULL;
	bool replaced;
	json_t *s = json_string_lossy(text->data, text->len, &replaced);

	if (!s || json_object_set_new(obj, key, s))
		return -1;
	if (!replaced)
		return 0;
	base64_key = mem_printf("%s_base64", key);
	base64 = base64_of(text->data, text->len);
	return base64_key && base64 ? json_object_set_new(obj, base64_key, json_string(base64)) : -1;
}

static json_t *number_or_null(int n, bool is)
{
	return is ? json_integer(n) : json_null();
}

static json_t *milliseconds(uint64_t us)
{
	return json_real((double)us / 1000.0);
}

static json_t *compile_json(const struct exec_result *r)
{
	json_t *c;

	if (!r->compiled)
		return json_null();
	c = json_pack("{s:s?, s:o, s:o, s:o}", "verdict", verdict_name(r->compile_verdict), "exit_code",
		      number_or_null(r->compile_exit_code, r->compile_exit_code >= 0), "wall_ms",
		      milliseconds(r->compile_wall_us), "cpu_ms", milliseconds(r->compile_cpu_us));
	if (c && set_text(c, "output", &r->compile_out)) {
		json_decref(c);
		return NULL;
	}
	return c;
}

/* The contract's object: its keys first and in its order, ours after them. */
static json_t *result_json(const struct exec_result *r, const char *language,
			   const struct sandbox_info *info)
{
	const char *abbrev = r->signal > 0 ? sigabbrev_np(r->signal) : NULL;
	cleanup_mem char *signal_name = abbrev ? mem_printf("SIG%s", abbrev) : NULL;
	cleanup_json json_t *j = json_pack(
		"{s:s?, s:o, s:o, s:s?, s:o, s:o, s:I}", "verdict", verdict_name(r->verdict),
		"exit_code", number_or_null(r->exit_code, r->exit_code >= 0), "signal",
		number_or_null(r->signal, r->signal > 0), "signal_name", signal_name, "wall_ms",
		milliseconds(r->wall_us), "cpu_ms", milliseconds(r->cpu_us), "memory_kib",
		(json_int_t)(r->memory_bytes / 1024));
	cleanup_json json_t *isolation = isolation_json(info);

	if (!j || !isolation || set_text(j, "stdout", &r->out) || set_text(j, "stderr", &r->err) ||
	    json_object_set_new(j, "stdout_truncated", json_boolean(r->out_truncated)) ||
	    json_object_set_new(j, "stderr_truncated", json_boolean(r->err_truncated)) ||
	    json_object_set_new(j, "compile", compile_json(r)) ||
	    (r->tier[0] && json_object_set_new(isolation, "tier", json_string(r->tier))) ||
	    json_object_set(j, "isolation", isolation) ||
	    json_object_set_new(j, "flags", flags_to_json(r->flags)) ||
	    json_object_set_new(j, "refused", r->refused ? json_loads(r->refused, 0, NULL) : json_object()) ||
	    json_object_set_new(j, "language", json_string(language)) ||
	    json_object_set_new(j, "toolchain",
				r->toolchain[0] ? json_string(r->toolchain) : json_null()))
		return NULL;
	if (r->failure[0] &&
	    json_object_set_new(j, "failure",
				json_string_lossy(r->failure, strlen(r->failure), NULL)))
		return NULL;
	return json_incref(j);
}

struct waiting {
	const char *language;
	const struct sandbox_info *info;
	bool done;
	enum verdict verdict;
	json_t *answer;
};

static void done(void *ctx, uint64_t id, struct exec_result *result)
{
	struct waiting *w = ctx;

	(void) id;
	w->done = true;
	w->verdict = result->verdict;
	w->answer = result_json(result, w->language, w->info);
}

/* Which language: --lang, else what the file's name says. */
static int choose_language(const struct options *o, const struct language_set *set, const char *path,
			   const struct language **ret, struct error *err)
{
	const char *lang = options_str(o, "lang");
	int r;

	if (lang) {
		r = language_wanted(set, lang, ret, err);
		return r < 0 ? error_prefix(err, r, "--lang") : 0;
	}
	*ret = str_eq(path, "-") ? NULL : language_by_extension(set, path);
	if (*ret)
		return 0;
	return error_set(err, ERR_INPUT, "--lang is needed: the name '%s' does not tell the language",
			 path);
}

static int run_one(struct judging *j, const struct exec_request *req,
		   struct error *err)
{
	struct waiting w = { .language = req->language, .info = judge_info(j->judge) };
	uint64_t id;
	int r = judge_exec(j->judge, req, done, &w, &id, err);

	while (r >= 0 && !w.done)
		r = judge_wait(j->judge, 1000000, err);
	if (r >= 0)
		r = answer_json(mem_steal(&w.answer), err);
	json_decref(w.answer);
	if (r < 0)
		return r;
	return w.verdict == VERDICT_INTERNAL_ERROR ? EXIT_WORK_REMAINS : EXIT_DONE;
}

static int exec_main(const struct globals *g, const struct options *o, struct error *err)
{
	cleanup_buf struct buf program = { 0 };
	cleanup_buf struct buf input = { 0 };
	static const struct limits none;
	struct judging j = { 0 };
	const struct language *lang;
	const char *path, *stdin_path = options_str(o, "stdin");
	int r = options_expect_args(o, 1, 1, err);

	(void) g;
	buf_init(&program, PROGRAM_MAX);
	buf_init(&input, STDIN_MAX);
	if (r < 0)
		return r;
	path = options_args(o)[0];
	if (stdin_path && str_eq(path, "-") && str_eq(stdin_path, "-"))
		return error_set(err, ERR_INPUT, "--stdin: standard input is the program already");
	/* The spawner is forked in here, so the larger inputs are read only after it. */
	r = judging_open(o, &j, err);
	if (r < 0)
		return r;
	r = choose_language(o, &j.languages, path, &lang, err);
	if (r == 0)
		r = read_input(path, NULL, &program, err);
	if (r == 0 && stdin_path)
		r = read_input(stdin_path, "--stdin", &input, err);
	if (r == 0 && !lang->present)
		r = error_set(err, ERR_INPUT, "the toolchain of '%s' is not installed; 'winnow doctor' tells more",
			      lang->name);
	if (r == 0) {
		struct exec_request req = {
			.language = lang->name,
			.program = program.data,
			.program_len = program.len,
			.stdin_data = input.len ? input.data : NULL,
			.stdin_len = input.len,
			.limits = limits_merge(&none, &j.over),
		};

		req.keep_bytes = req.limits.output_bytes;
		r = run_one(&j, &req, err);
	}
	judging_close(&j);
	return r;
}

static const struct option_spec exec_options[] = {
	{ "lang", OPTION_STRING, "L", NULL, "language of the program (default: by the file's name)", false },
	{ "stdin", OPTION_STRING, "FILE", NULL, "what the program reads; - for standard input (default: nothing)", false },
	COMMON_JUDGE_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_exec = {
	.name = "exec",
	.summary = "run one program in the sandbox and say how it ended, as one JSON object",
	.usage = "FILE",
	.description =
		"FILE is the program, - reads it from standard input. The answer is always one JSON object: "
		"verdict, exit_code and signal (null where there is none), wall_ms, cpu_ms, memory_kib, stdout, "
		"stderr, whether they were truncated, compile (null where nothing is compiled), isolation.\n\n"
		"Output that is not valid UTF-8 has its bad bytes replaced, and stdout_base64 or stderr_base64 "
		"holds all of it.\n\n"
		"The exit status is 0 whatever the verdict, 2 where there is no such file or language, 3 where "
		"the verdict is internal_error.",
	.options = exec_options,
	.main = exec_main,
};
