//! What can go wrong, as decisions for the caller.

/// Error of a store call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A SCIM rule was broken; goes to the client as it is.
    #[error(transparent)]
    Scim(#[from] tenure_scim::ScimError),
    /// The named thing does not exist in this workspace.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The named thing exists already or has changed meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// Input that no rule of SCIM covers (a name that is too long, a slug that is empty).
    #[error("{0}")]
    Invalid(String),
    /// The run lost its lease; nothing was written.
    #[error("another node has taken over this job")]
    StaleFence,
    /// The queue is full or the database is locked; try again.
    #[error("the store is busy, try again")]
    Busy,
    /// There is no room left for the database: nothing was written. Reading goes on, and writing when there is room again.
    #[error("the disk is full")]
    Full,
    /// A secret cannot be opened: missing or wrong master key.
    #[error("the secret cannot be opened with the present master key")]
    Seal,
    /// Anything else from the database.
    #[error("database: {0}")]
    Database(String),
}
