-- How the target recognises us, without the secret, as JSON text; NULL: by a bearer token.
ALTER TABLE application ADD COLUMN authentication TEXT;
