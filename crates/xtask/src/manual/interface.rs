//! The reference of the operator's interface, from its OpenAPI document: operations by noun, and the types they take and give.
//!
//! Nothing is said here that the document does not say; how the interface is used stands in docs/operate/api.md.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde_json::{Map, Value};

use super::markdown::{anchor, code, page, shown, table};
use super::shape::{form, link, named, said};
use super::{INTERFACE, Page, REFERENCE};

/// One operation of the document.
struct Operation<'a> {
    method: String,
    path: &'a str,
    said: &'a Value,
}

/// Makes both pages: operations, and types.
pub(super) fn pages(document: &Value) -> anyhow::Result<Vec<Page>> {
    let operations = operations(document)?;
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    let schemas = schemas.context("the document has no schemas")?;
    let bodies: BTreeSet<&str> = operations.iter().filter_map(|one| named(one.body()?)).collect();
    let first = format!("{REFERENCE}/interface.md");
    let second = format!("{REFERENCE}/interface-types.md");
    Ok(vec![
        (first, page(INTERFACE, &operations_page(document, &operations, schemas))),
        (second, page(INTERFACE, &types_page(schemas, &bodies))),
    ])
}

fn operations(document: &Value) -> anyhow::Result<Vec<Operation<'_>>> {
    let paths = document.get("paths").and_then(Value::as_object).context("the document has no paths")?;
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, said) in methods.as_object().into_iter().flatten() {
            operations.push(Operation { method: method.to_uppercase(), path, said });
        }
    }
    Ok(operations)
}

impl<'a> Operation<'a> {
    fn text(&self, key: &str) -> &'a str {
        self.said.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The noun it belongs to.
    fn noun(&self) -> &'a str {
        self.said.pointer("/tags/0").and_then(Value::as_str).unwrap_or("other")
    }

    fn heading(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The schema of its body.
    fn body(&self) -> Option<&'a Value> {
        self.said.pointer("/requestBody/content/application~1json/schema")
    }

    /// Whom it lets in, in few words: the document says `Needs the permission … for …`.
    fn needs(&self) -> String {
        let whose = self.text("description").rsplit_once("` ").map_or("", |(_, whose)| whose);
        format!("{} {}", code(self.text("x-permission")), whose.trim_end_matches('.'))
    }

    /// What it gives, and the members of what has no name.
    fn answer(&self, schemas: &Map<String, Value>) -> (String, Vec<Vec<String>>) {
        let content = self.said.pointer("/responses/200/content").and_then(Value::as_object);
        let (mut kinds, mut own) = (Vec::new(), Vec::new());
        for (kind, content) in content.into_iter().flatten() {
            let schema = content.get("schema").filter(|_| kind == "application/json");
            let Some(schema) = schema else {
                kinds.push(code(kind));
                continue;
            };
            let items = schema.get("items").filter(|items| items.get("properties").is_some());
            let known = items.and_then(|items| schemas.iter().find(|(_, known)| *known == items));
            match (items, known) {
                (_, Some((name, _))) => kinds.push(format!("list of {}", link(name))),
                (Some(items), None) => {
                    own = members(items);
                    kinds.push("list of objects".to_owned());
                }
                (None, None) => kinds.push(form(schema)),
            }
        }
        (if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" or ") }, own)
    }

    fn parameters(&self) -> Vec<Vec<String>> {
        let parameters = self.said.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let text = |one: &'a Value, key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
        let row = |one: &'a Value| {
            let needed = one.get("required").and_then(Value::as_bool).unwrap_or_default();
            let place = match (text(one, "in"), needed) {
                ("path", _) => "path",
                (_, true) => "query, needed",
                (_, false) => "query",
            };
            let schema = one.get("schema").unwrap_or(&Value::Null);
            let default = said(&serde_json::json!({"default": schema.get("default")}));
            let what = format!("{} {default}", shown(text(one, "description")));
            vec![code(text(one, "name")), place.to_owned(), form(schema), what.trim().to_owned()]
        };
        parameters.map(row).collect()
    }
}

fn operations_page(document: &Value, operations: &[Operation<'_>], schemas: &Map<String, Value>) -> String {
    let about = document.pointer("/info/description").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!(
        "# The operator's interface\n\n{}\n\nHow it is reached and used: [the interface](../../operate/api.md). Forms and \
         views: [types](interface-types.md). The document itself: [openapi.json](../../operate/openapi.json).\n\n",
        shown(about)
    );
    text.push_str(&failures(document, operations));
    let mut nouns: BTreeMap<&str, Vec<&Operation<'_>>> = BTreeMap::new();
    for operation in operations {
        nouns.entry(operation.noun()).or_default().push(operation);
    }
    text.push_str("## All operations\n\n");
    let rows = nouns.values().flatten().map(|one| {
        let heading = one.heading();
        let permission = code(one.text("x-permission"));
        vec![format!("[{}](#{})", code(&heading), anchor(&heading)), permission, shown(one.text("summary"))]
    });
    text.push_str(&table(&["operation", "permission", "what it does"], &rows.collect::<Vec<_>>()));
    for (noun, operations) in nouns {
        text.push_str(&format!("## {noun}\n\n"));
        for operation in operations {
            text.push_str(&told(operation, schemas));
        }
    }
    text
}

/// What may come instead of an answer, which is the same for nearly all.
fn failures(document: &Value, operations: &[Operation<'_>]) -> String {
    let mut statuses: BTreeMap<&str, &str> = BTreeMap::new();
    for operation in operations {
        let responses = operation.said.get("responses").and_then(Value::as_object);
        for (status, response) in responses.into_iter().flatten() {
            let referred = named(response).and_then(|name| {
                document.pointer(&format!("/components/responses/{name}/description"))?.as_str()
            });
            let own = response.get("description").and_then(Value::as_str);
            statuses.insert(status, referred.or(own).unwrap_or_default());
        }
    }
    let rows: Vec<Vec<String>> = statuses
        .into_iter()
        .filter(|(status, _)| *status != "200")
        .map(|(status, sentence)| vec![status.to_owned(), shown(sentence)])
        .collect();
    format!(
        "Where an operation does not answer with 200, it answers so; what is 400 or more is a {} as \
         `application/problem+json`, with a [reason code](codes.md). 304 is for GET, 412, 413 and 415 for what changes \
         something.\n\n{}",
        link("Problem"),
        table(&["status", "meaning"], &rows)
    )
}

fn told(operation: &Operation<'_>, schemas: &Map<String, Value>) -> String {
    let (answer, own) = operation.answer(schemas);
    let mut text = format!(
        "### {}\n\n{} Permission: {}. Answer: {answer}.\n\n",
        // A brace at the end of a heading would be taken for its attributes.
        operation.heading().replace('{', "\\{").replace('}', "\\}"),
        shown(operation.text("summary")),
        operation.needs(),
    );
    text.push_str(&table(&["parameter", "where", "form", "what it is"], &operation.parameters()));
    if let Some(body) = operation.body() {
        text.push_str(&told_of_body(operation, body, schemas));
    }
    if !own.is_empty() {
        text.push_str("Each object of the answer:\n\n");
        text.push_str(&table(&["member", "form", "what it is"], &own));
    }
    text
}

fn told_of_body(operation: &Operation<'_>, body: &Value, schemas: &Map<String, Value>) -> String {
    let octets = operation.said.pointer("/requestBody/description").and_then(Value::as_str);
    let octets = octets.unwrap_or_default().trim_end_matches('.').to_lowercase();
    let (name, schema) = match named(body).and_then(|name| Some((name, schemas.get(name)?))) {
        Some((name, schema)) => (code(name), schema),
        None => (form(body), body),
    };
    let members = table(&["member", "form", "what it is"], &members(schema));
    format!("Body: {name}, {octets}. {}\n\n{members}", said(schema))
}

/// The members of an object; what must be there is marked.
fn members(schema: &Value) -> Vec<Vec<String>> {
    let needed: BTreeSet<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    members
        .map(|(name, member)| {
            let mark = if needed.contains(name.as_str()) { "" } else { " (may be absent)" };
            vec![format!("{}{mark}", code(name)), form(member), said(member)]
        })
        .collect()
}

/// All types but those that are the body of an operation alone, which stand with it.
fn types_page(schemas: &Map<String, Value>, bodies: &BTreeSet<&str>) -> String {
    let referred: String = serde_json::to_string(schemas).unwrap_or_default();
    let stands_alone = |name: &str| !bodies.contains(name) || referred.contains(&format!("schemas/{name}\""));
    let mut text = String::from(
        "# Types of the operator's interface\n\nTexts first, by their forms and words, then objects. A member that may be absent \
         is marked; what may be `null` says so. Objects that come in have no other members than these; to objects that go out members may be added.\n\n\
         ## Texts\n\n",
    );
    let is_object = |schema: &Value| schema.get("properties").is_some() || schema.get("allOf").is_some();
    for (name, schema) in schemas.iter().filter(|(name, schema)| !is_object(schema) && stands_alone(name)) {
        let example = schema.pointer("/examples/0").map(|example| match example.as_str() {
            Some(text) => format!(" Such as {}.", code(text)),
            None => format!(" Such as {}.", code(&example.to_string())),
        });
        text.push_str(&format!("### {name}\n\n{}{}\n\n", said(schema), example.unwrap_or_default()));
        // No cell of a table, so that a bar stands for itself.
        text.push_str(&format!("{}\n\n", form(schema).replace("\\|", "|")));
    }
    text.push_str("## Objects\n\n");
    for (name, schema) in schemas.iter().filter(|(name, schema)| is_object(schema) && stands_alone(name)) {
        text.push_str(&format!("### {name}\n\n{}\n\n", said(schema)));
        text.push_str(&object(schema));
    }
    text
}

fn object(schema: &Value) -> String {
    let columns = ["member", "form", "what it is"];
    let Some(parts) = schema.get("allOf").and_then(Value::as_array) else {
        return table(&columns, &members(schema));
    };
    let whole = parts.iter().filter_map(named).map(|name| format!("All that {} has, and:\n\n", link(name)));
    let own: Vec<Vec<String>> = parts.iter().flat_map(members).collect();
    format!("{}{}", whole.collect::<String>(), table(&columns, &own))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_is_told_with_whom_it_lets_in_and_what_it_takes_and_gives() {
        let document = json!({
            "info": {"description": "About."},
            "paths": {"/v1/doors/{name}": {"post": {
                "tags": ["doors"], "summary": "Open a door.", "x-permission": "open",
                "description": "Needs the permission `open` for every tenant.",
                "parameters": [{"in": "path", "name": "name", "required": true, "schema": {"$ref": "#/c/DoorName"}}],
                "requestBody": {
                    "description": "At most 10 octets.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DoorText"}}},
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/c/DoorView"}}}},
                    "404": {"$ref": "#/components/responses/Unknown"},
                },
            }}},
            "components": {
                "responses": {"Unknown": {"description": "There is no such thing."}},
                "schemas": {
                    "DoorText": {"description": "What is to happen.", "required": ["wide"], "properties": {
                        "wide": {"type": "boolean", "description": "Whether wide."},
                        "why": {"type": "string", "description": "Why."},
                    }},
                    "DoorName": {"type": "string", "pattern": "^[a-z]+$", "description": "A name.", "examples": ["front"]},
                    "DoorView": {"properties": {}, "description": "A door."},
                },
            },
        });
        let pages = pages(&document).unwrap();
        let (_, operations) = &pages[0];
        for line in [
            "### POST /v1/doors/\\{name\\}",
            "Open a door. Permission: `open` for every tenant. Answer: [DoorView](interface-types.md#doorview).",
            "| `name` | path | [DoorName](interface-types.md#doorname) |  |",
            "Body: `DoorText`, at most 10 octets. What is to happen.",
            "| `wide` | true or false | Whether wide. |",
            "| `why` (may be absent) | text | Why. |",
            "| 404 | There is no such thing. |",
        ] {
            assert!(operations.contains(line), "{line}\n{operations}");
        }
        let (_, types) = &pages[1];
        assert!(types.contains("### DoorName\n\nA name. Such as `front`.\n\n`^[a-z]+$`"), "{types}");
        assert!(!types.contains("### DoorText"), "it stands with its operation: {types}");
    }
}
