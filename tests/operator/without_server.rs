//! Chapters whose commands ask no server, as they stand in `docs/operate`: what verbs print, and octets of DLMS in words.

use e2e::chapter::{Shell, steps};
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

/// Where nothing runs.
fn shell(rehearsal: &Rehearsal) -> Shell {
    let place = rehearsal.scratch("desk");
    std::fs::create_dir(&place).expect("a directory");
    Shell::new(&place, &rehearsal.scratch("programs"))
}

#[test]
fn the_chapter_on_commands_works_as_it_stands() {
    let [schemas] = steps(include_str!("../../docs/operate/commands.md"));
    let rehearsal = Rehearsal::not_begun();
    let said = shell(&rehearsal).run(schemas).ok().out;
    let all = std::fs::read_to_string(rehearsal.scratch("desk/json-schemas.json")).expect("the schemas");
    assert_eq!(all, include_str!("../../docs/operate/json-schemas.json"), "those beside the chapter");
    let printed: Vec<Value> =
        serde_json::Deserializer::from_str(&said).into_iter().collect::<Result<_, _>>().expect("JSON");
    let [of_list, of_failures] = &printed[..] else { panic!("{said}") };
    assert!(of_list["$defs"]["CertificatePage"].is_object(), "{of_list}");
    assert!(of_failures["$defs"]["Failure"].is_object(), "{of_failures}");
}

#[test]
fn the_chapter_on_work_orders_works_as_it_stands() {
    let [decode] = steps(include_str!("../../docs/operate/work-orders.md"));
    let said = shell(&Rehearsal::not_begun()).run(decode).ok().out;
    assert!(said.contains("calls: generate_key_pair (method 4): make a new key pair for tls"), "{said}");
}
