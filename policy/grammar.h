/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar.h - a typed probabilistic grammar over a task's signature: whole programs, drawn and learnt.
 *
 * A program is a tree of productions.  Each production makes a value of one type from values of
 * others (`len` an int from a list), may bind variables for some of its arguments (the element of
 * a loop, an accumulator), and is one row of the table in grammar_families.h.  A choice is drawn from
 * a log-linear model (grammar_model.c): exp of prior plus weights of features of production, parent
 * productions, types, names and the words of the prompt.
 *
 * What it sees (grammar_sight.c) is what a language model would see: prompt, signature and visible
 * cases; never a hidden case.
 *
 * A derivation is also a list of numbers ("tokens"): what was seen, hashed, then the choices in
 * order.  They travel with a sample as its token ids, so that a trainer can find the choices again
 * from a shard alone.
 */
#ifndef WINNOW_POLICY_GRAMMAR_H
#define WINNOW_POLICY_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/buf.h"
#include "core/error.h"
#include "core/json.h"
#include "core/record.h"
#include "core/rng.h"

/* Nonterminals: types of values, what loops run over, pairs of what two loops run over, and bodies. */
enum gtype {
	GT_INT, GT_FLOAT, GT_BOOL, GT_STR, GT_CHAR,
	GT_LIST_INT, GT_LIST_FLOAT, GT_LIST_STR, GT_LIST_BOOL, GT_LIST_LIST_INT,
	GT_N_VALUES,
	GT_ITER_INT = GT_N_VALUES, GT_ITER_FLOAT, GT_ITER_STR, GT_ITER_CHAR, GT_ITER_BOOL, GT_ITER_LIST_INT,
	GT_PAIR_INT, GT_PAIR_CHAR,
	GT_BODY,                                   /* GT_BODY + a value type: the function's body */
	GT_COUNT = GT_BODY + GT_N_VALUES
};
#define GT_NONE 0xff
const char *gtype_name(enum gtype t);

/* Roles of variables. */
enum grole { GR_PARAM, GR_ELEM, GR_ACC, GR_INDEX, GR_COUNT };

#define GRAMMAR_MAX_ARGS 5
#define GRAMMAR_MAX_BIND 4
#define GRAMMAR_MAX_VARS 24
#define GRAMMAR_MAX_NODES 160
#define GRAMMAR_MAX_PARAMS 6
#define GRAMMAR_MAX_WORDS 64
#define GRAMMAR_MAX_NUMBERS 6
#define GRAMMAR_MAX_TOKENS (GRAMMAR_MAX_NODES + GRAMMAR_MAX_PARAMS * 2 + GRAMMAR_MAX_WORDS + 8)

/* One row of the table for one choice of types. */
struct gprod {
	uint16_t family;                           /* which row */
	uint8_t type;                              /* what it makes */
	uint8_t n_args;
	uint8_t arg[GRAMMAR_MAX_ARGS];
	uint8_t n_bind[GRAMMAR_MAX_ARGS];          /* variables bound in that argument, in the order of bind */
	uint8_t bind_type[GRAMMAR_MAX_ARGS][GRAMMAR_MAX_BIND];
	uint8_t bind_role[GRAMMAR_MAX_ARGS][GRAMMAR_MAX_BIND];
	uint8_t bind_id[GRAMMAR_MAX_ARGS][GRAMMAR_MAX_BIND]; /* equal ids in two arguments are one variable */
	float prior;
};
/* A row: what all its productions share. */
struct gfamily {
	const char *name;
	const char *type, *args;                   /* as grammar_families.h explains */
	float prior;
	const char *python;                        /* "$0 + $1"; NULL: a statement, or printed by code */
	uint8_t prec;                              /* of the result in Python */
};
extern const struct gfamily grammar_families[];
extern const size_t grammar_n_families;

struct gtable {
	struct gprod *prods;
	size_t n_prods;
	uint16_t *by_type[GT_COUNT];
	size_t n_by_type[GT_COUNT];
};
/* Built once from the families. */
int grammar_table_new(struct gtable **ret, struct error *err);
void grammar_table_free(struct gtable *t);

/* --- what is seen of a task --- */
struct gsight {
	char name[128];                            /* of the function */
	uint8_t n_params, param[GRAMMAR_MAX_PARAMS], returns;
	char param_name[GRAMMAR_MAX_PARAMS][64];
	uint32_t param_hash[GRAMMAR_MAX_PARAMS];
	uint32_t word[GRAMMAR_MAX_WORDS];          /* hashes of words and of what the visible cases show */
	uint8_t n_words;
	int64_t number[GRAMMAR_MAX_NUMBERS];       /* that the prompt names */
	uint8_t n_numbers;
};
/* ERR_INPUT naming what the grammar has no words for (a tuple, a class, stdio). */
int grammar_see(const struct task *t, struct gsight *ret, struct error *err);

/* --- trees --- */
struct gvar { uint8_t type, role; uint8_t ordinal; };
struct gnode {
	uint16_t family;                           /* or one of the two below */
	uint16_t prod;
	uint8_t type, n;
	int64_t value;                             /* GF_VAR: number of the variable; GF_NUMBER: the number */
	struct gnode *kid[GRAMMAR_MAX_ARGS];
	uint8_t bound[GRAMMAR_MAX_ARGS][GRAMMAR_MAX_BIND]; /* numbers of the variables bound in each argument */
};
#define GF_VAR 0xfff0
#define GF_NUMBER 0xfff1
struct gprogram {
	struct gnode nodes[GRAMMAR_MAX_NODES];
	size_t n_nodes;
	struct gvar vars[GRAMMAR_MAX_VARS];        /* parameters first */
	uint8_t n_vars;
	struct gnode *root;
	uint32_t tokens[GRAMMAR_MAX_TOKENS];       /* the choices alone */
	float logprob[GRAMMAR_MAX_TOKENS];
	size_t n_tokens;
};

/* --- the model --- */
#define GRAMMAR_WEIGHTS_BITS 19
#define GRAMMAR_N_WEIGHTS (1u << GRAMMAR_WEIGHTS_BITS)
struct gmodel {
	float *w;                                  /* GRAMMAR_N_WEIGHTS */
	char digest[65];                           /* of the file it was read from; "" for none */
};
int gmodel_new(struct gmodel **ret, struct error *err);      /* all zero: untrained */
void gmodel_free(struct gmodel *m);
/* A weights file: docs/grammar.md. */
int gmodel_read(const char *path, struct gmodel **ret, struct error *err);
/* lineage: object, borrowed.  Written aside and renamed. */
int gmodel_write(const struct gmodel *m, const json_t *lineage, const char *path, struct error *err);

/* What a place takes: a constant says nothing where nothing else varies. */
enum gneed { GNEED_ANY, GNEED_VARYING, GNEED_CONSTANT };
/* Where a choice is made. */
struct gplace {
	uint8_t type, arg, depth;
	uint8_t need;                              /* enum gneed */
	uint16_t parent, grandparent;              /* families; 0xffff none */
};
/* Indices and values of the features of one candidate.  Returns their number (at most GRAMMAR_MAX_FEATURES). */
#define GRAMMAR_MAX_FEATURES (9 + 2 * GRAMMAR_MAX_WORDS)
struct gcand { uint32_t token, cid, name; float prior; }; /* name: hash of a parameter's name; 0 none */
size_t gmodel_features(const struct gsight *s, const struct gplace *at, const struct gcand *c,
		       uint32_t index[GRAMMAR_MAX_FEATURES], float value[GRAMMAR_MAX_FEATURES]);
float gmodel_score(const struct gmodel *m, const struct gsight *s, const struct gplace *at, const struct gcand *c);

/* --- drawing and finding again --- */
struct gsampler;
/* Everything is borrowed for its life.  temperature > 0. */
int gsampler_new(const struct gtable *t, const struct gmodel *m, const struct gsight *s, double temperature,
		 struct gsampler **ret, struct error *err);
void gsampler_free(struct gsampler *g);
/* One draw; false where it came to nothing (too large, a parameter not used, an empty operation): draw again. */
bool gsampler_draw(struct gsampler *g, struct rng *rng, struct gprogram *ret);

/* Is there any program for this signature? */
bool grammar_covers(const struct gtable *t, const struct gsight *s);
/* Walk a derivation again; calls for every choice with all its candidates. False: it is not one of this grammar. */
typedef void gchoice_fn(void *ctx, const struct gplace *at, const struct gcand *cands, size_t n, size_t chosen);
bool grammar_replay(const struct gtable *t, const struct gsight *s, const uint32_t *tokens, size_t n, gchoice_fn *fn,
		    void *ctx, struct gprogram *ret);

/* Token ids of a sample: what was seen, then the choices.  decode fills the hashed half of *ret_sight. */
size_t grammar_encode(const struct gsight *s, const struct gprogram *p, uint32_t ids[GRAMMAR_MAX_TOKENS]);
bool grammar_decode(const uint32_t *ids, size_t n, struct gsight *ret_sight, const uint32_t **ret_tokens, size_t *ret_n);

/* --- printers --- */
bool grammar_prints(const char *language);
void grammar_print(const char *language, const struct gsight *s, const struct gprogram *p, struct buf *out);
void grammar_print_python(const struct gsight *s, const struct gprogram *p, struct buf *out);
/* A name for each variable: the parameters' own, others by role and type, none twice. */
void grammar_name_vars(const struct gsight *s, const struct gprogram *p, char names[GRAMMAR_MAX_VARS][64]);

#endif
