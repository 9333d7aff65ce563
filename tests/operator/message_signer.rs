//! `meter-pki cert message-signer`: who signs the answers of CMP, made by one command and believed by OpenSSL.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use e2e::fleet::{Meter, Suite};
use e2e::peer::{field, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

/// A meter that is delivered when the tests begin.
const DELIVERED: &str = "4D504B01000000C1";

/// A configuration without CMP.
fn without_cmp(text: String) -> String {
    let (before, rest) = text.split_once("[cmp]\n").expect("a rehearsal serves CMP");
    let (_, after) = rest.split_once("[status]\n").expect("and status after it");
    format!("{before}[status]\n{after}")
}

fn keys(rehearsal: &Rehearsal) -> usize {
    std::fs::read_dir(rehearsal.state("keys")).expect("the keys").count()
}

/// Asks for a certificate by `openssl cmp` over the TLS listener of enrolment, trusting the root alone; what came with it goes to
/// `extra`.
fn ask(rehearsal: &Rehearsal, extra: &Path) -> Said {
    let meter = Meter::new(rehearsal, DELIVERED, Suite::One);
    meter.deliver();
    let factory = meter.manufacture();
    let (root, key) = (path(&rehearsal.root()), path(&rehearsal.unique("new.key")));
    drop(openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]).ok());
    let host = rehearsal.origin().trim_start_matches("https://").to_owned();
    let server = ["cmp", "-config", "", "-batch", "-server", &host, "-tls_used", "-tls_trusted", &root];
    let place = ["-path", ".well-known/cmp/p/meter-op-tls-s1", "-trusted", &root, "-out_trusted", &root];
    let (certificate, private) = (path(&factory.certificate), path(&factory.key));
    let subject = format!("/CN={DELIVERED}");
    let own = ["-cmd", "ir", "-cert", &certificate, "-key", &private, "-subject", &subject];
    let (out, extra) = (path(&rehearsal.unique("new")), path(extra));
    let new = ["-newkey", &key, "-certout", &out, "-extracertsout", &extra];
    openssl([&server[..], &place, &own, &new].concat())
}

// RFC 9483 §3.2: answers are signed by a key of their own, whose certificate says that it speaks for a CA.
#[test]
fn the_signer_of_messages_is_made_by_one_command_and_openssl_believes_it() {
    let mut rehearsal = Rehearsal::start_with(1, without_cmp);
    let (out, before) = (rehearsal.state("tls/messages.cer"), rehearsal.audited());
    let made = rehearsal.operator_json(&["cert", "message-signer", "--out", &path(&out)]);
    let told = |name: &str| made[name].as_str().expect("a text").to_owned();

    let key = rehearsal.state("keys").join(format!("{}.pem", told("key")));
    let text = std::fs::read_to_string(&key).expect("the key is among those of the server");
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{text}");
    assert_eq!(std::fs::metadata(&key).expect("a file").permissions().mode() & 0o777, 0o600);
    let pem = rehearsal.unique("messages.pem");
    e2e::peer::to_pem(&out, &pem);
    assert_eq!(field(&pem, "-subject"), "CN=Messages,O=Example Grid,C=DE");
    let purposes =
        openssl(["x509", "-in", &path(&pem), "-noout", "-ext", "keyUsage,extendedKeyUsage"]).ok().out;
    assert!(
        purposes.contains("Digital Signature\n") && purposes.contains("CMC Certificate Authority"),
        "{purposes}"
    );

    let acts: Vec<_> =
        rehearsal.audit_after(before).iter().map(|one| (one["act"].clone(), one["serial"].clone())).collect();
    assert_eq!(acts.last(), Some(&("certificate-issued".into(), told("serial").into())), "{acts:?}");
    assert_eq!(rehearsal.operator_json(&["cert", "show", &told("serial")])["profile"], "cmp-signer-s1");

    rehearsal.stop();
    let lines = made["configuration"].as_array().expect("lines");
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str().expect("a line")).collect();
    rehearsal.configure("cmp.toml", |text| format!("{text}\n{}\n", lines.join("\n")));
    drop(rehearsal.operator(&["config", "check"]).ok());
    rehearsal.serve();
    let extra = rehearsal.unique("extra.pem");
    let said = ask(&rehearsal, &extra);
    assert!(said.all().contains("received 1 enrolled certificate"), "{}", said.all());
    // RFC 9483 §3.3: the signer, the chain above it, and that of the new certificate.
    let bundle = ["crl2pkcs7", "-nocrl", "-certfile", &path(&extra), "-out", &path(&pem)];
    drop(openssl(bundle).ok());
    let said = openssl(["pkcs7", "-in", &path(&pem), "-print_certs", "-noout"]).ok().out;
    let subjects: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("subject=")).collect();
    let expected = [
        "C = DE, O = Example Grid, CN = Messages",
        "C = DE, O = Example Grid, CN = Example Grid Infrastructure CA S1 G1",
        "C = DE, O = Example Grid, CN = Example Grid Operational CA S1 G1",
    ];
    assert_eq!(subjects, expected);

    // Where there is a signer, the lines are for its successor.
    let next = rehearsal.state("tls/next.cer");
    let said = rehearsal.operator(&["cert", "message-signer", "--out", &path(&next)]).ok().out;
    assert!(said.contains("in the place of message_*") && !said.contains("[cmp]\nlabels"), "{said}");
    assert!(said.contains("message_certificate_file = \"tls/next.cer\""), "{said}");
}

#[test]
fn a_signer_of_messages_that_is_refused_leaves_no_key_behind() {
    let mut rehearsal = Rehearsal::start(1);
    let (out, before) = (path(&rehearsal.state("new.cer")), keys(&rehearsal));
    let refused = |rehearsal: &Rehearsal, more: &[&str], (code, reason): (i32, &str)| {
        let said = rehearsal.operator(&[&["cert", "message-signer", "--out", &out], more].concat());
        assert_eq!(said.code, Some(code), "{}", said.all());
        assert!(said.err.contains(reason), "{}", said.all());
        assert!(!rehearsal.state("new.cer").exists());
        assert_eq!(keys(rehearsal), before, "no key is left over");
    };
    refused(&rehearsal, &["--profile", "est-tls-s1"], (2, "message-signer.no-offer"));
    refused(&rehearsal, &["--common-name", ""], (2, "subject.unfit"));
    // What the configuration offers is not what the server, started before, does.
    let offer = "[[authority.offer]]\nprofile = \"cmp-signer-s1\"\ndoors = [\"operator\"]\n";
    let both =
        |text: String| text.replacen("[[authority.offer]]", &format!("{offer}\n[[authority.offer]]"), 2);
    rehearsal.configure("several.toml", both);
    refused(&rehearsal, &[], (2, "message-signer.ambiguous"));
    rehearsal.configure("other.toml", |text| {
        text.replace(offer, "").replacen("[[authority.offer]]", &format!("{offer}\n[[authority.offer]]"), 1)
    });
    let audited = rehearsal.audited();
    refused(&rehearsal, &[], (4, "profile"));
    let records = rehearsal.audit_after(audited);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["act"], "request-refused");
    std::fs::write(rehearsal.state("there.cer"), "there").expect("a file");
    let there = path(&rehearsal.state("there.cer"));
    let said = rehearsal.operator(&["cert", "message-signer", "--out", &there]);
    assert_eq!((said.code, keys(&rehearsal)), (Some(7), before), "{}", said.all());
    rehearsal.stop();
    refused(&rehearsal, &[], (8, "operator.nobody"));
}

#[test]
fn the_command_that_the_quickstart_shows_enrols_by_openssl() {
    let rehearsal = Rehearsal::start(1);
    let commands = rehearsal.report()["by_openssl"].as_array().expect("commands").clone();
    let there = path(&rehearsal.state(""));
    for command in commands {
        let command = format!("cd {there} && {}", command.as_str().expect("a command"));
        drop(run("sh", ["-c", &command]).ok());
    }
    let new = rehearsal.state("new.pem");
    assert_eq!(field(&new, "-subject"), "CN=4D504B0100000000");
    let all = rehearsal.certificates_of("4D504B0100000000");
    let ds: Vec<_> = all.iter().filter(|one| one["profile"] == "meter-op-ds-s1").collect();
    assert_eq!(ds.len(), 2, "one that was revoked, and one in its place");
}
