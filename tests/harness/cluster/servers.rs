//! The two servers of a house, which change their parts: the primary, and the standby that its commits wait for.

use postgres_peer::{Database, Host, Net, Server};

/// The settings of both: everything that waits for a host which is gone, waits for seconds.
const SETTINGS: &[(&str, &str)] = &[
    ("max_connections", "100"),
    ("wal_sender_timeout", "20s"),
    ("wal_receiver_timeout", "20s"),
    ("checkpoint_timeout", "30s"),
];

/// The servers.
#[derive(Debug)]
pub struct Servers {
    places: [Server; 2],
    hosts: [Host; 2],
    primary: usize,
    database: Database,
}

impl Servers {
    /// Starts both with an empty database.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start(net: &Net) -> Self {
        let hosts = [net.host(), net.host()];
        let primary = Server::on(&hosts[0], SETTINGS);
        let database = primary.database();
        let standby = primary.standby_on(&hosts[1], "second");
        primary.make_synchronous("second");
        Self { places: [primary, standby], hosts, primary: 0, database }
    }

    /// Returns the server that takes writes.
    #[must_use]
    pub fn primary(&self) -> &Server {
        &self.places[self.primary]
    }

    /// Returns the other one.
    #[must_use]
    pub fn standby(&self) -> &Server {
        &self.places[1 - self.primary]
    }

    /// Returns their hosts, the primary's first.
    #[must_use]
    pub fn hosts(&self) -> [&Host; 2] {
        [&self.hosts[self.primary], &self.hosts[1 - self.primary]]
    }

    /// Returns the address that nodes have, which names both, and the password.
    #[must_use]
    pub fn address(&self) -> (String, String) {
        let [one, two] = &self.places;
        let address = format!(
            "postgres://postgres@{}:{},{}:{}/{}?sslmode=disable&connect_timeout=1",
            one.address(),
            one.port(),
            two.address(),
            two.port(),
            self.database.name()
        );
        (address, one.password().to_owned())
    }

    /// Returns the address of a database on the primary by its socket.
    #[must_use]
    pub fn by_socket(&self, name: &str) -> String {
        let primary = self.primary();
        let (directory, port) = (primary.directory().display(), primary.port());
        format!("postgresql:///{name}?host={directory}&port={port}&user=postgres")
    }

    /// Returns the name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.database.name()
    }

    /// Asks the primary something; nothing when it does not answer.
    #[must_use]
    pub fn ask(&self, sql: &str) -> Option<String> {
        self.primary().try_sql(self.name(), sql).ok()
    }

    /// Has the standby take over from a primary that is gone, and the old one follow it.
    pub fn fail_over(&mut self) {
        self.standby().promote();
        self.primary = 1 - self.primary;
        self.standby().follow(self.primary(), "second");
        self.primary().make_synchronous("second");
    }
}
