//! What the verbs of `secrets` fail with as a whole. What is refused line by line has the codes of `RewrapError` and `LineFault`.

use signer_pkcs11::{RewrapError, SecretKeyError};

use crate::commands::hsm::failure;
use crate::exit::{Exit, Failure};

pub(super) fn key(error: &SecretKeyError) -> Failure {
    match error {
        SecretKeyError::Open(cause) => failure::open(cause),
        SecretKeyError::Token(cause) => failure::token(cause),
        SecretKeyError::Carry(cause) => failure::copy(cause),
        SecretKeyError::NoLabel => failure::usage("secrets.no-label", error),
        SecretKeyError::Taken { .. } => Failure::new(Exit::Conflict, "secrets.label-taken", error)
            .then("choose another --label; meter-pki secrets list URI shows those that are there"),
        SecretKeyError::NotThere { .. } => Failure::new(Exit::NotFound, "secrets.key-missing", error)
            .then("meter-pki secrets list URI shows those that are there"),
        SecretKeyError::Ambiguous { .. } => Failure::new(Exit::Conflict, "secrets.key-ambiguous", error)
            .then("rename one with the vendor's tool"),
        SecretKeyError::NotAsAsked { .. } => Failure::new(Exit::Refused, "secrets.key-not-as-asked", error)
            .then("do not use this token for secrets of devices"),
        SecretKeyError::StillThere { .. } => Failure::new(Exit::Failed, "secrets.not-destroyed", error)
            .then("look with the vendor's tool, then repeat the same command with another --record"),
    }
}

/// A key that a run needs, or the token under it.
pub(super) fn of_run(error: &RewrapError) -> Failure {
    match error {
        RewrapError::UnknownKey { .. } => Failure::new(Exit::NotFound, "secrets.key-missing", error)
            .then("meter-pki secrets list URI shows those that are there"),
        RewrapError::AmbiguousKey { .. } => Failure::new(Exit::Conflict, "secrets.key-ambiguous", error)
            .then("rename one with the vendor's tool"),
        RewrapError::UnfitKey { .. } => Failure::new(Exit::Refused, "secrets.key-unfit", error)
            .then("meter-pki secrets list URI shows what each may do; make another"),
        RewrapError::Token(cause) => failure::token(cause),
        RewrapError::Shape(_)
        | RewrapError::NotUnwrapped { .. }
        | RewrapError::NotWrapped
        | RewrapError::LengthLost
        | RewrapError::LengthUnproven
        | RewrapError::NotAKek
        | RewrapError::NotAsked => Failure::new(Exit::Unavailable, error.code(), error),
    }
}

/// The token went away in the middle.
pub(super) fn interrupted(error: &RewrapError, lines: u64) -> Failure {
    let mut failure = of_run(error);
    failure.exit = Exit::Unavailable;
    failure.code = "secrets.interrupted".to_owned();
    failure.message = format!("after {lines} lines, which are kept: {}", failure.message);
    failure.then("look at the token, then give the same command again: it goes on where it was")
}
