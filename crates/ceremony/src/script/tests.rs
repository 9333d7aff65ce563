//! Tests of the script.

use super::*;
use crate::sample;

fn file() -> CeremonyFile {
    CeremonyFile::parse(sample::everything().as_bytes()).unwrap()
}

#[test]
fn has_a_box_for_every_step_and_the_words_to_be_read() {
    let (file, text) = (file(), markdown(&file(), false));
    let words = file.fingerprint().words()[..4].join(" ");
    assert!(text.contains(&words) && text.contains("- [ ] **1.** "));
    let boxes = html(&file, false).matches("<span class=\"box\">").count();
    assert_eq!(text.matches("- [ ] **").count(), boxes);
    for person in file.people().iter() {
        assert!(text.contains(&person.name));
    }
    for act in file.acts() {
        assert!(text.contains(&format!("## Act {}: ", act.number)));
    }
}

#[test]
fn a_rehearsal_carries_its_banner_and_a_ceremony_does_not() {
    for write in [markdown, html] {
        assert!(write(&file(), true).contains(BANNER));
        assert!(!write(&file(), false).contains("REHEARSAL"));
    }
}

#[test]
fn a_rehearsal_says_of_which_roots_it_makes_stand_ins() {
    let plan = "keys = { store = \"shared\" }";
    let text = sample::founding()
        .replace(plan, &format!("{plan}\ncertificate = \"{}\"", "ab".repeat(32)))
        .replace("\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n", "")
        + &sample::crl("2026-11-28T09:00:00Z", "2027-05-28T09:00:00Z");
    let from_before = CeremonyFile::parse(text.as_bytes()).unwrap();
    for write in [markdown, html] {
        assert!(write(&from_before, true).contains("before the file is read aloud: a."));
        assert!(!write(&from_before, false).contains("stand-in"));
        assert!(!write(&file(), true).contains("stand-in"));
    }
}

#[test]
fn what_stands_in_the_file_is_text_and_nothing_more() {
    let text = sample::founding().replace("The first ceremony", "<script>alert(1)</script> & [a](b)");
    let file = CeremonyFile::parse(text.as_bytes()).unwrap();
    assert!(!html(&file, false).contains("<script>"));
    assert!(markdown(&file, false).starts_with("# \\<script\\>alert(1)\\</script\\> & \\[a\\](b)"));
}

#[test]
fn the_page_needs_no_other_file() {
    let page = html(&file(), false);
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("@import"));
}
