//! What verbs print with `--json`, as JSON Schemas (draft 2020-12): made from the types that are printed, and written nowhere else.
//!
//! Which types these are says `table`, for every verb of the command line. `docs/operate/json-schemas.json` is a copy of the whole, which a
//! test compares. Not the interface over HTTP: that is `operator::openapi`, from the same types.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use table::{Row, Says, TABLE};
use utoipa::ToSchema;

use crate::exit::{Exit, Failure};
use crate::operator::wire::problem::FailureView;
use crate::operator::written_schema;

/// What the schemas are written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where references to types begin, as the derivation writes them, and as they are written here.
const REFERENCES: [&str; 2] = ["#/components/schemas/", "#/$defs/"];

const ABOUT: &str = "What meter-pki prints on standard output with --json, verb by verb: one value on one line. Members may be added to objects, and \
    none is taken away, renamed or given another meaning without a note in CHANGELOG.md. A verb that fails prints `failure` on standard error, as its last line; \
    it may have printed its value before. References begin at the root of this document; `meter-pki api schema VERB` prints the schema of one verb by itself.";

/// The types that schemas refer to, by their names.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    schemas: BTreeMap<String, Value>,
    /// Names that two types have.
    clashes: Vec<String>,
}

impl Definitions {
    /// Keeps the schemas of a type, and returns the reference to it.
    pub(super) fn one<T: ToSchema>(&mut self) -> Value {
        let mut further = Vec::new();
        T::schemas(&mut further);
        for (name, schema) in further {
            self.put(name, written_schema(&schema));
        }
        let name = T::name().into_owned();
        let reference = json!({"$ref": format!("#/$defs/{name}")});
        self.put(name, written_schema(&T::schema()));
        reference
    }

    /// The same of a list of them.
    pub(super) fn list<T: ToSchema>(&mut self) -> Value {
        json!({"type": "array", "items": self.one::<T>()})
    }

    fn put(&mut self, name: String, mut schema: Value) {
        refer(&mut schema);
        if self.schemas.get(&name).is_some_and(|known| *known != schema) {
            self.clashes.push(name.clone());
        }
        self.schemas.insert(name, schema);
    }

    /// Those that a schema refers to, and those that they refer to.
    fn under(&self, schema: &Value) -> Map<String, Value> {
        let (mut found, mut open) = (Map::new(), BTreeSet::new());
        referred(schema, &mut open);
        while let Some(name) = open.pop_first() {
            if let Some(schema) = self.schemas.get(&name).filter(|_| !found.contains_key(&name)) {
                referred(schema, &mut open);
                found.insert(name, schema.clone());
            }
        }
        found
    }
}

/// Lets references begin where the types stand here.
fn refer(schema: &mut Value) {
    let [theirs, ours] = REFERENCES;
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(place)) = members.get_mut("$ref")
                && let Some(name) = place.strip_prefix(theirs)
            {
                *place = format!("{ours}{name}");
            }
            members.values_mut().for_each(refer);
        }
        Value::Array(items) => items.iter_mut().for_each(refer),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn referred(schema: &Value, names: &mut BTreeSet<String>) {
    let [_, ours] = REFERENCES;
    match schema {
        Value::Object(members) => {
            let place = members.get("$ref").and_then(Value::as_str);
            names.extend(place.and_then(|place| place.strip_prefix(ours)).map(str::to_owned));
            members.values().for_each(|one| referred(one, names));
        }
        Value::Array(items) => items.iter().for_each(|one| referred(one, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The schema of what a verb prints, which refers to the definitions.
fn said(row: &Row, definitions: &mut Definitions) -> Option<Value> {
    let Says::Json(types) = row.says else { return None };
    let mut values: Vec<Value> = types.iter().map(|one| one(definitions)).collect();
    let mut schema = match values.len() {
        1 => values.remove(0),
        _ => json!({"anyOf": values}),
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".to_owned(), json!(format!("meter-pki {} --json", row.verb)));
        if !row.beside.is_empty() {
            members.insert("description".to_owned(), json!(row.beside));
        }
    }
    Some(schema)
}

/// Makes the document of all verbs.
pub(super) fn document() -> Value {
    let mut definitions = Definitions::default();
    let (mut verbs, mut without) = (Map::new(), Map::new());
    for row in TABLE {
        match said(row, &mut definitions) {
            Some(schema) => drop(verbs.insert(row.verb.to_owned(), schema)),
            None => drop(without.insert(row.verb.to_owned(), json!(row.beside))),
        }
    }
    let failure = definitions.one::<FailureView>();
    json!({
        "$schema": DIALECT, "title": "What meter-pki prints with --json", "description": ABOUT,
        "verbs": verbs, "verbs_without": without, "failure": failure, "$defs": definitions.schemas,
    })
}

/// Makes the schema of one verb, by itself.
///
/// # Errors
/// [`Failure`], `schema.verb` where there is no such verb, `schema.none` where it prints no JSON.
pub(super) fn of(verb: &str) -> Result<Value, Failure> {
    let row = TABLE.iter().find(|row| row.verb == verb).ok_or_else(|| {
        Failure::new(Exit::NotFound, "schema.verb", format!("there is no verb {verb}"))
            .then("meter-pki --help; `meter-pki api schema` without a verb tells of all")
    })?;
    let mut definitions = Definitions::default();
    let schema = said(row, &mut definitions)
        .ok_or_else(|| Failure::new(Exit::NotFound, "schema.none", format!("{verb}: {}", row.beside)))?;
    Ok(alone(schema, &definitions))
}

/// Makes the schema of failures, by itself.
pub(super) fn failure() -> Value {
    let mut definitions = Definitions::default();
    let schema = definitions.one::<FailureView>();
    alone(schema, &definitions)
}

fn alone(mut schema: Value, definitions: &Definitions) -> Value {
    let under = definitions.under(&schema);
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!(DIALECT));
        members.insert("$defs".to_owned(), under.into());
    }
    schema
}

/// Writes a schema as it stands in files.
pub(super) fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests;
