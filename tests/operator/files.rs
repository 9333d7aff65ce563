//! Files that verbs write and read, when the disk or somebody else is in the way.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use e2e::chapter::Shell;
use e2e::peer::path;
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;

/// What a verb writes: the proofs of a device's history.
const WRITES: &str = "meter-pki device history 4D504B0100000000 --proof proofs.json";

#[test]
fn i_05_a_disk_that_is_full_leaves_no_half_of_a_file_and_nothing_that_was_there_is_lost() {
    let rehearsal = Rehearsal::start(1);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    // No file may have an octet: the system answers EFBIG, as a full disk answers ENOSPC.
    let full = shell.run(&format!("trap '' XFSZ; ulimit -f 0; {WRITES}"));
    assert!(!full.success && full.err.contains("proofs.json"), "{}", full.all());
    let left: Vec<String> = fs::read_dir(rehearsal.state(""))
        .expect("the state")
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("proofs"))
        .collect();
    assert_eq!(left, [] as [&str; 0]);
    drop(shell.run(WRITES).ok());
    // What is there stays what it was.
    let kept = fs::read(rehearsal.state("proofs.json")).expect("it is there now");
    let again = shell.run(&format!("trap '' XFSZ; ulimit -f 0; {WRITES}"));
    assert!(!again.success, "{}", again.all());
    assert_eq!(fs::read(rehearsal.state("proofs.json")).expect("it is there still"), kept);
}

#[test]
fn i_14_nothing_is_written_through_a_symbolic_link() {
    let rehearsal = Rehearsal::start(1);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    for target in ["passphrase", "nowhere"] {
        let before = fs::read(rehearsal.state(target)).ok();
        symlink(rehearsal.state(target), rehearsal.state("proofs.json")).expect("a link");
        let said = shell.run(WRITES);
        assert!(!said.success && said.err.contains("proofs.json"), "{}", said.all());
        assert_eq!(fs::read(rehearsal.state(target)).ok(), before, "{target} is untouched");
        fs::remove_file(rehearsal.state("proofs.json")).expect("the link");
    }
}

/// The most memory that a check of a delivery with so many rows takes, in octets.
fn memory(rehearsal: &Rehearsal, rows: u32) -> u64 {
    let (file, map) = (rehearsal.unique("rows.csv"), rehearsal.unique("map.toml"));
    let text: String = (0..rows).map(|row| format!("4D504B01{row:08X};MPK-1\n")).collect();
    fs::write(&file, format!("title;model\n{text}")).expect("a file");
    let columns = "[csv]\ndelimiter = \";\"\n\n[device]\nsystem_title = { column = \"title\" }\nmodel = { column = \"model\" }\n";
    fs::write(&map, format!("version = 1\nname = \"rows\"\nabout = \"many\"\n\n{columns}")).expect("a map");
    let measure = "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True, stdout=2)\n\
                   print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let meter_pki = path(&program("meter-pki"));
    let said = finish(Command::new("python3").args([
        "-c",
        measure,
        &meter_pki,
        "delivery",
        "check",
        &path(&file),
        "--map",
        &path(&map),
    ]))
    .ok();
    assert!(said.err.contains(&rows.to_string()), "all were read: {}", said.err);
    said.out.trim().parse::<u64>().expect("a number of KiB") * 1024
}

#[test]
fn i_16_eight_times_as_many_rows_take_no_more_memory_than_their_titles() {
    let rehearsal = Rehearsal::not_begun();
    let (few, many) = (memory(&rehearsal, 5_000), memory(&rehearsal, 40_000));
    // Titles that were seen are kept, to find those that come twice: at most 64 octets each.
    assert!(many < few + 35_000 * 64 + (1 << 20), "{few} octets for 5,000 rows, {many} for 40,000");
}
