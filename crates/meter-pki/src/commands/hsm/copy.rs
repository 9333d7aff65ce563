//! `meter-pki hsm recipient`, `backup`, `restore`, `copy` and `seal`: one private key on two tokens, and in clear on neither's outside.

use std::path::Path;

use ceremony::words::Fingerprint;
use serde::Serialize;
use signer_pkcs11::{Copied, Door, Pin, TokenUri, copy_key, make_recipient, restore_key, seal_key, wrap_key};
use utoipa::ToSchema;

use super::access::{self, AttributesView, KeyView, key_lines, key_view, uri_of_key};
use super::failure;
use super::wrapped_file::WrappedFile;
use crate::cli::hsm::{BackupKeyArgs, CopyArgs, RecipientArgs, RestoreKeyArgs, UriArg};
use crate::commands::printer::{Printer, aloud};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::Sha256;

pub(in crate::commands) mod rsa;

/// A recipient's key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmRecipient)]
pub(in crate::commands) struct RecipientView {
    label: String,
    file: String,
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
}

/// A key in a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmBackup)]
pub(in crate::commands) struct BackupView {
    key: String,
    label: String,
    file: String,
    /// Of the file.
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
    /// Of the recipient's key.
    #[schema(value_type = Sha256)]
    recipient_sha256: Fingerprint,
}

/// A key on a second token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmCopy)]
pub(in crate::commands) struct CopyView {
    #[serde(flatten)]
    copy: KeyView,
    /// Whether the original can still leave its token; absent where it was not looked at.
    original_sealed: Option<bool>,
}

/// A sealed key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmSeal)]
pub(in crate::commands) struct SealView {
    key: String,
    label: String,
    attributes: AttributesView,
}

pub(super) fn recipient(args: &RecipientArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let uri = access::uri(&args.uri)?;
    let pin = access::pin(&uri)?;
    let made = make_recipient(door(&uri, &pin, None), &args.label).map_err(|error| failure::copy(&error))?;
    let spki =
        rsa::encode(&made).map_err(|error| Failure::new(Exit::Failed, "hsm.recipient-faulty", error))?;
    write_new(&args.out, access::pem(&spki).as_bytes())?;
    let view = RecipientView {
        label: args.label.clone(),
        file: args.out.display().to_string(),
        sha256: Fingerprint::of(&spki),
    };
    printer.result(&view, |view| {
        let mut lines = vec![format!(
            "keys can be wrapped for {:?} of this token by {}; its private half cannot leave the token",
            view.label, view.file
        )];
        lines.extend(aloud("SHA-256 of the recipient's key", &view.sha256));
        lines.push(format!(
            "next, at the giving token: meter-pki hsm backup URI --recipient {} --recipient-sha256 HEX64 --out FILE",
            view.file
        ));
        lines
    });
    Ok(())
}

pub(super) fn backup(args: &BackupKeyArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let uri = access::uri(&args.uri)?;
    access::names_a_key(&uri)?;
    let (recipient, spki) = rsa::load(&args.recipient)?;
    let recipient_sha256 = Fingerprint::of(&spki);
    if !recipient_sha256.to_string().eq_ignore_ascii_case(&args.recipient_sha256) {
        let message = format!(
            "{} has the SHA-256 {recipient_sha256}, not {}: whoever has its private half would get the key",
            args.recipient.display(),
            args.recipient_sha256
        );
        return Err(Failure::new(Exit::Refused, "hsm.another-recipient", message)
            .then("compare it with what hsm recipient showed, over another way than the file came"));
    }
    let (pin, officer) = (access::pin(&uri)?, officer_pin(args.officer_pin_file.as_deref())?);
    let wrapped =
        wrap_key(door(&uri, &pin, officer.as_ref()), &recipient).map_err(|error| failure::copy(&error))?;
    let octets = WrappedFile::new(&wrapped, &recipient).encode();
    write_new(&args.out, &octets)?;
    let view = BackupView {
        key: wrapped.public_key.key_ref().to_string(),
        label: wrapped.label,
        file: args.out.display().to_string(),
        sha256: Fingerprint::of(&octets),
        recipient_sha256,
    };
    printer.result(&view, |view| {
        let mut lines = vec![format!(
            "{} ({:?}) is in {}, wrapped: of use to the token that has the recipient's key, and to nobody else",
            view.key, view.label, view.file
        )];
        lines.extend(aloud("SHA-256 of the file", &view.sha256));
        lines.push(format!("next: meter-pki hsm restore {} --to URI, to see that it can be restored", view.file));
        lines
    });
    Ok(())
}

pub(super) fn restore(args: &RestoreKeyArgs, printer: &Printer) -> Result<(), Failure> {
    let (recipient, wrapped) = WrappedFile::load(&args.file)?.parts()?;
    let to = access::uri(&args.to)?;
    let pin = access::pin(&to)?;
    let copied = restore_key(door(&to, &pin, None), &recipient, &wrapped, access::export(args.export))
        .map_err(|error| failure::copy(&error))?;
    print(&to, &copied, None, printer);
    Ok(())
}

pub(super) fn copy(args: &CopyArgs, printer: &Printer) -> Result<(), Failure> {
    let (from, to) = (access::uri(&args.uri)?, access::uri(&args.to)?);
    access::names_a_key(&from)?;
    let (pin, officer, pin_there) =
        (access::pin(&from)?, officer_pin(args.officer_pin_file.as_deref())?, access::pin(&to)?);
    let giving = door(&from, &pin, officer.as_ref());
    let copied = copy_key(giving, door(&to, &pin_there, None), access::export(args.export))
        .map_err(|error| failure::copy(&error))?;
    if args.seal {
        seal_key(giving).map_err(|error| failure::copy(&error))?;
    }
    print(&to, &copied, Some(args.seal), printer);
    Ok(())
}

pub(super) fn seal(args: &UriArg, printer: &Printer) -> Result<(), Failure> {
    let uri = access::uri(&args.uri)?;
    access::names_a_key(&uri)?;
    let pin = access::pin(&uri)?;
    let (key, said) = seal_key(door(&uri, &pin, None)).map_err(|error| failure::copy(&error))?;
    let view = SealView {
        key: key.public_key.key_ref().to_string(),
        label: key.label,
        attributes: AttributesView::of(said),
    };
    printer.result(&view, |view| {
        vec![
            format!("{} ({:?}) never leaves its token again", view.key, view.label),
            format!("the private key is {}", view.attributes.words()),
        ]
    });
    Ok(())
}

fn print(to: &TokenUri, copied: &Copied, original_sealed: Option<bool>, printer: &Printer) {
    let copy =
        key_view(to, &copied.token, (&copied.label, &copied.id), (&copied.public_key, copied.attributes));
    let view = CopyView { copy, original_sealed };
    printer.result(&view, |view| {
        let mut lines =
            vec!["the key is on the token, and signs for the public key of the original".to_owned()];
        lines.extend(key_lines(&view.copy));
        if view.original_sealed == Some(false) {
            lines.push("the original may still leave its token: meter-pki hsm seal URI ends that".to_owned());
        }
        lines.push(format!(
            "next: meter-pki hsm test '{}'",
            uri_of_key(to, &copied.token, (&copied.label, &copied.id))
        ));
        lines
    });
}

fn officer_pin(file: Option<&Path>) -> Result<Option<Pin>, Failure> {
    file.map(access::load).transpose()
}

const fn door<'a>(uri: &'a TokenUri, pin: &'a Pin, officer_pin: Option<&'a Pin>) -> Door<'a> {
    Door { uri, pin, officer_pin }
}
