//! The chapter on backups, step by step as it stands in `docs/operate/backup.md`.

use e2e::chapter::{Shell, blocks, steps};
use e2e::rehearsal::Rehearsal;

#[test]
fn the_chapter_on_backups_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/backup.md");
    let [keygen, create, begin, reconcile, finish, resign] = steps(chapter);
    let settings = blocks(chapter, "toml").concat();
    let mut rehearsal = Rehearsal::start(1);
    let state = rehearsal.state("");
    let shell = Shell::new(&state, &rehearsal.scratch("programs"));
    let run = |block: &str| shell.run(block).ok().out;

    assert!(run(keygen).contains("2-of-3 shares"));
    rehearsal.stop();
    let configuration = state.join("meter-pki.toml");
    let text = std::fs::read_to_string(&configuration).expect("the configuration");
    std::fs::write(&configuration, text.replacen("[operator]", &format!("{settings}\n[operator]"), 1))
        .expect("ours");
    rehearsal.serve();
    let said = run(create);
    assert!(said.contains("sound; made"), "{said}");
    crate::site::exported(&rehearsal);
    let certificates = rehearsal.operator_json(&["cert", "list"]);
    rehearsal.kill();
    std::fs::rename(state.join("store"), state.join("lost")).expect("it was there");

    assert!(run(begin).contains("in recovery"));
    assert!(run(reconcile).contains("taken in:"));
    assert!(run(finish).contains("epoch 2"));
    assert!(run(resign).contains("dso-operational-s1"));
    rehearsal.serve();
    assert_eq!(rehearsal.operator_json(&["cert", "list"]), certificates);
}
