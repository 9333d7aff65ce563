//! Lines of an upload of many certification requests, and of its answer: one JSON object a line (application/x-ndjson).
//!
//! Reading a line proves nothing and looks nothing up.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use ca_core::csr::{CertificationRequest, CsrError};
use serde::{Deserialize, Serialize};

use super::base64::{self, Base64Error, BodyForm};

/// The media type of uploads and answers.
pub(crate) const MEDIA_TYPE: &str = "application/x-ndjson";
/// The longest line, in octets: a certification request of 16,384 octets in base64, and what stands around it.
const MAX_LINE_OCTETS: usize = 24 * 1024;
/// The longest `id`, in octets.
const MAX_ID_OCTETS: usize = 128;
const DELETE: u8 = 0x7F;

/// What a work order wants for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the head-end calls it; comes back with the answer.
    pub id: String,
    /// The label, which decides authority and profile.
    pub label: String,
    /// For the first time or again.
    pub kind: ItemKind,
    /// The certification request.
    pub csr: CertificationRequest,
    /// How it was written.
    pub form: BodyForm,
}

/// Whether the device has a certificate of this kind already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// It has none.
    First,
    /// It may have one, which is then succeeded.
    Again,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemLine {
    id: String,
    label: String,
    kind: ItemKind,
    csr: String,
}

/// Reads a line.
///
/// # Errors
/// [`ItemError`], with the `id` as far as it could be read.
pub fn read(line: &[u8]) -> Result<Item, (Option<String>, ItemError)> {
    if line.len() > MAX_LINE_OCTETS {
        return Err((None, ItemError::TooLong { octets: line.len() }));
    }
    // The one control character that JSON lets through; the decoder would write it into its error as six.
    if let Some(place) = line.iter().position(|octet| *octet == DELETE) {
        return Err((None, ItemError::NotAnItem { column: place + 1 }));
    }
    let raw: ItemLine = serde_json::from_slice(line)
        .map_err(|cause| (None, ItemError::NotAnItem { column: cause.column() }))?;
    if raw.id.len() > MAX_ID_OCTETS {
        return Err((None, ItemError::LongId));
    }
    match request(raw.csr.as_bytes()) {
        Ok((csr, form)) => Ok(Item { id: raw.id, label: raw.label, kind: raw.kind, csr, form }),
        Err(error) => Err((Some(raw.id), error)),
    }
}

/// Reads a certification request in base64, armoured or not.
pub(crate) fn request(text: &[u8]) -> Result<(CertificationRequest, BodyForm), ItemError> {
    let decoded = base64::decode(text)?;
    Ok((CertificationRequest::from_der(&decoded.octets)?, decoded.form))
}

/// The answer to one line.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerLine<'a> {
    /// The number of the line, from 1.
    pub(crate) line: usize,
    /// Its `id`, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a str>,
    /// The certificate, DER in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<AnswerError<'a>>,
}

/// Why there is no certificate.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerError<'a> {
    /// The reason code.
    pub(crate) code: &'a str,
    /// The same in a sentence.
    pub(crate) sentence: &'a str,
    /// After how many seconds the same item may have another answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
}

impl AnswerLine<'_> {
    /// Writes the line with its LF.
    ///
    /// # Errors
    /// What the encoder says.
    pub(crate) fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut octets = serde_json::to_vec(self)?;
        octets.push(b'\n');
        Ok(octets)
    }
}

/// Writes DER as one piece of base64.
pub(crate) fn base64_of(der: &[u8]) -> String {
    STANDARD.encode(der)
}

/// Why a line is no item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// It is longer than any item.
    #[error("the line has {octets} octets, more than any item")]
    TooLong {
        /// How many.
        octets: usize,
    },
    /// It is not JSON, or has other members than an item.
    #[error("the line is not an item: see column {column}")]
    NotAnItem {
        /// Where, from 1.
        column: usize,
    },
    /// The `id` is too long.
    #[error("an id has at most {MAX_ID_OCTETS} octets")]
    LongId,
    /// The text of the certification request is wrong.
    #[error(transparent)]
    Base64(#[from] Base64Error),
    /// The octets it stands for are wrong.
    #[error(transparent)]
    Csr(#[from] CsrError),
}

impl ItemError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "item.too-long",
            Self::NotAnItem { .. } => "item.malformed",
            Self::LongId => "item.id",
            Self::Base64(_) => "item.not-base64",
            Self::Csr(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> (Option<String>, &'static str) {
        read(line.as_bytes()).map_err(|(id, error)| (id, error.code())).unwrap_err()
    }

    #[test]
    fn refuses_lines_that_are_no_items_and_says_whose_they_are_where_it_can() {
        let malformed = (None, "item.malformed");
        assert_eq!(code(""), malformed);
        assert_eq!(code("[]"), malformed);
        assert_eq!(code(r#"{"id":"a","label":"l","kind":"first"}"#), malformed);
        assert_eq!(code("{\"id\":\"\u{7F}\",\"label\":\"l\",\"kind\":\"first\",\"csr\":\"?\"}"), malformed);
        assert_eq!(code(r#"{"id":"a","label":"l","kind":"third","csr":"MAA="}"#), malformed);
        assert_eq!(code(r#"{"id":"a","label":"l","kind":"first","csr":"MAA=","profile":"p"}"#), malformed);
        assert_eq!(code(r#"{"id":"a","id":"b","label":"l","kind":"first","csr":"MAA="}"#), malformed);
        let of_a = |code| (Some("a".to_owned()), code);
        assert_eq!(code(r#"{"id":"a","label":"l","kind":"first","csr":"?"}"#), of_a("item.not-base64"));
        assert_eq!(code(r#"{"id":"a","label":"l","kind":"again","csr":"MAA="}"#), of_a("csr.not-der"));
        assert_eq!(code(&" ".repeat(24 * 1024 + 1)), (None, "item.too-long"));
        let id = "i".repeat(129);
        assert_eq!(
            code(&format!(r#"{{"id":"{id}","label":"l","kind":"first","csr":"?"}}"#)),
            (None, "item.id")
        );
        assert_eq!(code(&"[".repeat(20_000)), malformed, "no depth is too deep");
    }
}
