//! How figures are told to the eye: a bar for each row's ratio to its limit, from the least to the most, and its target, as SVG.

use crate::report::{Report, sized};
use crate::targets::{Judged, judge};

/// Where bars begin and how long one of ratio 1 is, in pixels.
const BEGIN: f64 = 470.0;
const WHOLE: f64 = 400.0;

/// The longest ratio that is drawn.
const LONGEST: f64 = 1.25;

/// How high a row is, in pixels.
const ROW: f64 = 24.0;

/// Draws what was measured.
pub(crate) fn plot(report: &Report) -> String {
    let judged = judge(&report.rows, &report.limits);
    let mut bars = String::new();
    let mut top = 40.0;
    for row in &report.rows {
        let own = judged.iter().find(|one| one.row == row.name && one.size == row.size);
        let ratio = row.per_second.ratio;
        bar(&mut bars, (&sized(&row.name, row.size), top), [ratio.median, ratio.least, ratio.most], own);
        top += ROW;
    }
    let (width, height) = (BEGIN + WHOLE * LONGEST + 420.0, top + 60.0);
    let (whole, machine) = (BEGIN + WHOLE, &report.machine);
    let told =
        format!("{}, {}, {}; {}", machine.processors, machine.file_system, machine.began, machine.program);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"20\">Each row beside the limit of the same seconds: median, least to most; where it is compared with something else, that ratio and its target</text>\n\
         <line x1=\"{whole}\" y1=\"30\" x2=\"{whole}\" y2=\"{top}\" stroke=\"black\"/>\n{bars}\
         <text x=\"10\" y=\"{}\" fill=\"#555\">{}</text>\n</svg>\n",
        top + 30.0,
        escaped(&told)
    )
}

/// One row: its bar, its ends, and whether its target is reached.
fn bar(svg: &mut String, (name, top): (&str, f64), [median, least, most]: [f64; 3], target: Option<&Judged>) {
    let at = |ratio: f64| BEGIN + WHOLE * ratio.clamp(0.0, LONGEST);
    let (middle, text) = (top + ROW / 2.0, top + ROW / 2.0 + 4.0);
    let colour = match target {
        None => "#9db4c8",
        Some(target) if target.is_reached() => "#5a9e6f",
        Some(_) => "#c9825a",
    };
    let told = target
        .map(|one| format!("; {:.2} of {}, target {:.2}", one.ratio, one.of, one.least))
        .unwrap_or_default();
    svg.push_str(&format!(
        "<text x=\"10\" y=\"{text}\">{}</text>\n\
         <rect x=\"{BEGIN}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\n\
         <line x1=\"{:.1}\" y1=\"{middle}\" x2=\"{:.1}\" y2=\"{middle}\" stroke=\"#333\"/>\n\
         <text x=\"{:.1}\" y=\"{text}\">{median:.2}{told}</text>\n",
        escaped(name),
        top + 5.0,
        at(median) - BEGIN,
        ROW - 10.0,
        at(least),
        at(most),
        at(most) + 6.0,
    ));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
