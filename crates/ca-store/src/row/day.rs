//! The rows of what is counted by days.

use ca_core::key_ref::KeyRef;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use der::Sequence;

use super::Row;
use crate::keyspace::Keyspace;
use crate::keyspace::days::day_key;

/// ```text
/// DayCountRow ::= SEQUENCE {
///     issued       INTEGER,    -- certificates that were issued on the day
///     revoked      INTEGER,    -- that were revoked for good on the day, uncertain ones too
///     ends         INTEGER,    -- that were issued, whenever, and have their notAfter on the day
///     endsRevoked  INTEGER }   -- those of them that are revoked or on hold
/// ```
///
/// Never all four 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DayCountRow {
    pub(crate) issued: u64,
    pub(crate) revoked: u64,
    pub(crate) ends: u64,
    pub(crate) ends_revoked: u64,
}

#[derive(Sequence)]
pub(crate) struct WireDayCount {
    issued: u64,
    revoked: u64,
    ends: u64,
    ends_revoked: u64,
}

impl Row for DayCountRow {
    /// Whose they are, when the day begins, and who issued them.
    type Key = (TenantId, UnixTime, KeyRef);
    type Wire = WireDayCount;
    const KEYSPACE: Keyspace = Keyspace::DayCounts;

    fn key((tenant, day, issuer): &Self::Key) -> Vec<u8> {
        day_key(tenant, *day, issuer)
    }

    fn to_wire(&self) -> der::Result<WireDayCount> {
        let Self { issued, revoked, ends, ends_revoked } = *self;
        Ok(WireDayCount { issued, revoked, ends, ends_revoked })
    }

    fn from_wire(WireDayCount { issued, revoked, ends, ends_revoked }: WireDayCount) -> Option<Self> {
        let row = Self { issued, revoked, ends, ends_revoked };
        (row != Self::default() && ends_revoked <= ends).then_some(row)
    }
}
