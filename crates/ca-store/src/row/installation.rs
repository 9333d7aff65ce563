//! The row that tells whose ledger it is, under which epoch it issues, and whether it is in recovery.

use der::Sequence;
use der::asn1::OctetString;

use super::{Row, fixed, octets, time};
use crate::installation::{Installation, Recovery};
use crate::keyspace::{INSTALLATION, Keyspace};

/// ```text
/// InstallationRow ::= SEQUENCE {
///     id        OCTET STRING,            -- 16 random octets, new for each restored copy
///     epoch     INTEGER,                 -- goes up when a recovery ends
///     recovery  [0] SEQUENCE {           -- absent in normal service
///         since       Time,
///         reason      UTF8String,
///         reconciled  [0] INTEGER OPTIONAL   -- the audit record up to which the exported log was replayed
///     } OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstallationRow {
    pub(crate) installation: Installation,
    pub(crate) recovery: Option<Recovery>,
}

#[derive(Sequence)]
pub(crate) struct Wire {
    id: OctetString,
    epoch: u64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    recovery: Option<WireRecovery>,
}

#[derive(Sequence)]
struct WireRecovery {
    since: i64,
    reason: String,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reconciled: Option<u64>,
}

impl Row for InstallationRow {
    type Key = ();
    type Wire = Wire;
    const KEYSPACE: Keyspace = Keyspace::Meta;

    fn key((): &Self::Key) -> Vec<u8> {
        INSTALLATION.to_vec()
    }

    fn to_wire(&self) -> der::Result<Wire> {
        let recovery = |recovery: &Recovery| WireRecovery {
            since: recovery.since.seconds(),
            reason: recovery.reason.clone(),
            reconciled: recovery.reconciled,
        };
        Ok(Wire {
            id: octets(&self.installation.id)?,
            epoch: self.installation.epoch,
            recovery: self.recovery.as_ref().map(recovery),
        })
    }

    fn from_wire(wire: Wire) -> Option<Self> {
        let recovery = |recovery: WireRecovery| Recovery {
            since: time(recovery.since),
            reason: recovery.reason,
            reconciled: recovery.reconciled,
        };
        Some(Self {
            installation: Installation { id: fixed(&wire.id)?, epoch: wire.epoch },
            recovery: wire.recovery.map(recovery),
        })
    }
}

#[cfg(test)]
mod tests {
    use ca_core::validity::UnixTime;

    use super::*;

    #[test]
    fn decodes_what_it_encodes_in_service_and_in_recovery() {
        let recovery =
            Recovery { since: UnixTime::from_seconds(9), reason: "restored".to_owned(), reconciled: Some(4) };
        for recovery in [None, Some(Recovery { reconciled: None, ..recovery.clone() }), Some(recovery)] {
            let row = InstallationRow { installation: Installation { id: [7; 16], epoch: 3 }, recovery };
            assert_eq!(InstallationRow::decode(&row.encode().unwrap()).unwrap(), row);
        }
    }
}
