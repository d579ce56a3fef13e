-- 0: a request to add or to remove this member was sent and its answer never seen.
ALTER TABLE exported_member ADD COLUMN sure BIGINT NOT NULL DEFAULT 1;
-- How the target recognises us, without the secret, as JSON text; NULL: by a bearer token.
ALTER TABLE application ADD COLUMN authentication TEXT;
