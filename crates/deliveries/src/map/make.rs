//! From the text of a map to a map that makes sense: what does not fit together is told with the place in the map.

use ca_core::record::SecretKind;

use super::text::{
    CertificateText, ChecksText, CsvText, HeadText, MapText, NameOrNumber, SecretText, SourceText,
    TrailerText, XlsxText, XmlText,
};
use super::{
    CertificateFrom, CertificateRule, Checksum, Csv, Field, Form, Head, HeadAt, Json, JsonLines, Map,
    PlainField, SecretRule, Sheet, Trailer, VERSION, Xlsx, Xml,
};
use crate::octets::Writing;
use crate::path::{Pointer, TopPath, XmlPath};
use crate::source::{Origin, Source};

/// Why a text is no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// It is longer than any map.
    #[error("a map has at most 262144 octets")]
    Length,
    /// It is no TOML, or has a field that no map has.
    #[error("{0}")]
    Text(String),
    /// It is of another version.
    #[error("version {found} is not read here, but {VERSION}")]
    Version {
        /// The version that stands there.
        found: u16,
    },
    /// Something in it does not make sense.
    #[error("{place}: {what}")]
    Sense {
        /// Where in the map.
        place: String,
        /// What.
        what: String,
    },
}

impl MapError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "delivery.map"
    }
}

/// The most octets of a map.
const MAX_OCTETS: usize = 262_144;
/// The most lines before the rows of CSV, and rows above the heading of a sheet.
const MAX_SKIPPED: u64 = 1_000;
/// The highest column of any file: that of sheets.
const MAX_COLUMN: usize = 16_384;
/// How deep a join may hold others.
const MAX_JOINS: usize = 4;

fn senseless(place: &str, what: impl Into<String>) -> MapError {
    MapError::Sense { place: place.to_owned(), what: what.into() }
}

/// Tells the line and what is wrong, and nothing of what stands there: who names the wrong file may have named a delivery.
fn told(text: &str, error: &toml::de::Error) -> MapError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count().saturating_add(1);
    MapError::Text(format!("line {line}: {}", error.message()))
}

pub(super) fn map(text: &str) -> Result<Map, MapError> {
    if text.len() > MAX_OCTETS {
        return Err(MapError::Length);
    }
    let text: MapText = toml::from_str(text).map_err(|error| told(text, &error))?;
    if text.version != VERSION {
        return Err(MapError::Version { found: text.version });
    }
    let plain = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
    if text.name.is_empty() || text.name.len() > 64 || !text.name.chars().all(plain) {
        return Err(senseless("name", "1 to 64 lower-case letters, digits and hyphens"));
    }
    let form = form(&text)?;
    let heads =
        text.head.iter().map(|(name, head)| self::head(name, head, &form)).collect::<Result<Vec<_>, _>>()?;
    let maker = Maker { form: &form, heads: &heads };
    let device = &text.device;
    let title =
        Field { source: maker.source("device.system_title", &device.system_title, 0)?, required: true };
    let plain = [
        (PlainField::SerialNumber, &device.serial_number),
        (PlainField::Model, &device.model),
        (PlainField::Firmware, &device.firmware),
        (PlainField::Batch, &device.batch),
        (PlainField::Region, &device.region),
        (PlainField::Concentrator, &device.concentrator),
    ];
    let plain = plain
        .into_iter()
        .filter_map(|(field, source)| source.as_ref().map(|source| (field, source)))
        .map(|(field, source)| {
            let place = format!("device.{}", field.name());
            Ok((field, Field { source: maker.source(&place, source, 0)?, required: source.required }))
        })
        .collect::<Result<Vec<_>, MapError>>()?;
    let certificates =
        text.certificate.iter().map(|rule| maker.certificate(rule)).collect::<Result<Vec<_>, _>>()?;
    let secrets = text.secret.iter().map(|rule| maker.secret(rule)).collect::<Result<Vec<_>, _>>()?;
    let checksum = maker.checks(&text.checks)?;
    Ok(Map {
        title,
        layout: device.layout,
        plain,
        certificates,
        secrets,
        announced: text.checks.announced.clone(),
        suite: text.checks.suite,
        checksum,
        name: text.name,
        about: text.about,
        form,
        heads,
    })
}

fn form(text: &MapText) -> Result<Form, MapError> {
    let mut forms = Vec::new();
    forms.extend(text.csv.as_ref().map(csv).transpose()?.map(Form::Csv));
    forms.extend(text.xlsx.as_ref().map(xlsx).transpose()?.map(Form::Xlsx));
    forms.extend(text.xml.as_ref().map(xml).transpose()?.map(Form::Xml));
    if let Some(json) = &text.json {
        let rows = Pointer::parse(&json.rows).map_err(|why| senseless("json.rows", why))?;
        forms.push(Form::Json(Json { encoding: json.encoding, rows }));
    }
    forms.extend(text.json_lines.as_ref().map(|json| Form::JsonLines(JsonLines { encoding: json.encoding })));
    match (forms.pop(), forms.is_empty()) {
        (Some(form), true) => Ok(form),
        (Some(_) | None, _) => Err(senseless(
            "the map",
            "exactly one of [csv], [xlsx], [xml], [json], [json_lines] says what the file is",
        )),
    }
}

fn csv(text: &CsvText) -> Result<Csv, MapError> {
    let character = |place: &str, text: &str| match text.as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'\r' | b'\n' | 0) => Ok(*one),
        _ => Err(senseless(place, "one ASCII character")),
    };
    let delimiter = character("csv.delimiter", &text.delimiter)?;
    let quote = match text.quote.as_str() {
        "" => None,
        quote => Some(character("csv.quote", quote)?),
    };
    if quote == Some(delimiter) {
        return Err(senseless("csv.quote", "another character than the delimiter"));
    }
    if text.skip_lines > MAX_SKIPPED {
        return Err(senseless("csv.skip_lines", "at most 1000"));
    }
    let trailer = text.trailer.as_ref().map(|text| trailer("csv.trailer", text)).transpose()?;
    Ok(Csv {
        encoding: text.encoding,
        delimiter,
        quote,
        heading: text.heading,
        skip_lines: text.skip_lines,
        trailer,
    })
}

fn trailer(place: &str, text: &TrailerText) -> Result<Trailer, MapError> {
    Ok(Trailer { column: column(place, text.column)?, equals: text.equals.clone() })
}

/// A column, which files count from 1 and programs from 0.
fn column(place: &str, number: usize) -> Result<usize, MapError> {
    number
        .checked_sub(1)
        .filter(|column| *column < MAX_COLUMN)
        .ok_or_else(|| senseless(place, "columns count from 1 to 16384"))
}

fn xlsx(text: &XlsxText) -> Result<Xlsx, MapError> {
    let sheet = match &text.sheet {
        None => Sheet::Number(1),
        Some(NameOrNumber::Number(0)) => return Err(senseless("xlsx.sheet", "sheets count from 1")),
        Some(NameOrNumber::Number(number)) => Sheet::Number(*number),
        Some(NameOrNumber::Name(name)) => Sheet::Name(name.clone()),
    };
    if text.heading_row > MAX_SKIPPED {
        return Err(senseless("xlsx.heading_row", "at most 1000"));
    }
    let heading_row = (text.heading_row > 0).then_some(text.heading_row);
    let trailer = text.trailer.as_ref().map(|text| trailer("xlsx.trailer", text)).transpose()?;
    Ok(Xlsx { sheet, heading_row, first_row: text.heading_row.saturating_add(1), trailer })
}

fn xml(text: &XmlText) -> Result<Xml, MapError> {
    let namespaces: Vec<(String, String)> =
        text.namespaces.iter().map(|(prefix, uri)| (prefix.clone(), uri.clone())).collect();
    let rows = TopPath::parse(&text.rows, &namespaces).map_err(|why| senseless("xml.rows", why))?;
    if rows.attribute.is_some() {
        return Err(senseless("xml.rows", "a row is an element, not an attribute"));
    }
    Ok(Xml { encoding: text.encoding, rows, namespaces })
}

fn head(name: &str, text: &HeadText, form: &Form) -> Result<Head, MapError> {
    let place = format!("head.{name}");
    let wrong = |what: &str| Err(senseless(&place, what));
    let at = match (form, text.line, text.column, text.trailer, &text.path) {
        (Form::Csv(csv), Some(line), Some(number), None, None) => {
            if line == 0 || line > csv.skip_lines {
                return wrong("the line is one of those that skip_lines skips, counted from 1");
            }
            HeadAt::Cell { line, column: column(&place, number)? }
        }
        (Form::Xlsx(xlsx), Some(line), Some(number), None, None) => {
            if line == 0 || line >= xlsx.first_row || Some(line) == xlsx.heading_row {
                return wrong("the line is a row above heading_row, counted from 1");
            }
            HeadAt::Cell { line, column: column(&place, number)? }
        }
        (
            Form::Csv(Csv { trailer, .. }) | Form::Xlsx(Xlsx { trailer, .. }),
            None,
            None,
            Some(number),
            None,
        ) => {
            if trailer.is_none() {
                return wrong("the file has no trailer: say which row it is");
            }
            HeadAt::Trailer { column: column(&place, number)? }
        }
        (Form::Xml(xml), None, None, None, Some(path)) => {
            let path = TopPath::parse(path, &xml.namespaces).map_err(|why| senseless(&place, why))?;
            HeadAt::Element(path)
        }
        (Form::Json(_), None, None, None, Some(path)) => {
            HeadAt::Member(Pointer::parse(path).map_err(|why| senseless(&place, why))?)
        }
        (Form::JsonLines(_), ..) => return wrong("JSON lines have nothing outside their rows"),
        (Form::Csv(_) | Form::Xlsx(_), ..) => return wrong("`line` and `column`, or `trailer`"),
        (Form::Xml(_) | Form::Json(_), ..) => return wrong("`path` alone"),
    };
    for step in &text.steps {
        step.check().map_err(|why| senseless(&place, why))?;
    }
    Ok(Head { name: name.to_owned(), at, steps: text.steps.clone() })
}

struct Maker<'a> {
    form: &'a Form,
    heads: &'a [Head],
}

impl Maker<'_> {
    fn source(&self, place: &str, text: &SourceText, depth: usize) -> Result<Source, MapError> {
        for step in &text.steps {
            step.check().map_err(|why| senseless(place, why))?;
        }
        let origin = match (&text.column, &text.path, &text.constant, &text.head, &text.join) {
            (Some(column), None, None, None, None) => self.column(place, column)?,
            (None, Some(path), None, None, None) => self.path(place, path)?,
            (None, None, Some(text), None, None) => Origin::Constant(text.clone()),
            (None, None, None, Some(name), None) => Origin::Head(self.head(place, name)?),
            (None, None, None, None, Some(parts)) if parts.is_empty() || depth >= MAX_JOINS => {
                return Err(senseless(place, "a join has parts, and joins stand at most 4 deep"));
            }
            (None, None, None, None, Some(parts)) => {
                let parts = parts.iter().map(|part| self.source(place, part, depth.saturating_add(1)));
                Origin::Join(parts.collect::<Result<Vec<_>, _>>()?)
            }
            _ => {
                return Err(senseless(place, "exactly one of `column`, `path`, `constant`, `head`, `join`"));
            }
        };
        Ok(Source { origin, steps: text.steps.clone() })
    }

    fn column(&self, place: &str, text: &NameOrNumber) -> Result<Origin, MapError> {
        let heading = match self.form {
            Form::Csv(csv) => csv.heading,
            Form::Xlsx(xlsx) => xlsx.heading_row.is_some(),
            Form::Xml(_) | Form::Json(_) | Form::JsonLines(_) => {
                return Err(senseless(place, "only CSV and XLSX have columns: give a path"));
            }
        };
        match text {
            NameOrNumber::Number(number) => Ok(Origin::Column(column(place, *number)?)),
            NameOrNumber::Name(name) if heading => Ok(Origin::Named(name.clone())),
            NameOrNumber::Name(_) => {
                Err(senseless(place, "without a heading a column is given by its number, counted from 1"))
            }
        }
    }

    fn path(&self, place: &str, text: &str) -> Result<Origin, MapError> {
        match self.form {
            Form::Xml(xml) => {
                let path = XmlPath::parse(text, &xml.namespaces).map_err(|why| senseless(place, why))?;
                Ok(Origin::Path(path))
            }
            Form::Json(_) | Form::JsonLines(_) => {
                Ok(Origin::Pointer(Pointer::parse(text).map_err(|why| senseless(place, why))?))
            }
            Form::Csv(_) | Form::Xlsx(_) => {
                Err(senseless(place, "CSV and XLSX have no paths: give a column"))
            }
        }
    }

    fn head(&self, place: &str, name: &str) -> Result<String, MapError> {
        if self.heads.iter().any(|head| head.name == name) {
            return Ok(name.to_owned());
        }
        Err(senseless(place, format!("[head] has no {name:?}")))
    }

    fn certificate(&self, text: &CertificateText) -> Result<CertificateRule, MapError> {
        let place = "certificate";
        let from = match (&text.value, &text.each, &text.beside) {
            (Some(value), None, None) => CertificateFrom::Value(self.source(place, value, 0)?),
            (None, Some(each), None) => {
                let source = self.source(place, each, 0)?;
                if !matches!(source.origin, Origin::Path(_) | Origin::Pointer(_))
                    || text.fingerprint.is_some()
                {
                    return Err(senseless(place, "`each` is a path of XML or JSON, without a fingerprint"));
                }
                CertificateFrom::Each(source)
            }
            (None, None, Some(directory)) => {
                let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
                if !directory.is_empty() && !directory.split('/').all(plain) {
                    return Err(senseless(place, "`beside` is a directory below that of the delivery"));
                }
                if text.purpose.is_none() || text.writing.is_some() {
                    return Err(senseless(place, "`beside` takes the purpose, and no writing: PEM or DER"));
                }
                CertificateFrom::Beside(directory.clone())
            }
            _ => return Err(senseless(place, "exactly one of `value`, `each`, `beside`")),
        };
        let fingerprint =
            text.fingerprint.as_ref().map(|source| self.source("certificate.fingerprint", source, 0));
        Ok(CertificateRule {
            purpose: text.purpose,
            from,
            writing: text.writing.unwrap_or(Writing::Base64),
            required: text.required,
            fingerprint: fingerprint.transpose()?,
        })
    }

    fn secret(&self, text: &SecretText) -> Result<SecretRule, MapError> {
        let place = "secret";
        let kind = SecretKind::named(&text.kind)
            .ok_or_else(|| senseless(place, "`kind` is kek, guek, gbek, gak, hls or lls"))?;
        let writing = text.writing.unwrap_or(Writing::Hex);
        if writing == Writing::Pem {
            return Err(senseless(place, "a secret is written in hex or base64"));
        }
        Ok(SecretRule {
            kind,
            value: self.source(place, &text.value, 0)?,
            writing,
            wrapped_by: self.source("secret.wrapped_by", &text.wrapped_by, 0)?,
            required: text.required,
        })
    }

    fn checks(&self, text: &ChecksText) -> Result<Option<Checksum>, MapError> {
        if let Some(name) = &text.announced {
            self.head("checks.announced", name)?;
        }
        if text.suite.is_some_and(|suite| suite > 2) {
            return Err(senseless("checks.suite", "0, 1 or 2"));
        }
        let Some(checksum) = &text.checksum else { return Ok(None) };
        let place = "checks.checksum";
        if checksum.of.is_empty() {
            return Err(senseless(place, "`of` names what it is over"));
        }
        let of =
            checksum.of.iter().map(|source| self.source(place, source, 0)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Checksum {
            source: self.source(place, &checksum.value, 0)?,
            of,
            between: checksum.between.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "version = 1\nname = \"x\"\n[csv]\n[device]\nsystem_title = { column = \"t\" }\n";
    const XML: &str =
        "version = 1\nname = \"x\"\n[xml]\nrows = \"/a/b\"\n[device]\nsystem_title = { path = \"t\" }\n";

    fn told(text: &str) -> String {
        map(text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_least_map_is_a_name_a_form_and_a_title() {
        let least = map(CSV).unwrap();
        assert_eq!((least.name(), least.kind()), ("x", "csv"));
        assert_eq!(map(XML).unwrap().kind(), "xml");
    }

    #[test]
    fn what_does_not_make_sense_is_told_with_its_place() {
        let beside = "[[certificate]]\nbeside = \"../x\"\npurpose = \"signature\"";
        for (text, place) in [
            (CSV.replace("version = 1", "version = 2"), "version 2"),
            (CSV.replace("\"x\"", "\"X\""), "name"),
            (format!("{CSV}unknown = 1"), "unknown"),
            (format!("{CSV}[xlsx]"), "exactly one of [csv]"),
            (CSV.replace("[csv]", "[csv]\ndelimiter = \";;\""), "csv.delimiter"),
            (CSV.replace("[csv]", "[csv]\ndelimiter = \"\\n\""), "csv.delimiter"),
            (CSV.replace("[csv]", "[csv]\nquote = \",\""), "csv.quote"),
            (CSV.replace("[csv]", "[csv]\nheading = false"), "device.system_title"),
            (CSV.replace("[csv]", "[csv]\nskip_lines = 1001"), "csv.skip_lines"),
            (CSV.replace("[csv]", "[csv]\ntrailer = { column = 0, equals = \"E\" }"), "csv.trailer"),
            (CSV.replace("column = \"t\"", "path = \"t\""), "device.system_title"),
            (CSV.replace("column = \"t\"", "head = \"t\""), "device.system_title"),
            (CSV.replace("column = \"t\"", "column = 0"), "device.system_title"),
            (CSV.replace("column = \"t\"", "column = 16385"), "device.system_title"),
            (CSV.replace("column = \"t\"", "column = 1, constant = \"t\""), "device.system_title"),
            (CSV.replace("column = \"t\"", "join = []"), "device.system_title"),
            (CSV.replace("column = \"t\"", "column = \"t\", steps = [{ pad = 99 }]"), "device.system_title"),
            (CSV.replace("column = \"t\"", "column = \"t\", steps = [\"rot13\"]"), "rot13"),
            (format!("{CSV}[head]\nn = {{ line = 1, column = 1 }}"), "head.n"),
            (format!("{CSV}[head]\nn = {{ trailer = 2 }}"), "head.n"),
            (format!("{XML}[head]\nn = {{ line = 1, column = 1 }}"), "head.n"),
            (format!("{XML}[head]\nn = {{ path = \"x\" }}"), "head.n"),
            (format!("{CSV}[checks]\nannounced = \"n\""), "checks.announced"),
            (format!("{CSV}[checks]\nsuite = 3"), "checks.suite"),
            (format!("{CSV}{beside}"), "certificate"),
            (format!("{CSV}[[certificate]]\nbeside = \"x\""), "certificate"),
            (format!("{CSV}[[certificate]]\neach = {{ column = \"c\" }}"), "certificate"),
            (format!("{CSV}[[certificate]]\npurpose = \"tls\""), "certificate"),
            (XML.replace("path = \"t\"", "column = \"t\""), "device.system_title"),
            (XML.replace("/a/b", "/a/@b"), "xml.rows"),
            (XML.replace("/a/b", "/n:a/b"), "xml.rows"),
        ] {
            let told = told(&text);
            assert!(told.contains(place), "{text}\n{told}");
        }
        let secret = |kind: &str, writing: &str| {
            format!(
                "{CSV}[[secret]]\nkind = \"{kind}\"\nwriting = \"{writing}\"\nvalue = {{ column = \"k\" }}\n\
                 wrapped_by = {{ constant = \"l\" }}"
            )
        };
        assert!(map(&secret("guek", "hex")).is_ok());
        assert!(told(&secret("GUEK", "hex")).contains("secret"));
        assert!(told(&secret("guek", "pem")).contains("secret"));
        assert_eq!(map(&" ".repeat(MAX_OCTETS + 1)).map(|_| ()), Err(MapError::Length));
    }
}
