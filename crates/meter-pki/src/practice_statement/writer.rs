//! Where the chapters put what they have to say, by the number of its section.

use std::collections::BTreeMap;

use super::OpenQuestion;

/// What stands in a section.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// What is decided: a paragraph, list or table.
    Fact(String),
    /// What is not.
    Open(OpenQuestion),
}

/// The sections as they are being written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    sections: BTreeMap<String, Vec<Piece>>,
}

impl Writer {
    /// Says what is decided.
    pub(super) fn says(&mut self, number: &str, text: impl Into<String>) {
        self.put(number, Piece::Fact(text.into()));
    }

    /// Says it as a table; nothing where it has no row.
    pub(super) fn table(
        &mut self,
        number: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let rows: Vec<String> = rows.into_iter().map(|row| line(&row)).collect();
        if rows.is_empty() {
            return;
        }
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let under = format!("|{}", "---|".repeat(columns.len()));
        self.says(number, [vec![line(&columns), under], rows].concat().join("\n"));
    }

    /// The same, where rows that differ in their first cell alone are one row.
    pub(super) fn grouped(
        &mut self,
        number: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) {
        let mut groups: Vec<(Vec<String>, Vec<String>)> = Vec::new();
        for row in rows {
            let Some((first, rest)) = row.split_first() else { continue };
            match groups.iter_mut().find(|(_, known)| known == rest) {
                Some((names, _)) => names.push(first.clone()),
                None => groups.push((vec![first.clone()], rest.to_vec())),
            }
        }
        let joined = groups.into_iter().map(|(names, rest)| [vec![names.join(", ")], rest].concat());
        self.table(number, columns, joined);
    }

    /// Says it as a list of names and what they have.
    pub(super) fn list(&mut self, number: &str, head: &str, entries: &[(&str, String)]) {
        let lines = entries.iter().map(|(name, value)| format!("- {name}: {value}"));
        self.says(number, std::iter::once(format!("{head}\n")).chain(lines).collect::<Vec<_>>().join("\n"));
    }

    /// Asks what only the organisation can say.
    pub(super) fn asks(&mut self, number: &str, by: &str, question: &str) {
        let question = OpenQuestion { by: by.to_owned(), question: question.to_owned() };
        self.put(number, Piece::Open(question));
    }

    /// Takes what stands in a section.
    pub(super) fn take(&mut self, number: &str) -> Vec<Piece> {
        self.sections.remove(number).unwrap_or_default()
    }

    /// The sections that nobody took.
    #[cfg(test)]
    pub(super) fn left(&self) -> Vec<&String> {
        self.sections.keys().collect()
    }

    fn put(&mut self, number: &str, piece: Piece) {
        self.sections.entry(number.to_owned()).or_default().push(piece);
    }
}
