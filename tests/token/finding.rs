//! Finding tokens and keys: list, uri, doctor.

use std::os::unix::fs::PermissionsExt;

use e2e::peer::path;
use e2e::tool::softhsm;
use serde_json::Value;

use crate::desk::{Desk, text};

fn entries<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().expect("a list")
}

#[test]
fn lists_what_is_public_without_a_pin_and_all_with_one() {
    let desk = Desk::with(&["a", "b"]);
    let made = desk.generate("a", "ca", &[]);
    let module = softhsm();
    let view = desk.json(&["list", "--module", &module]);
    let labels: Vec<&str> = entries(&view, "tokens")
        .iter()
        .filter(|one| one["initialised"] == true)
        .map(|one| text(one, "label"))
        .collect();
    assert_eq!(
        {
            let mut labels = labels;
            labels.sort_unstable();
            labels
        },
        ["a", "b"]
    );
    let of_a = entries(&view, "tokens").iter().find(|one| one["label"] == "a").expect("the token");
    assert_eq!(of_a["logged_in"], false);
    let [key] = entries(of_a, "keys") else { panic!("one key: {of_a}") };
    assert_eq!((text(key, "halves"), text(key, "key")), ("public", text(&made, "key")));
    assert!(key["attributes"].is_null());

    let view = desk.json(&["list", &desk.uri("a", "")]);
    let [token] = entries(&view, "tokens") else { panic!("one token: {view}") };
    let [key] = entries(token, "keys") else { panic!("one key: {token}") };
    assert_eq!((text(key, "halves"), text(key, "kind")), ("both", "P-256"));
    assert_eq!(key["attributes"]["never_extractable"], true);
    // The URI that is shown is one that can be typed, and OpenSC knows the token by the same serial number.
    drop(desk.hsm(&["test", text(key, "uri")]).ok());
    let slots = desk.run("pkcs11-tool --module $MODULE --list-token-slots").ok().out;
    assert!(slots.contains(text(token, "serial")), "{slots}");
    assert!(!desk.hsm(&["list", &desk.uri("a", "")]).ok().all().contains("user-1234"));
}

// Case H-10: two tokens with one label, two keys with one label.
#[test]
fn h_10_what_is_ambiguous_or_missing_is_refused_with_the_list_of_what_is_there() {
    let desk = Desk::with(&["twin", "twin"]);
    let (module, twin) = (softhsm(), desk.uri("twin", ""));
    let failure = desk.refuses(&["uri", &twin], 7, "hsm.token-ambiguous");
    let message = text(&failure, "message");
    assert_eq!(message.matches("token \"twin\", serial ").count(), 2, "{message}");
    desk.refuses(&["list", &twin], 7, "hsm.token-ambiguous");
    desk.refuses(&["uri", "--module", &module], 7, "hsm.token-ambiguous");
    let failure = desk.refuses(&["uri", "--module", &module, "--token", "other"], 5, "hsm.token-missing");
    assert!(text(&failure, "message").contains("\"twin\""), "{failure}");

    let view = desk.json(&["list", "--module", &module]);
    let serial = text(&entries(&view, "tokens")[0], "serial").to_owned();
    let one = desk.json(&["uri", "--module", &module, "--serial", &serial]);
    assert_eq!(text(&one["parts"][1], "value"), serial);

    let desk = Desk::with(&["a"]);
    for id in ["01", "02"] {
        let pair = ["--keypairgen", "--key-type", "EC:prime256v1", "--label", "same", "--id", id];
        drop(desk.opensc("a", &pair).ok());
    }
    let same = desk.uri("a", ";object=same");
    let failure = desk.refuses(&["uri", &same], 7, "hsm.key-ambiguous");
    assert!(
        text(&failure, "message").contains("id 01") && text(&failure, "message").contains("id 02"),
        "{failure}"
    );
    desk.refuses(&["test", &same], 7, "hsm.key-ambiguous");
    desk.refuses(&["test", &desk.uri("a", ";object=other")], 5, "hsm.key-missing");
    let one = desk.json(&["uri", "--module", &module, "--token", "a", "--object", "same", "--id", "02"]);
    assert!(text(&one, "uri").contains("object=same;id=%02?"), "{one}");
}

#[test]
fn a_uri_that_is_none_of_ours_is_refused_and_says_why() {
    let desk = Desk::with(&["a"]);
    let module = softhsm();
    for uri in [
        format!("pkcs11:slot-id=0?module-path={module}"),
        format!("pkcs11:token=a?module-path={module}&pin-value=user-1234"),
        "token=a".to_owned(),
    ] {
        let failure = desk.refuses(&["list", &uri], 2, "hsm.uri-faulty");
        assert!(!failure.to_string().contains("user-1234"), "{failure}");
    }
    desk.refuses(&["list", "--module", "/nowhere/module.so"], 5, "hsm.module-absent");
    desk.refuses(&["list", "--module", "/etc/hostname"], 8, "hsm.module-refused");
    desk.refuses(&["test", &desk.uri("a", "")], 2, "hsm.no-key-named");
    let bare = format!("pkcs11:token=a;object=k?module-path={module}");
    desk.refuses(&["test", &bare], 2, "hsm.no-pin-source");
    std::fs::set_permissions(desk.at("pin"), PermissionsExt::from_mode(0o644)).expect("its mode");
    desk.refuses(&["test", &desk.uri("a", ";object=k")], 6, "hsm.pin-source");
}

fn finding<'a>(view: &'a Value, check: &str) -> &'a Value {
    entries(view, "findings")
        .iter()
        .rfind(|one| one["check"] == check)
        .unwrap_or_else(|| panic!("no {check}: {view}"))
}

#[test]
fn the_doctor_goes_from_the_module_to_a_signature() {
    let desk = Desk::with(&["a"]);
    drop(desk.generate("a", "ca", &[]));
    let uri = desk.uri("a", ";object=ca");
    let view = desk.json(&["doctor", &uri]);
    assert_eq!(view["failures"], 0, "{view}");
    for check in ["module", "library", "token", "pin", "mechanisms", "sessions", "pin-source"] {
        assert_eq!(text(finding(&view, check), "outcome"), "ok", "{view}");
    }
    assert_eq!(text(finding(&view, "keys"), "outcome"), "warn", "no PIN was offered");
    let view = desk.json(&["doctor", &uri, "--login"]);
    for check in ["key", "signature", "attributes"] {
        assert_eq!(text(finding(&view, check), "outcome"), "ok", "{view}");
    }
    // A key that can be read, made by others.
    let pair =
        ["--keypairgen", "--key-type", "EC:prime256v1", "--label", "loose", "--id", "07", "--extractable"];
    drop(desk.opensc("a", &pair).ok());
    let view = desk.json(&["doctor", &desk.uri("a", ";object=loose"), "--login"]);
    assert_ne!(text(finding(&view, "attributes"), "outcome"), "ok", "{view}");

    // A module that others can change.
    drop(desk.run("cp $MODULE open.so && chmod 666 open.so").ok());
    let open = format!("pkcs11:token=a?module-path={}", path(&desk.at("open.so")));
    let view = desk.json(&["doctor", &open]);
    assert!(text(finding(&view, "module"), "next").starts_with("chmod go-w "), "{view}");
    assert_eq!(text(finding(&view, "pin-source"), "outcome"), "warn", "the URI names none: {view}");

    let said = desk.hsm(&["doctor", &desk.uri("absent", "")]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(
        said.out.contains("FAIL") && said.out.contains("next: meter-pki hsm list --module PATH"),
        "{}",
        said.out
    );
    assert!(said.err.contains("(hsm.doctor)"), "{}", said.err);
}

// Case H-05: who looks why a token does not work must not be who locks it.
#[test]
fn h_05_the_doctor_offers_no_pin_unless_told_to_and_none_after_a_wrong_one() {
    let desk = Desk::with(&["a"]);
    drop(desk.generate("a", "ca", &[]));
    let uri = desk.uri("a", ";object=ca");
    let count_low = || {
        let view = desk.json(&["list", "--module", &softhsm()]);
        let token =
            entries(&view, "tokens").iter().find(|one| one["label"] == "a").expect("the token").clone();
        text(&token, "pin_tries").to_owned()
    };
    desk.secret("pin", "wrong-1234");
    drop(desk.hsm(&["doctor", &uri]));
    assert_eq!(count_low(), "all", "no PIN was offered");
    let said = desk.hsm(&["doctor", &uri, "--login"]);
    assert!(said.out.contains("the token refuses the PIN, which is not tried again"), "{}", said.out);
    assert_eq!(count_low(), "fewer", "one was, as told");
    let said = desk.hsm(&["doctor", &uri, "--login"]);
    assert!(said.out.contains("none is risked"), "{}", said.out);
    desk.refuses(&["test", &uri], 6, "hsm.pin-refused");
}
