//! An entry as the text of its file: lines for people, then the PEM block that counts.
//!
//! The lines follow from the block, so a file is accepted only if it is, octet for octet, what would be written for its
//! block: whoever changes the lines is found out as well.

use ca_core::audit::AuditRecord;
use der::pem::{self, LineEnding};

use super::entry::{Entry, Step};
use super::wire::DecodeEntryError;

/// The label of the block (RFC 7468 §2).
const LABEL: &str = "METER PKI LEDGER ENTRY";

/// Writes the text of an entry; returns it with the DER in it.
pub(super) fn write(entry: &Entry) -> Result<(String, Vec<u8>), WritePageError> {
    let der = entry.to_der().map_err(WritePageError)?;
    let block = pem::encode_string(LABEL, LineEnding::LF, &der)
        .map_err(|_| WritePageError(der::ErrorKind::Failed.into()))?;
    let text = format!(
        "{}\nThe lines above are for readers and follow from the block below.\n\n{block}",
        lines(entry)
    );
    Ok((text, der))
}

/// Reads the text of an entry; returns it with the DER in it.
pub(super) fn read(text: &str) -> Result<(Entry, Vec<u8>), ReadPageError> {
    let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| ReadPageError::NotPem)?;
    if label != LABEL {
        return Err(ReadPageError::NotPem);
    }
    let entry = Entry::from_der(&der)?;
    match write(&entry) {
        Ok((written, _)) if written == text => Ok((entry, der)),
        Ok(_) | Err(_) => Err(ReadPageError::LinesDiffer),
    }
}

fn lines(entry: &Entry) -> String {
    let mut text = format!("Entry {} of the ledger: {}\n", entry.number, entry.step.word());
    if let Step::Signing(ids) = &entry.step {
        for id in ids {
            line(&mut text, "Given to the signer", &id.serial.to_string());
        }
    }
    for record in entry.records.iter().map(|der| AuditRecord::from_der(der)) {
        match record {
            Ok(record) => describe(&mut text, &record),
            Err(cause) => line(&mut text, "Record", &cause.to_string()),
        }
    }
    text
}

fn describe(text: &mut String, record: &AuditRecord) {
    let event = &record.event;
    line(text, "Record", &format!("{}: {}", record.sequence, event.act));
    line(text, "Time", &event.time.to_string());
    line(text, "Actor", &format!("{} for {}", event.actor, event.tenant));
    let key = event.issuer.map(|key| key.to_string()).unwrap_or_default();
    let serial = event.serial.as_ref().map(ToString::to_string).unwrap_or_default();
    let digest = hex::encode(&event.digest);
    for (name, value) in [
        ("Key", &key),
        ("Serial", &serial),
        ("Reason", &event.reason),
        ("Detail", &event.detail),
        ("SHA-256", &digest),
    ] {
        if !value.is_empty() {
            line(text, name, value);
        }
    }
}

/// Writes one line; what could end it or draw on a terminal is escaped (case A-06).
fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("  {name:<8}  "));
    for character in value.chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text.push('\n');
}

/// The entry cannot be encoded.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the ledger entry cannot be encoded: {0}")]
pub struct WritePageError(der::Error);

/// Why the text of a file is not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadPageError {
    /// There is not exactly one block, with nothing behind it.
    #[error("it does not end in one block of a ledger entry")]
    NotPem,
    /// The block is no entry.
    #[error(transparent)]
    Entry(#[from] DecodeEntryError),
    /// The lines are not those of the block.
    #[error("its lines for readers are not those of its block")]
    LinesDiffer,
}
