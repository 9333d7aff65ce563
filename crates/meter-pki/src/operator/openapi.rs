//! The document of the operator's interface (OpenAPI 3.1): made from the table of routes and from the types of the handlers.
//!
//! Nothing in it is written by hand but the summaries in the table and the sentences of the types, so that it cannot say what is
//! not so. `docs/operate/openapi.json` is a copy, which a test compares.

mod shape;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
pub(crate) use shape::written;
pub(super) use shape::{Described, Shape};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::routes::{Operation, Route, Things};
use super::wire::problem::ProblemView;
use super::wire::words::ReasonText;

/// The document itself.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Document(pub(super) Value);

impl Document {
    /// Writes it as it stands in files.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", self.0)
    }
}

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        let sentence = "A document of OpenAPI 3.1.";
        ObjectBuilder::new().schema_type(Type::Object).description(Some(sentence)).into()
    }
}

impl ToSchema for Document {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Document")
    }
}

/// What the document says of the interface.
const ABOUT: &str = "What operators do, as JSON over HTTP: on a Unix socket, where the kernel says who asks, and over TLS 1.3 with \
    client certificates. Every route names the permission that it needs. Lists are read page by page: `limit` says how many, and \
    `after` is the `next` of the page before. A change with an `Idempotency-Key` is made once, as often as it comes within a day; answers \
    to GET have an `ETag`, which `If-None-Match`, and `If-Match` on a change, name. Whatever fails is told as a problem (RFC 9457) with a stable `code`, and with what to \
    do next.";

/// Makes the document of these operations.
pub(super) fn document(operations: &[Operation]) -> Value {
    let mut schemas = BTreeMap::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for Operation { route, shape, octets } in operations {
        let mut shape = shape();
        schemas.append(&mut shape.schemas);
        let method = route.method.to_lowercase();
        paths.entry(route.path).or_default().insert(method, operation(route, &shape, *octets));
    }
    for (name, schema) in [("Problem", ProblemView::schema()), ("ReasonText", ReasonText::schema())] {
        schemas.insert(name.to_owned(), serde_json::to_value(schema).unwrap_or_default());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The operator's interface of meter-pki", "version": "1", "description": ABOUT,
            "license": {"name": "see LICENSE"},
        },
        "servers": [{"url": "/", "description": "where the document was got"}],
        "security": [{"certificate": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": failures(),
            "securitySchemes": {
                "certificate": {
                    "type": "mutualTLS",
                    "description": "a certificate of the profiles ra-operator-*, on record as a person's credential; none on the Unix socket",
                },
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "in its place, over TLS: what the identity provider of [operator.sign_in] gave",
                },
            },
        },
    })
}

fn operation(route: &Route, shape: &Shape, octets: usize) -> Value {
    let permission = route.needs.permission.name();
    let whose = match route.needs.things {
        Things::Installations => "for every tenant",
        Things::Tenants => "for the tenant that it belongs to",
    };
    let said = [
        ("operationId", json!(identifier(route))),
        ("tags", json!([noun(route)])),
        ("summary", json!(route.summary)),
        ("description", json!(format!("Needs the permission `{permission}` {whose}."))),
        ("x-permission", json!(permission)),
        ("parameters", json!(parameters(route, shape))),
        ("responses", responses(route, shape)),
    ];
    let body = shape.body.as_ref().map(|body| {
        let brought = json!({
            "required": true, "description": format!("At most {octets} octets."),
            "content": {"application/json": {"schema": body}},
        });
        ("requestBody", brought)
    });
    said.into_iter().chain(body).map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// The method, and the words of the path.
fn identifier(route: &Route) -> String {
    let words =
        route.path.split('/').skip(2).map(|word| word.trim_matches(['{', '}']).replace(['-', '.'], "_"));
    std::iter::once(route.method.to_lowercase()).chain(words).collect::<Vec<_>>().join("_")
}

fn noun(route: &Route) -> &str {
    route.path.split('/').nth(2).unwrap_or_default()
}

fn parameters(route: &Route, shape: &Shape) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|word| word.strip_prefix('{')?.strip_suffix('}'));
    let named = names
        .zip(&shape.names)
        .map(|(name, schema)| json!({"name": name, "in": "path", "required": true, "schema": schema}));
    named.chain(shape.query.iter().cloned()).collect()
}

/// How a request may fail: what `reply` makes of failures, and what the framework refuses before a handler runs. The status, its
/// name, its sentence, and whether it is of routes alone that have a body.
const FAILURES: [(&str, &str, &str, bool); 10] = [
    ("400", "Malformed", "The request is not written as this document says.", false),
    ("401", "NotSignedIn", "The token is not taken.", false),
    ("403", "Forbidden", "Who you are, or may do, does not suffice.", false),
    ("404", "Unknown", "There is no such thing.", false),
    ("409", "Conflict", "It is at odds with what is on record, or done already.", false),
    ("413", "TooLong", "The body is too long.", true),
    ("415", "MediaType", "The body is not application/json.", true),
    ("422", "Refused", "It is written well, and refused.", false),
    ("500", "Failed", "It failed, or records do not agree.", false),
    ("503", "Unavailable", "Something cannot be reached now; try again.", false),
];

/// What comes of a condition (RFC 9110 §13.1): on a change, and on a look.
const CHANGED: (&str, &str, &str, bool) =
    ("412", "Changed", "What it is about is not what If-Match names.", false);

fn responses(route: &Route, shape: &Shape) -> Value {
    let content = if shape.files.is_empty() {
        json!({"application/json": {"schema": shape.answer}})
    } else {
        shape.files.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect::<Map<_, _>>().into()
    };
    let answer = json!({"description": "What came of it.", "content": content});
    let changes = route.method != "GET";
    let failures = FAILURES.iter().filter(|(.., brought)| !brought || shape.body.is_some());
    let failures = failures.chain(changes.then_some(&CHANGED)).map(|(status, name, _, _)| {
        ((*status).to_owned(), json!({"$ref": format!("#/components/responses/{name}")}))
    });
    let known = json!({"description": "It is what If-None-Match names."});
    let known = (!changes).then(|| ("304".to_owned(), known));
    let answers = std::iter::once(("200".to_owned(), answer)).chain(known);
    answers.chain(failures).collect::<Map<_, _>>().into()
}

fn failures() -> Map<String, Value> {
    let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    let one = |(_, name, sentence, _): &(&str, &str, &str, bool)| {
        let content = Map::from_iter([(ProblemView::MEDIA_TYPE.to_owned(), problem.clone())]);
        ((*name).to_owned(), json!({"description": sentence, "content": content}))
    };
    FAILURES.iter().chain([&CHANGED]).map(one).collect()
}

#[cfg(test)]
mod tests;
