-- 0001_initial.sql - the first schema of a winnow store.
--
-- Invariants
--  1. Every table has a column `checksum`: XXH3-64 over all its other columns in
--     schema order (docs/store.md, "Checksums").  No column is REAL.
--  2. A text is stored once a task, in `content`, by the SHA-256 of its bytes.
--  3. Times are integers, microseconds since 1970 UTC (`…_us`), sizes are bytes;
--     views turn them into ISO 8601, milliseconds and KiB.
--  4. Flags are a sorted JSON array of words, so that no number has to be remembered.
--  5. A sample_id is run << 40 | ordinal << 22 | sample index << 5 | attempt:
--     what a row is, never when it came.
--  6. Everything below works in a plain `sqlite3` shell: views use no function of ours.

CREATE TABLE store (
	one         INTEGER PRIMARY KEY CHECK (one = 1),
	store_id    TEXT NOT NULL,
	created_us  INTEGER NOT NULL,
	checksum    INTEGER NOT NULL
) STRICT;

CREATE TABLE content (
	content_row INTEGER PRIMARY KEY,
	near        INTEGER NOT NULL,
	digest      BLOB NOT NULL CHECK (length(digest) = 32),
	bytes       INTEGER NOT NULL,
	body        TEXT,
	checksum    INTEGER NOT NULL
) STRICT;
-- By task first, so that what a run adds to the index lies together and not all over it.
CREATE UNIQUE INDEX content_digest ON content(near, digest);

CREATE TABLE import (
	import_row  INTEGER PRIMARY KEY,
	format      TEXT,
	path        TEXT,
	url         TEXT,
	revision    TEXT,
	added       INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	imported_us INTEGER NOT NULL,
	checksum    INTEGER NOT NULL
) STRICT;

CREATE TABLE task (
	task_row     INTEGER PRIMARY KEY,
	task_id      TEXT NOT NULL,
	digest       BLOB NOT NULL CHECK (length(digest) = 32),
	tests_digest BLOB NOT NULL CHECK (length(tests_digest) = 32),
	task_rev     TEXT NOT NULL,
	current      INTEGER NOT NULL CHECK (current IN (0, 1)),
	source       TEXT,
	split        TEXT,
	license      TEXT,
	entry_point  TEXT,
	tests_kind   TEXT NOT NULL,
	n_cases      INTEGER NOT NULL,
	content_row  INTEGER NOT NULL REFERENCES content,
	import_row   INTEGER NOT NULL REFERENCES import,
	origin       TEXT,
	quarantined  TEXT,
	created_us   INTEGER NOT NULL,
	checksum     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX task_digest ON task(digest);
CREATE UNIQUE INDEX task_current ON task(task_id) WHERE current = 1;
CREATE INDEX task_by_id ON task(task_id);

CREATE TABLE task_tag (
	task_row    INTEGER NOT NULL REFERENCES task,
	tag         TEXT NOT NULL,
	checksum    INTEGER NOT NULL,
	PRIMARY KEY (task_row, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference_check (
	key         BLOB PRIMARY KEY CHECK (length(key) = 32),
	task_row    INTEGER NOT NULL REFERENCES task,
	language    TEXT NOT NULL,
	passed      INTEGER NOT NULL CHECK (passed IN (0, 1)),
	message     TEXT,
	checked_us  INTEGER NOT NULL,
	checksum    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
	run_id          INTEGER PRIMARY KEY CHECK (run_id BETWEEN 1 AND 8388607),
	kind            TEXT NOT NULL,
	state           TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'complete', 'failed')),
	policy_spec     TEXT,
	policy_kind     TEXT,
	policy_name     TEXT,
	policy_version  TEXT,
	policy_version_number INTEGER,
	template_name   TEXT,
	template_version TEXT,
	template_row    INTEGER REFERENCES content,
	template_digest BLOB,
	config          TEXT,
	selection       TEXT,
	seed            INTEGER NOT NULL,
	samples         INTEGER NOT NULL,
	isolation       TEXT,
	toolchains      TEXT,
	judge_version   TEXT,
	extract_version TEXT,
	winnow_version  TEXT,
	shard           TEXT,
	summary         TEXT,
	created_us      INTEGER NOT NULL,
	changed_us      INTEGER NOT NULL,
	checksum        INTEGER NOT NULL
) STRICT;

CREATE TABLE run_task (
	run_id       INTEGER NOT NULL REFERENCES run,
	ordinal      INTEGER NOT NULL,
	task_row     INTEGER NOT NULL REFERENCES task,
	language     TEXT NOT NULL,
	messages_row INTEGER REFERENCES content,
	skip_reason  TEXT,
	checksum     INTEGER NOT NULL,
	PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_task_by_task ON run_task(task_row);

CREATE TABLE run_event (
	event_id    INTEGER PRIMARY KEY,
	run_id      INTEGER NOT NULL REFERENCES run,
	at_us       INTEGER NOT NULL,
	level       TEXT NOT NULL,
	body        TEXT NOT NULL,
	checksum    INTEGER NOT NULL
) STRICT;
CREATE INDEX run_event_by_run ON run_event(run_id);

CREATE TABLE program (
	program_row INTEGER PRIMARY KEY,
	program_id  TEXT NOT NULL CHECK (length(program_id) = 40),
	language    TEXT NOT NULL,
	content_row INTEGER NOT NULL REFERENCES content,
	checksum    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX program_content ON program(content_row, language);

CREATE TABLE sampling (
	sampling_row INTEGER PRIMARY KEY,
	digest       BLOB NOT NULL CHECK (length(digest) = 32),
	model        TEXT,
	fingerprint  TEXT,
	parameters   TEXT,
	checksum     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sampling_digest ON sampling(digest);

CREATE TABLE judgement (
	judgement_id   INTEGER PRIMARY KEY,
	key            BLOB NOT NULL CHECK (length(key) = 32),
	verdict        TEXT NOT NULL CHECK (verdict IN ('internal_error', 'no_program', 'security_violation',
	                 'compile_error', 'time_limit', 'memory_limit', 'output_limit', 'runtime_error',
	                 'wrong_answer', 'accepted')),
	flags          TEXT NOT NULL,
	tests_passed   INTEGER,
	tests_total    INTEGER,
	visible_passed INTEGER,
	visible_total  INTEGER,
	cpu_us         INTEGER NOT NULL,
	wall_us        INTEGER NOT NULL,
	memory_bytes   INTEGER NOT NULL,
	compile_cpu_us INTEGER NOT NULL,
	message        TEXT,
	compile_output TEXT,
	refused        TEXT,
	judging        TEXT,
	isolation      TEXT,
	toolchain      TEXT,
	exit_code      INTEGER,
	signal         INTEGER,
	created_us     INTEGER NOT NULL,
	checksum       INTEGER NOT NULL
) STRICT;
-- Our own failure may happen again and again; any other verdict is found once and reused.
CREATE UNIQUE INDEX judgement_key ON judgement(key) WHERE verdict <> 'internal_error';

CREATE TABLE sample (
	sample_id      INTEGER PRIMARY KEY,
	run_id         INTEGER NOT NULL,
	ordinal        INTEGER NOT NULL,
	sample_index   INTEGER NOT NULL,
	attempt        INTEGER NOT NULL,
	task_row       INTEGER NOT NULL REFERENCES task,
	origin         TEXT NOT NULL CHECK (origin IN ('sample', 'translation', 'repair', 'improve')),
	parent_id      INTEGER REFERENCES sample,
	language       TEXT NOT NULL,
	state          TEXT NOT NULL CHECK (state IN ('pending', 'judged', 'skipped', 'failed')),
	reason         TEXT,
	completion_row INTEGER REFERENCES content,
	reasoning_row  INTEGER REFERENCES content,
	token_ids_row  INTEGER REFERENCES content,
	logprobs_row   INTEGER REFERENCES content,
	sampling_row   INTEGER REFERENCES sampling,
	finish_reason  TEXT,
	truncated      INTEGER NOT NULL CHECK (truncated IN (0, 1)),
	seed           INTEGER,
	mode           TEXT NOT NULL CHECK (mode IN ('chat', 'completion', 'solution')),
	program_row    INTEGER REFERENCES program,
	judgement_id   INTEGER REFERENCES judgement,
	flags          TEXT NOT NULL,
	created_us     INTEGER NOT NULL,
	judged_us      INTEGER,
	checksum       INTEGER NOT NULL,
	FOREIGN KEY (run_id, ordinal) REFERENCES run_task,
	CHECK (sample_id = ((run_id << 40) | (ordinal << 22) | (sample_index << 5) | attempt)),
	CHECK ((state = 'judged') = (judgement_id IS NOT NULL))
) STRICT;
CREATE INDEX sample_by_run ON sample(run_id);
CREATE INDEX sample_by_task ON sample(task_row);
CREATE INDEX sample_by_judgement ON sample(judgement_id, run_id, task_row) WHERE judgement_id IS NOT NULL;
CREATE INDEX sample_by_parent ON sample(parent_id) WHERE parent_id IS NOT NULL;

-- Judgements that a sample had before its current one.
CREATE TABLE sample_judgement (
	sample_id    INTEGER NOT NULL REFERENCES sample,
	place        INTEGER NOT NULL,
	judgement_id INTEGER NOT NULL REFERENCES judgement,
	judged_us    INTEGER NOT NULL,
	replaced_us  INTEGER NOT NULL,
	checksum     INTEGER NOT NULL,
	PRIMARY KEY (sample_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE program_rank (
	task_row    INTEGER NOT NULL REFERENCES task,
	program_row INTEGER NOT NULL REFERENCES program,
	language    TEXT NOT NULL,
	rank        INTEGER NOT NULL,
	run_id      INTEGER NOT NULL REFERENCES run,
	checksum    INTEGER NOT NULL,
	PRIMARY KEY (task_row, program_row)
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- views

CREATE VIEW v_tasks AS
SELECT t.task_id, t.task_rev, t.current, t.source, t.split, t.license, t.entry_point, t.tests_kind, t.n_cases,
       (SELECT group_concat(tag, ',') FROM (SELECT tag FROM task_tag g WHERE g.task_row = t.task_row ORDER BY tag)) AS tags,
       t.quarantined, t.origin AS imported_from, i.format, i.url, i.revision,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.created_us / 1e6, 'unixepoch') AS created_at,
       c.bytes, c.body AS json
FROM task t
JOIN import i ON i.import_row = t.import_row
JOIN content c ON c.content_row = t.content_row;

CREATE VIEW v_runs AS
SELECT r.run_id, r.kind, r.state, r.policy_spec, coalesce(r.policy_name, r.policy_spec) AS policy,
       r.policy_version, r.policy_version_number,
       r.template_name || coalesce('@' || r.template_version, '') AS template,
       r.selection, CASE WHEN r.seed >= 0 THEN r.seed ELSE printf('%llu', r.seed) END AS seed, r.samples, r.isolation, r.judge_version, r.extract_version, r.winnow_version, r.shard,
       (SELECT count(*) FROM run_task p WHERE p.run_id = r.run_id) AS tasks,
       (SELECT count(*) FROM sample s WHERE s.run_id = r.run_id) AS sampled,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.created_us / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.changed_us / 1e6, 'unixepoch') AS changed_at,
       r.summary
FROM run r;

CREATE VIEW v_samples AS
SELECT s.sample_id, s.run_id, t.task_id, t.task_rev, t.split, s.sample_index AS sample,
       s.run_id || '/' || t.task_id AS group_id,
       s.parent_id, s.origin, s.language,
       coalesce(r.policy_name, r.policy_spec) AS policy, r.policy_version,
       r.template_name || coalesce('@' || r.template_version, '') AS template,
       s.seed, s.finish_reason, s.truncated, s.state, j.verdict,
       CASE WHEN j.flags IS NULL OR j.flags = '[]' THEN s.flags
            WHEN s.flags = '[]' THEN j.flags
            ELSE (SELECT '["' || group_concat(value, '","') || '"]' FROM (SELECT value FROM json_each(s.flags)
                  UNION SELECT value FROM json_each(j.flags) ORDER BY 1)) END AS flags,
       CASE WHEN j.verdict = 'accepted' THEN 1 WHEN j.verdict <> 'internal_error' THEN 0 END AS passed,
       j.tests_passed, j.tests_total,
       CASE WHEN j.judging = 'same-process' THEN NULL WHEN j.verdict = 'accepted' THEN 1.0
            WHEN j.verdict <> 'internal_error' THEN 0.0 END AS reward,
       j.cpu_us / 1e3 AS cpu_ms, j.wall_us / 1e3 AS wall_ms, j.memory_bytes / 1024.0 AS memory_kib,
       j.judging, j.isolation, j.toolchain,
       (instr(s.flags, '"flaky"') > 0 OR instr(coalesce(j.flags, ''), '"flaky"') > 0) AS flaky,
       CASE WHEN s.program_row IS NOT NULL THEN
            nullif((SELECT min(d.sample_id) FROM sample d WHERE d.judgement_id = s.judgement_id
                    AND d.run_id = s.run_id AND d.task_row = s.task_row), s.sample_id) END AS duplicate_of,
       p.program_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.created_us / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.judged_us / 1e6, 'unixepoch') AS judged_at,
       s.reason, t.quarantined, k.rank, s.attempt, s.ordinal AS task_ordinal, t.source
FROM sample s
JOIN run r ON r.run_id = s.run_id
JOIN task t ON t.task_row = s.task_row
LEFT JOIN judgement j ON j.judgement_id = s.judgement_id
LEFT JOIN program p ON p.program_row = s.program_row
LEFT JOIN program_rank k ON k.task_row = s.task_row AND k.program_row = s.program_row;

-- Every judgement that a sample has or had.
CREATE VIEW v_judgements AS
SELECT h.sample_id, s.run_id, t.task_id, s.sample_index AS sample, s.language, j.judgement_id, h.current,
       j.verdict, CASE WHEN j.verdict = 'accepted' THEN 1 WHEN j.verdict <> 'internal_error' THEN 0 END AS passed,
       j.flags, j.tests_passed, j.tests_total, j.visible_passed, j.visible_total,
       j.cpu_us / 1e3 AS cpu_ms, j.wall_us / 1e3 AS wall_ms, j.memory_bytes / 1024.0 AS memory_kib,
       j.compile_cpu_us / 1e3 AS compile_cpu_ms, j.message, j.compile_output, j.judging, j.isolation, j.toolchain,
       r.judge_version, r.extract_version, j.exit_code, j.signal, j.refused, lower(hex(j.key)) AS key,
       strftime('%Y-%m-%dT%H:%M:%fZ', h.judged_us / 1e6, 'unixepoch') AS judged_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', h.replaced_us / 1e6, 'unixepoch') AS replaced_at
FROM (SELECT sample_id, judgement_id, judged_us, NULL AS replaced_us, 1 AS current
      FROM sample WHERE judgement_id IS NOT NULL
      UNION ALL
      SELECT sample_id, judgement_id, judged_us, replaced_us, 0 FROM sample_judgement) h
JOIN sample s ON s.sample_id = h.sample_id
JOIN judgement j ON j.judgement_id = h.judgement_id
JOIN run r ON r.run_id = s.run_id
JOIN task t ON t.task_row = s.task_row;

-- System calls for which samples were ended, by name, where the host could name them.
CREATE VIEW v_refused AS
SELECT s.sample_id, s.run_id, t.task_id, s.language, j.isolation, c.key AS call, c.value AS count
FROM sample s
JOIN judgement j ON j.judgement_id = s.judgement_id
JOIN task t ON t.task_row = s.task_row
JOIN json_each(j.refused) c;

-- What became of the samples of a run.  From `pending` to `accepted` without `duplicate` the stages add up to
-- `sampled`; duplicate, accepted_distinct and flaky count samples that are in one of these too.
CREATE VIEW v_funnel AS
WITH stages(stage_order, stage) AS (
	VALUES (1, 'sampled'), (2, 'pending'), (3, 'failed'), (4, 'skipped'), (5, 'internal_error'), (6, 'no_program'),
	       (7, 'duplicate'), (8, 'security_violation'), (9, 'compile_error'), (10, 'time_limit'),
	       (11, 'memory_limit'), (12, 'output_limit'), (13, 'runtime_error'), (14, 'wrong_answer'),
	       (15, 'accepted'), (16, 'accepted_distinct'), (17, 'flaky')),
unit AS MATERIALIZED (
	SELECT s.run_id, s.state, s.judgement_id, s.program_row IS NOT NULL AS has_program, count(*) AS k,
	       sum(instr(s.flags, '"flaky"') > 0) AS own_flaky
	FROM sample s GROUP BY s.run_id, s.state, s.task_row, s.judgement_id, s.program_row IS NOT NULL),
counted(run_id, stage, n, cpu_us) AS (
	SELECT u.run_id, coalesce(j.verdict, u.state), sum(u.k), sum(j.cpu_us + j.compile_cpu_us)
	FROM unit u LEFT JOIN judgement j ON j.judgement_id = u.judgement_id GROUP BY 1, 2
	UNION ALL SELECT run_id, 'sampled', sum(k), NULL FROM unit GROUP BY 1
	UNION ALL SELECT run_id, 'duplicate', sum(k - 1), NULL FROM unit
	          WHERE judgement_id IS NOT NULL AND has_program GROUP BY 1
	UNION ALL SELECT u.run_id, 'accepted_distinct', count(*), NULL
	          FROM unit u JOIN judgement j ON j.judgement_id = u.judgement_id WHERE j.verdict = 'accepted' GROUP BY 1
	UNION ALL SELECT u.run_id, 'flaky', sum(CASE WHEN instr(j.flags, '"flaky"') > 0 THEN u.k ELSE u.own_flaky END), NULL
	          FROM unit u JOIN judgement j ON j.judgement_id = u.judgement_id GROUP BY 1)
SELECT r.run_id, g.stage, coalesce(c.n, 0) AS n,
       coalesce(c.n, 0) * 1.0 / nullif((SELECT a.n FROM counted a WHERE a.run_id = r.run_id AND a.stage = 'sampled'), 0) AS share,
       g.stage_order, c.cpu_us / 1e3 AS cpu_ms
FROM run r CROSS JOIN stages g
LEFT JOIN counted c ON c.run_id = r.run_id AND c.stage = g.stage
ORDER BY r.run_id, g.stage_order;

-- The unbiased estimator 1 - C(n-c,k)/C(n,k) as a running product over at most 100 factors (n-c-i)/(n-i), once for
-- each distinct (n, c).  Only first-hand samples with passed not NULL count.
CREATE VIEW v_pass_at_k AS
WITH RECURSIVE counts AS MATERIALIZED (
	SELECT s.run_id, s.task_row, s.language, count(*) AS n, sum(j.verdict = 'accepted') AS c
	FROM sample s JOIN judgement j ON j.judgement_id = s.judgement_id
	WHERE j.verdict <> 'internal_error' AND s.origin = 'sample'
	GROUP BY s.run_id, s.task_row, s.language),
miss(n, c, i, p10, p100) AS (
	SELECT DISTINCT n, c, 0, 1.0, 1.0 FROM counts WHERE n >= 10
	UNION ALL
	SELECT n, c, i + 1,
	       CASE WHEN i < 10 THEN p10 * max(n - c - i, 0) / (n - i) ELSE p10 END,
	       p100 * max(n - c - i, 0) / (n - i)
	FROM miss WHERE i < min(n, 100)),
done AS MATERIALIZED (SELECT n, c, p10, p100 FROM miss WHERE i = min(n, 100))
SELECT u.run_id, t.task_id, u.language, u.n, u.c,
       u.c * 1.0 / u.n AS pass_at_1,
       CASE WHEN u.n >= 10 THEN 1.0 - d.p10 END AS pass_at_10,
       CASE WHEN u.n >= 100 THEN 1.0 - d.p100 END AS pass_at_100,
       t.task_rev, t.split, t.source
FROM counts u
JOIN task t ON t.task_row = u.task_row
LEFT JOIN done d ON d.n = u.n AND d.c = u.c;

-- The mean over the tasks; NULL where some task has fewer than k samples that count.
CREATE VIEW v_pass_at_k_run AS
SELECT run_id, language, count(*) AS tasks, sum(c > 0) AS solved, sum(n) AS n, sum(c) AS c,
       avg(pass_at_1) AS pass_at_1,
       CASE WHEN count(pass_at_10) = count(*) THEN avg(pass_at_10) END AS pass_at_10,
       CASE WHEN count(pass_at_100) = count(*) THEN avg(pass_at_100) END AS pass_at_100
FROM v_pass_at_k
GROUP BY run_id, language;

-- The best accepted program of each task (its current revision) and language.
CREATE VIEW v_best AS
SELECT task_id, language, program_id, rank, sample_id, run_id, cpu_ms, memory_kib, program_bytes, task_rev, program
FROM (
	SELECT t.task_id, t.task_rev, k.language, p.program_id, k.rank, a.sample_id, a.run_id,
	       j.cpu_us / 1e3 AS cpu_ms, j.memory_bytes / 1024.0 AS memory_kib, b.bytes AS program_bytes, b.body AS program,
	       row_number() OVER (PARTITION BY k.task_row, k.language ORDER BY k.rank, p.program_id) AS place
	FROM (SELECT s.task_row, s.program_row, min(s.sample_id) AS sample_id, s.run_id, s.judgement_id
	      FROM sample s JOIN judgement v ON v.judgement_id = s.judgement_id
	      WHERE v.verdict = 'accepted' AND v.judging IS NOT 'same-process'
	        AND instr(v.flags, '"flaky"') = 0 AND instr(s.flags, '"flaky"') = 0
	      GROUP BY s.task_row, s.program_row) a
	JOIN program_rank k ON k.task_row = a.task_row AND k.program_row = a.program_row
	JOIN task t ON t.task_row = k.task_row AND t.current = 1
	JOIN program p ON p.program_row = k.program_row
	JOIN content b ON b.content_row = p.content_row
	JOIN judgement j ON j.judgement_id = a.judgement_id)
WHERE place = 1;

CREATE VIEW v_policy_versions AS
SELECT coalesce(r.policy_name, r.policy_spec) AS policy, r.policy_version, r.policy_version_number,
       count(DISTINCT r.run_id) AS runs, min(r.run_id) AS first_run, max(r.run_id) AS last_run,
       count(s.sample_id) AS sampled, sum(j.verdict <> 'internal_error') AS judged, sum(j.verdict = 'accepted') AS accepted,
       sum(j.verdict = 'accepted') * 1.0 / nullif(sum(j.verdict <> 'internal_error'), 0) AS pass_rate
FROM run r
LEFT JOIN sample s ON s.run_id = r.run_id
LEFT JOIN judgement j ON j.judgement_id = s.judgement_id
GROUP BY 1, 2, 3;
