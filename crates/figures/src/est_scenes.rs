//! Who enrols over EST: meters fresh from the factory, each over a connection of its own, and a factory line that keeps its
//! connections.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent};
use ca_core::record::ExpectedDevice;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use hyper::body::Bytes;
use rustls::ClientConfig;
use server_kit::workers::PoolSize;

use crate::applicants::{Applicant, Credential, applicants, on_all_processors};
use crate::est_ground::Grounds;
use crate::http::{Client, client_settings};
use crate::kept::{CLIENTS, Errand, connect_all, connections, exchanges, run_all, send_all};
use crate::measure::{Limit, Scene, Term};
use crate::yardsticks::Yardsticks;

/// How many factory certificates are asked for at a time.
const BATCH: usize = 1_000;

/// Meters that are delivered with factory certificates and get an operational one.
pub(crate) struct Meters<'g> {
    grounds: &'g Grounds<'g>,
    /// Some who can connect again and again where nothing happens.
    known: Vec<Errand>,
    last: Option<SystemTitle>,
}

impl<'g> Meters<'g> {
    pub(crate) fn new(grounds: &'g Grounds<'g>) -> anyhow::Result<Self> {
        let mut meters = Self { grounds, known: Vec::new(), last: None };
        meters.known = meters.prepare(CLIENTS)?;
        Ok(meters)
    }

    /// Gives meters their factory certificates for TLS.
    fn manufacture(&self, born: &[Applicant]) -> anyhow::Result<Vec<Vec<u8>>> {
        let house = &self.grounds.house;
        let profile = house.profile("meter-factory-tls")?;
        let mut certificates = Vec::with_capacity(born.len());
        for batch in born.chunks(BATCH) {
            let requests = batch.iter().map(|meter| meter.request(&house.line, &profile));
            for issued in house.factory.enrol_batch(requests.collect::<anyhow::Result<_>>()?) {
                certificates.push(issued?.der().to_vec());
            }
        }
        Ok(certificates)
    }

    /// Puts them on their owner's list.
    fn deliver(&self, titles: &[SystemTitle]) -> anyhow::Result<()> {
        let house = &self.grounds.house;
        let tenant = house.operational.issuer().tenant().clone();
        let expected = |title: &SystemTitle| ExpectedDevice {
            manufacturer: Some(house.factory.issuer().tenant().clone()),
            ..ExpectedDevice::new(tenant.clone(), *title)
        };
        let event = AuditEvent {
            time: house.ports.clock.now(),
            tenant: tenant.clone(),
            actor: "operator:benchmark".to_owned(),
            act: Act::DevicesImported,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!("{} devices", titles.len()),
            digest: Vec::new(),
        };
        house.ports.registry.import_devices(titles.iter().map(expected).collect(), event)?;
        Ok(())
    }
}

impl Scene for Meters<'_> {
    type Work = Vec<Errand>;

    fn step(&self) -> usize {
        CLIENTS
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Vec<Errand>> {
        let house = &self.grounds.house;
        let titles = house.new_titles(count);
        self.last = titles.last().copied();
        let born = applicants(house.suite, titles.clone())?;
        let certificates = self.manufacture(&born)?;
        self.deliver(&titles)?;
        let in_service = applicants(house.suite, titles)?;
        let meters = born.into_iter().zip(certificates).zip(in_service).collect();
        on_all_processors(meters, |((born, certificate), in_service)| {
            let credential = Credential { certificates: vec![certificate], key: born.key };
            let tls = client_settings(&self.grounds.trusted, &credential)?;
            Ok(Errand { tls: Some(tls), body: body(&in_service) })
        })
    }

    fn run(&mut self, work: Vec<Errand>) -> anyhow::Result<Vec<Duration>> {
        self.grounds.runtime.block_on(run_all(work, &self.grounds.enrolling("meter-op-ds")))
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let target = self.grounds.bare();
        let found = self.grounds.runtime.block_on(connections(&self.known, &target, yardsticks.slice()))?;
        let curve = self.grounds.house.suite.curve();
        yardsticks.note(format!("mutual TLS connections with one exchange, {curve}"), found);
        // Its own certificate is verified, which nobody has seen before, its request, and our own signature.
        limit(self.grounds.house.suite.curve(), (Term::new(1, "connection", found), 3), yardsticks)
    }

    fn stored(&self) -> Option<u32> {
        Some(self.grounds.house.stored())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let house = &self.grounds.house;
        house.expect_issued(&house.operational, &self.last.context("no meter was prepared")?)
    }
}

/// A factory line that enrols for one device after the other.
pub(crate) struct LineStation<'g> {
    grounds: &'g Grounds<'g>,
    tls: Arc<ClientConfig>,
    /// A request to send where nothing happens.
    sample: Bytes,
    last: Option<SystemTitle>,
}

impl<'g> LineStation<'g> {
    pub(crate) fn new(grounds: &'g Grounds<'g>) -> anyhow::Result<Self> {
        let tls = client_settings(&grounds.trusted, &grounds.house.station)?;
        let sample = applicants(grounds.house.suite, grounds.house.new_titles(1))?;
        let sample = body(sample.first().context("no sample")?);
        Ok(Self { grounds, tls, sample, last: None })
    }
}

impl Scene for LineStation<'_> {
    type Work = (Vec<Client>, Vec<Bytes>);

    fn step(&self) -> usize {
        CLIENTS
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<(Vec<Client>, Vec<Bytes>)> {
        let house = &self.grounds.house;
        let titles = house.new_titles(count);
        self.last = titles.last().copied();
        let bodies = applicants(house.suite, titles)?.iter().map(body).collect();
        let target = self.grounds.enrolling("meter-factory-ds");
        let clients = self.grounds.runtime.block_on(connect_all(&target, Some(&self.tls)))?;
        Ok((clients, bodies))
    }

    fn run(&mut self, (clients, bodies): (Vec<Client>, Vec<Bytes>)) -> anyhow::Result<Vec<Duration>> {
        let target = self.grounds.enrolling("meter-factory-ds");
        self.grounds.runtime.block_on(send_all(clients, bodies, &target))
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let target = self.grounds.bare();
        let slice = yardsticks.slice();
        let found = self.grounds.runtime.block_on(async {
            let clients = connect_all(&target, Some(&self.tls)).await?;
            exchanges(clients, &self.sample, &target, slice).await
        })?;
        yardsticks.note("HTTPS answers on kept connections".to_owned(), found);
        // The line's certificate was verified the first time: its request is, and our own signature.
        limit(self.grounds.house.suite.curve(), (Term::new(1, "exchange", found), 2), yardsticks)
    }

    fn stored(&self) -> Option<u32> {
        Some(self.grounds.house.stored())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let house = &self.grounds.house;
        house.expect_issued(&house.factory, &self.last.context("no device was prepared")?)
    }
}

/// What a client sends.
pub(crate) fn body(applicant: &Applicant) -> Bytes {
    Bytes::from(STANDARD.encode(&applicant.csr))
}

/// Beside what HTTP costs: one signature, and so many verified; the intent and the certificate on disk, where all clients that wait
/// share a sync.
pub(crate) fn limit(
    curve: Curve,
    (http, verified): (Term, u32),
    yardsticks: &mut Yardsticks,
) -> anyhow::Result<Limit> {
    let workers = PoolSize::default().workers.get();
    let sign = Term::new(1, "sign", yardsticks.signatures(curve, workers)?);
    let verify = Term::new(verified, "verify", yardsticks.verifications(curve, workers)?);
    let syncs = Term::new(2, "fdatasync", yardsticks.syncs()?).shared_by(u32::try_from(CLIENTS)?);
    Ok(Limit::of(vec![vec![http, sign, verify], vec![syncs]]))
}
