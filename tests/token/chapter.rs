//! The chapters on tokens and on secrets, as far as they are of SoftHSM2, as they stand in `docs/operate`.

use e2e::chapter::steps;
use serde_json::Value;

use crate::desk::{Desk, text};

#[test]
fn the_chapter_on_tokens_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/hsm.md");
    let blocks: [&str; 6] = steps(chapter);
    let desk = Desk::empty();
    // One shell: the later blocks use what the earlier ones have set.
    let said = desk.run(&format!("rm pin officer-pin\n{}", blocks.concat())).ok();
    assert!(said.out.contains("the key signs, and the signature verifies"), "{}", said.out);
    assert!(said.out.contains("of what the module does"), "{}", said.out);
    assert!(said.out.contains("this token offers no attestation over PKCS#11"), "{}", said.out);
    assert!(said.out.contains("is destroyed on \"online\""), "{}", said.out);

    // What is left of the keys, as OpenSC sees it.
    let online = desk.opensc("online", &["--list-objects", "--type", "privkey"]).ok().out;
    assert!(
        online.contains("sub-ca-1") && online.contains("sub-ca-2") && !online.contains("sub-ca-3"),
        "{online}"
    );
    assert!(
        !online.replace("never extractable", "").contains("extractable"),
        "sealed, or made to stay: {online}"
    );
    let spare = desk.opensc("spare", &["--list-objects", "--type", "privkey"]).ok().out;
    assert!(spare.contains("sub-ca-2") && spare.contains("sub-ca-3"), "{spare}");

    let record = std::fs::read_to_string(desk.at("destroyed.json")).expect("the record");
    let lines: Vec<Value> = record.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (text(&lines[0], "act"), text(&lines[1], "act")),
        ("key-destruction-intended", "key-destroyed")
    );
}

#[test]
fn the_chapter_on_secrets_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/secrets.md");
    let blocks: [&str; 7] = steps(chapter);
    let desk = Desk::empty();
    let said = desk.run(&format!("rm pin officer-pin\n{}", blocks.concat())).ok();
    assert!(
        said.out.contains("1 of 1 lines are in stored.jsonl, with 1 secrets; 0 were refused"),
        "{}",
        said.out
    );
    assert!(said.out.contains("\"batch-7\" is destroyed on \"maker\""), "{}", said.out);
    let new: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.at("transfer.jsonl")).expect("the file"))
            .expect("JSON");
    assert_eq!((text(&new["pending"][0], "kind"), text(&new["pending"][1], "kind")), ("gak", "guek"));
    let seen = desk.opensc("dso", &["--list-objects", "--type", "secrkey"]).ok().out;
    assert_eq!(seen.matches("Secret Key Object").count(), 1, "the storage key alone: {seen}");
}
