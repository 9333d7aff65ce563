//! What a certificate was made of: profile, name, key, serial number, validity, issuer.

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::{Issuer, PublicationPoints, SignedBy};
use ca_core::oid;
use ca_core::profile::CertificateProfile;
use ca_core::public_key::PublicKey;
use ca_core::serial_number::SerialNumber;
use ca_core::subject::Subject;
use ca_core::validity::Validity;
use serde::{Deserialize, Serialize};

use crate::file::root::{ProfileChoice, RootPlan};
use crate::stated_time::StatedTime;
use crate::words::Fingerprint;

/// The record of a certificate. DER is written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    /// The profile.
    pub profile: String,
    /// Which profiles, and in which form.
    pub profiles: ProfileChoice,
    /// SHA-256 of the certificate of the root that signed it; absent where it signed itself.
    pub issuer: Option<Fingerprint>,
    /// `http://` URI of the root's CRL.
    pub crl: Option<String>,
    /// `http://` URI of the root's certificate.
    pub ca_issuers: Option<String>,
    /// The serial number.
    pub serial: String,
    /// notBefore.
    pub not_before: StatedTime,
    /// notAfter.
    pub not_after: StatedTime,
    /// The name, DER.
    pub subject: String,
    /// The value of subjectAltName, DER.
    pub alternative_names: Option<String>,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: String,
}

/// What a record says, read.
#[derive(Debug)]
pub(crate) struct CertificateParts {
    pub(crate) subject: Subject,
    pub(crate) public_key: PublicKey,
    pub(crate) serial: SerialNumber,
    pub(crate) validity: Validity,
}

impl CertificateRecord {
    /// Writes down what a certificate was made of. `issuer` is the certificate of the root that signed it, unless it signed
    /// itself.
    #[must_use]
    pub fn of(
        certificate: &Certificate,
        profile: &str,
        root: &RootPlan,
        issuer: Option<&Certificate>,
    ) -> Self {
        let validity = certificate.validity();
        let names = certificate.extension(oid::SUBJECT_ALT_NAME).map(|(_, value)| hex::encode(value));
        Self {
            profile: profile.to_owned(),
            profiles: root.profiles.clone(),
            issuer: issuer.map(|issuer| Fingerprint::of(issuer.der())),
            crl: root.points.crl.clone(),
            ca_issuers: root.points.ca_issuers.clone(),
            serial: certificate.serial().to_string(),
            not_before: StatedTime(validity.not_before()),
            not_after: StatedTime(validity.not_after()),
            subject: hex::encode(certificate.subject().der()),
            alternative_names: names,
            public_key: hex::encode(certificate.public_key().spki_der()),
        }
    }

    /// Returns the publication points.
    #[must_use]
    pub fn points(&self) -> PublicationPoints {
        PublicationPoints { crl: self.crl.clone(), ca_issuers: self.ca_issuers.clone(), ocsp: None }
    }

    /// Reads the values.
    pub(crate) fn parts(&self) -> Result<CertificateParts, String> {
        let octets =
            |key: &str, text: &String| hex::decode(text).map_err(|_| format!("{key} is not hexadecimal"));
        let name = DistinguishedName::from_der(&octets("subject", &self.subject)?)
            .map_err(|cause| cause.to_string())?;
        let names = self.alternative_names.as_ref();
        let names = names.map(|text| octets("alternative_names", text)).transpose()?;
        let spki = octets("public_key", &self.public_key)?;
        Ok(CertificateParts {
            subject: Subject::read(&name, names.as_deref()).map_err(|cause| cause.to_string())?,
            public_key: PublicKey::from_spki_der(&spki).map_err(|cause| cause.to_string())?,
            serial: SerialNumber::parse(&self.serial).map_err(|cause| cause.to_string())?,
            validity: Validity::new(self.not_before.0, self.not_after.0).ok_or("it ends before it begins")?,
        })
    }
}

/// Derives the to-be-signed octets.
pub(crate) fn derive(
    parts: &CertificateParts,
    profile: &CertificateProfile,
    issuer: Option<&Issuer>,
) -> Result<Vec<u8>, String> {
    let input = DraftInput {
        signed_by: issuer.map_or(SignedBy::Itself, SignedBy::Issuer),
        profile,
        subject: &parts.subject,
        public_key: &parts.public_key,
        serial: &parts.serial,
        validity: parts.validity,
        shard: None,
    };
    draft(&input).map_err(|cause| cause.to_string())
}
