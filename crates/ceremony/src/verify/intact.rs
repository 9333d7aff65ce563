//! A bundle that was verified: only then is it asked what its ceremony made.

use super::{Report, verify};
use crate::bundle::{Bundle, CEREMONY};
use crate::file::CeremonyFile;
use crate::file::act::ActKind;
use crate::file::root::RootName;
use crate::record::{Content, CrlStatement, Record, armour};
use crate::words::Fingerprint;

/// A bundle that is as the ceremony left it.
#[derive(Debug, Clone)]
pub struct IntactBundle {
    bundle: Bundle,
    file: CeremonyFile,
    manifest: Fingerprint,
    rehearsal: bool,
    records: Vec<Record>,
}

impl IntactBundle {
    /// Verifies a bundle.
    ///
    /// # Errors
    /// The report, when it is not intact.
    pub fn check(bundle: Bundle) -> Result<Self, Box<Report>> {
        let report = verify(&bundle);
        let file = bundle.file(CEREMONY).and_then(|octets| CeremonyFile::parse(octets).ok());
        let (true, Some(file), Some(manifest)) = (report.is_intact(), file, report.manifest) else {
            return Err(Box::new(report));
        };
        let records = bundle.files().filter(|(name, _)| name.starts_with("records/"));
        let records = records.filter_map(|(_, octets)| Record::read(octets).ok()).collect();
        Ok(Self { file, manifest, rehearsal: report.rehearsal, records, bundle })
    }

    /// Returns the ceremony file.
    #[must_use]
    pub const fn file(&self) -> &CeremonyFile {
        &self.file
    }

    /// Returns the SHA-256 of the manifest, by which the ceremony is known.
    #[must_use]
    pub const fn manifest(&self) -> &Fingerprint {
        &self.manifest
    }

    /// Tells whether it was a rehearsal.
    #[must_use]
    pub const fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// Lists the certificates that were signed, in DER, with their records.
    pub fn certificates(&self) -> impl Iterator<Item = (&Record, Vec<u8>)> {
        let signed = self.records.iter().filter(|record| matches!(record.content, Content::Certificate(_)));
        signed.filter_map(|record| Some((record, self.der(&record.object_name(), "CERTIFICATE")?)))
    }

    /// Lists the CRLs that were signed, in DER, with their records.
    pub fn crls(&self) -> impl Iterator<Item = (&Record, Vec<u8>)> {
        let signed = self.records.iter().filter(|record| matches!(record.content, Content::Crl(_)));
        signed.filter_map(|record| Some((record, self.der(&record.object_name(), "X509 CRL")?)))
    }

    /// Returns the certificate of a root that the ceremony founded or knew from before, in DER.
    #[must_use]
    pub fn root(&self, root: &RootName) -> Option<Vec<u8>> {
        let founds = |record: &Record| {
            let act = self.file.act(record.act).map(|act| &act.kind);
            matches!(act, Some(ActKind::FoundRoot(founding)) if founding.root == *root)
        };
        let founded = self.certificates().find(|(record, _)| founds(record)).map(|(_, der)| der);
        let known = || self.der(&format!("inputs/{root}.crt"), "CERTIFICATE");
        let from_before = self.file.root(root).is_some_and(|plan| plan.certificate.is_some());
        founded.or_else(|| from_before.then(known).flatten())
    }

    /// Returns what the last CRL of a root says: of those that were signed, or the one from before.
    pub(super) fn last_crl(&self, root: &RootName) -> Option<CrlStatement> {
        let signed = self.records.iter().filter(|record| record.root == *root);
        let statements = signed.filter_map(|record| match &record.content {
            Content::Crl(statement) => Some(statement),
            Content::Certificate(_) | Content::Response { .. } => None,
        });
        let last = statements.max_by_key(|statement| statement.number).cloned();
        last.or_else(|| {
            let octets = self.bundle.file(&format!("inputs/{root}.crl"))?;
            super::crls::read(octets).ok()
        })
    }

    fn der(&self, name: &str, label: &str) -> Option<Vec<u8>> {
        self.bundle.file(name).and_then(|octets| armour::der_of(octets, label).ok()).map(Into::into)
    }
}
