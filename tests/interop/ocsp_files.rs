//! OCSP answers exported as files by the command of the chapter: served by nginx by its lines, fetched by curl, judged by OpenSSL. RFC 9919 §6.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::chapter::{Shell, blocks, steps};
use e2e::patience::eventually;
use e2e::peer::{Answer, curl, encoded, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::Value;

use crate::relying::Relying;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/ocsp.md");

const AUTHORITY: &str = "dso-operational-s1";

/// nginx by the server of the chapter; it ends with the test.
struct StaticServer {
    child: Child,
    origin: String,
}

impl StaticServer {
    fn start(rehearsal: &Rehearsal, exported: &Path) -> Self {
        let [server] = <[&str; 1]>::try_from(blocks(CHAPTER, "nginx")).expect("one server");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = rehearsal.unique("nginx");
        std::fs::create_dir(&place).unwrap();
        let server = server
            .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
            .replace("/srv/ocsp", &path(exported));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", place.display()))
            .collect();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/error.log;\nevents {{ }}\n\
             http {{\naccess_log off;\n{temporary}{server}}}\n",
            place.display()
        );
        let file = place.join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "nginx", "-c", &path(&file), "-p", &path(&place)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv starts nginx; `tests/run tools` installs it");
        let address = format!("127.0.0.1:{port}");
        eventually("nginx listens", || std::net::TcpStream::connect(&address).ok());
        Self { child, origin: format!("http://{address}") }
    }
}

impl Drop for StaticServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An authority with exported answers.
struct Exported {
    rehearsal: Rehearsal,
    relying: Relying,
    place: PathBuf,
}

impl Exported {
    fn of(meters: u32) -> Self {
        let rehearsal = Rehearsal::start(meters);
        let relying = Relying::on(&rehearsal, AUTHORITY);
        let place = rehearsal.scratch("exported");
        Self { rehearsal, relying, place }
    }

    fn export(&self, more: &[&str]) -> Value {
        let place = path(&self.place);
        self.rehearsal.operator_json(&[&["ocsp", "export", AUTHORITY, "--to", &place], more].concat())
    }

    /// Exports as the chapter says; returns what is told.
    fn by_the_chapter(&self) -> String {
        let [export] = steps(CHAPTER);
        let shell = Shell::new(&self.rehearsal.state(""), &self.rehearsal.scratch("programs"));
        shell.run(&export.replace("/srv/ocsp", &path(&self.place))).ok().out
    }

    /// The certificates that are answered for, with their statuses: one was revoked by the rehearsal.
    fn statuses(&self) -> BTreeMap<String, String> {
        let list = self.rehearsal.operator_json(&["cert", "list", "--issuer", AUTHORITY, "--limit", "10000"]);
        let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
        let certificates = list["certificates"].as_array().unwrap();
        certificates.iter().map(|one| (text(one, "serial"), text(one, "status"))).collect()
    }

    /// The rows of the manifest.
    fn rows(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.place.join("manifest.jsonl")).unwrap();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The base64 of the request that OpenSSL makes for a certificate.
    fn asked(&self, serial: &str, hash: &str) -> String {
        let (file, authority) = (self.rehearsal.unique("request.der"), path(&self.relying.authority));
        let number = format!("0x{serial}");
        let made = ["ocsp", hash, "-issuer", &authority, "-no_nonce", "-serial", &number, "-reqout"];
        drop(openssl(made.into_iter().chain([path(&file).as_str()])).ok());
        encoded(&std::fs::read(file).unwrap()).replace('\n', "")
    }

    /// What OpenSSL says of an answer.
    fn judged(&self, answer: &Answer, serial: &str, hash: &str) -> String {
        let file = self.rehearsal.unique("response.der");
        std::fs::write(&file, &answer.body).unwrap();
        let (root, authority, number) =
            (path(&self.relying.root), path(&self.relying.authority), format!("0x{serial}"));
        let by = ["ocsp", hash, "-CAfile", &root, "-verify_other", &authority, "-issuer", &authority];
        let what = ["-no_nonce", "-serial", &number, "-respin", &path(&file)];
        let said = openssl(by.iter().chain(&what)).ok();
        assert!(said.err.contains("Response verify OK"), "{}", said.all());
        said.out.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
    }
}

// RFC 6960 App. A.1, RFC 9919 §6: however a client encodes the base64 in the path.
#[test]
fn exported_answers_are_given_by_a_web_server_that_has_no_key() {
    let exported = Exported::of(4);
    let before = exported.statuses();
    let (good, _) = before.iter().find(|(_, status)| *status == "good").unwrap();
    exported.rehearsal.revoke(good, "keyCompromise");
    let statuses = exported.statuses();
    assert!(statuses.len() > 6 && statuses[good] == "revoked");
    let (told, all) = (exported.by_the_chapter(), statuses.len());
    assert!(told.starts_with(&format!("answers for {all} certificates: {all} signed, 0 removed")), "{told}");
    let server = StaticServer::start(&exported.rehearsal, &exported.place);
    let fetch = |way: &str| curl(&exported.rehearsal, &format!("{}/{way}", server.origin), &[] as &[&str]);
    for (serial, expected) in &statuses {
        for hash in ["-sha1", "-sha256"] {
            let raw = exported.asked(serial, hash);
            let escaped = raw.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            for way in [&raw, &escaped] {
                let answer = fetch(way);
                assert_eq!(answer.status, 200, "{way}");
                assert_eq!(answer.field("Content-Type"), Some("application/ocsp-response"));
                assert!(answer.field("Cache-Control").unwrap().starts_with("max-age=60, public"));
                assert!(answer.field("ETag").is_some() && answer.field("Last-Modified").is_some());
                assert_eq!(exported.judged(&answer, serial, hash), *expected);
            }
        }
    }
    // RFC 9919 §3.2.3: of what is not held, unauthorized.
    let missing = fetch(&exported.asked("4001020304", "-sha1"));
    assert_eq!((missing.status, missing.body), (200, vec![0x30, 3, 0x0A, 1, 6]));
    assert_eq!(missing.head.matches("no-store").count(), 1, "{}", missing.head);
}

#[test]
fn an_export_signs_again_only_what_changed_and_takes_away_what_is_not_listed() {
    let exported = Exported::of(3);
    let first = exported.export(&[]);
    assert_eq!(exported.export(&[])["signed"], 0);
    let before = exported.rows();
    let place = before.iter().position(|row| row["told"] == "good").unwrap();
    let serial = before[place]["serial"].as_str().unwrap().to_owned();
    exported.rehearsal.revoke(&serial, "superseded");
    let report = exported.export(&["--serial", &serial]);
    assert_eq!((&report["signed"], &report["certificates"]), (&Value::from(1), &first["certificates"]));
    let after = exported.rows();
    assert!(after[place]["told"].as_str().unwrap().ends_with(" superseded"), "{}", after[place]);
    let others = |rows: &[Value]| {
        rows.iter().filter(|row| row["serial"] != serial.as_str()).cloned().collect::<Vec<_>>()
    };
    assert_eq!(others(&after), others(&before));
    assert_eq!(exported.export(&[])["signed"], 0);
    // A certificate that the ledger does not list, as after a restore: its answers go.
    let manifest = exported.place.join("manifest.jsonl");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let stranger = exported.place.join("answers/MEstranger");
    std::fs::write(&stranger, "an answer").unwrap();
    let row = text.lines().nth(1).unwrap();
    let mut row: Value = serde_json::from_str(row).unwrap();
    row["serial"] = Value::from("7FFFFFFFFFFFFFFFFF");
    row["files"] = serde_json::json!([["MEstranger", "00"]]);
    std::fs::write(&manifest, format!("{text}{row}\n")).unwrap();
    assert_eq!(exported.export(&[])["removed"], 1);
    assert!(!stranger.exists());
}

#[test]
fn an_export_signs_only_for_what_ends_before_a_time_and_keeps_what_it_signed_before() {
    let exported = Exported::of(3);
    let list = exported.rehearsal.operator_json(&["cert", "list", "--issuer", AUTHORITY, "--limit", "10000"]);
    let ends: BTreeMap<String, String> = list["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ["serial", "not_after"].map(|field| one[field].as_str().unwrap().to_owned()).into())
        .collect();
    // The earliest end is the responder's own or a meter's; whatever ends last is left out.
    let bound = ends.values().max().unwrap();
    let early: Vec<&String> = ends.iter().filter(|(_, end)| *end < bound).map(|(serial, _)| serial).collect();
    assert!(!early.is_empty() && early.len() < ends.len(), "{ends:?}");
    let report = exported.export(&["--expiring-before", bound]);
    assert_eq!(report["signed"].as_u64(), u64::try_from(early.len()).ok());
    let answered = || {
        let rows = exported.rows();
        rows.iter().map(|row| row["serial"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        answered().iter().collect::<Vec<_>>(),
        early,
        "in the order of serial numbers, as they are listed"
    );
    // Whole, and then for the early ones again: what is there for the others stays.
    assert_eq!(exported.export(&[])["signed"].as_u64(), u64::try_from(ends.len() - early.len()).ok());
    let whole = exported.rows();
    let report = exported.export(&["--expiring-before", bound]);
    assert_eq!((&report["signed"], &report["removed"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(exported.rows(), whole);
    let none = exported.rehearsal.operator(&[
        "ocsp",
        "export",
        AUTHORITY,
        "--to",
        &path(&exported.place),
        "--expiring-before",
        "soon",
    ]);
    assert_eq!((none.code, none.err.contains("(time.malformed)")), (Some(2), true), "{}", none.all());
}

#[test]
fn an_export_that_was_cut_off_goes_on_where_it_was() {
    let exported = Exported::of(3);
    let whole = exported.export(&[]);
    // As a run leaves it that was killed after two rows, in the middle of the third.
    let manifest = exported.place.join("manifest.jsonl");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let cut: String = text.split_inclusive('\n').take(3).collect();
    std::fs::remove_file(&manifest).unwrap();
    std::fs::write(exported.place.join("manifest.jsonl.new"), format!("{cut}{{\"serial\":\"40")).unwrap();
    let report = exported.export(&[]);
    assert_eq!(report["certificates"], whole["certificates"]);
    let signed = report["signed"].as_u64().unwrap();
    assert_eq!(signed, whole["certificates"].as_u64().unwrap() - 2, "all but the two that were there");
    assert!(!exported.place.join("manifest.jsonl.new").exists());
    assert_eq!(exported.rows().len(), text.lines().count() - 1);
}
