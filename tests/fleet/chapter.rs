//! The chapter on rehearsals as it stands.

use std::os::unix::fs::symlink;
use std::process::Command;

use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/rehearsal.md");

fn blocks(language: &str) -> Vec<String> {
    let begins = format!("```{language}\n");
    let rest = CHAPTER.split(&begins).skip(1);
    rest.map(|rest| rest.split("```").next().expect("a block ends").to_owned()).collect()
}

fn step(rehearsal: &Rehearsal, block: &str) -> Said {
    let mut search = rehearsal.scratch("programs").into_os_string();
    search.push(":");
    search.push(std::env::var_os("PATH").expect("there is a path"));
    let mut command = Command::new("bash");
    command.args(["-eu", "-c", block]).current_dir(rehearsal.state("")).env("PATH", search);
    command.env("CASE", "case").env("EST", rehearsal.origin()).env("ROOT", rehearsal.root());
    finish(&mut command).ok()
}

#[test]
fn the_chapter_on_rehearsals_works_as_it_stands() {
    let steps: [String; 6] = blocks("sh").try_into().expect("six steps");
    let [make, deliver, ask, plan, round, rounds] = steps;
    let [maker]: [String; 1] = blocks("toml").try_into().expect("one piece of configuration");
    let mut rehearsal = Rehearsal::start(1);
    let programs = rehearsal.scratch("programs");
    std::fs::create_dir(&programs).expect("it can be made");
    symlink(program("meter-pki"), programs.join("meter-pki")).expect("it can be made");
    std::fs::create_dir(rehearsal.state("case")).expect("it can be made");
    drop(step(&rehearsal, &make));
    rehearsal.stop();
    // Blocks name no configuration: it is the one of the directory.
    let own = rehearsal.state("meter-pki.toml");
    let text = std::fs::read_to_string(&own).expect("the configuration");
    let text = text
        .replace("manufacturers = [\"maker\"]", "manufacturers = [\"maker\", \"sim\"]")
        .replace("doors = [\"factory-certificate\"", "doors = [\"campaign\", \"factory-certificate\"");
    std::fs::write(&own, format!("{text}\n{maker}")).expect("the configuration can be written");
    rehearsal.serve();
    let said = step(&rehearsal, &deliver);
    assert_eq!(said.out.matches("8 of 8 devices, 8 new").count(), 2, "{}", said.all());
    let said = step(&rehearsal, &ask);
    assert!(said.out.contains("8 of 8 meters are through"), "{}", said.all());
    drop(step(&rehearsal, &plan));
    let said = step(&rehearsal, &round);
    assert!(said.out.contains("answers taken, 0 refused"), "{}", said.all());
    let said = step(&rehearsal, &rounds);
    for told in
        ["rehearsal is done: 8 of 8 meters are through, 0 stuck", "24 certificates are in their meters"]
    {
        assert!(said.out.contains(told), "{told}: {}", said.all());
    }
}
