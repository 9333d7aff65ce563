//! The roots of a ceremony by their certificates: those it founded, and those that it knows from before.

use std::collections::BTreeMap;

use ca_core::certificate::Certificate;
use ca_core::issuer::Issuer;

use super::findings::Findings;
use crate::bundle::Bundle;
use crate::file::CeremonyFile;
use crate::file::act::ActKind;
use crate::file::root::{RootName, RootPlan};
use crate::record::{Content, Record, armour};
use crate::words::Fingerprint;

/// The certificates of roots, each able to be an issuer, of which every one certifies itself.
pub(super) struct Issuers(BTreeMap<RootName, Issuer>);

impl Issuers {
    /// Finds the certificate of each root that has one.
    pub(super) fn find(
        bundle: &Bundle,
        file: &CeremonyFile,
        records: &[Record],
        findings: &mut Findings,
    ) -> Self {
        let mut found = BTreeMap::new();
        for root in file.roots() {
            let Some(name) = certificate_file(file, root, records) else { continue };
            if let Some(issuer) = findings.take(&name, issuer(bundle, &name, root)) {
                found.insert(root.name.clone(), issuer);
            }
        }
        Self(found)
    }

    /// Returns a root.
    pub(super) fn of(&self, root: &RootName) -> Result<&Issuer, String> {
        self.0.get(root).ok_or_else(|| format!("the certificate of the root {root} is not in the bundle"))
    }
}

/// A root from before lies among the inputs, one that was founded among the outputs.
fn certificate_file(file: &CeremonyFile, root: &RootPlan, records: &[Record]) -> Option<String> {
    if root.certificate.is_some() {
        return Some(format!("inputs/{}.crt", root.name));
    }
    let founds = |record: &&Record| {
        let act = file.act(record.act).map(|act| &act.kind);
        matches!(act, Some(ActKind::FoundRoot(act)) if act.root == root.name)
            && matches!(record.content, Content::Certificate(_))
    };
    records.iter().find(founds).map(Record::object_name)
}

fn issuer(bundle: &Bundle, name: &str, root: &RootPlan) -> Result<Issuer, String> {
    let octets = bundle.file(name).ok_or("it is missing")?;
    let der = armour::der_of(octets, "CERTIFICATE")?;
    if root.certificate.is_some_and(|wanted| wanted != Fingerprint::of(&der)) {
        return Err(format!("it is not the certificate of the root {} that was reviewed", root.name));
    }
    let certificate = Certificate::from_der(&der).map_err(|cause| cause.to_string())?;
    let itself = certificate.public_key().verify(certificate.tbs(), certificate.signature());
    itself.map_err(|_| "the root did not sign its own certificate")?;
    let not_after = certificate.validity().not_after();
    Issuer::new(certificate, root.tenant.clone(), not_after, root.points.clone())
        .map_err(|cause| cause.to_string())
}
