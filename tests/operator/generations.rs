//! Two generations of a root: what `/cacerts` answers around a change (RFC 7030 §4.1.3, RFC 9810 §4.4).

use std::path::PathBuf;

use e2e::fleet::{Meter, Suite, station};
use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{openssl, run};

const ROOT: &str = "dso-root-s1";
const MAKERS_ROOT: &str = "maker-root-s1";

/// Has OpenSSL make a successor of a root, of the same name, and the old root certified by it; both lie beside the
/// configuration, in DER.
fn succeed(rehearsal: &Rehearsal, root: &str) {
    let (old, place) = (path(&rehearsal.authority(root)), |file: &str| path(&rehearsal.state(file)));
    let (key, new) = (place("new.key"), place("new.pem"));
    let make = |arguments: &[&str]| drop(openssl(arguments).ok());
    make(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    let extensions = place("ext.cnf");
    std::fs::write(
        &extensions,
        "basicConstraints=critical,CA:true,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    )
    .expect("it can be written");
    let fresh = ["-clrext", "-extfile", &extensions, "-days", "9000"];
    make(&[&["x509", "-in", &old, "-signkey", &key, "-out", &new], &fresh[..]].concat());
    let link = ["x509", "-in", &old, "-CA", &new, "-CAkey", &key, "-set_serial", "77"];
    make(&[&link[..], &["-out", &place("link.pem")], &fresh].concat());
    for file in ["new", "link"] {
        let (pem, der) = (place(&format!("{file}.pem")), place(&format!("{file}.cer")));
        make(&["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
    }
}

/// Says in the configuration of each authority under a root that there are further files.
fn named(text: &str, root: &str, lines: &str) -> String {
    let earlier = |line: &&str| !line.starts_with("further_root_files") && !line.starts_with("link_files");
    let text: String = text.lines().filter(earlier).map(|line| format!("{line}\n")).collect();
    let path_files = format!("path_files = [\"authorities/{root}.cer\"]");
    text.replace(&path_files, &format!("{path_files}\n{lines}"))
}

/// The serial numbers in an answer of `/cacerts`, in their order.
fn serials(rehearsal: &Rehearsal, body: &[u8]) -> Vec<String> {
    certificates(rehearsal, body).iter().map(|pem| serial(rehearsal, pem)).collect()
}

/// The certificates in an answer of `/cacerts`, as OpenSSL reads them, in PEM.
fn certificates(rehearsal: &Rehearsal, body: &[u8]) -> Vec<String> {
    let (text, der) = (rehearsal.unique("cacerts.b64"), rehearsal.unique("cacerts.p7"));
    std::fs::write(&text, body).expect("it can be written");
    drop(openssl(["base64", "-d", "-in", &path(&text), "-out", &path(&der)]).ok());
    let said = openssl(["pkcs7", "-inform", "DER", "-in", &path(&der), "-print_certs"]).ok().out;
    let blocks = said.split_inclusive("-----END CERTIFICATE-----\n").filter(|block| block.contains("BEGIN"));
    blocks.map(|block| block[block.find("-----BEGIN").expect("it begins")..].to_owned()).collect()
}

fn serial(rehearsal: &Rehearsal, pem: &str) -> String {
    let file: PathBuf = rehearsal.unique("one.pem");
    std::fs::write(&file, pem).expect("it can be written");
    openssl(["x509", "-in", &path(&file), "-noout", "-serial"]).ok().out.trim().to_owned()
}

#[test]
fn e_21_cacerts_holds_both_generations_and_the_link_in_a_stable_order() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    succeed(&rehearsal, ROOT);
    let lines = "further_root_files = [\"new.cer\"]\nlink_files = [\"link.cer\"]";
    rehearsal.configure("two-roots.toml", |text| named(&text, ROOT, lines));
    rehearsal.serve();
    let url = format!("{}/cacerts", rehearsal.est("meter-op-ds-s1"));
    let answers = [(); 2].map(|()| curl(&rehearsal, &url, &[] as &[&str]));
    assert_eq!(answers[0].status, 200);
    assert_eq!(answers[0].body, answers[1].body, "the same octets each time");
    let found = serials(&rehearsal, &answers[0].body);
    let wanted = [rehearsal.authority(ROOT), rehearsal.authority("dso-operational-s1")]
        .into_iter()
        .chain([rehearsal.state("new.pem"), rehearsal.state("link.pem")])
        .map(|file| std::fs::read_to_string(file).expect("it can be read"))
        .map(|pem| serial(&rehearsal, &pem));
    let (mut found_sorted, mut wanted): (Vec<_>, Vec<_>) = (found, wanted.collect());
    found_sorted.sort();
    wanted.sort();
    assert_eq!(found_sorted, wanted);
    // OpenSSL gets from the new root to the authority by what the answer holds.
    let sub = path(&rehearsal.authority("dso-operational-s1"));
    let (new, link) = (path(&rehearsal.state("new.pem")), path(&rehearsal.state("link.pem")));
    let verified = run("openssl", ["verify", "-CAfile", &new, "-untrusted", &link, &sub]);
    assert!(verified.success, "{}", verified.all());
}

#[test]
fn what_is_no_generation_and_no_link_is_told() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    succeed(&rehearsal, ROOT);
    for (lines, sentence) in [
        ("further_root_files = [\"authorities/maker-root-s1.cer\"]", "is no other generation of"),
        ("further_root_files = [\"link.cer\"]", "is no other generation of"),
        ("link_files = [\"link.cer\"]", "links no two of the roots"),
        ("further_root_files = [\"new.cer\"]\nlink_files = [\"new.cer\"]", "links no two of the roots"),
    ] {
        rehearsal.configure("faulty.toml", |text| named(&text, ROOT, lines));
        let said = rehearsal.operator(&["config", "check"]);
        assert!(said.code == Some(2) && said.err.contains(sentence), "{lines}: {}", said.all());
    }
}

// RFC 7030 §4.1.3: what a client takes into its explicit trust anchor database.
#[test]
fn a_meter_is_given_the_anchors_of_two_generations_where_it_is_made_and_outlives_the_first() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    succeed(&rehearsal, MAKERS_ROOT);
    let lines = "further_root_files = [\"new.cer\"]\nlink_files = [\"link.cer\"]";
    rehearsal.configure("two-roots.toml", |text| named(&text, MAKERS_ROOT, lines));
    rehearsal.serve();
    // The station has the meter's certificate made, and reads what the meter is to believe on the same label.
    let meter = Meter::new(&rehearsal, "4D504B01000000A1", Suite::One);
    let born = meter.enrol("meter-factory-tls", &station(&rehearsal));
    let url = format!("{}/cacerts", rehearsal.est("meter-factory-tls-s1"));
    let answer = curl(&rehearsal, &url, &[] as &[&str]);
    assert_eq!(answer.status, 200);
    let file = |name: &str, text: &str| {
        let file = rehearsal.unique(name);
        std::fs::write(&file, text).expect("it can be written");
        path(&file)
    };
    let all = certificates(&rehearsal, &answer.body);
    // Anchors are those that are signed by themselves, as OpenSSL finds: the meter's memory holds them and nothing else.
    let (anchors, others): (Vec<String>, Vec<String>) = all.into_iter().partition(|pem| {
        let one = file("one.pem", pem);
        run("openssl", ["verify", "-CAfile", &one, "-check_ss_sig", "-no-CApath", "-no-CAstore", &one])
            .success
    });
    assert_eq!(anchors.len(), 2, "{anchors:?}");
    let delivered: Vec<String> = anchors.iter().map(|pem| serial(&rehearsal, pem)).collect();
    for made in [rehearsal.authority(MAKERS_ROOT), rehearsal.state("new.pem")] {
        let made = serial(&rehearsal, &std::fs::read_to_string(made).expect("it can be read"));
        assert!(delivered.contains(&made), "{made}: {delivered:?}");
    }
    let (anchors, others) = (file("anchors.pem", &anchors.concat()), file("others.pem", &others.concat()));
    let believed = |untrusted: &str, certificate: &str| {
        let said = ["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", &anchors];
        run("openssl", [&said[..], &["-untrusted", untrusted, certificate]].concat())
    };
    let own = believed(&others, &path(&born.certificate));
    assert!(own.success, "its own certificate, under the first generation: {}", own.all());

    // Years later the first root's key is gone, and the second alone has certified an authority.
    let place = |name: &str| path(&rehearsal.state(name));
    let make = |arguments: &[&str]| drop(openssl(arguments).ok());
    let (key, request, later) = (place("later.key"), place("later.csr"), place("later.pem"));
    let new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    make(&[&new[..], &["-keyout", &key, "-subj", "/CN=Later", "-out", &request]].concat());
    let sign = ["x509", "-req", "-in", &request, "-CA", &place("new.pem"), "-CAkey", &place("new.key")];
    make(
        &[&sign[..], &["-set_serial", "78", "-days", "900", "-extfile", &place("ext.cnf"), "-out", &later]]
            .concat(),
    );
    let said = believed(&others, &later);
    assert!(said.success, "what comes under the second generation: {}", said.all());
}
