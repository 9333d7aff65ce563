//! What was altered is found, and named; who is not alone waits.

use std::fs::{self, File};

use ca_core::suite::Curve;

use crate::harness::{NEXT_UPDATE, Place, SubCa, TIME, files};

/// A place with everything in it: a root, a sub-CA, a revocation, a CRL.
fn busy() -> Place {
    let place = Place::with_root("1");
    let made = place.sign(&SubCa::new(Curve::P256).request("sub-operational-s1")).ok().json();
    place.revoke(made["serial"].as_str().unwrap(), "superseded").ok();
    place.crl("crl", TIME, NEXT_UPDATE).ok();
    place.verify().ok();
    place
}

#[test]
fn a_03_r_14_a_change_in_any_line_of_any_file_is_found() {
    let place = busy();
    for file in files(&place.path("root")) {
        if file.starts_with(place.path("root/keys")) {
            continue;
        }
        let before = fs::read(&file).unwrap();
        let name = file.strip_prefix(place.path("root")).unwrap().display().to_string();
        let starts = std::iter::once(0)
            .chain(before.iter().enumerate().filter(|(_, octet)| **octet == b'\n').map(|(at, _)| at + 1));
        for at in starts.filter(|at| *at < before.len()) {
            let mut changed = before.clone();
            // The third character of the line: inside a word, a number, base64 or a boundary.
            let place_in_line = (at + 2).min(before.len() - 2);
            changed[place_in_line] = if changed[place_in_line] == b'A' { b'B' } else { b'A' };
            fs::write(&file, &changed).unwrap();
            let run = place.verify();
            assert_eq!(run.exit, Some(9), "{name} at {at}: {run:?}");
        }
        fs::write(&file, &before).unwrap();
    }
    place.verify().ok();
}

#[test]
fn r_14_the_entry_that_was_changed_is_named() {
    let place = busy();
    for name in place.ledger() {
        let path = place.path("root/ledger").join(&name);
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, before.replacen("Time ", "Tame ", 1).replacen("Given", "Taken", 1)).unwrap();
        let run = place.verify();
        run.refused(9, "ledger.altered");
        assert!(run.error()["message"].as_str().unwrap().contains(&name), "{run:?}");
        fs::write(&path, before).unwrap();
    }
}

#[test]
fn a_03_an_entry_left_out_doubled_or_moved_is_found() {
    let place = busy();
    let ledger = place.path("root/ledger");
    let names = place.ledger();
    let aside = place.path("aside");
    fs::rename(ledger.join(&names[4]), &aside).unwrap();
    place.verify().refused(9, "ledger.altered");
    fs::copy(&aside, ledger.join("000005-event.pem")).unwrap();
    place.verify().refused(9, "ledger.altered");
    fs::rename(ledger.join("000005-event.pem"), ledger.join(&names[4])).unwrap();
    place.verify().ok();
    fs::copy(ledger.join(&names[3]), ledger.join("000099-event.pem")).unwrap();
    place.verify().refused(9, "ledger.altered");
    fs::remove_file(ledger.join("000099-event.pem")).unwrap();
    fs::write(ledger.join("notes.txt"), "mine").unwrap();
    place.verify().refused(9, "ledger.altered");
}

#[test]
fn an_altered_ledger_signs_nothing() {
    let place = busy();
    let name = place.ledger().remove(2);
    let path = place.path("root/ledger").join(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(TIME, "2026-11-22T10:00:00Z")).unwrap();
    place.crl("another", TIME, NEXT_UPDATE).refused(9, "ledger.altered");
    place.revoke("0BADC0DE", "superseded").refused(9, "ledger.altered");
    assert!(!place.path("another").exists());
}

#[test]
fn r_01_an_altered_charter_is_refused() {
    let place = busy();
    let path = place.path("root/ceremony.toml");
    let before = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("http://pki.example/root.crl", "http://evil.example/root.crl"),
        ("variant = \"gurux-safe\"", "variant = \"small\""),
        ("format = 1", "format = 1 "),
    ] {
        assert!(before.contains(from), "{from}");
        fs::write(&path, before.replace(from, to)).unwrap();
        place.crl("another", TIME, NEXT_UPDATE).refused(9, "charter.altered");
        place.verify().refused(9, "charter.altered");
    }
    fs::write(&path, format!("{before}unknown = 1\n")).unwrap();
    place.verify().refused(9, "charter.altered");
}

#[test]
fn what_may_leave_is_compared_with_what_was_made() {
    let place = busy();
    let other = Place::with_root("1");
    for name in ["root.crt", "exchange-key.pem"] {
        let path = place.path("root/public").join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, other.read(&format!("root/public/{name}"))).unwrap();
        let run = place.verify();
        run.refused(9, "review.not-in-order");
        assert!(run.error()["message"].as_str().unwrap().contains(name), "{run:?}");
        fs::write(&path, before).unwrap();
    }
    place.verify().ok();
}

#[test]
fn a_response_whose_certificate_is_not_on_record_is_found() {
    let place = busy();
    let other = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    other.sign(&request).ok();
    for kind in ["request", "response"] {
        let name = format!("root/exchanges/{}.{kind}.pem", request.nonce());
        fs::copy(other.path(&name), place.path(&name)).unwrap();
    }
    let run = place.verify();
    run.refused(9, "review.not-in-order");
    let message = run.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("not on record") && message.contains("exchange key"), "{message}");
}

#[test]
fn r_10_a_key_that_is_not_that_of_the_certificate_signs_nothing() {
    let place = busy();
    let other = Place::with_root("1");
    fs::rename(place.path("root/keys"), place.path("aside")).unwrap();
    fs::rename(other.path("root/keys"), place.path("root/keys")).unwrap();
    place.crl("another", TIME, NEXT_UPDATE).refused(5, "key.unreadable");
    // Under the name of the right key, the wrong one.
    let wrong = files(&place.path("root/keys")).remove(0);
    for right in files(&place.path("aside")) {
        fs::copy(&wrong, place.path("root/keys").join(right.file_name().unwrap())).unwrap();
    }
    place.crl("another", TIME, NEXT_UPDATE).refused(9, "key.another");
    assert!(!place.path("another").exists());
}

#[test]
fn s_07_a_second_process_is_refused() {
    let place = busy();
    let ledger = File::open(place.path("root/ledger")).unwrap();
    ledger.lock().unwrap();
    place.crl("another", TIME, NEXT_UPDATE).refused(8, "ledger.in-use");
    place.verify().refused(8, "ledger.in-use");
    ledger.unlock().unwrap();
    ledger.lock_shared().unwrap();
    place.verify().ok();
    place.crl("another", TIME, NEXT_UPDATE).refused(8, "ledger.in-use");
}
