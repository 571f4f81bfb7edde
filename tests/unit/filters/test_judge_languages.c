/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_judge_languages.c - programs in every language with a compiler or a virtual machine of
 * its own: what is right, wrong, no program, failing and greedy is told apart in each, on stdio and
 * when asked by tests that were written for Python.
 */
#include "tests/unit/filters/judge_bench.h"
#include "tests/unit/filters/table.h"

#define STDIO "{\"task_id\":\"t\",\"prompt\":\"p\",\"limits\":{\"cpu_s\":20,\"memory_mib\":256},\"tests\":{\"kind\":\"stdio\"," \
	      "\"checker\":{\"kind\":\"tokens\"},\"cases\":[{\"in\":\"1 2 3\\n\",\"out\":\"6\\n\"},{\"in\":\"5 -7\\n\",\"out\":\"-2\\n\"}]}}"

#define CALLS(cases) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"to_do\",\"limits\":{\"cpu_s\":10,\"memory_mib\":512},\"tests\":{\"kind\":\"calls\",\"cases\":[" cases "]}}"
#define CHECK(code) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"to_do\",\"limits\":{\"cpu_s\":10,\"memory_mib\":512},\"tests\":{\"kind\":\"calls\",\"check\":\"" code "\"}}"
#define PAIR CALLS("{\"args\":[1,[2.5,3]],\"expect\":{\"$tuple\":[1,5.5]}}")
#define SORTED CALLS("{\"args\":[[3,1,2]],\"expect\":null,\"expect_args\":[[1,2,3]]},{\"args\":[[]],\"expect\":null,\"expect_args\":[[]]}")
#define COUNTS CHECK("assert to_do('abca') == {'a': 2, 'b': 1, 'c': 1}\\nassert to_do('') == {}\\n")
#define NUMBERS CHECK("assert to_do([1, 1, 2]) == {1: 2, 2: 1}\\n")
#define TUPLE_LOOP CHECK("for n in range(4):\\n    assert to_do(n) == (n, n * n)\\n")
#define LIST_LOOP CHECK("for n in range(4):\\n    assert to_do(n) == [n, n * n]\\n")
#define TEXT CHECK("assert to_do('h\\u00e9') == ('\\u00e9h', None, True)\\n")
#define BIG CHECK("assert to_do(2) == 2 ** 70\\n")
#define ROWS CHECK("assert to_do([[1], [], [2, 3]]) == [[2, 3], [], [1]]\\nassert to_do([]) == []\\n")
#define WORDS CHECK("assert to_do(['a', 'bc', '']) == ['', 'bc', 'a']\\nassert to_do([]) == []\\n")
#define MAYBE CHECK("assert to_do([7]) == 7\\nassert to_do([]) is None\\n")
#define SET CHECK("assert to_do([(1, 2), (1, 2), (2, 1)]) == {(1, 2), (2, 1)}\\n")

static struct row {
	const char *name, *language, *program;
	enum verdict verdict;
	const char *task; /* NULL: STDIO */
} rows[] = {
	{ "javascript: right", "javascript", "const n = require('fs').readFileSync(0, 'utf8').trim().split(/\\s+/).map(Number);\nconsole.log(n.reduce((a, b) => a + b, 0));\n", VERDICT_ACCEPTED, NULL },
	{ "javascript: right, as an ES module", "javascript", "import fs from 'fs';\nconst n = fs.readFileSync(0, 'utf8').trim().split(/\\s+/).map(Number);\nconsole.log(n.reduce((a, b) => a + b, 0));\n", VERDICT_ACCEPTED, NULL },
	{ "javascript: wrong", "javascript", "console.log(6);\n", VERDICT_WRONG_ANSWER, NULL },
	{ "javascript: no program", "javascript", "let x = ;\n", VERDICT_COMPILE_ERROR, NULL },
	{ "javascript: throws", "javascript", "throw new Error('no');\n", VERDICT_RUNTIME_ERROR, NULL },
	{ "javascript: says that it is no program", "javascript", "console.error('main.js is no program: x'); null.x;\n", VERDICT_COMPILE_ERROR, NULL },
	{ "javascript: greedy", "javascript", "const a = []; for (;;) a.push(new Array(100000).fill(1.5));\n", VERDICT_MEMORY_LIMIT, NULL },
	{ "javascript: a tuple is an array", "javascript", "const toDo = (a, xs) => [a, xs.reduce((s, x) => s + x, 0)];\n", VERDICT_ACCEPTED, PAIR },
	{ "javascript: another tuple", "javascript", "const toDo = (a, xs) => [a, 5];\n", VERDICT_WRONG_ANSWER, PAIR },
	{ "javascript: an argument changed in place", "javascript", "function to_do(xs) { xs.sort((a, b) => a - b); }\n", VERDICT_ACCEPTED, SORTED },
	{ "javascript: an argument left as it was", "javascript", "function to_do(xs) { }\n", VERDICT_WRONG_ANSWER, SORTED },
	{ "javascript: an object for a dict", "javascript", "exports.toDo = (s) => { const c = {}; for (const x of s) c[x] = (c[x] || 0) + 1; return c; };\n", VERDICT_ACCEPTED, COUNTS },
	{ "javascript: a Map for a dict", "javascript", "export function toDo(s) { const c = new Map(); for (const x of s) c.set(x, (c.get(x) || 0) + 1); return c; }\n", VERDICT_ACCEPTED, COUNTS },
	{ "javascript: keys that are numbers, as text", "javascript", "let to_do = (xs) => { const c = {}; for (const x of xs) c[x] = (c[x] || 0) + 1; return c; };\n", VERDICT_ACCEPTED, NUMBERS },
	{ "javascript: wrong keys", "javascript", "let to_do = (xs) => ({ '01': 2, 2: 1 });\n", VERDICT_WRONG_ANSWER, NUMBERS },
	{ "javascript: a tuple in a loop of the tests", "javascript", "const to_do = (n) => [n, n * n];\n", VERDICT_ACCEPTED, TUPLE_LOOP },
	{ "javascript: a list in a loop of the tests", "javascript", "const to_do = (n) => [n, n * n];\n", VERDICT_ACCEPTED, LIST_LOOP },
	{ "javascript: wrong in a loop of the tests", "javascript", "const to_do = (n) => [n, n + n];\n", VERDICT_WRONG_ANSWER, TUPLE_LOOP },
	{ "javascript: text, null and true", "javascript", "const to_do = async (s) => [[...s].reverse().join(''), undefined, true];\n", VERDICT_ACCEPTED, TEXT },
	{ "javascript: 0 is not None", "javascript", "const to_do = (s) => [[...s].reverse().join(''), 0, true];\n", VERDICT_WRONG_ANSWER, TEXT },
	{ "javascript: an integer beyond 2^53", "javascript", "const to_do = (n) => BigInt(n) ** 70n;\n", VERDICT_ACCEPTED, BIG },
	{ "javascript: nearly the integer", "javascript", "const to_do = (n) => BigInt(n) ** 70n + 1n;\n", VERDICT_WRONG_ANSWER, BIG },
	{ "javascript: a set of arrays", "javascript", "const to_do = (xs) => new Set([[2, 1], [1, 2]]);\n", VERDICT_ACCEPTED, SET },
	{ "javascript: no function of that name", "javascript", "const other = 1;\n", VERDICT_RUNTIME_ERROR, SET },
	{ "javascript: calls, no program", "javascript", "const = 1;\n", VERDICT_COMPILE_ERROR, SET },
	{ "javascript: leaves", "javascript", "const to_do = () => process.exit(0);\n", VERDICT_RUNTIME_ERROR, SET },
	{ "javascript: writes an answer of its own", "javascript", "const fs = require('fs');\nconst b = Buffer.from('0600000052' + '54' + '00000000', 'hex'); fs.writeSync(3, b); fs.writeSync(3, b);\n", VERDICT_RUNTIME_ERROR, TEXT },
	{ "javascript: equal to all", "javascript", "const to_do = () => ({ valueOf() { return 1; }, equals() { return true; }, __eq__() { return true; } });\n", VERDICT_WRONG_ANSWER, BIG },
	{ "cpp: right", "cpp", "#include <vector>\n#include <utility>\nusing namespace std;\n#define int long long\npair<int, double> toDo(int a, const vector<double> &xs) { double s = 0; for (double x : xs) s += x; return {a, s}; }\nsigned main() { return 1; }\n", VERDICT_ACCEPTED, PAIR },
	{ "cpp: wrong", "cpp", "#include <vector>\n#include <utility>\nstd::pair<int, double> to_do(int a, std::vector<float> xs) { return {a, 5}; }\n", VERDICT_WRONG_ANSWER, PAIR },
	{ "cpp: an argument changed in place", "cpp", "#include <algorithm>\n#include <vector>\nvoid to_do(std::vector<int> &xs) { std::sort(xs.begin(), xs.end()); }\n", VERDICT_ACCEPTED, SORTED },
	{ "cpp: a map for a dict", "cpp", "#include <map>\n#include <string>\nstd::map<std::string, int> to_do(std::string s) { std::map<std::string, int> m; for (char c : s) m[std::string(1, c)]++; return m; }\n", VERDICT_ACCEPTED, COUNTS },
	{ "cpp: throws", "cpp", "#include <stdexcept>\n#include <string>\nstd::string to_do(std::string s) { throw std::runtime_error(\"no\"); }\n", VERDICT_RUNTIME_ERROR, TEXT },
	{ "cpp: no such function", "cpp", "int other() { return 1; }\n", VERDICT_COMPILE_ERROR, TEXT },
	{ "cpp: leaves", "cpp", "#include <cstdlib>\n#include <string>\nstd::string to_do(std::string s) { exit(0); }\n", VERDICT_RUNTIME_ERROR, TEXT },
	{ "go: calls, right", "go", "package algorithms\n\nfunc ToDo(a int, xs []float64) (int, float64) {\n\ts := 0.0\n\tfor _, x := range xs {\n\t\ts += x\n\t}\n\treturn a, s\n}\n", VERDICT_ACCEPTED, PAIR },
	{ "go: calls, wrong", "go", "package main\n\nfunc toDo(a int, xs []float64) (int, float64) { return a, 5 }\n\nfunc main() {}\n", VERDICT_WRONG_ANSWER, PAIR },
	{ "go: an argument changed in place", "go", "import \"sort\"\n\nfunc to_do(xs []int) { sort.Ints(xs) }\n", VERDICT_ACCEPTED, SORTED },
	{ "go: a map for a dict", "go", "func toDo(s string) map[string]int {\n\tm := map[string]int{}\n\tfor _, c := range s {\n\t\tm[string(c)]++\n\t}\n\treturn m\n}\n", VERDICT_ACCEPTED, COUNTS },
	{ "go: a panic", "go", "func toDo(s string) string { panic(\"no\") }\n", VERDICT_RUNTIME_ERROR, TEXT },
	{ "java: calls, right", "java", "import java.util.*;\nclass Solution { public List<Object> toDo(int a, List<Double> xs) { double s = 0; for (double x : xs) s += x; return List.of(a, s); } }\n", VERDICT_ACCEPTED, PAIR },
	{ "java: calls, wrong", "java", "import java.util.*;\npublic class Any { static Object[] toDo(int a, double[] xs) { return new Object[] { a, 5 }; } }\n", VERDICT_WRONG_ANSWER, PAIR },
	{ "java: an argument changed in place", "java", "import java.util.*;\nclass Solution { void toDo(int[] xs) { Arrays.sort(xs); } }\n", VERDICT_ACCEPTED, SORTED },
	{ "java: throws", "java", "class Solution { String toDo(String s) { throw new RuntimeException(\"no\"); } }\n", VERDICT_RUNTIME_ERROR, TEXT },
	{ "go: right", "go", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\ts := 0\n\tfor {\n\t\tvar x int\n\t\tif _, err := fmt.Scan(&x); err != nil {\n\t\t\tbreak\n\t\t}\n\t\ts += x\n\t}\n\tfmt.Println(s)\n}\n", VERDICT_ACCEPTED, NULL },
	{ "go: no program", "go", "package main\n\nfunc main() { x := 1 }\n", VERDICT_COMPILE_ERROR, NULL },
	{ "go: panics", "go", "package main\n\nfunc main() { var a []int; println(a[3]) }\n", VERDICT_RUNTIME_ERROR, NULL },
	{ "go: greedy", "go", "package main\n\nvar k [][]int\n\nfunc main() {\n\tfor {\n\t\tb := make([]int, 1000000)\n\t\tfor i := range b {\n\t\t\tb[i] = i\n\t\t}\n\t\tk = append(k, b)\n\t}\n}\n", VERDICT_MEMORY_LIMIT, NULL },
	{ "rust: right", "rust", "use std::io::Read;\nfn main() {\n let mut s = String::new();\n std::io::stdin().read_to_string(&mut s).unwrap();\n println!(\"{}\", s.split_whitespace().map(|x| x.parse::<i64>().unwrap()).sum::<i64>());\n}\n", VERDICT_ACCEPTED, NULL },
	{ "rust: no program", "rust", "fn main() { let x: i32 = \"a\"; }\n", VERDICT_COMPILE_ERROR, NULL },
	{ "rust: panics", "rust", "fn main() { let v: Vec<i32> = vec![]; println!(\"{}\", v[v.len() + 1]); }\n", VERDICT_RUNTIME_ERROR, NULL },
	{ "rust: greedy", "rust", "fn main() { let mut v: Vec<Vec<u64>> = vec![]; loop { v.push(vec![7; 1000000]); } }\n", VERDICT_MEMORY_LIMIT, NULL },
	{ "rust: calls, right", "rust", "fn to_do(a: i64, xs: &[f64]) -> (i64, f64) { (a, xs.iter().sum()) }\n", VERDICT_ACCEPTED, PAIR },
	{ "rust: calls, wrong", "rust", "fn to_do(a: i64, xs: Vec<f32>) -> (i64, i64) { (a, 5) }\nfn main() {}\n", VERDICT_WRONG_ANSWER, PAIR },
	{ "rust: an argument changed in place", "rust", "pub fn to_do(xs: &mut Vec<i32>) { xs.sort(); }\n", VERDICT_ACCEPTED, SORTED },
	{ "rust: calls, a panic", "rust", "fn to_do(s: &str) -> String { panic!(\"no\") }\n", VERDICT_RUNTIME_ERROR, TEXT },
	{ "c: a list, and a value written where it is told to", "c", "#include <stddef.h>\n#include <stdbool.h>\nvoid to_do(int a, const double xs[], size_t n, int *first, double *const second) { double s = 0; for (size_t i = 0; i < n; i++) s += xs[i]; *first = a; *second = s; }\nint main(void) { return 1; }\n", VERDICT_ACCEPTED, PAIR },
	{ "c: returned and written", "c", "static inline int toDo(int a, float *xs, unsigned n, double *sum) { *sum = 0; while (n--) *sum += xs[n]; return a; }\n", VERDICT_ACCEPTED, PAIR },
	{ "c: wrong", "c", "int to_do(int a, double *xs, long n, double *sum) { *sum = 5; return a; }\n", VERDICT_WRONG_ANSWER, PAIR },
	{ "c: an argument changed in place", "c", "#include <stdlib.h>\nstatic int cmp(const void *a, const void *b) { return *(const int *) a - *(const int *) b; }\nvoid to_do(int *xs, size_t n) { qsort(xs, n, sizeof(*xs), cmp); }\n", VERDICT_ACCEPTED, SORTED },
	{ "c: an argument left as it was", "c", "#include <stddef.h>\nvoid to_do(int *xs, size_t n) { }\n", VERDICT_WRONG_ANSWER, SORTED },
	{ "c: keys and values for a dict", "c", "#include <stdlib.h>\n#include <string.h>\nvoid to_do(const char *s, char ***keys, long **values, size_t *n) { size_t k = strlen(s); *keys = malloc(k * sizeof(char *)); *values = calloc(k, sizeof(long)); *n = 0; for (; *s; s++) { size_t i = 0; while (i < *n && (*keys)[i][0] != *s) i++; if (i == *n) (*keys)[(*n)++] = strndup(s, 1); (*values)[i]++; } }\n", VERDICT_ACCEPTED, COUNTS },
	{ "c: a list in a loop of the tests", "c", "#include <stdlib.h>\nlong long *to_do(int n, size_t *count) { long long *r = malloc(2 * sizeof(*r)); r[0] = n; r[1] = n * n; *count = 2; return r; }\n", VERDICT_ACCEPTED, LIST_LOOP },
	{ "c: wrong in a loop of the tests", "c", "void to_do(int n, int *a, int *b) { *a = n; *b = n + n; }\n", VERDICT_WRONG_ANSWER, TUPLE_LOOP },
	{ "c: rows, returned and taken", "c", "#include <stdlib.h>\n#include <string.h>\nint **to_do(int **rows, int n, int *sizes, int *count, int **lengths) { *count = n; *lengths = sizes; for (int i = 0; i < n / 2; i++) { int *r = rows[i]; int s = sizes[i]; rows[i] = rows[n - 1 - i]; rows[n - 1 - i] = r; sizes[i] = sizes[n - 1 - i]; sizes[n - 1 - i] = s; } return rows; }\n", VERDICT_ACCEPTED, ROWS },
	{ "c: words, returned and taken", "c", "#include <stdlib.h>\nconst char **to_do(const char *const *w, size_t n, size_t *count) { const char **r = malloc(n * sizeof(*r)); for (size_t i = 0; i < n; i++) r[i] = w[n - 1 - i]; *count = n; return r; }\n", VERDICT_ACCEPTED, WORDS },
	{ "c: a value or none", "c", "#include <stdbool.h>\nbool to_do(const long *xs, int n, long *out) { if (!n) return false; *out = xs[0]; return true; }\n", VERDICT_ACCEPTED, MAYBE },
	{ "c: a value or none, as a pointer", "c", "#include <stddef.h>\nconst long *to_do(const long *xs, int n) { return n ? xs : NULL; }\n", VERDICT_ACCEPTED, MAYBE },
	{ "c: none where there is a value", "c", "#include <stddef.h>\nlong *to_do(const long *xs, int n) { return NULL; }\n", VERDICT_WRONG_ANSWER, MAYBE },
	{ "c: a number that does not fit", "c", "#include <stdint.h>\nint to_do(int8_t n) { return n; }\n", VERDICT_RUNTIME_ERROR, CHECK("assert to_do(300) == 300\\n") },
	{ "c: characters and text", "c", "#include <string.h>\n#include <stdlib.h>\nchar *to_do(char c, const char *s) { char *r = strdup(s); for (char *p = r; *p; p++) if (*p == c) *p = '-'; return r; }\n", VERDICT_ACCEPTED, CHECK("assert to_do('a', 'banana') == 'b-n-n-'\\nassert to_do('x', '') == ''\\n") },
	{ "c: no such function", "c", "int other(void) { return 1; }\n", VERDICT_COMPILE_ERROR, PAIR },
	{ "c: a struct, which no convention knows", "c", "struct p { int a; double b; };\nstruct p to_do(int a, double *xs, int n) { struct p p = { a, 5.5 }; return p; }\n", VERDICT_COMPILE_ERROR, PAIR },
	{ "c: leaves", "c", "#include <stdlib.h>\nint to_do(int a, double *xs, int n, double *sum) { exit(0); }\n", VERDICT_RUNTIME_ERROR, PAIR },
	{ "c: crashes", "c", "int to_do(int a, double *xs, int n, double *sum) { return *(volatile int *) 8; }\n", VERDICT_RUNTIME_ERROR, PAIR },
	{ "c: items that are nowhere", "c", "#include <stddef.h>\nlong *to_do(int n, size_t *count) { *count = 2; return NULL; }\n", VERDICT_RUNTIME_ERROR, LIST_LOOP },
	{ "not portable: several types in one list, to c", "c", "int to_do(void) { return 1; }\n", VERDICT_NONE, CHECK("assert to_do([1, 'a', 2.5]) == 3\\nassert to_do([1]) == 1\\n") },
	{ "not portable: several types in one list, to rust", "rust", "fn to_do(xs: Vec<i64>) -> usize { xs.len() }\n", VERDICT_NONE, CHECK("assert to_do([1, 'a', 2.5]) == 3\\nassert to_do([1]) == 1\\n") },
	{ "portable: several types in one list, to go", "go", "package main\n\nfunc toDo(xs []any) int { return len(xs) }\n", VERDICT_ACCEPTED, CHECK("assert to_do([1, 'a', 2.5]) == 3\\nassert to_do([1]) == 1\\n") },
	{ "not portable: an integer beyond 64 bits, to cpp", "cpp", "int to_do(int n) { return 1; }\n", VERDICT_NONE, BIG },
	{ "not portable: such an integer as an argument in a loop, to go", "go", "package main\n\nfunc toDo(n int) int { return n }\n", VERDICT_NONE, CHECK("for n in (1, 2 ** 80):\\n    assert to_do(n) == n\\n") },
	{ "not portable: a complex number, to javascript", "javascript", "const to_do = (z) => 1;\n", VERDICT_NONE, CHECK("assert to_do(1j) == 1\\n") },
	{ "not portable: a function as an argument", "javascript", "const to_do = (f) => f(1);\n", VERDICT_NONE, CHECK("assert to_do(lambda x: x + 1) == 2\\n") },
	{ "java: right, its class called otherwise", "java", "import java.util.*;\npublic class Sum {\n static long t;\n public static void main(String[] a) {\n  Scanner s = new Scanner(System.in);\n  while (s.hasNextLong()) t += s.nextLong();\n  System.out.println(t);\n }\n}\n", VERDICT_ACCEPTED, NULL },
	{ "java: no program", "java", "class A { int x = ; }\n", VERDICT_COMPILE_ERROR, NULL },
	{ "java: throws", "java", "class A { public static void main(String[] a) { System.out.println(a[2]); } }\n", VERDICT_RUNTIME_ERROR, NULL },
	{ "java: greedy", "java", "import java.util.*;\nclass A { public static void main(String[] a) { List<long[]> l = new ArrayList<>(); while (true) l.add(new long[1000000]); } }\n", VERDICT_MEMORY_LIMIT, NULL },
};

static void stdio_one(void **state)
{
	const struct row *r = *state;
	struct judgement j;
	struct task *task;
	const char *skip;

	if (!bench_or_skip())
		return;
	task = bench_task(r->task ? r->task : STDIO);
	skip = judge_skip_reason(bench_or_skip(), task, r->language);
	if (r->verdict == VERDICT_NONE && skip && !strcmp(skip, "not_portable")) {
		/* An earlier row has shown it already. */
		task_free(task);
		return;
	}
	if (skip) {
		print_message("[  SKIPPED ] %s: %s\n", r->name, skip);
		task_free(task);
		skip();
	}
	j = bench_judge(task, r->language, r->program, strlen(r->program), false);
	if (j.verdict != r->verdict)
		fail_msg("%s: %s, %s\n%s", r->name, verdict_name(j.verdict) ?: "none", j.message ? j.message : "",
			 j.compile_output ? j.compile_output : "");
	judgement_clear(&j);
	task_free(task);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, stdio_one);
	return RUN_ADDED("judge_languages", tests, n, bench_open, bench_close);
}
