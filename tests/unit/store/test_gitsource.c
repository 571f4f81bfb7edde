/* SPDX-License-Identifier: Apache-2.0 */
/* test_gitsource.c - tasks of a git commit, from repositories made here with libgit2; no network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <git2.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "import_fixture.h"
#include "store/gitsource.h"

#define NATIVE(id) "{\"task_id\":\"" id "\",\"prompt\":\"p\",\"entry_point\":\"f\",\"tests\":{\"kind\":\"calls\"," \
		   "\"cases\":[{\"args\":[1],\"expect\":2}]}}\n"
#define STDIO "{\"task_id\":\"io\",\"prompt\":\"p\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in_file\":\"c/1.in\",\"out\":\"2\"}]}}\n"

struct file { const char *path, *text; };

static void must(int r)
{
	if (r < 0)
		fail_msg("libgit2: %s", git_error_last() ? git_error_last()->message : "?");
}

/* A commit of these files on branch `main`; ret_id gets 40 digits. */
static void commit(git_repository *repo, const struct file *files, size_t n, char ret_id[41])
{
	git_index *index;
	git_oid tree_id, id, parent_id;
	git_tree *tree;
	git_commit *parent = NULL;
	git_signature *who;
	const git_commit *parents[1];
	int n_parents = 0;

	must(git_index_new(&index));
	for (size_t i = 0; i < n; i++) {
		git_index_entry e;

		memset(&e, 0, sizeof(e));
		e.mode = GIT_FILEMODE_BLOB;
		e.path = files[i].path;
		must(git_blob_create_from_buffer(&e.id, repo, files[i].text, strlen(files[i].text)));
		must(git_index_add(index, &e));
	}
	must(git_index_write_tree_to(&tree_id, index, repo));
	must(git_tree_lookup(&tree, repo, &tree_id));
	must(git_signature_new(&who, "T", "t@example.org", 1700000000, 0));
	if (git_reference_name_to_id(&parent_id, repo, "refs/heads/main") == 0) {
		must(git_commit_lookup(&parent, repo, &parent_id));
		parents[n_parents++] = parent;
	}
	must(git_commit_create(&id, repo, "refs/heads/main", who, who, NULL, "c", tree, (size_t)n_parents,
			       n_parents ? parents : NULL));
	git_oid_tostr(ret_id, 41, &id);
	git_commit_free(parent);
	git_signature_free(who);
	git_tree_free(tree);
	git_index_free(index);
}

struct repo { char path[128], first[41], second[41]; };

/* Two commits: the first has one task, the second more files of several kinds. */
static void make_repo(struct imported *f, bool bare, struct repo *ret)
{
	static const struct file one[] = { { "a.tasks.jsonl", NATIVE("old") } };
	static const struct file two[] = {
		{ "a.tasks.jsonl", NATIVE("a") },
		{ "more/b.tasks.jsonl", NATIVE("b") },
		{ "more/c/1.in", "1 1\n" },
		{ "more/io.tasks.jsonl", STDIO },
		{ "more/samples.jsonl", "{\"task_id\":\"a\",\"completion\":\"x\"}\n" },
		{ "mbpp.jsonl", "{\"task_id\":1,\"text\":\"p\",\"code\":\"def f(x): return x\",\"test_list\":[\"assert f(1)\"]}\n" },
		{ "bad/x.tasks.jsonl.txt", "{broken\n" },
		{ "README.md", "hello" },
	};
	git_repository_init_options opt;
	git_repository *repo;
	git_reference *tag;
	git_oid id;

	snprintf(ret->path, sizeof(ret->path), "%s/repo%s", f->dir, bare ? ".git" : "");
	(void)git_libgit2_init();
	must(git_repository_init_options_init(&opt, GIT_REPOSITORY_INIT_OPTIONS_VERSION));
	opt.flags = GIT_REPOSITORY_INIT_MKPATH | (bare ? GIT_REPOSITORY_INIT_BARE : 0);
	opt.initial_head = "main";
	must(git_repository_init_ext(&repo, ret->path, &opt));
	commit(repo, one, ARRAY_SIZE(one), ret->first);
	commit(repo, two, ARRAY_SIZE(two), ret->second);
	must(git_oid_fromstr(&id, ret->first));
	must(git_reference_create(&tag, repo, "refs/tags/v1", &id, 1, NULL));
	git_reference_free(tag);
	must(git_reference_create(&tag, repo, "refs/heads/old", &id, 1, NULL));
	git_reference_free(tag);
	git_repository_free(repo);
	(void)git_libgit2_shutdown();
}

static int run(struct imported *f, const char *spec, const char *format)
{
	struct import_options opt = { .format = format };
	const char *paths[] = { spec, NULL };

	import_result_clear(&f->got);
	f->err = (struct error)ERROR_INIT;
	f->r = import_paths(paths, &opt, &f->got, &f->err);
	return f->r;
}

struct spec_case {
	const char *name;
	bool bare, url;
	const char *after;      /* of the path: "@revision…" */
	const char *ids;        /* that must come, joined by blanks; NULL: an error */
	const char *error;      /* words of it */
};
static struct spec_case spec_cases[] = {
	{ "git: all task files of a commit", true, false, "@main", "a MBPP/1 b io", NULL },
	{ "git: a work tree's repository", false, false, "@main", "a MBPP/1 b io", NULL },
	{ "git: an older commit", true, false, "@main~1", "old", NULL },
	{ "git: a tag", true, false, "@v1", "old", NULL },
	{ "git: one file", true, false, "@main:more/b.tasks.jsonl", "b", NULL },
	{ "git: a folder", true, false, "@HEAD:more/", "b io", NULL },
	{ "git: a glob over what is no task", true, false, "@HEAD:more/*.jsonl", NULL, "samples.jsonl" },
	{ "git: a glob", true, false, "@HEAD:more/*.tasks.jsonl", "b io", NULL },
	{ "git: a clone by URL", true, true, "@main", "a MBPP/1 b io", NULL },
	{ "git: a branch of a clone", true, true, "@old", "old", NULL },
	{ "git: no such revision", true, false, "@none", NULL, "no revision 'none'" },
	{ "git: no such revision of a clone", true, true, "@none", NULL, "no revision 'none'" },
	{ "git: a revision that is no commit", true, false, "@main:README.md", NULL, "no task file at 'README.md'|unknown|README" },
	{ "git: no such path", true, false, "@main:none.jsonl", NULL, "no task file at 'none.jsonl'" },
	{ "git: a path that is broken", true, false, "@main:bad/x.tasks.jsonl.txt", NULL, "x.tasks.jsonl.txt:1:" },
	{ "git: nothing after the at", true, false, "@", NULL, "revision" },
	{ "git: an empty path", true, false, "@main:", NULL, "empty" },
};

static void spec_run(void **state)
{
	const struct spec_case *c = *state;
	char spec[512], ids[512] = "";
	struct imported *f;
	struct repo repo;
	void *own;

	assert_int_equal(imported_setup(&own), 0);
	f = own;
	make_repo(f, c->bare, &repo);
	snprintf(spec, sizeof(spec), "%s%s%s", c->url ? "file://" : "", repo.path, c->after);
	run(f, spec, "git");
	if (!c->ids) {
		char **words;
		size_t n, found = 0;

		assert_true(f->r == ERR_INPUT);
		/* one of the words is enough */
		assert_int_equal(str_split(c->error, '|', &words, &n, NULL), 0);
		for (size_t i = 0; i < n; i++)
			found += strstr(f->err.msg, words[i]) != NULL;
		if (!found)
			fail_msg("'%s' is not in '%s'", c->error, f->err.msg);
		str_list_free(words);
	} else {
		if (f->r < 0)
			fail_msg("%s", f->err.msg);
		for (size_t i = 0; i < f->got.n; i++)
			snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s%s", i ? " " : "", f->got.tasks[i]->id);
		assert_string_equal(ids, c->ids);
		assert_string_equal(f->got.format, "git");
		assert_string_equal(f->got.revision, strstr(c->ids, "old") ? repo.first : repo.second);
		assert_non_null(strstr(f->got.url, repo.path));
		assert_non_null(strstr(f->got.where[0], ".jsonl:1"));
	}
	imported_teardown(&own);
}

static void git__is_told_by_the_at(void **state)
{
	struct imported *f = *state;
	struct repo repo;
	char spec[256];

	make_repo(f, true, &repo);
	snprintf(spec, sizeof(spec), "%s@%.10s", repo.path, repo.first);
	if (run(f, spec, NULL) < 0)
		fail_msg("%s", f->err.msg);
	assert_string_equal(f->got.format, "git");
	assert_string_equal(f->got.revision, repo.first);
}

static void git__embeds_files_of_the_same_commit(void **state)
{
	struct imported *f = *state;
	struct repo repo;
	char spec[256];

	make_repo(f, false, &repo);
	snprintf(spec, sizeof(spec), "%s@main:more/io.tasks.jsonl", repo.path);
	assert_int_equal(run(f, spec, "git"), 0);
	assert_string_equal(f->got.tasks[0]->cases[0].in, "1 1\n");
	/* Nothing was checked out. */
	snprintf(spec, sizeof(spec), "%s/more", repo.path);
	assert_false(fs_exists(spec));
}

static void git__says_that_there_is_no_repository(void **state)
{
	struct imported *f = *state;
	char spec[256];

	snprintf(spec, sizeof(spec), "%s/none@main", f->dir);
	assert_int_equal(run(f, spec, NULL), ERR_NOTFOUND);
	assert_non_null(strstr(f->err.msg, "no git repository"));
	snprintf(spec, sizeof(spec), "file://%s/none@main", f->dir);
	assert_int_equal(run(f, spec, NULL), ERR_REMOTE);
	assert_non_null(strstr(f->err.msg, "clone failed"));
	imported_put(f, "plain.txt", "x");
	snprintf(spec, sizeof(spec), "%s@main", f->dir);
	assert_true(run(f, spec, "git") < 0);
}

static void git__leaves_no_clone_behind(void **state)
{
	struct imported *f = *state;
	char **names, tmp[128], spec[256];
	struct repo repo;
	size_t n;

	make_repo(f, true, &repo);
	snprintf(tmp, sizeof(tmp), "%s/tmp", f->dir);
	assert_int_equal(fs_mkdir_all(tmp, NULL), 0);
	setenv("TMPDIR", tmp, 1);
	snprintf(spec, sizeof(spec), "file://%s@main", repo.path);
	assert_int_equal(run(f, spec, NULL), 0);
	snprintf(spec, sizeof(spec), "file://%s@none", repo.path);
	assert_int_equal(run(f, spec, NULL), ERR_INPUT);
	unsetenv("TMPDIR");
	assert_int_equal(fs_list(tmp, &names, &n, NULL), 0);
	assert_int_equal(n, 0);
	str_list_free(names);
}

static void url__hides_a_password(void **state)
{
	struct gitsource *g = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(gitsource_open("file://me:secret@/nowhere@main", &g, &err) < 0);
	assert_null(strstr(err.msg, "secret"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, imported_setup, imported_teardown)

int main(void)
{
	const struct CMUnitTest others[] = {
		TEST(git__is_told_by_the_at), TEST(git__embeds_files_of_the_same_commit),
		TEST(git__says_that_there_is_no_repository), TEST(git__leaves_no_clone_behind), TEST(url__hides_a_password),
	};
	struct CMUnitTest tests[ARRAY_SIZE(spec_cases) + ARRAY_SIZE(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(spec_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = spec_cases[i].name, .test_func = spec_run,
						  .initial_state = &spec_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("gitsource", tests, NULL, NULL);
}
