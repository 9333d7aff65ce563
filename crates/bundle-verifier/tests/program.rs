//! The program as auditors call it. What a bundle must be is tested where it is decided, in the library `ceremony`.

#![expect(clippy::expect_used, reason = "a test that cannot start what it tests fails and says so")]

use std::ffi::OsStr;
use std::process::Command;

fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ceremony-verify")).args(arguments).output();
    let output = output.expect("the program starts");
    (output.status.code(), String::from_utf8(output.stdout).expect("it is text"))
}

#[test]
fn a_directory_that_is_no_bundle_ends_with_9() {
    let place = tempfile::tempdir().expect("a directory");
    let (code, said) = run([place.path()]);
    assert_eq!(code, Some(9), "{said}");
    assert!(said.contains("NOT as the ceremony left it"), "{said}");
}

#[test]
fn an_absent_bundle_ends_with_5_and_a_wrong_call_with_2() {
    let place = tempfile::tempdir().expect("a directory");
    assert_eq!(run([place.path().join("absent")]).0, Some(5));
    for arguments in [&[][..], &["--nonsense"], &["one", "two"], &["--json"]] {
        let (code, said) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(said.contains("usage: ceremony-verify"), "{said}");
    }
}

#[test]
fn json_is_one_object_with_its_findings() {
    let place = tempfile::tempdir().expect("a directory");
    let (code, said) = run([OsStr::new("--json"), place.path().as_os_str()]);
    let report: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!(code, Some(9));
    assert!(!report["findings"].as_array().expect("a list").is_empty(), "{report}");
}

// FIPS 180-4: the SHA-256 of "abc".
#[test]
fn a_fingerprint_is_told_in_digits_and_32_words() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("file");
    std::fs::write(&file, "abc").expect("it is ours");
    let (code, said) = run([OsStr::new("--words"), file.as_os_str()]);
    assert_eq!(code, Some(0));
    let (digits, words) = said.split_once('\n').expect("two parts");
    assert_eq!(digits, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(words.split_whitespace().count(), 32);
}
