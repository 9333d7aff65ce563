//! Puts the EST server of a front end together: each label asks an authority elsewhere over CMP. No ledger and no key of an
//! authority is opened.

use std::sync::Arc;
use std::time::Duration;

use client_kit::{Credential, Identity};
use cmp_client::{CmpClient, Means};
use cmp_upstream::{CmpUpstream, CmpUpstreamParts, Way};
use est_server::config::{
    ChallengeMeaning, DEFAULT_BODY_OCTETS, EstConfig, EstParts, HeadEndParts, Label, LabelParts, ServerKeys,
};
use est_server::guessing::GuessLimits;
use server_kit::workers::WorkerPool;
use signer_file::{FileSigner, Passphrase, SystemEntropy};
use tokio::runtime::Handle;

use super::{SystemClock, est, faulty, trust};
use crate::config::{CheckedUpstream, Elsewhere, ForwardedOffer, FrontConfig};
use crate::exit::Failure;

/// Makes what the EST listeners work by.
pub(crate) fn front_config(config: &FrontConfig, workers: WorkerPool) -> Result<Arc<EstConfig>, Failure> {
    let credential = credential(&config.upstream)?;
    let way = way(&config.upstream, &credential)?;
    let mut labels = Vec::new();
    for one in &config.authorities {
        for offer in &one.offers {
            let client = client(&config.upstream, offer, &credential);
            labels.push(label(config, (one, offer), (client, &way))?);
        }
    }
    let parts = EstParts {
        labels,
        default_label: config.est.default_label.clone(),
        clock: Arc::new(SystemClock),
        registry: None,
        workers,
        max_body_octets: DEFAULT_BODY_OCTETS,
        head_ends: HeadEndParts::default(),
        rates: est::rates(&config.est.rates),
        guessing: GuessLimits::default(),
    };
    EstConfig::new(parts).map(Arc::new).map_err(|faults| faulty("est", &faults))
}

fn label(
    config: &FrontConfig,
    (one, offer): (&Elsewhere, &ForwardedOffer),
    (client, way): (CmpClient, &Arc<Way>),
) -> Result<Label, Failure> {
    let upstream = CmpUpstream::new(CmpUpstreamParts {
        tenant: one.tenant.clone(),
        certificate: one.certificate.clone(),
        profile: offer.profile.clone(),
        client,
        way: Arc::clone(way),
    });
    Label::new(LabelParts {
        name: offer.label.clone(),
        authority: Arc::new(upstream),
        profile: offer.profile.id().clone(),
        anchors: trust::anchors_of_devices((&config.manufacturers, &one.manufacturers), &one.certificate),
        registration_authorities: Vec::new(),
        line_length: offer.line_length,
        channel_binding: offer.binding,
        challenge: ChallengeMeaning::ChannelBinding,
        server_keys: ServerKeys::Off,
        full_cmc: false,
        messages: None,
        ca_certificates: trust::from_root_down(&one.path, &one.certificate, &one.generations),
    })
    .map_err(|faults| faulty(&format!("label {}", offer.label), &faults))
}

/// The front end as a registration authority: its certificate, and its own key, which is that of no authority.
fn credential(upstream: &CheckedUpstream) -> Result<Credential, Failure> {
    let passphrase = Passphrase::load(&upstream.passphrase_file).map_err(unsound)?;
    let signer = FileSigner::new();
    let key = signer.add_file(&upstream.key_file, &passphrase).map_err(unsound)?;
    if upstream.certificates.first().map(ca_core::certificate::Certificate::public_key) != Some(&key) {
        return Err(unsound("key_file is not the key of the first of certificate_files"));
    }
    let certificates = upstream.certificates.iter().map(|one| one.der().to_vec()).collect();
    Ok(Credential { certificates, key: key.key_ref(), signer: Arc::new(signer) })
}

fn way(upstream: &CheckedUpstream, credential: &Credential) -> Result<Arc<Way>, Failure> {
    let roots = upstream.trust.iter().map(|root| root.der().to_vec()).collect();
    let identity = Identity::Certified(credential.clone());
    let patience = Duration::from_secs(upstream.timeout_seconds.into());
    Way::prepare(upstream.endpoint.clone(), roots, identity, (patience, Handle::current()))
        .map(Arc::new)
        .map_err(unsound)
}

fn client(upstream: &CheckedUpstream, offer: &ForwardedOffer, credential: &Credential) -> CmpClient {
    CmpClient {
        agreement: None,
        means: Means::Signature(credential.clone()),
        trust: upstream.trust.clone(),
        recipient: ca_core::distinguished_name::DistinguishedName::empty(),
        profile: Some(offer.certificate_profile.clone()),
        confirms: false,
        takes_roots: false,
        clock_window: Some(upstream.time_window_seconds.into()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}

fn unsound(error: impl std::fmt::Display) -> Failure {
    faulty("upstream", &[error])
}
