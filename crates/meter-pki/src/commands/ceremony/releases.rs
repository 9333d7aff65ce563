//! `meter-pki ceremony keep` and `releases`: what the ceremony made for later goes to the server, which publishes it by date.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::commands::printer::{Printer, heading, table};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::{ListedText, ReleaseText, ReleasesText, ReleasesView};

/// `series.json`, as far as it is read here: what the objects say of themselves is read from them.
#[derive(Debug, Deserialize)]
struct Series {
    crls: Vec<Listed>,
}

/// One file of the series.
#[derive(Debug, Deserialize)]
struct Listed {
    file: String,
    sha256: String,
    release: Option<String>,
}

pub(super) async fn keep(
    path: &Path,
    release: Option<&str>,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let objects = if path.is_dir() {
        if release.is_some() {
            let message = "the dates of a series stand in its series.json";
            return Err(Failure::new(Exit::Usage, "releases.date", message).then("leave out --release"));
        }
        series(path)?
    } else {
        let der = as_der(read(path)?);
        vec![ReleaseText { der: STANDARD.encode(der), release: release.map(str::to_owned), listed: None }]
    };
    let view: ReleasesView = client.post("/v1/releases", &ReleasesText { objects }).await?;
    printer.result(&view, |view| {
        let mut lines = vec![format!("kept: {} that were not kept before", view.new)];
        lines.extend(rows(view));
        lines
    });
    Ok(())
}

pub(super) async fn list(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: ReleasesView = client.get("/v1/releases", &()).await?;
    printer.result(&view, rows);
    Ok(())
}

/// Reads a series: every file that is listed, and each the one that is meant.
fn series(directory: &Path) -> Result<Vec<ReleaseText>, Failure> {
    let list = directory.join("series.json");
    let malformed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "releases.malformed", format!("{}: {error}", list.display()))
    };
    let series: Series = serde_json::from_slice(&read(&list)?).map_err(|error| malformed(&error))?;
    if series.crls.is_empty() {
        return Err(malformed(&"it lists no file"));
    }
    series.crls.into_iter().map(|listed| object(directory, listed)).collect()
}

fn object(directory: &Path, listed: Listed) -> Result<ReleaseText, Failure> {
    let Listed { file, sha256, release } = listed;
    // A name, not a way: nothing outside the directory is read.
    if Path::new(&file).file_name().is_none_or(|name| name != file.as_str()) {
        let message = format!("{file} is not the name of a file of the series");
        return Err(Failure::new(Exit::Usage, "releases.malformed", message));
    }
    let der = STANDARD.encode(read(&directory.join(&file))?);
    // Whether the file is the one that is listed, the server says: what it refuses it records.
    Ok(ReleaseText { der, release, listed: Some(ListedText { file, sha256 }) })
}

/// Takes the armour off a certificate or CRL in PEM (RFC 7468 §5, §6); the server judges what it gets.
fn as_der(octets: Vec<u8>) -> Vec<u8> {
    match der::pem::decode_vec(octets.trim_ascii()) {
        Ok(("CERTIFICATE" | "X509 CRL", der)) => der,
        Ok(_) | Err(_) => octets,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::new(Exit::Usage, "file.unreadable", format!("cannot read {}: {error}", path.display()))
    })
}

fn rows(view: &ReleasesView) -> Vec<String> {
    let mut rows = vec![heading(&["RELEASE", "STATE", "SHA-256", "WHAT"])];
    rows.extend(
        view.releases
            .iter()
            .map(|one| [&one.release, &one.state, &one.sha256, &one.what].map(String::clone).to_vec()),
    );
    let mut lines = table(&rows);
    lines.extend(view.ends.iter().map(|end| end.sentence.clone()));
    lines
}
