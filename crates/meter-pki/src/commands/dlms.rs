//! `meter-pki dlms decode`: octets of class 64, in words.

use std::fs::File;
use std::io::Read;

use dlms::axdr::MAX_OCTETS;
use dlms::description::{Description, describe};
use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::cli::dlms::DlmsCommand;
use crate::exit::{Exit, Failure};

/// What octets are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DlmsDescription)]
pub(in crate::commands) struct DescriptionView {
    what: String,
    octets: usize,
    fields: Vec<FieldView>,
}

/// A part of the message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DlmsField)]
pub(in crate::commands) struct FieldView {
    name: &'static str,
    value: String,
}

pub(super) fn run(verb: &DlmsCommand, printer: &Printer) -> Result<(), Failure> {
    match verb {
        DlmsCommand::Decode { octets } => decode(octets, printer),
    }
}

fn decode(given: &str, printer: &Printer) -> Result<(), Failure> {
    let octets = match of_digits(given) {
        Some(octets) => octets,
        None => of_file(given)?,
    };
    let told = describe(&octets).map_err(|error| {
        Failure::new(Exit::Refused, "dlms.unreadable", error).then(
            "give an APDU as it is after deciphering, or a method's parameter or value alone; ciphered ones are the head-end's",
        )
    })?;
    printer.result(&view(told, octets.len()), |view| {
        let mut lines = vec![format!("{}, {} octets", view.what, view.octets)];
        lines.extend(view.fields.iter().map(|field| format!("  {}: {}", field.name, field.value)));
        lines
    });
    Ok(())
}

fn view(told: Description, octets: usize) -> DescriptionView {
    let fields = told.fields.into_iter().map(|field| FieldView { name: field.name, value: field.value });
    DescriptionView { what: told.what, octets, fields: fields.collect() }
}

/// Reads hexadecimal digits, with spaces, line breaks and colons between them as tools print them.
fn of_digits(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace() && *c != ':').collect();
    (!digits.is_empty()).then(|| hex::decode(digits).ok()).flatten()
}

fn of_file(path: &str) -> Result<Vec<u8>, Failure> {
    // Three characters for each octet at most, and one more octet than is read, which is then refused for its length.
    let most = u64::try_from(MAX_OCTETS).unwrap_or(u64::MAX).saturating_mul(3).saturating_add(1);
    let mut content = Vec::new();
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut content)).map_err(|error| {
        Failure::new(
            Exit::Usage,
            "dlms.no_octets",
            format!("`{path}` is neither hexadecimal digits nor a file: {error}"),
        )
        .then("give the octets in hexadecimal digits, or the name of a file with them")
    })?;
    Ok(core::str::from_utf8(&content).ok().and_then(of_digits).unwrap_or(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_tools_print_them() {
        for text in ["c3010a", "C3 01 0A", "c3:01:0a\n"] {
            assert_eq!(of_digits(text), Some(vec![0xC3, 1, 10]), "{text}");
        }
        assert_eq!(of_digits("c301f"), None);
        assert_eq!(of_digits("answer.bin"), None);
        assert_eq!(of_digits(""), None);
    }

    #[test]
    fn a_file_has_the_octets_or_their_digits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("answer");
        for content in [&b"\xC7\x01\xC1\x00\x00"[..], b"C7 01 C1 00 00\n"] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(of_file(file.to_str().unwrap()).unwrap(), [0xC7, 1, 0xC1, 0, 0]);
        }
        assert_eq!(of_file("/nowhere/at/all").unwrap_err().code, "dlms.no_octets");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_octet() {
        let failure = decode("C309C1", &Printer::new(true)).unwrap_err();
        assert_eq!((failure.exit, failure.code.as_str()), (Exit::Refused, "dlms.unreadable"));
        assert!(failure.message.starts_with("octet 1:"), "{failure}");
    }
}
