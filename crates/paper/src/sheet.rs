//! Sheets for the printer: six codes on A4, as SVG, each with its place and its check in letters under it.
//!
//! A sheet is known again by its codes: they are read from its bars, and the sheet drawn once more is the same.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use crate::part::Part;
use crate::picture::{self, DrawError, Modules, QUIET};

/// Codes on a sheet: two beside each other, three rows.
const ON_A_SHEET: usize = 6;

/// The most modules on a side of a code, with its margin.
const MAX_MODULES: usize = 200;

/// The width of a module when a code is read, in pixels.
const SCALE: usize = 4;

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

/// Returns the codes of a sheet; nothing when it is not a sheet as they are drawn here, octet for octet.
#[must_use]
pub fn read(svg: &str) -> Option<Vec<Part>> {
    let between = |begin: &str, end: &str| svg.split_once(begin)?.1.split_once(end).map(|(text, _)| text);
    let title = between("xml:space=\"preserve\">", "</text>")?.replace("&lt;", "<").replace("&amp;", "&");
    let (number, count) = between(">sheet ", "   SHA-256")?.split_once(" of ")?;
    let place = (number.parse().ok()?, count.parse().ok()?);
    let codes = svg.split("<path d=\"").skip(1).map(|path| part_of(path.split_once('"')?.0));
    let parts = codes.collect::<Option<Vec<Part>>>()?;
    (draw_one(&title, place, &parts).ok()? == svg).then_some(parts)
}

/// Reads the code that bars make.
fn part_of(path: &str) -> Option<Part> {
    let mut dark = BTreeSet::new();
    for bar in path.split_terminator('z') {
        let (at, run) = bar.strip_prefix('M')?.split_once('h')?;
        let (column, row) = at.split_once(' ')?;
        let (column, row): (usize, usize) = (column.parse().ok()?, row.parse().ok()?);
        let run: usize = run.split_once('v')?.0.parse().ok()?;
        if column.max(row).max(run) > MAX_MODULES {
            return None;
        }
        dark.extend((column..column + run).map(|column| (row, column)));
    }
    let side = dark.iter().map(|(row, column)| row.max(column)).max()? + 1 + QUIET;
    let grey = |x: usize, y: usize| if dark.contains(&(y / SCALE, x / SCALE)) { 0 } else { u8::MAX };
    match picture::texts(side * SCALE, side * SCALE, grey).as_slice() {
        [text] => Part::from_text(text).ok(),
        _ => None,
    }
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
    fn a_sheet_is_known_again_and_one_that_was_written_on_is_none() {
        let parts = split(&[7; 3200]).expect("it is short enough");
        let sheets = draw("response <1> & more", &parts).expect("they are drawn");
        let again: Vec<Part> = sheets.iter().flat_map(|sheet| read(sheet).expect("it is one")).collect();
        assert_eq!(again, parts);
        for (from, to) in
            [("</svg>\n", "</svg>\n<!-- a secret -->"), ("check ", "check  "), ("h1v1", "h2v1"), ("M", "N")]
        {
            let written_on = sheets[1].replacen(from, to, 1);
            assert!(written_on != sheets[1] && read(&written_on).is_none(), "{from}");
        }
        assert!(read("<svg></svg>").is_none() && read("").is_none());
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
