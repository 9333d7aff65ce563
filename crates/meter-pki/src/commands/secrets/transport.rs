//! `meter-pki secrets transport` and `receive`: the key of a delivery, from the manufacturer's token to the DSO's.

use ceremony::words::Fingerprint;
use serde::Serialize;
use signer_pkcs11::{DoomedKey, Door, WrapRecipient, make_transport, receive_transport};
use utoipa::ToSchema;

use super::failure as of;
use super::keys::{KeyView, key_lines};
use super::transport_file::TransportFile;
use crate::cli::secrets::{ReceiveArgs, TransportArgs};
use crate::commands::hsm::copy::rsa;
use crate::commands::hsm::{access, failure};
use crate::commands::printer::{Printer, aloud};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::Sha256;

/// A transport key in a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransportKey)]
pub(in crate::commands) struct TransportView {
    #[serde(flatten)]
    key: KeyView,
    file: String,
    /// Of the file.
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
    /// Of the recipient's key.
    #[schema(value_type = Sha256)]
    recipient_sha256: Fingerprint,
}

pub(super) fn make(args: &TransportArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let uri = super::keys::token(&args.uri)?;
    let (recipient, recipient_sha256) = recipient(args)?;
    let pin = access::pin(&uri)?;
    let door = Door { uri: &uri, pin: &pin, officer_pin: None };
    let (token, key, wrapped) =
        make_transport(door, &args.label, &recipient).map_err(|error| of::key(&error))?;
    let octets = TransportFile::new(&wrapped, &recipient).encode();
    if let Err(unwritten) = write_new(&args.out, &octets) {
        // It cannot be wrapped again: without its file it is of no use to anybody.
        DoomedKey::find(door, &args.label).and_then(DoomedKey::destroy).map_err(|error| of::key(&error))?;
        return Err(unwritten);
    }
    let view = TransportView {
        key: KeyView::of(&token, &key),
        file: args.out.display().to_string(),
        sha256: Fingerprint::of(&octets),
        recipient_sha256,
    };
    printer.result(&view, |view| {
        let mut lines = key_lines(&view.key);
        lines.push(format!("{} holds it, wrapped for the recipient alone", view.file));
        lines.extend(aloud("SHA-256 of the file", &view.sha256));
        lines.push(format!("next, at the recipient: meter-pki secrets receive {} --to URI", view.file));
        lines
    });
    Ok(())
}

fn recipient(args: &TransportArgs) -> Result<(WrapRecipient, Fingerprint), Failure> {
    let (recipient, spki) = rsa::load(&args.recipient)?;
    let sha256 = Fingerprint::of(&spki);
    if sha256.to_string().eq_ignore_ascii_case(&args.recipient_sha256) {
        return Ok((recipient, sha256));
    }
    let message = format!(
        "{} has the SHA-256 {sha256}, not {}: whoever has its private half would get all that travels",
        args.recipient.display(),
        args.recipient_sha256
    );
    Err(Failure::new(Exit::Refused, "hsm.another-recipient", message)
        .then("compare it with what hsm recipient showed, over another way than the file came"))
}

pub(super) fn receive(args: &ReceiveArgs, printer: &Printer) -> Result<(), Failure> {
    let octets = std::fs::read(&args.file).map_err(|error| {
        failure::usage("secrets.transport-unreadable", format!("{}: {error}", args.file.display()))
    })?;
    let sha256 = Fingerprint::of(&octets);
    if args.sha256.as_ref().is_some_and(|told| !sha256.to_string().eq_ignore_ascii_case(told)) {
        let message = format!("{} has the SHA-256 {sha256}, which is another", args.file.display());
        return Err(Failure::new(Exit::Integrity, "secrets.another-transport", message)
            .then("ask who made it what secrets transport showed"));
    }
    let (recipient, wrapped) = TransportFile::decode(&args.file, &octets)?.parts()?;
    let uri = super::keys::token(&args.to)?;
    let pin = access::pin(&uri)?;
    let door = Door { uri: &uri, pin: &pin, officer_pin: None };
    let (token, key) = receive_transport(door, &recipient, &wrapped).map_err(|error| of::key(&error))?;
    printer.result(&KeyView::of(&token, &key), |view| {
        let mut lines = key_lines(view);
        lines.push(
            "next: meter-pki secrets rewrap URI --from LABEL --to LABEL --in FILE --out FILE; once all is wrapped anew, meter-pki secrets forget"
                .to_owned(),
        );
        lines
    });
    Ok(())
}
