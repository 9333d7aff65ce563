//! Requests that wait for the approval of operators, two of whom are two users of this machine.

use e2e::chapter::{blocks, steps};
use e2e::fleet::{Asked, Meter, Suite};
use e2e::operators::{let_in, run_as};
use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, certificate_of, curl, decoded, enrol};
use e2e::rehearsal::Rehearsal;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/requests.md");

const LABEL: &str = "meter-op-tls";

/// A system that is set up as the chapter says, in whose directories the other operators find the socket.
fn set_up() -> Rehearsal {
    let [approval, users] = <[&str; 2]>::try_from(blocks(CHAPTER, "toml")).expect("two settings");
    let rehearsal = Rehearsal::start_with(1, |text| {
        let label = format!("label = \"{LABEL}-s1\"\n");
        let text = text.replace(&label, &format!("{label}{approval}"));
        text.replace("[operator]\n", &format!("[operator]\n{users}"))
    });
    let_in(&rehearsal);
    rehearsal
}

/// A meter that its owner expects, and what it shows.
fn delivered<'a>(rehearsal: &'a Rehearsal, title: &'a str) -> (Meter<'a>, Shown) {
    let meter = Meter::new(rehearsal, title, Suite::One);
    let shown = meter.manufacture().shown();
    meter.deliver();
    (meter, shown)
}

#[track_caller]
fn assert_waits(answer: &Answer) {
    // RFC 7030 §4.2.3: 202 with Retry-After.
    assert_eq!((answer.status, answer.field("retry-after")), (202, Some("600")), "{}", answer.text());
    assert!(answer.text().ends_with("(request.waiting)\n"), "{}", answer.text());
}

fn acts(rehearsal: &Rehearsal, wanted: &[&str]) -> Vec<String> {
    let records = rehearsal.audit_after(0);
    let acts = records.iter().map(|record| record["act"].as_str().expect("an act").to_owned());
    acts.filter(|act| wanted.contains(&act.as_str())).collect()
}

#[test]
fn the_chapter_on_requests_that_wait_works_as_it_stands() {
    let [list, approve, refuse] = steps(CHAPTER);
    let rehearsal = set_up();
    let (meter, shown) = delivered(&rehearsal, "4D504B0100000B01");
    let Asked { request, .. } = meter.ask();
    let ask = || enrol(&rehearsal, &meter.label(LABEL), &request, &shown);
    assert_waits(&ask());
    let said = run_as(&rehearsal, 1001, list).ok();
    assert!(said.out.contains(meter.title) && said.out.contains("0/2"), "{}", said.out);
    let said = run_as(&rehearsal, 1001, approve).ok();
    assert!(said.out.contains("has 1 of 2 approvals"), "{}", said.out);
    let again = run_as(&rehearsal, 1001, approve);
    assert_eq!(again.code, Some(6), "{}", again.all());
    assert!(again.err.contains("approval.same-operator"), "{}", again.err);
    assert_waits(&ask());
    let said = run_as(&rehearsal, 1002, approve).ok();
    assert!(said.out.contains("is approved"), "{}", said.out);
    drop(certificate_of(&rehearsal, &ask()));

    let (meter, shown) = delivered(&rehearsal, "4D504B0100000B02");
    let Asked { request, .. } = meter.ask();
    assert_waits(&enrol(&rehearsal, &meter.label(LABEL), &request, &shown));
    let said = run_as(&rehearsal, 1002, refuse).ok();
    assert!(said.out.contains("is refused"), "{}", said.out);
    let told = enrol(&rehearsal, &meter.label(LABEL), &request, &shown);
    assert_eq!((told.status, told.text().contains("ordered")), (403, false), "{}", told.text());

    let stranger = run_as(&rehearsal, 1003, list);
    assert!(!stranger.success, "who is not named is not let in: {}", stranger.all());
}

// E-23, KP8: the server is killed while a meter waits, and again when its certificate is there.
#[test]
fn e_23_who_waits_is_not_forgotten_by_a_server_that_is_killed_and_gets_one_certificate() {
    let mut rehearsal = set_up();
    let (request, shown) = {
        let (meter, shown) = delivered(&rehearsal, "4D504B0100000B03");
        (meter.ask().request, shown)
    };
    let label = format!("{LABEL}-s1");
    assert_waits(&enrol(&rehearsal, &label, &request, &shown));
    rehearsal.kill();
    rehearsal.serve();
    assert_waits(&enrol(&rehearsal, &label, &request, &shown));
    let page = rehearsal.operator_json(&["request", "list", "--tenant", "dso", "--state", "waiting"]);
    let requests = page["requests"].as_array().expect("a list");
    assert_eq!((requests.len(), &requests[0]["needed"]), (1, &2.into()), "{page}");
    let id = requests[0]["id"].as_str().expect("an id").to_owned();
    let approve = |rehearsal: &Rehearsal| rehearsal.operator(&["request", "approve", &id[..8]]);
    drop(approve(&rehearsal).ok());
    rehearsal.kill();
    rehearsal.serve();
    assert_eq!(approve(&rehearsal).code, Some(6), "the first approval is remembered");
    drop(run_as(&rehearsal, 1001, &format!("meter-pki request approve {id}")).ok());
    let first = enrol(&rehearsal, &label, &request, &shown);
    drop(certificate_of(&rehearsal, &first));
    rehearsal.kill();
    rehearsal.serve();
    let again = enrol(&rehearsal, &label, &request, &shown);
    assert_eq!(decoded(&again.body), decoded(&first.body));
    let view = rehearsal.operator_json(&["request", "show", &id]);
    assert_eq!((&view["state"], &view["requester"]), (&"answered".into(), &"device:4D504B0100000B03".into()));
    let told = rehearsal.operator(&["request", "refuse", &id, "--reason", "too late"]);
    assert_eq!(told.code, Some(7), "{}", told.all());
    assert_eq!(
        acts(&rehearsal, &["request-waits", "request-approved"]),
        ["request-waits", "request-approved", "request-approved"]
    );
}

#[test]
fn the_metric_counts_those_that_wait_and_no_others() {
    let rehearsal = set_up();
    let socket = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    let is_told = |count: u32| {
        let line = format!("\npki_approvals_pending {count}\n");
        eventually(&line, || {
            let metrics = curl(&rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]);
            metrics.text().contains(&line).then_some(())
        });
    };
    is_told(0);
    let meters = ["4D504B0100000B04", "4D504B0100000B05"].map(|title| {
        let (meter, shown) = delivered(&rehearsal, title);
        let request = meter.ask().request;
        assert_waits(&enrol(&rehearsal, &meter.label(LABEL), &request, &shown));
        // The same request again is no other.
        assert_waits(&enrol(&rehearsal, &meter.label(LABEL), &request, &shown));
    });
    is_told(u32::try_from(meters.len()).expect("two"));
    drop(run_as(&rehearsal, 1001, blocks(CHAPTER, "sh")[2]).ok());
    is_told(1);
}

#[test]
fn ids_that_lead_nowhere_are_told_apart() {
    let rehearsal = Rehearsal::start(1);
    for (id, exit, code) in [
        ("0123456789abcdef", 5, "request.unknown"),
        ("0123", 2, "request.malformed"),
        ("012345678", 2, "request.malformed"),
        ("request-one", 2, "request.malformed"),
    ] {
        for verb in [&["request", "show", id][..], &["request", "approve", id]] {
            let said = rehearsal.operator(verb);
            assert!(said.code == Some(exit) && said.err.contains(code), "{}", said.all());
        }
    }
    let said = rehearsal.operator(&["request", "list", "--state", "open"]);
    assert!(said.code == Some(2) && said.err.contains("waiting, approved"), "{}", said.all());
    let page = rehearsal.operator_json(&["request", "list"]);
    assert_eq!(page["requests"].as_array().map(Vec::len), Some(0));
}
