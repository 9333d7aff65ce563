//! The roots of earlier ceremonies for which a rehearsal makes stand-ins, and what it has to know of each: the certificate, and
//! those that the root issued and the ceremony file names by their serial numbers.
//!
//! Read from the ledger of the root, where the room has one, or else from the bundle of the previous ceremony. Nothing is
//! written there, and no key is looked for.

use std::path::{Path, PathBuf};

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::record::CertificateStatus;
use ca_core::serial_number::SerialNumber;
use ceremony::earlier::PreviousCeremony;
use ceremony::file::CeremonyFile;
use ceremony::file::root::{RootName, RootPlan};
use ceremony::record::Content;
use ceremony::words::Fingerprint;

use crate::explain::{Exit, Explained};
use crate::ledger_file::{FileLedger, OpenLedgerError};

/// A root of an earlier ceremony.
#[derive(Debug)]
pub(crate) struct Original {
    pub(crate) root: RootName,
    pub(crate) certificate: Certificate,
    /// What it issued and the file names, each once.
    pub(crate) named: Vec<Issued>,
}

/// A certificate that a root issued.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) certificate: Certificate,
    /// Its profile, with the suite.
    pub(crate) profile: String,
}

/// Where roots of earlier ceremonies are known from.
#[derive(Debug)]
pub(crate) struct KnownFrom<'a> {
    /// The roots of the room.
    pub(crate) roots: PathBuf,
    /// The previous ceremony.
    pub(crate) previous: Option<&'a PreviousCeremony>,
}

impl KnownFrom<'_> {
    /// Finds every root of an earlier ceremony.
    pub(crate) fn originals(&self, file: &CeremonyFile) -> Result<Vec<Original>, OriginalError> {
        let pinned = file.roots().iter().filter_map(|plan| Some((plan, plan.certificate?)));
        pinned.map(|(plan, wanted)| self.original(file, plan, &wanted)).collect()
    }

    fn original(
        &self,
        file: &CeremonyFile,
        plan: &RootPlan,
        wanted: &Fingerprint,
    ) -> Result<Original, OriginalError> {
        let root = &plan.name;
        let ledger = self.roots.join(root.as_str()).join("ledger");
        let all = if ledger.is_dir() { in_ledger(&ledger)? } else { self.in_bundle(plan)? };
        let own = all.iter().find(|issued| Fingerprint::of(issued.certificate.der()) == *wanted);
        let own = own.ok_or_else(|| OriginalError::RootUnknown { root: root.clone() })?;
        let certificate = own.certificate.clone();
        let mut named: Vec<Issued> = Vec::new();
        for serial in serials(file, root) {
            if named.iter().any(|issued| issued.certificate.serial() == serial) {
                continue;
            }
            let is = |issued: &&Issued| issued.certificate.serial() == serial;
            let unknown = || OriginalError::SerialUnknown { root: root.clone(), serial: serial.clone() };
            named.push(all.iter().find(is).cloned().ok_or_else(unknown)?);
        }
        Ok(Original { root: root.clone(), certificate, named })
    }

    /// The root, and what it signed in the previous ceremony.
    fn in_bundle(&self, plan: &RootPlan) -> Result<Vec<Issued>, OriginalError> {
        let Some(bundle) = self.previous.map(PreviousCeremony::bundle) else { return Ok(Vec::new()) };
        let own = bundle.root(&plan.name).map(|der| (plan.profile.clone(), der));
        let signed = bundle.certificates().filter_map(|(record, der)| match &record.content {
            Content::Certificate(made_of) if record.root == plan.name => Some((made_of.profile.clone(), der)),
            Content::Certificate(_) | Content::Crl(_) | Content::Response { .. } => None,
        });
        own.into_iter().chain(signed).map(|(profile, der)| read(profile, &der)).collect()
    }
}

/// What a root issued and nobody revoked.
fn in_ledger(ledger: &Path) -> Result<Vec<Issued>, OriginalError> {
    let rows = FileLedger::inspect(ledger)?.certificates.into_iter();
    let good = rows.filter(|row| row.status == CertificateStatus::Good);
    good.map(|row| read(row.profile.to_string(), &row.certificate)).collect()
}

fn read(profile: String, der: &[u8]) -> Result<Issued, OriginalError> {
    Ok(Issued { certificate: Certificate::from_der(der)?, profile })
}

/// The serial numbers that the acts of a root name.
fn serials<'a>(file: &'a CeremonyFile, root: &RootName) -> impl Iterator<Item = &'a SerialNumber> {
    let kinds = file.acts().iter().map(|act| &act.kind);
    kinds.filter(move |kind| kind.roots().contains(&root)).filter_map(|kind| kind.serial())
}

/// Why nothing can stand in for a root.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OriginalError {
    /// Its certificate is not there.
    #[error(
        "the root {root} is from an earlier ceremony, and its certificate is neither in this room nor in the bundle of the previous ceremony"
    )]
    RootUnknown {
        /// Which root.
        root: RootName,
    },
    /// A certificate that the file names is not there.
    #[error(
        "the ceremony file names the certificate {serial} of the root {root}, and no valid one of this number is known"
    )]
    SerialUnknown {
        /// Which root.
        root: RootName,
        /// The serial number.
        serial: SerialNumber,
    },
    /// Another rehearsal left a root of this name.
    #[error("another rehearsal left a root {root} in this room")]
    RootLeft {
        /// Which root.
        root: RootName,
    },
    /// The ledger of the root is not in order.
    #[error(transparent)]
    Ledger(#[from] OpenLedgerError),
    /// A certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl Explained for OriginalError {
    fn exit(&self) -> Exit {
        match self {
            Self::RootUnknown { .. } | Self::SerialUnknown { .. } => Exit::NotFound,
            Self::RootLeft { .. } => Exit::Conflict,
            Self::Ledger(error) => error.exit(),
            Self::Certificate(_) => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::RootUnknown { .. } => "rehearsal.root-unknown",
            Self::SerialUnknown { .. } => "rehearsal.serial-unknown",
            Self::RootLeft { .. } => "rehearsal.root-left",
            Self::Ledger(error) => error.code(),
            Self::Certificate(_) => "certificate.altered",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::RootUnknown { .. } => {
                "check the SHA-256 in the file; then rehearse in the room, or in one with a copy of roots/NAME/ledger, or name the bundle of the previous ceremony: --previous BUNDLE"
            }
            Self::SerialUnknown { .. } => {
                "check the number in the file; if it is right, rehearse in the room, or in one with a copy of roots/NAME/ledger"
            }
            Self::RootLeft { .. } => "move the directory REHEARSAL of the room away, and rehearse anew",
            Self::Ledger(error) => return error.next(),
            Self::Certificate(_) => "stop, sign nothing, and compare the room with its copies",
        }
        .to_owned()
    }
}
