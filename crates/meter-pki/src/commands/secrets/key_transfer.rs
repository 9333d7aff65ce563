//! `meter-pki secrets key-transfer`: new keys for many devices, for class 64 method `key_transfer` and for the registry.
//!
//! A line of the answer: `{"system_title": "…", "key_transfer": [{"key_id": 2, "wrapped_key": "base64"}], "pending": [{"kind": "gak",
//! "wrapped_by": "…", "octets": "base64"}]}`. The current keys stay in force until the device has answered to the new ones.

use std::num::NonZeroUsize;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::SecretKind;
use serde::Serialize;
use signer_pkcs11::{Door, KeyTransfer, NewKeys, RewrapError, Role, SecretVault, check_device};

use super::failure as of;
use super::line::{Line, LineFault};
use super::stream::{self, Outcome};
use crate::cli::secrets::{KeyName, KeyTransferArgs};
use crate::commands::hsm::{access, failure};
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
    let uri = super::keys::token(&args.uri)?;
    let pin = access::pin(&uri)?;
    let sessions = NonZeroUsize::new(args.run.sessions.into()).unwrap_or(NonZeroUsize::MIN);
    let vault = SecretVault::open_with(Door { uri: &uri, pin: &pin, officer_pin: None }, sessions)
        .map_err(|error| failure::open(&error))?;
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
    lines.iter().map(|line| one(vault, (storage, kinds), line)).collect()
}

fn one(
    vault: &SecretVault,
    (storage, kinds): (&str, &[SecretKind]),
    line: &Line<'_>,
) -> Result<Outcome, RewrapError> {
    let refused = |code, message: &dyn std::fmt::Display| {
        Ok(Outcome::Refused(LineFault::new(code, message).of(line.title, Some(SecretKind::Kek))))
    };
    let mut keks = line.secrets.iter().filter(|secret| secret.kind == SecretKind::Kek);
    let (Some(kek), None) = (keks.next(), keks.next()) else {
        return refused("secret.no-kek", &"the line must have one KEK, the one that the device has");
    };
    if kek.wrapped_by != storage {
        return refused("secret.other-key", &format!("the KEK is not under {storage:?}"));
    }
    if let Err((_, error)) = check_device(std::slice::from_ref(kek), line.suite) {
        return refused(error.code(), &error);
    }
    match vault.key_transfer(kek, &NewKeys { kinds, length: None, storage }) {
        Ok(made) => Ok(Outcome::Made { line: text(line, &made), secrets: made.len() }),
        Err(error) if error.is_of_the_token() => Err(error),
        Err(error) => refused(error.code(), &error),
    }
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
