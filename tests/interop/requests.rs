//! Certification requests that others wrote, over the wire, by one-time tokens: RFC 2986 as OpenSSL, GnuTLS and strongSwan read
//! it, on both curves.

use std::path::PathBuf;

use e2e::fleet::{Asked, Meter, Suite};
use e2e::peer::{Shown, certificate_of, enrol, field, make_key, make_request, path, public_key};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{openssl, run};

use crate::est_clients::strongswan;

/// Makes a key and a request of one kind for a system title.
type Maker = fn(&Rehearsal, &str, Suite) -> Asked;

fn by_openssl(rehearsal: &Rehearsal, title: &str, suite: Suite) -> Asked {
    Meter::new(rehearsal, title, suite).ask()
}

/// With the extensions that integrators like to ask for, which the profile gives anyway.
fn by_openssl_with_extensions(rehearsal: &Rehearsal, title: &str, suite: Suite) -> Asked {
    let key = rehearsal.unique("openssl.key");
    make_key(&key, suite.curve());
    let asked = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];
    let more = asked.iter().chain(&["extendedKeyUsage=clientAuth"]).flat_map(|text| ["-addext", *text]);
    let request = make_request(&key, &format!("/CN={title}"), suite.digest(), &more.collect::<Vec<_>>());
    Asked { request, key }
}

/// Brings constraints and usage along unasked.
fn by_gnutls(rehearsal: &Rehearsal, title: &str, suite: Suite) -> Asked {
    let (key, wishes) = (rehearsal.unique("gnutls.key"), rehearsal.unique("gnutls.template"));
    let request = rehearsal.unique("gnutls.csr");
    std::fs::write(&wishes, format!("cn = \"{title}\"\n")).expect("it can be written");
    let curve = match suite {
        Suite::One => "secp256r1",
        Suite::Two => "secp384r1",
    };
    let (file, wishes, out) = (path(&key), path(&wishes), path(&request));
    let curve = format!("--curve={curve}");
    drop(run("certtool", ["--generate-privkey", "--key-type=ecdsa", &curve, "--outfile", &file]).ok());
    let from = ["--generate-request", "--load-privkey", &file, "--template", &wishes];
    drop(run("certtool", from.iter().chain(&["--outder", "--outfile", &out])).ok());
    Asked { request: std::fs::read(request).expect("a request"), key }
}

/// Brings an empty list of extensions along.
fn by_strongswan(rehearsal: &Rehearsal, title: &str, suite: Suite) -> Asked {
    let key: PathBuf = rehearsal.unique("strongswan.key");
    let size = suite.curve().trim_start_matches("P-");
    let made = strongswan(rehearsal, &["--gen", "--type", "ecdsa", "--size", size, "--outform", "pem"]).ok();
    std::fs::write(&key, made.octets).expect("it can be written");
    let (file, name) = (path(&key), format!("CN={title}"));
    let asked = ["--req", "--in", &file, "--type", "priv", "--dn", &name, "--digest", suite.digest()];
    Asked { request: strongswan(rehearsal, &asked).ok().octets, key }
}

#[track_caller]
fn enrols(rehearsal: &Rehearsal, title: &str, suite: Suite, row: &str, asked: &Asked) {
    rehearsal.expect_devices("dso", &[title]);
    let label = Meter::new(rehearsal, title, suite).label(row);
    let token: Shown = rehearsal.token(title, &label).into();
    let certificate = certificate_of(rehearsal, &enrol(rehearsal, &label, &asked.request, &token));
    assert_eq!(field(&certificate, "-subject"), format!("CN={title}"));
    assert_eq!(public_key(&certificate), openssl(["pkey", "-pubout", "-in", &path(&asked.key)]).ok().out);
    let authority = format!("CN=Example Grid Operational CA {} G1", suite.suffix().to_uppercase());
    assert!(field(&certificate, "-issuer").starts_with(&authority), "{}", field(&certificate, "-issuer"));
}

#[test]
fn requests_by_others_are_enrolled_on_both_curves_and_certify_the_key_that_asks() {
    let rehearsal = Rehearsal::start(1);
    let makers: [Maker; 4] = [by_openssl, by_openssl_with_extensions, by_gnutls, by_strongswan];
    for (number, make) in makers.into_iter().enumerate() {
        for suite in Suite::BOTH {
            let title = format!("4D504B01000F{number:02X}{}", if suite == Suite::One { "01" } else { "02" });
            enrols(&rehearsal, &title, suite, "meter-op-tls", &make(&rehearsal, &title, suite));
        }
    }
}

#[test]
fn requests_by_openssl_are_enrolled_for_every_purpose() {
    let rehearsal = Rehearsal::start(1);
    for suite in Suite::BOTH {
        let title = format!("4D504B01000E000{}", if suite == Suite::One { 1 } else { 2 });
        for row in ["meter-op-tls", "meter-op-ds", "meter-op-ka"] {
            enrols(&rehearsal, &title, suite, row, &by_openssl(&rehearsal, &title, suite));
        }
    }
}
