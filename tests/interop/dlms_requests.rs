//! The requests of a real DLMS library, sent as its files stand: r and s without sign octet, base64 in one line.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::peer::{Operation, Shown, certificate_of, curl, path, public_key, send_text, serial};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

/// A file of the library and the title that it names.
struct Vector {
    file: PathBuf,
    der: Vec<u8>,
    title: String,
}

fn vectors() -> Vec<Vector> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/dlms-csr");
    let of = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).expect("the vectors are there");
        entries.map(|entry| entry.expect("an entry").path())
    };
    let mut files: Vec<PathBuf> = of("net").chain(of("python")).collect();
    files.sort();
    files.into_iter().map(read).collect()
}

/// Takes the armour off without any help of ours, and the title out of the common name.
fn read(file: PathBuf) -> Vector {
    let text = std::fs::read_to_string(&file).expect("a vector is text");
    let text = text
        .replace("-----BEGIN CERTIFICATE REQUEST-----", "")
        .replace("-----END CERTIFICATE REQUEST-----", "");
    let dense: String = text.split_whitespace().collect();
    let der = STANDARD.decode(dense).expect("a vector is base64");
    // commonName, UTF8String of 16 octets.
    let name = [0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x10];
    let at = der.windows(name.len()).position(|window| window == name).expect("a common name") + name.len();
    let title = String::from_utf8(der[at..at + 16].to_vec()).expect("hexadecimal digits");
    Vector { file, der, title }
}

/// The key in a request, by OpenSSL, which does not look at the signature for that.
fn key_of(rehearsal: &Rehearsal, der: &[u8]) -> String {
    let file = rehearsal.unique("vector.der");
    std::fs::write(&file, der).expect("it can be written");
    openssl(["req", "-inform", "DER", "-noout", "-pubkey", "-in", &path(&file)]).ok().out
}

#[test]
fn every_request_of_a_dlms_library_is_enrolled_as_its_file_stands() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 50, "forty by the .NET library, ten by the Python library");
    let rehearsal = Rehearsal::start(1);
    let mut titles: Vec<&str> = vectors.iter().map(|vector| vector.title.as_str()).collect();
    titles.sort_unstable();
    titles.dedup();
    rehearsal.expect_devices("dso", &titles);
    for vector in &vectors {
        let key = key_of(&rehearsal, &vector.der);
        let suite = if key.lines().count() == 4 { "s1" } else { "s2" };
        let label = format!("meter-op-ds-{suite}");
        let shown: Shown = rehearsal.token(&vector.title, &label).into();
        let text = std::fs::read(&vector.file).expect("a vector");
        let answer = send_text(&rehearsal, (Operation::Enrol, &label), &text, &shown, &[]);
        let certificate = certificate_of(&rehearsal, &answer);
        assert_eq!(public_key(&certificate), key, "{}", vector.file.display());
        // All files name one device, whose place must be free for the next.
        let serial = serial(&certificate);
        drop(rehearsal.operator(&["cert", "revoke", &serial, "--reason", "superseded"]).ok());
    }
    assert_eq!(read_leniently(&rehearsal, "armour"), 50, "every one is counted");
    assert_eq!(read_leniently(&rehearsal, "unsigned-integers"), damaged(&rehearsal, &vectors));
}

/// How many requests OpenSSL takes for damaged.
fn damaged(rehearsal: &Rehearsal, vectors: &[Vector]) -> usize {
    let file = rehearsal.unique("vector.der");
    let is_damaged = |vector: &&Vector| {
        std::fs::write(&file, &vector.der).expect("it can be written");
        let said = openssl(["req", "-inform", "DER", "-noout", "-verify", "-in", &path(&file)]);
        !said.err.contains("verify OK")
    };
    vectors.iter().filter(is_damaged).count()
}

/// How many requests were read although they deviate in this way, as the metrics tell.
fn read_leniently(rehearsal: &Rehearsal, kind: &str) -> usize {
    let socket = path(&rehearsal.state("operator.sock"));
    let metrics = curl(rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]).text();
    let is_meant =
        |line: &&str| line.starts_with("pki_leniencies_total{") && line.contains(&format!("kind=\"{kind}\""));
    let line = metrics.lines().find(is_meant).unwrap_or_else(|| panic!("{kind} is not counted: {metrics}"));
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}
