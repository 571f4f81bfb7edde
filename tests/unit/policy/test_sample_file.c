/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sample_file.c - the four shapes, what is wrong with broken ones (file,
 * line and words), and the real files where WINNOW_DATA is set.
 */
#include "tests/unit/policy/policy_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/compress.h"
#include "core/fs.h"
#include "core/str.h"

static struct task *tasks[6];
#define N_TASKS ARRAY_SIZE(tasks)

/* --- good files --- */

static struct good_case {
	const char *name, *text, *shape;
	/* one word a record: task:index:mode:text, by spaces; texts hold no space */
	const char *want;
} good_cases[] = {
	{ "human-eval", "{\"task_id\":\"T/0\",\"completion\":\"a\"}\n{\"task_id\":\"T/0\",\"completion\":\"b\"}\n"
			"{\"task_id\":\"T/1\",\"completion\":\"c\"}\n",
	  "human-eval", "T/0:0:completion:a T/0:1:completion:b T/1:0:completion:c" },
	{ "human-eval, numbered in any order", "{\"task_id\":\"T/0\",\"sample\":5,\"completion\":\"a\"}\n"
					       "{\"task_id\":\"T/0\",\"sample\":2,\"completion\":\"b\"}",
	  "human-eval", "T/0:5:completion:a T/0:2:completion:b" },
	{ "numbers that are no numbers: the order counts", "{\"task_id\":\"T/0\",\"sample\":\"x\",\"completion\":\"a\"}\n"
							   "{\"task_id\":\"T/0\",\"sample\":7,\"completion\":\"b\"}\n",
	  "human-eval", "T/0:0:completion:a T/0:1:completion:b" },
	{ "tasks mixed", "{\"task_id\":\"T/0\",\"completion\":\"a\"}\n{\"task_id\":\"T/1\",\"completion\":\"b\"}\n"
			 "{\"task_id\":\"T/0\",\"completion\":\"c\"}\n",
	  "human-eval", "T/0:0:completion:a T/1:0:completion:b T/0:1:completion:c" },
	{ "blank lines and CRLF", "\r\n{\"task_id\":\"T/0\",\"completion\":\"a\"}\r\n\n", "human-eval", "T/0:0:completion:a" },
	{ "evalplus", "{\"task_id\":\"T/0\",\"solution\":\"a\"}\n", "evalplus", "T/0:0:solution:a" },
	{ "of both, the solution", "{\"task_id\":\"T/0\",\"solution\":\"a\",\"completion\":\"b\"}\n", "evalplus", "T/0:0:solution:a" },
	{ "a mode of our own", "{\"task_id\":\"T/0\",\"completion\":\"a\",\"mode\":\"chat\"}\n", "human-eval", "T/0:0:chat:a" },
	{ "a number as task_id", "{\"task_id\":1,\"completion\":\"a\"}\n", "human-eval", "T/1:0:completion:a" },
	{ "an empty completion is a sample", "{\"task_id\":\"T/0\",\"completion\":\"\"}\n", "human-eval", "T/0:0:completion:" },
	{ "codet: by the def line, helpers before it",
	  "{\"prompt\":\"def helper(x):\\n    pass\\n\\n\\ndef f0(a):\\n    '''\",\"samples\":[\"a\",\"b\"]}\n", "codet",
	  "T/0:0:completion:a T/0:1:completion:b" },
	{ "codet: two tasks of one name, by their words", "{\"prompt\":\"def twin(x):\\n    the second\",\"samples\":[\"a\"]}\n"
							  "{\"prompt\":\"def twin(x):\\n    the first\",\"samples\":[\"b\"]}\n",
	  "codet", "T/3:0:completion:a T/2:0:completion:b" },
	{ "bigcode", "[[\"a\",\"b\"],[],[\"c\"]]", "bigcode", "T/0:0:solution:a T/0:1:solution:b T/2:0:solution:c" },
	{ "bigcode over lines", "[\n  [\"a\"],\n  [\"b\"]\n]\n", "bigcode", "T/0:0:solution:a T/1:0:solution:b" },
};

static const char *mode_name(enum extract_mode m)
{
	return m == EXTRACT_CHAT ? "chat" : m == EXTRACT_COMPLETION ? "completion" : "solution";
}

static void check_file(const char *path, const char *shape, const char *want)
{
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;
	cleanup_mem uint32_t *index = NULL;
	cleanup_buf struct buf is;

	buf_init(&is, 1 << 20);
	if (sample_file_read(path, tasks, N_TASKS, &f, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(sample_file_index(&f, &index, &err), 0);
	for (size_t i = 0; i < f.n; i++) {
		const struct sample_record *r = &f.items[i];

		buf_addf(&is, "%s%s:%u:%s:%.*s", i ? " " : "", r->task_id, index[i], mode_name(r->mode), (int)r->text_len, r->text);
		assert_string_equal(tasks[r->task]->id, r->task_id);
	}
	assert_string_equal(is.data, want);
	assert_string_equal(f.shape, shape);
	sample_file_clear(&f);
}

static void reads(void **state)
{
	const struct good_case *row = *state;
	cleanup_mem char *path = bench_text("good", row->text);

	check_file(path, row->shape, row->want);
	(void)unlink(path);
}

static void reads_compressed(void **state)
{
	const struct good_case *row = *state;
	struct compressor *c = NULL;
	struct error err = ERROR_INIT;
	cleanup_mem char *path = NULL;
	struct buf gz;

	buf_init(&gz, 1 << 20);
	assert_int_equal(compressor_new(COMPRESS_GZIP, &c, &err), 0);
	assert_int_equal(compressor_add(c, row->text, strlen(row->text), &gz, &err), 0);
	assert_int_equal(compressor_end(c, &gz, &err), 0);
	compressor_free(c);
	path = bench_file("good.gz", gz.data, gz.len);
	buf_clear(&gz);
	check_file(path, row->shape, row->want);
	(void)unlink(path);
}

/* --- broken files --- */

static struct bad_case {
	const char *name, *text;
	const char *want; /* after the file's name */
} bad_cases[] = {
	{ "an unknown task", "{\"task_id\":\"T/0\",\"completion\":\"a\"}\n{\"task_id\":\"X/9\",\"completion\":\"a\"}\n",
	  ":2: unknown task 'X/9'" },
	{ "neither completion nor solution", "{\"task_id\":\"T/0\",\"text\":\"a\"}\n",
	  ":1: the sample has neither 'completion' nor 'solution'" },
	{ "no task_id", "{\"completion\":\"a\"}\n", ":1: the sample has no 'task_id'" },
	{ "a task_id that is a list", "{\"task_id\":[],\"completion\":\"a\"}\n", ":1: 'task_id' is not a string" },
	{ "a completion that is null", "{\"task_id\":\"T/0\",\"completion\":null}\n", ":1: 'completion' is not a string" },
	{ "truncated JSON", "{\"task_id\":\"T/0\",\"completion\":\"a\"}\n\n{\"task_id\":\"T/0\",\"comple", ":3: not JSON: " },
	{ "invalid UTF-8", "{\"task_id\":\"T/0\",\"completion\":\"\xff\"}\n", ":1: not JSON: " },
	{ "two values in a line", "{\"task_id\":\"T/0\",\"completion\":\"a\"} {}\n", ":1: not JSON: " },
	{ "not an object", "{\"task_id\":\"T/0\",\"completion\":\"a\"}\n7\n", ":2: not a JSON object" },
	{ "nothing", "", ": holds no samples" },
	{ "nothing but blank lines", "\n\n", ": holds no samples" },
	{ "an unknown mode", "{\"task_id\":\"T/0\",\"completion\":\"a\",\"mode\":\"loud\"}\n",
	  ":1: 'mode' is none of \"chat\", \"completion\", \"solution\"" },
	{ "a language that is a number", "{\"task_id\":\"T/0\",\"completion\":\"a\",\"language\":3}\n", ":1: 'language' is not a string" },
	{ "codet: no def", "{\"prompt\":\"import x\",\"samples\":[\"a\"]}\n",
	  ":1: the prompt has no line 'def NAME' to join it to a task by" },
	{ "codet: no such entry point", "{\"prompt\":\"def g(x):\",\"samples\":[\"a\"]}\n",
	  ":1: unknown task: none has the entry point 'g'" },
	{ "codet: two fit alike", "{\"prompt\":\"def twin(x):\\n    the\",\"samples\":[\"a\"]}\n",
	  ":1: 2 tasks have the entry point 'twin' and fit the prompt alike" },
	{ "codet: a sample that is no string", "{\"prompt\":\"def f0(a):\",\"samples\":[\"a\",3]}\n", ":1: 'samples[1]' is not a string" },
	{ "codet: samples that are no list", "{\"prompt\":\"def f0(a):\",\"samples\":3}\n", ":1: 'samples' is not a list" },
	{ "bigcode: more tasks than there are", "[[],[],[],[],[],[],[\"a\"]]",
	  ": unknown task: the list has 7 tasks, but there are only 6" },
	{ "bigcode: not a list of lists", "[\"a\"]", ": item [0] is not a list of strings" },
	{ "bigcode: not strings", "[[\"a\",1]]", ": item [0][1] is not a string" },
	{ "bigcode: truncated", "[[\"a\",", ": not JSON: " },
};

static void refuses(void **state)
{
	const struct bad_case *row = *state;
	cleanup_mem char *path = bench_text("bad", row->text);
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;
	size_t n = strlen(path);

	assert_int_equal(sample_file_read(path, tasks, N_TASKS, &f, &err), ERR_INPUT);
	assert_null(f.items);
	if (strncmp(err.msg, path, n) != 0 || !str_starts(err.msg + n, row->want) ||
	    (!str_ends(row->want, ": ") && strcmp(err.msg + n, row->want) != 0))
		fail_msg("'%s' is not FILE'%s'", err.msg, row->want);
	(void)unlink(path);
}

static void index__one_number_twice_names_both_lines(void **state)
{
	cleanup_mem char *path = bench_text("twice", "{\"task_id\":\"T/0\",\"sample\":3,\"completion\":\"a\"}\n"
						     "{\"task_id\":\"T/1\",\"sample\":3,\"completion\":\"a\"}\n"
						     "{\"task_id\":\"T/0\",\"sample\":3,\"completion\":\"b\"}\n");
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;
	uint32_t *index = NULL;

	(void)state;
	assert_int_equal(sample_file_read(path, tasks, N_TASKS, &f, &err), 0);
	assert_int_equal(sample_file_index(&f, &index, &err), ERR_INPUT);
	assert_null(index);
	assert_string_equal(err.msg + strlen(path), ":3: task 'T/0' has sample 3 twice, first in line 1");
	sample_file_clear(&f);
	(void)unlink(path);
}

static void index__a_number_beyond_what_ids_hold(void **state)
{
	cleanup_mem char *path = bench_text("beyond", "{\"task_id\":\"T/0\",\"sample\":131072,\"completion\":\"a\"}\n");
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;
	uint32_t *index = NULL;

	(void)state;
	assert_int_equal(sample_file_read(path, tasks, N_TASKS, &f, &err), 0);
	assert_int_equal(sample_file_index(&f, &index, &err), ERR_INPUT);
	assert_string_equal(err.msg + strlen(path), ":1: 'sample' of task 'T/0' is beyond 131071");
	sample_file_clear(&f);
	(void)unlink(path);
}

static void read__other_fields_are_kept(void **state)
{
	cleanup_mem char *path = bench_text("extra", "{\"task_id\":\"T/0\",\"completion\":\"a\",\"language\":\"c\",\"reasoning\":\"r\","
						     "\"finish_reason\":\"length\",\"sample\":1,\"model\":\"m\",\"x\":[1]}\n"
						     "{\"task_id\":\"T/0\",\"sample\":0,\"completion\":\"a\\u0000b\"}\n");
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sample_file_read(path, tasks, N_TASKS, &f, &err), 0);
	assert_int_equal(json_object_size(f.items[0].extra), 2);
	assert_string_equal(json_get_str(f.items[0].extra, "model"), "m");
	assert_string_equal(f.items[0].language, "c");
	assert_string_equal(f.items[0].reasoning, "r");
	assert_string_equal(f.items[0].finish_reason, "length");
	assert_int_equal(f.items[0].line, 1);
	assert_null(f.items[1].extra);
	assert_null(f.items[1].language);
	assert_int_equal(f.items[1].text_len, 3);
	assert_memory_equal(f.items[1].text, "a\0b", 4);
	assert_ptr_equal(f.items[0].task_id, f.items[1].task_id); /* held once */
	sample_file_clear(&f);
	(void)unlink(path);
}

static void read__without_tasks_nothing_is_joined(void **state)
{
	cleanup_mem char *path = bench_text("alone", "{\"task_id\":\"any\",\"completion\":\"a\"}\n");
	cleanup_mem char *codet = bench_text("alone-codet", "{\"prompt\":\"def f0():\",\"samples\":[\"a\"]}\n");
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sample_file_read(path, NULL, 0, &f, &err), 0);
	assert_string_equal(f.items[0].task_id, "any");
	assert_true(f.items[0].task == SAMPLE_NO_TASK);
	sample_file_clear(&f);
	assert_int_equal(sample_file_read(codet, NULL, 0, &f, &err), ERR_INPUT);
	(void)unlink(path);
	(void)unlink(codet);
}

static void read__no_such_file(void **state)
{
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(sample_file_read("/nonexistent/x.jsonl", tasks, N_TASKS, &f, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "/nonexistent/x.jsonl"));
}

static void put_file(const char *dir, const char *sub, const char *name, const char *text)
{
	cleanup_mem char *folder = fs_join(dir, sub);
	cleanup_mem char *path = fs_join(folder, name);
	struct error err = ERROR_INIT;

	assert_int_equal(fs_mkdir_all(folder, &err), 0);
	assert_int_equal(fs_write_file(path, text, strlen(text), &err), 0);
}

static void read__a_folder_of_evalplus(void **state)
{
	cleanup_mem char *dir = mem_printf("%s/winnow-%d-evalplus", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	struct error err = ERROR_INIT;
	struct sample_file f = { 0 };

	(void)state;
	put_file(dir, "T_0", "0.py", "zero");
	put_file(dir, "T_0", "10.py", "ten");
	put_file(dir, "T_0", "2.py", "two");
	put_file(dir, "T_1", "0.cpp", "cpp");
	put_file(dir, ".", "eval_results.json", "{}");
	check_file(dir, "evalplus", "T/0:0:solution:zero T/0:10:solution:ten T/0:2:solution:two T/1:0:solution:cpp");
	assert_int_equal(sample_file_read(dir, tasks, N_TASKS, &f, &err), 0);
	assert_string_equal(f.items[0].language, "python");
	assert_string_equal(f.items[3].language, "cpp");
	sample_file_clear(&f);
	put_file(dir, "T_9", "0.py", "x");
	assert_int_equal(sample_file_read(dir, tasks, N_TASKS, &f, &err), ERR_INPUT);
	assert_string_equal(err.msg + strlen(dir), "/T_9: unknown task 'T_9'");
	(void)fs_remove_tree(dir, &err);
}

/* Every allocation fails in turn: ERR_NOMEM (or what a library makes of it), and nothing is left. */
static void read__no_memory(void **state)
{
	cleanup_mem char *path = bench_text("nomem", good_cases[0].text);
	unsigned long nth;

	(void)state;
	for (nth = 1;; nth++) {
		struct sample_file f = { 0 };
		struct error err = ERROR_INIT;
		uint32_t *index = NULL;
		bool fired;
		int r;

		mem_fault_at(nth);
		r = sample_file_read(path, tasks, N_TASKS, &f, &err);
		if (r >= 0)
			r = sample_file_index(&f, &index, &err);
		fired = mem_fault_fired();
		mem_fault_at(0);
		mem_free(index);
		sample_file_clear(&f);
		if (!fired) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
	assert_true(nth > 10);
	(void)unlink(path);
}

/* --- the real files --- */

/* HumanEval.jsonl, read no further than these tests need. */
static struct task **human_eval(const char *data, size_t *ret_n)
{
	cleanup_mem char *path = mem_printf("%s/humaneval/HumanEval.jsonl", data);
	struct task **list = mem_calloc(200, sizeof(*list));
	struct fs_lines *lines = NULL;
	struct error err = ERROR_INIT;
	const char *line;
	size_t len, n = 0;

	if (fs_lines_open(path, 1 << 20, &lines, &err) < 0)
		fail_msg("%s", err.msg);
	while (n < 200 && fs_lines_next(lines, &line, &len, &err) > 0) {
		cleanup_json json_t *j = NULL;

		assert_int_equal(json_parse(line, len, &j, &err), 0);
		list[n++] = bench_task(json_get_str(j, "task_id"), json_get_str(j, "entry_point"), json_get_str(j, "prompt"), true);
	}
	fs_lines_close(lines);
	*ret_n = n;
	return list;
}

static void real_file(const char *name, const char *shape, size_t want_n, size_t want_a_task)
{
	const char *data = getenv("WINNOW_DATA");
	cleanup_mem char *path = NULL;
	cleanup_mem uint32_t *index = NULL;
	struct sample_file f = { 0 };
	struct error err = ERROR_INIT;
	size_t counts[200] = { 0 }, n = 0;
	struct task **list;

	if (!data) {
		print_message("skipped: WINNOW_DATA is not set\n");
		skip();
	}
	path = mem_printf("%s/samples/%s", data, name);
	list = human_eval(data, &n);
	assert_int_equal(n, 164);
	if (sample_file_read(path, list, n, &f, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(f.n, want_n);
	assert_string_equal(f.shape, shape);
	if (sample_file_index(&f, &index, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < f.n; i++) {
		assert_true(index[i] < want_a_task);
		counts[f.items[i].task]++;
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(counts[i], want_a_task);
		task_free(list[i]);
	}
	sample_file_clear(&f);
	mem_free(list);
}

static void real__codegen_16b(void **state)
{
	(void)state;
	real_file("humaneval_codegen16b_n100.jsonl", "human-eval", 16400, 100);
}

static void real__codet_joins_all_tasks(void **state)
{
	(void)state;
	real_file("codet/HumanEval_codegen16B_temp0.8_topp0.95_num100_max300_code_solution.jsonl", "codet", 16400, 100);
}

static void real__llmdebugger(void **state)
{
	(void)state;
	real_file("llmdebugger/humaneval/gpt-3.5-turbo-0613/seed.jsonl", "evalplus", 164, 1);
}

/* What was cut out of the raw file is where the raw file says: the join is right, sample by sample. */
static void real__codet_agrees_with_what_was_made_of_it(void **state)
{
	const char *data = getenv("WINNOW_DATA");
	struct sample_file raw = { 0 }, cut = { 0 };
	struct error err = ERROR_INIT;
	cleanup_mem char *raw_path = NULL;
	cleanup_mem char *cut_path = NULL;
	cleanup_mem size_t *place = NULL;
	cleanup_mem uint32_t *raw_index = NULL;
	cleanup_mem uint32_t *cut_index = NULL;
	struct task **list;
	size_t n = 0;

	(void)state;
	if (!data) {
		print_message("skipped: WINNOW_DATA is not set\n");
		skip();
	}
	raw_path = mem_printf("%s/samples/codet/HumanEval_codegen16B_temp0.8_topp0.95_num100_max300_code_solution.jsonl", data);
	cut_path = mem_printf("%s/samples/humaneval_codegen16b_n100.jsonl", data);
	list = human_eval(data, &n);
	assert_int_equal(sample_file_read(raw_path, list, n, &raw, &err), 0);
	assert_int_equal(sample_file_read(cut_path, list, n, &cut, &err), 0);
	assert_int_equal(sample_file_index(&raw, &raw_index, &err), 0);
	assert_int_equal(sample_file_index(&cut, &cut_index, &err), 0);
	place = mem_calloc(n * 100, sizeof(*place));
	for (size_t i = 0; i < raw.n; i++)
		place[raw.items[i].task * 100 + raw_index[i]] = i;
	for (size_t i = 0; i < cut.n; i++) {
		const struct sample_record *c = &cut.items[i];
		const struct sample_record *r = &raw.items[place[c->task * 100 + cut_index[i]]];

		assert_true(r->text_len >= c->text_len);
		assert_memory_equal(r->text, c->text, c->text_len);
	}
	for (size_t i = 0; i < n; i++)
		task_free(list[i]);
	mem_free(list);
	sample_file_clear(&raw);
	sample_file_clear(&cut);
}

static int start(void **state)
{
	(void)state;
	tasks[0] = bench_task("T/0", "f0", "def f0(a):\n    '''Words.'''\n", true);
	tasks[1] = bench_task("T/1", "f1", "def f1(a):\n", true);
	tasks[2] = bench_task("T/2", "twin", "\ndef twin(x):\n    the first of them", true);
	tasks[3] = bench_task("T/3", "twin", "\ndef twin(x):\n    the second of them", true);
	tasks[4] = bench_task("a", "f4", "Write f4.", false);
	tasks[5] = bench_task("b", "f5", "Write f5.", false);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TASKS; i++)
		task_free(tasks[i]);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest singles[] = {
		cmocka_unit_test(index__one_number_twice_names_both_lines),
		cmocka_unit_test(index__a_number_beyond_what_ids_hold),
		cmocka_unit_test(read__other_fields_are_kept),
		cmocka_unit_test(read__without_tasks_nothing_is_joined),
		cmocka_unit_test(read__no_such_file),
		cmocka_unit_test(read__a_folder_of_evalplus),
		cmocka_unit_test(read__no_memory),
		cmocka_unit_test(real__codegen_16b),
		cmocka_unit_test(real__codet_joins_all_tasks),
		cmocka_unit_test(real__llmdebugger),
		cmocka_unit_test(real__codet_agrees_with_what_was_made_of_it),
	};
	struct CMUnitTest tests[2 * ARRAY_SIZE(good_cases) + ARRAY_SIZE(bad_cases) + ARRAY_SIZE(singles)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
		tests[n++] = (struct CMUnitTest){ .name = good_cases[i].name, .test_func = reads, .initial_state = &good_cases[i] };
		tests[n++] = (struct CMUnitTest){ .name = good_cases[i].name, .test_func = reads_compressed,
						  .initial_state = &good_cases[i] };
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = bad_cases[i].name, .test_func = refuses, .initial_state = &bad_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		tests[n++] = singles[i];
	return cmocka_run_group_tests(tests, start, stop);
}
