# stores that are none of ours, or of another time: exit 2 and untouched; a place that cannot be written: exit 3
say() { "$@"; echo "exit $?" >&2; }
change() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()' "$@"; }
change other.db 'CREATE TABLE t (x)'
change other.db 'PRAGMA application_id = 7'
before=$(md5sum < other.db)
say $WINNOW --store other.db import $CASES/tasks.jsonl
say $WINNOW --store other.db show runs
test "$before" = "$(md5sum < other.db)" || echo "other.db was changed" >&2
$WINNOW --store newer.db import $CASES/tasks.jsonl > /dev/null
change newer.db 'PRAGMA user_version = 999'
say $WINNOW --store newer.db import $CASES/tasks.jsonl
say $WINNOW --store newer.db sql 'SELECT 1'
say $WINNOW --store newer.db export --format sft --out out
test -e out && echo "out was made" >&2
say $WINNOW --store /proc/none.db import $CASES/tasks.jsonl
mkdir folder.db
say $WINNOW --store folder.db import $CASES/tasks.jsonl
say $WINNOW --store folder.db show tasks
# a second writer: told who holds the store
cat > held.py <<'PY'
import fcntl, os, struct, subprocess, sys
fd = os.open("held.db.lock", os.O_RDWR | os.O_CREAT, 0o666)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))  # F_OFD_SETLK
os.write(fd, b'{"pid":17,"host":"h","what":"winnow run","since":"then"}\n')
done = subprocess.run([os.environ["WINNOW"], "--store", "held.db", "import", "--wait", "200ms", sys.argv[1]], capture_output=True, text=True)
print(done.stdout, done.stderr, "exit", done.returncode)
PY
python3 held.py $CASES/tasks.jsonl
