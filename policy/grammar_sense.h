/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_sense.h - what nobody would write: x - x, sorted(sorted(xs)), a parameter never used.
 *
 * Structure alone decides; no program is run, and no case is looked at.
 */
#ifndef WINNOW_POLICY_GRAMMAR_SENSE_H
#define WINNOW_POLICY_GRAMMAR_SENSE_H

#include "policy/grammar.h"

/* An empty list, an empty text, true, false: said only where a body or a choice between two takes them. */
bool grammar_is_bare(uint16_t family);
bool grammar_takes_bare(uint16_t parent, uint8_t arg);
/* What argument a of a node needs, its earlier arguments being there. */
uint8_t gnode_need(const struct gprod *prod, const struct gnode *n, unsigned a);
/* Of a node whose arguments are complete; parent 0xffff: the body of the function. */
bool gnode_makes_sense(const struct gprogram *p, const struct gnode *n, uint16_t parent);
/* Of a whole program. */
bool gprogram_makes_sense(const struct gprogram *p, const struct gsight *s);

#endif
