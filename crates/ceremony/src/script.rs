//! The script: the ceremony file as people follow it on paper, with a box to tick at every step.
//!
//! A pure function of the ceremony file: the same file gives the same script. Markdown for the bundle and for reviewers; one
//! HTML page that brings its own style and prints on A4.

mod html;
mod steps;
mod text;

use crate::file::CeremonyFile;
use text::Block;

/// Stands on everything that a rehearsal makes.
pub const BANNER: &str = "REHEARSAL: nothing that this makes may be relied on";

/// Writes the script in Markdown.
#[must_use]
pub fn markdown(file: &CeremonyFile, rehearsal: bool) -> String {
    text::markdown(&blocks(file, rehearsal))
}

/// Writes the script as one HTML page.
#[must_use]
pub fn html(file: &CeremonyFile, rehearsal: bool) -> String {
    html::page(file.title(), &blocks(file, rehearsal))
}

fn blocks(file: &CeremonyFile, rehearsal: bool) -> Vec<Block> {
    let mut blocks = vec![Block::Title(file.title().to_owned())];
    if rehearsal {
        blocks.push(Block::Banner(BANNER));
        blocks.extend(stand_ins(file));
    }
    blocks.extend(steps::of(file));
    blocks
}

/// What differs from the ceremony where roots are of earlier ones.
fn stand_ins(file: &CeremonyFile) -> Option<Block> {
    let from_before = file.roots().iter().filter(|root| root.certificate.is_some());
    let names: Vec<&str> = from_before.map(|root| root.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        Block::Paragraph(format!(
            "Roots of earlier ceremonies, of which each has a stand-in here, made before the file is read aloud: {}. A stand-in \
             has the name and the beginning of its root, and keys of its own. Its CRLs list nothing from before; of what the root \
             has issued it knows the certificates whose serial numbers the file names.",
            names.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests;
