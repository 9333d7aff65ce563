//! The form of a change, and what came of it.

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::api::Problem;
use crate::desk::Desk;
use crate::document::{Found, Method};
use crate::form::{Fault, Filled, fields, read, takes_files};
use crate::frame::{Page, told};
use crate::one;
use crate::places::{self, filled, page};
use crate::posted::Posted;
use crate::shown::{act, heading, prose};
use crate::stamps::FIELD;

/// The field that says what a change is about: the path of its page.
pub(crate) const ABOUT: &str = "about";

/// Shows the form, with what the address says already filled in.
pub(crate) async fn form(desk: &Desk<'_>, found: &Found<'_>, query: &Posted) -> Page {
    let change = Change::of(desk, found, query);
    let content = change.written(Filled { posted: query, faults: &[] }, None).await;
    Page::new(change.found.operation.summary(), content)
}

/// Asks for the change, and tells what came of it; where nothing did, with the form as it was filled in.
pub(crate) async fn made(desk: &Desk<'_>, found: &Found<'_>, posted: &Posted) -> Page {
    let change = Change::of(desk, found, posted);
    let key = posted.text(FIELD).and_then(|stamp| desk.key(stamp, &change.path));
    let Some(key) = key else {
        let why = stale();
        return change.again((posted, &[]), &why).await.refusing(&why);
    };
    let body = match found.operation.body().map(|schema| read(schema, posted)).transpose() {
        Ok(body) => body,
        Err(faults) => return change.again((posted, &faults), &unreadable(&faults)).await,
    };
    match desk.api.post(desk.visitor, (&change.path, &key), body.as_ref()).await {
        Ok(answer) => Page::new(found.operation.summary(), change.done(&answer)),
        Err(problem) => change.again((posted, &[]), &problem).await,
    }
}

/// Whoever sent the form did not see it, or saw it long ago.
fn stale() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "console.stamp",
        "this form was not filled in on a page that you saw within the last hour, and nothing was changed",
        "look at what is filled in, and send it again",
    )
}

fn unreadable(faults: &[Fault]) -> Problem {
    let names: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    let detail = format!("not sent, since this cannot be read: {}", names.join(", "));
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "console.malformed",
        &detail,
        "see what stands at the fields",
    )
}

struct Change<'a> {
    desk: &'a Desk<'a>,
    found: &'a Found<'a>,
    path: String,
    /// The path of the page of what it is about: what the form says, or that above it.
    about: Option<String>,
}

impl<'a> Change<'a> {
    fn of(desk: &'a Desk<'a>, found: &'a Found<'a>, posted: &Posted) -> Self {
        let path = filled(found.operation.template, &found.parts);
        let above = path.rsplit_once('/').map(|(above, _)| above);
        let known = [posted.text(ABOUT), Some(path.as_str()), above].into_iter().flatten();
        let about =
            known.filter(|path| desk.document.find(Method::Get, path).is_some()).map(str::to_owned).next();
        Self { desk, found, path, about }
    }

    async fn again(&self, (posted, faults): (&Posted, &[Fault]), problem: &Problem) -> Page {
        let content = self.written(Filled { posted, faults }, Some(problem)).await;
        Page { status: problem.status, ..Page::new(self.found.operation.summary(), content) }
    }

    async fn written(&self, filled: Filled<'_>, problem: Option<&Problem>) -> Markup {
        let operation = self.found.operation;
        let body = operation.body();
        let has_files = body.is_some_and(takes_files);
        let about = match &self.about {
            Some(path) => one::about(self.desk, path).await,
            None => html! {},
        };
        html! {
            @if let Some(path) = &self.about { p class="trail" { a href=(page(path)) { "Back" } } }
            h1 { (operation.summary()) }
            @if let Some(about) = body.and_then(|body| body.description) { p class="about" { (prose(about)) } }
            @if let Some(problem) = problem { (told(problem)) }
            (about)
            form method="post" action=(places::form(&self.path)) enctype=[has_files.then_some("multipart/form-data")] {
                input type="hidden" name=(FIELD) value=(self.desk.stamp(&self.path));
                @if let Some(path) = &self.about { input type="hidden" name=(ABOUT) value=(path); }
                @for (name, text) in &self.found.parts { p { (heading(name)) ": " strong class="octets" { (text) } } }
                @if let Some(body) = body { (fields(body, filled)) }
                button class="main" { (operation.summary()) }
                p class="hint" { (prose(operation.description())) }
            }
        }
    }

    fn done(&self, answer: &Value) -> Markup {
        let operation = self.found.operation;
        html! {
            h1 { (operation.summary()) }
            div class="told good" role="status" { p { strong { "Done." } } }
            @if let Some(schema) = operation.answer() {
                div class="sheet" { (self.desk.shown().value(schema, answer, operation.summary())) }
            }
            @if let Some(path) = &self.about { ul class="acts" { (act("Go on", &page(path))) } }
        }
    }
}
