//! A PostgreSQL server of a test's own: made, started, asked, ended.
//!
//! Not its databases, its faults and its standbys.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::cluster::{Cluster, USER};
use crate::ground::{Ground, program};
use crate::net::Host;
use crate::patience::eventually;
use crate::process::{done, free_port, random, start, tail};
use crate::tree::Tree;

/// A PostgreSQL server. Clones are the same server, which ends with the last of them and of its databases.
#[derive(Debug, Clone)]
pub struct Server {
    pub(crate) cluster: Arc<Cluster>,
}

impl Server {
    /// Makes a server as durable as PostgreSQL is, and starts it.
    ///
    /// # Panics
    /// When it does not start, with its log.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with these settings of postgresql.conf.
    ///
    /// # Panics
    /// When it does not start, with its log.
    #[must_use]
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::make(None, settings)
    }

    /// The same on a host of the test's own network.
    ///
    /// # Panics
    /// When it does not start, with its log.
    #[must_use]
    pub fn on(host: &Host, settings: &[(&str, &str)]) -> Self {
        Self::make(Some(host), settings)
    }

    fn make(host: Option<&Host>, settings: &[(&str, &str)]) -> Self {
        // The port is free when it is chosen; another process may be sooner.
        let started = (0..10).find_map(|_| {
            let server = Self::prepare(host, settings, random());
            server.init();
            server.try_launch().then_some(server)
        });
        started.expect("the system has a port for the server")
    }

    /// A server that has nothing yet but its place.
    pub(crate) fn prepare(host: Option<&Host>, settings: &[(&str, &str)], password: String) -> Self {
        let ground = Ground::new(host);
        let cluster = Cluster {
            directory: ground.path().to_owned(),
            ground: Some(ground),
            port: free_port(),
            password,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            running: Mutex::new(None),
        };
        std::fs::write(cluster.directory.join("password"), &cluster.password).expect("it can be written");
        cluster.ground().hand_over(&cluster.directory.join("password"));
        Self { cluster: Arc::new(cluster) }
    }

    fn init(&self) {
        let cluster = &self.cluster;
        let mut command = cluster.ground().command(&program("initdb"));
        command.arg("--pgdata").arg(cluster.data()).arg("--pwfile").arg(cluster.directory.join("password"));
        command.args([
            "--username",
            USER,
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--no-instructions",
        ]);
        command.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
        done(command);
    }

    /// Starts what was prepared; false when another process has its port.
    pub(crate) fn try_launch(&self) -> bool {
        let cluster = &self.cluster;
        cluster.configure();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(cluster.log_file())
            .expect("the log can be made");
        let said_before = log.metadata().expect("it is a file").len();
        // SIGQUIT lets the postmaster end its children and give its shared memory back.
        let mut command = cluster.ground().companion("QUIT", &program("postgres"));
        command.arg("-D").arg(cluster.data()).stdout(log.try_clone().expect("a file")).stderr(log);
        let mut tree = Tree::new(start(command));
        let number = tree.number();
        let up = eventually("PostgreSQL starts", || {
            let ended = tree.ended();
            (ended || cluster.is_ready(number)).then_some(!ended)
        });
        if up {
            *cluster.running() = Some(tree);
            return true;
        }
        let said =
            self.log().get(usize::try_from(said_before).expect("short")..).unwrap_or_default().to_owned();
        assert!(
            said.contains("Address already in use"),
            "PostgreSQL does not start:\n{}",
            tail(&cluster.log_file())
        );
        false
    }

    /// Runs SQL in a database by psql, with nothing but values in what it returns: columns parted by `|`, rows by lines.
    ///
    /// # Panics
    /// With what psql says, when that fails.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "often it is run for what it does")]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|said| panic!("{said}"))
    }

    /// The same for what may fail.
    ///
    /// # Errors
    /// What psql says.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        self.cluster.try_sql(database, sql)
    }

    /// Returns what it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.cluster.log_file()).unwrap_or_default()
    }

    /// Returns its directory: the socket, the log, and in `data` the cluster.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.cluster.directory
    }

    /// Returns its address: 127.0.0.1, or that of its host.
    #[must_use]
    pub fn address(&self) -> String {
        self.cluster.ground.as_ref().map_or_else(|| "127.0.0.1".to_owned(), Ground::address)
    }

    /// Returns its TCP port, which it keeps.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.cluster.port
    }

    /// Returns the password of the user `postgres`, for connections by TCP.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.cluster.password
    }
}
