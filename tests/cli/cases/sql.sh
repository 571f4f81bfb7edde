# one read-only statement; table, CSV, JSON lines
say() { "$@"; echo "exit $?" >&2; }
$WINNOW import $CASES/tasks.jsonl > /dev/null
say $WINNOW sql 'SELECT task_id, n_cases, 1.5 AS x, NULL AS empty, tags FROM v_tasks ORDER BY task_id'
say $WINNOW --json sql "SELECT task_id, n_cases, 1.5 AS x, NULL AS empty, tags, x'00ff' AS b FROM v_tasks ORDER BY task_id LIMIT 1"
say $WINNOW sql --csv "SELECT 'a,b' AS a, 'say \"x\"' AS b, 'two' || char(10) || 'lines' AS c, 0.1 AS d, NULL AS e"
say $WINNOW sql "SELECT 'bell' || char(7) || char(27) || '[31m' AS unsafe, 'two' || char(10) || 'lines' AS c, replace(hex(zeroblob(80)), '0', 'ä') AS long"
say $WINNOW sql 'SELECT 1 WHERE 0'
say $WINNOW sql 'SELEC 1'
say $WINNOW sql 'SELECT * FROM nonesuch'
say $WINNOW sql 'DELETE FROM task'
say $WINNOW sql 'SELECT 1; DROP TABLE task'
say $WINNOW sql ''
say $WINNOW --json sql --csv 'SELECT 1'
say $WINNOW --store none.db sql 'SELECT 1'
$WINNOW sql 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n' | tail -2
$WINNOW sql 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n' | head -3
