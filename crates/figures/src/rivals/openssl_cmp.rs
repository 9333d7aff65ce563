//! The mock server of `openssl cmp`, asked by our own CMP client with ir and certConf. It issues nothing: it grants one and the same
//! certificate to whoever asks, and it talks with one client at a time. It signs with SHA-256 whatever curve its key is on, which our
//! client does not take on P-384: there is a row of P-256 alone.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;
use cmp_client::{CmpClient, Conversation};
use hyper::body::Bytes;
use tokio::runtime::Runtime;

use super::attempt;
use crate::applicants::{Applicant, applicants};
use crate::authorities::certified;
use crate::cmp::{ANSWER_OCTETS, MEDIA_TYPE, begin, client, talk};
use crate::est_ground::pem;
use crate::house::House;
use crate::http::{Client, Site, Target, bare_router};
use crate::kept::exchanges;
use crate::measure::{Limit, Scene, Term};
use crate::process::Process;
use crate::speed::Stopwatch;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// The only path that it takes.
const PATH: &str = "/pkix/";

/// Measures the one row.
pub(super) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let suite = SecuritySuite::Suite1;
    let name = format!("CMP, {}, `openssl cmp` mock server, one certificate given again", suite.curve());
    let open = || {
        let house = House::found(&stage.directory("openssl-cmp"), stage.means, (suite, EngineKind::Fjall))?;
        Asking::open(&house, runtime)
    };
    attempt(stage, (&name, "openssl"), yardsticks, open)
}

struct Asking<'g> {
    suite: SecuritySuite,
    runtime: &'g Runtime,
    client: Arc<CmpClient>,
    device: Applicant,
    target: Target,
    bare: Site,
    /// Ends when this is dropped.
    _process: Process,
}

impl<'g> Asking<'g> {
    fn open(house: &House, runtime: &'g Runtime) -> anyhow::Result<Self> {
        let device = applicants(house.suite, house.new_titles(1))?.pop().context("no device")?;
        equip(house, &device)?;
        let (process, port) = start(&house.place)?;
        let target = Target {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            path: PATH.to_owned(),
            media_type: MEDIA_TYPE,
            is_good: |body| !body.is_empty(),
        };
        let bare = runtime.block_on(Site::open(bare_router(ANSWER_OCTETS), None))?;
        let client = Arc::new(client(house)?);
        Ok(Self { suite: house.suite, runtime, client, device, target, bare, _process: process })
    }
}

/// Has the certificate issued that it is to grant, and writes what it needs.
fn equip(house: &House, device: &Applicant) -> anyhow::Result<()> {
    let granted = house.factory.enrol(device.request(&house.line, &house.profile("meter-factory-ds")?)?)?;
    let profile = house.profile("cmp-signer")?;
    let spokesman = certified(&house.infrastructure, house.suite, &profile, ("CMP Signer", &[]))?;
    let own = spokesman.certificates.first().context("the signer of messages has no certificate")?;
    let certificates = [
        ("root", house.root.der()),
        ("infrastructure", house.infrastructure.issuer().certificate().der()),
        ("factory", house.factory.issuer().certificate().der()),
        ("granted", granted.der()),
        ("spokesman", own),
    ];
    for (name, der) in certificates {
        std::fs::write(house.place.join(name).with_extension("pem"), pem("CERTIFICATE", der)?)?;
    }
    Ok(std::fs::write(house.place.join("spokesman.key"), pem("PRIVATE KEY", &spokesman.key)?)?)
}

/// Starts it at a port that the system chooses, which it tells.
fn start(place: &Path) -> anyhow::Result<(Process, u16)> {
    let line = "-port 0 -srv_cert spokesman.pem -srv_key spokesman.key -srv_trusted root.pem \
                -srv_untrusted infrastructure.pem -rsp_cert granted.pem -rsp_extracerts factory.pem";
    let mut command = Command::new("openssl");
    command.args(["cmp", "-config", ""]).args(line.split_whitespace()).current_dir(place);
    let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::null()))?;
    let mut said = BufReader::new(process.output().context("it cannot be heard")?);
    let port = loop {
        let mut line = String::new();
        anyhow::ensure!(said.read_line(&mut line)? > 0, "it ended before it listened");
        // `ACCEPT [::]:36927 PID=26678`
        if let Some(place) = line.strip_prefix("ACCEPT ").and_then(|rest| rest.split_whitespace().next()) {
            break place.rsplit(':').next().unwrap_or_default().parse().context("it says no port")?;
        }
    };
    // It says more later, which somebody must read.
    std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
    Ok((process, port))
}

impl Scene for Asking<'_> {
    type Work = Vec<Conversation>;

    fn step(&self) -> usize {
        1
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work> {
        (0..count).map(|_| begin(&self.client, &self.device)).collect()
    }

    /// It keeps a connection for as long as a transaction takes.
    fn run(&mut self, begun: Self::Work) -> anyhow::Result<Vec<Duration>> {
        self.runtime.block_on(async {
            let mut waits = Vec::with_capacity(begun.len());
            for conversation in begun {
                let watch = Stopwatch::start();
                let mut client = Client::connect(self.target.address, None).await?;
                talk(&mut client, conversation, &self.target).await?;
                client.close().await?;
                waits.push(watch.elapsed());
            }
            Ok(waits)
        })
    }

    /// As of our own server, but for what it does not do: no certificate is signed, verified or recorded. The client verifies the
    /// one that it is given.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let bare = Target::bare(&self.bare, MEDIA_TYPE);
        let slice = yardsticks.slice();
        let body = Bytes::from(vec![0x30; ANSWER_OCTETS]);
        let found = self.runtime.block_on(async {
            let client = Client::connect(bare.address, None).await?;
            exchanges(vec![client], &body, &bare, slice).await
        })?;
        // The first of the four messages is made beforehand.
        let curve = self.suite.curve();
        let sign = Term::new(3, "sign", yardsticks.signatures(curve, 1)?);
        let verify = Term::new(10, "verify", yardsticks.verifications(curve, 1)?);
        Ok(Limit::of(vec![vec![Term::new(2, "exchange", found), sign, verify]]))
    }

    /// Each conversation came to its end with a certificate.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}
