//! `meter-pki people certificate`: an operator's certificate, issued and put on record as his credential.
//!
//! Issuing takes the permission `issue`, and the credential `change-people`: two roles. Who has one of them does his part with
//! `--request` and `cert issue`, the other with `people change --add-credential`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::oid;
use client_kit::FileKey;
use serde::Serialize;
use utoipa::ToSchema;

use super::cmp::read_request;
use super::credential::drawn::{drawn_request, issued_der};
use super::credential::file::{pem, replace};
use super::people::change;
use super::printer::Printer;
use crate::cli::people::CertificateArgs;
use crate::exit::Failure;
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::OperatorClient;
use crate::operator::wire::people::PersonChangeText;
use crate::operator::wire::words::{CredentialText, Serial, TimeText};
use crate::operator::wire::{CertificateView, CertificationText};
use crate::people::certificate::credential;

/// What was written and put on record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonCertificate)]
pub(in crate::commands) struct MadeView {
    id: String,
    file: String,
    #[schema(value_type = Serial)]
    serial: String,
    subject: String,
    #[schema(value_type = TimeText)]
    not_after: String,
    #[schema(value_type = CredentialText)]
    credential: String,
    /// Whether it counts only once another administrator adds it too.
    waits: bool,
}

pub(super) async fn make(
    args: &CertificateArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let (request, key) = match &args.request {
        Some(file) => (read_request(file)?.der().to_vec(), None),
        None => own_request(args).map(|(request, key)| (request, Some(key)))?,
    };
    let text = CertificationText {
        issuer: args.issuer.clone(),
        profile: args.profile.clone(),
        request: STANDARD.encode(request),
    };
    let issued: CertificateView = client.post("/v1/certificates", &text).await?;
    let on_record = format!("the certificate is on record: meter-pki cert show {}", issued.serial);
    let der = issued_der(&issued).map_err(|failure| failure.then(on_record.clone()))?;
    write(&args.out, &der, key.as_ref()).map_err(|failure| failure.then(on_record))?;
    let credential = credential(&der).to_string();
    let text = PersonChangeText {
        act: "add-credential".to_owned(),
        credential: Some(credential.clone()),
        ..PersonChangeText::default()
    };
    let person = change(&args.id, &text, client).await.map_err(|failure| {
        let message = format!("{} is written, and then: {}", args.out.display(), failure.message);
        let next = format!("meter-pki people change {} --add-credential {credential}", args.id);
        Failure { message, next, ..failure }
    })?;
    let view = MadeView {
        id: args.id.clone(),
        file: args.out.display().to_string(),
        serial: issued.serial,
        subject: issued.subject,
        not_after: issued.not_after,
        waits: person.waiting.iter().any(|one| one.what == credential),
        credential,
    };
    printer.result(&view, |view| {
        vec![
            format!(
                "certificate {} of {} is in {}, until {}",
                view.serial, view.subject, view.file, view.not_after
            ),
            if view.waits {
                format!("{} is known by it once another administrator types the same: meter-pki people change {} --add-credential {}", view.id, view.id, view.credential)
            } else {
                format!("{} is known by {}", view.id, view.credential)
            },
        ]
    });
    Ok(())
}

/// Draws a key and asks with it, in the person's own name.
fn own_request(args: &CertificateArgs) -> Result<(Vec<u8>, FileKey), Failure> {
    let attributes = [
        (oid::COUNTRY_NAME, args.country.as_deref().unwrap_or_default()),
        (oid::ORGANIZATION_NAME, args.organization.as_deref().unwrap_or_default()),
        (oid::COMMON_NAME, &args.id),
    ];
    drawn_request(&attributes, &args.profile)
}

/// Writes the certificate with its key, mode 0600, or by itself where the key is with whoever asked.
fn write(out: &Path, der: &[u8], key: Option<&FileKey>) -> Result<(), Failure> {
    match key {
        Some(key) => replace(out, der, Some(key)),
        None => write_new(out, pem("CERTIFICATE", der)?.as_bytes()),
    }
}
