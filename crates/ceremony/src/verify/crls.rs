//! The CRLs of each root in a row: numbers rise, and nothing that stood on one is missing on the next (RFC 5280 §5.2.3).

use std::collections::{BTreeMap, BTreeSet};

use ca_core::crl::parsed::ParsedCrl;
use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;

use super::course::Course;
use super::findings::Findings;
use crate::bundle::Bundle;
use crate::file::CeremonyFile;
use crate::file::act::{Act, ActKind, Revoke};
use crate::file::root::{RootName, RootPlan};
use crate::record::crl::RevokedSerial;
use crate::record::{CrlStatement, armour};
use crate::stated_time::StatedTime;

/// The last CRL of each root so far.
pub(super) struct Crls {
    last: BTreeMap<RootName, CrlStatement>,
    /// Roots from before of which no earlier CRL is in the bundle.
    unknown: BTreeSet<RootName>,
    made: BTreeSet<RootName>,
}

impl Crls {
    /// Begins with the CRLs from before, which lie among the inputs as `ROOT.crl`. A stand-in has signed none.
    pub(super) fn new(
        bundle: &Bundle,
        (file, course): (&CeremonyFile, &Course),
        findings: &mut Findings,
    ) -> Self {
        let mut crls = Self { last: BTreeMap::new(), unknown: BTreeSet::new(), made: BTreeSet::new() };
        let from_before =
            |root: &&RootPlan| root.certificate.is_some() && !course.stand_ins.contains_key(&root.name);
        for root in file.roots().iter().filter(from_before) {
            let name = format!("inputs/{}.crl", root.name);
            let Some(octets) = bundle.file(&name) else {
                crls.unknown.insert(root.name.clone());
                continue;
            };
            if let Some(statement) = findings.take(&name, read(octets)) {
                crls.last.insert(root.name.clone(), statement);
            }
        }
        crls
    }

    /// Takes the next CRL of a root.
    pub(super) fn take(
        &mut self,
        (file, course): (&CeremonyFile, &Course),
        act: &Act,
        plan: &RootPlan,
        statement: &CrlStatement,
    ) -> Result<(), String> {
        let previous = self.last.insert(plan.name.clone(), statement.clone());
        let previous_number = previous.as_ref().map_or(0, |previous| previous.number);
        // RFC 5280 §5.2.3: the number of each CRL is above that of the one before.
        if statement.number <= previous_number {
            return Err(format!("its number {} is not above {previous_number}", statement.number));
        }
        let before = previous.map(|previous| previous.entries).unwrap_or_default();
        if let Some(gone) = before.iter().find(|entry| !statement.entries.contains(entry)) {
            return Err(format!("{} stood on the CRL before, and not on this one", gone.serial));
        }
        let revoked = revoked(file, act, plan);
        if let Some(missing) = revoked.iter().find(|entry| !lists(statement, entry)) {
            return Err(format!("{} was revoked, and does not stand on it", missing.serial));
        }
        let uncertain = uncertain(course, act, plan);
        let listed = |serial: &&str| statement.entries.iter().any(|entry| entry.serial == **serial);
        if let Some(missing) = uncertain.iter().find(|serial| !listed(serial)) {
            return Err(format!("nobody can tell whether {missing} was signed, and it does not stand on it"));
        }
        let known = |entry: &&RevokedSerial| {
            before.contains(entry)
                || revoked.iter().any(|revoked| is(entry, revoked))
                || uncertain.iter().any(|serial| is_uncertain(entry, serial))
        };
        let from_before = self.unknown.contains(&plan.name) && self.made.insert(plan.name.clone());
        match statement.entries.iter().find(|entry| !known(entry)) {
            Some(entry) if !from_before => {
                Err(format!("{} stands on it, and nobody revoked it", entry.serial))
            }
            _ => Ok(()),
        }
    }

    /// Says of which roots nobody can tell from the bundle what stood on the CRL before.
    pub(super) fn remarks(&self, findings: &mut Findings) {
        for root in self.made.intersection(&self.unknown) {
            findings.remark(format!("the CRL before this ceremony of the root {root} is not in the bundle"));
        }
    }
}

/// Reads what a CRL in a file says.
pub(super) fn read(octets: &[u8]) -> Result<CrlStatement, String> {
    let der = armour::der_of(octets, "X509 CRL")?;
    let crl = ParsedCrl::from_der(&der).map_err(|cause| cause.to_string())?;
    CrlStatement::of(&crl)
}

/// What earlier acts of the ceremony revoked.
fn revoked<'a>(file: &'a CeremonyFile, act: &Act, plan: &RootPlan) -> Vec<&'a Revoke> {
    let mut revoked = Vec::new();
    for earlier in file.acts().iter().take_while(|earlier| earlier.number < act.number) {
        if let ActKind::Revoke(revoke) = &earlier.kind
            && revoke.root == plan.name
        {
            revoked.push(revoke);
        }
    }
    revoked
}

/// Serial numbers of which it was told, by this act or an earlier one, that nobody knows whether they were signed.
fn uncertain<'a>(course: &'a Course, act: &Act, plan: &RootPlan) -> Vec<&'a str> {
    let told = course.settled.iter().filter(|settled| settled.uncertain && settled.root == plan.name);
    told.filter(|settled| settled.act <= act.number).map(|settled| settled.serial.as_str()).collect()
}

/// An uncertain serial number is listed without a reason.
fn is_uncertain(entry: &RevokedSerial, serial: &str) -> bool {
    entry.serial == serial
        && entry.reason == ReasonCode::Unspecified.name()
        && entry.invalidity_date.is_none()
}

fn lists(statement: &CrlStatement, revoke: &Revoke) -> bool {
    statement.entries.iter().any(|entry| is(entry, revoke))
}

fn is(entry: &RevokedSerial, revoke: &Revoke) -> bool {
    SerialNumber::parse(&entry.serial).is_ok_and(|serial| serial == revoke.serial)
        && entry.reason == revoke.reason.name()
        && entry.invalidity_date == revoke.invalidity_date.map(StatedTime)
}
