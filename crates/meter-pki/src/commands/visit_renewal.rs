//! `meter-pki visit renew`: what runs on a hand-held unit, by a timer: a certificate with a new key in the place of the one before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::oid;

use super::credential::drawn::{drawn_request, issued_der};
use super::credential::file::CredentialFile;
use super::credential::{check_key, not_yet_due, written};
use super::printer::Printer;
use crate::cli::visit::RenewVisitArgs;
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::CertificateView;
use crate::operator::wire::visits::VisitCertificateText;

/// Renews the credential in the file, or makes the first one. The server revokes the one before in the same transaction, so that
/// what is lost on the way back is made good by the next call.
pub(super) async fn renew(
    args: &RenewVisitArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    if args.credential.exists() {
        let held = CredentialFile::read(&args.credential)?.certificate;
        if args.at_half_life && not_yet_due(&held, printer) {
            return Ok(());
        }
    }
    let (request, key) = drawn_request(&[(oid::COMMON_NAME, &args.unit)], &args.profile)?;
    let text = VisitCertificateText { profile: args.profile.clone(), request: STANDARD.encode(request) };
    let route = format!("/v1/visits/{}/certificates", escaped(&args.id));
    let issued: CertificateView = client.post(&route, &text).await?;
    let der = issued_der(&issued)?;
    check_key(&der, key.public())?;
    written(&args.credential, &der, Some(&key), printer).map_err(|failure| {
        failure.then("the certificate is on record: type it again, and another takes its place")
    })
}
