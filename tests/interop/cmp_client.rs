//! Our CMP client and our CMP server, over TLS: they share the codec, and what OpenSSL says of each is told elsewhere.

use std::process::Command;
use std::thread;

use e2e::fleet::{Credential, Meter, Suite};
use e2e::messages::make_key_signer;
use e2e::patience::eventually;
use e2e::peer::{field, path, public_key, to_pem};
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, run};

use crate::cmp::{DELIVERED, delivered, rehearsal, rehearsal_with};

/// A client with a directory of its own, and the roots that it was given.
struct Client<'a> {
    rehearsal: &'a Rehearsal,
    directory: std::path::PathBuf,
}

impl<'a> Client<'a> {
    fn new(rehearsal: &'a Rehearsal) -> Self {
        let directory = rehearsal.unique("client");
        std::fs::create_dir(&directory).expect("a directory");
        let read = |file| std::fs::read_to_string(file).expect("PEM");
        let trust = read(rehearsal.authority("dso-root-s1")) + &read(rehearsal.state("tls/messages.pem"));
        std::fs::write(directory.join("trust.pem"), trust).expect("a file");
        Self { rehearsal, directory }
    }

    /// Says the words of a verb to the server at a label.
    fn cmp(&self, label: &str, words: &str) -> Said {
        let server = self.rehearsal.est(label).replace("/est/", "/cmp/p/");
        let words = format!("cmp {words} --url {server} --trust trust.pem");
        let mut command = Command::new(program("meter-pki"));
        finish(command.args(words.split(' ')).current_dir(&self.directory))
    }

    /// Puts certificate and key together, as the client reads them.
    fn give(&self, file: &str, credential: &Credential) {
        let both = [&credential.certificate, &credential.key]
            .map(|file| std::fs::read_to_string(file).expect("PEM"));
        std::fs::write(self.at(file), both.concat()).expect("a file");
    }

    fn at(&self, file: &str) -> std::path::PathBuf {
        self.directory.join(file)
    }
}

// RFC 9483 §4.1 – §4.3: the life of a device by the verbs of the client.
#[test]
fn our_client_enrols_updates_asks_and_revokes() {
    let rehearsal = rehearsal("");
    let factory = delivered(&rehearsal, DELIVERED, Suite::One);
    let client = Client::new(&rehearsal);
    client.give("factory.pem", &factory);

    let tls = "meter-op-tls-s1";
    let first = "ir --credential factory.pem --out tls.pem --chain-out chain.pem";
    drop(client.cmp(tls, first).ok());
    assert_eq!(field(&client.at("tls.pem"), "-subject"), format!("CN={DELIVERED}"));
    drop(
        run(
            "openssl",
            ["verify", "-CAfile", "trust.pem", "-untrusted", "chain.pem", "tls.pem"]
                .map(|word| if word.ends_with(".pem") { path(&client.at(word)) } else { word.to_owned() }),
        )
        .ok(),
    );
    drop(client.cmp("meter-op-ds-s1", "cr --credential tls.pem --out ds.pem --confirm").ok());
    drop(client.cmp("meter-op-ka-s1", "p10cr --credential tls.pem --out ka.pem").ok());
    let former = public_key(&client.at("ds.pem"));
    drop(client.cmp("meter-op-ds-s1", "kur --credential ds.pem").ok());
    assert_ne!(public_key(&client.at("ds.pem")), former);
    // A key for key agreement signs its request, and nothing else ever: another certificate signs the message.
    let former = public_key(&client.at("ka.pem"));
    drop(client.cmp("meter-op-ka-s1", "kur --credential tls.pem --old ka.pem").ok());
    assert_ne!(public_key(&client.at("ka.pem")), former);

    for (words, told) in [
        ("genm ca-certs --out ca.pem", "certificates are in ca.pem"),
        ("genm template", "curve: P-256"),
        ("genm crl --of chain.pem --out crl.pem", "is in crl.pem"),
        ("genm crl --of chain.pem --out crl.pem", "no CRL that is younger"),
        ("genm root-update --of trust.pem --out next.pem", "no certificate to give"),
    ] {
        let said = client.cmp(tls, &format!("{words} --credential tls.pem")).ok();
        assert!(said.out.contains(told), "{words}: {}", said.all());
    }

    drop(client.cmp("meter-op-ds-s1", "rr --credential ds.pem --reason superseded").ok());
    // RFC 9483 §3.6.4: certRevoked, in a transaction of its own, to whoever lost the answer and its state.
    let again = client.cmp("meter-op-ds-s1", "rr --credential ds.pem").ok();
    assert!(again.out.contains("was revoked before"), "{}", again.all());
    // On hold, and by itself never off it.
    drop(client.cmp(tls, "rr --credential tls.pem --reason certificateHold").ok());
    let released = client.cmp(tls, "rr --credential tls.pem --reason removeFromCRL");
    assert_eq!(released.code, Some(4), "{}", released.all());
    assert!(released.err.contains("notAuthorized"), "{}", released.all());
}

// RFC 9483 §4.1.5: PBMAC1, which this OpenSSL does not know; the root comes under the secret.
#[test]
fn our_client_enrols_by_a_shared_secret_with_pbmac1() {
    let rehearsal = rehearsal("implicit_confirmation = false\n");
    Meter::new(&rehearsal, DELIVERED, Suite::One).deliver();
    let (_, secret) = rehearsal.token(DELIVERED, "meter-op-tls-s1");
    let client = Client::new(&rehearsal);
    for place in [rehearsal.state("secrets/ref-1"), client.at("secret")] {
        std::fs::write(place, &secret).expect("a file");
    }
    std::fs::write(client.at("wrong"), "wrong").expect("a file");
    let by = |secret: &str, more: &str| {
        let words =
            format!("ir --reference ref-1 --secret-file {secret} --common-name {DELIVERED} --out tls.pem");
        client.cmp("meter-op-tls-s1", &format!("{words}{more}"))
    };
    let refused = by("wrong", "");
    assert_eq!(refused.code, Some(4), "{}", refused.all());
    assert!(refused.err.contains("badMessageCheck"), "{}", refused.all());
    assert!(refused.err.contains("said without protection"), "{}", refused.all());
    drop(by("secret", " --roots-out roots.pem").ok());
    assert_eq!(field(&client.at("tls.pem"), "-subject"), format!("CN={DELIVERED}"));
    assert_eq!(public_key(&client.at("roots.pem")), public_key(&rehearsal.root()));
}

/// Serves CMP with a key generation authority at some labels.
fn making_keys() -> Rehearsal {
    let mut rehearsal = rehearsal("");
    rehearsal.stop();
    make_key_signer(&rehearsal);
    to_pem(&rehearsal.state("tls/keys.cer"), &rehearsal.state("tls/keys.pem"));
    rehearsal.configure("keys.toml", |text| {
        let files = "certificate_file = \"tls/keys.cer\"\nkey_file = \"tls/keys.key\"\n\
                     passphrase_file = \"tls/keys.passphrase\"\n";
        let labels = "[\"meter-op-tls-s1\", \"meter-op-tls-s2\", \"meter-op-ka-s1\"]";
        text.replace("[status]\n", &format!("[cmp.central_keys]\nlabels = {labels}\n{files}\n[status]\n"))
    });
    rehearsal.serve();
    rehearsal
}

/// Lets a client trust both roots, and who signs keys.
fn trust_who_makes_keys(client: &Client<'_>) {
    let read = |file| std::fs::read_to_string(file).expect("PEM");
    let also = [client.rehearsal.authority("dso-root-s2"), client.rehearsal.state("tls/keys.pem")].map(read);
    std::fs::write(client.at("trust.pem"), read(client.at("trust.pem")) + &also.concat()).expect("a file");
}

#[track_caller]
fn key_fits(file: &std::path::Path) {
    assert_eq!(run("openssl", ["pkey", "-in", &path(file), "-pubout"]).ok().out, public_key(file));
}

// RFC 9483 §4.1.6: ir, cr and kur for keys that the authority makes, in both suites.
#[test]
fn c_27_our_client_gets_keys_that_the_authority_makes() {
    let rehearsal = making_keys();
    let client = Client::new(&rehearsal);
    client.give("factory.pem", &delivered(&rehearsal, DELIVERED, Suite::One));
    // Who signed the key must lead to a root that is trusted: the certificate is refused, and so revoked.
    let first = "ir --central-key --credential factory.pem --out tls.pem";
    let refused = client.cmp("meter-op-tls-s1", first);
    assert_eq!(refused.code, Some(9), "{}", refused.all());
    assert!(refused.err.contains("who signed the private key is not trusted"), "{}", refused.all());
    assert!(!client.at("tls.pem").exists());
    trust_who_makes_keys(&client);

    drop(client.cmp("meter-op-tls-s1", first).ok());
    key_fits(&client.at("tls.pem"));
    drop(client.cmp("meter-op-ka-s1", "cr --central-key --credential tls.pem --out ka.pem --confirm").ok());
    key_fits(&client.at("ka.pem"));
    let former = public_key(&client.at("tls.pem"));
    drop(client.cmp("meter-op-tls-s1", "kur --central-key --credential tls.pem").ok());
    key_fits(&client.at("tls.pem"));
    assert_ne!(public_key(&client.at("tls.pem")), former);
    assert!(!client.at("tls.pem.cmp").exists() && !client.at("ka.pem.cmp").exists());

    drop(client.cmp("meter-op-ds-s1", "cr --credential tls.pem --out ds.pem").ok());
    let by_signature_key = client.cmp("meter-op-ka-s1", "cr --central-key --credential ds.pem --out two.pem");
    assert!(by_signature_key.err.contains("delivery.no-key-agreement"), "{}", by_signature_key.all());
    let off = client.cmp("meter-op-ds-s1", "cr --central-key --credential tls.pem --out two.pem");
    assert!(off.err.contains("badCertTemplate"), "{}", off.all());

    // Suite 2: under what is as strong as the key.
    let title = "4D504B02000000C2";
    client.give("factory-2.pem", &delivered(&rehearsal, title, Suite::Two));
    drop(client.cmp("meter-op-tls-s2", "ir --central-key --credential factory-2.pem --out tls-2.pem").ok());
    key_fits(&client.at("tls-2.pem"));
}

// RFC 9483 §4.1.6.3: under a shared secret.
#[test]
fn c_27_our_client_gets_a_key_under_a_shared_secret() {
    let rehearsal = making_keys();
    let client = Client::new(&rehearsal);
    trust_who_makes_keys(&client);
    for (title, suite) in [(DELIVERED, "s1"), ("4D504B02000000C2", "s2")] {
        rehearsal.expect_devices("dso", &[title]);
        let (_, secret) = rehearsal.token(title, &format!("meter-op-tls-{suite}"));
        let reference = format!("ref-{suite}");
        for place in [rehearsal.state(&format!("secrets/{reference}")), client.at(&reference)] {
            std::fs::write(place, &secret).expect("a file");
        }
        let by = format!("--reference {reference} --secret-file {reference} --common-name {title}");
        let out = format!("{reference}.pem");
        drop(
            client.cmp(&format!("meter-op-tls-{suite}"), &format!("ir --central-key {by} --out {out}")).ok(),
        );
        key_fits(&client.at(&out));
    }
}

// RFC 9483 §4.4: the recipNonce of the answer that was waited for is the senderNonce of the request.
#[test]
fn our_client_polls_until_an_operator_approves() {
    let approval = "label = \"meter-op-tls-s1\"\napproval = { operators = \"one\", retry_seconds = 1 }\n";
    let rehearsal = rehearsal_with("", |text| text.replace("label = \"meter-op-tls-s1\"\n", approval));
    let client = Client::new(&rehearsal);
    client.give("factory.pem", &delivered(&rehearsal, DELIVERED, Suite::One));
    let ask = "ir --credential factory.pem --out tls.pem";
    let waiting = client.cmp("meter-op-tls-s1", ask);
    assert_eq!(waiting.code, Some(8), "{}", waiting.all());
    assert!(waiting.err.contains("cmp.waiting"), "{}", waiting.all());
    // Another process goes on with the same transaction.
    thread::scope(|scope| {
        let asked = scope.spawn(|| client.cmp("meter-op-tls-s1", &format!("{ask} --wait 50")));
        let waiting = eventually("a request that waits", || {
            let list = rehearsal.operator_json(&["request", "list"]);
            list["requests"].as_array().and_then(|all| Some(all.first()?["id"].as_str()?.to_owned()))
        });
        drop(rehearsal.operator(&["request", "approve", &waiting]).ok());
        drop(asked.join().expect("it ends").ok());
    });
    assert_eq!(field(&client.at("tls.pem"), "-subject"), format!("CN={DELIVERED}"));
}
