/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - walk the groups, sort out what may not leave, cut into shards; see export_internal.h.
 *
 * The whole export is one read transaction, so a run that goes on writing does
 * not show half.  With a number of shards asked for, the rows are counted in a
 * first pass, so that the cuts (between groups) come out even.
 */
#include "store/export.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/export_internal.h"
#include "store/export_manifest.h"

#define SHARD_BYTES (UINT64_C(256) << 20)
#define ROW_MAX_BYTES (UINT64_C(512) << 20)
#define NATURAL_MAX_BYTES 4096

static const struct export_kind kinds[EXPORT_FORMAT_COUNT] = {
	[EXPORT_SFT] = { "sft", export_sft_group, NULL, NULL },
	[EXPORT_ROLLOUTS] = { "rollouts", export_rollouts_group,
			      "(reward - mean) / std over the rewards of the group that are not null, std with "
			      "divisor n; 0 where std is 0; null where the reward is null", NULL },
	[EXPORT_DPO] = { "dpo", export_dpo_group, NULL, NULL },
	[EXPORT_KTO] = { "kto", export_kto_group, NULL, NULL },
	[EXPORT_PROMPTS] = { "prompts", NULL, NULL, export_prompts_walk },
	[EXPORT_HARD_UNSOLVED] = { "hard-unsolved", NULL, NULL, export_prompts_walk },
};

int export_format_parse(const char *name, enum export_format *ret, struct error *err)
{
	for (int i = 0; i < EXPORT_FORMAT_COUNT; i++)
		if (str_eq(kinds[i].name, name)) {
			*ret = (enum export_format)i;
			return 0;
		}
	return error_set(err, ERR_INPUT, "unknown format '%s'; there are: sft rollouts dpo kto prompts hard-unsolved", name);
}

bool export_counting(const struct export_ctx *x)
{
	return !x->shards;
}

/* --- emitting --- */

/* Before the first row of a group.  A number of shards asked for is kept wherever there are as many groups. */
static bool shard_is_full(const struct export_ctx *x)
{
	uint32_t n = shards_n(x->shards);

	if (!n)
		return true;
	if (!x->n_shards)
		return shards_bytes(x->shards) >= SHARD_BYTES;
	if (n >= x->n_shards)
		return false;
	return (double)(x->rows - 1) * x->n_shards >= (double)n * (double)x->rows_of_shards ||
	       x->groups_of_shards - x->groups <= x->n_shards - n;
}

int export_emit(struct export_ctx *x, json_t *row, struct error *err)
{
	cleanup_json json_t *owned = row;
	cleanup_buf struct buf line;
	int r;

	buf_init(&line, ROW_MAX_BYTES);
	x->rows++;
	x->group_rows++;
	if (export_counting(x))
		return 0;
	if (!owned)
		return error_set(err, ERR_NOMEM, "out of memory for a row");
	/* A shard begins with the first row of a group, so that none is empty. */
	if (x->group_rows == 1) {
		if (shard_is_full(x)) {
			r = shards_next(x->shards, err);
			if (r < 0)
				return r;
		}
	}
	r = json_dump_line(owned, &line, err);
	return r < 0 ? r : shards_add(x->shards, line.data, line.len, err);
}

/* --- order --- */

/* export_natural(text): as text, but numbers compare by size ("a/2" before "a/10"). */
static void natural(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *p = (const char *)sqlite3_value_text(argv[0]);
	cleanup_buf struct buf b;

	(void)argc;
	buf_init(&b, NATURAL_MAX_BYTES * 8);
	if (!p)
		return;
	while (*p) {
		size_t n = strspn(p, "0123456789"), zeros = 0;

		if (!n) {
			buf_addc(&b, *p++);
			continue;
		}
		while (zeros + 1 < n && p[zeros] == '0')
			zeros++;
		buf_addf(&b, "0%06zu", n - zeros);
		buf_add(&b, p + zeros, n - zeros);
		p += n;
	}
	if (b.error)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text64(ctx, b.data, b.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* export_key(…): hex of SHA-256 over its arguments: what a group is, apart from the run's number. */
static void group_key(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct hash_sha256 *h = hash_sha256_new();
	uint8_t digest[HASH_SHA256_BYTES];
	char hex[HASH_SHA256_HEX];

	if (!h) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	for (int i = 0; i < argc; i++) {
		const void *p = sqlite3_value_type(argv[i]) == SQLITE_NULL ? NULL : sqlite3_value_text(argv[i]);

		hash_sha256_add_field(h, p, p ? (size_t)sqlite3_value_bytes(argv[i]) : 0);
	}
	hash_sha256_end(h, digest);
	hash_hex(digest, sizeof(digest), hex);
	sqlite3_result_text(ctx, hex, -1, SQLITE_TRANSIENT);
}

static int register_functions(struct store *s, struct error *err)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
	int rc = sqlite3_create_function_v2(s->db, "export_natural", 1, flags, NULL, natural, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(s->db, "export_key", -1, flags, NULL, group_key, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : store_sql_error(s, rc, "prepare an export", err);
}

/* Column 15 is the key; `json_each(?1)` holds the chosen runs. */
static const char sql_groups[] =
	"SELECT p.run_id, p.ordinal, t.task_id, t.task_rev, t.split, p.language, r.policy_kind,"
	" coalesce(r.policy_name, r.policy_spec), r.policy_version,"
	" r.template_name || coalesce('@' || r.template_version, ''), t.quarantined, m.body,"
	" CASE WHEN json_valid(b.body) THEN json_extract(b.body, '$.prompt') END, t.task_row,"
	" export_key(t.task_id, t.task_rev, p.language, r.policy_kind, coalesce(r.policy_name, r.policy_spec),"
	"  r.policy_version, r.template_name, r.template_version, hex(r.template_digest), r.seed, m.body) AS key"
	" FROM run_task p JOIN run r ON r.run_id = p.run_id JOIN task t ON t.task_row = p.task_row"
	" LEFT JOIN content m ON m.content_row = p.messages_row LEFT JOIN content b ON b.content_row = t.content_row"
	" WHERE p.run_id IN (SELECT value FROM json_each(?1))"
	" ORDER BY t.source, export_natural(t.task_id), t.task_id, t.task_rev, p.language, key, p.run_id, p.ordinal";
enum {
	G_RUN, G_ORDINAL, G_TASK, G_REV, G_SPLIT, G_LANGUAGE, G_KIND, G_POLICY, G_VERSION, G_TEMPLATE,
	G_QUARANTINED, G_MESSAGES, G_PROMPT, G_TASK_ROW, G_KEY
};

/* --- what is in --- */

/* ?1 … ?2: the ids of a group; %s: the user's condition, or 1. */
static const char sql_items[] =
	"SELECT s.sample_id, s.sample_index, s.origin, s.state, v.verdict, v.judging, v.flaky, v.program_id,"
	" s.mode, c.bytes, i.intact, v.tests_passed, v.tests_total, k.rank, (SELECT 1 FROM v_samples WHERE v_samples.sample_id = s.sample_id AND (%s\n))"
	" FROM sample s JOIN v_samples v ON v.sample_id = s.sample_id"
	" JOIN temp.intact_sample_all i ON i.sample_id = s.sample_id"
	" LEFT JOIN content c ON c.content_row = s.completion_row"
	" LEFT JOIN program_rank k ON k.task_row = s.task_row AND k.program_row = s.program_row"
	" WHERE s.sample_id BETWEEN ?1 AND ?2 ORDER BY s.sample_id";
enum {
	I_ID, I_INDEX, I_ORIGIN, I_STATE, I_VERDICT, I_JUDGING, I_FLAKY, I_PROGRAM, I_MODE, I_BYTES, I_INTACT,
	I_PASSED, I_TOTAL, I_RANK, I_WHERE
};

static const char *text_of(sqlite3_stmt *st, int i)
{
	return (const char *)sqlite3_column_text(st, i);
}

/* Why this sample stays out; the order is that of what the manifest says first. */
static enum export_reason reason_of(const struct export_ctx *x, const struct export_group *g, sqlite3_stmt *st)
{
	const char *state = text_of(st, I_STATE);
	bool plain = str_eq(text_of(st, I_MODE), "completion");

	if (sqlite3_column_type(st, I_WHERE) == SQLITE_NULL)
		return LEFT_WHERE;
	if (!str_eq(text_of(st, I_ORIGIN), "sample"))
		return LEFT_ORIGIN;
	if (x->opt->split && !str_eq(x->opt->split, g->split))
		return LEFT_SPLIT;
	if (g->quarantined)
		return LEFT_QUARANTINED;
	if (x->finding && !x->opt->with_contaminated)
		return LEFT_CONTAMINATED;
	if (str_eq(state, "pending"))
		return LEFT_PENDING;
	if (str_eq(state, "skipped"))
		return LEFT_SKIPPED;
	if (str_eq(state, "failed"))
		return LEFT_FAILED;
	if (!sqlite3_column_int(st, I_INTACT))
		return LEFT_DAMAGED;
	if (!x->opt->with_same_process && str_eq(text_of(st, I_JUDGING), "same-process"))
		return LEFT_SAME_PROCESS;
	if (!x->opt->with_flaky && sqlite3_column_int(st, I_FLAKY))
		return LEFT_FLAKY;
	if (sqlite3_column_type(st, I_BYTES) == SQLITE_NULL || (plain ? !g->prompt : !g->messages))
		return LEFT_NO_TEXT;
	return LEFT_NONE;
}

static void read_item(const struct export_ctx *x, const struct export_group *g, sqlite3_stmt *st,
		      struct export_item *it)
{
	const char *verdict = text_of(st, I_VERDICT), *program = text_of(st, I_PROGRAM);
	double fraction = NAN;

	*it = (struct export_item){
		.sample_id = sqlite3_column_int64(st, I_ID),
		.index = (uint32_t)sqlite3_column_int64(st, I_INDEX),
		.left = reason_of(x, g, st),
		.verdict = verdict ? verdict_parse(verdict) : VERDICT_NONE,
		.plain = str_eq(text_of(st, I_MODE), "completion"),
		.completion_bytes = sqlite3_column_int64(st, I_BYTES),
		.reward = NAN,
		.advantage = NAN,
	};
	if (program)
		(void)snprintf(it->program_id, sizeof(it->program_id), "%s", program);
	if (sqlite3_column_type(st, I_PASSED) != SQLITE_NULL && sqlite3_column_int64(st, I_TOTAL) > 0)
		fraction = (double)sqlite3_column_int64(st, I_PASSED) / (double)sqlite3_column_int64(st, I_TOTAL);
	it->reward = export_reward(x->opt->reward, it->verdict, fraction, sqlite3_column_int64(st, I_RANK));
}

/* Fill items with the last attempt of each index, then keep those that are in. */
static int read_items(struct export_ctx *x, sqlite3_stmt *st, struct export_group *g, size_t *cap, struct error *err)
{
	int64_t first = store_sample_id(g->run_id, (uint32_t)g->ordinal, 0, 0);
	size_t kept = 0;
	int rc;

	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, first);
	sqlite3_bind_int64(st, 2, first | ((INT64_C(1) << 22) - 1));
	g->n = 0;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct export_item *last;

		if (!mem_grow(&g->items, cap, g->n + 1, sizeof(*g->items))) {
			sqlite3_reset(st);
			return error_set(err, ERR_NOMEM, "out of memory for a group");
		}
		read_item(x, g, st, &g->items[g->n]);
		last = g->n ? &g->items[g->n - 1] : NULL;
		if (last && last->index == g->items[g->n].index && last->left != LEFT_ORIGIN &&
		    g->items[g->n].left != LEFT_ORIGIN)
			last->left = LEFT_SUPERSEDED;
		g->n++;
	}
	sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		return store_sql_error(x->s, rc, "read samples", err);
	for (size_t i = 0; i < g->n; i++) {
		if (g->items[i].left != LEFT_NONE)
			x->left[g->items[i].left]++;
		else
			g->items[kept++] = g->items[i];
	}
	g->n = kept;
	return 0;
}

/* --- the walk --- */

struct walk {
	sqlite3_stmt *items;
	size_t cap;
	struct export_group g;
	int64_t task_row;        /* of the group before */
	char language[64], key[HASH_SHA256_HEX];
	uint64_t occurrence;     /* of this key: runs of one configuration are told apart by their order */
};

static int group_id_of(struct walk *w, struct error *err)
{
	struct hash_sha256 *h = hash_sha256_new();
	uint8_t digest[HASH_SHA256_BYTES];
	char n[24];

	if (!h)
		return error_set(err, ERR_NOMEM, "out of memory");
	(void)snprintf(n, sizeof(n), "%llu", (unsigned long long)w->occurrence);
	hash_sha256_add_field(h, w->key, strlen(w->key));
	hash_sha256_add_field(h, n, strlen(n));
	hash_sha256_end(h, digest);
	hash_hex(digest, sizeof(digest) / 2, w->g.group_id);
	return 0;
}

int export_ask_contaminated(struct export_ctx *x, const char *prompt, struct error *err)
{
	int r = 0;

	json_decref(x->finding);
	x->finding = NULL;
	if (x->opt->contaminated && prompt)
		r = x->opt->contaminated(x->opt->contaminated_ctx, prompt, &x->finding, err);
	return r < 0 ? r : 0;
}

int export_note_contaminated(struct export_ctx *x, const char *task_id, const char *task_rev, struct error *err)
{
	uint32_t n = export_counting(x) ? 0 : shards_n(x->shards);
	json_int_t shard = n ? (json_int_t)n - 1 : 0;
	json_t *last = json_array_get(x->findings, json_array_size(x->findings) - 1);
	cleanup_json json_t *entry = NULL;

	if (!x->finding || export_counting(x))
		return 0;
	if (last && str_eq(json_get_str(last, "task_id"), task_id) && str_eq(json_get_str(last, "task_rev"), task_rev) &&
	    json_get_int(last, "shard", -1) == shard)
		return export_set(last, "rows", json_integer(json_get_int(last, "rows", 0) + (json_int_t)x->group_rows), err);
	entry = json_pack("{s:I, s:s, s:s, s:I}", "shard", shard, "task_id", task_id, "task_rev", task_rev, "rows",
			  (json_int_t)x->group_rows);
	/* jansson's update only reads it */
	if (!entry || json_object_update(entry, (json_t *)(uintptr_t)x->finding) < 0 ||
	    json_array_append(x->findings, entry) < 0)
		return error_set(err, ERR_NOMEM, "out of memory for a finding");
	return 0;
}

static int one_group(struct export_ctx *x, struct walk *w, sqlite3_stmt *st, struct error *err)
{
	struct export_group *g = &w->g;
	const char *key = text_of(st, G_KEY), *language = text_of(st, G_LANGUAGE), *messages = text_of(st, G_MESSAGES);
	cleanup_json json_t *parsed = NULL;
	int64_t task_row = sqlite3_column_int64(st, G_TASK_ROW);
	int r;

	w->occurrence = str_eq(key, w->key) ? w->occurrence + 1 : 0;
	(void)snprintf(w->key, sizeof(w->key), "%s", key);
	g->new_task = task_row != w->task_row || !str_eq(language, w->language);
	w->task_row = task_row;
	(void)snprintf(w->language, sizeof(w->language), "%s", language);
	if (g->new_task) {
		x->pairs = 0;
		x->taken[0] = x->taken[1] = 0;
		(void)json_object_clear(x->seen);
	}
	g->run_id = sqlite3_column_int64(st, G_RUN);
	g->ordinal = sqlite3_column_int64(st, G_ORDINAL);
	g->task_id = text_of(st, G_TASK);
	g->task_rev = text_of(st, G_REV);
	g->split = text_of(st, G_SPLIT);
	g->language = language;
	g->policy_kind = text_of(st, G_KIND);
	g->policy_name = text_of(st, G_POLICY);
	g->policy_version = text_of(st, G_VERSION);
	g->template = text_of(st, G_TEMPLATE);
	g->quarantined = sqlite3_column_type(st, G_QUARANTINED) != SQLITE_NULL;
	g->prompt = text_of(st, G_PROMPT);
	/* Damaged messages are found by their checksum, sample by sample. */
	if (messages && json_parse(messages, (size_t)sqlite3_column_bytes(st, G_MESSAGES), &parsed, NULL) == 0 &&
	    json_is_array(parsed))
		g->messages = parsed;
	else
		g->messages = NULL;
	r = group_id_of(w, err);
	if (r == 0 && g->new_task) /* once, whatever the number of its groups */
		r = export_ask_contaminated(x, g->prompt, err);
	if (r == 0)
		r = read_items(x, w->items, g, &w->cap, err);
	x->group_rows = 0;
	if (r == 0 && g->n)
		r = x->kind->group(x, g, err);
	if (r == 0 && x->group_rows) {
		x->groups++;
		if (!export_counting(x))
			shards_count_group(x->shards);
	}
	return r < 0 ? r : export_note_contaminated(x, g->task_id, g->task_rev, err);
}

static int walk_groups(struct export_ctx *x, sqlite3_stmt *items, const char *runs_json, struct error *err)
{
	struct walk w = { .items = items, .task_row = -1 };
	sqlite3_stmt *st;
	int rc, r = store_stmt(x->s, sql_groups, &st, err);

	if (r < 0)
		return r;
	store_bind_str(st, 1, runs_json);
	while (r == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			r = store_sql_error(x->s, rc, "read the groups", err);
		else
			r = one_group(x, &w, st, err);
	}
	sqlite3_reset(st);
	mem_free(w.g.items);
	return r;
}

static void start_over(struct export_ctx *x)
{
	x->rows = x->groups = x->pairs = 0;
	if (x->opt->near)
		x->opt->near_reset(x->opt->near_ctx);
	x->shape = 0;
	memset(x->left, 0, sizeof(x->left));
	(void)json_object_clear(x->seen);
}

/* --- options --- */

static int prepare_asked(struct store *s, const char *sql, const char *what, sqlite3_stmt **ret, struct error *err)
{
	const char *rest = NULL;
	int rc;

	s->asking = true;
	rc = sqlite3_prepare_v2(s->db, sql, -1, ret, &rest);
	s->asking = false;
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_NOMEM)
		return error_set(err, ERR_INPUT, "%s: %s", what, sqlite3_errmsg(s->db));
	if (rc != SQLITE_OK)
		return store_sql_error(s, rc, "prepare an export", err);
	if (rest && rest[strspn(rest, " \t\r\n")]) {
		sqlite3_finalize(*ret);
		*ret = NULL;
		return error_set(err, ERR_INPUT, "%s: there is more than one expression", what);
	}
	return 0;
}

/* The user's condition is tried alone first, so that it sees nothing but v_samples. */
static int prepare_items(struct store *s, const struct export_kind *kind, const char *where, sqlite3_stmt **ret, struct error *err)
{
	cleanup_mem char *alone = mem_printf("SELECT 1 FROM v_samples WHERE (%s\n)", where ? where : "1");
	cleanup_mem char *sql = kind->walk ? mem_printf("%s%s\n)", export_sql_rate, where ? where : "1") :
				       mem_printf(sql_items, where ? where : "1");
	sqlite3_stmt *probe = NULL;
	int rc, r;

	if (!alone || !sql)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (where && (strchr(where, ';') || !where[strspn(where, " \t\r\n")]))
		return error_set(err, ERR_INPUT, "--where: expected one SQL expression, without ';'");
	if (where) {
		r = prepare_asked(s, alone, "--where", &probe, err);
		sqlite3_finalize(probe);
		if (r < 0)
			return r;
	}
	/* The view of checksums calls a function of ours, so the strict authorizer need not see this one:
	 * the condition was accepted alone, and it stands between brackets here too. */
	rc = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
	if (rc != SQLITE_OK)
		return store_sql_error(s, rc, "prepare an export", err);
	if (!sqlite3_stmt_readonly(*ret)) {
		sqlite3_finalize(*ret);
		*ret = NULL;
		return error_set(err, ERR_INPUT, "--where: an expression may only read");
	}
	return 0;
}

static int add_run(struct store *s, json_t *runs, const char *text, struct error *err)
{
	int64_t id;
	int r = store_run_find(s, text, &id, err);
	json_t *j;
	size_t i;

	if (r == ERR_NOTFOUND && err)
		err->code = r = ERR_INPUT;
	if (r < 0)
		return error_prefix(err, r, "--run");
	json_array_foreach(runs, i, j)
		if (json_integer_value(j) == id)
			return 0;
	if (json_array_append_new(runs, json_integer(id)) < 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

/* The chosen runs, in the order of their ids. */
static int choose_runs(struct store *s, const char *text, json_t *runs, struct error *err)
{
	static const char sql[] = "SELECT run_id FROM run ORDER BY run_id";
	char **parts = NULL;
	sqlite3_stmt *st;
	size_t n = 0;
	int r;

	if (text) {
		r = str_split(text, ',', &parts, &n, err);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = add_run(s, runs, parts[i], err);
		str_list_free(parts);
		return r;
	}
	r = store_stmt(s, sql, &st, err);
	if (r < 0)
		return r;
	while ((r = store_step(s, st, "list the runs", err)) > 0)
		if (json_array_append_new(runs, json_integer(sqlite3_column_int64(st, 0))) < 0) {
			sqlite3_reset(st);
			return error_set(err, ERR_NOMEM, "out of memory");
		}
	return r;
}

/* --- the whole --- */

static int walk(struct export_ctx *x, sqlite3_stmt *asked, const char *runs_json, struct error *err)
{
	return (x->kind->walk ? x->kind->walk : walk_groups)(x, asked, runs_json, err);
}

static int write_all(struct export_ctx *x, sqlite3_stmt *items, const json_t *runs, json_t **ret_manifest,
		     struct error *err)
{
	cleanup_buf struct buf runs_json, card;
	cleanup_json json_t *manifest = NULL;
	struct shards *shards = NULL;
	int r;

	buf_init(&runs_json, 1 << 24);
	buf_init(&card, 0);
	r = json_dump_line(runs, &runs_json, err);
	if (r == 0 && x->opt->shards > 1) {
		r = walk(x, items, runs_json.data, err);
		x->rows_of_shards = x->rows;
		x->groups_of_shards = x->groups;
		x->n_shards = x->opt->shards;
		start_over(x);
	} else if (r == 0 && x->opt->shards == 1) {
		x->n_shards = 1; /* the first shard is never full */
	}
	if (r == 0)
		r = shards_open(x->opt->out_dir, x->kind->name, x->opt->compress, &shards, err);
	if (r < 0)
		return r;
	x->shards = shards;
	r = walk(x, items, runs_json.data, err);
	if (r == 0 && !shards_n(shards))
		r = shards_next(shards, err); /* a reader finds one shard, without rows */
	if (r == 0)
		r = export_manifest_build(x, runs, &manifest, err);
	if (r == 0)
		r = export_card_build(x, runs, manifest, &card, err);
	if (r == 0)
		r = shards_commit(shards, manifest, card.data, err);
	shards_close(shards);
	if (r == 0)
		*ret_manifest = mem_steal(&manifest);
	return r;
}

static int export_in_snapshot(struct export_ctx *x, json_t **ret_manifest, struct error *err)
{
	cleanup_json json_t *runs = json_array();
	sqlite3_stmt *items = NULL;
	int r;

	if (!runs)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = register_functions(x->s, err);
	if (r == 0)
		r = choose_runs(x->s, x->opt->runs, runs, err);
	if (r == 0)
		r = prepare_items(x->s, x->kind, x->opt->where, &items, err);
	if (r == 0)
		r = write_all(x, items, runs, ret_manifest, err);
	sqlite3_finalize(items);
	return r;
}

int export_run(struct store *s, const struct export_options *opt, json_t **ret_manifest, struct error *err)
{
	cleanup_json json_t *seen = json_object(), *findings = json_array();
	struct export_ctx x = { .s = s, .opt = opt, .kind = &kinds[opt->format], .seen = seen, .findings = findings };
	bool own = sqlite3_get_autocommit(s->db) != 0;
	int r;

	if (!seen || !findings)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (opt->trainer && !str_eq(opt->trainer, "trl"))
		return error_set(err, ERR_INPUT, "unknown trainer '%s'; there is: trl", opt->trainer);
	if (opt->shards > SHARD_MAX)
		return error_set(err, ERR_INPUT, "--shards: at most %d", SHARD_MAX);
	r = own ? store_exec(s, "BEGIN", "begin to read", err) : 0;
	if (r < 0)
		return r;
	r = export_in_snapshot(&x, ret_manifest, err);
	json_decref(x.finding);
	if (own)
		(void)store_exec(s, "COMMIT", "end reading", NULL);
	return r;
}
