//! The chapter on rehearsals as it stands.

use e2e::chapter::{Shell, blocks, steps};
use e2e::rehearsal::Rehearsal;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/rehearsal.md");

#[test]
fn the_chapter_on_rehearsals_works_as_it_stands() {
    let [make, deliver, ask, hold, plan, round, rounds] = steps(CHAPTER);
    let [maker] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one piece of configuration");
    let mut rehearsal = Rehearsal::start(1);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"))
        .with("CASE", "case")
        .with("EST", rehearsal.origin())
        .with("ROOT", rehearsal.root());
    let step = |block: &str| shell.run(block).ok();
    std::fs::create_dir(rehearsal.state("case")).expect("it can be made");
    drop(step(make));
    rehearsal.stop();
    // Blocks name no configuration: it is the one of the directory.
    let own = rehearsal.state("meter-pki.toml");
    let text = std::fs::read_to_string(&own).expect("the configuration");
    let text = text
        .replace("manufacturers = [\"maker\"]", "manufacturers = [\"maker\", \"sim\"]")
        .replace("doors = [\"factory-certificate\"", "doors = [\"campaign\", \"factory-certificate\"");
    std::fs::write(&own, format!("{text}\n{maker}")).expect("the configuration can be written");
    rehearsal.serve();
    let said = step(deliver);
    assert_eq!(said.out.matches("8 of 8 devices, 8 new").count(), 2, "{}", said.all());
    let said = step(ask);
    assert!(said.out.contains("8 of 8 meters are through"), "{}", said.all());
    let said = step(hold);
    assert!(said.out.contains("24 certificates of 8 meters"), "{}", said.all());
    assert!(said.out.contains("24 lines compared, 0 differences"), "{}", said.all());
    drop(step(plan));
    let said = step(round);
    assert!(said.out.contains("answers taken, 0 refused"), "{}", said.all());
    let said = step(rounds);
    for told in
        ["rehearsal is done: 8 of 8 meters are through, 0 stuck", "24 certificates are in their meters"]
    {
        assert!(said.out.contains(told), "{told}: {}", said.all());
    }
}
