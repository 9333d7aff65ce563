//! `cfssl serve`: certificates out of certification requests over HTTP on kept connections, without TLS; it keeps no record of them.

use std::time::Duration;

use anyhow::Context;
use ca_core::suite::{Curve, SecuritySuite};
use hyper::body::Bytes;
use tokio::runtime::Runtime;

use super::attempt;
use super::ground::{Ground, requests};
use crate::applicants::processors;
use crate::http::{Client, Site, Target, bare_router};
use crate::kept::{CLIENTS, connect_all, exchanges, send_all};
use crate::measure::{Limit, Scene, Term};
use crate::process::{Process, free_address, wait_for};
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

const MEDIA_TYPE: &str = "application/json";

/// How an answer begins that is a certificate.
const GOOD: &[u8] = b"{\"success\":true,\"result\":{\"certificate\":";

/// Measures a row of each curve.
pub(super) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    for suite in SecuritySuite::ALL {
        let curve = suite.curve();
        let name = format!("HTTP, {curve}, `cfssl serve`, kept connections");
        let open = || {
            let ground = Ground::found(&stage.directory(&format!("cfssl-serve-{curve}")), curve)?;
            Asking::open(&ground, requests(suite, stage.pace().certificates)?, runtime)
        };
        attempt(stage, (&name, "cfssl"), yardsticks, open)?;
    }
    Ok(())
}

struct Asking<'g> {
    curve: Curve,
    runtime: &'g Runtime,
    bodies: Vec<Bytes>,
    target: Target,
    bare: Site,
    /// Ends when this is dropped.
    _process: Process,
}

impl<'g> Asking<'g> {
    fn open(ground: &Ground, requests: Vec<String>, runtime: &'g Runtime) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut process = ground.cfssl_serve(address.port())?;
        wait_for(address, &mut process)?;
        let is_good = |body: &Bytes| body.starts_with(GOOD);
        let path = "/api/v1/cfssl/sign".to_owned();
        let target = Target { address, path, media_type: MEDIA_TYPE, is_good };
        let body = |request| Bytes::from(serde_json::json!({ "certificate_request": request }).to_string());
        let bodies: Vec<Bytes> = requests.into_iter().map(body).collect();
        let sample = bodies.first().context("nothing to ask for")?.clone();
        let octets = runtime.block_on(async {
            Client::connect(address, None).await?.post(&target, sample).await.map(|answer| answer.len())
        })?;
        let bare = runtime.block_on(Site::open(bare_router(octets), None))?;
        Ok(Self { curve: ground.curve, runtime, bodies, target, bare, _process: process })
    }
}

impl Scene for Asking<'_> {
    type Work = (Vec<Client>, Vec<Bytes>);

    fn step(&self) -> usize {
        CLIENTS
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work> {
        let bodies = self.bodies.iter().cycle().take(count).cloned().collect();
        Ok((self.runtime.block_on(connect_all(&self.target, None))?, bodies))
    }

    fn run(&mut self, (clients, bodies): Self::Work) -> anyhow::Result<Vec<Duration>> {
        self.runtime.block_on(send_all(clients, bodies, &self.target))
    }

    /// The exchange, one signature, and the request's own verified.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let (bare, slice) = (Target::bare(&self.bare, MEDIA_TYPE), yardsticks.slice());
        let sample = self.bodies.first().context("nothing to ask for")?.clone();
        let found = self
            .runtime
            .block_on(async { exchanges(connect_all(&bare, None).await?, &sample, &bare, slice).await })?;
        let sign = Term::new(1, "sign", yardsticks.signatures(self.curve, processors())?);
        let verify = Term::new(1, "verify", yardsticks.verifications(self.curve, processors())?);
        Ok(Limit::of(vec![vec![Term::new(1, "exchange", found), sign, verify]]))
    }

    /// Each certificate was looked at when it came.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}
