-- Every statement of the store, named for orchestrator.store.queries.Queries.

-- name: last_event_id
SELECT max(pruned_event, coalesce((SELECT max(id) FROM journal), 0)) FROM state

-- name: pruned_event
SELECT pruned_event FROM state

-- name: next_job
SELECT max(pruned_job, coalesce((SELECT max(id) FROM job), 0)) + 1 FROM state

-- name: insert_line
INSERT INTO journal (id, at, line) VALUES (?, ?, ?)

-- name: insert_definition
INSERT INTO definition (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING

-- name: insert_configuration
INSERT INTO configuration (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING

-- name: set_configuration
UPDATE state SET configuration = ?, accepted = ?

-- name: set_drain
UPDATE state SET drain = ?

-- What a retention would have pruned, and what a journal that went back does not know, is spent
-- alike: `next_job` is beyond it.
-- name: spend_numbers
UPDATE state SET pruned_job = max(pruned_job, ?)

-- name: put_environment
INSERT INTO environment (name, body) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET body = excluded.body

-- name: delete_environment
DELETE FROM environment WHERE name = ?

-- name: put_job
INSERT INTO job (id, environment, pipeline, kind, uid, key, definition, submitted,
                 phase, conclusion, ended, duration, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, conclusion = excluded.conclusion,
    ended = excluded.ended, duration = excluded.duration, body = excluded.body

-- name: put_label
INSERT INTO label (key, value, job) VALUES (?, ?, ?) ON CONFLICT DO NOTHING

-- name: open_jobs
SELECT body FROM job INDEXED BY job_open WHERE ended IS NULL ORDER BY id

-- name: environments
SELECT body FROM environment ORDER BY name

-- name: state
SELECT configuration, accepted, drain FROM state

-- name: definition
SELECT body FROM definition WHERE digest = ?

-- name: configuration
SELECT body FROM configuration WHERE digest = ?

-- name: job
SELECT body FROM job WHERE id = ?

-- name: job_by_key
SELECT body FROM job WHERE uid = ? AND key = ?

-- name: last_finished
SELECT body FROM job WHERE environment = ? AND ended IS NOT NULL
ORDER BY ended DESC, id DESC LIMIT ?

-- name: mean_duration
SELECT avg(duration), count(*) FROM (
    SELECT duration FROM job
    WHERE pipeline = ? AND environment = ? AND conclusion = 'success' AND duration IS NOT NULL
    ORDER BY id DESC LIMIT ?
)

-- name: events_after
SELECT id, line FROM journal WHERE id > ? ORDER BY id LIMIT ?

-- The parts of a search for jobs: one of …jobs_before, any of jobs_with_…, jobs_newest_first.
-- What is open is few, whatever the history: a search for it must not look through the history.

-- name: jobs_before
SELECT body FROM job WHERE id < ?

-- name: open_jobs_before
SELECT body FROM job INDEXED BY job_open WHERE ended IS NULL AND id < ?

-- name: jobs_with_environment
 AND environment = ?

-- name: jobs_with_pipeline
 AND pipeline = ?

-- name: jobs_with_kind
 AND kind = ?

-- name: jobs_with_phase
 AND phase = ?

-- name: jobs_with_conclusion
 AND conclusion = ?

-- name: jobs_with_uid
 AND uid = ?

-- name: jobs_with_label
 AND id IN (SELECT job FROM label WHERE key = ? AND value = ?)

-- name: jobs_newest_first
 ORDER BY id DESC LIMIT ?
