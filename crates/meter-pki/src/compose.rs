//! Where adapters meet ports: the only place of this program that knows which store, which signer and which servers are used.
//!
//! Nothing is decided here; values of the configuration are put into constructors. What must exist is not created.

mod bundles;
mod cmp;
mod est;
mod front;
pub(crate) mod keys;
pub(crate) mod signer;
mod status;
mod store;
mod trust;
mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use ca_core::actor::Actor;
use ca_core::authority::{CertificationAuthority, Charter, Ports};
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::fleet::uplift::UpliftMatrix;
use ca_core::issuance::{IssueError, IssuedCertificate};
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::orders::OrderRule;
use ca_core::path::TrustAnchor;
use ca_core::ports::{
    Calls, Campaigns, Clock, Deliveries, Duties, Entropy, Findings, Fleet, Orders, People, Production,
    ProfileVersions, Registry, Schedule, Signer, StatusSource, Swaps, TakingOver, TrustBlocks, Visits,
};
use ca_core::profile::{Approval, CrlProfile, ProfileId};
use ca_core::record::{CrlRecord, StoredCertificate};
use ca_core::registration::{ApprovalRule, Offer, ProductionRule, RepeatRule};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::scope::{CrlKind, CrlScope, Shard};
use ca_core::subject::Subject;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_core::visits::Visit;
use ca_store::{BootId, FatalHook, Settings, Store};
use policies::ProfileSet;
use signer_file::SystemEntropy;
use status_server::repository::Repository;

use crate::audit::AuditLog;
use crate::audit::note::Notary;
use crate::config::{CheckedAuthority, Config, KeySource, ShipmentTrust};
use crate::duty::{Duty, Nodes, name};
use crate::exit::{Exit, Failure};
use crate::issued_pace::IssuedPace;
use crate::publisher::Publisher;
use crate::releases::Releases;
use crate::signing_pace::{PacedSigner, SigningPace};
use crate::strangers::Strangers;
use bundles::BundleSigner;
pub(crate) use cmp::cmp_config;
pub(crate) use est::est_config;
pub(crate) use front::front_config;
use keys::{Absence, KeyPlace, OpenKeys, UncheckedKeys};
pub(crate) use status::{Renewal, name_beside, pushers, status_parts};
pub(crate) use trust::Trusted;
pub(crate) use vault::{Vault, open_store, random_id};

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter of the Clock port")]
    fn now(&self) -> UnixTime {
        let since_1970 =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_seconds(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX))
    }
}

/// All ports: those of the authorities, and those of fleets and lines, which authorities do not need.
#[derive(Clone)]
pub struct SystemPorts {
    /// What authorities work on.
    pub authority: Ports,
    /// The whole life of devices.
    pub fleet: Arc<dyn Fleet>,
    /// What is delivered.
    pub deliveries: Arc<dyn Deliveries>,
    /// Production orders.
    pub production: Arc<dyn Production>,
    /// Campaigns.
    pub campaigns: Arc<dyn Campaigns>,
    /// The swaps that they carry out.
    pub swaps: Arc<dyn Swaps>,
}

impl std::fmt::Debug for SystemPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemPorts").finish_non_exhaustive()
    }
}

/// Everything that serves, put together.
pub struct System {
    /// The authorities, in the order of the configuration.
    pub authorities: Vec<ServedAuthority>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What the records say.
    pub status: Arc<dyn StatusSource>,
    /// Devices and tokens.
    pub registry: Arc<dyn Registry>,
    /// The whole life of devices.
    pub(crate) fleet: Arc<dyn Fleet>,
    /// What is delivered.
    pub(crate) deliveries: Arc<dyn Deliveries>,
    /// The trust anchors of each manufacturer, by which his devices are let in.
    pub(crate) factory_anchors: BTreeMap<TenantId, Vec<TrustAnchor>>,
    /// Who may sign the manifests of each manufacturer.
    pub(crate) shipment_trust: BTreeMap<TenantId, ShipmentTrust>,
    /// Published CRLs and certificates.
    pub(crate) repository: Arc<Repository>,
    /// What certificates, CRLs and OCSP answers are made by.
    pub(crate) profiles: Arc<ProfileSet>,
    /// What they said before.
    pub(crate) profile_versions: Arc<dyn ProfileVersions>,
    /// The offline authorities above ours.
    pub(crate) roots: Vec<Arc<Issuer>>,
    /// What the ceremony made for later.
    pub(crate) releases: Arc<Releases>,
    /// The audit trail towards the outside.
    pub(crate) audit: Arc<AuditLog>,
    /// Who runs the installation.
    pub(crate) tenant: TenantId,
    /// What is needed for backups, and what tells whether there is a recovery.
    pub(crate) vault: Arc<Vault>,
    /// All ports, for what is composed further.
    pub(crate) ports: Ports,
    /// Orders to change the revocation of many certificates.
    pub(crate) orders: Arc<dyn Orders>,
    /// Production orders.
    pub(crate) production: Arc<dyn Production>,
    /// Which meters may be lifted to which suite.
    pub(crate) uplifts: UpliftMatrix,
    /// How many people orders to change revocations need.
    pub(crate) order_rule: OrderRule,
    /// Revocations that are due later.
    pub(crate) schedule: Arc<dyn Schedule>,
    /// Authorities that are shut out.
    pub(crate) blocks: Arc<dyn TrustBlocks>,
    /// The authorities by whose certificates somebody is let in.
    pub(crate) trusted: Vec<Trusted>,
    /// Manufacturers' authorities, by whose certificates devices come.
    pub(crate) factories: Vec<TrustAnchor>,
    /// Campaigns.
    pub(crate) campaigns: Arc<dyn Campaigns>,
    /// What is found and only put on record.
    pub(crate) findings: Arc<dyn Findings>,
    /// The swaps that they carry out.
    pub(crate) swaps: Arc<dyn Swaps>,
    /// How long signatures took.
    pub(crate) pace: Arc<SigningPace>,
    /// Where the private keys are.
    pub(crate) key_place: KeyPlace,
    /// The same for people: the directory, the URIs of the tokens, or the socket of the signer.
    pub(crate) key_places: Vec<String>,
    /// The directory of the exchange with the offline root, where it is to be shown.
    pub(crate) exchanges: Option<PathBuf>,
    /// Where requests to the offline root are made and its responses taken in, where the server does that.
    pub(crate) ceremonies: Option<CeremonyPlace>,
    /// How many certificates were issued lately.
    pub(crate) issued: IssuedPace,
    /// Authorities whose key could not be looked at yet.
    pub(crate) unchecked_keys: Arc<UncheckedKeys>,
    /// Operators beside the user who runs the server, and root.
    pub(crate) operators: BTreeSet<u32>,
    /// The profiles of operators' certificates.
    pub(crate) operator_profiles: Vec<String>,
    /// Refusals of whoever comes without a certificate of ours.
    pub(crate) strangers: Strangers,
    /// For how many hours somebody has a role in an emergency at most.
    pub(crate) break_glass_hours: u8,
    /// Whether it takes two administrators to give somebody a role or a credential.
    pub(crate) two_give: bool,
    /// Who may do what.
    pub(crate) people: Arc<dyn People>,
    /// What other programs issued under keys of ours.
    pub(crate) taking_over: Arc<dyn TakingOver>,
    /// Visits of technicians.
    pub(crate) visits: Arc<dyn Visits>,
    /// Calls of operators that may be repeated.
    pub(crate) calls: Arc<dyn Calls>,
    /// Who signs what technicians take along, if anybody does.
    pub(crate) bundle_signer: Option<BundleSigner>,
    /// How many people must approve a visit.
    pub(crate) visit_approvals: Approval,
    /// Where operators connect.
    pub(crate) operator_socket: PathBuf,
    /// What one node does for all.
    pub(crate) duties: Arc<dyn Duties>,
    /// Whether there may be other nodes.
    pub(crate) nodes: Nodes,
}

/// Where the server makes requests to the offline root, and takes its responses in.
#[derive(Debug, Clone)]
pub(crate) struct CeremonyPlace {
    /// The directory of the open requests, with the journal.
    pub(crate) exchanges: PathBuf,
    /// The directory for what responses bring.
    pub(crate) incoming: PathBuf,
    /// Where keys are made.
    pub(crate) keys: KeySource,
}

/// An authority in service.
#[derive(Debug)]
pub struct ServedAuthority {
    /// Its name in the configuration.
    pub name: String,
    /// Its verbs.
    pub authority: Arc<CertificationAuthority>,
    /// What it issues.
    pub profiles: Vec<ProfileId>,
    /// The key of its OCSP responder.
    pub(crate) responder_key: KeyRef,
    /// The certificates above its own, the nearest first, up to the root.
    pub(crate) path: Vec<Certificate>,
    /// How long a signing outcome may stay unknown, in seconds.
    pub(crate) uncertain_grace_seconds: i64,
    /// Who publishes its CRLs.
    pub(crate) publisher: Arc<Publisher>,
}

impl ServedAuthority {
    /// Returns the name of its signing key.
    #[must_use]
    pub fn key(&self) -> KeyRef {
        self.authority.issuer().key()
    }

    /// Tells the publisher that something was revoked.
    pub(crate) fn notice_revocation(&self) {
        self.publisher.notice();
    }

    /// Returns when the next CRL is made at the latest.
    pub(crate) fn next_crl_by(&self) -> UnixTime {
        self.publisher.next_by()
    }

    /// Issues and publishes its last CRLs, which are valid until its certificate ends: that of all, which is returned, and
    /// before it one of each shard.
    pub(crate) fn publish_last_crl(&self, actor: &Actor) -> Result<CrlRecord, Failure> {
        let closing = self.authority.with_crl_profile(CrlProfile::last());
        let last = |scope: &CrlScope| {
            let crl = closing.issue_crl_in(actor, scope, None).map_err(|error| {
                Failure::new(Exit::Failed, error.code(), error)
                    .then("nothing was destroyed; repeat the same command")
            })?;
            self.publisher.show(&crl)?;
            Ok(crl)
        };
        for scope in self.publisher.scopes()?.iter().filter(|scope| scope.shard().is_some()) {
            last(scope)?;
        }
        last(&CrlScope::All)
    }

    /// Issues a certificate for a request, as an operator who may.
    pub(crate) fn certify(
        &self,
        actor: Actor,
        profile: ProfileId,
        request: CertificationRequest,
    ) -> Result<IssuedCertificate, Failure> {
        self.authority.enrol(asked(actor, profile, request)?).map_err(|error| not_issued(&error))
    }

    /// Issues a certificate for the hand-held unit of a visit.
    pub(crate) fn certify_on(
        &self,
        visit: &Visit,
        actor: Actor,
        (profile, request): (ProfileId, CertificationRequest),
    ) -> Result<IssuedCertificate, Failure> {
        let asked = asked(actor, profile, request)?;
        self.authority.enrol_on_visit(visit, asked).map_err(|error| not_issued(&error))
    }

    /// Issues and publishes CRLs now: of one shard or of every scope, complete ones with their deltas, or deltas alone.
    pub(crate) fn publish_crls(
        &self,
        actor: &Actor,
        (shard, kind): (Option<&Shard>, CrlKind),
    ) -> Result<Vec<CrlRecord>, Failure> {
        let scopes = self.publisher.scopes()?;
        let Some(shard) = shard else { return self.publisher.publish(actor, &scopes, kind) };
        let scope = CrlScope::Shard(shard.clone());
        if !scopes.contains(&scope) {
            let message = format!("{} has no certificates in a shard called {shard}", self.name);
            return Err(Failure::new(Exit::NotFound, "crl.shard", message).then("meter-pki crl list"));
        }
        self.publisher.publish(actor, &[scope], kind)
    }
}

/// A request through the door of operators.
fn asked(
    actor: Actor,
    profile: ProfileId,
    request: CertificationRequest,
) -> Result<EnrolmentRequest, Failure> {
    let names = request
        .requested_extensions()
        .iter()
        .find(|extension| extension.extn_id == ca_core::oid::SUBJECT_ALT_NAME)
        .map(|extension| extension.extn_value.as_bytes());
    let subject = Subject::read(request.subject(), names)
        .map_err(|error| Failure::new(Exit::Refused, "subject.unfit", error))?;
    Ok(EnrolmentRequest {
        actor,
        profile,
        subject,
        evidence: Evidence::Request(Box::new(request)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })
}

fn not_issued(error: &IssueError) -> Failure {
    let exit = match error.fault() {
        Fault::Requester => Exit::Refused,
        Fault::Conflict => Exit::Conflict,
        Fault::Unavailable => Exit::Unavailable,
        Fault::Ours => Exit::Failed,
    };
    Failure::new(exit, error.code(), error)
}

impl System {
    /// Returns the authority with this signing key.
    #[must_use]
    pub fn served(&self, key: &KeyRef) -> Option<&ServedAuthority> {
        self.authorities.iter().find(|served| served.key() == *key)
    }

    /// Returns something that one node does for all.
    pub(crate) fn duty(&self, name: &'static str) -> Duty {
        Duty::new(name, Arc::clone(&self.duties), self.nodes)
    }

    /// Returns the ports, for what is composed beside this program.
    #[must_use]
    pub const fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Returns the name of a certificate's authority, or its key where no authority here has it.
    pub(crate) fn issuer_name(&self, stored: &StoredCertificate) -> String {
        let served = self.served(&stored.id.issuer);
        served.map_or_else(|| stored.id.issuer.to_string(), |served| served.name.clone())
    }
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("authorities", &self.authorities).finish_non_exhaustive()
    }
}

/// Ends the process when the ledger cannot go on: a lost write must never be ridden over.
#[must_use]
pub fn abort_on_fatal() -> Settings {
    let hook: FatalHook = Box::new(|error| {
        tracing::error!(%error, "the ledger cannot go on; the process ends, and the next start recovers");
        std::process::abort()
    });
    Settings::new(hook)
}

/// Where Linux tells which run of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Returns which run of the machine this is; `None` where the kernel does not tell, so that recovery takes it for another.
#[must_use]
pub fn boot_id() -> Option<BootId> {
    BootId::parse(&std::fs::read_to_string(BOOT_ID).ok()?)
}

/// Opens store and keys and puts the authorities together on what `through` makes of the ports.
///
/// # Errors
/// A [`Failure`] that says what is missing and what to type next.
pub(crate) fn compose(
    config: &Config,
    absence: Absence,
    through: impl FnOnce(SystemPorts) -> SystemPorts,
) -> Result<System, Failure> {
    // Keys first: a passphrase or PIN that is not the one leaves the ledger alone.
    let keys = keys::open(&config.keys, absence)?;
    compose_on(Arc::new(open_vault(config)?), config, keys, through)
}

/// Opens the ledger, and says what the last stop left open.
pub(crate) fn open_vault(config: &Config) -> Result<Vault, Failure> {
    let (vault, report) = Vault::open(config, SystemClock.now())?;
    if !report.uncertain.is_empty() {
        tracing::warn!(
            count = report.uncertain.len(),
            "signing outcomes are unknown since the last stop; their serial numbers will be revoked after the grace time: \
             `meter-pki cert list --status uncertain` shows them"
        );
    }
    Ok(vault)
}

/// Puts the authorities together on a ledger and keys that are open.
pub(crate) fn compose_on(
    vault: Arc<Vault>,
    config: &Config,
    keys: OpenKeys,
    through: impl FnOnce(SystemPorts) -> SystemPorts,
) -> Result<System, Failure> {
    let store = Arc::clone(&vault.store);
    let OpenKeys { signer, place } = keys;
    let unchecked_keys = Arc::new(UncheckedKeys::default());
    let pace = Arc::new(SigningPace::default());
    let signer = Arc::new(PacedSigner::new(signer, Arc::clone(&pace)));
    let SystemPorts { authority: ports, fleet, deliveries, production, campaigns, swaps } =
        through(ports_on(&store, signer));
    let notary = config.audit.notary.as_ref();
    let notary = notary.map(|(key, origin)| Notary::new(ports.signer.clone(), *key, origin)).transpose()?;
    let own_issuers: Vec<KeyRef> = config.authorities.iter().map(|one| one.issuer.key()).collect();
    let roots = status::roots(config);
    let repository = status::repository(config, &roots)?;
    let releases = Releases::open(
        config.status.releases_directory.as_deref(),
        &roots,
        Arc::clone(&repository),
        Arc::clone(&ports.clock),
    )?;
    let issued = IssuedPace::new(ports.clock.now());
    let nodes = if store.node_name().is_some() { Nodes::Several } else { Nodes::One };
    let authorities = config
        .authorities
        .iter()
        .map(|one| {
            let shared = (&repository, Duty::new(name::CRL, store.clone(), nodes));
            serve_authority(one, (&own_issuers, &config.uplifts), (&ports, &unchecked_keys), shared)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(System {
        authorities,
        clock: Arc::clone(&ports.clock),
        entropy: Arc::clone(&ports.entropy),
        status: Arc::clone(&ports.status),
        registry: Arc::clone(&ports.registry),
        fleet,
        deliveries,
        factory_anchors: trust::factory_anchors(config),
        shipment_trust: trust::shipment_trust(config),
        repository,
        profiles: Arc::clone(&config.profiles),
        profile_versions: store.clone(),
        roots,
        releases: Arc::new(releases),
        orders: store.clone(),
        production,
        schedule: store.clone(),
        blocks: store.clone(),
        campaigns,
        swaps,
        pace,
        factories: config.manufacturers.iter().flat_map(|one| one.anchors.iter().cloned()).collect(),
        trusted: trust::trusted(config),
        uplifts: config.uplifts.clone(),
        findings: store.clone(),
        order_rule: config.orders,
        operators: config.operator_users.clone(),
        operator_profiles: config.operator_profiles.clone(),
        strangers: Strangers::default(),
        break_glass_hours: config.break_glass_hours,
        two_give: config.two_give,
        people: store.clone(),
        taking_over: store.clone(),
        visits: store.clone(),
        calls: store.clone(),
        bundle_signer: bundles::signer(config, &ports.signer),
        visit_approvals: config.visit_approvals,
        operator_socket: config.operator_socket.clone(),
        duties: store.clone(),
        nodes,
        audit: Arc::new(AuditLog { store, notary }),
        tenant: config.tenant.clone(),
        vault,
        ports,
        key_place: place,
        key_places: keys::places(&config.keys),
        exchanges: config.exchanges.clone(),
        ceremonies: ceremonies(config),
        issued,
        unchecked_keys,
    })
}

fn ceremonies(config: &Config) -> Option<CeremonyPlace> {
    let (exchanges, incoming) = (config.exchanges.clone()?, config.incoming.clone()?);
    Some(CeremonyPlace { exchanges, incoming, keys: config.keys.clone() })
}

fn ports_on(store: &Arc<Store>, signer: Arc<dyn Signer>) -> SystemPorts {
    SystemPorts {
        authority: Ports {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            signer,
            ledger: store.clone(),
            status: store.clone(),
            registry: store.clone(),
            waiting: store.clone(),
            transactions: store.clone(),
        },
        fleet: store.clone(),
        deliveries: store.clone(),
        production: store.clone(),
        campaigns: store.clone(),
        swaps: store.clone(),
    }
}

/// Says which parts of the configuration do not fit together.
fn faulty<E: std::fmt::Display>(what: &str, faults: &[E]) -> Failure {
    let sentences: Vec<String> = faults.iter().map(|fault| format!("{what}: {fault}")).collect();
    Failure::new(Exit::Usage, "config.faulty", sentences.join("\n")).then("meter-pki config check")
}

fn serve_authority(
    one: &CheckedAuthority,
    (own_issuers, uplifts): (&[KeyRef], &UpliftMatrix),
    (ports, unchecked): (&Ports, &UncheckedKeys),
    (repository, duty): (&Arc<Repository>, Duty),
) -> Result<ServedAuthority, Failure> {
    unchecked.check(&one.name, &one.issuer, &*ports.signer).map_err(|error| {
        Failure::new(Exit::Unavailable, "key.missing", format!("the key of {}: {error}", one.name))
            .then(
                "look at [keys] in the configuration, or at [[key]] in the signer's; if the authority was being closed, \
                 repeat meter-pki ca close",
            )
    })?;
    let mut offers: Vec<Offer> = one
        .offers
        .iter()
        .map(|offer| Offer {
            profile: offer.profile.clone(),
            doors: offer.doors.clone(),
            repeats: offer.repeats,
            approval: offer.approval,
            production: offer.production,
        })
        .collect();
    offers.push(Offer {
        profile: one.responder_profile.clone(),
        doors: vec![ca_core::registration::Door::Process],
        repeats: RepeatRule::default(),
        approval: ApprovalRule::default(),
        production: ProductionRule::default(),
    });
    let charter = Charter {
        issuer: one.issuer.clone(),
        offers,
        linter: policies::lint::linter(),
        crl_profile: one.crl_profile,
        uncertain_grace_seconds: one.uncertain_grace_seconds,
        own_issuers: own_issuers.to_vec(),
        uplifts: uplifts.clone(),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let authority = Arc::new(CertificationAuthority::new(charter, ports.clone()));
    Ok(ServedAuthority {
        name: one.name.clone(),
        uncertain_grace_seconds: one.uncertain_grace_seconds,
        profiles: one.offers.iter().map(|offer| offer.profile.id().clone()).collect(),
        responder_key: one.responder_key,
        path: one.path.clone(),
        publisher: Arc::new(Publisher::new(
            Arc::clone(&authority),
            one.crl_profile,
            Arc::clone(repository),
            (ports, one.uncertain_grace_seconds, duty),
        )),
        authority,
    })
}
