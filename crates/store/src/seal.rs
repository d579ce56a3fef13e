//! Secrets at rest: XChaCha20-Poly1305 under the master key, bound to the row they belong to.

use crate::{Error, node::random};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

/// Seals and opens secrets.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Nonce and ciphertext. `place` names the row and column, so that a ciphertext cannot be moved to another one.
    pub(crate) fn seal(&self, place: &str, secret: &str) -> Result<Vec<u8>, Error> {
        let nonce = random::<24>()?;
        let sealed = self
            .0
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: secret.as_bytes(),
                    aad: place.as_bytes(),
                },
            )
            .map_err(|_| Error::Seal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Sealer::seal`] made for the same place.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<String, Error> {
        let (nonce, text) = sealed.split_at_checked(24).ok_or(Error::Seal)?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| Error::Seal)?;
        let opened = self
            .0
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: text,
                    aad: place.as_bytes(),
                },
            )
            .map_err(|_| Error::Seal)?;
        String::from_utf8(opened).map_err(|_| Error::Seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_place_and_with_its_key() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("1|application|2|secret", "s3cret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"s3cret"));
        assert_eq!(
            sealer.open("1|application|2|secret", &sealed).unwrap(),
            "s3cret"
        );
        assert!(sealer.open("1|application|3|secret", &sealed).is_err());
        assert!(
            Sealer::new(&[8; 32])
                .open("1|application|2|secret", &sealed)
                .is_err()
        );
        assert!(
            sealer
                .open("1|application|2|secret", &sealed[..10])
                .is_err()
        );
    }
}
