//! What one node does for all, and what every node tells: CRLs and OCSP over two nodes, and while the database hangs.

use std::path::{Path, PathBuf};

use e2e::patience::eventually;
use e2e::peer::{Answer, certificate_of, path, serial, try_curl};
use e2e::tool::openssl;
use postgres_peer::Server;

use crate::house::House;
use crate::losses::enrolled;

const AUTHORITY: &str = "dso-operational-s1";

const TITLES: [&str; 2] = ["4D504B01000000E1", "4D504B01000000E2"];

/// Two nodes on a server of their own.
fn house(server: &Server) -> House {
    let (place, port) = (server.directory().display(), server.port());
    House::found(server, |name| format!("host={place} port={port} user=postgres dbname={name}"), 2)
}

/// Has a meter enrolled over a node.
fn certificate(house: &House, node: usize, title: &str) -> PathBuf {
    let shown = house.expect(&[title]);
    certificate_of(&house.rehearsal, &enrolled(house, node, &house.request(title), &shown[0]))
}

/// What the OCSP responder of a node says, in the words of OpenSSL.
fn ocsp(house: &House, node: usize, certificate: &Path) -> String {
    let file = |name: &str| path(&house.rehearsal.authority(name));
    let (root, issuer, url) = (file("dso-root-s1"), file(AUTHORITY), format!("{}/ocsp", house.status(node)));
    let (own, time) = (path(certificate), ["-timeout", "10", "-no_nonce"]);
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
    let said = openssl(whom.iter().chain(&time).chain(&["-cert", &own]));
    let line = said.out.lines().find_map(|line| line.strip_prefix(&format!("{own}: ")));
    line.map_or_else(|| said.all(), str::to_owned)
}

fn get(house: &House, node: usize, place: &str) -> Option<Answer> {
    try_curl(&house.rehearsal, &format!("{}{place}", house.status(node)), &["--max-time", "10"]).ok()
}

/// Where the CRL of the owner's authority stands below the address of a node.
fn place_of_crl(house: &House) -> String {
    let uri = house.rehearsal.operator_json(&["ca", "show", AUTHORITY])["crl_uri"].clone();
    let uri = uri.as_str().expect("a CRL").to_owned();
    uri[uri.find("/crl/").expect("a path")..].to_owned()
}

fn listed(house: &House, crl: &Answer, serial: &str) -> bool {
    let file = house.rehearsal.unique("crl.der");
    std::fs::write(&file, &crl.body).expect("it can be written");
    let text = openssl(["crl", "-inform", "DER", "-noout", "-text", "-in", &path(&file)]).ok().out;
    text.contains(&format!("Serial Number: {serial}\n"))
}

// K-03, K-05: whichever node records a revocation, the OCSP of both tells it at once, one node makes the CRL, and both show it; so
// they do with one that an operator has made on either.
#[test]
fn k_03_a_revocation_on_one_node_is_told_by_the_other_and_one_crl_is_shown_by_both() {
    let server = Server::start();
    let house = house(&server);
    let crl = place_of_crl(&house);
    for (revoking, other) in [(0, 1), (1, 0)] {
        let held = certificate(&house, revoking, TITLES[revoking]);
        assert_eq!(ocsp(&house, other, &held), "good");
        let number = serial(&held);
        drop(house.operator(revoking, &["cert", "revoke", &number, "--reason", "superseded"]).ok());
        assert_eq!(ocsp(&house, other, &held), "revoked", "though it has signed and kept another answer");
        for node in [other, revoking] {
            eventually("the CRL lists it", || {
                listed(&house, &get(&house, node, &crl)?, &number).then_some(())
            });
        }
        let before = get(&house, other, &crl).expect("a CRL");
        drop(house.operator(revoking, &["crl", "publish", AUTHORITY]).ok());
        eventually("both show the one that was asked for", || {
            let (one, two) = (get(&house, revoking, &crl)?, get(&house, other, &crl)?);
            (one.body == two.body && one.body != before.body).then_some(())
        });
    }
    let holders = |duty: &str| {
        let has = |node: &serde_json::Value| {
            node["duties"].as_array().is_some_and(|all| all.contains(&duty.into()))
        };
        house.nodes(0).iter().filter(|node| has(node)).count()
    };
    for duty in ["crl", "deadlines", "schedule", "orders", "campaigns", "visits", "emergencies"] {
        assert_eq!(holders(duty), 1, "{duty}");
    }
}

// K-04: the database hangs. Nothing is issued, and what was signed is served; nobody waits for ever.
#[test]
fn k_04_while_the_database_hangs_nothing_is_issued_and_what_was_signed_is_served() {
    let server = Server::start();
    let house = house(&server);
    let crl = place_of_crl(&house);
    let (kept, unasked) = (certificate(&house, 1, TITLES[0]), certificate(&house, 1, TITLES[1]));
    assert_eq!(ocsp(&house, 1, &kept), "good");
    let shown = house.expect(&["4D504B01000000E3"]);
    let request = house.request("4D504B01000000E3");
    server.freeze();
    let status = |place: &str| get(&house, 1, place).map(|answer| answer.status);
    eventually("it says that it is not ready", || (status("/readyz")? == 503).then_some(()));
    assert_eq!((status("/livez"), status(&crl)), (Some(200), Some(200)));
    eventually("who asks is told so", || ocsp(&house, 1, &unasked).contains("trylater").then_some(()));
    assert_eq!(ocsp(&house, 1, &kept), "good", "signed, and not over");
    let refused =
        eventually("a meter is told to come again", || house.try_enrol(1, &request, &shown[0]).ok());
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.field("retry-after").is_some());
    server.thaw();
    eventually("it is ready again", || (status("/readyz")? == 200).then_some(()));
    drop(enrolled(&house, 1, &request, &shown[0]));
    assert_eq!(ocsp(&house, 1, &unasked), "good");
}
