//! Head-ends bring requests for devices that do not speak EST: uploads by curl, and what DLMS tools send.

use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Meter, Suite, station};
use e2e::patience::eventually;
use e2e::peer::{curl, path, public_key};
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Request, UPLOAD, address, line, title, upload};
use e2e::tool::openssl;
use serde_json::Value;

/// What a DLMS tool calls.
const TOOL: &str = "/api/CertificateGenerator";

fn births(count: usize) -> String {
    (0..count)
        .map(|number| {
            let wish = Request::new(&title(number));
            line(&format!("order-{number}"), "meter-factory-ds-s1", "first", &wish.csr)
        })
        .collect()
}

fn certificate(answer: &Value) -> &str {
    answer["certificate"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

// KP8 and T-19 for uploads: the server is killed in the middle of one; the same upload then gives each device one certificate, and
// what had been answered is what is answered.
#[test]
fn an_upload_that_is_cut_by_a_kill_is_sent_again_and_every_device_has_one_certificate() {
    let mut rehearsal = Rehearsal::start(1);
    let lines = births(600);
    let file = rehearsal.unique("upload.ndjson");
    std::fs::write(&file, &lines).expect("the upload can be written");
    let told = rehearsal.unique("answers.ndjson");
    let body = format!("@{}", path(&file));
    let mut first = Command::new("curl")
        .args(["-sS", "-N", "--max-time", "60", "--cacert", &path(&rehearsal.root())])
        .args(["-H", "Content-Type: application/x-ndjson", "--data-binary", &body, "-o", &path(&told)])
        .args(station(&rehearsal).options())
        .arg(address(&rehearsal, UPLOAD))
        .stderr(Stdio::null())
        .spawn()
        .expect("curl starts");
    let answered = || std::fs::read_to_string(&told).unwrap_or_default();
    eventually("the first group is answered", || (answered().lines().count() > 64).then_some(()));
    rehearsal.kill();
    let status = first.wait().expect("curl ends");
    let early = answered();
    let early: Vec<Value> = early.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(!status.success() && early.len() < 600, "the upload was cut: {} answers", early.len());

    rehearsal.serve();
    let answers = upload(&rehearsal, &lines);
    assert_eq!(answers.len(), 600);
    let places: Vec<&Value> = answers.iter().map(|answer| &answer["line"]).collect();
    assert!((1..=600).zip(places).all(|(line, told)| *told == line), "in their order");
    for (early, late) in early.iter().zip(&answers) {
        assert_eq!(early, late, "what was answered is what is answered");
    }
    assert_eq!(upload(&rehearsal, &lines), answers, "and again");
    for (number, answer) in answers.iter().enumerate() {
        let _there = certificate(answer);
        if number % 40 == 0 {
            let issued = rehearsal.certificates_of(&title(number));
            let good = issued.iter().filter(|row| row["status"] == "good").count();
            assert_eq!(good, 1, "{issued:?}");
        }
    }
    assert!(rehearsal.audited() > 600, "the trail is intact");
}

#[test]
fn an_upload_takes_its_body_limit_from_its_own_table_and_other_paths_do_not() {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let label = "default_label = \"meter-op-ds-s1\"\n";
        text.replace(label, &format!("{label}bulk = {{ max_octets = 200000, max_lines = 300 }}\n"))
    });
    let answers = upload(&rehearsal, &births(200));
    assert!(answers.len() == 200 && answers.iter().all(|answer| answer["certificate"].is_string()));
    let post = |path_of: &str, media_type: &str, octets: usize| {
        let file = rehearsal.unique("large");
        std::fs::write(&file, " ".repeat(octets)).expect("a file");
        let shown = station(&rehearsal).options();
        let (body, kind) = (format!("@{}", path(&file)), format!("Content-Type: {media_type}"));
        let mut options = vec!["-H", kind.as_str(), "--data-binary", body.as_str()];
        options.extend(shown.iter().map(String::as_str));
        curl(&rehearsal, &address(&rehearsal, path_of), &options).status
    };
    assert_eq!(post(UPLOAD, "application/x-ndjson", 200_001), 413);
    let enrol = "/.well-known/est/meter-factory-ds-s1/simpleenroll";
    assert_eq!(post(enrol, "application/pkcs10", 65_537), 413);
}

/// What the Python library of Gurux DLMS sends, octet for octet but for the requests themselves.
fn as_a_tool_writes(wishes: &[(u8, &[u8])]) -> String {
    let items: Vec<String> = wishes
        .iter()
        .map(|(usage, csr)| format!("{{\"KeyUsage\":{usage}, \"CSR\":\"{}\"}}", STANDARD.encode(csr)))
        .collect();
    format!("{{\"Certificates\":[{}]}}", items.join(", "))
}

/// How that library reads: behind the first bracket, between quotation marks.
fn as_a_tool_reads(text: &str) -> Vec<Vec<u8>> {
    let (_, behind) = text.split_once('[').expect("a bracket");
    let (list, _) = behind.split_once(']').expect("its end");
    let texts = list.split(['"', ';', ',']).filter(|text| !text.is_empty());
    texts.map(|text| STANDARD.decode(text).expect("base64")).collect()
}

#[test]
fn a_dlms_tool_changes_one_address_and_gets_the_three_certificates_of_a_meter() {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let rows =
            ["ds", "ka", "tls"].map(|row| format!("\"meter-factory-{row}-s1\", \"meter-factory-{row}-s2\""));
        let label = "default_label = \"meter-op-ds-s1\"\n";
        text.replace(label, &format!("{label}dlms_tools = {{ labels = [{}] }}\n", rows.join(", ")))
    });
    for (title, suite) in [("4D504B01000000A1", Suite::One), ("4D504B02000000A2", Suite::Two)] {
        let meter = Meter::new(&rehearsal, title, suite);
        let asked = [meter.ask(), meter.ask(), meter.ask()];
        let usages = [1, 16, 17];
        let wishes: Vec<(u8, &[u8])> =
            usages.iter().zip(&asked).map(|(usage, asked)| (*usage, asked.request.as_slice())).collect();
        let file = rehearsal.unique("tool.json");
        std::fs::write(&file, as_a_tool_writes(&wishes)).expect("a file");
        let shown = station(&rehearsal).options();
        let body = format!("@{}", path(&file));
        let mut options = vec!["-H", "Content-Type: application/json", "--data", body.as_str()];
        options.extend(shown.iter().map(String::as_str));
        let answer = curl(&rehearsal, &address(&rehearsal, TOOL), &options);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let certificates = as_a_tool_reads(&answer.text());
        assert_eq!(certificates.len(), 3);
        let expected = ["Digital Signature", "Key Agreement", "Digital Signature, Key Agreement"];
        for ((der, asked), usage) in certificates.iter().zip(&asked).zip(expected) {
            let pem = rehearsal.unique("tool.pem");
            let raw = rehearsal.unique("tool.der");
            std::fs::write(&raw, der).expect("a file");
            drop(openssl(["x509", "-inform", "DER", "-in", &path(&raw), "-out", &path(&pem)]).ok());
            assert_eq!(public_key(&pem), openssl(["pkey", "-in", &path(&asked.key), "-pubout"]).ok().out);
            let printed = openssl(["x509", "-in", &path(&pem), "-noout", "-ext", "keyUsage"]).ok().out;
            assert!(printed.lines().any(|line| line.trim() == usage), "{usage}: {printed}");
        }
        let again = curl(&rehearsal, &address(&rehearsal, TOOL), &options);
        assert_eq!(again.text(), answer.text(), "the same request again");
        let stranger = curl(&rehearsal, &address(&rehearsal, TOOL), &options[..4]);
        assert_eq!(stranger.status, 401);
    }
}

#[test]
fn the_chapter_on_head_ends_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/head-ends.md");
    let [bulk, tool] = steps(chapter);
    let settings = blocks(chapter, "toml").concat();
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    // Added where it stays the configuration that the chapter names.
    rehearsal
        .configure("meter-pki.toml", |text| text.replacen("[status]", &format!("{settings}\n[status]"), 1));
    rehearsal.serve();
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let run = |block: &str| shell.run(block).ok().out;
    assert_eq!(run(bulk).trim(), "subject=CN = 4D504B01000000C1");
    let certificates = as_a_tool_reads(&run(tool));
    assert_eq!(certificates.len(), 1);
}
