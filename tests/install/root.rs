//! A root of its own, in which dpkg installs: with the packages of this machine on its list as far as ours depend on them, with
//! the libraries that the programs are linked with, and nothing else.
//!
//! Maintainer scripts run as dpkg runs them for any root (`--force-script-chrootless`, with `DPKG_ROOT`); what was installed
//! runs below that root, as the user that the package made. Where the tests are not root, root of a user namespace does it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::peer::path;
use e2e::tool::{Said, finish, run};
use tempfile::TempDir;

/// Has the machine's /proc and /dev below the root, and becomes the user there.
const ENTER: &str = r#"set -e
mount --rbind /proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
exec chroot --userspec="$WHO" "$ROOT" "$@""#;

/// The root. It goes away when it is dropped.
pub(crate) struct PrivateRoot {
    directory: TempDir,
}

impl PrivateRoot {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        // Not in memory, where many machines let nothing be executed.
        let directory =
            tempfile::Builder::new().prefix("meter-pki-root.").tempdir().expect("a private directory");
        let root = Self { directory };
        for folder in [
            "dev",
            "etc/credstore",
            "proc",
            "run/systemd",
            "tmp",
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
        ] {
            std::fs::create_dir_all(root.at(folder)).expect("a folder");
        }
        let open = |folder: &str, mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(root.at(folder), mode).expect("a mode");
        };
        open("", 0o755);
        open("tmp", 0o1777);
        std::fs::write(root.at("var/lib/dpkg/status"), "").expect("a list of packages");
        std::fs::write(root.at("etc/hosts"), "127.0.0.1 localhost\n").expect("a list of hosts");
        drop(finish(as_root("chown", false).args(["--recursive", "0:0", &path(&root.at(""))])).ok());
        root
    }

    /// A place below it.
    pub(crate) fn at(&self, place: &str) -> PathBuf {
        self.directory.path().join(place.trim_start_matches('/'))
    }

    /// Puts what a package depends on upon the list, as it is installed on this machine.
    pub(crate) fn has_what_it_needs(&self, package: &Path) {
        let depends = run("dpkg-deb", ["--field", &path(package), "Depends"]).ok().out;
        let names = depends.split([',', '|']).filter_map(|one| one.split_whitespace().next());
        let mut list = self.read("/var/lib/dpkg/status");
        for name in names {
            let said = run("dpkg-query", ["--status", name]);
            // Of alternatives, one is enough.
            if said.success && !list.contains(&format!("Package: {name}\n")) {
                list.push_str(&format!("{}\n", said.out));
            }
        }
        self.put("/var/lib/dpkg/status", list.as_bytes(), ("0:0", 0o644));
    }

    /// Runs dpkg on this root.
    pub(crate) fn dpkg(&self, arguments: &[&str]) -> Said {
        let mut command = as_root("dpkg", false);
        command.arg(format!("--root={}", self.directory.path().display()));
        command.args(["--force-script-chrootless", "--force-confdef", "--force-confold"]);
        finish(command.args(arguments))
    }

    /// Installs a package, or another version of it, with what its programs are linked with.
    pub(crate) fn install(&self, package: &Path) -> String {
        self.has_what_it_needs(package);
        let said = self.dpkg(&["--install", &path(package)]).ok();
        self.has_libraries_of(&self.at("/usr/bin/meter-pki"));
        said.all()
    }

    /// Has the list of packages of this machine, of which ours is none; returns the file by which apt works on this root.
    pub(crate) fn for_apt(&self) -> PathBuf {
        let all = std::fs::read_to_string("/var/lib/dpkg/status").expect("this machine's list of packages");
        let others = all.split_inclusive("\n\n").filter(|one| !one.starts_with("Package: meter-pki\n"));
        let list: String = others.collect();
        self.put("/var/lib/dpkg/status", list.as_bytes(), ("0:0", 0o644));
        for place in
            ["/etc/apt", "/var/lib/apt/lists/partial", "/var/cache/apt/archives/partial", "/var/log/apt"]
        {
            self.put_directory(place, ("0:0", "0755"));
        }
        let root = self.directory.path().display();
        let text = format!(
            "Dir::Etc \"{root}/etc/apt/\";\nDir::State \"{root}/var/lib/apt/\";\nDir::Cache \"{root}/var/cache/apt/\";\n\
             Dir::Log \"{root}/var/log/apt/\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\n\
             DPkg::Options {{ \"--root={root}\"; \"--force-script-chrootless\"; }};\nAPT::Sandbox::User \"root\";\n"
        );
        self.put("/etc/apt/apt.conf", text.as_bytes(), ("0:0", 0o644));
        self.at("/etc/apt/apt.conf")
    }

    /// Which version dpkg has on its list as installed.
    pub(crate) fn version(&self, package: &str) -> Option<String> {
        let admin = format!("--admindir={}", path(&self.at("/var/lib/dpkg")));
        let said = run("dpkg-query", [&admin, "--show", "--showformat=${Status} ${Version}", package]);
        said.out.strip_prefix("install ok installed ").map(str::to_owned)
    }

    /// The numbers of a user of this root, as `chroot` takes them.
    pub(crate) fn user(&self, name: &str) -> String {
        if name == "root" {
            return "0:0".to_owned();
        }
        let list = self.read("/etc/passwd");
        let line = list.lines().find_map(|line| line.strip_prefix(&format!("{name}:x:")));
        let line = line.unwrap_or_else(|| panic!("there is no user {name}: {list}"));
        let mut fields = line.split(':');
        format!("{}:{}", fields.next().expect("a user id"), fields.next().expect("a group id"))
    }

    /// A program of this root, to be run below it as a user of it. Its number is that of the command.
    pub(crate) fn program(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = as_root("sh", true);
        command.env_clear();
        // The mark by which `tests/run` finds what was left running.
        command.envs(std::env::var_os("METER_PKI_RUN").map(|run| ("METER_PKI_RUN", run)));
        command.env("PATH", PATH).env("ROOT", self.directory.path()).env("WHO", self.user(user));
        command.args(["-c", ENTER, "sh"]).args(arguments);
        command
    }

    /// Runs a verb of the installed program as an operator on this machine: the user of the server.
    pub(crate) fn meter_pki(&self, arguments: &[&str]) -> Said {
        let fixed = ["/usr/bin/meter-pki", "--config", "/etc/meter-pki/meter-pki.toml"];
        finish(&mut self.program("meter-pki", &[&fixed, arguments].concat()))
    }

    /// Puts the libraries of this machine that a program is linked with where it finds them below the root.
    pub(crate) fn has_libraries_of(&self, program: &Path) {
        let linked = run("ldd", [path(program)]).ok().out;
        for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
            let octets = std::fs::read(library).expect("a library");
            self.put(library, &octets, ("0:0", 0o755));
        }
    }

    /// Puts a program of this machine below the root, such as a shell.
    pub(crate) fn has_program(&self, name: &str) {
        let file = run("sh", ["-c", "command -v \"$0\"", name]).ok().out.trim().to_owned();
        self.put(&file, &std::fs::read(&file).expect("a program"), ("0:0", 0o755));
        self.has_libraries_of(Path::new(&file));
    }

    /// Runs a shell block as root of this machine, in a directory; `apt` is what [`PrivateRoot::for_apt`] returned. What an operator
    /// changed is kept.
    pub(crate) fn administer(apt: &Path, place: &Path, block: &str) -> Said {
        let mut command = as_root("bash", false);
        command.args(SHELL).arg(block).current_dir(place).env("APT_CONFIG", apt);
        finish(command.env("DPKG_FORCE", "confdef,confold"))
    }

    /// Runs a shell block below the root, as a user of it.
    pub(crate) fn run(&self, user: &str, block: &str) -> Said {
        finish(&mut self.program(user, &[&["bash"], &SHELL[..], &[block]].concat()))
    }

    /// Puts a file, or another in its place, with its owner and mode.
    pub(crate) fn put(&self, place: &str, octets: &[u8], (owner, mode): (&str, u32)) {
        let aside = tempfile::NamedTempFile::new().expect("a private file");
        std::fs::write(aside.path(), octets).expect("it can be written");
        let (user, group) = owner.split_once(':').expect("a user and a group");
        let mode = format!("{mode:o}");
        let mut command = as_root("install", false);
        command.args(["-D", "--owner", user, "--group", group, "--mode", &mode]);
        drop(finish(command.arg(aside.path()).arg(self.at(place))).ok());
    }

    /// Makes a directory with its owner and mode.
    pub(crate) fn put_directory(&self, place: &str, (owner, mode): (&str, &str)) {
        let (user, group) = owner.split_once(':').expect("a user and a group");
        let mut command = as_root("install", false);
        command.args(["--directory", "--owner", user, "--group", group, "--mode", mode]);
        drop(finish(command.arg(self.at(place))).ok());
    }

    /// Reads a file, whoever's it is.
    pub(crate) fn read(&self, place: &str) -> String {
        finish(as_root("cat", false).arg(self.at(place))).ok().out
    }

    /// Mode and owner of a file, such as `700 999:999`; nothing when there is none.
    pub(crate) fn mode(&self, place: &str) -> Option<String> {
        let said = finish(as_root("stat", false).args(["--format=%a %u:%g"]).arg(self.at(place)));
        said.success.then(|| said.out.trim().to_owned())
    }
}

impl Drop for PrivateRoot {
    fn drop(&mut self) {
        // What users of a namespace own, only its root can take away; the rest goes with the directory.
        drop(finish(as_root("rm", false).args(["--recursive", "--force", "--"]).arg(self.at("var"))));
    }
}

/// How blocks are run: the first command that fails ends them.
const SHELL: [&str; 4] = ["-eu", "-o", "pipefail", "-c"];

/// Where programs of administrators are, also for who is not one.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A program as root: of this machine, or where the tests are somebody else, of a user namespace with users of its own. With its
/// own mounts if asked for.
fn as_root(program: &str, with_mounts: bool) -> Command {
    let mut words = Vec::new();
    if run("id", ["--user"]).ok().out.trim() != "0" {
        words.extend(["--map-auto", "--map-root-user"]);
    }
    if with_mounts {
        words.push("--mount");
    }
    let mut command = match words.is_empty() {
        true => Command::new(program),
        false => {
            let mut command = Command::new("unshare");
            command.args(words).arg(program);
            command
        }
    };
    command.env("PATH", PATH);
    command
}
