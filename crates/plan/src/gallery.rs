//! Application templates: custom SCIM and the gallery.
use crate::config::ApplicationConfig;

/// A gallery entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Template { pub id: &'static str, pub name: &'static str, pub description: &'static str, /// Pattern of the Tenant URL, empty when only the customer knows it.
    pub tenant_url: &'static str, pub config: ApplicationConfig }

/// `custom` first, then `exium`.
#[must_use]
pub fn templates() -> Vec<Template> { todo!() }
/// By id.
#[must_use]
pub fn template(id: &str) -> Option<Template> { let _ = id; todo!() }
