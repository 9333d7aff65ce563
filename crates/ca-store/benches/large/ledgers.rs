//! Ledgers in databases of one server, opened and timed. Puts nothing into them.

use std::cell::RefCell;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ca_core::ports::Clock;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{Node, Opening, Settings, Shared, Store};
use postgres_peer::Server;

use super::rows::at;

/// A ledger, and the directory of its one node.
pub(crate) struct Ledger {
    pub(crate) database: postgres_peer::Database,
    place: tempfile::TempDir,
    /// As it was opened first.
    first: RefCell<Option<Store>>,
}

impl Ledger {
    /// Makes a ledger and opens it once, so that it has its first audit record.
    pub(crate) fn create(server: &Server) -> Self {
        let database = server.database();
        let place = tempfile::tempdir().unwrap();
        let address = ca_store::Database::parse(&database.url()).unwrap();
        Store::create_shared(&place.path().join("node"), &address, ([1; 16], "a bench")).unwrap();
        let ledger = Self { database, place, first: RefCell::default() };
        let first = ledger.open_at(at(0));
        ledger.first.replace(Some(first));
        ledger
    }

    /// Returns the store that was opened first.
    pub(crate) fn store_of_the_first_start(&self) -> Store {
        self.first.take().unwrap()
    }

    /// Opens it, after all certificates that a bench puts into it.
    pub(crate) fn open(&self) -> Store {
        drop(self.first.take());
        self.open_at(at(60_000_000))
    }

    /// Opens it, tells how long it took until the store answers, and closes it.
    pub(crate) fn time_to_open(&self) -> Duration {
        drop(self.first.take());
        let start = Instant::now();
        let store = self.open();
        store.audit_end().unwrap();
        start.elapsed()
    }

    fn open_at(&self, now: UnixTime) -> Store {
        let database = ca_store::Database::parse(&self.database.url()).unwrap();
        let node = Node {
            name: "node-1".to_owned(),
            version: "1".to_owned(),
            configuration: String::new(),
            clock: Arc::new(RealClock),
            lease: Duration::from_secs(600),
            skew: Duration::from_secs(60),
        };
        let settings = Settings::new(Box::new(|fatal| println!("{fatal}")));
        let settings = Settings { shared: Some(Shared { database, node }), ..settings };
        let opening = Opening { now, tenant: TenantId::parse("dso").unwrap(), boot: None };
        Store::open(&self.place.path().join("node"), &opening, settings).unwrap().0
    }
}

/// Starts the server again, with nothing of its files in memory.
pub(crate) fn go_cold(server: &Server) {
    // What is not written yet is written before, and not while it ends.
    server.sql("postgres", "CHECKPOINT");
    server.stop();
    let data = server.directory().join("data");
    // Every file is told to the kernel as one that nobody will read again; other files of the machine stay where they are.
    let mut forget = Command::new("find");
    forget.arg(data).args(["-type", "f", "-size", "+0"]);
    forget.args(["-exec", "dd", "if={}", "iflag=nocache", "count=0", "status=none", ";"]);
    assert!(forget.status().unwrap().success());
    server.restart();
}

struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        UnixTime::from_seconds(i64::try_from(since.as_secs()).unwrap())
    }
}
