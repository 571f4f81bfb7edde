/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_judge_languages.c - the same stdio task in every language with a compiler or a virtual
 * machine of its own: what is right, wrong, no program, failing and greedy is told apart in each.
 */
#include "tests/unit/filters/judge_bench.h"
#include "tests/unit/filters/table.h"

#define STDIO "{\"task_id\":\"t\",\"prompt\":\"p\",\"limits\":{\"cpu_s\":20,\"memory_mib\":256},\"tests\":{\"kind\":\"stdio\"," \
	      "\"checker\":{\"kind\":\"tokens\"},\"cases\":[{\"in\":\"1 2 3\\n\",\"out\":\"6\\n\"},{\"in\":\"5 -7\\n\",\"out\":\"-2\\n\"}]}}"

static struct row {
	const char *name, *language, *program;
	enum verdict verdict;
} rows[] = {
	{ "javascript: right", "javascript", "const n = require('fs').readFileSync(0, 'utf8').trim().split(/\\s+/).map(Number);\nconsole.log(n.reduce((a, b) => a + b, 0));\n", VERDICT_ACCEPTED },
	{ "javascript: right, as an ES module", "javascript", "import fs from 'fs';\nconst n = fs.readFileSync(0, 'utf8').trim().split(/\\s+/).map(Number);\nconsole.log(n.reduce((a, b) => a + b, 0));\n", VERDICT_ACCEPTED },
	{ "javascript: wrong", "javascript", "console.log(6);\n", VERDICT_WRONG_ANSWER },
	{ "javascript: no program", "javascript", "let x = ;\n", VERDICT_COMPILE_ERROR },
	{ "javascript: throws", "javascript", "throw new Error('no');\n", VERDICT_RUNTIME_ERROR },
	{ "javascript: says that it is no program", "javascript", "console.error('main.js is no program: x'); null.x;\n", VERDICT_COMPILE_ERROR },
	{ "javascript: greedy", "javascript", "const a = []; for (;;) a.push(new Array(100000).fill(1.5));\n", VERDICT_MEMORY_LIMIT },
	{ "go: right", "go", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\ts := 0\n\tfor {\n\t\tvar x int\n\t\tif _, err := fmt.Scan(&x); err != nil {\n\t\t\tbreak\n\t\t}\n\t\ts += x\n\t}\n\tfmt.Println(s)\n}\n", VERDICT_ACCEPTED },
	{ "go: no program", "go", "package main\n\nfunc main() { x := 1 }\n", VERDICT_COMPILE_ERROR },
	{ "go: panics", "go", "package main\n\nfunc main() { var a []int; println(a[3]) }\n", VERDICT_RUNTIME_ERROR },
	{ "go: greedy", "go", "package main\n\nvar k [][]int\n\nfunc main() {\n\tfor {\n\t\tb := make([]int, 1000000)\n\t\tfor i := range b {\n\t\t\tb[i] = i\n\t\t}\n\t\tk = append(k, b)\n\t}\n}\n", VERDICT_MEMORY_LIMIT },
	{ "rust: right", "rust", "use std::io::Read;\nfn main() {\n let mut s = String::new();\n std::io::stdin().read_to_string(&mut s).unwrap();\n println!(\"{}\", s.split_whitespace().map(|x| x.parse::<i64>().unwrap()).sum::<i64>());\n}\n", VERDICT_ACCEPTED },
	{ "rust: no program", "rust", "fn main() { let x: i32 = \"a\"; }\n", VERDICT_COMPILE_ERROR },
	{ "rust: panics", "rust", "fn main() { let v: Vec<i32> = vec![]; println!(\"{}\", v[v.len() + 1]); }\n", VERDICT_RUNTIME_ERROR },
	{ "rust: greedy", "rust", "fn main() { let mut v: Vec<Vec<u64>> = vec![]; loop { v.push(vec![7; 1000000]); } }\n", VERDICT_MEMORY_LIMIT },
	{ "java: right, its class called otherwise", "java", "import java.util.*;\npublic class Sum {\n static long t;\n public static void main(String[] a) {\n  Scanner s = new Scanner(System.in);\n  while (s.hasNextLong()) t += s.nextLong();\n  System.out.println(t);\n }\n}\n", VERDICT_ACCEPTED },
	{ "java: no program", "java", "class A { int x = ; }\n", VERDICT_COMPILE_ERROR },
	{ "java: throws", "java", "class A { public static void main(String[] a) { System.out.println(a[2]); } }\n", VERDICT_RUNTIME_ERROR },
	{ "java: greedy", "java", "import java.util.*;\nclass A { public static void main(String[] a) { List<long[]> l = new ArrayList<>(); while (true) l.add(new long[1000000]); } }\n", VERDICT_MEMORY_LIMIT },
};

static void stdio_one(void **state)
{
	const struct row *r = *state;
	struct judgement j;
	struct task *task;
	const char *skip;

	if (!bench_or_skip())
		return;
	task = bench_task(STDIO);
	skip = judge_skip_reason(bench_or_skip(), task, r->language);
	if (skip) {
		print_message("[  SKIPPED ] %s: %s\n", r->name, skip);
		task_free(task);
		skip();
	}
	j = bench_judge(task, r->language, r->program, strlen(r->program), false);
	if (j.verdict != r->verdict)
		fail_msg("%s: %s, %s\n%s", r->name, verdict_name(j.verdict), j.message ? j.message : "",
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
