//! The status server's OCSP responder over plain HTTP on loopback, with kept connections: answers given again, and answers
//! signed for each request because it has a nonce.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use ca_core::actor::{Actor, Identity};
use ca_core::certificate::Certificate;
use ca_core::ocsp::ResponderIdentity;
use ca_core::ports::Entropy;
use ca_core::profile::OcspProfile;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::serial_number::SerialNumber;
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;
use hyper::body::Bytes;
use server_kit::metrics::Metrics;
use server_kit::workers::{PoolSize, WorkerPool};
use signer_file::SystemEntropy;
use status_server::config::KeepingPolicy;
use status_server::publish::CrlFolder;
use status_server::repository::Repository;
use status_server::responder::{Responder, ResponderPorts, ServedAuthority};
use status_server::routes::{StatusServices, router};
use tokio::runtime::Runtime;

use crate::applicants::applicants;
use crate::authorities::authority_name;
use crate::house::House;
use crate::http::{Client, Site, Target, bare_router};
use crate::kept::{CLIENTS, connect_all, exchanges, send_all};
use crate::measure::{Limit, Scene, Term, measure};
use crate::ocsp_request::{NONCE_OCTETS, is_successful, request};
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

pub(crate) const MEDIA_TYPE: &str = "application/ocsp-request";

/// Measures all rows about OCSP.
pub(crate) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let plan = [
        (SecuritySuite::Suite1, [Freshness::Kept, Freshness::Signed].as_slice()),
        (SecuritySuite::Suite2, [Freshness::Kept, Freshness::Signed].as_slice()),
    ];
    for (suite, ways) in plan {
        let named = |freshness: Freshness| format!("OCSP, {}, {}", suite.curve(), freshness.name());
        let wanted: Vec<Freshness> = ways.iter().copied().filter(|way| stage.wants(&named(*way))).collect();
        if wanted.is_empty() {
            continue;
        }
        let house = stage.house(&format!("ocsp-{suite}"), suite, EngineKind::Fjall)?;
        // Of a ledger that was filled, what lies anywhere in it: the newest alone would still be in memory.
        let mut serials = house.kept(stage.pace().certificates);
        if serials.is_empty() {
            serials = issue(&house, stage.pace().certificates)?;
        }
        let router = status_router(&house)?;
        for freshness in wanted {
            let grounds = Grounds { house: &house, serials: &serials, runtime };
            let mut scene = runtime.block_on(Asking::open(grounds, router.clone(), freshness))?;
            stage.keep(measure(&named(freshness), &mut scene, stage.pace(), yardsticks)?);
            runtime.block_on(scene.close())?;
        }
    }
    Ok(())
}

/// Where there are certificates to ask for.
#[derive(Clone, Copy)]
struct Grounds<'g> {
    house: &'g House,
    serials: &'g [SerialNumber],
    runtime: &'g Runtime,
}

/// Whether answers may be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Kept,
    Signed,
}

impl Freshness {
    const fn name(self) -> &'static str {
        match self {
            Self::Kept => "answers given again",
            Self::Signed => "answers signed for a nonce",
        }
    }
}

/// Relying parties that ask for one certificate after the other.
struct Asking<'g> {
    grounds: Grounds<'g>,
    freshness: Freshness,
    status: Site,
    bare: Site,
    sample: Bytes,
}

impl<'g> Asking<'g> {
    async fn open(grounds: Grounds<'g>, router: Router, freshness: Freshness) -> anyhow::Result<Self> {
        let status = Site::open(router, None).await?;
        let serial = grounds.serials.first().context("nothing was issued")?;
        let sample = body(grounds.house, serial, freshness)?;
        let mut client = Client::connect(status.address, None).await?;
        let answer = client.post(&target(&status), sample.clone()).await?;
        client.close().await?;
        let bare = Site::open(bare_router(answer.len()), None).await?;
        Ok(Self { grounds, freshness, status, bare, sample })
    }

    async fn close(self) -> anyhow::Result<()> {
        self.status.close().await?;
        self.bare.close().await
    }
}

impl Scene for Asking<'_> {
    type Work = (Vec<Client>, Vec<Bytes>);

    fn step(&self) -> usize {
        // Every certificate is asked for while warming up.
        self.grounds.serials.len().next_multiple_of(CLIENTS)
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<(Vec<Client>, Vec<Bytes>)> {
        let serials = self.grounds.serials.iter().cycle().take(count);
        let bodies = serials
            .map(|serial| body(self.grounds.house, serial, self.freshness))
            .collect::<anyhow::Result<_>>()?;
        let clients = self.grounds.runtime.block_on(connect_all(&target(&self.status), None))?;
        Ok((clients, bodies))
    }

    fn run(&mut self, (clients, bodies): (Vec<Client>, Vec<Bytes>)) -> anyhow::Result<Vec<Duration>> {
        self.grounds.runtime.block_on(send_all(clients, bodies, &target(&self.status)))
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let bare = Target::bare(&self.bare, MEDIA_TYPE);
        let slice = yardsticks.slice();
        let found = self.grounds.runtime.block_on(async {
            let clients = connect_all(&bare, None).await?;
            exchanges(clients, &self.sample, &bare, slice).await
        })?;
        yardsticks.note("HTTP answers on kept connections".to_owned(), found);
        let mut steps = vec![Term::new(1, "exchange", found)];
        if self.freshness == Freshness::Signed {
            let (curve, workers) = (self.grounds.house.suite.curve(), PoolSize::default().workers.get());
            steps.push(Term::new(1, "sign", yardsticks.signatures(curve, workers)?));
            steps.push(Term::new(1, "verify", yardsticks.verifications(curve, workers)?));
        }
        Ok(Limit::of(vec![steps]))
    }

    fn stored(&self) -> Option<u32> {
        Some(self.grounds.house.stored())
    }

    /// Each answer was looked at when it came.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

pub(crate) fn target(site: &Site) -> Target {
    let is_good = |body: &Bytes| is_successful(body);
    Target { address: site.address, path: "/ocsp".to_owned(), media_type: MEDIA_TYPE, is_good }
}

pub(crate) fn body(house: &House, serial: &SerialNumber, freshness: Freshness) -> anyhow::Result<Bytes> {
    let issuer = house.factory.issuer().certificate();
    let nonce = match freshness {
        Freshness::Kept => None,
        Freshness::Signed => {
            let mut octets = [0; NONCE_OCTETS];
            SystemEntropy.fill(&mut octets)?;
            Some(octets)
        }
    };
    Ok(Bytes::from(request(issuer, serial, nonce.as_ref().map(<[u8; NONCE_OCTETS]>::as_slice))?))
}

/// Issues certificates to be asked for.
pub(crate) fn issue(house: &House, count: usize) -> anyhow::Result<Vec<SerialNumber>> {
    let profile = house.profile("meter-factory-ds")?;
    let meters = applicants(house.suite, house.new_titles(count))?;
    let requests = meters.iter().map(|meter| meter.request(&house.line, &profile));
    let issued = house.factory.enrol_batch(requests.collect::<anyhow::Result<_>>()?);
    issued.into_iter().map(|one| Ok(one?.id().serial.clone())).collect()
}

pub(crate) fn status_router(house: &House) -> anyhow::Result<Router> {
    let issuer = house.factory.issuer();
    let published = house.place.join("published");
    // Rows that share a house share it.
    std::fs::create_dir_all(&published)?;
    let repository = Repository::new(CrlFolder::open(&published)?, &[Arc::new(issuer.clone())]);
    let profile = house.profiles.ocsp("ocsp-online").context("there is no profile ocsp-online")?;
    let served = ServedAuthority {
        identity: responder(house)?,
        profile: OcspProfile::clone(profile),
        signer: Arc::clone(&house.ports.signer),
    };
    let ports =
        ResponderPorts { clock: Arc::clone(&house.ports.clock), status: Arc::clone(&house.ports.status) };
    Ok(router(StatusServices {
        repository: Arc::new(repository),
        responder: Arc::new(Responder::new(vec![served], ports, KeepingPolicy::default())),
        clock: Arc::clone(&house.ports.clock),
        workers: WorkerPool::start("status", &PoolSize::default(), &Metrics::new("bench"))?,
    }))
}

/// Has the responder's key certified by the authority's own door for processes.
fn responder(house: &House) -> anyhow::Result<ResponderIdentity> {
    let issuer = house.factory.issuer();
    let identity = Identity::Process { name: "ocsp-responder" };
    let issued = house.factory.enrol(EnrolmentRequest {
        actor: Actor { tenant: issuer.tenant().clone(), identity },
        profile: house.profile("ocsp")?,
        subject: Subject::distinguished(authority_name("OCSP Responder")?),
        evidence: Evidence::OwnSigner { key: house.responder_key },
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })?;
    let certificate = Certificate::from_der(issued.der())?;
    let identity = ResponderIdentity::new(certificate, issuer, house.ports.clock.now())?;
    ensure!(identity.key() == house.responder_key, "the responder's certificate has another key");
    Ok(identity)
}
