//! Application templates: custom SCIM, and the applications of the gallery.
//!
//! What is known about an application is in `data/gallery.json`, one line each: facts, not code. Most of it comes from
//! public documentation and was never tried against the application itself, so every entry says how far it can be
//! trusted.

mod builtin;
mod entry;
mod mapping;

use crate::config::ApplicationConfig;
use serde::Deserialize;
use std::sync::LazyLock;

/// A gallery entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Stable id, as stored.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// One word, such as `security`; empty for the custom application.
    pub category: &'static str,
    /// What it is, in a sentence or two.
    pub description: String,
    /// The Tenant URL, empty when only the customer knows it.
    pub tenant_url: &'static str,
    /// The form of the Tenant URL with `{placeholders}`; empty when not even that is known.
    pub tenant_url_pattern: &'static str,
    /// Where the address comes from.
    pub address: AddressSource,
    /// How requests are authenticated.
    pub authentication: Authentication,
    /// More about that, possibly empty.
    pub authentication_note: String,
    /// False: the application has no SCIM endpoint, so it cannot be added.
    pub speaks_scim: bool,
    /// Known to take PATCH; false: not known.
    pub takes_patch: bool,
    /// Largest page of a list, if known.
    pub page_size: Option<u32>,
    /// What happens to an account that is set to inactive.
    pub leaving: Leaving,
    /// Attributes of people that the application takes but that nothing is mapped to.
    pub unmapped: Vec<String>,
    /// Attributes of people that must have a value.
    pub required: Vec<String>,
    /// What else to know, in sentences.
    pub notes: Vec<String>,
    /// How far the attributes can be trusted; none for entries that need no trust.
    pub confidence: Option<Confidence>,
    /// Pages to read.
    pub sources: Vec<String>,
    /// What a new application begins with.
    pub config: ApplicationConfig,
}

/// Where an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressSource {
    /// Public documentation.
    Documented,
    /// People who connected it.
    Reported,
    /// Nobody checked it.
    Unchecked,
    /// Each customer's own; copied from the application.
    Customer,
}

impl AddressSource {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Documented => "from public documentation",
            Self::Reported => "reported by people who use it",
            Self::Unchecked => "not checked",
            Self::Customer => "copied from the application",
        }
    }
}

/// How an application authenticates requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// A token in the Authorization header.
    Bearer,
    /// User name and password.
    Basic,
    /// A token from the OAuth authorization code flow.
    OauthCode,
    /// A token from the OAuth client credentials flow.
    OauthClient,
}

impl Authentication {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Bearer => "Token",
            Self::Basic => "User name and password",
            Self::OauthCode => "OAuth token (authorization code)",
            Self::OauthClient => "OAuth token (client credentials)",
        }
    }
}

/// What becomes of an account that is set to inactive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// It is kept and cannot be used.
    Disable,
    /// It has to be deleted instead.
    Delete,
    /// It is destroyed for good.
    Destroy,
    /// Nobody knows.
    Unknown,
}

impl Leaving {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Disable => "The account is disabled",
            Self::Delete => "The account is deleted",
            Self::Destroy => "The account is disabled, and the application destroys it then",
            Self::Unknown => "Not known; try it with one account",
        }
    }
}

/// How far the attributes of an entry can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// General knowledge, or no list at all.
    Low,
    /// Part of a public list.
    Medium,
    /// A whole public list.
    High,
}

impl Confidence {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Low => "Unconfirmed",
            Self::Medium => "Partly documented",
            Self::High => "Documented",
        }
    }
}

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut all = vec![builtin::custom(), builtin::exium()];
    all.extend(entry::read().into_iter().map(entry::Entry::into_template));
    all
});

/// `custom` and `exium`, which are written by hand, then by name.
#[must_use]
pub fn templates() -> &'static [Template] {
    &TEMPLATES
}

/// By id.
#[must_use]
pub fn template(id: &str) -> Option<Template> {
    TEMPLATES.iter().find(|template| template.id == id).cloned()
}

/// Entries whose name, category or id has all of these words, in any case; those whose name begins with the text come
/// first. An empty text finds all.
#[must_use]
pub fn search(text: &str) -> Vec<&'static Template> {
    let text = text.trim().to_lowercase();
    let fits = |template: &&Template| {
        let searched = format!("{} {} {}", template.name, template.category, template.id);
        let searched = searched.to_lowercase();
        text.split_whitespace().all(|word| searched.contains(word))
    };
    let mut found: Vec<&Template> = TEMPLATES.iter().filter(fits).collect();
    if !text.is_empty() {
        found.sort_by_key(|template| !template.name.to_lowercase().starts_with(&text));
    }
    found
}
