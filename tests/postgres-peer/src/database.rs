//! Fresh databases of a server, and how programs are told to connect to them.

use std::sync::Arc;

use crate::cluster::{Cluster, USER};
use crate::process::random;
use crate::server::Server;

/// Does not wait for a standby, which may be gone before.
const LOCAL: &str = "-c synchronous_commit=local -c statement_timeout=10s";

/// A database of its own for a test. It is dropped with this value, whoever is connected; so is nothing when the server is
/// gone.
#[derive(Debug)]
pub struct Database {
    cluster: Arc<Cluster>,
    name: String,
}

impl Server {
    /// Makes an empty database.
    ///
    /// # Panics
    /// When the server does not run.
    #[must_use]
    #[track_caller]
    pub fn database(&self) -> Database {
        let name = format!("t_{}", random());
        // A copy of files is twice as fast as one by the log where nothing is synced, and as fast elsewhere.
        self.sql(USER, &format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy"));
        Database { cluster: Arc::clone(&self.cluster), name }
    }
}

impl Database {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the server that it was made in.
    #[must_use]
    pub fn server(&self) -> Server {
        Server { cluster: Arc::clone(&self.cluster) }
    }

    /// Returns its URL by the Unix socket.
    #[must_use]
    pub fn url(&self) -> String {
        let (directory, port) = (self.cluster.directory.display(), self.cluster.port);
        format!("postgresql:///{}?host={directory}&port={port}&user={USER}", self.name)
    }

    /// Returns its URL by TCP at the address of its server, with the password.
    #[must_use]
    pub fn tcp_url(&self) -> String {
        self.tcp_url_among(&[&self.server()])
    }

    /// Returns the URL by TCP of the database of this name on whichever of these servers takes writes: a primary and its
    /// standbys, which have one password.
    #[must_use]
    pub fn tcp_url_among(&self, servers: &[&Server]) -> String {
        let place = |server: &&Server| format!("{}:{}", server.address(), server.port());
        let hosts: Vec<String> = servers.iter().map(place).collect();
        let choice = if servers.len() > 1 { "?target_session_attrs=read-write" } else { "" };
        format!("postgresql://{USER}:{}@{}/{}{choice}", self.cluster.password, hosts.join(","), self.name)
    }

    /// Runs SQL in it, as [`Server::sql`].
    ///
    /// # Panics
    /// With what psql says, when that fails.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "often it is run for what it does")]
    pub fn sql(&self, sql: &str) -> String {
        self.server().sql(&self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // With the last who uses it a server goes as a whole, unless it is of another process.
        if self.cluster.ground.is_none() || Arc::strong_count(&self.cluster) > 1 {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            drop(self.cluster.try_sql_with(LOCAL, USER, &sql));
        }
    }
}
