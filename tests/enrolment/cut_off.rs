//! Clients whose answer did not come: the server was killed after it signed, or told to stop in the midst of a crowd.

use std::sync::Barrier;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, certificate_of, encoded, enrol, serial, try_curl};
use e2e::rehearsal::Rehearsal;

/// What a device sends, and sends again.
struct Wish {
    title: String,
    request: Vec<u8>,
    token: Shown,
}

const LABEL: &str = "meter-op-tls-s1";

fn wishes(rehearsal: &Rehearsal, count: usize) -> Vec<Wish> {
    let titles: Vec<String> = (0..count).map(|number| format!("4D504B01000E{number:04X}")).collect();
    rehearsal.expect_devices("dso", &titles.iter().map(String::as_str).collect::<Vec<_>>());
    let wish = |title: String| {
        let request = Meter::new(rehearsal, &title, Suite::One).ask().request;
        let token = rehearsal.token(&title, LABEL).into();
        Wish { title, request, token }
    };
    titles.into_iter().map(wish).collect()
}

/// Sends a wish; nothing where no answer came.
fn send(rehearsal: &Rehearsal, wish: &Wish) -> Option<Answer> {
    let mut arguments = wish.token.options();
    let text = encoded(&wish.request);
    let fixed = ["-H", "Content-Type: application/pkcs10", "--data-binary", &text];
    arguments.extend(fixed.map(str::to_owned));
    try_curl(rehearsal, &format!("{}/simpleenroll", rehearsal.est(LABEL)), &arguments).ok()
}

/// Repeats a wish; it must be answered, by the only valid certificate on record, and by the one that was given before, if one was.
fn repeat(rehearsal: &Rehearsal, wish: &Wish, before: Option<&Answer>) {
    let again = enrol(rehearsal, LABEL, &wish.request, &wish.token);
    let given = serial(&certificate_of(rehearsal, &again));
    if let Some(before) = before {
        assert_eq!(before.body, again.body, "the same octets");
    }
    let records = Meter::new(rehearsal, &wish.title, Suite::One).on_record();
    let valid: Vec<_> = records.iter().filter(|(_, status)| status == "good").collect();
    assert!(matches!(&valid[..], [(only, _)] if *only == given), "{}: {records:?}", wish.title);
}

// E-23: what was stored is given again; what was not has a burned serial number, and the repetition gets another.
#[test]
fn e_23_a_server_killed_after_signing_gives_the_repetition_what_it_stored() {
    let mut rehearsal = Rehearsal::start_with(1, |text| format!("# as it is\n{text}"));
    let wishes = wishes(&rehearsal, 3);
    for wish in &wishes {
        let issued = rehearsal.log().matches("certificate issued").count();
        let process = rehearsal.process_number();
        let log = rehearsal.scratch("serve.log");
        let answer = std::thread::scope(|scope| {
            let client = scope.spawn(|| send(&rehearsal, wish));
            eventually("a certificate is signed and stored", || {
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                (text.matches("certificate issued").count() > issued).then_some(())
            });
            signal(process, "KILL");
            client.join().expect("the client ends")
        });
        rehearsal.kill();
        rehearsal.serve();
        repeat(&rehearsal, wish, answer.as_ref().filter(|answer| answer.status == 200));
    }
}

fn signal(process: u32, name: &str) {
    drop(e2e::tool::run("kill", [format!("-{name}"), process.to_string()]).ok());
}

// T-19: SIGTERM under load. Every request that was accepted is answered on its own connection: nobody whose connection ended without
// an answer, or who was told to come back, has anything on record. The repetition is another request, and no excuse.
#[test]
fn t_19_no_accepted_request_is_lost_when_the_server_is_told_to_stop_under_load() {
    let mut rehearsal = Rehearsal::start_with(1, |text| format!("# as it is\n{text}"));
    let wishes = wishes(&rehearsal, 24);
    let (process, log) = (rehearsal.process_number(), rehearsal.scratch("serve.log"));
    let start = Barrier::new(wishes.len());
    let answers: Vec<Option<Answer>> = std::thread::scope(|scope| {
        let ask = |wish| {
            start.wait();
            send(&rehearsal, wish)
        };
        let clients: Vec<_> = wishes.iter().map(|wish| scope.spawn(move || ask(wish))).collect();
        eventually("the first certificate", || {
            std::fs::read_to_string(&log).unwrap_or_default().contains("certificate issued").then_some(())
        });
        signal(process, "TERM");
        clients.into_iter().map(|client| client.join().expect("the client ends")).collect()
    });
    rehearsal.stop();
    rehearsal.serve();
    for (wish, answer) in wishes.iter().zip(&answers) {
        let on_record = rehearsal.certificates_of(&wish.title).len();
        let status = answer.as_ref().map(|answer| answer.status);
        assert!(
            matches!((status, on_record), (Some(200), 1) | (Some(503) | None, 0)),
            "{status:?}: {on_record}"
        );
        repeat(&rehearsal, wish, answer.as_ref().filter(|answer| answer.status == 200));
    }
    let served = answers.iter().flatten().filter(|answer| answer.status == 200).count();
    assert!(served > 1, "others were under way beside the first: {served}");
}
