//! What a route takes and gives, as its handler's signature says: read by the compiler, and written nowhere else.
//!
//! Says nothing of what an act means: that are the summary in the table of routes and the sentences of the types.

use std::collections::BTreeMap;
use std::future::Future;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::operator::body::Body;
use crate::operator::plots::Picture;
use crate::operator::reply::Reply;
use crate::operator::routes::Peer;
use crate::operator::{OperatorState, wire::words::Form};

/// What a route takes and gives.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// The schemas of the names in its path, in their order.
    pub(super) names: Vec<Value>,
    /// What its query may say, as parameters of OpenAPI.
    pub(super) query: Vec<Value>,
    /// The schema of its body.
    pub(super) body: Option<Value>,
    /// The schema of its answer.
    pub(super) answer: Value,
    /// The media types that it may have in the place of JSON.
    pub(super) files: &'static [&'static str],
    /// The schemas that these refer to, by their names.
    pub(super) schemas: BTreeMap<String, Value>,
}

impl Shape {
    /// Keeps the schemas of a type, and returns the reference to it; of a list, the list.
    fn keep<T: ToSchema>(&mut self) -> Value {
        let mut further = Vec::new();
        T::schemas(&mut further);
        self.schemas.extend(further.into_iter().map(|(name, schema)| (name, written(&schema))));
        let schema = written(&T::schema());
        if schema.get("type").is_some_and(|word| word == "array") {
            return schema;
        }
        let name = T::name().into_owned();
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        self.schemas.insert(name, schema);
        reference
    }
}

/// Writes a schema with what its integers hold: the derivation says the least value, and of how many bits they are.
pub(crate) fn written(schema: &RefOr<Schema>) -> Value {
    let mut value = serde_json::to_value(schema).unwrap_or_default();
    bound(&mut value);
    value
}

fn bound(schema: &mut Value) {
    // The derivation hyphenates the formats of the registry.
    let integer = schema.get("format").and_then(Value::as_str).and_then(|format| match format {
        "u-int8" => Some(("uint8", u64::from(u8::MAX))),
        "u-int16" => Some(("uint16", u64::from(u16::MAX))),
        "u-int32" => Some(("uint32", u64::from(u32::MAX))),
        "u-int64" => Some(("uint64", u64::MAX)),
        _ => None,
    });
    match schema {
        Value::Object(members) => {
            if let Some((format, most)) = integer {
                members.insert("format".to_owned(), json!(format));
                members.entry("maximum").or_insert_with(|| json!(most));
            }
            members.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A parameter of a handler.
pub(crate) trait Part {
    /// Says what it takes of a request.
    fn say(shape: &mut Shape);
}

impl Part for State<OperatorState> {
    fn say(_: &mut Shape) {}
}

impl Part for Extension<Peer> {
    fn say(_: &mut Shape) {}
}

impl<A: Form> Part for Path<A> {
    fn say(shape: &mut Shape) {
        let name = shape.keep::<A>();
        shape.names.push(name);
    }
}

impl<A: Form, B: Form> Part for Path<(A, B)> {
    fn say(shape: &mut Shape) {
        Path::<A>::say(shape);
        Path::<B>::say(shape);
    }
}

impl<Q: ToSchema> Part for Query<Q> {
    fn say(shape: &mut Shape) {
        drop(shape.keep::<Q>());
        // It is no object that travels.
        let object = shape.schemas.remove(&*Q::name()).unwrap_or_default();
        let needed: Vec<&str> = object
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, schema) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let (schema, description) = without_null(schema.clone());
            shape.query.push(json!({
                "name": name, "in": "query", "required": needed.contains(&name.as_str()),
                "description": description, "schema": schema,
            }));
        }
    }
}

/// A query leaves out what it does not say. Returns the schema of what it may say, and the sentence on it.
fn without_null(mut schema: Value) -> (Value, Value) {
    let is_null = |item: &Value| item.get("type").is_some_and(|word| word == "null");
    if let Some(items) = schema.get("oneOf").and_then(Value::as_array) {
        schema = items.iter().find(|item| !is_null(item)).cloned().unwrap_or_default();
    }
    let Some(members) = schema.as_object_mut() else { return (schema, Value::Null) };
    if let Some(word) = members.get_mut("type") {
        let said = word.as_array().and_then(|words| words.iter().find(|word| *word != "null")).cloned();
        *word = said.unwrap_or_else(|| word.clone());
    }
    members.retain(|name, value| name != "default" || !value.is_null());
    let description = members.remove("description").unwrap_or_default();
    (schema, description)
}

impl<B: ToSchema> Part for Body<B> {
    fn say(shape: &mut Shape) {
        let body = shape.keep::<B>();
        shape.body = Some(body);
    }
}

/// What a handler gives.
pub(crate) trait Answer {
    /// Says it.
    fn say(shape: &mut Shape);
}

impl<R: ToSchema> Answer for Result<Json<R>, Reply> {
    fn say(shape: &mut Shape) {
        let answer = shape.keep::<R>();
        shape.answer = answer;
    }
}

impl Answer for Result<Picture, Reply> {
    fn say(shape: &mut Shape) {
        shape.files = &Picture::MEDIA_TYPES;
    }
}

/// A handler, whose parameters and answer say what the route takes and gives. `P` is the tuple of the parameters.
pub(crate) trait Described<P> {
    /// Says it.
    fn shape() -> Shape;
}

macro_rules! described {
    ($($part:ident),*) => {
        impl<H, F, $($part),*> Described<($($part,)*)> for H
        where
            H: FnOnce($($part),*) -> F,
            F: Future<Output: Answer>,
            $($part: Part,)*
        {
            fn shape() -> Shape {
                let mut shape = Shape::default();
                $($part::say(&mut shape);)*
                F::Output::say(&mut shape);
                shape
            }
        }
    };
}

described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
