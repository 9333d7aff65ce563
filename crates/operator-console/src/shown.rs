//! A value of the interface as a reader sees it: a time as a time, a word as a word, octets as octets, a thing with a page of its own
//! as a link. All that comes from elsewhere is text and nothing but text (case M-08): what writes it escapes it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::document::{Document, Kind, Member, Method, Schema};
use crate::places::{self, MARK, page, plain};

/// How long a text may be before it is folded away.
const LONG: usize = 160;

/// Words that say that all is well, that something waits, and that something is wrong; all others say neither.
const GOOD: &[&str] =
    &["approved", "closed", "done", "good", "issued", "ok", "operational", "pass", "reviewed", "under-way"];
const WAIT: &[&str] = &[
    "asked",
    "claimed",
    "ending",
    "expected",
    "expired",
    "intent",
    "not-checked",
    "on-hold",
    "open",
    "paused",
    "pending",
    "planned",
    "running",
    "suspended",
    "uncertain",
    "underway",
    "unreviewed",
    "waiting",
    "warning",
];
const BAD: &[&str] = &[
    "abandoned",
    "aborted",
    "cancelled",
    "critical",
    "error",
    "failed",
    "fault",
    "lapsed",
    "refused",
    "revoked",
    "stuck",
];

/// Members that say how something stands: these alone have colours.
const STANDING: &[&str] =
    &["light", "outcome", "severity", "standing", "state", "status", "verdict", "worst"];

/// Members that are over, or due, once their time has come.
const ENDING: &[&str] = &["due", "expires_at", "next_update", "not_after", "until"];

/// Numbers that name something, and count nothing.
const NAMING: &[&str] = &["base", "epoch", "number", "profile_version", "record", "sequence", "version"];

/// The page to which a row leads.
pub(crate) type Leads<'a> = &'a dyn Fn(&Value) -> Option<String>;

/// What values are shown with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) document: &'a Document,
    /// The time, as the interface writes it.
    pub(crate) now: &'a str,
    /// How the interface writes times.
    pub(crate) written: fn(i64) -> String,
    /// The page that is made, to which no link leads.
    pub(crate) here: &'a str,
}

impl Shown<'_> {
    /// Shows a value as what it is; a list with this label.
    pub(crate) fn value(self, schema: Schema<'_>, value: &Value, label: &str) -> Markup {
        match (schema.kind(), value) {
            (_, Value::Null) => html! { "–" },
            (Kind::List(item), Value::Array(all)) if !item.members().is_empty() => {
                html! { @if all.is_empty() { "none" } @else { (self.rows(item, all, label)) } }
            }
            (Kind::Object(members), Value::Object(object)) if schema.name != Some(MARK) => {
                self.object(&members, object)
            }
            _ => self.brief(schema, value),
        }
    }

    /// Shows rows as they are shown in their own list, if they have one, each with a link to its page.
    pub(crate) fn rows(self, item: Schema<'_>, all: &[Value], label: &str) -> Markup {
        let home = places::home_of_rows(item.name);
        let single = home.and_then(|home| self.document.find(Method::Get, home.path)?.operation.single());
        let link = |row: &Value| {
            let (home, single) = home.zip(single)?;
            Some(page(&places::single(&single, row, home.path)))
                .filter(|page| !page.contains('{') && page != self.here)
        };
        self.table(&places::columns(item, home), &worst_first(item, all), (label, &link))
    }

    /// Shows a value in few words, on one line where it has one.
    fn brief(self, schema: Schema<'_>, value: &Value) -> Markup {
        match (schema.kind(), value) {
            (_, Value::Null) => html! { "–" },
            (_, Value::Bool(true)) => html! { "yes" },
            (_, Value::Bool(false)) => html! { "no" },
            (_, Value::Number(number)) if schema.name == Some("UnixSeconds") => {
                let seconds = number.as_i64().unwrap_or_default();
                html! { (time(&(self.written)(seconds))) }
            }
            (_, Value::Number(number)) => html! { (grouped(&number.to_string())) },
            (_, Value::String(text)) => self.text(schema, text),
            (Kind::List(item), Value::Array(all)) => self.few(item, all),
            (Kind::Object(members), Value::Object(object)) if schema.name == Some(MARK) => {
                self.mark(&members, object)
            }
            (Kind::Object(members), Value::Object(object)) => self.line(&members, object),
            (_, other) => html! { pre tabindex="0" { (pretty(other)) } },
        }
    }

    fn few(self, item: Schema<'_>, all: &[Value]) -> Markup {
        let is_plain = item.members().is_empty();
        html! {
            @if all.is_empty() { "none" }
            @else if is_plain && all.len() < 4 {
                @for (place, value) in all.iter().enumerate() { @if place > 0 { ", " } (self.brief(item, value)) }
            }
            @else { ul class="brief" { @for value in all { li { (self.brief(item, value)) } } } }
        }
    }

    /// By whom, and when.
    fn mark(self, members: &[Member<'_>], object: &Map<String, Value>) -> Markup {
        let told = |name: &str| {
            let member = members.iter().find(|member| member.name == name)?;
            Some(self.brief(member.schema, object.get(name)?))
        };
        html! {
            @if let Some(by) = told("by") { "by " (by) }
            @if let Some(at) = told("at") { ", " (at) }
        }
    }

    /// The members of an object behind each other, each with its name; a text in front tells by itself what it is.
    fn line(self, members: &[Member<'_>], object: &Map<String, Value>) -> Markup {
        let told = members
            .iter()
            .filter_map(|member| Some((member, object.get(member.name).filter(|value| says(value))?)));
        html! {
            @for (place, (member, value)) in told.enumerate() {
                @if place > 0 { ", " }
                @match value.as_bool() {
                    Some(true) => (named(member.name)),
                    Some(false) => { "not " (named(member.name)) }
                    None => {
                        @if place > 0 || !value.is_string() { (named(called(member))) " " }
                        (self.member(member, value))
                    }
                }
            }
        }
    }

    /// Shows a value as what it is of its object.
    fn member(self, member: &Member<'_>, value: &Value) -> Markup {
        let brief = self.brief(member.schema, value);
        match value.as_str() {
            Some(text) if STANDING.contains(&member.name) => word(text),
            Some(text) if ENDING.contains(&member.name) && text < self.now => {
                html! { span class="word bad" { (brief) } }
            }
            None if is_duration(member) => {
                value.as_u64().map_or(brief, |seconds| html! { (duration(seconds)) })
            }
            None if NAMING.contains(&member.name) && value.is_number() => {
                html! { span class="octets" { (value) } }
            }
            Some(_) | None => brief,
        }
    }

    fn text(self, schema: Schema<'_>, text: &str) -> Markup {
        let text = &seen(text);
        if let Some(home) = places::home(schema.name, text).filter(|home| home != self.here && self.has(home))
        {
            return html! { a class="octets" href=(home) { (text) } };
        }
        match schema.name {
            Some("TimeText") => time(text),
            Some("Base64Text") => html! {
                @if text.len() <= LONG { span class="octets" { (text) } " " }
                (saved("octets.bin", &format!("data:application/octet-stream;base64,{text}")))
            },
            _ if text.starts_with("-----BEGIN ") => html! {
                details { summary { "Show it" } pre tabindex="0" { (text) } }
                (saved("octets.pem", &format!("data:application/x-pem-file;base64,{}", STANDARD.encode(text))))
            },
            Some(DIGEST) => html! { span class="octets long" { (text) } },
            Some("Serial" | "SystemTitle" | "UnitTitle" | "AuthorityName" | "ProfileName") => {
                html! { span class="octets" { (text) } }
            }
            _ if text.contains('\n') => html! { pre tabindex="0" { (text) } },
            _ if text.len() > LONG && !text.contains(' ') => html! {
                details { summary { "Show " (text.len()) " characters" } pre tabindex="0" { (text) } }
            },
            _ => html! { (text) },
        }
    }

    /// Whether the interface has what a page shows.
    fn has(self, page: &str) -> bool {
        page.strip_prefix(places::ROOT).is_some_and(|path| self.document.find(Method::Get, path).is_some())
    }

    /// Shows members below each other; what says nothing is left out.
    pub(crate) fn object(self, members: &[Member<'_>], object: &Map<String, Value>) -> Markup {
        html! {
            dl class="members" {
                @for member in members {
                    @if let Some(value) = object.get(member.name).filter(|value| says(value)) {
                        dt { (heading(called(member))) }
                        dd { (self.member(member, value)) }
                    }
                }
            }
        }
    }

    /// Shows rows as a table with a label; `link` tells which page the first cell of a row leads to.
    pub(crate) fn table(
        self,
        columns: &[Member<'_>],
        rows: &[Value],
        (label, link): (&str, Leads<'_>),
    ) -> Markup {
        // A column in which no row has anything says nothing.
        let is_told = |column: &&Member<'_>| rows.iter().any(|row| row.get(column.name).is_some_and(says));
        let columns: Vec<&Member<'_>> = columns.iter().filter(is_told).collect();
        html! {
            div class="scrolls" tabindex="0" role="region" aria-label=(label) {
                table {
                    thead { tr { @for column in &columns { th scope="col" { (heading(called(column))) } } } }
                    tbody {
                        @for row in rows {
                            tr {
                                @for (place, column) in columns.iter().enumerate() {
                                    (self.cell(column, row, if place == 0 { link(row) } else { None }))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn cell(self, column: &Member<'_>, row: &Value, link: Option<String>) -> Markup {
        let value = row.get(column.name).unwrap_or(&Value::Null);
        let shown = match (link, plain(value)) {
            (Some(page), Some(text)) => {
                html! { a href=(page) title=(seen(&text)) { (shortened(column.schema, &seen(&text))) } }
            }
            (None, Some(text)) if column.schema.name == Some(DIGEST) => {
                html! { span title=(seen(&text)) { (shortened(column.schema, &seen(&text))) } }
            }
            _ => self.member(column, value),
        };
        html! { td class=[value.is_number().then_some("number")] { (shown) } }
    }
}

/// Rows that say how bad they are, the worst first; others as they come. The words of the schema go from good to bad.
fn worst_first<'a>(item: Schema<'_>, all: &'a [Value]) -> Cow<'a, [Value]> {
    let members = item.members();
    let severity = members.iter().find(|member| member.name == SEVERITY).map(|member| member.schema.kind());
    let Some(Kind::Words(words)) = severity else { return Cow::Borrowed(all) };
    let how_bad = |row: &Value| {
        let said = row.get(SEVERITY).and_then(Value::as_str);
        words.iter().position(|word| Some(*word) == said)
    };
    let mut rows = all.to_vec();
    rows.sort_by_key(|row| std::cmp::Reverse(how_bad(row)));
    Cow::Owned(rows)
}

/// The member that says how bad a row is.
const SEVERITY: &str = "severity";

/// The schema of digests.
const DIGEST: &str = "Sha256";

/// A digest by how it begins, which tells it from others of a list; whatever else as it is.
fn shortened(schema: Schema<'_>, text: &str) -> Markup {
    let start = beginning(text).filter(|_| schema.name == Some(DIGEST));
    let is_octets = matches!(schema.name, Some(DIGEST | "Serial" | "SystemTitle"));
    html! {
        span class=[is_octets.then_some("octets")] {
            @match start { Some(start) => { (start) "…" }, None => (text), }
        }
    }
}

/// How a digest begins, which tells it from others; nothing of what is none.
pub(crate) fn beginning(text: &str) -> Option<&str> {
    let is_digest = text.len() == 64 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    text.get(..12).filter(|_| is_digest)
}

/// Whether a value says anything.
pub(crate) fn says(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// A sentence of the document, in which what is written as it is stands between backticks.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A text with what cannot be seen, or turns what is around it, by its number: what is read is what is written (Unicode TR 36 §3).
pub(crate) fn seen(text: &str) -> String {
    let is_unseen = |letter: char| match letter {
        '\n' | '\t' => false,
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => true,
        letter => letter.is_control(),
    };
    let mut seen = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_unseen(letter) {
            true => seen.push_str(&format!("[U+{:04X}]", u32::from(letter))),
            false => seen.push(letter),
        }
    }
    seen
}

/// A word in the colour of what it says; the word itself says it too.
pub(crate) fn word(text: &str) -> Markup {
    html! { span class={ "word " (colour(text)) } { (text) } }
}

/// Tells how a word is meant.
pub(crate) fn colour(text: &str) -> &'static str {
    match text {
        text if GOOD.contains(&text) => "good",
        text if WAIT.contains(&text) => "wait",
        text if BAD.contains(&text) => "bad",
        _ => "",
    }
}

/// RFC 3339 with a space for the T, and no fractions of seconds.
pub(crate) fn time(text: &str) -> Markup {
    let shown = text.replacen('T', " ", 1);
    let shown = shown.strip_suffix('Z').map_or_else(|| shown.clone(), |time| format!("{time} UTC"));
    // RFC 5280 §4.1.2.5.
    let is_endless = text == "9999-12-31T23:59:59Z";
    html! { time datetime=(text) { @if is_endless { "no end" } @else { (shown) } } }
}

/// Words that are written otherwise than a name is.
const WRITTEN: &[(&str, &str)] = &[
    ("crl", "CRL"),
    ("crls", "CRLs"),
    ("id", "ID"),
    ("ocsp", "OCSP"),
    ("pem", "PEM"),
    ("sha256", "SHA-256"),
    ("uri", "URI"),
];

/// The name of a member as a heading.
pub(crate) fn heading(name: &str) -> String {
    let written = |word: &str| WRITTEN.iter().find(|(known, _)| *known == word).map(|(_, written)| *written);
    let words: Vec<&str> = name.split('_').map(|word| written(word).unwrap_or(word)).collect();
    let words = words.join(" ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

/// What a member is called whose value is shown; how a duration is counted does not matter to who reads it.
fn called<'a>(member: &Member<'a>) -> &'a str {
    match member.name.strip_suffix(SECONDS) {
        Some("") => "for",
        Some(named) if is_duration(member) => named.trim_end_matches('_'),
        Some(_) | None => member.name,
    }
}

/// How names of durations end.
const SECONDS: &str = "seconds";

fn is_duration(member: &Member<'_>) -> bool {
    let named = member.name.strip_suffix(SECONDS);
    matches!(member.schema.kind(), Kind::Number(..))
        && named.is_some_and(|name| name.is_empty() || name.ends_with('_'))
}

/// A duration in its largest unit and, where there is something of it, the next one.
fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let count = rest / unit;
        rest %= unit;
        match count {
            0 if parts.is_empty() => {}
            0 => break,
            1 => parts.push(format!("1 {name}")),
            _ => parts.push(format!("{} {name}s", grouped(&count.to_string()))),
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

/// The name of a member within a sentence.
fn named(name: &str) -> String {
    name.replace('_', " ")
}

/// Digits in threes.
fn grouped(digits: &str) -> String {
    let is_long = digits.len() > 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_long {
        return digits.to_owned();
    }
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A link that saves octets as a file.
fn saved(name: &str, address: &str) -> Markup {
    html! { a class="button" download=(name) href=(address) { "Save as a file" } }
}

/// A link to the form of a change, as a button.
pub(crate) fn act(summary: &str, target: &str) -> Markup {
    html! { li { a class="button" href=(target) { (summary) } } }
}

/// A link to a page.
pub(crate) fn link(text: &str, path: &str) -> Markup {
    html! { a href=(page(path)) { (text) } }
}

#[cfg(test)]
mod tests;
