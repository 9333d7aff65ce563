//! A certificate and its key in one file: replaced by one rename, so that they always belong together.
//!
//! PEM (RFC 7468): the certificate first, then the key where it is not on a token. Mode 0600.

use std::path::{Path, PathBuf};

use ca_core::certificate::Certificate;
use client_kit::FileKey;
use der::pem::LineEnding;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::private_text;

/// What a credential file holds.
pub(crate) struct CredentialFile {
    /// DER certificates, the own one first.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// The own one, read.
    pub(crate) certificate: Certificate,
    /// The key, if it is in the file.
    pub(crate) key: Option<FileKey>,
}

impl CredentialFile {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_text(path)?;
        let faulty = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, "credential.faulty", format!("{}: {error}", path.display()))
        };
        let certificates = certificates(text.as_bytes()).map_err(|error| faulty(&error))?;
        let first = certificates.first().ok_or_else(|| faulty(&"there is no certificate in it"))?;
        let certificate = Certificate::from_der(first).map_err(|error| faulty(&error))?;
        let key = match text.contains("PRIVATE KEY-----") {
            true => Some(FileKey::from_pem(private_key(&text)).map_err(|error| faulty(&error))?),
            false => None,
        };
        if key.as_ref().is_some_and(|key| key.public() != certificate.public_key()) {
            return Err(faulty(&"the key in it is not the key of the certificate"));
        }
        Ok(Self { certificates, certificate, key })
    }
}

/// Writes certificate and key, in the place of what was there.
pub(crate) fn replace(path: &Path, certificate: &[u8], key: Option<&FileKey>) -> Result<(), Failure> {
    let mut text = Zeroizing::new(pem("CERTIFICATE", certificate)?);
    if let Some(key) = key {
        text.push_str(&key.to_pem().map_err(|error| unwritable(path, &error))?);
    }
    replace_text(path, &text)
}

/// Writes a text of mode 0600 aside and gives it its name: whole or not at all, also when the power goes.
pub(crate) fn replace_text(path: &Path, text: &str) -> Result<(), Failure> {
    replace_octets(path, text.as_bytes())
}

/// The same for octets.
pub(crate) fn replace_octets(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    private_text::replace(path, octets).map_err(|error| unwritable(path, &error))
}

pub(crate) fn pem(label: &str, der: &[u8]) -> Result<String, Failure> {
    der::pem::encode_string(label, LineEnding::LF, der)
        .map_err(|error| Failure::new(Exit::Failed, "pem.not-encoded", error))
}

/// Writes certificates, each DER, one after the other.
pub(crate) fn certificates_text(all: &[Vec<u8>]) -> Result<String, Failure> {
    all.iter().map(|der| pem("CERTIFICATE", der)).collect()
}

/// Reads certificates: PEM with any number, or one in DER.
pub(crate) fn certificates(octets: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    if octets.first() == Some(&0x30) {
        return Ok(vec![octets.to_vec()]);
    }
    CertificateDer::pem_slice_iter(octets)
        .map(|one| one.map(|der| der.to_vec()).map_err(|error| error.to_string()))
        .collect()
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::new(Exit::Usage, "file.unreadable", format!("cannot read {}: {error}", path.display()))
    })
}

pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    String::from_utf8(read(path)?)
        .map(Zeroizing::new)
        .map_err(|_| Failure::new(Exit::Usage, "file.unreadable", format!("{} is not PEM", path.display())))
}

/// The PEM block of the private key, without what stands around it.
fn private_key(text: &str) -> &str {
    let start = text.find("-----BEGIN PRIVATE KEY").unwrap_or_default();
    text.get(start..).unwrap_or_default()
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Conflict, "file.unwritable", format!("{}: {error}", path.display()))
}

/// The file beside a credential in which its request waits for an answer.
pub(crate) fn request_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.request"))
}
