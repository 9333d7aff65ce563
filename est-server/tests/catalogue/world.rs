//! An EST server on doubles: three labels, one manufacturer, one registration authority, and the means to ask it things.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::Act;
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuer::Issuer;
use ca_core::lint::{Linter, Rule};
use ca_core::path::TrustAnchor;
use ca_core::ports::{Clock, Entropy, NoTransactions, Unavailable};
use ca_core::profile::{CrlProfile, ProfileParts};
use ca_core::record::Token;
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::subject::Subject;
use ca_core::system_title::SystemTitle;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};
use ca_core::validity::UnixTime;
use est_server::config::{
    BindingPolicy, ChallengeMeaning, DEFAULT_BODY_OCTETS, EstConfig, EstParts, HeadEndParts, Label,
    LabelParts, MessageSigner, ServerKeys,
};
use est_server::desk::Desk;
use est_server::guessing::GuessLimits;
use est_server::pacing::RateLimits;
use est_server::wire::base64::LineLength;
use policies::lint::dlms;
use server_kit::listener::PeerConnection;
use server_kit::metrics::Metrics;
use server_kit::tls::TlsVersion;
use server_kit::workers::{PoolSize, WorkerPool};
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;

use crate::csr::Csr;
use crate::ledger::Memory;
use crate::pki::{
    MemorySigner, NOW, Pki, Wish, YEAR, cmp_signer, hes_tls, meter_factory_ds, meter_op_ds, meter_op_ka,
    named, profile, profile_id, station, tenant,
};

/// The device that most tests are about.
pub(crate) const DEVICE: &str = "4D504B0000000001";
/// Another device of the same owner.
pub(crate) const OTHER: &str = "4D504B0000000002";
/// The exporter of every TLS 1.3 connection of the tests.
pub(crate) const EXPORTER: [u8; 32] = [0xE0; 32];

/// A clock that stands until it is moved.
pub(crate) struct StoppedClock(AtomicI64);

impl Clock for StoppedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers that never repeat, which is all that serial numbers need of randomness here.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (octet, digit) in octets.iter_mut().zip(count) {
            *octet = digit;
        }
        Ok(())
    }
}

/// What a test wants otherwise than usual.
pub(crate) struct Setting {
    pub(crate) meter_ds: ProfileParts,
    pub(crate) meter_ka: ProfileParts,
    pub(crate) binding: BindingPolicy,
    pub(crate) challenge: ChallengeMeaning,
    pub(crate) line_length: LineLength,
    pub(crate) lints: Vec<&'static [Rule]>,
    pub(crate) rates: RateLimits,
    pub(crate) guessing: GuessLimits,
    pub(crate) head_ends: HeadEndParts,
    pub(crate) pool: PoolSize,
    /// Whether the default label's authority is the one that ends in a year.
    pub(crate) ending: bool,
    /// How long after its end a factory certificate still opens the door.
    pub(crate) expired_seconds: i64,
    /// In which domains the station of the default label may name hosts.
    pub(crate) station_suffixes: &'static [&'static str],
    /// Whether keys are made at the label of key-agreement certificates.
    pub(crate) server_keys: ServerKeys,
    /// Whether full CMC is answered at the default label.
    pub(crate) full_cmc: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            meter_ds: meter_op_ds(),
            meter_ka: meter_op_ka(),
            binding: BindingPolicy::default(),
            challenge: ChallengeMeaning::default(),
            line_length: LineLength::default(),
            lints: Vec::new(),
            rates: RateLimits::NONE,
            guessing: GuessLimits::default(),
            head_ends: HeadEndParts::default(),
            pool: PoolSize::default(),
            ending: false,
            expired_seconds: 0,
            station_suffixes: &[],
            server_keys: ServerKeys::default(),
            full_cmc: false,
        }
    }
}

/// A server and everything around it.
pub(crate) struct World {
    pub(crate) pki: Pki,
    pub(crate) memory: Arc<Memory>,
    pub(crate) signer: Arc<MemorySigner>,
    pub(crate) clock: Arc<StoppedClock>,
    /// What the default label is made of.
    pub(crate) label_parts: LabelParts,
    router: Router,
    /// The way in for transports other than HTTP.
    pub(crate) desk: Desk,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Setting::default())
    }

    pub(crate) fn with(setting: Setting) -> Self {
        let pki = Pki::new();
        let memory = Arc::new(Memory::default());
        let signer = Arc::new(MemorySigner::holding(&Pki::ONLINE));
        let clock = Arc::new(StoppedClock(AtomicI64::new(NOW.seconds())));
        let ports = Ports {
            clock: clock.clone(),
            entropy: Arc::new(Counting::default()),
            signer: signer.clone(),
            ledger: memory.clone(),
            status: memory.clone(),
            registry: memory.clone(),
            waiting: memory.clone(),
            transactions: Arc::new(NoTransactions),
        };
        let authorities = authorities(&pki, &setting, &ports);
        let parts = EstParts {
            labels: labels(&pki, &setting, &authorities),
            default_label: "meter-ds".to_owned(),
            clock: clock.clone(),
            registry: Some(memory.clone()),
            workers: WorkerPool::start("est", &setting.pool, &Metrics::new("")).unwrap(),
            max_body_octets: DEFAULT_BODY_OCTETS,
            head_ends: setting.head_ends.clone(),
            rates: setting.rates,
            guessing: setting.guessing,
        };
        let label_parts = label_parts(&pki, &setting, &authorities);
        let config = Arc::new(EstConfig::new(parts).unwrap());
        let desk = Desk::new(Arc::clone(&config));
        let router = est_server::routes::router(config);
        for title in [DEVICE, OTHER] {
            memory.expect(&tenant("grid"), SystemTitle::parse(title).unwrap());
        }
        Self { pki, memory, signer, clock, label_parts, router, desk }
    }

    /// Expects one more device.
    pub(crate) fn expect(&self, title: &str) {
        self.memory.expect(&tenant("grid"), SystemTitle::parse(title).unwrap());
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Makes a one-time token with this secret.
    pub(crate) fn token(&self, secret: &str, title: &str, profile: &str) {
        self.memory.put_token(Token {
            hash: Sha256::digest(secret).into(),
            tenant: tenant("grid"),
            title: SystemTitle::parse(title).unwrap(),
            profile: profile_id(profile),
            expires_at: NOW.plus_seconds(3_600),
            spent: false,
        });
    }

    /// The factory certificate of a device.
    pub(crate) fn factory(&self, title: &str, key: u8) -> Vec<u8> {
        let subject = Subject::device(SystemTitle::parse(title).unwrap());
        self.pki.manufacturer.certify(&Wish::new(meter_factory_ds(), subject, key))
    }

    /// The certificate of a registration authority, on record as one of ours.
    pub(crate) fn station(&self, name: &str, key: u8) -> Vec<u8> {
        let ca = &self.pki.infrastructure;
        let der = ca.certify(&Wish::new(station(), named(name), key));
        self.memory.keep(&der, ca.issuer.key(), ca.issuer.tenant(), profile_id("ra-station"));
        der
    }

    /// Enrols a device by its factory certificate, and returns the certificate it got.
    pub(crate) async fn enrolled(&self, title: &str, factory_key: u8, key: u8) -> Vec<u8> {
        let shown = secured(vec![self.factory(title, factory_key)]);
        let answer = self.send(enrol("simpleenroll"), shown, Csr::new(title, key).body()).await;
        answer.certificate()
    }

    pub(crate) async fn send(
        &self,
        request: Builder,
        connection: PeerConnection,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(connection);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, fields: parts.headers, body: String::from_utf8(body).unwrap() }
    }

    /// Sends a request that must be refused with this status and reason code, and checks what every refusal has in common.
    pub(crate) async fn refuses(
        &self,
        request: Builder,
        connection: PeerConnection,
        body: impl Into<Body>,
        (status, code): (u16, &str),
    ) -> Answer {
        let (rows, calls, events) = (self.memory.rows(), self.signer.calls(), self.memory.events().len());
        let answer = self.send(request, connection, body).await;
        assert_eq!(answer.status.as_u16(), status, "{code}: {}", answer.body);
        let told = if status == 500 { "internal" } else { code };
        assert!(answer.body.ends_with(&format!(" ({told})\n")), "{code}: {}", answer.body);
        assert_eq!(answer.field("content-type"), "text/plain; charset=utf-8");
        assert_eq!(self.memory.rows(), rows, "{code}: nothing is recorded as issued");
        assert_eq!(self.signer.calls(), calls, "{code}: nothing is signed");
        let new = &self.memory.events()[events..];
        assert_eq!(new.len(), 1, "{code}: one record, not {new:?}");
        assert_eq!((new[0].act, new[0].reason.as_str()), (Act::RequestRefused, code));
        answer
    }

    /// Sends a good request of the device with a token, but for what the CSR says, and expects a refusal.
    pub(crate) async fn refuses_csr(&self, csr: &Csr, expected: (u16, &str)) -> Answer {
        self.refuses_der(&csr.der(), expected).await
    }

    /// The same with any octets.
    pub(crate) async fn refuses_der(&self, der: &[u8], expected: (u16, &str)) -> Answer {
        self.token("secret", DEVICE, "meter-op-ds");
        let request = password(enrol("simpleenroll"), DEVICE, "secret");
        self.refuses(request, tls(), STANDARD.encode(der), expected).await
    }

    /// Sends a request of the device with a token that must be answered; returns the certificate.
    pub(crate) async fn accepts_csr(&self, csr: &Csr) -> Certificate {
        self.token("secret", DEVICE, "meter-op-ds");
        let request = password(enrol("simpleenroll"), DEVICE, "secret");
        let answer = self.send(request, tls(), csr.body()).await;
        Certificate::from_der(&answer.certificate()).unwrap()
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The certificates of a certs-only answer, as the cms crate reads them.
    pub(crate) fn certificates(&self) -> Vec<Vec<u8>> {
        use cms::cert::CertificateChoices;
        use cms::content_info::ContentInfo;
        use cms::signed_data::SignedData;
        use der::{Decode, Encode};
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        let der = STANDARD.decode(self.body.replace('\n', "")).unwrap();
        let content = ContentInfo::from_der(&der).unwrap();
        assert_eq!(content.content_type, const_oid::db::rfc5911::ID_SIGNED_DATA);
        let signed: SignedData = content.content.decode_as().unwrap();
        // RFC 5272 §4.1: no content, no signers.
        assert!(signed.encap_content_info.econtent.is_none() && signed.signer_infos.0.is_empty());
        let certificates = signed.certificates.unwrap();
        let octets = |choice: &CertificateChoices| match choice {
            CertificateChoices::Certificate(certificate) => certificate.to_der().unwrap(),
            CertificateChoices::Other(_) => panic!("no other certificates"),
        };
        certificates.0.iter().map(octets).collect()
    }

    /// The one certificate of an answer to an enrolment.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        let mut certificates = self.certificates();
        assert_eq!(certificates.len(), 1, "RFC 7030 §4.2.3: only the certificate that was issued");
        certificates.remove(0)
    }
}

/// A TLS 1.3 connection without client certificate.
pub(crate) fn tls() -> PeerConnection {
    secured(Vec::new())
}

/// A TLS 1.3 connection on which these certificates were shown.
pub(crate) fn secured(certificates: Vec<Vec<u8>>) -> PeerConnection {
    PeerConnection {
        certificates: certificates.into(),
        tls_version: Some(TlsVersion::Tls13),
        cipher_bits: Some(256),
        exporter: Some(EXPORTER),
        ..PeerConnection::plain(([192, 0, 2, 7], 40_000).into())
    }
}

/// A request to enrol at the default label.
pub(crate) fn enrol(operation: &str) -> Builder {
    enrol_at(&format!("/.well-known/est/{operation}"))
}

/// A request to enrol at a path.
pub(crate) fn enrol_at(path: &str) -> Builder {
    Request::builder().method(Method::POST).uri(path).header("content-type", "application/pkcs10")
}

/// Adds user name and password.
pub(crate) fn password(request: Builder, user: &str, password: &str) -> Builder {
    let pair = STANDARD.encode(format!("{user}:{password}"));
    request.header("authorization", format!("Basic {pair}"))
}

/// The authorities behind the labels: of meters, and of servers.
struct Authorities {
    meters: Arc<CertificationAuthority>,
    servers: Arc<CertificationAuthority>,
}

fn authorities(pki: &Pki, setting: &Setting, ports: &Ports) -> Authorities {
    let authority = |issuer: &Issuer, profiles: Vec<ProfileParts>| {
        let charter = Charter {
            issuer: issuer.clone(),
            offers: profiles.into_iter().map(|parts| offer(parts, setting)).collect(),
            linter: Linter::new(
                [&[dlms::RULES, policies::lint::profile::RULES], &setting.lints[..]].concat(),
            ),
            crl_profile: CrlProfile::new(7 * 86_400, 86_400).unwrap(),
            uncertain_grace_seconds: 3_600,
            own_issuers: [&pki.operational, &pki.infrastructure, &pki.ending, &pki.root]
                .map(|ca| ca.issuer.key())
                .to_vec(),
            uplifts: UpliftMatrix::default(),
            threads: 1,
        };
        Arc::new(CertificationAuthority::new(charter, ports.clone()))
    };
    let operational = if setting.ending { &pki.ending } else { &pki.operational };
    Authorities {
        meters: authority(&operational.issuer, vec![setting.meter_ds.clone(), setting.meter_ka.clone()]),
        servers: authority(&pki.infrastructure.issuer, vec![hes_tls()]),
    }
}

/// What the default label is made of; the others differ in little.
fn label_parts(pki: &Pki, setting: &Setting, authorities: &Authorities) -> LabelParts {
    let issuer = authorities.meters.issuer().certificate().clone();
    LabelParts {
        name: "meter-ds".to_owned(),
        authority: authorities.meters.clone(),
        profile: profile_id("meter-op-ds"),
        anchors: anchors(pki),
        registration_authorities: vec![station_entry("meter-op-ds", b"MPK", setting.station_suffixes)],
        line_length: setting.line_length,
        channel_binding: setting.binding,
        challenge: setting.challenge,
        server_keys: ServerKeys::Off,
        full_cmc: setting.full_cmc,
        messages: setting.full_cmc.then(|| message_signer(pki)),
        ca_certificates: vec![pki.root.certificate().clone(), issuer],
    }
}

fn labels(pki: &Pki, setting: &Setting, authorities: &Authorities) -> Vec<Label> {
    let meters = label_parts(pki, setting, authorities);
    let agreement = LabelParts {
        name: "meter-ka".to_owned(),
        profile: profile_id("meter-op-ka"),
        registration_authorities: match setting.server_keys {
            ServerKeys::Off => Vec::new(),
            ServerKeys::InTls | ServerKeys::Encrypted => vec![station_entry("meter-op-ka", b"MPK", &[])],
        },
        server_keys: setting.server_keys,
        messages: Some(message_signer(pki)),
        ..meters.clone()
    };
    let servers = LabelParts {
        name: "hes-tls".to_owned(),
        authority: authorities.servers.clone(),
        profile: profile_id("hes-tls"),
        registration_authorities: vec![station_entry("hes-tls", b"", &["grid.example"])],
        ca_certificates: vec![pki.root.certificate().clone(), pki.infrastructure.certificate().clone()],
        ..meters.clone()
    };
    [meters, agreement, servers].map(|parts| Label::new(parts).unwrap()).to_vec()
}

/// Who signs messages: key 60, which no other signer holds.
pub(crate) fn message_signer(pki: &Pki) -> MessageSigner {
    let der = pki.infrastructure.certify(&Wish::new(cmp_signer(), named("Grid Messages"), 60));
    let certificate = Certificate::from_der(&der).unwrap();
    MessageSigner::new(certificate, Arc::new(MemorySigner::holding(&[60]))).unwrap()
}

/// The registration authority "Station 1".
pub(crate) fn station_entry(profile: &str, prefix: &[u8], suffixes: &[&str]) -> RegistrationAuthorityEntry {
    RegistrationAuthorityEntry {
        name: "station-1".to_owned(),
        tenant: tenant("grid"),
        matched_by: RegistrationAuthorityMatch::CommonName("Station 1".to_owned()),
        profiles: vec![profile_id(profile)],
        title_prefix: prefix.to_vec(),
        dns_suffixes: suffixes.iter().map(|suffix| (*suffix).to_owned()).collect(),
        forwards: false,
    }
}

pub(crate) fn anchors(pki: &Pki) -> Vec<Anchor> {
    let anchor = |certificate: &Certificate, vouches_for| Anchor {
        anchor: TrustAnchor::from_certificate(certificate),
        vouches_for,
    };
    vec![
        anchor(pki.manufacturer.certificate(), Voucher::Factory { manufacturer: tenant("acme") }),
        anchor(pki.operational.certificate(), Voucher::Operational),
        anchor(pki.infrastructure.certificate(), Voucher::Infrastructure),
    ]
}

fn offer(parts: ProfileParts, setting: &Setting) -> Offer {
    let doors = vec![
        Door::RegistrationAuthority,
        Door::OneTimeToken,
        Door::FactoryCertificate { grace_seconds: YEAR, expired_seconds: setting.expired_seconds },
        Door::OperationalCertificate,
    ];
    Offer {
        profile: profile(parts),
        doors,
        repeats: RepeatRule::default(),
        approval: ApprovalRule::default(),
        production: ProductionRule::default(),
    }
}
