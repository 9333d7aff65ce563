//! What the README has a newcomer type.

use std::os::unix::fs::PermissionsExt;

use e2e::chapter::{Shell, steps};
use e2e::patience::eventually;
use e2e::rehearsal::Rehearsal;

/// What stands for cargo: the program is built, and two meters are as good as two hundred.
const CARGO: &str =
    "#!/bin/sh\n[ \"$1 $2 $3\" = 'run --release --' ] && shift 3 && exec meter-pki \"$@\" --meters 2\n";

#[test]
fn the_readme_works_as_it_stands_and_goes_on_where_it_was() {
    let [quickstart] = steps(include_str!("../../README.md"));
    let rehearsal = Rehearsal::not_begun();
    let (place, programs) = (rehearsal.scratch("sources"), rehearsal.scratch("programs"));
    std::fs::create_dir(&place).expect("a directory");
    let shell = Shell::new(&place, &programs);
    std::fs::write(programs.join("cargo"), CARGO).expect("a program");
    std::fs::set_permissions(programs.join("cargo"), PermissionsExt::from_mode(0o755)).expect("its mode");
    let mut listed = Vec::new();
    for log in ["first.log", "again.log"] {
        let mut process = shell.begin(quickstart, &rehearsal.scratch(log));
        eventually("it serves", || {
            assert!(process.ended().is_none(), "it ended: {}", process.log());
            process.log().contains("serving; stop with Ctrl-C").then_some(())
        });
        listed.push(shell.run("cd state; meter-pki cert list --tenant dso").ok().out);
        assert!(process.stop().success());
    }
    assert!(listed[0].contains("operational") || listed[0].contains("meter-op-tls"), "{}", listed[0]);
    assert_eq!(listed[0], listed[1], "from the same state");
}
