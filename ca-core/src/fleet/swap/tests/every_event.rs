//! Every stage with every event on both roads: where it comes to, by a table, and that a refusal says what it must.

use super::super::*;
use super::fixtures::{NOW, TITLE, asked, at, id, made, patience, planned, stages, take};

/// Every event, in short.
fn events() -> Vec<(&'static str, Event)> {
    let given = |call| Event::Given { call, until: NOW.plus_seconds(60) };
    let answered = |answer| Event::Answered { turn: 1, answer };
    let other = Made { certificate: id(8), digest: [8; 32], asked: Asked { key: [8; 32], ..asked() } };
    let request =
        Answer::Request { octets: vec![0x30], asked: asked(), title: Some(TITLE), key: KeyStanding::New };
    vec![
        ("claimed", Event::Claimed),
        ("give generate-key-pair", given(Call::GenerateKeyPair)),
        ("give generate-request", given(Call::GenerateRequest)),
        ("give import", given(Call::Import)),
        ("give export", given(Call::Export)),
        ("give activate", given(Call::Activate)),
        ("give read-suite", given(Call::ReadSuite)),
        ("suite", answered(Answer::Suite(2))),
        ("key-made", answered(Answer::KeyMade)),
        ("request", answered(request)),
        ("imported", answered(Answer::Imported)),
        ("exported", answered(Answer::Exported(Shown::Nothing))),
        ("activated", answered(Answer::Activated)),
        ("refused", answered(Answer::Refused { result: 1 })),
        ("asked", Event::Asked(asked())),
        ("issued", Event::Issued(made())),
        ("issued other", Event::Issued(other)),
        (
            "not-issued",
            Event::NotIssued { trouble: Trouble::NotIssued { code: "csr.key".to_owned() }, later: false },
        ),
        ("confirmed", Event::Confirmed { certificate: id(7), proof: Proof::Use }),
        ("confirmed other", Event::Confirmed { certificate: id(8), proof: Proof::Use }),
        ("revoked", Event::Revoked { certificate: id(7) }),
        ("revoked other", Event::Revoked { certificate: id(8) }),
        ("elapsed", Event::Elapsed),
        ("ended", Event::Ended),
        ("again", Event::Again),
    ]
}

/// What an event comes to: a stage, a stage with trouble, or a refusal.
fn told(swap: &Swap, event: Event) -> String {
    match take(swap, event, NOW) {
        Err(refusal) => refusal.code().to_owned(),
        Ok(after) if after == *swap => "=".to_owned(),
        Ok(after) if after.stuck => format!("{}!{}", after.stage.name(), after.trouble.unwrap().code()),
        Ok(after) => match after.given {
            Some(given) => format!("{}+{}", after.stage.name(), given.call.name()),
            None => after.stage.name().to_owned(),
        },
    }
}

/// The whole table as text, one line for each stage that an event leads somewhere from.
#[expect(clippy::wildcard_enum_match_arm, reason = "two stages have two forms each, and the others a name")]
fn table(road: Road) -> String {
    let mut lines = Vec::new();
    for stage in stages() {
        let swap = at(road, stage.clone());
        let name = match &stage {
            Stage::Importing { refused: true, .. } => "importing-refused",
            Stage::Withdrawing { then: Then::End, .. } => "withdrawing-end",
            stage => stage.name(),
        };
        for (what, event) in events() {
            lines.push(format!("{name} / {what} -> {}", told(&swap, event)));
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_stage_and_event_on_the_head_ends_road_is_as_the_table_says() {
    assert_eq!(table(Road::HeadEnd), include_str!("head_end.txt"));
}

#[test]
fn every_stage_and_event_on_the_devices_road_is_as_the_table_says() {
    assert_eq!(table(Road::Device), include_str!("device.txt"));
}

/// With each call given, every other answer than its own is refused and changes nothing.
#[test]
fn an_answer_to_another_call_is_refused() {
    let answers = [
        (Call::ReadSuite, Answer::Suite(2)),
        (Call::GenerateKeyPair, Answer::KeyMade),
        (Call::Import, Answer::Imported),
        (Call::Export, Answer::Exported(Shown::Nothing)),
        (Call::Activate, Answer::Activated),
    ];
    for stage in stages() {
        let swap = at(Road::HeadEnd, stage);
        let Action::Call(call) = swap.next(NOW, &patience()) else { continue };
        let swap = take(&swap, Event::Given { call, until: NOW.plus_seconds(9) }, NOW).unwrap();
        for (of, answer) in answers.clone() {
            let outcome = take(&swap, Event::Answered { turn: swap.turn, answer }, NOW);
            if of == call {
                assert!(outcome.is_ok(), "{call:?}");
            } else {
                assert_eq!(outcome.unwrap_err().code(), "swap.other_answer", "{call:?} {of:?}");
            }
        }
    }
}

#[test]
fn a_stuck_swap_gives_no_calls_and_only_a_person_or_the_device_itself_moves_it() {
    for stage in stages() {
        for road in Road::ALL {
            let swap = Swap { stuck: true, trouble: Some(Trouble::NoAnswer), ..at(road, stage.clone()) };
            let refused = Event::Given { call: Call::Export, until: NOW };
            assert!(take(&swap, refused, NOW).is_err());
            assert_eq!(take(&swap, Event::Elapsed, NOW.plus_seconds(9_999_999)).unwrap(), swap);
            assert!(!take(&swap, Event::Again, NOW).unwrap().stuck);
        }
    }
}

#[test]
fn no_call_removes_a_certificate_and_each_has_its_word() {
    for call in Call::ALL {
        assert!(!call.name().contains("remove"));
        assert_eq!(Call::named(call.name()), Some(call));
    }
    for road in Road::ALL {
        assert_eq!(Road::named(road.name()), Some(road));
    }
    assert!(stages().iter().all(|stage| Stage::NAMES.contains(&stage.name())));
    assert_eq!(planned(Road::Device).stage.name(), "planned");
}
