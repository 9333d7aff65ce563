//! One row made a device, or told as faulty with every fault that it has.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use ca_core::record::{DeliveredDevice, WrappedSecret};
use ca_core::scope::Shard;
use ca_core::system_title::SystemTitle;
use sha2::{Digest as _, Sha256};

use crate::checks::{Asked, Checks};
use crate::fault::{Fault, FaultKind, Place, Shown, has_digits_of_a_key};
use crate::map::{CertificateFrom, CertificateRule, Checksum, Map, PlainField, SecretRule};
use crate::octets::Writing;
use crate::row::{Found, Row, Unfit};
use crate::secret::{self, SecretFault};
use crate::source::{Heads, Origin, Source, ValueFault};

/// How long a text of a device may be, in characters.
const MAX_CHARACTERS: usize = 128;
/// The most octets of a file with one certificate.
const MAX_FILE_OCTETS: u64 = 65_536;
/// The most certificates of one device.
const MAX_CERTIFICATES: usize = 32;

/// Makes devices of rows.
pub(crate) struct Maker<'a> {
    pub(crate) map: &'a Map,
    pub(crate) checks: &'a Checks,
    /// Where files lie beside the delivery, if it has a place of its own.
    pub(crate) beside: Option<&'a Path>,
}

/// A row, and what is wrong with it so far.
struct Bench<'a> {
    row: &'a Row<'a>,
    heads: &'a Heads,
    place: Place,
    faults: Vec<Fault>,
}

impl<'a> Bench<'a> {
    fn fault(
        &mut self,
        kind: FaultKind,
        (field, at): (&str, &Source),
        shown: Shown,
        message: impl Into<String>,
    ) {
        self.faults.push(Fault {
            place: self.place,
            column: at.place(),
            field: field.to_owned(),
            kind,
            value: shown,
            message: message.into(),
        });
    }

    /// Returns a value that may be shown.
    fn value(&mut self, field: &str, source: &'a Source, required: bool) -> Option<Cow<'a, str>> {
        self.read(field, source, required, Shown::of)
    }

    /// Returns a value that is shown nowhere.
    fn hidden(&mut self, field: &str, source: &'a Source, required: bool) -> Option<Cow<'a, str>> {
        self.read(field, source, required, |_| Shown::nothing())
    }

    fn read(
        &mut self,
        field: &str,
        source: &'a Source,
        required: bool,
        show: fn(&str) -> Shown,
    ) -> Option<Cow<'a, str>> {
        match source.value(self.row, self.heads) {
            Ok(Some(text)) => return Some(text),
            Ok(None) if required => {
                self.fault(
                    FaultKind::Missing,
                    (field, source),
                    Shown::nothing(),
                    "it must be there, and is not",
                );
            }
            Ok(None) => {}
            Err(ValueFault { column, value, why }) => self.faults.push(Fault {
                place: self.place,
                column,
                field: field.to_owned(),
                kind: FaultKind::Value,
                value: show(&value),
                message: why,
            }),
        }
        None
    }
}

impl Maker<'_> {
    /// Makes a device of a row.
    ///
    /// # Errors
    /// Every fault of the row.
    pub(crate) fn device(
        &self,
        place: Place,
        row: &Row<'_>,
        heads: &Heads,
    ) -> Result<DeliveredDevice, Vec<Fault>> {
        let mut bench = Bench { row, heads, place, faults: Vec::new() };
        let title = self.title(&mut bench);
        let mut device = DeliveredDevice {
            title: title.unwrap_or(SystemTitle::new([0; 8])),
            serial_number: String::new(),
            model: String::new(),
            firmware: String::new(),
            batch: String::new(),
            region: None,
            concentrator: None,
            certificates: Vec::new(),
            secrets: Vec::new(),
        };
        for (field, rule) in &self.map.plain {
            let name = field.name();
            if let Some(text) = bench.value(name, &rule.source, rule.required) {
                put(&mut bench, &mut device, *field, &rule.source, &text);
            }
        }
        for rule in &self.map.certificates {
            self.certificates(&mut bench, rule, title, &mut device.certificates);
        }
        for rule in &self.map.secrets {
            device.secrets.extend(self.secret(&mut bench, rule));
        }
        if let Some(rule) = &self.map.checksum {
            checksum(&mut bench, rule);
        }
        if bench.faults.is_empty() { Ok(device) } else { Err(bench.faults) }
    }

    fn title<'a>(&'a self, bench: &mut Bench<'a>) -> Option<SystemTitle> {
        let source = &self.map.title.source;
        let text = bench.value("system_title", source, true)?;
        match self.map.layout.title(&text) {
            Ok(title) => Some(title),
            Err(error) => {
                bench.fault(FaultKind::Title, ("system_title", source), Shown::of(&text), error.to_string());
                None
            }
        }
    }

    fn certificates<'a>(
        &'a self,
        bench: &mut Bench<'a>,
        rule: &'a CertificateRule,
        title: Option<SystemTitle>,
        into: &mut Vec<Vec<u8>>,
    ) {
        let field = rule
            .purpose
            .map_or_else(|| "certificate".to_owned(), |one| format!("certificate {}", one.name()));
        let before = into.len();
        match &rule.from {
            CertificateFrom::Value(source) => {
                let Some(text) = bench.value(&field, source, rule.required) else { return };
                match rule.writing.decode(&text) {
                    Ok(octets) => into.push(octets),
                    Err(why) => bench.fault(FaultKind::Certificate, (&field, source), Shown::nothing(), why),
                }
            }
            CertificateFrom::Each(source) => each(bench, &field, rule, source, into),
            CertificateFrom::Beside(directory) => {
                if let (Some(title), Some(purpose)) = (title, rule.purpose) {
                    let name = format!("{}{title}.pem", purpose.letter());
                    into.extend(self.beside(bench, &field, (directory, &name), rule.required));
                }
            }
        }
        let asked = Asked { title, purpose: rule.purpose, suite: self.map.suite, checks: self.checks };
        let column = match &rule.from {
            CertificateFrom::Value(source) | CertificateFrom::Each(source) => source.place(),
            CertificateFrom::Beside(_) => "beside".to_owned(),
        };
        for der in into.iter().skip(before) {
            if let Err((kind, message)) = asked.check(der) {
                let (field, column, value) = (field.clone(), column.clone(), Shown::nothing());
                bench.faults.push(Fault { place: bench.place, column, field, kind, value, message });
            }
        }
        if let (Some(source), Some(der)) = (&rule.fingerprint, into.get(before)) {
            fingerprint(bench, &field, source, der);
        }
    }

    /// Reads a certificate from a file beside the delivery.
    fn beside(
        &self,
        bench: &mut Bench<'_>,
        field: &str,
        (directory, name): (&str, &str),
        required: bool,
    ) -> Option<Vec<u8>> {
        let mut fault = |kind, message: String| {
            let (column, field) = ("beside".to_owned(), field.to_owned());
            let value = Shown::nothing();
            bench.faults.push(Fault { place: bench.place, column, field, kind, value, message });
        };
        let Some(beside) = self.beside else {
            fault(
                FaultKind::Missing,
                "the delivery has no directory in which its files could lie".to_owned(),
            );
            return None;
        };
        let mut octets = Vec::new();
        let read = File::open(beside.join(directory).join(name))
            .and_then(|file| file.take(MAX_FILE_OCTETS).read_to_end(&mut octets));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound && !required => return None,
            Err(error) => {
                fault(FaultKind::Missing, format!("{name}: {error}"));
                return None;
            }
        }
        if octets.starts_with(b"-----") {
            let text = String::from_utf8_lossy(&octets);
            return match Writing::Pem.decode(&text) {
                Ok(der) => Some(der),
                Err(why) => {
                    fault(FaultKind::Certificate, format!("{name}: {why}"));
                    None
                }
            };
        }
        Some(octets)
    }

    fn secret<'a>(&'a self, bench: &mut Bench<'a>, rule: &'a SecretRule) -> Option<WrappedSecret> {
        let name = rule.kind.name();
        let text = bench.hidden(name, &rule.value, rule.required)?;
        let mut told =
            |kind, message: &str| bench.fault(kind, (name, &rule.value), Shown::nothing(), message);
        let octets = match rule.writing.decode(&text) {
            Ok(octets) => octets,
            Err(why) => {
                told(FaultKind::Secret, why);
                return None;
            }
        };
        match secret::check(rule.kind, &octets, self.map.suite) {
            Ok(()) => {}
            Err(SecretFault::Clear) => {
                let message =
                    "a secret in clear is not taken: it counts as known to whoever carried this file";
                told(FaultKind::ClearSecret, message);
                return None;
            }
            Err(SecretFault::Length) => {
                told(
                    FaultKind::Secret,
                    "it has no length that a wrapped key has (24 octets, or 40 in suite 2)",
                );
                return None;
            }
            Err(SecretFault::Suite) => {
                told(FaultKind::Suite, "it is wrapped, and not of the length of a key of this suite");
                return None;
            }
        }
        let field = format!("{name} wrapped_by");
        let wrapped_by = bench.value(&field, &rule.wrapped_by, true)?;
        if !fits(&wrapped_by) {
            let shown = Shown::of(&wrapped_by);
            bench.fault(FaultKind::Value, (&field, &rule.wrapped_by), shown, TOO_LONG);
            return None;
        }
        Some(WrappedSecret { kind: rule.kind, wrapped_by: wrapped_by.into_owned(), octets })
    }
}

const TOO_LONG: &str = "a text of a device has at most 128 characters and no control characters";

fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_CHARACTERS && !text.chars().any(char::is_control)
}

fn put(bench: &mut Bench<'_>, device: &mut DeliveredDevice, field: PlainField, source: &Source, text: &str) {
    if !fits(text) {
        bench.fault(FaultKind::Value, (field.name(), source), Shown::of(text), TOO_LONG);
        return;
    }
    if has_digits_of_a_key(text) {
        let message = "it looks like a key in clear: is a column shifted?";
        bench.fault(FaultKind::ClearSecret, (field.name(), source), Shown::nothing(), message);
        return;
    }
    let mut shard = || match Shard::parse(text) {
        Ok(shard) => Some(shard),
        Err(_) => {
            let message = "a region or concentrator is 1 to 32 letters, digits and hyphens";
            bench.fault(FaultKind::Value, (field.name(), source), Shown::of(text), message);
            None
        }
    };
    match field {
        PlainField::SerialNumber => text.clone_into(&mut device.serial_number),
        PlainField::Model => text.clone_into(&mut device.model),
        PlainField::Firmware => text.clone_into(&mut device.firmware),
        PlainField::Batch => text.clone_into(&mut device.batch),
        PlainField::Region => device.region = shard(),
        PlainField::Concentrator => device.concentrator = shard(),
    }
}

/// Reads every certificate that stands at a path.
fn each(
    bench: &mut Bench<'_>,
    field: &str,
    rule: &CertificateRule,
    source: &Source,
    into: &mut Vec<Vec<u8>>,
) {
    let found: Option<Vec<Found<'_>>> = match (&source.origin, bench.row) {
        (Origin::Path(path), Row::Element(element)) => {
            Some(path.find_each(element).into_iter().map(Found::text).collect())
        }
        (Origin::Pointer(pointer), Row::Json(json)) => pointer.find_each(json),
        _ => Some(Vec::new()),
    };
    let Some(found) = found else {
        bench.fault(FaultKind::Value, (field, source), Shown::nothing(), "no array stands here");
        return;
    };
    if found.is_empty() && rule.required {
        bench.fault(FaultKind::Missing, (field, source), Shown::nothing(), "it must be there, and is not");
    }
    if found.len() > MAX_CERTIFICATES {
        bench.fault(
            FaultKind::Value,
            (field, source),
            Shown::nothing(),
            "a device has at most 32 certificates",
        );
        return;
    }
    for one in found {
        let text = match one {
            Found::Text(text) => text,
            Found::Absent => continue,
            Found::Unfit(why) => {
                bench.fault(FaultKind::Value, (field, source), Shown::nothing(), Unfit::words(why));
                continue;
            }
        };
        match source.stepped(text) {
            Ok(None) => {}
            Ok(Some(text)) => match rule.writing.decode(&text) {
                Ok(octets) => into.push(octets),
                Err(why) => bench.fault(FaultKind::Certificate, (field, source), Shown::nothing(), why),
            },
            Err(fault) => bench.fault(FaultKind::Value, (field, source), Shown::nothing(), fault.why),
        }
    }
}

fn fingerprint<'a>(bench: &mut Bench<'a>, field: &str, source: &'a Source, der: &[u8]) {
    let field = format!("{field} fingerprint");
    let Some(text) = bench.hidden(&field, source, true) else { return };
    if hex::decode(text.as_ref()).ok().as_deref() != Some(Sha256::digest(der).as_slice()) {
        let message = "it is not the SHA-256 of the certificate, in hexadecimal";
        bench.fault(FaultKind::Checksum, (&field, source), Shown::nothing(), message);
    }
}

fn checksum<'a>(bench: &mut Bench<'a>, rule: &'a Checksum) {
    let Some(text) = bench.hidden("checksum", &rule.source, true) else { return };
    let mut digest = Sha256::new();
    for (place, source) in rule.of.iter().enumerate() {
        if place > 0 {
            digest.update(&rule.between);
        }
        if let Some(value) = bench.hidden("checksum", source, false) {
            digest.update(value.as_bytes());
        }
    }
    if hex::decode(text.as_ref()).ok().as_deref() != Some(digest.finalize().as_slice()) {
        let message = "it is not the SHA-256 of the values that it is over";
        bench.fault(FaultKind::Checksum, ("checksum", &rule.source), Shown::nothing(), message);
    }
}
