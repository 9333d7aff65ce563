//! `meter-pki hsm uri`: the complete URI for what somebody has, and what a URI matches now. What is ambiguous or missing is refused
//! with the list of what is there.

use std::path::absolute;

use serde::Serialize;
use signer_pkcs11::{KeyObject, TokenInventory, TokenUri, UriParts, inventories, inventory};
use utoipa::ToSchema;

use super::access;
use super::failure;
use super::list::{ListView, entry, lines};
use crate::cli::hsm::UriArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};

/// A URI, part by part, and what it matches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmUri)]
pub(in crate::commands) struct UriView {
    uri: String,
    parts: Vec<PartView>,
    /// The tokens that it matches now.
    tokens: Vec<String>,
    /// The labels of the keys that it matches on the one token, as far as they are seen.
    keys: Vec<String>,
    /// Whether private objects were looked at.
    logged_in: bool,
}

/// What one part says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmUriPart)]
pub(in crate::commands) struct PartView {
    name: &'static str,
    value: String,
    means: &'static str,
}

pub(super) fn run(args: &UriArgs, printer: &Printer) -> Result<(), Failure> {
    let uri = match &args.uri {
        Some(text) => access::uri(text)?,
        None => written(args)?,
    };
    let view = explained(&uri, args.uri.is_none())?;
    printer.result(&view, |view| {
        if args.uri.is_none() {
            return vec![view.uri.clone()];
        }
        let part = |one: &PartView| format!("{:<13} {:<40} {}", one.name, one.value, one.means);
        let mut lines: Vec<String> = view.parts.iter().map(part).collect();
        lines.push(format!("matches the token {}", view.tokens.join(", ")));
        if !view.keys.is_empty() {
            lines.push(format!("matches the key {}", view.keys.join(", ")));
        }
        lines.push(format!("complete: {}", view.uri));
        lines
    });
    Ok(())
}

/// Makes a URI of what is given, which parses; what is missing is found on the token afterwards.
fn written(args: &UriArgs) -> Result<TokenUri, Failure> {
    let module = args.module.clone().unwrap_or_default();
    let module_path = absolute(&module).unwrap_or(module);
    let id = args.id.as_ref().map(hex::decode).transpose().map_err(|_| {
        failure::usage("hsm.id-faulty", "--id is not in hexadecimal")
            .then("meter-pki hsm list shows ids as they are typed")
    })?;
    let mut parts = UriParts {
        token: args.token.clone(),
        serial: args.serial.clone(),
        object: args.object.clone(),
        id,
        module_path: module_path.clone(),
        pin_source: args.pin_source.clone(),
        ..UriParts::default()
    };
    if parts.token.is_none() && parts.serial.is_none() {
        // Only one token: then it is meant.
        let there = inventories(&module_path).map_err(|error| failure::open(&error))?;
        let initialised: Vec<_> = there.iter().filter(|one| one.initialised).collect();
        let [one] = initialised.as_slice() else {
            return Err(not_one(&parts, &there, "token"));
        };
        parts.token = Some(one.survey.token.label.clone());
        parts.serial = Some(one.survey.token.serial.clone());
    }
    access::uri(&parts.to_string())
}

fn explained(uri: &TokenUri, complete: bool) -> Result<UriView, Failure> {
    let parts = uri.parts();
    let there = inventories(uri.module_path()).map_err(|error| failure::open(&error))?;
    let matching: Vec<_> =
        there.iter().filter(|one| one.initialised && parts.fits(&one.survey.token)).collect();
    let [one] = matching.as_slice() else {
        return Err(not_one(&parts, &there, "token"));
    };
    // Without a PIN what is public; a key's public half usually is.
    let pin = if parts.names_a_key() { access::pin_if_named(uri)? } else { None };
    let on_it = inventory(uri, pin.as_ref()).map_err(|error| failure::open(&error))?;
    let fitting = |key: &&KeyObject| parts.fits_key(&key.label, &key.id);
    let keys: Vec<&KeyObject> = on_it.keys.iter().filter(fitting).collect();
    if parts.names_a_key() && keys.len() != 1 {
        return Err(not_one(&parts, std::slice::from_ref(&on_it), "key"));
    }
    let mut whole = UriParts {
        pin_source: parts.pin_source.clone(),
        ..UriParts::of_token(parts.module_path.clone(), &one.survey.token)
    };
    if parts.names_a_key()
        && let [key] = keys.as_slice()
    {
        whole = whole.with_key(&key.label, &key.id);
    }
    Ok(UriView {
        uri: whole.to_string(),
        parts: each(if complete { &whole } else { &parts }),
        tokens: matching.iter().map(|one| one.survey.token.to_string()).collect(),
        keys: if parts.names_a_key() {
            keys.iter().map(|key| key.label.clone()).collect()
        } else {
            Vec::new()
        },
        logged_in: on_it.logged_in,
    })
}

fn each(parts: &UriParts) -> Vec<PartView> {
    let part = |name, value: &Option<String>, means| {
        value.as_ref().map(|value| PartView { name, value: value.clone(), means })
    };
    let said = [
        part("token", &parts.token, "the label of the token"),
        part("serial", &parts.serial, "its serial number"),
        part("manufacturer", &parts.manufacturer, "who made it"),
        part("model", &parts.model, "which model it is"),
        part("object", &parts.object, "the label of the key (CKA_LABEL)"),
        part("id", &parts.id.as_ref().map(hex::encode), "its id (CKA_ID), in hexadecimal"),
        part("module-path", &Some(parts.module_path.display().to_string()), "the PKCS#11 module"),
        part("pin-source", &parts.pin_source, "where the PIN is read from"),
    ];
    said.into_iter().flatten().collect()
}

fn not_one(parts: &UriParts, there: &[TokenInventory], what: &str) -> Failure {
    let matching = if what == "token" {
        there.iter().filter(|one| one.initialised && parts.fits(&one.survey.token)).count()
    } else {
        there.iter().flat_map(|one| &one.keys).filter(|key| parts.fits_key(&key.label, &key.id)).count()
    };
    let tokens = there.iter().map(|one| entry(one, &parts.module_path, parts.pin_source.as_ref())).collect();
    let list = lines(&ListView { tokens }).join("\n  ");
    let (exit, code) = match (what, matching) {
        ("token", 0) => (Exit::NotFound, "hsm.token-missing"),
        ("token", _) => (Exit::Conflict, "hsm.token-ambiguous"),
        (_, 0) => (Exit::NotFound, "hsm.key-missing"),
        _ => (Exit::Conflict, "hsm.key-ambiguous"),
    };
    let message = format!("{matching} of what is there match, and one {what} must:\n  {list}");
    Failure::new(exit, code, message).then(if what == "token" {
        "add --serial, or serial= to the URI"
    } else {
        "add --id, or id= to the URI"
    })
}
