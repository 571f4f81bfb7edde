# the messages that would be sent: visible cases alone
say() { "$@"; echo "exit $?" >&2; }
$WINNOW import $CASES/tasks.jsonl > /dev/null
say $WINNOW prompt sum-list --language python
say $WINNOW prompt --json echo-2 --language c
say $WINNOW prompt sum-list
say $WINNOW prompt sum-list --language cobol
say $WINNOW prompt nonesuch --language c
say $WINNOW prompt sum-list --language c --template nonesuch
say $WINNOW --store none.db prompt sum-list --language c
