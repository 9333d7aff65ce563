//! How many certificates per second one, two and three nodes take through T1, the signing mark and T2 on one PostgreSQL, beside
//! the engine on fjall and beside pgbench's own rate of durable commits, all in the same run. Nothing is signed here, and all
//! processes share this machine.
//!
//! `cargo bench -p ca-store --bench cluster` prints one line for each; `-- SECONDS` changes how long.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "load/issuing.rs"]
mod load;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ca_core::ports::Clock;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{Database, EngineKind, Node, Opening, Settings, Shared, Store};
use load::{NOW, measure};
use postgres_peer::Server;

const REQUESTERS: u64 = 64;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let length = Duration::from_secs(arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10));
    let server = Server::start();
    println!(
        "pgbench, {REQUESTERS} clients, one row and one commit each: {:.0} commits/s",
        pgbench(&server, length)
    );
    let embedded = tempfile::tempdir().unwrap();
    let path = embedded.path().join("ledger");
    Store::create(&path, EngineKind::Fjall).unwrap();
    let store = Store::open(&path, &opening(), settings()).unwrap().0;
    println!("{}", measure("fjall", &[store], REQUESTERS, length));
    for nodes in 1..=3 {
        let database = server.database();
        let places: Vec<tempfile::TempDir> = (0..nodes).map(|_| tempfile::tempdir().unwrap()).collect();
        let stores: Vec<Store> =
            places.iter().zip(1..).map(|(place, number)| node(&database.url(), place, number)).collect();
        println!("{}", measure(&format!("{nodes} nodes"), &stores, REQUESTERS, length));
    }
}

/// Returns pgbench's rate of transactions that insert one row of a certificate's length.
fn pgbench(server: &Server, length: Duration) -> f64 {
    let database = server.database();
    database.sql("CREATE TABLE row (key bytea PRIMARY KEY, value bytea NOT NULL)");
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("insert.sql");
    let insert = "INSERT INTO row VALUES (uuid_send(gen_random_uuid()), decode(repeat('ab', 700), 'hex'));\n";
    std::fs::write(&script, insert).unwrap();
    let clients = REQUESTERS.to_string();
    let said = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &length.as_secs().to_string(), "-f"])
        .arg(&script)
        .arg(database.url())
        .output()
        .expect("pgbench runs");
    let said = String::from_utf8(said.stdout).unwrap();
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).expect("pgbench tells its rate");
    tps.split(' ').next().unwrap().parse().unwrap()
}

fn node(url: &str, place: &tempfile::TempDir, number: u8) -> Store {
    let path = place.path().join("node");
    let database = Database::parse(url).unwrap();
    if number == 1 {
        Store::create_shared(&path, &database, ([number; 16], "a bench")).unwrap();
    } else {
        Store::join_shared(&path, &database, [number; 16]).unwrap();
    }
    let node = Node {
        name: format!("node-{number}"),
        version: "1".to_owned(),
        configuration: String::new(),
        clock: Arc::new(RealClock),
        lease: Duration::from_secs(600),
        skew: Duration::from_secs(60),
    };
    let settings = Settings { shared: Some(Shared { database, node }), ..settings() };
    Store::open(&path, &opening(), settings).unwrap().0
}

fn opening() -> Opening {
    Opening { now: NOW, tenant: TenantId::parse("dso").unwrap(), boot: None }
}

fn settings() -> Settings {
    Settings::new(Box::new(|fatal| println!("{fatal}")))
}

struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        UnixTime::from_seconds(i64::try_from(since.as_secs()).unwrap())
    }
}
