//! `meter-pki hsm test`: a key signs a text that is no DER, as often as wanted, and each signature is verified here.

use std::num::NonZeroUsize;

use serde::Serialize;
use utoipa::ToSchema;

use super::access;
use crate::cli::hsm::TestArgs;
use crate::commands::printer::Printer;
use crate::exit::Failure;
use crate::operator::wire::words::{CurveWord, KeyName};

/// What was proven.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmTest)]
pub(in crate::commands) struct TestView {
    #[schema(value_type = KeyName)]
    key: String,
    label: String,
    #[schema(value_type = CurveWord)]
    curve: String,
    signatures: u32,
}

pub(super) fn run(args: &TestArgs, printer: &Printer) -> Result<(), Failure> {
    let uri = access::uri(&args.uri)?;
    let (signer, key) = access::one_key(&uri, NonZeroUsize::MIN)?;
    for _ in 0..args.count {
        access::sign_once(&signer, &key.public_key)?;
    }
    let view = TestView {
        key: key.public_key.key_ref().to_string(),
        label: key.label,
        curve: key.public_key.curve().to_string(),
        signatures: args.count,
    };
    printer.result(&view, |view| {
        vec![format!(
            "{} ({:?}, {}) signs: signatures made and verified: {}",
            view.key, view.label, view.curve, view.signatures
        )]
    });
    Ok(())
}
