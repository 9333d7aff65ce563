//! `/serverkeygen` and `/fullcmc` by curl; keys, envelopes and messages by OpenSSL, responses also by pyasn1. RFC 7030 §4.3, §4.4.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Credential, Meter, Suite};
use e2e::messages::make_message_signer;
use e2e::peer::{Answer, Shown, certificate_of, curl, decoded, encoded, path, public_key, serial, to_pem};
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl, pkilint, run};

/// Serves with both operations at the TLS labels of meters, and a signer of messages that OpenSSL made.
fn rehearsal(server_key_generation: &str) -> Rehearsal {
    rehearsal_with(server_key_generation, "")
}

/// The same with more lines at the end of the configuration.
pub(crate) fn rehearsal_with(server_key_generation: &str, more: &str) -> Rehearsal {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    make_message_signer(&rehearsal);
    rehearsal.configure("optional.toml", |text| {
        let est = "default_label = \"meter-op-ds-s1\"\n";
        let files = "message_certificate_file = \"tls/messages.cer\"\nmessage_key_file = \"tls/messages.key\"\n\
                     message_passphrase_file = \"tls/messages.passphrase\"\n";
        let mut text = text.replace(est, &format!("{est}{files}"));
        for suite in ["s1", "s2"] {
            let label = format!("label = \"meter-op-tls-{suite}\"\n");
            let on = format!("{label}server_key_generation = \"{server_key_generation}\"\nfull_cmc = true\n");
            text = text.replace(&label, &on);
        }
        text + more
    });
    rehearsal.serve();
    rehearsal
}

fn post(rehearsal: &Rehearsal, url: &str, (media_type, octets): (&str, &[u8]), shown: &Shown) -> Answer {
    let body = rehearsal.unique("body");
    std::fs::write(&body, encoded(octets)).expect("the body can be written");
    let mut arguments = shown.options();
    arguments.extend(["-H".to_owned(), format!("Content-Type: {media_type}")]);
    arguments.extend(["--data-binary".to_owned(), format!("@{}", body.display())]);
    curl(rehearsal, url, &arguments)
}

fn ask_for_key(rehearsal: &Rehearsal, label: &str, request: &[u8], shown: &Shown) -> Answer {
    let url = format!("{}/serverkeygen", rehearsal.est(label));
    post(rehearsal, &url, ("application/pkcs10", request), shown)
}

/// The parts of an answer, as Python's own reader of mail takes them apart: media type and octets, in files.
fn parts(rehearsal: &Rehearsal, answer: &Answer) -> Vec<(String, PathBuf)> {
    const READER: &str = "import email, sys\n\
        for number, part in enumerate(email.message_from_binary_file(open(sys.argv[1], 'rb')).get_payload()):\n\
        \x20   name = f'{sys.argv[1]}.{number}'\n\
        \x20   open(name, 'wb').write(part.get_payload(decode=True))\n\
        \x20   print(part['Content-Type'] + '|' + name)\n";
    assert_eq!(answer.status, 200, "{}", answer.text());
    let message = rehearsal.unique("mail");
    let head = format!("Content-Type: {}\r\n\r\n", answer.field("content-type").expect("a type"));
    std::fs::write(&message, [head.as_bytes(), &answer.body].concat()).expect("it can be written");
    let said = run("python3", ["-c", READER, &path(&message)]).ok();
    let part = |line: &str| line.split_once('|').map(|(kind, file)| (kind.to_owned(), PathBuf::from(file)));
    said.out.lines().map(|line| part(line).expect("a part")).collect()
}

fn certificate_in(rehearsal: &Rehearsal, certs_only: &Path) -> PathBuf {
    let body = encoded(&std::fs::read(certs_only).expect("a part")).into_bytes();
    certificate_of(rehearsal, &Answer { status: 200, head: String::new(), body })
}

/// The public half of a DER private key, by OpenSSL.
pub(crate) fn public_half(key: &Path) -> String {
    openssl(["pkey", "-inform", "DER", "-in", &path(key), "-pubout"]).ok().out
}

// RFC 7030 §4.4.2; E-19: what openssl reads is in no file, no log and no record of the server.
#[test]
fn e_19_curl_gets_a_key_and_its_certificate_and_the_server_keeps_no_octet_of_the_key() {
    let mut rehearsal = rehearsal("in-tls");
    let mut secrets = Vec::new();
    for suite in Suite::BOTH {
        let title = if suite == Suite::One { "4D504B0100EA0001" } else { "4D504B0100EA0002" };
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let factory = meter.manufacture().shown();
        let answer = ask_for_key(&rehearsal, &meter.label("meter-op-tls"), &meter.ask().request, &factory);
        let all = parts(&rehearsal, &answer);
        let [(of_key, key), (of_certificate, certs_only)] = &all[..] else { panic!("{all:?}") };
        assert_eq!(of_key, "application/pkcs8");
        assert_eq!(of_certificate, "application/pkcs7-mime; smime-type=certs-only");
        let certificate = certificate_in(&rehearsal, certs_only);
        assert_eq!(public_half(key), public_key(&certificate));
        // The scalar of an ECPrivateKey follows its version and its own tag and length (RFC 5915 §3).
        let der = std::fs::read(key).expect("a key");
        let length = if suite == Suite::One { 32 } else { 48 };
        let before = [0x02, 0x01, 0x01, 0x04, length];
        let place = der.windows(5).position(|window| window == before).expect("an ECPrivateKey") + 5;
        secrets.push(der[place..place + usize::from(length)].to_vec());
    }
    let audit = format!("{:?}", rehearsal.audit_after(0));
    assert!(audit.contains("the server made the key"));
    rehearsal.stop();
    for file in files(&rehearsal.state("")).into_iter().chain([rehearsal.scratch("serve.log")]) {
        let octets = std::fs::read(&file).expect("a file");
        for secret in &secrets {
            let hexadecimal: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
            let base64 = encoded(secret).replace('\n', "");
            for form in [&secret[..], hexadecimal.as_bytes(), &base64.as_bytes()[..40]] {
                let held = octets.windows(form.len()).any(|window| window == form);
                assert!(!held, "{} holds a key that was given away", file.display());
            }
            assert!(!audit.contains(&hexadecimal));
        }
    }
}

/// What OpenSSL reads of the status of a certificate at this moment, with the reason where it is revoked.
fn ocsp(rehearsal: &Rehearsal, certificate: &Path) -> String {
    let authority = |name: &str| path(&rehearsal.authority(name));
    let (root, issuer) = (authority("dso-root-s1"), authority("dso-operational-s1"));
    let (url, certificate) = (format!("{}/ocsp", rehearsal.status()), path(certificate));
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
    let said = openssl(whom.iter().chain(&["-cert", &certificate])).ok();
    assert!(said.err.contains("Response verify OK"), "{}", said.all());
    said.out
}

// E-22: a meter whose answer was lost asks again, showing another certificate of its own, and nobody is left with a good
// certificate of a key that nobody has. RFC 5280 §5.3.1, RFC 6960 §4.2.1.
#[test]
fn e_22_curl_asks_again_for_a_lost_key_and_the_certificate_of_the_lost_one_is_superseded_on_ocsp() {
    let rehearsal = rehearsal("in-tls");
    let meter = Meter::new(&rehearsal, "4D504B0100ED0001", Suite::One);
    meter.deliver();
    let factory = meter.manufacture().shown();
    let shown = meter.enrol("meter-op-ds", &factory).shown();
    let ask = |shown: &Shown| {
        let answer = ask_for_key(&rehearsal, &meter.label("meter-op-tls"), &meter.ask().request, shown);
        let all = parts(&rehearsal, &answer);
        let [(_, key), (_, certs_only)] = &all[..] else { panic!("{all:?}") };
        let certificate = certificate_in(&rehearsal, certs_only);
        assert_eq!(public_half(key), public_key(&certificate));
        certificate
    };
    let lost = ask(&factory);
    assert!(ocsp(&rehearsal, &lost).contains(": good"));
    let second = ask(&shown);
    let said = ocsp(&rehearsal, &lost);
    assert!(said.contains(": revoked") && said.contains("Reason: superseded"), "{said}");
    assert!(ocsp(&rehearsal, &second).contains(": good"));
    let third = ask(&shown);
    assert!(ocsp(&rehearsal, &second).contains("Reason: superseded"));
    assert!(ocsp(&rehearsal, &third).contains(": good"));
    let audit = format!("{:?}", rehearsal.audit_after(0));
    assert_eq!(audit.matches("the key was lost on its way to device:4D504B0100ED0001").count(), 2);
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let below = |file: PathBuf| if file.is_dir() { files(&file) } else { vec![file] };
    let all = entries.flat_map(|entry| below(entry.expect("an entry").path()));
    all.filter(|file| file.is_file()).collect()
}

// RFC 7030 §4.4.1.2, §4.4.2: encrypted to the key-agreement certificate that the meter holds.
#[test]
fn e_19_openssl_opens_what_was_encrypted_to_the_key_agreement_certificate_of_a_meter() {
    let rehearsal = rehearsal("encrypted");
    for suite in Suite::BOTH {
        let title = if suite == Suite::One { "4D504B0100EB0001" } else { "4D504B0100EB0002" };
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let factory = meter.manufacture().shown();
        let label = meter.label("meter-op-tls");
        let in_clear = ask_for_key(&rehearsal, &label, &meter.ask().request, &factory);
        assert_eq!(in_clear.status, 400);
        assert!(in_clear.text().contains("(delivery.not-encrypted)"), "{}", in_clear.text());
        let agreement = meter.enrol("meter-op-ka", &factory);
        let request = asking_for_encryption(&meter, &identifier(&agreement.certificate));
        let all = parts(&rehearsal, &ask_for_key(&rehearsal, &label, &request, &factory));
        let [(of_key, enveloped), (_, certs_only)] = &all[..] else { panic!("{all:?}") };
        assert_eq!(of_key, "application/pkcs7-mime; smime-type=server-generated-key");
        let signed = rehearsal.unique("signed.der");
        let decrypt = ["cms", "-decrypt", "-inform", "DER", "-binary", "-in", &path(enveloped)];
        let by = [
            "-recip",
            &path(&agreement.certificate),
            "-inkey",
            &path(&agreement.key),
            "-out",
            &path(&signed),
        ];
        drop(openssl(decrypt.iter().chain(&by)).ok());
        let key = key_in(&rehearsal, &signed);
        assert_eq!(public_half(&key), public_key(&certificate_in(&rehearsal, certs_only)));
    }
}

// RFC 7030 §4.4.1.2, §4.4.2: our own client opens it too, if a root that it trusts vouches for who signed the key.
#[test]
fn e_19_our_client_opens_what_was_encrypted_to_its_key_agreement_certificate() {
    let rehearsal = rehearsal("encrypted");
    for suite in Suite::BOTH {
        let title = if suite == Suite::One { "4D504B0100EC0001" } else { "4D504B0100EC0002" };
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let factory = meter.manufacture();
        let agreement = meter.enrol("meter-op-ka", &factory.shown());
        let in_one_file = |credential: &Credential| {
            let both = [&credential.certificate, &credential.key]
                .map(|file| std::fs::read_to_string(file).expect("PEM"));
            let file = rehearsal.unique("credential.pem");
            std::fs::write(&file, both.concat()).expect("a file");
            path(&file)
        };
        let (credential, own) = (in_one_file(&factory), in_one_file(&agreement));
        let signer = rehearsal.unique("messages.pem");
        to_pem(&rehearsal.state("tls/messages.cer"), &signer);
        let read = |file| std::fs::read_to_string(file).expect("PEM");
        let trust = rehearsal.unique("trust.pem");
        std::fs::write(&trust, read(rehearsal.root()) + &read(signer)).expect("a file");
        let url = rehearsal.est(&meter.label("meter-op-tls"));
        let ask = |trust: &Path, out: &Path, more: &[&str]| {
            let (trust, out) = (path(trust), path(out));
            let words = [
                "est",
                "serverkeygen",
                "--url",
                &url,
                "--credential",
                &credential,
                "--trust",
                &trust,
                "--out",
                &out,
            ];
            finish(Command::new(program("meter-pki")).args(words).args(more))
        };
        let out = rehearsal.unique("made.pem");
        let in_clear = ask(&trust, &out, &[]);
        assert!(in_clear.err.contains("delivery.not-encrypted"), "{}", in_clear.all());
        drop(ask(&trust, &out, &["--decrypt-by", &own]).ok());
        assert_eq!(openssl(["pkey", "-in", &path(&out), "-pubout"]).ok().out, public_key(&out));
        // The same root, and nobody who vouches for the signer: the key is not taken.
        rehearsal.revoke(&serial(&out), "superseded");
        let untrusted = rehearsal.unique("untrusted.pem");
        let not_taken = ask(&rehearsal.root(), &untrusted, &["--decrypt-by", &own]);
        assert!(not_taken.err.contains("answer.key-signer"), "{}", not_taken.all());
        assert!(!untrusted.exists());
    }
}

/// The subject key identifier of a certificate, in hexadecimal.
pub(crate) fn identifier(certificate: &Path) -> String {
    let said = openssl(["x509", "-noout", "-ext", "subjectKeyIdentifier", "-in", &path(certificate)]).ok();
    let line = said.out.lines().last().expect("an identifier").trim().replace(':', "");
    assert!(line.len() >= 16, "{line}");
    line
}

/// A request with asymmetricDecryptKeyIdentifier, which `openssl req` cannot write: as its key and its signature are
/// ignored, there is neither.
pub(crate) fn asking_for_encryption(meter: &Meter<'_>, identifier: &str) -> Vec<u8> {
    let octets: Vec<u8> = identifier
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<_>>()
        .expect("hexadecimal");
    let name = [&[0x06, 0x03, 0x55, 0x04, 0x03][..], &tlv(0x0C, meter.title.as_bytes())].concat();
    let kind = [0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x36];
    let attribute = tlv(0x30, &[&kind[..], &tlv(0x31, &tlv(0x04, &octets))].concat());
    let algorithm = tlv(0x30, &[0x06, 0x03, 0x2A, 0x03, 0x04]);
    let nothing = tlv(0x03, &[0x00]);
    let info = [
        vec![0x02, 0x01, 0x00],
        tlv(0x30, &tlv(0x31, &tlv(0x30, &name))),
        tlv(0x30, &[&algorithm[..], &nothing].concat()),
        tlv(0xA0, &attribute),
    ];
    tlv(0x30, &[tlv(0x30, &info.concat()), algorithm, nothing].concat())
}

fn tlv(tag: u8, octets: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(octets.len()).expect("a short message").to_be_bytes();
    let head = match octets.len() {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head[..], octets].concat()
}

/// Takes the one key out of a package that OpenSSL verifies.
pub(crate) fn key_in(rehearsal: &Rehearsal, signed: &Path) -> PathBuf {
    let message = content_info(&std::fs::read(signed).expect("it was decrypted"));
    let (file, package) = (rehearsal.unique("message.der"), rehearsal.unique("package.der"));
    std::fs::write(&file, message).expect("it can be written");
    verify(rehearsal, &file, &package);
    let octets = std::fs::read(&package).expect("a package");
    let key = rehearsal.unique("key.der");
    // A SEQUENCE of one key (RFC 5958 §2): what follows its tag and its length.
    let head = if octets[1] < 0x80 { 2 } else { 3 };
    std::fs::write(&key, &octets[head..]).expect("it can be written");
    key
}

/// Puts `SignedData` into a `ContentInfo`, which `openssl cms` wants.
fn content_info(signed: &[u8]) -> Vec<u8> {
    let of_signed_data = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
    tlv(0x30, &[&of_signed_data[..], &tlv(0xA0, signed)].concat())
}

fn verify(rehearsal: &Rehearsal, message: &Path, content: &Path) {
    let signer = rehearsal.unique("messages.pem");
    let certificate = path(&rehearsal.state("tls/messages.cer"));
    drop(openssl(["x509", "-inform", "DER", "-in", &certificate, "-out", &path(&signer)]).ok());
    let verify =
        ["cms", "-verify", "-inform", "DER", "-binary", "-in", &path(message), "-out", &path(content)];
    let trusted = ["-CAfile", &path(&signer), "-purpose", "any"];
    drop(openssl(verify.iter().chain(&trusted)).ok());
}

// RFC 7030 §4.3, RFC 5272: a meter signs with its factory certificate; pyasn1 reads what it is told.
#[test]
fn e_25_openssl_signs_a_cmc_request_and_pyasn1_reads_the_response() {
    let rehearsal = rehearsal("in-tls");
    for suite in Suite::BOTH {
        let title = if suite == Suite::One { "4D504B0100EC0001" } else { "4D504B0100EC0002" };
        let meter = Meter::new(&rehearsal, title, suite);
        meter.deliver();
        let factory = meter.manufacture();
        let send = |request: &[u8]| {
            let message = sign(&rehearsal, &pki_data(request), (&factory.certificate, &factory.key), suite);
            let url = format!("{}/fullcmc", rehearsal.est(&meter.label("meter-op-tls")));
            post(
                &rehearsal,
                &url,
                ("application/pkcs7-mime; smime-type=CMC-request", &message),
                &factory.shown(),
            )
        };
        let asked = meter.ask();
        let answer = send(&asked.request);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (file, lines) = told(&rehearsal, &answer);
        assert_eq!(
            lines,
            ["content 1.3.6.1.5.5.7.12.3", "signers 1", "status 0 2", "recipientNonce 6e6f6e6365"]
        );
        verify(&rehearsal, &file, &rehearsal.unique("content.der"));
        let printed = openssl(["pkcs7", "-inform", "DER", "-print_certs", "-in", &path(&file)]).ok().out;
        assert!(printed.contains(title), "{printed}");
        let other = send(&meter.ask_as("/CN=4D504B0100ECFFFF").request);
        assert_eq!(other.status, 403);
        let (_, lines) = told(&rehearsal, &other);
        assert_eq!(lines[2..4], ["status 2 2", "failInfo 7"], "{lines:?}");
        assert!(lines[4].ends_with("(subject.other)"), "{lines:?}");
    }
}

/// A response and what pyasn1 reads in it.
fn told(rehearsal: &Rehearsal, answer: &Answer) -> (PathBuf, Vec<String>) {
    assert_eq!(answer.field("content-type"), Some("application/pkcs7-mime; smime-type=CMC-response"));
    let file = rehearsal.unique("response.der");
    std::fs::write(&file, decoded(&answer.body)).expect("it can be written");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/read_cmc_response.py");
    let said = run(&path(&pkilint("python")), [&path(&program), &path(&file)]).ok();
    (file, said.out.lines().map(str::to_owned).collect())
}

/// `PKIData` with a nonce and one request, number 2.
fn pki_data(request: &[u8]) -> Vec<u8> {
    let sender_nonce = [0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, 0x06];
    let value = tlv(0x31, &tlv(0x04, b"nonce"));
    let control = tlv(0x30, &[&[0x02, 0x01, 0x01][..], &sender_nonce, &value].concat());
    let tagged = tlv(0xA0, &[&[0x02, 0x01, 0x02], request].concat());
    let parts = [tlv(0x30, &control), tlv(0x30, &tagged), tlv(0x30, &[]), tlv(0x30, &[])];
    tlv(0x30, &parts.concat())
}

fn sign(rehearsal: &Rehearsal, content: &[u8], (certificate, key): (&Path, &Path), suite: Suite) -> Vec<u8> {
    let file = rehearsal.unique("pki-data");
    std::fs::write(&file, content).expect("it can be written");
    let signed = [
        "cms",
        "-sign",
        "-binary",
        "-nodetach",
        "-outform",
        "DER",
        "-in",
        &path(&file),
        "-signer",
        &path(certificate),
        "-inkey",
        &path(key),
        "-econtent_type",
        "1.3.6.1.5.5.7.12.2",
        "-md",
        suite.digest(),
    ];
    openssl(signed).ok().octets
}
