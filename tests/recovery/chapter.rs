//! The chapter on backups, step by step as it stands in `docs/operate/backup.md`.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish};

/// The shell blocks of the chapter, in their order.
fn commands(chapter: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let blocks = chapter.split(begin.as_str()).skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block ends").to_owned()).collect()
}

/// Runs a block in the state directory, with the program of this workspace in front of the path.
fn run_block(state: &Path, programs: &Path, block: &str) -> Said {
    let mut search = programs.as_os_str().to_owned();
    search.push(":");
    search.push(std::env::var_os("PATH").expect("there is a path"));
    let mut command = Command::new("bash");
    command.args(["-eu", "-c", block]).current_dir(state).env("PATH", search);
    finish(&mut command).ok()
}

#[test]
fn the_chapter_on_backups_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/backup.md");
    let [keygen, create, begin, reconcile, finish, resign] =
        <[String; 6]>::try_from(commands(chapter, "sh")).expect("six steps");
    let settings = commands(chapter, "toml").concat();
    let mut rehearsal = Rehearsal::start(1);
    let (state, programs) = (rehearsal.state(""), rehearsal.scratch("programs"));
    std::fs::create_dir(&programs).expect("it can be made");
    symlink(program("meter-pki"), programs.join("meter-pki")).expect("it can be made");
    let run = |block: &str| run_block(&state, &programs, block).out;

    assert!(run(&keygen).contains("2-of-3 shares"));
    rehearsal.stop();
    let configuration = state.join("meter-pki.toml");
    let text = std::fs::read_to_string(&configuration).expect("the configuration");
    std::fs::write(&configuration, text.replacen("[operator]", &format!("{settings}\n[operator]"), 1))
        .expect("ours");
    rehearsal.serve();
    let said = run(&create);
    assert!(said.contains("sound; made"), "{said}");
    crate::site::exported(&rehearsal);
    let certificates = rehearsal.operator_json(&["cert", "list"]);
    rehearsal.kill();
    std::fs::rename(state.join("store"), state.join("lost")).expect("it was there");

    assert!(run(&begin).contains("in recovery"));
    assert!(run(&reconcile).contains("taken in:"));
    assert!(run(&finish).contains("epoch 2"));
    assert!(run(&resign).contains("dso-operational-s1"));
    rehearsal.serve();
    assert_eq!(rehearsal.operator_json(&["cert", "list"]), certificates);
}
