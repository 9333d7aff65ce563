//! What certificates have in common: the shape by which they are put together, and the traits that are counted over each shape.

use std::collections::{BTreeMap, BTreeSet};

use ca_core::distinguished_name::DistinguishedName;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use der::oid::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
};

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
pub(super) const DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
pub(super) const ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");

/// The names of the bits of keyUsage, in their order (RFC 5280 §4.2.1.3).
pub(super) const USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// Extensions that every profile has, or that others of its lines decide of.
const USUAL: [ObjectIdentifier; 8] = [
    KEY_USAGE,
    ALTERNATIVE_NAME,
    BASIC_CONSTRAINTS,
    POLICIES,
    EXTENDED_KEY_USAGE,
    // Key identifiers of subject and issuer.
    ObjectIdentifier::new_unwrap("2.5.29.14"),
    ObjectIdentifier::new_unwrap("2.5.29.35"),
    // id-pkix-ocsp-nocheck.
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5"),
];

/// What certificates of one profile have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    /// The names of the bits of keyUsage.
    pub(super) usages: Vec<&'static str>,
    pub(super) purposes: Vec<ObjectIdentifier>,
    /// Whether the subject is a system title.
    pub(super) is_device: bool,
    /// The kinds of alternative names.
    pub(super) names: BTreeSet<&'static str>,
}

/// What is counted over the certificates of a shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) certificates: u64,
    pub(super) curves: BTreeSet<&'static str>,
    /// Lengths of validity in seconds, and how many have each.
    pub(super) lengths: BTreeMap<i64, u64>,
    pub(super) never_ends: bool,
    /// How many have a critical extendedKeyUsage.
    pub(super) critical_purposes: u64,
    pub(super) policies: BTreeMap<ObjectIdentifier, u64>,
    /// Extensions beside the usual ones.
    pub(super) extensions: BTreeSet<ObjectIdentifier>,
    pub(super) most_octets: usize,
    pub(super) most_subject_octets: usize,
    pub(super) most_names: usize,
    /// Whether alternative names come with requests, so that none is known.
    pub(super) names_asked: bool,
}

/// The same of one certificate.
pub(super) struct Seen {
    curve: &'static str,
    length: i64,
    never_ends: bool,
    critical_purposes: bool,
    policies: Vec<ObjectIdentifier>,
    extensions: Vec<ObjectIdentifier>,
    octets: usize,
    subject_octets: usize,
    names: usize,
}

impl Traits {
    pub(super) fn add(&mut self, seen: &Seen) {
        self.certificates = self.certificates.saturating_add(1);
        self.curves.insert(seen.curve);
        let count = self.lengths.entry(seen.length).or_default();
        *count = count.saturating_add(1);
        self.never_ends |= seen.never_ends;
        self.critical_purposes = self.critical_purposes.saturating_add(u64::from(seen.critical_purposes));
        for policy in &seen.policies {
            let count = self.policies.entry(*policy).or_default();
            *count = count.saturating_add(1);
        }
        self.extensions.extend(&seen.extensions);
        self.most_octets = self.most_octets.max(seen.octets);
        self.most_subject_octets = self.most_subject_octets.max(seen.subject_octets);
        self.most_names = self.most_names.max(seen.names);
    }
}

/// Reads one; nothing of an authority's, and nothing of one that cannot be read.
pub(super) fn of(der: &[u8]) -> Option<(Shape, Seen)> {
    let certificate = Certificate::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    let extensions = tbs.extensions().map_or(&[][..], Vec::as_slice);
    let value = |oid| {
        let found = extensions.iter().find(|extension| extension.extn_id == oid);
        found.map(|extension| extension.extn_value.as_bytes())
    };
    let constraints = value(BASIC_CONSTRAINTS).and_then(|value| BasicConstraints::from_der(value).ok());
    if constraints.is_some_and(|constraints| constraints.ca) {
        return None;
    }
    let usage = value(KEY_USAGE).and_then(|value| KeyUsage::from_der(value).ok());
    let purposes = value(EXTENDED_KEY_USAGE).and_then(|value| ExtendedKeyUsage::from_der(value).ok());
    let names = value(ALTERNATIVE_NAME).and_then(|value| SubjectAltName::from_der(value).ok());
    let names = names.map(|names| names.0).unwrap_or_default();
    let policies = value(POLICIES).and_then(|value| CertificatePolicies::from_der(value).ok());
    let subject = tbs.subject().to_der().ok()?;
    let title = DistinguishedName::from_der(&subject).ok().and_then(|name| name.system_title());
    let seconds = |time: &x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok();
    let (from, to) = (seconds(&tbs.validity().not_before)?, seconds(&tbs.validity().not_after)?);
    let mut purposes = purposes.map(|purposes| purposes.0).unwrap_or_default();
    purposes.sort_unstable();
    purposes.dedup();
    let shape = Shape {
        usages: usage.map(usages).unwrap_or_default(),
        purposes,
        is_device: title.is_some(),
        names: names.iter().map(kind).collect(),
    };
    let key = tbs.subject_public_key_info().to_der().ok();
    let curve = key.and_then(|key| PublicKey::from_spki_der(&key).ok()).map(|key| key.curve());
    let seen = Seen {
        curve: match curve {
            Some(Curve::P256) => "P-256",
            Some(Curve::P384) => "P-384",
            None => "another kind",
        },
        length: to.saturating_sub(from).saturating_add(1),
        critical_purposes: extensions.iter().any(|one| one.extn_id == EXTENDED_KEY_USAGE && one.critical),
        never_ends: to == ca_core::validity::UnixTime::NO_EXPIRY.seconds(),
        policies: policies.into_iter().flat_map(|all| all.0).map(|one| one.policy_identifier).collect(),
        extensions: extensions.iter().map(|one| one.extn_id).filter(|oid| !USUAL.contains(oid)).collect(),
        octets: der.len(),
        subject_octets: subject.len(),
        names: names.len(),
    };
    Some((shape, seen))
}

/// The names of the bits that are set.
fn usages(usage: KeyUsage) -> Vec<&'static str> {
    let bits = [
        KeyUsages::DigitalSignature,
        KeyUsages::NonRepudiation,
        KeyUsages::KeyEncipherment,
        KeyUsages::DataEncipherment,
        KeyUsages::KeyAgreement,
        KeyUsages::KeyCertSign,
        KeyUsages::CRLSign,
        KeyUsages::EncipherOnly,
        KeyUsages::DecipherOnly,
    ];
    let named = bits.into_iter().zip(USAGES);
    named.filter(|(bit, _)| usage.0.contains(*bit)).map(|(_, name)| name).collect()
}

/// The kind of an alternative name, as RFC 5280 §4.2.1.6 names it.
const fn kind(name: &GeneralName) -> &'static str {
    match name {
        GeneralName::OtherName(_) => "otherName",
        GeneralName::Rfc822Name(_) => "rfc822Name",
        GeneralName::DnsName(_) => "dNSName",
        GeneralName::DirectoryName(_) => "directoryName",
        GeneralName::EdiPartyName(_) => "ediPartyName",
        GeneralName::UniformResourceIdentifier(_) => "uniformResourceIdentifier",
        GeneralName::IpAddress(_) => "iPAddress",
        GeneralName::RegisteredId(_) => "registeredID",
    }
}
