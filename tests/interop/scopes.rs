//! Shards and delta CRLs as relying parties meet them: OpenSSL and GnuTLS find the CRL that a certificate names, and OpenSSL puts
//! base and delta together; pkilint looks at each.

use std::path::{Path, PathBuf};

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{path, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};
use serde_json::Value;

use crate::relying::{Relying, fetch, pem_of_crl};

/// The authority that is divided by a hash.
pub(crate) const AUTHORITY: &str = "dso-infra-s1";

const METERS: &str = "dso-operational-s1";

/// Puts lines behind the name of an authority, and deltas into its profile.
fn divided(text: String, authority: &str, lines: &str) -> String {
    let name = format!("name = \"{authority}\"\n");
    let (before, after) = text.split_once(&name).expect("the authority");
    let after = after.replacen("\"crl-online\"", "\"crl-deltas\"", 1);
    format!("{before}{name}{lines}{after}")
}

/// A rehearsal whose infrastructure is divided into four by a hash, and whose meters along the grid; both with deltas.
pub(crate) fn begin() -> Rehearsal {
    Rehearsal::start_with(1, |text| {
        divided(divided(text, AUTHORITY, "crl_shards = 4\n"), METERS, "crl_grid = \"region\"\n")
    })
}

/// A certificate with its serial number and what it says of its CRLs.
pub(crate) struct Pointed {
    pem: PathBuf,
    pub(crate) serial: String,
    pub(crate) crl: String,
    pub(crate) delta: String,
}

impl Pointed {
    pub(crate) fn issue(rehearsal: &Rehearsal, name: &str) -> Self {
        let out = rehearsal.state(&format!("{name}.cer"));
        let more = ["--profile", "cmp-signer-s1", "--common-name", name];
        let made =
            rehearsal.operator_json(&[&["cert", "message-signer", "--out", &path(&out)], &more[..]].concat());
        let pem = rehearsal.unique("pointed.pem");
        to_pem(&out, &pem);
        let uri = |extension: &str| {
            let said = openssl(["x509", "-in", &path(&pem), "-noout", "-ext", extension]).ok().out;
            said.split("URI:").nth(1).expect("a URI").lines().next().expect("a line").trim().to_owned()
        };
        let (crl, delta) = (uri("crlDistributionPoints"), uri("freshestCRL"));
        Self { serial: made["serial"].as_str().expect("a serial").to_owned(), pem, crl, delta }
    }
}

/// Has OpenSSL check the certificate alone against CRLs that it is given, with base and delta put together if `more` says so.
fn verify(relying: &Relying, certificate: &Path, crls: &[&Path], more: &[&str]) -> Said {
    let (root, authority) = (path(&relying.root), path(&relying.authority));
    let mut arguments = vec!["verify".to_owned(), "-crl_check".to_owned()];
    arguments.extend(["-CAfile".to_owned(), root, "-untrusted".to_owned(), authority]);
    arguments.extend(crls.iter().flat_map(|crl| ["-CRLfile".to_owned(), path(crl)]));
    arguments.extend(more.iter().map(|&one| one.to_owned()));
    arguments.push(path(certificate));
    openssl(arguments)
}

const DELTAS: [&str; 2] = ["-use_deltas", "-extended_crl"];

fn get(rehearsal: &Rehearsal, uri: &str) -> PathBuf {
    pem_of_crl(rehearsal, &fetch(rehearsal, uri))
}

/// Tells whether a CRL that is served lists a serial number.
fn lists(rehearsal: &Rehearsal, uri: &str, serial: &str) -> bool {
    text(&get(rehearsal, uri)).contains(&format!("Serial Number: {serial}\n"))
}

fn text(crl: &Path) -> String {
    openssl(["crl", "-noout", "-text", "-in", &path(crl)]).ok().out
}

// RFC 5280 §5.2.5, §6.3.3: the shard's CRL is found by the distribution point; another shard's does not do.
#[test]
fn openssl_checks_a_certificate_against_the_shard_that_it_names_and_against_base_plus_delta() {
    let rehearsal = begin();
    let held = Pointed::issue(&rehearsal, "Held");
    // Another one in another shard.
    let other = (0..20).map(|number| Pointed::issue(&rehearsal, &format!("Other {number}")));
    let other = other.into_iter().find(|other| other.crl != held.crl).expect("a second shard");
    assert_eq!(held.delta, held.crl.replace(".crl", ".delta.crl"));
    for uri in [&held.crl, &held.delta, &other.crl] {
        eventually("the shard is published", || {
            e2e::peer::curl(&rehearsal, uri, &[] as &[&str]).status.eq(&200).then_some(())
        });
    }
    let relying = Relying::on(&rehearsal, AUTHORITY);
    let base = get(&rehearsal, &held.crl);
    assert!(verify(&relying, &held.pem, &[&base], &[]).success);
    let foreign = verify(&relying, &held.pem, &[&get(&rehearsal, &other.crl)], &[]);
    assert!(!foreign.success && foreign.all().contains("ifferent CRL scope"), "{}", foreign.all());
    // The CRL of all goes on for whoever knows no shards.
    assert!(verify(&relying, &held.pem, &[&relying.crl], &[]).success);

    drop(rehearsal.operator_json(&["cert", "revoke", &held.serial, "--reason", "certificateHold"]));
    eventually("the delta lists it", || lists(&rehearsal, &held.delta, &held.serial).then_some(()));
    let delta = get(&rehearsal, &held.delta);
    let said = text(&delta);
    assert!(said.contains("X509v3 Delta CRL Indicator: critical") && !said.contains("Freshest"), "{said}");
    // The base is the one of before; the delta brings the revocation.
    assert_eq!(text(&get(&rehearsal, &held.crl)), text(&base));
    assert!(verify(&relying, &held.pem, &[&base], &[]).success);
    let said = verify(&relying, &held.pem, &[&base, &delta], &DELTAS);
    assert!(!said.success && said.all().contains("certificate revoked"), "{}", said.all());
    assert!(verify(&relying, &other.pem, &[&get(&rehearsal, &other.crl)], &[]).success);

    // Every line agrees with the ledger, of all and of each shard, with base and delta.
    eventually("what is published agrees", || {
        rehearsal.operator(&["crl", "verify", AUTHORITY]).success.then_some(())
    });
    let compared = rehearsal.operator(&["crl", "verify", AUTHORITY]).ok().out;
    for line in ["CRL", "of shard", "delta to"] {
        assert!(compared.contains(line), "{compared}");
    }

    // On a complete CRL at last, and taken off it by the next delta.
    let made = rehearsal.operator_json(&["crl", "publish", AUTHORITY]);
    assert_eq!((made["shard"].is_null(), made["base"].is_null()), (true, true), "{made}");
    let base = get(&rehearsal, &held.crl);
    assert!(lists(&rehearsal, &held.crl, &held.serial));
    drop(rehearsal.operator_json(&["cert", "release", &held.serial]));
    eventually("the delta takes it off", || lists(&rehearsal, &held.delta, &held.serial).then_some(()));
    let delta = get(&rehearsal, &held.delta);
    assert!(text(&delta).contains("Remove From CRL"), "{}", text(&delta));
    assert!(!verify(&relying, &held.pem, &[&base], &[]).success);
    let said = verify(&relying, &held.pem, &[&base, &delta], &DELTAS);
    assert!(said.success, "{}", said.all());

    // GnuTLS takes the shard's CRL for what it is: of this issuer, and without the certificate of the other shard.
    let chain = rehearsal.unique("chain.pem");
    let texts = [&other.pem, &relying.authority].map(|file| std::fs::read_to_string(file).expect("PEM"));
    std::fs::write(&chain, texts.concat()).expect("it can be written");
    let (root, crl) = (path(&relying.root), path(&get(&rehearsal, &other.crl)));
    let arguments =
        ["--verify", "--load-ca-certificate", &root, "--load-crl", &crl, "--infile", &path(&chain)];
    let said = run("certtool", arguments);
    assert!(said.success && said.out.contains("Verified. The certificate is trusted."), "{}", said.all());

    // pkilint looks at all that is published, and every CRL of the list is fetched where the list says.
    let crls = rehearsal.operator_json(&["crl", "list"]);
    let of_authority = |one: &&Value| one["authority"] == AUTHORITY;
    let all: Vec<&Value> = crls.as_array().expect("a list").iter().filter(of_authority).collect();
    assert!(all.len() >= 6, "{crls}");
    for one in all {
        let pem = get(&rehearsal, one["uri"].as_str().expect("a URI"));
        crate::lint::crl_stands(one["uri"].as_str().expect("a URI"), &pem);
    }
}

/// The certificates of meters carry no distribution point (Green Book): the gateway is configured with the URI of its region.
#[test]
fn the_gateway_of_a_region_fetches_the_few_octets_of_its_shard() {
    let rehearsal = begin();
    let title = "4D504B0100000A01";
    let list = rehearsal.unique("devices.csv");
    std::fs::write(&list, format!("system_title,region\n{title},north\n")).expect("a list");
    drop(rehearsal.operator(&["device", "import", &path(&list), "--tenant", "dso"]).ok());
    let refused = rehearsal.unique("refused.csv");
    std::fs::write(&refused, format!("system_title,region\n{title},no/where\n")).expect("a list");
    let said = rehearsal.operator(&["device", "import", &path(&refused), "--tenant", "dso"]);
    assert!(said.code == Some(2) && said.err.contains("no name of a shard"), "{}", said.all());
    let meter = Meter::new(&rehearsal, title, Suite::One);
    let factory = meter.manufacture();
    let held = meter.enrol("meter-op-ka", &factory.shown());
    let shown = rehearsal.operator_json(&["cert", "show", &held.serial()]);
    assert_eq!(shown["shard"], "north", "{shown}");
    drop(rehearsal.operator_json(&["cert", "revoke", &held.serial(), "--reason", "keyCompromise"]));
    let find = |shard: &str, base: bool| {
        let crls = rehearsal.operator_json(&["crl", "list"]);
        let found =
            crls.as_array().expect("a list").iter().find(|one| {
                one["authority"] == METERS && one["shard"] == shard && one["base"].is_null() != base
            });
        found.cloned()
    };
    let shard = eventually("the shard of the region has it", || {
        find("north", true)
            .filter(|one| one["entries"] == 1)
            .or_else(|| find("north", false).filter(|one| one["entries"] == 1))
    });
    let uri = shard["uri"].as_str().expect("a URI");
    assert!(lists(&rehearsal, uri, &held.serial()), "{shard}");
    let octets = fetch(&rehearsal, uri).metadata().expect("a file").len();
    assert!(octets < 700, "{octets} octets for a region with one revoked meter");
    // What was issued before there were shards is on the CRL of all alone, and what has no region is in the rest.
    let unplaced = "4D504B0100000A02";
    rehearsal.expect_devices("dso", &[unplaced]);
    let meter = Meter::new(&rehearsal, unplaced, Suite::One);
    let held = meter.enrol("meter-op-ka", &meter.manufacture().shown());
    assert_eq!(rehearsal.operator_json(&["cert", "show", &held.serial()])["shard"], "rest");
    let before = Meter::new(&rehearsal, "4D504B0100000000", Suite::One).held("meter-op-ka");
    assert!(rehearsal.operator_json(&["cert", "show", &before.serial()])["shard"].is_null());
    let only = rehearsal.operator_json(&["crl", "publish", METERS, "--shard", "north", "--delta"]);
    assert_eq!((&only["shard"], only["base"].is_u64()), (&"north".into(), true), "{only}");
    let said = rehearsal.operator(&["crl", "publish", METERS, "--shard", "south"]);
    assert_eq!(said.code, Some(5), "{}", said.all());
}
