//! What leaves the room and comes into it on paper or a medium (cases ).

use std::fs;
use std::os::unix::fs::symlink;

use ca_core::suite::Curve;

use crate::harness::{Place, SubCa, TIME};

#[test]
fn a_request_and_its_response_travel_on_paper() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    fs::write(place.path("from-outside.pem"), request.to_text().unwrap()).unwrap();
    place.run(["qr", "encode", "from-outside.pem", "--out", "request-codes"]).ok();
    place.run(["qr", "scan", "request-codes", "--out", "request"]).ok();
    place.sign_file(TIME).ok();

    let written = place.run(["--json", "qr", "encode", "response", "--out", "response-codes"]).ok().json();
    let pictures = written["pictures"].as_array().unwrap();
    assert!(pictures.len() > 2, "{written}");
    let mut scan = vec!["--json", "qr", "scan", "--out", "again.pem"];
    scan.extend(pictures.iter().rev().map(|path| path.as_str().unwrap()));
    let scanned = place.run(scan).ok().json();
    assert_eq!(scanned["file_sha256"], written["file_sha256"]);
    assert_eq!(place.read("again.pem"), place.read("response"));
}

#[test]
fn r_08_codes_of_two_files_or_too_few_make_no_file() {
    let place = Place::with_root("1");
    for name in ["one", "two"] {
        let request = SubCa::new(Curve::P256).request("sub-operational-s1");
        fs::write(place.path(name), request.to_text().unwrap()).unwrap();
        place.run(["qr", "encode", name, "--out", &format!("codes-{name}")]).ok();
    }
    let scan =
        |pictures: &[&str]| place.run([&["--json", "qr", "scan", "--out", "made.pem"], pictures].concat());
    scan(&["codes-one", "codes-two"]).refused(4, "paper.other-set");
    scan(&["codes-one/code-01-of-03.png", "codes-one/code-03-of-03.png"]).refused(4, "paper.missing");
    assert!(!place.path("made.pem").exists());
}

#[test]
fn r_20_a_private_key_does_not_leave_on_paper() {
    let place = Place::with_root("1");
    let keys = fs::read_dir(place.path("root").join("keys")).unwrap();
    let files: Vec<_> = keys.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    assert!(!files.is_empty());
    for file in files {
        let out = place.path("codes");
        let run = place.run([
            "--json".as_ref(),
            "qr".as_ref(),
            "encode".as_ref(),
            file.as_os_str(),
            "--out".as_ref(),
            out.as_os_str(),
        ]);
        run.refused(2, "file.unknown");
        assert!(!out.exists());
    }
}

#[test]
fn r_20_only_public_artefacts_leave_on_a_medium() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    place.sign(&request).ok();
    let medium = place.path("medium");
    fs::create_dir(&medium).unwrap();
    fs::copy(place.path("response"), medium.join("response")).unwrap();
    let codes = place.run(["--json", "qr", "encode", "response", "--out", "codes"]).ok().json();
    fs::copy(place.path(codes["pictures"][0].as_str().unwrap()), medium.join("code.png")).unwrap();
    let seen = place.run(["--json", "medium", "medium"]).ok().json();
    let kinds: Vec<&str> =
        seen["files"].as_array().unwrap().iter().map(|file| file["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Picture of codes", "Response to a request for a certificate of a subordinate CA"]);

    let hidden = medium.join("backup");
    fs::create_dir(&hidden).unwrap();
    place.secret("medium/backup/.passphrase", "not for outside");
    symlink("/etc/hostname", medium.join("link")).unwrap();
    let refused = place.run(["--json", "medium", "medium"]);
    refused.refused(4, "medium.not-public");
    let told = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(told.contains("medium/backup/.passphrase, medium/link"), "{told}");
}

#[test]
fn r_20_sheets_of_codes_and_the_list_of_a_series_leave_as_they_were_made_and_not_written_on() {
    let place = Place::with_root("1");
    let request = SubCa::new(Curve::P256).request("sub-operational-s1");
    place.sign(&request).ok();
    place.run(["qr", "encode", "response", "--out", "medium"]).ok();
    let seen = place.run(["medium", "medium"]).ok();
    assert!(seen.out.contains("Sheet of codes") && seen.out.contains("Picture of codes"), "{}", seen.out);
    let sheet = place.path("medium/sheet-01-of-01.svg");
    let drawn = fs::read_to_string(&sheet).unwrap();
    fs::write(&sheet, drawn.replace("</svg>", "<!-- 4711 --></svg>")).unwrap();
    place.run(["--json", "medium", "medium"]).refused(4, "medium.not-public");

    let series = ["crl-series", "--dir", "root", "--time", TIME, "--first", TIME, "--every-days", "30"];
    let more = ["--overlap-days", "10", "--count", "2", "--out", "series", "--passphrase-file", "pass"];
    place.run([&series[..], &more].concat()).ok();
    let seen = place.run(["medium", "series"]).ok();
    assert!(seen.out.contains("List of a series of CRLs"), "{}", seen.out);
    let list = fs::read_to_string(place.path("series/series.json")).unwrap();
    fs::write(place.path("series/series.json"), list.replacen('{', "{\"pin\": \"4711\",", 1)).unwrap();
    place.run(["--json", "medium", "series"]).refused(4, "medium.not-public");
}
