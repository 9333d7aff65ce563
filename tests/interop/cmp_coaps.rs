//! CMP over CoAP by programs that others wrote: OpenSSL makes the messages and judges the answers, libcoap carries them. RFC 9482.
//!
//! OpenSSL writes each message to a file and reads its answer from a pipe; between the two stands a client of libcoap.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use e2e::fleet::{Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{field, make_key, path, public_key};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, openssl, run};

use crate::cmp::{DELIVERED, delivered, rehearsal_with};

const CLIENTS: [&str; 2] = ["coap-client-openssl", "coap-client-gnutls"];
/// `application/pkixcmp` (RFC 9482 §5).
const PKIXCMP: &str = "259";
/// Linux' `O_NONBLOCK`: a pipe that nobody reads is not opened.
const AT_ONCE: i32 = 0o4000;

/// A system that serves CMP over CoAP too.
struct World {
    rehearsal: Rehearsal,
    root: String,
}

/// How messages are carried.
#[derive(Clone, Copy)]
struct Carrier<'a> {
    client: &'a str,
    place: &'a str,
    more: &'a [&'a str],
}

impl World {
    fn start() -> Self {
        Self::with("")
    }

    /// With more lines in the section.
    fn with(more: &str) -> Self {
        let coaps = format!("\n[cmp.coaps]\nlisten = \"127.0.0.1:0\"\n{more}");
        let mut rehearsal = rehearsal_with("", |text| format!("{text}{coaps}"));
        let address = eventually("CMP over CoAP is served", || {
            let log = rehearsal.log();
            let line = log.lines().find(|line| line.contains("front=\"cmp-coaps\""))?;
            line.split_once("coaps=")?.1.split_whitespace().next().map(str::to_owned)
        });
        Self { rehearsal, root: format!("coaps://{address}/.well-known") }
    }

    /// Asks for something; returns the body of the answer and what the client said: nothing, or code and sentence of an error.
    fn ask(&self, client: &str, place: &str, more: &[&str]) -> (Vec<u8>, String) {
        let (out, root) = (self.rehearsal.unique("coap.out"), path(&self.rehearsal.root()));
        let mut command = Command::new(client);
        command.args(["-B", "40", "-C", &root, "-R", &root, "-o", &path(&out)]).args(more);
        let said = finish(command.arg(format!("{}/{place}", self.root)));
        (std::fs::read(out).unwrap_or_default(), said.err.trim().to_owned())
    }

    fn post(&self, carrier: Carrier<'_>, message: &Path) -> (Vec<u8>, String) {
        let fixed = ["-m", "post", "-t", PKIXCMP, "-f", &path(message)];
        self.ask(carrier.client, carrier.place, &[&fixed[..], carrier.more].concat())
    }

    /// Lets OpenSSL hold a conversation of so many messages.
    fn converse(&self, carrier: Carrier<'_>, messages: usize, arguments: &[&str]) -> Said {
        let files = |name: &str| (0..messages).map(|_| self.rehearsal.unique(name)).collect::<Vec<_>>();
        let (requests, answers) = (files("request.pki"), files("answer.pki"));
        for pipe in &answers {
            drop(run("mkfifo", [path(pipe)]).ok());
        }
        let list = |files: &[PathBuf]| files.iter().map(|file| path(file)).collect::<Vec<_>>().join(",");
        let trusted = path(&self.rehearsal.state("tls/messages.pem"));
        let (reqout, rspin) = (list(&requests), list(&answers));
        let fixed = ["60", "openssl", "cmp", "-config", "", "-batch", "-trusted", &trusted];
        let fixed = [&fixed[..], &["-reqout", &reqout, "-rspin", &rspin]].concat();
        let all = [&fixed[..], arguments].concat();
        thread::scope(|scope| {
            let asking = scope.spawn(|| run("timeout", &all));
            for (request, answer) in requests.iter().zip(&answers) {
                // OpenSSL has written a message when it reads the answer.
                let reading = eventually("OpenSSL waits for an answer, or has ended", || {
                    let opened = std::fs::OpenOptions::new().write(true).custom_flags(AT_ONCE).open(answer);
                    opened.map(Some).ok().or_else(|| asking.is_finished().then_some(None))
                });
                let Some(mut reading) = reading else { break };
                let (octets, said) = self.post(carrier, request);
                assert!(!octets.is_empty(), "{}: {said}", carrier.client);
                reading.write_all(&octets).expect("OpenSSL reads");
            }
            asking.join().expect("OpenSSL ends")
        })
    }

    /// Asks for a certificate of a new key in a conversation of so many messages.
    fn try_enrol(
        &self,
        carrier: Carrier<'_>,
        suite: Suite,
        messages: usize,
        arguments: &[&str],
    ) -> (Said, Credential) {
        let (certificate, key) = (self.rehearsal.unique("cmp.pem"), self.rehearsal.unique("cmp.key"));
        make_key(&key, suite.curve());
        let these = ["-newkey", &path(&key), "-certout", &path(&certificate)];
        let said = self.converse(carrier, messages, &with(&these.map(str::to_owned), arguments));
        (said, Credential { certificate, key, request: Vec::new() })
    }

    /// Enrols a new key; returns the certificate, which OpenSSL has verified and confirmed.
    #[track_caller]
    fn enrolled(&self, carrier: Carrier<'_>, suite: Suite, arguments: &[&str]) -> Credential {
        let (said, credential) = self.try_enrol(carrier, suite, 2, arguments);
        assert!(said.success && said.all().contains("received PKICONF"), "{}", said.all());
        let public = openssl(["pkey", "-in", &path(&credential.key), "-pubout"]).ok().out;
        assert_eq!(public_key(&credential.certificate), public);
        credential
    }
}

/// The options by which OpenSSL signs its messages.
fn signing(credential: &Credential, title: &str, suite: Suite) -> [String; 8] {
    let (certificate, key) = (path(&credential.certificate), path(&credential.key));
    let subject = format!("/CN={title}");
    ["-cert", &certificate, "-key", &key, "-subject", &subject, "-digest", suite.digest()].map(str::to_owned)
}

fn with<'a>(signing: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    signing.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

// RFC 9482 §2.1, §2.3, §2.4, RFC 9483 §4.1.1, §4.1.3, §4.2: the life of a device; each message in blocks both ways, each
// certificate confirmed, in both suites.
#[test]
fn openssl_enrols_updates_and_revokes_over_libcoap() {
    let world = World::start();
    let sizes = ["64", "1024"];
    for (number, client) in CLIENTS.into_iter().enumerate() {
        for suite in Suite::BOTH {
            let (start, end) = if suite == Suite::One { ("01", "C1") } else { ("02", "C2") };
            let title = format!("4D504B{start}0012{number:02}{end}");
            let factory = delivered(&world.rehearsal, &title, suite);
            let name = format!("cmp/p/meter-op-tls-{}", suite.suffix());
            let (initial, revoking) = (format!("{name}/ir"), format!("{name}/rr"));
            let more = ["-b", sizes[number]];
            let at_initial = Carrier { client, place: &initial, more: &more };
            let anywhere = Carrier { place: &name, ..at_initial };
            let by = signing(&factory, &title, suite);
            let first = world.enrolled(at_initial, suite, &with(&by, &["-cmd", "ir"]));
            assert_eq!(field(&first.certificate, "-subject"), format!("CN={title}"), "{client}");
            // Without an operation the message says which.
            let by = signing(&first, &title, suite);
            let second = world.enrolled(anywhere, suite, &with(&by, &["-cmd", "kur"]));
            let old = path(&first.certificate);
            let revoke = with(&by, &["-cmd", "rr", "-oldcert", &old, "-revreason", "4"]);
            let said = world.converse(Carrier { place: &revoking, ..anywhere }, 1, &revoke);
            assert!(said.success && said.all().contains("received RP"), "{}", said.all());
            assert_ne!(first.serial(), second.serial());
            let on_record = Meter::new(&world.rehearsal, &title, suite).on_record();
            let status = |serial: &str| on_record.iter().find(|(one, _)| one.eq_ignore_ascii_case(serial));
            assert_eq!(status(&first.serial()).map(|(_, status)| status.as_str()), Some("revoked"));
            assert_eq!(status(&second.serial()).map(|(_, status)| status.as_str()), Some("good"));
        }
    }
}

// RFC 9483 §4.1.5: whoever has no certificate shares a secret; DTLS is given none either. C-32: a wrong reference and a wrong
// secret are told the same, each on record.
#[test]
fn c_32_openssl_enrols_by_a_shared_secret_and_guesses_are_told_nothing() {
    let world = World::start();
    let title = DELIVERED;
    Meter::new(&world.rehearsal, title, Suite::One).deliver();
    let (_, secret) = world.rehearsal.token(title, "meter-op-tls-s1");
    std::fs::write(world.rehearsal.state("secrets/ref-1"), &secret).expect("a file");
    let carrier = Carrier { client: CLIENTS[1], place: "cmp/p/meter-op-tls-s1/ir", more: &["-b", "256"] };
    let subject = format!("/CN={title}");
    let by = |reference: &str, secret: &str| {
        let pass = format!("pass:{secret}");
        let mac = "hmacWithSHA256";
        ["-cmd", "ir", "-ref", reference, "-secret", &pass, "-mac", mac, "-subject", &subject]
            .map(str::to_owned)
    };
    let before = world.rehearsal.audited();
    for (reference, wrong) in [("ref-1", "wrong"), ("ref-2", secret.as_str())] {
        let guess = by(reference, wrong);
        let (said, _) = world.try_enrol(carrier, Suite::One, 1, &with(&guess, &["-unprotected_errors"]));
        assert!(said.all().contains("badMessageCheck") && !said.success, "{}", said.all());
    }
    let refused = world.rehearsal.audit_after(before);
    let of_guesses = refused.iter().filter(|record| record["reason"] == "protection.secret");
    assert_eq!(of_guesses.count(), 2, "{refused:?}");
    let arguments = by("ref-1", &secret);
    let enrolled = world.enrolled(carrier, Suite::One, &with(&arguments, &[]));
    assert_eq!(field(&enrolled.certificate, "-subject"), format!("CN={title}"));
}

// RFC 7252 §4.5: datagrams are lost, and one certificate is issued.
#[test]
fn openssl_gets_one_certificate_over_a_line_that_loses_datagrams() {
    let world = World::start();
    let factory = delivered(&world.rehearsal, DELIVERED, Suite::One);
    let more = ["-b", "256", "-l", "6,9,11"];
    let carrier = Carrier { client: CLIENTS[0], place: "cmp/p/meter-op-tls-s1", more: &more };
    drop(world.enrolled(
        carrier,
        Suite::One,
        &with(&signing(&factory, DELIVERED, Suite::One), &["-cmd", "cr"]),
    ));
    let on_record = Meter::new(&world.rehearsal, DELIVERED, Suite::One).on_record();
    assert_eq!(on_record.len(), 2, "the factory certificate and one other: {on_record:?}");
}

// RFC 9482 §2.2, RFC 6690 §4.
#[test]
fn libcoap_discovers_where_messages_are_taken() {
    let world = World::start();
    for client in CLIENTS {
        let (list, said) = world.ask(client, "core?ct=259", &[]);
        let list = String::from_utf8(list).expect("text");
        for link in ["</.well-known/cmp>;ct=259", "</.well-known/cmp/p/meter-op-tls-s1>;ct=259"] {
            assert!(list.split(',').any(|one| one == link), "{client}: {list} {said}");
        }
        assert_eq!(world.ask(client, "core?rt=ace.est*", &[]).0, b"", "EST is elsewhere");
    }
}

// RFC 9482 §2.3, §2.6: what is answered by no message is answered by an error.
#[test]
fn libcoap_is_told_what_is_no_message_and_why() {
    let world = World::start();
    let long = world.rehearsal.unique("long.pki");
    std::fs::write(&long, vec![0x30; 60_000]).expect("a file");
    for client in CLIENTS {
        let told = |place: &str, more: &[&str]| world.ask(client, place, more).1;
        let message = ["-m", "post", "-t", PKIXCMP, "-e", "x"];
        let at = |place| told(place, &message);
        let carrier = Carrier { client, place: "cmp", more: &["-b", "1024"] };
        for (said, code) in [
            (at("cmp/p/nowhere"), "4.04 "),
            (at("cmp/initialization"), "4.04 "),
            (told("cmp/ann", &["-s", "1"]), "4.04 "),
            (told("cmp", &[]), "4.05 "),
            (told("cmp/ir", &["-m", "put", "-t", PKIXCMP, "-e", "x"]), "4.05 "),
            (told("cmp", &["-m", "post", "-t", "0", "-e", "x"]), "4.15 "),
            (told("cmp", &[&message[..], &["-A", "60"]].concat()), "4.06 "),
            (told("cmp", &[&message[..], &["-O", "9,x"]].concat()), "4.02 "),
            (at("cmp"), "4.00 "),
            (world.post(carrier, &long).1, "4.13 "),
        ] {
            assert!(said.contains(code), "{client}: {code} and not {said}");
        }
    }
}

// C-32: one address guesses no more often than it may ask, whatever its connections.
#[test]
fn c_32_one_address_is_told_to_wait_when_it_asks_too_often() {
    let limits = "[cmp.coaps.limits]\nrequests_per_minute = 1\nrequests_at_once = 3\n";
    let world = World::with(limits);
    let mut codes = Vec::new();
    for client in CLIENTS.into_iter().cycle().take(5) {
        let (_, said) = world.ask(client, "cmp", &["-m", "post", "-t", PKIXCMP, "-e", "x"]);
        codes.push(said.split(' ').next().unwrap_or_default().to_owned());
    }
    assert_eq!(codes, ["4.00", "4.00", "4.00", "4.29", "4.29"]);
}
