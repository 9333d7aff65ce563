//! A house: one ledger through many lives of its issuer, from the first start to the last check.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::device::Device;
use super::issuer::{Issuer, Place};
use super::judge::{Circumstances, copy_of_store, violations};
use super::kill::{Kill, Power};
use super::load::Load;
use super::random::Random;
use super::report::Tally;
use super::template::{Template, succeed};
use super::world::World;

/// After how many ends the dead ledger is checked as it lies there, before anything recovers it.
const CHECK_EVERY: usize = 8;

/// How far ahead the clock runs at the end, in seconds: beyond the grace time of uncertain outcomes.
const BEYOND_GRACE: i64 = 7_200;

/// A house.
#[derive(Debug)]
pub struct House<'t> {
    directory: PathBuf,
    template: &'t Template,
    seed: u64,
    world: Mutex<World>,
    circumstances: Circumstances,
    /// A sync was made to fail in this house: whatever is told here of marks holds for all that comes after.
    sync_failed: AtomicBool,
    roots: Arc<RootCertStore>,
    device: Option<Device>,
}

impl<'t> House<'t> {
    /// Makes it in a directory that is absent.
    ///
    /// # Panics
    /// When there is no space.
    #[must_use]
    pub fn new(template: &'t Template, directory: &Path, engine: &str, seed: u64) -> Self {
        Self::on(None, template, directory, (engine, seed))
    }

    /// Makes it with its ledger on a device whose power is cut after each life of an issuer; needs root.
    ///
    /// # Panics
    /// When there is no space, or no root.
    #[must_use]
    pub fn on_device(
        program: &Path,
        template: &'t Template,
        directory: &Path,
        engine: &str,
        seed: u64,
    ) -> Self {
        Self::on(Some(program), template, directory, (engine, seed))
    }

    fn on(
        device: Option<&Path>,
        template: &'t Template,
        directory: &Path,
        (engine, seed): (&str, u64),
    ) -> Self {
        std::fs::create_dir(directory).expect("the house has a directory of its own");
        let directory = directory.canonicalize().expect("a directory has a path");
        let device = device.map(|program| Device::new(program, &directory.join("state")));
        template.copy(&directory.join("state"), engine);
        // What was installed before the first start is on the disk.
        succeed(Command::new("sync").arg("-f").arg(directory.join("state")));
        std::fs::write(directory.join("signatures"), "").expect("the house has space");
        let mut roots = RootCertStore::empty();
        let root = std::fs::read(directory.join("state/authorities/dso-root-s1.cer")).expect("the root");
        roots.add(CertificateDer::from(root)).expect("a root that can be trusted");
        let house = Self {
            world: Mutex::new(World::new(&directory, Random::new(seed))),
            directory,
            template,
            seed,
            circumstances: Circumstances::default(),
            sync_failed: AtomicBool::new(false),
            roots: Arc::new(roots),
            device,
        };
        house.boot();
        house
    }

    /// Returns where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Plays a plan to its end and checks; returns everything that is wrong.
    pub fn play(&mut self, plan: &[Kill], tally: &mut Tally) -> Vec<String> {
        let mut found = Vec::new();
        for (number, kill) in plan.iter().enumerate() {
            self.live(*kill, tally);
            self.circumstances.machine_restarted = kill.is_power_cut() || self.device.is_some();
            self.cut_power_of_device();
            if self.circumstances.machine_restarted {
                self.boot();
            }
            let complaints = std::mem::take(&mut self.world().complaints);
            found.extend(complaints.into_iter().map(|what| format!("life {number}, {kill}: {what}")));
            if number % CHECK_EVERY == CHECK_EVERY - 1 {
                tally.checks += 1;
                found.extend(self.check(None, &format!("after life {number}, {kill}")));
            }
            if !found.is_empty() {
                return found;
            }
        }
        found.extend(self.finish(tally));
        let acknowledged = self.world().acknowledged;
        tally.acknowledged.iter_mut().zip(acknowledged).for_each(|(sum, count)| *sum += count);
        found
    }

    fn cut_power_of_device(&mut self) {
        let draw = self.world().random.draw();
        if let Some(device) = &mut self.device {
            device.cut_power(if draw.is_multiple_of(3) { Power::Strict } else { Power::Random }, draw);
        }
    }

    /// The machine starts anew: the kernel tells another run.
    fn boot(&self) {
        let mut random = self.world().random.clone();
        let [one, two] = [random.draw(), random.draw()].map(|number| format!("{number:016x}"));
        self.world().random = random;
        let (a, b, c, d) = (&one[..8], &one[8..12], &one[12..], &two[..4]);
        let identifier = format!("{a}-{b}-{c}-{d}-{}\n", &two[4..]);
        std::fs::write(self.directory.join("boot"), identifier).expect("the house has space");
    }

    /// One life of the issuer, from its start to its end.
    fn live(&self, kill: Kill, tally: &mut Tally) {
        let issuer = self.start(kill, 0);
        tally.starts += 1;
        let served = issuer.serving();
        if let Some(est) = served {
            self.load(&issuer, est, kill).until_dead(&self.world);
        }
        let by_itself = issuer.has_ended_soon();
        issuer.kill();
        issuer.ended();
        let asked_for = matches!(kill, Kill::AfterAnswers(_));
        tally.count(kill, by_itself || asked_for);
    }

    /// Everybody is served, a second start changes nothing, and after the grace time everything is on a CRL.
    fn finish(&mut self, tally: &mut Tally) -> Vec<String> {
        let issuer = self.start(Kill::Never, 0);
        let Some(est) = issuer.serving() else { return vec![self.does_not_start()] };
        self.load(&issuer, est, Kill::Never).until_served(&self.world);
        let mut found = std::mem::take(&mut self.world().complaints);
        found.extend(self.stopped(issuer));
        self.circumstances.machine_restarted = false;
        let store = copy_of_store(&self.directory, "checked");
        let second = self.start(Kill::Never, 0);
        if second.serving().is_none() {
            return vec![self.does_not_start()];
        }
        found.extend(self.stopped(second));
        let again = copy_of_store(&self.directory, "checked-again");
        self.world().write();
        found.extend(violations(&self.directory, &store, Some(&again), self.circumstances()));
        let last = self.start(Kill::Never, BEYOND_GRACE);
        let Some(est) = last.serving() else { return vec![self.does_not_start()] };
        self.load(&last, est, Kill::Never).publish_all(&self.world);
        found.extend(std::mem::take(&mut self.world().complaints));
        found.extend(self.stopped(last));
        self.circumstances.all_published = true;
        found.extend(self.check(None, "after the grace time"));
        tally.starts += 3;
        tally.checks += 2;
        found
    }

    /// Asks the checker about the ledger as it lies there; returns what it finds, each beginning with `when`.
    ///
    /// # Panics
    /// When there is no space for a copy.
    #[must_use]
    pub fn check(&self, again: Option<&Path>, when: &str) -> Vec<String> {
        self.world().write();
        let store = copy_of_store(&self.directory, "checked");
        let lines = violations(&self.directory, &store, again, self.circumstances());
        lines.into_iter().map(|line| format!("{when}: {line}")).collect()
    }

    fn circumstances(&self) -> Circumstances {
        let marks_may_be_lost = self.sync_failed.load(Ordering::SeqCst);
        Circumstances { marks_may_be_lost, ..self.circumstances }
    }

    /// Starts an issuer in this house.
    #[must_use]
    pub fn start(&self, kill: Kill, ahead: i64) -> Issuer {
        let seed = self.seed ^ self.world().random.draw();
        self.sync_failed.fetch_or(matches!(kill, Kill::SyncFails(_)), Ordering::SeqCst);
        Issuer::start(Place { directory: &self.directory, shim: &self.template.shim, ahead, seed }, kill)
    }

    /// Names the load on an issuer of this house.
    #[must_use]
    pub fn load<'a>(&'a self, issuer: &'a Issuer, est: std::net::SocketAddr, kill: Kill) -> Load<'a> {
        Load { issuer, est, directory: &self.directory, roots: &self.roots, kill }
    }

    /// Returns what clients want, hold and were told.
    pub fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the same, to be shared by many clients.
    #[must_use]
    pub const fn in_world(&self) -> &Mutex<World> {
        &self.world
    }

    fn stopped(&self, issuer: Issuer) -> Option<String> {
        let status = issuer.stop();
        (!status.success())
            .then(|| format!("asked to stop, the issuer ended with {status}\n{}", self.last_words()))
    }

    fn does_not_start(&self) -> String {
        format!("the issuer does not start any more\n{}", self.last_words())
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    }
}
