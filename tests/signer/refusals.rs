//! What the signer and the authority say where something is not as it should be.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use e2e::patience::eventually;
use e2e::peer::path;
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl};

use crate::house::{House, Keeping};

/// Case H-15.
#[test]
fn h_15_keys_in_files_are_refused_unless_the_configuration_allows_software_keys() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    rehearsal.configure("strict.toml", |text| text.replace("allow_software_key = true\n", ""));
    let said = rehearsal.operator(&["config", "check"]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("type allow_software_key = true in [keys]"), "{}", said.err);
    let (code, log) = rehearsal.serve_to_its_end();
    assert_eq!(code, Some(2), "{log}");
}

#[test]
fn every_fault_of_the_signers_configuration_is_told_with_its_line() {
    let house = House::new(false);
    house.stop_signer();
    let text = std::fs::read_to_string(house.at("signer.toml")).expect("the configuration");
    let faulty = text
        .replacen("allow_software_key = true\n", "", 1)
        .replacen("crl_profiles = [\"crl-online\"]", "crl_profiles = [\"crl-paper\"]", 1)
        .replacen("purposes = [\"ocsp\"]", "purposes = [\"message\", \"ocsp\"]", 1)
        .replacen("origin = ", "per_day = 0\norigin = ", 1);
    std::fs::write(house.at("signer.toml"), faulty).expect("the file");
    let said = house.signer_verb(&[]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    for sentence in [
        "faults in the configuration: 4",
        "keys.directory: a key in a file is kept by software",
        "key.crl_profiles: there is no crl_profile crl-paper",
        "key.purposes: certificate and crl, together or alone",
        "key: per_second and per_day are 1 or more",
    ] {
        assert!(said.err.contains(sentence), "{sentence}: {}", said.err);
    }
}

/// Case H-07: the key that is there is not the one of the certificate.
#[test]
fn h_07_a_signer_whose_key_is_not_that_of_the_certificate_says_so_and_does_not_start() {
    let mut house = House::prepared(Keeping::WithSigner(&["online"]));
    let [key, pem, der] = ["other.key", "other.pem", "other.cer"].map(|name| path(&house.at(name)));
    let wanted =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let fields =
        ["-subj", "/C=DE/O=Example Grid/CN=Other CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    drop(openssl([&wanted[..], &fields, &["-keyout", &key, "-out", &pem]].concat()).ok());
    drop(openssl(["x509", "-in", &pem, "-outform", "DER", "-out", &der]).ok());
    let text = std::fs::read_to_string(house.at("signer.toml")).expect("the configuration");
    let line =
        text.lines().find(|line| line.starts_with("certificate_file")).expect("an authority").to_owned();
    let other = text.replacen(&line, &format!("certificate_file = \"{der}\""), 1);
    std::fs::write(house.at("signer.toml"), other).expect("the file");
    let said = house.signer_verb(&[]);
    assert_eq!(said.code, Some(8), "{}", said.all());
    assert!(
        said.err.contains("key.missing") && said.err.contains("certificate, crl: the signer holds no key"),
        "{}",
        said.err
    );
    assert!(!house.at("signer/signer.sock").exists(), "nobody is let in");
    // With the right one it starts.
    std::fs::write(house.at("signer.toml"), text).expect("the file");
    house.start();
    house.check();
}

#[test]
fn an_authority_waits_longer_than_its_signer_may_take() {
    let house = House::prepared_with(
        Keeping::WithSigner(&["online"]),
        "token = { longest_call_seconds = 25, longest_queue_seconds = 5 }",
    );
    let said = house.signer_verb(&[]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("together less than 30"), "{}", said.err);
}

#[test]
fn the_log_tells_what_was_signed_and_a_changed_one_stops_the_signer() {
    let mut house = House::new(false);
    let log = path(&house.at("signer/signatures.log"));
    eventually("a checkpoint is signed, and is in the log", || {
        let shown = house.signer_verb(&["log", "show", &log]).ok().out;
        (shown.contains("checkpoint") && shown.contains("signed")).then_some(())
    });
    // So that nothing more is signed.
    house.rehearsal.stop();
    let kept = house.signer_verb(&["log", "verify", &log]).ok().out;
    let head = kept.split_whitespace().last().expect("the hash of the last record").to_owned();
    house.stop_signer();
    drop(house.signer_verb(&["log", "verify", &log, "--record", &head]).ok());
    let octets = std::fs::read(&log).expect("the log");
    // Records taken off the end leave a chain that holds: the hash that was kept is missing.
    std::fs::write(&log, b"").expect("the log");
    let said = house.signer_verb(&["log", "verify", &log, "--record", &head]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    let mut changed = octets.clone();
    *changed.last_mut().expect("an octet") ^= 1;
    std::fs::write(&log, &changed).expect("the log");
    let said = house.signer_verb(&["log", "verify", &log, "--record", &head]);
    assert_eq!(said.code, Some(9), "the last record is another: {}", said.all());
    // Within the hash of the record before the first.
    let mut changed = octets;
    changed[12] ^= 1;
    std::fs::write(&log, &changed).expect("the log");
    let said = house.signer_verb(&["log", "verify", &log]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    let said = house.signer_verb(&[]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("signer.log-damaged"), "{}", said.err);
}

#[test]
fn a_user_whom_the_configuration_does_not_name_is_turned_away() {
    let house = House::new(false);
    let nobody = 65_534;
    // Another user's program, which finds the socket and the configuration, and no secret.
    let copy = house.rehearsal.unique("meter-pki");
    std::fs::copy(program("meter-pki"), &copy).expect("a copy");
    let allow = |mode: &str, file: &Path| drop(finish(Command::new("chmod").arg(mode).arg(file)).ok());
    for place in ["..", "", "signer"] {
        allow("711", &house.at(place));
    }
    allow("755", &copy);
    allow("644", &house.at("signer.toml"));
    let named = std::fs::read_to_string(house.at("signer.toml")).expect("the configuration");
    let state = |expected: i32| {
        let mut command = Command::new(&copy);
        command.uid(nobody).gid(nobody).current_dir("/");
        let said = finish(command.arg("--config").arg(house.at("signer.toml")).args(["signer", "state"]));
        assert_eq!(said.code, Some(expected), "{}", said.all());
        said.all()
    };
    // Other users do not get past the socket's mode.
    assert!(state(8).contains("ermission denied"));
    house.stop_signer();
    std::fs::write(house.at("signer.toml"), named.replace("users = []", "users = [65533]"))
        .expect("the file");
    house.start_signer();
    assert!(state(8).contains("user.not-named"));
    house.stop_signer();
    std::fs::write(house.at("signer.toml"), named.replace("users = []", "users = [65534]"))
        .expect("the file");
    house.start_signer();
    assert!(state(0).contains("certificate, crl"));
}

/// Case H-12.
#[test]
fn h_12_the_pin_is_in_no_log_no_argument_and_no_environment_of_the_signer() {
    let house = House::new(true);
    let number = house.signer_number();
    for place in ["cmdline", "environ"] {
        let octets = std::fs::read(format!("/proc/{number}/{place}")).expect("a process");
        assert!(!String::from_utf8_lossy(&octets).contains("user-1234"), "{place}");
    }
    assert!(!house.signer_log().contains("user-1234"));
    let text = std::fs::read_to_string(house.at("signer.toml")).expect("the configuration");
    let valued = text.replace("&pin-source=file:", "&pin-value=user-1234#");
    house.stop_signer();
    std::fs::write(house.at("signer.toml"), valued).expect("the file");
    let said = house.signer_verb(&[]);
    assert!(!said.success && !said.all().contains("user-1234"), "{}", said.all());
}

#[test]
fn keys_are_neither_made_nor_destroyed_over_the_link_and_nothing_is_half_done() {
    let mut house = House::new(false);
    let made = house.rehearsal.operator(&["cert", "message-signer", "--out", &path(&house.at("new.cer"))]);
    assert_eq!(made.code, Some(7), "{}", made.all());
    assert!(made.err.contains("key.elsewhere"), "{}", made.err);
    let serial = e2e::peer::field(&house.rehearsal.authority("dso-infra-s1"), "-serial");
    let last = path(&house.at("last.crl"));
    house.rehearsal.stop();
    let close = ["ca", "close", "dso-infra-s1", "--serial", &serial, "--reason", "end", "--last-crl", &last];
    let said = house.rehearsal.operator(&close);
    assert_eq!(said.code, Some(7), "{}", said.all());
    assert!(said.err.contains("key.elsewhere") && !house.at("last.crl").exists(), "{}", said.err);
    house.rehearsal.serve();
}

/// Whoever asks the signer for another certificate than the authority would makes none, and leaves a record.
#[test]
fn what_no_profile_allows_is_refused_by_the_signer_and_nothing_is_left_open() {
    let mut house = House::new(false);
    house.rehearsal.stop();
    house.stop_signer();
    let text = std::fs::read_to_string(house.at("signer.toml")).expect("the configuration");
    let without = text.replace("\"meter-op-tls-s1\", ", "");
    assert_ne!(text, without);
    std::fs::write(house.at("signer.toml"), without).expect("the file");
    house.start_signer();
    house.rehearsal.serve();
    let title = "4D504B010000EF01";
    house.rehearsal.expect_devices("dso", &[title]);
    let meter = e2e::fleet::Meter::new(&house.rehearsal, title, e2e::fleet::Suite::One);
    let shown: e2e::peer::Shown = house.rehearsal.token(title, "meter-op-tls-s1").into();
    let answer = meter.try_enrol("meter-op-tls", &shown);
    assert_eq!(answer.status, 500, "{}", answer.text());
    let log = path(&house.at("signer/signatures.log"));
    let beyond = house.signer_verb(&["log", "show", &log, "--after", "1000000"]);
    assert!(beyond.code == Some(5) && beyond.err.contains("signer.no-record"), "{}", beyond.all());
    let shown = house.signer_verb(&["log", "show", &log]).ok().out;
    assert!(shown.contains("certificate.lint"), "{shown}");
    house.check();
}
