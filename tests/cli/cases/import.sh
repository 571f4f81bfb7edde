# tasks in: all or none, every complaint with file and line, exit 2, and no store made for bad input
say() { "$@"; echo "exit $?" >&2; }
cp $CASES/tasks.jsonl a.jsonl
say $WINNOW import a.jsonl
say $WINNOW import a.jsonl
sed 's/sum of a list/sum of the list/' a.jsonl > b.jsonl
say $WINNOW --json import b.jsonl
gzip -nc a.jsonl > c.jsonl.gz
say $WINNOW --store gz.db import --format native c.jsonl.gz
# what is broken
head -c 700 a.jsonl > truncated.jsonl
say $WINNOW --store bad.db import --format native truncated.jsonl
{ cat a.jsonl; echo '{"task_id":"x","prompt":"p"}'; } > notests.jsonl
say $WINNOW --store bad.db import --format native notests.jsonl
{ cat a.jsonl; head -1 a.jsonl; } > twice.jsonl
say $WINNOW --store bad.db import --format native twice.jsonl
say $WINNOW --store bad.db import --format native a.jsonl b.jsonl
printf '{"task_id":"u","prompt":"\377","tests":{"kind":"stdio","cases":[{"in":"","out":""}]}}\n' > utf8.jsonl
say $WINNOW --store bad.db import --format native utf8.jsonl
say $WINNOW --store bad.db import none.jsonl
say $WINNOW --store bad.db import --format nonesuch a.jsonl
: > empty.jsonl
say $WINNOW --store bad.db import empty.jsonl
test -e bad.db && echo "bad.db was made" >&2
# the rest of a broken file
say $WINNOW --store some.db import --skip-bad --format native notests.jsonl
say $WINNOW --store some.db --json import --skip-bad --format native notests.jsonl
# what is no store of ours
printf 'no database' > text.db
say $WINNOW --store text.db import a.jsonl
cat text.db; echo
say $WINNOW --store none/deep.db import a.jsonl
