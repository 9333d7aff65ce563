//! Plots on a page: pictures that the interface makes, each with its forms to be saved.

use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use crate::desk::Desk;
use crate::document::Method;
use crate::places::page;
use crate::posted::Posted;

/// The forms in which a plot is given out, and how they are called.
const FORMS: [(&str, &str); 3] = [("svg", "SVG"), ("png", "PNG"), ("csv", "CSV")];

/// Shows plots of what a query asks for, as far as the interface has them.
pub(crate) fn plots(desk: &Desk<'_>, paths: &[&str], query: &Posted) -> Markup {
    let known = |path: &&&str| desk.document.find(Method::Get, &form(path, "svg")).is_some();
    let query = Serializer::new(String::new()).extend_pairs(query.fields()).finish();
    let address = |path: &str, word: &str| format!("{}?{query}", page(&form(path, word)));
    let told = |path: &str| {
        let found = desk.document.find(Method::Get, &form(path, "svg"));
        found.map_or_else(String::new, |found| found.operation.summary().to_owned())
    };
    html! {
        @for path in paths.iter().filter(known) {
            figure class="plot" {
                img src=(address(path, "svg")) alt=(format!("{}; the figures stand below", told(path)));
                figcaption {
                    @for (place, (word, name)) in FORMS.iter().enumerate() {
                        @if place > 0 { " · " }
                        a href=(address(path, word)) download=(file(path, word)) { (name) }
                    }
                }
            }
        }
    }
}

/// The path of a plot in a form.
fn form(path: &str, word: &str) -> String {
    format!("{path}/{word}")
}

/// The name of the file as which it is saved.
fn file(path: &str, word: &str) -> String {
    format!("{}.{word}", path.rsplit('/').next().unwrap_or_default())
}
