//! `meter-pki hsm destroy`: a key pair destroyed on its token, with a record before and after.
//!
//! The record stands in the ledger, or in a file of its own with a chain of hashes; a file shows what was said to be done, and is no
//! proof against who wrote it. Who types the name of the key means it: nobody else is asked. A key that an authority of the
//! configuration uses is refused: `ca close` ends those. Copies on other tokens and in backups are beyond its reach.

use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, Ledger};
use ca_core::public_key::PublicKey;
use ca_core::tenant::TenantId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use signer_pkcs11::{
    DestroyKeyError, KeyProtection, OpenTokenError, TokenOptions, TokenSigner, TokenUri, UriParts,
};
use utoipa::ToSchema;

use super::access::{self, TokenView};
use super::failure;
use crate::cli::hsm::DestroyArgs;
use crate::commands::config::faulty;
use crate::commands::printer::Printer;
use crate::compose::{SystemClock, Vault, open_vault};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::TimeText;

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmDestroyed)]
pub(in crate::commands) struct DestroyedView {
    key: String,
    label: String,
    id: String,
    token: TokenView,
    /// Absent where the public half was gone.
    public_key_sha256: Option<String>,
    reason: String,
    by: String,
    #[schema(value_type = TimeText)]
    time: String,
    /// Whether the keys of a configuration were looked at before.
    configuration_checked: bool,
    record: Option<String>,
    in_ledger: bool,
}

/// Where it is recorded in the ledger.
struct Recorded {
    vault: Vault,
    tenant: TenantId,
}

pub(super) fn run(args: &DestroyArgs, file: &Path, printer: &Printer) -> Result<(), Failure> {
    if let Some(record) = &args.record {
        refuse_existing(record)?;
    }
    let named = KeyRef::parse(&args.key.to_ascii_lowercase()).ok_or_else(|| {
        failure::usage("hsm.key-faulty", "--key is not the name of a key, 40 hexadecimal digits")
            .then("meter-pki hsm list URI shows it")
    })?;
    let uri = access::uri(&args.uri)?;
    access::names_a_key(&uri)?;
    let config = configuration(file, args.in_ledger)?;
    if let Some(config) = &config {
        refuse_used(config, &named)?;
    }
    let (signer, key) = the_key(&uri, &named)?;
    let ledger = match config {
        Some(config) if args.in_ledger => {
            let tenant = config.tenant.clone();
            Some(Recorded { vault: open_vault(&config)?, tenant })
        }
        Some(_) | None => None,
    };
    let mut view = DestroyedView {
        key: named.to_string(),
        label: key.label.clone(),
        id: hex::encode(&key.id),
        token: TokenView::of(&signer.token()),
        public_key_sha256: key.public_key.as_ref().map(|key| hex::encode(key.fingerprint())),
        reason: args.reason.clone(),
        by: super::super::user(),
        time: SystemClock.now().to_string(),
        configuration_checked: file.exists(),
        record: args.record.as_ref().map(|record| record.display().to_string()),
        in_ledger: ledger.is_some(),
    };
    if let Some(ledger) = &ledger {
        ledger.record(Act::KeyDestructionIntended, (&view, &key))?;
    }
    // Before the key goes: a disk that is full leaves no key destroyed without a record.
    let intent = record(&view, "key-destruction-intended", "");
    if let Some(file) = &args.record {
        write_new(file, &intent.octets)?;
    }
    signer.destroy(&named).map_err(|error: DestroyKeyError| failure::destroy(&error))?;
    view.time = SystemClock.now().to_string();
    if let Some(ledger) = &ledger {
        ledger.record(Act::KeyDestroyed, (&view, &key))?;
    }
    if let Some(file) = &args.record {
        append(file, &record(&view, "key-destroyed", &intent.sha256).octets)?;
    }
    printer.result(&view, lines);
    Ok(())
}

/// The configuration, if there is one: with the ledger there must be.
fn configuration(file: &Path, needed: bool) -> Result<Option<Config>, Failure> {
    if !needed && !file.exists() {
        return Ok(None);
    }
    Config::load_in_founding(file).map(Some).map_err(|error| faulty(&error))
}

fn refuse_used(config: &Config, key: &KeyRef) -> Result<(), Failure> {
    let refused = |what: String, next: &str| {
        let message = format!("the key {key} is that of {what}");
        Err(Failure::new(Exit::Refused, "hsm.key-in-use", message).then(next))
    };
    for one in &config.authorities {
        if one.issuer.key() == *key {
            return refused(
                format!("the authority {}", one.name),
                "meter-pki ca close ends an authority, and destroys its key",
            );
        }
        if one.responder_key == *key {
            return refused(
                format!("the OCSP responder of {}", one.name),
                "name another responder_key first",
            );
        }
    }
    if config.audit.notary.as_ref().is_some_and(|(notary, _)| notary == key) {
        return refused("the checkpoints of the audit trail".to_owned(), "name another key in [audit] first");
    }
    if crate::commands::signer::message_keys(config).contains(&key.to_string()) {
        return refused("who signs messages".to_owned(), "name another message certificate first");
    }
    Ok(())
}

/// A key, or what is left of one.
struct Found {
    label: String,
    id: Vec<u8>,
    /// Not where the public half is gone, or was never there.
    public_key: Option<PublicKey>,
}

impl Found {
    /// What is told of it in audit records.
    fn digest(&self) -> Vec<u8> {
        self.public_key.as_ref().map_or_else(|| self.id.clone(), |key| key.fingerprint().to_vec())
    }
}

/// Finds the one private key that the URI names, on the token as a whole: a key without its public half is no key for signers, and is
/// to be destroyed all the same. It has the name that was typed.
fn the_key(uri: &TokenUri, named: &KeyRef) -> Result<(TokenSigner, Found), Failure> {
    let parts = uri.parts();
    let token = access::uri(&UriParts { object: None, id: None, ..parts.clone() }.to_string())?;
    let options = TokenOptions { weakest_protection: KeyProtection::Extractable, ..TokenOptions::default() };
    let signer =
        TokenSigner::open_with(&token, access::pin(uri)?, options).map_err(|error| failure::open(&error))?;
    let mut there = signer.keys().map_err(|error| failure::token(&error))?;
    there.retain(|object| parts.fits_key(&object.label, &object.id));
    if there.len() > 1 {
        let wanted = uri.to_string();
        return Err(failure::open(&OpenTokenError::AmbiguousKey { wanted, there }));
    }
    let object = there.pop().ok_or_else(|| {
        Failure::new(Exit::NotFound, "hsm.key-missing", "no private EC key on the token is as the URI says")
            .then("meter-pki hsm list URI shows the keys that are there")
    })?;
    let (name, public_key) = match object.key {
        Ok(key) => (key.public_key.key_ref().to_string(), Some(key.public_key)),
        // A key that was made here has its name as its id.
        Err(_) => (hex::encode(&object.id), None),
    };
    if name == named.to_string() {
        return Ok((signer, Found { label: object.label, id: object.id, public_key }));
    }
    let message = format!("the URI names the key {name}, and --key says {named}");
    Err(Failure::new(Exit::Refused, "hsm.another-key-named", message)
        .then("meter-pki hsm list URI shows the names of the keys"))
}

impl Recorded {
    fn record(&self, act: Act, (view, key): (&DestroyedView, &Found)) -> Result<(), Failure> {
        let actor =
            Actor { tenant: self.tenant.clone(), identity: Identity::Operator { name: view.by.clone() } };
        let event = AuditEvent {
            time: SystemClock.now(),
            actor: actor.to_string(),
            tenant: self.tenant.clone(),
            act,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!(
                "key {} ({}) on token {} serial {}; {}",
                view.key, view.label, view.token.label, view.token.serial, view.reason
            ),
            digest: key.digest(),
        };
        self.vault.store.record_event(event).map_err(|error| {
            Failure::new(Exit::Unavailable, "unavailable", error).then("look at the disk, then repeat")
        })
    }
}

/// A line of a record file.
pub(in crate::commands) struct RecordLine {
    pub(in crate::commands) octets: Vec<u8>,
    pub(in crate::commands) sha256: String,
}

/// Makes a line: JSON, with the SHA-256 of the line before it, which its own SHA-256 covers.
pub(in crate::commands) fn record<V: Serialize>(view: &V, act: &str, before: &str) -> RecordLine {
    #[derive(Serialize)]
    struct Line<'a, V> {
        act: &'a str,
        #[serde(flatten)]
        view: &'a V,
        sha256_of_line_before: &'a str,
    }
    let mut octets =
        serde_json::to_vec(&Line { act, view, sha256_of_line_before: before }).unwrap_or_default();
    let sha256 = hex::encode(Sha256::digest(&octets));
    octets.push(b'\n');
    RecordLine { octets, sha256 }
}

pub(in crate::commands) fn append(file: &Path, line: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let written = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().append(true).open(file)?;
        file.write_all(line)?;
        file.sync_all()
    };
    written().map_err(|error| {
        let message = format!("the key is destroyed, and {} does not say so: {error}", file.display());
        Failure::new(Exit::Failed, "hsm.not-recorded", message)
            .then("keep what this command printed with the file")
    })
}

fn lines(view: &DestroyedView) -> Vec<String> {
    let mut lines = vec![format!(
        "{} ({:?}) is destroyed on {:?}, and looked for in vain",
        view.key, view.label, view.token.label
    )];
    lines.extend(view.public_key_sha256.iter().map(|sha256| format!("SHA-256 of its public key: {sha256}")));
    lines.extend(view.record.iter().map(|file| format!("the record is in {file}")));
    if view.in_ledger {
        lines.push("it is recorded in the ledger".to_owned());
    }
    if !view.configuration_checked {
        lines.push(
            "no configuration was there, so that nobody looked whether a server uses this key".to_owned(),
        );
    }
    lines.push("destroy every copy of it on other tokens and in backups".to_owned());
    lines
}
