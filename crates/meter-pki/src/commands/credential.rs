//! A client's own certificate and key, by whichever protocol it asks for them.
//!
//! The key of a request is on disk before the request is sent; certificate and key are replaced together.

pub(crate) mod drawn;
pub(crate) mod pending;
pub(crate) mod file;
pub(crate) mod keys;

use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::ports::Clock;
use ca_core::public_key::PublicKey;
use client_kit::{Credential, FileKey, Identity};
use serde::Serialize;
use utoipa::ToSchema;

use self::file::CredentialFile;
use self::keys::{KeyPlace, OwnKey};
use super::printer::Printer;
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::{Serial, TimeText};

/// A certificate that was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedCredential)]
pub(in crate::commands) struct IssuedView {
    file: String,
    subject: String,
    #[schema(value_type = Serial)]
    serial: String,
    #[schema(value_type = TimeText)]
    not_after: String,
}

/// A renewal that is not due.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotDueCredential)]
pub(in crate::commands) struct NotDueView {
    #[schema(value_type = TimeText)]
    renewal_due: String,
}

/// Reads trust anchors, each DER.
pub(super) fn roots(file: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    match file::certificates(&file::read(file)?) {
        Ok(roots) if !roots.is_empty() => Ok(roots),
        Ok(_) | Err(_) => {
            let message = format!("{} holds no certificates", file.display());
            Err(Failure::new(Exit::Usage, "trust.faulty", message))
        }
    }
}

pub(super) fn credential(file: CredentialFile, place: &KeyPlace) -> Result<Credential, Failure> {
    let OwnKey { key, signer, .. } = place.find(file.certificate.public_key().key_ref(), file.key)?;
    Ok(Credential { certificates: file.certificates, key, signer })
}

pub(super) fn identity(file: CredentialFile, place: &KeyPlace) -> Result<Identity, Failure> {
    credential(file, place).map(Identity::Certified)
}

pub(super) fn check_key(certificate: &[u8], key: &PublicKey) -> Result<(), Failure> {
    let read = Certificate::from_der(certificate)
        .map_err(|error| Failure::new(Exit::Failed, "answer.certificate", error))?;
    if read.public_key() == key {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Integrity,
            "answer.key",
            "the certificate is for another key than the one asked for",
        ))
    }
}

/// Tells whether half of a certificate's time is still to come, and says so.
pub(super) fn not_yet_due(held: &Certificate, printer: &Printer) -> bool {
    let validity = held.validity();
    let half = (validity.not_after().seconds() - validity.not_before().seconds()) / 2;
    let due = validity.not_before().plus_seconds(half);
    let is_early = SystemClock.now() < due;
    if is_early {
        printer.result(&NotDueView { renewal_due: due.to_string() }, |view| {
            vec![format!("nothing to do: renewal is due at {}", view.renewal_due)]
        });
    }
    is_early
}

/// Refuses to write a first certificate over a file; `renewal` is the verb for that.
pub(super) fn not_there(out: &Path, renewal: &str) -> Result<(), Failure> {
    if out.symlink_metadata().is_ok() {
        let message = format!("{} exists, and a first certificate is written over nothing", out.display());
        return Err(Failure::new(Exit::Conflict, "file.exists", message)
            .then(format!("renew it with meter-pki {renewal}, or name another file")));
    }
    Ok(())
}

/// Writes a certificate, with its key where that is not elsewhere, and says so.
pub(super) fn written(
    out: &Path,
    certificate: &[u8],
    key: Option<&FileKey>,
    printer: &Printer,
) -> Result<(), Failure> {
    file::replace(out, certificate, key)?;
    let read = Certificate::from_der(certificate)
        .map_err(|error| Failure::new(Exit::Failed, "answer.certificate", error))?;
    let view = IssuedView {
        file: out.display().to_string(),
        subject: read.subject().to_string(),
        serial: read.serial().to_string(),
        not_after: read.validity().not_after().to_string(),
    };
    printer.result(&view, |view| {
        vec![
            format!("certificate {} of {} is in {}", view.serial, view.subject, view.file),
            format!("it is valid until {}", view.not_after),
        ]
    });
    Ok(())
}
