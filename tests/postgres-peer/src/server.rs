//! A PostgreSQL server of a test's own: made, started, asked, ended.
//!
//! Not its databases and not its standbys.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ground::{Ground, program};
use crate::net::Host;
use crate::patience::eventually;
use crate::process::{done, finish, free_port, random, start, tail};
use crate::tree::Tree;

/// The user of every server here, who may do everything in it.
pub(crate) const USER: &str = "postgres";

/// How long a server may take to end when it was asked to.
const ENDING: Duration = Duration::from_secs(20);

/// What every server has, in front of what its test wants. Durability is what PostgreSQL's defaults are, said aloud.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "32MB"),
    // In its directory, with which it goes even after a crash.
    ("dynamic_shared_memory_type", "mmap"),
    ("wal_keep_size", "256MB"),
    ("wal_retrieve_retry_interval", "100ms"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %q%a "),
];

/// Who may connect: whoever may enter the private directory, by its socket; others by the password.
const ADMITTED: &str = "local all all trust\nlocal replication all trust\n\
    host all all all scram-sha-256\nhost replication all all scram-sha-256\n";

/// A PostgreSQL server. Clones are the same server, which ends with the last of them and of its databases.
#[derive(Debug, Clone)]
pub struct Server {
    pub(crate) cluster: Arc<Cluster>,
}

/// What there is once per server.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Absent from a server that another process has started.
    pub(crate) ground: Option<Ground>,
    /// Where its socket is.
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    pub(crate) password: String,
    settings: Vec<(String, String)>,
    running: Mutex<Option<Tree>>,
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

    /// Ends all its processes at once (SIGKILL), as a crash does.
    pub fn kill(&self) {
        if let Some(tree) = self.cluster.owned().take() {
            tree.kill();
        }
    }

    /// Shuts it down in order (fast: sessions are ended).
    pub fn stop(&self) {
        if let Some(tree) = self.cluster.owned().take() {
            tree.end("INT", ENDING);
        }
    }

    /// Starts it again where it was, after it was killed or stopped, or else stops it first.
    ///
    /// # Panics
    /// When it does not start, with its log.
    pub fn restart(&self) {
        self.stop();
        eventually("PostgreSQL gets its port again", || self.try_launch().then_some(()));
    }

    /// Stops all its processes where they are (SIGSTOP): it keeps its connections and answers nothing.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.cluster.owned().as_mut().expect("it runs").freeze();
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.cluster.owned().as_mut().expect("it runs").thaw();
    }

    /// Changes a setting while it runs (ALTER SYSTEM), for sessions that are open too, as far as it needs no restart.
    ///
    /// # Panics
    /// When PostgreSQL does not take it.
    pub fn set(&self, name: &str, value: &str) {
        let loaded = self.sql(USER, "SELECT pg_conf_load_time()");
        self.sql(USER, &format!("ALTER SYSTEM SET {name} = '{}'", value.replace('\'', "''")));
        self.sql(USER, "SELECT pg_reload_conf()");
        eventually("the settings are read", || {
            (self.sql(USER, "SELECT pg_conf_load_time()") != loaded).then_some(())
        });
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

impl Cluster {
    /// A server in this directory that another process has started, with all that is written there.
    pub(crate) fn of_another(directory: &Path) -> Self {
        let read = |name: &str| {
            let file = directory.join(name);
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        // Fourth line: the port.
        let port = read("data/postmaster.pid").lines().nth(3).and_then(|line| line.trim().parse().ok());
        Self {
            ground: None,
            directory: directory.to_owned(),
            port: port.expect("a server runs in that directory"),
            password: read("password"),
            settings: Vec::new(),
            running: Mutex::new(None),
        }
    }

    fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        self.try_sql_with("", database, sql)
    }

    /// The same with these options of the session.
    pub(crate) fn try_sql_with(&self, options: &str, database: &str, sql: &str) -> Result<String, String> {
        let mut command = Command::new(program("psql"));
        command.env("PGOPTIONS", options);
        let connection = format!("{} dbname={database} connect_timeout=10", self.by_socket());
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &connection, "-c", sql]);
        finish(command)
    }

    /// Host, port and user of a connection by the socket.
    pub(crate) fn by_socket(&self) -> String {
        format!("host={} port={} user={USER}", self.directory.display(), self.port)
    }

    pub(crate) fn ground(&self) -> &Ground {
        self.ground
            .as_ref()
            .expect("a shared server is of another process: it is not ours to end or to change")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Gives back the shared memory that a postmaster who was killed has left, and which its next start would give back.
    pub(crate) fn give_back(&self) {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        // Seventh line: key and number of the segment.
        if let Some(number) = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) {
            let mut command = Command::new("ipcrm");
            command.args(["--shmem-id", number]);
            drop(finish(command));
        }
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Option<Tree>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processes of a server that is ours.
    fn owned(&self) -> MutexGuard<'_, Option<Tree>> {
        let _ = self.ground();
        self.running()
    }

    /// Writes postgresql.conf and `pg_hba.conf`. What ALTER SYSTEM says stands elsewhere and wins.
    fn configure(&self) {
        let own = [
            ("listen_addresses", self.ground().address()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", self.directory.display().to_string()),
        ];
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let wanted = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // The last of those with one name is what holds.
        let all = own.chain(SETTINGS.iter().copied()).chain(wanted);
        let text: String =
            all.map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''"))).collect();
        for (name, text) in [("postgresql.conf", text.as_str()), ("pg_hba.conf", ADMITTED)] {
            let file = self.data().join(name);
            std::fs::write(&file, text).expect("it can be written");
            self.ground().hand_over(&file);
        }
    }

    /// Whether the postmaster of this number takes connections, as it writes down itself.
    fn is_ready(&self, postmaster: u32) -> bool {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        // Another number is what was left by a crash. Eighth line: the state.
        lines.next() == Some(&postmaster.to_string())
            && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(tree) = self.running().take() {
            tree.end("QUIT", ENDING);
        }
        if self.ground.is_some() {
            self.give_back();
        }
    }
}
