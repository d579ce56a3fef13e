-- Times are microseconds since 1970 UTC, booleans 0 or 1, JSON is text that the database never opens.
CREATE TABLE workspace (
    id {{identity}},
    public_id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_us BIGINT NOT NULL
);
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_us BIGINT NOT NULL
);
CREATE TABLE workspace_member (
    workspace_id BIGINT NOT NULL REFERENCES workspace (id),
    account_id TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    joined_us BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
);
CREATE INDEX workspace_member_account ON workspace_member (account_id, workspace_id);
CREATE TABLE sign_in_failure (
    email_key TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_us BIGINT NOT NULL
);
CREATE TABLE session (
    hash {{bytes}} PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    csrf TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX session_expiry ON session (expires_us);
CREATE TABLE setup_link (
    hash {{bytes}} PRIMARY KEY,
    expires_us BIGINT NOT NULL
);
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    workspace_id BIGINT NOT NULL REFERENCES workspace (id),
    name TEXT NOT NULL,
    hash {{bytes}} NOT NULL UNIQUE,
    suffix TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_us BIGINT,
    last_used_us BIGINT,
    last_agent TEXT,
    revoked_us BIGINT
);
CREATE INDEX token_workspace ON token (workspace_id, created_us);

CREATE TABLE resource (
    rid {{identity}},
    workspace_id BIGINT NOT NULL REFERENCES workspace (id),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    deleted_us BIGINT,
    body TEXT NOT NULL,
    UNIQUE (workspace_id, id)
);
CREATE INDEX resource_live ON resource (workspace_id, kind, rid) WHERE deleted_us IS NULL;
CREATE TABLE resource_index (
    workspace_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    rid BIGINT NOT NULL,
    element BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, kind, attribute, value, rid, element)
) {{without_rowid}};
CREATE INDEX resource_index_rid ON resource_index (workspace_id, rid, attribute, element, value);
CREATE TABLE unique_value (
    workspace_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    rid BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, kind, attribute, value)
) {{without_rowid}};
CREATE INDEX unique_value_rid ON unique_value (workspace_id, rid);
CREATE TABLE member (
    workspace_id BIGINT NOT NULL,
    group_rid BIGINT NOT NULL,
    member_rid BIGINT NOT NULL,
    added_us BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, group_rid, member_rid)
) {{without_rowid}};
CREATE INDEX member_reverse ON member (workspace_id, member_rid, group_rid);
CREATE TABLE change (
    seq {{identity}},
    tx BIGINT NOT NULL DEFAULT {{tx}},
    workspace_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    rid BIGINT NOT NULL,
    other_rid BIGINT,
    what TEXT NOT NULL,
    at_us BIGINT NOT NULL
);
CREATE INDEX change_workspace ON change (workspace_id, seq);
CREATE TABLE change_floor (
    workspace_id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL
);

CREATE TABLE application (
    key {{identity}},
    workspace_id BIGINT NOT NULL REFERENCES workspace (id),
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    gallery_id TEXT NOT NULL,
    tenant_url TEXT NOT NULL,
    secret {{bytes}},
    config TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    UNIQUE (workspace_id, name_key)
);
CREATE TABLE assignment (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, application, rid)
) {{without_rowid}};
CREATE INDEX assignment_rid ON assignment (workspace_id, rid, application);
CREATE TABLE job (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    state TEXT NOT NULL,
    watermark BIGINT,
    run_at_us BIGINT NOT NULL,
    backoff BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    fence BIGINT NOT NULL DEFAULT 0,
    quarantine_code TEXT,
    quarantine_reason TEXT,
    quarantined_since_us BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    cycle_id TEXT,
    cycle_cursor TEXT,
    PRIMARY KEY (workspace_id, application)
);
CREATE TABLE job_work (
    seq {{identity}},
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    kind TEXT NOT NULL,
    UNIQUE (workspace_id, application, rid)
);
CREATE TABLE link (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    source_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    known TEXT NOT NULL,
    managed BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, application, rid)
) {{without_rowid}};
CREATE INDEX link_source ON link (workspace_id, application, source_id);
CREATE INDEX link_target ON link (workspace_id, application, target_id);
CREATE INDEX link_kind ON link (workspace_id, application, kind, rid);
CREATE TABLE exported_member (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    group_rid BIGINT NOT NULL,
    member_rid BIGINT NOT NULL,
    target_id TEXT NOT NULL,
    PRIMARY KEY (workspace_id, application, group_rid, member_rid)
) {{without_rowid}};
CREATE INDEX exported_member_reverse ON exported_member (workspace_id, application, member_rid);
CREATE TABLE waiting_reference (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    attribute TEXT NOT NULL,
    source_id TEXT NOT NULL,
    PRIMARY KEY (workspace_id, application, rid, attribute, source_id)
) {{without_rowid}};
CREATE INDEX waiting_reference_source ON waiting_reference (workspace_id, application, source_id);
CREATE TABLE escrow (
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    first_us BIGINT NOT NULL,
    next_us BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, application, rid)
) {{without_rowid}};
CREATE INDEX escrow_due ON escrow (workspace_id, application, next_us);
CREATE TABLE cycle (
    number {{identity}},
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started_us BIGINT NOT NULL,
    ended_us BIGINT,
    created BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    disabled BIGINT NOT NULL DEFAULT 0,
    deleted BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    done BIGINT NOT NULL DEFAULT 0,
    total BIGINT NOT NULL DEFAULT 0,
    message TEXT,
    UNIQUE (workspace_id, id)
);
CREATE INDEX cycle_application ON cycle (workspace_id, application, number);
CREATE TABLE operation (
    id {{identity}},
    workspace_id BIGINT NOT NULL,
    application BIGINT NOT NULL,
    cycle_id TEXT NOT NULL,
    rid BIGINT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    planned_us BIGINT NOT NULL
);
CREATE INDEX operation_cycle ON operation (workspace_id, cycle_id, id);
CREATE INDEX operation_open ON operation (workspace_id, application, id) WHERE state IN ('intent', 'sent', 'unknown');
CREATE TABLE provisioning_log (
    seq {{identity}},
    workspace_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    application BIGINT NOT NULL,
    cycle_id TEXT NOT NULL,
    change_id TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    action TEXT NOT NULL,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    source_id TEXT NOT NULL,
    source_name TEXT NOT NULL,
    -- Folded, for searching.
    source_key TEXT NOT NULL,
    target_id TEXT NOT NULL,
    error_code TEXT,
    reason TEXT,
    steps TEXT NOT NULL,
    modified TEXT NOT NULL,
    initiated_by TEXT NOT NULL,
    UNIQUE (workspace_id, id)
);
CREATE INDEX provisioning_log_application ON provisioning_log (workspace_id, application, seq);
CREATE INDEX provisioning_log_cycle ON provisioning_log (workspace_id, cycle_id, seq);
CREATE TABLE audit (
    workspace_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (workspace_id, seq)
) {{without_rowid}};
