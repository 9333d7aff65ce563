//! Case H-04 for the key that protects CMP messages, on a token of its own that is away: an answer cannot be protected, so that there
//! is none (RFC 9810 §5.1.3; RFC 9811 §3.1 leaves failures below CMP to HTTP), and nothing is issued that nobody could be given.

use std::path::{Path, PathBuf};

use e2e::fleet::{Credential, Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Answer, curl, make_key, path, public_key};
use e2e::tool::{Said, openssl};
use pkcs11_faults::Plan;

use crate::house::{House, Keeping};
use crate::load::title;
use crate::tokens::MESSAGES;

const LABEL: &str = "meter-op-ds-s1";

/// One that is put off, and two that ask by other ways meanwhile and afterwards.
const PUT_OFF: &str = "4D504B01001500D0";
const AFTERWARDS: &str = "4D504B01001500D1";

impl House {
    fn delivered(&self, title: &str) -> Credential {
        let meter = Meter::new(&self.rehearsal, title, Suite::One);
        meter.deliver();
        meter.manufacture()
    }

    fn cmp_host(&self) -> String {
        let server = self.rehearsal.est(LABEL);
        server.trim_start_matches("https://").split('/').next().unwrap_or_default().to_owned()
    }

    /// Asks by `openssl cmp`, whose messages the meter's factory key signs; keeps the message.
    fn cmp(&self, who: &Credential, command: &[&str], message: &Path) -> Said {
        let (host, place) = (self.cmp_host(), format!("/.well-known/cmp/p/{LABEL}"));
        let (root, message) = (path(&self.rehearsal.root()), path(message));
        let (certificate, key) = (path(&who.certificate), path(&who.key));
        let always = ["cmp", "-config", "", "-batch", "-server", &host, "-path", &place, "-tls_used"];
        let proofs = ["-tls_trusted", &root, "-trusted", &root, "-cert", &certificate, "-key", &key];
        let kept = ["-reqout", &message, "-msg_timeout", "30", "-digest", "sha256"];
        openssl([&always[..], &proofs, &kept, command].concat())
    }

    /// Asks for a first certificate; returns where it is if there is one, and for which key.
    fn ir(&self, who: &Credential, title: &str, message: &Path) -> (Said, PathBuf, PathBuf) {
        let (certificate, key) = (self.rehearsal.unique("cmp.pem"), self.rehearsal.unique("cmp.key"));
        make_key(&key, "P-256");
        let subject = format!("/CN={title}");
        let (out, new) = (path(&certificate), path(&key));
        let wanted = ["-cmd", "ir", "-newkey", &new, "-subject", &subject, "-certout", &out];
        (self.cmp(who, &wanted, message), certificate, key)
    }

    /// Sends a message that was kept, as it is.
    fn send_kept(&self, message: &Path) -> Answer {
        let url = format!("https://{}/.well-known/cmp/p/{LABEL}", self.cmp_host());
        let body = format!("@{}", path(message));
        curl(
            &self.rehearsal,
            &url,
            &["--data-binary", body.as_str(), "-H", "Content-Type: application/pkixcmp"],
        )
    }
}

fn is_put_off(keeping: Keeping) {
    let mut house = House::prepared(keeping);
    house.start();
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    let number = house.rehearsal.process_number();
    let (first, second) = (house.delivered(PUT_OFF), house.delivered(AFTERWARDS));
    let message = house.rehearsal.unique("message");
    let question = ["-cmd", "genm", "-infotype", "caCerts"];
    let said = house.cmp(&first, &question, &message);
    assert!(said.all().contains("genp contains ITAV"), "{}", said.all());

    house.tokens().plan(&Plan::new().gone(MESSAGES));
    // A question issues nothing; the token is found to be away.
    let said = house.cmp(&first, &question, &message);
    assert!(said.all().contains("503") && !said.all().contains("genp contains"), "{}", said.all());
    let state = |state: u32| format!("pki_token_state{{token=\"{MESSAGES}\",state=\"serving\"}} {state}\n");
    eventually("the metrics tell of it", || house.page("metrics").contains(&state(0)).then_some(()));
    let told = format!("the token {MESSAGES} is away");
    eventually("so does the page on its health", || house.page("health").contains(&told).then_some(()));
    let before = house.rehearsal.audited();
    let (said, certificate, _) = house.ir(&first, PUT_OFF, &message);
    assert!(said.all().contains("503") && !certificate.exists(), "{}", said.all());
    let answer = house.send_kept(&message);
    assert_eq!(answer.status, 503, "{}", answer.text());
    let again: u64 = answer.field("Retry-After").expect("it says when").parse().expect("seconds");
    assert!((1..=2).contains(&again), "as long as the token rests: {again}");
    assert!(!answer.text().contains(MESSAGES), "no requester is told which token: {}", answer.text());
    let of_the_meter = |house: &House| {
        house.recorded("intent-recorded", before).iter().filter(|detail| detail.contains(PUT_OFF)).count()
    };
    assert_eq!(of_the_meter(&house), 0, "no serial number is burned");
    // Whoever needs no protected message is served: the authority's key is there, and it is ready.
    assert!(house.ready());
    house.rehearsal.expect_devices("dso", &[&title(0)]);
    assert_eq!(house.ask(&title(0)).status, 200);

    house.tokens().plan(&Plan::new());
    eventually("the token serves again", || house.page("metrics").contains(&state(1)).then_some(()));
    eventually("the same message is answered", || (house.send_kept(&message).status == 200).then_some(()));
    assert_eq!(of_the_meter(&house), 1);
    let (said, certificate, key) = house.ir(&second, AFTERWARDS, &message);
    assert!(certificate.exists(), "{}", said.all());
    let public = openssl(["pkey", "-in", &path(&key), "-pubout"]).ok().out;
    assert_eq!(public_key(&certificate), public);
    assert_eq!(house.rehearsal.process_number(), number, "it was not started anew");
    house.check();
}

#[test]
fn h_04_over_cmp_nothing_is_issued_while_the_key_of_messages_is_away() {
    is_put_off(Keeping::WithAuthority(&["online", MESSAGES]));
}

#[test]
fn h_04_the_same_with_the_tokens_behind_a_signer() {
    is_put_off(Keeping::WithSigner(&["online", MESSAGES]));
}
