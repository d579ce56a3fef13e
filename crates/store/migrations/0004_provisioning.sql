-- 0: a request to add or to remove this member was sent and its answer never seen.
ALTER TABLE exported_member ADD COLUMN sure BIGINT NOT NULL DEFAULT 1;

-- When an administrator allowed what was held; NULL: nobody did.
ALTER TABLE escrow ADD COLUMN approved_us BIGINT;

-- What a plan was made from: position of the change feed and configuration; for an undo, the cycle that it takes back.
-- `of_cycle` of a cycle that applies a plan is that plan.
ALTER TABLE cycle ADD COLUMN plan_head BIGINT;
ALTER TABLE cycle ADD COLUMN plan_config TEXT;
ALTER TABLE cycle ADD COLUMN of_cycle TEXT;
CREATE INDEX cycle_of ON cycle (workspace_id, of_cycle) WHERE of_cycle IS NOT NULL;

-- Accounts and groups at a target that Tenure does not manage, as the last look at the whole target found them.
CREATE TABLE stranger (
    number {{identity}},
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    cycle_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    name TEXT NOT NULL,
    active BIGINT,
    standing TEXT NOT NULL,
    rid BIGINT
);
CREATE INDEX stranger_application ON stranger (workspace_id, application, number);

-- What a full cycle read of the whole target to match by: an account, and the values by which it is found.
CREATE TABLE listed_account (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (workspace_id, application, kind, target_id)
) {{without_rowid}};
CREATE TABLE listed_value (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    kind TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    target_id TEXT NOT NULL,
    PRIMARY KEY (workspace_id, application, kind, attribute, value, target_id)
) {{without_rowid}};

-- What people are told by mail: written with the change that it is about, sent afterwards. `deferred`: it waits because
-- another of its kind was sent a moment ago. `settled`: addresses that were sent to or refused, one a line.
CREATE TABLE notification (
    id {{identity}},
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    facts TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    state TEXT NOT NULL,
    deferred BIGINT NOT NULL,
    next_us BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    settled TEXT NOT NULL DEFAULT '',
    ended_us BIGINT,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX notification_application ON notification (workspace_id, application, id);
CREATE INDEX notification_due ON notification (next_us) WHERE state = 'waiting';

-- By age, for what is removed in time; by person, for why somebody has an account.
CREATE INDEX provisioning_log_age ON provisioning_log (workspace_id, at_us, seq);
CREATE INDEX provisioning_log_source ON provisioning_log (workspace_id, source_id, seq);
CREATE INDEX cycle_age ON cycle (workspace_id, ended_us) WHERE ended_us IS NOT NULL;
CREATE INDEX operation_object ON operation (workspace_id, application, rid, id) WHERE state IN ('intent', 'sent', 'unknown');

-- How the target recognises us, without the secret, as JSON text; NULL: by a bearer token.
ALTER TABLE application ADD COLUMN authentication TEXT;
