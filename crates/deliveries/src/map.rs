//! A map: what a file of one maker looks like, and where everything of a device stands in it. Data, in TOML, read strictly.
//!
//! The file format is described field by field in [`text`]; here stands what it means once it is known to make sense. A map
//! that was parsed may still name a column that a file does not have: only the file can tell.

mod make;
pub mod text;

use ca_core::record::SecretKind;

use crate::decoded::Encoding;
use crate::octets::Writing;
use crate::path::{Pointer, TopPath};
use crate::source::Source;
use crate::step::Step;
use crate::title::Layout;

pub use make::MapError;

/// The version of the format that this program reads.
pub const VERSION: u16 = 1;

/// A map that makes sense.
#[derive(Debug, Clone)]
pub struct Map {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) form: Form,
    pub(crate) heads: Vec<Head>,
    pub(crate) title: Field,
    pub(crate) layout: Layout,
    pub(crate) plain: Vec<(PlainField, Field)>,
    pub(crate) certificates: Vec<CertificateRule>,
    pub(crate) secrets: Vec<SecretRule>,
    pub(crate) announced: Option<String>,
    pub(crate) suite: Option<u8>,
    pub(crate) checksum: Option<Checksum>,
}

impl Map {
    /// Reads a map file.
    ///
    /// # Errors
    /// [`MapError`].
    pub fn parse(text: &str) -> Result<Self, MapError> {
        make::map(text)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it is for, in a sentence.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Returns the word for the kind of file: `csv`, `xlsx`, `xml`, `json` or `json-lines`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.form {
            Form::Csv(_) => "csv",
            Form::Xlsx(_) => "xlsx",
            Form::Xml(_) => "xml",
            Form::Json(_) => "json",
            Form::JsonLines(_) => "json-lines",
        }
    }

    /// Tells the number of every column by the heading of a file.
    pub(crate) fn bind(&mut self, heading: &[String]) -> Result<(), String> {
        self.sources_mut().into_iter().try_for_each(|source| source.bind(heading))
    }

    /// Tells whether a device takes a value from this head.
    pub(crate) fn uses_head(&mut self, name: &str) -> bool {
        self.sources_mut().iter().any(|source| source.uses_head(name))
    }

    fn sources_mut(&mut self) -> Vec<&mut Source> {
        let mut sources = vec![&mut self.title.source];
        sources.extend(self.plain.iter_mut().map(|(_, field)| &mut field.source));
        for rule in &mut self.certificates {
            match &mut rule.from {
                CertificateFrom::Value(source) | CertificateFrom::Each(source) => sources.push(source),
                CertificateFrom::Beside(_) => {}
            }
            sources.extend(&mut rule.fingerprint);
        }
        sources.extend(self.secrets.iter_mut().flat_map(|rule| [&mut rule.value, &mut rule.wrapped_by]));
        if let Some(rule) = &mut self.checksum {
            sources.push(&mut rule.source);
            sources.extend(&mut rule.of);
        }
        sources
    }
}

/// The kind of file, and where its rows are.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    Csv(Csv),
    Xlsx(Xlsx),
    Xml(Xml),
    Json(Json),
    JsonLines(JsonLines),
}

#[derive(Debug, Clone)]
pub(crate) struct Csv {
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) heading: bool,
    pub(crate) skip_lines: u64,
    pub(crate) trailer: Option<Trailer>,
}

/// Which rows are no devices but an end of the file.
#[derive(Debug, Clone)]
pub(crate) struct Trailer {
    /// Counted from 0.
    pub(crate) column: usize,
    pub(crate) equals: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Xlsx {
    pub(crate) sheet: Sheet,
    /// Counted from 1.
    pub(crate) heading_row: Option<u64>,
    /// Counted from 1.
    pub(crate) first_row: u64,
    pub(crate) trailer: Option<Trailer>,
}

#[derive(Debug, Clone)]
pub(crate) enum Sheet {
    /// Counted from 1.
    Number(usize),
    Name(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Xml {
    /// Unless said, what the file declares.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) rows: TopPath,
    pub(crate) namespaces: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Json {
    pub(crate) encoding: Encoding,
    pub(crate) rows: Pointer,
}

#[derive(Debug, Clone)]
pub(crate) struct JsonLines {
    pub(crate) encoding: Encoding,
}

/// A value of the file outside its rows.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) at: HeadAt,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(crate) enum HeadAt {
    /// A line before the rows of CSV, or a row of a sheet, counted from 1; and a column, counted from 0.
    Cell {
        line: u64,
        column: usize,
    },
    /// A column of the trailer, counted from 0.
    Trailer {
        column: usize,
    },
    Element(TopPath),
    Member(Pointer),
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) source: Source,
    pub(crate) required: bool,
}

/// A field of a device that is a text and may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainField {
    SerialNumber,
    Model,
    Firmware,
    Batch,
    Region,
    Concentrator,
}

impl PlainField {
    /// Returns the word that map files and listings use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SerialNumber => "serial_number",
            Self::Model => "model",
            Self::Firmware => "firmware",
            Self::Batch => "batch",
            Self::Region => "region",
            Self::Concentrator => "concentrator",
        }
    }
}

/// What a certificate is for, as its key usage says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificatePurpose {
    /// digitalSignature alone.
    Signature,
    /// keyAgreement alone.
    Agreement,
    /// Both, for TLS.
    Tls,
}

impl CertificatePurpose {
    /// Returns the letter with which files of this purpose begin.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Signature => 'D',
            Self::Agreement => 'A',
            Self::Tls => 'T',
        }
    }

    /// Returns the word that map files and listings use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Agreement => "agreement",
            Self::Tls => "tls",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct CertificateRule {
    pub(crate) purpose: Option<CertificatePurpose>,
    pub(crate) from: CertificateFrom,
    pub(crate) writing: Writing,
    pub(crate) required: bool,
    pub(crate) fingerprint: Option<Source>,
}

#[derive(Debug, Clone)]
pub(crate) enum CertificateFrom {
    Value(Source),
    /// All that stand there.
    Each(Source),
    /// Files beside the delivery: the directory below it, which may be empty.
    Beside(String),
}

#[derive(Debug, Clone)]
pub(crate) struct SecretRule {
    pub(crate) kind: SecretKind,
    pub(crate) value: Source,
    pub(crate) writing: Writing,
    pub(crate) wrapped_by: Source,
    pub(crate) required: bool,
}

/// A checksum in each row: SHA-256 over values of the row, each as it stands after its steps.
#[derive(Debug, Clone)]
pub(crate) struct Checksum {
    pub(crate) source: Source,
    pub(crate) of: Vec<Source>,
    pub(crate) between: String,
}
