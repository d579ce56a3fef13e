//! Applications and their sealed credentials.

use crate::{
    Error, TimeUs, Tx, WorkspaceId, audit,
    connection::{Row, values},
    workspace::{check_name, name_key},
};

mod authentication;

pub use authentication::{Authentication, ClientAuthentication, ClientCredentials};

/// An application. `config` is JSON text that this crate does not look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Internal number.
    pub key: i64,
    /// `app_…`.
    pub id: String,
    /// For people; unique in the workspace without case.
    pub name: String,
    /// Which template it was made from.
    pub gallery_id: String,
    /// SCIM base URL of the target.
    pub tenant_url: String,
    /// How the target recognises us, without the secret.
    pub authentication: Authentication,
    /// Whether a secret is stored.
    pub has_secret: bool,
    /// Configuration as JSON text.
    pub config: String,
    /// Counts configuration changes from 1.
    pub version: i64,
    /// When it was created.
    pub created_us: TimeUs,
}

const COLUMNS: &str = "SELECT key, id, name, gallery_id, tenant_url, secret IS NOT NULL, config, version, created_us, authentication FROM application";

fn from_row(row: &Row) -> Result<Application, Error> {
    Ok(Application {
        key: row.integer(0)?,
        id: row.text(1)?,
        name: row.text(2)?,
        gallery_id: row.text(3)?,
        tenant_url: row.text(4)?,
        has_secret: row.integer(5)? == 1,
        config: row.text(6)?,
        version: row.integer(7)?,
        created_us: row.integer(8)?,
        authentication: Authentication::from_column(row.optional_text(9)?.as_deref())?,
    })
}

pub(crate) fn place(workspace: WorkspaceId, key: i64) -> String {
    format!("{}|application|{key}|secret", workspace.0)
}

fn object(name: &str) -> String {
    format!("Application {name}")
}

/// Creates an application and its job, off.
///
/// # Errors
///
/// `Invalid` unless the name has 1 to 100 characters, `Conflict` when it is taken.
pub fn create(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    name: &str,
    gallery_id: &str,
    tenant_url: &str,
    secret: Option<&str>,
    config: &str,
) -> Result<Application, Error> {
    let name = check_name("application", name)?;
    refuse_taken(tx, workspace, &name, 0)?;
    let id = tx.new_id("app_")?;
    let now = tx.now_us();
    let row = tx.first(
        "INSERT INTO application (workspace_id, id, name, name_key, gallery_id, tenant_url, config, version, created_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8) RETURNING key",
        values![workspace, id, &name, name_key(&name), gallery_id, tenant_url, config, now],
    )?;
    let key = row
        .ok_or_else(|| Error::Database("no row returned".into()))?
        .integer(0)?;
    if let Some(secret) = secret {
        store_secret(tx, workspace, key, Some(secret))?;
    }
    tx.execute(
        "INSERT INTO job (workspace_id, application, state, run_at_us) VALUES ($1, $2, 'not-started', $3)",
        values![workspace, key, now],
    )?;
    audit::append(tx, workspace, "application.create", &object(&name), "{}")?;
    get(tx, workspace, key)
}

fn refuse_taken(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    name: &str,
    except: i64,
) -> Result<(), Error> {
    let taken = tx.first(
        "SELECT key FROM application WHERE workspace_id = $1 AND name_key = $2 AND key <> $3",
        values![workspace, name_key(name), except],
    )?;
    match taken {
        Some(_) => Err(Error::Conflict(format!(
            "an application named {name:?} exists already"
        ))),
        None => Ok(()),
    }
}

fn store_secret(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    key: i64,
    secret: Option<&str>,
) -> Result<(), Error> {
    let sealed = secret
        .map(|text| tx.sealer().seal(&place(workspace, key), text))
        .transpose()?;
    tx.execute(
        "UPDATE application SET secret = $3 WHERE workspace_id = $1 AND key = $2",
        values![workspace, key, sealed],
    )?;
    Ok(())
}

/// By id, or by name without case.
///
/// # Errors
///
/// `Database`.
pub fn find(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    id_or_name: &str,
) -> Result<Option<Application>, Error> {
    let text = id_or_name.trim();
    let row = tx.first(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND (id = $2 OR name_key = $3) ORDER BY id <> $2 LIMIT 1"),
        values![workspace, text, name_key(text)],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// By key.
///
/// # Errors
///
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<Application, Error> {
    let row = tx.first(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND key = $2"),
        values![workspace, key],
    )?;
    from_row(&row.ok_or_else(|| Error::NotFound("the application".into()))?)
}

/// All by name.
///
/// # Errors
///
/// `Database`.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Application>, Error> {
    tx.query(
        &format!("{COLUMNS} WHERE workspace_id = $1 ORDER BY name_key"),
        values![workspace],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// Changes name and configuration if `version` is still current. A change of `config` resets the watermark: the next
/// cycle is initial.
///
/// # Errors
///
/// `Conflict` when somebody changed it meanwhile or the name is taken.
pub fn update(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    key: i64,
    version: i64,
    name: &str,
    config: &str,
) -> Result<Application, Error> {
    let name = check_name("application", name)?;
    let before = get(tx, workspace, key)?;
    if before.version != version {
        return Err(Error::Conflict(
            "the application was changed by somebody else meanwhile; load it again and repeat your change".into(),
        ));
    }
    refuse_taken(tx, workspace, &name, key)?;
    tx.execute(
        "UPDATE application SET name = $3, name_key = $4, config = $5, version = version + 1 WHERE workspace_id = $1 AND key = $2",
        values![workspace, key, &name, name_key(&name), config],
    )?;
    if before.config != config {
        look_again(tx, workspace, key)?;
    }
    audit::append(tx, workspace, "application.update", &object(&name), "{}")?;
    get(tx, workspace, key)
}

/// Makes the next cycle an initial one, due now.
fn look_again(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<(), Error> {
    let now = tx.now_us();
    tx.execute(
        "UPDATE job SET watermark = NULL, cycle_id = NULL, cycle_cursor = NULL, run_at_us = $3, backoff = 0 \
         WHERE workspace_id = $1 AND application = $2",
        values![workspace, key, now],
    )?;
    tx.touch_feed();
    Ok(())
}

/// Scheme, host and port: a secret that went over TLS must not follow to plain HTTP either.
fn origin(url: &str) -> String {
    let url = url.trim().to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    format!("{scheme}://{authority}")
}

/// Whether the stored secret may go where these settings lead it: by the same method, to the same target and the same
/// token endpoint. Otherwise anybody who may change the settings could have it sent to a host of their own.
#[must_use]
pub fn keeps_secret(
    application: &Application,
    tenant_url: &str,
    authentication: &Authentication,
) -> bool {
    origin(&application.tenant_url) == origin(tenant_url)
        && application
            .authentication
            .shares_secret_with(authentication)
}

/// Changes the target and the secret; the method of authentication stays. See [`set_authentication`].
///
/// # Errors
///
/// `NotFound`.
pub fn set_credentials(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    key: i64,
    tenant_url: &str,
    secret: Option<&str>,
) -> Result<Application, Error> {
    let present = get(tx, workspace, key)?.authentication;
    set_authentication(tx, workspace, key, tenant_url, &present, secret)
}

/// Changes the target and how it recognises us. `secret` none keeps the present one unless [`keeps_secret`] forbids it:
/// then it is removed. Another host, port or scheme of the target also forgets what was known about it: links, exported
/// members, watermark.
///
/// # Errors
///
/// `NotFound`, and `Invalid` when the authentication lacks something.
pub fn set_authentication(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    key: i64,
    tenant_url: &str,
    authentication: &Authentication,
    secret: Option<&str>,
) -> Result<Application, Error> {
    authentication.check()?;
    let before = get(tx, workspace, key)?;
    tx.execute(
        "UPDATE application SET tenant_url = $3, authentication = $4, version = version + 1 WHERE workspace_id = $1 AND key = $2",
        values![workspace, key, tenant_url, authentication.to_column()?],
    )?;
    if secret.is_some() || !keeps_secret(&before, tenant_url, authentication) {
        store_secret(tx, workspace, key, secret)?;
    }
    if origin(&before.tenant_url) != origin(tenant_url) {
        forget_target(tx, workspace, key)?;
        look_again(tx, workspace, key)?;
    }
    let now = tx.now_us();
    // Whoever mends the credentials expects another try at once.
    tx.execute(
        "UPDATE job SET run_at_us = $3, backoff = 0 WHERE workspace_id = $1 AND application = $2",
        values![workspace, key, now],
    )?;
    tx.touch_feed();
    let method = format!("{{\"method\":\"{}\"}}", authentication.method());
    let detail = if before.authentication == *authentication {
        "{}"
    } else {
        &method
    };
    audit::append(
        tx,
        workspace,
        "application.credentials",
        &object(&before.name),
        detail,
    )?;
    get(tx, workspace, key)
}

/// Everything that was learnt about the target's objects.
pub(crate) fn forget_target(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    key: i64,
) -> Result<(), Error> {
    for table in [
        "link",
        "exported_member",
        "waiting_reference",
        "escrow",
        "stranger",
        "listed_account",
        "listed_value",
    ] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE workspace_id = $1 AND application = $2"),
            values![workspace, key],
        )?;
    }
    tx.execute(
        "UPDATE operation SET state = 'reconciled' WHERE workspace_id = $1 AND application = $2 AND state IN ('intent', 'sent', 'unknown')",
        values![workspace, key],
    )?;
    Ok(())
}

/// The opened secret.
///
/// # Errors
///
/// `Seal` when the master key is another one.
pub fn secret(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<Option<String>, Error> {
    let row = tx.first(
        "SELECT secret FROM application WHERE workspace_id = $1 AND key = $2",
        values![workspace, key],
    )?;
    let sealed = row
        .ok_or_else(|| Error::NotFound("the application".into()))?
        .optional_bytes(0)?;
    sealed
        .map(|bytes| tx.sealer().open(&place(workspace, key), &bytes))
        .transpose()
}

/// Removes the application with its assignments, job, links and logs; accounts at the target stay.
///
/// # Errors
///
/// `NotFound`.
pub fn delete(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<(), Error> {
    let application = get(tx, workspace, key)?;
    let tables = [
        "link",
        "exported_member",
        "waiting_reference",
        "escrow",
        "stranger",
        "listed_account",
        "listed_value",
        "assignment",
        "job_work",
        "operation",
        "cycle",
        "provisioning_log",
        "notification",
        "job",
    ];
    for table in tables {
        tx.execute(
            &format!("DELETE FROM {table} WHERE workspace_id = $1 AND application = $2"),
            values![workspace, key],
        )?;
    }
    tx.execute(
        "DELETE FROM application WHERE workspace_id = $1 AND key = $2",
        values![workspace, key],
    )?;
    audit::append(
        tx,
        workspace,
        "application.delete",
        &object(&application.name),
        "{}",
    )
}
