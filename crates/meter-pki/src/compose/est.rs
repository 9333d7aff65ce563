//! Puts the EST server together: one label for each offer that has one.

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};
use est_server::config::{
    DEFAULT_BODY_OCTETS, DlmsTools, EstConfig, EstParts, HeadEndParts, Label, LabelParts, MessageSigner,
};
use est_server::guessing::GuessLimits;
use est_server::pacing::{Rate, RateLimits};
use server_kit::workers::WorkerPool;
use signer_file::{FileSigner, Passphrase};

use super::{ServedAuthority, System};
use crate::config::{CheckedAuthority, CheckedOffer, Config, RawEst, RawRate, RawRates};
use crate::exit::{Exit, Failure};

/// Makes what the EST listeners, over HTTP and over CoAP, work by.
pub(crate) fn est_config(
    config: &Config,
    system: &System,
    workers: WorkerPool,
) -> Result<Arc<EstConfig>, Failure> {
    let messages = message_signer(&config.est)?;
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
        registry: Arc::clone(&system.registry),
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

fn rates(raw: &RawRates) -> RateLimits {
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
    let stations: Vec<_> = config
        .registration_authorities
        .iter()
        .filter(|station| {
            station.tenant == *one.issuer.tenant() && station.profiles.contains(offer.profile.id())
        })
        .collect();
    let factory = config
        .manufacturers
        .iter()
        .filter(|manufacturer| one.manufacturers.contains(&manufacturer.tenant))
        .flat_map(|manufacturer| {
            manufacturer.anchors.iter().map(|anchor| Anchor {
                anchor: anchor.clone(),
                vouches_for: Voucher::Factory { manufacturer: manufacturer.tenant.clone() },
            })
        });
    let own = TrustAnchor::from_certificate(one.issuer.certificate());
    let mut anchors: Vec<Anchor> = factory.collect();
    anchors.push(Anchor { anchor: own, vouches_for: Voucher::Operational });
    for anchor in stations.iter().flat_map(|station| &station.anchors) {
        let anchor = Anchor { anchor: anchor.clone(), vouches_for: Voucher::Infrastructure };
        if !anchors.contains(&anchor) {
            anchors.push(anchor);
        }
    }
    let registration_authorities = stations
        .iter()
        .map(|station| RegistrationAuthorityEntry {
            name: station.name.clone(),
            tenant: station.tenant.clone(),
            matched_by: RegistrationAuthorityMatch::CommonName(station.common_name.clone()),
            profiles: station.profiles.clone(),
            title_prefix: station.title_prefix.clone(),
            dns_suffixes: station.dns_suffixes.clone(),
        })
        .collect();
    let mut ca_certificates = one.path.clone();
    ca_certificates.reverse();
    ca_certificates.push(one.issuer.certificate().clone());
    // RFC 7030 §4.1.3: around a change of the root also the other root and the links between the two, always in one order.
    ca_certificates.extend(one.generations.iter().cloned());
    Label::new(LabelParts {
        name: name.to_owned(),
        authority: Arc::clone(&served.authority),
        profile: offer.profile.id().clone(),
        anchors,
        registration_authorities,
        line_length: offer.line_length,
        channel_binding: offer.binding,
        challenge: offer.challenge,
        server_keys: offer.server_keys,
        full_cmc: offer.full_cmc,
        messages: messages.cloned(),
        ca_certificates,
    })
    .map_err(|faults| faulty(&format!("label {name}"), &faults))
}

/// The signer of messages, where all three files are named; not the key of an authority, which signs no messages.
fn message_signer(est: &RawEst) -> Result<Option<MessageSigner>, Failure> {
    let files = (&est.message_certificate_file, &est.message_key_file, &est.message_passphrase_file);
    let (certificate, key, passphrase) = match files {
        (Some(certificate), Some(key), Some(passphrase)) => (certificate, key, passphrase),
        (None, None, None) => return Ok(None),
        _ => {
            return Err(unsound(
                "message_certificate_file, message_key_file and message_passphrase_file go together",
            ));
        }
    };
    let octets =
        std::fs::read(certificate).map_err(|error| unsound(format!("{}: {error}", certificate.display())))?;
    let certificate = Certificate::from_der(&octets).map_err(unsound)?;
    let passphrase = Passphrase::load(passphrase).map_err(unsound)?;
    let signer = FileSigner::new();
    signer.add_file(key, &passphrase).map_err(unsound)?;
    MessageSigner::new(certificate, Arc::new(signer)).map(Some).map_err(unsound)
}

fn unsound(error: impl std::fmt::Display) -> Failure {
    faulty("est", &[error])
}

fn faulty<E: std::fmt::Display>(what: &str, faults: &[E]) -> Failure {
    let sentences: Vec<String> = faults.iter().map(|fault| format!("{what}: {fault}")).collect();
    Failure::new(Exit::Usage, "config.faulty", sentences.join("\n")).then("meter-pki config check")
}
