//! One object with the date from which it is published, and what must hold of it and of a series of them.

use std::fmt;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::ParsedCrl;
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};
use status_server::repository::CrlStanding;

use crate::exit::{Exit, Failure};

/// An object and its date.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) date: UnixTime,
    pub(crate) sha256: [u8; 32],
    pub(crate) object: Object,
}

/// What is released.
#[derive(Debug, Clone)]
pub(crate) enum Object {
    /// A CRL of a root.
    Crl(KeptCrl),
    /// The certificate of a CA: a successor root, or one that links two roots.
    Certificate(Box<Certificate>),
}

/// A CRL of a root.
#[derive(Debug, Clone)]
pub(crate) struct KeptCrl {
    pub(crate) root: KeyRef,
    pub(crate) issuer: String,
    pub(crate) number: u64,
    pub(crate) this_update: UnixTime,
    pub(crate) next_update: UnixTime,
    der: Arc<[u8]>,
}

impl Release {
    pub(crate) fn der(&self) -> &[u8] {
        match &self.object {
            Object::Crl(crl) => &crl.der,
            Object::Certificate(certificate) => certificate.der(),
        }
    }

    /// The CRL, if it is one of this root.
    pub(crate) fn crl_of(&self, root: &KeyRef) -> Option<&KeptCrl> {
        match &self.object {
            Object::Crl(crl) if crl.root == *root => Some(crl),
            Object::Crl(_) | Object::Certificate(_) => None,
        }
    }

    /// The key that a kept certificate certifies.
    pub(crate) fn certified_key(&self) -> Option<PublicKey> {
        match &self.object {
            Object::Certificate(certificate) => Some(certificate.public_key().clone()),
            Object::Crl(_) => None,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Object::Crl(crl) => write!(f, "CRL {} of {}", crl.number, crl.issuer),
            Object::Certificate(one) => write!(f, "certificate of {} by {}", one.subject(), one.issuer()),
        }
    }
}

/// Reads objects and verifies each: a CRL under its root, a CA certificate under an anchor or under one that came with it.
pub(super) fn read_all(
    objects: Vec<(Vec<u8>, Option<UnixTime>)>,
    roots: &[Arc<Issuer>],
    mut anchors: Vec<PublicKey>,
) -> Result<Vec<Release>, Failure> {
    let (mut releases, mut certificates) = (Vec::new(), Vec::new());
    for (der, date) in objects {
        match Certificate::from_der(&der) {
            Ok(certificate) => certificates.push((certificate, date)),
            Err(_) => releases.push(read_crl(&der, date, roots)?),
        }
    }
    // OldWithNew is verified under the key that NewWithOld certifies: each round takes what the one before made possible.
    while !certificates.is_empty() {
        let verified = |certificate: &Certificate| {
            anchors.iter().any(|key| key.verify(certificate.tbs(), certificate.signature()).is_ok())
        };
        let (known, others): (Vec<_>, Vec<_>) =
            certificates.into_iter().partition(|(certificate, _)| verified(certificate));
        if known.is_empty() {
            return Err(stranger(&others));
        }
        for (certificate, date) in known {
            anchors.push(certificate.public_key().clone());
            releases.push(of_certificate(certificate, date)?);
        }
        certificates = others;
    }
    Ok(releases)
}

fn read_crl(der: &[u8], date: Option<UnixTime>, roots: &[Arc<Issuer>]) -> Result<Release, Failure> {
    let unreadable = |error: &dyn fmt::Display| Failure::new(Exit::Usage, "releases.unreadable", error);
    let crl = ParsedCrl::from_der(der).map_err(|error| unreadable(&error))?;
    let signs = |root: &Arc<Issuer>| {
        crl.tbs().issuer() == root.name().der() && crl.verify(root.certificate().public_key()).is_ok()
    };
    let root = roots.iter().find(|root| signs(root)).ok_or_else(|| {
        let message = "a CRL was signed by none of the roots above the authorities here";
        Failure::new(Exit::Refused, "releases.foreign", message)
    })?;
    let (this_update, next_update) = crl.tbs().period().map_err(|error| unreadable(&error))?;
    let number = crl.tbs().number().map_err(|error| unreadable(&error))?;
    let date = date.unwrap_or(this_update);
    if date < this_update || date >= next_update {
        let message = format!(
            "CRL {number} speaks from {this_update} to {next_update}: {date} is no date to release it"
        );
        return Err(Failure::new(Exit::Refused, "releases.date", message));
    }
    let (root, issuer, der) = (root.key(), root.name().to_string(), Arc::from(der));
    let object = Object::Crl(KeptCrl { root, issuer, number, this_update, next_update, der });
    Ok(release(object, date))
}

fn of_certificate(certificate: Certificate, date: Option<UnixTime>) -> Result<Release, Failure> {
    let refused = |code: &str, message: String| Failure::new(Exit::Refused, code, message);
    if !certificate.basic_constraints().is_some_and(|constraints| constraints.ca) {
        return Err(refused("releases.not-a-ca", format!("{} is no CA", certificate.subject())));
    }
    let date = date.unwrap_or_else(|| certificate.validity().not_before());
    if !certificate.validity().contains(date) {
        let message =
            format!("the certificate of {} is not valid on {date}, its date", certificate.subject());
        return Err(refused("releases.date", message));
    }
    Ok(release(Object::Certificate(Box::new(certificate)), date))
}

fn release(object: Object, date: UnixTime) -> Release {
    let mut release = Release { date, sha256: [0; 32], object };
    release.sha256 = Sha256::digest(release.der()).into();
    release
}

fn stranger(others: &[(Certificate, Option<UnixTime>)]) -> Failure {
    let names: Vec<String> = others.iter().map(|(one, _)| one.subject().to_string()).collect();
    let message =
        format!("certificates that no root above the authorities here vouches for: {}", names.join(", "));
    Failure::new(Exit::Refused, "releases.foreign", message).then(
        "take in the certificate that the old root gave to the new one (NewWithOld) with them, or before",
    )
}

/// Checks what is new among the CRLs of a root: numbers grow with the dates, and there is no time without a CRL.
///
/// A series may overtake another that is kept, as one does that was signed after a revocation.
pub(super) fn check_series(
    kept: &[Release],
    new: &[Release],
    root: &KeyRef,
    standing: Option<CrlStanding>,
) -> Result<(), Failure> {
    let mut new: Vec<Dated<'_>> = dated(new, root).collect();
    new.sort_by_key(|(_, crl)| crl.number);
    let Some((_, lowest)) = new.first() else { return Ok(()) };
    let highest = dated(kept, root).map(|(_, crl)| crl.number).chain(standing.map(|out| out.number)).max();
    if let Some(highest) = highest.filter(|highest| lowest.number <= *highest) {
        let message = format!(
            "CRL {} of {} comes too late: CRL {highest} is kept or out already",
            lowest.number, lowest.issuer
        );
        return Err(Failure::new(Exit::Conflict, "releases.number", message)
            .then("have the ceremony sign another series"));
    }
    for ((date, crl), (next_date, next)) in new.iter().zip(new.iter().skip(1)) {
        if next.number == crl.number || next_date <= date || next.this_update < crl.this_update {
            let message = format!(
                "CRL {} of {} for {next_date} does not follow CRL {} for {date}: numbers and dates grow together",
                next.number, crl.issuer, crl.number
            );
            return Err(Failure::new(Exit::Conflict, "releases.order", message));
        }
    }
    check_no_gap(dated(kept, root).chain(new).collect())
}

/// Checks that each CRL lasts until the next one is released, in the order in which they will be.
fn check_no_gap(mut all: Vec<Dated<'_>>) -> Result<(), Failure> {
    let overtaken: Vec<bool> = all.iter().map(|one| overtakes(&all, one)).collect();
    let mut overtaken = overtaken.into_iter();
    all.retain(|_| !overtaken.next().unwrap_or_default());
    all.sort_by_key(|(_, crl)| crl.number);
    for ((_, crl), (next_date, next)) in all.iter().zip(all.iter().skip(1)) {
        if crl.next_update < *next_date {
            let message = format!(
                "CRL {} of {} ends at {}, and CRL {} comes at {next_date}: for a time there would be none",
                crl.number, crl.issuer, crl.next_update, next.number
            );
            return Err(Failure::new(Exit::Refused, "releases.gap", message)
                .then("take in the whole series at once; if it is whole, the ceremony must make another"));
        }
    }
    Ok(())
}

/// A CRL and its date.
type Dated<'a> = (UnixTime, &'a KeptCrl);

/// Tells whether a CRL with a higher number has a date that is no later: this one will never be the newest that is due.
fn overtakes(all: &[Dated<'_>], (date, crl): &Dated<'_>) -> bool {
    all.iter().any(|(other_date, other)| other.number > crl.number && other_date <= date)
}

/// Tells whether a kept CRL will never be released, for another overtakes it.
pub(super) fn is_overtaken(kept: &[Release], release: &Release) -> bool {
    let Object::Crl(crl) = &release.object else { return false };
    let all: Vec<Dated<'_>> = dated(kept, &crl.root).collect();
    overtakes(&all, &(release.date, crl))
}

fn dated<'a>(releases: &'a [Release], root: &'a KeyRef) -> impl Iterator<Item = Dated<'a>> {
    releases.iter().filter_map(|release| release.crl_of(root).map(|crl| (release.date, crl)))
}
