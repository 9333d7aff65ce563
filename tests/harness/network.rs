//! A network of a test's own, in which every port is free: what a chapter prints with its ports can be typed there as it stands.

use std::process::Command;

use crate::tool::{finish, run};

/// Says of a process that it is in one.
const MARK: &str = "METER_PKI_OWN_NETWORK";

/// Runs a test in a network that has a loopback and nothing else, as root of that: the test's own process is begun once more there, and
/// what it comes to is what the test comes to.
///
/// # Panics
/// When the kernel makes no network, or the test fails.
pub fn own(name: &str, test: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        return test();
    }
    let mut command = Command::new("unshare");
    if run("id", ["--user"]).ok().out.trim() != "0" {
        command.args(["--map-auto", "--map-root-user"]);
    }
    let within = "ip link set lo up && exec \"$@\"";
    command.args(["--net", "--kill-child", "--fork", "sh", "-c", within, "sh"]);
    command.arg(std::env::current_exe().expect("a test knows where it is"));
    let said = finish(command.args(["--exact", name, "--nocapture"]).env(MARK, "1"));
    assert!(said.success && said.out.contains("1 passed"), "{}", said.all());
}
