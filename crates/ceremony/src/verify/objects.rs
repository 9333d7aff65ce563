//! Every signed object: derived once more from its record, compared octet for octet, its signature and its rules checked.

use std::collections::BTreeMap;

use ca_core::certificate::{Certificate, to_be_signed};
use ca_core::crl::parsed::ParsedCrl;
use ca_core::exchange::{ExpectedResponse, SubordinateResponse};
use ca_core::issuer::{Issuer, SignedBy};
use ca_core::lint::{Finding, LintInput};

use super::Checked;
use super::course::{Course, SettledSerial};
use super::crls::Crls;
use super::expected;
use super::findings::Findings;
use super::issuers::Issuers;
use crate::bundle::Bundle;
use crate::file::CeremonyFile;
use crate::file::act::{Act, ActKind, FileName, RootKey};
use crate::file::root::RootPlan;
use crate::record::certificate::derive;
use crate::record::{CertificateRecord, Content, CrlStatement, Record, armour};
use crate::words::Fingerprint;

/// Checks every object.
pub(super) fn check(
    bundle: &Bundle,
    file: &CeremonyFile,
    course: &Course,
    (checked, findings): (&mut Checked, &mut Findings),
) {
    let records = records(bundle, course, findings);
    let issuers = Issuers::find(bundle, file, (&records, course), findings);
    let mut house =
        House { bundle, file, course, issuers: &issuers, crls: Crls::new(bundle, (file, course), findings) };
    let mut counts: BTreeMap<(u32, &'static str), usize> = BTreeMap::new();
    for record in in_order(&records) {
        let (kind, count) = match &record.content {
            Content::Certificate(_) => ("certificate", &mut checked.certificates),
            Content::Crl(_) => ("CRL", &mut checked.crls),
            Content::Response { .. } => ("response", &mut checked.responses),
        };
        *counts.entry((record.act, kind)).or_default() += 1;
        let name = record.object_name();
        if findings.take(&name, house.object(record)).is_some() {
            *count += 1;
        }
    }
    house.crls.remarks(findings);
    for act in file.acts().iter().filter(|act| course.ended.contains(&act.number)) {
        for (kind, wanted) in expected::counts(&act.kind) {
            let found = counts.get(&(act.number, kind)).copied().unwrap_or_default();
            if !wanted.contains(&found) {
                findings.note(None, format!("act {} made {found} objects of the kind {kind}", act.number));
            }
        }
    }
}

/// Reads the records; each has its object, each signed object its record.
fn records(bundle: &Bundle, course: &Course, findings: &mut Findings) -> Vec<Record> {
    let mut records = Vec::new();
    for (name, octets) in bundle.files().filter(|(name, _)| name.starts_with("records/")) {
        let Some(record) = findings.take(name, Record::read(octets)) else { continue };
        let signed = course.objects.get(&record.object).filter(|object| object.act == record.act);
        if record.file_name() != name {
            findings.note(Some(name), "it is the record of another object");
        } else if signed.is_none_or(|object| object.sha256.is_none()) {
            findings.note(Some(name), "no step signed its object by this act");
        } else {
            records.push(record);
        }
    }
    for (object, _) in course.objects.iter().filter(|(_, object)| object.sha256.is_some()) {
        if bundle.file(&format!("records/{object}.json")).is_none() {
            findings.note(Some(&format!("outputs/{object}")), "it has no record");
        }
    }
    records
}

/// In the order of acts, and of CRL numbers within one.
fn in_order(records: &[Record]) -> Vec<&Record> {
    let mut all: Vec<&Record> = records.iter().collect();
    all.sort_by_key(|record| match &record.content {
        Content::Crl(statement) => (record.act, statement.number),
        Content::Certificate(_) | Content::Response { .. } => (record.act, 0),
    });
    all
}

struct House<'a> {
    bundle: &'a Bundle,
    file: &'a CeremonyFile,
    course: &'a Course,
    issuers: &'a Issuers,
    crls: Crls,
}

impl House<'_> {
    fn object(&mut self, record: &Record) -> Result<(), String> {
        let act = self.file.act(record.act).ok_or("the ceremony file has no such act")?;
        if !act.kind.roots().contains(&&record.root) {
            return Err(format!("act {} has nothing to do with the root {}", act.number, record.root));
        }
        let plan = self.file.root(&record.root).ok_or("the ceremony file has no such root")?;
        let octets = self.bundle.file(&record.object_name()).ok_or("it is missing")?;
        let object = self.course.objects.get(&record.object).ok_or("no step made it")?;
        if object.sha256 != Some(Fingerprint::of(octets)) {
            return Err("it is not what was signed".to_owned());
        }
        let to_be_signed = match &record.content {
            Content::Certificate(made_of) => {
                let der = armour::der_of(octets, "CERTIFICATE")?;
                self.certificate((act, plan), made_of, &der)?
            }
            Content::Crl(statement) => {
                let der = armour::der_of(octets, "X509 CRL")?;
                self.crl((act, plan), statement, &der)?
            }
            Content::Response { certificate } => return self.response(act, plan, (certificate, octets)),
        };
        if object.to_be_signed != Some(Fingerprint::of(&to_be_signed)) {
            return Err("the octets that were signed are not those that were drafted and linted".to_owned());
        }
        Ok(())
    }

    fn certificate(
        &self,
        (act, plan): (&Act, &RootPlan),
        made_of: &CertificateRecord,
        der: &[u8],
    ) -> Result<Vec<u8>, String> {
        let certificate = Certificate::from_der(der).map_err(|cause| cause.to_string())?;
        let founds = matches!(act.kind, ActKind::FoundRoot(_));
        let issuer = if founds { None } else { Some(self.issuers.of(&plan.name)?) };
        let (parts, profile) = (made_of.parts()?, plan.loaded.certificate(&made_of.profile));
        let profile = profile.ok_or_else(|| format!("there is no profile {}", made_of.profile))?;
        // A link has the validity of what it links, which no profile file can say.
        let bound = profile.bound_to(parts.validity);
        let profile = bound.as_ref().unwrap_or(profile);
        expected::certificate(
            self.file,
            (self.bundle, self.issuers),
            (act, plan),
            (made_of, &parts, profile),
        )?;
        let derived = derive(&parts, profile, issuer)?;
        if derived != certificate.tbs() {
            return Err("its octets are not those that its record derives".to_owned());
        }
        let settled = |settled: &SettledSerial| settled.root == plan.name && settled.serial == made_of.serial;
        if self.course.settled.iter().any(settled) {
            return Err("its serial number was told to be used up by an interruption".to_owned());
        }
        let key = issuer.map_or_else(|| certificate.public_key(), |issuer| issuer.certificate().public_key());
        key.verify(certificate.tbs(), certificate.signature())
            .map_err(|_| format!("the root {} did not sign it", plan.name))?;
        let signed_by = issuer.map_or(SignedBy::Itself, SignedBy::Issuer);
        let input = LintInput { tbs: &derived, profile, signed_by, now: self.file.held(), shard: None };
        unobjectionable(&policies::lint::linter().lint(&input))?;
        Ok(derived)
    }

    fn crl(
        &mut self,
        (act, plan): (&Act, &RootPlan),
        statement: &CrlStatement,
        der: &[u8],
    ) -> Result<Vec<u8>, String> {
        let issuer = self.issuers.of(&plan.name)?;
        let crl = ParsedCrl::from_der(der).map_err(|cause| cause.to_string())?;
        let derived = statement.derive(issuer)?;
        if to_be_signed(der).map_err(|cause| cause.to_string())? != derived {
            return Err("its octets are not those that its record derives".to_owned());
        }
        crl.verify(issuer.certificate().public_key())
            .map_err(|_| format!("the root {} did not sign it", plan.name))?;
        expected::crl(act, issuer, statement)?;
        unobjectionable(&expected::broken_rules(plan, issuer, statement, &derived)?)?;
        self.crls.take((self.file, self.course), act, plan, statement)?;
        Ok(derived)
    }

    /// A response is opened as its receiver opens it.
    fn response(
        &self,
        act: &Act,
        plan: &RootPlan,
        (certificate, octets): (&FileName, &[u8]),
    ) -> Result<(), String> {
        let ActKind::SignSubCa(wanted) = &act.kind else { return Err("no request was answered".to_owned()) };
        let text = core::str::from_utf8(octets).map_err(|cause| cause.to_string())?;
        let response = SubordinateResponse::from_text(text).map_err(|cause| cause.to_string())?;
        let made = self.bundle.file(&format!("outputs/{certificate}")).ok_or("its certificate is missing")?;
        let parts = response.parts();
        let (exchange_key, now) = (parts.exchange_key.fingerprint(), parts.created);
        if parts.certificate.der() != &*armour::der_of(made, "CERTIFICATE")? {
            return Err("it carries another certificate".to_owned());
        }
        let issuer: &Issuer = self.issuers.of(&plan.name)?;
        if parts.root != *issuer.certificate() {
            return Err("it carries another root".to_owned());
        }
        let made = self
            .course
            .keys
            .iter()
            .find(|(root, purpose, _)| *root == plan.name && *purpose == RootKey::Exchange);
        if made.is_some_and(|(.., key)| *key.octets() != exchange_key) {
            return Err("another exchange key signed it than was made".to_owned());
        }
        let request = expected::request(self.bundle, &wanted.request)?;
        let expected = ExpectedResponse { request: &request, exchange_key: &exchange_key, now };
        response.verify(&expected).map(|_| ()).map_err(|cause| cause.to_string())
    }
}

fn unobjectionable(findings: &[Finding]) -> Result<(), String> {
    findings
        .first()
        .map_or(Ok(()), |first| Err(format!("it breaks {} rules, the first is {first}", findings.len())))
}
