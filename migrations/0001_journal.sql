-- The journal: every job, every attempt, every transition (docs/design.md).
-- Times are Unix milliseconds on the clock the run was on; boot_ms columns are
-- milliseconds of that clock since the boot named beside them.

CREATE TABLE head(                       -- one row, written once a group commit
  id INTEGER PRIMARY KEY CHECK(id=1),
  journal BLOB NOT NULL,                 -- 16 random bytes, for ever
  incarnation BLOB NOT NULL,             -- 8 random bytes, new after restore and adopt
  opened_ms INTEGER NOT NULL,            -- when this incarnation began
  fresh INTEGER NOT NULL,                -- 1: restored, and nobody has accepted it yet
  lock_id BLOB NOT NULL, lock_inode INTEGER NOT NULL,
  owners_id BLOB NOT NULL, owners_inode INTEGER NOT NULL,
  commits INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
  sealed INTEGER NOT NULL, sealed_hash BLOB NOT NULL,
  next_job INTEGER NOT NULL, next_outbox INTEGER NOT NULL,
  boot BLOB NOT NULL, boot_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL, -- last moment the wall clock was trusted
  knew_ms INTEGER NOT NULL               -- its newest event when it was restored; 0 = it never was
) STRICT;
CREATE TABLE tally(state INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;
CREATE TABLE source(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE kind(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE campaign(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data TEXT, fetched_ms INTEGER) STRICT;
CREATE TABLE owner(
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- also its byte in owners.lock
  boot BLOB NOT NULL, pid INTEGER NOT NULL, started_ms INTEGER NOT NULL,
  command TEXT NOT NULL, worker TEXT, state TEXT, closed_ms INTEGER
) STRICT;
CREATE INDEX owner_open ON owner(id) WHERE closed_ms IS NULL;

CREATE TABLE job(
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL REFERENCES source, ext TEXT NOT NULL, content BLOB NOT NULL,
  kind INTEGER NOT NULL REFERENCES kind, campaign INTEGER NOT NULL REFERENCES campaign,
  step INTEGER NOT NULL, final INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 7),
  priority INTEGER NOT NULL, not_before_ms INTEGER NOT NULL, expires_ms INTEGER,
  reason INTEGER NOT NULL, outcome INTEGER NOT NULL,
  attempts INTEGER NOT NULL,             -- rows in attempt, ever
  tries INTEGER NOT NULL,                -- of them, those that count for the ladder
  crashes INTEGER NOT NULL, crash_boot BLOB,
  revision INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL,            -- the source's own time of the job, 0 = it has none
  last INTEGER NOT NULL,                 -- its newest event
  UNIQUE(source, ext)
) STRICT;
CREATE INDEX job_ready ON job(campaign, priority) WHERE state=1;
CREATE INDEX job_due ON job(not_before_ms) WHERE state=0;
CREATE INDEX job_expiry ON job(expires_ms) WHERE state<=1 AND expires_ms IS NOT NULL;
CREATE INDEX job_held ON job(id) WHERE state=2;
CREATE INDEX job_failed ON job(id) WHERE state=4;
CREATE INDEX job_expired ON job(id) WHERE state=5;
CREATE INDEX job_cancelled ON job(id) WHERE state=6;
CREATE INDEX job_parked ON job(id) WHERE state=7;
CREATE INDEX job_campaign ON job(campaign);

-- What can be erased: delete the row.  number is the E.164 digits; org is the
-- first 8 bytes of SHA-256 of its name.
CREATE TABLE person(
  job INTEGER PRIMARY KEY REFERENCES job, number INTEGER NOT NULL,
  org INTEGER, org_name TEXT, contact TEXT NOT NULL, data TEXT NOT NULL
) STRICT;

CREATE TABLE terms(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE attempt(
  id INTEGER PRIMARY KEY,                -- job * 256 + number of the attempt
  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 12),
  owner INTEGER, campaign INTEGER NOT NULL, kind INTEGER NOT NULL,
  number INTEGER, org INTEGER,           -- held from the claim until resolved
  key BLOB, request BLOB, terms INTEGER REFERENCES terms, carrier_call TEXT,
  dial_until_ms INTEGER,
  settle_boot BLOB, settle_boot_ms INTEGER, looked_boot_ms INTEGER,
  lookups INTEGER NOT NULL DEFAULT 0, resends INTEGER NOT NULL DEFAULT 0,
  armed_ms INTEGER, placed_ms INTEGER, answered_ms INTEGER, ended_ms INTEGER,
  slot_until_ms INTEGER,                 -- PARKED: how long it counts as a slot
  outcome INTEGER NOT NULL, detail TEXT, last INTEGER NOT NULL,
  CHECK((owner IS NOT NULL)=(state BETWEEN 1 AND 6)),
  CHECK((number IS NOT NULL)=(state BETWEEN 1 AND 7)),
  CHECK(state<2 OR state=11 OR key IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX attempt_number ON attempt(number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX attempt_org ON attempt(org) WHERE org IS NOT NULL;

-- Every dial of a number, for the caps: erased with the person, swept by age.
CREATE TABLE dial(
  number INTEGER NOT NULL, at_ms INTEGER NOT NULL, attempt INTEGER NOT NULL,
  PRIMARY KEY(number, at_ms, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE step(id INTEGER PRIMARY KEY, machine INTEGER NOT NULL, was INTEGER NOT NULL, event INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
CREATE TABLE event(
  seq INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job,
  n INTEGER NOT NULL, prev INTEGER,      -- its place in the job, and the job's event before it
  at_ms INTEGER NOT NULL, step INTEGER NOT NULL REFERENCES step,
  job_state INTEGER NOT NULL, attempt INTEGER, attempt_state INTEGER,  -- after it
  detail TEXT, hash BLOB NOT NULL
) STRICT;
CREATE TABLE archived(job INTEGER PRIMARY KEY, path TEXT NOT NULL, sha256 BLOB NOT NULL) STRICT;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event
  BEGIN SELECT RAISE(ABORT,'event is append-only'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event
  WHEN NOT EXISTS(SELECT 1 FROM archived WHERE job=OLD.job)
  BEGIN SELECT RAISE(ABORT,'event is not archived'); END;
CREATE TABLE sealed(
  n INTEGER PRIMARY KEY, job INTEGER NOT NULL, revision INTEGER NOT NULL,
  state INTEGER NOT NULL, outcome INTEGER NOT NULL,
  identity BLOB NOT NULL, last BLOB NOT NULL, hash BLOB NOT NULL
) STRICT;

CREATE TABLE inbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, ext TEXT NOT NULL,
  attempt INTEGER NOT NULL, code INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  body TEXT,                             -- NULL once folded
  folded INTEGER, UNIQUE(sender, ext)
) STRICT;
CREATE INDEX inbox_open ON inbox(attempt) WHERE folded IS NULL;

CREATE TABLE outbox(
  id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job, sink INTEGER NOT NULL,
  revision INTEGER NOT NULL, attempt INTEGER,
  prev INTEGER,                          -- the row before it of this job and sink
  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 2),  -- pending, done, dead
  tries INTEGER NOT NULL, next_ms INTEGER NOT NULL, error TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox(sink, next_ms) WHERE state=0;
CREATE INDEX outbox_dead ON outbox(id) WHERE state=2;
CREATE INDEX outbox_job ON outbox(job);
CREATE TABLE append(                     -- the batch under way; bytes NULL when done
  path TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, rows TEXT, bytes BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE deed(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, what TEXT NOT NULL, by_name TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE pause(campaign INTEGER PRIMARY KEY, deed INTEGER NOT NULL) STRICT;  -- campaign 0 = all
CREATE TABLE dnc(number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, at_ms INTEGER NOT NULL, deed INTEGER) STRICT;
CREATE TABLE artifact(
  attempt INTEGER NOT NULL, kind INTEGER NOT NULL, path TEXT NOT NULL,
  bytes INTEGER NOT NULL, ms INTEGER NOT NULL, sha256 BLOB NOT NULL, PRIMARY KEY(attempt, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE finding(                    -- what the conversation came to; erasable
  attempt INTEGER PRIMARY KEY, answered_by TEXT NOT NULL, decline TEXT NOT NULL, meeting TEXT NOT NULL
) STRICT;
CREATE TABLE service(                    -- breakers, limiters, last contact
  name TEXT PRIMARY KEY, breaker INTEGER NOT NULL, failures INTEGER NOT NULL,
  boot BLOB NOT NULL, since_ms INTEGER NOT NULL, tokens_micro INTEGER NOT NULL, filled_ms INTEGER NOT NULL,
  last_ok_ms INTEGER, last_error_ms INTEGER, last_error TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE attention(                  -- what on_attention was told about
  what TEXT PRIMARY KEY, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE run(                        -- the last drains, for status
  id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, started_ms INTEGER NOT NULL,
  ended_ms INTEGER, summary TEXT
) STRICT;
