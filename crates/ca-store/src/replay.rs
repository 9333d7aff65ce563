//! Taking the tail of an exported audit log into a ledger in recovery: the records octet for octet, and what they tell of.
//!
//! A record says less than an act had: no to-be-signed octets, no request, no secret's hash. What cannot be told from it is
//! named and counted, never guessed. Serial numbers are always burned, and a certificate that the log has is in the ledger
//! again, octet for octet.

use std::collections::BTreeMap;
use std::sync::Arc;

use ca_core::audit::{Act, AuditRecord};
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};

mod told;
mod devices;
mod people;
mod shut_out;
mod visits;

use crate::committer::NotDone;
use crate::row::InstallationRow;
use crate::store::Store;
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many records are replayed in one transaction.
const GROUP: usize = 256;

/// A line of the exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedRecord {
    /// The audit record, as it was sealed.
    pub der: Vec<u8>,
    /// The certificate that it tells of, if it tells of one that was issued.
    pub certificate: Option<Vec<u8>>,
}

/// Which place a certificate of a profile holds.
pub type Places = BTreeMap<ProfileId, (Hierarchy, KeyPurpose)>;

/// What a record tells of and a ledger cannot have back from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrestored {
    /// The number of the record.
    pub sequence: u64,
    /// What it tells of.
    pub act: Act,
    /// What the record says.
    pub detail: String,
}

/// What was replayed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplayReport {
    /// Audit records taken in.
    pub records: u64,
    /// Certificates taken in.
    pub certificates: u64,
    /// Serial numbers burned that belong to no certificate.
    pub burned: u64,
    /// Revocations taken in.
    pub revocations: u64,
    /// CRL numbers that are taken.
    pub crl_numbers: u64,
    /// What has to be brought in again by hand.
    pub unrestored: Vec<Unrestored>,
}

impl Store {
    /// Takes in the records that follow the last one of the trail, as many as come; a replay that was cut short goes on.
    ///
    /// # Errors
    /// [`ReplayError`]; what was taken in before the record that it names stays.
    pub fn replay<E>(
        &self,
        records: impl IntoIterator<Item = Result<ExportedRecord, E>>,
        places: &Places,
    ) -> Result<ReplayReport, ReplayError<E>> {
        if self.recovery().is_none() {
            return Err(ReplayError::NotInRecovery);
        }
        let places = Arc::new(places.clone());
        let mut report = ReplayReport::default();
        let mut group = Vec::new();
        for record in records {
            group.push(record.map_err(ReplayError::Log)?);
            if group.len() == GROUP {
                self.replay_group(core::mem::take(&mut group), &places, &mut report)?;
            }
        }
        self.replay_group(group, &places, &mut report)?;
        Ok(report)
    }

    fn replay_group<E>(
        &self,
        group: Vec<ExportedRecord>,
        places: &Arc<Places>,
        report: &mut ReplayReport,
    ) -> Result<(), ReplayError<E>> {
        let places = Arc::clone(places);
        let part = self.write_in_recovery(move |tx| {
            let mut part = ReplayReport::default();
            for ExportedRecord { der, certificate } in group {
                let record = tx.append(der)?;
                told::take_in(tx, &record, certificate, &places, &mut part)?;
            }
            reconciled_to(tx)?;
            Ok(part)
        })?;
        report.add(part);
        Ok(())
    }
}

/// Remembers how far the log was replayed.
fn reconciled_to(tx: &mut Transaction<'_>) -> Result<(), ActFault> {
    if let Some(mut row) = tx.row::<InstallationRow>(&())?
        && let Some(recovery) = &mut row.recovery
    {
        recovery.reconciled = Some(tx.sequence());
        tx.put(&(), &row)?;
    }
    Ok(())
}

impl ReplayReport {
    fn add(&mut self, part: Self) {
        self.records = self.records.saturating_add(part.records);
        self.certificates = self.certificates.saturating_add(part.certificates);
        self.burned = self.burned.saturating_add(part.burned);
        self.revocations = self.revocations.saturating_add(part.revocations);
        self.crl_numbers = self.crl_numbers.saturating_add(part.crl_numbers);
        self.unrestored.extend(part.unrestored);
    }

    /// Notes what a record tells of and cannot give back.
    fn miss(&mut self, record: &AuditRecord) {
        let (act, detail) = (record.event.act, record.event.detail.clone());
        self.unrestored.push(Unrestored { sequence: record.sequence, act, detail });
    }
}

/// Why records were not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError<E> {
    /// A ledger in service takes nothing from outside.
    #[error("the ledger is not in recovery")]
    NotInRecovery,
    /// The log cannot be read.
    #[error("{0}")]
    Log(E),
    /// A record is not the next one, or does not fit to what the ledger holds.
    #[error("the exported log does not fit to the ledger: {cause}")]
    Misfit {
        /// Which record, and why.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
}

impl<E> From<NotDone> for ReplayError<E> {
    fn from(cause: NotDone) -> Self {
        Self::Misfit { cause: cause.into() }
    }
}

impl<E> From<ReadFault> for ReplayError<E> {
    fn from(cause: ReadFault) -> Self {
        Self::Misfit { cause: cause.into() }
    }
}
