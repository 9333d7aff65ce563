//! Statistics as pictures and tables: which plot shows which numbers, in which words. Not how it is drawn: that is `plots`.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use plots::{Bars, Calendar, Line, Lines, Progress, ProgressRow, Series, Shape, Words, csv, grouped, png};

use super::spans::{begin, parse_day};
use super::wire::statistics::{CrlSizesView, ExpiriesView, IssuanceView, SigningView, SwapsView};
use crate::exit::{Exit, Failure};
use crate::time_text;

/// As what a plot is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Svg,
    Png,
    Csv,
}

impl Form {
    /// Reads the word for it.
    pub(super) fn parse(word: &str) -> Result<Self, Failure> {
        match word {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            "csv" => Ok(Self::Csv),
            other => {
                Err(Failure::new(Exit::Usage, "plot.form.unknown", format!("no plot is given as {other}"))
                    .then("use one of svg, png, csv"))
            }
        }
    }
}

/// A plot, as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    media_type: &'static str,
    name: String,
    octets: Vec<u8>,
}

impl Picture {
    /// What it may be.
    pub(super) const MEDIA_TYPES: [&str; 3] = ["image/svg+xml", "image/png", "text/csv"];
}

impl IntoResponse for Picture {
    fn into_response(self) -> Response {
        // A name of ours, so that whoever keeps it has one that tells what it is.
        let shown = format!("inline; filename=\"{}\"", self.name);
        let shown = HeaderValue::try_from(shown).unwrap_or_else(|_| HeaderValue::from_static("inline"));
        let fields: [(HeaderName, HeaderValue); 2] =
            [(CONTENT_TYPE, HeaderValue::from_static(self.media_type)), (CONTENT_DISPOSITION, shown)];
        (fields, self.octets).into_response()
    }
}

/// A drawing, and the numbers in it.
struct Plot {
    name: &'static str,
    svg: String,
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Plot {
    fn give(self, form: Form) -> Result<Picture, Failure> {
        let [svg, picture, table] = Picture::MEDIA_TYPES;
        let (media_type, ending, octets) = match form {
            Form::Svg => (svg, "svg", self.svg.into_bytes()),
            Form::Png => {
                let drawn =
                    png(&self.svg).map_err(|error| Failure::new(Exit::Failed, "plot.failed", error))?;
                (picture, "png", drawn)
            }
            Form::Csv => (table, "csv", csv(&self.headings, &self.rows).into_bytes()),
        };
        Ok(Picture { media_type, name: format!("{}.{ending}", self.name), octets })
    }
}

/// When certificates end, as a histogram.
pub(super) fn expiries(view: &ExpiriesView, form: Form) -> Result<Picture, Failure> {
    let words = Words {
        id: "expiries",
        title: format!("Certificates that end, by {} and {}", view.span, view.series),
        description: told(
            &ending(view),
            view.spans.iter().max_by_key(|span| span.good).filter(|span| span.good > 0).map(|span| {
                format!("most of them, {}, in the {} from {}", grouped(span.good), view.span, span.from)
            }),
        ),
        empty: "No good certificate ends in this time.".to_owned(),
    };
    let names = names(view.spans.iter().flat_map(|span| span.by.keys()));
    let series = names.iter().map(|name| Series {
        name: name.clone(),
        values: view.spans.iter().map(|span| span.by.get(name).copied().unwrap_or_default()).collect(),
    });
    let bars = Bars {
        words,
        categories: view.spans.iter().map(|span| category(&view.span, &span.from)).collect(),
        across: across(&view.span),
        upwards: "good certificates".to_owned(),
        series: series.collect(),
    };
    let mut rows = Vec::new();
    for span in &view.spans {
        let row = |(name, good): (&String, &u64)| {
            vec![span.from.clone(), span.until.clone(), name.clone(), good.to_string()]
        };
        rows.extend(span.by.iter().map(row));
    }
    let heading = if view.series == "hierarchy" { "hierarchy" } else { "issuer" };
    Plot { name: "expiries", svg: bars.svg(), headings: vec!["from", "until", heading, "good"], rows }
        .give(form)
}

/// When certificates end, as a calendar; `view` is by days.
pub(super) fn expiry_calendar(view: &ExpiriesView, form: Form) -> Result<Picture, Failure> {
    let first = view.spans.first().map(|span| parse_day(&span.from)).transpose()?;
    let fullest = view.spans.iter().max_by_key(|span| span.good).filter(|span| span.good > 0);
    let words = Words {
        id: "expiry-calendar",
        title: "Certificates that end, by day".to_owned(),
        description: told(
            &ending(view),
            fullest.map(|span| format!("most of them, {}, on {}", grouped(span.good), span.from)),
        ),
        empty: "No good certificate ends in this time.".to_owned(),
    };
    let calendar = Calendar {
        words,
        first: first.map_or(0, |day| begin(day).seconds().div_euclid(86_400)),
        counted: "good certificates that end".to_owned(),
        values: view.spans.iter().map(|span| span.good).collect(),
    };
    let rows = view.spans.iter().map(|span| vec![span.from.clone(), span.good.to_string()]).collect();
    Plot { name: "expiry-calendar", svg: calendar.svg(), headings: vec!["day", "good"], rows }.give(form)
}

/// What was issued and revoked when.
pub(super) fn issuance(view: &IssuanceView, form: Form) -> Result<Picture, Failure> {
    let (issued, revoked) = (grouped(view.issued), grouped(view.revoked));
    let times: Vec<i64> = view
        .spans
        .iter()
        .map(|span| parse_day(&span.from).map(|day| begin(day).seconds()))
        .collect::<Result<_, _>>()?;
    let span = (times.first().copied().unwrap_or_default(), times.last().copied().unwrap_or_default());
    let line = |name: &str, values: Vec<u64>| Line {
        name: name.to_owned(),
        points: times.iter().copied().zip(values).collect(),
    };
    let lines = if view.issued == 0 && view.revoked == 0 {
        Vec::new()
    } else {
        vec![
            line("issued", view.spans.iter().map(|span| span.issued).collect()),
            line("revoked", view.spans.iter().map(|span| span.revoked).collect()),
        ]
    };
    let lines = Lines {
        words: Words {
            id: "issuance",
            title: format!("Certificates issued and revoked, by {}", view.span),
            description: format!("{issued} certificates were issued and {revoked} revoked."),
            empty: "Nothing was issued or revoked in this time.".to_owned(),
        },
        span,
        upwards: format!("certificates a {}", view.span),
        shape: Shape::Area,
        lines,
    };
    let mut rows = Vec::new();
    for span in &view.spans {
        for name in names(span.issued_by.keys().chain(span.revoked_of.keys())) {
            let number = |of: &std::collections::BTreeMap<String, u64>| {
                of.get(&name).copied().unwrap_or_default().to_string()
            };
            let numbers = [number(&span.issued_by), number(&span.revoked_of)];
            rows.push([vec![span.from.clone(), span.until.clone(), name], numbers.to_vec()].concat());
        }
    }
    let headings = vec!["from", "until", "issuer", "issued", "revoked"];
    Plot { name: "issuance", svg: lines.svg(), headings, rows }.give(form)
}

/// How far devices are swapped.
pub(super) fn swaps(view: &SwapsView, form: Form) -> Result<Picture, Failure> {
    let sum = |of: fn(&super::wire::statistics::SwapCountView) -> u64| {
        view.texts.iter().fold(0_u64, |sum, text| sum.saturating_add(of(text)))
    };
    let (swapped, total) = (sum(|text| text.swapped), sum(|text| text.total));
    let progress = Progress {
        words: Words {
            id: "swaps",
            title: format!("Devices of {} with operational certificates, by {}", view.tenant, view.by),
            description: format!("{} of {} devices are swapped.", grouped(swapped), grouped(total)),
            empty: format!("{} has no devices.", view.tenant),
        },
        parts: ["swapped", "under way", "factory certificates alone", "out of service"]
            .map(str::to_owned)
            .to_vec(),
        rows: view
            .texts
            .iter()
            .map(|text| ProgressRow {
                name: if text.value.is_empty() { "not known".to_owned() } else { text.value.clone() },
                parts: vec![text.swapped, text.under_way, text.factory, text.out_of_service],
            })
            .collect(),
    };
    let rows = view.texts.iter().map(|text| {
        let numbers = [text.swapped, text.under_way, text.factory, text.out_of_service, text.total];
        [vec![text.value.clone()], numbers.map(|number| number.to_string()).to_vec()].concat()
    });
    let headings = vec!["value", "swapped", "under_way", "factory", "out_of_service", "total"];
    Plot { name: "swaps", svg: progress.svg(), headings, rows: rows.collect() }.give(form)
}

/// How long CRLs were.
pub(super) fn crls(view: &CrlSizesView, form: Form) -> Result<Picture, Failure> {
    let day = |text: &str| parse_day(text).map(|day| begin(day).seconds());
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for line in &view.lines {
        let shard = line.shard.as_deref().map(|shard| format!(", shard {shard}")).unwrap_or_default();
        let mut points = Vec::new();
        for size in &line.sizes {
            let time = time_text::parse(&size.this_update)
                .map_err(|error| Failure::new(Exit::Failed, "plot.failed", error))?;
            points.push((time.seconds(), size.octets));
            let shard = line.shard.clone().unwrap_or_default();
            let numbers = [size.number, size.octets, size.entries].map(|number| number.to_string());
            let [number, octets, entries] = numbers;
            let row = [
                line.authority.clone(),
                shard,
                line.kind.clone(),
                number,
                size.this_update.clone(),
                octets,
                entries,
            ];
            rows.push(row.to_vec());
        }
        lines.push(Line { name: format!("{}{shard}, {}", line.authority, line.kind), points });
    }
    let longest = view.lines.iter().flat_map(|line| &line.sizes).map(|size| size.octets).max();
    let pictured = Lines {
        words: Words {
            id: "crls",
            title: "Length of CRLs".to_owned(),
            description: longest.map_or_else(
                || "No CRL was signed in this time.".to_owned(),
                |octets| format!("The longest CRL has {} octets.", grouped(octets)),
            ),
            empty: "No CRL was signed in this time.".to_owned(),
        },
        span: (day(&view.from)?, day(&view.until)?),
        upwards: "octets of DER".to_owned(),
        shape: Shape::Steps,
        lines,
    };
    let headings = vec!["authority", "shard", "kind", "number", "this_update", "octets", "entries"];
    Plot { name: "crls", svg: pictured.svg(), headings, rows }.give(form)
}

/// How long signatures took.
pub(super) fn signing(view: &SigningView, form: Form) -> Result<Picture, Failure> {
    let mut categories: Vec<String> =
        view.at_most_microseconds.iter().map(|bound| format!("≤ {}", duration(*bound))).collect();
    categories.extend(view.at_most_microseconds.last().map(|bound| format!("> {}", duration(*bound))));
    let name =
        |key: &super::wire::statistics::KeyPaceView| key.authority.clone().unwrap_or_else(|| key.key.clone());
    let signatures = view.keys.iter().fold(0_u64, |sum, key| sum.saturating_add(key.signatures));
    let slowest = view.keys.iter().max_by_key(|key| key.mean_microseconds);
    let bars = Bars {
        words: Words {
            id: "signing",
            title: "Duration of signatures since the server was started, by key".to_owned(),
            description: told(
                &format!("{} signatures were made", grouped(signatures)),
                slowest.map(|key| {
                    format!(
                        "the slowest key, {}, takes {} in the mean",
                        name(key),
                        duration(key.mean_microseconds)
                    )
                }),
            ),
            empty: "Nothing was signed since the server was started.".to_owned(),
        },
        categories: categories.clone(),
        across: "duration, from the call to the answer".to_owned(),
        upwards: "signatures".to_owned(),
        series: view.keys.iter().map(|key| Series { name: name(key), values: key.counts.clone() }).collect(),
    };
    let mut rows = Vec::new();
    for key in &view.keys {
        let bounds = view.at_most_microseconds.iter().map(ToString::to_string).chain([String::new()]);
        let authority = key.authority.clone().unwrap_or_default();
        let row = |(bound, count): (String, &u64)| {
            vec![key.key.clone(), authority.clone(), bound, count.to_string()]
        };
        rows.extend(bounds.zip(&key.counts).map(row));
    }
    let headings = vec!["key", "authority", "at_most_microseconds", "signatures"];
    Plot { name: "signing", svg: bars.svg(), headings, rows }.give(form)
}

/// How many end, and how many have no end.
fn ending(view: &ExpiriesView) -> String {
    let endless =
        if view.endless > 0 { format!(", {} have no end", grouped(view.endless)) } else { String::new() };
    format!("{} good certificates end{endless}", grouped(view.good))
}

/// A sentence of one or two parts.
fn told(first: &str, second: Option<String>) -> String {
    second.map_or_else(|| format!("{first}."), |second| format!("{first}; {second}."))
}

/// The names that stand in any of some maps, each once, in order.
fn names<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    names.cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// How a span is named below its bar.
fn category(span: &str, first_day: &str) -> String {
    let letters = if span == "month" { 7 } else { 10 };
    first_day.chars().take(letters).collect()
}

fn across(span: &str) -> String {
    match span {
        "month" => "month".to_owned(),
        "week" => "week from".to_owned(),
        other => other.to_owned(),
    }
}

/// Microseconds, in the unit in which they are short.
fn duration(microseconds: u64) -> String {
    let (whole, part, unit) = match microseconds {
        0..1_000 => return format!("{microseconds} µs"),
        1_000..1_000_000 => (microseconds / 1_000, microseconds % 1_000 / 100, "ms"),
        _ => (microseconds / 1_000_000, microseconds % 1_000_000 / 100_000, "s"),
    };
    if part == 0 { format!("{whole} {unit}") } else { format!("{whole}.{part} {unit}") }
}

#[cfg(test)]
mod tests;
