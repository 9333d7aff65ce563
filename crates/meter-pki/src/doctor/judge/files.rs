//! Disks, directories, and the clock of this machine.

use super::super::facts::{Disk, Facts, Served, Use};
use super::super::{Check, Finding, Judge, Severity};
use super::{at, check};

pub(super) const CHECKS: &[Check] = &[
    check("doctor.disk.ledger", Severity::Fault, "the ledger's disk has room", Judge::Always(ledger_disk)),
    check(
        "doctor.disk.published",
        Severity::Fault,
        "the disk of published CRLs has room",
        Judge::Always(published_disk),
    ),
    check(
        "doctor.disk.export",
        Severity::Fault,
        "the disk of the exported audit log has room",
        Judge::Always(export_disk),
    ),
    check(
        "doctor.disk.files",
        Severity::Fault,
        "the disks have room for more files",
        Judge::Always(more_files),
    ),
    check(
        "doctor.disk.together",
        Severity::Notice,
        "the audit log is copied to another disk than the ledger's",
        Judge::Always(together),
    ),
    check(
        "doctor.files.directories",
        Severity::Fault,
        "nobody but its owner writes into the directories of the server",
        Judge::Always(directories),
    ),
    check(
        "doctor.files.missing",
        Severity::Fault,
        "every directory of the configuration is there",
        Judge::Always(missing),
    ),
    check(
        "doctor.clock.files",
        Severity::Warning,
        "no file of ledger or exported log was written later than now",
        Judge::Always(file_times),
    ),
    check(
        "doctor.clock.trail",
        Severity::Fault,
        "the last audit record is not later than now",
        Judge::Served(trail_time),
    ),
    check(
        "doctor.clock.server",
        Severity::Warning,
        "the server and this program agree on the time",
        Judge::Served(server_time),
    ),
    check(
        "doctor.clock.others",
        Severity::Warning,
        "web servers that answer agree on the time",
        Judge::Always(others),
    ),
    check(
        "doctor.clock.steps",
        Severity::Warning,
        "the clock was not set while the server serves",
        Judge::Served(steps),
    ),
];

const GIB: u64 = 1 << 30;

fn room(facts: &Facts, used_as: Use) -> Vec<Finding> {
    facts.files.disks.iter().filter(|disk| disk.used_as == Some(used_as)).filter_map(full).collect()
}

/// Less than a twentieth, or than half a gibibyte, stops an authority soon; a tenth is a reason to look.
fn full(disk: &Disk) -> Option<Finding> {
    let says = format!("{} has {} MiB of {} MiB free", disk.path, disk.free_octets >> 20, disk.octets >> 20);
    let next =
        "make room, or move the directory to a larger disk; the ledger stops when nothing can be written";
    if disk.free_octets < GIB / 16 {
        Some(Finding::fault(says, next))
    } else if disk.free_octets < GIB / 2 || disk.free_octets < disk.octets / 20 {
        Some(Finding::warning(says, next))
    } else {
        (disk.free_octets < disk.octets / 10).then(|| Finding::notice(says, next))
    }
}

fn ledger_disk(facts: &Facts) -> Vec<Finding> {
    room(facts, Use::Ledger)
}

fn published_disk(facts: &Facts) -> Vec<Finding> {
    room(facts, Use::Published)
}

fn export_disk(facts: &Facts) -> Vec<Finding> {
    room(facts, Use::Export)
}

/// File systems that make files as they need them tell of 0.
fn more_files(facts: &Facts) -> Vec<Finding> {
    let disks = facts.files.disks.iter().filter(|disk| disk.files > 0);
    disks
        .filter_map(|disk| {
            let says = format!("{} has room for {} files of {}", disk.path, disk.free_files, disk.files);
            let next = "df -i; remove what is not needed";
            if disk.free_files < 100 {
                Some(Finding::fault(says, next))
            } else {
                (disk.free_files < 10_000 && disk.free_files < disk.files / 20)
                    .then(|| Finding::warning(says, next))
            }
        })
        .collect()
}

fn together(facts: &Facts) -> Vec<Finding> {
    let device = |used_as| {
        let disk = facts.files.disks.iter().find(|disk| disk.used_as == Some(used_as))?;
        Some(disk.device)
    };
    match (device(Use::Ledger), device(Use::Export)) {
        (Some(one), Some(other)) if one == other => {
            let says = "ledger and exported audit log are on one disk, and are lost together";
            vec![Finding::notice(says, "set audit.export_directory to another disk, or add [audit.syslog]")]
        }
        (Some(_), _) | (None, _) => Vec::new(),
    }
}

const DIRECTORIES: [Use; 4] = [Use::Ledger, Use::Export, Use::Published, Use::SocketDirectory];

fn directories(facts: &Facts) -> Vec<Finding> {
    let paths = facts.files.paths.iter().filter(|one| DIRECTORIES.contains(&one.used_as));
    paths
        .filter_map(|one| {
            let mode = one.mode?;
            // Who may write into a directory with the sticky bit cannot take away what is another's.
            let writes = mode & 0o022 != 0 && mode & 0o1000 == 0;
            let says = || {
                format!("{} has mode {mode:04o}: others can put files into it or take them away", one.path)
            };
            writes.then(|| Finding::fault(says(), format!("chmod go-w {}", one.path)))
        })
        .collect()
}

fn missing(facts: &Facts) -> Vec<Finding> {
    let paths = facts.files.paths.iter();
    paths
        .filter(|one| DIRECTORIES.contains(&one.used_as) && one.mode.is_none())
        .map(|one| {
            let next = "make it, or bring it back from a backup: nothing that should exist is created";
            Finding::fault(format!("{} is not there", one.path), next)
        })
        .collect()
}

/// A second or two pass between looking at the clock and at the file.
const APART: i64 = 5;

const CLOCK: &str = "timedatectl; the clock of this machine, or its time service, is wrong";

fn file_times(facts: &Facts) -> Vec<Finding> {
    let times = [
        ("the ledger", facts.files.ledger_written_at),
        ("the exported audit log", facts.files.export_written_at),
    ];
    times
        .into_iter()
        .filter_map(|(what, time)| {
            let time = time.filter(|time| *time > facts.now + APART)?;
            Some(Finding::warning(
                format!("{what} was written at {}, it is {} now", at(time), at(facts.now)),
                CLOCK,
            ))
        })
        .collect()
}

fn trail_time(facts: &Facts, served: &Served) -> Vec<Finding> {
    let later = served.last_record.filter(|(_, time)| *time > facts.now + APART);
    later
        .map(|(number, time)| {
            let says = format!("audit record {number} is of {}, it is {} now", at(time), at(facts.now));
            Finding::fault(says, CLOCK)
        })
        .into_iter()
        .collect()
}

fn server_time(_: &Facts, served: &Served) -> Vec<Finding> {
    let (its, ours) = served.clock;
    if (its - ours).abs() <= APART {
        return Vec::new();
    }
    let says = format!("the server says it is {}, and it is {} here", at(its), at(ours));
    vec![Finding::warning(says, CLOCK)]
}

fn others(facts: &Facts) -> Vec<Finding> {
    let apart = facts.outside.dates.iter().filter(|(_, ahead)| ahead.abs() > 60);
    apart
        .map(|(who, ahead)| Finding::warning(format!("the clock of {who} is {ahead} s ahead of ours"), CLOCK))
        .collect()
}

fn steps(_: &Facts, served: &Served) -> Vec<Finding> {
    let steps = served.metric("pki_clock_steps_total");
    if steps <= 0.0 {
        return Vec::new();
    }
    let says = format!("the clock was set {steps} times since the server was started");
    vec![Finding::warning(says, "meter-pki audit list shows each as clock-changed; look at the time service")]
}
