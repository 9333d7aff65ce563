//! `meter-pki ceremony request` and `requests`: the online half of the exchange with the offline root begins.
//!
//! A request is kept open until its response is taken in, which is for [`import`]. Outputs are never written over. What the messages are is decided in `ca_core::exchange`.

pub(super) mod bundle;
pub(super) mod import;
mod releases;
mod state;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::exchange::{FRESH_SECONDS, SubordinateRequest};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, Signer};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use ceremony::words::Fingerprint;
use serde::Serialize;
use signer_file::{FileSigner, KeyDirectory, Passphrase};
use signer_pkcs11::{Pin, TokenSigner, TokenUri};
use utoipa::ToSchema;

use super::printer::{Printer, aloud, heading, table};
use crate::cli::ServerArgs;
use crate::cli::{CeremonyCommand, KeyArgs, RequestArgs};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::open_requests::OpenRequests;
use crate::operator::client::OperatorClient;
use crate::operator::wire::ceremonies::{CeremonyRequestText, MadeCeremonyRequestView};
use crate::operator::wire::words::{KeyName, ProfileName, Sha256, TimeText};
use crate::root_exchange::{self, Wish};

pub(super) fn run(verb: &CeremonyCommand, server: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    match verb {
        CeremonyCommand::Keep { path, release } => {
            super::wait(releases::keep(path, release.as_deref(), &super::client(server)?, printer))
        }
        CeremonyCommand::Verify { bundle, previous, served: false } => {
            bundle::verify(bundle, previous.as_deref(), printer)
        }
        CeremonyCommand::Verify { bundle, previous, served: true } => {
            let client = super::client(server)?;
            super::wait(bundle::verify_served(bundle, previous.as_deref(), (&client, printer)))
        }
        CeremonyCommand::State => super::wait(state::show(&super::client(server)?, printer)),
        CeremonyCommand::Releases => super::wait(releases::list(&super::client(server)?, printer)),
        CeremonyCommand::Request(args) if args.served => {
            super::wait(request_served(args, &super::client(server)?, printer))
        }
        CeremonyCommand::Request(args) => request(args, printer),
        CeremonyCommand::Import(args) => match &args.out {
            Some(out) => import::import(args, out, printer),
            None => super::wait(import::import_served(args, &super::client(server)?, printer)),
        },
        CeremonyCommand::Journal { exchanges } => import::journal(exchanges, printer),
        CeremonyCommand::Requests { exchanges } => list(exchanges, printer),
    }
}

/// What a request amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CeremonyRequest)]
pub(in crate::commands) struct RequestView {
    file: String,
    /// Of the DER of the request, as `offline-root show` says it.
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
    words: Vec<&'static str>,
    /// Of the octets of the file, as the ceremony file names it.
    #[schema(value_type = Sha256)]
    file_sha256: Fingerprint,
    file_words: Vec<&'static str>,
    #[schema(value_type = KeyName)]
    key: String,
    subject: String,
}

/// A request that waits for its response.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenCeremonyRequest)]
pub(in crate::commands) struct OpenRequestView {
    nonce: String,
    #[schema(value_type = Sha256)]
    sha256: String,
    subject: String,
    #[schema(value_type = ProfileName)]
    profile: String,
    #[schema(value_type = TimeText)]
    made: String,
    #[schema(value_type = TimeText)]
    stale_from: String,
}

fn request(args: &RequestArgs, printer: &Printer) -> Result<(), Failure> {
    let wanted = wish(args).looked_at()?;
    // Looked at before a key is made for nothing.
    refuse_existing(&args.out)?;
    let (signer, public_key) = match &args.renew {
        None => make_key(&args.keys, wanted.curve, &args.common_name)?,
        Some(key) => find_key(&args.keys, key)?,
    };
    let made = root_exchange::make(wanted, (&public_key, &*signer), SystemClock.now())?;
    // Kept before it leaves: no response can come that nobody waits for.
    OpenRequests::at(&args.exchanges).keep(&made.request, &made.text)?;
    write_new(&args.out, made.text.as_bytes())?;
    let sha256 = Fingerprint::new(made.request.digest());
    let (key, subject) = (public_key.key_ref().to_string(), made.request.subject().to_string());
    told(args, (&sha256, made.text.as_bytes()), (key, subject), printer);
    Ok(())
}

/// Has the server make key and request.
async fn request_served(
    args: &RequestArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_existing(&args.out)?;
    let text = CeremonyRequestText {
        profile: args.profile.clone(),
        country: args.country.clone(),
        organization: args.organization.clone(),
        common_name: args.common_name.clone(),
        renew: args.renew.clone(),
    };
    let view: MadeCeremonyRequestView = client.post("/v1/ceremonies/requests", &text).await?;
    let unread = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "ceremony.answer", error);
    let sha256: Fingerprint = view.sha256.parse().map_err(|error| unread(&error))?;
    let file = STANDARD.decode(&view.file).map_err(|error| unread(&error))?;
    write_new(&args.out, &file)?;
    told(args, (&sha256, &file), (view.key, view.subject), printer);
    Ok(())
}

fn wish(args: &RequestArgs) -> Wish<'_> {
    let RequestArgs { profile, country, organization, common_name, .. } = args;
    Wish { profile, country, organization, common_name }
}

fn told(
    args: &RequestArgs,
    (sha256, file): (&Fingerprint, &[u8]),
    (key, subject): (String, String),
    printer: &Printer,
) {
    let file_sha256 = Fingerprint::of(file);
    let view = RequestView {
        file: args.out.display().to_string(),
        sha256: *sha256,
        words: sha256.words(),
        file_sha256,
        file_words: file_sha256.words(),
        key,
        subject,
    };
    printer.result(&view, |view| {
        let mut lines = vec![format!("request for {} is in {}", view.subject, view.file)];
        lines.extend(aloud("SHA-256 of the request, as offline-root show says it", &view.sha256));
        lines.extend(aloud("SHA-256 of the file, for the ceremony file", &view.file_sha256));
        lines.push(format!(
            "it is open until its response is taken in: meter-pki ceremony import, within {} days",
            FRESH_SECONDS / 86_400
        ));
        lines
    });
}

/// Finds a key that is to be certified again.
fn find_key(keys: &KeyArgs, key: &str) -> Result<(Box<dyn Signer>, PublicKey), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::NotFound, "key.missing", error);
    let key = KeyRef::parse(key)
        .ok_or_else(|| Failure::new(Exit::Usage, "key.name", "--renew has 40 hexadecimal digits"))?;
    let signer: Box<dyn Signer> =
        if let (Some(directory), Some(passphrase)) = (&keys.key_directory, &keys.passphrase_file) {
            let passphrase = Passphrase::load(passphrase).map_err(|error| failed(&error))?;
            let directory = KeyDirectory::open(directory).map_err(|error| failed(&error))?;
            let signer = FileSigner::new();
            signer.add(&directory, &key, &passphrase).map_err(|error| failed(&error))?;
            Box::new(signer)
        } else {
            Box::new(open_token(keys)?)
        };
    let public_key = signer.public_key(&key).map_err(|error| failed(&error))?;
    Ok((signer, public_key))
}

fn open_token(keys: &KeyArgs) -> Result<TokenSigner, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "key.not-made", error);
    let uri = keys.token_uri.as_deref().unwrap_or_default();
    let uri = TokenUri::parse(uri).map_err(|error| failed(&error))?;
    let source = uri.pin_source().ok_or_else(|| failed(&"the token URI names no pin-source"))?;
    let pin = Pin::load(source).map_err(|error| failed(&error))?;
    TokenSigner::open(&uri, pin).map_err(|error| failed(&error))
}

/// Makes a key where the arguments say; `label` names it on a token.
pub(super) fn make_key(
    keys: &KeyArgs,
    curve: Curve,
    label: &str,
) -> Result<(Box<dyn Signer>, PublicKey), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "key.not-made", error);
    if let (Some(directory), Some(passphrase)) = (&keys.key_directory, &keys.passphrase_file) {
        let passphrase = Passphrase::load(passphrase).map_err(|error| failed(&error))?;
        let directory = if directory.exists() {
            KeyDirectory::open(directory).map_err(|error| failed(&error))?
        } else {
            KeyDirectory::create(directory).map_err(|error| failed(&error))?
        };
        let public_key = directory.generate(curve, &passphrase).map_err(|error| failed(&error))?;
        let signer = FileSigner::new();
        signer.add(&directory, &public_key.key_ref(), &passphrase).map_err(|error| failed(&error))?;
        return Ok((Box::new(signer), public_key));
    }
    let signer = open_token(keys)?;
    let public_key = signer.generate(curve, label).map_err(|error| failed(&error))?;
    Ok((Box::new(signer), public_key))
}

fn list(exchanges: &Path, printer: &Printer) -> Result<(), Failure> {
    let view = |request: &SubordinateRequest| OpenRequestView {
        nonce: request.nonce().to_string(),
        sha256: hex::encode(request.digest()),
        subject: request.subject().to_string(),
        profile: request.profile().to_string(),
        made: request.created().to_string(),
        stale_from: request.created().plus_seconds(FRESH_SECONDS).to_string(),
    };
    let open: Vec<OpenRequestView> = OpenRequests::at(exchanges).list()?.iter().map(view).collect();
    printer.result(&open, |open| {
        let mut rows = vec![heading(&["MADE", "STALE FROM", "PROFILE", "SHA-256", "SUBJECT"])];
        rows.extend(open.iter().map(|one| {
            [&one.made, &one.stale_from, &one.profile, &one.sha256, &one.subject].map(String::clone).to_vec()
        }));
        table(&rows)
    });
    Ok(())
}
