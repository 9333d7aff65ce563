//! The simulated fleet: meters that are born on a line, and swapped to their owner's certificates.
//!
//! Each meter keeps keys, requests and certificates in a directory, as a real one keeps them in its memory; a fleet that was
//! stopped in between goes on where it was. Meters ask over EST and TLS, one of them over CMP; those behind a head-end ask for
//! nothing, and are not swapped here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ca_core::fleet::swap::Road;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::cmp_client::CmpClient;
use super::est_client::{Credential, EstClient};
use super::key_pair;
use crate::progress::{Progress, Step};

/// How many meters talk at the same time.
const AT_ONCE: usize = 8;

/// Which meters speak DLMS and nothing else: every fourth, up to this number.
const BEHIND_HEAD_END: std::ops::RangeInclusive<u32> = 4..=16;

/// The three purposes of a meter's keys, as profile rows and file names call them. TLS first: with it the meter
/// authenticates.
pub(super) const PURPOSES: [&str; 3] = ["tls", "ds", "ka"];

/// Where the fleet enrols and whom it trusts.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub est: SocketAddr,
    /// Absent where the state is from before there was CMP.
    pub cmp: Option<SocketAddr>,
    /// DER certificates of the roots that the EST server's certificate may lead to.
    pub trusted: Arc<Vec<Vec<u8>>>,
}

/// How a meter is enrolled.
enum Desk {
    Est(EstClient),
    Cmp(CmpClient),
}

impl Desk {
    async fn enrol(&mut self, label: &str, request: &[u8], kept: &Path) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Est(client) => client.enrol(label, request).await,
            Self::Cmp(client) => client.enrol(label, request, kept).await,
        }
    }
}

/// A simulated meter.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub title: SystemTitle,
    pub suite: SecuritySuite,
    /// How it gets its owner's certificates.
    pub road: Road,
    memory: PathBuf,
}

/// A meter's identity at birth or in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// From the manufacturer.
    Factory,
    /// From the owner.
    Operational,
}

impl Life {
    const fn row(self) -> &'static str {
        match self {
            Self::Factory => "meter-factory",
            Self::Operational => "meter-op",
        }
    }
}

/// Names the meters of a fleet: half of them in each suite, a few of suite 1 behind a head-end, if there is one.
pub(super) fn meters(directory: &Path, count: u32, head_end: bool) -> Vec<Meter> {
    (0..count)
        .map(|number| {
            let [a, b, c, d] = number.to_be_bytes();
            let suite = if number % 2 == 0 { SecuritySuite::Suite1 } else { SecuritySuite::Suite2 };
            let title = SystemTitle::new([b'M', b'P', b'K', suite.number(), a, b, c, d]);
            let behind = head_end && number % 4 == 0 && BEHIND_HEAD_END.contains(&number);
            let road = if behind { Road::HeadEnd } else { Road::Device };
            Meter { title, suite, road, memory: directory.join(title.to_string()) }
        })
        .collect()
}

impl Meter {
    pub(super) fn file(&self, life: Life, purpose: &str, kind: &str) -> PathBuf {
        self.memory.join(format!("{}-{purpose}.{kind}", life.row()))
    }

    /// Returns a certificate that the meter holds.
    pub(super) fn certificate(&self, life: Life, purpose: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.file(life, purpose, "cer");
        std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))
    }

    /// Names the manifest that the meter was delivered with, once there is one.
    pub(super) fn shipped(&self) -> PathBuf {
        self.memory.join("shipped")
    }

    /// What was sent to the meter over DLMS, and the seed of its keys.
    pub(super) fn journal(&self) -> PathBuf {
        self.memory.join("class-64.journal")
    }

    /// Tells whether the meter has all certificates of a life.
    pub(super) fn is_through(&self, life: Life) -> bool {
        PURPOSES.iter().all(|purpose| self.file(life, purpose, "cer").exists())
    }

    fn credential(&self, life: Life) -> anyhow::Result<Credential> {
        Ok(Credential {
            certificates: vec![self.certificate(life, "tls")?],
            key: std::fs::read(self.file(life, "tls", "key"))?,
        })
    }

    /// Returns the request for a purpose, making the key if the meter has none yet.
    fn request(&self, life: Life, purpose: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.file(life, purpose, "csr");
        if path.exists() {
            return Ok(std::fs::read(&path)?);
        }
        std::fs::create_dir_all(&self.memory)?;
        let key = key_pair::generate(self.suite)?;
        keep(&self.file(life, purpose, "key"), key.serialized_der())?;
        let request = key_pair::device_request(&self.title, &key)?;
        keep(&path, &request)?;
        Ok(request)
    }

    /// Enrols what is missing of a life.
    async fn enrol(&self, life: Life, desk: &mut Desk) -> anyhow::Result<()> {
        for purpose in PURPOSES {
            self.enrol_for(life, purpose, desk).await?;
        }
        Ok(())
    }

    /// Enrols for a purpose, if that is missing.
    async fn enrol_for(&self, life: Life, purpose: &str, desk: &mut Desk) -> anyhow::Result<()> {
        let path = self.file(life, purpose, "cer");
        if path.exists() {
            return Ok(());
        }
        let label = format!("{}-{purpose}-{}", life.row(), self.suite.suffix());
        let (request, kept) = (self.request(life, purpose)?, self.file(life, purpose, "cmp"));
        let certificate = desk.enrol(&label, &request, &kept).await;
        let certificate = certificate.with_context(|| format!("meter {} under {label}", self.title))?;
        Ok(keep(&path, &certificate)?)
    }
}

/// Keeps a file whole or not at all: a meter that loses power in the middle holds nothing, rather than half a certificate.
pub(super) fn keep(path: &Path, octets: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_added_extension("unfinished");
    std::fs::write(&unfinished, octets)?;
    std::fs::rename(unfinished, path)
}

/// Gives every meter its factory certificates through the line station.
pub(super) async fn manufacture(
    meters: &[Meter],
    around: &Surroundings,
    station: &Arc<Credential>,
    progress: &Progress,
) -> anyhow::Result<usize> {
    let waiting: Vec<Meter> =
        meters.iter().filter(|meter| !meter.is_through(Life::Factory)).cloned().collect();
    let count = waiting.len();
    let step = Arc::new(progress.begin("factory line", u64::try_from(count)?));
    // The station keeps a few connections and sends one meter after the other over each.
    let mut tasks = JoinSet::new();
    for share in shares(waiting) {
        let (around, station, step) = (around.clone(), Arc::clone(station), Arc::clone(&step));
        tasks.spawn(async move {
            let mut desk = Desk::Est(EstClient::connect(around.est, &around.trusted, &station).await?);
            for meter in share {
                meter.enrol(Life::Factory, &mut desk).await?;
                step.advance();
            }
            anyhow::Ok(())
        });
    }
    finish(tasks, step).await?;
    Ok(count)
}

/// Swaps every meter that asks by itself to its owner's certificates, each over a connection of its own.
pub(super) async fn swap(
    meters: &[Meter],
    around: &Surroundings,
    progress: &Progress,
) -> anyhow::Result<usize> {
    let waits = |meter: &&Meter| meter.road == Road::Device && !meter.is_through(Life::Operational);
    let waiting: Vec<Meter> = meters.iter().filter(waits).cloned().collect();
    let count = waiting.len();
    let step = Arc::new(progress.begin("ownership swap", u64::try_from(count)?));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for meter in waiting {
        let (around, step, places) = (around.clone(), Arc::clone(&step), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire_owned().await?;
            let credential = meter.credential(Life::Factory)?;
            let mut desk = Desk::Est(EstClient::connect(around.est, &around.trusted, &credential).await?);
            meter.enrol(Life::Operational, &mut desk).await?;
            step.advance();
            anyhow::Ok(())
        });
    }
    finish(tasks, step).await?;
    Ok(count)
}

/// Swaps one meter: its first certificate over CMP, where that is served, the others over EST.
pub(super) async fn swap_ahead(
    meter: &Meter,
    around: &Surroundings,
    progress: &Progress,
) -> anyhow::Result<()> {
    if let Some(cmp) = around.cmp.filter(|_| !meter.is_through(Life::Operational)) {
        let credential = meter.credential(Life::Factory)?;
        let mut desk = Desk::Cmp(CmpClient::new(cmp, &around.trusted, &credential)?);
        meter.enrol_for(Life::Operational, "tls", &mut desk).await?;
        progress.tell("first certificate of the owner: over CMP");
    }
    swap(std::slice::from_ref(meter), around, progress).await.map(drop)
}

/// Waits for every task; the first failure ends the others.
async fn finish(mut tasks: JoinSet<anyhow::Result<()>>, step: Arc<Step>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    if let Some(step) = Arc::into_inner(step) {
        step.end();
    }
    Ok(())
}

/// Deals the meters out to a few connections.
fn shares(meters: Vec<Meter>) -> Vec<Vec<Meter>> {
    let mut shares: Vec<Vec<Meter>> = (0..AT_ONCE.min(meters.len())).map(|_| Vec::new()).collect();
    let places = shares.len();
    for (number, meter) in meters.into_iter().enumerate() {
        if let Some(share) = number.checked_rem(places).and_then(|place| shares.get_mut(place)) {
            share.push(meter);
        }
    }
    shares
}
