//! Starts everything that serves and ends it in order: first no new work, then the work under way, then the store.
//!
//! The ports pass through a function on their way: the program hands them on as they are; the crash harness of the tests puts
//! its kill-points around them, so that the program itself has none.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use server_kit::health::Health;
use server_kit::limits::{Limits, RawLimits};
use server_kit::listener::{Listener, LongBody};
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use server_kit::tls::{AnyCertificate, ClientCertificates, Tls, TlsIdentity, TlsUnique};
use server_kit::workers::WorkerPool;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::approvals::ApprovalWatch;
use crate::audit::{self, Copies, Followed};
use crate::campaigns;
use crate::clock_watch::ClockWatch;
use crate::coaps::{self, Desk, Place};
use crate::compose::keys::{Absence, KeyPlace};
use crate::compose::{
    Renewal, ServedAuthority, System, SystemPorts, cmp_config, compose, est_config, pushers, status_parts,
};
use crate::config::{CheckedSignIn, Config, OperatorDoor, RawCmp, RawCoaps, RawConsoleSignIn, RawEst};
use crate::console::Door;
use crate::deadlines::Deadlines;
use crate::doctor_called;
use crate::due;
use crate::duty::{Duty, Nodes, name};
use crate::emergencies::EmergencyWatch;
use crate::exit::{Exit, Failure, SIGNER_AWAY};
use crate::intents::IntentWatch;
use crate::key_watch::KeyWatch;
use crate::ledger_reach::LedgerReach;
use crate::nodes::NodeWatch;
use crate::operator::{
    Doorkeeper, LONGEST_BODY, OperatorListener, OperatorState, ReconciliationMeters, let_others_find, router,
    with_tokens,
};
use crate::orders;
use crate::people;
use crate::profiles_in_force;
use crate::publisher::Signs;
use crate::push::Pusher;
use crate::releases::outlook::{self, OutlookWatch};
use crate::sign_in::{Sessions, SignIn, SignInPlace, Wanted};
use crate::started::Started;
use crate::system_meters::SystemMeters;
use crate::visits;

/// How long work under way may take after the signal to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// What serves until it is drained.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<()>,
    health: Health,
    pools: Vec<WorkerPool>,
    system: Arc<System>,
    est: SocketAddr,
    /// None in recovery.
    copies: Option<Copies>,
}

impl Running {
    /// Returns what serves.
    #[must_use]
    pub const fn system(&self) -> &Arc<System> {
        &self.system
    }

    /// Returns where EST is served: the port that the system chose, where the configuration says 0.
    #[must_use]
    pub const fn est(&self) -> SocketAddr {
        self.est
    }

    /// Runs `watch` beside what serves, until the shutdown ends it.
    pub fn watched<W>(&mut self, watch: impl FnOnce(Health) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(watch(self.health.clone()));
    }

    /// Waits until nothing is under way any more.
    pub async fn drained(mut self) {
        while self.tasks.join_next().await.is_some() {}
        for pool in &self.pools {
            pool.drain(DRAIN).await;
        }
        // Nothing is recorded any more: what is left is signed and copied.
        tokio::task::block_in_place(|| drop(self.copies));
    }
}

/// Logs to standard error; `RUST_LOG` chooses what; without it, `info` without the storage engine.
pub fn start_log() {
    // The storage engine tells each of its steps; what matters of it comes back as errors.
    let usual = "info,fjall=warn,lsm_tree=warn,sled=warn";
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| usual.into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for eyes: in a file or a journal they are noise.
        .with_ansi(std::io::stderr().is_terminal());
    // A log that was started before, as in tests, stays.
    drop(log.try_init());
}

/// Makes the token that SIGINT and SIGTERM pull.
///
/// # Errors
/// A [`Failure`] when the operating system gives no signals.
pub fn shutdown_on_signals() -> Result<Shutdown, Failure> {
    let shutdown = Shutdown::new(DRAIN);
    shutdown.on_signals().map_err(|error| Failure::new(Exit::Failed, "signals.failed", error))?;
    Ok(shutdown)
}

/// Meets the deadlines of an authority, publishes its CRL with what that revoked, and goes on with both until shutdown.
fn keep_current(
    tasks: &mut JoinSet<()>,
    (served, duty): (&ServedAuthority, Duty),
    in_recovery: bool,
    (metrics, pool, shutdown): (&Metrics, &WorkerPool, &Shutdown),
) -> Result<(), Failure> {
    let publisher = Arc::clone(&served.publisher);
    if in_recovery {
        // What was published may be newer than what is on record: it stays.
        if let Err(failure) = tokio::task::block_in_place(|| publisher.show_latest()) {
            tracing::warn!(%failure, "the CRL on record is not published");
        }
        return Ok(());
    }
    let (authority, kept) = (Arc::clone(&served.authority), Arc::clone(&publisher));
    let deadlines = Arc::new(Deadlines::new(authority, kept, (duty, metrics)));
    tokio::task::block_in_place(|| deadlines.meet_on_duty())
        .map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
    match tokio::task::block_in_place(|| publisher.catch_up()) {
        Err(failure) if failure.code == SIGNER_AWAY => {
            tracing::warn!(authority = served.name, %failure, "the CRLs that are owed are made once the token is there");
        }
        caught_up => caught_up?,
    }
    tasks.spawn(deadlines.run(pool.clone(), shutdown.clone()));
    let signs = Signs::new(metrics, &served.name);
    tasks.spawn(publisher.run(pool.clone(), signs, shutdown.clone()));
    Ok(())
}

/// The same for every authority.
fn keep_all_current(
    tasks: &mut JoinSet<()>,
    system: &System,
    in_recovery: bool,
    means: (&Metrics, &WorkerPool, &Shutdown),
) -> Result<(), Failure> {
    system.authorities.iter().try_for_each(|served| {
        keep_current(tasks, (served, system.duty(name::DEADLINES)), in_recovery, means)
    })
}

/// Pushes what is published to where it is also served; health tells of a target that does not take it.
fn push(tasks: &mut JoinSet<()>, pushers: Vec<Arc<Pusher>>, (health, shutdown): (&Health, &Shutdown)) {
    for pusher in pushers {
        let told = Arc::clone(&pusher);
        health.ready("push", move || told.condition());
        tasks.spawn(pusher.run(shutdown.clone()));
    }
}

/// Starts all servers on what `through` makes of the ports; when it returns they accept connections.
///
/// # Errors
/// A [`Failure`] that says what is missing and what to type next.
pub async fn start(
    config: &Config,
    shutdown: Shutdown,
    through: impl FnOnce(SystemPorts) -> SystemPorts,
) -> Result<Running, Failure> {
    let system = Arc::new(tokio::task::block_in_place(|| compose(config, Absence::IsWaitedFor, through))?);
    let metrics = Metrics::new("pki_");
    // A process that serves twice, as tests do, counts both times into the first set.
    drop(metrics.install());
    let mut tasks = JoinSet::new();
    let (log, clock) = (Arc::clone(&system.audit), Arc::clone(&system.clock));
    let (notary, sender) = (system.duty(name::CHECKPOINTS), system.duty(name::SYSLOG));
    let followed = Followed { log, clock, config: &config.audit, metrics: &metrics, notary, sender };
    let in_recovery = system.vault.recovery().is_some();
    // A trail that is to be compared with its copy is not copied.
    let copying = || (!in_recovery).then(|| Copies::start(&followed)).transpose();
    let copies = tokio::task::block_in_place(copying)?;
    if !in_recovery {
        tokio::task::block_in_place(|| profiles_in_force::record(&system));
    }
    let est_pool = pool("est", &config.est.pool, &metrics)?;
    let status_pool = pool("status", &config.status.pool, &metrics)?;
    let operator_pool = pool("operator", &config.status.pool, &metrics)?;

    let health = Health::new();
    let reach = watch_reach(&mut tasks, &system, (&health, &shutdown));
    let parts = || status_parts(config, &system, (status_pool.clone(), reach));
    let status = tokio::task::block_in_place(parts)?;
    keep_all_current(&mut tasks, &system, in_recovery, (&metrics, &status_pool, &shutdown))?;
    tasks.spawn(Arc::clone(&system.vault).watch(shutdown.clone()));
    watch_system(&health, &system);
    watch_nodes(&mut tasks, config, &system, (&metrics, &shutdown));
    watch_keys(&mut tasks, &system, &status.renewal, (&health, &metrics, &shutdown));
    if !in_recovery {
        push(&mut tasks, pushers(config, &system, &metrics)?, (&health, &shutdown));
    }
    watch_work(&mut tasks, &system, (&health, &metrics, &shutdown));
    if !in_recovery {
        let releases = Arc::clone(&system.releases);
        tasks.spawn(releases.run(system.ports.clone(), status_pool.clone(), shutdown.clone()));
    }
    let started = Arc::new(Started::with(config));
    tasks.spawn(system_meters(config, &system, (&metrics, &started))?.run(shutdown.clone()));
    if !in_recovery {
        carry_out(&mut tasks, &system, (&operator_pool, &metrics, &shutdown));
    }
    let listener = status_listener(config, &metrics).await?;
    watch_listener(&health, "status-listener", &listener);
    spawn(&mut tasks, listener.serve(status.router.merge(health.router()), shutdown.clone()));
    if !in_recovery {
        tasks.spawn(status.renewal.run(status_pool.clone(), shutdown.clone()));
    }

    let est_config = est_config(config, &system, est_pool.clone())?;
    let open = Open { est: &config.est, metrics: &metrics, health: &health, shutdown: &shutdown };
    let desk = Desk::Est(est_server::desk::Desk::new(Arc::clone(&est_config)));
    open.coaps(&mut tasks, config.est.coaps.as_ref(), desk).await?;
    let enrolment = est_server::routes::router(est_config);
    let enrolment = open.cmp(&mut tasks, config, (&system, &est_pool), enrolment).await?;
    let listener = est_listener(config, &metrics).await?;
    let est = listener.local_addr();
    watch_listener(&health, "est-listener", &listener);
    spawn(&mut tasks, listener.with_tls(tls(&config.est)?).serve(enrolment, shutdown.clone()));

    let socket = operator_socket(config).await?;
    if tokio::task::block_in_place(|| people::are_there_users(&system)) {
        let_others_find(&config.operator_socket).map_err(|error| unfound(config, &error))?;
    }
    let (pool, responder) = (operator_pool.clone(), status.responder);
    let reconciliations = Arc::new(ReconciliationMeters::new(&metrics));
    let look = doctor_called::look(config.file.clone());
    let state =
        OperatorState::new((Arc::clone(&system), pool), (responder, reconciliations), (started, look));
    let operator_router = router(state.clone(), health.admin_router(), metrics.router());
    let routes = elsewhere(config, state, &operator_router)?;
    open.operators(&mut tasks, config.operator_door.as_ref(), routes).await?;
    tasks.spawn(socket.serve(operator_router, doorkeeper(&system), shutdown));
    health.started();
    tracing::info!(%est, status = %config.status.listen, "serving");
    let pools = vec![est_pool, status_pool, operator_pool];
    Ok(Running { tasks, health, pools, system, est, copies })
}

/// What is under way, what waits for people, and how long the roots last.
fn watch_work(
    tasks: &mut JoinSet<()>,
    system: &System,
    (health, metrics, shutdown): (&Health, &Metrics, &Shutdown),
) {
    tasks.spawn(OutlookWatch::new(Arc::clone(&system.releases), metrics).run(shutdown.clone()));
    let watch = Arc::new(IntentWatch::new(Arc::clone(&system.status), metrics));
    let watched = Arc::clone(&watch);
    health.ready("intents", move || watched.condition());
    tasks.spawn(watch.run(shutdown.clone()));
    tasks.spawn(ApprovalWatch::new(&system.ports, metrics).run(shutdown.clone()));
}

/// What is measured of the system as a whole.
fn system_meters(
    config: &Config,
    system: &Arc<System>,
    (metrics, started): (&Metrics, &Started),
) -> Result<SystemMeters, Failure> {
    let meters = SystemMeters::new(system, metrics, (config.store.directory.clone(), started));
    meters.map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))
}

/// Health tells of the ledger, the CRLs, the roots and the audit log.
fn watch_system(health: &Health, system: &System) {
    let vault = Arc::clone(&system.vault);
    health.ready("ledger", move || vault.condition());
    for served in &system.authorities {
        let publisher = Arc::clone(&served.publisher);
        health.ready("crl", move || publisher.condition());
    }
    let releases = Arc::clone(&system.releases);
    health.ready("roots", move || outlook::condition(&releases));
    let log = Arc::clone(&system.audit);
    health.ready("audit", move || audit::condition(&log));
}

/// Looks after the other nodes, where there are any.
fn watch_nodes(
    tasks: &mut JoinSet<()>,
    config: &Config,
    system: &System,
    (metrics, shutdown): (&Metrics, &Shutdown),
) {
    let Some(database) = &config.store.database else { return };
    let ledger = (Arc::clone(&system.vault.store), Arc::clone(&system.clock));
    let watch = NodeWatch::new(ledger, system.tenant.clone(), database.lease, metrics);
    tasks.spawn(Arc::new(watch).run(shutdown.clone()));
}

/// Health tells whether a ledger that is elsewhere is within reach; so hears whoever gets what this returns.
fn watch_reach(
    tasks: &mut JoinSet<()>,
    system: &System,
    (health, shutdown): (&Health, &Shutdown),
) -> Option<watch::Receiver<bool>> {
    if system.nodes == Nodes::One {
        return None;
    }
    let (store, clock) = (Arc::clone(&system.vault.store), Arc::clone(&system.clock));
    let reach = LedgerReach::new(Arc::new(move || store.look().map(drop)), Arc::new(move || clock.now()));
    let reach = Arc::new(reach);
    let watched = Arc::clone(&reach);
    health.ready("ledger-reach", move || watched.condition());
    let is_away = reach.is_away();
    tasks.spawn(reach.run(shutdown.clone()));
    Some(is_away)
}

/// Health and metrics tell of the tokens, or of the signer that has them; each turn of theirs is put on record.
fn watch_keys(
    tasks: &mut JoinSet<()>,
    system: &System,
    renewal: &Renewal,
    (health, metrics, shutdown): (&Health, &Metrics, &Shutdown),
) {
    if matches!(system.key_place, KeyPlace::Files) {
        return;
    }
    let watch = Arc::new(KeyWatch::new(system, metrics).on_return(renewal.waker()));
    // A ledger in recovery records nothing.
    if system.vault.recovery().is_none() {
        tokio::task::block_in_place(|| watch.record_turns(&system.ports, system.tenant.clone()));
    }
    let watched = Arc::clone(&watch);
    health.ready("signer", move || watched.condition());
    tasks.spawn(watch.run(shutdown.clone()));
}

/// What people have ordered, and what is due; and the clock by which it is.
fn carry_out(
    tasks: &mut JoinSet<()>,
    system: &Arc<System>,
    (pool, metrics, shutdown): (&WorkerPool, &Metrics, &Shutdown),
) {
    tasks.spawn(due::run(Arc::clone(system), pool.clone(), shutdown.clone()));
    tasks.spawn(visits::run(Arc::clone(system), pool.clone(), shutdown.clone()));
    tasks.spawn(orders::run(Arc::clone(system), pool.clone(), shutdown.clone()));
    tasks.spawn(campaigns::run(Arc::clone(system), pool.clone(), shutdown.clone()));
    let emergencies = EmergencyWatch::new(system, metrics);
    tasks.spawn(emergencies.run(pool.clone(), shutdown.clone()));
    let clock = ClockWatch::new(&system.ports, system.tenant.clone(), metrics);
    tasks.spawn(clock.run(shutdown.clone()));
}

async fn status_listener(config: &Config, metrics: &Metrics) -> Result<Listener, Failure> {
    let listener = bind(config.status.listen, "status").await?;
    Ok(listener.with_limits(config.status.limits.clone()).with_metrics(metrics))
}

/// Uploads of head-ends are longer than what a device sends, and may take longer.
async fn est_listener(config: &Config, metrics: &Metrics) -> Result<Listener, Failure> {
    let listener = bind(config.est.listen, "est").await?;
    let listener = listener.with_limits(config.est.limits.clone()).with_metrics(metrics);
    let listener = listener.with_long_body(LongBody {
        path: est_server::config::UPLOAD_PATH.to_owned(),
        octets: config.est.bulk.max_octets.into(),
        time: Duration::from_secs(config.est.bulk.upload_seconds.into()),
    });
    Ok(config.cmp.iter().flat_map(nested_bodies).fold(listener, Listener::with_long_body))
}

/// A listener of CMP alone, where the configuration asks for it.
async fn cmp_listener(config: &Config, metrics: &Metrics) -> Result<Option<Listener>, Failure> {
    let Some((raw, listen)) = config.cmp.as_ref().and_then(|raw| Some((raw, raw.listen?))) else {
        return Ok(None);
    };
    let listener = bind(listen, "cmp").await?;
    let listener = listener.with_limits(raw.limits.clone()).with_metrics(metrics);
    Ok(Some(nested_bodies(raw).fold(listener, Listener::with_long_body)))
}

/// The paths at which many messages may come in one.
fn nested_bodies(raw: &RawCmp) -> impl Iterator<Item = LongBody> {
    let of_label = |label| format!("/.well-known/cmp/p/{label}/nested");
    let paths = std::iter::once("/.well-known/cmp/nested".to_owned()).chain(raw.labels.iter().map(of_label));
    paths.map(|path| LongBody {
        path,
        octets: raw.nested.max_octets.into(),
        time: Duration::from_secs(raw.nested.upload_seconds.into()),
    })
}

async fn operator_socket(config: &Config) -> Result<OperatorListener, Failure> {
    let bound = OperatorListener::bind(&config.operator_socket, &config.operator_users).await;
    bound.map_err(|error| unfound(config, &error))
}

/// Who is heard at the socket at all.
fn doorkeeper(system: &Arc<System>) -> Doorkeeper {
    let known = Arc::clone(system);
    Arc::new(move |user| people::is_heard(&known, user))
}

/// What judges operators' tokens, where there is an identity provider.
fn sign_in(config: &Config, system: &System) -> Option<Arc<SignIn>> {
    let CheckedSignIn { expected, tls, .. } = config.operator_door.as_ref()?.sign_in.clone()?;
    tracing::info!(issuer = expected.issuer, "taking an identity provider's tokens");
    Some(Arc::new(SignIn::new(expected, tls, Arc::clone(&system.clock))))
}

/// The routes for operators elsewhere: the interface, which takes tokens too, and the console over it.
fn elsewhere(config: &Config, state: OperatorState, interface: &Router) -> Result<Router, Failure> {
    let sign_in = sign_in(config, &state.system);
    let sessions = sessions(config, &state.system, sign_in.clone());
    let door = Door::new(interface.clone(), state, sessions)?;
    Ok(door.beside(with_tokens(interface.clone(), sign_in)))
}

/// How people sign in at the console in a browser, where the configuration says how.
fn sessions(config: &Config, system: &System, sign_in: Option<Arc<SignIn>>) -> Option<Arc<Sessions>> {
    let CheckedSignIn { expected, tls, console } = config.operator_door.as_ref()?.sign_in.clone()?;
    let RawConsoleSignIn { address, client_id, scope, resource } = console?;
    let clock = || Arc::clone(&system.clock);
    let wanted =
        Wanted { client_id, scope, resource, kind: expected.kind, redirect_port: None, clock: clock() };
    let place = SignInPlace::new(&expected.issuer, tls, wanted);
    Some(Arc::new(Sessions::new((place, sign_in?), &address, clock())))
}

/// The operator's routes over TLS 1.3. Who comes without a certificate is told so by the routes.
async fn operator_door(door: &OperatorDoor, metrics: &Metrics) -> Result<Listener, Failure> {
    let unusable = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "tls.files", error);
    let identity = TlsIdentity::from_pem(&read(&door.certificate_file)?, &read(&door.key_file)?)
        .map_err(|error| unusable(&error))?;
    let clients = ClientCertificates::Asked(Arc::new(AnyCertificate::new()));
    let tls = Tls::of_1_3(&identity, &clients).map_err(|error| unusable(&error))?;
    let usual = || Limits::try_from(RawLimits { body_octets: LONGEST_BODY, ..RawLimits::default() });
    let limits = door.limits.clone().map_or_else(usual, Ok).map_err(|error| unusable(&error))?;
    let listener = bind(door.listen, "operator").await?;
    Ok(listener.with_limits(limits).with_metrics(metrics).with_tls(tls))
}

fn unfound(config: &Config, error: &std::io::Error) -> Failure {
    let message = format!("{}: {error}", config.operator_socket.display());
    Failure::new(Exit::Conflict, "operator.socket", message)
}

pub(crate) fn spawn<T: Send + 'static>(
    tasks: &mut JoinSet<()>,
    server: impl Future<Output = T> + Send + 'static,
) {
    tasks.spawn(async move { drop(server.await) });
}

/// T-12, T-13: health tells of a listener that gets no more connections, or whose routes panic.
pub(crate) fn watch_listener(health: &Health, name: &'static str, listener: &Listener) {
    let watch = listener.watch();
    health.ready(name, move || watch.condition());
}

pub(crate) async fn bind(address: SocketAddr, name: &str) -> Result<Listener, Failure> {
    let listener = Listener::bind(address).await.map_err(|error| {
        Failure::new(Exit::Unavailable, "listen.failed", error)
            .then(format!("free the address, or change {name}.listen in the configuration"))
    })?;
    Ok(listener.named(name))
}

pub(crate) fn pool(
    name: &str,
    size: &server_kit::workers::PoolSize,
    metrics: &Metrics,
) -> Result<WorkerPool, Failure> {
    WorkerPool::start(name, size, metrics).map_err(|error| Failure::new(Exit::Failed, "pool.failed", error))
}

/// What a listener of CoAP is opened with.
pub(crate) struct Open<'a> {
    pub(crate) est: &'a RawEst,
    pub(crate) metrics: &'a Metrics,
    pub(crate) health: &'a Health,
    pub(crate) shutdown: &'a Shutdown,
}

impl Open<'_> {
    /// Serves the operator's routes to operators elsewhere, where the configuration says so.
    async fn operators(
        &self,
        tasks: &mut JoinSet<()>,
        door: Option<&OperatorDoor>,
        routes: Router,
    ) -> Result<(), Failure> {
        let Some(door) = door else { return Ok(()) };
        let listener = operator_door(door, self.metrics).await?;
        tracing::info!(operator = %listener.local_addr(), "serving operators with client certificates");
        watch_listener(self.health, "operator-listener", &listener);
        spawn(tasks, listener.serve(routes, self.shutdown.clone()));
        Ok(())
    }

    /// Serves CMP beside what is there, where the configuration asks for it; over CoAP and at a listener of its own too.
    async fn cmp(
        &self,
        tasks: &mut JoinSet<()>,
        config: &Config,
        (system, pool): (&Arc<System>, &WorkerPool),
        enrolment: Router,
    ) -> Result<Router, Failure> {
        let Some(cmp_config) = cmp_config(config, system, pool.clone())? else { return Ok(enrolment) };
        let desk = Desk::Cmp(cmp_server::desk::Desk::new(Arc::clone(&cmp_config)));
        self.coaps(tasks, config.cmp.as_ref().and_then(|raw| raw.coaps.as_ref()), desk).await?;
        let routes = cmp_server::routes::router(cmp_config);
        if let Some(listener) = cmp_listener(config, self.metrics).await? {
            tracing::info!(cmp = %listener.local_addr(), "serving CMP");
            watch_listener(self.health, "cmp-listener", &listener);
            spawn(tasks, listener.serve(routes.clone(), self.shutdown.clone()));
        }
        Ok(enrolment.merge(routes))
    }

    /// Serves over CoAP where the configuration asks for it, with the certificate of EST.
    pub(crate) async fn coaps(
        &self,
        tasks: &mut JoinSet<()>,
        raw: Option<&RawCoaps>,
        desk: Desk,
    ) -> Result<(), Failure> {
        let Some(RawCoaps { listen, limits }) = raw else { return Ok(()) };
        let (certificates, key) = (read(&self.est.certificate_file)?, read(&self.est.key_file)?);
        let place = Place { listen: *listen, limits, certificates: &certificates, key: &key };
        let name = desk.name();
        let bound = coaps::bind(place, desk, self.metrics, self.shutdown.clone()).await?;
        tracing::info!(coaps = %bound.address, front = name, "serving over CoAP");
        self.health.ready(name, bound.condition);
        tasks.spawn(bound.serving);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::new(Exit::Usage, "tls.files", format!("{}: {error}", path.display())))
}

pub(crate) fn tls(config: &RawEst) -> Result<Tls, Failure> {
    let unusable = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "tls.files", error);
    let identity = TlsIdentity::from_pem(&read(&config.certificate_file)?, &read(&config.key_file)?)
        .map_err(|error| unusable(&error))?;
    // RFC 7030 §3.3.2: requested and not required; each path decides.
    let clients = ClientCertificates::Asked(Arc::new(AnyCertificate::new()));
    // RFC 7030 §3.5: a challengePassword is checked against the connection, on TLS 1.2 by tls-unique.
    let tls = Tls::new(&identity, &clients).map_err(|error| unusable(&error))?;
    Ok(tls.with_tls_unique(TlsUnique::Computed))
}
