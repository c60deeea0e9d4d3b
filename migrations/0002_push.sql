-- Sinks behind a network.

-- What a row's sink must find again after a crash: the id of an upload.
ALTER TABLE outbox ADD COLUMN kept TEXT;
