//! From a request to a page, and what every answer says to a browser.
//!
//! Pages are asked for by `GET` and change nothing; forms are sent by `POST`, by a page of ours, with a stamp. Whatever is below
//! `/console/v1/` shows what the interface has at `/v1/`, whatever is below `/console/do/v1/` is the form of a change there.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method as HttpMethod, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api::{Api, Problem};
use crate::assets;
use crate::call;
use crate::desk::Desk;
use crate::detail::detail;
use crate::document::{Document, Found, Method};
use crate::frame::{Around, INDEX, Page};
use crate::index::{self, ASK};
use crate::list::list;
use crate::overview::overview;
use crate::places::{GROUPS, ROOT};
use crate::posted::Posted;
use crate::stamps::Stamps;

/// Where forms are.
const FORMS: &str = "/console/do";

/// Style, script and mark.
const FILES: &str = "/console/assets/";

/// What each answer says to a browser: nothing from elsewhere, in no frame, no script but ours (case M-08).
const SAID: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// What the console is put together from.
#[expect(missing_debug_implementations, reason = "a key is not printed, and a clock has nothing to print")]
pub struct Means {
    /// The routes of the operator's interface, which find out by the extensions of a request who asks.
    pub interface: Router,
    /// Their document (OpenAPI 3.1).
    pub document: Value,
    /// 64 octets that nobody else knows, drawn when the process starts.
    pub key: [u8; 64],
    /// Seconds since 1970.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// A time, in seconds since 1970, as the interface writes it.
    pub written: fn(i64) -> String,
    /// The version of the program.
    pub version: &'static str,
    /// Where one signs in and out, where one can.
    pub sign_in: Option<SignIn>,
}

/// Where one signs in and out.
#[derive(Debug, Clone, Copy)]
pub struct SignIn {
    /// The path that leads to the identity provider.
    pub begin: &'static str,
    /// The path that ends it.
    pub end: &'static str,
}

/// Who asks, as far as a console has to know: a text that is the same for all requests of one visitor and of nobody else. Stands among
/// the extensions of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor(pub String);

/// The console.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    api: Api,
    document: Document,
    stamps: Stamps,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    written: fn(i64) -> String,
    version: &'static str,
    sign_in: Option<SignIn>,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("version", &self.0.version).finish_non_exhaustive()
    }
}

impl Console {
    /// Puts it together.
    #[must_use]
    pub fn new(means: Means) -> Self {
        let Means { interface, document, key, now, written, version, sign_in } = means;
        let (api, stamps) = (Api::new(interface), Stamps::new(key));
        Self(Arc::new(Inner {
            api,
            document: Document::new(document),
            stamps,
            now,
            written,
            version,
            sign_in,
        }))
    }

    /// Tells whether a path is the console's.
    #[must_use]
    pub fn is_its_path(path: &str) -> bool {
        path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers a request whose path is the console's. Where the console itself refuses what a visitor's page or another site's sent, the
    /// extensions of the response have [`Refused`](crate::Refused).
    pub async fn answer(&self, request: Request) -> Response {
        told(self.0.answer(request).await)
    }

    /// Shows why something did not work that was asked for elsewhere, such as to sign in: the reason code, what happened, what to do.
    pub async fn problem(&self, request: Request, status: StatusCode, why: [&str; 3]) -> Response {
        let [code, detail, next] = why;
        let page = Page::of_problem(&Problem::new(status, code, detail, next));
        let oneself = self.0.oneself(request.extensions()).await;
        told(self.0.framed(&page, request.uri().path(), &oneself))
    }
}

/// Says to a browser how an answer is to be taken; nothing but files that never change is kept.
fn told(mut response: Response) -> Response {
    response.headers_mut().extend(SAID);
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Who the visitor is to the interface, as far as it says so: what the frame tells, and what he is offered.
#[derive(Default)]
struct Oneself {
    name: Option<String>,
    permissions: Vec<String>,
}

/// What a request wants.
enum Wanted<'a> {
    Overview,
    Index,
    Ask,
    Show(Found<'a>),
    Picture(&'a str),
    Form(Found<'a>),
    Change(Found<'a>),
    Nothing,
}

impl Inner {
    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        if let Some(file) = path.strip_prefix(FILES).and_then(assets::file) {
            return file;
        }
        let visitor = request.extensions().clone();
        let oneself = self.oneself(&visitor).await;
        if is_foreign(request.method(), request.headers()) {
            return self.framed(&Page::of_foreign(&foreign()), &path, &oneself);
        }
        let who = visitor.get::<Visitor>().map_or("", |Visitor(who)| who.as_str());
        let now = (self.now)();
        let (time, here) = ((self.written)(now), path.trim_end_matches('/'));
        let desk = Desk {
            api: &self.api,
            document: &self.document,
            stamps: &self.stamps,
            visitor: &visitor,
            who,
            now,
            time: &time,
            written: self.written,
            here,
            permissions: &oneself.permissions,
        };
        let query = Posted::of(request.uri().query().unwrap_or_default().as_bytes());
        let page = match self.wanted(request.method(), &path) {
            Wanted::Ask => return there(&index::asked(&self.document, &query)),
            Wanted::Overview => overview(&desk).await,
            Wanted::Index => index::index(&self.document),
            Wanted::Show(found) if found.operation.answer().is_some_and(|schema| schema.rows().is_some()) => {
                list(&desk, &found, &query).await
            }
            Wanted::Show(found) => detail(&desk, &found, &query).await,
            Wanted::Picture(path) => {
                let target =
                    request.uri().query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
                match self.api.octets(&visitor, &target).await {
                    Ok((kind, octets)) => return ([(CONTENT_TYPE, kind)], octets).into_response(),
                    Err(problem) => Page::of_problem(&problem),
                }
            }
            Wanted::Form(found) => call::form(&desk, &found, &query).await,
            Wanted::Change(found) => match Posted::read(request).await {
                Ok(posted) => call::made(&desk, &found, &posted).await,
                Err(_) => Page::of_problem(&unreadable()),
            },
            Wanted::Nothing => Page::of_problem(&nowhere()),
        };
        self.framed(&page, &path, &oneself)
    }

    async fn oneself(&self, visitor: &Extensions) -> Oneself {
        let Ok(known) = self.api.get(visitor, "/v1/self").await else { return Oneself::default() };
        let all = known.get("permissions").and_then(Value::as_array).into_iter().flatten();
        let permissions = all.filter_map(|one| one.as_str().map(str::to_owned)).collect();
        Oneself { name: known.get("name").and_then(Value::as_str).map(str::to_owned), permissions }
    }

    fn wanted<'a>(&'a self, method: &HttpMethod, path: &'a str) -> Wanted<'a> {
        let form = path.strip_prefix(FORMS).and_then(|path| self.document.find(Method::Post, path));
        if method == HttpMethod::POST {
            return form.map_or(Wanted::Nothing, Wanted::Change);
        }
        if method != HttpMethod::GET && method != HttpMethod::HEAD {
            return Wanted::Nothing;
        }
        if let Some(form) = form {
            return Wanted::Form(form);
        }
        match path.trim_end_matches('/') {
            ROOT => Wanted::Overview,
            INDEX => Wanted::Index,
            ASK => Wanted::Ask,
            path => {
                let path = path.strip_prefix(ROOT).unwrap_or_default();
                match self.document.find(Method::Get, path) {
                    // What is no JSON is given out as it is.
                    Some(found) if found.operation.answer().is_none() => Wanted::Picture(path),
                    Some(found) => Wanted::Show(found),
                    None => Wanted::Nothing,
                }
            }
        }
    }

    fn framed(&self, page: &Page, path: &str, oneself: &Oneself) -> Response {
        let paths = GROUPS.iter().flat_map(|(_, places)| places.iter().map(|place| place.path));
        let around = Around {
            path: if path.len() > ROOT.len() { path.trim_end_matches('/') } else { path },
            who: oneself.name.as_deref(),
            signing: self.sign_in.map(|places| (places.begin, places.end)),
            version: self.version,
            time: (self.written)((self.now)()),
            lists: paths.filter(|path| self.document.find(Method::Get, path).is_some()).collect(),
        };
        let text = page.framed(&around).into_string();
        let mut response = (page.status, [(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
        if let Some(refused) = &page.refused {
            drop(response.extensions_mut().insert(refused.clone()));
        }
        response
    }
}

/// Whether a page of another site has a browser ask (Fetch Metadata). That somebody follows a link from there to a page of ours is no
/// harm: the page there does not see what he sees here.
fn is_foreign(method: &HttpMethod, headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    let is_own = matches!(said("sec-fetch-site"), None | Some(b"same-origin" | b"none"));
    let is_followed = method == HttpMethod::GET
        && said("sec-fetch-mode") == Some(b"navigate")
        && said("sec-fetch-dest") == Some(b"document");
    !is_own && !is_followed
}

fn foreign() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "console.cross-site",
        "a page of another site asked a browser for this, and nothing was changed",
        "type the address of the console yourself",
    )
}

fn there(target: &str) -> Response {
    let target = HeaderValue::from_str(target).unwrap_or(HeaderValue::from_static(ROOT));
    (StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response()
}

fn nowhere() -> Problem {
    let next = "choose a page on the left";
    Problem::new(StatusCode::NOT_FOUND, "console.page", "the console has no such page", next)
}

fn unreadable() -> Problem {
    let next = "send the form of a page of the console; files of more than 16 MiB go by the command line";
    Problem::new(StatusCode::BAD_REQUEST, "console.form", "what was sent is no form, or too long", next)
}

#[cfg(test)]
mod tests;
