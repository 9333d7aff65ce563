//! Publishes an authority's CRLs: on schedule even when nothing changed, and soon after a revocation.
//!
//! Knows nothing of how a revocation was decided: it reads committed rows on its own clock. A failure leaves the CRL before in
//! place, is logged, tried again, and told by the health check long before nextUpdate.

use std::sync::Arc;
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::authority::{CertificationAuthority, Ports};
use ca_core::crl::parsed::{ParsedCrl, ReadCrlError};
use ca_core::fault::Fault;
use ca_core::ports::{Clock, StatusSource, Unavailable};
use ca_core::profile::CrlProfile;
use ca_core::record::{CertificateQuery, CertificateStatus, CrlRecord, RevokedEntry, StatusKind};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use server_kit::health::Condition;
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;
use status_server::publish::PublishError;
use status_server::repository::{PublishCrlError, Repository};
use tokio::sync::Notify;

use crate::exit::{Exit, Failure};

/// How long revocations gather before a CRL is made for them.
const GATHER: Duration = Duration::from_secs(1);

/// How long after a failure the next attempt is made.
const AGAIN: Duration = Duration::from_secs(10);

/// How often the schedule is looked at when nothing is heard.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How many revocations are looked at together.
const PAGE: usize = 1_000;

/// What to do when the ledger's CRL is older than the published one: the ledger has lost what it knew.
const OLDER: &str = "the ledger is older than what it has published: a damaged or an old copy is in its place; \
                     keep it as it is and restore the last backup";

/// The publisher of one authority.
pub struct Publisher {
    authority: Arc<CertificationAuthority>,
    profile: CrlProfile,
    repository: Arc<Repository>,
    clock: Arc<dyn Clock>,
    status: Arc<dyn StatusSource>,
    uncertain_grace_seconds: i64,
    revoked: Notify,
    one_at_a_time: std::sync::Mutex<()>,
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
        (ports, uncertain_grace_seconds): (&Ports, i64),
    ) -> Self {
        Self {
            authority,
            profile,
            repository,
            clock: Arc::clone(&ports.clock),
            status: Arc::clone(&ports.status),
            uncertain_grace_seconds,
            revoked: Notify::new(),
            one_at_a_time: std::sync::Mutex::new(()),
        }
    }

    /// Hears that something was revoked.
    pub(crate) fn notice(&self) {
        self.revoked.notify_one();
    }

    /// Issues a CRL and publishes it. Blocks.
    pub(crate) fn publish(&self, actor: &Actor) -> Result<CrlRecord, Failure> {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let crl = self.authority.issue_crl(actor).map_err(|error| {
            let exit = match error.fault() {
                Fault::Requester => Exit::Refused,
                Fault::Conflict => Exit::Conflict,
                Fault::Unavailable => Exit::Unavailable,
                Fault::Ours => Exit::Integrity,
            };
            Failure::new(exit, error.code(), error)
        })?;
        self.show(&crl)?;
        Ok(crl)
    }

    /// Publishes the latest CRL on record if it is not the one that is published, and a new one if there is none, if it is due,
    /// or if it lacks a revocation. Blocks.
    pub(crate) fn catch_up(&self) -> Result<(), Failure> {
        match self.latest()? {
            Some(crl) if self.clock.now() < self.due(&crl) && !self.lacks_a_revocation(&crl)? => {
                self.show(&crl)
            }
            _ => self.publish(&self.actor()).map(|_| ()),
        }
    }

    /// Publishes the latest CRL on record, if there is one, and makes none: all that can be done in recovery. Blocks.
    pub(crate) fn show_latest(&self) -> Result<(), Failure> {
        self.latest()?.map_or(Ok(()), |crl| self.show(&crl))
    }

    /// Tells whether a revocation is on record that a CRL does not list: who recorded it stopped before the CRL that was owed.
    /// Both are in ascending order and are walked side by side.
    fn lacks_a_revocation(&self, crl: &CrlRecord) -> Result<bool, Failure> {
        let mut listed = ParsedCrl::read(&crl.der).map_err(unreadable)?.tbs().entries();
        let mut next = listed.next().transpose().map_err(unreadable)?;
        let mut after = None;
        loop {
            let page = self.revoked_after(after.as_ref())?;
            for entry in &page {
                while next.as_ref().is_some_and(|next| next.serial < entry.serial) {
                    next = listed.next().transpose().map_err(unreadable)?;
                }
                // What expired before the CRL was made may have left it.
                let is_listed = next.as_ref().is_some_and(|next| next.serial == entry.serial);
                if !is_listed && entry.not_after >= crl.this_update {
                    return Ok(true);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.serial.clone()),
                _ => return Ok(false),
            }
        }
    }

    fn revoked_after(&self, after: Option<&SerialNumber>) -> Result<Vec<RevokedEntry>, Failure> {
        let key = self.authority.issuer().key();
        self.status.revoked(&key, after, PAGE).map_err(unavailable)
    }

    /// Publishes a CRL that is on record. Blocks.
    pub(crate) fn show(&self, crl: &CrlRecord) -> Result<(), Failure> {
        let key = self.authority.issuer().key();
        let published = self.repository.publish(&key, &crl.der);
        published.map(|_| ()).map_err(|error| match error {
            PublishCrlError::NotPublished(PublishError::NumberNotGreater { .. }) => {
                Failure::new(Exit::Integrity, "crl.older-than-published", error).then(OLDER)
            }
            PublishCrlError::NotServed { .. } | PublishCrlError::NotPublished(_) => {
                Failure::new(Exit::Failed, "crl.not-published", error)
            }
        })
    }

    fn latest(&self) -> Result<Option<CrlRecord>, Failure> {
        let key = self.authority.issuer().key();
        self.status.latest_crl(&key).map_err(unavailable)
    }

    fn due(&self, crl: &CrlRecord) -> UnixTime {
        crl.this_update.plus_seconds(self.profile.reissue_seconds())
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
    pub(crate) async fn run(self: Arc<Self>, pool: WorkerPool, shutdown: Shutdown) {
        let mut pause = self.until_due();
        // Whether a revocation was heard of that no CRL lists yet.
        let mut owed = false;
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.revoked.notified() => {
                    owed = true;
                    tokio::time::sleep(GATHER).await;
                }
            }
            if owed || self.until_due().is_zero() {
                let published = self.attempt(&pool).await;
                owed = owed && !published;
                pause = if published { self.until_due() } else { AGAIN };
            } else {
                pause = self.until_due();
            }
        }
    }

    /// Makes one attempt; tells whether it succeeded.
    async fn attempt(self: &Arc<Self>, pool: &WorkerPool) -> bool {
        let this = Arc::clone(self);
        let issuer = self.authority.issuer().name();
        match pool.run(move || this.publish(&this.actor())).await {
            Ok(Ok(crl)) => {
                tracing::info!(%issuer, number = crl.number, entries = crl.entries, "CRL published");
                true
            }
            Ok(Err(failure)) => self.note(&failure),
            Err(busy) => self.note(&busy),
        }
    }

    fn note(&self, why: &dyn std::fmt::Display) -> bool {
        let issuer = self.authority.issuer().name();
        tracing::error!(%issuer, %why, "CRL not published; the one before stays");
        false
    }

    /// Returns when the first serial number whose signing outcome is unknown goes on a CRL.
    fn uncertain_due(&self) -> Option<UnixTime> {
        let query = CertificateQuery {
            issuer: Some(self.authority.issuer().key()),
            status: Some(StatusKind::Uncertain),
            limit: PAGE,
            ..CertificateQuery::default()
        };
        // What cannot be read now is looked at again within a minute.
        let uncertain = self.status.certificates(&query).unwrap_or_default();
        let since = uncertain.iter().filter_map(|one| {
            if let CertificateStatus::Uncertain { since } = one.status { Some(since) } else { None }
        });
        since.min().map(|since| since.plus_seconds(self.uncertain_grace_seconds))
    }

    /// Returns how long until the next CRL is due, looked at again at least every minute.
    fn until_due(&self) -> Duration {
        let standing = self.repository.standing(&self.authority.issuer().key());
        let due = standing.map_or(UnixTime::from_seconds(0), |standing| {
            standing.this_update.plus_seconds(self.profile.reissue_seconds())
        });
        let due = self.uncertain_due().map_or(due, |uncertain| uncertain.min(due));
        let seconds = due.seconds().saturating_sub(self.clock.now().seconds());
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).min(LONGEST_WAIT)
    }

    /// Tells whether relying parties have a CRL: well in the first half of its validity, degraded in the third quarter and
    /// after, failed when it has expired.
    pub(crate) fn condition(&self) -> Condition {
        let Some(standing) = self.repository.standing(&self.authority.issuer().key()) else {
            return Condition::Failed("no CRL is published".to_owned());
        };
        let left = standing.next_update.seconds() - self.clock.now().seconds();
        let whole = standing.next_update.seconds() - standing.this_update.seconds();
        if left <= 0 {
            Condition::Failed(format!("the CRL expired at {}", standing.next_update))
        } else if left < whole / 2 {
            Condition::Degraded(format!(
                "more than half of the CRL's validity is over; it ends at {}",
                standing.next_update
            ))
        } else {
            Condition::Well
        }
    }
}

fn unreadable(error: ReadCrlError) -> Failure {
    Failure::new(Exit::Integrity, "crl.unreadable", error)
}

fn unavailable(error: Unavailable) -> Failure {
    Failure::new(Exit::Unavailable, "unavailable", error)
}
