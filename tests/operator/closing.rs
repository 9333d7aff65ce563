//! `ca close`: the last CRL of a factory authority, the end of its key, and what is published from then on.

use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

const AUTHORITY: &str = "maker-factory-s1";

fn serial(rehearsal: &Rehearsal) -> String {
    let said = openssl(["x509", "-in", &path(&rehearsal.authority(AUTHORITY)), "-noout", "-serial"]).ok().out;
    said.trim().trim_start_matches("serial=").to_owned()
}

/// The configuration without the authority, and with it among those that were closed.
fn without(text: String) -> String {
    let begins = text.find(&format!("[[authority]]\nname = \"{AUTHORITY}\"")).expect("it is configured");
    let ends = text[begins + 2..].find("[[authority]]").expect("another follows") + begins + 2;
    let rest = format!("{}{}", &text[..begins], &text[ends..]);
    let closed = format!("closed_authority_files = [\"authorities/{AUTHORITY}.cer\"]");
    rest.replace("directory = \"published\"\n", &format!("directory = \"published\"\n{closed}\n"))
}

#[test]
fn a_factory_authority_signs_its_last_crl_and_its_key_is_destroyed() {
    let mut rehearsal = Rehearsal::start(1);
    let view = rehearsal.operator_json(&["ca", "show", AUTHORITY]);
    let uri = view["crl_uri"].as_str().expect("a CRL").to_owned();
    let key = rehearsal.state(&format!("keys/{}.pem", view["key"].as_str().expect("a key")));
    let number_before = rehearsal
        .operator_json(&["crl", "list"])
        .as_array()
        .and_then(|crls| crls.iter().find(|crl| crl["authority"] == AUTHORITY))
        .and_then(|crl| crl["number"].as_u64());
    let (serial, last) = (serial(&rehearsal), rehearsal.state("last.crl"));
    let last_text = path(&last);
    let close = |serial: &str| {
        let said = ["ca", "close", AUTHORITY, "--serial", serial, "--reason", "the line is sold out"];
        [&said[..], &["--last-crl", &last_text]].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let call = |rehearsal: &Rehearsal, serial: &str| {
        let arguments = close(serial);
        rehearsal.operator(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // Not beside a server, and not another authority.
    let beside = call(&rehearsal, &serial);
    assert!(!beside.success && key.exists() && !last.exists(), "{}", beside.all());
    rehearsal.stop();
    let other = call(&rehearsal, "0BADC0DE");
    assert_eq!(other.code, Some(4), "{}", other.all());
    assert!(other.err.contains("close.another-authority") && key.exists(), "{}", other.all());

    let said = call(&rehearsal, &serial).ok();
    assert!(said.out.contains("is closed") && said.out.contains("close-subca"), "{}", said.out);
    assert!(!key.exists(), "the key is gone");
    let authority = path(&rehearsal.authority(AUTHORITY));
    let text =
        openssl(["crl", "-inform", "DER", "-in", &last_text, "-CAfile", &authority, "-noout", "-nextupdate"])
            .ok();
    assert!(text.all().contains("verify OK") && text.out.contains("Dec 31 23:59:59 9999"), "{}", text.all());
    let numbered = openssl(["crl", "-inform", "DER", "-in", &last_text, "-noout", "-crlnumber"]).ok().out;
    let number = u64::from_str_radix(numbered.trim().rsplit(['=', 'x']).next().expect("a number"), 16).ok();
    assert!(number > number_before, "{number:?} {number_before:?}");

    // Whoever configures it still is told that its key is missing.
    let (code, log) = rehearsal.serve_to_its_end();
    assert!(code != Some(0) && log.contains("key.missing"), "{log}");
    rehearsal.configure("closed.toml", without);
    rehearsal.serve();
    let published = curl(&rehearsal, &uri, &[] as &[&str]);
    assert_eq!((published.status, published.body), (200, std::fs::read(&last).expect("it is there")));
    let acts: Vec<String> = rehearsal
        .audit_after(0)
        .iter()
        .filter(|record| {
            record["detail"].as_str().is_some_and(|detail| detail.contains("the line is sold out"))
        })
        .map(|record| record["act"].as_str().expect("an act").to_owned())
        .collect();
    assert_eq!(acts, ["authority-closed", "key-destruction-intended", "key-destroyed"]);
}
