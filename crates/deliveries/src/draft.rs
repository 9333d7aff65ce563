//! A map proposed for a file, by what its heading or its first row calls things, in several languages. To be read by a
//! person and edited: a guess, and said to be one. Looks at the first mebibyte of a file at most.

mod guess;
mod leaves;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Cursor, Read, Seek, SeekFrom};

use crate::decoded::{Encoding, Text};
use crate::fault::{Place, ReadError};
use crate::map::Map;
use crate::row::{Cell, Json, Row};
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

/// How many lines or rows are looked at for a heading.
const MAYBE_HEADING: usize = 20;

/// The row of a file that says most of what it has, with its place counted from 0; the first of those that say as much.
fn heading<T>(rows: impl Iterator<Item = (T, Vec<String>)>) -> Option<(T, Vec<String>)> {
    let told = |names: &[String]| names.iter().filter(|name| guess::of(name).is_some()).count();
    let mut best: Option<(T, Vec<String>)> = None;
    for (place, names) in rows.take(MAYBE_HEADING) {
        if best.as_ref().is_none_or(|(_, known)| told(&names) > told(known)) {
            best = Some((place, names));
        }
    }
    best
}

fn csv(encoding: &str, text: &str) -> Result<String, ReadError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let rows = lines.map(|(place, line)| {
        let count = |delimiter: char| line.matches(delimiter).count();
        let delimiter = [';', '\t', '|', ','].into_iter().max_by_key(|one| count(*one)).unwrap_or(',');
        ((place, delimiter), cells(line, delimiter))
    });
    let Some(((before, delimiter), names)) = heading(rows) else {
        return Err(ReadError::Form { place: Place::Line(1), what: "the file has no heading".to_owned() });
    };
    let delimiter = quoted(&delimiter.to_string());
    let skip = if before > 0 { format!("skip_lines = {}\n", before.min(1_000)) } else { String::new() };
    Ok(columns(&format!("[csv]\nencoding = \"{encoding}\"\ndelimiter = {delimiter}\n{skip}"), &names))
}

/// Cuts one line into cells.
fn cells(line: &str, delimiter: char) -> Vec<String> {
    let mut names = csv::StringRecord::new();
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(u8::try_from(delimiter).unwrap_or(b','));
    // A line that is cut off within a quote is a row of one cell less, and no heading.
    drop(builder.from_reader(line.as_bytes()).read_record(&mut names));
    names.iter().map(|name| name.trim().to_owned()).collect()
}

/// Gathers the first rows of a sheet.
struct First(Vec<(u64, Vec<String>)>);

impl RowTaker for First {
    fn heading(&mut self, _names: &[String]) -> Result<(), ReadError> {
        Ok(())
    }

    fn row(&mut self, place: Place, row: &Row<'_>, _heads: &Heads) -> Result<(), ReadError> {
        if let Row::Cells(cells) = row {
            let name = |cell: &Cell| match cell {
                Cell::Text(text) => text.trim().to_owned(),
                Cell::Empty | Cell::Unfit(_) => String::new(),
            };
            self.0.push((place.number(), cells.iter().map(name).collect()));
        }
        if self.0.len() < MAYBE_HEADING { Ok(()) } else { Err(ReadError::Stopped) }
    }

    fn odd(&mut self, _place: Place, _what: String) -> Result<(), ReadError> {
        Ok(())
    }
}

fn sheet<F: Read + Seek>(file: F) -> Result<String, ReadError> {
    let any =
        "version = 1\nname = \"any\"\n[xlsx]\nheading_row = 0\n[device]\nsystem_title = { column = 1 }\n";
    let map = Map::parse(any).map_err(|error| ReadError::Column { what: error.to_string() })?;
    let mut first = First(Vec::new());
    match rows::read(file, &map, &Limits::default(), &mut first) {
        Err(ReadError::Stopped) | Ok(_) => {}
        Err(error) => return Err(error),
    }
    let (row, names) = heading(first.0.into_iter()).unwrap_or_default();
    Ok(columns(&format!("[xlsx]\nsheet = 1\nheading_row = {}\n", row.clamp(1, 1_000)), &names))
}

/// Writes a map of columns, of which some may have no name or one that stands twice: those go by their numbers.
fn columns(form: &str, names: &[String]) -> String {
    let mut counts = HashMap::new();
    for name in names {
        *counts.entry(name).or_insert(0_usize) += 1;
    }
    let leaves: Vec<Leaf> = names
        .iter()
        .enumerate()
        .take(16_384)
        .map(|(place, name)| {
            let alone = !name.is_empty() && counts.get(name) == Some(&1);
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
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let encoding = format!("encoding = \"{encoding}\"\n");
    if let Ok(json @ Json::Members(_)) = serde_json::from_str::<Json>(lines.next().unwrap_or_default()) {
        let leaves = leaves::of_json(&json);
        let is_device = leaves.iter().any(|leaf| guess::of(&leaf.name) == Some(Guess::Title));
        // One line may be one device, or a file with an array of them.
        if lines.next().is_some() || is_device || leaves::array_of_json(&json).is_none() {
            return Ok(written(&format!("[json_lines]\n{encoding}"), &leaves));
        }
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
    // The label that stands beside the secret, or else the first.
    let beside = |leaf: &Leaf| {
        let place = leaf.at.rsplit_once('/').map_or("", |(above, _)| above);
        let labels = || {
            guesses.iter().filter(|(_, guess)| *guess == Some(Guess::WrappedBy)).map(|(label, _)| &label.at)
        };
        labels().find(|at| at.starts_with(place)).or_else(|| labels().next()).cloned()
    };
    for (leaf, guess) in &guesses {
        if let Some(Guess::Secret(kind)) = guess {
            let label = beside(leaf).unwrap_or_else(|| "constant = \"label of the wrapping key\"".to_owned());
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
            (b"{\"count\":1,\"all\":[{\"model\":\"x\"}]}".as_slice(), "json"),
            (b"{\"system_title\":\"x\",\"secrets\":[{\"kind\":\"guek\"}]}".as_slice(), "json-lines"),
            (b"[\n{\"system_title\":\"x\"}]".as_slice(), "json"),
            (b"{\n\"d\":{\"all\":[{\"system_title\":\"x\"}]}}".as_slice(), "json"),
        ] {
            let (text, map) = drafted(octets);
            assert_eq!(map.kind(), kind, "{text}");
        }
        assert!(drafted(b"{\n\"d\":{\"all\":[{\"system_title\":\"x\"}]}}").0.contains("rows = \"/d/all\""));
    }

    #[test]
    fn a_heading_may_stand_below_other_lines() {
        let vector = |name: &str| {
            let vectors =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/deliveries");
            std::fs::read(vectors.join(name)).unwrap()
        };
        let (text, _) = drafted(&vector("semicolons.csv"));
        for line in [
            "encoding = \"windows-1252\"",
            "skip_lines = 2",
            "system_title = { column = \"Systemtitel\"",
            "purpose = \"agreement\"",
            "wrapped_by = { column = \"Hüllschlüssel\" }",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let (text, _) = drafted(&vector("sheet.xlsx"));
        for line in ["heading_row = 3", "layout = \"idis\"", "serial_number = { column = \"Serial number\""] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let (text, _) = drafted(&vector("note.xml"));
        assert!(text.contains("rows = \"/DeliveryNote/Devices/Device\""), "{text}");
        assert!(text.contains("path = \"Certificate[@usage='keyAgreement']\""), "{text}");
        let (text, _) = drafted(&vector("lines.jsonl"));
        assert!(text.contains("each = { path = \"/certificates\" }"), "{text}");
        assert!(text.contains("value = { path = \"/secrets/[kind=gak]/octets\""), "{text}");
        assert!(text.contains("wrapped_by = { path = \"/secrets/[kind=gak]/wrapped_by\""), "{text}");
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
