//! Making keys, proving that they sign, measuring, and what can be shown of their origin.

use serde_json::Value;

use crate::desk::{Desk, text};

#[test]
fn a_key_that_is_made_stays_on_its_token_and_others_say_so_too() {
    let desk = Desk::with(&["a"]);
    let made = desk.generate("a", "ca", &["--out", "ca.pem"]);
    for (attribute, is) in [
        ("sensitive", true),
        ("always_sensitive", true),
        ("extractable", false),
        ("never_extractable", true),
        ("local", true),
    ] {
        assert_eq!(made["attributes"][attribute], is, "{attribute}");
    }
    let seen = desk.opensc("a", &["--list-objects", "--type", "privkey"]).ok().out;
    assert!(seen.contains("sensitive, always sensitive, never extractable, local"), "{seen}");
    assert!(seen.contains(text(&made, "id")), "{seen}");
    let pem = std::fs::read_to_string(desk.at("ca.pem")).expect("the public key");
    assert_eq!(pem, text(&made, "public_key_pem"));
    assert!(desk.run("openssl pkey -pubin -in ca.pem -noout -text").ok().out.contains("prime256v1"));
    desk.signs_for(("a", text(&made, "id")), &pem);
    desk.refuses(&["generate", &desk.uri("a", ""), "--curve", "p384", "--label", "ca"], 7, "hsm.label-taken");
    desk.refuses(
        &["generate", &desk.uri("a", ";object=x"), "--curve", "p384", "--label", "y"],
        2,
        "hsm.uri-names-a-key",
    );
}

#[test]
fn a_key_that_may_leave_says_so_plainly() {
    let desk = Desk::with(&["a"]);
    let uri = desk.uri("a", "");
    let verb = ["generate", &uri, "--curve", "p256", "--label", "trusted", "--exportable-by-wrap"];
    let said = desk.hsm(&verb).ok().out;
    assert!(said.contains("MAY LEAVE the token, wrapped by a key that the security officer makes"), "{said}");
    let made = desk.generate("a", "any", &["--exportable-by-wrap", "--by-any-wrapping-key"]);
    assert_eq!(
        (&made["attributes"]["sensitive"], &made["attributes"]["extractable"]),
        (&Value::from(true), &Value::from(true))
    );
    let list = desk.hsm(&["list", &uri]).ok().out;
    assert!(list.contains("wrapped by a trusted key") && list.contains("wrapped by any key"), "{list}");
}

#[test]
fn a_key_is_proven_by_signatures_and_one_that_is_not_is_told() {
    let desk = Desk::with(&["a"]);
    drop(desk.generate("a", "ca", &[]));
    assert_eq!(desk.json(&["test", &desk.uri("a", ";object=ca"), "--count", "25"])["signatures"], 25);
    // The public half of another key under the id of this one.
    let script = "openssl ecparam -genkey -name prime256v1 -noout -out a.key && openssl ecparam -genkey -name prime256v1 -noout -out b.key \
                  && openssl pkey -in b.key -pubout -outform DER -out b.der && openssl pkey -in a.key -outform DER -out a.der";
    drop(desk.run(script).ok());
    let write = |kind: &str, file: &str| {
        drop(
            desk.opensc("a", &["--write-object", file, "--type", kind, "--label", "mixed", "--id", "0a"])
                .ok(),
        );
    };
    write("privkey", "a.der");
    write("pubkey", "b.der");
    desk.refuses(&["test", &desk.uri("a", ";object=mixed")], 9, "hsm.signs-wrongly");
}

#[test]
fn the_bench_measures_both_ways_in_one_run() {
    let desk = Desk::with(&["a"]);
    drop(desk.generate("a", "ca", &[]));
    let verb =
        ["bench", &desk.uri("a", ";object=ca"), "--seconds", "1", "--requesters", "4", "--sessions", "2"];
    let view = desk.json(&verb);
    for (figure, threads) in [("module_alone", 2), ("through_the_signer", 4)] {
        assert_eq!(view[figure]["threads"], threads, "{view}");
        assert!(view[figure]["per_second"].as_f64().expect("a rate") > 0.0, "{view}");
        assert!(
            view[figure]["p50_microseconds"].as_u64() <= view[figure]["p99_microseconds"].as_u64(),
            "{view}"
        );
    }
    assert!(view["ratio"].as_f64().expect("a ratio") > 0.0, "{view}");
}

#[test]
fn what_a_token_shows_of_a_key_is_kept_and_an_attestation_is_known_from_a_certificate() {
    let desk = Desk::with(&["a"]);
    let made = desk.generate("a", "ca", &["--out", "ca.pem"]);
    let uri = desk.uri("a", ";object=ca");
    let said = desk.hsm(&["attest", &uri, "--out", "none.json"]).ok().out;
    assert!(said.contains("this token offers no attestation over PKCS#11"), "{said}");

    // Certificates as a token would keep them: one of a CA, and one with the extensions of Yubico's attestations.
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout maker.key -out maker.pem -subj /CN=maker -days 9
        printf '1.3.6.1.4.1.41482.4.2=ASN1:INTEGER:7550054\\n' > attested.ext
        openssl x509 -new -force_pubkey ca.pem -subj '/CN=attested' -CA maker.pem -CAkey maker.key -days 9 -extfile attested.ext -outform DER -out attested.der
        openssl x509 -new -force_pubkey ca.pem -subj '/CN=plain' -CA maker.pem -CAkey maker.key -days 9 -outform DER -out plain.der";
    drop(desk.run(script).ok());
    let write = |file: &str| {
        let id = text(&made, "id");
        drop(desk.opensc("a", &["--write-object", file, "--type", "cert", "--label", file, "--id", id]).ok());
    };
    write("plain.der");
    let view = desk.json(&["attest", &uri, "--out", "plain.json"]);
    assert!(view["attestation"].is_null(), "a certificate is not yet an attestation: {view}");
    assert_eq!(view["certificates"][0]["certifies_the_key"], true, "{view}");
    write("attested.der");
    let view = desk.json(&["attest", &uri, "--out", "attested.json"]);
    assert_eq!(text(&view, "attestation"), "YubiHSM 2");
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.at("attested.json")).expect("a file"))
            .expect("JSON");
    assert_eq!((&kept, text(&kept, "public_key_pem")), (&view, text(&made, "public_key_pem")));
    desk.refuses(&["attest", &uri, "--out", "attested.json"], 7, "file.exists");
}
