//! Where a server lives: the user it runs as, its private directory, and the programs that it runs.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::net::Host;

/// A Unix socket's name has at most 107 octets, of which we use some: `/meter-pki.XXXXXX/.s.PGSQL.65535`.
const LONGEST_BASE: usize = 70;

/// A directory for one server, and as whom the server runs in it.
#[derive(Debug)]
pub(crate) struct Ground {
    directory: TempDir,
    /// PostgreSQL and pgbouncer refuse root: then it is another user's number and group.
    other: Option<(u32, u32)>,
    /// On which host of a test; none is the machine itself.
    host: Option<Host>,
}

impl Ground {
    /// Makes the directory, which belongs to the user.
    pub(crate) fn new(host: Option<&Host>) -> Self {
        let own = std::fs::metadata("/proc/self").expect("Linux").uid();
        let other = (own == 0).then(other_user);
        let base = base(other.is_some());
        let directory = tempfile::Builder::new().prefix("meter-pki.").tempdir_in(&base);
        let directory = directory.unwrap_or_else(|error| panic!("{}: {error}", base.display()));
        let ground = Self { directory, other, host: host.cloned() };
        ground.hand_over(ground.path());
        ground
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// The address of its host.
    pub(crate) fn address(&self) -> String {
        self.host.as_ref().map_or_else(|| "127.0.0.1".to_owned(), Host::address)
    }

    /// Gives a file to the user.
    pub(crate) fn hand_over(&self, file: &Path) {
        if let Some((user, group)) = self.other {
            chown(file, Some(user), Some(group)).expect("root gives files away");
        }
    }

    /// A command that the user runs in his directory.
    pub(crate) fn command(&self, program: &Path) -> Command {
        self.as_user("clear", program)
    }

    /// The same for a program that gets this signal when the test ends before it.
    pub(crate) fn companion(&self, last_signal: &str, program: &Path) -> Command {
        self.as_user(last_signal, program)
    }

    fn as_user(&self, last_signal: &str, program: &Path) -> Command {
        let setpriv = "setpriv";
        let mut command =
            self.host.as_ref().map_or_else(|| Command::new(setpriv), |host| host.command(setpriv));
        command.args(["--pdeathsig", last_signal]);
        if let Some((user, group)) = self.other {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command.arg(program).current_dir(self.path()).env("HOME", self.path()).env("TMPDIR", self.path());
        command
    }
}

/// The user `postgres`, or else `nobody`.
fn other_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .expect("there is a user postgres or nobody: PostgreSQL refuses root")
}

/// The first directory for temporary files whose name is short, and which another user finds if one must.
fn base(for_another: bool) -> PathBuf {
    let open = |place: &Path| std::fs::metadata(place).is_ok_and(|of| of.permissions().mode() & 0o001 != 0);
    let fits = |base: &PathBuf| {
        base.as_os_str().len() <= LONGEST_BASE && (!for_another || base.ancestors().all(open))
    };
    let places = [std::env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
    places.into_iter().find(fits).expect("/tmp is open to everybody")
}

/// Finds a program of PostgreSQL: in the folder that `METER_PKI_POSTGRES_BIN` names, in the newest version where Debian
/// puts them, or in the path.
pub(crate) fn program(name: &str) -> PathBuf {
    let named = variable("METER_PKI_POSTGRES_BIN").map(PathBuf::from);
    let in_path = variable("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&in_path);
    let mut places = named.into_iter().chain(newest()).chain(in_path).map(|folder| folder.join(name));
    places.find(|path| path.exists()).unwrap_or_else(|| {
        panic!("{name} of PostgreSQL is missing: install the server with `tests/run tools`")
    })
}

fn newest() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let number = |name: &std::ffi::OsStr| name.to_str()?.parse::<u32>().ok();
    let versions = versions.filter_map(|entry| number(&entry.ok()?.file_name()));
    let folder = |version: &u32| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
    // A client alone has such a folder too.
    let complete = |version: &u32| folder(version).join("initdb").exists();
    versions.filter(complete).max().as_ref().map(folder)
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the tests' own environment says where their tools are")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
