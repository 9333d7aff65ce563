//! Publishes an authority's CRLs: each scope on its schedule even when nothing changed, and soon after a revocation.
//!
//! Knows nothing of how a revocation was decided: it reads committed rows on its own clock, and asks of each scope whether
//! anything changed beyond what its last CRL has seen. A failure leaves the CRL before in place, is logged, tried again, and
//! told by the health check long before nextUpdate. Where the profile has delta CRLs, a change is told by a delta, and the
//! complete CRL is made on schedule.

mod schedule;
mod several;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::authority::{CertificationAuthority, Ports};
use ca_core::crl::CrlError;
use ca_core::fault::Fault;
use ca_core::ports::{Clock, StatusSource, Unavailable};
use ca_core::profile::CrlProfile;
use ca_core::record::{CertificateId, CrlRecord};
use ca_core::scope::{CrlKind, CrlLine, CrlScope};
use ca_core::validity::UnixTime;
use server_kit::metrics::{Gauge, Metrics};
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;
use status_server::publish::{Gone, PublishError};
use status_server::repository::{PublishCrlError, Repository};
use tokio::sync::Notify;

use crate::duty::Duty;
use crate::exit::{Exit, Failure};
use several::Looked;

/// How long revocations gather before a CRL is made for them.
const GATHER: Duration = Duration::from_secs(1);

/// How long after a failure the next attempt is made.
const AGAIN: Duration = Duration::from_secs(10);

/// How often the schedule is looked at when nothing is heard.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often it is looked at where a certificate may open a new shard, whose CRL is awaited under a place that it names.
const WAIT_FOR_SHARDS: Duration = Duration::from_secs(5);

/// What to do when the ledger's CRL is older than the published one: the ledger has lost what it knew.
const OLDER: &str = "the ledger is older than what it has published: a damaged or an old copy is in its place; \
                     keep it as it is and restore the last backup";

/// What to do when what is published lists more than what is to be published.
const VANISHED: &str =
    "the ledger has lost revocations that are published: keep it as it is and restore the last backup";

/// What to do when the place of a shard is another one.
const MOVED: &str =
    "crl_uri stands in the certificates of the shards: give the authority the crl_uri back that it had";

/// The publisher of one authority.
pub struct Publisher {
    authority: Arc<CertificationAuthority>,
    profile: CrlProfile,
    repository: Arc<Repository>,
    clock: Arc<dyn Clock>,
    status: Arc<dyn StatusSource>,
    uncertain_grace_seconds: i64,
    revoked: Notify,
    one_at_a_time: Mutex<()>,
    /// The lines that are kept current, and up to which audit record the last CRL of each has seen the ledger.
    lines: Mutex<BTreeMap<CrlLine, u64>>,
    /// Makes CRLs for all nodes.
    duty: Duty,
    looked: Mutex<Looked>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("issuer", self.authority.issuer().name()).finish_non_exhaustive()
    }
}

impl Publisher {
    /// Makes a publisher; it does nothing until it is told to.
    pub(crate) fn new(
        authority: Arc<CertificationAuthority>,
        profile: CrlProfile,
        repository: Arc<Repository>,
        (ports, uncertain_grace_seconds, duty): (&Ports, i64, Duty),
    ) -> Self {
        Self {
            authority,
            profile,
            repository,
            clock: Arc::clone(&ports.clock),
            status: Arc::clone(&ports.status),
            uncertain_grace_seconds,
            revoked: Notify::new(),
            one_at_a_time: Mutex::new(()),
            lines: Mutex::default(),
            duty,
            looked: Mutex::default(),
        }
    }

    /// Hears that something was revoked.
    pub(crate) fn notice(&self) {
        self.revoked.notify_one();
    }

    /// Issues and publishes the CRLs of these scopes: complete ones and deltas to them, or deltas to those that are published.
    /// Blocks.
    pub(crate) fn publish(
        &self,
        actor: &Actor,
        scopes: &[CrlScope],
        kind: CrlKind,
    ) -> Result<Vec<CrlRecord>, Failure> {
        let _turn = self.turn();
        if self.duty.is_shared() {
            // A delta is made to what another node may have made just now.
            self.show_newer()?;
        }
        let mut made = Vec::new();
        for scope in scopes {
            match kind {
                CrlKind::Complete => made.extend(self.make_complete(actor, scope)?),
                CrlKind::Delta => made.push(self.make_delta(actor, scope)?),
            }
        }
        Ok(made)
    }

    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a complete CRL, and a delta to it where there are deltas, so that none builds on the CRL before.
    fn make_complete(&self, actor: &Actor, scope: &CrlScope) -> Result<Vec<CrlRecord>, Failure> {
        let mut made = vec![self.make(actor, scope, None)?];
        if self.profile.deltas().is_some() {
            made.push(self.make_delta(actor, scope)?);
        }
        Ok(made)
    }

    fn make_delta(&self, actor: &Actor, scope: &CrlScope) -> Result<CrlRecord, Failure> {
        // RFC 5280 §5.2.4: the base is a CRL that was published.
        let base = self.repository.standing_of(&self.line(scope, CrlKind::Complete)).ok_or_else(|| {
            Failure::new(Exit::Conflict, "crl.base", format!("no complete CRL of {scope} is published"))
        })?;
        self.make(actor, scope, Some(base.number))
    }

    fn make(&self, actor: &Actor, scope: &CrlScope, base: Option<u64>) -> Result<CrlRecord, Failure> {
        let crl = self.authority.issue_crl_in(actor, scope, base).map_err(not_made)?;
        self.show(&crl)?;
        self.has_seen(&crl);
        Ok(crl)
    }

    /// Publishes the latest CRLs on record that are not published, and makes those that are owed, if that is this node's. Blocks.
    pub(crate) fn catch_up(&self) -> Result<(), Failure> {
        self.show_latest()?;
        if self.duty.is_ours().map_err(unavailable)? { self.keep_current() } else { Ok(()) }
    }

    /// Publishes the latest CRLs on record, and makes none: all that can be done in recovery. Blocks.
    pub(crate) fn show_latest(&self) -> Result<(), Failure> {
        for scope in self.scopes()? {
            let Some(complete) = self.latest(&scope, CrlKind::Complete)? else { continue };
            self.show(&complete)?;
            self.has_seen(&complete);
            if let Some(delta) = self.latest(&scope, CrlKind::Delta)?
                && delta.base == Some(complete.number)
                && self.profile.deltas().is_some()
            {
                self.show(&delta)?;
                self.has_seen(&delta);
            }
        }
        Ok(())
    }

    /// Publishes a CRL that is on record. Blocks.
    pub(crate) fn show(&self, crl: &CrlRecord) -> Result<(), Failure> {
        let leaves = |gone: &Gone| self.may_leave(gone);
        let published = self.repository.publish_where(&crl.line(), crl.der.reader(), &leaves);
        published.map(|_| ()).map_err(|error| match error {
            PublishCrlError::NotPublished(PublishError::NumberNotGreater { .. }) => {
                Failure::new(Exit::Integrity, "crl.older-than-published", error).then(OLDER)
            }
            PublishCrlError::NotPublished(PublishError::EntriesVanished { .. }) => {
                Failure::new(Exit::Integrity, "crl.entries-vanished", error).then(VANISHED)
            }
            PublishCrlError::NotPublished(PublishError::OtherScope) => {
                Failure::new(Exit::Failed, "crl.not-published", error).then(MOVED)
            }
            PublishCrlError::NotServed { .. } | PublishCrlError::NotPublished(_) => {
                Failure::new(Exit::Failed, "crl.not-published", error)
            }
        })
    }

    /// Tells whether an entry of the published CRL may be missing on the next: its certificate has ended, or was released from
    /// hold (RFC 5280 §3.3, §5.3.1). What the ledger does not know, or cannot be asked, stays.
    fn may_leave(&self, gone: &Gone) -> bool {
        let id = CertificateId { issuer: self.authority.issuer().key(), serial: gone.serial.clone() };
        let known = self.status.certificate(&id).ok().flatten();
        let ended = known.is_some_and(|known| known.validity.not_after() < gone.this_update);
        ended || (gone.on_hold && matches!(self.status.released_at(&id), Ok(Some(_))))
    }

    /// Returns the scopes whose CRLs are kept current: every shard that has a certificate or had one not long ago, and that of
    /// all, which comes last since it takes the longest.
    ///
    /// RFC 5280 §3.3: an entry stays until it stood on a CRL that was issued beyond the end of its certificate.
    pub(crate) fn scopes(&self) -> Result<Vec<CrlScope>, Failure> {
        let key = self.authority.issuer().key();
        let lately = self.clock.now().plus_seconds(-self.profile.validity_seconds());
        let shards = self.status.shards(&key, lately).map_err(unavailable)?;
        Ok(shards.into_iter().map(CrlScope::Shard).chain([CrlScope::All]).collect())
    }

    fn line(&self, scope: &CrlScope, kind: CrlKind) -> CrlLine {
        CrlLine { issuer: self.authority.issuer().key(), scope: scope.clone(), kind }
    }

    fn latest(&self, scope: &CrlScope, kind: CrlKind) -> Result<Option<CrlRecord>, Failure> {
        self.status.latest_of(&self.line(scope, kind)).map_err(unavailable)
    }

    fn has_seen(&self, crl: &CrlRecord) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert(crl.line(), crl.seen);
    }

    /// Returns when the next CRL is made at the latest if something was revoked just now.
    pub(crate) fn next_by(&self) -> UnixTime {
        let gather = i64::try_from((GATHER + AGAIN).as_secs()).unwrap_or_default();
        self.clock.now().plus_seconds(gather)
    }

    fn actor(&self) -> Actor {
        Actor {
            tenant: self.authority.issuer().tenant().clone(),
            identity: Identity::Process { name: "crl-publisher" },
        }
    }

    /// Publishes on schedule and on notice until shutdown.
    pub(crate) async fn run(self: Arc<Self>, pool: WorkerPool, signs: Signs, shutdown: Shutdown) {
        let (mut pause, mut told) = (Duration::ZERO, None);
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.revoked.notified() => {
                    tokio::time::sleep(GATHER).await;
                    self.look_thoroughly();
                }
            }
            pause = self.attempt(&pool, &signs, &mut told).await;
            signs.used_up.set(self.used_up());
        }
    }

    /// Makes what is owed; returns how long until it is looked at again.
    async fn attempt(
        self: &Arc<Self>,
        pool: &WorkerPool,
        signs: &Signs,
        told: &mut Option<String>,
    ) -> Duration {
        let (this, shared) = (Arc::clone(self), self.duty.is_shared());
        let outcome = pool.run(move || if shared { this.keep_up() } else { this.keep_current() }).await;
        let why = match outcome {
            Ok(Ok(())) => {
                *told = None;
                return if shared { several::LOOK } else { self.until_due() };
            }
            Ok(Err(failure)) => {
                signs.blocked(&failure.code);
                failure.to_string()
            }
            Err(busy) => {
                signs.blocked("busy");
                busy.to_string()
            }
        };
        // Where it is looked every second, what is so at each look is told once.
        if !shared || told.as_ref() != Some(&why) {
            let issuer = self.authority.issuer().name();
            tracing::error!(%issuer, why, "CRL not published; the one before stays");
        }
        *told = Some(why);
        if shared { several::LOOK } else { AGAIN }
    }
}

/// What the metrics say of an authority's CRLs.
pub(crate) struct Signs {
    metrics: Metrics,
    authority: String,
    /// How much of a CRL's validity is over, in the worst scope: 0 to 1, and more when it expired.
    used_up: Gauge,
}

impl Signs {
    pub(crate) fn new(metrics: &Metrics, authority: &str) -> Self {
        let used_up = metrics.gauge("crl_validity_used_ratio", &[("authority", authority)]);
        Self { metrics: metrics.clone(), authority: authority.to_owned(), used_up }
    }

    /// An attempt to make or to publish what is owed came to nothing.
    fn blocked(&self, why: &str) {
        let labels = [("authority", self.authority.as_str()), ("why", why)];
        self.metrics.counter("crl_publish_blocked_total", &labels).increment(1);
    }
}

fn not_made(error: CrlError) -> Failure {
    let exit = match error.fault() {
        Fault::Requester => Exit::Refused,
        Fault::Conflict => Exit::Conflict,
        Fault::Unavailable => Exit::Unavailable,
        Fault::Ours => Exit::Integrity,
    };
    Failure::new(exit, error.code(), error)
}

fn unavailable(error: Unavailable) -> Failure {
    Failure::new(Exit::Unavailable, "unavailable", error)
}
