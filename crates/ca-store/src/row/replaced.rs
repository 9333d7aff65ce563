//! The row of what a certificate replaced, until it is known to be in use.

use ca_core::record::CertificateId;
use der::Sequence;

use super::{Row, WireId};
use crate::keyspace::{Keyspace, id_key};

/// ```text
/// ReplacedRow ::= SEQUENCE {
///     after     INTEGER,                  -- seconds from then until they are revoked
///     replaced  SEQUENCE OF Id }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplacedRow {
    pub(crate) after: i64,
    pub(crate) replaced: Vec<CertificateId>,
}

#[derive(Sequence)]
pub(crate) struct WireReplaced {
    after: i64,
    replaced: Vec<WireId>,
}

impl Row for ReplacedRow {
    /// The certificate in their place.
    type Key = CertificateId;
    type Wire = WireReplaced;
    const KEYSPACE: Keyspace = Keyspace::Replaced;

    fn key(id: &Self::Key) -> Vec<u8> {
        id_key(id)
    }

    fn to_wire(&self) -> der::Result<WireReplaced> {
        let replaced = self.replaced.iter().map(WireId::new).collect::<der::Result<_>>()?;
        Ok(WireReplaced { after: self.after, replaced })
    }

    fn from_wire(wire: WireReplaced) -> Option<Self> {
        let replaced = wire.replaced.iter().map(WireId::id).collect::<Option<_>>()?;
        Some(Self { after: wire.after, replaced })
    }
}
