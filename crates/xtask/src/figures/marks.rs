//! The part of a file that is written by a program, between two marks. All that stands outside is written by hand and stays.

use anyhow::Context;

/// How the mark begins before which nothing is touched. What else its line says is for readers, and stays.
const BEGIN: &str = "<!-- figures:";

/// The mark that ends it.
const END: &str = "<!-- end of figures -->";

/// A whole new part, marks included.
pub(super) fn marked(written: &str) -> String {
    let told = "written by `cargo xtask figures`; what stands outside of these marks is written by hand";
    format!("{BEGIN} {told} -->\n{written}{END}\n")
}

/// Puts what was written between the marks of a text.
///
/// # Errors
/// There are no marks, or they stand the wrong way round.
pub(super) fn between(text: &str, written: &str) -> anyhow::Result<String> {
    let missing = || format!("there is no part to write: a line `{BEGIN} … -->` and below it a line `{END}`");
    let (before, rest) = text.split_once(BEGIN).with_context(missing)?;
    let (mark, rest) = rest.split_once('\n').with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    Ok(format!("{before}{BEGIN}{mark}\n{written}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_outside_of_the_marks_stays_and_writing_twice_changes_nothing() {
        let text = format!("# By hand\n\n{}\nAlso by hand.\n", marked("| old |\n"));
        let once = between(&text, "| new |\n").unwrap();
        assert_eq!(once, text.replace("old", "new"));
        assert_eq!(between(&once, "| new |\n").unwrap(), once);
    }

    #[test]
    fn a_text_without_both_marks_is_not_touched() {
        for text in
            ["nothing", "<!-- figures: -->\n| old |\n", "<!-- end of figures -->\n<!-- figures: x -->\n"]
        {
            assert!(between(text, "").unwrap_err().to_string().contains("no part to write"), "{text}");
        }
    }
}
