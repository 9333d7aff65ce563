//! What a ceremony made for later: CRLs and CA certificates that are kept until their dates, and published then.
//!
//! Nothing is published before its date, and of the CRLs of a root never an older one after a newer one. What was published is
//! not remembered here: it follows from the CRL number in the repository and from the clock, so that a stop at any moment loses
//! nothing. How far the root's CRLs reach is for [`outlook`] to tell.

pub(crate) mod outlook;
mod shelf;
mod release;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::authority::Ports;
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::ports::Clock;
use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;
use status_server::repository::{CrlStanding, Repository};
use tokio::sync::Notify;

use crate::exit::{Exit, Failure};
pub(crate) use release::{Object, Release};
use shelf::Shelf;

/// How often dates are looked at when nothing is heard.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What is kept, and where it goes when its date comes.
pub(crate) struct Releases {
    /// None where the configuration names no directory: nothing is taken in then.
    shelf: Option<Shelf>,
    roots: Vec<Arc<Issuer>>,
    repository: Arc<Repository>,
    clock: Arc<dyn Clock>,
    kept: RwLock<Vec<Release>>,
    /// Certificates of this process that went out, by their SHA-256.
    out: Mutex<HashSet<[u8; 32]>>,
    taken_in: Notify,
}

impl Releases {
    /// Takes up what is kept in the directory.
    ///
    /// # Errors
    /// A [`Failure`] when a kept file is not what was kept.
    pub(crate) fn open(
        directory: Option<&Path>,
        roots: &[Arc<Issuer>],
        repository: Arc<Repository>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let shelf = directory.map(Shelf::at);
        let kept = shelf.as_ref().map_or_else(|| Ok(Vec::new()), |shelf| shelf.load(roots))?;
        let (roots, kept) = (roots.to_vec(), RwLock::new(kept));
        Ok(Self { shelf, roots, repository, clock, kept, out: Mutex::default(), taken_in: Notify::new() })
    }

    /// Takes in objects with their dates: all of them, or none. What is kept already changes nothing. Returns what is new.
    pub(crate) fn take_in(&self, objects: Vec<(Vec<u8>, Option<UnixTime>)>) -> Result<Vec<Release>, Failure> {
        let shelf = self.shelf.as_ref().ok_or_else(|| {
            let message = "nothing is kept for later: the configuration names no status.releases_directory";
            Failure::new(Exit::Usage, "releases.no-directory", message)
                .then("make a directory, name it there, and start the server again")
        })?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let mut anchors: Vec<PublicKey> =
            self.roots.iter().map(|root| root.certificate().public_key().clone()).collect();
        anchors.extend(kept.iter().filter_map(Release::certified_key));
        let mut new = Vec::new();
        for release in release::read_all(objects, &self.roots, anchors)? {
            match kept.iter().find(|known| known.sha256 == release.sha256) {
                Some(known) if known.date != release.date => return Err(other_date(known, &release)),
                Some(_) => {}
                None => new.push(release),
            }
        }
        for root in &self.roots {
            release::check_series(&kept, &new, &root.key(), self.standing(&root.key()))?;
        }
        for release in &new {
            shelf.store(release)?;
        }
        kept.extend(new.iter().cloned());
        kept.sort_by_key(|release| release.date);
        drop(kept);
        self.taken_in.notify_one();
        Ok(new)
    }

    /// Publishes whatever has its date behind it and is not out; returns it. Blocks.
    pub(crate) fn release_due(&self) -> Result<Vec<Release>, Failure> {
        let (now, kept) = (self.clock.now(), self.kept());
        let due: Vec<&Release> = kept.iter().filter(|release| release.date <= now).collect();
        let mut out = Vec::new();
        for root in &self.roots {
            let number = self.standing(&root.key()).map(|standing| standing.number);
            // The newest alone: an older one after it would be refused, and one before it would be out for a moment only.
            let newest =
                due.iter().filter_map(|release| release.crl_of(&root.key()).map(|crl| (crl.number, release)));
            let Some((newest, release)) = newest.max_by_key(|(number, _)| *number) else { continue };
            if number.is_none_or(|number| number < newest) {
                self.repository
                    .publish(&root.key(), &release.der().to_vec().into())
                    .map_err(|error| Failure::new(Exit::Failed, "crl.not-published", error))?;
                out.push((*release).clone());
            }
        }
        let mut certificates = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        for release in due {
            if let Object::Certificate(certificate) = &release.object
                && certificates.insert(release.sha256)
            {
                self.repository.serve_certificate(certificate);
                out.push(release.clone());
            }
        }
        Ok(out)
    }

    /// Returns what is kept, in the order of the dates.
    pub(crate) fn kept(&self) -> Vec<Release> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the roots whose objects are kept here.
    pub(crate) fn roots(&self) -> &[Arc<Issuer>] {
        &self.roots
    }

    /// Returns which CRL of a root is out.
    pub(crate) fn standing(&self, root: &KeyRef) -> Option<CrlStanding> {
        self.repository.standing(root)
    }

    /// Tells whether a release is out, or was overtaken by a newer one.
    pub(crate) fn is_out(&self, release: &Release) -> bool {
        match &release.object {
            Object::Crl(crl) => {
                self.standing(&crl.root).is_some_and(|standing| crl.number <= standing.number)
            }
            Object::Certificate(_) => {
                self.out.lock().unwrap_or_else(PoisonError::into_inner).contains(&release.sha256)
            }
        }
    }

    /// Tells whether a release that is not out will never be, for another overtakes it.
    pub(crate) fn is_overtaken(&self, release: &Release) -> bool {
        release::is_overtaken(&self.kept(), release)
    }

    /// The time, by the clock that dates are compared with.
    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Releases by date until shutdown; each release leaves an audit record.
    pub(crate) async fn run(self: Arc<Self>, ports: Ports, pool: WorkerPool, shutdown: Shutdown) {
        loop {
            let (this, ports) = (Arc::clone(&self), ports.clone());
            match pool.run(move || this.release_and_record(&ports)).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => tracing::error!(%failure, "a release is due and not out; tried again"),
                Err(busy) => tracing::warn!(%busy, "releases were not looked at; tried again"),
            }
            tokio::select! {
                () = shutdown.triggered() => return,
                () = self.taken_in.notified() => {}
                () = tokio::time::sleep(self.until_next()) => {}
            }
        }
    }

    fn release_and_record(&self, ports: &Ports) -> Result<(), Failure> {
        for release in self.release_due()? {
            let what = release.to_string();
            tracing::info!(%what, date = %release.date, "released by its date");
            // A certificate is served again by each process: its record was made when it was taken in.
            let Object::Crl(crl) = &release.object else { continue };
            let Some(root) = self.roots.iter().find(|root| root.key() == crl.root) else { continue };
            let actor =
                Actor { tenant: root.tenant().clone(), identity: Identity::Process { name: "releases" } };
            let event = AuditEvent {
                time: self.clock.now(),
                tenant: root.tenant().clone(),
                actor: actor.to_string(),
                act: Act::CrlIssued,
                issuer: Some(crl.root),
                serial: None,
                reason: String::new(),
                detail: format!("{what} released"),
                digest: release.sha256.to_vec(),
            };
            ports
                .ledger
                .record_event(event)
                .map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
        }
        Ok(())
    }

    fn until_next(&self) -> Duration {
        let (now, kept) = (self.clock.now(), self.kept());
        let next = kept.iter().map(|release| release.date).find(|date| *date > now);
        let seconds = next.map(|date| date.seconds().saturating_sub(now.seconds()));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        seconds.map_or(LONGEST_WAIT, Duration::from_secs).min(LONGEST_WAIT)
    }
}

impl std::fmt::Debug for Releases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Releases").field("kept", &self.kept().len()).finish_non_exhaustive()
    }
}

fn other_date(known: &Release, release: &Release) -> Failure {
    let message = format!("{known} is kept for {}, not for {}", known.date, release.date);
    Failure::new(Exit::Conflict, "releases.other-date", message)
        .then("find out which of the two dates the ceremony decided")
}
