//! Tables as CSV (RFC 4180): a row of headings, lines that end with CRLF, quotes where they are needed.
//!
//! A spreadsheet takes a cell that begins with one of some signs for a formula. Such a cell, which is never a number of ours, gets an
//! apostrophe in front: it is shown as text everywhere.

/// The signs with which formulas begin, in whichever spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Writes a table.
#[must_use]
pub fn csv<'c>(headings: &[&str], rows: impl IntoIterator<Item = &'c Vec<String>>) -> String {
    let mut text = line(headings.iter().copied());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str)));
    }
    text
}

fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    let text = if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4180 §2: read back by who did not write it.
    #[test]
    fn every_cell_is_read_back_as_it_was() {
        let rows = vec![
            vec!["a \"quoted\" one".to_owned(), "1,5".to_owned()],
            vec!["two\r\nlines".to_owned(), String::new()],
            vec!["é, ж".to_owned(), "12".to_owned()],
        ];
        let text = csv(&["name", "number"], &rows);
        assert!(text.starts_with("name,number\r\n") && text.ends_with("\r\n"));
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["name", "number"]);
        let read: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(read, rows);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for one in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let text = csv(&["x"], &[vec![one.to_owned()]]);
            let cell = text.lines().nth(1).unwrap().trim_start_matches('"');
            assert!(cell.starts_with('\''), "{text:?}");
        }
        assert_eq!(csv(&["x"], &[vec!["a=1".to_owned()]]), "x\r\na=1\r\n");
    }
}
