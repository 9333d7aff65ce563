//! Values in words: what they are by their form, and below that their tree.

use super::{Field, der_line};
use crate::axdr::Data;
use crate::der_text::{hexadecimal, name};
use crate::security_setup::{CertificateEntry, KeyId, Method, read_certificates};

/// Octets beyond which a string is told by its length.
const SHOWN: usize = 64;
/// Elements beyond which no more are told.
const MAX_LINES: usize = 200;

/// Describes a value: as a list of certificates, keys, an identification, or by its types.
pub(super) fn of_data(data: &Data) -> Vec<Field> {
    match data {
        // An empty array has no form.
        Data::Array(elements) if elements.is_empty() => {}
        Data::Array(_) | Data::Structure(_) => {
            if let Some(fields) = by_form(data) {
                return fields;
            }
        }
        Data::Null
        | Data::Boolean(_)
        | Data::BitString(_)
        | Data::DoubleLong(_)
        | Data::DoubleLongUnsigned(_)
        | Data::OctetString(_)
        | Data::VisibleString(_)
        | Data::Utf8String(_)
        | Data::Integer(_)
        | Data::Long(_)
        | Data::Unsigned(_)
        | Data::LongUnsigned(_)
        | Data::Long64(_)
        | Data::Long64Unsigned(_)
        | Data::Enum(_) => {}
    }
    let mut fields = Vec::new();
    tree(data, 0, &mut fields);
    fields
}

fn by_form(data: &Data) -> Option<Vec<Field>> {
    if let Ok(entries) = read_certificates(data) {
        let lines = entries.iter().map(entry_line);
        return Some(lines.map(|value| Field { name: "certificate", value }).collect());
    }
    if let Ok(Method::KeyTransfer(keys)) = Method::read(2, data) {
        let line = |id: KeyId, octets: usize| format!("{}, {octets} octets, wrapped or agreed", id.name());
        let fields = keys.iter().map(|key| Field { name: "key", value: line(key.id, key.wrapped.len()) });
        return Some(fields.collect());
    }
    if let Ok(Method::ExportCertificate(identification)) = Method::read(7, data) {
        return Some(vec![Field { name: "certificate_identification", value: identification.to_string() }]);
    }
    None
}

fn entry_line(entry: &CertificateEntry) -> String {
    format!(
        "{} of {}: {} by {}, serial number {}",
        entry.kind.name(),
        entry.entity.name(),
        name(&entry.subject),
        name(&entry.issuer),
        hexadecimal(&entry.serial)
    )
}

fn tree(data: &Data, depth: usize, fields: &mut Vec<Field>) {
    match fields.len() {
        ..MAX_LINES => {}
        MAX_LINES => return fields.push(Field { name: "…", value: "and more".to_owned() }),
        _ => return,
    }
    let value = match data {
        Data::Array(elements) | Data::Structure(elements) => format!("{} elements", elements.len()),
        Data::OctetString(octets) => match der_line(octets) {
            Some(line) => line,
            None if octets.len() > SHOWN => format!("{} octets", octets.len()),
            None => hexadecimal(octets),
        },
        Data::Null => String::new(),
        Data::Boolean(value) => value.to_string(),
        Data::BitString(value) => format!("{} bits: {}", value.bits(), hexadecimal(value.octets())),
        Data::DoubleLong(value) => value.to_string(),
        Data::DoubleLongUnsigned(value) => value.to_string(),
        Data::VisibleString(text) | Data::Utf8String(text) => text.escape_debug().to_string(),
        Data::Integer(value) => value.to_string(),
        Data::Long(value) => value.to_string(),
        Data::Unsigned(value) | Data::Enum(value) => value.to_string(),
        Data::LongUnsigned(value) => value.to_string(),
        Data::Long64(value) => value.to_string(),
        Data::Long64Unsigned(value) => value.to_string(),
    };
    fields.push(Field { name: data.type_name(), value: format!("{}{value}", "  ".repeat(depth)) });
    if let Data::Array(elements) | Data::Structure(elements) = data {
        elements.iter().for_each(|element| tree(element, depth.saturating_add(1), fields));
    }
}
