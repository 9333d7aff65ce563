//! `meter-pki hsm list`: tokens with their keys, and the URI to type for each. Changes nothing; tries a PIN only where one is named.

use std::path::{Path, absolute};

use serde::Serialize;
use signer_pkcs11::{
    Halves, KeyAttributes, KeyKind, KeyObject, PinTries, TokenInventory, UriParts, inventories, inventory,
};
use utoipa::ToSchema;

use super::access::{self, AttributesView, TokenView};
use super::failure;
use crate::cli::hsm::ListArgs;
use crate::commands::printer::Printer;
use crate::exit::Failure;

/// What is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmList)]
pub(in crate::commands) struct ListView {
    pub(super) tokens: Vec<TokenEntry>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmListedToken)]
pub(in crate::commands) struct TokenEntry {
    #[serde(flatten)]
    pub(super) token: TokenView,
    pub(super) firmware: String,
    pub(super) initialised: bool,
    pub(super) user_pin_set: bool,
    /// `all`, `fewer`, `last` or `locked`.
    pub(super) pin_tries: &'static str,
    pub(super) logged_in: bool,
    pub(super) uri: String,
    pub(super) keys: Vec<KeyEntry>,
    pub(super) certificates: usize,
    pub(super) trouble: Option<String>,
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmListedKey)]
pub(in crate::commands) struct KeyEntry {
    pub(super) label: String,
    pub(super) id: String,
    /// `P-256`, `P-384`, `EC`, `RSA`, `secret` or `other`.
    pub(super) kind: String,
    /// `both`, `private`, `public` or `secret`: which halves are seen.
    pub(super) halves: &'static str,
    pub(super) key: Option<String>,
    pub(super) attributes: Option<AttributesView>,
    pub(super) wrap_with_trusted: bool,
    /// For keys that can sign here.
    pub(super) uri: Option<String>,
}

pub(super) fn run(args: &ListArgs, printer: &Printer) -> Result<(), Failure> {
    let view = look(args)?;
    printer.result(&view, lines);
    Ok(())
}

fn look(args: &ListArgs) -> Result<ListView, Failure> {
    if let Some(text) = &args.uri {
        let uri = access::uri(text)?;
        let pin = access::pin_if_named(&uri)?;
        let there = inventory(&uri, pin.as_ref()).map_err(|error| failure::open(&error))?;
        let pin_source = uri.parts().pin_source;
        return Ok(ListView { tokens: vec![entry(&there, uri.module_path(), pin_source.as_ref())] });
    }
    let module = args.module.clone().unwrap_or_default();
    let there = inventories(&module).map_err(|error| failure::open(&error))?;
    // A URI names its module from the root.
    let module = absolute(&module).unwrap_or(module);
    Ok(ListView { tokens: there.iter().map(|one| entry(one, &module, None)).collect() })
}

pub(super) fn entry(there: &TokenInventory, module: &Path, pin_source: Option<&String>) -> TokenEntry {
    let token = &there.survey.token;
    let parts = UriParts { pin_source: pin_source.cloned(), ..UriParts::of_token(module.to_owned(), token) };
    TokenEntry {
        token: TokenView::of(token),
        firmware: there.survey.firmware.clone(),
        initialised: there.initialised,
        user_pin_set: there.user_pin_set,
        pin_tries: tries(there.survey.tries),
        logged_in: there.logged_in,
        keys: there.keys.iter().map(|one| key(one, &parts)).collect(),
        uri: if there.initialised { parts.to_string() } else { String::new() },
        certificates: there.certificates,
        trouble: there.trouble.clone(),
    }
}

pub(super) const fn tries(tries: PinTries) -> &'static str {
    match tries {
        PinTries::All => "all",
        PinTries::Fewer => "fewer",
        PinTries::Last => "last",
        PinTries::None => "locked",
    }
}

fn key(one: &KeyObject, token: &UriParts) -> KeyEntry {
    let kind = match (one.kind, &one.public_key) {
        (KeyKind::Ec, Some(key)) => key.curve().to_string(),
        (KeyKind::Ec, None) => "EC".to_owned(),
        (KeyKind::Rsa, _) => "RSA".to_owned(),
        (KeyKind::Secret, _) => "secret".to_owned(),
        (KeyKind::Other, _) => "other".to_owned(),
    };
    let (halves, signs) = match one.halves {
        Halves::Both => ("both", true),
        Halves::Private => ("private", false),
        // The private half is hidden without a login, so this may be it.
        Halves::Public => ("public", true),
        Halves::Secret => ("secret", false),
    };
    let signs = signs && one.public_key.is_some();
    KeyEntry {
        label: one.label.clone(),
        id: hex::encode(&one.id),
        kind,
        halves,
        key: one.public_key.as_ref().map(|key| key.key_ref().to_string()),
        attributes: one.attributes.map(|said: KeyAttributes| AttributesView::of(said)),
        wrap_with_trusted: one.wrap_with_trusted,
        uri: signs.then(|| token.clone().with_key(&one.label, &one.id).to_string()),
    }
}

pub(super) fn lines(view: &ListView) -> Vec<String> {
    if view.tokens.is_empty() {
        return vec!["no token is there".to_owned()];
    }
    view.tokens.iter().flat_map(of_token).collect()
}

fn of_token(one: &TokenEntry) -> Vec<String> {
    let TokenView { label, serial, manufacturer, model } = &one.token;
    if !one.initialised {
        return vec![format!(
            "a token that is not initialised ({manufacturer} {model}): initialise it with the vendor's tool"
        )];
    }
    let mut lines = vec![
        format!("token {label:?}, serial {serial}, {manufacturer} {model}, firmware {}", one.firmware),
        format!("  {}", one.uri),
    ];
    match one.pin_tries {
        "all" if one.user_pin_set => {}
        "all" => lines.push("  its user has no PIN: set one with the vendor's tool".to_owned()),
        "fewer" => lines.push("  PIN: a wrong one was entered, and fewer tries are left".to_owned()),
        "last" => lines.push("  PIN: ONE try is left; a wrong one locks the token".to_owned()),
        _ => lines.push("  PIN: LOCKED; the security officer must set a new one".to_owned()),
    }
    lines.extend(one.trouble.iter().map(|cause| format!("  its objects cannot be read: {cause}")));
    lines.extend(one.keys.iter().flat_map(of_key));
    lines.push(format!("  keys: {}, certificates: {}", one.keys.len(), one.certificates));
    if !one.logged_in {
        lines.push(
            "  this is what is public; add pin-source to the URI to see what is private, which tries the PIN once"
                .to_owned(),
        );
    }
    lines
}

fn of_key(one: &KeyEntry) -> Vec<String> {
    let name = one.key.as_ref().map_or_else(String::new, |key| format!(", {key}"));
    let mut lines = vec![format!("  key {:?}, id {}, {}{name}", one.label, dash(&one.id), one.kind)];
    match (&one.attributes, one.halves) {
        (Some(said), "private") => lines.push(format!("    {}; no public key has its id", said.words())),
        (Some(said), _) => lines.push(format!("    {}", said.words())),
        (None, _) => lines.push("    only its public half is seen".to_owned()),
    }
    if one.attributes.is_some_and(|said| said.extractable) {
        let by = if one.wrap_with_trusted { "a trusted key" } else { "any key" };
        lines.push(format!("    it may leave the token, wrapped by {by}"));
    }
    lines.extend(one.uri.iter().map(|uri| format!("    {uri}")));
    lines
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
