//! A ledger of which the revocations are computed when they are read, and not kept: to revoke a million takes minutes, and a CRL reads
//! them in pages all the same. Whatever else it is asked the ledger answers of itself.

use std::sync::Arc;

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

/// By how many bits the number of an entry stands above the end of its serial number.
const SHIFT: u32 = 20;

/// The ledger.
#[derive(Debug)]
pub struct ManyRevoked {
    /// Answers whatever else is asked.
    pub store: Arc<Store>,
    /// How many are revoked, of one issuer.
    pub count: u64,
    /// When each was.
    pub time: UnixTime,
}

impl ManyRevoked {
    fn entry(&self, number: u64) -> Result<RevokedEntry, Unavailable> {
        // Ascending, and as long as the serial numbers that are drawn in service.
        let octets = [(1_u64 << 62).to_be_bytes(), (number << SHIFT).to_be_bytes()].concat();
        let serial = SerialNumber::from_octets(&octets)
            .map_err(|error| Unavailable { port: "computed revocations", cause: Box::new(error) })?;
        let revocation =
            Revocation { time: self.time, reason: ReasonCode::Superseded, invalidity_date: None };
        Ok(RevokedEntry { serial, revocation, not_after: self.time.plus_seconds(86_400 * 3_650) })
    }
}

/// The number of the entry behind the one with this serial number.
fn behind(serial: &SerialNumber) -> u64 {
    serial.octets().last_chunk().map_or(0, |last| (u64::from_be_bytes(*last) >> SHIFT) + 1)
}

impl CrlScopes for ManyRevoked {
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

impl BlockStatus for ManyRevoked {
    fn is_blocked(&self, authority: &KeyRef) -> Result<bool, Unavailable> {
        self.store.is_blocked(authority)
    }
}

impl Revisions for ManyRevoked {}

impl StatusSource for ManyRevoked {
    fn revoked(
        &self,
        _: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let rest = after.map_or(0, behind)..self.count;
        rest.take(limit).map(|number| self.entry(number)).collect()
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
