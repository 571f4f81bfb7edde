# needs: sandbox
# a run over recorded samples, and what show, sql and export say of it
say() { "$@"; echo "exit $?" >&2; }
words() { sed -E -e "s#$CASES/##g" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/T/g' \
	-e 's/"(wall_ms|cpu_ms|memory_kib|compile_cpu_ms)":[0-9.e+-]+/"\1":N/g' \
	-e 's/^(cpu_ms|wall_ms|memory_kib|compile_cpu_ms|isolation|toolchain) .*/\1 N/' \
	-e 's/"isolation":"[^"]*"/"isolation":"I"/g' -e 's/"toolchain":"[^"]*"/"toolchain":"T"/g'; }
cat > samples.jsonl <<'JSON'
{"task_id":"sum-list","solution":"def sum_list(xs):\n    return sum(xs)\n"}
{"task_id":"sum-list","solution":"def sum_list(xs):\n    return sum(xs)\n"}
{"task_id":"sum-list","solution":"def sum_list(xs):\n    return max(xs)\n"}
{"task_id":"echo-2","solution":"print(input())\n"}
{"task_id":"echo-2","solution":"print(1 / 0)\n"}
{"task_id":"echo-2","solution":"print(\n"}
JSON
$WINNOW import $CASES/tasks.jsonl | words
$WINNOW run --policy replay:samples.jsonl --samples 3 --select id:sum-list,id:echo-2 > summary.txt 2> talk.txt
echo "exit $?"
$WINNOW show runs | sed -E 's/ +/ /g; s/(namespaces|uid|landlock|none) [^ ]*$/I T/'
$WINNOW show funnel | awk '{print $1, $2, $3}'
$WINNOW show passk
$WINNOW --json show passk
$WINNOW show passk --tasks
$WINNOW sql 'SELECT task_id, sample, state, verdict, passed, tests_passed, flags, duplicate_of IS NOT NULL AS dup FROM v_samples ORDER BY sample_id'
id=$($WINNOW --json sql "SELECT sample_id FROM v_samples WHERE verdict = 'wrong_answer'" | sed 's/[^0-9]//g')
$WINNOW show sample $id | words
$WINNOW --json show sample $id | words
say $WINNOW export --format sft --out sft --compress none
say $WINNOW export --format rollouts --out rollouts --compress gzip --shards 2 | sed "s|[0-9]* bytes|N bytes|"
say $WINNOW export --format dpo --out dpo --compress none --run 1
ls sft rollouts dpo
say $WINNOW export --format sft --out sft --run 7
say $WINNOW export --format sft --out sft --where 'nonesuch = 1'
say $WINNOW export --format sft --out /dev/null/x
