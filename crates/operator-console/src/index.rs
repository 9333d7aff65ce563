//! Everything that can be asked of the interface, with what each needs; from here every page and every form is reached, those too to
//! which nothing else leads.

use maud::{Markup, html};

use crate::document::{Document, Found, Method, Operation, braced};
use crate::frame::Page;
use crate::places::{self, ROOT, filled, page};
use crate::posted::Posted;
use crate::shown::{heading, prose};

/// Where one says which one is meant.
pub(crate) const ASK: &str = "/console/ask";

/// Makes the page.
pub(crate) fn index(document: &Document) -> Page {
    let content = html! {
        h1 { "Interface" }
        p class="about" {
            "What can be asked of this server, by whichever program: this console, the command line and yours ask the same. "
            a href="/v1/openapi.json" { "The document for programs" } " (OpenAPI 3.1)."
        }
        div class="scrolls" tabindex="0" role="region" aria-label="Operations" {
            table {
                thead { tr { th scope="col" { "What" } th scope="col" { "Call" } th scope="col" { "What it needs" } } }
                tbody {
                    @for operation in document.operations() {
                        tr {
                            td { (way(&operation)) }
                            td { code { (operation.method.word()) " " (operation.template) } }
                            td { (prose(operation.description())) }
                        }
                    }
                }
            }
        }
    };
    Page::new("Interface", content)
}

/// A link, or a form that asks for what the path leaves open.
fn way(operation: &Operation<'_>) -> Markup {
    let names: Vec<&str> = operation.template.split('/').filter_map(braced).collect();
    if names.is_empty() {
        return html! { a href=(place_of(operation.method, operation.template)) { (operation.summary()) } };
    }
    let id = |name: &str| {
        format!("{} {}{name}", operation.method.word(), operation.template).replace([' ', '/', '{', '}'], "-")
    };
    html! {
        details {
            summary { (operation.summary()) }
            form method="get" action=(ASK) {
                input type="hidden" name="method" value=(operation.method.word());
                input type="hidden" name="template" value=(operation.template);
                @for name in &names {
                    div class="field" {
                        label for=(id(name)) { (heading(name)) }
                        input type="text" id=(id(name)) name=(format!("part.{name}")) required autocomplete="off";
                    }
                }
                button { "Go" }
            }
        }
    }
}

fn place_of(method: Method, path: &str) -> String {
    match method {
        Method::Get => page(path),
        Method::Post => places::form(path),
    }
}

/// Where the answers of such a form lead.
pub(crate) fn asked(document: &Document, query: &Posted) -> String {
    let (method, template) = (query.text("method"), query.text("template"));
    let operation =
        document.operations().find(|one| Some(one.method.word()) == method && Some(one.template) == template);
    let Some(operation) = operation else { return ROOT.to_owned() };
    let names = operation.template.split('/').filter_map(braced);
    let parts =
        names.map(|name| (name, query.text(&format!("part.{name}")).unwrap_or("-").to_owned())).collect();
    let found = Found { operation, parts };
    place_of(operation.method, &filled(operation.template, &found.parts))
}
