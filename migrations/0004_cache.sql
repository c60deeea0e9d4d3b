-- What was read in another's store for calls to come: they go on while it is away.
CREATE TABLE cache(
  kind INTEGER NOT NULL CHECK(kind BETWEEN 1 AND 2),  -- campaign, contact
  id TEXT NOT NULL,
  number INTEGER,                        -- the person's, with whom the row is erased
  body TEXT NOT NULL, fetched_ms INTEGER NOT NULL,
  PRIMARY KEY(kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_number ON cache(number) WHERE number IS NOT NULL;
