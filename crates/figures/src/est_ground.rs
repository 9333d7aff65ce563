//! The EST server as the installed program runs it, on loopback with mutual TLS, beside the same listener with nothing behind
//! it.

use std::sync::Arc;

use ca_core::authority::CertificationAuthority;
use ca_core::path::TrustAnchor;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};
use est_server::config::{
    BindingPolicy, ChallengeMeaning, DEFAULT_BODY_OCTETS, EstConfig, EstParts, HeadEndParts, Label,
    LabelParts, ServerKeys,
};
use est_server::guessing::GuessLimits;
use est_server::pacing::RateLimits;
use est_server::wire::base64::LineLength;
use rustls::RootCertStore;
use server_kit::metrics::Metrics;
use server_kit::tls::{AnyCertificate, ClientCertificates, Tls, TlsIdentity};
use server_kit::workers::{PoolSize, WorkerPool};
use tokio::runtime::Runtime;

use crate::applicants::Credential;
use crate::house::{House, PREFIX, STATION};
use crate::http::{HOST, Site, Target, bare_router, trusting};

/// What goes over the wire.
pub(crate) const MEDIA_TYPE: &str = "application/pkcs10";

/// How long an answer is, about, in octets.
pub(crate) const ANSWER_OCTETS: usize = 800;

/// Both servers and what clients need of them.
pub(crate) struct Grounds<'r> {
    pub(crate) house: Arc<House>,
    pub(crate) runtime: &'r Runtime,
    pub(crate) trusted: Arc<RootCertStore>,
    est: Site,
    bare: Site,
}

impl<'r> Grounds<'r> {
    pub(crate) async fn open(house: Arc<House>, runtime: &'r Runtime) -> anyhow::Result<Self> {
        let tls = tls(&house.server(HOST)?)?;
        let workers = WorkerPool::start("est", &PoolSize::default(), &Metrics::new("bench"))?;
        let parts = EstParts {
            labels: vec![factory_label(&house)?, operational_label(&house)?],
            default_label: "meter-op-ds".to_owned(),
            clock: Arc::clone(&house.ports.clock),
            registry: Some(Arc::clone(&house.ports.registry)),
            workers,
            max_body_octets: DEFAULT_BODY_OCTETS,
            head_ends: HeadEndParts::default(),
            rates: RateLimits::NONE,
            guessing: GuessLimits::default(),
        };
        let config = EstConfig::new(parts).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
        let est = Site::open(est_server::routes::router(Arc::new(config)), Some(tls.clone())).await?;
        let bare = Site::open(bare_router(ANSWER_OCTETS), Some(tls)).await?;
        let trusted = trusting(house.root.der())?;
        Ok(Self { house, runtime, trusted, est, bare })
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.est.close().await?;
        self.bare.close().await
    }

    /// Where to enrol under a label.
    pub(crate) fn enrolling(&self, label: &str) -> Target {
        Target {
            address: self.est.address,
            path: format!("/.well-known/est/{label}/simpleenroll"),
            media_type: MEDIA_TYPE,
            is_good: |body| body.starts_with(b"MII"),
        }
    }

    /// Where nothing happens.
    pub(crate) fn bare(&self) -> Target {
        Target::bare(&self.bare, MEDIA_TYPE)
    }
}

/// What a server shows, and whom it lets in: anybody with a certificate.
pub(crate) fn tls(credential: &Credential) -> anyhow::Result<Tls> {
    let mut path = String::new();
    for der in &credential.certificates {
        path.push_str(&pem("CERTIFICATE", der)?);
    }
    let key = pem("PRIVATE KEY", &credential.key)?;
    let identity = TlsIdentity::from_pem(path.as_bytes(), key.as_bytes())?;
    Ok(Tls::new(&identity, &ClientCertificates::Asked(Arc::new(AnyCertificate::new())))?)
}

pub(crate) fn pem(label: &str, der: &[u8]) -> anyhow::Result<String> {
    Ok(der::pem::encode_string(label, der::pem::LineEnding::LF, der)?)
}

/// Where the factory line enrols for devices.
fn factory_label(house: &House) -> anyhow::Result<Label> {
    let anchor = anchor(&house.infrastructure, Voucher::Infrastructure);
    label(house, &house.factory, "meter-factory-ds", (anchor, vec![station(house)?]))
}

/// The factory line as front ends know it.
pub(crate) fn station(house: &House) -> anyhow::Result<RegistrationAuthorityEntry> {
    Ok(RegistrationAuthorityEntry {
        name: STATION.to_owned(),
        tenant: house.factory.issuer().tenant().clone(),
        matched_by: RegistrationAuthorityMatch::CommonName(STATION.to_owned()),
        profiles: vec![house.profile("meter-factory-ds")?],
        title_prefix: PREFIX.to_vec(),
        dns_suffixes: Vec::new(),
        forwards: false,
    })
}

/// Where devices enrol that come from the factory.
fn operational_label(house: &House) -> anyhow::Result<Label> {
    let manufacturer = house.factory.issuer().tenant().clone();
    let anchor = anchor(&house.factory, Voucher::Factory { manufacturer });
    label(house, &house.operational, "meter-op-ds", (anchor, Vec::new()))
}

fn anchor(authority: &CertificationAuthority, vouches_for: Voucher) -> Anchor {
    Anchor { anchor: TrustAnchor::from_certificate(authority.issuer().certificate()), vouches_for }
}

fn label(
    house: &House,
    authority: &Arc<CertificationAuthority>,
    name: &str,
    (anchor, registration_authorities): (Anchor, Vec<RegistrationAuthorityEntry>),
) -> anyhow::Result<Label> {
    let parts = LabelParts {
        name: name.to_owned(),
        authority: authority.clone(),
        profile: house.profile(name)?,
        anchors: vec![anchor],
        registration_authorities,
        line_length: LineLength::default(),
        channel_binding: BindingPolicy::default(),
        challenge: ChallengeMeaning::ChannelBinding,
        server_keys: ServerKeys::Off,
        full_cmc: false,
        messages: None,
        ca_certificates: vec![house.root.clone(), authority.issuer().certificate().clone()],
    };
    Label::new(parts).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}
