//! A page of one thing: what is known of it, what belongs to it, and what can be done with it.

use maud::{Markup, html};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::api::Problem;
use crate::call;
use crate::desk::Desk;
use crate::document::{Found, Method, Operation};
use crate::frame::{Page, told};
use crate::list;
use crate::one::{known, list_of, title};
use crate::places::{self, Place, filled, page, plain};
use crate::plots::plots;
use crate::posted::Posted;
use crate::shown::{act, link};

/// Makes the page.
pub(crate) async fn detail(desk: &Desk<'_>, found: &Found<'_>, query: &Posted) -> Page {
    let operation = found.operation;
    let path = filled(operation.template, &found.parts);
    let answer = match list::missing(&operation, query) {
        Some(_) => Ok(None),
        None => desk.get(&list::target(&path, &list::asked(&operation, query))).await.map(Some),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(problem) if operation.query().is_empty() => return Page::of_problem(&problem),
        Err(problem) => return asked_again((&operation, &path), query, &problem),
    };
    let place = places::of(list_of(operation.template)).or_else(|| places::of(operation.template));
    let title = title(found, place, answer.as_ref());
    let is_single = !found.parts.is_empty();
    let none = Value::Null;
    let one = One { desk, operation, path: &path, place, answer: answer.as_ref().unwrap_or(&none) };
    let content = html! {
        @if let Some(place) = place.filter(|_| is_single) { p class="trail" { (link(place.title, place.path)) " ›" } }
        h1 { (title) }
        @if let Some(place) = place.filter(|_| !is_single) { p class="about" { (place.about) } }
        (list::search(&operation, (&page(&path), query)))
        @if let (Some(place), true) = (place, answer.is_some()) { (plots(desk, place.plots, query)) }
        @if answer.is_some() { (one.known()) }
        (one.acts())
        (one.parts().await)
        (one.beneath())
    };
    Page { is_live: place.is_some_and(|place| place.is_live), ..Page::new(title, content) }
}

/// The form again, with why what it says gets no answer.
fn asked_again((operation, path): (&Operation<'_>, &str), query: &Posted, problem: &Problem) -> Page {
    let content = html! {
        h1 { (operation.summary()) }
        (told(problem))
        (list::search(operation, (&page(path), query)))
    };
    Page { status: problem.status, ..Page::new(operation.summary(), content) }
}

struct One<'a> {
    desk: &'a Desk<'a>,
    operation: Operation<'a>,
    path: &'a str,
    place: Option<&'static Place>,
    answer: &'a Value,
}

impl<'a> One<'a> {
    /// What is known of it.
    fn known(&self) -> Markup {
        self.operation.answer().map_or_else(|| html! {}, |schema| known(self.desk, schema, self.answer))
    }

    /// What lies beneath and is shown here.
    async fn parts(&self) -> Markup {
        let mut parts = Vec::new();
        for operation in self.operation.beneath().filter(|one| one.method == Method::Get && self.is_part(one))
        {
            let path = self.beneath_path(&operation);
            parts.push((operation.summary(), list::part(self.desk, operation, &path).await));
        }
        html! {
            @for (summary, part) in &parts {
                h2 { (summary) }
                @match part {
                    Ok(markup) => (markup),
                    Err(problem) => (told(problem)),
                }
            }
        }
    }

    fn is_part(&self, operation: &Operation<'_>) -> bool {
        let last = operation.template.rsplit('/').next().unwrap_or_default();
        self.place.is_some_and(|place| place.parts.contains(&last))
    }

    /// What else lies beneath.
    fn beneath(&self) -> Markup {
        let reading: Vec<_> =
            self.operation.beneath().filter(|one| one.method == Method::Get && !self.is_part(one)).collect();
        html! {
            @if !reading.is_empty() {
                h2 { "More" }
                ul { @for one in &reading { li { a href=(page(&self.beneath_path(one))) { (one.summary()) } } } }
            }
            p { a href=(self.path) { "The same as JSON" } }
        }
    }

    /// What the visitor can do with it, as far as his permissions go.
    fn acts(&self) -> Markup {
        let own = self.operation.beside(Method::Post).into_iter();
        let beneath = self.operation.beneath().filter(|one| one.method == Method::Post);
        let changing = own.chain(beneath).filter(|one| self.desk.may(one));
        let changing = changing.map(|one| (one.summary(), self.form(&self.beneath_path(&one), &[])));
        let all: Vec<_> = changing.chain(self.elsewhere()).collect();
        html! {
            @if !all.is_empty() {
                h2 { "What can be done" }
                ul class="acts" { @for (summary, target) in &all { (act(summary, target)) } }
            }
        }
    }

    /// What is asked for elsewhere, with what is known of this one in the form.
    fn elsewhere(&self) -> impl Iterator<Item = (&'a str, String)> {
        let is_single = self.operation.template.ends_with('}');
        let acts = self.place.filter(|_| is_single).map_or(&[][..], |place| place.acts);
        acts.iter().filter_map(|act| {
            let operation = self.desk.document.find(Method::Post, act.path)?.operation;
            let preset = |(field, member): &(&'static str, &'static str)| {
                Some((*field, plain(places::member(self.answer, member)?)?))
            };
            let presets: Vec<(&str, String)> = act.presets.iter().filter_map(preset).collect();
            self.desk.may(&operation).then(|| (operation.summary(), self.form(act.path, &presets)))
        })
    }

    /// The form of a change, which shows what it is about.
    fn form(&self, path: &str, presets: &[(&str, String)]) -> String {
        let about = (call::ABOUT, self.path.to_owned());
        let query = Serializer::new(String::new()).extend_pairs(presets).extend_pairs([about]).finish();
        format!("{}?{query}", places::form(path))
    }

    /// The path of what lies beneath.
    fn beneath_path(&self, operation: &Operation<'_>) -> String {
        let rest = operation.template.strip_prefix(self.operation.template).unwrap_or_default();
        format!("{}{rest}", self.path)
    }
}
