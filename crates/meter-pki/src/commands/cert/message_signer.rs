//! `meter-pki cert message-signer`: the key and the certificate by which the server signs its messages, CMP and CMC.
//!
//! The key is made in `[keys]`, where the server finds it at its next start. The certificate comes from the serving program through the
//! door of operators, on record like every other. A key whose certificate is refused is destroyed.

use std::path::{Path, absolute};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::exchange::certification_request;
use ca_core::oid;
use ca_core::ports::{Clock, Signer};
use ca_core::profile::CertificateProfile;
use ca_core::public_key::PublicKey;
use ca_core::registration::Door;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cli::KeyArgs;
use crate::cli::cert::MessageSignerArgs;
use crate::commands::ceremony::make_key;
use crate::commands::config::faulty;
use crate::commands::printer::Printer;
use crate::compose::{SystemClock, keys, name_beside};
use crate::config::{CheckedAuthority, Config, KeySource};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::OperatorClient;
use crate::operator::wire::words::{Serial, TimeText};
use crate::operator::wire::{CertificateView, CertificationText};

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageSigner)]
pub(in crate::commands) struct MessageSignerView {
    #[schema(value_type = Serial)]
    serial: String,
    issuer: String,
    subject: String,
    #[schema(value_type = TimeText)]
    not_after: String,
    key: String,
    file: String,
    /// The lines of the configuration that name it.
    configuration: Vec<String>,
    /// Whether there is a `[cmp]` already.
    renews: bool,
}

/// Makes both, and prints what to add to the configuration.
pub(super) async fn make(
    args: &MessageSignerArgs,
    file: &Path,
    (client, printer): (&OperatorClient, &Printer),
) -> Result<(), Failure> {
    let config = Config::load_in_founding(file).map_err(|error| faulty(&error))?;
    let (one, profile) = offered(&config, args.profile.as_deref())?;
    refuse_existing(&args.out)?;
    // Keys on a token have names of their own.
    let label = format!("{} {}", args.common_name, SystemClock.now());
    let (signer, key) = make_key(&place(&config.keys)?, profile.curve(), &label)?;
    let view = match certify(one, profile, (&args.common_name, &key, &*signer), client).await {
        Ok(view) => view,
        Err(failure) => return Err(without_key(failure, &config.keys, &key)),
    };
    write(&args.out, &view)?;
    let view = MessageSignerView {
        serial: view.serial,
        issuer: view.issuer,
        subject: view.subject,
        not_after: view.not_after,
        key: key.key_ref().to_string(),
        file: args.out.display().to_string(),
        configuration: lines(&config, one, &args.out),
        renews: config.cmp.is_some(),
    };
    printer.result(&view, told);
    Ok(())
}

/// Finds the one offer to operators whose certificates say that they speak for a CA.
fn offered<'a>(
    config: &'a Config,
    name: Option<&str>,
) -> Result<(&'a CheckedAuthority, &'a CertificateProfile), Failure> {
    let speaks = |profile: &CertificateProfile| {
        let usages = profile.parts().extended_key_usage.as_ref();
        usages.is_some_and(|usages| usages.purposes.contains(&oid::CMC_CA))
    };
    let all: Vec<_> = config
        .authorities
        .iter()
        .flat_map(|one| one.offers.iter().map(move |offer| (one, offer)))
        .filter(|(_, offer)| offer.doors.contains(&Door::Operator) && speaks(&offer.profile))
        .filter(|(_, offer)| name.is_none_or(|name| offer.profile.id().as_str() == name))
        .collect();
    match all.as_slice() {
        [(one, offer)] => Ok((one, &offer.profile)),
        [] => {
            let what = name.unwrap_or("a profile with id-kp-cmcCA");
            let message = format!("no authority offers {what} to operators");
            Err(Failure::new(Exit::Usage, "message-signer.no-offer", message).then(
                "add to an authority of the infrastructure: [[authority.offer]] profile = \"cmp-signer-s1\", \
                 doors = [\"operator\"]; then start the server again",
            ))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(_, offer)| offer.profile.id().as_str()).collect();
            let message = format!("{} profiles are offered that would do", several.len());
            Err(Failure::new(Exit::Usage, "message-signer.ambiguous", message)
                .then(format!("name one with --profile: {}", names.join(", "))))
        }
    }
}

fn place(source: &KeySource) -> Result<KeyArgs, Failure> {
    keys::at_hand(source)?;
    Ok(match source {
        KeySource::Files { directory, passphrase_file } => KeyArgs {
            key_directory: Some(directory.clone()),
            passphrase_file: Some(passphrase_file.clone()),
            token_uri: None,
        },
        KeySource::Tokens { uris, .. } => KeyArgs {
            key_directory: None,
            passphrase_file: None,
            token_uri: Some(keys::only_token(uris)?.clone()),
        },
        KeySource::Signer { .. } => KeyArgs { key_directory: None, passphrase_file: None, token_uri: None },
    })
}

async fn certify(
    one: &CheckedAuthority,
    profile: &CertificateProfile,
    (common_name, key, signer): (&str, &PublicKey, &dyn Signer),
    client: &OperatorClient,
) -> Result<CertificateView, Failure> {
    let subject = name_beside(one.issuer.name(), common_name)
        .map_err(|error| Failure::new(Exit::Usage, "subject.unfit", error))?;
    let request = certification_request(&subject, &key.key_ref(), signer)
        .map_err(|error| Failure::new(Exit::Failed, "request.not-made", error))?;
    let text = CertificationText {
        issuer: one.name.clone(),
        profile: profile.id().to_string(),
        request: STANDARD.encode(request.der()),
    };
    client.post("/v1/certificates", &text).await
}

/// The failure, once the key that it leaves without a certificate is destroyed.
fn without_key(failure: Failure, source: &KeySource, key: &PublicKey) -> Failure {
    let key = key.key_ref();
    match keys::destroy(source, &key) {
        Ok(()) => failure,
        Err(left) => {
            Failure { message: format!("{}; the key {key} is left over: {left}", failure.message), ..failure }
        }
    }
}

fn write(out: &Path, view: &CertificateView) -> Result<(), Failure> {
    let pem = view.pem.as_deref().unwrap_or_default();
    let (_, der) = der::pem::decode_vec(pem.as_bytes())
        .map_err(|error| Failure::new(Exit::Failed, "operator.malformed", error))?;
    write_new(out, &der).map_err(|failure| {
        failure.then(format!("the certificate is on record: meter-pki cert show {}", view.serial))
    })
}

/// What `[cmp]` says of the signer; all of the section, where there is none.
fn lines(config: &Config, one: &CheckedAuthority, out: &Path) -> Vec<String> {
    let chain: Vec<String> = one.chain_files.iter().map(|path| written(config, path)).collect();
    let mut lines = Vec::new();
    if config.cmp.is_none() {
        let offers = config.authorities.iter().flat_map(|one| &one.offers);
        let labels: Vec<String> =
            offers.filter_map(|offer| offer.label.as_deref()).map(|label| format!("\"{label}\"")).collect();
        lines.extend(["[cmp]".to_owned(), format!("labels = [{}]", labels.join(", "))]);
    }
    lines.extend([
        format!("message_certificate_file = {}", written(config, out)),
        format!("message_chain_files = [{}]", chain.join(", ")),
    ]);
    lines
}

/// A path as the configuration says it: from its own directory, if it is below that.
fn written(config: &Config, path: &Path) -> String {
    let whole = absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let base = absolute(&config.file).ok().and_then(|file| file.parent().map(Path::to_path_buf));
    let short = base.and_then(|base| whole.strip_prefix(base).ok().map(Path::to_path_buf));
    // A string of JSON is one of TOML.
    serde_json::Value::from(short.unwrap_or(whole).to_string_lossy()).to_string()
}

fn told(view: &MessageSignerView) -> Vec<String> {
    let mut lines = vec![
        format!("certificate {} of {} is in {}", view.serial, view.subject, view.file),
        format!("it is valid until {}; its key {} is in [keys]", view.not_after, view.key),
        if view.renews {
            "next: in [cmp], put these in the place of message_*, then start the server again:"
        } else {
            "next: add these to the configuration, then start the server again:"
        }
        .to_owned(),
    ];
    lines.extend(view.configuration.iter().cloned());
    lines
}
