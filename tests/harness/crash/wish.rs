//! A client's wish: one certification request under one label, kept until it is answered with a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::{Decode, Encode};
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};

use super::http::Credential;
use super::template::MADE_UNDER_ORDERS;

/// The certificates that a meter gets, in order: the profile's row, and whether the meter shows its own factory certificate
/// (otherwise its line speaks for it).
pub const STEPS: [(&str, bool); 4] = [
    ("meter-factory-tls", false),
    ("meter-factory-ds", false),
    ("meter-op-tls", true),
    ("meter-op-ds", true),
];

/// For whom a certificate is.
#[derive(Debug, Clone)]
pub enum For {
    /// A meter: its system title, its suite, which step, and what it holds from its first step.
    Meter {
        /// In hexadecimal.
        title: String,
        /// 1 or 2.
        suite: u8,
        /// Index into [`STEPS`].
        step: usize,
        /// Its factory certificate for TLS.
        factory: Option<Credential>,
    },
    /// A station of a line, certified in batches.
    Station,
    /// A device that is made under a production order.
    Made,
}

/// What the holder of a certificate says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is the right one.
    Accepted,
    /// It is not.
    Refused,
    /// Nothing.
    Left,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Left];

    /// Returns its word in the lines that the issuer is told.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accept",
            Self::Refused => "refuse",
            Self::Left => "silent",
        }
    }
}

/// A wish.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its number.
    pub number: u64,
    /// For whom.
    pub subject: For,
    /// The certification request, DER.
    pub csr: Vec<u8>,
    /// The key, PKCS#8.
    pub key: Vec<u8>,
    /// SHA-256 of the public key.
    pub fingerprint: Vec<u8>,
}

impl Wish {
    /// Makes the wish of a meter.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn of_meter(
        number: u64,
        title: &str,
        (suite, step): (u8, usize),
        factory: Option<Credential>,
    ) -> Self {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, DnValue::Utf8String(title.to_owned()));
        let subject = For::Meter { title: title.to_owned(), suite, step, factory };
        Self::new(number, subject, name, suite)
    }

    /// Makes the wish of a station.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn of_station(number: u64, common_name: &str) -> Self {
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, DnValue::PrintableString("DE".try_into().expect("printable")));
        name.push(DnType::OrganizationName, DnValue::Utf8String("Example Meters".to_owned()));
        name.push(DnType::CommonName, DnValue::Utf8String(common_name.to_owned()));
        Self::new(number, For::Station, name, 1)
    }

    /// Makes the wish of a device that is made under a production order.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn of_made(number: u64, title: &str) -> Self {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, DnValue::Utf8String(title.to_owned()));
        Self::new(number, For::Made, name, 1)
    }

    fn new(number: u64, subject: For, name: DistinguishedName, suite: u8) -> Self {
        let algorithm =
            if suite == 1 { &rcgen::PKCS_ECDSA_P256_SHA256 } else { &rcgen::PKCS_ECDSA_P384_SHA384 };
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        let csr = params.serialize_request(&key).expect("a request").der().to_vec();
        let fingerprint = Sha256::digest(key.subject_public_key_info()).to_vec();
        Self { number, subject, csr, key: key.serialize_der(), fingerprint }
    }

    /// Returns the profile, which is also the label.
    #[must_use]
    pub fn profile(&self) -> String {
        match &self.subject {
            For::Meter { suite, step, .. } => format!("{}-s{suite}", STEPS[*step].0),
            For::Station => "ra-station-s1".to_owned(),
            For::Made => MADE_UNDER_ORDERS.to_owned(),
        }
    }

    /// Returns the name of the authority that answers it.
    #[must_use]
    pub fn authority(&self) -> String {
        match &self.subject {
            For::Meter { suite, step, .. } if STEPS[*step].1 => format!("dso-operational-s{suite}"),
            For::Meter { suite, .. } => format!("maker-factory-s{suite}"),
            For::Station => "maker-infra-s1".to_owned(),
            For::Made => "maker-factory-s1".to_owned(),
        }
    }

    /// Returns the body of the request (RFC 7030 §4.2.1).
    #[must_use]
    pub fn body(&self) -> String {
        STANDARD.encode(&self.csr)
    }
}

/// Takes the certificate out of an answer (RFC 7030 §4.2.3); nothing when it is none.
#[must_use]
pub fn certificate_of(body: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let content = ContentInfo::from_der(&STANDARD.decode(text).ok()?).ok()?;
    let signed: SignedData = content.content.decode_as().ok()?;
    signed.certificates?.0.iter().next()?.to_der().ok()
}

/// Returns the serial number of a certificate.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn serial_of(certificate: &[u8]) -> Vec<u8> {
    let read: x509_cert::Certificate = Decode::from_der(certificate).expect("a certificate");
    read.tbs_certificate().serial_number().as_bytes().to_vec()
}
