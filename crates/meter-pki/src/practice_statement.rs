//! A certificate policy and certification practice statement in the outline of RFC 3647 §6, filled in as far as a configuration and
//! this program decide it; what only the organisation can say stands there as a question.
//!
//! Reads the checked configuration, as `config check` does, and asks no server: neither records nor people are in it. No file that
//! holds a secret is named by more than its place.

mod controls;
mod known;
mod life_cycle;
mod organisation;
mod outline;
mod participants;
mod profiles;
mod program;
mod questions;
mod technical;
mod writer;

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Config;
pub(crate) use known::Detail;
use known::Known;
use outline::OUTLINE;
use writer::{Piece, Writer};

/// The statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PracticeStatement {
    /// The sections, in the order of RFC 3647 §6.
    pub(crate) sections: Vec<StatementSection>,
    /// How many questions are open.
    pub(crate) open: usize,
}

/// A section.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StatementSection {
    /// Its number.
    pub(crate) number: String,
    /// Its heading.
    pub(crate) heading: String,
    /// What the configuration and the program decide, Markdown; a paragraph, list or table each.
    pub(crate) facts: Vec<String>,
    /// What is still to be said.
    pub(crate) open: Vec<OpenQuestion>,
}

/// What only the organisation can say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct OpenQuestion {
    /// Who has to say it.
    pub(crate) by: String,
    /// What it has to answer.
    pub(crate) question: String,
}

/// Writes the statement of a configuration.
pub(crate) fn of(config: &Config, detail: Detail) -> PracticeStatement {
    let known = Known { config, detail };
    let mut writer = Writer::default();
    program::write(&mut writer);
    participants::write(&known, &mut writer);
    life_cycle::write(&known, &mut writer);
    controls::write(&known, &mut writer);
    technical::write(&known, &mut writer);
    profiles::write(&known, &mut writer);
    organisation::write(&known, &mut writer);
    questions::write(&mut writer);
    let sections: Vec<StatementSection> =
        OUTLINE.iter().map(|(number, heading)| section(&mut writer, number, heading)).collect();
    let open = sections.iter().map(|section| section.open.len()).sum();
    PracticeStatement { sections, open }
}

fn section(writer: &mut Writer, number: &str, heading: &str) -> StatementSection {
    let (mut facts, mut open) = (Vec::new(), Vec::new());
    for piece in writer.take(number) {
        match piece {
            Piece::Fact(text) => facts.push(text),
            Piece::Open(question) => open.push(question),
        }
    }
    StatementSection { number: number.to_owned(), heading: heading.to_owned(), facts, open }
}

impl PracticeStatement {
    /// Writes it as Markdown, a line each.
    pub(crate) fn markdown(&self) -> Vec<String> {
        let mut lines = vec![
            "# Certificate policy and certification practice statement".to_owned(),
            String::new(),
            format!(
                "In the outline of RFC 3647 §6. Filled in is what the configuration and the program decide. {} questions are for the \
                 organisation: each stands in its section, and all of them at the end.",
                self.open
            ),
            String::new(),
        ];
        for section in &self.sections {
            let depth = section.number.matches('.').count() + 2;
            lines.extend([
                format!("{} {} {}", "#".repeat(depth), section.number, section.heading),
                String::new(),
            ]);
            for fact in &section.facts {
                lines.extend(fact.lines().map(str::to_owned));
                lines.push(String::new());
            }
            for OpenQuestion { by, question } in &section.open {
                lines.extend([format!("> To be filled in by {by}: {question}"), String::new()]);
            }
        }
        lines.extend(["## What is still to be filled in".to_owned(), String::new()]);
        lines.extend(self.open_places().into_iter().map(|line| format!("- {line}")));
        lines
    }

    /// What is still to be said, a line each.
    pub(crate) fn open_places(&self) -> Vec<String> {
        let lines = self.sections.iter().flat_map(|section| {
            let line = |one: &OpenQuestion| {
                format!("{} {}: {}: {}", section.number, section.heading, one.by, one.question)
            };
            section.open.iter().map(line).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests;
