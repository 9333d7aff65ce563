//! The to-be-signed octets of a CRL from what it says, as a pure function: for whoever checks a CRL again later.
//!
//! The code is that of the drafting of CRLs; there is no ledger behind it, and what is listed is for the caller to know.

use super::draft::{Heading, around_entries};
use super::entry;
use crate::issuer::Issuer;
use crate::octets::Octets;
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
pub fn restate(issuer: &Issuer, statement: &CrlStatement<'_>) -> der::Result<Octets> {
    let CrlStatement { number, this_update, next_update, entries } = *statement;
    let heading = Heading { number, this_update, next_update, ..Heading::default() };
    let mut listed = Vec::new();
    for revoked in entries {
        entry::append(revoked, this_update, &mut listed)?;
    }
    around_entries(issuer, &CrlScope::All, &heading, Octets::from(listed))
}
