//! The resource types of a workspace: the standard ones and what it adds to them.

mod change;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tenure_scim::schema::{Definition, ResourceType, SchemaSet};

use crate::{Error, Kind, Tx, WorkspaceId, connection::values};

pub use change::set;

/// Workspaces whose types are kept in memory.
const CACHED: usize = 256;

/// The resource types of a workspace, each with the kind under which the store knows it.
#[derive(Debug, PartialEq)]
pub struct Types {
    /// 0 as long as the workspace has added nothing; grows with every change, and is never given twice.
    pub version: i64,
    /// What the workspace added.
    pub definition: Definition,
    /// All types, in the order of discovery.
    pub set: SchemaSet,
    kinds: Vec<Kind>,
}

static STANDARD: LazyLock<Arc<Types>> = LazyLock::new(|| {
    Arc::new(Types {
        version: 0,
        definition: Definition::default(),
        set: SchemaSet::standard().clone(),
        kinds: vec![Kind::User, Kind::Group],
    })
});

impl Types {
    /// `User` and `Group` as the standard has them.
    #[must_use]
    pub fn standard() -> Arc<Self> {
        Arc::clone(&STANDARD)
    }

    /// The resource type of a kind.
    ///
    /// # Errors
    ///
    /// `NotFound` when the workspace no longer has the type.
    pub fn of(&self, kind: Kind) -> Result<&Arc<ResourceType>, Error> {
        self.iter()
            .find_map(|(known, resource_type)| (known == kind).then_some(resource_type))
            .ok_or_else(|| Error::NotFound("the resource type".into()))
    }

    /// The name of a kind: what `meta.resourceType` says.
    #[must_use]
    pub fn name(&self, kind: Kind) -> String {
        self.of(kind)
            .map_or_else(|_| kind.key().into_owned(), |found| found.name.clone())
    }

    /// The kind whose endpoint a path segment names, such as `Users`.
    #[must_use]
    pub fn at(&self, segment: &str) -> Option<Kind> {
        self.iter().find_map(|(kind, resource_type)| {
            (resource_type.endpoint.strip_prefix('/') == Some(segment)).then_some(kind)
        })
    }

    /// All types with their kinds, in the order of discovery.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Arc<ResourceType>)> {
        self.kinds.iter().copied().zip(&self.set.resource_types)
    }
}

/// Types by workspace, as long as the version in the database is the same.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<WorkspaceId, Arc<Types>>>);

impl Cache {
    fn get(&self, workspace: WorkspaceId, version: i64) -> Option<Arc<Types>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached
            .get(&workspace)
            .filter(|types| types.version == version)
            .cloned()
    }

    fn put(&self, workspace: WorkspaceId, types: Arc<Types>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= CACHED {
            cached.clear();
        }
        cached.insert(workspace, types);
    }
}

/// The types that a workspace has in this transaction.
///
/// # Errors
///
/// `Database` when the stored definition cannot be read.
pub fn types(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Arc<Types>, Error> {
    let version = tx.first(
        "SELECT version FROM workspace_schema WHERE workspace_id = $1",
        values![workspace],
    )?;
    let Some(version) = version.map(|row| row.integer(0)).transpose()? else {
        return Ok(Types::standard());
    };
    if let Some(types) = tx.schemas().get(workspace, version) {
        return Ok(types);
    }
    let types = Arc::new(read(tx, workspace, version)?);
    tx.schemas().put(workspace, Arc::clone(&types));
    Ok(types)
}

fn read(tx: &mut Tx<'_>, workspace: WorkspaceId, version: i64) -> Result<Types, Error> {
    let damaged = |error: &dyn std::fmt::Display| {
        Error::Database(format!("the schemas of a workspace are damaged: {error}"))
    };
    let row = tx.first(
        "SELECT definition FROM workspace_schema WHERE workspace_id = $1",
        values![workspace],
    )?;
    let text = row.map_or_else(|| Ok(String::new()), |row| row.text(0))?;
    let value = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
    let definition = Definition::parse(&value).map_err(|error| damaged(&error))?;
    let set = definition.build().map_err(|error| damaged(&error))?;
    let numbers = numbers(tx, workspace)?;
    let kinds = set
        .resource_types
        .iter()
        .map(|resource_type| kind(&numbers, &resource_type.name))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| damaged(&"a resource type has no number"))?;
    Ok(Types {
        version,
        definition,
        set,
        kinds,
    })
}

fn kind(numbers: &HashMap<String, u32>, name: &str) -> Option<Kind> {
    match name {
        "User" => Some(Kind::User),
        "Group" => Some(Kind::Group),
        name => numbers.get(name).copied().map(Kind::Custom),
    }
}

/// Numbers of the workspace's own types, past ones included.
fn numbers(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<HashMap<String, u32>, Error> {
    tx.query(
        "SELECT name, number FROM resource_type WHERE workspace_id = $1",
        values![workspace],
    )?
    .iter()
    .map(|row| {
        let number = u32::try_from(row.integer(1)?)
            .map_err(|_| Error::Database("a resource type has a wrong number".into()))?;
        Ok((row.text(0)?, number))
    })
    .collect()
}
