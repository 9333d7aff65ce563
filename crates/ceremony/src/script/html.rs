//! A script as one HTML page: no other file, no program in it, ready to be printed.

use core::fmt::Write;

use super::text::{Block, Step};

const STYLE: &str = "@page{size:A4;margin:18mm}body{font:11pt/1.4 serif;max-width:180mm;margin:auto}\
    h1{font-size:20pt}h2{font-size:14pt;break-after:avoid;border-bottom:1px solid #000}\
    table{border-collapse:collapse;width:100%}td,th{border:1px solid #000;padding:1mm 2mm;text-align:left;\
    vertical-align:top;overflow-wrap:anywhere}.step{break-inside:avoid;display:flex;gap:4mm;margin:3mm 0}\
    .box{flex:none;width:5mm;height:5mm;border:1.5px solid #000}dl{margin:1mm 0}dt{font-style:italic}\
    dd{margin:0 0 1mm 6mm;font-family:monospace;overflow-wrap:anywhere}\
    .banner{border:3px double #000;padding:3mm;text-align:center;font-weight:bold}";

/// Writes the page.
pub(super) fn page(title: &str, blocks: &[Block]) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n",
        escaped(title)
    );
    blocks.iter().for_each(|block| out += &written(block));
    out + "</body>\n</html>\n"
}

fn written(block: &Block) -> String {
    match block {
        Block::Title(text) => format!("<h1>{}</h1>\n", escaped(text)),
        Block::Banner(text) => format!("<p class=\"banner\">{}</p>\n", escaped(text)),
        Block::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
        Block::Paragraph(text) => format!("<p>{}</p>\n", escaped(text)),
        Block::Table(head, rows) => table(head, rows),
        Block::Step(step) => written_step(step),
    }
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |tag: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let mut out = String::from("<table>\n") + &line("th", head.iter().map(|cell| escaped(cell)).collect());
    rows.iter().for_each(|row| out += &line("td", row.iter().map(|cell| escaped(cell)).collect()));
    out + "</table>\n"
}

fn written_step(step: &Step) -> String {
    let mut details = String::new();
    for (name, value) in &step.details {
        // A String takes everything.
        write!(details, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value)).unwrap_or_default();
    }
    let list = if details.is_empty() { details } else { format!("<dl>{details}</dl>") };
    format!(
        "<div class=\"step\"><span class=\"box\"></span><div><b>{}.</b> {}{list}</div></div>\n",
        step.number,
        escaped(&step.what)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
