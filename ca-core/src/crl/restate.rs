//! The to-be-signed octets of a CRL from what it says, as a pure function: for whoever checks a CRL again later.
//!
//! The code is that of the drafting of CRLs; there is no ledger behind it, and what is listed is for the caller to know.

use der::Tag;

use super::draft::{Heading, ROOM_OCTETS, after_entries, before_entries};
use super::growing_der::GrowingDer;
use super::wire::RevokedCertificate;
use crate::issuer::Issuer;
use crate::record::RevokedEntry;
use crate::scope::CrlScope;
use crate::validity::UnixTime;

/// What a complete CRL of all says.
#[derive(Debug, Clone, Copy)]
pub struct CrlStatement<'a> {
    /// Its number.
    pub number: u64,
    /// thisUpdate.
    pub this_update: UnixTime,
    /// nextUpdate.
    pub next_update: UnixTime,
    /// Its entries, in ascending order of serial numbers; their `not_after` is of no account.
    pub entries: &'a [RevokedEntry],
}

/// Returns the DER of the `TBSCertList` that says this.
///
/// # Errors
/// What the DER codec says of a time before 1970 or after 9999.
pub fn restate(issuer: &Issuer, statement: &CrlStatement<'_>) -> der::Result<Vec<u8>> {
    let CrlStatement { number, this_update, next_update, entries } = *statement;
    let heading = Heading { number, this_update, next_update, ..Heading::default() };
    let mut tbs = GrowingDer::with_room(ROOM_OCTETS + issuer.name().der().len());
    for entry in entries {
        tbs.append(&RevokedCertificate::new(entry, this_update)?)?;
    }
    // RFC 5280 §5.1.2.6: with nothing revoked the list is absent.
    if !entries.is_empty() {
        tbs.wrap(Tag::Sequence)?;
    }
    tbs.prepend(&before_entries(issuer, &heading)?);
    tbs.append(&after_entries(issuer, &CrlScope::All, &heading)?)?;
    tbs.wrap(Tag::Sequence)?;
    Ok(tbs.into_octets())
}
