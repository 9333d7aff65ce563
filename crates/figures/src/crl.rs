//! CRLs from the ledger to the published file: drafted, checked, its intent recorded, signed, verified, recorded, published, read
//! again, all by the verbs that the installed program uses; beside writing as many octets to a file. What is counted is its entries.
//! A long one of revocations that are computed, and one of what a ledger has revoked among all that is stored in it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use ca_core::actor::{Actor, Identity};
use ca_core::crl::{CrlContext, issue_crl};
use ca_core::ports::{Ledger, StatusSource};
use ca_core::profile::CrlProfile;
use ca_core::record::CrlRecord;
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Settings, Store};
use status_server::publish::CrlFolder;

use crate::Means;
use crate::crl_octets::CrlOctets;
use crate::house::House;
use crate::many_revoked::ManyRevoked;
use crate::measure::{Limit, Scene, Term, measure};
use crate::ocsp::issue;
use crate::stage::Stage;
use crate::tables::grouped;
use crate::truth::revocation;
use crate::yardsticks::Yardsticks;

/// What the ledger may keep of what it has read, in octets: so little that what else grows with the list is seen.
const CACHE_OCTETS: u64 = 8 << 20;

/// How many revocations are read at once, to count them.
const PAGE: usize = 1_000;

/// Measures the long one.
pub(crate) fn rows(stage: &Stage<'_>, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let entries = stage.pace().entries;
    let suite = SecuritySuite::Suite1;
    let name = format!("CRL, {}, {} entries", suite.curve(), grouped(f64::from(entries)));
    if !stage.wants(&name) {
        return Ok(());
    }
    let house = House::found(&stage.directory("crl"), stage.means, (suite, EngineKind::Fjall))?;
    let store = Arc::new(ledger(&house, stage.means)?);
    // An hour ago: no list speaks of what is still to come.
    let time = house.ports.clock.now().plus_seconds(-3_600);
    let revoked = ManyRevoked { store: Arc::clone(&store), count: u64::from(entries), time };
    let mut scene = Making::new(&house, Revoked { ledger: &*store, status: &revoked, entries })?;
    stage.keep(measure(&name, &mut scene, stage.pace(), yardsticks)?);
    Ok(())
}

/// Measures the one of what the ledger has revoked, ten for each certificate that others ask of.
pub(crate) fn stored_rows(stage: &Stage<'_>, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let suite = SecuritySuite::Suite1;
    let name = format!("CRL, {}, of what the ledger has revoked", suite.curve());
    if !stage.wants(&name) {
        return Ok(());
    }
    let house = stage.house("crl-stored", suite, EngineKind::Fjall)?;
    let wanted = 10 * stage.pace().certificates;
    for serial in issue(&house, wanted.saturating_sub(revoked_in(&house)?))? {
        house.factory.revoke(revocation(&house, &serial))?;
    }
    let entries = u32::try_from(revoked_in(&house)?)?;
    let revoked = Revoked { ledger: &*house.ports.ledger, status: &*house.ports.status, entries };
    let mut scene = Making { stored: true, ..Making::new(&house, revoked)? };
    stage.keep(measure(&name, &mut scene, stage.pace(), yardsticks)?);
    Ok(())
}

/// How many are revoked in the ledger of a house.
fn revoked_in(house: &House) -> anyhow::Result<usize> {
    let issuer = house.factory.issuer().key();
    let (mut count, mut after) = (0, None);
    loop {
        let page = house.ports.status.revoked(&issuer, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(count) };
        count += page.len();
        after = Some(last.serial.clone());
    }
}

/// What lists are made of, where they are recorded, and how many entries each has.
#[derive(Clone, Copy)]
struct Revoked<'g> {
    ledger: &'g dyn Ledger,
    status: &'g dyn StatusSource,
    entries: u32,
}

struct Making<'g> {
    house: &'g House,
    revoked: Revoked<'g>,
    profile: CrlProfile,
    folder: CrlFolder,
    line: CrlLine,
    last: Option<CrlRecord>,
    /// Whether what else is stored in the ledger matters.
    stored: bool,
}

impl<'g> Making<'g> {
    fn new(house: &'g House, revoked: Revoked<'g>) -> anyhow::Result<Self> {
        // Rows that share a house share it.
        let published = house.place.join("published");
        std::fs::create_dir_all(&published)?;
        Ok(Self {
            house,
            revoked,
            profile: *house.profiles.crl("crl-online").context("there is no profile crl-online")?,
            folder: CrlFolder::open(&published)?,
            line: CrlLine::complete(house.factory.issuer().key(), CrlScope::All),
            last: None,
            stored: false,
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
            ledger: self.revoked.ledger,
            status: self.revoked.status,
            signer: &*ports.signer,
        })?;
        self.folder.publish(&self.line, issuer, crl.der.reader())?;
        Ok(crl)
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

impl Scene for Making<'_> {
    /// How many CRLs.
    type Work = usize;

    fn step(&self) -> usize {
        usize::try_from(self.revoked.entries).unwrap_or(usize::MAX)
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
        let entries = self.revoked.entries;
        let octets = CrlOctets { place: &self.house.place, length: last.der.length(), entries };
        let written = octets.written(yardsticks.slice())?;
        yardsticks.note(format!("{octets}, written to a file with fdatasync"), written);
        let passes = octets.passes(yardsticks.slice())?;
        yardsticks.note(format!("{octets}, hashed, written and read as often as a CRL is"), passes);
        let sign = yardsticks.signatures(self.house.suite.curve(), 1)?;
        let steps =
            vec![Term::new(1, "entry written", written), Term::new(1, "sign", sign).shared_by(entries)];
        Ok(Limit::of(vec![steps]))
    }

    fn stored(&self) -> Option<u32> {
        self.stored.then(|| self.house.stored())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let last = self.last.as_ref().context("no CRL was made")?;
        let published = self.folder.published(&self.line, self.house.factory.issuer())?;
        let published = published.context("no CRL is published")?;
        let of = |entries| u64::from(self.revoked.entries) == entries;
        ensure!(of(last.entries) && of(published.entries), "the CRL has {} entries", published.entries);
        ensure!(published.number == last.number, "CRL {} is published", published.number);
        Ok(())
    }
}
