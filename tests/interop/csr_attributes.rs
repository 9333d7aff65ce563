//! What `/csrattrs` says, read by pyasn1's definitions of RFC 8951 and RFC 9908; and requests that OpenSSL makes by it.

use std::path::Path;

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Shown, certificate_of, curl, decoded, enrol, field, make_key, make_request, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{pkilint, run};

/// The lines that pyasn1 reads in the answer of a label.
#[track_caller]
fn told(rehearsal: &Rehearsal, label: &str, shown: Option<&Shown>) -> Vec<String> {
    let url = format!("{}{label}/csrattrs", rehearsal.text("est"));
    let answer = curl(rehearsal, &url, &shown.map(Shown::options).unwrap_or_default());
    assert_eq!(answer.field("content-type"), Some("application/csrattrs"));
    let file = rehearsal.unique("csrattrs.der");
    std::fs::write(&file, decoded(answer.text().as_bytes())).expect("it can be written");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/read_csr_attributes.py");
    let said = run(&path(&pkilint("python")), [&path(&program), &path(&file)]).ok();
    said.out.lines().map(str::to_owned).collect()
}

/// The rest of the only line that begins so.
#[track_caller]
fn only<'a>(lines: &'a [String], start: &str) -> &'a str {
    let found: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix(start)).collect();
    assert_eq!(found.len(), 1, "{start} in {lines:#?}");
    found[0].trim()
}

/// Makes a request of what the template says, and of the name that the client knows where it says none.
fn request_by(rehearsal: &Rehearsal, lines: &[String], meter: &Meter<'_>) -> Vec<u8> {
    let key = rehearsal.unique("told.key");
    make_key(&key, meter.suite.curve());
    let name = match only(lines, "template rdn 2.5.4.3 ") {
        "?" => meter.title,
        told => told,
    };
    let extensions: Vec<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("template extension 1.2.840.113549.1.9.14 "))
        .map(|line| {
            let [id, critical, value] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let critical = if critical == "True" { "critical," } else { "" };
            format!("{id}={critical}DER:{value}")
        })
        .collect();
    assert!(!extensions.is_empty(), "{lines:#?}");
    let more: Vec<&str> = extensions.iter().flat_map(|extension| ["-addext", extension]).collect();
    make_request(&key, &format!("/CN={name}"), meter.suite.digest(), &more)
}

// RFC 9908 §3.2, §3.4: both forms say the curve; the template tells a device that is known its subject.
#[test]
fn pyasn1_reads_both_forms_and_openssl_makes_a_request_of_the_template() {
    let rehearsal = Rehearsal::start(1);
    for suite in Suite::BOTH {
        let title = if suite == Suite::One { "4D504B0100CA0001" } else { "4D504B0100CA0002" };
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let factory = meter.manufacture().shown();
        let (curve, algorithm) = match suite {
            Suite::One => ("1.2.840.10045.3.1.7", "1.2.840.10045.4.3.2"),
            Suite::Two => ("1.3.132.0.34", "1.2.840.10045.4.3.3"),
        };
        for row in ["meter-op-ds", "meter-op-ka", "meter-op-tls"] {
            let label = meter.label(row);
            let to_anybody = told(&rehearsal, &label, None);
            assert_eq!(only(&to_anybody, "attribute 1.2.840.10045.2.1 "), curve);
            assert_eq!(only(&to_anybody, "oid "), algorithm);
            assert_eq!(only(&to_anybody, "template key 1.2.840.10045.2.1 "), curve);
            assert_eq!(only(&to_anybody, "template rdn 2.5.4.3 "), "?");
            let to_the_meter = told(&rehearsal, &label, Some(&factory));
            assert_eq!(only(&to_the_meter, "template rdn 2.5.4.3 "), title);
            let request = request_by(&rehearsal, &to_the_meter, &meter);
            let certificate = certificate_of(&rehearsal, &enrol(&rehearsal, &label, &request, &factory));
            assert_eq!(field(&certificate, "-subject"), format!("CN={title}"));
        }
    }
}
