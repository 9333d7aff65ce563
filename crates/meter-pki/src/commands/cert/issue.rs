//! `meter-pki cert issue`: a certification request through the door of operators.
//!
//! For what has no door of its own: servers, stations, both ends of shipments. What the certificate says, its profile says.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli::IssueArgs;
use crate::commands::ceremony::{refuse_existing, write_new};
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::{CertificateView, CertificationText};

pub(super) async fn issue(
    args: &IssueArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let text = CertificationText {
        issuer: args.issuer.clone(),
        profile: args.profile.clone(),
        request: STANDARD.encode(request(&args.request)?),
    };
    let view: CertificateView = client.post("/v1/certificates", &text).await?;
    let pem = view.pem.as_deref().unwrap_or_default();
    write_new(&args.out, pem.as_bytes()).map_err(|failure| {
        failure.then(format!("the certificate is on record: meter-pki cert show {}", view.serial))
    })?;
    printer.result(&view, |view| {
        let out = args.out.display();
        vec![format!("certificate {} of {} is in {out}, until {}", view.serial, view.subject, view.not_after)]
    });
    Ok(())
}

/// The DER of a request; whether it is one the server says.
fn request(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "file.unreadable", format!("{}: {error}", file.display()))
    };
    let octets = std::fs::read(file).map_err(|error| unreadable(&error))?;
    if !octets.starts_with(b"-----BEGIN ") {
        return Ok(octets);
    }
    match der::pem::decode_vec(&octets).map_err(|error| unreadable(&error))? {
        ("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST", der) => Ok(der),
        (label, _) => Err(unreadable(&format!("{label} is no certification request"))),
    }
}
