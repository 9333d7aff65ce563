//! Sheets for the printer: six codes on A4, as SVG, each with its place and its check in letters under it.

use core::fmt::Write as _;

use crate::part::Part;
use crate::picture::{DrawError, Modules, QUIET};

/// Codes on a sheet: two beside each other, three rows.
const ON_A_SHEET: usize = 6;

/// The side of a code on paper with its margin, in millimetres.
const SIDE: usize = 80;

/// Draws the sheets of a series under a title, in their order.
///
/// # Errors
/// [`DrawError`].
pub fn draw(title: &str, parts: &[Part]) -> Result<Vec<String>, DrawError> {
    let sheets = parts.chunks(ON_A_SHEET);
    let count = sheets.len();
    sheets.enumerate().map(|(at, parts)| draw_one(title, (at + 1, count), parts)).collect()
}

fn draw_one(title: &str, (number, count): (usize, usize), parts: &[Part]) -> Result<String, DrawError> {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" viewBox=\"0 0 210 297\" \
         font-family=\"monospace\">\n<rect width=\"210\" height=\"297\" fill=\"#fff\"/>\n",
    );
    text(&mut svg, (16, 14, 5), &escaped(title));
    if let Some(part) = parts.first() {
        text(&mut svg, (16, 20, 3), &format!("sheet {number} of {count}   SHA-256 {}", part.set()));
    }
    for (at, part) in parts.iter().enumerate() {
        let (x, y) = (16 + at % 2 * (SIDE + 18), 24 + at / 2 * (SIDE + 9));
        code(&mut svg, (x, y), &Modules::draw(part)?);
        let caption = format!("{} of {}   check {}", part.index(), part.count(), part.check());
        text(&mut svg, (x + 4, y + SIDE + 3, 4), &caption);
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Draws the dark modules as one path, each run of them in a row as a bar.
fn code(svg: &mut String, (x, y): (usize, usize), modules: &Modules) {
    let side = modules.width() + 2 * QUIET;
    let mut path = String::new();
    for (row, line) in modules.rows().enumerate() {
        let line: Vec<bool> = line.collect();
        let mut column = 0;
        for run in line.chunk_by(|left, right| left == right) {
            if run.first() == Some(&true) {
                put(
                    &mut path,
                    format_args!("M{} {}h{}v1h-{}z", column + QUIET, row + QUIET, run.len(), run.len()),
                );
            }
            column += run.len();
        }
    }
    put(
        svg,
        format_args!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"{SIDE}\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><path d=\"{path}\"/></svg>\n"
        ),
    );
}

fn text(svg: &mut String, (x, y, size): (usize, usize, usize), words: &str) {
    put(
        svg,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" xml:space=\"preserve\">{words}</text>\n"
        ),
    );
}

/// Writing to a string does not fail.
fn put(text: &mut String, words: core::fmt::Arguments<'_>) {
    text.write_fmt(words).unwrap_or_default();
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::split;

    #[test]
    fn seven_codes_take_two_sheets_and_each_code_its_caption() {
        let parts = split(&[7; 3200]).expect("it is short enough");
        let sheets = draw("response <1> & more", &parts).expect("they are drawn");
        assert_eq!(sheets.len(), 2);
        assert!(sheets[0].contains("response &lt;1> &amp; more"), "{}", sheets[0]);
        assert_eq!(sheets[0].matches("<path").count(), 6);
        let caption = format!(">7 of 7   check {}<", parts[6].check());
        assert!(sheets[1].contains(&caption), "{}", sheets[1]);
    }

    #[test]
    fn the_bars_cover_as_many_modules_as_are_dark() {
        let modules = Modules::draw(&split(b"short").expect("it is short enough")[0]).expect("it is drawn");
        let mut svg = String::new();
        code(&mut svg, (0, 0), &modules);
        let bars = svg
            .split('M')
            .skip(1)
            .filter_map(|bar| bar.split_once('h')?.1.split_once('v')?.0.parse::<usize>().ok());
        assert_eq!(bars.sum::<usize>(), modules.rows().flatten().filter(|dark| *dark).count());
    }
}
