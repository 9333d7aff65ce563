//! Drafts from the configuration of a program: one for each kind of end-entity certificates that it describes, and one for its CRLs.
//!
//! A configuration is read as data: no file that it names is opened, no environment is read, no template is run. Names of secrets are not
//! copied. Certificates of authorities have no draft here either.

pub(crate) mod cfssl;
pub(crate) mod ejbca;
mod lengths;
mod object;
pub(crate) mod openssl;
pub(crate) mod step;

use std::collections::BTreeSet;

use super::shape::{Shape, Traits};
use super::written::{self, Proposal};
use super::{Draft, PREFIX};

/// The longest part of a draft's name that a configuration says, in characters.
const MAX_NAME: usize = 40;

/// How far notBefore may be set back, in seconds.
const MOST_BACKDATE: i64 = 3_600;

/// What configurations come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// The profiles that are proposed.
    pub drafts: Vec<Draft>,
    /// What has no draft, and why: a sentence each.
    pub left_out: Vec<String>,
}

/// What was read in one configuration.
#[derive(Debug, Default)]
pub(crate) struct Found {
    kinds: Vec<Kind>,
    crls: Vec<Crls>,
    left_out: Vec<String>,
}

/// Certificates of one kind.
#[derive(Debug, Default)]
struct Kind {
    /// What the configuration calls it.
    name: String,
    /// Where it stands: `the section [server]`.
    place: String,
    shape: Shape,
    traits: Traits,
    lines: Vec<String>,
    untold: Vec<String>,
}

/// CRLs of one authority.
#[derive(Debug)]
struct Crls {
    name: String,
    place: String,
    /// From thisUpdate to nextUpdate, in seconds.
    validity: i64,
    /// After how many seconds a new one is made, where that is said.
    reissue: Option<i64>,
}

impl Configured {
    /// Takes in what was read in a file.
    pub(crate) fn add(&mut self, file: &str, found: Found) {
        let mut taken: BTreeSet<String> = self.drafts.iter().map(|draft| draft.id.clone()).collect();
        for kind in found.kinds {
            let id = id(&kind.name, &mut taken);
            let head = vec![
                format!("A draft: {} in {file}.", kind.place),
                "hierarchy, issuers, subject and suites are a guess; who may ask for it, and how it is renewed, no configuration says."
                    .to_owned(),
            ];
            let Kind { shape, traits, lines, untold, .. } = kind;
            let proposal = Proposal { head, shape, traits, lines, untold };
            self.drafts.push(Draft { text: written::file(&id, &proposal), certificates: 0, id });
        }
        for crls in found.crls {
            let id = id(&format!("crl-{}", crls.name), &mut taken);
            let head = [format!("A draft: {} in {file}.", crls.place)];
            let text = written::crl_file(&id, &head, crls.validity, crls.reissue);
            self.drafts.push(Draft { text, certificates: 0, id });
        }
        self.left_out.extend(found.left_out.into_iter().map(|what| format!("{file}: {what}")));
    }
}

/// Writes how far notBefore is set back, where it is further or less than is written anyway; all in seconds.
fn backdate(seconds: i64, usual: i64, kind: &mut Kind) {
    if seconds == usual {
        return;
    }
    if (0..=MOST_BACKDATE).contains(&seconds) {
        kind.lines.push(format!("backdate_minutes = {}", seconds.saturating_add(59) / 60));
    } else {
        kind.untold.push(format!("notBefore is set back by {seconds} seconds"));
    }
}

/// Names a draft after what the configuration calls it: of `a`-`z`, `0`-`9` and `-`, and not as another is.
fn id(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut word = String::new();
    for character in name.chars().take(MAX_NAME) {
        let character = character.to_ascii_lowercase();
        if character.is_ascii_alphanumeric() {
            word.push(character);
        } else if !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
    }
    let word = word.trim_end_matches('-');
    // A number alone is the name of a shape.
    let word = if word.chars().all(|character| character.is_ascii_digit()) {
        format!("{PREFIX}profile-{word}").trim_end_matches('-').to_owned()
    } else {
        format!("{PREFIX}{word}")
    };
    let mut id = word.clone();
    for number in 2_u32.. {
        if taken.insert(id.clone()) {
            break;
        }
        id = format!("{word}-{number}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_named_as_its_section_and_no_two_are_named_alike() {
        let mut taken = BTreeSet::new();
        let mut named = |name: &str| id(name, &mut taken);
        assert_eq!(named("v3_Server"), "taken-over-v3-server");
        assert_eq!(named("v3 server "), "taken-over-v3-server-2");
        assert_eq!(named("admin@example.org"), "taken-over-admin-example-org");
        assert_eq!(named("1"), "taken-over-profile-1");
        assert_eq!(named("\u{e4}"), "taken-over-profile");
        assert!(named(&"x".repeat(200)).len() <= 58);
    }
}
