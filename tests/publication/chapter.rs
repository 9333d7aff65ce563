//! The chapter on the repository, step by step as it stands in `docs/operate/repository.md`: by curl, by wget, and by our own reader.

use e2e::chapter::{Shell, steps};
use e2e::rehearsal::Rehearsal;

use super::{AUTHORITY, fetch, number, uri};

/// Where the chapter has CRLs, and a mirror of them.
const PLACES: [&str; 2] = ["http://crl.example.net/crl/KEY.crl", "http://mirror.example.net/crl/KEY.crl"];

#[test]
fn the_chapter_on_the_repository_works_as_it_stands() {
    let [readers, verify] = steps(include_str!("../../docs/operate/repository.md"));
    let rehearsal = Rehearsal::start(1);
    let published = uri(&rehearsal, "crl");
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let run = |block: &str| {
        let here = PLACES.iter().fold(block.to_owned(), |block, place| block.replace(place, &published));
        shell.run(&here).ok()
    };
    let list = rehearsal.state("sub.crl");
    let held = || std::fs::read(&list).expect("the list is there");

    // A reader that was cut off after some octets.
    let first = fetch(&rehearsal, &published, &[]);
    std::fs::write(&list, &first.body[..100]).expect("it can be written");
    drop(run(readers));
    assert_eq!(held(), first.body);
    // Who has it is told so, and keeps it.
    drop(run(readers));
    assert_eq!(held(), first.body);

    // With the next list in its place, going on would put the end of one behind the start of another; the tag brings the whole.
    drop(rehearsal.operator_json(&["crl", "publish", AUTHORITY]));
    drop(run(readers));
    let next = fetch(&rehearsal, &published, &[]);
    assert_eq!(held(), next.body);
    assert!(number(&rehearsal, &next) > number(&rehearsal, &first));

    let said = run(verify).out;
    assert_eq!(said.matches("agrees with the ledger").count(), said.lines().count(), "{said}");
    assert_eq!(
        said.matches(&format!("{AUTHORITY}: ")).count(),
        3,
        "one of all, one elsewhere, one in a file: {said}"
    );
}
