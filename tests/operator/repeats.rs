//! Calls that are made again, calls on what was changed meanwhile, and calls as curl makes them. curl makes them.

use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use crate::desk::Desk;

/// Adds somebody: three changes in one verb.
const ADD: &str = "people add pat --name Pat --role auditor --credential uid:2001";

#[test]
fn a_call_with_a_key_is_made_once_and_answered_as_often_as_it_comes() {
    let mut desk = Desk { rehearsal: Rehearsal::start(1) };
    let first = desk.run(&format!("meter-pki --idempotency-key monday --json {ADD}")).ok();
    let before = desk.rehearsal.audited();
    let again = desk.run(&format!("meter-pki --idempotency-key monday --json {ADD}")).ok();
    assert_eq!((again.out, desk.rehearsal.audited()), (first.out, before), "nothing was done again");
    let without = desk.run(&format!("meter-pki {ADD}"));
    assert_eq!(without.code, Some(7), "{}", without.all());

    let body = "--json '{\"id\":\"kay\",\"name\":\"Kay\"}'";
    let keyed = format!("{body} -H 'Idempotency-Key: \"a-1\"'");
    let (status, head, made) = desk.call("/v1/people", &keyed);
    assert!((status, head.contains("idempotent-replayed")) == (200, false), "{head}");
    desk.rehearsal.kill();
    desk.rehearsal.serve();
    let (status, head, told) = desk.call("/v1/people", &keyed);
    assert!((status, head.contains("idempotent-replayed: true")) == (200, true), "{head}");
    assert_eq!(told, made, "octet for octet, after a kill");
    assert_eq!(desk.records("person-added"), 2);

    // Refusals are remembered as well, and leave no second record.
    let wrong = ("/v1/people/kay/changes", "--json '{\"act\":\"dance\"}' -H 'Idempotency-Key: a-2'");
    let (status, _, body) = desk.call(wrong.0, wrong.1);
    let before = desk.rehearsal.audited();
    assert_eq!(desk.call(wrong.0, wrong.1).2, body, "{status}");
    assert_eq!(desk.rehearsal.audited(), before);
}

#[test]
fn a_key_that_cannot_be_or_is_another_calls_is_refused() {
    let desk = Desk { rehearsal: Rehearsal::start(1) };
    let with = |body: &str, key: &str| format!("--json '{body}' -H 'Idempotency-Key: {key}'");
    let kay = "{\"id\":\"kay\",\"name\":\"Kay\"}";
    assert_eq!(desk.call("/v1/people", &with(kay, "k")).0, 200);
    let lou = with("{\"id\":\"lou\",\"name\":\"Lou\"}", "k");
    desk.refused(("/v1/people", &lou), (422, "api.key-used"));
    desk.refused(("/v1/people?x=1", &with(kay, "k")), (422, "api.key-used"));
    desk.refused(("/v1/people", &with(kay, "two words")), (400, "api.key-malformed"));
    let twice = format!("{} -H 'Idempotency-Key: other'", with(kay, "k"));
    desk.refused(("/v1/people", &twice), (400, "api.key-malformed"));
    assert_eq!(desk.records("person-added"), 1);
    // Who reads needs none, and it harms nothing.
    assert_eq!(desk.call("/v1/people", "-H 'Idempotency-Key: k'").0, 200);
}

#[test]
fn what_is_shown_once_is_not_kept_for_a_repetition() {
    let desk = Desk { rehearsal: Rehearsal::start(1) };
    let text = "{\"system_title\":\"4D504B0100000000\",\"profile\":\"meter-op-ds-s1\",\"valid_minutes\":60}";
    let call = format!("--json '{text}' -H 'Idempotency-Key: t'");
    let (status, _, body) = desk.call("/v1/tokens", &call);
    assert_eq!(status, 200, "{body}");
    desk.refused(("/v1/tokens", &call), (409, "api.key-answered"));
}

#[test]
fn who_decides_on_the_sight_of_something_changes_nothing_else() {
    let desk = Desk { rehearsal: Rehearsal::start(1) };
    drop(desk.run(&format!("meter-pki {ADD}")).ok());
    let tag = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("etag: "));
        line.expect("a tag").trim().to_owned()
    };
    let (_, head, seen) = desk.call("/v1/people/pat", "");
    let first = tag(&head);
    let (status, head, body) = desk.call("/v1/people/pat", &format!("-H 'If-None-Match: {first}'"));
    assert_eq!((status, tag(&head), body.as_str()), (304, first.clone(), ""));
    // Somebody else is quicker.
    drop(desk.run("meter-pki people change pat --add-credential uid:2002").ok());
    let (status, head, body) = desk.call("/v1/people/pat", &format!("-H 'If-None-Match: {first}'"));
    assert!(status == 200 && body != seen && tag(&head) != first, "{body}");
    let before = desk.rehearsal.audited();
    let remove = |tag: &str| format!("--json '{{\"act\":\"remove\"}}' -H 'If-Match: {tag}'");
    let path = "/v1/people/pat/changes";
    desk.refused((path, &remove(&first)), (412, "api.changed"));
    // A key is worth nothing for what was not done.
    let keyed = format!("{} -H 'Idempotency-Key: r'", remove(&first));
    desk.refused((path, &keyed), (412, "api.changed"));
    desk.refused(("/v1/people/nobody/changes", &remove("*")), (412, "api.changed"));
    assert_eq!(desk.rehearsal.audited(), before, "nothing was done");
    let keyed = format!("{} -H 'Idempotency-Key: r2'", remove(&tag(&head)));
    let (status, _, removed) = desk.call(path, &keyed);
    assert_eq!(status, 200, "{removed}");
    // Its answer is found again, though what it was about is another thing now.
    assert_eq!(desk.call(path, &keyed).2, removed);
}

#[test]
fn a_verb_shows_its_calls_and_curl_makes_them() {
    let desk = Desk { rehearsal: Rehearsal::start(1) };
    let shown = desk.run(&format!("meter-pki --api --idempotency-key friday {ADD}")).ok();
    let calls: Vec<&str> = shown.err.lines().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(calls.len(), 3, "{}", shown.err);
    // The same keys: curl gets what the verb got.
    let told = desk.run(&format!("{} -s -S --fail", calls[2])).ok();
    let view: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(view["credentials"][0]["credential"], "uid:2001", "{}", told.out);
    let reads = desk.run("meter-pki --api people show pat").ok();
    let told = desk.run(&format!("{} -s --fail", reads.err.trim())).ok();
    assert_eq!(serde_json::from_str::<Value>(&told.out).expect("JSON"), view);
}
