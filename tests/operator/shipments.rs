//! The chapter on shipments, block by block as it stands in `docs/operate/shipments.md`, and a signer on a token.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, softhsm};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
};
use serde_json::{Value, json};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/shipments.md");

/// The blocks of the chapter, in their order.
fn blocks() -> Vec<&'static str> {
    CHAPTER.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A certificate with its key, and what it may issue.
struct Entity {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Entity {
    fn root(name: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let params = params(name, IsCa::Ca(BasicConstraints::Unconstrained), &usages);
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let pem = params.self_signed(&key).expect("a root").pem();
        Self { params, key, pem }
    }

    fn issue(&self, name: &str, is_ca: IsCa, usages: &[KeyUsagePurpose]) -> Self {
        let key = KeyPair::generate_for(self.key.algorithm()).expect("a key");
        let mut params = params(name, is_ca, usages);
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.params, &self.key);
        let pem = params.signed_by(&key, &issuer).expect("a certificate").pem();
        Self { params, key, pem }
    }

    fn authority(&self, name: &str) -> Self {
        let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        self.issue(name, IsCa::Ca(BasicConstraints::Constrained(0)), &usages)
    }

    fn end(&self, name: &str, usage: KeyUsagePurpose) -> Self {
        self.issue(name, IsCa::ExplicitNoCa, &[usage])
    }

    fn der_base64(&self) -> String {
        self.pem.lines().filter(|line| !line.starts_with('-')).map(str::trim).collect()
    }
}

fn params(name: &str, is_ca: IsCa, usages: &[KeyUsagePurpose]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    // A system title is the whole name of its device.
    if !name.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        params.distinguished_name.push(DnType::OrganizationName, "Example Meters");
    }
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    params.key_usages = usages.to_vec();
    params
}

/// A directory with what both sides were given before.
struct Desk {
    place: tempfile::TempDir,
}

impl Desk {
    fn new(algorithm: &'static SignatureAlgorithm) -> Self {
        let desk = Self { place: e2e::ground::directory() };
        std::fs::create_dir(desk.at("programs")).expect("a directory");
        symlink(program("meter-pki"), desk.at("programs/meter-pki")).expect("a link");
        let root = Entity::root("Maker Root", algorithm);
        let infrastructure = root.authority("Maker Infrastructure");
        let signer = infrastructure.end("Shipments 1", KeyUsagePurpose::DigitalSignature);
        let recipient =
            Entity::root("Grid Root", algorithm).end("Manifests 1", KeyUsagePurpose::KeyAgreement);
        desk.write("maker-root.pem", &root.pem);
        desk.write("maker-cert.pem", &(signer.pem.clone() + &infrastructure.pem));
        desk.write("maker-key.pem", &signer.key.serialize_pem());
        desk.write("maker.pem", &(signer.pem + &infrastructure.pem + &signer.key.serialize_pem()));
        desk.write("dso-cert.pem", &recipient.pem);
        desk.write("dso.pem", &(recipient.pem.clone() + &recipient.key.serialize_pem()));
        let key = json!([{
            "label": "tk-2026-11", "recipient": "ab".repeat(32), "wrapped": STANDARD.encode([7; 256]),
        }]);
        desk.write("transport-keys.json", &key.to_string());
        desk.write("devices.jsonl", &devices(&root));
        desk
    }

    fn at(&self, file: &str) -> PathBuf {
        self.place.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.at(file), text).expect("it is written");
        std::fs::set_permissions(self.at(file), PermissionsExt::from_mode(0o600)).expect("its mode");
    }

    fn run(&self, block: &str) -> Said {
        let mut search = self.at("programs").into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").expect("there is a path"));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", block])
            .current_dir(self.place.path())
            .env("PATH", search)
            .env("SOFTHSM2_CONF", self.at("softhsm2.conf"));
        finish(&mut command)
    }
}

/// Three devices with a certificate and a wrapped key each, not in their order.
fn devices(root: &Entity) -> String {
    let factory = root.authority("Maker Factory");
    let line = |number: u32| {
        let title = format!("4D504B01{number:08X}");
        let certificate = factory.end(&title, KeyUsagePurpose::DigitalSignature).der_base64();
        let secret = json!({
            "kind": "kek", "wrapped_by": "tk-2026-11", "octets": STANDARD.encode([number as u8; 24]),
        });
        json!({
            "system_title": title, "serial_number": format!("SN-{number}"), "model": "M1", "batch": "B1",
            "certificates": [certificate], "secrets": [secret],
        })
        .to_string()
            + "\n"
    };
    [3, 1, 2].map(line).concat()
}

/// Answers as the serving program does, one request a connection, until the test ends.
fn serve(socket: &Path) -> Arc<Mutex<Vec<(String, Value)>>> {
    let told: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let (listener, heard) = (UnixListener::bind(socket).expect("a socket"), Arc::clone(&told));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().expect("the same socket"));
            let (mut line, mut length, mut target) = (String::new(), 0, String::new());
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                if let Some(("content-length", value)) =
                    line.trim().to_lowercase().split_once(':').map(|(name, value)| (name, value.trim()))
                {
                    length = value.parse().expect("a number");
                }
                if let Some(rest) = line.strip_prefix("POST ") {
                    target = rest.split(' ').next().unwrap_or_default().to_owned();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the whole body");
            let asked: Value = serde_json::from_slice(&body).expect("JSON");
            let answer = answer(&target, &asked);
            heard.lock().expect("it is ours").push((target, asked));
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            write!(stream, "{head}content-length: {}\r\n\r\n{answer}", answer.len()).expect("it listens");
        }
    });
    told
}

fn answer(target: &str, asked: &Value) -> String {
    let view = match target.rsplit('/').next() {
        Some("deliveries") => delivery(asked, 0),
        Some("parts") => json!({ "part": asked["part"], "added": 3, "unchanged": 0, "refused": [] }),
        _ => delivery(asked, 3),
    };
    view.to_string()
}

/// A delivery of three devices, of which so many have come.
fn delivery(asked: &Value, received: u64) -> Value {
    json!({
        "digest": asked["digest"].as_str().unwrap_or_default(), "tenant": "dso", "manufacturer": "maker",
        "source": "manifest", "batch": "2026-0042", "announced": 3, "received": received, "imported": received,
        "unchanged": 0, "refused": 0, "next_part": 0, "opened_by": "operator:uid-0",
        "opened_at": "2026-11-29T00:00:00Z", "closed": received == 3, "closed_by": null, "closed_at": null,
    })
}

#[test]
fn the_chapter_on_shipments_works_as_it_stands() {
    let [create, check, import, record, openssl, _keys] =
        <[&str; 6]>::try_from(blocks()).expect("six blocks");
    let rehearsal = Rehearsal::start(1);
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let desk = Desk::new(algorithm);
        let said = desk.run(create).ok().out;
        assert!(said.contains("shipment:      2026-0042") && said.contains("3 in 1 chunks"), "{said}");
        assert!(said.contains("CN=Shipments 1"), "{said}");
        let said = desk.run(check).ok().out;
        assert!(said.contains("is in order: 3 devices in 1 chunks, 3 certificates, 3 secrets"), "{said}");

        let told = serve(&desk.at("operator.sock"));
        let settings = std::fs::read_to_string(rehearsal.state("meter-pki.toml")).expect("a configuration");
        desk.write("meter-pki.toml", &settings);
        let said = desk.run(import).ok().out;
        assert!(said.contains("2026-0042 is imported: 3 of 3 devices, 3 new"), "{said}");
        let told = told.lock().expect("it is ours").clone();
        let titles: Vec<_> = told[1].1["devices"].as_array().expect("devices").iter().collect();
        let titles: Vec<_> = titles.into_iter().map(|device| device["system_title"].clone()).collect();
        assert_eq!(titles, ["4D504B0100000001", "4D504B0100000002", "4D504B0100000003"]);
        let digest = desk.run("sha256sum delivery.ship | cut -d' ' -f1").ok().out;
        assert_eq!(told[0].1["digest"], digest.trim());

        let said = desk.run(record).ok().out;
        assert!(said.contains("maker delivered 4D504B0100000002 to dso with 2026-0042"), "{said}");
        assert!(said.contains("record 2 of 3"), "{said}");
        let said = desk.run(openssl).ok();
        assert!(said.out.contains("SN-2") && said.out.contains("tk-2026-11"), "{}", said.all());
        let records = std::fs::read(desk.at("records.der")).expect("OpenSSL wrote it");
        assert!(records.windows(4).any(|found| found == b"SN-2"));
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_reason_code() {
    let desk = Desk::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    let create = blocks()[0];
    drop(desk.run(create).ok());
    let other = Desk::new(&rcgen::PKCS_ECDSA_P256_SHA256);
    for (file, name) in [("maker-root.pem", "other-root.pem"), ("dso.pem", "other-dso.pem")] {
        std::fs::copy(other.at(file), desk.at(name)).expect("a copy");
    }
    let spoiled = desk.run("tr 'P' 'Q' < delivery.ship > spoiled.ship; head -c 900 delivery.ship > cut.ship");
    drop(spoiled.ok());
    let devices = std::fs::read_to_string(desk.at("devices.jsonl")).expect("devices");
    desk.write("twice.jsonl", &devices.repeat(2));
    desk.write("foreign.jsonl", &devices.replace("\"4D504B0100000003\"", "\"4D504B0100000009\""));
    let whose = "--manufacturer maker --anchor maker-root.pem --recipient dso.pem";
    let make = |devices: &str| {
        create.lines().take(2).collect::<Vec<_>>().join("\n").replace("devices.jsonl", devices)
    };
    for (line, code, exit) in [
        (create.to_owned(), "file.exists", 7),
        (format!("meter-pki shipment check spoiled.ship {whose}"), "(shipment.", 9),
        (format!("meter-pki shipment check cut.ship {whose}"), "shipment.truncated", 9),
        (
            format!("meter-pki shipment check delivery.ship {}", whose.replace("maker-root", "other-root")),
            "shipment.signer-path",
            4,
        ),
        (
            format!("meter-pki shipment check delivery.ship {}", whose.replace("dso.pem", "other-dso.pem")),
            "shipment.other-recipient",
            4,
        ),
        (
            format!("meter-pki shipment check delivery.ship {}", whose.replace("r maker", "r other")),
            "shipment.other-manufacturer",
            4,
        ),
        (
            format!("meter-pki shipment check delivery.ship --at 1970-01-01T00:00:00Z {whose}"),
            "shipment.signer-path",
            4,
        ),
        (
            format!(
                "meter-pki shipment extract delivery.ship --system-title 4D504B0100000007 --out x {whose}"
            ),
            "shipment.not-there",
            5,
        ),
        (make("twice.jsonl").replace("delivery.ship", "new.ship"), "shipment.devices", 2),
        (make("foreign.jsonl").replace("delivery.ship", "new.ship"), "shipment.other-title", 2),
        (
            make("devices.jsonl").replace("delivery.ship", "new.ship").replace("dso-cert", "maker-cert"),
            "shipment.recipient-usage",
            4,
        ),
    ] {
        let said = desk.run(&line);
        assert_eq!(said.code, Some(exit), "{}", said.all());
        assert!(said.err.contains(code), "{code}: {}", said.all());
    }
    let left: Vec<_> = std::fs::read_dir(desk.place.path())
        .expect("the directory")
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("new.ship") || name.ends_with(".spool"))
        .collect();
    assert!(left.is_empty(), "what was begun is gone: {left:?}");
}

#[test]
fn keys_on_a_token_sign_and_open_a_manifest() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let desk = Desk::new(algorithm);
        std::fs::create_dir(desk.at("tokens")).expect("a directory");
        desk.write("softhsm2.conf", &format!("directories.tokendir = {}\n", desk.at("tokens").display()));
        desk.write("pin", "user-1234");
        // What only the token has from now on. softhsm2-util makes no keys that may agree.
        let setting = "softhsm2-util --init-token --free --label both --so-pin so-1234 --pin user-1234\n\
             for key in maker dso; do\n\
             openssl pkcs8 -topk8 -nocrypt -in $key.pem -outform DER -out private.der\n\
             openssl pkey -in $key.pem -pubout -outform DER -out public.der\n\
             on_token=\"pkcs11-tool --module $MODULE --token-label both --login --pin user-1234 --label $key --id 0$((++number))\"\n\
             $on_token --write-object private.der --type privkey --usage-derive --usage-sign --sensitive\n\
             $on_token --write-object public.der --type pubkey\n\
             done\n\
             rm private.der maker-key.pem maker.pem dso.pem\n";
        drop(desk.run(&format!("number=0\nMODULE={}\n{setting}", softhsm())).ok());
        let token = format!(
            "pkcs11:token=both?module-path={}&pin-source=file:{}",
            softhsm(),
            desk.at("pin").display()
        );
        let on_token = format!("--token '{token}'");
        let create = blocks()[0].replace("maker.pem", &format!("maker-cert.pem {on_token}"));
        drop(desk.run(&create).ok());
        let check = blocks()[1].trim().replace("dso.pem", &format!("dso-cert.pem {on_token}"));
        let said = desk.run(&check).ok().out;
        assert!(said.contains("is in order: 3 devices"), "{said}");
        // The certificate of a key that is elsewhere.
        let other = desk.run(&check.replace("dso-cert.pem", "maker-root.pem"));
        assert_eq!(other.code, Some(5), "{}", other.all());
        assert!(other.err.contains("key.not-found"), "{}", other.all());
    }
}
