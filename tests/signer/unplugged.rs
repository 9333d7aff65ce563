//! Cases H-01 and H-02 of a token that is pulled out under load: what meters, operators and the audit trail are told.

use e2e::patience::eventually;
use e2e::peer::{make_key, path};
use e2e::tool::openssl;
use pkcs11_faults::Plan;

use crate::house::{House, Keeping};
use crate::load::title;

/// A meter that had a certificate before, and one that asks by CMP.
const OTHER: usize = 90;
const BY_CMP: usize = 91;

impl House {
    pub(crate) fn ocsp_of(&self, certificate: &str) -> String {
        let issuer = path(&self.rehearsal.authority("dso-operational-s1"));
        let root = path(&self.rehearsal.authority("dso-root-s1"));
        let url = format!("{}/ocsp", self.rehearsal.status());
        let whom = [
            "ocsp",
            "-no_nonce",
            "-url",
            &url,
            "-CAfile",
            &root,
            "-verify_other",
            &issuer,
            "-issuer",
            &issuer,
        ];
        openssl(whom.iter().chain(&["-cert", certificate])).all()
    }

    /// Asks by CMP under a MAC, whose answers no key signs.
    fn ask_by_cmp(&self) -> String {
        let (title, key) = (title(BY_CMP), self.rehearsal.unique("cmp.key"));
        let (_, secret) = self.rehearsal.token(&title, "meter-op-tls-s1");
        std::fs::write(self.at("secrets/ref-1"), &secret).expect("a file");
        make_key(&key, "P-256");
        let (subject, pass) = (format!("/CN={title}"), format!("pass:{secret}"));
        let server = self.rehearsal.origin().trim_start_matches("https://").to_owned();
        let (root, out) = (path(&self.rehearsal.root()), path(&self.rehearsal.unique("cmp.pem")));
        let key = path(&key);
        let fixed = ["cmp", "-config", "", "-batch", "-cmd", "ir", "-tls_used", "-mac", "hmacWithSHA256"];
        let place =
            ["-server", &server, "-path", "/.well-known/cmp/p/meter-op-tls-s1", "-tls_trusted", &root];
        let whom =
            ["-ref", "ref-1", "-secret", &pass, "-subject", &subject, "-newkey", &key, "-certout", &out];
        openssl([&fixed[..], &place, &whom].concat()).all()
    }
}

/// H-01 and H-02: the token goes in the middle of the work and comes back.
fn is_pulled_out_and_put_back(keeping: Keeping) {
    let mut house = House::prepared(keeping);
    house.start();
    let (other, by_cmp) = (title(OTHER), title(BY_CMP));
    house.rehearsal.expect_devices("dso", &[&other, &by_cmp]);
    let answer = house.ask(&other);
    let certificate = path(&e2e::peer::certificate_of(&house.rehearsal, &answer));
    assert!(house.ocsp_of(&certificate).contains(": good"));
    let before = house.rehearsal.audited();
    house.under_load(|told| {
        house.tokens().plan(&Plan::new().gone("online"));
        eventually("the authority says that it is not ready", || (!house.ready()).then_some(()));
        let health = house.page("health");
        assert!(health.contains("the token online is away"), "{health}");
        let put_off = told.put_off();
        eventually("some are put off", || (told.put_off() > put_off + 4).then_some(()));
        // What was answered before is answered still, and CMP says why not in its own words.
        assert!(house.ocsp_of(&certificate).contains(": good"));
        let refused = house.ask_by_cmp();
        assert!(refused.contains("systemUnavail") && refused.contains("try again in"), "{refused}");
        house.tokens().plan(&Plan::new());
        eventually("the authority says that it is ready", || house.ready().then_some(()));
        // Rests are of two seconds at most; who was asked for a signature that may exist is told the usual time.
        let waits = told.waits();
        assert!(waits.iter().any(|wait| *wait <= 2), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= 2 || *wait == 30), "{waits:?}");
    });
    let turns = ["signer-failed", "signer-recovered"].map(|act| house.recorded(act, before));
    assert!(turns.iter().all(|told| told.len() == 1 && told[0].contains("token")), "{turns:?}");
    eventually("the metrics tell of it", || {
        let metrics = house.page("metrics");
        let told = [
            "pki_token_failures_total{token=\"online\"} 1\n",
            "pki_token_state{token=\"online\",state=\"serving\"} 1\n",
            "pki_token_signatures_total{token=\"online\",outcome=\"signed\"} ",
            "pki_token_queue{token=\"online\"} ",
        ];
        told.iter().all(|line| metrics.contains(line)).then_some(())
    });
    if let Keeping::WithSigner(_) = keeping {
        let state = house.signer_verb(&["state"]).ok().out;
        assert!(
            state.contains("token online: serving; signed ") && state.contains("failed 1 times, last: "),
            "{state}"
        );
        eventually("the signer's own file has the same", || {
            let metrics = std::fs::read_to_string(house.at("signer/metrics.prom")).expect("the file");
            let told = [
                "pki_token_failures_total{token=\"online\"} 1\n",
                "pki_token_state{token=\"online\",state=\"serving\"} 1\n",
                "purposes=\"certificate, crl\",outcome=\"signed\"} ",
                "pki_signer_log_records ",
            ];
            told.iter().all(|line| metrics.contains(line)).then_some(())
        });
    }
    house.check();
}

#[test]
fn h_01_a_token_of_the_authority_is_pulled_out_under_load_and_put_back_and_nothing_is_lost() {
    is_pulled_out_and_put_back(Keeping::WithAuthority(&["online"]));
}

#[test]
fn h_01_the_same_with_the_token_behind_a_signer() {
    is_pulled_out_and_put_back(Keeping::WithSigner(&["online"]));
}

/// Two tokens with the same keys: one is pulled out, and only what was in flight on it is put off.
fn has_a_spare(keeping: Keeping) {
    let mut house = House::prepared(keeping);
    house.start();
    let before = house.rehearsal.audited();
    house.under_load(|told| {
        house.tokens().plan(&Plan::new().gone("first"));
        eventually("the loss is told", || {
            house.page("health").contains("the token first is away").then_some(())
        });
        assert!(house.ready(), "the other one has every key");
        let served = told.served();
        eventually("meters are served on", || (told.served() >= served + 4).then_some(()));
        // At most one request of each of the four that ask at a time was in flight.
        assert!(told.put_off() <= 4, "{}", told.put_off());
    });
    assert_eq!(house.recorded("signer-failed", before).len(), 1);
    house.tokens().plan(&Plan::new());
    eventually("it is back", || (!house.page("health").contains("is away")).then_some(()));
    eventually("both are counted", || {
        let metrics = house.page("metrics");
        let signed = |token: &str| {
            let line = format!("pki_token_signatures_total{{token=\"{token}\",outcome=\"signed\"}} ");
            let count = metrics.lines().find_map(|shown| shown.strip_prefix(&line));
            count.is_some_and(|count| count != "0")
        };
        let failed = |token: &str, times: u32| {
            metrics.contains(&format!("pki_token_failures_total{{token=\"{token}\"}} {times}\n"))
        };
        (signed("first") && signed("second") && failed("first", 1) && failed("second", 0)).then_some(())
    });
    assert_eq!(house.recorded("signer-recovered", before).len(), 1);
    house.check();
}

#[test]
fn of_two_tokens_with_the_same_keys_one_is_pulled_out_under_load_and_the_other_signs() {
    has_a_spare(Keeping::WithAuthority(&["first", "second"]));
}

#[test]
fn the_same_with_both_tokens_behind_a_signer() {
    has_a_spare(Keeping::WithSigner(&["first", "second"]));
}
