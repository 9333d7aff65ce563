//! `meter-pki cert issue`: a certification request through the door of operators.
//!
//! For what has no door of its own: servers, stations, both ends of shipments. Not for devices, which ask over EST and CMP, nor for
//! lines: see `factory issue`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli::cert::IssueArgs;
use crate::commands::cmp::read_request;
use crate::commands::printer::Printer;
use crate::exit::Failure;
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::OperatorClient;
use crate::operator::wire::{CertificateView, CertificationText};

pub(super) async fn issue(
    args: &IssueArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let request = read_request(&args.request)?;
    let text = CertificationText {
        issuer: args.issuer.clone(),
        profile: args.profile.clone(),
        request: STANDARD.encode(request.der()),
    };
    let view: CertificateView = client.post("/v1/certificates", &text).await?;
    write_new(&args.out, view.pem.as_deref().unwrap_or_default().as_bytes()).map_err(|failure| {
        failure.then(format!("the certificate is on record: meter-pki cert show {}", view.serial))
    })?;
    printer.result(&view, |view| {
        let out = args.out.display();
        vec![format!("certificate {} of {} is in {out}, until {}", view.serial, view.subject, view.not_after)]
    });
    Ok(())
}
