//! `init`, and what holds for every verb: the command line, secrets, files, output.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::harness::{NEXT_UPDATE, PASSPHRASE, Place, SubCa, TIME, files, names, ran};
use ca_core::suite::Curve;

#[test]
fn makes_a_root_of_each_suite_that_openssl_accepts_strictly() {
    for (suite, curve, hash) in [("1", "prime256v1", "SHA256"), ("2", "secp384r1", "SHA384")] {
        let place = Place::new();
        let made = place.init(suite, &[]).ok().json();
        assert_eq!(made["profile"], format!("root-s{suite}"));
        assert_eq!(made["subject"], "CN=Example Root G1,O=Example Utility,C=ZZ");
        assert_eq!((&made["not_before"], &made["not_after"]), (&TIME.into(), &"9999-12-31T23:59:59Z".into()));
        place.openssl_ok(
            "verify -x509_strict -check_ss_sig -CAfile root/public/root.crt root/public/root.crt",
        );
        let text = place.openssl_ok("x509 -in root/public/root.crt -noout -text");
        assert!(text.contains(&format!("Signature Algorithm: ecdsa-with-{hash}")), "{text}");
        assert!(
            text.contains(&format!("ASN1 OID: {curve}")) && text.contains("CA:TRUE, pathlen:1"),
            "{text}"
        );
        let printed = place.openssl_ok("x509 -in root/public/root.crt -noout -fingerprint -sha256");
        let printed = printed.trim().split('=').nth(1).unwrap().replace(':', "").to_lowercase();
        assert_eq!(made["certificate_sha256"], printed);
        place.openssl_ok("pkey -pubin -in root/public/exchange-key.pem -noout");
        place.verify().ok();
    }
}

#[test]
fn the_exchange_key_is_not_the_key_of_the_root() {
    let place = Place::with_root("1");
    let of = |arguments| place.openssl_ok(arguments);
    let root = of("x509 -in root/public/root.crt -noout -pubkey");
    assert_ne!(root, of("pkey -pubin -in root/public/exchange-key.pem"));
    assert_eq!(names(&place.path("root/keys")).len(), 2);
}

#[test]
fn r_03_nothing_is_derived_from_the_clock_of_the_machine() {
    let place = Place::new();
    let made = place.init_at("1", "2031-01-01T00:00:00+01:00", &[]).ok().json();
    assert_eq!(made["not_before"], "2030-12-31T23:00:00Z");
    for name in place.ledger().iter().filter(|name| !name.ends_with("-signing.pem")) {
        let entry = String::from_utf8(place.read(&format!("root/ledger/{name}"))).unwrap();
        assert!(entry.contains("Time      2030-12-31T23:00:00Z"), "{entry}");
    }
    let without_time = place.run(["init", "--suite", "1", "--dir", "other", "--key-file"]);
    assert_eq!(without_time.exit, Some(2));
    assert!(without_time.err.contains("--time"), "{}", without_time.err);
}

#[test]
fn r_06_a_directory_that_exists_is_left_as_it_is() {
    let place = Place::with_root("1");
    let before: Vec<Vec<u8>> =
        files(&place.path("root")).iter().map(|path| fs::read(path).unwrap()).collect();
    place.init("2", &[]).refused(7, "file.exists");
    let after: Vec<Vec<u8>> = files(&place.path("root")).iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn a_name_of_more_than_127_octets_makes_nothing() {
    let place = Place::new();
    let (long, longer) = ("x".repeat(40), "y".repeat(60));
    let run = place.run([
        "init",
        "--json",
        "--dir",
        "root",
        "--suite",
        "1",
        "--country",
        "ZZ",
        "--organization",
        &longer,
        "--common-name",
        &long,
        "--time",
        TIME,
        "--key-file",
        "--passphrase-file",
        "pass",
    ]);
    run.refused(2, "subject.unfit");
    assert!(!place.path("root").exists());
}

#[test]
fn settings_that_cannot_be_are_refused_before_anything_is_made() {
    for (option, value, code) in [
        ("--profile", "sub-operational", "profile.unknown"),
        ("--profile", "meter-op-ds", "profile.unknown"),
        ("--profile-set", "no-such", "profile.settings"),
        ("--profile-set", "strict-empty", "profile.settings"),
        ("--policy-arc", "not.an.oid", "profile.settings"),
        ("--ocsp-uri", "https://pki.example/ocsp", "publication.point"),
    ] {
        let place = Place::new();
        place.init("1", &[option, value]).refused(2, code);
        assert!(!place.path("root").exists(), "{option} {value}");
    }
}

#[test]
fn a_root_of_thirty_years_is_made_by_its_own_profile() {
    let place = Place::new();
    let made = place.init("2", &["--profile", "root-30y"]).ok().json();
    assert_eq!(made["profile"], "root-30y-s2");
    assert!(made["not_after"].as_str().unwrap().starts_with("2056-11-"), "{made}");
}

#[test]
fn i_01_an_unknown_option_or_verb_ends_with_2_and_a_suggestion() {
    let place = Place::new();
    for (arguments, suggestion) in [
        (vec!["init", "--sute", "1"], "--suite"),
        (vec!["verfy"], "verify"),
        (vec!["crl", "--thisupdate", "now"], "--this-update"),
    ] {
        let run = place.run(arguments);
        assert_eq!((run.exit, run.out.as_str()), (Some(2), ""));
        assert!(run.err.contains(suggestion), "{}", run.err);
    }
    for suite in ["0", "3", "one"] {
        assert_eq!(place.init(suite, &[]).exit, Some(2));
    }
}

#[test]
fn i_03_a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let place = Place::new();
    let run = place.run(["verify", "--dir", "root", "--passphrase", "canary-on-the-line"]);
    assert_eq!(run.exit, Some(2));
    let run = place.run([
        "init",
        "--json",
        "--dir",
        "root",
        "--suite",
        "1",
        "--country",
        "ZZ",
        "--organization",
        "O",
        "--common-name",
        "C",
        "--time",
        TIME,
        "--token-uri",
        "pkcs11:token=root?module-path=/usr/lib/m.so&pin-value=canary-in-the-uri",
    ]);
    run.refused(2, "token.uri");
    assert!(!run.err.contains("canary"), "{}", run.err);
}

#[test]
fn i_08_without_a_terminal_nothing_is_asked() {
    let place = Place::with_root("1");
    let run = place.verb("crl", &["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", "crl"]);
    run.refused(2, "secret.unusable");
    assert!(!place.path("crl").exists());
}

#[test]
fn i_09_a_closed_pipe_ends_the_program_quietly() {
    let place = Place::with_root("1");
    let mut child = place
        .program(["verify", "--dir", "root"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn i_10_locale_and_time_zone_change_nothing() {
    let place = Place::with_root("1");
    let show = |zone: &str, locale: &str| {
        let mut program = place.program(["show", "root/public/root.crt"]);
        ran(program.env("TZ", zone).env("LC_ALL", locale)).ok().out
    };
    let plain = show("UTC", "C");
    assert!(plain.contains(TIME));
    assert_eq!(plain, show("Asia/Kolkata", "tr_TR.UTF-8"));
}

#[test]
fn i_11_what_lets_others_in_is_refused() {
    let place = Place::with_root("1");
    fs::set_permissions(place.path("pass"), Permissions::from_mode(0o640)).unwrap();
    place.crl("crl", TIME, NEXT_UPDATE).refused(6, "secret.file");
    fs::set_permissions(place.path("pass"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(place.path("root"), Permissions::from_mode(0o750)).unwrap();
    place.crl("crl", TIME, NEXT_UPDATE).refused(6, "root.too-open");
    place.verify().refused(6, "root.too-open");
}

#[test]
fn i_11_everything_made_is_its_owners_alone() {
    let place = Place::with_root("1");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    for directory in ["root", "root/keys", "root/ledger", "root/exchanges", "root/public"] {
        assert_eq!(mode(directory), 0o700, "{directory}");
    }
    for file in files(&place.path("root")) {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        let public = file.starts_with(place.path("root/public"));
        assert!(mode == 0o600 || public && mode & 0o133 == 0, "{} {mode:o}", file.display());
    }
}

#[test]
fn i_12_errors_are_json_as_well_when_that_is_asked_for() {
    let place = Place::new();
    let run = place.run(["verify", "--json", "--dir", "absent"]);
    run.refused(5, "root.absent");
    let error = run.error();
    assert_eq!(error["exit"], 5);
    for key in ["message", "next"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "{error}");
    }
    place.run(["verify", "--json", "--no-such-option"]).refused(2, "usage");
}

#[test]
fn an_error_says_what_and_what_to_do_next() {
    let run = Place::new().run(["verify", "--dir", "absent"]);
    assert_eq!((run.exit, run.out.as_str()), (Some(5), ""));
    assert!(run.err.starts_with("offline-root: absent cannot be opened: "), "{}", run.err);
    assert!(run.err.ends_with(" (root.absent)\n  next: check --dir\n"), "{}", run.err);
}

#[test]
fn a_wrong_passphrase_ends_with_6_and_leaves_no_trace() {
    let place = Place::with_root("1");
    let before = place.ledger();
    place.secret("pass", "another one");
    place.crl("crl", TIME, NEXT_UPDATE).refused(6, "secret.wrong");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    place.sign(&request).refused(6, "secret.wrong");
    assert_eq!(place.ledger(), before);
    assert_eq!(names(&place.path("root/exchanges")), Vec::<String>::new());
    assert!(!place.path("crl").exists() && !place.path("response").exists());
}

#[test]
fn a_secret_for_another_store_is_refused() {
    let place = Place::with_root("1");
    let times = ["--this-update", TIME, "--next-update", NEXT_UPDATE, "--out", "crl"];
    place.verb("crl", &[&times[..], &["--pin-file", "pass"]].concat()).refused(2, "secret.unusable");
}

#[test]
fn a_05_the_passphrase_stands_nowhere() {
    let place = Place::new();
    let made = place.init("1", &[]).ok();
    assert!(!made.out.contains(PASSPHRASE));
    for file in files(&place.path("root")) {
        let octets = fs::read(&file).unwrap();
        let found = octets.windows(PASSPHRASE.len()).any(|window| window == PASSPHRASE.as_bytes());
        assert!(!found, "{}", file.display());
    }
}

#[test]
fn what_an_interrupted_founding_left_is_no_root_and_is_not_taken_up() {
    let place = Place::with_root("1");
    fs::remove_file(place.path("root/ceremony.toml")).unwrap();
    place.crl("crl", TIME, NEXT_UPDATE).refused(5, "root.absent");
    place.verify().refused(5, "root.absent");
    place.init("1", &[]).refused(7, "file.exists");
}

#[test]
fn r_05_r_21_a_founding_that_a_rule_stops_signs_nothing_and_its_keys_are_destroyed_on_record() {
    let place = Place::new();
    // The country is a rule of the linter, after the keys were made.
    let run = place.run([
        "init",
        "--json",
        "--dir",
        "root",
        "--suite",
        "1",
        "--country",
        "zz",
        "--organization",
        "O",
        "--common-name",
        "C",
        "--time",
        TIME,
        "--key-file",
        "--passphrase-file",
        "pass",
    ]);
    run.refused(4, "lint.failed");
    let error = run.error();
    assert!(error["message"].as_str().unwrap().contains("rfc5280.country"), "{error}");
    assert!(error["next"].as_str().unwrap().contains("move root away"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("the keys that were made are destroyed"), "{error}");
    let entries = ["000001-event.pem", "000002-event.pem"];
    assert_eq!(place.ledger(), entries, "nothing was intended, nothing signed");
    assert_eq!(names(&place.path("root/keys")), [""; 0]);
    let entry = place.last_entry();
    assert!(entry.contains("key-destroyed") && entry.contains("lint.failed"), "{entry}");
}

#[test]
fn typing_a_passphrase_at_a_terminal_opens_the_keys_and_is_not_shown() {
    let place = Place::with_root("1");
    let program = env!("CARGO_BIN_EXE_offline-root");
    let line = format!("{program} crl --dir root --this-update {TIME} --next-update {NEXT_UPDATE} --out crl");
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(place.path(""));
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let mut shown = Vec::new();
    let mut octet = [0];
    while !shown.ends_with(b"key files: ") {
        screen.read_exact(&mut octet).unwrap();
        shown.push(octet[0]);
    }
    std::io::Write::write_all(&mut child.stdin.as_ref().unwrap(), format!("{PASSPHRASE}\n").as_bytes())
        .unwrap();
    screen.read_to_end(&mut shown).unwrap();
    let shown = String::from_utf8_lossy(&shown);
    assert!(child.wait().unwrap().success(), "{shown}");
    assert!(place.path("crl").exists() && !shown.contains(PASSPHRASE), "{shown}");
}
