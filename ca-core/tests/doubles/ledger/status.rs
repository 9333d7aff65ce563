//! What the memory tells of certificates.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{BlockStatus, CrlScopes, Revisions, StatusSource, Unavailable};
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlRecord, RevokedEntry, StoredCertificate,
};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;

use super::super::journal::Step;
use super::{MemoryLedger, revocation};

impl CrlScopes for MemoryLedger {
    fn released_at(&self, id: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        Ok(self.enter(Step::StatusOf)?.released.get(id).copied())
    }
}

impl BlockStatus for MemoryLedger {
    fn is_blocked(&self, _: &KeyRef) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

impl Revisions for MemoryLedger {}

impl StatusSource for MemoryLedger {
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        let state = self.enter(Step::StatusOf)?;
        Ok(state.rows.get(id).map_or(CertificateStatus::NeverIssued, |row| row.stored.status))
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        Ok(self.enter(Step::Certificate)?.rows.get(id).map(|row| row.stored.clone()))
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        let state = self.enter(Step::Certificates)?;
        let asked = |stored: &&StoredCertificate| {
            query.tenant.as_ref().is_none_or(|tenant| *tenant == stored.tenant)
                && query.issuer.is_none_or(|issuer| issuer == stored.id.issuer)
                && query
                    .title
                    .is_none_or(|title| stored.slot.as_ref().is_some_and(|slot| slot.title == title))
                && query.request.is_none_or(|request| state.requests.get(&request) == Some(&stored.id))
                && query.status.is_none_or(|status| stored.status.kind() == Some(status))
                && query.after.as_ref().is_none_or(|after| stored.id > *after)
        };
        Ok(state.rows.values().map(|row| &row.stored).filter(asked).take(query.limit).cloned().collect())
    }

    fn revoked(
        &self,
        issuer: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let entry = |stored: StoredCertificate| {
            let revocation = revocation(stored.status)?;
            let not_after = stored.validity.not_after();
            let listed = stored.id.issuer == *issuer
                && stored.listing.is_ever()
                && after.is_none_or(|after| stored.id.serial > *after);
            listed.then_some(RevokedEntry { serial: stored.id.serial, revocation, not_after })
        };
        Ok(self.stored().into_iter().filter_map(entry).take(limit).collect())
    }

    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        let uncertain = |stored: &StoredCertificate| match stored.status {
            CertificateStatus::Uncertain { since } => stored.id.issuer == *issuer && since <= until,
            CertificateStatus::NeverIssued
            | CertificateStatus::Pending
            | CertificateStatus::Aborted
            | CertificateStatus::Good
            | CertificateStatus::Revoked(_) => false,
        };
        Ok(self.stored().into_iter().filter(uncertain).map(|stored| stored.id.serial).collect())
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        Ok(self.state.lock().unwrap().crl.clone().filter(|crl| crl.issuer == *issuer))
    }

    fn audit_records(&self, _: u64, _: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        Ok(Vec::new())
    }
}
