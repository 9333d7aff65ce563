//! Operators elsewhere: who comes with which certificate, over real TLS, by curl and by our own command line; and what is left when
//! every certificate has expired.

use std::path::Path;

use e2e::chapter::{Shell, blocks, steps};
use e2e::clock::WallClock;
use e2e::fleet::{Meter, Suite, station};
use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, curl, make_key, path, serial, try_curl};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl};
use serde_json::Value;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/people.md");

/// More than the year for which an operator's certificate is.
const LATER: i64 = 400 * 86_400;

pub(crate) struct Door {
    pub(crate) rehearsal: Rehearsal,
    clock: WallClock,
    pub(crate) origin: String,
}

impl Door {
    /// A server with the door that the chapter describes, at a port that the system chooses.
    fn open() -> Self {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let clock = WallClock::new(&mut rehearsal);
        let [_, listen, offer, _] = blocks(CHAPTER, "toml").try_into().expect("four blocks of toml");
        let (listen, _) = listen.split_once("192.0.2.10:9443").expect("an address");
        let text = std::fs::read_to_string(rehearsal.state("meter-pki.toml")).expect("a configuration");
        let written = format!("[operator]\nsocket = \"operator.sock\"\n{listen}127.0.0.1:");
        assert!(text.contains(&written) && text.contains(offer), "a quickstart does as the chapter says");
        let mut door = Self { rehearsal, clock, origin: String::new() };
        door.serve();
        door
    }

    /// The same, with Eva on record, an administrator, and her certificate with its key in `eva.pem`.
    pub(crate) fn with_eva() -> Self {
        let [.., make, _, _] = steps::<13>(CHAPTER);
        let door = Self::open();
        drop(door.run(make).ok());
        door
    }

    fn serve(&mut self) {
        self.rehearsal.serve();
        let log = self.rehearsal.log();
        let told = |line: &str| line.split("operator=").nth(1).map(|rest| rest.trim().to_owned());
        let address = log.lines().filter(|line| line.contains("client certificates")).find_map(told);
        let (_, port) =
            address.as_deref().and_then(|one| one.rsplit_once(':')).expect("an address in the log");
        self.origin = format!("https://localhost:{port}");
    }

    /// Types a block of the chapter where the server is, as the first administrator.
    pub(crate) fn run(&self, block: &str) -> Said {
        Shell::new(&self.rehearsal.state(""), &self.rehearsal.scratch("programs")).run(block)
    }

    fn ask(&self, route: &str, shown: &Shown) -> Answer {
        curl(&self.rehearsal, &format!("{}{route}", self.origin), &shown.options())
    }

    /// Asks for what everybody on record may see; returns the reason code of a refusal.
    #[track_caller]
    fn refusal(&self, shown: &Shown) -> String {
        let answer = self.ask("/v1/authorities", shown);
        assert_eq!(answer.status, 403, "{}", answer.text());
        let told: Value = serde_json::from_str(&answer.text()).expect("JSON");
        told["code"].as_str().expect("a code").to_owned()
    }

    /// The file with which somebody operates this server from elsewhere.
    fn client(&self, certificate: &str) {
        let text = blocks(CHAPTER, "toml")[3]
            .replace("https://pki.example:9443", &self.origin)
            .replace("roots.pem", &path(&self.rehearsal.root()))
            .replace("eva.pem", certificate);
        std::fs::write(self.rehearsal.state("eva.toml"), text).expect("a file");
    }
}

fn in_one_file(file: &Path) -> Shown {
    Shown::Certificate { certificates: file.to_path_buf(), key: file.to_path_buf() }
}

/// The operator's certificate of nobody: issued, and on no record of a person.
fn of_nobody(door: &Door) -> Shown {
    let [key, request, certificate] =
        ["nobody.key", "nobody.csr", "nobody.pem"].map(|name| door.rehearsal.scratch(name));
    make_key(&key, "P-256");
    drop(
        openssl([
            "req",
            "-new",
            "-key",
            &path(&key),
            "-subj",
            "/C=DE/O=Nobody/CN=x",
            "-out",
            &path(&request),
        ])
        .ok(),
    );
    let issue = [
        "cert",
        "issue",
        &path(&request),
        "--issuer",
        "dso-infra-s1",
        "--profile",
        "ra-operator-s1",
        "--out",
    ];
    drop(door.rehearsal.operator(&[issue.as_slice(), &[&path(&certificate)]].concat()).ok());
    Shown::Certificate { certificates: certificate, key }
}

fn self_signed(door: &Door) -> Shown {
    let (key, certificate) = (door.rehearsal.scratch("own.key"), door.rehearsal.scratch("own.pem"));
    make_key(&key, "P-256");
    let subject = ["-subj", "/CN=eva", "-days", "9", "-out", &path(&certificate)];
    drop(openssl(["req", "-x509", "-key", &path(&key)].iter().chain(&subject)).ok());
    Shown::Certificate { certificates: certificate, key }
}

/// Who is refused, with which code.
fn strangers_are_refused(door: &Door) {
    let rehearsal = &door.rehearsal;
    assert_eq!(door.refusal(&Shown::Nothing), "people.certificate-absent");
    let token = ["-H", "Authorization: Bearer a.b.c"];
    let told = curl(rehearsal, &format!("{}/v1/self", door.origin), &token);
    assert!(told.status == 401 && told.text().contains("people.token-off"), "{}", told.text());
    assert_eq!(door.refusal(&self_signed(door)), "people.certificate-not-ours");
    assert_eq!(door.refusal(&of_nobody(door)), "people.unknown");
    assert_eq!(door.refusal(&station(rehearsal)), "people.certificate-profile");
    // A device's certificate is never an operator's, though somebody put it on record as one's credential.
    rehearsal.expect_devices("dso", &["4D504B0900000009"]);
    let token = rehearsal.token("4D504B0900000009", "meter-op-tls-s1");
    let device =
        Meter::new(rehearsal, "4D504B0900000009", Suite::One).enrol("meter-op-tls", &Shown::from(token));
    let digest =
        openssl(["x509", "-in", &path(&device.certificate), "-noout", "-fingerprint", "-sha256"]).ok();
    let digest = digest.out.trim().rsplit('=').next().unwrap_or_default().replace(':', "").to_lowercase();
    let credential = format!("certificate:{digest}");
    drop(rehearsal.operator(&["people", "change", "eva", "--add-credential", &credential]).ok());
    assert_eq!(door.refusal(&device.shown()), "people.certificate-profile");
}

// M-10: nobody's clock is moved back, and no certificate is needed for it.
#[test]
fn m_10_operators_come_by_certificate_and_once_all_are_expired_the_first_administrator_helps_by_the_socket() {
    let [.., look, recover] = steps::<13>(CHAPTER);
    let mut door = Door::with_eva();
    let eva = door.rehearsal.state("eva.pem");
    let shown = in_one_file(&eva);
    let before = door.rehearsal.audited();

    // By curl: her certificate with its key in PEM, and the same as PKCS#12; what no role of hers may she may not here either.
    assert_eq!(door.ask("/v1/people", &shown).status, 200);
    let bundle = door.rehearsal.scratch("eva.p12");
    let made =
        ["pkcs12", "-export", "-in", &path(&eva), "-out", &path(&bundle), "-passout", "pass:rehearsal"];
    drop(openssl(made).ok());
    let with_bundle = ["--cert-type", "P12", "--cert", &format!("{}:rehearsal", path(&bundle))];
    let people = curl(&door.rehearsal, &format!("{}/v1/people", door.origin), &with_bundle);
    assert_eq!(people.status, 200, "{}", people.text());
    assert!(people.text().contains("\"eva\""), "{}", people.text());
    let crls = door.ask("/v1/audit", &shown);
    assert!(crls.status == 403 && crls.text().contains("people.role"), "{}", crls.text());
    let old = [shown.options(), vec!["--tls-max".to_owned(), "1.2".to_owned()]].concat();
    assert!(try_curl(&door.rehearsal, &format!("{}/v1/people", door.origin), &old).is_err(), "TLS 1.3 alone");
    strangers_are_refused(&door);

    // By our own command line, from a file of hers.
    door.client("eva.pem");
    let listed = door.run(look).ok();
    assert!(listed.out.contains("administrator for every tenant"), "{}", listed.out);
    let refused = door.run("meter-pki --config eva.toml audit list");
    assert_eq!((refused.code, refused.err.contains("people.role")), (Some(6), true), "{}", refused.all());

    // The time of her certificate is over, and so is that of every other: the door is shut to all, and the socket is not.
    door.rehearsal.stop();
    door.clock.set_by(LATER);
    door.serve();
    assert_eq!(door.refusal(&shown), "people.certificate-expired");
    drop(door.run(recover).ok());
    let renewed = in_one_file(&door.rehearsal.state("eva-2.pem"));
    assert_eq!(door.ask("/v1/people", &renewed).status, 200);

    // What is revoked is refused with the next request.
    let number = serial(&door.rehearsal.state("eva-2.pem"));
    door.rehearsal.revoke(&number, "keyCompromise");
    assert_eq!(door.refusal(&renewed), "people.certificate-revoked");

    // Each is on record, under the person's name where it is one's.
    let wanted = [
        ("operator:eva", "people.role"),
        ("operator:eva", "people.certificate-expired"),
        ("operator:eva", "people.certificate-revoked"),
        ("operator:eva", "people.certificate-profile"),
    ];
    eventually("the refusals are on record", || {
        let records = door.rehearsal.audit_after(before);
        let is = |actor: &str, reason: &str| {
            records.iter().any(|one| one["actor"] == actor && one["reason"] == reason)
        };
        let strangers = records.iter().filter(|one| one["reason"] == "people.certificate-absent").count();
        (strangers == 1 && wanted.iter().all(|(actor, reason)| is(actor, reason))).then_some(())
    });
}
