//! Which URLs and addresses may be reached.

use crate::EgressError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Public addresses over https only, port 443.
    PublicOnly,
    /// Also loopback and private addresses, any port, and plain http: the operator's own machine or an operator's
    /// decision. Link-local addresses, where clouds keep their metadata services, stay closed.
    AllowPrivate,
}

/// Longest accepted URL in bytes.
const URL_BYTES: usize = 8192;

/// Denied in any case: IPv4 network, prefix length.
const NEVER_V4: &[([u8; 4], u8)] = &[
    ([169, 254, 0, 0], 16),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Not public: IPv4 network, prefix length.
const PRIVATE_V4: &[([u8; 4], u8)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
];

/// Denied in any case: IPv6 network, prefix length.
const NEVER_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// Not public: IPv6 network, prefix length. The first covers unspecified, loopback and the old IPv4-compatible form.
const PRIVATE_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::UNSPECIFIED, 96),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
];

fn in_v4(address: Ipv4Addr, networks: &[([u8; 4], u8)]) -> bool {
    let bits = u32::from(address);
    networks.iter().any(|(network, prefix)| {
        (bits ^ u32::from_be_bytes(*network)) >> (32 - u32::from(*prefix)) == 0
    })
}

fn in_v6(address: Ipv6Addr, networks: &[(Ipv6Addr, u8)]) -> bool {
    let bits = u128::from(address);
    networks
        .iter()
        .any(|(network, prefix)| (bits ^ u128::from(*network)) >> (128 - u32::from(*prefix)) == 0)
}

impl Policy {
    /// Whether an address may be connected to. IPv4 inside IPv6 is judged as IPv4.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
            v4 @ IpAddr::V4(_) => v4,
        };
        let (never, private) = match address {
            IpAddr::V4(v4) => (in_v4(v4, NEVER_V4), in_v4(v4, PRIVATE_V4)),
            IpAddr::V6(v6) => (in_v6(v6, NEVER_V6), in_v6(v6, PRIVATE_V6)),
        };
        !never && (self == Self::AllowPrivate || !private)
    }

    /// Parses and checks a URL; see [`crate::Egress::check`].
    pub(crate) fn check(self, text: &str) -> Result<Url, EgressError> {
        let refused = |why: &str| EgressError::Refused(format!("the URL is not allowed: {why}"));
        if text.len() > URL_BYTES {
            return Err(refused("it is too long"));
        }
        if text.chars().any(|character| {
            character.is_whitespace() || character.is_control() || character == '\\'
        }) {
            return Err(refused(
                "it contains a space, a control character or a backslash",
            ));
        }
        let mut url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if self == Self::AllowPrivate => {}
            "http" => return Err(refused("use https")),
            _ => return Err(refused("only https is supported")),
        }
        if !url.username().is_empty() || url.password().is_some() || has_user_information(text) {
            return Err(refused("it contains a user name or password"));
        }
        if url.fragment().is_some() {
            return Err(refused("it contains a fragment (#)"));
        }
        if self == Self::PublicOnly && url.port_or_known_default() != Some(443) {
            return Err(refused("only port 443 is allowed"));
        }
        match url.host() {
            None => return Err(refused("it has no host")),
            Some(Host::Ipv4(address)) if self.allows(address.into()) => {}
            Some(Host::Ipv6(address)) if self.allows(address.into()) => {}
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
                return Err(refused("the address is not public"));
            }
            Some(Host::Domain(name)) => {
                let bare = name.trim_end_matches('.').to_owned();
                if self == Self::PublicOnly && !is_public_name(&bare) {
                    return Err(refused("the name is not public"));
                }
                // `127.0.0.1.` is a name to the parser but an address to a resolver; without the dot it is checked again.
                if bare.len() != name.len() {
                    url.set_host(Some(&bare))
                        .map_err(|error| refused(&error.to_string()))?;
                    return self.check(url.as_str());
                }
            }
        }
        Ok(url)
    }
}

/// An `@` in the authority, even with an empty name in front of it.
fn has_user_information(text: &str) -> bool {
    let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    after_scheme
        .split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}

fn is_public_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains('.')
        && ![".local", ".internal", ".localhost", ".home.arpa"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

/// An address under a Tenant URL: keeps the base path without its trailing slash and joins both queries, so that
/// `https://h/scim?flag` and `Users?count=1` give `https://h/scim/Users?flag&count=1`. `relative` is already
/// percent-encoded. Fails with [`EgressError::Refused`] when the Tenant URL is not an absolute URL.
pub fn join(tenant_url: &str, relative: &str) -> Result<String, EgressError> {
    let mut url = Url::parse(tenant_url.trim())
        .map_err(|error| EgressError::Refused(format!("the Tenant URL is not a URL: {error}")))?;
    if url.cannot_be_a_base() {
        return Err(EgressError::Refused(
            "the Tenant URL has no host".to_owned(),
        ));
    }
    let (path, query) = relative
        .split_once('?')
        .map_or((relative, None), |(path, query)| (path, Some(query)));
    let queries: Vec<&str> = url
        .query()
        .into_iter()
        .chain(query)
        .filter(|query| !query.is_empty())
        .collect();
    let joined_query = queries.join("&");
    let joined_path = format!(
        "{}/{}",
        url.path().trim_end_matches('/'),
        path.trim_start_matches('/')
    );
    url.set_path(&joined_path);
    url.set_query((!joined_query.is_empty()).then_some(joined_query.as_str()));
    Ok(url.into())
}

#[cfg(test)]
mod tests;
