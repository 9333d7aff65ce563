//! EST in three processes: a device, a front end without ledger and without a key of an authority, and the authority, which the
//! front end asks over CMP. By curl and OpenSSL. RFC 7030 §3.7, RFC 9483 §4.1.4.

use std::path::Path;
use std::thread;

use e2e::fleet::{Credential, Meter, Suite};
use e2e::front_end::{FrontEnd, known_front_end, make_front_end};
use e2e::messages::{make_message_signer, serving_cmp};
use e2e::patience::eventually;
use e2e::peer::Operation::{Enrol, ReEnrol};
use e2e::peer::{Shown, certificate_of, curl, field, path, posting, public_key, serial};
use e2e::process::{signal, unread};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

use crate::untrusted::Authority;

const LABEL: &str = "meter-op-tls-s1";
const METER: &str = "4D504B01000000F1";
const OTHER: &str = "4D504B01000000F2";

/// An authority that serves CMP and knows a front end, with what else is changed of its configuration.
fn authority_with(edit: impl FnOnce(String) -> String) -> Rehearsal {
    let mut authority = Rehearsal::renewing_at_any_time(1, |text| text);
    authority.stop();
    make_message_signer(&authority);
    make_front_end(&authority);
    let known = known_front_end(&[LABEL]);
    authority.configure("behind.toml", |text| edit(serving_cmp(&text, &[LABEL], "") + &known));
    authority.serve();
    authority
}

fn authority() -> Rehearsal {
    authority_with(|text| text)
}

/// The factory certificate of a meter on the owner's list.
fn delivered(authority: &Rehearsal, title: &str) -> Credential {
    let meter = Meter::new(authority, title, Suite::One);
    meter.deliver();
    meter.manufacture()
}

fn meter(authority: &Rehearsal) -> Meter<'_> {
    Meter::new(authority, METER, Suite::One)
}

fn shown(certificate: &Path, key: &Path) -> Shown {
    Shown::Certificate { certificates: certificate.to_owned(), key: key.to_owned() }
}

/// The serial numbers of a meter's operational certificates that are good.
fn operational(authority: &Rehearsal, title: &str) -> Vec<String> {
    let all = authority.certificates_of(title);
    let good = all.iter().filter(|one| one["profile"] == LABEL && one["status"] == "good");
    good.map(|one| one["serial"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_device_enrols_and_renews_through_a_front_end_that_holds_no_ledger_and_no_key_of_an_authority() {
    let authority = authority();
    let factory = delivered(&authority, METER);
    let front = FrontEnd::start(&authority, LABEL);
    let before = authority.audited();

    let asked = meter(&authority).ask();
    let first = certificate_of(&authority, &front.send(&authority, Enrol, &asked.request, &factory.shown()));
    assert_eq!(field(&first, "-subject"), format!("CN={METER}"));
    assert_eq!(public_key(&first), openssl(["pkey", "-pubout", "-in", &path(&asked.key)]).ok().out);
    let (root, above) = (path(&authority.root()), path(&authority.authority("dso-operational-s1")));
    drop(openssl(["verify", "-CAfile", &root, "-untrusted", &above, &path(&first)]).ok());
    // The record is the authority's, and names both.
    let records = authority.audit_after(before);
    let issued = records.iter().find(|record| record["act"] == "certificate-issued").expect("a record");
    assert_eq!(issued["actor"], format!("device:{METER} by ra:front-1"));

    // RFC 7030 §4.2.2: by the certificate that it got.
    let (renewing, held) = (meter(&authority).ask(), shown(&first, &asked.key));
    let second = certificate_of(&authority, &front.send(&authority, ReEnrol, &renewing.request, &held));
    assert_ne!(public_key(&second), public_key(&first));
    // The same again.
    let again = certificate_of(&authority, &front.send(&authority, ReEnrol, &renewing.request, &held));
    assert_eq!(serial(&again), serial(&second));

    // What needs no authority is told by the front end: the same as there.
    for operation in ["cacerts", "csrattrs"] {
        let none: [&str; 0] = [];
        let here = curl(&authority, &front.url(operation), &none);
        let there = curl(&authority, &format!("{}/{operation}", authority.est(LABEL)), &none);
        assert_eq!((here.status, here.body), (there.status, there.body), "{operation}");
    }
    let given = ["authority.cer", "front.cer", "front.key", "front.passphrase", "front.toml", "maker.cer"];
    let given: Vec<&str> =
        given.into_iter().chain(["messages.cer", "root.cer", "server.key", "server.pem"]).collect();
    assert_eq!(front.files(), given, "it keeps nothing");
}

#[test]
fn what_the_authority_would_refuse_is_refused_through_a_front_end_and_a_revocation_counts_at_once() {
    let authority = authority();
    let factory = delivered(&authority, METER).shown();
    let front = FrontEnd::start(&authority, LABEL);
    let asked = meter(&authority).ask();
    let refused = |status, code: &str, request: &[u8], shown: &Shown| {
        let answer = front.send(&authority, Enrol, request, shown);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(code), "{}", answer.text());
    };

    // A manufacturer that nobody trusts does not come as far as the authority: the log of the front end tells.
    let before = authority.audited();
    let foreign = Authority::stranger(&authority).sign(METER, ("20250101000000Z", "20400101000000Z"));
    refused(403, "authn.no-path", &asked.request, &foreign);
    let token = authority.token(METER, LABEL);
    refused(401, "authn.password", &asked.request, &token.into());
    assert!(front.log().contains("request refused here"), "{}", front.log());
    let options = posting(&authority, b"", &factory, &[]);
    assert_eq!(curl(&authority, &front.url("serverkeygen"), &options).status, 404);
    let new = authority.audit_after(before);
    assert!(!new.iter().any(|record| record["act"] == "request-refused"), "{new:?}");

    // A device that its owner does not expect, and one that asks for another.
    let unexpected = Meter::new(&authority, OTHER, Suite::One);
    let other = unexpected.manufacture().shown();
    refused(403, "upstream.not-allowed", &unexpected.ask().request, &other);
    refused(403, "upstream.not-allowed", &asked.request, &other);

    // A device out of service; the record at the authority says why, and when it is back it is answered.
    let (before, change) = (authority.audited(), |act: &str| {
        drop(authority.operator(&["device", act, METER, "--tenant", "dso", "--reason", "a test"]).ok());
    });
    change("suspend");
    refused(403, "upstream.not-allowed", &asked.request, &factory);
    let told = authority.audit_after(before);
    assert!(told.iter().any(|record| record["reason"] == "device.suspended"), "{told:?}");
    change("resume");

    let first = certificate_of(&authority, &front.send(&authority, Enrol, &asked.request, &factory));
    // A factory certificate gets one certificate for the purpose, not two.
    refused(409, "upstream.conflict", &meter(&authority).ask().request, &factory);
    drop(authority.operator(&["cert", "revoke", &serial(&first), "--reason", "superseded"]).ok());
    let renewing = meter(&authority).ask();
    let answer = front.send(&authority, ReEnrol, &renewing.request, &shown(&first, &asked.key));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("upstream.revoked"), "{}", answer.text());
    assert!(operational(&authority, METER).is_empty());
}

// RFC 7030 §3.7: the server checks what a registration authority is authorised for.
#[test]
fn a_front_end_that_the_authority_does_not_know_or_that_may_not_forward_gets_nothing() {
    let mut authority = authority_with(|text| text.replace("forwards = true\n", ""));
    let factory = delivered(&authority, METER).shown();
    let front = FrontEnd::start(&authority, LABEL);
    let asked = meter(&authority).ask();
    let refused = front.send(&authority, Enrol, &asked.request, &factory);
    assert_eq!(refused.status, 403, "{}", refused.text());

    // Of a front end that is not known the device is told nothing: that is for its operator, and may pass.
    authority.stop();
    authority.configure("strange.toml", |text| text.replace("\"Front End 1\"", "\"Front End 2\""));
    authority.serve();
    let refused = front.send(&authority, Enrol, &asked.request, &factory);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.field("retry-after").is_some(), "{}", refused.head);
    assert!(front.log().contains("cannot be asked as it should be"), "{}", front.log());
    assert!(operational(&authority, METER).is_empty());
}

/// Lets an authority stand still with the request of a meter in its socket, does something, and returns what the meter gets.
fn while_it_is_asked(
    authority: &Rehearsal,
    front: &FrontEnd,
    (request, factory): (&[u8], &Shown),
    act: impl FnOnce(),
) -> Option<u16> {
    // The connection between the two is there when the second meter asks.
    let early = delivered(authority, OTHER);
    let asked = Meter::new(authority, OTHER, Suite::One).ask();
    drop(certificate_of(authority, &front.send(authority, Enrol, &asked.request, &early.shown())));
    let port = authority.origin().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    signal(authority.process_number(), "STOP");
    thread::scope(|scope| {
        let client = scope.spawn(|| front.try_send(authority, Enrol, request, factory));
        eventually("the request is in the socket", || (unread(port) > 0).then_some(()));
        act();
        client.join().expect("curl ends").ok().map(|answer| {
            assert!(answer.field("retry-after").is_some(), "{}", answer.head);
            answer.status
        })
    })
}

#[test]
fn an_authority_that_is_killed_while_it_is_asked_gives_one_certificate_when_it_is_asked_again() {
    let mut authority = authority();
    let factory = delivered(&authority, METER).shown();
    let front = FrontEnd::start(&authority, LABEL);
    let asked = meter(&authority).ask();
    let kill = || signal(authority.process_number(), "KILL");
    let told = while_it_is_asked(&authority, &front, (&asked.request, &factory), kill);
    assert_eq!(told, Some(503));
    // As long as it is away the device is told to come again.
    let away = front.send(&authority, Enrol, &asked.request, &factory);
    assert_eq!(away.status, 503, "{}", away.text());
    assert!(away.field("retry-after").is_some(), "{}", away.head);

    authority.kill();
    authority.serve();
    let certificate = certificate_of(&authority, &front.send(&authority, Enrol, &asked.request, &factory));
    let again = certificate_of(&authority, &front.send(&authority, Enrol, &asked.request, &factory));
    assert_eq!(serial(&again), serial(&certificate));
    assert_eq!(operational(&authority, METER), [serial(&certificate)]);
}

// RFC 7030 §4.2.3: a client that lost its answer asks again.
#[test]
fn a_front_end_that_is_killed_before_it_answers_gives_the_certificate_that_was_made_meanwhile() {
    let authority = authority();
    let factory = delivered(&authority, METER).shown();
    let mut front = FrontEnd::start(&authority, LABEL);
    let asked = meter(&authority).ask();
    let kill = || {
        // The answer comes to a process that does not read it any more.
        signal(front.process_number(), "STOP");
        signal(authority.process_number(), "CONT");
        eventually("the authority issues", || (!operational(&authority, METER).is_empty()).then_some(()));
        signal(front.process_number(), "KILL");
    };
    assert_eq!(while_it_is_asked(&authority, &front, (&asked.request, &factory), kill), None);
    front.kill();
    let made = operational(&authority, METER);
    front.serve();
    let certificate = certificate_of(&authority, &front.send(&authority, Enrol, &asked.request, &factory));
    assert_eq!([serial(&certificate)], made.as_slice());
    assert_eq!(operational(&authority, METER), made);
}

// RFC 7030 §4.2.3, RFC 9483 §4.4: 202 as long as the authority says waiting.
#[test]
fn a_request_that_waits_at_the_authority_waits_at_the_front_end_also_after_its_restart() {
    let approval = "label = \"meter-op-tls-s1\"\napproval = { operators = \"one\", retry_seconds = 7 }\n";
    let authority = authority_with(|text| text.replace("label = \"meter-op-tls-s1\"\n", approval));
    let factory = delivered(&authority, METER).shown();
    let mut front = FrontEnd::start(&authority, LABEL);
    let asked = meter(&authority).ask();
    let waits = |front: &FrontEnd| {
        let answer = front.send(&authority, Enrol, &asked.request, &factory);
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.field("retry-after"), Some("7"));
    };
    waits(&front);
    waits(&front);
    front.kill();
    front.serve();
    waits(&front);
    let list = authority.operator_json(&["request", "list", "--state", "waiting"]);
    let [waiting] = list["requests"].as_array().expect("a list").as_slice() else { panic!("one: {list}") };
    drop(authority.operator(&["request", "approve", waiting["id"].as_str().expect("an id")]).ok());
    let certificate = certificate_of(&authority, &front.send(&authority, Enrol, &asked.request, &factory));
    assert_eq!(operational(&authority, METER), [serial(&certificate)]);
}

#[test]
fn the_configuration_of_a_front_end_refuses_ledger_and_keys_of_an_authority() {
    let authority = authority();
    let front = FrontEnd::prepare(&authority, LABEL);
    let text = std::fs::read_to_string(front.place("front.toml")).expect("a configuration");
    for (more, told) in [
        ("[store]\ndirectory = \"store\"\ntenant = \"dso\"\n", "a front end has no ledger"),
        ("[keys]\ndirectory = \"keys\"\n", "a front end has no key of an authority"),
        ("[cmp]\nlabels = []\n", "whoever speaks CMP asks the authority itself"),
        ("[operator]\nsocket = \"socket\"\n", "there is nothing to operate"),
        ("[[registration_authority]]\nname = \"line\"\n", "head-ends ask the authority itself"),
    ] {
        std::fs::write(front.place("faulty.toml"), format!("{text}\n{more}")).expect("a configuration");
        let said = front.serve_to_its_end("faulty.toml");
        assert_eq!(said.code, Some(2), "{}", said.all());
        assert!(said.err.contains(told), "{}", said.all());
    }
    let own = text.replace("certificate_files = [\"front.cer\"]", "certificate_files = [\"authority.cer\"]");
    std::fs::write(front.place("faulty.toml"), own).expect("a configuration");
    let said = front.serve_to_its_end("faulty.toml");
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("id-kp-cmcRA"), "{}", said.all());
}
