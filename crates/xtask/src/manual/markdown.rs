//! Markdown as the pages of the manual have it: heads, tables, and text that shows as it is.

/// A page with the line at its head that says what makes it.
pub(super) fn page(of: &str, text: &str) -> String {
    format!("<!-- Made by `cargo xtask manual` from {of}; not to be edited. -->\n\n{}\n", text.trim_end())
}

/// Text that Markdown and the browser show as it is; what stands between backticks is left alone.
pub(super) fn shown(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(place, piece)| match place % 2 {
        0 => piece.replace('<', "&lt;").replace('*', "\\*").replace('|', "\\|"),
        _ => format!("`{}`", piece.replace('|', "\\|")),
    });
    pieces.collect()
}

/// Text as it is typed, for a cell of a table too.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// A table of these columns, or nothing where there is no row.
pub(super) fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let mut text = line(&columns);
    text.push_str(&format!("|{}\n", "---|".repeat(columns.len())));
    text.extend(rows.iter().map(|row| line(row)));
    text.push('\n');
    text
}

/// A sentence with its full stop.
pub(super) fn sentence(text: &str) -> String {
    let text = shown(text.trim());
    if text.is_empty() || text.ends_with(['.', ':', '!', '?']) { text } else { format!("{text}.") }
}

/// The name of a place on a page, as mdBook makes it of a heading.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        _ if letter.is_alphanumeric() || letter == '-' || letter == '_' => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_markup_is_shown_as_it_is_typed() {
        assert_eq!(shown("of <FILE>, `<a|b>`, a|b, 2*3"), "of &lt;FILE>, `<a\\|b>`, a\\|b, 2\\*3");
    }

    #[test]
    fn a_table_without_rows_is_none() {
        assert_eq!(table(&["a"], &[]), "");
        let row = vec!["1".to_owned(), "2".to_owned()];
        assert_eq!(table(&["a", "b"], &[row]), "| a | b |\n|---|---|\n| 1 | 2 |\n\n");
    }

    #[test]
    fn a_heading_is_found_by_its_anchor() {
        assert_eq!(anchor("GET /v1/orders/{digest}"), "get-v1ordersdigest");
        assert_eq!(anchor("`meter-pki cert list`"), "meter-pki-cert-list");
    }
}
