//! A schema as the fields of a form, and what was filled in as the value that the interface takes.
//!
//! Only what has to be one is made a number, a flag or a list here. Whether a text is right is decided by the interface alone; what it
//! says of forms (patterns, bounds, words) the browser is told, so that slips are seen before they are sent.

use maud::{Markup, html};
use serde_json::{Map, Number, Value};

use crate::document::{Kind, Member, Schema};
use crate::posted::Posted;
use crate::shown::{heading, prose};

/// How deep members may lie in each other.
const DEEPEST: usize = 6;

/// The schema of octets that come as a file.
const OCTETS: &str = "Base64Text";

/// Schemas of texts that may have several lines.
const PROSE: &[&str] = &["WhyText"];

/// What was filled in, and what of it cannot be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled<'a> {
    pub(crate) posted: &'a Posted,
    pub(crate) faults: &'a [Fault],
}

/// Why a field cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The name of the field.
    pub(crate) field: String,
    pub(crate) sentence: &'static str,
}

impl Filled<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.posted.text(name)
    }

    fn fault(&self, name: &str) -> Option<&'static str> {
        self.faults.iter().find(|fault| fault.field == name).map(|fault| fault.sentence)
    }
}

/// Tells whether a value of the schema comes with a file.
pub(crate) fn takes_files(schema: Schema<'_>) -> bool {
    has_octets(schema, 0)
}

fn has_octets(schema: Schema<'_>, depth: usize) -> bool {
    schema.name == Some(OCTETS)
        || depth < DEEPEST && schema.members().iter().any(|member| has_octets(member.schema, depth + 1))
}

/// Writes the fields of all members of an object.
pub(crate) fn fields(schema: Schema<'_>, filled: Filled<'_>) -> Markup {
    inner(&schema.members(), "", filled, 0)
}

fn inner(members: &[Member<'_>], prefix: &str, filled: Filled<'_>, depth: usize) -> Markup {
    html! { @for member in members { (field(member, &format!("{prefix}{}", member.name), filled, depth)) } }
}

fn field(member: &Member<'_>, name: &str, filled: Filled<'_>, depth: usize) -> Markup {
    let Some(members) = deeper(member, depth) else {
        return single(member, &member.schema.kind(), name, filled);
    };
    html! {
        fieldset {
            legend { (heading(member.name)) }
            @if let Some(about) = member.schema.description { p class="hint" { (prose(about)) } }
            (inner(&members, &format!("{name}."), filled, depth + 1))
        }
    }
}

/// The members of an object that are asked for one by one.
fn deeper<'a>(member: &Member<'a>, depth: usize) -> Option<Vec<Member<'a>>> {
    Some(member.schema.members()).filter(|members| !members.is_empty() && depth < DEEPEST)
}

/// One field with its label, what it is, and what is wrong with it.
pub(crate) fn single(member: &Member<'_>, kind: &Kind<'_>, name: &str, filled: Filled<'_>) -> Markup {
    let (hint, fault) = (hint(member, kind), filled.fault(name));
    let (hint_id, fault_id) = (format!("{name}-hint"), format!("{name}-fault"));
    let described = [hint.is_some().then_some(hint_id.as_str()), fault.map(|_| fault_id.as_str())];
    let described: Vec<&str> = described.into_iter().flatten().collect();
    let input = Input { member, name, described: described.join(" "), is_wrong: fault.is_some(), filled };
    html! {
        div class="field" {
            label for=(name) { (heading(member.name)) @if is_needed(member) { " (required)" } }
            @if let Some(hint) = hint { p class="hint" id=(hint_id) { (prose(&hint)) } }
            @if let Some(fault) = fault { p class="fault" id=(fault_id) { (fault) } }
            (input.written(kind))
        }
    }
}

/// Whether something has to be filled in.
fn is_needed(member: &Member<'_>) -> bool {
    member.is_required && !member.schema.may_be_empty()
}

fn hint(member: &Member<'_>, kind: &Kind<'_>) -> Option<String> {
    let about = member.schema.description.map(str::to_owned);
    let how = match kind {
        Kind::List(item) if item.members().is_empty() => Some("One in each line.".to_owned()),
        Kind::List(_) | Kind::Other | Kind::Object(_) => Some("As JSON.".to_owned()),
        Kind::Text if member.schema.name == Some(OCTETS) => Some("As a file, or in base64.".to_owned()),
        // What is longer tells less than the sentence before it.
        Kind::Text => member
            .schema
            .example()
            .filter(|example| example.len() <= 40)
            .map(|example| format!("Such as `{example}`.")),
        Kind::Words(_) | Kind::Number(..) | Kind::Flag => None,
    };
    let all: Vec<String> = [about, how].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(" "))
}

struct Input<'a> {
    member: &'a Member<'a>,
    name: &'a str,
    described: String,
    is_wrong: bool,
    filled: Filled<'a>,
}

impl Input<'_> {
    fn written(&self, kind: &Kind<'_>) -> Markup {
        let text = self.filled.text(self.name).unwrap_or_default();
        match kind {
            Kind::Words(words) => self.choice(words, text),
            Kind::Flag => self.choice(&["true", "false"], text),
            Kind::Number(least, most) => self.number((*least, *most), text),
            Kind::Text if self.member.schema.name == Some(OCTETS) => self.file(text),
            Kind::Text if self.member.schema.name.is_some_and(|name| PROSE.contains(&name)) => {
                self.area(2, text)
            }
            Kind::Text => self.line(text),
            Kind::List(_) | Kind::Object(_) | Kind::Other => self.area(4, text),
        }
    }

    fn described(&self) -> Option<&str> {
        (!self.described.is_empty()).then_some(self.described.as_str())
    }

    fn wrong(&self) -> Option<&'static str> {
        self.is_wrong.then_some("true")
    }

    fn choice(&self, words: &[&str], chosen: &str) -> Markup {
        html! {
            select id=(self.name) name=(self.name) required[is_needed(self.member)]
                aria-describedby=[self.described()] aria-invalid=[self.wrong()] {
                option value="" { @if is_needed(self.member) { "Choose one" } @else { "–" } }
                @for word in words { option value=(word) selected[*word == chosen] { (word) } }
            }
        }
    }

    fn number(&self, (least, most): (Option<i64>, Option<u64>), text: &str) -> Markup {
        html! {
            input type="number" step="1" id=(self.name) name=(self.name) value=(text) min=[least] max=[most]
                required[is_needed(self.member)] aria-describedby=[self.described()] aria-invalid=[self.wrong()];
        }
    }

    fn line(&self, text: &str) -> Markup {
        html! {
            input type="text" id=(self.name) name=(self.name) value=(text) pattern=[self.pattern()]
                maxlength=[self.member.schema.longest()] required[is_needed(self.member)] autocomplete="off" spellcheck="false"
                aria-describedby=[self.described()] aria-invalid=[self.wrong()];
        }
    }

    /// A browser compares with the whole text by itself.
    fn pattern(&self) -> Option<&str> {
        let pattern = self.member.schema.pattern()?;
        Some(pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).unwrap_or(pattern))
    }

    fn area(&self, rows: u8, text: &str) -> Markup {
        html! {
            textarea id=(self.name) name=(self.name) rows=(rows) required[is_needed(self.member)] spellcheck="false"
                aria-describedby=[self.described()] aria-invalid=[self.wrong()] { (text) }
        }
    }

    /// A file, or its octets as text.
    fn file(&self, text: &str) -> Markup {
        let base64 = format!("{}-base64", self.name);
        html! {
            input type="file" id=(self.name) name=(self.name)
                aria-describedby=[self.described()] aria-invalid=[self.wrong()];
            details open[!text.is_empty()] {
                summary { "In base64 instead" }
                label for=(base64) { (heading(self.member.name)) " in base64" }
                textarea id=(base64) name=(self.name) rows="3" spellcheck="false" { (text) }
            }
        }
    }
}

/// Makes the value of what was filled in; members that nobody filled in are left out.
pub(crate) fn read(schema: Schema<'_>, posted: &Posted) -> Result<Value, Vec<Fault>> {
    let mut faults = Vec::new();
    let object = object(&schema.members(), "", posted, (&mut faults, 0));
    if faults.is_empty() { Ok(Value::Object(object.unwrap_or_default())) } else { Err(faults) }
}

/// The members that were filled in; none where nothing was.
fn object(
    members: &[Member<'_>],
    prefix: &str,
    posted: &Posted,
    (faults, depth): (&mut Vec<Fault>, usize),
) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for member in members {
        let name = format!("{prefix}{}", member.name);
        let value = if let Some(members) = deeper(member, depth) {
            let inner = self::object(&members, &format!("{name}."), posted, (faults, depth + 1));
            // What is required is there, if with nothing in it: the interface says what it lacks.
            inner.or_else(|| member.is_required.then(Map::new)).map(Value::Object)
        } else if let Some(text) = posted.text(&name) {
            let read = value(&member.schema.kind(), text);
            read.map_err(|sentence| faults.push(Fault { field: name.clone(), sentence })).ok()
        } else {
            empty(member, &member.schema.kind())
        };
        if let Some(value) = value {
            object.insert(member.name.to_owned(), value);
        }
    }
    (!object.is_empty()).then_some(object)
}

/// What nobody filled in and has to be there, if it may be empty.
fn empty(member: &Member<'_>, kind: &Kind<'_>) -> Option<Value> {
    let is_list = matches!(kind, Kind::List(_));
    let empty = if is_list { Value::Array(Vec::new()) } else { Value::String(String::new()) };
    (member.is_required && member.schema.may_be_empty()).then_some(empty)
}

fn value(kind: &Kind<'_>, text: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Text | Kind::Words(_) => Ok(Value::String(text.to_owned())),
        Kind::Flag => Ok(Value::Bool(text == "true")),
        Kind::Number(..) => number(text),
        Kind::List(item) if item.members().is_empty() => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| value(&item.kind(), line)).collect()
        }
        Kind::List(_) | Kind::Object(_) | Kind::Other => {
            serde_json::from_str(text).map_err(|_| "This is not JSON.")
        }
    }
}

fn number(text: &str) -> Result<Value, &'static str> {
    let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    whole.map(Value::Number).map_err(|_| "This is not a whole number.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::Method;
    use crate::document::tests::document;

    fn read_of(path: &str, form: &str) -> Result<Value, Vec<Fault>> {
        let document = document();
        let body = document.find(Method::Post, path).unwrap().operation.body().unwrap();
        read(body, &Posted::of(form.as_bytes()))
    }

    #[test]
    fn what_was_filled_in_becomes_what_the_interface_takes() {
        let form = "plan.reason=seal+broken&plan.hours=4&plan.devices=4D504B0001%0D%0A%0D%0A4D504B0002&plan.urgent=true&note=";
        assert_eq!(
            read_of("/v1/visits", form).unwrap(),
            json!({ "plan": { "reason": "seal broken", "hours": 4, "region": "", "devices": ["4D504B0001", "4D504B0002"], "urgent": true } }),
        );
        assert_eq!(
            read_of("/v1/visits", "").unwrap(),
            json!({ "plan": { "region": "", "reason": "" } }),
            "what has to be there and may be empty is empty",
        );
    }

    #[test]
    fn what_is_no_number_is_told_at_its_field() {
        let faults = read_of("/v1/visits", "plan.hours=four").unwrap_err();
        assert_eq!(
            faults,
            [Fault { field: "plan.hours".to_owned(), sentence: "This is not a whole number." }]
        );
        let document = document();
        let body = document.find(Method::Post, "/v1/visits").unwrap().operation.body().unwrap();
        let posted = Posted::of(b"plan.hours=four&plan.reason=%3Cb%3E");
        let written = fields(body, Filled { posted: &posted, faults: &faults }).into_string();
        for part in ["aria-invalid=\"true\"", "value=\"four\"", "id=\"plan.hours-fault\"", "&lt;b&gt;"] {
            assert!(written.contains(part), "{part}: {written}");
        }
    }
}
