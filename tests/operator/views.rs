//! What a console shows: profiles with samples and differences, audit records that are searched, what became of certificates, and how the
//! whole stands.
//! Paths are judged by OpenSSL, digests taken by others than us.

use std::collections::BTreeSet;
use std::path::Path;

use e2e::patience::eventually;
use e2e::peer::{make_key, make_request, path, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::schemas::Printed;

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Asserts that OpenSSL takes the first certificate under the last one, by way of those between.
#[track_caller]
fn assert_verifies(rehearsal: &Rehearsal, pems: &[&str]) {
    let file = |name: &str, text: &str| {
        let file = rehearsal.unique(name);
        std::fs::write(&file, text).expect("a file");
        path(&file)
    };
    let (own, above) = pems.split_first().expect("a certificate");
    let (root, between) = above.split_last().expect("a root");
    let (own, root, between) = (file("own", own), file("root", root), file("between", &between.concat()));
    let said = openssl(["verify", "-x509_strict", "-CAfile", &root, "-untrusted", &between, &own]);
    assert!(said.success, "{}", said.all());
}

/// Reads pages until the last; returns what `name` of each item is, in the order in which it came.
fn pages(rehearsal: &Rehearsal, words: &[&str], (items, name): (&str, &str)) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let more: Vec<&str> = after.iter().flat_map(|after| ["--after", after]).collect();
        let page = rehearsal.operator_json(&[words, &more].concat());
        all.extend(list(&page, items).iter().map(|item| match &item[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }));
        after = match &page["next"] {
            Value::Null => return all,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
    }
}

#[test]
fn profiles_are_listed_shown_compared_and_tried_without_a_trace() {
    let rehearsal = Rehearsal::renewing_at_any_time(1, |text| text);
    let before = rehearsal.audited();
    let mut printed = Printed::default();
    let whole = rehearsal.operator_json(&["profile", "list"]);
    printed.add(&["profile", "list"], &whole);
    let names: Vec<String> = list(&whole, "profiles").iter().map(|one| text(one, "id").to_owned()).collect();
    assert!(names.contains(&"meter-op-ds-s1".to_owned()) && names.contains(&"crl-online".to_owned()));
    assert_eq!(pages(&rehearsal, &["profile", "list", "--limit", "7"], ("profiles", "id")), names);
    let crls = rehearsal.operator_json(&["profile", "list", "--kind", "crl"]);
    assert!(list(&crls, "profiles").iter().all(|one| one["kind"] == "crl" && one["version"].is_null()));

    let shown = rehearsal.operator_json(&["profile", "show", "meter-op-ds-s1"]);
    printed.add(&["profile", "show"], &shown);
    let file = std::fs::read(rehearsal.state("profiles/meter-op-ds.toml")).expect("the profile");
    assert_eq!(text(&shown, "sha256"), hex::encode(Sha256::digest(&file)));
    assert_eq!((&shown["built_in"], text(&shown, "text").as_bytes()), (&false.into(), file.as_slice()));
    assert_eq!(shown["authorities"], serde_json::json!(["dso-operational-s1"]));
    let said = rehearsal.operator(&["profile", "show", "meter-op-ds-s1", "--text"]).ok();
    assert_eq!(said.out.as_bytes(), file);

    let differs = rehearsal.operator_json(&["profile", "diff", "meter-op-ds-s1"]);
    printed.add(&["profile", "diff"], &differs);
    let told: Vec<(&str, &str, &str)> = list(&differs, "differences")
        .iter()
        .map(|one| (text(one, "key"), text(one, "one"), text(one, "other")))
        .collect();
    assert_eq!(told, [("renewal_window", "any-time", "the last 7 years")], "the one line that was changed");
    let same = rehearsal.operator_json(&["profile", "diff", "est-tls-s1"]);
    assert_eq!((list(&same, "differences").len(), &same["other_is_built_in"]), (0, &true.into()));
    let other = rehearsal.operator_json(&["profile", "diff", "meter-op-ds-s1", "meter-op-ka-s1"]);
    assert!(list(&other, "differences").iter().any(|one| one["key"] == "key_usage"), "{other}");

    let out = rehearsal.scratch("sample.pem");
    let sample = rehearsal.operator_json(&["profile", "sample", "meter-op-ds-s1", "--out", &path(&out)]);
    printed.add(&["profile", "sample"], &sample);
    assert_eq!(sample["found"], 0);
    assert!(list(&sample, "rules").len() > 20 && list(&sample, "rules")[0]["finding"].is_null());
    let above = list(&sample, "path").iter().map(|pem| pem.as_str().expect("PEM"));
    let pems: Vec<&str> = std::iter::once(text(&sample, "pem")).chain(above).collect();
    assert_verifies(&rehearsal, &pems);
    assert_eq!(std::fs::read_to_string(&out).expect("the file"), pems.concat());

    let none = rehearsal.operator(&["--json", "profile", "show", "nobody"]);
    assert!(none.code == Some(5) && none.err.contains("profile.unknown"), "{}", none.all());
    let none = rehearsal.operator(&["--json", "profile", "sample", "crl-online"]);
    assert!(none.code == Some(4) && none.err.contains("profile.no-sample"), "{}", none.all());
    assert_eq!(rehearsal.audited(), before, "looking at profiles leaves no record");
    assert_eq!(printed.judge(&rehearsal), 4);
}

#[test]
fn audit_records_are_searched_in_bounded_steps_and_each_is_proved() {
    let rehearsal = Rehearsal::start(1);
    let revoked = rehearsal.text("revoked_serial").to_owned();
    let end = rehearsal.audited();
    let mut printed = Printed::default();
    let found = rehearsal.operator_json(&["audit", "search", "--act", "certificate-revoked"]);
    printed.add(&["audit", "search"], &found);
    let one = &list(&found, "records")[0];
    assert_eq!((text(one, "serial"), text(one, "reason")), (revoked.as_str(), "cessationOfOperation"));
    assert_eq!((text(one, "issuer"), text(one, "tenant")), ("dso-operational-s1", "dso"));
    assert_eq!(
        (&found["end"], &found["looked_at"], &found["next"]),
        (&end.into(), &end.into(), &Value::Null)
    );

    let of = |more: &[&str]| {
        let words = [&["audit", "search", "--limit", "7"], more].concat();
        let numbers = pages(&rehearsal, &words, ("records", "sequence"));
        numbers.iter().map(|number| number.parse().expect("a number")).collect::<Vec<u64>>()
    };
    let everything: Vec<u64> = (1..=end).collect();
    assert_eq!(of(&["--oldest-first"]), everything);
    assert_eq!(of(&[]), everything.iter().rev().copied().collect::<Vec<_>>(), "the youngest in front");
    let of_it = of(&["--serial", &revoked, "--oldest-first"]);
    let acts: Vec<String> = rehearsal
        .audit_after(0)
        .iter()
        .filter(|record| record["serial"] == revoked.as_str())
        .map(|record| text(record, "act").to_owned())
        .collect();
    assert_eq!(of_it.len(), acts.len());
    assert_eq!(acts, ["intent-recorded", "certificate-issued", "certificate-revoked"]);
    assert!(of(&["--until", "2020-01-01T00:00:00Z"]).is_empty(), "nothing was before the ledger");
    assert_eq!(of(&["--from", "2020-01-01T00:00:00Z"]).len(), everything.len());
    assert!(of(&["--actor", "nobody"]).is_empty());
    assert_eq!(of(&["--tenant", "dso"]).len() + of(&["--tenant", "maker"]).len(), everything.len());

    let last = of_it.last().expect("the revocation").to_string();
    let shown = rehearsal.operator_json(&["audit", "show", &last]);
    printed.add(&["audit", "show"], &shown);
    assert_eq!((text(&shown, "serial"), text(&shown, "act")), (revoked.as_str(), "certificate-revoked"));
    let proof = rehearsal.scratch("proof");
    std::fs::write(&proof, text(&shown, "proof")).expect("a file");
    assert!(text(&shown, "proof").starts_with("c2sp.org/tlog-proof@v1\n"));
    for (words, code) in [(["audit", "show", "999999"], 5), (["audit", "search", "--act=dancing"], 2)] {
        let said = rehearsal.operator(&words);
        assert_eq!(said.code, Some(code), "{}", said.all());
    }
    assert_eq!(printed.judge(&rehearsal), 2);
}

#[test]
fn certificates_are_found_by_what_is_known_of_them_and_tell_how_they_came_to_be() {
    let rehearsal = Rehearsal::start(1);
    let revoked = rehearsal.text("revoked_serial").to_owned();
    let mut printed = Printed::default();
    let history = rehearsal.operator_json(&["cert", "history", &revoked]);
    printed.add(&["cert", "history"], &history);
    let pems: Vec<&str> = list(&history, "path").iter().map(|one| text(one, "pem")).collect();
    assert_eq!(pems.len(), 3, "itself, its authority, the root");
    assert_verifies(&rehearsal, &pems);
    let acts: Vec<&str> = list(&history, "acts").iter().map(|one| text(one, "act")).collect();
    assert_eq!(acts, ["intent-recorded", "certificate-issued", "certificate-revoked"]);
    assert_eq!(history["whole"], true, "a device's history is kept");
    let request = &history["request"];
    assert_eq!((text(request, "possession"), text(request, "profile")), ("request", "meter-op-ds-s1"));
    let record = rehearsal.audit_after(request["sequence"].as_u64().expect("a number") - 1).remove(0);
    assert_eq!((text(&record, "actor"), text(&record, "serial")), (text(request, "requester"), &*revoked));
    assert!(text(request, "detail").contains(text(request, "request_sha256")));

    let server = rehearsal.operator_json(&["cert", "list", "--profile", "est-tls-s1"]);
    let server = text(&list(&server, "certificates")[0], "serial").to_owned();
    let of_server = rehearsal.operator_json(&["cert", "history", &server]);
    assert_eq!(of_server["whole"], false, "nobody keeps a history of servers");
    assert!(list(&of_server, "acts").iter().any(|one| one["act"] == "certificate-issued"), "{of_server}");

    let of = |more: &[&str]| -> BTreeSet<String> {
        let words = [&["cert", "list", "--limit", "5"], more].concat();
        let serials = pages(&rehearsal, &words, ("certificates", "serial"));
        let many = serials.len();
        let set: BTreeSet<String> = serials.into_iter().collect();
        assert_eq!(set.len(), many, "each once: {more:?}");
        set
    };
    let everything = of(&[]);
    assert!(everything.len() > 10);
    assert_eq!(of(&["--serial", &revoked]), BTreeSet::from([revoked.clone()]));
    assert!(of(&["--serial", &revoked[..6]]).contains(&revoked), "the first octets lead to it too");
    assert_eq!(of(&["--recorded-from", "2020-01-01T00:00:00Z"]), everything);
    assert_eq!(of(&["--recorded-until", "2020-10-01T00:00:00Z"]), BTreeSet::new());
    assert_eq!(of(&["--expires-from", "2020-01-01T00:00:00Z"]), everything, "all are issued");
    assert!(of(&["--expires-from", "9999-12-31T23:59:59Z"]).len() >= 3, "factory certificates do not end");
    let purposes = ["signature", "key-agreement", "tls"].map(|word| of(&["--purpose", word]));
    assert_eq!(purposes.iter().map(BTreeSet::len).sum::<usize>(), everything.len());
    assert!(of(&["--hierarchy", "factory"]).is_disjoint(&of(&["--hierarchy", "operational"])));
    assert_eq!(
        of(&["--subject", "4D504B0100000000", "--profile", "meter-op-ds-s1"]),
        BTreeSet::from([revoked])
    );

    let pem = rehearsal.scratch("one.pem");
    std::fs::write(&pem, pems[0]).expect("a file");
    assert_eq!(of(&["--key", &key_digest(&rehearsal, &pem)]).len(), 1);
    assert_eq!(of(&["--key", &"00".repeat(32)]), BTreeSet::new());
    assert_eq!(list(&history, "path")[0]["sha256"], hex::encode(Sha256::digest(to_der(&pem))));
    assert_eq!(printed.judge(&rehearsal), 1);
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo.
fn key_digest(rehearsal: &Rehearsal, certificate: &Path) -> String {
    let (key, der) = (rehearsal.scratch("key.pem"), rehearsal.scratch("key.der"));
    let said = openssl(["x509", "-in", &path(certificate), "-noout", "-pubkey"]).ok();
    std::fs::write(&key, said.out).expect("a file");
    drop(openssl(["pkey", "-pubin", "-in", &path(&key), "-outform", "DER", "-out", &path(&der)]).ok());
    hex::encode(Sha256::digest(std::fs::read(der).expect("the key")))
}

/// The names of what is told as a warning or a fault.
fn bad(report: &Value) -> BTreeSet<&str> {
    let findings = list(report, "findings").iter();
    let bad = findings.filter(|one| one["severity"] == "warning" || one["severity"] == "fault");
    bad.map(|one| text(one, "id")).collect()
}

#[test]
fn the_server_tells_in_short_how_the_whole_stands_and_has_the_doctor_look() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let exchanges = rehearsal.state("exchanges");
    std::fs::create_dir(&exchanges).expect("a directory");
    rehearsal.configure("exchange.toml", |text| {
        text.replace("[operator]\n", "[operator]\nexchanges_directory = \"exchanges\"\n")
    });
    rehearsal.serve();
    let mut printed = Printed::default();
    let ask = |words: &[&str]| -> Value {
        let said = rehearsal.operator(&[&["--json"], words].concat());
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
    };
    let served = ask(&["doctor", "--served"]);
    printed.add(&["doctor"], &served);
    let own = ask(&["doctor"]);
    assert_eq!(bad(&served), bad(&own), "who looks from the server's machine sees the same");
    assert_eq!(served["not_checked"], 0, "{served}");
    assert!(list(&served, "findings").len() > 90);
    assert_eq!(served["at"], ask(&["doctor", "--served"])["at"], "a report is given again");

    let view = ask(&["overview"]);
    printed.add(&["overview"], &view);
    assert_eq!(view["looked_at"], served["at"]);
    let light = match (served["faults"].as_u64(), served["warnings"].as_u64()) {
        (Some(0), Some(0)) => "ok",
        (Some(0), _) => "warning",
        _ => "critical",
    };
    assert_eq!(view["light"], light);
    let worst = list(&view, "worst");
    assert_eq!(worst.len(), bad(&served).len().min(3), "{view}");
    let crls = rehearsal.operator_json(&["crl", "list"]);
    let crls = crls.as_array().expect("a list");
    assert_eq!((&view["crls"]["total"], &view["crls"]["late"]), (&crls.len().into(), &0.into()));
    let first = crls.iter().map(|crl| text(crl, "next_update")).min();
    assert_eq!(view["crls"]["first_next_update"].as_str(), first);
    assert_eq!(view["waiting"], serde_json::json!({"requests": 0, "orders": 0, "campaigns": 0}));
    let responders = &view["ocsp"];
    let authorities = rehearsal.operator_json(&["ca", "list"]);
    assert_eq!(responders["total"].as_u64(), authorities.as_array().map(|all| all.len() as u64), "{view}");
    assert_eq!(list(responders, "silent"), &[] as &[Value]);
    assert!(text(responders, "first_not_after") > text(&view, "at"), "{view}");
    let until = text(&view["ending"], "until");
    let ends = rehearsal.operator_json(&["stats", "expiries", "--until", until]);
    assert_eq!((&view["ending"]["days"], &view["ending"]["certificates"]), (&30.into(), &ends["good"]));
    let before = view["issued"]["day"].as_u64().expect("a number");
    issue_server_certificate(&rehearsal);
    eventually("the certificate is counted", || {
        let issued = ask(&["overview"])["issued"].clone();
        (issued["day"] == before + 1 && issued["minute"].as_u64() >= Some(1)).then_some(())
    });

    let keys = ask(&["ca", "keys"]);
    printed.add(&["ca", "keys"], &keys);
    let shown = rehearsal.operator_json(&["ca", "show", "dso-operational-s1"]);
    let key = list(&keys, "keys").iter().find(|one| one["key"] == shown["key"]).expect("the authority's key");
    assert_eq!((text(key, "used_as"), text(key, "authority")), ("authority", "dso-operational-s1"));
    assert_eq!((&key["answers"], &key["not_after"]), (&true.into(), &shown["not_after"]));
    assert!(list(&keys, "keys").iter().any(|one| one["used_as"] == "checkpoints" && one["answers"] == true));
    assert_eq!((text(&keys, "place"), list(&keys, "tokens").len()), ("files", 0));

    let state = ask(&["ceremony", "state"]);
    assert_eq!((list(&state, "requests").len(), list(&state, "responses").len()), (0, 0));
    let asked = ask_a_root(&rehearsal, &exchanges);
    let state = ask(&["ceremony", "state"]);
    printed.add(&["ceremony", "state"], &state);
    let open = &list(&state, "requests")[0];
    assert_eq!((&open["sha256"], &open["words"]), (&asked["sha256"], &asked["words"]));
    assert_eq!((text(open, "profile"), &open["subject"]), ("sub-operational-s1", &asked["subject"]));
    assert_eq!(printed.judge(&rehearsal), 4);
}

/// Has the file of a request to an offline root made.
fn ask_a_root(rehearsal: &Rehearsal, exchanges: &Path) -> Value {
    let (out, keys) = (path(&rehearsal.scratch("request.pem")), path(&rehearsal.scratch("new-keys")));
    let (exchanges, passphrase) = (path(exchanges), path(&rehearsal.state("passphrase")));
    let subject = ["--country", "DE", "--organization", "Grid", "--common-name", "Grid Operational CA S1 G2"];
    let places = [
        "--out",
        &out,
        "--exchanges",
        &exchanges,
        "--key-directory",
        &keys,
        "--passphrase-file",
        &passphrase,
    ];
    let verb = ["ceremony", "request", "--profile", "sub-operational-s1"];
    rehearsal.operator_json(&[&verb[..], &subject, &places].concat())
}

/// Has a certificate issued by the door of operators.
fn issue_server_certificate(rehearsal: &Rehearsal) {
    let (key, request) = (rehearsal.scratch("server.key"), rehearsal.scratch("server.csr"));
    make_key(&key, "P-256");
    let der = make_request(
        &key,
        "/C=DE/O=Example Grid/CN=est2.example",
        "sha256",
        &["-addext", "subjectAltName=DNS:est2.example"],
    );
    std::fs::write(&request, der).expect("a file");
    let out = path(&rehearsal.scratch("server.pem"));
    let words = [
        "cert",
        "issue",
        &path(&request),
        "--issuer",
        "dso-infra-s1",
        "--profile",
        "est-tls-s1",
        "--out",
        &out,
    ];
    drop(rehearsal.operator(&words).ok());
}
