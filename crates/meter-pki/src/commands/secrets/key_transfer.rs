//! `meter-pki secrets key-transfer`: new keys for many devices, for class 64 method `key_transfer` and for the registry.
//!
//! A line of the answer: `{"system_title": "…", "key_transfer": [{"key_id": 2, "wrapped_key": "base64"}], "pending": [{"kind": "gak",
//! "wrapped_by": "…", "octets": "base64"}]}`. The current keys stay in force until the device has answered to the new ones.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{SecretKind, WrappedSecret};
use serde::Serialize;
use signer_pkcs11::{KeyTransfer, NewKeys, RewrapError, Role, SecretVault, check_device};

use super::failure as of;
use super::line::{Line, LineFault};
use super::stream::{self, Outcome};
use crate::cli::secrets::{KeyName, KeyTransferArgs};
use crate::commands::printer::Printer;
use crate::exit::Failure;

/// What is made for a device.
#[derive(Debug, Serialize)]
struct TransferView {
    system_title: String,
    key_transfer: Vec<KeyView>,
    pending: Vec<PendingView>,
}

/// An element of the parameter of `key_transfer`.
#[derive(Debug, Serialize)]
struct KeyView {
    key_id: u8,
    wrapped_key: String,
}

/// The same key under the storage key.
#[derive(Debug, Serialize)]
struct PendingView {
    kind: &'static str,
    wrapped_by: String,
    octets: String,
}

pub(super) fn run(args: &KeyTransferArgs, printer: &Printer) -> Result<(), Failure> {
    let vault = super::keys::vault(&args.uri, args.run.sessions)?;
    for role in [Role::Unwraps, Role::Wraps] {
        vault.look_for(&args.storage, role).map_err(|error| of::of_run(&error))?;
    }
    let kinds: Vec<SecretKind> = args.keys.iter().map(|name| kind(*name)).collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let command = format!("secrets key-transfer --storage {} --keys {}", args.storage, names.join(","));
    stream::run(&args.run, &command, printer, |lines| piece(&vault, (&args.storage, &kinds), lines))
}

fn piece(
    vault: &SecretVault,
    (storage, kinds): (&str, &[SecretKind]),
    lines: &[Line<'_>],
) -> Result<Vec<Outcome>, RewrapError> {
    let keks: Vec<Result<WrappedSecret, LineFault>> = lines.iter().map(|line| kek(line, storage)).collect();
    let wanted: Vec<WrappedSecret> = keks.iter().flatten().cloned().collect();
    let mut answers = vault.key_transfer_all(&wanted, &NewKeys { kinds, length: None, storage }).into_iter();
    let one = |(line, kek): (&Line<'_>, Result<WrappedSecret, LineFault>)| {
        let answer = match kek {
            Ok(_) => answers.next().unwrap_or(Err(RewrapError::NotAsked)),
            Err(fault) => return Ok(Outcome::Refused(fault)),
        };
        match answer {
            Ok(made) => Ok(Outcome::Made { line: text(line, &made), secrets: made.len() }),
            Err(error) if error.is_of_the_token() => Err(error),
            Err(error) => Ok(Outcome::Refused(fault(line, error.code(), &error))),
        }
    };
    lines.iter().zip(keks).map(one).collect()
}

/// Finds the KEK that the device has.
fn kek(line: &Line<'_>, storage: &str) -> Result<WrappedSecret, LineFault> {
    let mut keks = line.secrets.iter().filter(|secret| secret.kind == SecretKind::Kek);
    let (Some(kek), None) = (keks.next(), keks.next()) else {
        let message = "the line must have one KEK, the one that the device has";
        return Err(fault(line, "secret.no-kek", &message));
    };
    if kek.wrapped_by != storage {
        return Err(fault(line, "secret.other-key", &format!("the KEK is not under {storage:?}")));
    }
    check_device(std::slice::from_ref(kek), line.suite)
        .map_err(|(_, error)| fault(line, error.code(), &error))?;
    Ok(kek.clone())
}

fn fault(line: &Line<'_>, code: &'static str, message: &dyn std::fmt::Display) -> LineFault {
    LineFault::new(code, message).of(line.title, Some(SecretKind::Kek))
}

fn text(line: &Line<'_>, made: &[KeyTransfer]) -> String {
    let view = TransferView {
        system_title: line.title.to_string(),
        key_transfer: made
            .iter()
            .map(|one| KeyView { key_id: one.key_id, wrapped_key: STANDARD.encode(&one.wrapped_key) })
            .collect(),
        pending: made
            .iter()
            .map(|one| PendingView {
                kind: one.pending.kind.name(),
                wrapped_by: one.pending.wrapped_by.clone(),
                octets: STANDARD.encode(&one.pending.octets),
            })
            .collect(),
    };
    serde_json::to_string(&view).unwrap_or_default()
}

const fn kind(name: KeyName) -> SecretKind {
    match name {
        KeyName::Guek => SecretKind::Guek,
        KeyName::Gbek => SecretKind::Gbek,
        KeyName::Gak => SecretKind::Gak,
        KeyName::Kek => SecretKind::Kek,
    }
}
