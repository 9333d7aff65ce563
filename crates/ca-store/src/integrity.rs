//! Whether the rows of a ledger agree with each other and with its audit trail. Reads only, in one walk over the trail and a
//! few over the rows; holds nothing in memory but counts.

mod campaigns;
mod crls;
mod days;
mod fleet;
mod production;
mod transactions;

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::certificate::to_be_signed;
use ca_core::record::{CertificateId, Provenance};
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use crate::audit_walk::AuditFault;
use crate::engine::View;
use crate::keyspace::{Keyspace, parse_id};
use crate::row::{CertificateRow, CertificateState, IntentRow, ReleaseRow, RevocationRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

/// How many rows are read at a time.
const PAGE: usize = 1_024;

/// What a sound ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntegrityReport {
    /// Audit records, each bound to the one before.
    pub records: u64,
    /// Certificates that were issued.
    pub certificates: u64,
    /// Intents that are open.
    pub open: u64,
    /// Serial numbers burned without a certificate.
    pub burned: u64,
    /// Revocations for good.
    pub revocations: u64,
    /// Those of them that began as a hold.
    pub once_on_hold: u64,
    /// Certificates on hold.
    pub on_hold: u64,
    /// CRL numbers taken.
    pub crls: u64,
    /// Devices.
    pub devices: u64,
    /// One-time tokens, spent or not.
    pub tokens: u64,
    /// Transactions, closed ones for a time too.
    pub transactions: u64,
}

impl Store {
    /// Checks everything that can be checked without a key.
    ///
    /// # Errors
    /// [`IntegrityFault`]: the first that is found.
    pub fn check_integrity(&self) -> Result<IntegrityReport, IntegrityFault> {
        let mut told = Told::default();
        let mut walk = self.verify_audit()?;
        for record in walk.by_ref() {
            let record = record?;
            told.count(&record);
            let view = self.rows().view().map_err(ReadFault::from)?;
            agrees(&*view, &record)?;
        }
        walk.finish()?;
        let transactions = self.check_transactions()?;
        let report = IntegrityReport { records: told.records, transactions, ..self.count_rows()? };
        told.compare(&report)?;
        self.check_crls()?;
        self.check_scopes()?;
        self.check_fleet()?;
        self.check_days()?;
        self.check_production()?;
        self.check_campaigns()?;
        Ok(report)
    }

    fn count_rows(&self) -> Result<IntegrityReport, IntegrityFault> {
        let mut report = IntegrityReport::default();
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        self.each(Keyspace::Certificates, |_, octets| {
            match CertificateRow::decode(octets)?.state {
                CertificateState::Issued => one_more(&mut report.certificates),
                CertificateState::Aborted | CertificateState::Uncertain => one_more(&mut report.burned),
                CertificateState::Intended => {
                    return Err(RowFault::Value { keyspace: Keyspace::Certificates.name() }.into());
                }
            }
            Ok(())
        })?;
        self.each(Keyspace::Open, |key, octets| {
            IntentRow::decode(octets)?;
            let id = parse_id(key).ok_or(RowFault::Key { keyspace: Keyspace::Open.name() })?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            if view.has::<CertificateRow>(&id)? {
                return Err(IntegrityFault::SerialTwice { id });
            }
            one_more(&mut report.open);
            Ok(())
        })?;
        self.each(Keyspace::Revocations, |_, octets| {
            let row = RevocationRow::decode(octets)?;
            if row.revocation.is_hold() {
                one_more(&mut report.on_hold);
            } else {
                one_more(&mut report.revocations);
                report.once_on_hold =
                    report.once_on_hold.saturating_add(u64::from(row.final_since.is_some()));
            }
            Ok(())
        })?;
        self.each(Keyspace::Releases, |key, octets| {
            ReleaseRow::decode(octets)?;
            let id = parse_id(key).ok_or(RowFault::Key { keyspace: Keyspace::Releases.name() })?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            if view.has::<RevocationRow>(&id)? {
                return Err(RowFault::Value { keyspace: Keyspace::Releases.name() }.into());
            }
            Ok(())
        })?;
        self.each(Keyspace::Devices, |_, _| {
            one_more(&mut report.devices);
            Ok(())
        })?;
        self.each(Keyspace::Tokens, |_, _| {
            one_more(&mut report.tokens);
            Ok(())
        })?;
        self.each(Keyspace::Crls, |_, _| {
            one_more(&mut report.crls);
            Ok(())
        })?;
        Ok(report)
    }

    fn each(
        &self,
        keyspace: Keyspace,
        mut look: impl FnMut(&[u8], &[u8]) -> Result<(), IntegrityFault>,
    ) -> Result<(), IntegrityFault> {
        let mut after = Vec::new();
        loop {
            let page = {
                let view = self.rows().view().map_err(ReadFault::from)?;
                view.rows_after(keyspace, &[], &after, PAGE).map_err(ReadFault::from)?
            };
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (key, octets) in page {
                look(&key, &octets)?;
            }
        }
    }
}

/// What the trail tells of, by count.
#[derive(Default)]
struct Told {
    records: u64,
    intents: u64,
    certificates: u64,
    revocations: u64,
    holds: u64,
    releases: u64,
}

impl Told {
    fn count(&mut self, record: &AuditRecord) {
        self.records = self.records.saturating_add(1);
        if record.event.act == Act::CertificateTakenOver {
            // A serial number that is taken without an intent.
            self.intents = self.intents.saturating_add(1);
        }
        let counted = if record.event.act == Act::IntentRecorded {
            &mut self.intents
        } else if record.event.act.brings_certificate() {
            &mut self.certificates
        } else if record.event.act == Act::CertificateRevoked {
            &mut self.revocations
        } else if record.event.act == Act::CertificateHeld {
            &mut self.holds
        } else if record.event.act == Act::CertificateReleased {
            &mut self.releases
        } else {
            return;
        };
        *counted = counted.saturating_add(1);
    }

    /// As many rows as records: with one row for each record, none is there that the trail does not tell of.
    fn compare(&self, report: &IntegrityReport) -> Result<(), IntegrityFault> {
        let serials = report.certificates.saturating_add(report.open).saturating_add(report.burned);
        // A hold lasts, was released, or was made final.
        let ended = self.releases.saturating_add(report.once_on_hold);
        for (what, told, found) in [
            ("serial numbers", self.intents, serials),
            ("certificates", self.certificates, report.certificates),
            ("revocations", self.revocations, report.revocations),
            ("holds", self.holds, report.on_hold.saturating_add(ended)),
        ] {
            if told != found {
                return Err(IntegrityFault::Count { what, told, found });
            }
        }
        Ok(())
    }
}

/// The row that a record tells of is there, and holds the octets whose digest is on record.
fn agrees(view: &dyn View, record: &AuditRecord) -> Result<(), IntegrityFault> {
    let event = &record.event;
    let (Some(issuer), Some(serial)) = (event.issuer, event.serial.clone()) else { return Ok(()) };
    let id = CertificateId { issuer, serial };
    let sound = if event.act == Act::IntentRecorded {
        intended(view, &id, &event.digest)?
    } else if event.act.brings_certificate() {
        let row = view.row::<CertificateRow>(&id)?;
        row.is_some_and(|row| {
            let taken_over = row.provenance == Provenance::TakenOver;
            row.state == CertificateState::Issued
                && digest(&row.octets) == event.digest
                && taken_over == (event.act == Act::CertificateTakenOver)
        })
    } else if event.act == Act::CertificateRevoked {
        let row = view.row::<RevocationRow>(&id)?;
        row.is_some_and(|row| row.revocation.reason.name() == event.reason && row.recorded_at() == event.time)
    } else if [Act::CertificateHeld, Act::CertificateReleased].contains(&event.act) {
        stands_by(view, &id, event)?
    } else {
        true
    };
    if sound { Ok(()) } else { Err(IntegrityFault::Disagrees { sequence: record.sequence, act: event.act }) }
}

/// What a hold or its release left is there, or what came after it.
fn stands_by(view: &dyn View, id: &CertificateId, event: &AuditEvent) -> Result<bool, IntegrityFault> {
    let held = view.row::<RevocationRow>(id)?;
    let released = view.row::<ReleaseRow>(id)?;
    let later = |time: UnixTime| time >= event.time;
    Ok(held.is_some_and(|row| later(row.recorded_at())) || released.is_some_and(|row| later(row.time)))
}

/// What was intended is what is open, what was burned, or what was signed.
fn intended(view: &dyn View, id: &CertificateId, recorded: &[u8]) -> Result<bool, IntegrityFault> {
    if let Some(intent) = view.row::<IntentRow>(id)? {
        return Ok(known(&intent.certificate.octets, recorded));
    }
    let Some(row) = view.row::<CertificateRow>(id)? else { return Ok(false) };
    Ok(match row.state {
        CertificateState::Issued => to_be_signed(&row.octets).is_ok_and(|tbs| digest(tbs) == recorded),
        CertificateState::Intended | CertificateState::Aborted | CertificateState::Uncertain => {
            known(&row.octets, recorded)
        }
    })
}

/// Octets that came back from a log are not there: it had only their digest.
fn known(octets: &[u8], recorded: &[u8]) -> bool {
    octets.is_empty() || digest(octets) == recorded
}

fn digest(octets: &[u8]) -> Vec<u8> {
    Sha256::digest(octets).to_vec()
}

/// What does not agree.
#[derive(Debug, thiserror::Error)]
pub enum IntegrityFault {
    /// The audit trail itself.
    #[error(transparent)]
    Audit(#[from] AuditFault),
    /// A row that an audit record tells of is missing or another one.
    #[error("the ledger does not hold what audit record {sequence} ({act}) tells of")]
    Disagrees {
        /// Which record.
        sequence: u64,
        /// What it tells of.
        act: Act,
    },
    /// A serial number is open and ended at once.
    #[error("serial number {} of {} stands twice", id.serial, id.issuer)]
    SerialTwice {
        /// Which.
        id: CertificateId,
    },
    /// There are more rows than records, or fewer.
    #[error("the audit trail tells of {told} {what}, the ledger holds {found}")]
    Count {
        /// Of what.
        what: &'static str,
        /// By the trail.
        told: u64,
        /// By the rows.
        found: u64,
    },
    /// A CRL number is above the last one, or its time below the one before.
    #[error("CRL number {number} is out of order")]
    CrlNumber {
        /// Which.
        number: u64,
    },
    /// An index of the CRLs' scopes does not fit to what was revoked.
    #[error("a row of the keyspace {keyspace} fits to no revocation, or a revocation lacks one")]
    Scope {
        /// Which rows.
        keyspace: &'static str,
    },
    /// What devices are found, counted or followed by does not fit to their rows.
    #[error("a row of the keyspace {keyspace} fits to no device, or a device lacks one")]
    Fleet {
        /// Which rows.
        keyspace: &'static str,
    },
    /// What is counted by days is not what the certificates and revocations add up to.
    #[error("a row of the keyspace {keyspace} counts other certificates of its day than there are")]
    Days {
        /// Which rows.
        keyspace: &'static str,
    },
    /// The rows of transactions do not belong together.
    #[error("a row of the keyspace {keyspace} belongs to no transaction, or a transaction has none")]
    Transaction {
        /// Which rows.
        keyspace: &'static str,
    },
    /// What a campaign counts, lists or has done is not what stands on record for its devices.
    #[error(
        "a row of the keyspace {keyspace} does not fit to the devices of its campaign, or to a certificate"
    )]
    Campaign {
        /// Which rows.
        keyspace: &'static str,
    },
    /// What a production order counts is not what stands on record for it.
    #[error("the production order {order} counts {told} {what}, and {found} stand on record")]
    Production {
        /// Which order.
        order: String,
        /// Of what.
        what: &'static str,
        /// By the order.
        told: u64,
        /// By the devices.
        found: u64,
    },
    /// The rows cannot be read.
    #[error("the rows of the ledger cannot be read: {cause}")]
    Unreadable {
        /// Why.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
}

impl From<ReadFault> for IntegrityFault {
    fn from(cause: ReadFault) -> Self {
        Self::Unreadable { cause: cause.into() }
    }
}

impl From<RowFault> for IntegrityFault {
    fn from(cause: RowFault) -> Self {
        Self::Unreadable { cause: cause.into() }
    }
}
