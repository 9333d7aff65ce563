//! pgbouncer in front of a server, in transaction pooling: each transaction may have another session of the server.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::cluster::USER;
use crate::database::Database;
use crate::ground::{Ground, variable};
use crate::patience::eventually;
use crate::process::{free_port, start, tail};
use crate::server::Server;

/// A running pgbouncer. It ends with this value, or with the process.
#[derive(Debug)]
pub struct Pooler {
    server: Server,
    ground: Ground,
    port: u16,
    child: Child,
}

impl Pooler {
    /// Starts one beside the server, on the same host, that has at most so many connections to each database of the server.
    ///
    /// # Panics
    /// When it does not start, with its log.
    #[must_use]
    pub fn start(server: &Server, connections: usize) -> Self {
        // The port is free when it is chosen; another process may be sooner.
        let started = (0..10).find_map(|_| Self::try_start(server, connections));
        started.expect("the system has a port for pgbouncer")
    }

    fn try_start(server: &Server, connections: usize) -> Option<Self> {
        let host = server.cluster.ground.as_ref().and_then(Ground::host);
        let (ground, port) = (Ground::new(host), free_port());
        let program = copied(&ground);
        let settings = settings(server, &ground, (port, connections));
        let password = format!("\"{USER}\" \"{}\"\n", server.password());
        for (name, text) in [("pgbouncer.ini", settings), ("users", password)] {
            let file = ground.path().join(name);
            std::fs::write(&file, text).expect("it can be written");
            ground.hand_over(&file);
        }
        let mut command = ground.companion("KILL", &program);
        let log = std::fs::File::create(ground.path().join("log")).expect("the log can be made");
        command.arg("pgbouncer.ini").stdout(log.try_clone().expect("a file")).stderr(log);
        let mut pooler = Self { server: server.clone(), child: start(command), ground, port };
        eventually("pgbouncer listens", || pooler.state()).then_some(pooler)
    }

    /// Whether it listens, or that another process has its port; nothing while it starts.
    fn state(&mut self) -> Option<bool> {
        if self.child.try_wait().expect("a child can be waited for").is_some() {
            let log = tail(&self.ground.path().join("log"));
            assert!(log.contains("Address already in use"), "pgbouncer does not start:\n{log}");
            return Some(false);
        }
        // It opens this socket after that for TCP, which is on its host.
        let socket = self.ground.path().join(format!(".s.PGSQL.{}", self.port));
        UnixStream::connect(socket).ok().map(|_| true)
    }

    /// Returns the URL of a database of the server by way of this.
    #[must_use]
    pub fn url(&self, database: &Database) -> String {
        let (password, address, port) = (self.server.password(), self.ground.address(), self.port);
        format!("postgresql://{USER}:{password}@{address}:{port}/{}", database.name())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // Both fail only for a child that ended before.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn settings(server: &Server, ground: &Ground, (port, connections): (u16, usize)) -> String {
    let (socket, own, address) = (server.directory().display(), ground.path().display(), ground.address());
    format!(
        "[databases]\n* = host={socket} port={} user={USER}\n\
        [pgbouncer]\nlisten_addr = {address}\nlisten_port = {port}\nunix_socket_dir = {own}\n\
        auth_type = scram-sha-256\nauth_file = {own}/users\npool_mode = transaction\n\
        default_pool_size = {connections}\nmax_client_conn = 400\nserver_login_retry = 0.1\n",
        server.port()
    )
}

/// A copy of the program where its user finds it: he may not enter the place where it was built or unpacked.
fn copied(ground: &Ground) -> PathBuf {
    let named = variable("METER_PKI_PGBOUNCER").map(PathBuf::from);
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/pgbouncer/bin");
    let places = [named, Some(unpacked), Some(PathBuf::from("/usr/sbin"))];
    let mut files = places.into_iter().flatten().map(|folder| folder.join("pgbouncer"));
    let program =
        files.find(|file| file.exists()).expect("pgbouncer is missing: install it with `tests/run tools`");
    let copy = ground.path().join("pgbouncer");
    std::fs::copy(&program, &copy).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    ground.hand_over(&copy);
    copy
}
