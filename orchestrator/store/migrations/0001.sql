-- The first schema. A published migration is never edited: the next change is the next number.
-- A release that adds an event tag also adds a migration (an empty one will do), so that an older
-- release refuses the journal with words instead of failing to read it.
PRAGMA application_id = 0x6f726368;

-- What happened. One line is one orchestrator.core.events.Stamped as JSON; `at` is its UTC in
-- milliseconds. Ids have no gaps and are never used twice.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    line TEXT NOT NULL
);

-- What jobs keep from the configuration they were submitted under: core.definition.JobDefinition.
CREATE TABLE definition (
    digest TEXT PRIMARY KEY NOT NULL,
    body TEXT NOT NULL
);

-- Accepted configurations: core.definition.Configuration.
CREATE TABLE configuration (
    digest TEXT PRIMARY KEY NOT NULL,
    body TEXT NOT NULL
);

-- Jobs in their last phase. `body` is core.model.Job; the columns are what is asked for.
-- Times are UTC milliseconds; `duration` is milliseconds from admission to the end.
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    kind TEXT NOT NULL,
    uid INTEGER NOT NULL,
    key TEXT,
    definition TEXT NOT NULL REFERENCES definition (digest),
    submitted INTEGER NOT NULL,
    phase TEXT NOT NULL,
    conclusion TEXT,
    ended INTEGER,
    duration INTEGER,
    body TEXT NOT NULL
);
CREATE INDEX job_open ON job (id) WHERE ended IS NULL;
CREATE INDEX job_ended ON job (environment, ended) WHERE ended IS NOT NULL;
CREATE INDEX job_success ON job (pipeline, environment)
    WHERE conclusion = 'success' AND duration IS NOT NULL;
CREATE INDEX job_conclusion ON job (conclusion) WHERE conclusion IS NOT NULL;
CREATE INDEX job_environment ON job (environment);
CREATE INDEX job_pipeline ON job (pipeline);
CREATE INDEX job_kind ON job (kind);
CREATE INDEX job_uid ON job (uid);
CREATE INDEX job_definition ON job (definition);
CREATE UNIQUE INDEX job_key ON job (uid, key) WHERE key IS NOT NULL;

CREATE TABLE label (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    PRIMARY KEY (key, value, job)
) WITHOUT ROWID;
CREATE INDEX label_job ON label (job);

-- What is true of environments beside their jobs: core.model.Environment.
CREATE TABLE environment (
    name TEXT PRIMARY KEY NOT NULL,
    body TEXT NOT NULL
);

-- One row. `configuration` is the one in force, `drain` a core.model.Drain. Retention raises
-- `pruned_event` and `pruned_job` to the highest ids that it deletes, before it deletes them.
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    configuration TEXT REFERENCES configuration (digest),
    drain TEXT,
    pruned_event INTEGER NOT NULL DEFAULT 0,
    pruned_job INTEGER NOT NULL DEFAULT 0
);
INSERT INTO state (id) VALUES (1);

CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER journal_only_retention_deletes BEFORE DELETE ON journal
WHEN OLD.id > (SELECT pruned_event FROM state)
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
