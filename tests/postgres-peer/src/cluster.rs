//! What there is once per server, however many hold it: its place, its settings, its processes.
//!
//! Not what tests call: that is `Server`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ground::{Ground, program};
use crate::process::finish;
use crate::tree::Tree;

/// The user of every server here, who may do everything in it.
pub(crate) const USER: &str = "postgres";

/// How long a server may take to end when it was asked to.
pub(crate) const ENDING: Duration = Duration::from_secs(20);

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

/// What there is once per server.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Absent from a server that another process has started.
    pub(crate) ground: Option<Ground>,
    /// Where its socket is.
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    pub(crate) password: String,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) running: Mutex<Option<Tree>>,
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

    pub(crate) fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
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
    pub(crate) fn owned(&self) -> MutexGuard<'_, Option<Tree>> {
        let _ = self.ground();
        self.running()
    }

    /// Writes postgresql.conf and `pg_hba.conf`. What ALTER SYSTEM says stands elsewhere and wins.
    pub(crate) fn configure(&self) {
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
    pub(crate) fn is_ready(&self, postmaster: u32) -> bool {
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
