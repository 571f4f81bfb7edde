# what the store knows, before any run
say() { "$@"; echo "exit $?" >&2; }
say $WINNOW show tasks
$WINNOW import $CASES/tasks.jsonl | sed "s#$CASES/##"
say $WINNOW show tasks
say $WINNOW --json show tasks | sed -E "s#$CASES/##; s/\"created_at\":\"[^\"]*\"/\"created_at\":T/"
say $WINNOW show task sum-list | sed -E "s#$CASES/##; s/^(created_at +).*/\1T/"
say $WINNOW --json show task echo-2 | sed -E "s#$CASES/##; s/\"created_at\":\"[^\"]*\"/\"created_at\":T/"
say $WINNOW show runs
say $WINNOW show funnel
say $WINNOW show passk --run 3
say $WINNOW show task nonesuch
say $WINNOW show sample 17
say $WINNOW show sample x
say $WINNOW show task
say $WINNOW show runs --run 1
say $WINNOW show funnel --tasks
say $WINNOW show frob
