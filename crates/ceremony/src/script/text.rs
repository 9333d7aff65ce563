//! The blocks that a script is made of, and how they are written in Markdown.

/// A part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    Title(String),
    Banner(&'static str),
    Heading(String),
    Paragraph(String),
    /// A head and rows of as many cells.
    Table(&'static [&'static str], Vec<Vec<String>>),
    /// One step: what is done, and what is read aloud or expected.
    Step(Step),
}

/// A step with its box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Its number, from 1.
    pub(super) number: u32,
    /// What is done.
    pub(super) what: String,
    /// What is read aloud, or what the program shows.
    pub(super) details: Vec<(&'static str, String)>,
}

/// Writes blocks in Markdown.
pub(super) fn markdown(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    parts.join("\n") + "\n"
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("# {}\n", plain(text)),
        Block::Banner(text) => format!("> **{text}**\n"),
        Block::Heading(text) => format!("## {}\n", plain(text)),
        Block::Paragraph(text) => format!("{}\n", plain(text)),
        Block::Table(head, rows) => {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            let mut text = line(head.iter().map(ToString::to_string).collect());
            text += &line(head.iter().map(|_| "---".to_owned()).collect());
            rows.iter().for_each(|row| text += &line(row.iter().map(|cell| plain(cell)).collect()));
            text
        }
        Block::Step(Step { number, what, details }) => {
            let mut text = format!("- [ ] **{number}.** {}\n", plain(what));
            details.iter().for_each(|(name, value)| text += &format!("  - {name}: {}\n", plain(value)));
            text
        }
    }
}

/// Escapes what Markdown would take for more than text.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
