//! A rehearsed installation whose ledger is moved into a real PostgreSQL, and further nodes beside it: the same state in directories
//! of their own, on other addresses of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, path, posting, try_curl};
use e2e::process::{Process, program};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, run};
use postgres_peer::Server;
use serde_json::Value;

/// How long nobody needs to see a node in these tests, in seconds: the shortest lease there is.
const LEASE: u8 = 5;

/// A node beside the first: a copy of its state, with an address of its own.
pub(crate) struct Beside {
    pub(crate) place: PathBuf,
    pub(crate) host: String,
    log: PathBuf,
    process: Option<Process>,
}

/// The first node, which was founded alone, and those beside it.
pub(crate) struct House {
    pub(crate) beside: Vec<Beside>,
    pub(crate) rehearsal: Rehearsal,
    /// The database by the address that all nodes have.
    pub(crate) address: String,
}

/// Returns the table `[store]` of a node.
pub(crate) fn table(address: &str, node: &str) -> String {
    format!(
        "[store]\ntenant = \"dso\"\nengine = \"postgres\"\ndirectory = \"node\"\n\n[store.database]\naddress = \"{address}\"\n\
         node = \"{node}\"\nlease_seconds = {LEASE}\n\n"
    )
}

/// Puts another table `[store]` into a configuration.
pub(crate) fn with_store(text: &str, table: &str) -> String {
    let (before, rest) = text.split_once("[store]").expect("a table for the store");
    let others = |at: &usize| !rest[*at..].starts_with("\n[store.");
    let after = rest.match_indices("\n[").map(|(at, _)| at).find(others).map_or("", |at| &rest[at + 1..]);
    format!("{before}{table}{after}")
}

impl House {
    /// Founds an installation, moves its ledger into the database that the servers have, and serves it on so many nodes.
    pub(crate) fn found(server: &Server, address: impl FnOnce(&str) -> String, nodes: usize) -> Self {
        let name = format!("ledger_{}", std::process::id());
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
        let address = address(&name);
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let node = path(&rehearsal.state("node"));
        drop(rehearsal.operator(&["store", "migrate", "--to", &address, "--node-directory", &node]).ok());
        rehearsal.configure("shared.toml", |text| with_store(&text, &table(&address, "ca-1")));
        rehearsal.serve();
        let mut house = Self { beside: Vec::new(), rehearsal, address };
        (1..nodes).for_each(|_| house.add());
        house
    }

    /// Adds a node.
    fn add(&mut self) {
        let number = self.beside.len() + 2;
        let (name, host) = (format!("ca-{number}"), format!("127.0.0.{number}"));
        let place = self.rehearsal.scratch(&name);
        drop(run("cp", ["-a", &path(&self.rehearsal.state("")), &path(&place)]).ok());
        for own in ["store", "node"] {
            std::fs::remove_dir_all(place.join(own)).expect("it was copied");
        }
        drop(std::fs::remove_file(place.join("operator.sock")));
        let node = path(&place.join("node"));
        let words = ["store", "create", &node, "--engine", "postgres", "--database", &self.address, "--join"];
        drop(finish(Command::new(program("meter-pki")).args(words)).ok());
        let text = std::fs::read_to_string(place.join("shared.toml")).expect("the configuration");
        let text = with_store(&listening(&text, &host), &table(&self.address, &name));
        std::fs::write(place.join("shared.toml"), text).expect("a configuration of its own");
        let log = self.rehearsal.scratch(&format!("{name}.log"));
        let mut node = Beside { place, host, log, process: None };
        node.serve();
        self.beside.push(node);
    }

    /// Enrols a meter over the node of this number, from 0; `shown` is what it shows.
    pub(crate) fn try_enrol(&self, node: usize, request: &[u8], shown: &Shown) -> Result<Answer, Said> {
        let host = node.checked_sub(1).map(|other| self.beside[other].host.as_str());
        self.try_enrol_at(host, request, shown)
    }

    /// The same over the node with this address; the first one where there is none.
    pub(crate) fn try_enrol_at(
        &self,
        host: Option<&str>,
        request: &[u8],
        shown: &Shown,
    ) -> Result<Answer, Said> {
        let label = "meter-op-tls-s1";
        let mut more = vec!["--max-time", "60"];
        let there = host.map(|host| format!("::{host}:"));
        if let Some(there) = &there {
            more.extend(["--connect-to", there]);
        }
        let text = e2e::peer::encoded(request);
        let arguments = posting(&self.rehearsal, text.as_bytes(), shown, &more);
        try_curl(&self.rehearsal, &format!("{}/simpleenroll", self.rehearsal.est(label)), &arguments)
    }

    /// Returns where the status server of the node of this number is, from 0.
    pub(crate) fn status(&self, node: usize) -> String {
        let first = self.rehearsal.status();
        node.checked_sub(1)
            .map_or_else(|| first.clone(), |other| first.replace("127.0.0.1", &self.beside[other].host))
    }

    /// Runs a verb of the operator on the node of this number, from 0.
    pub(crate) fn operator(&self, node: usize, arguments: &[&str]) -> Said {
        match node.checked_sub(1) {
            None => self.rehearsal.operator(arguments),
            Some(other) => self.beside[other].operator(arguments),
        }
    }

    /// Makes meters known, and returns what each shows when it enrols.
    pub(crate) fn expect(&self, titles: &[&str]) -> Vec<Shown> {
        self.rehearsal.expect_devices("dso", titles);
        titles.iter().map(|title| self.rehearsal.token(title, "meter-op-tls-s1").into()).collect()
    }

    /// Makes the request of a meter.
    pub(crate) fn request(&self, title: &str) -> Vec<u8> {
        Meter::new(&self.rehearsal, title, Suite::One).ask().request
    }

    /// Returns the nodes as the node of this number sees them.
    pub(crate) fn nodes(&self, node: usize) -> Vec<Value> {
        let words = ["--json", "store", "nodes"];
        let said = match node.checked_sub(1) {
            None => return listed(&self.rehearsal.operator_json(&["store", "nodes"])),
            Some(other) => self.beside[other].operator(&words).ok().out,
        };
        listed(&serde_json::from_str(&said).expect("JSON"))
    }
}

/// Puts another address of this machine where a configuration says where to listen.
pub(crate) fn listening(text: &str, host: &str) -> String {
    text.replace("listen = \"127.0.0.1:", &format!("listen = \"{host}:"))
}

fn listed(page: &Value) -> Vec<Value> {
    page["nodes"].as_array().expect("a list of nodes").clone()
}

impl Beside {
    /// Starts it, and waits until it answers.
    pub(crate) fn serve(&mut self) {
        let configuration = path(&self.place.join("shared.toml"));
        self.process = Some(Process::start(&["--config", &configuration, "serve"], self.log.clone()));
        eventually("a further node answers its operator", || {
            let process = self.process.as_mut().expect("it was started");
            assert!(process.ended().is_none(), "it ended: {}", process.log());
            self.operator(&["ca", "list"]).success.then_some(())
        });
    }

    /// Runs a verb of the operator there.
    pub(crate) fn operator(&self, arguments: &[&str]) -> Said {
        operator(&self.place, arguments)
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Ends it in order.
    pub(crate) fn stop(&mut self) {
        let status = self.process.take().expect("it runs").stop();
        assert!(status.success(), "SIGTERM ends a node in order: {status}");
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let number = self.process.as_ref().expect("it runs").number().to_string();
        drop(run("kill", ["-s", signal, &number]).ok());
    }

    /// Returns what it said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Runs a verb of the operator of a state directory.
pub(crate) fn operator(place: &Path, arguments: &[&str]) -> Said {
    let configuration = place.join("shared.toml");
    finish(Command::new(program("meter-pki")).arg("--config").arg(configuration).args(arguments))
}
