//! Symmetric keys and passwords of devices, by `meter-pki secrets` with two tokens of SoftHSM2. What is in clear the tests know: OpenSSL wraps it,
//! and `pkcs11-tool` (opensc) or OpenSSL unwraps what comes out, in programs and processes of their own.

mod house;
mod lines;

use serde_json::{Value, json};

use crate::desk::text;
use house::{House, KEY_16, KEY_32, Wrap, base64, hex};

/// A device of suite 1 with everything, under the key `batch`.
fn device(house: &House, title: &str) -> Value {
    let of = |kind: &str, how, clear: &[u8]| json!({"kind": kind, "wrapped_by": "batch", "octets": base64(&house.wrap(how, clear)), "version": 1});
    json!({
        "zz": [1, {"b": null}], "system_title": title, "suite": 1, "a": "\u{fc}",
        "secrets": [
            of("kek", Wrap::Rfc3394, &KEY_16),
            of("guek", Wrap::Rfc3394, &KEY_16),
            of("lls", Wrap::Rfc5649, b"12345678"),
            of("hls", Wrap::Rfc5649, b"a-long-secret-of-24-octe"),
        ],
        "serial_number": "0815",
    })
}

#[test]
fn what_openssl_wrapped_comes_under_the_storage_key_and_pkcs11_tool_finds_the_same_octets() {
    let house = House::with_known_transport("batch");
    let long = json!({"system_title": "4D504B0100000A02", "suite": 2, "secrets": [
        {"kind": "gak", "wrapped_by": "batch", "octets": base64(&house.wrap(Wrap::Rfc3394, &KEY_32))},
    ]});
    house.write("in.jsonl", &[device(&house, "4D504B0100000A01"), long]);
    let run = [
        "rewrap",
        &house.dso(),
        "--from",
        "batch",
        "--to",
        "storage",
        "--in",
        "in.jsonl",
        "--out",
        "out.jsonl",
    ];
    let view = house.json(&run);
    assert_eq!((&view["lines"], &view["devices"], &view["secrets"]), (&json!(2), &json!(2), &json!(5)));
    assert!(view["refused_file"].is_null(), "{view}");

    // Everything else is as it was, in its order: put back, the files are the same.
    let (before, after) = (house.read("in.jsonl"), house.read("out.jsonl"));
    let mut put_back = after.clone();
    for (old, new) in house.secrets("in.jsonl").iter().zip(house.secrets("out.jsonl")) {
        assert_eq!((text(&new, "wrapped_by"), &new["kind"]), ("storage", &old["kind"]));
        assert_ne!(new["octets"], old["octets"]);
        put_back = put_back.replace(text(&new, "octets"), text(old, "octets"));
    }
    assert_eq!(put_back.replace("\"storage\"", "\"batch\""), before);

    let clear: [&[u8]; 5] = [&KEY_16, &KEY_16, b"12345678", b"a-long-secret-of-24-octe", &KEY_32];
    for (secret, clear) in house.secrets("out.jsonl").iter().zip(clear) {
        assert_eq!(house.unwrapped_by_opensc(secret), hex(clear), "{secret}");
    }

    // What is under the storage key already gives the same octets once more.
    let again = run.map(|word| match word {
        "in.jsonl" => "out.jsonl",
        "out.jsonl" => "again.jsonl",
        other => other,
    });
    drop(house.json(&again));
    assert_eq!(house.read("again.jsonl"), after);
    house.refuses(&run, 7, "file.exists");
}

#[test]
fn wrapping_keys_do_nothing_but_wrap_and_stay_where_they_are_as_pkcs11_tool_sees_them() {
    let house = House::with_known_transport("batch");
    let seen = house.desk.opensc("dso", &["--list-objects", "--type", "secrkey"]).ok().out;
    let of = |label: &str| {
        let part =
            seen.split("Secret Key Object").find(|part| part.contains(&format!("label:      {label}\n")));
        let part = part.unwrap_or_else(|| panic!("no {label}: {seen}"));
        let line =
            |name| part.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a line").trim();
        (line("Usage:"), line("Access:"))
    };
    assert_eq!(of("storage"), ("wrap, unwrap", "sensitive, always sensitive, never extractable, local"));
    assert_eq!(of("batch"), ("unwrap", "sensitive"));
    for label in ["storage", "batch"] {
        drop(house.desk.opensc("dso", &["--type", "secrkey", "--label", label, "--set-id", "0a0b"]).ok());
        let read = house
            .desk
            .opensc("dso", &["--read-object", "--type", "secrkey", "--id", "0a0b", "--output-file", "got"]);
        assert!(!house.desk.at("got").exists(), "{}", read.all());
        drop(house.desk.opensc("dso", &["--type", "secrkey", "--label", label, "--set-id", "0c0d"]).ok());
    }
    // A key that decrypts besides, as pkcs11-tool makes them, takes no secret in.
    std::fs::write(house.desk.at("clear-key"), KEY_32).expect("a file");
    let write =
        ["--write-object", "clear-key", "--type", "secrkey", "--key-type", "AES:32", "--label", "weak"];
    drop(house.desk.opensc("dso", &[&write[..], &["--usage-wrap", "--sensitive"]].concat()).ok());
    house.write("in.jsonl", &[device(&house, "4D504B0100000A01")]);
    let run =
        ["rewrap", &house.dso(), "--from", "batch", "--to", "weak", "--in", "in.jsonl", "--out", "out.jsonl"];
    house.refuses(&run, 4, "secrets.key-unfit");
    let run = run.map(|word| if word == "weak" { "absent" } else { word });
    house.refuses(&run, 5, "secrets.key-missing");
}

#[test]
fn a_transport_key_of_the_makers_token_carries_a_delivery_to_the_dso_and_is_forgotten() {
    let house = House::new();
    let (maker, dso) = (house.desk.uri("maker", ""), house.dso());
    // The line's key is one whose value the test knows.
    house.receive_known("maker", "line");
    let recipient = house.recipient("dso");
    let sha256 = text(&recipient, "sha256");
    let make = [
        "transport",
        &maker,
        "--label",
        "batch",
        "--for",
        "dso.pem",
        "--recipient-sha256",
        sha256,
        "--out",
        "batch.json",
    ];
    house.refuses(&make.map(|word| if word == sha256 { "00" } else { word }), 4, "hsm.another-recipient");
    let made = house.json(&make);
    assert_eq!((&made["wraps"], &made["unwraps"], &made["fit"]), (&json!(true), &json!(false), &json!(true)));
    house.refuses(&make, 7, "file.exists");
    house.refuses(
        &make.map(|word| if word == "batch.json" { "other.json" } else { word }),
        7,
        "secrets.label-taken",
    );

    // Where it was made it unwraps nothing; where it arrived it wraps nothing.
    house.write("in.jsonl", &[house.with_labels(&device(&house, "4D504B0100000A01"), "line")]);
    let rewrap = |at: &str, from: &str, to: &str, files: [&str; 2]| {
        ["rewrap", at, "--from", from, "--to", to, "--in", files[0], "--out", files[1]].map(str::to_owned)
    };
    let verb = rewrap(&maker, "line", "batch", ["in.jsonl", "delivery.jsonl"]);
    drop(house.json(&verb.each_ref().map(String::as_str)));
    let back = rewrap(&maker, "batch", "line", ["delivery.jsonl", "back.jsonl"]);
    house.refuses(&back.each_ref().map(String::as_str), 4, "secrets.key-unfit");

    // A file that was changed, or is for another token, gives nothing.
    let whole = house.read("batch.json");
    std::fs::write(house.desk.at("changed.json"), whole.replacen("\"batch\"", "\"Batch\"", 1))
        .expect("a file");
    house.refuses(&["receive", "changed.json", "--to", &dso], 9, "secrets.transport-damaged");
    house.refuses(&["receive", "batch.json", "--to", &maker], 4, "hsm.another-recipient");
    house.refuses(&["receive", "batch.json", "--to", &dso, "--sha256", "00"], 9, "secrets.another-transport");
    let received = house.json(&["receive", "batch.json", "--to", &dso, "--sha256", text(&made, "sha256")]);
    assert_eq!((&received["wraps"], &received["unwraps"]), (&json!(false), &json!(true)));
    house.refuses(&["receive", "batch.json", "--to", &dso], 7, "secrets.label-taken");

    let verb = rewrap(&dso, "batch", "storage", ["delivery.jsonl", "stored.jsonl"]);
    drop(house.json(&verb.each_ref().map(String::as_str)));
    assert_eq!(house.unwrapped_by_opensc(&house.secrets("stored.jsonl")[0]), hex(&KEY_16));

    let forget = |at: &str, label: &str, record: &str| {
        ["forget", at, "--label", label, "--reason", "done", "--record", record].map(str::to_owned)
    };
    for (at, record) in [(&maker, "maker.json"), (&dso, "dso.json")] {
        drop(house.json(&forget(at, "batch", record).each_ref().map(String::as_str)));
        let acts: Vec<Value> =
            house.read(record).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            (text(&acts[0], "act"), text(&acts[1], "act")),
            ("key-destruction-intended", "key-destroyed")
        );
        house.refuses(
            &forget(at, "batch", "again.json").each_ref().map(String::as_str),
            5,
            "secrets.key-missing",
        );
    }
    house.refuses(
        &forget(&dso, "storage", "storage.json").each_ref().map(String::as_str),
        4,
        "secrets.storage-key",
    );
    let seen = house.desk.opensc("dso", &["--list-objects", "--type", "secrkey"]).ok().out;
    assert!(seen.contains("storage") && !seen.contains("batch"), "{seen}");
}

#[test]
fn new_keys_for_a_device_are_those_that_are_stored_as_two_other_programs_find() {
    let house = House::with_known_transport("batch");
    house.write(
        "in.jsonl",
        &[device(&house, "4D504B0100000A01"), json!({"system_title": "4D504B0100000A02"})],
    );
    let dso = house.dso();
    let run =
        ["rewrap", &dso, "--from", "batch", "--to", "storage", "--in", "in.jsonl", "--out", "stored.jsonl"];
    drop(house.json(&run));
    let run = [
        "key-transfer",
        &dso,
        "--storage",
        "storage",
        "--keys",
        "kek,guek,gak",
        "--in",
        "stored.jsonl",
        "--out",
        "new.jsonl",
    ];
    house.refuses(&run, 3, "secrets.refused");
    let refused: Value = serde_json::from_str(&house.read("new.jsonl.refused")).expect("JSON");
    assert_eq!((&refused["line"], text(&refused, "code")), (&json!(2), "secret.no-kek"));
    let new: Value = serde_json::from_str(&house.read("new.jsonl")).expect("JSON");
    let (transfer, pending) = (new["key_transfer"].as_array().unwrap(), new["pending"].as_array().unwrap());
    let ids: Vec<_> = transfer.iter().map(|one| one["key_id"].as_u64().unwrap()).collect();
    let kinds: Vec<_> = pending.iter().map(|one| text(one, "kind")).collect();
    assert_eq!((ids, kinds), (vec![2, 0, 3], vec!["gak", "guek", "kek"]));
    let mut found = Vec::new();
    for (one, stored) in transfer.iter().zip(pending) {
        // OpenSSL has the KEK of the device, as the device has; pkcs11-tool has the token.
        let for_device = house.unwrap(&KEY_16, text(one, "wrapped_key"));
        assert_eq!(hex(&for_device), house.unwrapped_by_opensc(stored));
        assert_ne!(for_device, KEY_16);
        found.push(for_device);
    }
    // Nor are they in clear anywhere.
    for key in &found {
        house.is_nowhere(key);
    }
}
