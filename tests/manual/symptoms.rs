//! The chapter for whoever is called at night.

use e2e::chapter::{Shell, steps};
use e2e::rehearsal::Rehearsal;

const CHAPTER: &str = include_str!("../../docs/manual/symptoms.md");

#[test]
fn what_comes_first_at_night_is_typed_as_it_stands() {
    let rehearsal = Rehearsal::start(1);
    let [doctor] = steps(CHAPTER);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("bin"));
    let said = shell.run(doctor);
    // A rehearsal has notices, and what is a warning or a fault of the machine it runs on is told, not mended.
    assert!(said.code.is_some_and(|code| [0, 1, 3].contains(&code)), "{}", said.all());
    assert!(said.out.contains("doctor."), "{}", said.all());
}

/// Whoever looks a code up finds it where the chapter sends him.
#[test]
fn codes_that_the_chapter_names_are_in_the_list_of_codes() {
    let codes = crate::read("docs/manual/reference/codes.md");
    let named = CHAPTER.split('`').skip(1).step_by(2).filter(|span| {
        span.split_once('.').is_some_and(|(area, rest)| {
            let is_word = |text: &str| {
                !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c))
            };
            is_word(area) && is_word(rest)
        })
    });
    for code in named {
        assert!(codes.contains(&format!("`{code}`")), "{code}");
    }
}
