//! `meter-pki hsm request`: a certification request for a key on a token (RFC 2986), such as the recipient's key of shipments.
//!
//! It states name and key and asks for nothing: what a certificate holds is decided by the profile.

use std::num::NonZeroUsize;

use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::certification_request;
use ca_core::oid;
use serde::Serialize;
use utoipa::ToSchema;
use x509_cert::der::pem::{LineEnding, encode_string};

use super::access;
use crate::cli::hsm::RequestArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::KeyName;

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmRequest)]
pub(in crate::commands) struct RequestView {
    file: String,
    subject: String,
    #[schema(value_type = KeyName)]
    key: String,
}

pub(super) fn run(args: &RequestArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let subject = DistinguishedName::from_attributes(&[
        (oid::COUNTRY_NAME, &args.country),
        (oid::ORGANIZATION_NAME, &args.organization),
        (oid::COMMON_NAME, &args.common_name),
    ])
    .map_err(|error| Failure::new(Exit::Usage, "subject.unfit", error))?;
    let uri = access::uri(&args.uri)?;
    let (signer, key) = access::one_key(&uri, NonZeroUsize::MIN)?;
    let key = key.public_key.key_ref();
    let request = certification_request(&subject, &key, &signer).map_err(|error| {
        Failure::new(Exit::Unavailable, "hsm.not-signed", error)
            .then("meter-pki hsm doctor URI --login says what is wrong")
    })?;
    let pem = encode_string("CERTIFICATE REQUEST", LineEnding::LF, request.der()).unwrap_or_default();
    write_new(&args.out, pem.as_bytes())?;
    let view = RequestView {
        file: args.out.display().to_string(),
        subject: subject.to_string(),
        key: key.to_string(),
    };
    printer.result(&view, |view| vec![format!("{}: {}, key {}", view.file, view.subject, view.key)]);
    Ok(())
}
