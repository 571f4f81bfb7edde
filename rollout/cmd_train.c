/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train.c - winnow train: fit the grammar's weights to exported shards, and to nothing else. */
#include <math.h>
#include <stdio.h>

#include "core/mem.h"
#include "core/str.h"
#include "policy/grammar_fit.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"
#include "store/shard_reader.h"

struct training {
	struct gtable *table;
	struct gmodel *parent;
	struct gfit *fit;
	struct gfit_options opt;
	uint64_t n_other;          /* rows that are no derivation of this grammar */
	json_t *shards;
};

static int add_row(void *ctx, const json_t *row, struct error *err)
{
	struct training *t = ctx;
	const json_t *ids = json_object_get(row, "token_ids"), *advantage = json_object_get(row, "advantage");
	const char *group = json_get_str(row, "group");
	uint32_t tokens[GRAMMAR_MAX_TOKENS];
	size_t n = json_array_size(ids);
	int r;

	if (!group)
		return error_set(err, ERR_INPUT, "the row has no group");
	if (!json_is_number(advantage))
		return 0; /* could not be judged */
	if (!n || n > GRAMMAR_MAX_TOKENS) {
		t->n_other++;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		json_int_t id = json_integer_value(json_array_get(ids, i));

		tokens[i] = id < 0 || id > INT32_MAX ? UINT32_MAX : (uint32_t)id;
	}
	r = gfit_add(t->fit, group, tokens, n, json_number_value(advantage), err);
	t->n_other += r == 0;
	return r < 0 ? r : 0;
}

static int read_options(const struct options *o, struct training *t, struct error *err)
{
	double rate = options_num(o, "rate"), decay = options_num(o, "decay"), negative = options_num(o, "negative");
	uint64_t epochs = options_u64(o, "epochs");
	int r = options_expect_args(o, 1, SIZE_MAX, err);

	if (r < 0)
		return r;
	if (!options_str(o, "out"))
		return error_set(err, ERR_INPUT, "--out is needed: the file for the weights");
	if (epochs < 1 || epochs > 1000)
		return error_set(err, ERR_INPUT, "--epochs: %llu is not between 1 and 1000", (unsigned long long)epochs);
	if (!(rate > 0 && rate <= 10))
		return error_set(err, ERR_INPUT, "--rate: %g is not above 0 and at most 10", rate);
	if (!(decay >= 0 && decay < 1))
		return error_set(err, ERR_INPUT, "--decay: %g is not from 0 to less than 1", decay);
	if (!(negative >= 0 && negative <= 1))
		return error_set(err, ERR_INPUT, "--negative: %g is not between 0 and 1", negative);
	t->opt = (struct gfit_options){ .epochs = (unsigned)epochs, .rate = rate, .decay = decay, .negative = negative,
					.seed = options_u64(o, "seed") };
	return check_writable(options_str(o, "out"), "--out", err);
}

static int read_all(const struct options *o, struct training *t, struct error *err)
{
	const char *const *dirs = options_args(o);
	int r = 0;

	t->shards = json_array();
	for (size_t i = 0; dirs[i] && r == 0; i++) {
		cleanup_json json_t *shards = NULL;

		r = shard_read(dirs[i], "rollouts", add_row, t, &shards, err);
		if (r == 0 && json_array_extend(t->shards, shards) < 0)
			r = error_set(err, ERR_NOMEM, "out of memory");
	}
	return r;
}

/* Nothing that differs between two fits of the same rows: no path, no date. */
static json_t *lineage(const struct options *o, const struct training *t, const struct gfit_counts *c)
{
	return json_pack("{s:O, s:s?, s:s?, s:s, s:{s:i, s:f, s:f, s:f, s:I}, s:{s:I, s:I, s:I, s:I, s:I}}", "shards", t->shards,
			 "parent", t->parent ? t->parent->digest : NULL, "policy_version", options_str(o, "policy-version"), "winnow",
			 winnow_version(), "options", "epochs", (int)t->opt.epochs, "rate", t->opt.rate, "decay", t->opt.decay,
			 "negative", t->opt.negative, "seed", (json_int_t)(t->opt.seed & INT64_MAX), "rows", "read",
			 (json_int_t)(c->rows + t->n_other), "derivations", (json_int_t)c->rows, "accepted", (json_int_t)c->accepted,
			 "groups", (json_int_t)c->groups, "groups_used", (json_int_t)c->groups_used);
}

static int conclude(const struct globals *g, const struct options *o, const struct training *t, const struct gmodel *m,
		    const struct gfit_counts *c, struct error *err)
{
	cleanup_json json_t *about = lineage(o, t, c);
	int r = about ? gmodel_write(m, about, options_str(o, "out"), err) : error_set(err, ERR_NOMEM, "out of memory");

	if (r < 0)
		return r;
	if (g->json) {
		if (json_object_set_new(about, "log_probability_before", json_real(c->before)) < 0 ||
		    json_object_set_new(about, "log_probability_after", json_real(c->after)) < 0 ||
		    json_object_set_new(about, "out", json_string(options_str(o, "out"))) < 0)
			return error_set(err, ERR_NOMEM, "out of memory");
		return answer_json(json_incref(about), err);
	}
	(void) printf("%s: %llu rows, %llu accepted, %llu of %llu groups teach; mean log probability of accepted programs %.2f -> %.2f\n",
		      options_str(o, "out"), (unsigned long long)c->rows, (unsigned long long)c->accepted,
		      (unsigned long long)c->groups_used, (unsigned long long)c->groups, c->before, c->after);
	return 0;
}

static int train_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct training t = { 0 };
	struct gfit_counts counts;
	struct gmodel *m = NULL;
	int r = read_options(o, &t, err);

	if (r == 0)
		r = grammar_table_new(&t.table, err);
	if (r == 0 && options_str(o, "weights"))
		r = gmodel_read(options_str(o, "weights"), &t.parent, err);
	if (r == 0)
		r = gfit_new(t.table, t.parent, &t.opt, &t.fit, err);
	if (r == 0)
		r = read_all(o, &t, err);
	if (r == 0)
		r = gfit_run(t.fit, &m, &counts, err);
	if (r == 0 && !counts.rows)
		r = error_set(err, ERR_INPUT, "no row of these shards was written by this grammar: rows need token_ids");
	if (r == 0)
		r = conclude(g, o, &t, m, &counts, err);
	gmodel_free(m);
	gfit_free(t.fit);
	gmodel_free(t.parent);
	grammar_table_free(t.table);
	json_decref(t.shards);
	return r;
}

/* clang-format off */
static const struct option_spec train_options[] = {
	{ "out", OPTION_STRING, "FILE", NULL, "file for the weights", false },
	{ "weights", OPTION_STRING, "FILE", NULL, "weights to begin with: those that wrote the shards (default: none)", false },
	{ "epochs", OPTION_UINT, "N", "15", "passes over the rows", false },
	{ "rate", OPTION_NUMBER, "X", "0.2", "rate of learning", false },
	{ "decay", OPTION_NUMBER, "X", "0.01", "how far weights are drawn back to those they began with, a pass", false },
	{ "negative", OPTION_NUMBER, "X", "0.1", "weight of what was not accepted", false },
	{ "seed", OPTION_UINT, "S", "0", "seed of the order of rows", false },
	{ "policy-version", OPTION_STRING, "N[:LABEL]", NULL, "version of the policy that the weights make, for their lineage", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
/* clang-format on */

const struct command cmd_train = {
	.name = "train",
	.summary = "fit the grammar policy to exported shards",
	.usage = "DIR…",
	.description =
		"Reads folders of `rollouts` shards, nothing else, and writes a weights file for\n"
		"'--policy grammar:FILE': policy gradient with the shards' group-relative advantages. A row that\n"
		"another policy sampled has no derivation of the grammar and is passed over.\n"
		"\n"
		"The same shards, weights, options and seed give the same file, to the byte. The file names the\n"
		"shards' hashes and the weights it began with.",
	.options = train_options,
	.main = train_main,
};
