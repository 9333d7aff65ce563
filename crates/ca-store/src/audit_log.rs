//! The audit trail as those read it who copy and prove it: records with their certificates, the end, proofs, and what is
//! remembered for them. Appends nothing and changes no record.

use std::sync::Arc;

use ca_core::audit::proof::{consistency, inclusion};
use ca_core::audit::tree::TreeHash;
use ca_core::audit::{AuditRecord, AuditTrail};
use ca_core::ports::{StatusSource, Unavailable};
use ca_core::record::CertificateId;
use ca_core::validity::UnixTime;

use crate::engine::{Durability, View};
use crate::follower::{Behind, Follower};
use crate::keyspace::{CHECKPOINT, Keyspace, cursor_key};
use crate::row::{CertificateRow, CertificateState, TrailRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};
use crate::tree::{StoredTree, TreeFault};

const PORT: &str = "audit trail";

/// How many records are read at a time.
const PAGE: usize = 256;

/// How much earlier than a certificate the record of its issuance may be, in seconds.
const SLACK_SECONDS: i64 = 3_600;

/// A record, and what must be kept with it so that the ledger can be made anew from a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedRecord {
    /// Its number.
    pub sequence: u64,
    /// Its DER.
    pub der: Vec<u8>,
    /// The DER of the certificate, where it brings one.
    pub certificate: Option<Vec<u8>>,
}

impl Store {
    /// Returns the end of the trail that is on disk.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn audit_end(&self) -> Result<AuditTrail, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<TrailRow>(&())?.map_or(AuditTrail::EMPTY, |row| row.0)))
    }

    /// Lists records after a number, with their certificates, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`]; also when a record cannot be read.
    pub fn audit_copy(&self, after: u64, limit: usize) -> Result<Vec<CopiedRecord>, Unavailable> {
        let records = self.audit_records(after, limit)?;
        let copied = |der: Vec<u8>| {
            let record = AuditRecord::from_der(&der)
                .map_err(|cause| Unavailable { port: PORT, cause: cause.into() })?;
            let certificate = self.certificate_of(&record)?;
            Ok(CopiedRecord { sequence: record.sequence, der, certificate })
        };
        records.into_iter().map(copied).collect()
    }

    fn certificate_of(&self, record: &AuditRecord) -> Result<Option<Vec<u8>>, Unavailable> {
        let event = &record.event;
        let (true, Some(issuer), Some(serial)) =
            (event.act.brings_certificate(), event.issuer, &event.serial)
        else {
            return Ok(None);
        };
        let id = CertificateId { issuer, serial: serial.clone() };
        let row = self.read(PORT, |view| view.row::<CertificateRow>(&id))?;
        Ok(row.filter(|row| row.state == CertificateState::Issued).map(|row| row.octets))
    }

    /// Proves that the record with this number is in the tree over the first `size` records; as ca-core's `inclusion`.
    ///
    /// # Errors
    /// [`Unavailable`]; also when the trail has not so many records.
    pub fn prove_inclusion(&self, sequence: u64, size: u64) -> Result<Vec<TreeHash>, Unavailable> {
        self.prove(size, |tree| inclusion(tree, sequence.saturating_sub(1), size))
    }

    /// Proves that the tree over the first `later` records continues that over the first `earlier`; as ca-core's
    /// `consistency`.
    ///
    /// # Errors
    /// [`Unavailable`]; also when the trail has not so many records.
    pub fn prove_consistency(&self, earlier: u64, later: u64) -> Result<Vec<TreeHash>, Unavailable> {
        self.prove(later, |tree| consistency(tree, earlier, later))
    }

    fn prove(
        &self,
        size: u64,
        proof: impl FnOnce(&StoredTree<'_>) -> Result<Vec<TreeHash>, TreeFault>,
    ) -> Result<Vec<TreeHash>, Unavailable> {
        let unavailable = |cause: TreeFault| Unavailable { port: PORT, cause: cause.into() };
        if size > self.audit_end()?.sequence() {
            return Err(unavailable(TreeFault::NoRecord { sequence: size }));
        }
        self.read(PORT, |view| Ok(proof(&StoredTree(view))))?.map_err(unavailable)
    }

    /// Finds the record that tells of a certificate's issuance, or of its being taken over.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn issuance_record(&self, id: &CertificateId) -> Result<Option<CopiedRecord>, Unavailable> {
        let Some(row) = self.read(PORT, |view| view.row::<CertificateRow>(id))? else { return Ok(None) };
        let begin = self.first_record_since(row.since.plus_seconds(-SLACK_SECONDS))?;
        // Times in the trail are nearly in order. Where a clock jumped they are not, and all is looked through.
        let told = self.search(id, begin.saturating_sub(1), u64::MAX)?;
        let told = if told.is_some() { told } else { self.search(id, 0, begin)? };
        Ok(told.map(|(sequence, der)| CopiedRecord { sequence, der, certificate: Some(row.octets) }))
    }

    /// Halves the trail until it finds the first record that is not earlier; one more than there are where all are earlier. Where a
    /// clock jumped, records of other times may stand on either side.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn first_record_since(&self, time: UnixTime) -> Result<u64, Unavailable> {
        let (mut from, mut to) = (1, self.audit_end()?.sequence().saturating_add(1));
        while from < to {
            let middle = from.midpoint(to);
            let der = self.audit_records(middle.saturating_sub(1), 1)?;
            let earlier = der
                .first()
                .and_then(|der| AuditRecord::from_der(der).ok())
                .is_some_and(|record| record.event.time < time);
            if earlier { from = middle.saturating_add(1) } else { to = middle }
        }
        Ok(from)
    }

    fn search(
        &self,
        id: &CertificateId,
        mut after: u64,
        until: u64,
    ) -> Result<Option<(u64, Vec<u8>)>, Unavailable> {
        while after < until {
            let page = self.audit_records(after, PAGE)?;
            if page.is_empty() {
                break;
            }
            for der in page {
                after = after.saturating_add(1);
                let event = AuditRecord::from_der(&der).ok().map(|record| record.event);
                let tells = event.is_some_and(|event| {
                    event.act.brings_certificate()
                        && event.issuer == Some(id.issuer)
                        && event.serial.as_ref() == Some(&id.serial)
                });
                if tells {
                    return Ok(Some((after, der)));
                }
            }
        }
        Ok(None)
    }

    /// Remembers the latest signed checkpoint.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn keep_checkpoint(&self, note: String) -> Result<(), Unavailable> {
        self.keep(CHECKPOINT.to_vec(), note.into_bytes())
    }

    /// Returns the latest signed checkpoint, if one was ever kept.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn checkpoint(&self) -> Result<Option<String>, Unavailable> {
        let octets = self.read(PORT, |view| kept(view, CHECKPOINT))?;
        Ok(octets.and_then(|octets| String::from_utf8(octets).ok()))
    }

    /// Remembers how far a copy has come.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn keep_cursor(&self, copy: &str, sequence: u64) -> Result<(), Unavailable> {
        self.keep(cursor_key(copy), sequence.to_be_bytes().to_vec())
    }

    /// Returns how far a copy had come; 0 when it never began.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn cursor(&self, copy: &str) -> Result<u64, Unavailable> {
        let octets = self.read(PORT, |view| kept(view, &cursor_key(copy)))?;
        Ok(octets.and_then(|octets| octets.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// Once it is lost it is made anew, so it need only survive the death of this process.
    fn keep(&self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Unavailable> {
        self.write(PORT, Durability::ProcessCrash, move |tx| tx.put_octets(Keyspace::Meta, key, value))
    }

    /// Takes in one who copies the trail, up to `reached` so far: nothing new begins while it lacks more than `allowance`
    /// records.
    #[must_use]
    pub fn follow(&self, name: &'static str, allowance: u64, reached: u64) -> Arc<Follower> {
        self.followers().add(name, allowance, reached)
    }

    /// Tells whether every copy of the trail is near enough for something new to begin.
    ///
    /// # Errors
    /// [`Behind`], naming the copy that is not.
    pub fn check_followers(&self) -> Result<(), Behind> {
        self.followers().check(self.trail_end())
    }
}

fn kept(view: &dyn View, key: &[u8]) -> Result<Option<Vec<u8>>, ReadFault> {
    view.octets(Keyspace::Meta, key)
}
