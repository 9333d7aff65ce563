//! A rehearsal whose factory offers need a production order, and requests of devices.

use std::path::{Path, PathBuf};

use e2e::rehearsal::Rehearsal;
use e2e::shift::Request;
use e2e::tool::Said;
use serde_json::Value;

use crate::chapter::CHAPTER;

/// What the chapter has the configuration say.
pub(crate) fn needing_orders(configuration: &str, chapter: &str) -> String {
    let block = e2e::chapter::blocks(chapter, "toml")[0];
    let mut edited = configuration.to_owned();
    for row in ["ds", "ka", "tls"] {
        let profile = format!("profile = \"meter-factory-{row}-s1\"\n");
        let before = format!("{profile}doors = [\"registration-authority\"]\n");
        assert!(edited.contains(&before), "a factory offer of the rehearsal");
        edited = edited.replace(&before, &format!("{profile}{block}"));
    }
    edited
}

/// A rehearsal whose factory offers of suite 1 need an order.
pub(crate) fn rehearsal() -> Rehearsal {
    Rehearsal::start_with(1, |text| needing_orders(&text, CHAPTER))
}

/// The system title of a device.
pub(crate) fn title(number: usize) -> String {
    format!("4D504B02{number:08X}")
}

/// Opens an order of so many devices with a signature certificate each, of the first `range` titles.
pub(crate) fn open(rehearsal: &Rehearsal, id: &str, devices: usize, more: &[&str]) -> Value {
    let devices = devices.to_string();
    let fixed = [
        "factory",
        "order",
        "open",
        id,
        "--tenant",
        "maker",
        "--devices",
        &devices,
        "--until",
        "2027-11-21T00:00:00Z",
    ];
    rehearsal.operator_json(&[&fixed, more].concat())
}

/// Writes requests for these devices, each for a new key, under the prefix of a purpose; returns the directory.
pub(crate) fn requests(place: &Path, prefix: char, numbers: impl Iterator<Item = usize>) -> PathBuf {
    std::fs::create_dir_all(place).expect("a directory");
    for number in numbers {
        let file = place.join(format!("{prefix}{}.csr", title(number)));
        std::fs::write(file, Request::new(&title(number)).csr).expect("a request");
    }
    place.to_path_buf()
}

/// Runs `factory issue`.
pub(crate) fn issue(rehearsal: &Rehearsal, order: &str, requests: &Path, out: &Path) -> Said {
    let (requests, out) = (requests.to_string_lossy().into_owned(), out.to_string_lossy().into_owned());
    rehearsal.operator(&[
        "--json",
        "factory",
        "issue",
        "--order",
        order,
        "--requests",
        &requests,
        "--out",
        &out,
    ])
}

/// What a run reported on standard output.
#[track_caller]
pub(crate) fn report(said: &Said) -> Value {
    serde_json::from_str(said.out.trim()).unwrap_or_else(|error| panic!("{error}: {}", said.all()))
}

/// The certificates of a directory, by name.
pub(crate) fn certificates(out: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(out) else { return Default::default() };
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "pem"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a certificate"))
        })
        .collect()
}

/// The reason codes in the file of faults, by file.
pub(crate) fn faults(out: &Path) -> std::collections::BTreeMap<String, String> {
    let text = std::fs::read_to_string(out.join("faults.csv")).expect("the faults");
    let rows = text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect::<Vec<_>>());
    rows.map(|row| (row[0].clone(), row[3].clone())).collect()
}

/// Shows an order.
pub(crate) fn order(rehearsal: &Rehearsal, id: &str) -> Value {
    rehearsal.operator_json(&["factory", "order", "show", id])
}

/// The options of an order of signature certificates for the first titles.
pub(crate) fn signature(last: usize) -> Vec<String> {
    vec![
        "--profile".to_owned(),
        "meter-factory-ds-s1".to_owned(),
        "--range".to_owned(),
        format!("{}-{}", title(1), title(last)),
    ]
}
