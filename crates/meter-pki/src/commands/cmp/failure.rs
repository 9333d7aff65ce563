//! How a conversation that came to nothing ends the program.

use client_kit::TlsError;
use cmp_client::{CmpError, TransferError};

use crate::exit::{Exit, Failure};

pub(super) fn failure(error: &CmpError) -> Failure {
    let (exit, code) = match error {
        CmpError::Refused(refusal) if refusal.is_passing() => (Exit::Unavailable, "cmp.unavailable"),
        CmpError::Refused(_) => (Exit::Refused, "cmp.refused"),
        CmpError::Answer(_) | CmpError::NotDecoded(_) => (Exit::Failed, "cmp.answer"),
        CmpError::Unproven(_) => (Exit::Integrity, "cmp.unproven"),
        CmpError::Certificate(_) => (Exit::Integrity, "cmp.certificate"),
        CmpError::SignatureWanted => (Exit::Usage, "cmp.signature-wanted"),
        CmpError::OwnCertificate => (Exit::Usage, "credential.faulty"),
        CmpError::NotSigned(_) => (Exit::Failed, "key.not-signed"),
        CmpError::NoRandomness(_) => (Exit::Failed, "random.none"),
        CmpError::Encode(_) => (Exit::Failed, "cmp.encode"),
        CmpError::NotKept => (Exit::Usage, "state.faulty"),
    };
    Failure::new(exit, code, error).then(match error {
        CmpError::Refused(refusal) if refusal.is_passing() => "the same command after some time",
        CmpError::Unproven(_) => {
            "somebody else answered, or --trust or the secret is another than the authority's: compare them"
        }
        CmpError::NotKept => "move the state file away to begin anew",
        CmpError::Refused(_)
        | CmpError::Answer(_)
        | CmpError::NotDecoded(_)
        | CmpError::Certificate(_)
        | CmpError::SignatureWanted
        | CmpError::OwnCertificate
        | CmpError::NotSigned(_)
        | CmpError::NoRandomness(_)
        | CmpError::Encode(_) => "",
    })
}

/// Tells whether the authority has ended the transaction, so that the same message again leads nowhere.
pub(super) const fn is_over(error: &CmpError) -> bool {
    matches!(error, CmpError::Refused(_) | CmpError::Certificate(_))
}

pub(super) fn transfer_failure(error: &TransferError) -> Failure {
    let (exit, code) = match error {
        TransferError::Unreachable(_) | TransferError::Http(_) => (Exit::Unavailable, "cmp.unreachable"),
        TransferError::Refused { .. } if error.retry_after().is_some() => (Exit::Unavailable, "cmp.busy"),
        TransferError::Refused { .. } => (Exit::Refused, "cmp.no-message"),
        TransferError::Incomplete => (Exit::Failed, "cmp.answer"),
        TransferError::Name => (Exit::Usage, "cmp.request"),
    };
    Failure::new(exit, code, error).then(error.retry_after().map(come_again).unwrap_or_default())
}

pub(super) fn come_again(seconds: u64) -> String {
    format!("the same command in {seconds} s; with --wait it comes again by itself")
}

pub(super) fn tls_failure(error: &TlsError) -> Failure {
    Failure::new(Exit::Failed, "cmp.tls", format!("the TLS connection cannot be set up: {error}"))
}
