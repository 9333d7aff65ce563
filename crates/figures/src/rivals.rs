//! Responders of others, asked by the same clients in the same run: `openssl ocsp`, which signs each answer and ends each
//! connection, and `cfssl ocspserve`, which gives answers again that were signed before.

mod ground;

use std::io::{Write, stderr};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, ensure};
use ca_core::suite::Curve;
use hyper::body::Bytes;
use tokio::runtime::Runtime;

use crate::http::{Client, Site, Target, bare_router};
use crate::kept::{CLIENTS, Errand, connect_all, connections, exchanges, run_all, send_all};
use crate::measure::{Limit, Row, Scene, Term, measure};
use crate::ocsp::MEDIA_TYPE;
use crate::ocsp_request::is_successful;
use crate::speed::Stopwatch;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;
use ground::Ground;

/// How long a program may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures all rows about responders of others. Where one is not installed, nothing can be said.
pub(crate) fn rows(
    stage: &Stage<'_>,
    runtime: &Runtime,
    yardsticks: &mut Yardsticks,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for curve in [Curve::P256, Curve::P384] {
        for rival in [Rival::OpenSsl, Rival::Cfssl] {
            let name = format!("OCSP, {curve}, {}", rival.name());
            if stage.wants(&name) && rival.is_installed(&name)? {
                let ground = Ground::found(&stage.directory(&format!("rival-{curve}-{rival:?}")), curve)?;
                let mut scene = match Asked::open(rival, &ground, runtime) {
                    Ok(scene) => scene,
                    // Ours are measured whatever theirs do.
                    Err(error) => {
                        writeln!(stderr(), "not measured: {name}: {error}")?;
                        continue;
                    }
                };
                rows.push(measure(&name, &mut scene, stage.pace(), yardsticks)?);
                runtime.block_on(scene.bare.close())?;
            }
        }
    }
    Ok(rows)
}

/// Whose responder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rival {
    OpenSsl,
    Cfssl,
}

impl Rival {
    /// Tells whether there is one, and says so if there is none.
    fn is_installed(self, name: &str) -> anyhow::Result<bool> {
        let program = match self {
            Self::OpenSsl => "openssl",
            Self::Cfssl => "cfssl",
        };
        let installed = Command::new(program).arg("version").output().is_ok();
        if !installed {
            writeln!(stderr(), "not measured: {name}: there is no {program}")?;
        }
        Ok(installed)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "`openssl ocsp`, signed for each request",
            Self::Cfssl => "`cfssl ocspserve`, given again",
        }
    }
}

/// A process that ends with its scene.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // With all that it has started: it leads a group of its own. Whoever has ended already needs no end.
        drop(Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).status());
        drop(self.0.wait());
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
        let process = Process(match rival {
            Rival::OpenSsl => ground.openssl(address.port())?,
            Rival::Cfssl => ground.cfssl(address.port())?,
        });
        wait_for(address)?;
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
                let sign = yardsticks.signatures(self.curve, ground::PROCESSES)?;
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
        Ok(Limit { lanes: vec![steps] })
    }

    /// Each answer was looked at when it came.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Programs that cannot be told to choose a port get one that is free. It is none of those that the system gives to clients: after
/// a row with ten thousands of connections, most of these are still held by connections that have ended.
fn free_address() -> anyhow::Result<SocketAddr> {
    let is_free = |port: &u16| TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).is_ok();
    let port = (15_000..32_000).find(is_free).context("no port is free")?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[expect(clippy::disallowed_methods, reason = "programs of others tell nobody when they listen")]
fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    while TcpStream::connect(address).is_err() {
        ensure!(watch.elapsed() < PATIENCE, "nobody listens at {address}");
        // Not at once: an attempt may come from the very port, and be in the way.
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
