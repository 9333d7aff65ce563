//! What the ceremony file wants of an object: a record is held against it, so that a record is no authority of its own.

use core::ops::RangeInclusive;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::SubordinateRequest;
use ca_core::issuer::Issuer;
use ca_core::lint::Finding;
use ca_core::lint::crl::{CrlLintInput, lint_crl};
use ca_core::octets::Octets;
use ca_core::profile::{CertificateProfile, CrlProfile};
use ca_core::public_key::PublicKey;
use ca_core::scope::CrlScope;
use ca_core::subject::SubjectName;
use ca_core::validity::Validity;

use super::issuers::Issuers;
use crate::bundle::Bundle;
use crate::file::CeremonyFile;
use crate::file::act::{Act, ActKind, InputFile, LinkCertificates};
use crate::file::root::RootPlan;
use crate::record::certificate::CertificateParts;
use crate::record::{CertificateRecord, CrlStatement, armour};
use crate::words::Fingerprint;

/// The profile of links between two generations of a root, without its suite.
const LINK_PROFILE: &str = "root-link";

/// The profile of a root's CRLs.
const CRL_PROFILE: &str = "crl-root";

/// How many objects of each kind an act makes.
pub(super) fn counts(kind: &ActKind) -> [(&'static str, RangeInclusive<usize>); 3] {
    let (certificates, crls, responses) = match kind {
        ActKind::FoundRoot(_) | ActKind::CrossCertificate(_) => (1..=1, 0..=0, 0..=0),
        ActKind::SignSubCa(_) => (1..=1, 0..=0, 0..=1),
        ActKind::LinkCertificates(_) => (2..=2, 0..=0, 0..=0),
        ActKind::Crl(_) => (0..=0, 1..=1, 0..=0),
        ActKind::CrlSeries(act) => (0..=0, act.periods.len()..=act.periods.len(), 0..=0),
        ActKind::Revoke(_) | ActKind::CloseSubCa(_) | ActKind::DestroyKey(_) => (0..=0, 0..=0, 0..=0),
    };
    [("certificate", certificates), ("CRL", crls), ("response", responses)]
}

/// Holds the record of a certificate against its act.
pub(super) fn certificate(
    file: &CeremonyFile,
    (bundle, issuers): (&Bundle, &Issuers),
    (act, plan): (&Act, &RootPlan),
    (made_of, parts, profile): (&CertificateRecord, &CertificateParts, &CertificateProfile),
) -> Result<(), String> {
    let founds = matches!(act.kind, ActKind::FoundRoot(_));
    let issuer = if founds { None } else { Some(issuers.of(&plan.name)?) };
    require(made_of.profiles == plan.profiles, "its profiles are not those of its root")?;
    require(made_of.points() == plan.points, "its publication points are not those of its root")?;
    let fingerprint = issuer.map(|issuer| Fingerprint::of(issuer.certificate().der()));
    require(made_of.issuer == fingerprint, "its record names another issuer")?;
    let Wish { profile: wanted, name, key, linked } = wish(file, (bundle, issuers), act, plan)?;
    require(
        made_of.profile == wanted,
        format!("its profile is {}, and {wanted} was reviewed", made_of.profile),
    )?;
    let SubjectName::Distinguished(subject) = &parts.subject.name else {
        return Err("its subject is a device".to_owned());
    };
    require(subject.der() == name.der(), format!("its subject is {subject}, and {name} was reviewed"))?;
    require(key.is_none_or(|key| key == parts.public_key), "its key is not the one that was reviewed")?;
    if let Some(linked) = linked {
        return valid_as(parts.validity, linked);
    }
    // from the time of the ceremony, for as long as the profile says.
    let wanted = profile.validity_at(file.held(), None);
    valid(parts.validity, wanted.ok_or("nothing says how long it is valid")?, issuer)
}

/// What the ceremony file wants of a certificate.
struct Wish {
    profile: String,
    name: DistinguishedName,
    /// The key of a new root is known to nobody before.
    key: Option<PublicKey>,
    /// A link is valid as long as what it links, and not for as long as a profile says.
    linked: Option<Validity>,
}

fn wish(
    file: &CeremonyFile,
    (bundle, issuers): (&Bundle, &Issuers),
    act: &Act,
    plan: &RootPlan,
) -> Result<Wish, String> {
    let (profile, name, key) = match &act.kind {
        ActKind::FoundRoot(_) => {
            let name = plan.subject.distinguished_name().map_err(|cause| cause.to_string())?;
            (plan.profile.clone(), name, None)
        }
        ActKind::SignSubCa(act) => {
            let request = request(bundle, &act.request)?;
            let key = request.csr().public_key().clone();
            (act.profile.to_string(), request.subject().clone(), Some(key))
        }
        ActKind::CrossCertificate(act) => {
            let (name, key) = neighbour(bundle, &act.request)?;
            (act.profile.to_string(), name, Some(key))
        }
        ActKind::LinkCertificates(act) => return link(issuers, act, plan),
        ActKind::Crl(_)
        | ActKind::CrlSeries(_)
        | ActKind::Revoke(_)
        | ActKind::CloseSubCa(_)
        | ActKind::DestroyKey(_) => {
            return Err(format!("act {} of {} makes no certificate", act.number, file.title()));
        }
    };
    Ok(Wish { profile, name, key, linked: None })
}

/// RFC 9810 §4.4.1: the other root's name and key, until the old root ends.
fn link(issuers: &Issuers, act: &LinkCertificates, plan: &RootPlan) -> Result<Wish, String> {
    let old = issuers.of(&act.old)?.certificate();
    let other = if plan.name == act.old { issuers.of(&act.new)?.certificate() } else { old };
    let linked = Validity::new(other.validity().not_before(), old.validity().not_after());
    Ok(Wish {
        profile: format!("{LINK_PROFILE}-{}", plan.suite.suffix()),
        name: other.subject().clone(),
        key: Some(other.public_key().clone()),
        linked: Some(linked.ok_or("the old root ends before the new one begins")?),
    })
}

/// As long as was wanted, and never beyond the root that signs.
fn valid(validity: Validity, wanted: Validity, issuer: Option<&Issuer>) -> Result<(), String> {
    let Some(issuer) = issuer else { return valid_as(validity, wanted) };
    let outer = issuer.certificate().validity();
    let within = outer.contains(validity.not_before()) && outer.contains(validity.not_after());
    require(within, "it is valid beyond its root")?;
    let begins = wanted.not_before().max(outer.not_before());
    valid_as(validity, Validity::new(begins, wanted.not_after()).unwrap_or(wanted))
}

/// RFC 9810 §4.4.1: a link to an old root begins with that root, before the new one that signs it.
fn valid_as(validity: Validity, wanted: Validity) -> Result<(), String> {
    let (from, until) = (validity.not_before(), validity.not_after());
    let (begin, end) = (wanted.not_before(), wanted.not_after());
    require(
        validity == wanted,
        format!("it is valid from {from} to {until}, and {begin} to {end} was reviewed"),
    )
}

/// Reads a request for a sub-CA.
pub(super) fn request(bundle: &Bundle, input: &InputFile) -> Result<SubordinateRequest, String> {
    let octets = file_of(bundle, input)?;
    SubordinateRequest::from_file(octets).map_err(|cause| format!("{}: {cause}", input.name))
}

/// Reads what shows name and key of another CA: a certification request, or a certificate that it signed for itself.
fn neighbour(bundle: &Bundle, input: &InputFile) -> Result<(DistinguishedName, PublicKey), String> {
    let octets = file_of(bundle, input)?;
    let as_certificate = armour::der_of(octets, "CERTIFICATE")
        .and_then(|der| Certificate::from_der(&der).map_err(|cause| cause.to_string()));
    if let Ok(certificate) = as_certificate {
        return Ok((certificate.subject().clone(), certificate.public_key().clone()));
    }
    let der =
        armour::der_of(octets, "CERTIFICATE REQUEST").map_err(|what| format!("{}: {what}", input.name))?;
    let csr = CertificationRequest::from_der(&der).map_err(|cause| format!("{}: {cause}", input.name))?;
    Ok((csr.subject().clone(), csr.public_key().clone()))
}

fn file_of<'a>(bundle: &'a Bundle, input: &InputFile) -> Result<&'a [u8], String> {
    bundle.file(&format!("inputs/{}", input.name)).ok_or_else(|| format!("{} is missing", input.name))
}

/// Holds the times of a CRL against its act.
pub(super) fn crl(act: &Act, issuer: &Issuer, statement: &CrlStatement) -> Result<(), String> {
    let periods = act.kind.periods();
    let not_after = issuer.certificate().validity().not_after();
    let (from, until) = (statement.this_update.0, statement.next_update.0);
    let wanted =
        periods.iter().any(|period| period.this_update == from && period.next_update.min(not_after) == until);
    require(wanted, format!("it speaks from {from} to {until}, which was not reviewed"))
}

/// Holds a CRL against the rules.
pub(super) fn broken_rules(
    plan: &RootPlan,
    issuer: &Issuer,
    statement: &CrlStatement,
    tbs: &[u8],
) -> Result<Vec<Finding>, String> {
    let longest = plan.loaded.crl(CRL_PROFILE).ok_or("there is no profile of the CRLs of roots")?;
    let seconds = statement.next_update.0.seconds().saturating_sub(statement.this_update.0.seconds());
    let profile = CrlProfile::offline(seconds, longest.reissue_seconds().min(seconds / 2))
        .map_err(|cause| cause.to_string())?;
    let input = CrlLintInput {
        tbs: &Octets::from(tbs.to_vec()),
        issuer,
        profile: &profile,
        scope: &CrlScope::All,
        base: None,
    };
    Ok(lint_crl(&input))
}

fn require(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}
