//! `meter-pki secrets rewrap`: the secrets of many devices under another key of the same token.
//!
//! What is under the new key already is unwrapped and wrapped all the same: RFC 3394 gives the same octets, and an altered blob is found.

use ca_core::record::WrappedSecret;
use signer_pkcs11::{RewrapError, Role, SecretVault, check_device};

use super::failure as of;
use super::line::{Line, LineFault};
use super::stream::{self, Outcome};
use crate::cli::secrets::RewrapArgs;
use crate::commands::hsm::failure;
use crate::commands::printer::Printer;
use crate::exit::Failure;

pub(super) fn run(args: &RewrapArgs, printer: &Printer) -> Result<(), Failure> {
    if args.from == args.to {
        return Err(failure::usage("secrets.same-key", "--from and --to name one key"));
    }
    let vault = super::keys::vault(&args.uri, args.run.sessions)?;
    for (label, role) in [(&args.from, Role::Unwraps), (&args.to, Role::Wraps)] {
        vault.look_for(label, role).map_err(|error| of::of_run(&error))?;
    }
    let command = format!("secrets rewrap --from {} --to {}", args.from, args.to);
    let labels = (args.from.as_str(), args.to.as_str());
    stream::run(&args.run, &command, printer, |lines| piece(&vault, labels, lines))
}

/// Wraps all secrets of a piece anew, in all sessions at once.
fn piece(
    vault: &SecretVault,
    (from, to): (&str, &str),
    lines: &[Line<'_>],
) -> Result<Vec<Outcome>, RewrapError> {
    let fit: Vec<Result<(), LineFault>> = lines.iter().map(|line| check(line, (from, to))).collect();
    let secrets: Vec<WrappedSecret> = lines
        .iter()
        .zip(&fit)
        .filter(|(_, fit)| fit.is_ok())
        .flat_map(|(line, _)| line.secrets.iter().cloned())
        .collect();
    let mut answers = vault.rewrap_all(&secrets, to).into_iter();
    lines
        .iter()
        .zip(fit)
        .map(|(line, fit)| match fit {
            Err(fault) => Ok(Outcome::Refused(fault)),
            Ok(()) => one(line, answers.by_ref().take(line.secrets.len()).collect()),
        })
        .collect()
}

/// A line is whole, or refused for the first of its secrets that is.
fn one(line: &Line<'_>, answers: Vec<Result<WrappedSecret, RewrapError>>) -> Result<Outcome, RewrapError> {
    let mut secrets = Vec::new();
    for (answer, secret) in answers.into_iter().zip(&line.secrets) {
        match answer {
            Ok(secret) => secrets.push(secret),
            Err(error) if error.is_of_the_token() => return Err(error),
            Err(error) => {
                let fault = LineFault::new(error.code(), &error).of(line.title, Some(secret.kind));
                return Ok(Outcome::Refused(fault));
            }
        }
    }
    Ok(Outcome::Made { line: line.with(&secrets), secrets: secrets.len() })
}

/// What is seen without a token.
fn check(line: &Line<'_>, (from, to): (&str, &str)) -> Result<(), LineFault> {
    // The label itself is not told: it is a text of the line.
    if let Some(other) =
        line.secrets.iter().find(|secret| secret.wrapped_by != from && secret.wrapped_by != to)
    {
        let message = format!("it is neither under {from:?} nor under {to:?}");
        return Err(LineFault::new("secret.other-key", message).of(line.title, Some(other.kind)));
    }
    check_device(&line.secrets, line.suite).map_err(|(at, error)| {
        let kind = line.secrets.get(at).map(|secret| secret.kind);
        LineFault::new(error.code(), error).of(line.title, kind)
    })
}
