//! How series are told apart: fills that alternate between dark and light, each with a hatching of its own, and dark lines with
//! dashes of their own.
//!
//! What stands beside each other differs by three to one in contrast (WCAG 2.2, success criterion 1.4.11), in any kind of colour
//! vision and on paper without colours; light fills stand out from the background by their dark edges.

use crate::text::float_of;

/// Values under a name, one for each category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// What they are of.
    pub name: String,
    /// The values.
    pub values: Vec<u64>,
}

/// What is drawn over a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hatching {
    None,
    Rising,
    Falling,
    Level,
    Upright,
    Dotted,
}

/// A fill: its colour, and its hatching in black or white.
struct Fill {
    colour: &'static str,
    hatching: Hatching,
    hatched_in: &'static str,
}

const fn fill(colour: &'static str, hatching: Hatching, hatched_in: &'static str) -> Fill {
    Fill { colour, hatching, hatched_in }
}

/// The fills, in the order of series.
const FILLS: [Fill; 8] = [
    fill("#00429d", Hatching::None, ""),
    fill("#f4a259", Hatching::None, ""),
    fill("#1b5e4b", Hatching::Rising, "#ffffff"),
    fill("#9fd3f0", Hatching::Dotted, "#000000"),
    fill("#8c1d40", Hatching::Level, "#ffffff"),
    fill("#f2d64b", Hatching::Falling, "#000000"),
    fill("#4b2e83", Hatching::Dotted, "#ffffff"),
    fill("#c9c9c9", Hatching::Upright, "#000000"),
];

/// The colours of lines, and their dashes.
const STROKES: [(&str, &str); 8] = [
    ("#00429d", ""),
    ("#b34700", "7 3"),
    ("#1b5e4b", "2 3"),
    ("#8c1d40", "10 3 2 3"),
    ("#4b2e83", "4 4"),
    ("#555555", "12 4"),
    ("#0a6c7c", "2 6"),
    ("#6b5000", "10 3 2 3 2 3"),
];

/// How many series are told apart.
pub(crate) const MOST: usize = FILLS.len();

/// What a fill is called where it is used.
pub(crate) fn reference(id: &str, place: usize) -> String {
    match FILLS.get(place) {
        Some(Fill { colour, hatching: Hatching::None, .. }) => (*colour).to_owned(),
        Some(_) => format!("url(#{id}-fill-{place})"),
        None => "#000000".to_owned(),
    }
}

/// Returns the colour and the dashes of a line.
pub(crate) fn stroke(place: usize) -> (&'static str, &'static str) {
    STROKES.get(place).copied().unwrap_or(("#000000", ""))
}

/// Defines the hatched ones of the first `count` fills.
pub(crate) fn definitions(id: &str, count: usize) -> String {
    let hatched = FILLS.iter().enumerate().take(count).filter_map(|(place, fill)| {
        let Fill { colour, hatched_in, .. } = fill;
        let drawn = match fill.hatching {
            Hatching::None => return None,
            Hatching::Rising => line("M-1 1L1 -1M0 6L6 0M5 7L7 5", hatched_in),
            Hatching::Falling => line("M-1 5L1 7M0 0L6 6M5 -1L7 1", hatched_in),
            Hatching::Level => line("M0 3H6", hatched_in),
            Hatching::Upright => line("M3 0V6", hatched_in),
            Hatching::Dotted => format!("<circle cx=\"3\" cy=\"3\" r=\"1\" fill=\"{hatched_in}\"/>"),
        };
        Some(format!(
            "<pattern id=\"{id}-fill-{place}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"6\" height=\"6\" fill=\"{colour}\"/>{drawn}</pattern>\n"
        ))
    });
    let hatched: String = hatched.collect();
    if hatched.is_empty() { hatched } else { format!("<defs>\n{hatched}</defs>\n") }
}

fn line(path: &str, colour: &str) -> String {
    format!("<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"1.2\"/>")
}

/// Puts the smallest of too many series together as others, after those that are told apart.
pub(crate) fn folded(series: &[Series]) -> Vec<Series> {
    if series.len() <= MOST {
        return series.to_vec();
    }
    let sum = |one: &Series| one.values.iter().fold(0_u64, |sum, value| sum.saturating_add(*value));
    let mut sums: Vec<(u64, usize)> =
        series.iter().enumerate().map(|(place, one)| (sum(one), usize::MAX - place)).collect();
    sums.sort_unstable_by(|one, other| other.cmp(one));
    let kept: Vec<usize> =
        sums.iter().take(MOST.saturating_sub(1)).map(|(_, place)| usize::MAX - place).collect();
    let (mut told, mut rest) = (Vec::new(), Vec::new());
    for (place, one) in series.iter().enumerate() {
        if kept.contains(&place) { told.push(one.clone()) } else { rest.push(one) }
    }
    let length = rest.iter().map(|one| one.values.len()).max().unwrap_or_default();
    let at = |place: usize| {
        rest.iter()
            .filter_map(|one| one.values.get(place))
            .fold(0_u64, |sum, value| sum.saturating_add(*value))
    };
    told.push(Series { name: format!("{} others", rest.len()), values: (0..length).map(at).collect() });
    told
}

/// Returns how dark the dashes of a line make it beside a solid one: their sum, for tests of distinctness.
#[cfg(test)]
fn dash_length(dashes: &str) -> usize {
    dashes.split(' ').filter_map(|part| part.parse::<usize>().ok()).sum()
}

/// Where the middle of one of so many equal parts is, from 0 to 1.
pub(crate) fn middle_of(place: usize, parts: usize) -> f64 {
    (float_of(place) + 0.5) / float_of(parts.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(colour.get(at..at + 2).unwrap(), 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    // WCAG 2.2, success criterion 1.4.11: 3:1 between what is beside each other.
    #[test]
    fn neighbours_differ_by_three_to_one() {
        for pair in FILLS.windows(2) {
            let found = contrast(pair[0].colour, pair[1].colour);
            assert!(found >= 3.0, "{} beside {}: {found:.2}", pair[0].colour, pair[1].colour);
        }
        for (colour, _) in STROKES {
            assert!(contrast(colour, "#ffffff") >= 4.5, "{colour}");
        }
        let hatched = FILLS.iter().filter(|fill| fill.hatching != Hatching::None);
        assert!(
            hatched.clone().count() == 6
                && hatched.clone().all(|fill| contrast(fill.colour, fill.hatched_in) >= 3.0)
        );
    }

    #[test]
    fn no_two_fills_and_no_two_lines_are_alike_without_their_colours() {
        let fills: std::collections::BTreeSet<_> =
            FILLS.iter().map(|fill| (format!("{:?}", fill.hatching), luminance(fill.colour) > 0.3)).collect();
        let dashes: std::collections::BTreeSet<_> = STROKES.iter().map(|(_, dashes)| *dashes).collect();
        assert_eq!((fills.len(), dashes.len()), (FILLS.len(), STROKES.len()));
        assert!(STROKES.iter().skip(1).all(|(_, dashes)| dash_length(dashes) > 0));
    }

    #[test]
    fn too_many_series_become_others_and_nothing_is_lost() {
        let series: Vec<Series> =
            (0..20_u64).map(|number| Series { name: number.to_string(), values: vec![number, 1] }).collect();
        let told = folded(&series);
        assert_eq!(told.len(), MOST);
        let names: Vec<&str> = told.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["13", "14", "15", "16", "17", "18", "19", "13 others"]);
        let sum = |place: usize| told.iter().map(|one| one.values[place]).sum::<u64>();
        assert_eq!((sum(0), sum(1)), (190, 20));
        assert_eq!(folded(&series[..3]), series[..3]);
    }
}
