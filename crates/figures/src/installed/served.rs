//! A factory line that loads `meter-pki serve` over EST on many kept connections: its memory is that of the server's process alone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use hyper::body::Bytes;
use rustls::ClientConfig;
use tokio::runtime::Runtime;

use super::installation::Installation;
use crate::applicants::applicants;
use crate::est_ground;
use crate::est_scenes::{body, limit};
use crate::http::{Client, Site, Target, bare_router, client_settings};
use crate::kept::{CLIENTS, connect_all, exchanges, send_all};
use crate::measure::{Limit, Scene, Term};
use crate::memory;
use crate::process::Process;
use crate::yardsticks::Yardsticks;

/// The label, and the profile that it opens.
const LABEL: &str = "meter-factory-ds-s1";

const SUITE: SecuritySuite = SecuritySuite::Suite1;

/// The clients.
pub(super) struct Clients<'g> {
    installation: &'g Installation,
    runtime: &'g Runtime,
    tls: Arc<ClientConfig>,
    bare: Site,
    sample: Bytes,
    titles: u32,
    serve: Process,
}

impl<'g> Clients<'g> {
    pub(super) fn open(installation: &'g Installation, runtime: &'g Runtime) -> anyhow::Result<Self> {
        let tls = client_settings(&installation.trusted()?, &installation.line_station()?)?;
        let server = est_ground::tls(&installation.est_server()?)?;
        let router = bare_router(est_ground::ANSWER_OCTETS);
        let bare = runtime.block_on(Site::open(router, Some(server)))?;
        let serve = installation.serve(runtime)?;
        let mut clients = Self { installation, runtime, tls, bare, sample: Bytes::new(), titles: 0, serve };
        clients.sample = clients.bodies(1)?.pop().context("no sample")?;
        Ok(clients)
    }

    pub(super) fn close(self) -> anyhow::Result<()> {
        self.serve.terminate()?;
        self.runtime.block_on(self.bare.close())
    }

    /// Requests of so many devices that were never named before, nor by the quickstart.
    fn bodies(&mut self, count: usize) -> anyhow::Result<Vec<Bytes>> {
        let first = self.titles;
        self.titles += u32::try_from(count)?;
        let title = |number: u32| {
            let [a, b, c, d] = (number | 1 << 31).to_be_bytes();
            SystemTitle::new([b'M', b'P', b'K', SUITE.number(), a, b, c, d])
        };
        let devices = applicants(SUITE, (first..self.titles).map(title).collect())?;
        Ok(devices.iter().map(body).collect())
    }

    fn target(&self) -> Target {
        Target {
            address: self.installation.est,
            path: format!("/.well-known/est/{LABEL}/simpleenroll"),
            media_type: est_ground::MEDIA_TYPE,
            is_good: |body| body.starts_with(b"MII"),
        }
    }
}

impl Scene for Clients<'_> {
    type Work = (Vec<Client>, Vec<Bytes>);

    fn step(&self) -> usize {
        CLIENTS
    }

    fn process(&self) -> memory::Process {
        memory::Process::Other(self.serve.id())
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work> {
        let bodies = self.bodies(count)?;
        let target = self.target();
        let clients = self.runtime.block_on(connect_all(&target, Some(&self.tls)))?;
        Ok((clients, bodies))
    }

    fn run(&mut self, (clients, bodies): Self::Work) -> anyhow::Result<Vec<Duration>> {
        self.runtime.block_on(send_all(clients, bodies, &self.target()))
    }

    /// As of EST on kept connections in the same process.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let target = Target::bare(&self.bare, est_ground::MEDIA_TYPE);
        let slice = yardsticks.slice();
        let found = self.runtime.block_on(async {
            let clients = connect_all(&target, Some(&self.tls)).await?;
            exchanges(clients, &self.sample, &target, slice).await
        })?;
        limit(SUITE.curve(), (Term::new(1, "exchange", found), 2), yardsticks)
    }

    /// Each certificate was looked at when it came; the server still serves.
    fn check(&mut self) -> anyhow::Result<()> {
        ensure!(self.serve.ended()?.is_none(), "the server has ended");
        Ok(())
    }
}
