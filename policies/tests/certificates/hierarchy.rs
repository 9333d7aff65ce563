//! A rehearsal PKI in which every embedded profile issues one certificate: fixed keys, clock, serial numbers and subjects.
//!
//! Used by the tests and by the program that writes the golden vectors. The keys are worth nothing: each private key is the
//! hash of a profile's name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::{Issuer, PublicationPoints, SignedBy};
use ca_core::lint::LintInput;
use ca_core::oid;
use ca_core::profile::{AlternativeNameRule, CertificateProfile, SubjectRule};
use ca_core::public_key::PublicKey;
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::signing::assemble;
use ca_core::subject::{AlternativeName, Subject};
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use p256::ecdsa::signature::Signer;
use policies::{ProfileSet, Settings};
use sha2::{Digest, Sha256, Sha384};

/// 2026-11-21T10:00:00Z: when end-entity certificates are issued. CAs are a day older, roots two.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

/// The profiles of a deployment with a CA for each CA profile.
pub(crate) struct Hierarchy {
    pub(crate) profiles: ProfileSet,
    authorities: BTreeMap<String, Issuer>,
}

/// What one profile made.
pub(crate) struct Drafted<'a> {
    pub(crate) profile: Cow<'a, CertificateProfile>,
    pub(crate) issuer: Option<&'a Issuer>,
    pub(crate) now: UnixTime,
    pub(crate) tbs: Vec<u8>,
}

impl Drafted<'_> {
    /// Returns what the linter wants to know, of these octets or of damaged ones.
    pub(crate) fn lint_input<'b>(&'b self, tbs: &'b [u8]) -> LintInput<'b> {
        let signed_by = self.issuer.map_or(SignedBy::Itself, SignedBy::Issuer);
        LintInput { tbs, profile: &self.profile, signed_by, now: self.now, shard: None }
    }
}

impl Hierarchy {
    /// Makes the CAs of the embedded profiles, roots first.
    pub(crate) fn new(settings: &Settings) -> Self {
        let profiles = ProfileSet::load_embedded(settings).unwrap();
        let mut hierarchy = Self { profiles, authorities: BTreeMap::new() };
        let mut waiting: Vec<String> = hierarchy
            .profiles
            .certificates()
            .filter(|profile| profile.is_authority())
            .map(|profile| profile.id().to_string())
            .collect();
        // Self-signed ones have no issuer to wait for.
        waiting.sort_by_key(|id| !hierarchy.profiles.issuers(id).is_empty());
        for id in waiting {
            let issuer = hierarchy.authority(&id);
            hierarchy.authorities.insert(id, issuer);
        }
        hierarchy
    }

    fn authority(&self, id: &str) -> Issuer {
        let drafted = self.drafted(id);
        let certificate = Certificate::from_der(&self.signed(&drafted)).unwrap();
        let window = drafted.profile.parts().issuing_window_seconds;
        let window_ends = window.map_or(UnixTime::NO_EXPIRY, |window| drafted.now.plus_seconds(window));
        let is_root = drafted.issuer.is_none();
        let points = PublicationPoints {
            crl: Some(format!("http://pki.example.net/{id}.crl")),
            ca_issuers: Some(format!("http://pki.example.net/{id}.cer")),
            ocsp: (!is_root).then(|| "http://ocsp.example.net".to_owned()),
        };
        Issuer::new(certificate, TenantId::parse("example").unwrap(), window_ends, points).unwrap()
    }

    /// Returns the CA of a profile.
    pub(crate) fn issuer(&self, id: &str) -> &Issuer {
        &self.authorities[id]
    }

    /// Drafts the certificate of a profile under the first of its issuers.
    pub(crate) fn drafted(&self, id: &str) -> Drafted<'_> {
        let is_authority = self.profiles.certificate(id).unwrap().is_authority();
        let issuer = self.profiles.issuers(id).first();
        let days_ago = match (is_authority, issuer) {
            (_, None) => 2,
            (true, Some(_)) => 1,
            (false, Some(_)) => 0,
        };
        let issuer = issuer.map(|issuer| self.issuer(issuer.as_str()));
        self.drafted_under(id, issuer, NOW.plus_seconds(-86_400 * days_ago))
    }

    /// Drafts the certificate of a profile under this issuer at this time, be they fit for it or not.
    pub(crate) fn drafted_under<'a>(
        &'a self,
        id: &str,
        issuer: Option<&'a Issuer>,
        now: UnixTime,
    ) -> Drafted<'a> {
        let profile = self.profiles.certificate(id).unwrap();
        let bound = issuer.and_then(|issuer| profile.bound_to(issuer.certificate().validity()));
        let profile = bound.map_or(Cow::Borrowed(profile), Cow::Owned);
        let random: [u8; 14] = Sha256::digest(id)[..14].try_into().unwrap();
        let input = DraftInput {
            signed_by: issuer.map_or(SignedBy::Itself, SignedBy::Issuer),
            profile: &profile,
            subject: &link_or(issuer, &profile),
            public_key: &Key::of(id, profile.curve()).public(),
            serial: &SerialNumber::draw(now, random).unwrap(),
            validity: profile.validity_at(now, None).unwrap(),
            shard: None,
        };
        let tbs = draft(&input).unwrap();
        Drafted { profile, issuer, now, tbs }
    }

    /// Signs a draft with the key of its issuer; returns the DER of the certificate.
    pub(crate) fn signed(&self, drafted: &Drafted<'_>) -> Vec<u8> {
        let id = drafted.profile.id().as_str();
        let issuer = self.profiles.issuers(id).first().map_or(id, |issuer| issuer.as_str());
        let curve = drafted.issuer.map_or_else(|| drafted.profile.curve(), Issuer::curve);
        assemble(&drafted.tbs, &Key::of(issuer, curve).sign(&drafted.tbs)).unwrap()
    }

    /// Returns the DER of the CA certificates above a profile, the nearest first.
    pub(crate) fn path_above(&self, id: &str) -> Vec<Vec<u8>> {
        let mut path = Vec::new();
        let mut at = self.profiles.issuers(id).first();
        while let Some(issuer) = at {
            path.push(self.issuer(issuer.as_str()).certificate().der().to_vec());
            at = self.profiles.issuers(issuer.as_str()).first();
        }
        path
    }
}

/// A link certificate names its issuer, whatever it certifies.
fn link_or(issuer: Option<&Issuer>, profile: &CertificateProfile) -> Subject {
    match issuer.filter(|_| profile.certifies_again()) {
        Some(issuer) => Subject::distinguished(issuer.name().clone()),
        None => subject(profile),
    }
}

fn subject(profile: &CertificateProfile) -> Subject {
    let id = profile.id().as_str();
    let attributes: &[(_, &str)] = match &profile.parts().subject {
        SubjectRule::SystemTitle | SubjectRule::Empty => {
            let mut subject = Subject::device(SystemTitle::new(*b"MPK\0\x01\xFE\xA0\x42"));
            subject.alternative_names = alternative_names(profile);
            return subject;
        }
        SubjectRule::Label16 => &[(oid::COMMON_NAME, "FIRMWARE-LINE-07")],
        SubjectRule::DistinguishedName { .. } if id.starts_with("est-tls") => {
            &[(oid::COMMON_NAME, "est.example.net")]
        }
        SubjectRule::DistinguishedName { .. } => {
            &[(oid::COUNTRY_NAME, "DE"), (oid::ORGANIZATION_NAME, "Example Grid"), (oid::COMMON_NAME, id)]
        }
    };
    let mut subject = Subject::distinguished(DistinguishedName::from_attributes(attributes).unwrap());
    subject.alternative_names = alternative_names(profile);
    subject
}

fn alternative_names(profile: &CertificateProfile) -> Vec<AlternativeName> {
    let id = profile.id().as_str();
    match profile.parts().alternative_name {
        AlternativeNameRule::DnsNames { required: true, .. } => {
            vec![AlternativeName::Dns("est.example.net".to_owned())]
        }
        AlternativeNameRule::DnsNames { .. } if id.starts_with("gw-op-tls") => {
            vec![AlternativeName::Dns("gw-0042.example.net".to_owned())]
        }
        AlternativeNameRule::UriOrEmail if id.starts_with("ra-operator") => {
            vec![AlternativeName::Email("officer@example.net".to_owned())]
        }
        AlternativeNameRule::Absent
        | AlternativeNameRule::HardwareModule { .. }
        | AlternativeNameRule::DnsNames { .. }
        | AlternativeNameRule::UriOrEmail => Vec::new(),
    }
}

/// The key pair of a profile.
pub(crate) enum Key {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl Key {
    pub(crate) fn of(id: &str, curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::P256(p256::ecdsa::SigningKey::from_slice(&Sha256::digest(id)).unwrap()),
            Curve::P384 => Self::P384(p384::ecdsa::SigningKey::from_slice(&Sha384::digest(id)).unwrap()),
        }
    }

    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::P256(key) => {
                PublicKey::from_point(Curve::P256, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::P384(key) => {
                PublicKey::from_point(Curve::P384, key.verifying_key().to_sec1_point(false).as_bytes())
            }
        }
        .unwrap()
    }

    /// Signs as RFC 6979 does, so that the same octets always get the same signature.
    fn sign(&self, message: &[u8]) -> EcdsaSignature {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                EcdsaSignature::from_fixed(Curve::P384, &signature.to_bytes())
            }
        }
        .unwrap()
    }
}
