//! What is wrong on the way from a manufacturer's file to a swapped meter: each is refused with its reason code by the real server,
//! is on record, and leaves nothing half done. The table is in `docs/operate/refusals.md`.

mod campaigns;
mod deliveries;
mod table;

use e2e::fleet::{Meter, Suite};
use e2e::peer::{encoded, to_der};
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

/// A factory certificate from the rehearsed line, base64 of its DER.
fn factory_certificate(rehearsal: &Rehearsal, title: &str) -> String {
    let made = Meter::new(rehearsal, title, Suite::One).manufacture();
    encoded(&to_der(&made.certificate)).replace('\n', "")
}

/// Asserts that exactly one refusal was put on record after a number, with this code.
#[track_caller]
fn assert_on_record(rehearsal: &Rehearsal, after: u64, code: &str) {
    let records = rehearsal.audit_after(after);
    let refused: Vec<&Value> = records.iter().filter(|record| record["act"] == "request-refused").collect();
    assert_eq!(refused.len(), 1, "{records:?}");
    assert_eq!(refused[0]["reason"], code, "{refused:?}");
}
