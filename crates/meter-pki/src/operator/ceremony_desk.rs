//! What operators do with ceremonies by the server: have the offline root asked for an authority, take its response in, and have a bundle
//! checked (ADR 73). The server does so only where the configuration says where responses go; keys are made where its own are.
//!
//! What is made is in force nowhere: an authority serves once the configuration names it, and the server was started anew.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent};
use ca_core::exchange::{FRESH_SECONDS, MessageKind};
use ca_core::key_ref::KeyRef;
use ca_core::ports::Signer;
use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use ceremony::bundle::{Bundle, OpenBundleError};
use ceremony::verify::Report;
use ceremony::words::Fingerprint;
use sha2::{Digest, Sha256};
use signer_file::{FileSigner, KeyDirectory, Passphrase};

use super::acts::{event, refused, unavailable};
use super::routes::Peer;
use super::wire::bundles::{BundleText, CheckedBundleView};
use super::wire::ceremonies::{
    CeremonyRequestText, CeremonyResponseText, CeremonyTakenInView, MadeCeremonyRequestView,
};
use crate::compose::keys::{self, KeyPlace};
use crate::compose::{CeremonyPlace, System};
use crate::config::KeySource;
use crate::exit::{Exit, Failure};
use crate::open_requests::OpenRequests;
use crate::root_exchange::{self, Intake, Wanted, Wish};

/// How many requests are open at once: each may have cost a key on a token.
const OPEN: usize = 16;

/// Has the offline root asked for an authority: a key, unless one is to be certified again, and a request that is open from now on.
pub(super) fn request(
    system: &System,
    peer: &Peer,
    text: &CeremonyRequestText,
) -> Result<MadeCeremonyRequestView, Failure> {
    let made = asked(system, peer, text);
    made.map_err(|failure| refused(system, (&system.tenant, peer), failure, Vec::new()))
}

fn asked(
    system: &System,
    peer: &Peer,
    text: &CeremonyRequestText,
) -> Result<MadeCeremonyRequestView, Failure> {
    let place = place(system)?;
    keys::at_hand(&place.keys)?;
    let CeremonyRequestText { profile, country, organization, common_name, renew } = text;
    let wanted = Wish { profile, country, organization, common_name }.looked_at()?;
    let open = OpenRequests::at(&place.exchanges);
    if open.list()?.len() >= OPEN {
        let message = format!("{OPEN} requests are open, and no more are made");
        return Err(Failure::new(Exit::Conflict, "ceremony.many-open", message).then(
            "take their responses in, or move what no ceremony will answer out of exchanges_directory",
        ));
    }
    let renewed = renew.as_deref().map(|name| held(system, place, name)).transpose()?;
    if let (None, KeySource::Tokens { uris, .. }) = (&renewed, &place.keys) {
        keys::only_token(uris)?;
    }
    let what = match &renewed {
        Some((key, _)) => format!("the key {}", key.key_ref()),
        None => "a new key".to_owned(),
    };
    let detail = format!("{} under {}, with {what}", wanted.subject, wanted.profile);
    record(system, event(system, &system.tenant, peer, Act::CeremonyRequestBegun, detail)?)?;
    let now = system.clock.now();
    match renewed {
        Some((key, signer)) => kept(system, peer, (wanted, &key, signer.as_ref()), place),
        None => {
            let (key, signer) = made_key(system, place, (&wanted, common_name, now))?;
            kept(system, peer, (wanted, &key, signer.as_ref()), place).map_err(|failure| {
                let key = key.key_ref();
                failure
                    .then(format!("the key {key} was made and certifies nothing: ask again with it to renew"))
            })
        }
    }
}

/// Makes the request, and tells of it on record before it is kept, and keeps it before it leaves.
fn kept(
    system: &System,
    peer: &Peer,
    (wanted, key, signer): (Wanted, &PublicKey, &dyn Signer),
    place: &CeremonyPlace,
) -> Result<MadeCeremonyRequestView, Failure> {
    let made = root_exchange::make(wanted, (key, signer), system.clock.now())?;
    let request = &made.request;
    let detail = format!(
        "{} under {}; key {}; nonce {}",
        request.subject(),
        request.profile(),
        key.key_ref(),
        request.nonce()
    );
    let event = event(system, &system.tenant, peer, Act::CeremonyRequestMade, detail)?;
    record(system, AuditEvent { digest: request.digest().to_vec(), ..event })?;
    OpenRequests::at(&place.exchanges).keep(request, &made.text)?;
    let (sha256, file) = (Fingerprint::new(request.digest()), Fingerprint::of(made.text.as_bytes()));
    Ok(MadeCeremonyRequestView {
        file: STANDARD.encode(&made.text),
        sha256: sha256.to_string(),
        words: owned(&sha256.words()),
        file_sha256: file.to_string(),
        file_words: owned(&file.words()),
        key: key.key_ref().to_string(),
        subject: request.subject().to_string(),
        stale_from: request.created().plus_seconds(FRESH_SECONDS).to_string(),
        next: "write both SHA-256 down, carry the file to the offline root, and bring its response back before it is stale"
            .to_owned(),
    })
}

/// Takes a response in; what it brings is written where the configuration says.
pub(super) fn response(
    system: &System,
    peer: &Peer,
    text: &CeremonyResponseText,
) -> Result<CeremonyTakenInView, Failure> {
    let octets = decoded(&text.response, "exchange.base64");
    let digest = octets.as_ref().map(|octets| Sha256::digest(octets).to_vec()).unwrap_or_default();
    let taken = octets.and_then(|octets| taken_in(system, peer, (&octets, &text.exchange_key)));
    taken.map_err(|failure| refused(system, (&system.tenant, peer), failure, digest))
}

fn taken_in(
    system: &System,
    peer: &Peer,
    (octets, exchange_key): (&[u8], &str),
) -> Result<CeremonyTakenInView, Failure> {
    let place = place(system)?;
    let exchange_key = root_exchange::exchange_key(exchange_key)?;
    let longest = 2 * MessageKind::SubordinateResponse.max_octets();
    if octets.len() > longest {
        let message = format!("no response is longer than {longest} octets");
        return Err(Failure::new(Exit::Refused, "exchange.too-long", message));
    }
    let intake = Intake {
        exchanges: &place.exchanges,
        out: &place.incoming,
        now: system.clock.now(),
        by: peer.permit().name(),
    };
    let taken = intake.take_in(octets, &exchange_key, |accepted| {
        let certificate = &accepted.certificate;
        let detail = format!("{}, key {}", certificate.subject(), certificate.public_key().key_ref());
        let event = event(system, &system.tenant, peer, Act::CeremonyResponseTakenIn, detail)?;
        let told = AuditEvent {
            issuer: Some(accepted.root.public_key().key_ref()),
            serial: Some(certificate.serial().clone()),
            digest: Sha256::digest(octets).to_vec(),
            ..event
        };
        record(system, told)
    })?;
    let root = Fingerprint::of(taken.accepted.root.der());
    let certificate = &taken.accepted.certificate;
    let next = format!(
        "the authority is not in force: add an [[authority]] with certificate_file {} and path_files {} to the configuration, and start the \
         server anew; then publish the root's CRL with meter-pki crl import",
        taken.certificate_file, taken.root_file
    );
    Ok(CeremonyTakenInView {
        key: certificate.public_key().key_ref().to_string(),
        subject: certificate.subject().to_string(),
        root_sha256: root.to_string(),
        root_words: owned(&root.words()),
        certificate_file: taken.certificate_file,
        root_file: taken.root_file,
        crl_file: taken.crl_file,
        next,
    })
}

/// Checks a bundle, and keeps nothing of it. One that cannot be read is told so by the report.
pub(super) fn report(text: &BundleText) -> Result<CheckedBundleView, Failure> {
    let open = |base64: &str| Ok::<_, Failure>(Bundle::from_tar(&decoded(base64, "bundle.base64")?));
    let bundle = open(&text.bundle)?;
    let previous = text.previous.as_deref().map(open).transpose()?;
    Ok(CheckedBundleView::from(&checked(bundle, previous)))
}

fn checked(
    bundle: Result<Bundle, OpenBundleError>,
    previous: Option<Result<Bundle, OpenBundleError>>,
) -> Report {
    match (bundle, previous) {
        (Ok(bundle), None) => ceremony::verify::verify(&bundle),
        (Ok(bundle), Some(Ok(previous))) => ceremony::verify::verify_after(&bundle, previous),
        (Err(error), _) | (Ok(_), Some(Err(error))) => Report::unreadable(&error),
    }
}

/// Where requests and responses are, where the server holds ceremonies at all.
fn place(system: &System) -> Result<&CeremonyPlace, Failure> {
    system.ceremonies.as_ref().ok_or_else(|| {
        Failure::new(
            Exit::Refused,
            "ceremony.elsewhere",
            "this server neither makes requests nor takes responses in",
        )
        .then(
            "type the verb at the machine, or name exchanges_directory and incoming_directory in [operator]",
        )
    })
}

/// A key, and what signs with it.
type Held = (PublicKey, Arc<dyn Signer>);

/// Finds a key that is to be certified again. Files are read anew: what the server signs with is what was there when it started.
fn held(system: &System, place: &CeremonyPlace, name: &str) -> Result<Held, Failure> {
    let key = KeyRef::parse(name).ok_or_else(|| {
        Failure::new(Exit::Usage, "key.malformed", format!("{name} is not the name of a key"))
    })?;
    let missing = |error: &dyn Display| {
        Failure::new(Exit::NotFound, "key.missing", error).then("meter-pki ca keys, meter-pki ceremony state")
    };
    let signer: Arc<dyn Signer> = match &place.keys {
        KeySource::Files { directory, passphrase_file } => {
            let (directory, passphrase) = files(directory, passphrase_file)?;
            let signer = FileSigner::new();
            signer.add(&directory, &key, &passphrase).map_err(|error| missing(&error))?;
            Arc::new(signer)
        }
        KeySource::Tokens { .. } | KeySource::Signer { .. } => Arc::clone(&system.ports.signer),
    };
    let public = signer.public_key(&key).map_err(|error| missing(&error))?;
    Ok((public, signer))
}

fn files(directory: &Path, passphrase_file: &Path) -> Result<(KeyDirectory, Passphrase), Failure> {
    let failed = |error: &dyn Display| Failure::new(Exit::Unavailable, "keys.not-open", error);
    let passphrase = Passphrase::load(passphrase_file).map_err(|error| failed(&error))?;
    Ok((KeyDirectory::open(directory).map_err(|error| failed(&error))?, passphrase))
}

/// Makes a key where the server's own are.
fn made_key(
    system: &System,
    place: &CeremonyPlace,
    (wanted, common_name, now): (&Wanted, &str, UnixTime),
) -> Result<Held, Failure> {
    let failed = |error: &dyn Display| Failure::new(Exit::Failed, "key.not-made", error);
    match (&place.keys, &system.key_place) {
        (KeySource::Files { directory, passphrase_file }, _) => {
            let (directory, passphrase) = files(directory, passphrase_file)?;
            let key = directory.generate(wanted.curve, &passphrase).map_err(|error| failed(&error))?;
            let signer = FileSigner::new();
            signer.add(&directory, &key.key_ref(), &passphrase).map_err(|error| failed(&error))?;
            Ok((key, Arc::new(signer)))
        }
        (KeySource::Tokens { .. }, KeyPlace::Tokens(set)) => {
            let token = set.tokens().next().ok_or_else(|| failed(&"no token is open"))?;
            let label = format!("{common_name} {now}");
            let key = token.generate(wanted.curve, &label).map_err(|error| failed(&error))?;
            Ok((key, token.clone()))
        }
        (KeySource::Tokens { .. } | KeySource::Signer { .. }, _) => {
            keys::at_hand(&place.keys)?;
            Err(failed(&"keys are not made where they are now"))
        }
    }
}

fn record(system: &System, event: AuditEvent) -> Result<(), Failure> {
    system.ports.ledger.record_event(event).map_err(unavailable)
}

fn decoded(base64: &str, code: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(base64).map_err(|error| Failure::new(Exit::Usage, code, error))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
