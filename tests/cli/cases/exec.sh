# needs: sandbox
# one JSON object whatever the program does; times, memory, isolation and toolchain differ by host
say() { "$@" > answer; status=$?; sed -E -e 's/"(wall_ms|cpu_ms|memory_kib)":[0-9.e+-]+/"\1":N/g' \
	-e 's/"isolation":\{[^}]*\}/"isolation":{I}/' -e 's/"toolchain":"[^"]*"/"toolchain":"T"/' answer; echo "exit $status" >&2; }
echo 'print("hello")' > hello.py
say $WINNOW exec hello.py
say $WINNOW exec --lang python - < hello.py
say $WINNOW --json exec --lang py hello.py
echo 'print(input()[::-1])' > reverse.py
printf 'abc\n' > in.txt
say $WINNOW exec reverse.py --stdin in.txt
printf 'abc\n' | say $WINNOW exec reverse.py --stdin -
printf 'import sys\nsys.stdout.buffer.write(b"a\\xff\\xfeb\\0c")\nsys.exit(3)\n' > bytes.py
say $WINNOW exec bytes.py
echo 'import os; os.kill(os.getpid(), 11)' > segv.py
say $WINNOW exec segv.py
echo 'while True: pass' > loop.py
say $WINNOW exec --time 0.3 loop.py
printf 'int main(void) { return 7; }\n' > seven.c
say $WINNOW exec seven.c | sed -E 's/"output":"[^"]*"/"output":O/'
printf '#include <iostream>\nint main() { std::cout << "c++" << std::endl; }\n' > hello.cpp
say $WINNOW exec hello.cpp
printf 'int main(void) { return x; }\n' > bad.c
say $WINNOW exec bad.c | sed -E 's/"output":"(\\.|[^"\\])*"/"output":O/; s/"stderr":"(\\.|[^"\\])*"/"stderr":O/'
# wrong usage
say $WINNOW exec none.py
say $WINNOW exec in.txt
say $WINNOW exec --lang cobol hello.py
say $WINNOW exec - < hello.py
say $WINNOW exec --lang python - --stdin - < hello.py
say $WINNOW exec --stdin none.txt hello.py
say $WINNOW exec --time 0 hello.py
say $WINNOW exec --memory 0 hello.py
say $WINNOW exec --output 99999999999999999 hello.py
say $WINNOW exec --jobs 0 hello.py
say $WINNOW exec --isolation castle hello.py
say $WINNOW exec --isolation landlock --require-isolation namespaces hello.py
say $WINNOW exec --languages-dir none hello.py
# less isolation than the floor only by name
$WINNOW exec --isolation none hello.py | grep -o '"tier":"[a-z]*"'
WINNOW_ISOLATION=none $WINNOW exec hello.py | grep -o '"tier":"[a-z]*"'
# more output than is allowed
echo 'print("x" * 5000000)' > flood.py
$WINNOW exec --output 64 flood.py > answer
echo "exit $?"
python3 - <<'PY'
import json
a = json.load(open("answer"))
print(a["verdict"], a["flags"], a["stdout_truncated"], a["stderr_truncated"], 0 < len(a["stdout"]) <= 65536)
PY
