-- What a workspace adds to the standard schemas; `version` tells caches that it changed.
CREATE TABLE workspace_schema (
    workspace_id BIGINT PRIMARY KEY REFERENCES workspace (id),
    version BIGINT NOT NULL,
    definition TEXT NOT NULL
);
-- Numbers of a workspace's own resource types; a number is never given to another name.
CREATE TABLE resource_type (
    workspace_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (workspace_id, number)
) {{without_rowid}};
CREATE TABLE workspace_setting (
    workspace_id BIGINT PRIMARY KEY REFERENCES workspace (id),
    document TEXT NOT NULL
);

-- Whom a deleted person or group was together with, so that an administrator can bring it back as it was.
CREATE TABLE former_member (
    workspace_id BIGINT NOT NULL,
    deleted_rid BIGINT NOT NULL,
    group_rid BIGINT NOT NULL,
    member_rid BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, deleted_rid, group_rid, member_rid)
) {{without_rowid}};
ALTER TABLE resource ADD COLUMN purged_us BIGINT;
CREATE INDEX resource_deleted ON resource (workspace_id, kind, deleted_us, rid) WHERE deleted_us IS NOT NULL AND purged_us IS NULL;

-- Members that a client named before they existed: they join when a resource with this id or externalId arrives.
CREATE TABLE parked_member (
    workspace_id BIGINT NOT NULL,
    value TEXT NOT NULL,
    group_rid BIGINT NOT NULL,
    parked_us BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, value, group_rid)
) {{without_rowid}};
CREATE INDEX parked_member_group ON parked_member (workspace_id, group_rid);

-- What a token opens: `scim` or `api`.
ALTER TABLE token ADD COLUMN scope TEXT NOT NULL DEFAULT 'scim';
-- How the server treats this client; JSON, empty for the defaults.
ALTER TABLE token ADD COLUMN options TEXT NOT NULL DEFAULT '';
-- What clients do that the standard does not have, per day.
CREATE TABLE deviation (
    workspace_id BIGINT NOT NULL,
    token_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    example TEXT NOT NULL,
    PRIMARY KEY (workspace_id, token_id, day, code)
) {{without_rowid}};
-- SCIM requests with their answers. A row with a count in `lost` stands for requests that were not written down.
CREATE TABLE request_log (
    seq {{identity}},
    workspace_id BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    lost BIGINT NOT NULL,
    token_id TEXT NOT NULL,
    token_name TEXT NOT NULL,
    agent TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT NOT NULL,
    status BIGINT NOT NULL,
    scim_type TEXT NOT NULL,
    detail TEXT NOT NULL,
    deviations TEXT NOT NULL,
    duration_us BIGINT NOT NULL,
    request TEXT NOT NULL,
    response TEXT NOT NULL
);
CREATE INDEX request_log_workspace ON request_log (workspace_id, seq);
CREATE INDEX request_log_age ON request_log (workspace_id, at_us);
CREATE INDEX request_log_id ON request_log (workspace_id, id);
