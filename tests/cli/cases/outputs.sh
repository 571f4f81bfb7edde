# needs: sandbox
# where output may go: a device is written to and stays one, a file in a folder's place is refused
say() { "$@"; echo "exit $?" >&2; }
cat > samples.jsonl <<'JSON'
{"task_id":"echo-2","solution":"print(input())\n"}
JSON
ln -s /dev/full full
ln -s /dev/null null
say $WINNOW grade --tasks $CASES/tasks.jsonl --out full samples.jsonl > /dev/null 2> talk.txt
grep -E '^(winnow grade|exit)' talk.txt
test -c full || echo "full is no device any more"
say $WINNOW grade --tasks $CASES/tasks.jsonl --out null samples.jsonl > /dev/null 2> talk.txt
grep '^exit' talk.txt
test -c null || echo "null is no device any more"
$WINNOW import $CASES/tasks.jsonl > /dev/null
say $WINNOW run --policy replay:samples.jsonl --samples 1 --select id:echo-2 --metrics null > /dev/null 2> talk.txt
grep '^exit' talk.txt
test -c null || echo "null is no device any more"
say $WINNOW export --format sft --out samples.jsonl
say $WINNOW export --format sft --out samples.jsonl/x
say $WINNOW run --config . --policy replay:samples.jsonl
# a byte order mark is no part of a sample file
{ printf '\357\273\277'; cat samples.jsonl; } > bom.jsonl
$WINNOW grade --tasks $CASES/tasks.jsonl --out - bom.jsonl 2> talk.txt | grep -c accepted
ls
