//! The sandbox that the units ask for: tight by the judgement of systemd's own tools, and wide enough for what the program does.
//!
//! No systemd runs here that could put it around the program: what the program asks of the kernel while it starts, enrols and
//! ends is written down by strace and held against what the unit leaves it.

use std::collections::BTreeSet;

use e2e::peer::path;
use e2e::tool::run;

use crate::packages::{Packages, SOURCES};
use crate::root::PrivateRoot;
use crate::running::Running;
use crate::site;
use crate::unit::Unit;

/// The units, and the most that systemd's own doctor may find each exposed, in tenths.
const UNITS: [(&str, &str); 2] = [("meter-pki.service", "13"), ("meter-pki-signer.service", "5")];

/// Names of calls in a set of systemd, such as `@system-service`, with those of the sets that it names.
fn members(set: &str) -> BTreeSet<String> {
    let listed = run("systemd-analyze", ["syscall-filter", set]).ok().out;
    let words =
        listed.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    words
        .flat_map(|word| if word.starts_with('@') { members(word) } else { [word.to_owned()].into() })
        .collect()
}

/// The calls that a unit leaves its program: its lines in their order, each adding sets or taking them away.
fn left_by(unit: &Unit) -> BTreeSet<String> {
    let mut left = members("@default");
    for line in unit.all("SystemCallFilter") {
        let (takes, sets) = line.strip_prefix('~').map_or((false, line), |sets| (true, sets));
        for call in sets.split(' ').flat_map(members) {
            if takes {
                left.remove(&call)
            } else {
                left.insert(call)
            };
        }
    }
    left
}

/// What the program asked of the kernel, one call a line, without the numbers of threads; what ran before it is left out.
fn asked(trace: &str) -> Vec<&str> {
    let lines = trace.lines().map(|line| line.split_once(' ').map_or(line, |(_, call)| call.trim_start()));
    let program = |line: &&str| !line.starts_with("execve(\"/usr/bin/meter-pki\"");
    lines
        .skip_while(program)
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .collect()
}

fn of_call<'a>(lines: &'a [&'a str], name: &'a str) -> impl Iterator<Item = &'a str> {
    lines.iter().copied().filter(move |line| line.split('(').next() == Some(name))
}

/// Whether a call opens a file to write it, which it names.
fn written(line: &str) -> Option<&str> {
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
    line.split('"').nth(1).filter(|_| writes && !line.contains("= -1 "))
}

/// The units and all that they name are sound, in a root that has what systemd itself brings.
fn assert_sound(root: &PrivateRoot) {
    let units = path(&root.at("/usr/lib/systemd/system"));
    let theirs = "cp -a /usr/lib/systemd/system/*.target /usr/lib/systemd/system/*.slice \"$0\"";
    drop(run("sh", ["-c", theirs, &units]).ok());
    for unit in UNITS.map(|(unit, _)| unit) {
        let root = format!("--root={}", path(&root.at("")));
        let said = run("systemd-analyze", ["verify", "--man=no", &root, unit]);
        assert!(said.success && said.all().trim().is_empty(), "{}", said.all());
    }
}

#[test]
fn the_units_leave_little() {
    for (unit, most) in UNITS {
        let file = format!("{SOURCES}/crates/xtask/packaging/debian/meter-pki/{unit}");
        let said =
            run("systemd-analyze", ["security", "--offline=true", &format!("--threshold={most}"), &file]);
        assert!(said.success, "{}", said.all());
    }
}

#[test]
fn the_program_asks_for_nothing_that_its_unit_denies() {
    let folder = tempfile::tempdir().expect("a private directory");
    let root = PrivateRoot::new();
    drop(root.install(&Packages::make(folder.path(), "1.0.0").server));
    assert_sound(&root);
    drop(site::found(&root));
    let unit = Unit::read(&root, "meter-pki.service");
    let trace = path(&folder.path().join("trace"));
    // The tracer stands aside: what was started is still our child.
    let strace =
        ["strace", "--daemonize", "--follow-forks", "--quiet=all", "--string-limit=256", "--output", &trace];
    let mut running = Running::start_under(&root, &unit, &strace);
    running.says("WATCHDOG=1");
    site::enrol(&root, "4D504B01000000D1");
    running.stop();

    let trace = std::fs::read_to_string(&trace).expect("what strace wrote");
    let lines = asked(&trace);
    let left = left_by(&unit);
    let names: BTreeSet<&str> = lines.iter().filter_map(|line| line.split('(').next()).collect();
    assert!(names.contains("accept4") && names.contains("fdatasync"), "it served and stored: {names:?}");
    let denied: Vec<_> = names.iter().filter(|name| !left.contains(**name)).collect();
    assert!(denied.is_empty(), "SystemCallFilter denies {denied:?}");

    let families: BTreeSet<&str> = unit.one("RestrictAddressFamilies").split(' ').collect();
    for line in of_call(&lines, "socket").chain(of_call(&lines, "socketpair")) {
        assert!(families.iter().any(|family| line.contains(&format!("({family},"))), "{line}");
    }
    for line in of_call(&lines, "mmap").chain(of_call(&lines, "mprotect")) {
        assert!(
            !(line.contains("PROT_WRITE") && line.contains("PROT_EXEC")),
            "MemoryDenyWriteExecute: {line}"
        );
    }
    let places = ["/var/lib/meter-pki/", "/run/meter-pki/", "/dev/null"];
    let written: Vec<_> = of_call(&lines, "openat").filter_map(written).collect();
    assert!(written.iter().any(|file| file.starts_with(places[0])), "it stored something");
    for file in written {
        assert!(places.iter().any(|place| file.starts_with(place)), "ProtectSystem=strict: {file}");
    }
}
