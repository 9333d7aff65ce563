//! The client against OpenSSL's mock server (`openssl cmp -port`), which we did not write, over a real socket.
//!
//! It grants one certificate, whatever is asked for; knows `PasswordBasedMac` alone and answers by HMAC-SHA1; and takes only a
//! path of its own. What a request says it checks all the same: signature, MAC, proof of possession, nonces.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use ca_core::exchange::certification_request;
use ca_core::reason::ReasonCode;
use cmp_client::{
    CmpClient, CmpError, Connection, Endpoint, Identity, Information, Issued, MacFamily, Operation, Outcome,
    Question, Request, Revocation, RevocationChange, Step,
};

use crate::pki::{Entity, Pki, REFERENCE, SECRET};

/// A mock server, ended when it is dropped.
struct Mock {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Mock {
    /// Starts one that grants this certificate.
    fn start(pki: &Pki, grants: &Entity, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        for (name, one) in [("root", &pki.root), ("sub", &pki.sub), ("cmp", &pki.spokesman), ("new", grants)]
        {
            let (certificate, key) = one.pem();
            write(&format!("{name}.pem"), &certificate);
            write(&format!("{name}.key"), &key);
        }
        let common = "-port 0 -srv_trusted root.pem -srv_untrusted sub.pem -rsp_cert new.pem \
                      -rsp_extracerts sub.pem -rsp_capubs root.pem";
        let mut child = Command::new("openssl")
            .args(["cmp", "-config", ""])
            .args(common.split_whitespace())
            .args(options)
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("openssl cannot be started ({error}): run `tests/run tools`"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let accepts = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
        // It says more later, which somebody must read.
        std::thread::spawn(move || lines.for_each(drop));
        let place = accepts.expect("the mock server says where it listens");
        let place = place.split(' ').next().unwrap();
        Self { child, port: place.rsplit(':').next().unwrap().parse().unwrap(), _directory: directory }
    }

    fn signing(pki: &Pki, options: &[&str]) -> Self {
        Self::start(pki, &pki.new, &[&["-srv_cert", "cmp.pem", "-srv_key", "cmp.key"], options].concat())
    }

    fn sharing(pki: &Pki, options: &[&str]) -> Self {
        let secret = format!("pass:{}", String::from_utf8_lossy(SECRET));
        let own = ["-srv_ref", REFERENCE, "-srv_secret", secret.as_str()];
        Self::start(pki, &pki.new, &[&own, options].concat())
    }

    /// Talks to the end; returns what it came to, and how often the client was told to wait.
    async fn talk(&self, client: CmpClient, question: &Question<'_>) -> (Result<Outcome, CmpError>, u32) {
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{}/pkix/", self.port), None).unwrap();
        let mut connection = Connection::prepare(endpoint, &[], &Identity::Anonymous).unwrap();
        let mut conversation = Arc::new(client).begin(question).unwrap();
        let mut waits = 0;
        loop {
            let message = conversation.outgoing().unwrap();
            let answer = connection.exchange(Operation::Initialization, &message).await.unwrap();
            match conversation.answered(&answer) {
                Ok(Step::Send) => {}
                // The mock server counts polls, and not seconds.
                Ok(Step::Wait { seconds, .. }) => {
                    assert_eq!(seconds, 3);
                    waits += 1;
                }
                Ok(Step::Done(outcome)) => return (Ok(outcome), waits),
                Err(error) => return (Err(error), waits),
            }
        }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The mock server looks at its own clock, and so must the client.
fn in_time(client: CmpClient) -> CmpClient {
    CmpClient { clock_window: None, ..client }
}

fn is_new(pki: &Pki, outcome: Result<Outcome, CmpError>) -> Issued {
    match outcome {
        Ok(Outcome::Issued(issued)) if issued.certificate == pki.new.der => issued,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn openssl_grants_ir_cr_and_p10cr_with_and_without_confirmation() {
    let pki = Pki::new();
    let (key, name) = (pki.new.key.public().key_ref(), pki.new.name());
    let request = Request { subject: &name, extensions: &[], key: &key, signer: &*pki.new.key };
    let csr = certification_request(&name, &key, &*pki.new.key).unwrap();
    let questions =
        [Question::Initialization(request), Question::Certification(request), Question::Pkcs10(&csr)];
    for (options, confirms) in
        [(&["-grant_implicitconf"][..], false), (&["-grant_implicitconf"], true), (&[], false)]
    {
        let mock = Mock::signing(&pki, options);
        for question in &questions {
            let client = CmpClient { confirms, takes_roots: true, ..in_time(pki.signing()) };
            let issued = is_new(&pki, mock.talk(client, question).await.0);
            assert_eq!(issued.chain, std::slice::from_ref(&pki.sub.der));
            let is_first = matches!(question, Question::Initialization(_));
            assert_eq!(issued.roots.contains(&pki.root.der), is_first, "caPubs belongs into ip");
        }
    }
}

#[tokio::test]
async fn openssl_updates_a_certificate() {
    let pki = Pki::new();
    let mock = Mock::signing(&pki, &[]);
    let (key, name) = (pki.new.key.public().key_ref(), pki.new.name());
    let request = Request { subject: &name, extensions: &[], key: &key, signer: &*pki.new.key };
    // The mock server wants oldCertId to name the certificate that it grants.
    let question = Question::KeyUpdate(request, &pki.new.certificate());
    is_new(&pki, mock.talk(in_time(pki.signing()), &question).await.0);
    let other = Question::KeyUpdate(request, &pki.gateway.certificate());
    let refused = mock.talk(in_time(pki.signing()), &other).await.0.unwrap_err();
    assert!(matches!(&refused, CmpError::Refused(refusal) if refusal.is_proven), "{refused}");
}

#[tokio::test]
async fn openssl_takes_a_mac_and_its_own_is_verified() {
    let pki = Pki::new();
    let mock = Mock::sharing(&pki, &[]);
    let (key, name) = (pki.new.key.public().key_ref(), pki.new.name());
    let request = Request { subject: &name, extensions: &[], key: &key, signer: &*pki.new.key };
    let csr = certification_request(&name, &key, &*pki.new.key).unwrap();
    let by_old_mac = || in_time(pki.sharing(MacFamily::PasswordBasedMac));
    let issued = is_new(&pki, mock.talk(by_old_mac(), &Question::Initialization(request)).await.0);
    assert_eq!(issued.roots, std::slice::from_ref(&pki.root.der), "the secret vouches for the root");
    is_new(&pki, mock.talk(by_old_mac(), &Question::Pkcs10(&csr)).await.0);
    // HMAC-SHA1 is read of whoever is called old, and of nobody else.
    let newer = in_time(pki.sharing(MacFamily::Pbmac1));
    let refused = mock.talk(newer, &Question::Initialization(request)).await.0;
    assert!(matches!(refused, Err(CmpError::Unproven(_))), "{refused:?}");
}

#[tokio::test]
async fn openssl_makes_the_client_poll() {
    let pki = Pki::new();
    let mock = Mock::signing(&pki, &["-poll_count", "3", "-check_after", "3"]);
    let (key, name) = (pki.new.key.public().key_ref(), pki.new.name());
    let request = Request { subject: &name, extensions: &[], key: &key, signer: &*pki.new.key };
    let (outcome, waits) = mock.talk(in_time(pki.signing()), &Question::Initialization(request)).await;
    is_new(&pki, outcome);
    assert_eq!(waits, 2, "the third poll brings the certificate");
}

#[tokio::test]
async fn openssl_revokes_and_answers_a_general_message() {
    let pki = Pki::new();
    let mock = Mock::signing(&pki, &[]);
    // The mock server revokes the certificate that it grants.
    let new = pki.new.certificate();
    let change = RevocationChange::Revoke(ReasonCode::Superseded);
    let revocation = Revocation { issuer: new.issuer(), serial: new.serial(), change };
    let (outcome, _) = mock.talk(in_time(pki.signing()), &Question::Revocation(revocation)).await;
    assert_eq!(outcome.unwrap(), Outcome::Revoked);
    // It sends a question back as it came: without certificates, that is the answer that there are none.
    let (outcome, _) = mock.talk(in_time(pki.signing()), &Question::CaCertificates).await;
    assert_eq!(outcome.unwrap(), Outcome::Told(Information::CaCertificates(Vec::new())));
}

// RFC 9483 §3.6.4: the refusal of each kind of request is told with its failInfo and statusString.
#[tokio::test]
async fn openssl_refuses_and_the_client_says_why() {
    let pki = Pki::new();
    let (key, name) = (pki.new.key.public().key_ref(), pki.new.name());
    let request = Request { subject: &name, extensions: &[], key: &key, signer: &*pki.new.key };
    let new = pki.new.certificate();
    let change = RevocationChange::Revoke(ReasonCode::Superseded);
    let revocation = Revocation { issuer: new.issuer(), serial: new.serial(), change };
    let no = ["-pkistatus", "2", "-failure", "9", "-statusstring", "not today"];
    let questions = [Question::Initialization(request), Question::Revocation(revocation)];
    let by_error = "rejection, badRequest: error processing message";
    for (options, proven, words) in [
        (&[][..], true, "rejection, badPOP: not today"),
        (&["-send_error"], true, by_error),
        (&["-send_unprot_err", "-send_error"], false, by_error),
    ] {
        let mock = Mock::signing(&pki, &[&no, options].concat());
        for question in &questions {
            let refused = mock.talk(in_time(pki.signing()), question).await.0.unwrap_err();
            assert!(refused.to_string().contains(words), "{refused}");
            assert!(matches!(&refused, CmpError::Refused(one) if one.is_proven == proven), "{refused}");
        }
    }
    let mock = Mock::signing(&pki, &["-pkistatus", "2", "-failure", "24"]);
    let refused = mock.talk(in_time(pki.signing()), &questions[0]).await.0.unwrap_err();
    assert!(matches!(refused, CmpError::Refused(refusal) if refusal.is_passing()));
}

#[tokio::test]
async fn what_openssl_sends_without_protection_is_not_believed() {
    let pki = Pki::new();
    let mock = Mock::signing(&pki, &["-send_unprotected"]);
    let (key, name) = (pki.new.key.public().key_ref(), pki.new.name());
    let request = Request { subject: &name, extensions: &[], key: &key, signer: &*pki.new.key };
    let refused = mock.talk(in_time(pki.signing()), &Question::Initialization(request)).await.0;
    assert!(matches!(refused, Err(CmpError::Unproven(_))), "{refused:?}");
}
