//! The format of map files, version 1, field by field. Unknown fields are refused.
//!
//! ```toml
//! version = 1
//! name = "our-csv"
//! about = "CSV with a heading, separated by semicolons"
//!
//! [csv]
//! delimiter = ";"
//!
//! [device]
//! system_title = { column = "system_title", steps = ["trim", "remove_separators", "upper"] }
//! model = { column = "model", steps = ["trim"] }
//!
//! [[certificate]]
//! purpose = "signature"
//! value = { column = "certificate" }
//! writing = "base64"
//!
//! [[secret]]
//! kind = "guek"
//! value = { column = "guek" }
//! wrapped_by = { constant = "transport-2027" }
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::CertificatePurpose;
use crate::decoded::Encoding;
use crate::octets::Writing;
use crate::step::Step;
use crate::title::Layout;

/// A map file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapText {
    /// The version of the format: 1.
    pub(crate) version: u16,
    /// A name: 1 to 64 lower-case letters, digits and hyphens.
    pub(crate) name: String,
    /// What it is for, in one sentence.
    #[serde(default)]
    pub(crate) about: String,
    /// The file is CSV. Exactly one of `csv`, `xlsx`, `xml`, `json`, `json_lines` is there.
    pub(crate) csv: Option<CsvText>,
    /// The file is XLSX.
    pub(crate) xlsx: Option<XlsxText>,
    /// The file is XML.
    pub(crate) xml: Option<XmlText>,
    /// The file is JSON with an array of devices in it.
    pub(crate) json: Option<JsonText>,
    /// The file is JSON, one device a line.
    pub(crate) json_lines: Option<JsonLinesText>,
    /// Values of the file outside its rows, by names of this map's own: the announced count, a batch.
    #[serde(default)]
    pub(crate) head: BTreeMap<String, HeadText>,
    /// Where the fields of a device stand.
    pub(crate) device: DeviceText,
    /// Where its certificates stand.
    #[serde(default)]
    pub(crate) certificate: Vec<CertificateText>,
    /// Where its wrapped secrets stand.
    #[serde(default)]
    pub(crate) secret: Vec<SecretText>,
    /// What is checked beside.
    #[serde(default)]
    pub(crate) checks: ChecksText,
}

/// `[csv]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvText {
    /// `utf-8` (the default), `latin1`, `windows-1252`, `utf-16` (with its mark), `utf-16le`, `utf-16be`.
    #[serde(default)]
    pub(crate) encoding: Encoding,
    /// What stands between cells, one ASCII character; a comma unless said.
    #[serde(default = "comma")]
    pub(crate) delimiter: String,
    /// What stands around a cell, one ASCII character, doubled within; the empty text when cells are never quoted.
    #[serde(default = "double_quote")]
    pub(crate) quote: String,
    /// Whether the first row is a heading with the names of the columns; yes unless said.
    #[serde(default = "yes")]
    pub(crate) heading: bool,
    /// How many lines stand before the heading, or before the rows; none unless said, at most 1,000.
    #[serde(default)]
    pub(crate) skip_lines: u64,
    /// Which rows are an end of the file and no device.
    pub(crate) trailer: Option<TrailerText>,
}

/// `trailer = { column = 1, equals = "END" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrailerText {
    /// The column, counted from 1.
    pub(crate) column: usize,
    /// What stands in it.
    pub(crate) equals: String,
}

/// `[xlsx]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct XlsxText {
    /// The sheet, by its name or by its number, counted from 1; the first unless said.
    pub(crate) sheet: Option<NameOrNumber>,
    /// The row with the names of the columns, counted from 1; 0 when there is none; 1 unless said. Rows of devices follow it.
    #[serde(default = "one")]
    pub(crate) heading_row: u64,
    /// Which rows are an end of the sheet and no device.
    pub(crate) trailer: Option<TrailerText>,
}

/// `[xml]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct XmlText {
    /// Unless said, what the file declares, and UTF-8 where it declares nothing.
    pub(crate) encoding: Option<Encoding>,
    /// The path of the element that is repeated for each device: `/Delivery/Device`.
    pub(crate) rows: String,
    /// The namespaces that prefixes in the paths of this map stand for. A name without a prefix is found in any namespace.
    #[serde(default)]
    pub(crate) namespaces: BTreeMap<String, String>,
}

/// `[json]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonText {
    /// As for CSV.
    #[serde(default)]
    pub(crate) encoding: Encoding,
    /// The JSON pointer to the array of devices; the empty text when the file itself is the array.
    pub(crate) rows: String,
}

/// `[json_lines]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonLinesText {
    /// As for CSV.
    #[serde(default)]
    pub(crate) encoding: Encoding,
}

/// A value of the file outside its rows. It can be a value of a device where it stands before the rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeadText {
    /// CSV: a line among those skipped, counted from 1. XLSX: a row above the heading row.
    pub(crate) line: Option<u64>,
    /// With `line`: the column, counted from 1.
    pub(crate) column: Option<usize>,
    /// CSV and XLSX: the column of the trailer, counted from 1.
    pub(crate) trailer: Option<usize>,
    /// XML: a path from the top, `/Delivery/Header/@count`. JSON: a pointer from the top.
    pub(crate) path: Option<String>,
    /// What is done to it.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
}

/// `[device]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceText {
    /// Where the system title stands, or what it is made of.
    pub(crate) system_title: SourceText,
    /// How it is made: `hex` (the default), `flag-number`, `flag-text`, `idis`, `uni-ts`.
    #[serde(default)]
    pub(crate) layout: Layout,
    /// The manufacturer's own number.
    pub(crate) serial_number: Option<SourceText>,
    /// The model.
    pub(crate) model: Option<SourceText>,
    /// The firmware version.
    pub(crate) firmware: Option<SourceText>,
    /// The delivery batch.
    pub(crate) batch: Option<SourceText>,
    /// The region of the grid: 1 to 32 letters, digits and hyphens.
    pub(crate) region: Option<SourceText>,
    /// The data concentrator: as the region.
    pub(crate) concentrator: Option<SourceText>,
}

/// Where a value stands: exactly one of `column`, `path`, `constant`, `head`, `join`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceText {
    /// CSV and XLSX: the name of a column in the heading, or its number, counted from 1.
    pub(crate) column: Option<NameOrNumber>,
    /// XML: a path below the element of the row. JSON: a pointer below the value of the row.
    pub(crate) path: Option<String>,
    /// The same for every device.
    pub(crate) constant: Option<String>,
    /// A value of `[head]`, by its name.
    pub(crate) head: Option<String>,
    /// Several values, one after the other.
    pub(crate) join: Option<Vec<Self>>,
    /// What is done to it, in order; see `Step`.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    /// Whether a row without it is faulty; a system title always is required.
    #[serde(default)]
    pub(crate) required: bool,
}

/// `[[certificate]]`: exactly one of `value`, `each`, `beside`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateText {
    /// `signature`, `agreement` or `tls`; then the key usage must be that.
    pub(crate) purpose: Option<CertificatePurpose>,
    /// Where it stands.
    pub(crate) value: Option<SourceText>,
    /// XML and JSON: the path of several, all of which are taken.
    pub(crate) each: Option<SourceText>,
    /// The directory, relative to the delivery's own, of files named by purpose and system title: `D4D504B0001FEA042.pem`.
    /// `purpose` must be there. PEM or DER.
    pub(crate) beside: Option<String>,
    /// How it is written: `base64` (the default), `hex` or `pem`.
    pub(crate) writing: Option<Writing>,
    /// Whether a row without it is faulty; yes unless said.
    #[serde(default = "yes")]
    pub(crate) required: bool,
    /// Where its SHA-256 stands, in hexadecimal.
    pub(crate) fingerprint: Option<SourceText>,
}

/// `[[secret]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretText {
    /// `kek`, `guek`, `gbek`, `gak`, `hls` or `lls`.
    pub(crate) kind: String,
    /// Where the wrapped octets stand.
    pub(crate) value: SourceText,
    /// How they are written: `hex` (the default) or `base64`.
    pub(crate) writing: Option<Writing>,
    /// Where the label of the wrapping key stands.
    pub(crate) wrapped_by: SourceText,
    /// Whether a row without it is faulty; yes unless said.
    #[serde(default = "yes")]
    pub(crate) required: bool,
}

/// `[checks]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChecksText {
    /// The name of the head that announces how many devices there are.
    pub(crate) announced: Option<String>,
    /// The security suite of all devices: 0 has no certificates, 1 has P-256 and keys of 16 octets, 2 has P-384 and 32.
    pub(crate) suite: Option<u8>,
    /// A checksum in each row.
    pub(crate) checksum: Option<ChecksumText>,
}

/// `[checks.checksum]`: the SHA-256 of values of the row, in hexadecimal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChecksumText {
    /// Where it stands.
    pub(crate) value: SourceText,
    /// What it is over, in order; what is absent counts as the empty text.
    pub(crate) of: Vec<SourceText>,
    /// What stands between the values; nothing unless said.
    #[serde(default)]
    pub(crate) between: String,
}

/// A name, or a number counted from 1.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum NameOrNumber {
    /// By number.
    Number(usize),
    /// By name.
    Name(String),
}

fn comma() -> String {
    ",".to_owned()
}

fn double_quote() -> String {
    "\"".to_owned()
}

const fn yes() -> bool {
    true
}

const fn one() -> u64 {
    1
}
