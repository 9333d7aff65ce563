//! Histograms, read by an XML parser of others.

use roxmltree::Document;

use super::*;

fn bars(categories: usize, series: &[(&str, u64)]) -> Bars {
    Bars {
        words: Words {
            id: "b",
            title: "Certificates <&> \"more\"".to_owned(),
            description: "How many end in each month.".to_owned(),
            empty: "No certificate ends in this time.".to_owned(),
        },
        categories: (0..categories).map(|number| format!("2026-{number:02}")).collect(),
        across: "month".to_owned(),
        upwards: "certificates".to_owned(),
        series: series
            .iter()
            .map(|(name, value)| Series { name: (*name).to_owned(), values: vec![*value; categories] })
            .collect(),
    }
}

fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn whoever_does_not_see_it_is_told_what_it_shows() {
    let svg = bars(3, &[("a", 5)]).svg();
    let document = Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let named: Vec<&str> = root.attribute("aria-labelledby").unwrap().split(' ').collect();
    let told: Vec<&str> = named
        .iter()
        .map(|name| {
            document.descendants().find(|node| node.attribute("id") == Some(name)).unwrap().text().unwrap()
        })
        .collect();
    assert_eq!(told, ["Certificates <&> \"more\"", "How many end in each month."]);
}

#[test]
fn bars_are_as_high_as_their_values_and_stand_on_each_other() {
    let svg = bars(2, &[("a", 30), ("b", 10)]).svg();
    let document = Document::parse(&svg).unwrap();
    let with_titles: Vec<(f64, f64)> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.children().any(|child| child.has_tag_name("title")))
        .map(|node| {
            let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
            (number("y"), number("height"))
        })
        .collect();
    assert_eq!(with_titles.len(), 4);
    let [(lower, below), (upper, above)] = with_titles[..2] else { panic!("two bars") };
    assert!((below / above - 3.0).abs() < 0.01, "{with_titles:?}");
    assert!((upper + above - lower).abs() < 0.11, "{with_titles:?}");
    assert!(svg.contains("<title>2026-00, a: 30</title>"));
}

#[test]
fn names_below_bars_do_not_meet_however_many_there_are() {
    for count in [1, 2, 12, 60, 400] {
        let svg = bars(count, &[("a", 1), ("b", 2)]).svg();
        let document = Document::parse(&svg).unwrap();
        let mut ends = Vec::new();
        for node in
            document.descendants().filter(|node| node.text().is_some_and(|text| text.starts_with("2026-")))
        {
            if let Some(x) = node.attribute("x").and_then(|x| x.parse::<f64>().ok()) {
                let half = width(node.text().unwrap(), SIZE) / 2.0;
                ends.push((x - half, x + half));
            }
        }
        assert!(!ends.is_empty() && ends.iter().all(|(from, to)| *from >= 0.0 && *to <= WIDTH), "{count}");
        assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{count}: {ends:?}");
    }
}

#[test]
fn series_beyond_those_that_are_told_apart_are_others() {
    let named: Vec<(String, u64)> = (1..=12).map(|number| (format!("issuer {number}"), number)).collect();
    let named: Vec<(&str, u64)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let found = texts(&bars(4, &named).svg());
    assert!(found.contains(&"5 others".to_owned()) && !found.contains(&"issuer 1".to_owned()), "{found:?}");
}

#[test]
fn nothing_is_told_in_a_sentence() {
    for empty in [bars(0, &[]), bars(3, &[("a", 0)])] {
        assert!(texts(&empty.svg()).contains(&"No certificate ends in this time.".to_owned()));
    }
}

#[test]
fn nothing_in_it_runs_is_styled_or_comes_from_elsewhere() {
    let svg = bars(40, &[("<script>alert(1)</script>", 3), ("b\" onload=\"x", 4), ("c", 5)]).svg();
    let document = Document::parse(&svg).unwrap();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(
            ["svg", "title", "desc", "defs", "pattern", "rect", "path", "circle", "text"].contains(&name),
            "{name}"
        );
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && name != "style" && name != "href", "{name}");
            assert!(!value.contains("url(") || value.starts_with("url(#b-"), "{value}");
        }
    }
}

#[test]
fn the_same_data_give_the_same_octets_and_the_largest_numbers_are_drawn() {
    let of = || bars(9, &[("a", u64::MAX), ("b", u64::MAX)]).svg();
    assert_eq!(of(), of());
    assert!(!of().contains("NaN") && !of().contains("inf"));
}
