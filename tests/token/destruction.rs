//! The end of a key: named twice, recorded before and after, and refused while an authority uses it.

use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use crate::desk::{Desk, text};

#[test]
fn a_key_is_destroyed_by_whoever_names_it_twice_and_a_record_says_so() {
    let desk = Desk::with(&["a"]);
    let made = desk.generate("a", "ca", &[]);
    let other = desk.generate("a", "other", &[]);
    let (uri, name) = (desk.uri("a", ";object=ca"), text(&made, "key"));
    let destroy = |key: &str| {
        ["destroy", &uri, "--key", key, "--reason", "rehearsal", "--record", "record.json"].map(str::to_owned)
    };
    fn words(verb: &[String]) -> Vec<&str> {
        verb.iter().map(String::as_str).collect()
    }
    desk.refuses(&words(&destroy(text(&other, "key"))), 4, "hsm.another-key-named");
    desk.refuses(&words(&destroy("ca")), 2, "hsm.key-faulty");
    assert!(!desk.at("record.json").exists());
    let unrecorded = desk.hsm(&["destroy", &uri, "--key", name, "--reason", "rehearsal"]);
    assert_eq!(unrecorded.code, Some(2), "{}", unrecorded.all());

    let view = desk.json(&words(&destroy(name)));
    assert_eq!(
        (&view["in_ledger"], &view["configuration_checked"]),
        (&Value::from(false), &Value::from(false))
    );
    let seen = desk.opensc("a", &["--list-objects"]).ok().out;
    assert!(!seen.contains(text(&made, "id")) && seen.contains(text(&other, "id")), "{seen}");
    desk.refuses(&words(&destroy(name)), 7, "file.exists");
    desk.refuses(&["test", &uri], 5, "hsm.key-missing");

    // Each line covers the one before, by a hash that others compute.
    let before = desk.run("head -n 1 record.json | tr -d '\\n' | sha256sum | cut -d ' ' -f 1").ok().out;
    let record = std::fs::read_to_string(desk.at("record.json")).expect("the record");
    let lines: Vec<Value> = record.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [intended, done] = lines.as_slice() else { panic!("two lines: {record}") };
    assert_eq!((text(intended, "act"), text(done, "act")), ("key-destruction-intended", "key-destroyed"));
    assert_eq!(text(done, "sha256_of_line_before"), before.trim());
    assert_eq!((text(done, "key"), text(done, "reason")), (name, "rehearsal"));
}

#[test]
fn a_private_key_without_its_public_half_is_destroyed_by_its_id() {
    let desk = Desk::with(&["a"]);
    let made = desk.generate("a", "ca", &[]);
    let (uri, name) = (desk.uri("a", ";object=ca"), text(&made, "key"));
    drop(desk.opensc("a", &["--delete-object", "--type", "pubkey", "--id", text(&made, "id")]).ok());
    desk.refuses(&["test", &uri], 4, "hsm.key-unusable");
    let view = desk.json(&["destroy", &uri, "--key", name, "--reason", "half", "--record", "record.json"]);
    assert!(view["public_key_sha256"].is_null(), "{view}");
    let seen = desk.opensc("a", &["--list-objects"]).ok().out;
    assert!(!seen.contains("Object;"), "{seen}");
}

#[test]
fn the_ledger_records_it_and_a_key_that_an_authority_uses_is_refused() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let desk = Desk::with(&["a"]);
    let made = desk.generate("a", "spare", &[]);
    // The key of an authority, brought onto the token.
    let certificate = path(&rehearsal.state("authorities/dso-infra-s1.cer"));
    let identifier = desk
        .run(&format!(
            "openssl x509 -in {certificate} -inform DER -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :'"
        ))
        .ok();
    let used = identifier.out.trim().to_lowercase();
    let plain = path(&desk.at("used.der"));
    let key_file = path(&rehearsal.state(&format!("keys/{used}.pem")));
    let passphrase = path(&rehearsal.state("passphrase"));
    let script = format!(
        "openssl pkey -in {key_file} -passin file:{passphrase} -outform DER -out {plain}; \
         openssl pkey -in {plain} -inform DER -pubout -outform DER -out used-public.der"
    );
    drop(desk.run(&script).ok());
    for (kind, file) in [("privkey", "used.der"), ("pubkey", "used-public.der")] {
        drop(
            desk.opensc("a", &["--write-object", file, "--type", kind, "--label", "used", "--id", &used])
                .ok(),
        );
    }
    let configuration = path(&rehearsal.state("meter-pki.toml"));
    let destroy = |label: &str, key: &str| {
        let uri = desk.uri("a", &format!(";object={label}"));
        let verb = [
            "--json",
            "--config",
            &configuration,
            "hsm",
            "destroy",
            &uri,
            "--key",
            key,
            "--reason",
            "r",
            "--in-ledger",
        ];
        desk.meter_pki(&verb)
    };
    let said = destroy("used", &used);
    assert_eq!(said.code, Some(4), "{}", said.all());
    assert!(said.err.contains("hsm.key-in-use"), "{}", said.err);
    assert!(desk.opensc("a", &["--list-objects"]).ok().out.contains(&used));

    let said = destroy("spare", text(&made, "key")).ok();
    let view: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        (&view["in_ledger"], &view["configuration_checked"]),
        (&Value::from(true), &Value::from(true))
    );
    rehearsal.serve();
    let trail = rehearsal.operator(&["audit", "list", "--limit", "10000"]);
    assert!(trail.out.contains("key-destruction-intended"), "{}", trail.all());
    assert!(trail.out.contains(text(&made, "key")), "{}", trail.all());
    drop(rehearsal.operator(&["audit", "verify"]).ok());
}
