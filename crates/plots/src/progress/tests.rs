//! Progress, read by an XML parser of others.

use roxmltree::Document;

use super::*;

fn progress(rows: &[(&str, [u64; 3])]) -> Progress {
    Progress {
        words: Words { id: "p", empty: "There is no device.".to_owned(), ..Words::default() },
        parts: ["swapped", "under way", "factory"].map(str::to_owned).to_vec(),
        rows: rows
            .iter()
            .map(|(name, parts)| ProgressRow { name: (*name).to_owned(), parts: parts.to_vec() })
            .collect(),
    }
}

#[test]
fn the_parts_of_a_row_meet_and_fill_it() {
    let svg = progress(&[("north", [50, 25, 25])]).svg();
    let document = Document::parse(&svg).unwrap();
    let parts: Vec<(f64, f64)> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.children().any(|child| child.has_tag_name("title")))
        .map(|node| {
            let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
            (number("x"), number("width"))
        })
        .collect();
    assert_eq!(parts.len(), 3);
    assert!(parts.windows(2).all(|pair| (pair[0].0 + pair[0].1 - pair[1].0).abs() < 0.11), "{parts:?}");
    assert!((parts[0].1 - 2.0 * parts[1].1).abs() < 0.2, "{parts:?}");
    assert!(svg.contains(">50 % of 100<"));
}

#[test]
fn percents_are_not_rounded_to_done_or_to_nothing() {
    assert_eq!(
        [(0, 9), (1, 1_000), (999, 1_000), (9, 9), (0, 0)].map(|(done, of)| percent(done, of)),
        [0, 1, 99, 100, 0]
    );
    assert_eq!(percent(u64::MAX, u64::MAX), 100);
}

#[test]
fn the_rows_with_the_fewest_become_others_and_nothing_is_lost() {
    let rows: Vec<ProgressRow> = (1..=100_u64)
        .map(|number| ProgressRow { name: format!("maker {number}"), parts: vec![number, 0, 1] })
        .collect();
    let told = folded(&rows);
    assert_eq!(told.len(), ROWS);
    assert_eq!(told.last().unwrap().name, "61 others");
    let sum = |rows: &[ProgressRow]| rows.iter().map(ProgressRow::total).sum::<u64>();
    assert_eq!(sum(&told), sum(&rows));
    let alike = vec![ProgressRow { name: "x".to_owned(), parts: vec![1] }; 50];
    assert_eq!((folded(&alike).len(), sum(&folded(&alike))), (ROWS, 50));
}

#[test]
fn nothing_is_told_in_a_sentence() {
    for empty in [progress(&[]), progress(&[("north", [0, 0, 0])])] {
        assert!(empty.svg().contains("There is no device."));
    }
}
