//! The first page: how the PKI does, and what waits for people.

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::api::Problem;
use crate::desk::Desk;
use crate::document::{Method, Schema};
use crate::frame::{Page, told};
use crate::one::known;
use crate::places::page;
use crate::plots::plots;
use crate::posted::Posted;
use crate::shown::{colour, word};

/// What waits for people: its list, the word of its state, and what it is called.
const WAITING: &[(&str, &str, &str)] = &[
    ("/v1/requests", "waiting", "Requests that wait for approval"),
    ("/v1/orders", "waiting", "Mass revocations that wait for approval"),
    ("/v1/campaigns", "waiting", "Campaigns that wait for approval"),
    ("/v1/visits", "waiting", "Visits that wait for approval"),
    ("/v1/campaigns", "running", "Campaigns under way"),
    ("/v1/production", "open", "Production orders under way"),
];

/// Lists of which all is shown.
const WHOLE: &[(&str, &str)] = &[("/v1/crls", "CRLs")];

/// Plots that belong on the first page.
const PLOTS: &[&str] = &["/v1/plots/expiries", "/v1/plots/issuance"];

/// The light before the doctor has looked.
const UNKNOWN: &str = "unknown";

/// Members of the whole that the page says otherwise.
const SAID: &[&str] = &["at", "light", "waiting"];

/// How many are counted at most.
const COUNTED: usize = 100;

/// Makes the page.
pub(crate) async fn overview(desk: &Desk<'_>) -> Page {
    // Whoever may not look hears so once, and not in each part of the page.
    if let Err(problem) = desk.get("/v1/authorities").await {
        return Page::of_problem(&problem);
    }
    let (light, state) = state(desk).await;
    let mut cards = Vec::new();
    for card in WAITING {
        cards.push(waiting(desk, card).await);
    }
    let mut whole = Vec::new();
    for (path, title) in WHOLE {
        whole.push((title, path, all(desk, path, title).await));
    }
    let content = html! {
        h1 { "Overview" }
        (light)
        div class="cards" { @for card in &cards { (card) } }
        (state)
        @for (title, path, rows) in &whole {
            h2 { a href=(page(path)) { (title) } }
            (rows)
        }
    };
    Page { is_live: true, ..Page::new("Overview", content) }
}

/// How it does as a whole, where the interface tells it: in a word, and at length.
async fn state(desk: &Desk<'_>) -> (Markup, Markup) {
    let path = "/v1/overview";
    let Some(schema) = answered(desk, path) else { return (html! {}, html! {}) };
    match desk.get(path).await {
        Ok(answer) => {
            let light = answer.get("light").and_then(Value::as_str).unwrap_or_default();
            let word = html! {
                p class={ "sheet light " (colour(light)) } {
                    strong { "All in all: " (word(light)) }
                    @if light == UNKNOWN { " " a href=(page("/v1/doctor")) { "Have the doctor look" } }
                }
            };
            let length = html! {
                (plots(desk, PLOTS, &Posted::default()))
                (known(desk, schema, &without(answer)))
            };
            (word, length)
        }
        Err(problem) => (unless_forbidden(&problem), html! {}),
    }
}

/// The rest of what is told, beside what the page says otherwise.
fn without(mut answer: Value) -> Value {
    if let Some(object) = answer.as_object_mut() {
        for name in SAID {
            drop(object.remove(*name));
        }
    }
    answer
}

/// How many of a list wait.
async fn waiting(desk: &Desk<'_>, (path, state, title): &(&str, &str, &str)) -> Markup {
    let Some(schema) = answered(desk, path) else { return html! {} };
    let chosen = format!("state={state}");
    let count = match desk.get(&format!("{path}?{chosen}&limit={COUNTED}")).await {
        Ok(answer) => schema.rows_of(&answer).map_or(0, |(_, rows)| rows.len()),
        Err(problem) => return unless_forbidden(&problem),
    };
    let shown = if count < COUNTED { count.to_string() } else { format!("{COUNTED} or more") };
    html! {
        div class="sheet" {
            h2 { (title) }
            p class="figure" { (shown) }
            @if count > 0 { a href=(format!("{}?{chosen}", page(path))) { "See them" span class="skip" { ": " (title) } } }
        }
    }
}

async fn all(desk: &Desk<'_>, path: &str, title: &str) -> Markup {
    let Some(schema) = answered(desk, path) else { return html! {} };
    match desk.get(path).await {
        Ok(answer) => match schema.rows_of(&answer) {
            Some((item, rows)) if !rows.is_empty() => desk.shown().rows(item, rows, title),
            Some(_) | None => html! { p { "None." } },
        },
        Err(problem) => unless_forbidden(&problem),
    }
}

fn answered<'a>(desk: &Desk<'a>, path: &str) -> Option<Schema<'a>> {
    desk.document.find(Method::Get, path)?.operation.answer()
}

/// What somebody may not see is left out; whatever else fails is told.
fn unless_forbidden(problem: &Problem) -> Markup {
    html! { @if problem.status != StatusCode::FORBIDDEN { (told(problem)) } }
}
