//! Name resolution that refuses a name when one of its addresses is not allowed. The client connects to exactly the
//! addresses returned here, so an answer that changes later cannot lead inside.

use crate::Policy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// A name led to an address that the policy forbids.
#[derive(Debug, thiserror::Error)]
#[error("blocked by the egress policy: the name leads to an address that is not allowed")]
pub(crate) struct Blocked;

/// The system's resolver under a policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckedResolver(pub(crate) Policy);

impl CheckedResolver {
    /// All addresses, or [`Blocked`] when one is not allowed.
    pub(crate) fn filter(self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Blocked> {
        if addresses.iter().all(|address| self.0.allows(address.ip())) {
            Ok(addresses)
        } else {
            Err(Blocked)
        }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Addrs = Box::new(resolver.filter(found)?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_forbidden_address_refuses_the_name() {
        let public: SocketAddr = "8.8.8.8:0".parse().unwrap();
        let private: SocketAddr = "[::ffff:10.0.0.1]:0".parse().unwrap();
        assert_eq!(
            CheckedResolver(Policy::PublicOnly)
                .filter(vec![public])
                .unwrap(),
            vec![public]
        );
        assert!(
            CheckedResolver(Policy::PublicOnly)
                .filter(vec![public, private])
                .is_err()
        );
        assert!(
            CheckedResolver(Policy::AllowPrivate)
                .filter(vec![public, private])
                .is_ok()
        );
    }
}
