/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grammar_families.h - the grammar's rows.
 *
 * type and args are words of types: I int, F float, B bool, S string, C character, LI LF LS LB LLI
 * lists, iI iF iS iC iB iLI what a loop runs over, pI pC pairs, bT the body of a function that
 * returns T.  Letters that stand for several types make one production for each:
 *   L  any list, E its element       O  a list whose elements have an order, P its element
 *   M  int or float                  V  any value            K  any element of a loop (iK)
 *   Q  any list or a string
 * "I{a:V,e:K}" is an int in which an accumulator a and an element e are bound; one letter in two
 * arguments is one variable.  a b accumulators, e f elements, i j indices.
 *
 * Python's form: $0 is the first argument, $0@6 with parentheses below that precedence, %e a name.
 * Precedences: 1 if-else, 2 or, 3 and, 4 not, 5 comparisons, 6 + -, 7 * / // %, 8 unary, 9 **, a atoms.
 *
 * prior: log of how often a row is taken, before anything is learnt.  Only what any programmer
 * would say of any task stands here: plain before intricate.
 */
#ifndef WINNOW_POLICY_GRAMMAR_FAMILIES_H
#define WINNOW_POLICY_GRAMMAR_FAMILIES_H

#include "policy/grammar.h"

/* clang-format off */
#define GRAMMAR_FAMILIES(X) \
	/* --- ints --- */ \
	X(zero, "I", "", -0.5f, "0", 10) \
	X(one, "I", "", -0.3f, "1", 10) \
	X(two, "I", "", -0.7f, "2", 10) \
	X(three, "I", "", -2.0f, "3", 10) \
	X(ten, "I", "", -1.5f, "10", 10) \
	X(add, "M", "M M", 0, "$0@6 + $1@7", 6) \
	X(sub, "M", "M M", 0, "$0@6 - $1@7", 6) \
	X(mul, "M", "M M", 0, "$0@7 * $1@8", 7) \
	X(floordiv, "I", "I I", -0.7f, "$0@7 // $1@8", 7) \
	X(mod, "I", "I I", -0.5f, "$0@7 % $1@8", 7) \
	X(neg, "M", "M", -1, "-$0@8", 8) \
	X(abs, "M", "M", -0.5f, "abs($0)", 10) \
	X(max2, "M", "M M", -0.5f, "max($0, $1)", 10) \
	X(min2, "M", "M M", -0.5f, "min($0, $1)", 10) \
	X(power, "I", "I I", -1.5f, "$0@a ** $1@9", 9) \
	X(gcd, "I", "I I", -2, "gcd($0, $1)", 10) \
	X(len, "I", "Q", 0.3f, "len($0)", 10) \
	X(sum, "I", "LI", 0.5f, "sum($0)", 10) \
	X(sum_float, "F", "LF", 0.5f, "sum($0)", 10) \
	X(product, "I", "LI", -0.5f, "prod($0)", 10) \
	X(product_float, "F", "LF", -1, "prod($0)", 10) \
	X(largest, "P", "O", 0, "max($0)", 10) \
	X(smallest, "P", "O", 0, "min($0)", 10) \
	X(largest_or, "I", "LI I", -1, "max($0, default=$1)", 10) \
	X(first, "E", "L", -0.3f, "$0@a[0]", 10) \
	X(last, "E", "L", -0.3f, "$0@a[-1]", 10) \
	X(item, "E", "L I", -0.3f, "$0@a[$1]", 10) \
	X(count, "I", "L E", 0, "$0@a.count($1)", 10) \
	X(place, "I", "L E", -1, "$0@a.index($1)", 10) \
	X(count_text, "I", "S S", -0.3f, "$0@a.count($1)", 10) \
	X(count_char, "I", "S C", -0.3f, "$0@a.count($1)", 10) \
	X(find, "I", "S S", -1, "$0@a.find($1)", 10) \
	X(n_distinct, "I", "L", -0.7f, "len(set($0))", 10) \
	X(n_distinct_chars, "I", "S", -0.7f, "len(set($0))", 10) \
	X(sum_of, "I", "iK I{e:K}", 0, "sum($1 for %e in $0@2)", 10) \
	X(sum_where, "I", "iK I{e:K} B{e:K}", 0, "sum($1 for %e in $0@2 if $2@2)", 10) \
	X(count_where, "I", "iK B{e:K}", 0.5f, "sum(1 for %e in $0@2 if $1@2)", 10) \
	X(largest_of, "I", "iK I{e:K}", -0.5f, "max($1 for %e in $0@2)", 10) \
	X(smallest_of, "I", "iK I{e:K}", -1, "min($1 for %e in $0@2)", 10) \
	X(largest_of_or, "I", "iK I{e:K} I", -1.5f, "max(($1 for %e in $0@2), default=$2)", 10) \
	X(sum_pairs, "I", "pI I{e:I,f:I}", -0.3f, "sum($1 for %e, %f in $0@2)", 10) \
	X(count_pairs, "I", "pI B{e:I,f:I}", -0.3f, "sum(1 for %e, %f in $0@2 if $1@2)", 10) \
	X(count_char_pairs, "I", "pC B{e:C,f:C}", -0.5f, "sum(1 for %e, %f in $0@2 if $1@2)", 10) \
	X(sum_of_float, "F", "iF F{e:F}", 0, "sum($1 for %e in $0@2)", 10) \
	X(digit_value, "I", "C", 0, "int($0)", 10) \
	X(code, "I", "C", -0.5f, "ord($0)", 10) \
	X(parse_int, "I", "S", -0.5f, "int($0)", 10) \
	X(truncate, "I", "F", -0.5f, "int($0)", 10) \
	X(choose, "V", "B V V", -0.7f, "$1@2 if $0@2 else $2@1", 1) \
	/* --- floats --- */ \
	X(half, "F", "", -1, "0.5", 10) \
	X(float_one, "F", "", -1, "1.0", 10) \
	X(float_zero, "F", "", -1, "0.0", 10) \
	X(divide, "F", "M M", 0, "$0@7 / $1@8", 7) \
	X(divide_int, "F", "F I", 0, "$0@7 / $1@8", 7) \
	X(times_int, "F", "F I", -0.5f, "$0@7 * $1@8", 7) \
	X(minus_int, "F", "F I", -1, "$0@6 - $1@7", 6) \
	X(plus_int, "F", "F I", -1, "$0@6 + $1@7", 6) \
	X(square_root, "F", "M", -1.5f, "sqrt($0)", 10) \
	X(to_float, "F", "I", -1.5f, "float($0)", 10) \
	X(round_to, "F", "F I", -1.5f, "round($0, $1)", 10) \
	/* --- truth --- */ \
	X(less, "B", "M M", 0.3f, "$0@6 < $1@6", 5) \
	X(less_equal, "B", "M M", -0.3f, "$0@6 <= $1@6", 5) \
	X(greater, "B", "M M", 0.3f, "$0@6 > $1@6", 5) \
	X(greater_equal, "B", "M M", -0.3f, "$0@6 >= $1@6", 5) \
	X(equal, "B", "V V", 0, "$0@6 == $1@6", 5) \
	X(differ, "B", "V V", -0.5f, "$0@6 != $1@6", 5) \
	X(divides, "B", "I I", 0.3f, "$0@7 % $1@8 == 0", 5) \
	X(divides_not, "B", "I I", 0, "$0@7 % $1@8 != 0", 5) \
	X(and, "B", "B B", -0.7f, "$0@3 and $1@4", 3) \
	X(or, "B", "B B", -0.7f, "$0@2 or $1@3", 2) \
	X(not, "B", "B", -1.2f, "not $0@4", 4) \
	X(true, "B", "", -1.5f, "True", 10) \
	X(false, "B", "", -1.5f, "False", 10) \
	X(holds, "B", "E L", 0, "$0@6 in $1@6", 5) \
	X(holds_not, "B", "E L", -0.3f, "$0@6 not in $1@6", 5) \
	X(holds_char, "B", "C S", -0.3f, "$0@6 in $1@6", 5) \
	X(holds_text, "B", "S S", -0.5f, "$0@6 in $1@6", 5) \
	X(every, "B", "iK B{e:K}", 0, "all($1 for %e in $0@2)", 10) \
	X(some, "B", "iK B{e:K}", 0, "any($1 for %e in $0@2)", 10) \
	X(every_pair, "B", "pI B{e:I,f:I}", -0.3f, "all($1 for %e, %f in $0@2)", 10) \
	X(some_pair, "B", "pI B{e:I,f:I}", -0.5f, "any($1 for %e, %f in $0@2)", 10) \
	X(every_char_pair, "B", "pC B{e:C,f:C}", -0.7f, "all($1 for %e, %f in $0@2)", 10) \
	X(empty, "B", "Q", -0.5f, "not $0@4", 4) \
	X(starts, "B", "S S", -0.5f, "$0@a.startswith($1)", 10) \
	X(ends, "B", "S S", -0.5f, "$0@a.endswith($1)", 10) \
	X(is_digit, "B", "C", 0, "$0@a.isdigit()", 10) \
	X(is_upper, "B", "C", 0, "$0@a.isupper()", 10) \
	X(is_lower, "B", "C", 0, "$0@a.islower()", 10) \
	X(is_alpha, "B", "C", 0, "$0@a.isalpha()", 10) \
	X(is_space, "B", "C", -0.5f, "$0@a.isspace()", 10) \
	X(is_vowel, "B", "C", -0.5f, "$0@6 in 'aeiou'", 5) \
	X(char_less, "B", "C C", -0.7f, "$0@6 < $1@6", 5) \
	X(char_less_equal, "B", "C C", -1, "$0@6 <= $1@6", 5) \
	X(text_less, "B", "S S", -1, "$0@6 < $1@6", 5) \
	/* --- lists --- */ \
	X(join_lists, "L", "L L", 0, "$0@6 + $1@7", 6) \
	X(reverse, "L", "L", 0, "$0@a[::-1]", 10) \
	X(sort, "O", "O", 0.2f, "sorted($0)", 10) \
	X(sort_down, "O", "O", -0.5f, "sorted($0, reverse=True)", 10) \
	X(from, "L", "L I", -0.3f, "$0@a[$1:]", 10) \
	X(up_to, "L", "L I", -0.3f, "$0@a[:$1]", 10) \
	X(tail, "L", "L", -0.3f, "$0@a[1:]", 10) \
	X(but_last, "L", "L", -0.5f, "$0@a[:-1]", 10) \
	X(every_nth, "L", "L I", -1, "$0@a[::$1]", 10) \
	X(distinct_sorted, "O", "O", -0.7f, "sorted(set($0))", 10) \
	X(distinct, "O", "O", -0.7f, "list(dict.fromkeys($0))", 10) \
	X(repeat_list, "L", "L I", -1.2f, "$0@7 * $1@8", 7) \
	X(list_of, "L", "E", -1, "[$0]", 10) \
	X(list_of_two, "L", "E E", -1, "[$0, $1]", 10) \
	X(no_items, "L", "", -1.5f, "[]", 10) \
	X(map, "L", "iK E{e:K}", 0.4f, "[$1 for %e in $0@2]", 10) \
	X(filter, "L", "L B{e:E}", 0.4f, "[%e for %e in $0@2 if $1@2]", 10) \
	X(map_where, "L", "iK E{e:K} B{e:K}", -0.3f, "[$1 for %e in $0@2 if $2@2]", 10) \
	X(map_pairs, "L", "pI E{e:I,f:I}", 0, "[$1 for %e, %f in $0@2]", 10) \
	X(range, "LI", "I", -0.7f, "list(range($0))", 10) \
	X(range_from, "LI", "I I", -0.7f, "list(range($0, $1))", 10) \
	X(range_step, "LI", "I I I", -1.5f, "list(range($0, $1, $2))", 10) \
	X(flatten, "LI", "LLI", 0, "[item for row in $0@2 for item in row]", 10) \
	X(words, "LS", "S", 0, "$0@a.split()", 10) \
	X(split_at, "LS", "S C", -1, "$0@a.split($1)", 10) \
	X(by_length, "LS", "LS", -1, "sorted($0, key=len)", 10) \
	X(longest, "S", "LS", -0.5f, "max($0, key=len)", 10) \
	X(shortest, "S", "LS", -0.7f, "min($0, key=len)", 10) \
	/* --- texts --- */ \
	X(no_text, "S", "", -0.7f, "''", 10) \
	X(join_texts, "S", "S S", 0, "$0@6 + $1@7", 6) \
	X(reverse_text, "S", "S", 0, "$0@a[::-1]", 10) \
	X(upper, "S", "S", -0.2f, "$0@a.upper()", 10) \
	X(lower, "S", "S", -0.2f, "$0@a.lower()", 10) \
	X(strip, "S", "S", -0.7f, "$0@a.strip()", 10) \
	X(capitalize, "S", "S", -1, "$0@a.capitalize()", 10) \
	X(swapcase, "S", "S", -1.2f, "$0@a.swapcase()", 10) \
	X(replace, "S", "S C C", -0.5f, "$0@a.replace($1, $2)", 10) \
	X(remove, "S", "S C", -0.5f, "$0@a.replace($1, '')", 10) \
	X(repeat_text, "S", "S I", -0.3f, "$0@7 * $1@8", 7) \
	X(join, "S", "S LS", 0, "$0@a.join($1)", 10) \
	X(join_by_char, "S", "C LS", 0, "$0@a.join($1)", 10) \
	X(spread, "S", "C S", -1, "$0@a.join($1)", 10) \
	X(to_text, "S", "I", 0, "str($0)", 10) \
	X(char_text, "S", "C", -0.2f, "$0@a", 10) \
	X(text_from, "S", "S I", -0.5f, "$0@a[$1:]", 10) \
	X(text_up_to, "S", "S I", -0.5f, "$0@a[:$1]", 10) \
	X(text_tail, "S", "S", -0.5f, "$0@a[1:]", 10) \
	X(text_nth, "S", "S I", -1, "$0@a[::$1]", 10) \
	X(sort_text, "S", "S", -0.3f, "''.join(sorted($0))", 10) \
	X(map_chars, "S", "S C{e:C}", 0.2f, "''.join($1 for %e in $0@2)", 10) \
	X(filter_chars, "S", "S B{e:C}", 0.2f, "''.join(%e for %e in $0@2 if $1@2)", 10) \
	X(join_chars, "S", "iK C{e:K}", -0.5f, "''.join($1 for %e in $0@2)", 10) \
	X(join_texts_of, "S", "iK S{e:K}", -0.3f, "''.join($1 for %e in $0@2)", 10) \
	/* --- characters --- */ \
	X(space, "C", "", -0.7f, "' '", 10) \
	X(dash, "C", "", -1.2f, "'-'", 10) \
	X(comma, "C", "", -1.2f, "','", 10) \
	X(underscore, "C", "", -1.2f, "'_'", 10) \
	X(dot, "C", "", -1.5f, "'.'", 10) \
	X(star, "C", "", -2, "'*'", 10) \
	X(letter_a, "C", "", -1.5f, "'a'", 10) \
	X(letter_z, "C", "", -2, "'z'", 10) \
	X(digit_0, "C", "", -2, "'0'", 10) \
	X(digit_1, "C", "", -2, "'1'", 10) \
	X(open, "C", "", -2, "'('", 10) \
	X(close, "C", "", -2, "')'", 10) \
	X(first_char, "C", "S", 0, "$0@a[0]", 10) \
	X(last_char, "C", "S", 0, "$0@a[-1]", 10) \
	X(char_at, "C", "S I", -0.2f, "$0@a[$1]", 10) \
	X(char_upper, "C", "C", 0, "$0@a.upper()", 10) \
	X(char_lower, "C", "C", 0, "$0@a.lower()", 10) \
	X(char_of, "C", "I", -0.5f, "chr($0)", 10) \
	X(largest_char, "C", "S", -0.7f, "max($0)", 10) \
	/* --- what loops run over --- */ \
	X(over, "iE", "L", 1, "$0", 10) \
	X(over_text, "iC", "S", 1, "$0", 10) \
	X(over_range, "iI", "I", 0, "range($0)", 10) \
	X(over_one_to, "iI", "I", 0, "range(1, $0@6 + 1)", 10) \
	X(over_from_to, "iI", "I I", -0.7f, "range($0, $1)", 10) \
	X(over_from_through, "iI", "I I", -0.7f, "range($0, $1@6 + 1)", 10) \
	X(over_places, "iI", "Q", 0, "range(len($0))", 10) \
	X(over_down, "iI", "I", -1, "range($0, 0, -1)", 10) \
	X(over_both, "pI", "LI LI", 1, "zip($0, $1)", 10) \
	X(over_neighbours, "pI", "LI", 0, "zip($0, $0@a[1:])", 10) \
	X(over_numbered, "pI", "LI", 0.3f, "enumerate($0)", 10) \
	X(over_both_chars, "pC", "S S", 0.5f, "zip($0, $1)", 10) \
	X(over_char_neighbours, "pC", "S", 0, "zip($0, $0@a[1:])", 10) \
	/* --- bodies --- */ \
	X(body_return, "bV", "V", 2.2f, NULL, 0) \
	X(body_guard, "bV", "B V bV", -0.5f, NULL, 0) \
	X(body_fold, "bV", "V iK V{a:V,e:K}", -0.7f, NULL, 0) \
	X(body_fold_if, "bV", "V iK B{a:V,e:K} V{a:V,e:K}", -1, NULL, 0) \
	X(body_fold_pairs, "bV", "V pI V{a:V,e:I,f:I}", -1.5f, NULL, 0) \
	X(body_fold_then, "bV", "I iK I{a:I,e:K} V{a:I}", -1.5f, NULL, 0) \
	X(body_search, "bV", "iK B{e:K} V{e:K} V", -0.7f, NULL, 0) \
	X(body_search_places, "bV", "LI B{i:I,j:I,e:I,f:I} V{i:I,j:I,e:I,f:I} V", -1.2f, NULL, 0) \
	X(body_count_places, "bI", "LI B{i:I,j:I,e:I,f:I}", -1, NULL, 0) \
	X(body_build, "bL", "iK B{a:L,e:K} E{a:L,e:K}", -0.7f, NULL, 0) \
	X(body_scan, "bLI", "I iI I{a:I,e:I}", -0.5f, NULL, 0) \
	X(body_best, "bI", "I iI I{a:I,e:I}", -1, NULL, 0) \
	X(body_halving, "bV", "V I V{a:V,b:I}", -1.5f, NULL, 0) \
	X(body_digits, "bV", "V I V{a:V,b:I}", -1.2f, NULL, 0) \
	X(body_states, "bI", "I I I I{a:I,b:I} I{a:I,b:I}", -1, NULL, 0) \
	X(body_let, "bV", "I bV{a:I}", -1.8f, NULL, 0)
/* clang-format on */

enum gfamily_number {
#define X(id, type, args, prior, python, prec) GF_##id,
	GRAMMAR_FAMILIES(X)
#undef X
	GF_COUNT
};

#endif
