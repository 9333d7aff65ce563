//! Series of codes on disk: written and scanned by us, and by the programs of others (`zbarimg`, `qrencode`).

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot have its tool fails and says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use paper::folder::{ScanError, scan, write};
use paper::part::Part;

/// Something like a response with a CRL in it.
fn message() -> Vec<u8> {
    (0_u32..900).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect()
}

fn run(program: &str, package: &str, arguments: &[&std::ffi::OsStr]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; run `apt-get install {package}`"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn read_by_zbar(picture: &Path) -> String {
    let arguments = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"].map(std::ffi::OsStr::new);
    let said = run("zbarimg", "zbar-tools", &[&arguments[..], &[picture.as_os_str()]].concat());
    String::from_utf8(said).expect("it is text").trim_end_matches('\n').to_owned()
}

#[test]
fn a_file_comes_back_from_its_pictures_in_any_order_with_duplicates() {
    let place = tempfile::tempdir().expect("a directory");
    let folder = place.path().join("codes");
    let mut written = write(&message(), "response.pem", &folder).expect("it is written");
    assert_eq!((written.pictures.len(), written.sheets.len()), (8, 2));
    assert_eq!(scan(&[folder]).expect("the folder is scanned"), message());
    written.pictures.rotate_left(3);
    written.pictures.extend_from_within(..2);
    assert_eq!(scan(&written.pictures).expect("the pictures are scanned"), message());
}

#[test]
fn a_missing_picture_is_named_by_its_number() {
    let place = tempfile::tempdir().expect("a directory");
    let folder = place.path().join("codes");
    let written = write(&message(), "response.pem", &folder).expect("it is written");
    fs::remove_file(&written.pictures[4]).expect("it is there");
    let error = scan(&[folder]).expect_err("one is missing");
    assert_eq!(error.to_string(), "of 8 codes these were not read: 5");
}

#[test]
fn r_08_a_picture_of_another_set_is_refused() {
    let place = tempfile::tempdir().expect("a directory");
    let [one, other] = ["one", "other"].map(|name| place.path().join(name));
    write(&message(), "one", &one).expect("it is written");
    write(b"another message", "other", &other).expect("it is written");
    let error = scan(&[one, other]).expect_err("they are of two files");
    assert_eq!(error.code(), "paper.other-set");
}

#[test]
fn nothing_is_written_over() {
    let place = tempfile::tempdir().expect("a directory");
    let folder = place.path().join("codes");
    write(&message(), "response.pem", &folder).expect("it is written");
    let error = write(&message(), "response.pem", &folder).expect_err("it is there");
    assert_eq!(error.code(), "file.exists");
}

#[test]
fn zbar_reads_what_we_draw() {
    let place = tempfile::tempdir().expect("a directory");
    let written = write(&message(), "response.pem", &place.path().join("codes")).expect("it is written");
    let texts: Vec<String> = written.pictures.iter().map(|picture| read_by_zbar(picture)).collect();
    let parts: Vec<Part> = texts.iter().map(|text| Part::from_text(text).expect("it is a part")).collect();
    assert_eq!(paper::series::join(&parts).expect("they are whole"), message());
}

#[test]
fn we_read_what_qrencode_draws() {
    let place = tempfile::tempdir().expect("a directory");
    let parts = paper::series::split(&message()).expect("it is short enough");
    let pictures: Vec<PathBuf> = parts
        .iter()
        .map(|part| {
            let picture = place.path().join(format!("{}.png", part.index()));
            let text = part.text();
            let arguments = ["-l", "M", "-s", "4", "-o"].map(std::ffi::OsStr::new);
            run("qrencode", "qrencode", &[&arguments[..], &[picture.as_os_str(), text.as_ref()]].concat());
            picture
        })
        .collect();
    assert_eq!(scan(&pictures).expect("they are scanned"), message());
}

#[test]
fn a_code_of_somebody_else_is_refused_with_its_picture() {
    let place = tempfile::tempdir().expect("a directory");
    let picture = place.path().join("poster.png");
    let arguments = ["-o".as_ref(), picture.as_os_str(), "https://example.org/".as_ref()];
    run("qrencode", "qrencode", &arguments);
    let error = scan(std::slice::from_ref(&picture)).expect_err("it is no part");
    assert!(matches!(&error, ScanError::Part { path, .. } if *path == picture), "{error}");
    assert_eq!(error.code(), "paper.not-part");
}
