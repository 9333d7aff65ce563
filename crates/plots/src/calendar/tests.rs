//! Calendars, read by an XML parser of others.

use roxmltree::Document;

use super::*;

fn calendar(first: i64, values: Vec<u64>) -> Calendar {
    let words = Words { id: "c", empty: "No certificate ends.".to_owned(), ..Words::default() };
    Calendar { words, first, counted: "certificates that end".to_owned(), values }
}

#[test]
fn every_day_is_a_cell_at_its_week_and_weekday() {
    // From Monday, 2026-11-30, over the end of the year.
    let values: Vec<u64> = (0..40).collect();
    let svg = calendar(20_787, values).svg();
    let document = Document::parse(&svg).unwrap();
    let cells: Vec<(f64, f64, String)> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.children().any(|child| child.has_tag_name("title")))
        .map(|node| {
            let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
            let told = node.first_element_child().unwrap().text().unwrap().to_owned();
            (number("x"), number("y"), told)
        })
        .collect();
    assert_eq!(cells.len(), 40);
    assert_eq!((cells[0].2.as_str(), cells[32].2.as_str()), ("2026-11-30: 0", "2027-01-01: 32"));
    // A week later in the next column, at the same height; the next year in a row below.
    assert!((cells[7].0 - cells[0].0 - STEP).abs() < 0.01 && (cells[7].1 - cells[0].1).abs() < 0.01);
    assert!(cells[32].1 > cells[31].1 + 6.0 * STEP || cells[32].0 < cells[31].0);
    let places: std::collections::BTreeSet<String> =
        cells.iter().map(|(x, y, _)| format!("{x:.1} {y:.1}")).collect();
    assert_eq!(places.len(), 40);
}

#[test]
fn marks_grow_with_what_there_is_and_days_without_have_none() {
    let svg = calendar(20_787, vec![0, 1, 30, 60, 100]).svg();
    let document = Document::parse(&svg).unwrap();
    let sizes: Vec<f64> = document
        .descendants()
        .filter(|node| node.attribute("fill") == Some("#00429d"))
        .map(|node| node.attribute("width").unwrap().parse().unwrap())
        .collect();
    // Four in the calendar, and four in the legend below.
    assert_eq!(sizes, [4.0, 4.0, 7.0, 7.0, 4.0, 7.0, 10.0, 13.0]);
    assert!(svg.contains(">1 to 50<") && svg.contains(">151 to 200<"));
}

#[test]
fn nothing_is_told_in_a_sentence() {
    for empty in [calendar(0, Vec::new()), calendar(0, vec![0; 9])] {
        assert!(empty.svg().contains("No certificate ends."));
    }
}
