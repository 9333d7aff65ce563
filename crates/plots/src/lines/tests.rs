//! Lines over time, read by an XML parser of others.

use roxmltree::Document;

use super::*;

const DAY: i64 = 86_400;

fn lines(shape: Shape, lines: &[(&str, &[(i64, u64)])]) -> Lines {
    Lines {
        words: Words { id: "l", empty: "Nothing was issued.".to_owned(), ..Words::default() },
        span: (0, 10 * DAY),
        upwards: "octets".to_owned(),
        shape,
        lines: lines
            .iter()
            .map(|(name, points)| Line { name: (*name).to_owned(), points: points.to_vec() })
            .collect(),
    }
}

fn paths(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let paths = document.descendants().filter(|node| node.attribute("stroke-width") == Some("2"));
    paths.map(|node| node.attribute("d").unwrap().to_owned()).collect()
}

#[test]
fn a_value_lasts_until_the_next_where_lines_go_in_steps() {
    let points: &[(i64, u64)] = &[(0, 0), (5 * DAY, 100), (10 * DAY, 50)];
    let straight = paths(&lines(Shape::Straight, &[("a", points)]).svg());
    let steps = paths(&lines(Shape::Steps, &[("a", points)]).svg());
    assert_eq!(straight[0].matches('L').count(), 2);
    assert_eq!((steps[0].matches('H').count(), steps[0].matches('V').count()), (2, 2));
    // From the bottom of the field to its top, and half way down.
    assert!(steps[0].contains("V48.0") && steps[0].ends_with("V198.0"), "{steps:?}");
}

#[test]
fn what_is_below_is_shaded_where_it_is_asked_for() {
    let points: &[(i64, u64)] = &[(0, 1), (DAY, 2)];
    assert_eq!(lines(Shape::Area, &[("a", points)]).svg().matches("fill-opacity").count(), 1);
    assert_eq!(lines(Shape::Straight, &[("a", points)]).svg().matches("fill-opacity").count(), 0);
}

#[test]
fn marks_of_time_do_not_meet() {
    for span in [3_600, DAY, 9 * DAY, 40 * DAY, 400 * DAY, 4_000 * DAY, 40_000 * DAY] {
        let mut picture = lines(Shape::Straight, &[("a", &[(0, 3)])]);
        picture.span = (1_795_000_000, 1_795_000_000 + span);
        let svg = picture.svg();
        let document = Document::parse(&svg).unwrap();
        let below = document.descendants().filter(|node| {
            node.attribute("y") == Some("366.0") && node.attribute("text-anchor") == Some("middle")
        });
        let ends: Vec<(f64, f64)> = below
            .map(|node| {
                let half = width(node.text().unwrap(), SIZE) / 2.0;
                let x: f64 = node.attribute("x").unwrap().parse().unwrap();
                (x - half, x + half)
            })
            .collect();
        assert!(ends.iter().all(|(from, to)| *from >= 0.0 && *to <= WIDTH), "{span}: {ends:?}");
        assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{span}: {ends:?}");
    }
}

#[test]
fn lines_that_are_too_many_are_counted() {
    let points: &[(i64, u64)] = &[(0, 1), (DAY, 2)];
    let many: Vec<(&str, &[(i64, u64)])> = vec![("a", points); 11];
    let svg = lines(Shape::Straight, &many).svg();
    assert!(svg.contains("and 3 more, which are not drawn"));
}

#[test]
fn nothing_is_told_in_a_sentence() {
    for empty in [lines(Shape::Steps, &[]), lines(Shape::Steps, &[("a", &[])])] {
        assert!(empty.svg().contains("Nothing was issued."));
    }
}
