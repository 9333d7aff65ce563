//! The chapter on shipments, block by block as it stands in `docs/operate/shipments.md`, and a signer on a token.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::chapter::{Shell, blocks, steps};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, softhsm};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
};
use serde_json::json;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/shipments.md");

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
        let root = Entity::root("Maker Root", algorithm);
        let infrastructure = root.authority("Maker Infrastructure");
        let signer = infrastructure.end("Shipments 1", KeyUsagePurpose::DigitalSignature);
        let recipient =
            Entity::root("Grid Root", algorithm).end("Manifests 1", KeyUsagePurpose::KeyAgreement);
        desk.write("maker-root.pem", &root.pem);
        let der = STANDARD.decode(root.der_base64()).expect("base64");
        std::fs::write(desk.at("maker-root.cer"), der).expect("it is written");
        desk.write("maker-cert.pem", &(signer.pem.clone() + &infrastructure.pem));
        desk.write("maker-key.pem", &signer.key.serialize_pem());
        desk.write("maker.pem", &(signer.pem + &infrastructure.pem + &signer.key.serialize_pem()));
        desk.write("dso-cert.pem", &recipient.pem);
        desk.write("dso.pem", &(recipient.pem.clone() + &recipient.key.serialize_pem()));
        let key = json!([{
            "label": "tk-2026-11", "recipient": "ab".repeat(32), "wrapped": STANDARD.encode([7; 256]),
        }]);
        desk.write("transport-keys.json", &key.to_string());
        let factory = root.authority("Maker Factory");
        let der = STANDARD.decode(factory.der_base64()).expect("base64");
        std::fs::write(desk.at("maker-factory.cer"), der).expect("it is written");
        desk.write("devices.jsonl", &devices(&factory));
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
        let shell = Shell::new(self.place.path(), &self.at("programs"));
        shell.with("SOFTHSM2_CONF", self.at("softhsm2.conf")).run(block)
    }
}

/// Three devices with a certificate and a wrapped key each, not in their order.
fn devices(factory: &Entity) -> String {
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

/// A system whose manufacturer has the roots and the factory authorities of these desks.
fn serving(desks: &[Desk]) -> Rehearsal {
    let files = |name: &str| -> String {
        desks.iter().map(|desk| format!("\"{}\", ", desk.at(name).display())).collect()
    };
    let rehearsal = Rehearsal::start_with(1, |text| {
        let section = "[[manufacturer]]\ntenant = \"maker\"\nanchor_files = [";
        let text = text.replace(section, &format!("{section}{}", files("maker-factory.cer")));
        let roots = "\nshipment_anchor_files = [";
        text.replace(roots, &format!("{roots}{}", files("maker-root.cer")))
    });
    let settings = std::fs::read_to_string(rehearsal.state("edited.toml")).expect("a configuration");
    let socket = format!("socket = \"{}\"", rehearsal.state("operator.sock").display());
    for desk in desks {
        desk.write("meter-pki.toml", &settings.replace("socket = \"operator.sock\"", &socket));
    }
    rehearsal
}

#[test]
fn the_chapter_on_shipments_works_as_it_stands() {
    let [create, check, import, record, openssl, _keys] = steps(CHAPTER);
    let desks = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384].map(Desk::new);
    let rehearsal = serving(&desks);
    for desk in desks {
        let said = desk.run(create).ok().out;
        assert!(said.contains("shipment:      2026-0042") && said.contains("3 in 1 chunks"), "{said}");
        assert!(said.contains("CN=Shipments 1"), "{said}");
        let said = desk.run(check).ok().out;
        assert!(said.contains("is in order: 3 devices in 1 chunks, 3 certificates, 3 secrets"), "{said}");

        let said = desk.run(import).ok().out;
        assert!(said.contains("2026-0042 is imported: 3 of 3 devices, 3 new"), "{said}");
        let digest = desk.run("sha256sum delivery.ship | cut -d' ' -f1").ok().out;
        for number in 1..=3 {
            let shown = rehearsal.operator_json(&["device", "show", &format!("4D504B010000000{number}")]);
            let device = &shown["device"];
            assert_eq!((&device["tenant"], &device["state"]), (&json!("dso"), &json!("expected")));
            assert_eq!(device["serial_number"], format!("SN-{number}"));
            assert_eq!(device["delivery"], digest.trim(), "the delivery is the file that was imported");
            assert_eq!(shown["secrets"], json!([{"kind": "kek", "wrapped_by": "tk-2026-11"}]));
        }
        let again = desk.run(import);
        assert_eq!(again.code, Some(7), "{}", again.all());
        assert!(again.err.contains("(delivery.repeated)"), "{}", again.all());

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
    let create = blocks(CHAPTER, "sh")[0];
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
        let create = blocks(CHAPTER, "sh")[0].replace("maker.pem", &format!("maker-cert.pem {on_token}"));
        drop(desk.run(&create).ok());
        let check = blocks(CHAPTER, "sh")[1].trim().replace("dso.pem", &format!("dso-cert.pem {on_token}"));
        let said = desk.run(&check).ok().out;
        assert!(said.contains("is in order: 3 devices"), "{said}");
        // The certificate of a key that is elsewhere.
        let other = desk.run(&check.replace("dso-cert.pem", "maker-root.pem"));
        assert_eq!(other.code, Some(5), "{}", other.all());
        assert!(other.err.contains("key.not-found"), "{}", other.all());
    }
}
