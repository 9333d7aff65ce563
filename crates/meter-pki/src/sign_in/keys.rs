//! The keys that an identity provider publishes (RFC 7517), as far as they can sign tokens for us.

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, Header};
use serde::Deserialize;

/// How many keys of a set are looked at.
const MOST: usize = 64;

/// A set of keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    /// The algorithm that it is for, where it says so.
    algorithm: Option<String>,
    verifying: DecodingKey,
}

impl Keys {
    /// Reads a JWK Set. Keys of unknown types, shared secrets, and keys for encryption are left out.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json)?;
        let read = |value| serde_json::from_value::<Jwk>(value).ok().as_ref().and_then(Key::new);
        Ok(Self(set.keys.into_iter().take(MOST).filter_map(read).collect()))
    }

    /// Returns the key that a token names. One that names none is from a provider with a single key (`OpenID` Connect Core
    /// §10.1).
    pub(crate) fn find(&self, header: &Header) -> Option<&DecodingKey> {
        let fits = |key: &&Key| {
            let algorithm = format!("{:?}", header.alg);
            key.verifying.family() == header.alg.family()
                && key.algorithm.as_ref().is_none_or(|stated| *stated == algorithm)
        };
        let mut fitting = self.0.iter().filter(fits);
        match &header.kid {
            Some(id) => fitting.find(|key| key.id.as_ref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
        .map(|key| &key.verifying)
    }
}

impl Key {
    fn new(jwk: &Jwk) -> Option<Self> {
        let signs = match &jwk.common.public_key_use {
            None | Some(PublicKeyUse::Signature) => true,
            Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)) => false,
        };
        let is_public = matches!(
            jwk.algorithm,
            AlgorithmParameters::EllipticCurve(_)
                | AlgorithmParameters::RSA(_)
                | AlgorithmParameters::OctetKeyPair(_)
        );
        let verifying = DecodingKey::from_jwk(jwk).ok().filter(|_| signs && is_public)?;
        let algorithm = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
        Some(Self { id: jwk.common.key_id.clone(), algorithm, verifying })
    }
}
