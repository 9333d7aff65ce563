//! A house: one shared ledger with its nodes and servers, from its founding to the last check.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postgres_peer::Net;

use super::fault::Fault;
use super::node::Node;
use super::report::Tally;
use super::requesters::{Gate, REQUESTERS, Requesters};
use super::servers::Servers;
use super::world::World;
use super::{GRACE, LEASE, NODES, founding};
use crate::crash::template::program;
use crate::patience::eventually;

/// After how many faults everybody rests and the ledger is checked.
const CHECK_EVERY: usize = 20;

/// How long an uncertain outcome may stay unrevoked while everything is under way: whoever made a CRL may have begun before an
/// outcome was on record, and may have waited for its turn since.
const UNDER_WAY: &str = "120";

/// How often it is looked whether a node has to be started again.
const LOOK: Duration = Duration::from_millis(50);

/// A house.
#[derive(Debug)]
pub struct House {
    /// The two servers.
    pub servers: Servers,
    directory: PathBuf,
    nodes: Arc<Vec<Node>>,
    world: Arc<World>,
    gate: Arc<Gate>,
    keeper: Arc<Keeper>,
    also: Mutex<Vec<&'static str>>,
}

/// Whether nodes that have ended are started again.
#[derive(Debug, Default)]
struct Keeper {
    wanted: Mutex<bool>,
    starts: AtomicU64,
}

impl Keeper {
    fn want(&self, wanted: bool) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }
}

impl House {
    /// Founds it in a directory that is absent.
    ///
    /// # Panics
    /// When there is no space, no root or no PostgreSQL.
    #[must_use]
    pub fn new(directory: &Path, seed: u64) -> Self {
        std::fs::create_dir(directory).expect("the house has a directory of its own");
        let directory = directory.canonicalize().expect("a directory has a path");
        let net = Net::new();
        let servers = Servers::start(&net);
        founding::authority(&directory);
        founding::ledger(&directory, &servers.by_socket(servers.name()));
        let (address, password) = servers.address();
        std::fs::write(directory.join("address"), address).expect("the house has space");
        std::fs::write(directory.join("password"), password).expect("the house has space");
        let nodes = NODES.map(|name| Node::new(name, net.host())).into();
        let world = Arc::new(World::new(directory.clone(), seed));
        let also = Mutex::default();
        Self {
            servers,
            directory,
            nodes: Arc::new(nodes),
            world,
            gate: Arc::default(),
            keeper: Arc::default(),
            also,
        }
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Counts what came with a fault.
    pub(super) fn also(&self, what: &'static str) {
        self.also.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Sets a node's clock so many seconds ahead, now and for its next start.
    pub(super) fn set_clock(&self, node: &Node, ahead: i64) {
        std::fs::write(self.directory.join(node.name).join("ahead"), ahead.to_string())
            .expect("the house has space");
        node.tell(&format!("clock {ahead}"));
    }

    /// Plays a plan to its end and checks; returns everything that is wrong.
    ///
    /// # Panics
    /// When a server does not come back.
    pub fn play(&mut self, plan: &[Fault], tally: &mut Tally) -> Vec<String> {
        let (nodes, world, gate) = (Arc::clone(&self.nodes), Arc::clone(&self.world), Arc::clone(&self.gate));
        let (keeper, directory) = (Arc::clone(&self.keeper), self.directory.clone());
        keeper.want(true);
        std::thread::scope(|scope| {
            let requesters = Requesters { nodes: &nodes, world: &world, gate: &gate };
            // Nodes end with the thread that starts them.
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            scope.spawn({
                let (nodes, world, keeper) = (&nodes, &world, &keeper);
                move || keep(nodes, (&directory, world), keeper, &stopped)
            });
            for _ in 0..REQUESTERS {
                scope.spawn(move || requesters.enrol());
            }
            scope.spawn(move || requesters.publish());
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let found = self.play_faults(plan, tally);
                if found.is_empty() { self.finish(requesters, tally) } else { found }
            }));
            gate.over();
            drop(stop);
            outcome.unwrap_or_else(|cause| std::panic::resume_unwind(cause))
        })
    }

    fn play_faults(&mut self, plan: &[Fault], tally: &mut Tally) -> Vec<String> {
        self.all_join();
        for (number, fault) in plan.iter().enumerate() {
            // Something is under way when it comes.
            let before = 50 + self.world.below(250);
            self.gate.pause(Duration::from_millis(before));
            self.strike(*fault);
            tally.count(&fault.to_string());
            let also = std::mem::take(&mut *self.also.lock().unwrap_or_else(PoisonError::into_inner));
            also.into_iter().for_each(|what| tally.count(what));
            let told = |what: String| format!("fault {number}, {fault}: {what}");
            let mut found: Vec<String> = self.world.complaints().into_iter().map(told).collect();
            if number % CHECK_EVERY == CHECK_EVERY - 1 {
                found.extend(self.rest_and_check().into_iter().map(told));
                tally.checks += 1;
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Waits until all nodes are there.
    fn all_join(&self) {
        eventually("all nodes join", || {
            let count = self.servers.ask("SELECT count(*) FROM meter_pki.nodes WHERE NOT fenced")?;
            (count == NODES.len().to_string()).then_some(())
        });
    }

    fn rest_and_check(&self) -> Vec<String> {
        let quiet = self.gate.quiet();
        let mut found = self.world.complaints();
        if !quiet {
            found.push("requesters do not get what they want".to_owned());
        }
        found.extend(self.check_at_rest(&["--grace", UNDER_WAY]));
        self.gate.go_on();
        found
    }

    /// Everybody is served, a further start of all nodes changes nothing, and what is uncertain is on a CRL.
    fn finish(&self, requesters: Requesters<'_>, tally: &mut Tally) -> Vec<String> {
        let mut found = Vec::new();
        if !self.gate.quiet() {
            found.push("requesters do not get what they want".to_owned());
        }
        self.all_join();
        // Whoever was killed last is noticed, and what it left open ends.
        eventually("nothing is open any more", || {
            (self.servers.ask("SELECT count(*) FROM meter_pki.open")? == "0").then_some(())
        });
        self.gate.pause(LEASE.max(Duration::from_secs(u64::try_from(GRACE).expect("it is small") + 2)));
        if !requesters.publish_one() {
            found.push("no CRL is published".to_owned());
        }
        found.extend(self.world.complaints());
        let grace = GRACE.to_string();
        found.extend(self.check_at_rest(&["--all-published", "--grace", &grace]));
        found.extend(self.stop_all());
        let before = format!("before_{}", self.servers.name());
        let copy = format!("CREATE DATABASE {before} TEMPLATE {} STRATEGY file_copy", self.servers.name());
        self.servers.primary().sql("postgres", &copy);
        self.keeper.want(true);
        self.all_join();
        found.extend(self.stop_all());
        let again = self.servers.by_socket(self.servers.name());
        found.extend(self.check(&before, &["--again-database", &again, "--grace", UNDER_WAY]));
        tally.checks += 2;
        tally.houses += 1;
        tally.starts += self.keeper.starts.load(Ordering::SeqCst);
        tally.add_acknowledged(self.world.acknowledged());
        tally.records += self
            .servers
            .ask("SELECT count(*) FROM meter_pki.audit")
            .and_then(|count| count.parse::<u64>().ok())
            .unwrap_or_default();
        found
    }

    fn stop_all(&self) -> Vec<String> {
        self.keeper.want(false);
        let ended = self.nodes.iter().filter_map(|node| Some((node.name, node.stop()?)));
        ended
            .filter(|(_, status)| !status.success())
            .map(|(name, status)| format!("asked to stop, node {name} ended with {status}"))
            .collect()
    }

    /// Asks the checker about the ledger while nothing was written: whoever asked goes away before a node does what it asked for,
    /// and the checker reads rows and files one after the other.
    fn check_at_rest(&self, more: &[&str]) -> Vec<String> {
        let records = || self.servers.ask("SELECT count(*) FROM meter_pki.audit");
        eventually("the ledger rests while it is checked", || {
            let before = records()?;
            let found = self.check(self.servers.name(), more);
            (records()? == before).then_some(found)
        })
    }

    /// Asks the checker about a database of the primary.
    fn check(&self, name: &str, more: &[&str]) -> Vec<String> {
        self.world.write();
        let within = |name: &str| self.directory.join(name);
        let mut checker = Command::new(program("ledger-checker-under-test"));
        checker.args(["--database", &self.servers.by_socket(name)]);
        checker.arg("--signatures").arg(within("signatures"));
        checker.arg("--clients").arg(within("clients"));
        checker.arg("--authorities").arg(within("authorities"));
        checker.arg("--published").arg(within("published"));
        checker.args(more);
        let said = checker.stdin(Stdio::null()).output().expect("the checker starts");
        let text = String::from_utf8_lossy(&said.stdout);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if !said.status.success() && lines.is_empty() {
            let error = String::from_utf8_lossy(&said.stderr);
            lines.push(format!("the checker ended with {}: {error}", said.status));
        }
        lines
    }
}

/// Starts nodes that have ended, as long as they are wanted.
fn keep(
    nodes: &[Node],
    (directory, world): (&Path, &Arc<World>),
    keeper: &Keeper,
    stopped: &std::sync::mpsc::Receiver<()>,
) {
    while stopped.recv_timeout(LOOK) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        let wanted = keeper.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        for node in nodes.iter().filter(|_| *wanted) {
            if node.keep_running(directory, world) {
                keeper.starts.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}
