//! Finds the citations of RFC clauses in comments.
//!
//! Not the table: a citation knows its own place only.

use std::cmp::Ordering;

use crate::source::{Comment, Source};
use crate::tree::Tree;

/// One clause, cited at one place.
#[derive(Debug)]
pub(crate) struct Citation {
    pub(crate) clause: Clause,
    pub(crate) stance: Stance,
    /// What the clause asks, in our words.
    pub(crate) words: String,
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) place: Place,
}

/// A clause of an RFC, in the order of its numbers: 4.2 before 10, and numbers before the letters of appendices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) rfc: u32,
    /// As written, without the section sign.
    pub(crate) section: String,
}

/// Whether we do what the clause asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stance {
    Obeyed,
    /// A SHOULD that we do not follow.
    Refused,
}

/// In which kind of code a citation stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Product,
    /// Above or inside the test of that name.
    Test {
        name: String,
    },
}

/// Every citation of the tree, in the order of the files.
pub(crate) fn citations(tree: &Tree) -> Vec<Citation> {
    let mut found = Vec::new();
    for (file, source) in tree.rust() {
        let mut comments = source.comments.iter().peekable();
        while let Some(comment) = comments.next() {
            let Some((clauses, stance, first)) = opening(body(comment)) else {
                continue;
            };
            let mut words = first.to_owned();
            let mut last = comment.line;
            while let Some(next) = comments.next_if(|next| goes_on(next, last)) {
                last = next.line;
                words.push(' ');
                words.push_str(body(next));
            }
            for clause in clauses {
                let (path, words) = (file.path.clone(), words.clone());
                let place = place(&file.path, source, comment.line);
                found.push(Citation { clause, stance, words, path, line: comment.line, place });
            }
        }
    }
    found
}

/// The text of a comment line without the marks of a document comment.
fn body(comment: &Comment) -> &str {
    comment.text.trim_start_matches(['/', '!']).trim()
}

/// Whether the comment is the next line of the citation that reached `last`.
fn goes_on(next: &Comment, last: usize) -> bool {
    Some(next.line) == last.checked_add(1) && !body(next).is_empty() && opening(body(next)).is_none()
}

/// `RFC 7030 §4.2.3, RFC 8951 §3.1, refused: words` taken apart; nothing when the text does not start like that.
fn opening(text: &str) -> Option<(Vec<Clause>, Stance, &str)> {
    let (head, words) = text.split_once(':')?;
    let (head, stance) = match head.strip_suffix(", refused") {
        Some(head) => (head, Stance::Refused),
        None => (head, Stance::Obeyed),
    };
    let mut clauses: Vec<Clause> = Vec::new();
    for part in head.split(", ") {
        let (rfc, section) = part.split_once('§')?;
        let rfc = match rfc.trim() {
            "" => clauses.last()?.rfc,
            named => named.strip_prefix("RFC ")?.trim().parse().ok()?,
        };
        let section = section_number(section.trim())?.to_owned();
        clauses.push(Clause { rfc, section });
    }
    Some((clauses, stance, words.trim()))
}

/// `4.2.1.3` of `4.2.1.3` and of `4.2.1.3; another source`; nothing when prose goes on.
fn section_number(text: &str) -> Option<&str> {
    let end = text.find(|character: char| !character.is_alphanumeric() && !".–-/".contains(character));
    let (section, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    (!section.is_empty() && (rest.is_empty() || rest.starts_with(';'))).then_some(section)
}

fn place(path: &str, source: &Source, line: usize) -> Place {
    let in_tests = source.is_test_line(line)
        || path.starts_with("tests/")
        || ["/tests/", "/benches/"].iter().any(|folder| path.contains(folder));
    if !in_tests {
        return Place::Product;
    }
    let functions: Vec<(usize, &str)> = source.names_after(&["fn"]).collect();
    let following = functions.iter().find(|(at, _)| *at > line);
    let nearest = following.or_else(|| functions.last());
    Place::Test { name: nearest.map_or_else(String::new, |(_, name)| (*name).to_owned()) }
}

impl Ord for Clause {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |clause: &Self| -> Vec<(u32, String)> {
            clause
                .section
                .split('.')
                .map(|part| (part.parse().unwrap_or(u32::MAX), part.to_owned()))
                .collect()
        };
        self.rfc.cmp(&other.rfc).then_with(|| numbers(self).cmp(&numbers(other)))
    }
}

impl PartialOrd for Clause {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<Citation> {
        citations(&Tree::of(&[(path, text)]))
    }

    #[test]
    fn a_citation_goes_on_until_the_comment_ends_or_another_starts() {
        let found =
            of("a/src/a.rs", "// RFC 1 §2: one\n// more\n// RFC 1 §3: two\n\n// not part\nfn a() {}\n");
        let words: Vec<&str> = found.iter().map(|citation| citation.words.as_str()).collect();
        assert_eq!(words, ["one more", "two"]);
    }

    #[test]
    fn one_sentence_may_cite_several_clauses() {
        let found = of("a/src/a.rs", "/// RFC 7030 §4.2.3, §4.2.1, RFC 8951 §3; Table 2: three\nfn a() {}\n");
        let clauses: Vec<(u32, &str)> =
            found.iter().map(|c| (c.clause.rfc, c.clause.section.as_str())).collect();
        assert_eq!(clauses, [(7030, "4.2.3"), (7030, "4.2.1"), (8951, "3")]);
    }

    #[test]
    fn prose_that_mentions_an_rfc_is_no_citation() {
        for text in [
            "// As RFC 7030 §4 says: no",
            "// RFC 7030 is long: no",
            "// RFC 7030 §4 without words",
            "// Note §4: no",
            "// RFC 7030 §4 says: no",
        ] {
            assert!(of("a/src/a.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_place_names_the_test_below_the_citation() {
        let text = "//! T.\nfn a() {}\n// RFC 1 §2: x.\n#[test]\nfn below() {}\nfn c() {}\n";
        let place = |path: &str| of(path, text).remove(0).place;
        assert_eq!(place("tests/enrolment/main.rs"), Place::Test { name: "below".to_owned() });
        assert_eq!(place("ca-core/src/a.rs"), Place::Product);
    }
}
