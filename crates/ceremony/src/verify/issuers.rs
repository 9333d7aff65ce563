//! The roots of a ceremony by their certificates: those it founded, and those that it knows from before.

use std::collections::BTreeMap;

use ca_core::certificate::Certificate;
use ca_core::issuer::Issuer;

use super::course::Course;
use super::findings::Findings;
use crate::bundle::Bundle;
use crate::file::CeremonyFile;
use crate::file::act::{ActKind, RootKey};
use crate::file::root::{RootName, RootPlan};
use crate::record::certificate::derive;
use crate::record::{CertificateRecord, Content, Record, armour};
use crate::words::Fingerprint;

/// The certificates of roots, each able to be an issuer, of which every one certifies itself.
pub(super) struct Issuers(BTreeMap<RootName, Issuer>);

impl Issuers {
    /// Finds the certificate of each root that has one.
    pub(super) fn find(
        bundle: &Bundle,
        file: &CeremonyFile,
        (records, course): (&[Record], &Course),
        findings: &mut Findings,
    ) -> Self {
        let mut found = BTreeMap::new();
        for root in file.roots() {
            let Some(name) = certificate_file(file, root, records) else { continue };
            // What was broken off early took nothing in; what a step took in is missed by that step.
            if course.aborted && bundle.file(&name).is_none() {
                continue;
            }
            if let Some(issuer) = findings.take(&name, issuer(bundle, &name, (root, course))) {
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

fn issuer(bundle: &Bundle, name: &str, (root, course): (&RootPlan, &Course)) -> Result<Issuer, String> {
    let octets = bundle.file(name).ok_or("it is missing")?;
    let der = armour::der_of(octets, "CERTIFICATE")?;
    let stand_in = course.stand_ins.get(&root.name).copied();
    if stand_in.or(root.certificate).is_some_and(|wanted| wanted != Fingerprint::of(&der)) {
        let which = if stand_in.is_some() { "stood in" } else { "was reviewed" };
        return Err(format!("it is not the certificate of the root {} that {which}", root.name));
    }
    let certificate = Certificate::from_der(&der).map_err(|cause| cause.to_string())?;
    if stand_in.is_some() {
        check_stand_in(&certificate, root, course)?;
    }
    let itself = certificate.public_key().verify(certificate.tbs(), certificate.signature());
    itself.map_err(|_| "the root did not sign its own certificate")?;
    let not_after = certificate.validity().not_after();
    Issuer::new(certificate, root.tenant.clone(), not_after, root.points.clone())
        .map_err(|cause| cause.to_string())
}

/// A stand-in is what the root would be if it were founded by this file, with a key that the rehearsal made: its octets are
/// derived once more. When it begins is not reviewed.
fn check_stand_in(certificate: &Certificate, root: &RootPlan, course: &Course) -> Result<(), String> {
    let key = Fingerprint::new(certificate.public_key().fingerprint());
    if !course.keys.contains(&(root.name.clone(), RootKey::Root, key)) {
        return Err("its key was not made in this rehearsal".to_owned());
    }
    let name = root.subject.distinguished_name().map_err(|cause| cause.to_string())?;
    let profile = root.loaded.certificate(&root.profile);
    let profile = profile.ok_or_else(|| format!("there is no profile {}", root.profile))?;
    let parts = CertificateRecord::of(certificate, &root.profile, root, None).parts()?;
    let validity = profile.validity_at(parts.validity.not_before(), None);
    let same = certificate.subject().der() == name.der()
        && certificate.public_key().curve() == root.suite.curve()
        && validity == Some(parts.validity)
        && derive(&parts, profile, None)? == certificate.tbs();
    if same {
        Ok(())
    } else {
        Err(format!("it is not what the ceremony file says of the root {}", root.name))
    }
}
