//! Good drafts for the tests of the rules, written octet by octet and open to damage.
//!
//! They share no code with the drafter or with the types the linter decodes with: DER is written here by hand.

use const_oid::ObjectIdentifier;
use der::Encode;

use crate::certificate::Certificate;
use crate::issuer::{Issuer, PublicationPoints, SignedBy};
use crate::lint::{LintInput, Linter};
use crate::oid;
use crate::profile::{
    AlternativeNameRule, Approval, CertificateProfile, ExtendedKeyUsageRule, Hierarchy, KeyReuse,
    KeyUsageBit, NameChange, Pointers, ProfileId, ProfileParts, RenewalRule, SubjectRule, ValidityRule,
};
use crate::public_key::{KeyIdentifierMethod, PublicKey};
use crate::sharding::{CrlPlan, GridPlace, Rest, Sharding};
use crate::suite::{Curve, SecuritySuite};
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// 2026-11-21T10:00:00Z.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

/// Writes one DER value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let mut all = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    all.extend_from_slice(value);
    all
}

/// Writes a SEQUENCE of values.
pub(crate) fn sequence(values: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &values.concat())
}

pub(crate) fn utc(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

pub(crate) fn generalized(text: &str) -> Vec<u8> {
    tlv(0x18, text.as_bytes())
}

pub(crate) fn identifier(oid: ObjectIdentifier) -> Vec<u8> {
    oid.to_der().unwrap()
}

/// Writes an extension of type, criticality and value.
pub(crate) fn with_criticality((oid, critical, value): &(ObjectIdentifier, bool, Vec<u8>)) -> Vec<u8> {
    let flag = if *critical { vec![0x01, 0x01, 0xFF] } else { Vec::new() };
    sequence(&[identifier(*oid), flag, tlv(0x04, value)])
}

/// Writes a name of single-valued RDNs: attribute type, string tag, text.
pub(crate) fn name(attributes: &[(ObjectIdentifier, u8, &str)]) -> Vec<u8> {
    let rdn = |(oid, tag, text): &(ObjectIdentifier, u8, &str)| {
        tlv(0x31, &sequence(&[identifier(*oid), tlv(*tag, text.as_bytes())]))
    };
    sequence(&attributes.iter().map(rdn).collect::<Vec<_>>())
}

pub(crate) fn device_name() -> Vec<u8> {
    name(&[(oid::COMMON_NAME, 0x0C, "4D504B0000000001")])
}

pub(crate) fn authority_name(common_name: &str) -> Vec<u8> {
    name(&[
        (oid::COUNTRY_NAME, 0x13, "DE"),
        (oid::ORGANIZATION_NAME, 0x0C, "Example Grid"),
        (oid::COMMON_NAME, 0x0C, common_name),
    ])
}

/// Returns the key whose private key is this small number.
pub(crate) fn key(curve: Curve, number: u8) -> PublicKey {
    let mut scalar = vec![0; curve.field_octets()];
    *scalar.last_mut().unwrap() = number;
    let point = match curve {
        Curve::P256 => p256::SecretKey::from_slice(&scalar).unwrap().public_key().to_sec1_bytes(),
        Curve::P384 => p384::SecretKey::from_slice(&scalar).unwrap().public_key().to_sec1_bytes(),
    };
    PublicKey::from_point(curve, &point).unwrap()
}

/// The fields of a `TBSCertificate`, each as DER; extensions as type, criticality and value.
#[derive(Clone)]
pub(crate) struct Tbs {
    pub version: Vec<u8>,
    pub serial: Vec<u8>,
    pub signature: Vec<u8>,
    pub issuer: Vec<u8>,
    pub not_before: Vec<u8>,
    pub not_after: Vec<u8>,
    pub subject: Vec<u8>,
    pub public_key: Vec<u8>,
    pub unique_identifiers: Vec<u8>,
    pub extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
    /// Writes critical FALSE, the default, which DER leaves out.
    pub writes_default: bool,
}

impl Tbs {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let extension = |extension: &(ObjectIdentifier, bool, Vec<u8>)| match extension {
            (oid, false, value) if self.writes_default => {
                sequence(&[identifier(*oid), vec![0x01, 0x01, 0x00], tlv(0x04, value)])
            }
            _ => with_criticality(extension),
        };
        let extensions: Vec<_> = self.extensions.iter().map(extension).collect();
        sequence(&[
            self.version.clone(),
            self.serial.clone(),
            self.signature.clone(),
            self.issuer.clone(),
            sequence(&[self.not_before.clone(), self.not_after.clone()]),
            self.subject.clone(),
            self.public_key.clone(),
            self.unique_identifiers.clone(),
            tlv(0xA3, &sequence(&extensions)),
        ])
    }

    /// Sets the value of an extension, or adds one that is not critical.
    pub(crate) fn set(&mut self, oid: ObjectIdentifier, value: Vec<u8>) {
        match self.extensions.iter_mut().find(|(known, ..)| *known == oid) {
            Some((_, _, old)) => *old = value,
            None => self.extensions.push((oid, false, value)),
        }
    }

    pub(crate) fn mark(&mut self, oid: ObjectIdentifier, critical: bool) {
        let found = self.extensions.iter_mut().find(|(known, ..)| *known == oid);
        found.expect("the extension is there").1 = critical;
    }

    pub(crate) fn remove(&mut self, oid: ObjectIdentifier) {
        let before = self.extensions.len();
        self.extensions.retain(|(known, ..)| *known != oid);
        assert!(self.extensions.len() < before, "the extension is there");
    }
}

/// A draft with everything the linter wants to know.
#[derive(Clone)]
pub(crate) struct Sample {
    pub tbs: Tbs,
    pub profile: CertificateProfile,
    pub issuer: Option<Issuer>,
    pub now: UnixTime,
}

impl Sample {
    /// Returns the names of the rules that the draft breaks.
    pub(crate) fn findings(&self) -> Vec<&'static str> {
        findings(&self.tbs.encode(), self)
    }

    pub(crate) fn damaged(mut self, damage: impl FnOnce(&mut Tbs)) -> Self {
        damage(&mut self.tbs);
        self
    }
}

/// Returns the names of the rules that the octets break in the circumstances of `sample`.
pub(crate) fn findings(tbs: &[u8], sample: &Sample) -> Vec<&'static str> {
    let input = LintInput {
        tbs,
        profile: &sample.profile,
        signed_by: sample.issuer.as_ref().map_or(SignedBy::Itself, SignedBy::Issuer),
        now: sample.now,
        shard: None,
    };
    let linter = Linter::new(Vec::new());
    linter.lint(&input).into_iter().map(|finding| finding.rule).collect()
}

/// Puts a signature that nobody looks at under a draft.
pub(crate) fn certificate(tbs: &Tbs) -> Certificate {
    let value = sequence(&[tlv(0x02, &[1]), tlv(0x02, &[1])]);
    let octets =
        sequence(&[tbs.encode(), tbs.signature.clone(), tlv(0x03, &[&[0], value.as_slice()].concat())]);
    Certificate::from_der(&octets).unwrap()
}

pub(crate) fn algorithm(curve: Curve) -> Vec<u8> {
    sequence(&[identifier(curve.signature_algorithm())])
}

pub(crate) fn uri(text: &str) -> Vec<u8> {
    tlv(0x86, text.as_bytes())
}

fn parts(id: &str, suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: ProfileId::parse(id).unwrap(),
        version: 1,
        suite,
        hierarchy: Hierarchy::Operational,
        subject: SubjectRule::SystemTitle,
        alternative_name: AlternativeNameRule::Absent,
        path_length: None,
        key_usage: vec![KeyUsageBit::DigitalSignature],
        extended_key_usage: None,
        validity: ValidityRule::Fixed { seconds: 3_600 },
        backdate_seconds: 300,
        issuing_window_seconds: None,
        policy: None,
        key_identifier: KeyIdentifierMethod::Sha1Full,
        pointers: Pointers::None,
        ocsp_no_check: false,
        full_length_signature: false,
        key_reuse: KeyReuse::Refused,
        name_change: NameChange::Refused,
        renewal: RenewalRule::DEFAULT,
        short_lived: false,
        revoke_replaced_after_seconds: None,
        approval: Approval::NotNeeded,
        transition_issuer: false,
        max_octets: 1_024,
    }
}

fn authority_parts(id: &str, suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        hierarchy: Hierarchy::Authority,
        subject: SubjectRule::DistinguishedName { max_octets: 127 },
        path_length: Some(0),
        key_usage: vec![KeyUsageBit::KeyCertSign, KeyUsageBit::CrlSign],
        ..parts(id, suite)
    }
}

/// A certificate with the fields that all samples share.
fn common(issuer: &Issuer, subject: Vec<u8>, key: &PublicKey, key_usage: [u8; 4]) -> Tbs {
    Tbs {
        version: tlv(0xA0, &tlv(0x02, &[2])),
        serial: tlv(0x02, &[0x09, 0xD4, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
        signature: algorithm(issuer.curve()),
        issuer: issuer.name().der().to_vec(),
        not_before: utc("261121095500Z"),
        not_after: utc("261121105959Z"),
        subject,
        public_key: key.spki_der().to_vec(),
        unique_identifiers: Vec::new(),
        extensions: vec![
            (oid::KEY_USAGE, true, key_usage.to_vec()),
            (oid::SUBJECT_KEY_IDENTIFIER, false, tlv(0x04, key.key_ref().octets())),
            (oid::AUTHORITY_KEY_IDENTIFIER, false, sequence(&[tlv(0x80, &issuer.key_identifier())])),
        ],
        writes_default: false,
    }
}

fn root_tbs(curve: Curve) -> Tbs {
    let key = key(curve, 1);
    Tbs {
        version: tlv(0xA0, &tlv(0x02, &[2])),
        serial: tlv(0x02, &[0x09, 0xD4, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1]),
        signature: algorithm(curve),
        issuer: authority_name("Root"),
        not_before: utc("260101000000Z"),
        not_after: generalized("99991231235959Z"),
        subject: authority_name("Root"),
        public_key: key.spki_der().to_vec(),
        unique_identifiers: Vec::new(),
        extensions: vec![
            (oid::BASIC_CONSTRAINTS, true, constraints(Some(1))),
            (oid::KEY_USAGE, true, vec![0x03, 0x02, 0x01, 0x06]),
            (oid::SUBJECT_KEY_IDENTIFIER, false, tlv(0x04, key.key_ref().octets())),
        ],
        writes_default: false,
    }
}

/// basicConstraints with cA TRUE.
pub(crate) fn constraints(path_length: Option<u8>) -> Vec<u8> {
    let length = path_length.map(|length| tlv(0x02, &[length])).unwrap_or_default();
    sequence(&[vec![0x01, 0x01, 0xFF], length])
}

fn issuer_of(tbs: &Tbs) -> Issuer {
    let tenant = TenantId::parse("grid").unwrap();
    let points = PublicationPoints::default();
    Issuer::new(certificate(tbs), tenant, UnixTime::NO_EXPIRY, points).unwrap()
}

pub(crate) fn root_issuer(curve: Curve) -> Issuer {
    issuer_of(&root_tbs(curve))
}

pub(crate) fn subordinate_issuer(curve: Curve) -> Issuer {
    issuer_of(&subordinate(curve).tbs)
}

/// A CA whose CRLs are divided along the grid, with deltas.
pub(crate) fn divided_issuer() -> Issuer {
    let issuer = subordinate_issuer(Curve::P256);
    let points = PublicationPoints {
        crl: Some("http://crl.example.net/sub.crl".to_owned()),
        ..issuer.points().clone()
    };
    let sharding = Sharding::AlongGrid { by: GridPlace::Region, rest: Rest::OneShard };
    Issuer::new(issuer.certificate().clone(), issuer.tenant().clone(), issuer.window_ends(), points)
        .and_then(|issuer| issuer.with_crl_plan(CrlPlan { sharding, deltas: true }))
        .unwrap()
}

fn suite_of(curve: Curve) -> SecuritySuite {
    match curve {
        Curve::P256 => SecuritySuite::Suite1,
        Curve::P384 => SecuritySuite::Suite2,
    }
}

/// A root.
pub(crate) fn root(curve: Curve) -> Sample {
    let parts = ProfileParts { path_length: Some(1), ..authority_parts("root", suite_of(curve)) };
    Sample { tbs: root_tbs(curve), profile: CertificateProfile::new(parts).unwrap(), issuer: None, now: NOW }
}

/// A CA below the root.
pub(crate) fn subordinate(curve: Curve) -> Sample {
    let issuer = root_issuer(curve);
    let mut tbs = common(&issuer, authority_name("Sub"), &key(curve, 2), [0x03, 0x02, 0x01, 0x06]);
    tbs.not_before = utc("260601000000Z");
    tbs.not_after = utc("410531235959Z");
    tbs.extensions.insert(0, (oid::BASIC_CONSTRAINTS, true, constraints(Some(0))));
    Sample {
        tbs,
        profile: CertificateProfile::new(authority_parts("sub", suite_of(curve))).unwrap(),
        issuer: Some(issuer),
        now: NOW,
    }
}

/// A meter's signature certificate.
pub(crate) fn device(curve: Curve) -> Sample {
    let issuer = subordinate_issuer(curve);
    let mut tbs = common(&issuer, device_name(), &key(curve, 3), [0x03, 0x02, 0x07, 0x80]);
    let policy = identifier(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.2"));
    tbs.set(oid::CERTIFICATE_POLICIES, sequence(&[sequence(&[policy])]));
    Sample {
        tbs,
        profile: CertificateProfile::new(parts("meter", suite_of(curve))).unwrap(),
        issuer: Some(issuer),
        now: NOW,
    }
}

/// A TLS server's certificate with every pointer.
pub(crate) fn server(curve: Curve) -> Sample {
    let issuer = subordinate_issuer(curve);
    let subject = name(&[(oid::COMMON_NAME, 0x0C, "est.example.net")]);
    let mut tbs = common(&issuer, subject, &key(curve, 4), [0x03, 0x02, 0x07, 0x80]);
    tbs.set(oid::EXTENDED_KEY_USAGE, sequence(&[identifier(oid::SERVER_AUTH)]));
    tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[tlv(0x82, b"est.example.net")]));
    tbs.set(oid::CRL_DISTRIBUTION_POINTS, distribution_point(&uri("http://crl.example.net/sub.crl")));
    tbs.set(
        oid::AUTHORITY_INFO_ACCESS,
        sequence(&[
            sequence(&[identifier(oid::ACCESS_OCSP), uri("http://ocsp.example.net")]),
            sequence(&[identifier(oid::ACCESS_CA_ISSUERS), uri("http://ca.example.net/sub.cer")]),
        ]),
    );
    let parts = ProfileParts {
        hierarchy: Hierarchy::Infrastructure,
        subject: SubjectRule::DistinguishedName { max_octets: 255 },
        alternative_name: AlternativeNameRule::DnsNames { required: true, max: 8 },
        extended_key_usage: Some(ExtendedKeyUsageRule { purposes: vec![oid::SERVER_AUTH], critical: false }),
        pointers: Pointers::CrlAndAccess,
        ..parts("server", suite_of(curve))
    };
    Sample { tbs, profile: CertificateProfile::new(parts).unwrap(), issuer: Some(issuer), now: NOW }
}

/// Writes cRLDistributionPoints with one point of one full name.
pub(crate) fn distribution_point(general_name: &[u8]) -> Vec<u8> {
    sequence(&[sequence(&[tlv(0xA0, &tlv(0xA0, general_name))])])
}
