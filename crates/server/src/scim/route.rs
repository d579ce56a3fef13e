//! Which endpoint a path names.
//!
//! People paste base URLs into identity providers: with a slash at the end, with `/v2` although the client adds it
//! again, with two slashes. All of these mean the same endpoint.

use axum::http::Method;
use tenure_store::{Kind, schema::Types};

use super::query::percent_decode;

/// An endpoint below the SCIM root (RFC 7644 section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The root itself: everything.
    Root,
    /// `/.search` at the root.
    RootSearch,
    /// `/ServiceProviderConfig`.
    ServiceProviderConfig,
    /// `/Schemas`, `/Schemas/{urn}`.
    Schemas(Option<String>),
    /// `/ResourceTypes`, `/ResourceTypes/{name}`.
    ResourceTypes(Option<String>),
    /// `/Users`, `/Groups`, and the endpoints of the workspace's own types.
    Collection(Kind),
    /// `/Users/{id}`, `/Groups/{id}`.
    Resource(Kind, String),
    /// `/Users/.search`, `/Groups/.search`.
    Search(Kind),
    /// `/Me`.
    Me,
    /// `/Bulk`.
    Bulk,
}

impl Endpoint {
    /// The methods of an endpoint as an Allow header shows them.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Collection(_) => "GET, HEAD, POST",
            Self::Resource(..) | Self::Me => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Search(_) | Self::RootSearch | Self::Bulk => "POST",
            Self::Root
            | Self::ServiceProviderConfig
            | Self::Schemas(_)
            | Self::ResourceTypes(_) => "GET, HEAD",
        }
    }
}

impl Endpoint {
    /// The route for people who watch the server; types of workspaces' own have one in common.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Root => "/scim",
            Self::RootSearch => "/scim/.search",
            Self::ServiceProviderConfig => "/scim/ServiceProviderConfig",
            Self::Schemas(None) => "/scim/Schemas",
            Self::Schemas(Some(_)) => "/scim/Schemas/{id}",
            Self::ResourceTypes(None) => "/scim/ResourceTypes",
            Self::ResourceTypes(Some(_)) => "/scim/ResourceTypes/{name}",
            Self::Collection(Kind::User) => "/scim/Users",
            Self::Collection(Kind::Group) => "/scim/Groups",
            Self::Collection(Kind::Custom(_)) => "/scim/{type}",
            Self::Resource(Kind::User, _) => "/scim/Users/{id}",
            Self::Resource(Kind::Group, _) => "/scim/Groups/{id}",
            Self::Resource(Kind::Custom(_), _) => "/scim/{type}/{id}",
            Self::Search(Kind::User) => "/scim/Users/.search",
            Self::Search(Kind::Group) => "/scim/Groups/.search",
            Self::Search(Kind::Custom(_)) => "/scim/{type}/.search",
            Self::Me => "/scim/Me",
            Self::Bulk => "/scim/Bulk",
        }
    }

    /// What a method does to which kind of resource, if it does something to one.
    pub(super) fn operation(&self, method: &Method) -> Option<(&'static str, &'static str)> {
        let kind = match self {
            Self::Collection(kind) | Self::Resource(kind, _) | Self::Search(kind) => *kind,
            Self::Me => Kind::User,
            _ => return None,
        };
        let operation = match (self, method.as_str()) {
            (Self::Collection(_), "GET") | (Self::Search(_), "POST") => "query",
            (Self::Collection(_), "POST") => "create",
            (Self::Resource(..) | Self::Me, "GET") => "read",
            (Self::Resource(..) | Self::Me, "PUT") => "replace",
            (Self::Resource(..) | Self::Me, "PATCH") => "patch",
            (Self::Resource(..) | Self::Me, "DELETE") => "delete",
            _ => return None,
        };
        Some((resource(kind), operation))
    }
}

/// The kind of a resource for people who watch the server.
pub(super) fn resource(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Group => "Group",
        Kind::Custom(_) => "custom",
    }
}

/// The endpoint of a path that begins with `/scim` in a workspace with these types; `None` when there is none.
pub(super) fn find(path: &str, types: &Types) -> Option<Endpoint> {
    let mut segments = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .skip(1)
        .peekable();
    while segments.next_if_eq(&"v2").is_some() {}
    let Some(first) = segments.next() else {
        return Some(Endpoint::Root);
    };
    let second = match segments.next() {
        // No id has a NUL, which no database takes for text either.
        Some(segment) => Some(percent_decode(segment, false).filter(|id| !id.contains('\0'))?),
        None => None,
    };
    if segments.next().is_some() {
        return None;
    }
    match (first, second) {
        ("Schemas", second) => Some(Endpoint::Schemas(second)),
        ("ResourceTypes", second) => Some(Endpoint::ResourceTypes(second)),
        ("ServiceProviderConfig", None) => Some(Endpoint::ServiceProviderConfig),
        (".search", None) => Some(Endpoint::RootSearch),
        ("Bulk", None) => Some(Endpoint::Bulk),
        ("Me", None) => Some(Endpoint::Me),
        (segment, second) => types.at(segment).map(|kind| typed(kind, second)),
    }
}

fn typed(kind: Kind, id: Option<String>) -> Endpoint {
    match id {
        None => Endpoint::Collection(kind),
        Some(id) if id == ".search" => Endpoint::Search(kind),
        Some(id) => Endpoint::Resource(kind, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&Endpoint>) {
        assert_eq!(find(path, &Types::standard()).as_ref(), expected, "{path}");
    }

    #[test]
    fn paths() {
        let users = Endpoint::Collection(Kind::User);
        for path in [
            "/scim/Users",
            "/scim/v2/Users",
            "//scim//v2/v2/Users/",
            "/scim/v2/Users//",
        ] {
            check(path, Some(&users));
        }
        check("/scim", Some(&Endpoint::Root));
        check("/scim/v2/", Some(&Endpoint::Root));
        check("/scim/.search", Some(&Endpoint::RootSearch));
        check(
            "/scim/Groups/a%20b",
            Some(&Endpoint::Resource(Kind::Group, "a b".to_owned())),
        );
        check(
            "/scim/Groups/a+b",
            Some(&Endpoint::Resource(Kind::Group, "a+b".to_owned())),
        );
        check("/scim/Users/%2Esearch", Some(&Endpoint::Search(Kind::User)));
        check(
            "/scim/Schemas/urn%3Aa:b",
            Some(&Endpoint::Schemas(Some("urn:a:b".to_owned()))),
        );
        check("/scim/v2/Me/", Some(&Endpoint::Me));
        check("/scim/Me/x", None);
        for path in [
            "/scim/users",
            "/scim/v1/Users",
            "/scim/Users/a/b",
            "/scim/Users/%ff",
            "/scim/Bulk/1",
        ] {
            check(path, None);
        }
    }
}
