//! CMP by OpenSSL: every command that it has, both suites, both protections, polling and both ways of confirming. RFC 9483.

use std::path::PathBuf;
use std::thread;

use e2e::concentrator::{Concentrator, answers};
use e2e::fleet::{Credential, Meter, Suite};
use e2e::messages::{make_message_signer, serving_cmp};
use e2e::patience::eventually;
use e2e::peer::{curl, field, make_key, make_request, path, public_key, to_der, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

/// A meter that is delivered when the tests begin.
pub(crate) const DELIVERED: &str = "4D504B01000000C1";

/// Serves CMP at the labels of meters, with more lines in its section.
pub(crate) fn rehearsal(more: &str) -> Rehearsal {
    rehearsal_with(more, |text| text)
}

/// Serves as well what else is changed of the configuration.
pub(crate) fn rehearsal_with(more: &str, edit: impl FnOnce(String) -> String) -> Rehearsal {
    let mut rehearsal = Rehearsal::renewing_at_any_time(1, |text| text);
    rehearsal.stop();
    make_message_signer(&rehearsal);
    let secrets = rehearsal.state("secrets");
    drop(run("mkdir", ["-m", "700", &path(&secrets)]).ok());
    rehearsal.configure("cmp.toml", |text| {
        let labels: Vec<String> = Suite::BOTH
            .iter()
            .flat_map(|suite| ["ds", "ka", "tls"].map(|use_| format!("meter-op-{use_}-{}", suite.suffix())))
            .chain(["meter-factory-ds-s1".to_owned()])
            .collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        edit(serving_cmp(&text, &labels, &format!("secrets_directory = \"secrets\"\n{more}")))
    });
    rehearsal.serve();
    to_pem(&rehearsal.state("tls/messages.cer"), &rehearsal.state("tls/messages.pem"));
    rehearsal
}

/// OpenSSL as a client of one label.
pub(crate) struct Client<'a> {
    rehearsal: &'a Rehearsal,
    label: String,
    suite: Suite,
}

impl<'a> Client<'a> {
    pub(crate) fn at(rehearsal: &'a Rehearsal, row: &str, suite: Suite) -> Self {
        Self { rehearsal, label: format!("{row}-{}", suite.suffix()), suite }
    }

    /// Calls `openssl cmp`, over the TLS listener of enrolment.
    fn cmp(&self, arguments: &[String]) -> Said {
        let server = self.rehearsal.est(&self.label);
        let host = server.trim_start_matches("https://").split('/').next().unwrap_or_default().to_owned();
        let root = path(&self.rehearsal.root());
        let (messages, place) =
            (path(&self.rehearsal.state("tls/messages.pem")), format!("/.well-known/cmp/p/{}", self.label));
        let always = texts(&[
            "cmp",
            "-config",
            "",
            "-batch",
            "-server",
            &host,
            "-path",
            &place,
            "-trusted",
            &messages,
            "-tls_used",
            "-tls_trusted",
            &root,
            "-msg_timeout",
            "30",
            "-digest",
            self.suite.digest(),
        ]);
        openssl([always, arguments.to_vec()].concat())
    }

    /// Enrols a new key by a command, and returns the certificate.
    #[track_caller]
    fn enrolled(&self, command: &str, arguments: &[String]) -> Credential {
        let (said, credential) = self.try_enrol(command, arguments);
        assert!(credential.certificate.exists(), "{}", said.all());
        assert_eq!(public_key(&credential.certificate), public_half(&credential.key));
        credential
    }

    pub(crate) fn try_enrol(&self, command: &str, arguments: &[String]) -> (Said, Credential) {
        let (certificate, key) = (self.rehearsal.unique("cmp.pem"), new_key(self.rehearsal, self.suite));
        let these = texts(&["-cmd", command, "-newkey", &path(&key), "-certout", &path(&certificate)]);
        let said = self.cmp(&[these, arguments.to_vec()].concat());
        (said, Credential { certificate, key, request: Vec::new() })
    }

    /// Is refused with a failInfo.
    #[track_caller]
    fn refused(&self, failure: &str, command: &str, arguments: &[String]) {
        let (said, credential) = self.try_enrol(command, arguments);
        assert!(said.all().contains(failure), "{failure}: {}", said.all());
        assert!(!credential.certificate.exists());
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The options by which OpenSSL signs its messages, for a subject.
pub(crate) fn signing(credential: &Credential, title: &str) -> Vec<String> {
    let (certificate, key) = (path(&credential.certificate), path(&credential.key));
    texts(&["-cert", &certificate, "-key", &key, "-subject", &format!("/CN={title}")])
}

fn with(arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    [arguments, texts(more)].concat()
}

fn new_key(rehearsal: &Rehearsal, suite: Suite) -> PathBuf {
    let key = rehearsal.unique("cmp.key");
    make_key(&key, suite.curve());
    key
}

fn public_half(key: &std::path::Path) -> String {
    openssl(["pkey", "-in", &path(key), "-pubout"]).ok().out
}

/// A meter that was made and is expected, with its factory certificate.
pub(crate) fn delivered(rehearsal: &Rehearsal, title: &str, suite: Suite) -> Credential {
    let meter = Meter::new(rehearsal, title, suite);
    meter.deliver();
    meter.manufacture()
}

/// What is on record of a meter's certificates.
fn statuses(rehearsal: &Rehearsal, title: &str, suite: Suite) -> Vec<String> {
    Meter::new(rehearsal, title, suite).on_record().into_iter().map(|(_, status)| status).collect()
}

// RFC 9483 §4.1.1 – §4.1.4, §4.2: the whole life of a device, each certificate confirmed, in both suites.
#[test]
fn openssl_enrols_updates_and_revokes_in_both_suites() {
    let rehearsal = rehearsal("");
    for (title, suite) in [(DELIVERED, Suite::One), ("4D504B02000000C2", Suite::Two)] {
        let factory = delivered(&rehearsal, title, suite);
        let tls = Client::at(&rehearsal, "meter-op-tls", suite);
        let first = tls.enrolled("ir", &signing(&factory, title));
        assert_eq!(field(&first.certificate, "-subject"), format!("CN={title}"));
        let ds = Client::at(&rehearsal, "meter-op-ds", suite);
        let second = ds.enrolled("cr", &signing(&first, title));
        let updated = ds.enrolled("kur", &signing(&second, title));
        assert_ne!(public_key(&updated.certificate), public_key(&second.certificate));

        // A key for key agreement signs its request, and nothing else ever (RFC 7030 §4.2.1).
        let ka = Client::at(&rehearsal, "meter-op-ka", suite);
        let asked = new_key(&rehearsal, suite);
        let csr = rehearsal.unique("cmp.csr");
        std::fs::write(&csr, make_request(&asked, &format!("/CN={title}"), suite.digest(), &[]))
            .expect("a file");
        let (out, signed) = (rehearsal.unique("cmp.pem"), signing(&first, title));
        let these = texts(&["-cmd", "p10cr", "-csr", &path(&csr), "-certout", &path(&out)]);
        let said = ka.cmp(&[these, signed[..4].to_vec()].concat());
        assert!(out.exists(), "{}", said.all());
        assert_eq!(public_key(&out), public_half(&asked));

        let revoked = ds.cmp(&with(
            signing(&updated, title)[..4].to_vec(),
            &["-cmd", "rr", "-oldcert", &path(&updated.certificate), "-revreason", "4"],
        ));
        assert!(revoked.all().contains("revocation accepted"), "{}", revoked.all());
        let mut statuses = statuses(&rehearsal, title, suite);
        statuses.sort();
        assert_eq!(statuses, ["good", "good", "good", "good", "revoked"]);
        // C-20: a second time it is certRevoked, and stays as it was.
        let again = ds.cmp(&with(
            signing(&updated, title)[..4].to_vec(),
            &["-cmd", "rr", "-oldcert", &path(&updated.certificate), "-revreason", "1"],
        ));
        assert!(again.all().contains("certRevoked"), "{}", again.all());
    }
}

// RFC 5280 §5.3.1; RFC 9483 §4.2, §5.3.2: on hold by certificateHold, good again by removeFromCRL, which no device says for itself.
#[test]
fn openssl_puts_a_certificate_on_hold_and_releases_it() {
    let rehearsal = rehearsal("");
    let factory = delivered(&rehearsal, DELIVERED, Suite::One);
    let client = Client::at(&rehearsal, "meter-factory-ds", Suite::One);
    let place = |file: &str| rehearsal.state(&format!("tls/line-station.{file}"));
    let station = Credential { certificate: place("pem"), key: place("key"), request: Vec::new() };
    let accepted = "revocation accepted";
    for (by, reason, told) in [
        (&factory, "6", accepted),
        (&factory, "8", "notAuthorized"),
        (&factory, "1", "certRevoked"),
        (&station, "8", accepted),
        (&station, "8", "badRequest"),
        (&station, "6", accepted),
        (&station, "1", accepted),
        (&station, "8", "certRevoked"),
    ] {
        let said = client.cmp(&with(
            signing(by, DELIVERED)[..4].to_vec(),
            &["-cmd", "rr", "-oldcert", &path(&factory.certificate), "-revreason", reason],
        ));
        assert!(said.all().contains(told), "{reason}, {told}: {}", said.all());
    }
}

// RFC 9483 §4.1.1: whoever asks to confirm nothing is granted that, or not, as the server is told.
#[test]
fn confirmation_is_left_out_where_it_may_be() {
    for (implicit, calls) in [(true, 1), (false, 2)] {
        let rehearsal = rehearsal(&format!("implicit_confirmation = {implicit}\n"));
        let factory = delivered(&rehearsal, DELIVERED, Suite::One);
        let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
        let sent = rehearsal.unique("sent");
        let files = [path(&sent), format!("{}.2", path(&sent))].join(",");
        let asked = with(signing(&factory, DELIVERED), &["-implicit_confirm", "-reqout", &files]);
        drop(client.enrolled("ir", &asked));
        let made = [path(&sent), format!("{}.2", path(&sent))]
            .iter()
            .filter(|file| std::path::Path::new(file).exists())
            .count();
        assert_eq!(made, calls);
    }
}

// C-16: a certificate that its holder refuses is revoked.
#[test]
fn c_16_a_certificate_that_openssl_does_not_trust_is_refused_and_revoked() {
    let rehearsal = rehearsal("");
    let factory = delivered(&rehearsal, DELIVERED, Suite::One);
    let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
    // It verifies what it gets under somebody else's root.
    let stranger = path(&rehearsal.state("tls/messages.pem"));
    let (said, _) = client.try_enrol("ir", &with(signing(&factory, DELIVERED), &["-out_trusted", &stranger]));
    assert!(said.all().contains("rejecting newly enrolled cert"), "{}", said.all());
    let mut statuses = statuses(&rehearsal, DELIVERED, Suite::One);
    statuses.sort();
    assert_eq!(statuses, ["good", "revoked"], "the factory certificate, and the one that was refused");
}

// RFC 9483 §4.1.5: whoever has no certificate yet shares a secret, which is that of a one-time token.
#[test]
fn openssl_enrols_by_a_shared_secret_which_opens_once() {
    let rehearsal = rehearsal("");
    Meter::new(&rehearsal, DELIVERED, Suite::One).deliver();
    let (_, secret) = rehearsal.token(DELIVERED, "meter-op-tls-s1");
    std::fs::write(rehearsal.state("secrets/ref-1"), &secret).expect("a file");
    let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
    let pass = |secret: &str| format!("pass:{secret}");
    let by = |reference: &str, secret: &str, mac: &str| {
        let subject = format!("/CN={DELIVERED}");
        texts(&["-ref", reference, "-secret", &pass(secret), "-mac", mac, "-subject", &subject])
    };
    // C-32: a wrong reference and a wrong secret are told the same.
    for (reference, wrong) in [("ref-1", "wrong"), ("ref-2", secret.as_str())] {
        client.refused(
            "badMessageCheck",
            "ir",
            &with(by(reference, wrong, "hmacWithSHA256"), &["-unprotected_errors"]),
        );
    }
    client.refused("badAlg", "ir", &with(by("ref-1", &secret, "hmac-sha1"), &["-unprotected_errors"]));
    let anchors = rehearsal.unique("capubs.pem");
    let first = client
        .enrolled("ir", &with(by("ref-1", &secret, "hmacWithSHA256"), &["-cacertsout", &path(&anchors)]));
    assert_eq!(field(&first.certificate, "-subject"), format!("CN={DELIVERED}"));
    assert_eq!(public_key(&anchors), public_key(&rehearsal.root()), "caPubs has the root");
    rehearsal.revoke(&first.serial(), "superseded");
    // The place is free again, and the token is spent.
    client.refused("notAuthorized", "ir", &by("ref-1", &secret, "hmacWithSHA256"));
    // C-13: an update is signed.
    // RFC 9483 §3.6.4: the MAC was right, so that the error is under one.
    let kur =
        [by("ref-1", &secret, "hmacWithSHA256"), texts(&["-oldcert", &path(&first.certificate)])].concat();
    client.refused("wrongIntegrity", "kur", &kur);
}

// RFC 9483 §4.4: what waits for people is polled for; by this OpenSSL with the nonces of RFC 4210.
#[test]
fn openssl_polls_until_an_operator_approves() {
    let approval = "label = \"meter-op-tls-s1\"\napproval = { operators = \"one\", retry_seconds = 1 }\n";
    let rehearsal = rehearsal_with("final_nonce = \"poll\"\n", |text| {
        text.replace("label = \"meter-op-tls-s1\"\n", approval)
    });
    let factory = delivered(&rehearsal, DELIVERED, Suite::One);
    let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
    let asking = signing(&factory, DELIVERED);
    thread::scope(|scope| {
        let asked = scope.spawn(|| client.enrolled("ir", &with(asking, &["-total_timeout", "50"])));
        let waiting = eventually("a request that waits", || {
            let list = rehearsal.operator_json(&["request", "list"]);
            list["requests"].as_array().and_then(|all| Some(all.first()?["id"].as_str()?.to_owned()))
        });
        drop(rehearsal.operator(&["request", "approve", &waiting]).ok());
        let issued = asked.join().expect("it is issued");
        assert_eq!(field(&issued.certificate, "-subject"), format!("CN={DELIVERED}"));
    });
}

// C-17, KP11: what nobody confirms is revoked when its time is over, also where the server was down then.
#[test]
fn c_17_what_is_not_confirmed_in_time_is_revoked_once_over_a_restart() {
    let mut rehearsal = rehearsal("confirm_wait_seconds = 2\nimplicit_confirmation = false\n");
    let factory = delivered(&rehearsal, DELIVERED, Suite::One);
    let unconfirmed = {
        let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
        client.enrolled("ir", &with(signing(&factory, DELIVERED), &["-disable_confirm"]))
    };
    let before = rehearsal.audited();
    rehearsal.kill();
    rehearsal.serve();
    let serial = unconfirmed.serial();
    eventually("the revocation", || {
        let on_record = Meter::new(&rehearsal, DELIVERED, Suite::One).on_record();
        on_record.into_iter().find(|(one, status)| one.eq_ignore_ascii_case(&serial) && status == "revoked")
    });
    let acts: Vec<String> = rehearsal
        .audit_after(before)
        .iter()
        .filter_map(|record| record["act"].as_str().map(str::to_owned))
        .filter(|act| act.contains("revoked") || act.contains("lapsed"))
        .collect();
    assert_eq!(acts.len(), 2, "one revocation, one end of the transaction: {acts:?}");
    // The place is free again.
    let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
    drop(client.enrolled("ir", &signing(&factory, DELIVERED)));
}

// RFC 9483 §4.3: what may be asked for, and what may not.
#[test]
fn openssl_asks_for_ca_certificates_templates_and_what_nobody_knows() {
    let rehearsal = rehearsal("");
    let factory = delivered(&rehearsal, DELIVERED, Suite::One);
    let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
    for (kind, told) in [
        ("caCerts", "genp contains ITAV of type: id-it-caCerts"),
        ("certReqTemplate", "genp contains ITAV of type: id-it-certReqTemplate"),
        ("signKeyPairTypes", "badRequest"),
    ] {
        let asked = with(signing(&factory, DELIVERED)[..4].to_vec(), &["-cmd", "genm", "-infotype", kind]);
        let said = client.cmp(&asked);
        assert!(said.all().contains(told), "{kind}: {}", said.all());
    }
}

// RFC 9483 §5.2.2.2: each of many requests is answered by itself, in order. C-28.
#[test]
fn c_28_a_nested_message_is_answered_item_by_item() {
    let rehearsal = rehearsal("");
    let place = |file: &str| rehearsal.state(&format!("tls/line-station.{file}"));
    let concentrator = Concentrator::new(&to_der(&place("pem")), &place("key"));
    let mut titles: Vec<String> = (0..70).map(|number| format!("4D504B03{number:08X}")).collect();
    // The station may not ask for what somebody else makes.
    titles[41] = "5858580000000001".to_owned();
    let batch = rehearsal.unique("batch.pki");
    std::fs::write(&batch, concentrator.batch(&titles)).expect("a file");
    let url = format!("{}/.well-known/cmp/p/meter-factory-ds-s1/nested", rehearsal.origin());
    let body = format!("@{}", path(&batch));
    let send =
        || curl(&rehearsal, &url, &["-H", "Content-Type: application/pkixcmp", "--data-binary", &body]);
    let first = send();
    assert_eq!(first.status, 200, "{}", first.text());
    for (place, (answer, title)) in answers(&first.body).iter().zip(&titles).enumerate() {
        if place == 41 {
            assert!(answer.as_ref().is_err_and(|said| said.contains("scope")), "{answer:?}");
        } else {
            assert_eq!(*answer, Ok(format!("CN={title}")));
        }
    }
    assert_eq!(rehearsal.certificates_of(&titles[0]).len(), 1);
    // C-10: the same octets again get the same certificates.
    let again = send();
    assert_eq!(answers(&again.body), answers(&first.body));
    assert_eq!(rehearsal.certificates_of(&titles[0]).len(), 1);
}
