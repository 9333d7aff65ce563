//! One key on two tokens: copied at once, and through a file; and everything that must not work.

use serde_json::Value;

use crate::desk::{Desk, text};

const WRAPPED: [&str; 1] = ["--exportable-by-wrap"];
const OFFICER: [&str; 2] = ["--officer-pin-file", "officer-pin"];

/// Both tokens, with a key on the first that may be wrapped by a trusted key.
fn two() -> (Desk, Value) {
    let desk = Desk::with(&["a", "b"]);
    let made = desk.generate("a", "ca", &WRAPPED);
    (desk, made)
}

#[test]
fn a_key_is_copied_from_token_to_token_and_both_sign_for_one_public_key() {
    let (desk, made) = two();
    let (key, to) = (desk.uri("a", ";object=ca"), desk.uri("b", ""));
    let copy = desk.json(&[&["copy", &key, "--to", &to, "--seal"], &OFFICER[..]].concat());
    for same in ["key", "id", "label", "public_key_pem"] {
        assert_eq!(copy[same], made[same], "{same}");
    }
    assert_eq!((&copy["token"]["label"], &copy["original_sealed"]), (&Value::from("b"), &Value::from(true)));
    for token in ["a", "b"] {
        desk.signs_for((token, text(&made, "id")), text(&made, "public_key_pem"));
        let seen = desk.opensc(token, &["--list-objects", "--type", "privkey"]).ok().out;
        assert!(
            seen.contains("sensitive") && !seen.replace("never extractable", "").contains("extractable"),
            "{seen}"
        );
    }
    drop(desk.hsm(&["test", &desk.uri("b", ";object=ca"), "--count", "3"]).ok());
    // Nothing that carried it is left.
    for token in ["a", "b"] {
        let seen = desk.opensc(token, &["--list-objects"]).ok().out;
        assert_eq!(seen.matches("Object;").count(), 2, "the two halves of the key: {seen}");
    }
    // Sealed is sealed.
    desk.refuses(&[&["copy", &key, "--to", &to], &OFFICER[..]].concat(), 4, "hsm.key-stays");
    desk.refuses(&["copy", &key, "--to", &desk.uri("a", "")], 2, "hsm.same-token");
}

#[test]
fn a_key_travels_in_a_file_that_the_recipient_alone_can_open() {
    let desk = Desk::with(&["a", "b", "c"]);
    let made = desk.generate("a", "ca", &WRAPPED);
    let (key, b) = (desk.uri("a", ";object=ca"), desk.uri("b", ""));
    let recipient = desk.json(&["recipient", &b, "--label", "backups", "--out", "b.pem"]);
    assert!(desk.run("openssl pkey -pubin -in b.pem -noout -text").ok().out.contains("3072 bit"));
    let sha256 = text(&recipient, "sha256");
    let verb = ["backup", &key, "--recipient", "b.pem", "--recipient-sha256", sha256, "--out", "ca.wrapped"];
    let other = verb.map(|word| if word == sha256 { "00" } else { word });
    desk.refuses(&[&other[..], &OFFICER].concat(), 4, "hsm.another-recipient");
    assert!(!desk.at("ca.wrapped").exists());
    drop(desk.json(&[&verb[..], &OFFICER].concat()));

    drop(desk.json(&["recipient", &desk.uri("c", ""), "--label", "backups", "--out", "c.pem"]));
    desk.refuses(&["restore", "ca.wrapped", "--to", &desk.uri("c", "")], 4, "hsm.another-recipient");
    let restored = desk.json(&["restore", "ca.wrapped", "--to", &b]);
    assert_eq!(restored["public_key_pem"], made["public_key_pem"]);
    assert_eq!(restored["attributes"]["extractable"], false);
    desk.signs_for(("b", text(&made, "id")), text(&made, "public_key_pem"));
    desk.refuses(&["restore", "ca.wrapped", "--to", &b], 7, "hsm.label-taken");
}

#[test]
fn a_file_that_was_changed_restores_nothing() {
    let (desk, _) = two();
    let key = desk.uri("a", ";object=ca");
    let b = desk.uri("b", "");
    let recipient = desk.json(&["recipient", &b, "--label", "backups", "--out", "b.pem"]);
    let sha256 = text(&recipient, "sha256");
    let backup = |key: &str, out: &str, options: &[&str]| {
        let verb = ["backup", key, "--recipient", "b.pem", "--recipient-sha256", sha256, "--out", out];
        drop(desk.json(&[&verb[..], options].concat()));
    };
    backup(&key, "ca.wrapped", &OFFICER);
    let whole = std::fs::read_to_string(desk.at("ca.wrapped")).expect("the file");
    std::fs::write(desk.at("changed"), whole.replacen("\"label\": \"ca\"", "\"label\": \"cb\"", 1))
        .expect("a file");
    desk.refuses(&["restore", "changed", "--to", &b], 9, "hsm.backup-damaged");
    std::fs::write(desk.at("torn"), &whole[..whole.len() / 2]).expect("a file");
    desk.refuses(&["restore", "torn", "--to", &b], 2, "hsm.backup-unreadable");

    // Whoever changes the file makes its SHA-256 as well: the public key of another key, and the octets of this one.
    drop(desk.generate("a", "other", &[WRAPPED[0], "--by-any-wrapping-key"]));
    backup(&desk.uri("a", ";object=other"), "other.wrapped", &[]);
    let mut forged: Value = serde_json::from_str(&whole).expect("JSON");
    let other: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.at("other.wrapped")).expect("the file"))
            .expect("JSON");
    forged["public_key"] = other["public_key"].clone();
    let order = [
        "format",
        "label",
        "id",
        "public_key",
        "oaep",
        "mechanism",
        "recipient_modulus",
        "recipient_exponent",
        "wrapped_aes_key",
        "wrapped_private_key",
    ];
    let signed: String = order.iter().map(|name| format!("{}\n", text(&forged, name))).collect();
    std::fs::write(desk.at("signed"), signed).expect("a file");
    let digest = desk.run("sha256sum signed | cut -d ' ' -f 1").ok().out;
    forged["sha256"] = Value::from(digest.trim());
    std::fs::write(desk.at("forged"), forged.to_string()).expect("a file");
    desk.refuses(&["restore", "forged", "--to", &b], 9, "hsm.another-key");
    let seen = desk.opensc("b", &["--list-objects"]).ok().out;
    assert!(!seen.contains("label:      ca"), "what is not the key is destroyed again: {seen}");
}

// Case H-15. That a wrapping key of the user's own does not do it is seen without our code in the tests of signer-pkcs11.
#[test]
fn h_15_a_key_leaves_by_a_trusted_wrapping_key_only() {
    let (desk, _) = two();
    let (key, to) = (desk.uri("a", ";object=ca"), desk.uri("b", ""));
    desk.refuses(&["copy", &key, "--to", &to], 6, "hsm.needs-officer");
    desk.secret("wrong-officer-pin", "wrong-1234");
    desk.refuses(
        &["copy", &key, "--to", &to, "--officer-pin-file", "wrong-officer-pin"],
        6,
        "hsm.pin-refused",
    );
    // A key that was made to stay does not leave by any.
    drop(desk.generate("a", "stays", &[]));
    desk.refuses(
        &[&["copy", &desk.uri("a", ";object=stays"), "--to", &to], &OFFICER[..]].concat(),
        4,
        "hsm.key-stays",
    );
    let seen = desk.opensc("b", &["--list-objects"]).ok().out;
    assert!(!seen.contains("Object;"), "{seen}");
}
