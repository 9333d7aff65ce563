//! How verbs speak: text for people, one JSON object for programs; failures on standard error.

use std::io::Write;

use ceremony::words::Fingerprint;
use serde::Serialize;
use utoipa::ToSchema;

use crate::exit::Failure;
use crate::json_text::json_text;
use crate::operator::wire::problem::FailureView;
use crate::progress::Progress;

/// Prints in one of two forms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    json: bool,
}

impl Printer {
    /// Chooses the form.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: the value as JSON, or the lines that `text` makes of it.
    pub(crate) fn result<T: Serialize + ToSchema>(self, value: &T, text: impl FnOnce(&T) -> Vec<String>) {
        let lines = if self.json { vec![json_text(value)] } else { text(value) };
        let mut out = std::io::stdout().lock();
        for line in lines {
            // A reader that went away, such as `head`, ends the output and not the program.
            if writeln!(out, "{line}").is_err() {
                return;
            }
        }
    }

    /// Prints a text that is for another program to read, the same in both forms.
    pub(crate) fn script(self, text: &str) {
        drop(write!(std::io::stdout().lock(), "{text}"));
    }

    /// Tells people how far something is, beside the result; programs are not told.
    pub(crate) fn progress(self, text: &str) {
        if !self.json {
            drop(writeln!(std::io::stderr().lock(), "{text}"));
        }
    }

    /// Tells whoever has to do something now what it is, beside the result, in both forms.
    pub(crate) fn prompt(self, text: &str) {
        drop(writeln!(std::io::stderr().lock(), "{text}"));
    }

    /// Returns what tells people how far a long step is.
    pub(crate) fn steps(self) -> Progress {
        Progress::new(self.json)
    }

    /// Prints a failure.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = if self.json {
            let view = FailureView {
                code: failure.code.clone(),
                message: failure.message.clone(),
                next: failure.next.clone(),
                exit: failure.exit.number(),
            };
            json_text(&view)
        } else {
            format!("meter-pki: {failure}")
        };
        drop(writeln!(std::io::stderr().lock(), "{text}"));
    }
}

/// Writes what a SHA-256 is of, then the SHA-256 in digits and, in lines below, in the words that are read aloud.
pub(crate) fn aloud(what: &str, sha256: &Fingerprint) -> Vec<String> {
    let mut lines = vec![format!("{what}: {sha256}")];
    lines.extend(sha256.words().chunks(8).map(|eight| format!("    {}", eight.join(" "))));
    lines
}

/// Lays rows out in columns, the first row as heading.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

/// Makes a heading row.
pub(crate) fn heading(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_04_what_is_read_aloud_stands_there_in_digits_and_in_words() {
        let sha256 = Fingerprint::of(b"abc");
        let lines = aloud("SHA-256", &sha256);
        assert_eq!(lines.first(), Some(&format!("SHA-256: {sha256}")));
        assert_eq!(Fingerprint::from_words(&lines[1..].join(" ")), Ok(sha256));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![heading(&["a", "bb"]), heading(&["longer", "c"])];
        assert_eq!(table(&rows), ["a       bb", "longer  c"]);
    }
}
