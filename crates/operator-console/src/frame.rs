//! What is around every page: who looks, where he is, where he can go, and when it was.

use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use crate::api::Problem;
use crate::assets;
use crate::places::{GROUPS, ROOT, page};
use crate::shown::{seen, time};

/// A page before its frame.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// What it is called, in a few words.
    pub(crate) title: String,
    /// Whether it changes by itself while somebody looks.
    pub(crate) is_live: bool,
    pub(crate) content: Markup,
    /// What is refused here, so that the interface was not asked: for the record.
    pub(crate) refused: Option<Refused>,
}

/// That the console itself refused what was sent, and why: for whoever keeps the record. Stands among the extensions of a response.
/// What merely cannot be read, as numbers and forms, is not among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The stable reason code.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// What to do about it.
    pub next: String,
    /// Whether others can be the cause of it, such as a page of another site.
    pub is_anybodys: bool,
}

/// What a frame says beside the page.
#[derive(Debug, Clone)]
pub(crate) struct Around<'a> {
    /// The path of the request.
    pub(crate) path: &'a str,
    /// Who looks, as records name him, if he is known.
    pub(crate) who: Option<&'a str>,
    /// Where one signs in and out, if one can.
    pub(crate) signing: Option<(&'static str, &'static str)>,
    /// The version of the program.
    pub(crate) version: &'a str,
    /// When it was read, as the interface writes it.
    pub(crate) time: String,
    /// The paths of lists that there are.
    pub(crate) lists: Vec<&'a str>,
}

impl Page {
    pub(crate) fn new(title: impl Into<String>, content: Markup) -> Self {
        Self { status: StatusCode::OK, title: title.into(), is_live: false, content, refused: None }
    }

    /// A page that says why there is none.
    pub(crate) fn of_problem(problem: &Problem) -> Self {
        let title = match problem.status {
            StatusCode::NOT_FOUND => "There is no such thing",
            StatusCode::UNAUTHORIZED => "Sign in",
            StatusCode::FORBIDDEN => "Not permitted",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "That did not work",
        };
        let content = html! { h1 { (title) } (told(problem)) };
        Self { status: problem.status, ..Self::new(title, content) }
    }

    /// Says that this is for the record.
    pub(crate) fn refusing(self, problem: &Problem) -> Self {
        let Problem { status: _, code, detail, next } = problem.clone();
        Self { refused: Some(Refused { code, detail, next, is_anybodys: false }), ..self }
    }

    /// A page that tells a browser that a page of another site had it ask.
    pub(crate) fn of_foreign(problem: &Problem) -> Self {
        let page = Self::of_problem(problem).refusing(problem);
        Self { refused: page.refused.map(|refused| Refused { is_anybodys: true, ..refused }), ..page }
    }

    /// Puts the frame around it.
    pub(crate) fn framed(&self, around: &Around<'_>) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · meter-pki" }
                    link rel="stylesheet" href=(assets::style());
                    link rel="icon" href=(assets::mark()) type="image/svg+xml";
                    script src=(assets::script()) defer {}
                }
                body {
                    a class="skip" href="#content" { "Skip to the content" }
                    (bar(around))
                    div class="whole" {
                        (pages(around))
                        main id="content" tabindex="-1" {
                            div data-live[self.is_live] {
                                (self.content)
                                p class="read" { "Read at " (time(&around.time)) }
                            }
                            @if self.is_live { button type="button" id="follow" class="small" hidden { "Follow" } }
                        }
                    }
                    footer { "meter-pki " (around.version) }
                }
            }
        }
    }
}

fn bar(around: &Around<'_>) -> Markup {
    html! {
        header class="bar" {
            a class="name" href=(ROOT) { img src=(assets::mark()) alt=""; "meter-pki" }
            span class="who" {
                @match (around.who, around.signing) {
                    (Some(who), signing) => {
                        a href=(page("/v1/self")) { (who) }
                        @if let Some((_, out)) = signing { " · " a href=(out) { "Sign out" } }
                    },
                    (None, Some((sign_in, _))) => a href=(sign_in) { "Sign in" },
                    (None, None) => "Nobody is known by this certificate",
                }
            }
        }
    }
}

fn pages(around: &Around<'_>) -> Markup {
    let is_here = |path: &str| {
        around.path == path || around.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    };
    let current = |path: &str| is_here(path).then_some("page");
    html! {
        nav class="pages" aria-label="Pages" {
            ul {
                li { a href=(ROOT) aria-current=[(around.path == ROOT).then_some("page")] { "Overview" } }
            }
            @for (group, places) in GROUPS {
                @let there: Vec<_> = places.iter().filter(|place| around.lists.contains(&place.path)).collect();
                @if !there.is_empty() {
                    h2 { (group) }
                    ul {
                        @for place in there {
                            li { a href=(page(place.path)) aria-current=[current(&page(place.path))] { (place.title) } }
                        }
                    }
                }
            }
            h2 { "Programs" }
            ul { li { a href=(INDEX) aria-current=[current(INDEX)] { "Interface" } } }
        }
    }
}

/// The page of everything that can be asked.
pub(crate) const INDEX: &str = "/console/interface";

/// What happened, why, and what to do next.
pub(crate) fn told(problem: &Problem) -> Markup {
    html! {
        div class="told bad" role="alert" {
            p { strong { (sentence(&seen(&problem.detail))) } }
            @if !problem.next.is_empty() { p { "Next: " (seen(&problem.next)) } }
            p { "Reason code: " code { (problem.code) } }
        }
    }
}

/// With a capital in front and a full stop behind.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest = letters.as_str();
    let stop = if text.ends_with(['.', '?', '!']) || text.is_empty() { "" } else { "." };
    format!("{first}{rest}{stop}")
}
