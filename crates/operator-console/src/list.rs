//! A page of a list: what is searched for, the rows, and where the next ones are.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::api::Problem;
use crate::desk::{Desk, ROWS};
use crate::document::{Found, Member, Method, Operation, Schema};
use crate::form::{Filled, single};
use crate::frame::{Page, told};
use crate::places::{self, Place, columns, filled, page};
use crate::posted::Posted;
use crate::shown::{act, heading, seen};

/// The parameters of a query that lead through a list, and do not choose from it.
const PAGING: [&str; 2] = ["after", "limit"];

/// Makes the page.
pub(crate) async fn list(desk: &Desk<'_>, found: &Found<'_>, query: &Posted) -> Page {
    let operation = found.operation;
    let path = filled(operation.template, &found.parts);
    let place = places::of(operation.template);
    let title = place.map_or_else(|| operation.summary().to_owned(), |place| place.title.to_owned());
    let asked = asked(&operation, query);
    let listing = Listing { desk, found, path: &path, place, title: &title };
    let (status, rows) = match missing(&operation, query) {
        Some(name) => (StatusCode::OK, choices(desk, name, &page(&path)).await),
        None => match desk.get(&target(&path, &asked)).await {
            Ok(answer) => (StatusCode::OK, listing.rows(&answer, &asked)),
            Err(problem) => (problem.status, told(&problem)),
        },
    };
    let content = html! {
        h1 { (title) }
        @if let Some(place) = place { p class="about" { (place.about) } }
        (listing.acts())
        (search(&operation, (&page(&path), query)))
        (rows)
    };
    Page { status, is_live: place.is_some_and(|place| place.is_live), ..Page::new(title.clone(), content) }
}

/// What of a query the interface knows.
pub(crate) fn asked<'a>(operation: &Operation<'a>, query: &'a Posted) -> Vec<(&'a str, &'a str)> {
    let known = operation.query();
    known
        .iter()
        .filter_map(|member| match (query.text(member.name), member.name) {
            (_, "limit") => Some((member.name, ROWS)),
            (Some(text), _) => Some((member.name, text)),
            (None, _) => None,
        })
        .collect()
}

pub(crate) fn target(path: &str, asked: &[(&str, &str)]) -> String {
    if asked.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", Serializer::new(String::new()).extend_pairs(asked).finish())
}

/// What has to be said before there is an answer, and is not said yet.
pub(crate) fn missing<'a>(operation: &Operation<'a>, query: &Posted) -> Option<&'a str> {
    let mut needed = operation.query().into_iter().filter(|member| member.is_required);
    needed
        .find(|member| !PAGING.contains(&member.name) && query.text(member.name).is_none())
        .map(|member| member.name)
}

/// What can be said, where that is known: of tenants, those of the authorities that the visitor sees.
async fn choices(desk: &Desk<'_>, name: &str, page: &str) -> Markup {
    let known =
        if name == "tenant" { desk.get("/v1/authorities").await.unwrap_or_default() } else { Value::Null };
    let tenants = known.as_array().into_iter().flatten().filter_map(|one| one.get("tenant")?.as_str());
    let tenants: BTreeSet<&str> = tenants.collect();
    html! {
        p class="sheet" { "Say which " (name) " is meant." }
        @if !tenants.is_empty() {
            ul class="acts" { @for tenant in tenants { (act(tenant, &target(page, &[(name, tenant)]))) } }
        }
    }
}

/// The form that chooses from a list, or says of what something is told; nothing where there is nothing to choose by.
pub(crate) fn search(operation: &Operation<'_>, (page, query): (&str, &Posted)) -> Markup {
    let fields: Vec<Member<'_>> =
        operation.query().into_iter().filter(|member| !PAGING.contains(&member.name)).collect();
    if fields.is_empty() {
        return html! {};
    }
    // Folded, unless something is still to be said, or was chosen beyond what has to be.
    let is_used = fields.iter().any(|field| !field.is_required && query.text(field.name).is_some());
    let is_needed = missing(operation, query).is_some();
    let (needed, more): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.is_required);
    html! {
        details class="sheet" open[is_used || is_needed] {
            summary { "Search" }
            form method="get" action=(page) {
                div class="search" {
                    @for field in needed.iter().chain(&more) {
                        (single(field, &field.schema.kind(), field.name, Filled { posted: query, faults: &[] }))
                    }
                }
                button class="main" { "Search" }
                " "
                a href=(page) { "Show all" }
            }
        }
    }
}

struct Listing<'a> {
    desk: &'a Desk<'a>,
    found: &'a Found<'a>,
    path: &'a str,
    place: Option<&'static Place>,
    title: &'a str,
}

impl Listing<'_> {
    /// What can be added to the list.
    fn acts(&self) -> Markup {
        let beside = self.found.operation.beside(Method::Post).filter(|beside| self.desk.may(beside));
        let Some(beside) = beside else { return html! {} };
        html! { ul class="acts" { (act(beside.summary(), &places::form(self.path))) } }
    }

    fn rows(&self, answer: &Value, asked: &[(&str, &str)]) -> Markup {
        let listed = self.found.operation.answer().and_then(|schema| schema.rows_of(answer));
        let Some((item, rows)) = listed else { return html! {} };
        html! {
            (chosen(asked))
            @if rows.is_empty() { p class="sheet" { "There is none here." } }
            @else if item.members().is_empty() { (plain_rows(self.desk, item, rows)) }
            @else { (self.desk.shown().table(&columns(item, self.place), rows, (self.title, &|row| self.page_of(row)))) }
            (next(self.path, answer, asked))
        }
    }

    /// The page of the single one whose row this is.
    fn page_of(&self, row: &Value) -> Option<String> {
        let single = self.found.operation.single()?;
        let own = places::single(&single, row, self.found.operation.template);
        // A list that belongs to something has names in its own path, which no row knows.
        Some(page(&filled(&own, &self.found.parts))).filter(|page| !page.contains('{'))
    }
}

/// Shows rows that are no objects, below each other.
fn plain_rows(desk: &Desk<'_>, item: Schema<'_>, rows: &[Value]) -> Markup {
    html! { ul class="sheet" { @for row in rows { li { (desk.shown().value(item, row, "")) } } } }
}

/// What was chosen.
fn chosen(asked: &[(&str, &str)]) -> Markup {
    let told: Vec<_> = asked.iter().filter(|(name, _)| !PAGING.contains(name)).collect();
    html! {
        @if !told.is_empty() {
            p { "Chosen: " @for (place, (name, text)) in told.iter().enumerate() {
                @if place > 0 { ", " } (heading(name).to_lowercase()) " " strong { (seen(text)) }
            } }
        }
    }
}

fn next(path: &str, answer: &Value, asked: &[(&str, &str)]) -> Markup {
    let Some(after) = answer.get("next").and_then(places::plain) else { return html! {} };
    let mut further: Vec<(&str, &str)> =
        asked.iter().copied().filter(|(name, _)| !PAGING.contains(name)).collect();
    further.push(("after", &after));
    html! {
        nav aria-label="More of the list" {
            ul class="acts" { (act("Next page", &target(&page(path), &further))) }
        }
    }
}

/// Shows the first rows of a list that belongs to something, and where all are.
pub(crate) async fn part(desk: &Desk<'_>, operation: Operation<'_>, path: &str) -> Result<Markup, Problem> {
    let label = operation.summary();
    let none = Posted::default();
    let answer = desk.get(&target(path, &asked(&operation, &none))).await?;
    let Some(schema) = operation.answer() else { return Ok(html! {}) };
    let Some((item, rows)) = schema.rows_of(&answer) else {
        return Ok(desk.shown().value(schema, &answer, label));
    };
    Ok(html! {
        @if rows.is_empty() { p { "None." } }
        @else if item.members().is_empty() { (plain_rows(desk, item, rows)) }
        @else { (desk.shown().rows(item, rows, label)) }
        // There each leads to a page of its own, where it has one.
        @if operation.single().is_some() || answer.get("next").is_some_and(|next| !next.is_null()) {
            p { a href=(page(path)) { "All of them" } }
        }
    })
}
