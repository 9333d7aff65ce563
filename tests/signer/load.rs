//! Meters that ask until they have their certificate, and what they are told meanwhile.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, certificate_of, curl, enrol, path, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

use crate::house::House;

pub(crate) const ROW: &str = "meter-op-tls";

/// How many meters ask at a time, and how many one after the other.
const AT_ONCE: usize = 4;
const EACH: usize = 6;

/// What meters were told.
#[derive(Default)]
pub(crate) struct Told {
    served: AtomicUsize,
    put_off: AtomicUsize,
    /// What Retry-After said, in seconds.
    waits: Mutex<Vec<u64>>,
}

impl Told {
    pub(crate) fn all_are_served(&self) -> bool {
        self.served() >= AT_ONCE * EACH
    }

    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    pub(crate) fn put_off(&self) -> usize {
        self.put_off.load(Ordering::SeqCst)
    }

    pub(crate) fn waits(&self) -> Vec<u64> {
        self.waits.lock().expect("nobody panicked").clone()
    }

    fn count(&self, answer: &Answer) {
        match answer.status {
            200 => {
                self.served.fetch_add(1, Ordering::SeqCst);
            }
            503 => {
                let again = answer.field("Retry-After").expect("it says when to come again");
                let again = again.parse().expect("seconds");
                assert!(again > 0);
                self.waits.lock().expect("nobody panicked").push(again);
                self.put_off.fetch_add(1, Ordering::SeqCst);
            }
            // A slot that an uncertain certificate holds until it is revoked, or a token that went with it.
            status => assert!([401, 403, 409].contains(&status), "{status}: {}", answer.text()),
        }
    }
}

/// The SHA-256 of a request's key, by OpenSSL.
fn fingerprint(rehearsal: &Rehearsal, request: &[u8]) -> String {
    let (file, key) = (rehearsal.unique("request.der"), rehearsal.unique("key.der"));
    std::fs::write(&file, request).expect("the request");
    let pem = openssl(["req", "-inform", "DER", "-in", &path(&file), "-noout", "-pubkey"]).ok().out;
    std::fs::write(&file, pem).expect("the key");
    drop(openssl(["pkey", "-pubin", "-in", &path(&file), "-outform", "DER", "-out", &path(&key)]).ok());
    let hash = openssl(["dgst", "-sha256", "-r", &path(&key)]).ok().out;
    hash.split(' ').next().expect("a hash").to_owned()
}

/// A meter that has no certificate yet.
pub(crate) fn title(number: usize) -> String {
    format!("4D504B010000{:04X}", 0xE000 + number)
}

impl House {
    pub(crate) fn ready(&self) -> bool {
        let url = format!("{}/readyz", self.rehearsal.status());
        curl::<&str>(&self.rehearsal, &url, &[]).status == 200
    }

    pub(crate) fn statuses_of(&self, title: &str) -> Vec<String> {
        let all = self.rehearsal.certificates_of(title);
        all.iter().map(|one| one["status"].as_str().expect("a status").to_owned()).collect()
    }

    /// Asks once.
    pub(crate) fn ask(&self, title: &str) -> Answer {
        let meter = Meter::new(&self.rehearsal, title, Suite::One);
        let shown: Shown = self.rehearsal.token(title, &meter.label(ROW)).into();
        enrol(&self.rehearsal, &meter.label(ROW), &meter.ask().request, &shown)
    }

    /// Asks for a certificate until there is one; whoever is told to come again comes again.
    pub(crate) fn insist(&self, title: &str, told: &Told) {
        let meter = Meter::new(&self.rehearsal, title, Suite::One);
        let request = meter.ask().request;
        let fingerprint = fingerprint(&self.rehearsal, &request);
        self.note(&format!("asked {title} {} {fingerprint}", meter.label(ROW)));
        eventually("the meter has a certificate", || {
            let shown: Shown = self.rehearsal.token(title, &meter.label(ROW)).into();
            let answer = enrol(&self.rehearsal, &meter.label(ROW), &request, &shown);
            told.count(&answer);
            if answer.status == 200 {
                let certificate = certificate_of(&self.rehearsal, &answer);
                self.note(&format!("received {title} {}", hex::encode(to_der(&certificate))));
            }
            self.statuses_of(title).iter().any(|status| status == "good").then_some(())
        });
    }

    /// Has meters ask, some at a time, while something else happens; each has one good certificate at the end, and where an
    /// outcome was unknown, that was revoked and not taken back. Returns how many such there were.
    pub(crate) fn under_load(&self, happens: impl FnOnce(&Told)) -> usize {
        let titles: Vec<String> = (0..AT_ONCE * EACH).map(title).collect();
        let names: Vec<&str> = titles.iter().map(String::as_str).collect();
        self.rehearsal.expect_devices("dso", &names);
        let told = Told::default();
        thread::scope(|scope| {
            for some in titles.chunks(EACH) {
                let told = &told;
                scope.spawn(move || some.iter().for_each(|title| self.insist(title, told)));
            }
            eventually("some are served", || (told.served() >= 4).then_some(()));
            happens(&told);
        });
        let mut others = 0;
        for title in &titles {
            let statuses = self.statuses_of(title);
            let good = statuses.iter().filter(|status| *status == "good").count();
            assert_eq!(good, 1, "{title}: {statuses:?}");
            others += statuses.len() - good;
        }
        others
    }

    /// The audit records of an act after a number.
    pub(crate) fn recorded(&self, act: &str, after: u64) -> Vec<String> {
        let records = self.rehearsal.audit_after(after);
        let of_act = records.iter().filter(|record| record["act"] == act);
        of_act.map(|record| record["detail"].as_str().expect("a text").to_owned()).collect()
    }
}
