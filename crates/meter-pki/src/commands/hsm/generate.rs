//! `meter-pki hsm generate`: a key pair made on the token, whose attributes are read back before anybody is told of it.

use ca_core::suite::Curve;
use client_kit::FileKey;
use cms_messages::AgreementKey as _;
use signer_pkcs11::{
    Export, GenerateKeyError, KeyProtection, KeyUse, TokenAgreement, TokenKey, TokenOptions, TokenSigner,
    TokenUri,
};

use super::access::{self, key_lines, key_view};
use super::failure;
use crate::cli::hsm::{CurveName, GenerateArgs, PurposeName};
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};

pub(super) fn run(args: &GenerateArgs, printer: &Printer) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        refuse_existing(out)?;
    }
    let uri = access::uri(&args.uri)?;
    if uri.parts().names_a_key() {
        return Err(failure::generate(&GenerateKeyError::UriNamesAKey));
    }
    let export = access::export(args.export);
    let purpose = match args.purpose {
        PurposeName::Signing => KeyUse::Signing,
        PurposeName::KeyAgreement if export != Export::Never => {
            let message = "a key for key agreement stays on the token that made it: copies would only sign";
            return Err(failure::usage("hsm.agreement-stays", message).then("leave out --exportable-by-wrap"));
        }
        PurposeName::KeyAgreement => KeyUse::Agreement,
    };
    let options = TokenOptions { weakest_protection: KeyProtection::Extractable, ..TokenOptions::default() };
    let signer =
        TokenSigner::open_with(&uri, access::pin(&uri)?, options).map_err(|error| failure::open(&error))?;
    if !signer.is_free(&args.label).map_err(|error| failure::token(&error))? {
        let message = format!("a key, or the half of one, labelled {:?} is on the token already", args.label);
        return Err(Failure::new(Exit::Conflict, "hsm.label-taken", message).then("choose another --label"));
    }
    let curve = match args.curve {
        CurveName::P256 => Curve::P256,
        CurveName::P384 => Curve::P384,
    };
    let made = signer
        .generate_for(curve, &args.label, (export, purpose))
        .map_err(|error| failure::generate(&error))?;
    // As the token tells it now, and not as it was asked for.
    let objects = signer.keys().map_err(|error| failure::token(&error))?;
    let key = objects.into_iter().filter_map(|object| object.key.ok()).find(|key| key.public_key == made);
    let key = key.ok_or_else(|| {
        Failure::new(Exit::Failed, "hsm.key-missing", "the key was made, and the token does not show it")
            .then("meter-pki hsm list URI")
    })?;
    let said = signer.attributes(&key).map_err(|error| failure::token(&error))?;
    access::sign_once(&signer, &key.public_key)?;
    if purpose == KeyUse::Agreement {
        agree_once(&uri, &key)?;
    }
    let view = key_view(&uri, &signer.token(), (&key.label, &key.id), (&key.public_key, said));
    if let Some(out) = &args.out {
        write_new(out, view.public_key_pem.as_bytes())?;
    }
    printer.result(&view, |view| {
        let mut lines = key_lines(view);
        lines.extend(agrees(purpose).map(str::to_owned));
        lines.extend(leaves(export).map(str::to_owned));
        lines
    });
    Ok(())
}

/// Agrees with a key of this moment, on both sides, and compares.
fn agree_once(uri: &TokenUri, key: &TokenKey) -> Result<(), Failure> {
    let failed = |code, cause: &dyn std::fmt::Display| {
        Failure::new(Exit::Refused, code, cause)
            .then("the token must have CKM_ECDH1_DERIVE; the key is on it: meter-pki hsm destroy URI")
    };
    let refused = |cause: &dyn std::fmt::Display| failed("hsm.not-agreed", cause);
    let other = FileKey::generate(key.public_key.curve()).map_err(|cause| refused(&cause))?;
    let token =
        TokenAgreement::open(uri, &access::pin(uri)?, &key.public_key).map_err(|cause| refused(&cause))?;
    let theirs = token.agree(other.public().point()).map_err(|cause| refused(&cause))?;
    if other.agree(key.public_key.point()).is_some_and(|ours| ours == theirs) {
        return Ok(());
    }
    Err(failed("hsm.agrees-wrongly", &"the token agrees on something else than the other side"))
}

fn agrees(purpose: KeyUse) -> Option<&'static str> {
    (purpose == KeyUse::Agreement).then_some("it agrees with other keys (CKA_DERIVE), as was tried just now")
}

/// Says plainly who can take the key away.
fn leaves(export: Export) -> Option<&'static str> {
    match export {
        Export::Never => None,
        Export::ByTrustedWrap => Some(
            "this key MAY LEAVE the token, wrapped by a key that the security officer makes; copy it, then: meter-pki hsm seal URI",
        ),
        Export::ByAnyWrap => Some(
            "this key MAY LEAVE the token: whoever has the PIN can take it away; copy it, then at once: meter-pki hsm seal URI",
        ),
    }
}
