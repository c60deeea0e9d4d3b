-- CRC-32 of the row: who is called stands in no event, so that it can be erased,
-- and a page may be altered and still be one.
ALTER TABLE person ADD COLUMN sum INTEGER;  -- NULL: written before there was one
