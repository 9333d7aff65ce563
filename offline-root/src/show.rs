//! `show`: says in words what is in a file, of whatever kind of ours it is, with its SHA-256.
//!
//! Needs no directory and no secret, and believes nothing: signatures are verified where the file itself names the key.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::crl::parsed::{ParsedCrl, ReadCrlError};
use ca_core::exchange::{
    FRESH_SECONDS, MessageError, MessageKind, RequestError, ResponseError, SubordinateRequest,
    SubordinateResponse,
};
use ca_core::oid;
use ca_core::public_key::{PublicKey, PublicKeyError};
use der::pem;
use serde::Serialize;

use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::new_file;

/// The longest file that is read: 4 MiB.
const LIMIT: u64 = 4_194_304;

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// What it is.
    kind: &'static str,
    /// SHA-256 of its DER octets.
    sha256: String,
    /// What it says, in the order it says it.
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Field {
    name: &'static str,
    value: String,
}

impl Shown {
    fn new(kind: &'static str, der: &[u8]) -> Self {
        Self { kind, sha256: fingerprint::of(der), fields: Vec::new() }
    }

    /// Returns what it is.
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    fn say(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.fields.push(Field { name, value: value.to_string() });
        self
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.kind)?;
        for Field { name, value } in &self.fields {
            writeln!(f, "  {name:<22}  {value}")?;
        }
        write!(f, "  {:<22}  {}", "SHA-256", fingerprint::aloud(&self.sha256))
    }
}

/// Shows a file.
pub(crate) fn show(path: &Path) -> Result<Shown, ShowError> {
    let unreadable = |cause| ShowError::Unreadable { path: path.to_owned(), cause };
    let mut octets = Vec::new();
    File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut octets)).map_err(unreadable)?;
    match core::str::from_utf8(&octets) {
        Ok(text) if text.contains("-----BEGIN ") => show_text(text),
        Ok(_) | Err(_) => show_der(&octets),
    }
}

fn show_text(text: &str) -> Result<Shown, ShowError> {
    let label = pem::decode_label(text.trim_end().as_bytes()).map_err(|_| ShowError::Unknown)?;
    if label == MessageKind::SubordinateRequest.label() {
        return Ok(of_request(&SubordinateRequest::from_text(text)?));
    }
    if label == MessageKind::SubordinateResponse.label() {
        return Ok(of_response(&SubordinateResponse::from_text(text)?));
    }
    let (_, der) = pem::decode_vec(text.trim_end().as_bytes()).map_err(|_| ShowError::Unknown)?;
    match label {
        "CERTIFICATE" => Ok(of_certificate(&Certificate::from_der(&der)?)),
        "X509 CRL" => of_crl(&der),
        "PUBLIC KEY" => Ok(of_key(&PublicKey::from_spki_der(&der)?)),
        _ => Err(ShowError::Unknown),
    }
}

fn show_der(der: &[u8]) -> Result<Shown, ShowError> {
    if let Ok(certificate) = Certificate::from_der(der) {
        return Ok(of_certificate(&certificate));
    }
    // A CMP message begins like a CRL, and is none as a whole.
    match SubordinateRequest::from_der(der) {
        Ok(request) => return Ok(of_request(&request)),
        Err(RequestError::Message(MessageError::NotDer { .. })) => {}
        Err(error) => return Err(error.into()),
    }
    of_crl(der).map_err(|_| ShowError::Unknown)
}

fn of_request(request: &SubordinateRequest) -> Shown {
    let key = request.csr().public_key();
    Shown::new("Request for a certificate of a subordinate CA", request.der())
        .say("Subject", request.subject())
        .say("Profile", request.profile())
        .say("Key", format!("{}, {}", key.curve(), key.key_ref()))
        .say("Key SHA-256", hex::encode(key.fingerprint()))
        .say("Nonce", request.nonce())
        .say("Made", request.created())
        .say("Stale from", request.created().plus_seconds(FRESH_SECONDS))
        .say("Extensions asked for", request.csr().requested_extensions().len())
        .say("Signatures", "both verify under the key")
}

fn of_response(response: &SubordinateResponse) -> Shown {
    let parts = response.parts();
    let certificate = of_certificate(&parts.certificate);
    let mut shown = Shown::new("Response to a request for a certificate of a subordinate CA", response.der())
        .say("Nonce", parts.nonce)
        .say("Request SHA-256", hex::encode(parts.request_digest))
        .say("Made", parts.created)
        .say("Stale from", parts.created.plus_seconds(FRESH_SECONDS))
        .say("Exchange key SHA-256", hex::encode(parts.exchange_key.fingerprint()))
        .say("Signature", "verifies under the exchange key")
        .say("Root", parts.root.subject())
        .say("Root SHA-256", fingerprint::of(parts.root.der()))
        .say("CRL", if parts.crl.is_some() { "comes along" } else { "none" })
        .say("Certificate SHA-256", certificate.sha256);
    shown.fields.extend(certificate.fields);
    shown
}

fn of_certificate(certificate: &Certificate) -> Shown {
    let key = certificate.public_key();
    let own = certificate.issuer() == certificate.subject()
        && key.verify(certificate.tbs(), certificate.signature()).is_ok();
    let extensions: Vec<String> = certificate
        .extensions()
        .iter()
        .map(|extension| {
            format!(
                "{}{}",
                extension_name(extension.extn_id),
                if extension.critical { " (critical)" } else { "" }
            )
        })
        .collect();
    Shown::new("Certificate", certificate.der())
        .say("Subject", certificate.subject())
        .say("Issuer", certificate.issuer())
        .say("Serial", certificate.serial())
        .say("Not before", certificate.validity().not_before())
        .say("Not after", certificate.validity().not_after())
        .say("Key", format!("{}, {}", key.curve(), key.key_ref()))
        .say("CA", authority(certificate))
        .say("Extensions", extensions.join(", "))
        .say("Self-signed", if own { "yes, the signature verifies" } else { "no" })
}

fn authority(certificate: &Certificate) -> String {
    match certificate.basic_constraints() {
        Some(constraints) if constraints.ca => match constraints.path_len_constraint {
            Some(length) => format!("yes, path length {length}"),
            None => "yes, any path length".to_owned(),
        },
        Some(_) | None => "no".to_owned(),
    }
}

/// Returns the name of an extension (RFC 5280 §4.2), or its number.
pub(crate) fn extension_name(extension: der::oid::ObjectIdentifier) -> String {
    let known = [
        (oid::BASIC_CONSTRAINTS, "basicConstraints"),
        (oid::KEY_USAGE, "keyUsage"),
        (oid::EXTENDED_KEY_USAGE, "extKeyUsage"),
        (oid::SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier"),
        (oid::AUTHORITY_KEY_IDENTIFIER, "authorityKeyIdentifier"),
        (oid::CERTIFICATE_POLICIES, "certificatePolicies"),
        (oid::SUBJECT_ALT_NAME, "subjectAltName"),
        (oid::CRL_DISTRIBUTION_POINTS, "cRLDistributionPoints"),
        (oid::AUTHORITY_INFO_ACCESS, "authorityInfoAccess"),
        (oid::NAME_CONSTRAINTS, "nameConstraints"),
    ];
    let name = known.into_iter().find(|(oid, _)| *oid == extension);
    name.map_or_else(|| extension.to_string(), |(_, name)| name.to_owned())
}

fn of_crl(der: &[u8]) -> Result<Shown, ShowError> {
    let crl = ParsedCrl::from_der(der)?;
    let tbs = crl.tbs();
    let (this_update, next_update) = tbs.period()?;
    let mut shown = Shown::new("Certificate revocation list", der)
        .say("Issuer", issuer_of(tbs.issuer()))
        .say("Number", tbs.number()?)
        .say("This update", this_update)
        .say("Next update", next_update)
        .say("Entries", tbs.entries().count());
    for entry in tbs.entries().take(100) {
        let entry = entry?;
        shown = shown.say("Revoked", format!("{} at {}", entry.serial, entry.revocation_date));
    }
    Ok(shown)
}

fn issuer_of(der: &[u8]) -> String {
    ca_core::distinguished_name::DistinguishedName::from_der(der)
        .map_or_else(|_| hex::encode(der), |name| name.to_string())
}

fn of_key(key: &PublicKey) -> Shown {
    Shown::new("Public key", key.spki_der()).say("Curve", key.curve()).say("Key", key.key_ref())
}

/// Why a file is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShowError {
    /// The operating system refuses.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// None of the kinds known here.
    #[error("the file is neither a request, a response, a certificate, a CRL nor a public key")]
    Unknown,
    /// A request that is not in order.
    #[error("the request is not in order: {0}")]
    Request(#[from] RequestError),
    /// A response that is not in order.
    #[error("the response is not in order: {0}")]
    Response(#[from] ResponseError),
    /// A certificate that is not one of ours.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A CRL that is not one of ours.
    #[error(transparent)]
    Crl(#[from] ReadCrlError),
    /// A public key that is not one of ours.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}

impl Explained for ShowError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::Unknown => Exit::Usage,
            Self::Request(_) | Self::Response(_) | Self::Certificate(_) | Self::Crl(_) | Self::Key(_) => {
                Exit::Refused
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file.unreadable",
            Self::Unknown => "file.unknown",
            Self::Request(error) => error.code(),
            Self::Response(error) => error.code(),
            Self::Certificate(_) => "certificate.unreadable",
            Self::Crl(_) => "crl.unreadable",
            Self::Key(_) => "key.unacceptable",
        }
    }

    fn next(&self) -> String {
        "check the file, or ask for it again".to_owned()
    }
}
