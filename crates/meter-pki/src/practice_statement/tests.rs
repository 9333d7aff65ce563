//! The outline against what is written, and that nothing secret is.

use super::outline::OUTLINE;
use super::writer::Writer;
use super::{OpenQuestion, PracticeStatement, StatementSection, program, questions};

/// Sections that only the configuration fills.
const OF_THE_CONFIGURATION: [&str; 24] = [
    "1.3.1", "1.3.3", "1.3.5", "1.4.1", "2.1", "3.1.1", "3.1.2", "3.3.1", "3.4", "4.1.1", "4.1.2", "4.6.1",
    "4.7.1", "4.8.1", "4.9.7", "4.9.9", "4.9.13", "4.12.1", "5.1.8", "5.2.3", "5.4.6", "5.5.1", "5.5.4",
    "5.7.2",
];

/// The same of sections 6 and 7.
const OF_THE_CONFIGURATION_TOO: [&str; 12] = [
    "6.1.2", "6.1.5", "6.1.7", "6.2.1", "6.2.7", "6.2.8", "6.2.11", "6.3.2", "6.4.2", "7.1.2", "7.1.3",
    "7.1.6",
];

fn has_sections_below(number: &str) -> bool {
    OUTLINE.iter().any(|(other, _)| other.strip_prefix(number).is_some_and(|rest| rest.starts_with('.')))
}

#[test]
fn every_section_without_others_below_it_says_or_asks_something() {
    let mut writer = Writer::default();
    program::write(&mut writer);
    questions::write(&mut writer);
    let silent: Vec<&str> = OUTLINE
        .iter()
        .map(|(number, _)| *number)
        .filter(|number| !has_sections_below(number))
        .filter(|number| writer.take(number).is_empty())
        .filter(|number| !OF_THE_CONFIGURATION.contains(number) && !OF_THE_CONFIGURATION_TOO.contains(number))
        .collect();
    assert_eq!(silent, ["7.2.2"], "these are filled by the configuration, or nobody fills them");
}

#[test]
fn what_is_written_has_a_section_in_the_outline() {
    let mut writer = Writer::default();
    program::write(&mut writer);
    questions::write(&mut writer);
    for (number, _) in OUTLINE {
        drop(writer.take(number));
    }
    assert_eq!(writer.left(), Vec::<&String>::new());
}

/// RFC 3647 §6: nine chapters, numbered without gaps.
#[test]
fn the_outline_has_no_gap() {
    let mut before: Vec<u32> = Vec::new();
    for (number, _) in OUTLINE {
        let parts: Vec<u32> = number.split('.').map(|part| part.parse().unwrap()).collect();
        let follows = if parts.len() > before.len() {
            parts[..before.len()] == before[..] && parts.last() == Some(&1)
        } else {
            let (last, above) = parts.split_last().unwrap();
            before[..above.len()] == *above && *last == before[above.len()] + 1
        };
        assert!(follows, "{number} stands behind {before:?}");
        before = parts;
    }
    assert_eq!(OUTLINE.iter().filter(|(number, _)| !number.contains('.')).count(), 9);
}

#[test]
fn an_open_question_is_marked_in_its_section_and_listed_at_the_end() {
    let question = OpenQuestion { by: "legal counsel".to_owned(), question: "which law governs?".to_owned() };
    let section = StatementSection {
        number: "9.14".to_owned(),
        heading: "Governing law".to_owned(),
        facts: vec!["One.\n\nTwo.".to_owned()],
        open: vec![question],
    };
    let statement = PracticeStatement { sections: vec![section], open: 1 };
    let text = statement.markdown().join("\n");
    assert!(
        text.contains(
            "### 9.14 Governing law\n\nOne.\n\nTwo.\n\n> To be filled in by legal counsel: which law governs?"
        ),
        "{text}"
    );
    assert!(text.ends_with("- 9.14 Governing law: legal counsel: which law governs?"), "{text}");
}
