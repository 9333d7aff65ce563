//! Puts the CMP server together: one label for each offer whose label the configuration opens to CMP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::ports::Unavailable;
use cmp_server::config::{
    BatchLimits, CmpConfig, CmpParts, Confirmations, DEFAULT_BODY_OCTETS, FinalNonce, KeyGenerationAuthority,
    Label, LabelParts, MessageSigner, SharedSecrets,
};
use cms_messages::PasswordWrap;
use server_kit::workers::WorkerPool;
use zeroize::Zeroizing;

use super::{ServedAuthority, System, faulty, keys, trust};
use crate::config::{
    CheckedAuthority, CheckedOffer, Config, RawCentralKeys, RawCmp, RawFinalNonce, RawPasswordWrap,
};
use crate::exit::Failure;

/// Makes what the CMP listener works by; `None` where the configuration has no CMP.
pub(crate) fn cmp_config(
    config: &Config,
    system: &Arc<System>,
    workers: WorkerPool,
) -> Result<Option<Arc<CmpConfig>>, Failure> {
    let Some(raw) = &config.cmp else { return Ok(None) };
    let messages = message_signer(raw, system)?;
    let key_authority = raw.central_keys.as_ref().map(|raw| key_authority(raw, system)).transpose()?;
    let secrets: Option<Arc<dyn SharedSecrets>> = match &raw.secrets_directory {
        Some(directory) => Some(Arc::new(SecretFiles { directory: directory.clone() })),
        None => None,
    };
    let mut labels = Vec::new();
    for (place, (one, served)) in config.authorities.iter().zip(&system.authorities).enumerate() {
        for offer in &one.offers {
            let Some(name) = offer.label.as_ref().filter(|name| raw.labels.contains(name)) else { continue };
            let shared = Shared {
                raw,
                messages: &messages,
                secrets: secrets.as_ref(),
                key_authority: key_authority.as_ref(),
            };
            let noticed = Arc::clone(system);
            let on_revocation = move || {
                if let Some(served) = noticed.authorities.get(place) {
                    served.notice_revocation();
                }
            };
            labels.push(label(name, config, (one, offer, served), &shared, Arc::new(on_revocation))?);
        }
    }
    let parts = CmpParts {
        labels,
        default_label: raw.default_label.clone(),
        alias_paths: raw.alias_paths.clone(),
        clock: Arc::clone(&system.clock),
        registry: Arc::clone(&system.registry),
        workers,
        max_body_octets: DEFAULT_BODY_OCTETS,
        batches: BatchLimits {
            messages: raw.nested.max_messages,
            octets: usize::try_from(raw.nested.max_octets).unwrap_or(usize::MAX),
            at_once: raw.nested.at_once,
        },
        time_window_seconds: raw.time_window_seconds.into(),
    };
    CmpConfig::new(parts).map(|made| Some(Arc::new(made))).map_err(|faults| faulty("cmp", &faults))
}

/// What all labels have.
struct Shared<'a> {
    raw: &'a RawCmp,
    messages: &'a MessageSigner,
    secrets: Option<&'a Arc<dyn SharedSecrets>>,
    key_authority: Option<&'a KeyGenerationAuthority>,
}

fn label(
    name: &str,
    config: &Config,
    (one, offer, served): (&CheckedAuthority, &CheckedOffer, &ServedAuthority),
    shared: &Shared<'_>,
    on_revocation: Arc<dyn Fn() + Send + Sync>,
) -> Result<Label, Failure> {
    let central_keys = shared.raw.central_keys.as_ref();
    Label::new(LabelParts {
        name: name.to_owned(),
        authority: Arc::clone(&served.authority),
        profile: offer.profile.id().clone(),
        anchors: trust::anchors(config, one, offer),
        registration_authorities: trust::registration_authorities(config, one, offer),
        messages: shared.messages.clone(),
        secrets: shared.secrets.cloned(),
        central_keys: central_keys
            .filter(|keys| keys.labels.iter().any(|one| one == name))
            .and(shared.key_authority)
            .cloned(),
        confirmations: Confirmations {
            implicit: shared.raw.implicit_confirmation,
            wait_seconds: shared.raw.confirm_wait_seconds.into(),
        },
        final_nonce: match shared.raw.final_nonce {
            RawFinalNonce::Request => FinalNonce::OfRequest,
            RawFinalNonce::Poll => FinalNonce::OfPoll,
        },
        on_revocation,
        ca_certificates: trust::ca_certificates(one),
    })
    .map_err(|faults| faulty(&format!("cmp label {name}"), &faults))
}

fn message_signer(raw: &RawCmp, system: &System) -> Result<MessageSigner, Failure> {
    let (certificate, chain) = certified(&raw.message_certificate_file, &raw.message_chain_files)?;
    let (file, passphrase) = (raw.message_key_file.as_deref(), raw.message_passphrase_file.as_deref());
    let signer = keys::of_messages(file, passphrase, &system.ports.signer).map_err(unsound)?;
    MessageSigner::new(certificate, chain, signer).map_err(unsound)
}

fn key_authority(raw: &RawCentralKeys, system: &System) -> Result<KeyGenerationAuthority, Failure> {
    let (certificate, chain) = certified(&raw.certificate_file, &raw.chain_files)?;
    let (file, passphrase) = (raw.key_file.as_deref(), raw.passphrase_file.as_deref());
    let signer = keys::of_messages(file, passphrase, &system.ports.signer).map_err(unsound)?;
    let wrap = match raw.password_wrap {
        RawPasswordWrap::AesWrap => PasswordWrap::AesWrap,
        RawPasswordWrap::PwriKek => PasswordWrap::PwriKek,
    };
    KeyGenerationAuthority::new(certificate, chain, signer, wrap).map_err(unsound)
}

/// Reads a certificate and those above it.
pub(super) fn certified(file: &Path, chain: &[PathBuf]) -> Result<(Certificate, Vec<Certificate>), Failure> {
    let chain = chain.iter().map(|file| certificate(file)).collect::<Result<_, _>>()?;
    Ok((certificate(file)?, chain))
}

fn certificate(file: &Path) -> Result<Certificate, Failure> {
    let octets = std::fs::read(file).map_err(|error| unsound(format!("{}: {error}", file.display())))?;
    Certificate::from_der(&octets).map_err(|error| unsound(format!("{}: {error}", file.display())))
}

/// Shared secrets in files, each named by its reference.
struct SecretFiles {
    directory: PathBuf,
}

impl SharedSecrets for SecretFiles {
    fn secret(&self, reference: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unavailable> {
        let is_name = |text: &&str| {
            let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
            (1..=64).contains(&text.len()) && text.bytes().all(allowed)
        };
        let Some(name) = std::str::from_utf8(reference).ok().filter(is_name) else { return Ok(None) };
        match std::fs::read(self.directory.join(name)) {
            Ok(octets) => {
                let mut octets = Zeroizing::new(octets);
                let written =
                    octets.iter().rposition(|octet| !octet.is_ascii_whitespace()).map_or(0, |at| at + 1);
                octets.truncate(written);
                Ok(Some(octets))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unavailable { port: "secrets", cause: Box::new(error) }),
        }
    }
}

pub(super) fn unsound(error: impl std::fmt::Display) -> Failure {
    faulty("cmp", &[error])
}
