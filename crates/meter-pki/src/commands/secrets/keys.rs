//! `meter-pki secrets key`, `list` and `forget`: wrapping keys made, seen and destroyed, by their labels.

use std::num::NonZeroUsize;

use ca_core::ports::Clock;
use serde::Serialize;
use signer_pkcs11::{
    DoomedKey, Door, SecretVault, TokenDescription, TokenUri, WrappingKey, make_storage_key, wrapping_keys,
};
use utoipa::ToSchema;

use super::failure as of;
use crate::cli::secrets::{ForgetArgs, StorageKeyArgs, TokenArg};
use crate::commands::hsm::access::{self, AttributesView, TokenView};
use crate::commands::hsm::{destroy, failure};
use crate::commands::printer::{Printer, heading, table};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::TimeText;

/// A wrapping key as it is printed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecretsKey)]
pub(in crate::commands) struct KeyView {
    token: TokenView,
    label: String,
    /// Whether it may wrap.
    wraps: bool,
    /// Whether it may unwrap.
    unwraps: bool,
    /// Whether it stays on the token and does nothing else: only such keys are used.
    fit: bool,
    attributes: AttributesView,
}

impl KeyView {
    pub(super) fn of(token: &TokenDescription, key: &WrappingKey) -> Self {
        Self {
            token: TokenView::of(token),
            label: key.label.clone(),
            wraps: key.uses.wrap,
            unwraps: key.uses.unwrap,
            fit: key.is_kept(),
            attributes: AttributesView::of(key.attributes),
        }
    }

    const fn uses(&self) -> &'static str {
        match (self.wraps, self.unwraps) {
            (true, true) => "wraps and unwraps",
            (true, false) => "wraps only",
            (false, true) => "unwraps only",
            (false, false) => "neither wraps nor unwraps",
        }
    }
}

/// What was destroyed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForgottenKey)]
pub(in crate::commands) struct ForgottenView {
    #[serde(flatten)]
    key: KeyView,
    reason: String,
    by: String,
    #[schema(value_type = TimeText)]
    time: String,
    record: String,
}

/// Parses the URI of a token, which names no key on it.
pub(super) fn token(text: &str) -> Result<TokenUri, Failure> {
    let uri = access::uri(text)?;
    if uri.parts().names_a_key() {
        return Err(failure::usage("secrets.uri-names-a-key", "wrapping keys are named by their labels")
            .then("leave ;object= and ;id= out of the URI"));
    }
    Ok(uri)
}

/// Opens the token with as many sessions.
pub(super) fn vault(text: &str, sessions: u16) -> Result<SecretVault, Failure> {
    let uri = token(text)?;
    let pin = access::pin(&uri)?;
    let sessions = NonZeroUsize::new(sessions.into()).unwrap_or(NonZeroUsize::MIN);
    SecretVault::open_with(Door { uri: &uri, pin: &pin, officer_pin: None }, sessions)
        .map_err(|error| failure::open(&error))
}

pub(super) fn make(args: &StorageKeyArgs, printer: &Printer) -> Result<(), Failure> {
    let uri = token(&args.uri)?;
    let pin = access::pin(&uri)?;
    let door = Door { uri: &uri, pin: &pin, officer_pin: None };
    let (token, key) = make_storage_key(door, &args.label).map_err(|error| of::key(&error))?;
    printer.result(&KeyView::of(&token, &key), |view| {
        let mut lines = key_lines(view);
        lines.push("everything under it is lost with it: it has no copy on another token".to_owned());
        lines
    });
    Ok(())
}

pub(super) fn list(args: &TokenArg, printer: &Printer) -> Result<(), Failure> {
    let uri = token(&args.uri)?;
    let pin = access::pin(&uri)?;
    let door = Door { uri: &uri, pin: &pin, officer_pin: None };
    let (token, keys) = wrapping_keys(door).map_err(|error| of::key(&error))?;
    let views: Vec<KeyView> = keys.iter().map(|key| KeyView::of(&token, key)).collect();
    printer.result(&views, |views| {
        let mut rows = vec![heading(&["LABEL", "USE", "FIT", "ATTRIBUTES"])];
        rows.extend(views.iter().map(|view| {
            let fit = if view.fit { "yes" } else { "no" };
            vec![view.label.clone(), view.uses().to_owned(), fit.to_owned(), view.attributes.words()]
        }));
        table(&rows)
    });
    Ok(())
}

pub(super) fn forget(args: &ForgetArgs, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(&args.record)?;
    let uri = token(&args.uri)?;
    let pin = access::pin(&uri)?;
    let door = Door { uri: &uri, pin: &pin, officer_pin: None };
    let doomed = DoomedKey::find(door, &args.label).map_err(|error| of::key(&error))?;
    let mut view = ForgottenView {
        key: KeyView::of(&doomed.token(), doomed.key()),
        reason: args.reason.clone(),
        by: super::super::user(),
        time: SystemClock.now().to_string(),
        record: args.record.display().to_string(),
    };
    if view.key.wraps && view.key.unwraps && !args.storage_key {
        let message = format!("{:?} is a storage key: what is under it is lost with it", args.label);
        return Err(Failure::new(Exit::Refused, "secrets.storage-key", message)
            .then("wrap everything under another key first; then add --storage-key"));
    }
    // Before the key goes: a disk that is full leaves no key destroyed without a record.
    let intent = destroy::record(&view, "key-destruction-intended", "");
    write_new(&args.record, &intent.octets)?;
    doomed.destroy().map_err(|error| of::key(&error))?;
    view.time = SystemClock.now().to_string();
    destroy::append(&args.record, &destroy::record(&view, "key-destroyed", &intent.sha256).octets)?;
    printer.result(&view, |view| {
        vec![
            format!(
                "{:?} is destroyed on {:?}, and looked for in vain",
                view.key.label, view.key.token.label
            ),
            format!("the record is in {}", view.record),
        ]
    });
    Ok(())
}

/// Lines of a key for people.
pub(super) fn key_lines(view: &KeyView) -> Vec<String> {
    vec![
        format!("key: {:?}, AES, {}", view.label, view.uses()),
        format!("token: {:?}, serial {}", view.token.label, view.token.serial),
        format!("the key is {}", view.attributes.words()),
    ]
}
