//! The same ceremony with the keys on a token: SoftHSM2, told where its tokens are by the environment of each process.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ca_core::suite::Curve;

use crate::harness::{NEXT_UPDATE, Place, Ran, SubCa, TIME, ran};

/// Ten years after the first founding.
const LATER: &str = "2036-11-21T10:00:00Z";

const PIN: &str = "4711-pin";

/// A place with a token of its own, labelled `root`.
struct TokenPlace {
    place: Place,
    module: PathBuf,
}

impl TokenPlace {
    fn new() -> Self {
        let place = Place::new();
        place.secret("pin", PIN);
        place.secret("wrong-pin", "0815-pin");
        fs::create_dir(place.path("tokens")).unwrap();
        let tokens = place.path("tokens").display().to_string();
        fs::write(place.path("softhsm2.conf"), format!("directories.tokendir = {tokens}\n")).unwrap();
        let token = Self { place, module: find_module() };
        let mut tool = Command::new("softhsm2-util");
        tool.args(["--init-token", "--free", "--label", "root", "--so-pin", "so-1234", "--pin", PIN]);
        let made = tool.env("SOFTHSM2_CONF", token.place.path("softhsm2.conf")).output();
        assert!(made.expect("softhsm2-util is not installed: run tests/run").status.success());
        token
    }

    fn uri(&self, token: &str) -> String {
        format!("pkcs11:{token}?module-path={}", self.module.display())
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.place.program(arguments).env("SOFTHSM2_CONF", self.place.path("softhsm2.conf")))
    }

    fn init(&self, suite: &str, uri: &str, more: &[&str]) -> Ran {
        let mut all = vec!["init", "--json", "--dir", "root", "--suite", suite, "--country", "ZZ"];
        all.extend(["--organization", "Example Utility", "--common-name", "Example Root G1"]);
        all.extend(["--token-uri", uri]);
        if !more.contains(&"--time") {
            all.extend(["--time", TIME]);
        }
        all.extend(more);
        self.run(&all)
    }

    fn verb(&self, verb: &str, arguments: &[&str]) -> Ran {
        self.run(&[&[verb, "--json", "--dir", "root"], arguments].concat())
    }

    fn crl(&self, pin: &str) -> Ran {
        let times = ["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", "crl"];
        self.verb("crl", &[&times[..], &["--pin-file", pin]].concat())
    }
}

/// Finds the library where distributions put it.
fn find_module() -> PathBuf {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"].map(PathBuf::from);
    let by_architecture = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    folders
        .into_iter()
        .chain(by_architecture)
        .flat_map(|folder| ["softhsm", "pkcs11"].map(|name| folder.join(name).join("libsofthsm2.so")))
        .find(|path| path.is_file())
        .expect("SoftHSM2 is not installed: run tests/run, which installs what the tests need")
}

#[test]
fn a_whole_ceremony_of_each_suite_on_a_token() {
    for (suite, curve) in [("1", Curve::P256), ("2", Curve::P384)] {
        let token = TokenPlace::new();
        token.init(suite, &token.uri("token=root"), &["--pin-file", "pin"]).ok();
        assert!(!token.place.path("root/keys").exists(), "no key is in a file");
        let request = SubCa::new(curve).request(&format!("sub-operational-s{suite}"));
        token.place.put_request(&request);
        let files = ["--request", "request", "--out", "response", "--pin-file", "pin", "--time", TIME];
        token.verb("sign-subca", &files).ok();
        let accepted = token.place.accept(&request);
        token.crl("pin").ok();
        let place = &token.place;
        place.put_pem("sub.crt", "CERTIFICATE", accepted.certificate.der());
        place.put_pem("crl.pem", "X509 CRL", &place.read("crl"));
        place.openssl_ok(
            "verify -x509_strict -attime 1795300000 -crl_check -CRLfile crl.pem -CAfile root/public/root.crt sub.crt",
        );
        // What was made can be looked at without token and PIN.
        place.verify().ok();
    }
}

#[test]
fn the_pin_can_come_from_the_uri_and_stands_nowhere() {
    let token = TokenPlace::new();
    let uri = format!("{}&pin-source=file:{}", token.uri("token=root"), token.place.path("pin").display());
    token.init("1", &uri, &[]).ok();
    let times = ["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", "crl"];
    token.verb("crl", &times).ok();
    for file in crate::harness::files(&token.place.path("root")) {
        let text = String::from_utf8(fs::read(&file).unwrap()).unwrap();
        assert!(!text.contains(PIN), "{}", file.display());
    }
}

#[test]
fn h_05_a_wrong_pin_is_tried_once_and_makes_nothing() {
    let token = TokenPlace::new();
    token.init("1", &token.uri("token=root"), &["--pin-file", "wrong-pin"]).refused(6, "secret.wrong");
    assert!(!token.place.path("root").exists());
    token.init("1", &token.uri("token=root"), &["--pin-file", "pin"]).ok();
    let before = token.place.ledger();
    token.crl("wrong-pin").refused(6, "secret.wrong");
    assert_eq!(token.place.ledger(), before);
    token.crl("pin").ok();
}

#[test]
fn a_label_that_is_taken_is_refused() {
    let token = TokenPlace::new();
    token.init("1", &token.uri("token=root"), &["--pin-file", "pin"]).ok();
    fs::rename(token.place.path("root"), token.place.path("first")).unwrap();
    let run = token.init("2", &token.uri("token=root"), &["--pin-file", "pin"]);
    run.refused(1, "key.not-made");
    assert!(run.error()["next"].as_str().unwrap().contains("--key-label"), "{run:?}");
    fs::remove_dir_all(token.place.path("root")).unwrap();
    token.init("2", &token.uri("token=root"), &["--pin-file", "pin", "--key-label", "Root S2 G1"]).ok();
}

#[test]
fn r_21_keys_of_a_founding_that_was_given_up_are_taken_off_the_token() {
    let token = TokenPlace::new();
    // The country is a rule of the linter, after the keys were made.
    let all = ["init", "--json", "--dir", "root", "--suite", "1", "--country", "zz", "--organization", "O"];
    let uri = token.uri("token=root");
    let more = ["--common-name", "C", "--time", TIME, "--token-uri", &uri, "--pin-file", "pin"];
    token.run(&[&all[..], &more].concat()).refused(4, "lint.failed");
    let module = token.module.display().to_string();
    let mut tool = Command::new("pkcs11-tool");
    tool.args(["--module", &module, "--token-label", "root", "--login", "--pin", PIN, "--list-objects"]);
    let said = tool.env("SOFTHSM2_CONF", token.place.path("softhsm2.conf")).output();
    let said = String::from_utf8(said.expect("pkcs11-tool is not installed: run tests/run").stdout).unwrap();
    assert!(!said.contains("Key Object"), "{said}");
}

#[test]
fn two_generations_on_one_token_are_linked_and_the_old_one_is_destroyed_there() {
    let token = TokenPlace::new();
    token.init("1", &token.uri("token=root"), &["--pin-file", "pin"]).ok();
    fs::rename(token.place.path("root"), token.place.path("old")).unwrap();
    token
        .init("1", &token.uri("token=root"), &["--pin-file", "pin", "--key-label", "G2", "--time", LATER])
        .ok();
    fs::rename(token.place.path("root"), token.place.path("new")).unwrap();
    let run = |verb, dir, more: &[&str]| {
        let fixed = [verb, "--json", "--dir", dir, "--time", LATER, "--pin-file", "pin"];
        token.run(&[&fixed[..], more].concat())
    };
    run("link", "old", &["--other", "new/public/root.crt", "--out", "new-with-old.crt"]).ok();
    run("link", "new", &["--other", "old/public/root.crt", "--out", "old-with-new.crt"]).ok();
    for (anchor, link) in [("old", "new-with-old"), ("new", "old-with-new")] {
        token.place.openssl_ok(&format!(
            "verify -x509_strict -attime 2110960800 -CAfile {anchor}/public/root.crt {link}.crt"
        ));
    }
    let series =
        ["--first", LATER, "--every-days", "30", "--overlap-days", "5", "--count", "3", "--out", "series"];
    run("crl-series", "old", &series).ok();
    let serial = token.place.openssl_ok("x509 -in old/public/root.crt -noout -serial");
    let serial = serial.trim().strip_prefix("serial=").unwrap();
    run("destroy-key", "old", &["--serial", serial, "--reason", "succeeded"]).ok();
    run(
        "crl-series",
        "old",
        &["--first", LATER, "--every-days", "30", "--overlap-days", "5", "--count", "3", "--out", "x"],
    )
    .refused(7, "key.destroyed");
    // The keys of the successor, on the same token, are as they were; of the old ones neither half is left.
    run(
        "crl-series",
        "new",
        &["--first", LATER, "--every-days", "30", "--overlap-days", "5", "--count", "3", "--out", "y"],
    )
    .ok();
    let module = token.module.display().to_string();
    let mut tool = Command::new("pkcs11-tool");
    tool.args(["--module", &module, "--token-label", "root", "--login", "--pin", PIN, "--list-objects"]);
    let said = tool.env("SOFTHSM2_CONF", token.place.path("softhsm2.conf")).output();
    let said = String::from_utf8(said.expect("pkcs11-tool is not installed: run tests/run").stdout).unwrap();
    assert!(said.contains("G2 exchange") && !said.contains("Example Root G1"), "{said}");
}

#[test]
fn h_04_a_token_that_is_not_there_changes_nothing() {
    let token = TokenPlace::new();
    token.init("1", &token.uri("token=root"), &["--pin-file", "pin"]).ok();
    let before = token.place.ledger();
    fs::rename(token.place.path("tokens"), token.place.path("safe")).unwrap();
    fs::create_dir(token.place.path("tokens")).unwrap();
    token.crl("pin").refused(8, "signer.unavailable");
    assert_eq!(token.place.ledger(), before);
    fs::remove_dir_all(token.place.path("tokens")).unwrap();
    fs::rename(token.place.path("safe"), token.place.path("tokens")).unwrap();
    token.crl("pin").ok();
}

#[test]
fn r_18_tokens_are_named_by_label_or_serial_number_never_by_slot() {
    let token = TokenPlace::new();
    for uri in [token.uri("slot-id=0"), token.uri("token=root;slot-id=0"), "token=root".to_owned()] {
        token.init("1", &uri, &["--pin-file", "pin"]).refused(2, "token.uri");
    }
    token.init("1", &token.uri("token=other"), &["--pin-file", "pin"]).refused(8, "signer.unavailable");
    assert!(!token.place.path("root").exists());
}
