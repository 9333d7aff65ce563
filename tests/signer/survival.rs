//! Case H-08: the process with the module ends, and the authority does not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, curl, enrol};

use crate::house::House;

const ROW: &str = "meter-op-tls";

/// How many meters ask at a time, and how many one after the other.
const AT_ONCE: usize = 4;
const EACH: usize = 6;

/// What meters were told.
#[derive(Default)]
struct Told {
    served: AtomicUsize,
    put_off: AtomicUsize,
}

impl Told {
    fn count(&self, answer: &Answer) {
        match answer.status {
            200 => {
                self.served.fetch_add(1, Ordering::SeqCst);
            }
            503 => {
                let again = answer.field("Retry-After").expect("it says when to come again");
                assert!(again.parse::<u32>().expect("seconds") > 0);
                self.put_off.fetch_add(1, Ordering::SeqCst);
            }
            // A slot that an uncertain certificate holds until it is revoked, or a token that went with it.
            status => assert!([401, 403, 409].contains(&status), "{status}: {}", answer.text()),
        }
    }
}

impl House {
    fn ready(&self) -> bool {
        let url = format!("{}/readyz", self.rehearsal.status());
        curl::<&str>(&self.rehearsal, &url, &[]).status == 200
    }

    fn statuses_of(&self, title: &str) -> Vec<String> {
        let all = self.rehearsal.certificates_of(title);
        all.iter().map(|one| one["status"].as_str().expect("a status").to_owned()).collect()
    }

    /// Asks for a certificate until there is one; whoever is told to come again comes again.
    fn insist(&self, title: &str, told: &Told) {
        let meter = Meter::new(&self.rehearsal, title, Suite::One);
        let request = meter.ask().request;
        eventually("the meter has a certificate", || {
            let shown: Shown = self.rehearsal.token(title, &meter.label(ROW)).into();
            let answer = enrol(&self.rehearsal, &meter.label(ROW), &request, &shown);
            told.count(&answer);
            self.statuses_of(title).iter().any(|status| status == "good").then_some(())
        });
    }

    /// Kills the signer when some are served, looks at the authority without it, and starts it again.
    fn kill_and_start(&self, told: &Told) {
        eventually("some are served", || (told.served.load(Ordering::SeqCst) >= 4).then_some(()));
        self.kill_signer();
        eventually("the authority says that it is not ready", || (!self.ready()).then_some(()));
        let before = told.put_off.load(Ordering::SeqCst);
        eventually("some are put off", || (told.put_off.load(Ordering::SeqCst) > before).then_some(()));
        drop(self.rehearsal.operator(&["ca", "list"]).ok());
        self.start_signer();
        eventually("the authority says that it is ready", || self.ready().then_some(()));
    }
}

fn survives(on_token: bool) {
    let mut house = House::new(on_token);
    let titles: Vec<String> =
        (0..AT_ONCE * EACH).map(|number| format!("4D504B010000{:04X}", 0xE000 + number)).collect();
    let names: Vec<&str> = titles.iter().map(String::as_str).collect();
    house.rehearsal.expect_devices("dso", &names);
    let number = house.rehearsal.process_number();
    assert!(!House::mapped(number).contains("libsofthsm2"), "the authority maps no module");
    assert_eq!(House::mapped(house.signer_number()).contains("libsofthsm2"), on_token);
    assert!(house.ready());

    let told = Told::default();
    thread::scope(|scope| {
        let (house, told) = (&house, &told);
        for some in titles.chunks(EACH) {
            scope.spawn(move || some.iter().for_each(|title| house.insist(title, told)));
        }
        house.kill_and_start(told);
    });
    assert_eq!(house.rehearsal.process_number(), number, "it is the same process");
    // One good certificate each; where an outcome was unknown, it was revoked and not taken back.
    for title in &titles {
        let statuses = house.statuses_of(title);
        assert_eq!(statuses.iter().filter(|status| *status == "good").count(), 1, "{title}: {statuses:?}");
    }
    house.check();
}

#[test]
fn h_08_the_authority_outlives_a_signer_with_a_token_that_is_killed_under_load() {
    survives(true);
}

#[test]
fn h_08_the_same_with_keys_in_files() {
    survives(false);
}
