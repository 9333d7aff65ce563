//! A CMP server on doubles: two labels of one authority, a manufacturer, a registration authority, and the means to ask it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request};
use ca_core::audit::Act;
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::lint::Linter;
use ca_core::path::TrustAnchor;
use ca_core::profile::{
    AlternativeNameRule, Approval, CrlProfile, ExtendedKeyUsageRule, ProfileId, ProfileParts, SubjectRule,
};
use ca_core::record::{CertificateId, CertificateStatus, StoredCertificate, Token};
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::subject::Subject;
use ca_core::system_title::SystemTitle;
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, RegistrationAuthorityMatch, Voucher};
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_response::{CertOrEncCert, CertRepMessage};
use cmp_messages::message::PkiMessage;
use cmp_messages::protection::MacAlgorithm;
use cmp_messages::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};
use cmp_server::config::{
    BatchLimits, CmpConfig, CmpParts, Confirmations, DEFAULT_BODY_OCTETS, FinalNonce, KeyGenerationAuthority,
    Label, LabelParts, MessageSigner, SharedSecrets,
};
use cmp_server::desk::Desk;
use cms_messages::PasswordWrap;
use const_oid::ObjectIdentifier;
use der::Encode;
use server_kit::listener::PeerConnection;
use server_kit::metrics::Metrics;
use server_kit::workers::{PoolSize, WorkerPool};
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;

use crate::client::{By, Message, cert_conf, cr, ir};
use crate::doubles::clock::SetClock;
use crate::doubles::entropy::ScriptedEntropy;
use crate::doubles::journal::{Failing, Journal};
use crate::doubles::ledger::MemoryLedger;
use crate::doubles::{JournaledSigner, Secrets};
use crate::pki::{
    MemorySigner, NOW, Pki, Wish, YEAR, cmp_signer, meter_factory_ds, meter_op_ds, meter_op_ka, named,
    profile, profile_id, public_key, station, tenant,
};

/// The device that most tests are about.
pub(crate) const DEVICE: &str = "4D504B0000000001";
/// Another device of the same owner.
pub(crate) const OTHER: &str = "4D504B0000000002";
/// The path of the label that most tests are about.
pub(crate) const PATH: &str = "/.well-known/cmp/p/meter-ds";
/// The number of the key of the registration authority.
pub(crate) const STATION: u8 = 50;
/// The number of the key that signs the answers.
pub(crate) const MESSAGES: u8 = 60;
/// The number of the key that signs keys which are made here.
const KEYS: u8 = 61;

/// What a test wants otherwise than usual.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) approval: Approval,
    pub(crate) confirmations: Confirmations,
    pub(crate) batches: BatchLimits,
    pub(crate) default_label: Option<String>,
    pub(crate) alias_paths: BTreeMap<String, String>,
    /// On whose behalf the registration authority acts.
    pub(crate) station_of: &'static str,
    /// Whether it may forward requests of devices.
    pub(crate) station_forwards: bool,
    /// With which octets the titles begin for which it may ask.
    pub(crate) station_prefix: Vec<u8>,
    pub(crate) has_secrets: bool,
    /// The certificates beside the authority's own and its root's: other generations, and the links between them.
    pub(crate) further: Vec<Certificate>,
    /// Whether certificates name the device in the subject alternative name alone.
    pub(crate) empty_subject: bool,
    /// Whether keys are made for key agreement, and how they are wrapped for who shares a secret.
    pub(crate) central_keys: Option<PasswordWrap>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            approval: Approval::NotNeeded,
            confirmations: Confirmations::default(),
            batches: BatchLimits::default(),
            default_label: None,
            alias_paths: BTreeMap::new(),
            station_of: "grid",
            station_forwards: false,
            station_prefix: b"MPK".to_vec(),
            has_secrets: true,
            further: Vec::new(),
            empty_subject: false,
            central_keys: None,
        }
    }
}

/// A server and everything around it.
pub(crate) struct World {
    pub(crate) pki: Pki,
    pub(crate) journal: Arc<Journal>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) authority: Arc<CertificationAuthority>,
    /// How often somebody was told of a revocation.
    pub(crate) told: Arc<AtomicUsize>,
    charter: Charter,
    ports: Ports,
    signer: Arc<JournaledSigner>,
    messages: Arc<JournaledSigner>,
    label: LabelParts,
    router: Router,
    pub(crate) desk: Desk,
}

/// What came back over HTTP.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&Setting::default())
    }

    pub(crate) fn with(setting: &Setting) -> Self {
        let pki = Pki::new();
        let journal = Arc::new(Journal::new());
        let ledger = Arc::new(MemoryLedger::new(&journal));
        let clock = Arc::new(SetClock::at(NOW.seconds()));
        let signer = Arc::new(JournaledSigner::holding(&journal, &Pki::ONLINE));
        let messages = Arc::new(JournaledSigner::holding(&journal, &[MESSAGES]));
        let secrets = Arc::new(Secrets::new(&journal));
        let ports = Ports {
            clock: clock.clone(),
            entropy: Arc::new(ScriptedEntropy::new(&journal)),
            signer: signer.clone(),
            ledger: ledger.clone(),
            status: ledger.clone(),
            registry: ledger.clone(),
            waiting: ledger.clone(),
            transactions: ledger.clone(),
        };
        let charter = charter(&pki, setting);
        let authority = Arc::new(CertificationAuthority::new(charter.clone(), ports.clone()));
        let told = Arc::new(AtomicUsize::default());
        let of_label = LabelParts {
            name: "meter-ds".to_owned(),
            authority: authority.clone(),
            profile: profile_id("meter-op-ds"),
            anchors: anchors(&pki),
            registration_authorities: stations(setting),
            messages: message_signer(&pki, &messages),
            secrets: setting.has_secrets.then(|| {
                let secrets: Arc<dyn SharedSecrets> = secrets.clone();
                secrets
            }),
            central_keys: None,
            confirmations: setting.confirmations,
            final_nonce: FinalNonce::default(),
            on_revocation: Arc::new({
                let told = Arc::clone(&told);
                move || {
                    told.fetch_add(1, Ordering::SeqCst);
                }
            }),
            ca_certificates: [pki.root.certificate(), pki.operational.certificate()]
                .into_iter()
                .chain(&setting.further)
                .cloned()
                .collect(),
        };
        let label = of_label.clone();
        let config = config(setting, &clock, &ledger, (of_label, key_authority(&pki, setting)));
        let (router, desk) = (cmp_server::routes::router(Arc::clone(&config)), Desk::new(config));
        for title in [DEVICE, OTHER] {
            ledger.expect(&SystemTitle::parse(title).unwrap(), &tenant("grid"), None);
        }
        Self {
            pki,
            journal,
            ledger,
            secrets,
            clock,
            authority,
            told,
            charter,
            ports,
            signer,
            messages,
            label,
            router,
            desk,
        }
    }

    /// The parts of a label at which keys are made for this profile.
    pub(crate) fn label_with_central_keys(&self, profile: &str) -> LabelParts {
        let setting = Setting { central_keys: Some(PasswordWrap::AesWrap), ..Setting::default() };
        let central_keys = key_authority(&self.pki, &setting);
        LabelParts { profile: profile_id(profile), central_keys, ..self.label.clone() }
    }

    /// The authority as it is after the program was started again: only what is on record is left.
    pub(crate) fn restarted(&self) -> CertificationAuthority {
        CertificationAuthority::new(self.charter.clone(), self.ports.clone())
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.set(ca_core::ports::Clock::now(&*self.clock).seconds() + seconds);
    }

    /// Makes a one-time token with this secret, and a reference to it.
    pub(crate) fn token(&self, reference: &str, secret: &str, title: &str) {
        self.token_for(reference, secret, title, &profile_id("meter-op-ds"));
    }

    /// The same for a certificate of another profile.
    pub(crate) fn token_for(&self, reference: &str, secret: &str, title: &str, profile: &ProfileId) {
        self.secrets.keep(reference, secret);
        self.ledger.keep(Token {
            hash: Sha256::digest(secret).into(),
            tenant: tenant("grid"),
            title: SystemTitle::parse(title).unwrap(),
            profile: profile.clone(),
            expires_at: NOW.plus_seconds(3_600),
            spent: false,
        });
    }

    /// The factory certificate of a device.
    pub(crate) fn factory(&self, title: &str, key: u8) -> Vec<u8> {
        let subject = Subject::device(SystemTitle::parse(title).unwrap());
        self.pki.manufacturer.certify(&Wish::new(meter_factory_ds(), subject, key))
    }

    /// The certificate of the registration authority.
    pub(crate) fn station(&self) -> Vec<u8> {
        self.pki.infrastructure.certify(&Wish::new(station(), named("Station 1"), STATION))
    }

    /// ir of the device under a MAC.
    pub(crate) fn ir(&self) -> Message {
        self.token("reference", "secret", DEVICE);
        Message::under_mac("reference", "secret", ir(DEVICE, 40))
    }

    /// cr of the device by its factory certificate, with the key 30; the new key is 40.
    pub(crate) fn cr(&self) -> Message {
        Message::signed(30, &self.factory(DEVICE, 30), cr(DEVICE, 40))
    }

    /// A message of the registration authority.
    pub(crate) fn by_station(&self, body: PkiBody) -> Message {
        Message::signed(STATION, &self.station(), body)
    }

    /// Enrols the device with the key 40 and confirms; returns the certificate. Nothing of it is left in the audit trail.
    pub(crate) async fn enrolled(&self) -> Vec<u8> {
        let request = self.cr();
        let (answer, certificate) = self.unconfirmed(&request).await;
        let confirmed = self.ask(&request.after(&answer, cert_conf(&certificate))).await;
        assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)), "{:?}", confirmed.body());
        certificate
    }

    /// Sends a request that must be granted; returns the answer and the certificate.
    pub(crate) async fn unconfirmed(&self, request: &Message) -> (PkiMessage, Vec<u8>) {
        let answer = self.ask(request).await;
        let certificate = certificate(&answer);
        (answer, certificate)
    }

    /// How many certificates and intents there are.
    pub(crate) fn rows(&self) -> usize {
        self.ledger.statuses().len()
    }

    /// How often the key of the authority signed.
    pub(crate) fn signed(&self) -> usize {
        self.signer.calls()
    }

    /// How often an answer was signed.
    pub(crate) fn messages_signed(&self) -> usize {
        self.messages.calls()
    }

    /// What is on record of a certificate.
    pub(crate) fn row(&self, certificate: &[u8]) -> StoredCertificate {
        self.ledger.row(&self.id(certificate))
    }

    pub(crate) fn id(&self, certificate: &[u8]) -> CertificateId {
        let serial = Certificate::from_der(certificate).unwrap().serial().clone();
        CertificateId { issuer: self.authority.issuer().key(), serial }
    }

    pub(crate) async fn send(&self, request: Builder, body: impl Into<Body>) -> Answer {
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(PeerConnection::plain(([192, 0, 2, 7], 40_000).into()));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), fields: parts.headers, body }
    }

    /// Sends octets that must be answered by a message; returns its octets.
    pub(crate) async fn exchange(&self, path: &str, octets: impl Into<Body>) -> Vec<u8> {
        let answer = self.send(post(path), octets).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.field("content-type"), "application/pkixcmp");
        answer.body
    }

    /// Sends a message and returns the answer, whose header and protection are checked.
    pub(crate) async fn ask(&self, message: &Message) -> PkiMessage {
        self.ask_at(PATH, message).await
    }

    pub(crate) async fn ask_at(&self, path: &str, message: &Message) -> PkiMessage {
        let answer = PkiMessage::decode(&self.exchange(path, message.der()).await).unwrap();
        assert_answers(message, &answer);
        answer
    }

    /// Sends a message that must be refused with this failInfo and reason code, and checks what every refusal has in common.
    pub(crate) async fn refuses(&self, message: &Message, expected: (PkiFailureInfo, &str)) -> PkiMessage {
        self.refuses_at(PATH, message, expected).await
    }

    pub(crate) async fn refuses_at(
        &self,
        path: &str,
        message: &Message,
        expected: (PkiFailureInfo, &str),
    ) -> PkiMessage {
        let answer = self.refuses_octets(path, message.der(), expected).await;
        assert_answers(message, &answer);
        answer
    }

    /// The same with any octets.
    pub(crate) async fn refuses_octets(
        &self,
        path: &str,
        octets: Vec<u8>,
        (failure, code): (PkiFailureInfo, &str),
    ) -> PkiMessage {
        let before = (self.ledger.statuses(), self.signed(), self.told.load(Ordering::SeqCst));
        let events = self.ledger.events().len();
        let answer = PkiMessage::decode(&self.exchange(path, octets).await).unwrap();
        let told = status_info(&answer);
        assert_eq!(told.failures(), [failure], "{code}: {:?}", told.status_string);
        assert_eq!(told.status(), Some(PkiStatus::Rejection));
        let [sentence] = told.status_string.as_deref().unwrap() else { panic!("one sentence") };
        assert!(sentence.ends_with(&format!(" ({code})")), "{code}: {sentence}");
        let after = (self.ledger.statuses(), self.signed(), self.told.load(Ordering::SeqCst));
        assert_eq!(before, after, "{code}: nothing is issued, revoked or signed by the authority");
        let new = &self.ledger.events()[events..];
        assert_eq!(new.len(), 1, "{code}: one record, not {new:?}");
        assert_eq!((new[0].act, new[0].reason.as_str()), (Act::RequestRefused, code));
        answer
    }

    /// Lets every port fail from now on as said.
    pub(crate) fn fail(&self, failing: Failing) {
        self.journal.start(failing);
    }

    /// How many certificates are good.
    pub(crate) fn good(&self) -> usize {
        self.ledger.statuses().into_iter().filter(|status| *status == CertificateStatus::Good).count()
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// RFC 9483 §3.1: transaction and nonce belong to the message; RFC 9483 §3.2: and the protection verifies, if there is one.
pub(crate) fn assert_answers(message: &Message, answer: &PkiMessage) {
    let header = answer.header();
    assert_eq!(header.recip_nonce, message.header.sender_nonce);
    assert_eq!(header.recipient, message.header.sender);
    if message.header.transaction_id.is_some() {
        assert_eq!(header.transaction_id, message.header.transaction_id);
    }
    let Some(algorithm) = &header.protection_alg else {
        assert!(answer.protection().is_none());
        return;
    };
    let protection = answer.protection().unwrap();
    if MacAlgorithm::is_mac(algorithm) {
        let By::Secret(secret, _) = &message.by else { panic!("a MAC answers a MAC") };
        let mac = MacAlgorithm::read(algorithm).unwrap();
        assert!(mac.verify(secret.as_bytes(), answer.protected_part(), protection));
    } else {
        let signature = ca_core::signature::EcdsaSignature::from_der(ca_core::suite::Curve::P256, protection);
        public_key(MESSAGES).verify(answer.protected_part(), &signature.unwrap()).unwrap();
    }
}

/// The answer to certificate requests in a body.
pub(crate) fn response(answer: &PkiMessage) -> Option<&CertRepMessage> {
    if let PkiBody::Ip(message) | PkiBody::Cp(message) | PkiBody::Kup(message) = answer.body() {
        Some(message)
    } else {
        None
    }
}

/// What a message says of how it went.
#[track_caller]
pub(crate) fn status_info(answer: &PkiMessage) -> PkiStatusInfo {
    match (answer.body(), response(answer)) {
        (_, Some(message)) => message.response[0].status.clone(),
        (PkiBody::Error(content), None) => content.pki_status_info.clone(),
        (PkiBody::Rp(content), None) => content.status[0].clone(),
        (other, None) => panic!("no status in {other:?}"),
    }
}

/// The certificate in an answer.
#[track_caller]
pub(crate) fn certificate(answer: &PkiMessage) -> Vec<u8> {
    let message = response(answer).unwrap_or_else(|| panic!("no certificate in {:?}", answer.body()));
    let [response] = message.response.as_slice() else { panic!("one response") };
    match response.certified_key_pair.as_ref().map(|pair| &pair.cert_or_enc_cert) {
        Some(CertOrEncCert::Certificate(certificate)) => certificate.to_der().unwrap(),
        other => panic!("no certificate but {other:?}, {:?}", response.status),
    }
}

pub(crate) fn post(path: &str) -> Builder {
    Request::post(path).header("content-type", "application/pkixcmp")
}

fn config(
    setting: &Setting,
    clock: &Arc<SetClock>,
    ledger: &Arc<MemoryLedger>,
    (of_label, central_keys): (LabelParts, Option<KeyGenerationAuthority>),
) -> Arc<CmpConfig> {
    let (name, profile) = ("meter-ka".to_owned(), profile_id("meter-op-ka"));
    let agreement = LabelParts { name, profile, central_keys, ..of_label.clone() };
    let pool = PoolSize { workers: NonZeroUsize::MIN, ..PoolSize::default() };
    let parts = CmpParts {
        labels: [of_label, agreement].map(|parts| Label::new(parts).unwrap()).to_vec(),
        default_label: setting.default_label.clone(),
        alias_paths: setting.alias_paths.clone(),
        clock: clock.clone(),
        registry: ledger.clone(),
        workers: WorkerPool::start("cmp", &pool, &Metrics::new("")).unwrap(),
        max_body_octets: DEFAULT_BODY_OCTETS,
        batches: setting.batches,
        time_window_seconds: 300,
    };
    Arc::new(CmpConfig::new(parts).unwrap())
}

fn charter(pki: &Pki, setting: &Setting) -> Charter {
    let doors = vec![
        Door::RegistrationAuthority,
        Door::OneTimeToken,
        Door::FactoryCertificate { grace_seconds: YEAR, expired_seconds: 0 },
        Door::OperationalCertificate,
    ];
    let mut meter_op_ds = meter_op_ds();
    if setting.empty_subject {
        let hw_type = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
        meter_op_ds.subject = SubjectRule::Empty;
        meter_op_ds.alternative_name = AlternativeNameRule::HardwareModule { hw_type };
    }
    let offer = |parts| Offer {
        profile: profile(parts),
        doors: doors.clone(),
        repeats: RepeatRule::default(),
        approval: ApprovalRule { needed: setting.approval, ..ApprovalRule::default() },
        production: ProductionRule::default(),
    };
    Charter {
        issuer: pki.operational.issuer.clone(),
        offers: vec![offer(meter_op_ds), offer(meter_op_ka())],
        linter: Linter::new(Vec::new()),
        crl_profile: CrlProfile::new(7 * 86_400, 86_400).unwrap(),
        uncertain_grace_seconds: 3_600,
        own_issuers: [&pki.operational, &pki.root].map(|ca| ca.issuer.key()).to_vec(),
        uplifts: UpliftMatrix::default(),
        threads: 1,
    }
}

fn anchors(pki: &Pki) -> Vec<Anchor> {
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

fn stations(setting: &Setting) -> Vec<RegistrationAuthorityEntry> {
    vec![RegistrationAuthorityEntry {
        name: "station-1".to_owned(),
        tenant: tenant(setting.station_of),
        matched_by: RegistrationAuthorityMatch::CommonName("Station 1".to_owned()),
        profiles: vec![profile_id("meter-op-ds"), profile_id("meter-op-ka")],
        title_prefix: setting.station_prefix.clone(),
        dns_suffixes: Vec::new(),
        forwards: setting.station_forwards,
    }]
}

fn message_signer(pki: &Pki, signer: &Arc<JournaledSigner>) -> MessageSigner {
    let der = pki.infrastructure.certify(&Wish::new(cmp_signer(), named("Grid Messages"), MESSAGES));
    let chain = vec![pki.infrastructure.certificate().clone()];
    MessageSigner::new(Certificate::from_der(&der).unwrap(), chain, signer.clone()).unwrap()
}

fn kga_signer() -> ProfileParts {
    let purposes = vec![ca_core::oid::CM_KGA];
    let extended_key_usage = Some(ExtendedKeyUsageRule { purposes, critical: false });
    ProfileParts { id: profile_id("kga-signer"), extended_key_usage, ..cmp_signer() }
}

fn key_authority(pki: &Pki, setting: &Setting) -> Option<KeyGenerationAuthority> {
    let der = pki.infrastructure.certify(&Wish::new(kga_signer(), named("Grid Keys"), KEYS));
    let chain = vec![pki.infrastructure.certificate().clone()];
    let (certificate, signer) =
        (Certificate::from_der(&der).unwrap(), Arc::new(MemorySigner::holding(&[KEYS])));
    let wrap = setting.central_keys?;
    Some(KeyGenerationAuthority::new(certificate, chain, signer, wrap).unwrap())
}
