/* SPDX-License-Identifier: Apache-2.0 */
/* test_extract.c - completions as models write them, and what program is in them. */
#include "filters/extract.h"

#include "core/json.h"
#include "tests/unit/filters/table.h"

#define F "```"
#define PROMPT "from math import sqrt\n\ndef f(x):\n    \"\"\"Root.\"\"\"\n"
#define BARE_PROMPT "def f(x):\n"

static struct row {
	const char *name;
	const char *prompt; /* NULL: the prompt is no code */
	const char *language;
	enum extract_mode mode;
	const char *completion;
	const char *program; /* NULL: none */
	const char *reasoning;
	bool joined, fenced;
} rows[] = {
	/* --- to the letter --- */
	{ "solution: to the letter", NULL, "python", EXTRACT_SOLUTION, "x = 1\r\n", "x = 1\r\n", "", 0, 0 },
	{ "solution: fences are no markup", NULL, "python", EXTRACT_SOLUTION, F "\nx\n" F, F "\nx\n" F, "", 0, 0 },
	{ "solution: is not joined", PROMPT, "python", EXTRACT_SOLUTION, "x = 1\n", "x = 1\n", "", 0, 0 },
	{ "completion: joined to its prompt", PROMPT, "python", EXTRACT_COMPLETION, "    return sqrt(x)\n",
	  PROMPT "    return sqrt(x)\n", "", 1, 0 },
	{ "completion: no prompt code, no join", NULL, "python", EXTRACT_COMPLETION, "def f(x): pass",
	  "def f(x): pass", "", 0, 0 },
	{ "completion: code of another language", PROMPT, "c", EXTRACT_COMPLETION, "int f;", "int f;", "", 0, 0 },
	{ "completion: fences stay", PROMPT, "python", EXTRACT_COMPLETION, F "\n", PROMPT F "\n", "", 1, 0 },
	{ "completion: empty", PROMPT, "python", EXTRACT_COMPLETION, "", NULL, "", 0, 0 },
	{ "completion: white", PROMPT, "python", EXTRACT_COMPLETION, " \n\t\r\n", NULL, "", 0, 0 },
	{ "solution: white", NULL, "python", EXTRACT_SOLUTION, "\n\n", NULL, "", 0, 0 },
	{ "chat: white", NULL, "python", EXTRACT_CHAT, "\n \n", NULL, "", 0, 0 },
	/* --- fences --- */
	{ "fence: one block", NULL, "python", EXTRACT_CHAT, F "python\ndef f(x):\n    return x\n" F "\n",
	  "def f(x):\n    return x\n", "", 0, 1 },
	{ "fence: prose around", NULL, "python", EXTRACT_CHAT,
	  "Sure!\n\n" F "python\ndef f(x): return x\n" F "\n\nThis works because.\n", "def f(x): return x\n", "", 0, 1 },
	{ "fence: unlabelled", NULL, "python", EXTRACT_CHAT, F "\ndef f(x): return x\n" F, "def f(x): return x\n", "", 0, 1 },
	{ "fence: label in capitals", NULL, "python", EXTRACT_CHAT, F "Python\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: py", NULL, "python", EXTRACT_CHAT, F "py\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: python3", NULL, "python", EXTRACT_CHAT, F "python3\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: attributes", NULL, "python", EXTRACT_CHAT, F "python title=\"a.py\"\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: braces and dot", NULL, "python", EXTRACT_CHAT, F "{.python .numberLines}\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: label with a file", NULL, "python", EXTRACT_CHAT, F "python:main.py\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: space before the label", NULL, "python", EXTRACT_CHAT, F " python\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: tildes", NULL, "python", EXTRACT_CHAT, "~~~python\nf = 1\n~~~\n", "f = 1\n", "", 0, 1 },
	{ "fence: tildes hold backticks", NULL, "python", EXTRACT_CHAT, "~~~python\nf = '''\n" F "\n'''\n~~~\n",
	  "f = '''\n" F "\n'''\n", "", 0, 1 },
	{ "fence: four hold three", NULL, "python", EXTRACT_CHAT, "````python\nf = 1\n" F "\ng = 2\n````\n",
	  "f = 1\n" F "\ng = 2\n", "", 0, 1 },
	{ "fence: unclosed is truncated", NULL, "python", EXTRACT_CHAT, "Here:\n" F "python\ndef f(x):\n    ret",
	  "def f(x):\n    ret", "", 0, 1 },
	{ "fence: the last of several", NULL, "python", EXTRACT_CHAT,
	  F "python\na = 1\n" F "\nor\n" F "python\nb = 2\n" F "\n", "b = 2\n", "", 0, 1 },
	{ "fence: the last that defines the entry point", NULL, "python", EXTRACT_CHAT,
	  F "python\ndef f(x): return 1\n" F "\n" F "python\ndef f(x): return 2\n" F "\nTry:\n" F "python\nprint(f(1))\n" F,
	  "def f(x): return 2\n", "", 0, 1 },
	{ "fence: the wanted language", NULL, "python", EXTRACT_CHAT,
	  F "python\nf = 1\n" F "\n" F "java\nclass f {}\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: shell is no python", NULL, "python", EXTRACT_CHAT, F "bash\npip install f\n" F, NULL, "", 0, 1 },
	{ "fence: labelled before unlabelled", NULL, "python", EXTRACT_CHAT,
	  F "python\na = 1\n" F "\nOutput:\n" F "\n3\n" F, "a = 1\n", "", 0, 1 },
	{ "fence: unlabelled that defines before labelled that does not", NULL, "python", EXTRACT_CHAT,
	  F "\ndef f(x): return x\n" F "\n" F "python\nprint(f(1))\n" F, "def f(x): return x\n", "", 0, 1 },
	{ "fence: empty block, then a real one", NULL, "python", EXTRACT_CHAT,
	  F "python\n" F "\n" F "python\nf = 1\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: empty block last", NULL, "python", EXTRACT_CHAT,
	  F "python\nf = 1\n" F "\n" F "python\n\n" F, "f = 1\n", "", 0, 1 },
	{ "fence: only an empty block", NULL, "python", EXTRACT_CHAT, F "python\n\n" F, NULL, "", 0, 1 },
	{ "fence: in a list, indented", NULL, "python", EXTRACT_CHAT,
	  "1. So:\n\n   " F "python\n   def f(x):\n       return x\n   " F "\n", "def f(x):\n    return x\n", "", 0, 1 },
	{ "fence: less indented inside", NULL, "python", EXTRACT_CHAT, "    " F "python\n  f = 1\n    " F, "f = 1\n", "", 0, 1 },
	{ "fence: returns become newlines", NULL, "python", EXTRACT_CHAT, F "python\r\nf = 1\r\ng = 2\r\n" F "\r\n",
	  "f = 1\ng = 2\n", "", 0, 1 },
	{ "fence: inline code is no fence", NULL, "python", EXTRACT_CHAT, "Use " F "f(1)" F " as\n" F "f = 2" F "\n", NULL, "", 0, 0 },
	{ "fence: closing needs white after it", NULL, "python", EXTRACT_CHAT, F "python\nf = 1\n" F "x\ng = 1\n" F "\n",
	  "f = 1\n" F "x\ng = 1\n", "", 0, 1 },
	{ "fence: two backticks are none", NULL, "python", EXTRACT_CHAT, "``\ndef f(x):\n    return 1\n``\n",
	  "``\ndef f(x):\n    return 1\n``\n", "", 0, 0 },
	{ "fence: assignment defines", NULL, "python", EXTRACT_CHAT,
	  F "python\nf = lambda x: x\n" F "\n" F "python\nprint(f(3) == 3)\n" F, "f = lambda x: x\n", "", 0, 1 },
	{ "fence: a longer name does not define", NULL, "python", EXTRACT_CHAT,
	  F "python\ndef f(x): pass\n" F "\n" F "python\ndef ff(x): pass\n" F, "def f(x): pass\n", "", 0, 1 },
	{ "fence: async defines", NULL, "python", EXTRACT_CHAT,
	  F "\nasync def f(x): pass\n" F "\n" F "\nf(1)\n" F, "async def f(x): pass\n", "", 0, 1 },
	{ "fence: a method does not define", NULL, "python", EXTRACT_CHAT,
	  F "\ndef f(x): pass\n" F "\n" F "\nclass A:\n    def f(self): pass\n" F, "def f(x): pass\n", "", 0, 1 },
	/* --- other languages --- */
	{ "c: fence", NULL, "c", EXTRACT_CHAT, F "c\nint f(void) { return 1; }\n" F, "int f(void) { return 1; }\n", "", 0, 1 },
	{ "cpp: c++ is a word for it", NULL, "cpp", EXTRACT_CHAT, F "c++\nint f() { return 1; }\n" F, "int f() { return 1; }\n", "", 0, 1 },
	{ "c: c++ is not", NULL, "c", EXTRACT_CHAT, F "c++\nint f() { return 1; }\n" F, NULL, "", 0, 1 },
	{ "c: bare code", NULL, "c", EXTRACT_CHAT, "#include <stdio.h>\nint main(void)\n{\n\treturn 0;\n}\n",
	  "#include <stdio.h>\nint main(void)\n{\n\treturn 0;\n}\n", "", 0, 0 },
	{ "c: prose", NULL, "c", EXTRACT_CHAT, "I cannot do that.\n", NULL, "", 0, 0 },
	{ "rust: an unlisted word is its own", NULL, "zig", EXTRACT_CHAT, F "zig\nfn f() {}\n" F, "fn f() {}\n", "", 0, 1 },
	/* --- no fence --- */
	{ "bare: a function", NULL, "python", EXTRACT_CHAT, "def f(x):\n    return x\n", "def f(x):\n    return x\n", "", 0, 0 },
	{ "bare: an import first", NULL, "python", EXTRACT_CHAT, "import math\nf = math.sqrt\n", "import math\nf = math.sqrt\n", "", 0, 0 },
	{ "bare: an assignment", NULL, "python", EXTRACT_CHAT, "answer = 42\n", "answer = 42\n", "", 0, 0 },
	{ "bare: prose is no program", NULL, "python", EXTRACT_CHAT,
	  "I am sorry, but I can not help with that for now.\nWhile I try, if you wish, ask again.\n", NULL, "", 0, 0 },
	{ "bare: a refusal", NULL, "python", EXTRACT_CHAT, "Sorry.", NULL, "", 0, 0 },
	/* --- reasoning --- */
	{ "think: apart", NULL, "python", EXTRACT_CHAT, "<think>\nhm " F "python\nbad = 1\n" F "\n</think>\n" F "python\nf = 1\n" F,
	  "f = 1\n", "\nhm " F "python\nbad = 1\n" F "\n", 0, 1 },
	{ "think: never closed", NULL, "python", EXTRACT_CHAT, "<think>\n" F "python\nf = 1\n" F "\n", NULL,
	  "\n" F "python\nf = 1\n" F "\n", 0, 0 },
	{ "think: its beginning is not shown", NULL, "python", EXTRACT_CHAT, "so f is 1\n</think>\n" F "python\nf = 1\n" F,
	  "f = 1\n", "so f is 1\n", 0, 1 },
	{ "think: twice", NULL, "python", EXTRACT_CHAT, "<think>a</think>\n" F "python\nf = 1\n" F "\n<think>b</think>\n",
	  "f = 1\n", "ab", 0, 1 },
	{ "think: in capitals", NULL, "python", EXTRACT_CHAT, "<THINK>a</THINK>def f(x): return x\n", "def f(x): return x\n", "a", 0, 0 },
	{ "think: inside a line is talk", NULL, "python", EXTRACT_CHAT, F "python\nf = 1  #<think>\n" F, "f = 1  #<think>\n", "", 0, 1 },
	/* --- continuing a prompt --- */
	{ "join: a whole program has the prompt's imports", PROMPT, "python", EXTRACT_CHAT,
	  F "python\ndef f(x):\n    return sqrt(x)\n" F, PROMPT "\ndef f(x):\n    return sqrt(x)\n", "", 1, 1 },
	{ "join: a prompt without a body gets one", BARE_PROMPT, "python", EXTRACT_CHAT,
	  F "python\ndef f(x):\n    return 1\n" F, BARE_PROMPT "\n    pass\ndef f(x):\n    return 1\n", "", 1, 1 },
	{ "join: a future import stands alone", PROMPT, "python", EXTRACT_CHAT,
	  F "python\nfrom __future__ import annotations\ndef f(x):\n    return 1\n" F,
	  "from __future__ import annotations\ndef f(x):\n    return 1\n", "", 0, 1 },
	{ "join: a body", PROMPT, "python", EXTRACT_CHAT, F "python\n    return sqrt(x)\n" F, PROMPT "    return sqrt(x)\n", "", 1, 1 },
	{ "join: a body that lost its indentation", PROMPT, "python", EXTRACT_CHAT, F "python\ny = sqrt(x)\n\nreturn y\n" F,
	  PROMPT "    y = sqrt(x)\n\n    return y\n", "", 1, 1 },
	{ "join: the indentation is the prompt's", "def f(x):\n\t'''t'''\n", "python", EXTRACT_CHAT, F "\nreturn x\n" F,
	  "def f(x):\n\t'''t'''\n\treturn x\n", "", 1, 1 },
	{ "join: another definition stays outside", PROMPT, "python", EXTRACT_CHAT, F "python\ndef g(x):\n    return 1\n" F,
	  PROMPT "def g(x):\n    return 1\n", "", 1, 1 },
	{ "join: a bare continuation", PROMPT, "python", EXTRACT_CHAT, "    return sqrt(x)\n", PROMPT "    return sqrt(x)\n", "", 1, 0 },
	{ "join: c++ takes what is included", "#include <vector>\nusing namespace std;\nint f(int x) {\n", "cpp", EXTRACT_CHAT,
	  F "cpp\nint f(int x) { return x; }\n" F,
	  "#include <vector>\nusing namespace std;\nint f(int x) { return x; }\n", "", 1, 1 },
	{ "join: c++ body", "int f(int x) {\n", "cpp", EXTRACT_CHAT, F "cpp\n    return x;\n}\n" F, "int f(int x) {\n    return x;\n}\n", "", 1, 1 },
};

/* Where the prompt is code, its language is the row's unless the row is about another. */
static void extract_one(void **state)
{
	struct row *r = *state;
	struct task task = {
		.entry_point = "f",
		.prompt = r->prompt ? r->prompt : "Write f.",
		.prompt_language = !r->prompt ? NULL : r->prompt[0] == '#' || r->prompt[0] == 'i' ? "cpp" : "python",
	};
	struct error err = ERROR_INIT;
	struct extracted e;

	assert_int_equal(extract_program(&task, r->language, r->mode, r->completion,
					 strlen(r->completion), &e, &err), 0);
	if (e.found != (r->program != NULL))
		fail_msg("found: %d, '%s'", e.found, e.program.data);
	assert_string_equal(e.program.data, r->program ? r->program : "");
	assert_string_equal(e.reasoning.data, r->reasoning);
	assert_int_equal(e.joined, r->joined);
	assert_int_equal(e.fenced, r->fenced);
	extracted_clear(&e);
}

static void extract__too_large_is_an_error(void **state)
{
	struct task task = { .entry_point = "f", .prompt = "" };
	struct error err = ERROR_INIT;
	size_t n = ((size_t)4 << 20) + 1;
	struct extracted e;
	char *text = mem_alloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	assert_int_equal(extract_program(&task, "python", EXTRACT_CHAT, text, n, &e, &err), ERR_LIMIT);
	assert_int_equal(extract_program(&task, "python", EXTRACT_SOLUTION, text, n - 1, &e, &err), 0);
	extracted_clear(&e);
	mem_free(text);
}

static void extract__every_allocation_may_fail(void **state)
{
	static const char text[] = "<think>a</think>" F "python\nreturn x\n" F;
	struct task task = { .entry_point = "f", .prompt = PROMPT, .prompt_language = "python" };
	struct error err = ERROR_INIT;
	struct extracted e;

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		int r;

		mem_fault_at(nth);
		r = extract_program(&task, "python", EXTRACT_CHAT, text, sizeof(text) - 1, &e, &err);
		if (!mem_fault_fired()) {
			mem_fault_at(0);
			assert_int_equal(r, 0);
			assert_true(nth > 3);
			extracted_clear(&e);
			return;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, extract_one);
	ADD_TEST(tests, n, extract__too_large_is_an_error);
	ADD_TEST(tests, n, extract__every_allocation_may_fail);
	return RUN_ADDED("extract", tests, n, NULL, NULL);
}
