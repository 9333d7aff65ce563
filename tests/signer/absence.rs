//! Case H-04: both programs start while the token is away, and issue once it is there.

use e2e::patience::eventually;
use e2e::peer::path;
use e2e::tool::openssl;
use pkcs11_faults::Plan;

use crate::house::{House, Keeping};
use crate::load::title;

const AUTHORITY: &str = "dso-operational-s1";

impl House {
    /// What OCSP says of a serial number at this moment: a status, or why there is none.
    fn ocsp(&self, serial: &str) -> String {
        let issuer = path(&self.rehearsal.authority(AUTHORITY));
        let (root, url) =
            (path(&self.rehearsal.authority("dso-root-s1")), format!("{}/ocsp", self.rehearsal.status()));
        let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
        let serial = format!("0x{serial}");
        openssl(whom.iter().chain(&["-serial", &serial])).all()
    }

    /// As if it were the first start: responders have no certificates yet.
    fn forget_responders(&self) {
        for file in std::fs::read_dir(self.at("published")).expect("what is published") {
            let file = file.expect("a file").path();
            if path(&file).ends_with(".ocsp.cer") {
                std::fs::remove_file(file).expect("it goes");
            }
        }
    }
}

/// What serving looks like before whoever has the keys is there: what `/health` says, and when to come again at most.
struct Before {
    health: &'static str,
    again_seconds: u64,
}

impl House {
    /// Looks at an authority that serves and has no keys, has `come` whoever has them, and looks that it issues without a restart.
    fn issues_once_they_have(&mut self, before: &Before, come: impl FnOnce(&Self)) {
        let number = self.rehearsal.process_number();
        assert!(!self.ready());
        let health = self.page("health");
        assert!(health.contains(before.health), "{health}");
        self.rehearsal.expect_devices("dso", &[&title(0)]);
        let answer = self.ask(&title(0));
        assert_eq!(answer.status, 503, "{}", answer.text());
        let again: u64 = answer.field("Retry-After").expect("it says when").parse().expect("seconds");
        assert!((1..=before.again_seconds).contains(&again), "{again}");
        // Nothing could have signed it: no serial number is burned for it.
        let of_the_meter =
            |act: &str| self.recorded(act, 0).iter().filter(|detail| detail.contains(&title(0))).count();
        assert_eq!((of_the_meter("intent-recorded"), of_the_meter("request-refused")), (0, 1));
        assert!(self.ocsp("1234").contains("trylater"), "{}", self.ocsp("1234"));

        come(self);
        eventually("the authority says that it is ready", || self.ready().then_some(()));
        eventually("the meter is served", || (self.ask(&title(0)).status == 200).then_some(()));
        let serial = self.rehearsal.certificates_of(&title(0));
        let serial = serial.iter().find(|one| one["status"] == "good").expect("a good one")["serial"].clone();
        let serial = serial.as_str().expect("a serial number").to_owned();
        eventually("OCSP answers", || self.ocsp(&serial).contains(": good").then_some(()));
        eventually("checkpoints are signed", || {
            self.rehearsal.operator(&["audit", "checkpoint"]).success.then_some(())
        });
        assert_eq!(self.rehearsal.process_number(), number, "it was not started anew");
        let turns = ["signer-failed", "signer-recovered"].map(|act| self.recorded(act, 0).len());
        assert_eq!(turns, [1, 1]);
        self.check();
    }
}

fn starts_without(keeping: Keeping) {
    let mut house = House::prepared(keeping);
    house.forget_responders();
    house.tokens().plan(&Plan::new().gone("online"));
    house.start();
    eventually("the metrics tell of it", || {
        house.page("metrics").contains("pki_token_state{token=\"online\",state=\"serving\"} 0").then_some(())
    });
    // As long as the token rests, and not the usual time.
    let before = Before { health: "the token online is away", again_seconds: 2 };
    house.issues_once_they_have(&before, |house| house.tokens().plan(&Plan::new()));
}

#[test]
fn h_04_serve_starts_while_its_token_is_away_and_issues_once_it_is_there() {
    starts_without(Keeping::WithAuthority(&["online"]));
}

#[test]
fn h_04_a_signer_starts_while_its_token_is_away_and_so_does_the_authority_behind_it() {
    starts_without(Keeping::WithSigner(&["online"]));
}

#[test]
fn h_04_serve_starts_while_its_signer_is_absent_and_issues_once_it_is_there() {
    let mut house = House::prepared(Keeping::WithSigner(&["online"]));
    house.forget_responders();
    house.rehearsal.serve();
    let before = Before { health: "does not answer", again_seconds: 30 };
    house.issues_once_they_have(&before, House::start_signer);
}

#[test]
fn h_04_what_waiting_does_not_mend_refuses_the_start() {
    let mut house = House::prepared(Keeping::WithAuthority(&["online"]));
    house.tokens().write_pin("user-9999");
    let (code, log) = house.rehearsal.serve_to_its_end();
    assert_eq!(code, Some(8), "{log}");
    assert!(log.contains("refuses the PIN"), "{log}");
    house.tokens().write_pin("user-1234");
    house
        .rehearsal
        .configure("nobody.toml", |text| text.replace("token=online", "token=online;object=nobody"));
    let (code, log) = house.rehearsal.serve_to_its_end();
    assert_eq!(code, Some(8), "{log}");
    assert!(log.contains("no private EC key on the token is"), "{log}");
}

#[test]
fn h_04_commands_that_end_fail_at_once_while_the_token_is_away() {
    let house = House::prepared(Keeping::WithAuthority(&["online"]));
    house.tokens().plan(&Plan::new().gone("online"));
    let mut command = house.rehearsal.operator_command(&["crl", "resign", AUTHORITY]);
    command.envs(house.tokens().environment());
    let said = e2e::tool::finish(&mut command);
    assert_eq!(said.code, Some(8), "{}", said.all());
    assert!(said.err.contains("no token is token=online"), "{}", said.err);
}

#[test]
fn a_signer_is_proposed_with_the_tokens_of_the_authority_and_their_bounds() {
    let house = House::prepared(Keeping::WithAuthority(&["first", "second"]));
    let proposal = house.rehearsal.operator(&["signer", "propose"]).ok().out;
    std::fs::write(house.at("signer.toml"), &proposal).expect("the file");
    for text in
        [house.tokens().uri("first"), house.tokens().uri("second"), "longest_rest_seconds = 2".to_owned()]
    {
        assert!(proposal.contains(&text), "{text}: {proposal}");
    }
    house.start_signer();
    let state = house.signer_verb(&["state"]).ok().out;
    assert!(state.contains("token first: serving") && state.contains("token second: serving"), "{state}");
    house.stop_signer();
}

#[test]
fn one_token_or_several_are_named_and_not_both() {
    let mut house = House::prepared(Keeping::WithAuthority(&["online"]));
    let uri = house.tokens().uri("spare");
    house.rehearsal.configure("both.toml", |text| {
        text.replace("token_uri =", &format!("token_uris = [\"{uri}\", \"{uri}\"]\ntoken_uri ="))
            .replace("longest_rest_seconds = 2", "shortest_rest_seconds = 9, longest_rest_seconds = 2")
    });
    let said = house.rehearsal.operator(&["config", "check"]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    for sentence in [
        "token_uri names one token and token_uris names several: give one of the two",
        "longest_rest_seconds is shorter than shortest_rest_seconds",
    ] {
        assert!(said.err.contains(sentence), "{sentence}: {}", said.err);
    }
}
