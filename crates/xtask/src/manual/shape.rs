//! What a JSON schema asks of a value, in words: for a cell of a table.
//!
//! Not a validator: that is jsonschema-rs in the tests.

use serde_json::Value;

use super::markdown::{anchor, code, shown};

/// Where named schemas are told.
const TYPES: &str = "interface-types.md";

/// Says the form of a schema: a type by its link, or what fits.
pub(super) fn form(schema: &Value) -> String {
    if let Some(name) = named(schema) {
        return link(name);
    }
    if let Some(one) = schema.get("oneOf").and_then(Value::as_array) {
        return alternatives(one);
    }
    match types(schema).as_slice() {
        ["array"] => list(schema),
        ["object"] => match schema.get("additionalProperties").filter(|value| value.is_object()) {
            Some(value) => {
                let names = schema.get("propertyNames").map_or_else(|| "text".to_owned(), form);
                format!("object of {} by {names}", form(value))
            }
            None => "object".to_owned(),
        },
        ["integer"] => integer(schema),
        ["string"] => text(schema),
        ["boolean"] => "true or false".to_owned(),
        ["number"] => "number".to_owned(),
        several => several.iter().map(|one| word(one)).collect::<Vec<_>>().join(" or "),
    }
}

/// A type's name with its link.
pub(super) fn link(name: &str) -> String {
    format!("[{name}]({TYPES}#{})", anchor(name))
}

/// The name that a schema refers to.
pub(super) fn named(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// What a schema says of itself; of one that is `null` or something else, what is said of the latter.
pub(super) fn said(schema: &Value) -> String {
    let own = schema.get("description").and_then(Value::as_str);
    let inner = || {
        let one = schema.get("oneOf")?.as_array()?;
        one.iter().find_map(|one| one.get("description")?.as_str())
    };
    let said = shown(own.or_else(inner).unwrap_or_default());
    match schema.get("default").filter(|value| !value.is_null()) {
        Some(value) => format!("{said} Usually {}.", code(&value.to_string())).trim_start().to_owned(),
        None => said,
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn word(name: &str) -> String {
    match name {
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn alternatives(one: &[Value]) -> String {
    let forms: Vec<String> = one.iter().map(form).collect();
    forms.join(" or ")
}

fn list(schema: &Value) -> String {
    let number = |key| schema.get(key).and_then(Value::as_u64);
    let of = match schema.get("prefixItems").and_then(Value::as_array) {
        Some(items) => items.iter().map(form).collect::<Vec<_>>().join(", then "),
        None => schema.get("items").map_or_else(|| "anything".to_owned(), form),
    };
    match (number("minItems"), number("maxItems")) {
        (Some(least), Some(most)) if least == most => format!("list of {least}: {of}"),
        (Some(least), Some(most)) => format!("list of {least} to {most}: {of}"),
        (None, Some(most)) => format!("list of at most {most}: {of}"),
        _ => format!("list of {of}"),
    }
}

fn integer(schema: &Value) -> String {
    let bound = |key| schema.get(key).and_then(Value::as_i64);
    // What a number of 32 bits has for its bounds tells a reader nothing.
    let is_wide = |most: &i64| *most >= i64::from(u32::MAX);
    match (bound("minimum"), bound("maximum").filter(|most| !is_wide(most))) {
        (Some(least), Some(most)) => format!("integer, {least} to {most}"),
        (Some(0) | None, None) => "integer".to_owned(),
        (Some(least), None) => format!("integer, from {least}"),
        (None, Some(most)) => format!("integer, at most {most}"),
    }
}

/// The form of a text, where it has one.
fn text(schema: &Value) -> String {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(code).collect();
        return words.join(", ");
    }
    match (schema.get("pattern").and_then(Value::as_str), schema.get("format").and_then(Value::as_str)) {
        (Some(pattern), _) => code(pattern),
        (None, Some(format)) => format!("text, {format}"),
        (None, None) => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_says_what_fits_and_leads_to_what_has_a_name() {
        let cases = [
            (json!({"$ref": "#/components/schemas/Serial"}), "[Serial](interface-types.md#serial)"),
            (
                json!({"oneOf": [{"$ref": "#/x/Serial"}, {"type": "null"}]}),
                "[Serial](interface-types.md#serial) or null",
            ),
            (json!({"type": ["string", "null"]}), "text or null"),
            (json!({"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}), "integer"),
            (json!({"type": "integer", "minimum": 1, "maximum": 9}), "integer, 1 to 9"),
            (json!({"type": "array", "items": {"type": "string"}, "maxItems": 8}), "list of at most 8: text"),
            (json!({"type": "string", "enum": ["a", "b"]}), "`a`, `b`"),
            (json!({"type": "string", "pattern": "^a|b$"}), "`^a\\|b$`"),
            (
                json!({"type": "object", "additionalProperties": {"type": "boolean"}}),
                "object of true or false by text",
            ),
        ];
        for (schema, expected) in cases {
            assert_eq!(form(&schema), expected);
        }
    }

    #[test]
    fn what_may_be_null_is_told_by_what_it_is_otherwise() {
        let schema = json!({"oneOf": [{"description": "Why.", "$ref": "#/x/Reason"}, {"type": "null"}]});
        assert_eq!(said(&schema), "Why.");
        assert_eq!(said(&json!({"description": "How many.", "default": 4})), "How many. Usually `4`.");
    }
}
