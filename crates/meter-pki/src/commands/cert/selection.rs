//! From what is typed and what stands in files to a selection. Every faulty row of a file is told before anything is asked.

use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cli::revocation::SelectionArgs;
use crate::exit::{Exit, Failure};
use crate::operator::wire::orders::SelectionText;

/// How many faulty rows of a file are told one by one.
const TOLD_ROWS: usize = 20;

/// A row of a file: one of the two.
#[derive(Deserialize)]
struct NamedRow {
    #[serde(default)]
    serial: String,
    #[serde(default)]
    system_title: String,
}

/// Reads the selection.
pub(super) fn read(args: &SelectionArgs) -> Result<SelectionText, Failure> {
    let mut text = SelectionText {
        serials: args.serials.clone(),
        system_titles: args.system_title.clone(),
        keys: args.key.iter().map(|key| fingerprint(key)).collect::<Result<_, _>>()?,
        tenant: args.tenant.clone(),
        issuer: args.issuer.clone(),
        profile: args.profile.clone(),
        hierarchy: args.hierarchy.clone(),
        purpose: args.purpose.clone(),
        manufacturer: args.manufacturer.clone(),
        organization: args.organization.clone(),
        issued_since: args.issued_since.clone(),
        issued_before: args.issued_before.clone(),
        expires_before: args.expires_before.clone(),
        status: args.status.clone(),
    };
    if let Some(file) = &args.file {
        add_file(&mut text, file)?;
    }
    Ok(text)
}

/// The one serial number that was typed, if nothing but it and its authority was.
pub(super) fn only_serial(args: &SelectionArgs) -> Option<String> {
    let text = SelectionArgs { serials: Vec::new(), issuer: None, ..args.clone() };
    match args.serials.as_slice() {
        [serial] if says_nothing(&text) => Some(serial.clone()),
        _ => None,
    }
}

fn says_nothing(args: &SelectionArgs) -> bool {
    let SelectionArgs {
        serials,
        file,
        system_title,
        key,
        tenant,
        issuer,
        profile,
        hierarchy,
        purpose,
        manufacturer,
        organization,
        issued_since,
        issued_before,
        expires_before,
        status,
    } = args;
    let lists = [serials, system_title, key];
    let words = [
        tenant,
        issuer,
        profile,
        hierarchy,
        purpose,
        manufacturer,
        organization,
        issued_since,
        issued_before,
        expires_before,
        status,
    ];
    file.is_none() && lists.iter().all(|list| list.is_empty()) && words.iter().all(|word| word.is_none())
}

/// Takes in the rows of a file, all of them or none.
fn add_file(text: &mut SelectionText, file: &Path) -> Result<(), Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "selection.file", format!("{}: {error}", file.display()))
    };
    let mut reader = csv::Reader::from_path(file).map_err(|error| unreadable(&error))?;
    let mut faults = Vec::new();
    for (row, record) in reader.deserialize::<NamedRow>().enumerate() {
        let line = row + 2;
        match record.map_err(|error| error.to_string()).and_then(|record| named(&record)) {
            Ok(Named::Serial(serial)) => text.serials.push(serial),
            Ok(Named::Title(title)) => text.system_titles.push(title),
            Err(error) => faults.push(format!("line {line}: {error}")),
        }
    }
    if faults.is_empty() && text.serials.is_empty() && text.system_titles.is_empty() {
        return Err(unreadable(&"it names nothing: its columns are serial and system_title"));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let count = faults.len();
    faults.truncate(TOLD_ROWS);
    Err(unreadable(&format!("nothing was asked, faulty rows: {count}\n{}", faults.join("\n"))))
}

enum Named {
    Serial(String),
    Title(String),
}

fn named(row: &NamedRow) -> Result<Named, String> {
    match (row.serial.trim(), row.system_title.trim()) {
        ("", "") => Err("neither a serial number nor a system title".to_owned()),
        ("", title) => match SystemTitle::parse(title) {
            Ok(title) => Ok(Named::Title(title.to_string())),
            Err(error) => Err(format!("{title}: {error}")),
        },
        (serial, "") => match SerialNumber::parse(serial) {
            Ok(serial) => Ok(Named::Serial(serial.to_string())),
            Err(error) => Err(format!("{serial}: {error}")),
        },
        (..) => Err("both a serial number and a system title: one of them names".to_owned()),
    }
}

/// Returns the SHA-256 of a SubjectPublicKeyInfo that is typed, or of that in a file.
fn fingerprint(typed: &str) -> Result<String, Failure> {
    if typed.len() == 64 && typed.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return Ok(typed.to_ascii_lowercase());
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "key.file", format!("{typed}: {error}")).then(
            "give 64 hexadecimal digits, or a file with a certificate, certification request or public key",
        )
    };
    let octets = std::fs::read(typed).map_err(|error| unreadable(&error))?;
    let der = match der::pem::decode_vec(&octets) {
        Ok((_, der)) => der,
        Err(_) => octets,
    };
    if let Ok(certificate) = Certificate::from_der(&der) {
        return Ok(hex::encode(certificate.public_key().fingerprint()));
    }
    if let Ok(request) = CertificationRequest::from_der(&der) {
        return Ok(hex::encode(request.public_key().fingerprint()));
    }
    match ca_core::public_key::PublicKey::from_spki_der(&der) {
        Ok(_) => Ok(hex::encode(Sha256::digest(&der))),
        Err(error) => Err(unreadable(&error)),
    }
}
