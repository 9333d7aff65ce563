//! Manifests and other deliveries, told to the server by a client that does not keep to what is right.

use std::fs::File;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::tenant::TenantId;
use e2e::fleet::{Meter, Suite};
use e2e::peer::{encoded, path, to_der};
use e2e::rehearsal::Rehearsal;
use p256::pkcs8::DecodePrivateKey as _;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use shipment::{Expected, Recipient, Shipment, check_with_proofs};

use super::{assert_on_record, factory_certificate};
use crate::devices::ask;
use crate::uplifts::DELIVERED;

/// Makes devices with these titles on the rehearsed line; returns the lines by which they are delivered.
fn made(rehearsal: &Rehearsal, titles: &[&str]) -> String {
    let device = |title: &&str| {
        let certificate = factory_certificate(rehearsal, title);
        format!("{}\n", json!({"system_title": title, "model": "M1", "certificates": [certificate]}))
    };
    titles.iter().map(device).collect()
}

/// Has the rehearsed manufacturer make a manifest of devices; returns its file.
fn manifest(rehearsal: &Rehearsal, name: &str, lines: &str) -> std::path::PathBuf {
    let devices = rehearsal.unique("devices.jsonl");
    std::fs::write(&devices, lines).expect("it can be written");
    let out = rehearsal.unique(&format!("{name}.ship"));
    let place = |file: &str| path(&rehearsal.state(file));
    let (devices, recipient, signer, file) =
        (path(&devices), place("tls/ship-recipient-cert.pem"), place("tls/ship-signer.pem"), path(&out));
    let made = ["--manufacturer", "maker", "--tenant", "dso", "--shipment", name, "--devices", &devices];
    let by = ["--recipient", &recipient, "--signer", &signer, "--out", &file];
    drop(rehearsal.operator(&[&["shipment", "create"], made.as_slice(), by.as_slice()].concat()).ok());
    out
}

/// What the program sends of a manifest of one chunk: the opening, and the part.
fn told(rehearsal: &Rehearsal, file: &std::path::Path, digest: &str) -> (Value, Value) {
    let root = std::fs::read(rehearsal.state("authorities/maker-root-s1.cer")).expect("it is there");
    let anchors = [TrustAnchor::from_certificate(&Certificate::from_der(&root).expect("a certificate"))];
    let credential = rehearsal.state("tls/ship-recipient.pem");
    let certificate = CertificateDer::from_pem_file(&credential).expect("a certificate");
    let certificate = Certificate::from_der(&certificate).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from_pem_file(&credential).expect("a key");
    let key = p256::SecretKey::from_pkcs8_der(key.secret_pkcs8_der()).expect("a key of P-256");
    let maker = TenantId::parse("maker").expect("a tenant");
    let open = || File::open(file).expect("the manifest");
    let now = Shipment::open(open()).expect("it is in order").header().made_at;
    let expected = Expected { manufacturer: &maker, anchors: &anchors, organization: None, now };
    let recipient = Recipient { tenant: None, certificate: &certificate, key: &key };
    let (checked, proofs) = check_with_proofs(open(), &expected, &recipient).expect("it is in order");
    let mut shipment = Shipment::open(open()).expect("it is in order");
    let chunk = shipment.next_chunk().expect("it is in order").expect("a chunk");
    let (opened, proof) = (chunk.open(&key).expect("it opens"), proofs.of_chunk(1).expect("a proof"));
    let header = checked.signed.header();
    let signed = STANDARD.encode(checked.signed.octets());
    let hashes = |hashes: &[[u8; 32]]| hashes.iter().map(hex::encode).collect::<Vec<_>>();
    let records: Vec<String> = opened.records.iter().map(|record| STANDARD.encode(&record.octets)).collect();
    let opening = json!({
        "tenant": "dso", "manufacturer": "maker", "source": "manifest", "digest": digest,
        "batch": header.shipment, "announced": header.devices, "header": signed,
    });
    let part = json!({"part": 0, "share": {
        "header": signed, "records": records, "first": proof.first, "before": hashes(&proof.before),
        "consistency": hashes(&proof.consistency),
    }});
    (opening, part)
}

/// Asks, asserts that it is refused with this code and that the refusal alone is on record.
#[track_caller]
fn assert_refused(rehearsal: &Rehearsal, target: &str, body: &Value, code: &str) {
    let before = rehearsal.audited();
    let (status, answer) = ask(rehearsal, "POST", target, body);
    assert_ne!(status, "200", "{answer}");
    assert_eq!(answer["code"], code, "{answer}");
    assert_on_record(rehearsal, before, code);
    assert_eq!(rehearsal.audited(), before + 1, "nothing else happened");
}

fn listed(rehearsal: &Rehearsal) -> u64 {
    rehearsal.operator_json(&["device", "count", "--tenant", "dso"])[0]["total"].as_u64().expect("a number")
}

#[test]
fn the_server_takes_nobodys_word_for_what_a_manufacturer_signed() {
    let rehearsal = Rehearsal::start(1);
    let titles = ["4D504B0100000F01", "4D504B0100000F02", "4D504B0100000F03"];
    let digest = "cd".repeat(32);
    let lines = made(&rehearsal, &titles);
    let (opening, part) = told(&rehearsal, &manifest(&rehearsal, "S-1", &lines), &digest);
    let (_, other_part) = told(&rehearsal, &manifest(&rehearsal, "S-2", &lines), &digest);
    let before = listed(&rehearsal);
    let with = |whole: &Value, field: &str, value: Value| {
        let mut changed = whole.clone();
        changed[field] = value;
        changed
    };
    let mut octets = STANDARD.decode(opening["header"].as_str().expect("a header")).expect("base64");
    *octets.last_mut().expect("octets") ^= 1;
    for (body, code) in [
        (with(&opening, "header", Value::Null), "delivery.form"),
        (with(&opening, "header", STANDARD.encode(&octets).into()), "shipment.signature"),
        (with(&opening, "tenant", "maker".into()), "shipment.other-recipient"),
        (with(&opening, "manufacturer", "dso".into()), "shipment.other-manufacturer"),
        (with(&opening, "announced", 4.into()), "shipment.count"),
    ] {
        assert_refused(&rehearsal, "/v1/deliveries", &body, code);
    }
    let (status, view) = ask(&rehearsal, "POST", "/v1/deliveries", &opening);
    assert_eq!(status, "200", "{view}");

    let parts = format!("/v1/deliveries/{digest}/parts");
    let share = |change: &dyn Fn(&mut Value)| {
        let mut changed = part.clone();
        change(&mut changed["share"]);
        changed
    };
    let altered = share(&|share| {
        let mut record = STANDARD.decode(share["records"][1].as_str().expect("a record")).expect("base64");
        *record.last_mut().expect("octets") ^= 1;
        share["records"][1] = STANDARD.encode(record).into();
    });
    let missing = share(&|share| drop(share["records"].as_array_mut().expect("a list").pop()));
    let twice = share(&|share| share["records"][1] = share["records"][0].clone());
    let unproven = json!({"part": 0, "devices": [{"system_title": titles[0]}]});
    for (body, code) in [
        (&altered, "shipment.proof"),
        (&missing, "shipment.proof"),
        (&twice, "shipment.proof"),
        (&other_part, "delivery.differs"),
        (&unproven, "shipment.not-proof"),
    ] {
        assert_refused(&rehearsal, &parts, body, code);
    }
    assert_eq!(listed(&rehearsal), before, "nothing was taken in");
    let close = format!("/v1/deliveries/{digest}/close");
    assert_refused(&rehearsal, &close, &json!({}), "delivery.count");

    let (status, view) = ask(&rehearsal, "POST", &parts, &part);
    assert_eq!((status.as_str(), &view["added"]), ("200", &json!(3)), "{view}");
    let (status, view) = ask(&rehearsal, "POST", &close, &json!({}));
    assert_eq!((status.as_str(), &view["closed"]), ("200", &json!(true)), "{view}");
    assert_refused(&rehearsal, "/v1/deliveries", &opening, "delivery.repeated");
}

#[test]
fn a_manufacturer_whose_root_is_not_configured_signs_nothing_that_is_believed() {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let lines = text.lines().filter(|line| !line.starts_with("shipment_anchor_files"));
        lines.map(|line| format!("{line}\n")).collect()
    });
    let file = manifest(&rehearsal, "S-1", &made(&rehearsal, &["4D504B0100000F01"]));
    let (opening, _) = told(&rehearsal, &file, &"cd".repeat(32));
    assert_refused(&rehearsal, "/v1/deliveries", &opening, "shipment.signer-path");
}

#[test]
fn devices_that_cannot_be_this_owners_are_refused_one_by_one_and_the_others_are_taken() {
    let rehearsal = Rehearsal::start(1);
    let pioneer = "4D504B0100000000";
    let [good, others, retired, shared] =
        ["4D504B0100000F11", "4D504B0100000F12", "4D504B0100000F13", "4D504B0100000F14"];
    rehearsal.expect_devices("maker", &[others]);
    rehearsal.expect_devices("dso", &[retired]);
    let retire = ["device", "retire", retired, "--tenant", "dso", "--reason", "scrapped"];
    drop(rehearsal.operator(&retire).ok());
    let certificate = factory_certificate(&rehearsal, good);
    let held = Meter::new(&rehearsal, pioneer, Suite::One).held("meter-op-tls");
    let foreign = encoded(&to_der(&held.certificate)).replace('\n', "");
    let device = |title: &str, certificates: &[&String]| json!({"system_title": title, "model": "M9", "certificates": certificates});
    let digest = "ef".repeat(32);
    let opening = json!({
        "tenant": "dso", "manufacturer": "maker", "source": "mapped", "digest": digest, "batch": "lot", "announced": 9,
    });
    drop(ask(&rehearsal, "POST", "/v1/deliveries", &opening));
    let cases = [
        (device(good, &[&certificate]), ""),
        (device("4D504B01", &[]), "title.malformed"),
        (device(good, &[&certificate]), "device.repeated"),
        (device(others, &[]), "device.other_owner"),
        (device(pioneer, &[]), "device.claimed"),
        (device(retired, &[]), "device.retired"),
        (device(shared, &[&certificate]), "device.other_title"),
        (device(pioneer, &[&foreign]), "device.foreign_certificate"),
        (device(shared, &[&"bm8=".to_owned()]), "device.certificate_malformed"),
    ];
    let before = rehearsal.audited();
    let devices: Vec<&Value> = cases.iter().map(|(device, _)| device).collect();
    let parts = format!("/v1/deliveries/{digest}/parts");
    let (_, view) = ask(&rehearsal, "POST", &parts, &json!({"part": 0, "devices": devices}));
    let codes: Vec<&str> = view["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["code"].as_str().expect("a code"))
        .collect();
    let wanted: Vec<&str> = cases.iter().map(|(_, code)| *code).filter(|code| !code.is_empty()).collect();
    let sorted = |mut codes: Vec<&str>| {
        codes.sort_unstable();
        codes.join(" ")
    };
    assert_eq!((sorted(codes), &view["added"]), (sorted(wanted.clone()), &json!(1)), "{view}");
    let records = rehearsal.audit_after(before);
    let [taken] = records.as_slice() else { panic!("one record for the part: {records:?}") };
    let detail = taken["detail"].as_str().expect("a detail");
    assert!(wanted.iter().all(|code| detail.contains(&format!("1 {code}"))), "{detail}");
    assert!(detail.ends_with(good), "it names the one that was taken: {detail}");
    for (title, tenant, state) in
        [(pioneer, "dso", "operational"), (others, "maker", "expected"), (retired, "dso", "retired")]
    {
        let shown = rehearsal.operator_json(&["device", "show", title]);
        assert_eq!((&shown["device"]["tenant"], &shown["device"]["state"]), (&json!(tenant), &json!(state)));
    }
}

#[test]
fn a_file_of_which_a_thousand_rows_on_end_are_faulty_is_imported_but_for_these() {
    let rehearsal = Rehearsal::start(1);
    let before = listed(&rehearsal);
    let row = |number: u32| match number {
        1_000..2_000 => format!("no title,{number},E350,1,L-4,,,,,,,,\n"),
        _ => format!("4D504B02{number:08X},{number},E350,1,L-4,,,,,,,,\n"),
    };
    let file = rehearsal.unique("list.csv");
    let rows: String = (0..2_001).map(row).collect();
    std::fs::write(&file, format!("{DELIVERED}\n{rows}")).expect("it can be written");
    let file = path(&file);
    let import =
        ["delivery", "import", &file, "--map", "plain-csv", "--tenant", "dso", "--manufacturer", "maker"];
    let said = rehearsal.operator(&[&import[..], &["--accept-good-rows", "--accept-count"]].concat());
    assert!(said.err.contains("(delivery.faulty)"), "{}", said.all());
    assert_eq!(listed(&rehearsal), before + 1_001);
    let again = rehearsal.operator(&[&import[..], &["--accept-good-rows"]].concat());
    assert!(again.err.contains("(delivery.repeated)"), "{}", again.all());
}
