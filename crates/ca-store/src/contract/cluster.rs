//! What nodes promise each other that share a ledger, as far as nobody has to be killed for it.

use ca_core::ports::Ledger;
use ca_core::record::IntentConflict;

use super::ground::{Ground, IntentWords, LedgerWords, intent};
use crate::EngineKind;

fn ground() -> Ground {
    Ground::new(EngineKind::Postgres)
}

/// The turn that a node committed last.
fn last_turn(ground: &Ground, node: &str) -> u64 {
    let of = format!("SELECT last_turn FROM meter_pki.nodes WHERE name = '{node}' AND NOT fenced");
    ground.database.as_ref().unwrap().sql(&of).parse().unwrap()
}

// K-02: what another node wrote may be seen before it is safe on the standby; the answer comes behind a commit of one's own, which
// waits for all before it.
#[test]
fn k_02_nobody_is_answered_from_what_others_wrote_before_that_is_safe() {
    let ground = ground();
    let (one, (_directory, two)) = (ground.open(), ground.node(2));
    one.record(intent(1).for_request(3)).unwrap();
    let before = last_turn(&ground, "node-2");
    assert_eq!(two.record(intent(2).for_request(3)), Err(IntentConflict::InFlight));
    let confirmed = last_turn(&ground, "node-2");
    assert!(confirmed > before, "the answer followed a commit");
    assert_eq!(two.record(intent(4).for_request(3)), Err(IntentConflict::InFlight));
    assert_eq!(
        last_turn(&ground, "node-2"),
        confirmed,
        "nothing new was seen, and nothing is written for it"
    );
}

// K-01: the same request at two nodes at once is one certificate.
#[test]
fn k_01_the_same_request_at_two_nodes_is_taken_by_one() {
    let ground = ground();
    let (one, (_directory, two)) = (ground.open(), ground.node(2));
    let answers = super::races::at_once(2, |number| {
        let store = if number == 0 { &one } else { &two };
        store.record_intents(vec![intent(10 + number).for_request(3)]).unwrap().remove(0)
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.contains(&Err(IntentConflict::InFlight)));
}
