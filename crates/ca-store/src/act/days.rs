//! Counting certificates by the days on which they are issued, revoked, and end, in the transaction of the act: reports never go
//! through certificates.
//!
//! A row is of a tenant, a day and an issuer. However many certificates a group issues, it writes the few rows of their days once.

use std::collections::BTreeMap;

use ca_core::key_ref::KeyRef;
use ca_core::record::CertificateId;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::keyspace::days::day_of;
use crate::row::{CertificateRow, CertificateState, DayCountRow, RevocationRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Where something is counted: whose it is, when its day begins, who issued it.
pub(crate) type Place = (TenantId, UnixTime, KeyRef);

/// Returns where a certificate is counted at a time.
pub(crate) fn place(certificate: &CertificateRow, time: UnixTime, issuer: &KeyRef) -> Place {
    (certificate.tenant.clone(), day_of(time), *issuer)
}

/// Counts a certificate whose row, issued, is written. It may have been revoked before it was.
pub(super) fn issued(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<(), ActFault> {
    let revoked = u64::from(tx.has::<RevocationRow>(id)?);
    change(tx, &place(row, row.since, &id.issuer), |count| up(&mut count.issued, 1))?;
    change(tx, &place(row, row.validity.not_after(), &id.issuer), |count| {
        up(&mut count.ends, 1);
        up(&mut count.ends_revoked, revoked);
    })
}

/// Counts a revocation or a hold whose row is written; one that ends a hold is of what was not good before.
pub(super) fn revoked(
    tx: &mut Transaction<'_>,
    (id, certificate): (&CertificateId, &CertificateRow),
    (row, was_on_hold): (&RevocationRow, bool),
) -> Result<(), ActFault> {
    if !row.revocation.is_hold() {
        change(tx, &place(certificate, row.recorded_at(), &id.issuer), |count| up(&mut count.revoked, 1))?;
    }
    if was_on_hold || certificate.state != CertificateState::Issued {
        return Ok(());
    }
    let end = place(certificate, certificate.validity.not_after(), &id.issuer);
    change(tx, &end, |count| up(&mut count.ends_revoked, 1))
}

/// Counts a certificate that was on hold as good again.
pub(super) fn released(
    tx: &mut Transaction<'_>,
    (id, certificate): (&CertificateId, &CertificateRow),
) -> Result<(), ActFault> {
    if certificate.state != CertificateState::Issued {
        return Ok(());
    }
    let end = place(certificate, certificate.validity.not_after(), &id.issuer);
    change(tx, &end, |count| count.ends_revoked = count.ends_revoked.saturating_sub(1))
}

fn up(count: &mut u64, by: u64) {
    *count = count.saturating_add(by);
}

fn change(
    tx: &mut Transaction<'_>,
    place: &Place,
    change: impl FnOnce(&mut DayCountRow),
) -> Result<(), ActFault> {
    let mut count = tx.row::<DayCountRow>(place)?.unwrap_or_default();
    change(&mut count);
    tx.put(place, &count)
}

/// What the rows of certificates and revocations add up to.
#[derive(Default)]
pub(crate) struct DayTally(BTreeMap<Place, DayCountRow>);

impl DayTally {
    /// Counts what became of an intent; what was not issued counts for nothing.
    pub(crate) fn count(&mut self, id: &CertificateId, row: &CertificateRow, is_revoked: bool) {
        if row.state != CertificateState::Issued {
            return;
        }
        up(&mut self.0.entry(place(row, row.since, &id.issuer)).or_default().issued, 1);
        let end = self.0.entry(place(row, row.validity.not_after(), &id.issuer)).or_default();
        up(&mut end.ends, 1);
        up(&mut end.ends_revoked, u64::from(is_revoked));
    }

    /// Counts a revocation; a hold counts for nothing.
    pub(crate) fn count_revocation(
        &mut self,
        id: &CertificateId,
        certificate: &CertificateRow,
        row: &RevocationRow,
    ) {
        if !row.revocation.is_hold() {
            let place = place(certificate, row.recorded_at(), &id.issuer);
            up(&mut self.0.entry(place).or_default().revoked, 1);
        }
    }

    /// Takes what was counted.
    pub(crate) fn into_counts(self) -> BTreeMap<Place, DayCountRow> {
        self.0
    }
}
