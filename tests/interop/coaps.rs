//! EST over CoAP asked by libcoap's clients, one on OpenSSL and one on GnuTLS. RFC 9148.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{field, path, public_key, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl, run};

use crate::optional_operations::{asking_for_encryption, identifier, key_in, public_half, rehearsal_with};

const CLIENTS: [&str; 2] = ["coap-client-openssl", "coap-client-gnutls"];

/// Content-Formats (RFC 9148 §8.1).
const CERTS_ONLY: &str = "281";
const PKCS10: &str = "286";
const PKIX_CERT: &str = "287";
const PKCS8: &str = "284";
const GENERATED_KEY: &str = "280";

const COAPS: &str = "\n[est.coaps]\nlisten = \"127.0.0.1:0\"\n";

/// A system that serves EST over CoAP too.
struct World {
    rehearsal: Rehearsal,
    root: String,
}

/// What a client got.
struct Got {
    body: Vec<u8>,
    /// What it said: nothing, or the code and the sentence of an error.
    said: String,
}

impl World {
    fn start() -> Self {
        Self::over(Rehearsal::renewing_at_any_time(1, |text| text + COAPS))
    }

    fn over(mut rehearsal: Rehearsal) -> Self {
        let address = eventually("EST over CoAP is served", || {
            let log = rehearsal.log();
            let told = log
                .lines()
                .find_map(|line| line.split_once("coaps=").map(|(_, told)| told.trim().to_owned()));
            told.and_then(|told| told.split_whitespace().next().map(str::to_owned))
        });
        Self { rehearsal, root: format!("coaps://{address}/.well-known") }
    }

    fn meter<'a>(&'a self, title: &'a str, suite: Suite) -> Meter<'a> {
        let meter = Meter::new(&self.rehearsal, title, suite);
        meter.deliver();
        meter
    }

    fn ask(&self, client: &str, place: &str, shown: Option<&Credential>, more: &[&str]) -> Got {
        let (out, root) = (self.rehearsal.unique("coap.out"), path(&self.rehearsal.root()));
        let mut command = Command::new(client);
        command.args(["-B", "40", "-C", &root, "-R", &root, "-o", &path(&out)]).args(more);
        if let Some(shown) = shown {
            command.args(["-c", &path(&shown.certificate), "-j", &path(&shown.key)]);
        }
        command.arg(format!("{}/{place}", self.root));
        let said = finish(&mut command);
        Got { body: std::fs::read(out).unwrap_or_default(), said: said.err.trim().to_owned() }
    }

    /// Posts a certification request in blocks of this size; the answer comes in such blocks too.
    fn post(
        &self,
        (client, place): (&str, &str),
        shown: &Credential,
        request: &[u8],
        (block, more): (&str, &[&str]),
    ) -> Got {
        let file = self.rehearsal.unique("request.der");
        std::fs::write(&file, request).expect("it can be written");
        let fixed = ["-m", "post", "-t", PKCS10, "-b", block, "-f", &path(&file)];
        self.ask(client, place, Some(shown), &[&fixed[..], more].concat())
    }

    /// The representations in an answer, as cbor2 takes them apart: format and octets, in files.
    fn parts(&self, got: &Got) -> Vec<(String, PathBuf)> {
        const READER: &str = "import cbor2, sys\n\
            all = cbor2.load(open(sys.argv[1], 'rb'))\n\
            assert open(sys.argv[1], 'rb').read() == cbor2.dumps(all), 'in the fewest octets, and nothing after it'\n\
            for form, part in zip(all[::2], all[1::2]):\n\
            \x20   name = f'{sys.argv[1]}.{form}'\n\
            \x20   open(name, 'wb').write(part)\n\
            \x20   print(f'{form}|{name}')\n";
        let file = self.rehearsal.unique("multipart.cbor");
        std::fs::write(&file, &got.body).expect("it can be written");
        // cbor2 is a package of the system's python.
        let said = run("/usr/bin/python3", ["-c", READER, &path(&file)]);
        assert!(said.success, "{} {}", got.said, said.all());
        let part =
            |line: &str| line.split_once('|').map(|(form, file)| (form.to_owned(), PathBuf::from(file)));
        said.out.lines().map(|line| part(line).expect("a part")).collect()
    }

    /// The one certificate of a certs-only message, in a file, PEM.
    fn certificate(&self, got: &Got) -> PathBuf {
        let message = self.rehearsal.unique("answer.p7");
        std::fs::write(&message, &got.body).expect("it can be written");
        let read = openssl(["pkcs7", "-inform", "DER", "-in", &path(&message), "-print_certs"]).ok();
        assert_eq!(read.out.matches("BEGIN CERTIFICATE").count(), 1, "{} {}", got.said, read.out);
        let file = self.rehearsal.unique("certificate.pem");
        std::fs::write(&file, read.out).expect("it can be written");
        file
    }

    fn subject(&self, file: &Path) -> String {
        field(file, "-subject")
    }
}

// RFC 9148 §4.1, §4.2, §4.3: the CA certificates, in blocks of any size.
#[test]
fn libcoap_reads_the_ca_certificates_in_blocks_of_every_size() {
    let world = World::start();
    let shown = world.meter("4D504B01000E0001", Suite::One).manufacture();
    let mut seen = Vec::new();
    for client in CLIENTS {
        for block in ["16", "64", "256", "1024"] {
            let got = world.ask(client, "est/meter-op-tls-s1/crts", Some(&shown), &["-b", block]);
            assert!(!got.body.is_empty(), "{client} {block}: {}", got.said);
            seen.push(got.body);
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "the same every time");
    let message = world.rehearsal.unique("crts.p7");
    std::fs::write(&message, &seen[0]).unwrap();
    let read = openssl(["pkcs7", "-inform", "DER", "-in", &path(&message), "-print_certs"]).ok();
    assert!(read.out.contains("Root S1") && read.out.contains("Operational CA S1"), "{}", read.out);
}

// RFC 9148 §4.2, §4.3, §4.6: enrolment and re-enrolment, both ways in small blocks, in either form, on either curve.
#[test]
fn libcoap_swaps_a_factory_certificate_and_renews_what_it_got() {
    let world = World::start();
    for (number, client) in CLIENTS.into_iter().enumerate() {
        for suite in Suite::BOTH {
            let title = format!("4D504B01000F{number:02X}{}", if suite == Suite::One { "01" } else { "02" });
            let meter = world.meter(&title, suite);
            let (factory, label) = (meter.manufacture(), meter.label("meter-op-tls"));
            let asked = meter.ask();
            let place = format!("est/{label}/sen");
            let got = world.post((client, &place), &factory, &asked.request, ("32", &[]));
            let certificate = world.certificate(&got);
            assert_eq!(world.subject(&certificate), format!("CN={title}"), "{client}");

            let shown = Credential { certificate, key: asked.key, request: asked.request };
            let again = meter.ask();
            let place = format!("est/{label}/sren");
            let single = ("128", &["-A", PKIX_CERT][..]);
            let got = world.post((client, &place), &shown, &again.request, single);
            let (der, renewed) =
                (world.rehearsal.unique("renewed.der"), world.rehearsal.unique("renewed.pem"));
            std::fs::write(&der, &got.body).unwrap();
            to_pem(&der, &renewed);
            assert_eq!(world.subject(&renewed), format!("CN={title}"), "{client}");
        }
    }
}

// RFC 7252 §4.5, RFC 6347 §4.2.4: each of the client's datagrams is lost once; one certificate is issued.
#[test]
fn libcoap_gets_one_certificate_over_a_line_that_loses_datagrams() {
    let world = World::start();
    for (number, lost) in ["1", "3", "5,6", "8,10"].into_iter().enumerate() {
        let title = format!("4D504B010010{number:04X}");
        let meter = world.meter(&title, Suite::One);
        let (factory, asked) = (meter.manufacture(), meter.ask());
        let more = ("128", &["-A", CERTS_ONLY, "-l", lost][..]);
        let got = world.post((CLIENTS[0], "est/meter-op-tls-s1/sen"), &factory, &asked.request, more);
        let certificate = world.certificate(&got);
        assert_eq!(world.subject(&certificate), format!("CN={title}"), "{lost}");
        assert_eq!(meter.on_record().len(), 2, "the factory certificate and one other: {lost}");
    }
}

// RFC 9148 §4.3, §4.8, RFC 8710 §2: a key and its certificate in one answer, in PKCS #7 or by itself.
#[test]
fn libcoap_gets_a_key_and_its_certificate() {
    let world = World::over(rehearsal_with("in-tls", COAPS));
    for (number, client) in CLIENTS.into_iter().enumerate() {
        for (function, form) in [("skg", CERTS_ONLY), ("skc", PKIX_CERT)] {
            let title = format!("4D504B01{}13{number:04X}", if function == "skg" { "00" } else { "01" });
            let meter = world.meter(&title, Suite::One);
            let (factory, request) = (meter.manufacture(), meter.ask().request);
            let place = format!("est/meter-op-tls-s1/{function}");
            let got = world.post((client, &place), &factory, &request, ("64", &["-A", "62"]));
            let all = world.parts(&got);
            let [(of_key, key), (of_certificate, certificate)] = &all[..] else { panic!("{all:?}") };
            assert_eq!((of_key.as_str(), of_certificate.as_str()), (PKCS8, form), "{client}");
            let octets = std::fs::read(certificate).expect("a part");
            let certificate = if function == "skg" {
                world.certificate(&Got { body: octets, said: got.said })
            } else {
                let pem = world.rehearsal.unique("alone.pem");
                to_pem(certificate, &pem);
                pem
            };
            assert_eq!(world.subject(&certificate), format!("CN={title}"), "{client}");
            assert_eq!(public_half(key), public_key(&certificate), "{client}");
        }
        let list = world.ask(client, "core?rt=ace.est.sk*", None, &[]).body;
        let links =
            ["skg", "skc"].map(|name| format!("</.well-known/est/{name}>;rt=\"ace.est.{name}\";ct=62"));
        assert_eq!(String::from_utf8(list).expect("text"), links.join(","), "{client}");
        // Where no keys are made, the function is not there.
        let title = format!("4D504B010213{number:04X}");
        let meter = world.meter(&title, Suite::One);
        let (factory, request) = (meter.manufacture(), meter.ask().request);
        let got = world.post((client, "est/meter-op-ds-s1/skg"), &factory, &request, ("64", &[]));
        assert!(got.said.contains("4.04 "), "{client}: {}", got.said);
    }
}

// RFC 9148 §4.8: encrypted to the key-agreement certificate that the meter holds, which OpenSSL opens.
#[test]
fn libcoap_gets_a_key_that_was_encrypted_for_its_meter() {
    let world = World::over(rehearsal_with("encrypted", COAPS));
    let meter = world.meter("4D504B0100140001", Suite::One);
    let factory = meter.manufacture();
    let place = (CLIENTS[0], "est/meter-op-tls-s1/skg");
    let in_clear = world.post(place, &factory, &meter.ask().request, ("256", &[]));
    assert!(in_clear.said.contains("4.00 ") && in_clear.said.contains("(delivery.not-encrypted)"));
    let agreement = meter.enrol("meter-op-ka", &factory.shown());
    let request = asking_for_encryption(&meter, &identifier(&agreement.certificate));
    let got = world.post(place, &factory, &request, ("256", &[]));
    let all = world.parts(&got);
    let [(of_key, enveloped), (of_certificate, certs_only)] = &all[..] else { panic!("{all:?}") };
    assert_eq!((of_key.as_str(), of_certificate.as_str()), (GENERATED_KEY, CERTS_ONLY));
    let signed = world.rehearsal.unique("signed.der");
    let (certificate, key) = (path(&agreement.certificate), path(&agreement.key));
    let decrypt = ["cms", "-decrypt", "-inform", "DER", "-binary", "-in", &path(enveloped)];
    let by = ["-recip", &certificate, "-inkey", &key, "-out", &path(&signed)];
    drop(openssl(decrypt.iter().chain(&by)).ok());
    let octets = std::fs::read(certs_only).expect("a part");
    let issued = world.certificate(&Got { body: octets, said: got.said });
    assert_eq!(public_half(&key_in(&world.rehearsal, &signed)), public_key(&issued));
}

// RFC 9148 §3, §4.3, §4.5.
#[test]
fn libcoap_is_told_what_is_refused_and_why() {
    let world = World::start();
    let meter = world.meter("4D504B0100110001", Suite::One);
    let (factory, asked) = (meter.manufacture(), meter.ask());
    let foreign = Meter::new(&world.rehearsal, "4D504B0100110002", Suite::One).manufacture();
    let long = vec![0x30; 70_000];
    for client in CLIENTS {
        let told = |place: &str, shown: Option<&Credential>, more: &[&str]| {
            world.ask(client, place, shown, more).said
        };
        let known = Some(&factory);
        let text = ["-m", "post", "-t", "0", "-e", "x"];
        for (said, code) in [
            (told("est/nothing", known, &[]), "4.04 "),
            (told("est/nowhere/crts", known, &[]), "4.04 "),
            (told("est/crts", known, &["-m", "post", "-t", PKCS10, "-e", "x"]), "4.05 "),
            (told("est/sen", known, &[]), "4.05 "),
            (told("est/sen", known, &["-m", "delete"]), "4.05 "),
            (told("est/sen", known, &text), "4.15 "),
            (told("est/sen", None, &["-m", "post", "-t", PKCS10, "-e", "x"]), "4.01 "),
            (told("est/crts", None, &[]), "4.01 "),
            (told("est/crts", known, &["-A", PKIX_CERT]), "4.06 "),
            (told("est/sen", known, &["-m", "post", "-t", PKCS10, "-e", "x"]), "4.00 "),
            (told("est/crts", known, &["-O", "9,x"]), "4.02 "),
            (world.post((client, "est/sen"), &factory, &long, ("1024", &[])).said, "4.13 "),
        ] {
            assert!(said.contains(code), "{client}: {code} and not {said}");
        }
        // What is shown is another device's than the one that is asked for.
        let place = "est/meter-op-tls-s1/sen";
        let got = world.post((client, place), &foreign, &asked.request, ("64", &[]));
        assert!(got.said.contains("4.03 "), "{client}: {}", got.said);
    }
}

// RFC 9148 §4.1, RFC 6690 §4.
#[test]
fn libcoap_discovers_the_functions() {
    let world = World::start();
    for client in CLIENTS {
        let got = world.ask(client, "core?rt=ace.est*", None, &[]);
        let list = String::from_utf8(got.body).unwrap();
        for (function, formats) in [("crts", "281"), ("sen", "\"281 287\""), ("sren", "\"281 287\"")] {
            let link = format!("</.well-known/est/{function}>;rt=\"ace.est.{function}\";ct={formats}");
            assert!(list.contains(&link), "{client}: {list}");
        }
    }
}
