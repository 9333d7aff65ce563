//! One thing: how it is called, and what of it is short.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::desk::Desk;
use crate::document::{Found, Kind, Member, Method, Schema, braced};
use crate::places::{self, Place, page, plain};
use crate::shown::{beginning, heading, says, seen};

/// What people call it; otherwise what its path names.
pub(crate) fn title(found: &Found<'_>, place: Option<&Place>, answer: Option<&Value>) -> String {
    let named: Vec<String> = found.parts.iter().map(|(_, text)| short(text)).collect();
    let whole = || place.map_or_else(|| found.operation.summary().to_owned(), |place| place.title.to_owned());
    if named.is_empty() {
        return whole();
    }
    let template = found.operation.template;
    let is_one = template.ends_with('}') && place.is_some_and(|place| list_of(template) == place.path);
    let one = place.and_then(|place| place.one).filter(|_| is_one);
    let called = one.and_then(|(word, name)| Some((word, plain(places::member(answer?, name)?)?)));
    match called {
        Some((word, name)) => format!("{word}: {}", short(&name)),
        None => format!("{}: {}", whole(), named.join(" ")),
    }
}

/// What names it, as a heading has room for it.
fn short(text: &str) -> String {
    beginning(text).map_or_else(|| seen(text), |beginning| format!("{beginning}…"))
}

/// The path of the list in which a single one stands.
pub(crate) fn list_of(template: &str) -> &str {
    let mut rest = template;
    while let Some((before, _)) = rest.rsplit_once('/').filter(|(_, last)| braced(last).is_some()) {
        rest = before;
    }
    rest
}

/// Shows the members of a thing: what is short first, then what is large, each under its own heading.
pub(crate) fn known(desk: &Desk<'_>, schema: Schema<'_>, value: &Value) -> Markup {
    let shown = desk.shown();
    let Some(object) = value.as_object() else {
        return html! { div class="sheet" { (shown.value(schema, value, "")) } };
    };
    let (large, short): (Vec<_>, Vec<_>) =
        schema.members().into_iter().partition(|member| is_large(member, object));
    let short: Vec<_> =
        short.into_iter().filter(|member| object.get(member.name).is_some_and(says)).collect();
    html! {
        @if !short.is_empty() { div class="sheet" { (shown.object(&short, object)) } }
        @for member in &large {
            @if let Some(value) = object.get(member.name) {
                @let heading = heading(member.name);
                h2 { (heading) }
                @if value.is_array() { (shown.value(member.schema, value, &heading)) }
                @else { div class="sheet" { (shown.value(member.schema, value, &heading)) } }
            }
        }
    }
}

/// Whether a member has a heading of its own.
fn is_large(member: &Member<'_>, object: &Map<String, Value>) -> bool {
    let value = object.get(member.name).unwrap_or(&Value::Null);
    match member.schema.kind() {
        Kind::Object(_) => value.as_object().is_some_and(|inner| inner.len() > 3),
        Kind::List(item) => !item.members().is_empty(),
        Kind::Text | Kind::Words(_) | Kind::Number(..) | Kind::Flag | Kind::Other => false,
    }
}

/// Shows what is short of a thing that something is about.
pub(crate) async fn about(desk: &Desk<'_>, path: &str) -> Markup {
    let Some(found) = desk.document.find(Method::Get, path) else { return html! {} };
    let answer = desk.get(path).await.unwrap_or_default();
    let place = places::of(list_of(found.operation.template));
    let (Some(schema), true) = (found.operation.answer(), answer.is_object()) else { return html! {} };
    // What is large within a large thing, such as the device of a device's page, is shown by its short members.
    let inner = schema
        .members()
        .into_iter()
        .next()
        .filter(|first| answer.get(first.name).is_some_and(Value::is_object));
    let (members, value) = match inner {
        Some(first) => (first.schema.members(), answer.get(first.name).cloned().unwrap_or_default()),
        None => (schema.members(), answer.clone()),
    };
    let Some(object) = value.as_object() else { return html! {} };
    let short: Vec<_> = members.into_iter().filter(|member| is_short(member, object)).collect();
    html! {
        section class="sheet" aria-label="What it is about" {
            p { strong { a href=(page(path)) { (title(&found, place, Some(&answer))) } } }
            (desk.shown().object(&short, object))
        }
    }
}

fn is_short(member: &Member<'_>, object: &Map<String, Value>) -> bool {
    let is_long = object.get(member.name).and_then(Value::as_str).is_some_and(|text| text.len() > 100);
    !is_long && !is_large(member, object)
}
