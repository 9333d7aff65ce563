//! A request that waits for its answer, in a file beside the credential: whoever lost an answer asks again with the same key.
//!
//! Written before the request is sent, so that no certificate is issued for a key that is gone. PEM: the request, and the key
//! where it is not on the token.

use std::path::{Path, PathBuf};

use ca_core::csr::CertificationRequest;
use ca_core::suite::Curve;
use est_client::{FileKey, RequestContent, request};
use zeroize::Zeroizing;

use super::file::{pem, read_text, replace_text, request_path};
use super::keys::{KeyPlace, OwnKey};
use crate::exit::{Exit, Failure};

/// A key and the request for it.
pub(crate) struct Pending {
    /// The key.
    pub(crate) key: OwnKey,
    /// The request, DER.
    pub(crate) request: Vec<u8>,
    path: PathBuf,
}

impl Pending {
    /// Takes up what waits beside `out`, or begins with the key that `make` gives.
    pub(crate) fn take_up(
        out: &Path,
        place: &KeyPlace,
        content: &RequestContent,
        make: impl FnOnce() -> Result<OwnKey, Failure>,
    ) -> Result<Self, Failure> {
        let path = request_path(out);
        let waiting = if path.exists() { Some(read(&path, place)?) } else { None };
        let (key, written) = match waiting {
            Some((key, written)) => (key, Some(written)),
            None => (make()?, None),
        };
        // Unless it is bound to a connection, or says something else, the same request comes again octet for octet.
        let same = |written: &CertificationRequest| {
            content.challenge_password.is_none()
                && written.challenge_password().is_none()
                && *written.subject() == content.subject
                && written.requested_extensions() == content.extensions
        };
        if let Some(written) = written.filter(same) {
            return Ok(Self { key, request: written.der().to_vec(), path });
        }
        let request = request(content, &key.key, &*key.signer)
            .map_err(|error| Failure::new(Exit::Failed, "request.not-made", error))?;
        let mut text = Zeroizing::new(pem("CERTIFICATE REQUEST", &request)?);
        if let Some(in_file) = &key.in_file {
            let pem = in_file.to_pem().map_err(|error| Failure::new(Exit::Failed, "key.not-made", error))?;
            text.push_str(&pem);
        }
        replace_text(&path, &text)?;
        Ok(Self { key, request, path })
    }

    /// The answer is in its file: nothing waits any more. What cannot be removed is taken up the next time, for the same key.
    pub(crate) fn answered(self) {
        drop(std::fs::remove_file(&self.path));
    }
}

fn read(path: &Path, place: &KeyPlace) -> Result<(OwnKey, CertificationRequest), Failure> {
    let text = read_text(path)?;
    let faulty = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "request.faulty", format!("{}: {error}", path.display()))
            .then("move the file away to begin with a new key")
    };
    let end = "-----END CERTIFICATE REQUEST-----\n";
    let cut = text.find(end).map(|at| at + end.len()).ok_or_else(|| faulty(&"there is no request in it"))?;
    let (request, key) = text.split_at(cut);
    let (_, der) = der::pem::decode_vec(request.as_bytes()).map_err(|error| faulty(&error))?;
    let request = CertificationRequest::from_der(&der).map_err(|error| faulty(&error))?;
    let in_file = match key.is_empty() {
        true => None,
        false => Some(FileKey::from_pem(key).map_err(|error| faulty(&error))?),
    };
    if in_file.as_ref().is_some_and(|key| key.public() != request.public_key()) {
        return Err(faulty(&"the key in it is not the key of the request"));
    }
    Ok((place.find(request.public_key().key_ref(), in_file)?, request))
}

/// The curve of a new key: as the server says, or as the suite has it.
pub(crate) fn curve(told: Option<Curve>, suite: u8) -> Curve {
    told.unwrap_or(if suite == 2 { Curve::P384 } else { Curve::P256 })
}
