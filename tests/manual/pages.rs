//! Pages that are made of what programs say, compared with those in the repository.

use std::os::unix::fs::symlink;
use std::process::Command;

use e2e::process::program;
use e2e::tool::finish;

/// The repository.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// It fails with the name of each page and with what to type.
#[test]
fn the_generated_pages_are_what_the_programs_say() {
    let folder = tempfile::tempdir().expect("a place for the programs");
    for name in ["meter-pki", "offline-root", "ceremony-verify", "ledger-checker"] {
        symlink(program(name), folder.path().join(name)).expect("a name for a program");
    }
    let mut command = Command::new(program("xtask"));
    command.current_dir(SOURCES).args(["manual", "--check", "--programs"]).arg(folder.path());
    let said = finish(&mut command).ok();
    assert!(said.out.contains("up to date"), "{}", said.all());
}
