//! A ledger of which the revocations are computed and not kept, for lists that would take long to revoke.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{BlockStatus, CrlScopes, Revisions, StatusSource, Unavailable};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlChanges, CrlRecord, Revocation, RevokedEntry,
    StoredCertificate,
};
use ca_core::scope::CrlScope;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use ca_store::Store;

/// A ledger in which so many certificates are revoked; whatever else it is asked it answers of itself.
pub(crate) struct ManyRevoked<'a> {
    pub(crate) store: &'a Store,
    pub(crate) count: u64,
    pub(crate) time: UnixTime,
}

impl ManyRevoked<'_> {
    fn entry(&self, number: u64) -> RevokedEntry {
        // Ascending, and as long as the serial numbers that are drawn in service.
        let octets = [(1_u64 << 62).to_be_bytes(), (number << 20).to_be_bytes()].concat();
        let revocation =
            Revocation { time: self.time, reason: ReasonCode::Superseded, invalidity_date: None };
        let not_after = self.time.plus_seconds(86_400 * 3_650);
        RevokedEntry { serial: SerialNumber::from_octets(&octets).unwrap(), revocation, not_after }
    }
}

impl CrlScopes for ManyRevoked<'_> {
    fn changes(
        &self,
        scope: (&KeyRef, &CrlScope),
        after: u64,
        limit: usize,
    ) -> Result<CrlChanges, Unavailable> {
        self.store.changes(scope, after, limit)
    }

    fn released_at(&self, id: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        self.store.released_at(id)
    }
}

impl BlockStatus for ManyRevoked<'_> {
    fn is_blocked(&self, authority: &KeyRef) -> Result<bool, Unavailable> {
        self.store.is_blocked(authority)
    }
}

impl Revisions for ManyRevoked<'_> {}

impl StatusSource for ManyRevoked<'_> {
    fn revoked(
        &self,
        _: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let number =
            |serial: &SerialNumber| (u64::from_be_bytes(*serial.octets().last_chunk().unwrap()) >> 20) + 1;
        let rest = after.map_or(0, number)..self.count;
        Ok(rest.take(limit).map(|number| self.entry(number)).collect())
    }

    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        self.store.status_of(id)
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        self.store.certificate(id)
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        self.store.certificates(query)
    }

    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        self.store.uncertain(issuer, until)
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        self.store.latest_crl(issuer)
    }

    fn audit_records(&self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.store.audit_records(after, limit)
    }
}
