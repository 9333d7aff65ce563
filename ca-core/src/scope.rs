//! Of what a CRL speaks: of all that an issuer has issued, or of one shard of it; whole, or as a delta to a whole one.
//!
//! Names only. Which shard a certificate belongs to is decided once, when it is issued, by
//! [`sharding`](crate::sharding). RFC 5280 §5: "the scope of a CRL is the set of certificates that could appear on it".

use core::fmt;

use crate::key_ref::KeyRef;

/// The name of a shard: 1 to 32 letters, digits and hyphens. It stands in URIs, file names and keys of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(String);

impl Shard {
    /// How long a name may be, in octets.
    pub const MAX_OCTETS: usize = 32;

    /// Parses a name.
    ///
    /// # Errors
    /// [`ShardNameError`].
    pub fn parse(text: &str) -> Result<Self, ShardNameError> {
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
        if (1..=Self::MAX_OCTETS).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ShardNameError { text: text.to_owned() })
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not the name of a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name of a shard: 1 to 32 letters, digits and hyphens")]
pub struct ShardNameError {
    /// The text.
    pub text: String,
}

/// On which CRLs a certificate stands when it is revoked: decided once, when it is drafted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrlListing {
    /// On that of all, and on that of its shard if it has one.
    Listed(Option<Shard>),
    /// On none: it is short-lived, and over before a CRL would have helped.
    Never,
}

impl CrlListing {
    /// On the CRL of all alone.
    pub const ON_ALL: Self = Self::Listed(None);

    /// Returns the shard whose CRLs list it.
    #[must_use]
    pub const fn shard(&self) -> Option<&Shard> {
        match self {
            Self::Listed(shard) => shard.as_ref(),
            Self::Never => None,
        }
    }

    /// Tells whether any CRL lists it.
    #[must_use]
    pub const fn is_ever(&self) -> bool {
        matches!(self, Self::Listed(_))
    }
}

/// The certificates that can appear on a CRL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrlScope {
    /// All of an issuer.
    All,
    /// Those of one shard.
    Shard(Shard),
}

impl CrlScope {
    /// Returns the scope that a certificate is listed in beside that of all.
    #[must_use]
    pub fn of(shard: Option<&Shard>) -> Self {
        shard.cloned().map_or(Self::All, Self::Shard)
    }

    /// Returns the shard, unless it is the scope of all.
    #[must_use]
    pub const fn shard(&self) -> Option<&Shard> {
        match self {
            Self::All => None,
            Self::Shard(shard) => Some(shard),
        }
    }
}

impl fmt::Display for CrlScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Shard(shard) => write!(f, "shard {shard}"),
        }
    }
}

/// Whether a CRL says all of its scope, or what changed since one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrlKind {
    /// It lists every revocation of its scope.
    Complete,
    /// It lists what changed since a complete one (RFC 5280 §5.2.4).
    Delta,
}

/// A line of CRLs, of which each replaces the one before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlLine {
    /// The key that signs them.
    pub issuer: KeyRef,
    /// Of what they speak.
    pub scope: CrlScope,
    /// Whole or as deltas.
    pub kind: CrlKind,
}

impl CrlLine {
    /// The complete CRLs of a scope.
    #[must_use]
    pub const fn complete(issuer: KeyRef, scope: CrlScope) -> Self {
        Self { issuer, scope, kind: CrlKind::Complete }
    }

    /// The delta CRLs of a scope.
    #[must_use]
    pub const fn delta(issuer: KeyRef, scope: CrlScope) -> Self {
        Self { issuer, scope, kind: CrlKind::Delta }
    }

    /// Returns the line of complete CRLs of the same scope.
    #[must_use]
    pub fn base(&self) -> Self {
        Self::complete(self.issuer, self.scope.clone())
    }

    /// Tells whether it is the line of complete CRLs of all that an issuer issued.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.kind == CrlKind::Complete && self.scope == CrlScope::All
    }

    /// Returns where its CRLs stand, given where the complete CRL of all stands: a URI or a path that ends in `.crl`. Shards
    /// stand below it, and deltas beside what they are deltas to; no name of a shard has a full stop in it.
    #[must_use]
    pub fn beside(&self, whole: &str) -> String {
        let stem = whole.strip_suffix(".crl").unwrap_or(whole);
        let place = match &self.scope {
            CrlScope::All => stem.to_owned(),
            CrlScope::Shard(shard) => format!("{stem}/{shard}"),
        };
        match self.kind {
            CrlKind::Complete if self.scope == CrlScope::All => whole.to_owned(),
            CrlKind::Complete => format!("{place}.crl"),
            CrlKind::Delta => format!("{place}.delta.crl"),
        }
    }
}

impl fmt::Display for CrlLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            CrlKind::Complete => write!(f, "{}", self.scope),
            CrlKind::Delta => write!(f, "{}, delta", self.scope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_shards_are_fit_for_paths() {
        for text in ["00", "rest", "North-West-3", &"a".repeat(32)] {
            assert_eq!(Shard::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a.b", "../x", "a/b", "ä", "a b", &"a".repeat(33)] {
            assert_eq!(Shard::parse(text), Err(ShardNameError { text: text.to_owned() }));
        }
    }

    #[test]
    fn every_line_has_a_place_of_its_own() {
        let issuer = KeyRef::new([7; 20]);
        let shard = || CrlScope::Shard(Shard::parse("delta").unwrap());
        let places = [
            CrlLine::complete(issuer, CrlScope::All),
            CrlLine::delta(issuer, CrlScope::All),
            CrlLine::complete(issuer, shard()),
            CrlLine::delta(issuer, shard()),
        ]
        .map(|line| line.beside("http://crl.example.net/sub.crl"));
        assert_eq!(
            places,
            [
                "http://crl.example.net/sub.crl",
                "http://crl.example.net/sub.delta.crl",
                "http://crl.example.net/sub/delta.crl",
                "http://crl.example.net/sub/delta.delta.crl",
            ]
        );
    }
}
