//! Publication: CRLs and CA certificates over plain HTTP, as caches and relying parties fetch them. RFC 5280 §5, RFC 9110.

mod chapter;
mod kills;
mod pushes;
mod verify;

use e2e::patience::eventually;
use e2e::peer::{Answer, curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::Value;

const AUTHORITY: &str = "dso-operational-s1";

fn uri(rehearsal: &Rehearsal, kind: &str) -> String {
    let view = rehearsal.operator_json(&["ca", "show", AUTHORITY]);
    let key = view["key"].as_str().expect("a key");
    match kind {
        "crl" => view["crl_uri"].as_str().expect("a CRL").to_owned(),
        _ => format!("{}/ca/{key}.cer", rehearsal.status()),
    }
}

fn fetch(rehearsal: &Rehearsal, uri: &str, options: &[&str]) -> Answer {
    curl(rehearsal, uri, options)
}

/// The CRL on record, as the operator sees it.
fn on_record(rehearsal: &Rehearsal) -> Value {
    let crls = rehearsal.operator_json(&["crl", "list"]);
    crls.as_array().unwrap().iter().find(|crl| crl["authority"] == AUTHORITY).unwrap().clone()
}

/// The CRL number of a CRL as OpenSSL reads it.
fn number(rehearsal: &Rehearsal, crl: &Answer) -> u64 {
    let file = rehearsal.unique("crl.der");
    std::fs::write(&file, &crl.body).unwrap();
    let said = openssl(["crl", "-inform", "DER", "-noout", "-crlnumber", "-in", &path(&file)]).ok();
    u64::from_str_radix(said.out.trim().trim_start_matches("crlNumber=0x"), 16).expect("a number")
}

/// A date of a header field, as seconds since 1970.
fn seconds(date: &str) -> u64 {
    e2e::tool::run("date", ["-u", "-d", date, "+%s"]).ok().out.trim().parse().expect("seconds")
}

#[test]
fn a_crl_comes_with_its_type_and_with_all_that_caches_need() {
    let rehearsal = Rehearsal::start(1);
    let crl = fetch(&rehearsal, &uri(&rehearsal, "crl"), &[]);
    assert_eq!(crl.status, 200);
    assert_eq!(crl.field("Content-Type"), Some("application/pkix-crl"));
    assert_eq!(crl.field("Content-Length"), Some(crl.body.len().to_string().as_str()));
    let record = on_record(&rehearsal);
    assert_eq!(number(&rehearsal, &crl), record["number"].as_u64().unwrap());
    let at = |field: &str| seconds(crl.field(field).unwrap_or_else(|| panic!("{field}: {}", crl.head)));
    assert_eq!(at("Last-Modified"), seconds(record["this_update"].as_str().unwrap()));
    assert_eq!(at("Expires"), seconds(record["next_update"].as_str().unwrap()));
    let control = crl.field("Cache-Control").unwrap();
    let max_age = control.split(", ").find_map(|part| part.strip_prefix("max-age=")).unwrap();
    assert!(at("Date") + max_age.parse::<u64>().unwrap() <= at("Expires"), "{}", crl.head);
}

#[test]
fn a_ca_certificate_comes_with_its_type_and_as_it_was_issued() {
    let rehearsal = Rehearsal::start(1);
    let certificate = fetch(&rehearsal, &uri(&rehearsal, "ca"), &[]);
    assert_eq!(certificate.status, 200);
    assert_eq!(certificate.field("Content-Type"), Some("application/pkix-cert"));
    let issued = std::fs::read(rehearsal.state(&format!("authorities/{AUTHORITY}.cer"))).unwrap();
    assert_eq!(certificate.body, issued);
}

// RFC 9110 §13.1.2, §13.1.3, §15.4.5.
#[test]
fn who_has_the_document_already_is_told_so_without_it() {
    let rehearsal = Rehearsal::start(1);
    for kind in ["crl", "ca"] {
        let uri = uri(&rehearsal, kind);
        let whole = fetch(&rehearsal, &uri, &[]);
        let (tag, modified) = (whole.field("ETag").unwrap(), whole.field("Last-Modified").unwrap());
        let by_tag = format!("If-None-Match: {tag}");
        let by_time = format!("If-Modified-Since: {modified}");
        for condition in [&by_tag, &by_time] {
            let answer = fetch(&rehearsal, &uri, &["-H", condition]);
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{condition}");
            assert_eq!(answer.field("ETag"), Some(tag), "{condition}");
        }
        for condition in ["If-None-Match: \"another\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"] {
            let answer = fetch(&rehearsal, &uri, &["-H", condition]);
            assert_eq!((answer.status, answer.body == whole.body), (200, true), "{condition}");
        }
    }
}

// RFC 9110 §9.3.2.
#[test]
fn head_says_the_same_fields_and_nothing_else() {
    let rehearsal = Rehearsal::start(1);
    for kind in ["crl", "ca"] {
        let uri = uri(&rehearsal, kind);
        // Expires counts from the request: both have to be of one second.
        eventually("both say the same", || {
            let (whole, head) = (fetch(&rehearsal, &uri, &[]), fetch(&rehearsal, &uri, &["--head"]));
            assert_eq!(head.status, 200);
            let fields = ["Content-Type", "Content-Length", "ETag", "Last-Modified", "Expires"];
            fields.iter().all(|field| head.field(field) == whole.field(field)).then_some(())
        });
    }
}

#[test]
fn no_path_leads_to_a_file() {
    let rehearsal = Rehearsal::start(1);
    let key = uri(&rehearsal, "crl").rsplit('/').next().unwrap().trim_end_matches(".crl").to_owned();
    let paths = [
        "/".to_owned(),
        "/crl/".to_owned(),
        "/crl/..".to_owned(),
        "/crl/../../meter-pki.toml".to_owned(),
        "/crl/%2e%2e%2f%2e%2e%2fpassphrase".to_owned(),
        "/crl/..%2f..%2fpassphrase".to_owned(),
        "/crl//etc/passwd".to_owned(),
        format!("/crl/{key}"),
        format!("/crl/{key}.cer"),
        format!("/crl/{key}.ocsp.cer"),
        format!("/crl/{}.crl", key.to_uppercase()),
        format!("/crl/./{key}.crl"),
        format!("/crl/{key}.crl/"),
        format!("/crl/{key}.crl%00"),
        format!("/ca/{key}.crl"),
        "/keys/".to_owned(),
        "/passphrase".to_owned(),
        "/v1/certificates".to_owned(),
        "/metrics".to_owned(),
    ];
    for path in paths {
        let answer = fetch(&rehearsal, &format!("{}{path}", rehearsal.status()), &[]);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.is_empty(), "{path}: {}", answer.text());
    }
    for method in ["POST", "PUT", "DELETE"] {
        let answer = fetch(&rehearsal, &uri(&rehearsal, "crl"), &["-X", method]);
        assert_eq!(answer.status, 405, "{method}");
    }
}

#[test]
fn a_revocation_makes_a_new_version_with_a_higher_number() {
    let rehearsal = Rehearsal::start(1);
    let uri = uri(&rehearsal, "crl");
    let before = fetch(&rehearsal, &uri, &[]);
    let certificates = rehearsal.certificates_of("4D504B0100000000");
    let good = certificates.iter().find(|one| one["profile"] == "meter-op-ka-s1").unwrap();
    rehearsal.revoke(good["serial"].as_str().unwrap(), "superseded");
    let known = format!("If-None-Match: {}", before.field("ETag").unwrap());
    let after = eventually("another version is served", || {
        Some(fetch(&rehearsal, &uri, &["-H", &known])).filter(|answer| answer.status == 200)
    });
    assert_ne!(after.field("ETag"), before.field("ETag"));
    assert!(number(&rehearsal, &after) > number(&rehearsal, &before));
}

#[test]
fn an_operator_publishes_a_crl_at_any_time() {
    let rehearsal = Rehearsal::start(1);
    let before = number(&rehearsal, &fetch(&rehearsal, &uri(&rehearsal, "crl"), &[]));
    let told = rehearsal.operator_json(&["crl", "publish", AUTHORITY]);
    let after = number(&rehearsal, &fetch(&rehearsal, &uri(&rehearsal, "crl"), &[]));
    assert_eq!(told["number"].as_u64(), Some(after));
    assert!(after > before);
}

#[test]
fn what_is_published_outlives_a_stop_and_a_kill_and_its_number_never_falls() {
    let mut rehearsal = Rehearsal::start(1);
    let uri = uri(&rehearsal, "crl");
    let root = root_uri(&rehearsal);
    let (mut before, of_root) = (fetch(&rehearsal, &uri, &[]), fetch(&rehearsal, &root, &[]));
    for killed in [false, true] {
        if killed {
            rehearsal.kill();
        } else {
            rehearsal.stop();
        }
        rehearsal.serve();
        let after = fetch(&rehearsal, &uri, &[]);
        assert_eq!(after.status, 200);
        assert!(number(&rehearsal, &after) >= number(&rehearsal, &before));
        assert_eq!(
            fetch(&rehearsal, &root, &[]).body,
            of_root.body,
            "the CRL of the offline root is still there"
        );
        before = after;
    }
}

#[test]
fn a_publication_that_is_blocked_is_counted_and_made_up_for() {
    let rehearsal = Rehearsal::start(1);
    let uri = uri(&rehearsal, "crl");
    let before = fetch(&rehearsal, &uri, &[]);
    let (published, aside) = (rehearsal.state("published"), rehearsal.state("aside"));
    std::fs::rename(&published, &aside).unwrap();
    std::fs::write(&published, b"no folder").unwrap();
    let certificates = rehearsal.certificates_of("4D504B0100000000");
    let good = certificates.iter().find(|one| one["profile"] == "meter-op-ka-s1").unwrap();
    rehearsal.revoke(good["serial"].as_str().unwrap(), "superseded");
    let blocked =
        format!("pki_crl_publish_blocked_total{{authority=\"{AUTHORITY}\",why=\"crl.not-published\"}} ");
    let socket = path(&rehearsal.state("operator.sock"));
    eventually("the attempt is counted", || {
        let page = curl(&rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]).text();
        page.contains(&blocked).then_some(())
    });
    assert_eq!(fetch(&rehearsal, &uri, &[]).body, before.body, "the one before is served");
    std::fs::remove_file(&published).unwrap();
    std::fs::rename(&aside, &published).unwrap();
    eventually("it is published", || {
        Some(fetch(&rehearsal, &uri, &[])).filter(|answer| answer.body != before.body)
    });
}

fn root_uri(rehearsal: &Rehearsal) -> String {
    let root = path(&rehearsal.authority("dso-root-s1"));
    let said = openssl(["x509", "-noout", "-ext", "subjectKeyIdentifier", "-in", &root]).ok();
    let key = said.out.lines().last().unwrap().trim().replace(':', "").to_lowercase();
    format!("{}/crl/{key}.crl", rehearsal.status())
}

#[test]
fn a_published_file_that_was_changed_is_never_served() {
    let mut rehearsal = Rehearsal::start(1);
    let (uri, root_uri) = (uri(&rehearsal, "crl"), root_uri(&rehearsal));
    let before = fetch(&rehearsal, &uri, &[]);
    rehearsal.stop();
    for uri in [&uri, &root_uri] {
        let file = rehearsal.state(&format!("published/{}", uri.rsplit('/').next().unwrap()));
        let mut octets = std::fs::read(&file).unwrap();
        *octets.last_mut().unwrap() ^= 1;
        std::fs::write(&file, octets).unwrap();
    }
    rehearsal.serve();
    assert_eq!(fetch(&rehearsal, &uri, &[]).body, before.body, "the one on record takes its place");
    assert_eq!(fetch(&rehearsal, &root_uri, &[]).status, 404, "nobody here can make the root's again");
    assert!(rehearsal.log().contains("a published CRL cannot be read"), "{}", rehearsal.log());
}
