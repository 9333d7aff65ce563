//! EST clients that others wrote: curl with factory certificates, strongSwan's `pki` with tokens and for renewal. RFC 7030.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Operation, Shown, certificate_of, field, path, public_key, send_request};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish};

/// TLS 1.3, and only the plugins that are needed: the others speak to hardware.
const STRONGSWAN: &str = "libtls { version_max = 1.3 }\n\
                          pki { load = random x509 revocation pubkey pkcs1 pkcs7 pkcs8 pem openssl }\n";

/// Runs strongSwan's `pki` with a configuration of its own.
pub(crate) fn strongswan(rehearsal: &Rehearsal, arguments: &[&str]) -> Said {
    let settings = rehearsal.unique("strongswan.conf");
    std::fs::write(&settings, STRONGSWAN).expect("it can be written");
    finish(Command::new("pki").env("STRONGSWAN_CONF", settings).args(arguments))
}

#[test]
fn curl_swaps_a_factory_certificate_for_an_operational_one_by_tls_1_2_and_1_3() {
    let rehearsal = Rehearsal::start(1);
    for (number, version) in ["1.2", "1.3"].into_iter().enumerate() {
        for suite in Suite::BOTH {
            let title = format!("4D504B01000D{number:02X}{}", if suite == Suite::One { "01" } else { "02" });
            let meter = Meter::new(&rehearsal, &title, suite);
            meter.deliver();
            let factory = meter.manufacture().shown();
            let asked = meter.ask();
            let only = [&format!("--tlsv{version}"), "--tls-max", version];
            let label = meter.label("meter-op-tls");
            let answer =
                send_request(&rehearsal, (Operation::Enrol, &label), &asked.request, &factory, &only);
            assert_eq!(field(&certificate_of(&rehearsal, &answer), "-subject"), format!("CN={title}"));
        }
    }
}

/// strongSwan knows no labels and reads base64 only where it is one line.
fn for_strongswan(suite: Suite) -> Rehearsal {
    for_strongswan_with(suite, "")
}

/// The same with further settings of its label.
fn for_strongswan_with(suite: Suite, settings: &str) -> Rehearsal {
    Rehearsal::renewing_at_any_time(1, |text| {
        let label = format!("label = \"meter-op-tls-{}\"\n", suite.suffix());
        let default = format!("default_label = \"meter-op-tls-{}\"", suite.suffix());
        text.replace(&label, &format!("{label}base64_line = 0\n{settings}"))
            .replace("default_label = \"meter-op-ds-s1\"", &default)
    })
}

/// The trust anchors and intermediates that strongSwan needs: those of the server and those of the issued certificate.
fn trusted(rehearsal: &Rehearsal, suite: Suite) -> Vec<String> {
    let names = ["dso-root", "dso-operational"].map(|name| format!("{name}-{}", suite.suffix()));
    let files = names.iter().map(|name| rehearsal.authority(name));
    files.chain([rehearsal.root()]).flat_map(|file| ["--cacert".to_owned(), path(&file)]).collect()
}

/// Enrols or renews by `pki --est`; strongSwan itself says whether it trusts what it was given.
#[track_caller]
fn est(rehearsal: &Rehearsal, suite: Suite, request: &Path, credential: &[&str]) -> PathBuf {
    let (url, request, trusted) = (url(rehearsal), path(request), trusted(rehearsal, suite));
    let asked = ["--est", "--url", &url, "--in", &request, "--outform", "pem"];
    let trusted = trusted.iter().map(String::as_str);
    let arguments: Vec<&str> = asked.into_iter().chain(trusted).chain(credential.iter().copied()).collect();
    let said = strongswan(rehearsal, &arguments).ok();
    assert!(said.err.contains("Issued certificate is trusted"), "{}", said.all());
    let certificate = rehearsal.unique("strongswan.pem");
    std::fs::write(&certificate, said.octets).expect("it can be written");
    certificate
}

fn url(rehearsal: &Rehearsal) -> String {
    rehearsal.text("est").trim_end_matches("/.well-known/est/").to_owned()
}

fn request_file(rehearsal: &Rehearsal, request: &[u8]) -> PathBuf {
    let file = rehearsal.unique("request.der");
    std::fs::write(&file, request).expect("it can be written");
    file
}

#[test]
fn strongswan_enrols_by_a_token_and_renews_by_the_certificate_it_got() {
    for suite in Suite::BOTH {
        let rehearsal = for_strongswan(suite);
        let title = "4D504B01000C0001";
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let Shown::Password { user, password } = rehearsal.token(title, &meter.label("meter-op-tls")).into()
        else {
            unreachable!("a token is a password")
        };
        let asked = meter.ask();
        let token = ["--userpass", &format!("{user}:{password}")];
        let first = est(&rehearsal, suite, &request_file(&rehearsal, &asked.request), &token);
        assert_eq!(field(&first, "-subject"), format!("CN={title}"));

        let again = meter.ask();
        let (certificate, key) = (path(&first), path(&asked.key));
        let shown = ["--cert", &certificate, "--key", &key];
        let second = est(&rehearsal, suite, &request_file(&rehearsal, &again.request), &shown);
        assert_eq!(field(&second, "-subject"), format!("CN={title}"));
        assert_ne!(public_key(&second), public_key(&first));
    }
}

// RFC 7030 §4.2.3: the client repeats its request after the time that 202 names.
#[test]
fn strongswan_asks_again_while_its_request_waits_and_gets_the_certificate_that_was_approved() {
    let approval = "approval = { operators = \"one\", retry_seconds = 1 }\n";
    let rehearsal = for_strongswan_with(Suite::One, approval);
    let title = "4D504B01000C0003";
    let meter = Meter::new(&rehearsal, title, Suite::One);
    meter.deliver();
    let (user, password) = rehearsal.token(title, &meter.label("meter-op-tls"));
    let (request, token) = (request_file(&rehearsal, &meter.ask().request), format!("{user}:{password}"));
    let certificate = std::thread::scope(|scope| {
        let client =
            scope.spawn(|| est(&rehearsal, Suite::One, &request, &["--userpass", &token, "--interval", "1"]));
        let id = eventually("a request waits", || {
            let page = rehearsal.operator_json(&["request", "list", "--state", "waiting"]);
            page["requests"][0]["id"].as_str().map(str::to_owned)
        });
        drop(rehearsal.operator(&["request", "approve", &id]).ok());
        client.join().expect("it gets its certificate")
    });
    assert_eq!(field(&certificate, "-subject"), format!("CN={title}"));
}

#[test]
fn strongswan_is_told_when_it_is_refused() {
    let rehearsal = for_strongswan(Suite::One);
    let meter = Meter::new(&rehearsal, "4D504B01000C0002", Suite::One);
    let request = path(&request_file(&rehearsal, &meter.ask().request));
    let (url, root) = (url(&rehearsal), path(&rehearsal.root()));
    let asked = ["--est", "--url", &url, "--in", &request, "--cacert", &root, "--userpass", "nobody:nothing"];
    let said = strongswan(&rehearsal, &asked);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.err.contains("HTTP 401"), "{}", said.all());
}

// RFC 7030 §4.1.
#[test]
fn strongswan_reads_the_ca_certificates_and_finds_the_root_among_them() {
    for suite in Suite::BOTH {
        let rehearsal = for_strongswan(suite);
        let out = rehearsal.scratch("ca.der");
        let (url, out_file, trusted) = (url(&rehearsal), path(&out), trusted(&rehearsal, suite));
        let asked = ["--estca", "--url", &url, "--caout", &out_file, "--force"];
        let arguments: Vec<&str> = asked.into_iter().chain(trusted.iter().map(String::as_str)).collect();
        let said = strongswan(&rehearsal, &arguments).ok();
        assert!(said.err.contains("Root CA cert is trusted"), "{}", said.all());
        let ours = |name: &str| {
            let file = rehearsal.state(&format!("authorities/dso-{name}-{}.cer", suite.suffix()));
            std::fs::read(file).expect("a certificate")
        };
        assert_eq!(std::fs::read(&out).unwrap(), ours("root"));
        assert_eq!(std::fs::read(rehearsal.scratch("ca-1.der")).unwrap(), ours("operational"));
    }
}
