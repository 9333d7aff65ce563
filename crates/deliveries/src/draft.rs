//! A map proposed for a file, by what its heading or its first row calls things, in several languages. To be read by a
//! person and edited: a guess, and said to be one. Looks at the first mebibyte of a file at most.

mod guess;
mod leaves;

use std::fmt::Write as _;
use std::io::{Cursor, Read, Seek, SeekFrom};

use crate::decoded::{Encoding, Text};
use crate::fault::{Place, ReadError};
use crate::map::Map;
use crate::row::{Json, Row};
use crate::rows::{self, Limits, RowTaker};
use crate::source::Heads;
use guess::Guess;
use leaves::Leaf;

/// How much of a file is looked at.
const LOOKED_AT: u64 = 1_048_576;

/// Proposes a map, as text of a map file.
///
/// # Errors
/// [`ReadError`] when the file is of no form that is read here, or its beginning cannot be read.
pub fn propose<F: Read + Seek>(mut file: F) -> Result<String, ReadError> {
    let mut start = Vec::new();
    (&mut file).take(LOOKED_AT).read_to_end(&mut start)?;
    if start.starts_with(b"PK\x03\x04") {
        file.seek(SeekFrom::Start(0))?;
        return sheet(file);
    }
    let (encoding, text) = decoded(&start)?;
    let first = text.trim_start();
    if first.starts_with('<') {
        return xml(&text);
    }
    if first.starts_with(['{', '[']) {
        return json(encoding, &text);
    }
    csv(encoding, &text)
}

/// The text of the beginning, in the first encoding that it is text of.
fn decoded(start: &[u8]) -> Result<(&'static str, String), ReadError> {
    let ways = match start {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => [("utf-16", Encoding::Utf16), ("utf-16", Encoding::Utf16)],
        _ => [("utf-8", Encoding::Utf8), ("windows-1252", Encoding::Windows1252)],
    };
    for (name, encoding) in ways {
        // The last character may be cut off: what was read before it counts.
        let whole = start.len().saturating_sub(if start.len() >= 1_048_576 { 4 } else { 0 });
        let mut text = String::new();
        let octets = start.get(..whole).unwrap_or_default();
        if Text::new(octets, encoding, u64::MAX).read_to_string(&mut text).is_ok() {
            return Ok((name, text));
        }
    }
    let what = "the file is neither text in UTF-8, UTF-16 or Windows-1252, nor XLSX".to_owned();
    Err(ReadError::Encoding { place: Place::File, what })
}

fn csv(encoding: &str, text: &str) -> Result<String, ReadError> {
    let heading = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: char| heading.matches(delimiter).count();
    let delimiter = [';', '\t', '|', ','].into_iter().max_by_key(|one| count(*one)).unwrap_or(',');
    let delimiter = if count(delimiter) == 0 { ',' } else { delimiter };
    let mut names = csv::StringRecord::new();
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(u8::try_from(delimiter).unwrap_or(b','));
    let read = builder.from_reader(text.as_bytes()).read_record(&mut names);
    if !matches!(read, Ok(true)) {
        return Err(ReadError::Form { place: Place::Line(1), what: "the file has no heading".to_owned() });
    }
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    let form = format!("[csv]\nencoding = \"{encoding}\"\ndelimiter = {}\n", quoted(&delimiter.to_string()));
    Ok(columns(&form, &names))
}

/// Waits for the heading of a sheet.
struct Heading(Vec<String>);

impl RowTaker for Heading {
    fn heading(&mut self, names: &[String]) -> Result<(), ReadError> {
        self.0 = names.to_vec();
        Err(ReadError::Stopped)
    }

    fn row(&mut self, _place: Place, _row: &Row<'_>, _heads: &Heads) -> Result<(), ReadError> {
        Err(ReadError::Stopped)
    }

    fn odd(&mut self, _place: Place, _what: String) -> Result<(), ReadError> {
        Err(ReadError::Stopped)
    }
}

fn sheet<F: Read + Seek>(file: F) -> Result<String, ReadError> {
    let any = "version = 1\nname = \"any\"\n[xlsx]\n[device]\nsystem_title = { column = 1 }\n";
    let map = Map::parse(any).map_err(|error| ReadError::Column { what: error.to_string() })?;
    let mut heading = Heading(Vec::new());
    match rows::read(file, &map, &Limits::default(), &mut heading) {
        Err(ReadError::Stopped) | Ok(_) => {}
        Err(error) => return Err(error),
    }
    Ok(columns("[xlsx]\nsheet = 1\nheading_row = 1\n", &heading.0))
}

/// Writes a map of columns, of which some may have no name or one that stands twice: those go by their numbers.
fn columns(form: &str, names: &[String]) -> String {
    let leaves: Vec<Leaf> = names
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let alone = !name.is_empty() && names.iter().filter(|other| *other == name).count() == 1;
            let at = if alone { quoted(name) } else { place.saturating_add(1).to_string() };
            Leaf { name: name.clone(), at: format!("column = {at}"), many: false }
        })
        .collect();
    written(form, &leaves)
}

fn xml(text: &str) -> Result<String, ReadError> {
    let (rows, leaves) = leaves::of_xml(text)?;
    Ok(written(&format!("[xml]\nrows = {}\n", quoted(&rows)), &leaves))
}

fn json(encoding: &str, text: &str) -> Result<String, ReadError> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let encoding = format!("encoding = \"{encoding}\"\n");
    if let Ok(json @ Json::Members(_)) = serde_json::from_str::<Json>(first) {
        return Ok(written(&format!("[json_lines]\n{encoding}"), &leaves::of_json(&json)));
    }
    let json: Json = serde_json::from_reader(Cursor::new(text)).map_err(|_| ReadError::Form {
        place: Place::File,
        what: "no JSON that is whole in the first mebibyte: draft the map from a shorter delivery".to_owned(),
    })?;
    let (rows, first) = leaves::array_of_json(&json).ok_or_else(|| ReadError::Form {
        place: Place::File,
        what: "no array of objects stands in the file".to_owned(),
    })?;
    Ok(written(&format!("[json]\n{encoding}rows = {}\n", quoted(&rows)), &leaves::of_json(first)))
}

/// Writes the map.
fn written(form: &str, leaves: &[Leaf]) -> String {
    let guesses: Vec<(&Leaf, Option<Guess>)> =
        leaves.iter().map(|leaf| (leaf, guess::of(&leaf.name))).collect();
    let find =
        |wanted: Guess| guesses.iter().find(|(_, guess)| *guess == Some(wanted)).map(|(leaf, _)| *leaf);
    let mut text = String::from(
        "# A draft: every line is a guess by a name. Read it, correct it, then try it with\n\
         # `meter-pki delivery check` and `meter-pki delivery show-row`.\nversion = 1\nname = \"draft\"\nabout = \"\"\n\n",
    );
    text.push_str(form);
    text.push_str("\n[device]\n");
    let (title, layout) = match (find(Guess::Title), find(Guess::LogicalDeviceName)) {
        (Some(leaf), _) => (leaf.at.clone(), "hex"),
        (None, Some(leaf)) => (leaf.at.clone(), "idis"),
        (None, None) => {
            text.push_str("# Nothing is called a system title: say where it is.\n");
            (leaves.first().map_or_else(|| "constant = \"\"".to_owned(), |leaf| leaf.at.clone()), "hex")
        }
    };
    let _ = writeln!(
        text,
        "system_title = {{ {title}, steps = [\"remove_separators\", \"upper\"] }}\nlayout = \"{layout}\""
    );
    for (field, guess) in guess::PLAIN {
        if let Some(leaf) = find(guess) {
            let _ = writeln!(text, "{field} = {{ {}, steps = [\"trim\"] }}", leaf.at);
        }
    }
    for (leaf, guess) in &guesses {
        if let Some(Guess::Certificate(purpose)) = guess {
            let purpose =
                if purpose.is_empty() { String::new() } else { format!("purpose = \"{purpose}\"\n") };
            let which = if leaf.many { "each" } else { "value" };
            let _ = writeln!(
                text,
                "\n[[certificate]]\n{purpose}{which} = {{ {} }}\nwriting = \"base64\"\nrequired = false",
                leaf.at
            );
        }
    }
    let label = find(Guess::WrappedBy)
        .map_or_else(|| "constant = \"label of the wrapping key\"".to_owned(), |leaf| leaf.at.clone());
    for (leaf, guess) in &guesses {
        if let Some(Guess::Secret(kind)) = guess {
            let _ = writeln!(
                text,
                "\n[[secret]]\nkind = \"{kind}\"\nvalue = {{ {}, steps = [\"trim\"] }}\nwriting = \"hex\"\nwrapped_by = {{ {label} }}\nrequired = false",
                leaf.at
            );
        }
    }
    for (leaf, _) in guesses.iter().filter(|(_, guess)| guess.is_none()) {
        let _ = writeln!(text, "# not used: {}", leaf.at.replace(char::is_control, " "));
    }
    text
}

/// Writes a basic string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafted(octets: &[u8]) -> (String, Map) {
        let text = propose(Cursor::new(octets)).unwrap();
        let map = Map::parse(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        (text, map)
    }

    #[test]
    fn headings_in_several_languages_are_understood() {
        for heading in [
            "System title;Serial number;Model;Firmware version;Batch;GUEK;Wrapping key;Certificate signature",
            "Systemtitel;Seriennummer;Gerätetyp;Firmware;Charge;GUEK;Hüllschlüssel;Zertifikat Signatur",
            "Titre système;Numéro de série;Modèle;Version firmware;Lot;GUEK;Clé d'enveloppe;Certificat signature",
            "Titolo di sistema;Matricola;Modello;Firmware;Lotto;GUEK;Wrapping key;Certificato firma",
            "Título del sistema;Número de serie;Modelo;Firmware;Lote;GUEK;wrapped_by;Certificado firma",
            "Tytuł systemowy;Numer seryjny;Model;Firmware;Partia;GUEK;wrapped by;Certyfikat podpis",
        ] {
            let (text, _) = drafted(heading.as_bytes());
            for field in
                ["serial_number", "model", "firmware", "batch", "kind = \"guek\"", "purpose = \"signature\""]
            {
                assert!(text.contains(field), "{heading}: {field}\n{text}");
            }
            let names: Vec<&str> = heading.split(';').collect();
            assert!(text.contains(&format!("system_title = {{ column = {}", quoted(names[0]))), "{text}");
            assert!(text.contains(&format!("wrapped_by = {{ column = {}", quoted(names[6]))), "{text}");
            assert!(!text.contains("not used"), "{text}");
        }
    }

    #[test]
    fn every_form_of_file_is_told_by_its_beginning() {
        for (octets, kind) in [
            (b"system_title,model\n".as_slice(), "csv"),
            (b"system_title\tmodel\n".as_slice(), "csv"),
            (b"Systemtitel;Ger\xE4t\n".as_slice(), "csv"),
            (b"\xFF\xFEt\0;\0m\0".as_slice(), "csv"),
            (b"<a><h/><d><SystemTitle>x</SystemTitle></d><d/></a>".as_slice(), "xml"),
            (b"{\"system_title\":\"x\"}\n{\"system_title\":\"y\"}\n".as_slice(), "json-lines"),
            (b"[\n{\"system_title\":\"x\"}]".as_slice(), "json"),
            (b"{\n\"d\":{\"all\":[{\"system_title\":\"x\"}]}}".as_slice(), "json"),
        ] {
            let (text, map) = drafted(octets);
            assert_eq!(map.kind(), kind, "{text}");
        }
        assert!(drafted(b"{\n\"d\":{\"all\":[{\"system_title\":\"x\"}]}}").0.contains("rows = \"/d/all\""));
    }

    #[test]
    fn columns_that_cannot_be_named_go_by_number() {
        let (text, _) = drafted(b"system_title,key,key,,\"a \"\"b\"\"\\\"\n");
        assert!(
            text.contains("# not used: column = 2\n# not used: column = 3\n# not used: column = 4"),
            "{text}"
        );
    }
}
