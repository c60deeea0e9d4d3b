-- Jobs that a queue outside waits for: a row for each that came from one.
CREATE TABLE lease(
  job INTEGER PRIMARY KEY REFERENCES job,
  source INTEGER NOT NULL REFERENCES source,
  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 3),  -- held, returning, away, answered
  due_ms INTEGER NOT NULL,               -- returning: put off until then; 0 = next in line
  until_ms INTEGER NOT NULL,             -- held: the lock is ours until then, by our wall clock
  own_ladder INTEGER NOT NULL,           -- 0: the queue counts tries and waits between them
  ticket TEXT NOT NULL                   -- the source's own: what its calls need
) STRICT;
CREATE INDEX lease_open ON lease(source, state, job) WHERE state<=1;
