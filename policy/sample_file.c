/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_file.c - recorded completions, in the shapes that other tools write
 * (docs/formats/samples.md):
 *
 *   human-eval  {"task_id","completion"} lines
 *   evalplus    {"task_id","solution"} lines, or a folder DIR/TASK/ID.py
 *   bigcode     one JSON list (tasks) of lists (samples) of strings
 *   codet       {"prompt","samples":[…]} lines
 *
 * A text is held once: lines are read one at a time, and of each the text and
 * the unknown fields are kept.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>
#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "policy/sample_names.h"

#define MAX_LINE (UINT64_C(256) << 20)
#define MAX_FILE (UINT64_C(8) << 30)
#define MAX_SOLUTION (UINT64_C(64) << 20)
#define MAX_INDEX ((1u << 17) - 1) /* 17 bits of a sample's id */

struct reader {
	struct sample_file *f;
	size_t cap;
	struct sample_join join;
};

static void record_clear(struct sample_record *r)
{
	json_decref(r->sample);
	json_decref(r->extra);
	mem_free(r->text);
	mem_free(r->reasoning);
	*r = (struct sample_record){ 0 };
}

void sample_file_clear(struct sample_file *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		record_clear(&f->items[i]);
	mem_free(f->items);
	mem_free(f->path);
	sample_names_free(f->names);
	*f = (struct sample_file){ 0 };
}

/* A zeroed record at the end of the file's list; NULL: no memory. */
static struct sample_record *record_add(struct reader *rd, unsigned long line)
{
	struct sample_file *f = rd->f;
	struct sample_record *r;

	if (!mem_grow(&f->items, &rd->cap, f->n + 1, sizeof(*f->items)))
		return NULL;
	r = &f->items[f->n++];
	*r = (struct sample_record){ .line = line, .task = SAMPLE_NO_TASK };
	return r;
}

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

/* "file:line: …" */
static int broken(const struct reader *rd, unsigned long line, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int broken(const struct reader *rd, unsigned long line, struct error *err, const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = error_setv(err, ERR_INPUT, fmt, ap);
	va_end(ap);
	return error_prefix(err, code, "%s:%lu", rd->f->path, line);
}

static int set_text(struct sample_record *r, const json_t *text, struct error *err)
{
	r->text_len = json_string_length(text);
	r->text = mem_memdup(json_string_value(text), r->text_len);
	return r->text ? 0 : nomem(err);
}

/* An optional string of the record, as one shared copy. */
static int take_word(struct reader *rd, json_t *obj, const char *key, unsigned long line, const char **ret,
		     struct error *err)
{
	const json_t *j = json_object_get(obj, key);

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_string(j))
		return broken(rd, line, err, "'%s' is not a string", key);
	*ret = sample_names_add(rd->f->names, json_string_value(j));
	return *ret ? 0 : nomem(err);
}

static int take_mode(struct reader *rd, json_t *obj, struct sample_record *r, struct error *err)
{
	static const char *const words[] = {
		[EXTRACT_CHAT] = "chat", [EXTRACT_COMPLETION] = "completion", [EXTRACT_SOLUTION] = "solution"
	};
	const json_t *j = json_object_get(obj, "mode");

	if (!j || json_is_null(j))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (json_is_string(j) && strcmp(json_string_value(j), words[i]) == 0) {
			r->mode = (enum extract_mode)i;
			return 0;
		}
	}
	return broken(rd, r->line, err, "'mode' is none of \"chat\", \"completion\", \"solution\"");
}

/* The task that the record names; a number is as good as a string. */
static int take_task(struct reader *rd, json_t *obj, unsigned long line, const char **ret_id, size_t *ret_task,
		     struct error *err)
{
	const json_t *j = json_object_get(obj, "task_id");
	cleanup_mem char *number = NULL;
	const char *id = json_string_value(j);
	size_t task;

	if (json_is_integer(j)) {
		id = number = mem_printf("%lld", (long long)json_integer_value(j));
		if (!id)
			return nomem(err);
	}
	if (!j)
		return broken(rd, line, err, "the sample has no 'task_id'");
	if (!id)
		return broken(rd, line, err, "'task_id' is not a string");
	if (rd->join.n_tasks > 0) {
		if (!sample_join_by_id(&rd->join, id, &task))
			return broken(rd, line, err, "unknown task '%s'", id);
		*ret_task = task;
		id = rd->join.tasks[task]->id;
	}
	*ret_id = sample_names_add(rd->f->names, id);
	return *ret_id ? 0 : nomem(err);
}

/* What is left of the object when the fields that we read are gone. */
static json_t *take_extra(json_t *obj)
{
	static const char *const known[] = { "task_id", "sample", "completion", "solution", "mode",
					     "language", "reasoning", "finish_reason" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		(void)json_object_del(obj, known[i]);
	return json_object_size(obj) > 0 ? json_incref(obj) : NULL;
}

/* One {"task_id","completion"} or {"task_id","solution"} object. */
static int read_record(struct reader *rd, json_t *obj, unsigned long line, struct error *err)
{
	json_t *completion = json_object_get(obj, "completion");
	json_t *solution = json_object_get(obj, "solution");
	json_t *reasoning = json_object_get(obj, "reasoning");
	json_t *text = solution ? solution : completion; /* of both, evalplus reads the solution */
	struct sample_record *r;
	int code;

	if (!text)
		return broken(rd, line, err, "the sample has neither 'completion' nor 'solution'");
	if (!json_is_string(text))
		return broken(rd, line, err, "'%s' is not a string", solution ? "solution" : "completion");
	if (reasoning && !json_is_null(reasoning) && !json_is_string(reasoning))
		return broken(rd, line, err, "'reasoning' is not a string");
	r = record_add(rd, line);
	if (!r)
		return nomem(err);
	r->mode = solution ? EXTRACT_SOLUTION : EXTRACT_COMPLETION;
	if ((code = take_task(rd, obj, line, &r->task_id, &r->task, err)) < 0 ||
	    (code = take_mode(rd, obj, r, err)) < 0 ||
	    (code = take_word(rd, obj, "language", line, &r->language, err)) < 0 ||
	    (code = take_word(rd, obj, "finish_reason", line, &r->finish_reason, err)) < 0 ||
	    (code = set_text(r, text, err)) < 0)
		return code;
	if (json_is_string(reasoning)) {
		r->reasoning = mem_strdup(json_string_value(reasoning));
		if (!r->reasoning)
			return nomem(err);
	}
	r->sample = json_incref(json_object_get(obj, "sample"));
	if (!rd->f->shape)
		rd->f->shape = solution ? "evalplus" : "human-eval";
	r->extra = take_extra(obj);
	return 0;
}

/* One {"prompt","samples":[…]} object. */
static int read_codet(struct reader *rd, json_t *obj, unsigned long line, struct error *err)
{
	const json_t *prompt = json_object_get(obj, "prompt");
	const json_t *samples = json_object_get(obj, "samples");
	const char *id = NULL;
	size_t task = SAMPLE_NO_TASK;
	json_t *text;
	size_t i;
	int code;

	if (!json_is_array(samples))
		return broken(rd, line, err, "'samples' is not a list");
	if (json_object_get(obj, "task_id")) {
		code = take_task(rd, obj, line, &id, &task, err);
		if (code < 0)
			return code;
	} else if (rd->join.n_tasks == 0) {
		return broken(rd, line, err, "the sample has no 'task_id', and there are no tasks to join its prompt to");
	} else {
		if (!json_is_string(prompt))
			return broken(rd, line, err, "'prompt' is not a string");
		code = sample_join_by_prompt(&rd->join, json_string_value(prompt), &task, err);
		if (code < 0)
			return error_prefix(err, code, "%s:%lu", rd->f->path, line);
		id = sample_names_add(rd->f->names, rd->join.tasks[task]->id);
		if (!id)
			return nomem(err);
	}
	json_array_foreach(samples, i, text) {
		struct sample_record *r;

		if (!json_is_string(text))
			return broken(rd, line, err, "'samples[%zu]' is not a string", i);
		r = record_add(rd, line);
		if (!r)
			return nomem(err);
		r->task_id = id;
		r->task = task;
		r->mode = EXTRACT_COMPLETION;
		code = set_text(r, text, err);
		if (code < 0)
			return code;
	}
	if (!rd->f->shape)
		rd->f->shape = "codet";
	return 0;
}

static int read_line(struct reader *rd, const char *text, size_t n, unsigned long line, struct error *err)
{
	cleanup_json json_t *obj = NULL;
	int code = json_parse(text, n, &obj, err);

	if (code < 0)
		return error_prefix(err, code, "%s:%lu", rd->f->path, line);
	if (!json_is_object(obj))
		return broken(rd, line, err, "not a JSON object");
	if (json_object_get(obj, "samples") && !json_object_get(obj, "completion") && !json_object_get(obj, "solution"))
		return read_codet(rd, obj, line, err);
	return read_record(rd, obj, line, err);
}

/* The whole file is one JSON list: generations.json. */
static int read_bigcode(struct reader *rd, struct error *err)
{
	const char *path = rd->f->path;
	cleanup_json json_t *root = NULL;
	cleanup_buf struct buf raw, text;
	json_t *list, *item;
	size_t i, k;
	int code;

	buf_init(&raw, MAX_FILE);
	buf_init(&text, MAX_FILE);
	code = fs_read_file(path, &raw, err);
	if (code < 0)
		return code;
	code = decompress_all(raw.data, raw.len, &text, err);
	if (code < 0)
		return error_prefix(err, code, "%s", path);
	buf_clear(&raw);
	code = json_parse(text.data, text.len, &root, err);
	if (code < 0)
		return error_prefix(err, code, "%s", path);
	buf_clear(&text);
	if (rd->join.n_tasks == 0)
		return error_set(err, ERR_INPUT, "%s: the samples are known by position, and there are no tasks", path);
	if (json_array_size(root) > rd->join.n_tasks)
		return error_set(err, ERR_INPUT, "%s: unknown task: the list has %zu tasks, but there are only %zu", path,
				 json_array_size(root), rd->join.n_tasks);
	rd->f->shape = "bigcode";
	json_array_foreach(root, i, list) {
		const char *id = sample_names_add(rd->f->names, rd->join.tasks[i]->id);

		if (!id)
			return nomem(err);
		if (!json_is_array(list))
			return error_set(err, ERR_INPUT, "%s: item [%zu] is not a list of strings", path, i);
		json_array_foreach(list, k, item) {
			struct sample_record *r;

			if (!json_is_string(item))
				return error_set(err, ERR_INPUT, "%s: item [%zu][%zu] is not a string", path, i, k);
			r = record_add(rd, 1);
			if (!r)
				return nomem(err);
			r->task = i;
			r->task_id = id;
			/* The harness writes prompt + completion: a whole program. */
			r->mode = EXTRACT_SOLUTION;
			code = set_text(r, item, err);
			if (code < 0)
				return code;
		}
	}
	return 0;
}

static int read_lines(struct reader *rd, struct error *err)
{
	struct fs_lines *lines = NULL;
	const char *line;
	size_t n;
	bool is_list = false;
	int code;

	code = fs_lines_open(rd->f->path, MAX_LINE, &lines, err);
	if (code < 0)
		return code;
	while ((code = fs_lines_next(lines, &line, &n, err)) > 0) {
		size_t blank = strspn(line, " \t\r");

		if (blank >= n)
			continue;
		if (line[blank] == '[' && rd->f->n == 0) {
			is_list = true;
			break;
		}
		code = read_line(rd, line, n, fs_lines_number(lines), err);
		if (code < 0)
			break;
	}
	fs_lines_close(lines);
	if (is_list)
		return read_bigcode(rd, err);
	return code < 0 ? code : 0;
}

static const char *language_of_suffix(const char *suffix)
{
	static const struct { const char *suffix, *language; } table[] = {
		{ ".py", "python" }, { ".c", "c" }, { ".cc", "cpp" }, { ".cpp", "cpp" }, { ".js", "javascript" },
		{ ".go", "go" },     { ".rs", "rust" }, { ".java", "java" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].suffix, suffix) == 0)
			return table[i].language;
	return NULL;
}

/* DIR/TASK/ID.py */
static int read_solution(struct reader *rd, const char *path, const char *name, size_t task, const char *id,
			 struct error *err)
{
	const char *dot = strrchr(name, '.');
	const char *language = dot ? language_of_suffix(dot) : NULL;
	cleanup_mem char *stem = NULL;
	cleanup_buf struct buf text = { 0 };
	struct sample_record *r;
	uint64_t number;
	size_t bad;
	int code;

	if (!language)
		return error_set(err, ERR_INPUT, "%s: not a program of a known suffix (.py .c .cpp .js .go .rs .java)", path);
	buf_init(&text, MAX_SOLUTION);
	code = fs_read_file(path, &text, err);
	if (code < 0)
		return code;
	bad = str_utf8_valid(text.data, text.len);
	if (bad < text.len)
		return error_set(err, ERR_INPUT, "%s: invalid UTF-8 at byte %zu", path, bad + 1);
	r = record_add(rd, 0);
	if (!r)
		return nomem(err);
	r->mode = EXTRACT_SOLUTION;
	r->task = task;
	r->task_id = id;
	r->language = sample_names_add(rd->f->names, language);
	r->text = buf_steal(&text, &r->text_len);
	stem = mem_strndup(name, (size_t)(dot - name));
	if (!r->language || !r->text || !stem)
		return nomem(err);
	if (str_parse_u64(stem, "sample", 0, MAX_INDEX, &number, NULL) >= 0) {
		r->sample = json_integer((json_int_t)number);
		if (!r->sample)
			return nomem(err);
	}
	return 0;
}

static int read_task_folder(struct reader *rd, const char *folder, const char *name, struct error *err)
{
	cleanup_mem char *path = fs_join(folder, name);
	char **files = NULL;
	const char *id = name;
	size_t task = SAMPLE_NO_TASK, n = 0;
	int code = 0;

	if (!path)
		return nomem(err);
	if (name[0] == '.' || !fs_is_dir(path))
		return 0; /* results stand beside the tasks' folders */
	if (rd->join.n_tasks > 0) {
		if (!sample_join_by_folder(&rd->join, name, &task))
			return error_set(err, ERR_INPUT, "%s: unknown task '%s'", path, name);
		id = rd->join.tasks[task]->id;
	}
	id = sample_names_add(rd->f->names, id);
	if (!id)
		return nomem(err);
	code = fs_list(path, &files, &n, err);
	for (size_t i = 0; i < n && code >= 0; i++) {
		cleanup_mem char *file = NULL;

		if (files[i][0] == '.')
			continue;
		file = fs_join(path, files[i]);
		code = file ? read_solution(rd, file, files[i], task, id, err) : nomem(err);
	}
	str_list_free(files);
	return code < 0 ? code : 0;
}

static int read_folder(struct reader *rd, struct error *err)
{
	char **names = NULL;
	size_t n = 0;
	int code = fs_list(rd->f->path, &names, &n, err);

	rd->f->shape = "evalplus";
	for (size_t i = 0; i < n && code >= 0; i++)
		code = read_task_folder(rd, rd->f->path, names[i], err);
	str_list_free(names);
	return code < 0 ? code : 0;
}

int sample_file_read(const char *path, struct task *const *tasks, size_t n_tasks, struct sample_file *ret, struct error *err)
{
	struct sample_file f = { .path = mem_strdup(path), .names = sample_names_new() };
	struct reader rd = { .f = &f };
	int code;

	if (f.path && f.names)
		code = sample_join_init(&rd.join, tasks, n_tasks, err);
	else
		code = nomem(err);
	if (code >= 0)
		code = fs_is_dir(path) ? read_folder(&rd, err) : read_lines(&rd, err);
	if (code >= 0 && f.n == 0)
		code = error_set(err, ERR_INPUT, "%s: holds no samples", path);
	sample_join_clear(&rd.join);
	if (code < 0) {
		sample_file_clear(&f);
		return code;
	}
	*ret = f;
	return 0;
}

/* --- indices --- */

struct numbered {
	const char *task_id; /* one pointer a task: names are shared */
	size_t record;
	json_int_t number;
};

static int by_task(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->task_id != y->task_id)
		return (uintptr_t)x->task_id < (uintptr_t)y->task_id ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

static int by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

static int out_of_range(const struct sample_file *f, const struct sample_record *r, struct error *err)
{
	return error_set(err, ERR_INPUT, "%s:%lu: 'sample' of task '%s' is beyond %u", f->path, r->line, r->task_id, MAX_INDEX);
}

/* The records of one task, n of them, in file order. */
static int index_task(const struct sample_file *f, struct numbered *list, size_t n, uint32_t *ret, struct error *err)
{
	const struct numbered *twice = NULL;
	bool numbered = true;

	for (size_t i = 0; i < n && numbered; i++) {
		const json_t *j = f->items[list[i].record].sample;

		numbered = json_is_integer(j) && json_integer_value(j) >= 0;
		list[i].number = numbered ? json_integer_value(j) : 0;
	}
	if (!numbered) {
		for (size_t i = 0; i < n; i++)
			list[i].number = (json_int_t)i;
	} else {
		qsort(list, n, sizeof(*list), by_number);
	}
	for (size_t i = 0; i < n; i++) {
		const struct sample_record *r = &f->items[list[i].record];

		if (list[i].number > MAX_INDEX)
			return out_of_range(f, r, err);
		if (i > 0 && list[i].number == list[i - 1].number && (!twice || list[i].record < twice->record))
			twice = &list[i];
		ret[list[i].record] = (uint32_t)list[i].number;
	}
	if (twice)
		return error_set(err, ERR_INPUT, "%s:%lu: task '%s' has sample %lld twice, first in line %lu", f->path,
				 f->items[twice->record].line, twice->task_id, (long long)twice->number,
				 f->items[twice[-1].record].line);
	return 0;
}

int sample_file_index(const struct sample_file *f, uint32_t **ret, struct error *err)
{
	cleanup_mem struct numbered *list = mem_calloc(f->n, sizeof(*list));
	cleanup_mem uint32_t *index = mem_calloc(f->n, sizeof(*index));
	size_t end;
	int code;

	if (!list || !index)
		return nomem(err);
	for (size_t i = 0; i < f->n; i++)
		list[i] = (struct numbered){ .task_id = f->items[i].task_id, .record = i };
	qsort(list, f->n, sizeof(*list), by_task);
	for (size_t first = 0; first < f->n; first = end) {
		for (end = first + 1; end < f->n && list[end].task_id == list[first].task_id; end++)
			continue;
		code = index_task(f, list + first, end - first, index, err);
		if (code < 0)
			return code;
	}
	*ret = mem_steal(&index);
	return 0;
}
