//! What fleets come to, by the command of `docs/operate/scale.md`: the table below it is what the program prints.

use std::os::unix::fs::PermissionsExt;

use e2e::chapter::{Shell, steps};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/scale.md");

/// What stands for cargo: the program is built.
const CARGO: &str =
    "#!/bin/sh\n[ \"$*\" = 'run --release -p e2e --bin fleet-years' ] && exec \"$FLEET_YEARS\"\n";

#[test]
fn the_chapter_on_scale_tells_what_its_command_prints() {
    let [draw] = steps(CHAPTER);
    let place = e2e::ground::directory();
    let programs = place.path().join("programs");
    let shell = Shell::new(place.path(), &programs).with("FLEET_YEARS", env!("CARGO_BIN_EXE_fleet-years"));
    std::fs::write(programs.join("cargo"), CARGO).expect("a program");
    std::fs::set_permissions(programs.join("cargo"), PermissionsExt::from_mode(0o755)).expect("its mode");
    let said = shell.run(draw).ok().out;
    let (_, below) = CHAPTER.split_once(draw).expect("the command");
    let table: Vec<&str> = below
        .lines()
        .skip_while(|line| !line.starts_with("| devices |"))
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(table.len() > 10, "{table:?}");
    for row in table {
        assert!(said.lines().any(|line| line == row), "{row}: {said}");
    }
}
