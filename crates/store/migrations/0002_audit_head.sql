-- The end of each chain, so that rows cut off at the end are noticed too.
CREATE TABLE audit_head (
    workspace_id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (workspace_id, seq, hash)
    SELECT a.workspace_id, a.seq, a.hash FROM audit a
    WHERE a.seq = (SELECT max(b.seq) FROM audit b WHERE b.workspace_id = a.workspace_id);
