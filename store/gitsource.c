/* SPDX-License-Identifier: Apache-2.0 */
/* gitsource.c - libgit2; see gitsource.h. */
#include "store/gitsource.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <git2.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"

#ifdef __SANITIZE_ADDRESS__
/* libgit2 1.5 loses the match data of every regular expression that does not match. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpcre2\n";
}
#endif

struct gitsource {
	char *source, *revision, *path; /* as in the spec; path NULL: none */
	char *url;                      /* source without a password */
	char *password;                 /* of the source; NULL: none */
	char *clone_dir;                /* to be removed; NULL: none */
	git_repository *repo;
	git_tree *tree;
	char commit[GIT_OID_HEXSZ + 1];
};

/* As error_set() with libgit2's words. */
static int git_failed(struct error *err, int code, const char *what)
{
	const git_error *e = git_error_last();
	const char *why = e && e->message ? e->message : "unknown error";

	return error_set(err, code, "%s: %s", what, why);
}

/* --- the spec --- */

static bool is_url(const char *source)
{
	const char *colon = strchr(source, ':'), *at = strchr(source, '@'), *slash = strchr(source, '/');

	if (strstr(source, "://"))
		return true;
	/* user@host:path, as scp and git read it */
	return at && colon && at < colon && (!slash || colon < slash);
}

/* https://user:secret@host/x -> https://user@host/x and secret */
static int hide_password(struct gitsource *g, struct error *err)
{
	const char *start = strstr(g->source, "://"), *at = NULL, *slash, *colon = NULL;

	if (start) {
		start += 3;
		slash = strchr(start, '/');
		at = memchr(start, '@', slash ? (size_t)(slash - start) : strlen(start));
		colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
	}
	if (colon) {
		g->url = mem_printf("%.*s%s", (int)(colon - g->source), g->source, at);
		g->password = mem_strndup(colon + 1, (size_t)(at - colon) - 1);
	} else {
		g->url = mem_strdup(g->source);
	}
	return g->url && (g->password || !colon) ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

/* The last '@' that begins a revision: "HEAD@{1}" is one. */
static const char *find_at(const char *spec)
{
	const char *found = NULL;

	for (const char *p = strchr(spec, '@'); p; p = strchr(p + 1, '@'))
		if (p[1] != '{' && p != spec)
			found = p;
	return found;
}

static int split_spec(struct gitsource *g, const char *spec, struct error *err)
{
	const char *at = find_at(spec), *revision, *colon;

	if (!at || !at[1])
		return error_set(err, ERR_INPUT,
				 "'%s': a git source is URL-or-path@revision[:file-or-glob]", spec);
	revision = at + 1;
	colon = strchr(revision, ':');
	if (colon == revision || (colon && !colon[1]))
		return error_set(err, ERR_INPUT, "'%s': the revision or the path after it is empty", spec);
	g->source = mem_strndup(spec, (size_t)(at - spec));
	g->revision = colon ? mem_strndup(revision, (size_t)(colon - revision)) : mem_strdup(revision);
	g->path = colon ? mem_strdup(colon + 1) : NULL;
	if (!g->source || !g->revision || (colon && !g->path))
		return error_set(err, ERR_NOMEM, "out of memory");
	return hide_password(g, err);
}

/* --- opening --- */

/* Credentials come from an agent or the URL; nothing is asked. */
static int credentials(git_credential **out, const char *url, const char *user, unsigned allowed,
		       void *payload)
{
	unsigned *tries = payload;

	(void)url;
	if ((*tries)++)
		return GIT_EUSER; /* what we have was refused */
	if (allowed & GIT_CREDENTIAL_SSH_KEY)
		return git_credential_ssh_key_from_agent(out, user ? user : "git");
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, user ? user : "git");
	return GIT_PASSTHROUGH;
}

static int clone_bare(struct gitsource *g, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	git_clone_options opt;
	unsigned tries = 0;

	g->clone_dir = mem_printf("%s/winnow-git-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!g->clone_dir)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (!mkdtemp(g->clone_dir)) {
		int r = error_set_errno(err, ERR_IO, "cannot make a folder for a clone ('%s')",
					g->clone_dir);

		mem_free(g->clone_dir);
		g->clone_dir = NULL;
		return r;
	}
	if (git_clone_options_init(&opt, GIT_CLONE_OPTIONS_VERSION) < 0)
		return git_failed(err, ERR_INTERNAL, "cannot prepare a clone");
	opt.bare = 1;
	opt.fetch_opts.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_ALL;
	opt.fetch_opts.callbacks.credentials = credentials;
	opt.fetch_opts.callbacks.payload = &tries;
	if (git_clone(&g->repo, g->source, g->clone_dir, &opt) < 0) {
		(void)git_failed(err, ERR_REMOTE, "the clone failed");
		/* libgit2 may repeat the URL as it was given. */
		if (err && g->password && *g->password && strstr(err->msg, g->password))
			(void)error_set(err, ERR_REMOTE, "the clone failed");
		return error_prefix(err, ERR_REMOTE, "'%s'", g->url);
	}
	return 0;
}

static int open_local(struct gitsource *g, struct error *err)
{
	int r = git_repository_open_ext(&g->repo, g->source, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

	if (r == GIT_ENOTFOUND)
		return error_set(err, ERR_NOTFOUND, "no git repository at '%s'", g->source);
	if (r < 0)
		return error_prefix(err, git_failed(err, ERR_IO, "cannot open the repository"), "'%s'",
				    g->source);
	return 0;
}

/* Branches of a bare clone are below refs/remotes/origin. */
static int resolve(struct gitsource *g, struct error *err)
{
	git_object *object = NULL, *commit = NULL;
	int r = git_revparse_single(&object, g->repo, g->revision);

	if (r < 0 && g->clone_dir) {
		cleanup_mem char *remote = mem_printf("refs/remotes/origin/%s", g->revision);

		if (!remote)
			return error_set(err, ERR_NOMEM, "out of memory");
		r = git_revparse_single(&object, g->repo, remote);
	}
	if (r < 0)
		return error_set(err, ERR_INPUT, "'%s' has no revision '%s'", g->url, g->revision);
	r = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	git_object_free(object);
	if (r < 0)
		return error_set(err, ERR_INPUT, "'%s' of '%s' is no commit", g->revision, g->url);
	git_oid_tostr(g->commit, sizeof(g->commit), git_object_id(commit));
	r = git_commit_tree(&g->tree, (git_commit *)commit);
	git_object_free(commit);
	if (r < 0)
		return git_failed(err, ERR_CORRUPT, "cannot read the commit's tree");
	return 0;
}

int gitsource_open(const char *spec, struct gitsource **ret, struct error *err)
{
	struct gitsource *g = mem_zalloc(sizeof(*g));
	int r;

	if (!g)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (git_libgit2_init() < 0) {
		mem_free(g);
		return git_failed(err, ERR_IO, "cannot start libgit2");
	}
	r = split_spec(g, spec, err);
	if (r == 0)
		r = is_url(g->source) ? clone_bare(g, err) : open_local(g, err);
	if (r == 0)
		r = resolve(g, err);
	if (r < 0) {
		gitsource_close(g);
		return r;
	}
	*ret = g;
	return 0;
}

void gitsource_close(struct gitsource *g)
{
	if (!g)
		return;
	git_tree_free(g->tree);
	git_repository_free(g->repo);
	if (g->clone_dir)
		(void)fs_remove_tree(g->clone_dir, NULL);
	mem_free(g->source);
	mem_free(g->revision);
	mem_free(g->path);
	mem_free(g->url);
	if (g->password)
		explicit_bzero(g->password, strlen(g->password));
	mem_free(g->password);
	mem_free(g->clone_dir);
	mem_free(g);
	(void)git_libgit2_shutdown();
}

const char *gitsource_url(const struct gitsource *g)
{
	return g->url;
}

const char *gitsource_commit(const struct gitsource *g)
{
	return g->commit;
}

const char *gitsource_path(const struct gitsource *g)
{
	return g->path;
}

/* --- files --- */

int gitsource_read(struct gitsource *g, const char *path, struct buf *out, struct error *err)
{
	git_tree_entry *entry = NULL;
	git_blob *blob = NULL;
	int r = git_tree_entry_bypath(&entry, g->tree, path);

	if (r == GIT_ENOTFOUND)
		return error_set(err, ERR_NOTFOUND, "no file '%s' in %s", path, g->commit);
	if (r < 0)
		return git_failed(err, ERR_CORRUPT, path);
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
	    git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK) {
		git_tree_entry_free(entry);
		return error_set(err, ERR_INPUT, "'%s' in %s is not a regular file", path, g->commit);
	}
	r = git_blob_lookup(&blob, g->repo, git_tree_entry_id(entry));
	git_tree_entry_free(entry);
	if (r < 0)
		return git_failed(err, ERR_CORRUPT, path);
	buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return buf_check(out, path, err);
}

struct walk {
	struct gitsource *g;
	gitsource_fn *fn;
	void *ctx;
	struct error *err;
	int result;
};

static bool chosen(const char *pattern, const char *path)
{
	size_t n;

	if (!pattern)
		return true;
	n = strlen(pattern);
	while (n && pattern[n - 1] == '/')
		n--;
	if (strncmp(pattern, path, n) == 0 && (path[n] == '/' || !path[n]))
		return true;
	return str_glob(pattern, path);
}

static int visit(const char *root, const git_tree_entry *entry, void *payload)
{
	struct walk *w = payload;
	git_filemode_t mode = git_tree_entry_filemode(entry);
	cleanup_mem char *path = NULL;

	if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
		return 0;
	path = mem_printf("%s%s", root, git_tree_entry_name(entry));
	if (!path)
		w->result = error_set(w->err, ERR_NOMEM, "out of memory");
	else if (chosen(w->g->path, path))
		w->result = w->fn(w->ctx, path, w->err);
	return w->result < 0 ? -1 : 0;
}

int gitsource_each(struct gitsource *g, gitsource_fn *fn, void *ctx, struct error *err)
{
	struct walk w = { g, fn, ctx, err, 0 };

	if (git_tree_walk(g->tree, GIT_TREEWALK_PRE, visit, &w) < 0 && w.result == 0)
		return git_failed(err, ERR_CORRUPT, "cannot walk the commit's tree");
	return w.result;
}
