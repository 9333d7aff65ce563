//! Puts the EST server together: one label for each offer that has one.

use std::sync::Arc;

use ca_core::certificate::Certificate;
use est_server::config::{
    DEFAULT_BODY_OCTETS, DlmsTools, EstConfig, EstParts, HeadEndParts, Label, LabelParts, MessageSigner,
};
use est_server::guessing::GuessLimits;
use est_server::pacing::{Rate, RateLimits};
use server_kit::workers::WorkerPool;

use super::{ServedAuthority, System, faulty, keys, trust};
use crate::config::{CheckedAuthority, CheckedOffer, Config, RawEst, RawRate, RawRates};
use crate::exit::Failure;

/// Makes what the EST listeners, over HTTP and over CoAP, work by.
pub(crate) fn est_config(
    config: &Config,
    system: &System,
    workers: WorkerPool,
) -> Result<Arc<EstConfig>, Failure> {
    let messages = message_signer(&config.est, system)?;
    let mut labels = Vec::new();
    for (one, served) in config.authorities.iter().zip(&system.authorities) {
        for offer in &one.offers {
            if let Some(name) = &offer.label {
                labels.push(label(name, config, (one, offer), (served, messages.as_ref()))?);
            }
        }
    }
    let parts = EstParts {
        labels,
        default_label: config.est.default_label.clone(),
        clock: Arc::clone(&system.clock),
        registry: Some(Arc::clone(&system.registry)),
        workers,
        max_body_octets: DEFAULT_BODY_OCTETS,
        head_ends: head_ends(&config.est),
        rates: rates(&config.est.rates),
        guessing: GuessLimits::default(),
    };
    EstConfig::new(parts).map(Arc::new).map_err(|faults| faulty("est", &faults))
}

fn head_ends(raw: &RawEst) -> HeadEndParts {
    HeadEndParts {
        max_lines: raw.bulk.max_lines,
        max_octets: usize::try_from(raw.bulk.max_octets).unwrap_or(usize::MAX),
        uploads: raw.bulk.uploads,
        dlms_tools: raw
            .dlms_tools
            .as_ref()
            .map(|service| DlmsTools { path: service.path.clone(), labels: service.labels.clone() }),
    }
}

pub(super) fn rates(raw: &RawRates) -> RateLimits {
    let usual = RateLimits::default();
    let or = |rate: Option<RawRate>, usual| {
        rate.map_or(usual, |rate| Rate { per_second: rate.per_second, burst: rate.burst })
    };
    RateLimits {
        address: or(raw.address, usual.address),
        device: or(raw.device, usual.device),
        registration_authority: or(raw.registration_authority, usual.registration_authority),
        tenant: or(raw.tenant, usual.tenant),
        capacity: usual.capacity,
    }
}

fn label(
    name: &str,
    config: &Config,
    (one, offer): (&CheckedAuthority, &CheckedOffer),
    (served, messages): (&ServedAuthority, Option<&MessageSigner>),
) -> Result<Label, Failure> {
    Label::new(LabelParts {
        name: name.to_owned(),
        authority: served.authority.clone(),
        profile: offer.profile.id().clone(),
        anchors: trust::anchors(config, one, offer),
        registration_authorities: trust::registration_authorities(config, one, offer),
        line_length: offer.line_length,
        channel_binding: offer.binding,
        challenge: offer.challenge,
        server_keys: offer.server_keys,
        full_cmc: offer.full_cmc,
        messages: messages.cloned(),
        ca_certificates: trust::ca_certificates(one),
    })
    .map_err(|faults| faulty(&format!("label {name}"), &faults))
}

/// The signer of messages, where its certificate is named; not the key of an authority, which signs no messages.
fn message_signer(est: &RawEst, system: &System) -> Result<Option<MessageSigner>, Failure> {
    let (file, passphrase) = (est.message_key_file.as_deref(), est.message_passphrase_file.as_deref());
    let Some(certificate) = &est.message_certificate_file else {
        return match (file, passphrase) {
            (None, None) => Ok(None),
            _ => Err(unsound("message_key_file and message_passphrase_file want message_certificate_file")),
        };
    };
    let octets =
        std::fs::read(certificate).map_err(|error| unsound(format!("{}: {error}", certificate.display())))?;
    let certificate = Certificate::from_der(&octets).map_err(unsound)?;
    let signer = keys::of_messages(file, passphrase, &system.ports.signer).map_err(unsound)?;
    MessageSigner::new(certificate, signer).map(Some).map_err(unsound)
}

fn unsound(error: impl std::fmt::Display) -> Failure {
    faulty("est", &[error])
}
