//! A long CRL from the ledger to the published file: drafted, checked, its intent recorded, signed, verified, recorded, published, read
//! again, all by the verbs that the installed program uses; beside writing as many octets to a file. What is counted is its entries.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use ca_core::actor::{Actor, Identity};
use ca_core::crl::{CrlContext, issue_crl};
use ca_core::octets::Octets;
use ca_core::profile::CrlProfile;
use ca_core::record::CrlRecord;
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Settings, Store};
use status_server::publish::CrlFolder;

use crate::Means;
use crate::house::House;
use crate::many_revoked::ManyRevoked;
use crate::measure::{Limit, Scene, Term, measure};
use crate::speed::{Speed, Stopwatch};
use crate::stage::Stage;
use crate::tables::grouped;
use crate::yardsticks::Yardsticks;

/// What the ledger may keep of what it has read, in octets: so little that what else grows with the list is seen.
const CACHE_OCTETS: u64 = 8 << 20;

/// How many octets are written at once.
const PIECE: usize = 64 * 1_024;

/// Measures the one row.
pub(crate) fn rows(stage: &Stage<'_>, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let entries = stage.pace().entries;
    let suite = SecuritySuite::Suite1;
    let name = format!("CRL, {}, {} entries", suite.curve(), grouped(f64::from(entries)));
    if !stage.wants(&name) {
        return Ok(());
    }
    let house = House::found(&stage.directory("crl"), stage.means, (suite, EngineKind::Fjall))?;
    let mut scene = Making::new(&house, stage.means, entries)?;
    stage.keep(measure(&name, &mut scene, stage.pace(), yardsticks)?);
    Ok(())
}

struct Making<'g> {
    house: &'g House,
    profile: CrlProfile,
    ledger: ManyRevoked,
    folder: CrlFolder,
    line: CrlLine,
    entries: u32,
    last: Option<CrlRecord>,
}

impl<'g> Making<'g> {
    fn new(house: &'g House, means: &Means, entries: u32) -> anyhow::Result<Self> {
        let published = house.place.join("published");
        std::fs::create_dir(&published)?;
        // An hour ago: no list speaks of what is still to come.
        let time = house.ports.clock.now().plus_seconds(-3_600);
        let store = Arc::new(ledger(house, means)?);
        Ok(Self {
            house,
            profile: *house.profiles.crl("crl-online").context("there is no profile crl-online")?,
            ledger: ManyRevoked { store, count: u64::from(entries), time },
            folder: CrlFolder::open(&published)?,
            line: CrlLine::complete(house.factory.issuer().key(), CrlScope::All),
            entries,
            last: None,
        })
    }

    /// Issues the next CRL, and publishes it.
    fn make(&self) -> anyhow::Result<CrlRecord> {
        let (issuer, ports) = (self.house.factory.issuer(), &self.house.ports);
        let identity = Identity::Process { name: "crl-publisher" };
        let crl = issue_crl(&CrlContext {
            issuer,
            profile: &self.profile,
            actor: &Actor { tenant: issuer.tenant().clone(), identity },
            scope: &self.line.scope,
            base: None,
            this_update: None,
            uncertain_grace_seconds: 3_600,
            clock: &*ports.clock,
            ledger: &*self.ledger.store,
            status: &self.ledger,
            signer: &*ports.signer,
        })?;
        self.folder.publish(&self.line, issuer, crl.der.reader())?;
        Ok(crl)
    }

    /// As many octets as the last CRL has, to a file that is on disk at the end: so many entries a second.
    fn written(&self, octets: &Octets, slice: Duration) -> anyhow::Result<Speed> {
        let mut piece = vec![0; PIECE.min(usize::try_from(octets.length())?)];
        octets.reader().read_exact(&mut piece)?;
        let (watch, mut count) = (Stopwatch::start(), 0);
        while count == 0 || watch.elapsed() < slice {
            let file = File::create(self.house.place.join("as-many-octets"))?;
            write(file, &piece, octets.length())?;
            count += usize::try_from(self.entries)?;
        }
        watch.speed(count)
    }
}

/// A ledger of its own, with little memory for what it has read.
fn ledger(house: &House, means: &Means) -> anyhow::Result<Store> {
    let directory = house.place.join("crls");
    Store::create(&directory, EngineKind::Fjall)?;
    let opening = Opening { now: house.ports.clock.now(), tenant: TenantId::parse("dso")?, boot: None };
    let settings = Settings { cache_octets: CACHE_OCTETS, ..(means.settings)() };
    Ok(Store::open(&directory, &opening, settings)?.0)
}

/// Writes `length` octets, the same piece again and again.
fn write(mut file: File, piece: &[u8], length: u64) -> anyhow::Result<()> {
    let mut left = usize::try_from(length)?;
    while left > 0 {
        let part = piece.get(..left).unwrap_or(piece);
        file.write_all(part)?;
        left -= part.len();
    }
    Ok(file.sync_data()?)
}

impl Scene for Making<'_> {
    /// How many CRLs.
    type Work = usize;

    fn step(&self) -> usize {
        usize::try_from(self.entries).unwrap_or(usize::MAX)
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<usize> {
        Ok(count / self.step())
    }

    fn run(&mut self, crls: usize) -> anyhow::Result<Vec<Duration>> {
        for _ in 0..crls {
            self.last = Some(self.make()?);
        }
        Ok(Vec::new())
    }

    /// Each is on disk once, and signed once.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let last = self.last.as_ref().context("no CRL was made")?;
        let written = self.written(&last.der, yardsticks.slice())?;
        yardsticks.note("entries of a CRL, as octets to a file with fdatasync".to_owned(), written);
        let sign = yardsticks.signatures(self.house.suite.curve(), 1)?;
        let steps =
            vec![Term::new(1, "entry written", written), Term::new(1, "sign", sign).shared_by(self.entries)];
        Ok(Limit { lanes: vec![steps] })
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let last = self.last.as_ref().context("no CRL was made")?;
        let published = self.folder.published(&self.line, self.house.factory.issuer())?;
        let published = published.context("no CRL is published")?;
        let of = |entries| u64::from(self.entries) == entries;
        ensure!(of(last.entries) && of(published.entries), "the CRL has {} entries", published.entries);
        ensure!(published.number == last.number, "CRL {} is published", published.number);
        Ok(())
    }
}
