//! The DSO's key for shipments on a token, by our own commands alone: made for key agreement, certified, and what opens a manifest.

use e2e::chapter::{blocks, steps};
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use crate::desk::{Desk, text};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/shipments.md");

/// What it has the configuration say, for this profile.
fn offer(profile: &str) -> String {
    let [offer] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one setting");
    format!("\n{}", offer.replace("ship-recipient-s1", profile))
}

fn offering_shipments(configuration: &str) -> String {
    let end = "[[authority.offer]]\nprofile = \"est-tls-s1\"\n";
    let mut parts = configuration.split(end);
    let mut edited = parts.next().expect("the beginning").to_owned();
    // Each infrastructure CA of suite 1 begins its offers with the one for servers.
    for part in parts {
        let profile = if edited.contains("name = \"dso-infra-s1\"") && !edited.contains("ship-recipient-s1") {
            "ship-recipient-s1"
        } else {
            "ship-signer-s1"
        };
        edited = format!("{edited}{}\n{end}{part}", offer(profile).trim_start());
    }
    edited
}

#[test]
fn a_key_for_key_agreement_is_made_certified_and_opens_a_manifest_by_our_commands_alone() {
    let desk = Desk::with(&["dso", "maker"]);
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.configure("meter-pki.toml", |text| offering_shipments(&text));
    rehearsal.serve();
    let state = path(&rehearsal.state(""));
    let [.., keys] = steps::<6>(CHAPTER);
    let said = desk.run(&format!("cp -p pin {state}/pin; cd {state}\n{keys}")).ok();
    assert!(
        said.out.contains("it agrees with other keys (CKA_DERIVE), as was tried just now"),
        "{}",
        said.out
    );
    let seen = desk.opensc("dso", &["--list-objects", "--type", "privkey"]).ok().out;
    assert!(seen.contains("derive") && seen.contains("never extractable"), "{seen}");
    let seen = desk.opensc("maker", &["--list-objects", "--type", "privkey"]).ok().out;
    assert!(!seen.contains("derive"), "a key for signing: {seen}");

    let usage = "openssl x509 -in dso-cert.pem -noout -ext keyUsage";
    let setting = format!(
        "cd {state}\n{usage}\n\
         openssl x509 -inform DER -in authorities/maker-infra-s1.cer >> maker-cert.pem\n\
         openssl x509 -inform DER -in authorities/maker-root-s1.cer -out maker-root.pem\n\
         echo '{{\"system_title\": \"4D504B0100000A01\"}}' > devices.jsonl"
    );
    assert!(desk.run(&setting).ok().out.contains("Key Agreement"), "{setting}");
    let (maker, dso) = (desk.uri("maker", ""), desk.uri("dso", ""));
    let create = format!(
        "cd {state}; meter-pki shipment create --devices devices.jsonl --manufacturer maker --tenant dso --shipment 1 \
         --recipient dso-cert.pem --signer maker-cert.pem --token '{maker}' --out delivery.ship"
    );
    drop(desk.run(&create).ok());
    let check = |token: &str| {
        format!(
            "cd {state}; meter-pki shipment check delivery.ship --manufacturer maker --anchor maker-root.pem \
             --recipient dso-cert.pem --token '{token}'"
        )
    };
    let said = desk.run(&check(&dso)).ok().out;
    assert!(said.contains("is in order: 1 devices"), "{said}");
    let other = desk.run(&check(&maker));
    assert!(other.err.contains("key.not-found"), "{}", other.all());
}

#[test]
fn a_key_for_key_agreement_stays_on_its_token_and_can_ask_for_its_certificate() {
    let desk = Desk::with(&["a"]);
    for curve in ["p256", "p384"] {
        let uri = desk.uri("a", "");
        let verb = ["generate", &uri, "--curve", curve, "--label", curve, "--purpose", "key-agreement"];
        let made = desk.json(&verb);
        assert_eq!(made["attributes"]["never_extractable"], Value::from(true), "{made}");
        desk.signs_for_request(text(&made, "uri"));
    }
    let uri = desk.uri("a", "");
    let leaves = ["generate", &uri, "--curve", "p256", "--label", "x", "--purpose", "key-agreement"];
    desk.refuses(&[&leaves[..], &["--exportable-by-wrap"]].concat(), 2, "hsm.agreement-stays");
    let seen = desk.opensc("a", &["--list-objects", "--type", "privkey"]).ok().out;
    assert_eq!(seen.matches("Private Key Object").count(), 2, "{seen}");
}
