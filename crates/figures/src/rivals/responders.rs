//! Responders of others: `openssl ocsp`, which signs each answer and ends each connection, and `cfssl ocspserve`, which gives
//! answers again that were signed before.

use std::time::Duration;

use anyhow::Context;
use ca_core::suite::Curve;
use hyper::body::Bytes;
use tokio::runtime::Runtime;

use super::attempt;
use super::ground::{Ground, PROCESSES};
use crate::http::{Client, Site, Target, bare_router};
use crate::kept::{CLIENTS, Errand, connect_all, connections, exchanges, run_all, send_all};
use crate::measure::{Limit, Scene, Term};
use crate::ocsp::MEDIA_TYPE;
use crate::ocsp_request::is_successful;
use crate::process::{Process, free_address, wait_for};
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// Measures all rows about responders of others.
pub(super) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    for curve in [Curve::P256, Curve::P384] {
        for rival in [Rival::OpenSsl, Rival::Cfssl] {
            let name = format!("OCSP, {curve}, {}", rival.name());
            let open = || {
                let ground = Ground::found(&stage.directory(&format!("rival-{curve}-{rival:?}")), curve)?;
                ground.certify_meters()?;
                Asked::open(rival, &ground, runtime)
            };
            attempt(stage, (&name, rival.program()), yardsticks, open)?;
        }
    }
    Ok(())
}

/// Whose responder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rival {
    OpenSsl,
    Cfssl,
}

impl Rival {
    const fn program(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::Cfssl => "cfssl",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "`openssl ocsp`, signed for each request",
            Self::Cfssl => "`cfssl ocspserve`, given again",
        }
    }
}

/// Relying parties that ask one of them.
struct Asked<'g> {
    rival: Rival,
    curve: Curve,
    runtime: &'g Runtime,
    bodies: Vec<Bytes>,
    target: Target,
    bare: Site,
    /// Ends when this is dropped.
    _process: Process,
}

impl<'g> Asked<'g> {
    fn open(rival: Rival, ground: &Ground, runtime: &'g Runtime) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut process = match rival {
            Rival::OpenSsl => ground.openssl_ocsp(address.port())?,
            Rival::Cfssl => ground.cfssl_ocsp(address.port())?,
        };
        wait_for(address, &mut process)?;
        let is_good = |body: &Bytes| is_successful(body);
        let target = Target { address, path: "/".to_owned(), media_type: MEDIA_TYPE, is_good };
        let bodies = ground.requests()?;
        let sample = bodies.first().context("nothing to ask for")?.clone();
        let octets = runtime.block_on(async {
            Client::connect(address, None).await?.post(&target, sample).await.map(|answer| answer.len())
        })?;
        let bare = runtime.block_on(Site::open(bare_router(octets), None))?;
        Ok(Self { rival, curve: ground.curve, runtime, bodies, target, bare, _process: process })
    }

    fn errands(&self, count: usize) -> Vec<Errand> {
        self.bodies.iter().cycle().take(count).map(|body| Errand { tls: None, body: body.clone() }).collect()
    }
}

impl Scene for Asked<'_> {
    type Work = (Vec<Client>, Vec<Bytes>);

    fn step(&self) -> usize {
        CLIENTS
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work> {
        let bodies = self.bodies.iter().cycle().take(count).cloned().collect();
        let clients = match self.rival {
            Rival::OpenSsl => Vec::new(),
            Rival::Cfssl => self.runtime.block_on(connect_all(&self.target, None))?,
        };
        Ok((clients, bodies))
    }

    fn run(&mut self, (clients, bodies): Self::Work) -> anyhow::Result<Vec<Duration>> {
        match self.rival {
            Rival::OpenSsl => self.runtime.block_on(run_all(self.errands(bodies.len()), &self.target)),
            Rival::Cfssl => self.runtime.block_on(send_all(clients, bodies, &self.target)),
        }
    }

    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let (bare, slice) = (Target::bare(&self.bare, MEDIA_TYPE), yardsticks.slice());
        let steps = match self.rival {
            Rival::OpenSsl => {
                let errands = self.errands(CLIENTS);
                let found = self.runtime.block_on(connections(&errands, &bare, slice))?;
                yardsticks.note("HTTP connections with one exchange".to_owned(), found);
                let sign = yardsticks.signatures(self.curve, PROCESSES)?;
                vec![Term::new(1, "connection", found), Term::new(1, "sign", sign)]
            }
            Rival::Cfssl => {
                let sample = self.bodies.first().context("nothing to ask for")?.clone();
                let found = self.runtime.block_on(async {
                    exchanges(connect_all(&bare, None).await?, &sample, &bare, slice).await
                })?;
                vec![Term::new(1, "exchange", found)]
            }
        };
        Ok(Limit::of(vec![steps]))
    }

    /// Each answer was looked at when it came.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}
