//! A small document.

use serde_json::json;

use super::*;

pub(crate) fn document() -> Document {
    let text = json!({ "type": "string" });
    let of = |schema: Value| json!({ "200": { "content": { "application/json": { "schema": schema } } } });
    let taken = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    Document::new(json!({
        "paths": {
            "/v1/counts": { "get": {
                "summary": "Count devices.",
                "parameters": [{ "name": "tenant", "in": "query", "required": true, "schema": text }],
                "responses": of(json!({ "type": "array", "items": text })),
            } },
            "/v1/people": {
                "get": {
                    "summary": "List people.", "description": "Needs the permission `look`.",
                    "parameters": [
                        { "name": "after", "in": "query", "required": false, "schema": text },
                        { "name": "role", "in": "query", "description": "Only with this role.", "schema": { "$ref": "#/components/schemas/RoleWord" } },
                    ],
                    "responses": of(json!({ "$ref": "#/components/schemas/PersonPage" })),
                },
                "post": { "summary": "Put somebody on record.", "requestBody": taken(json!({ "$ref": "#/components/schemas/PersonView" })), "responses": of(json!({ "$ref": "#/components/schemas/PersonView" })) },
            },
            "/v1/people/{id}": { "get": { "summary": "Show a person.", "responses": of(json!({ "$ref": "#/components/schemas/PersonView" })) } },
            "/v1/people/{id}/changes": { "post": { "summary": "Change a person.", "x-permission": "change-people", "responses": of(text.clone()) } },
            "/v1/people/{id}/pardons": { "post": { "summary": "Pardon a person.", "x-permission": "pardon", "responses": of(text.clone()) } },
            "/v1/visits": { "post": { "summary": "Open a visit.", "requestBody": taken(json!({ "$ref": "#/components/schemas/VisitText" })), "responses": of(text) } },
        },
        "components": { "schemas": {
            "RoleWord": { "type": "string", "enum": ["operator", "auditor"], "description": "A role." },
            "PersonId": { "type": "string", "pattern": "^[a-z]+$", "description": "A person's name in records." },
            "PersonPage": { "type": "object", "required": ["people"], "properties": {
                "next": { "type": ["string", "null"] },
                "looked_at": { "type": "integer" },
                "people": { "type": "array", "items": { "$ref": "#/components/schemas/PersonView" } } } },
            "PersonView": { "type": "object", "required": ["id", "name"], "description": "A person.", "properties": {
                "grants": { "type": "array", "items": { "type": "string" } },
                "id": { "$ref": "#/components/schemas/PersonId", "description": "Who he is." },
                "name": { "type": "string" },
                "role": { "oneOf": [{ "$ref": "#/components/schemas/RoleWord" }, { "type": "null" }] } } },
            "KnownPersonView": { "allOf": [{ "$ref": "#/components/schemas/PersonView" }, { "type": "object", "properties": { "since": { "type": "string" } } }] },
            "VisitText": { "type": "object", "required": ["plan"], "properties": {
                "note": { "type": ["string", "null"] },
                "plan": { "type": "object", "required": ["reason", "region"], "properties": {
                    "region": { "type": "string", "pattern": "^[a-z]{0,32}$" },
                    "devices": { "type": "array", "items": { "type": "string" } },
                    "hours": { "type": ["integer", "null"], "minimum": 0, "maximum": 255 },
                    "reason": { "type": "string" },
                    "urgent": { "type": "boolean" } } } } },
        } },
    }))
}

impl Document {
    /// Gives it back as it came.
    pub(crate) fn into_whole(self) -> Value {
        self.whole
    }
}

#[test]
fn a_path_finds_its_operation_and_what_stands_in_the_places_of_its_names() {
    let document = document();
    let found = document.find(Method::Get, "/v1/people/eva%20k+").unwrap();
    assert_eq!(
        (found.operation.template, found.parts),
        ("/v1/people/{id}", vec![("id", "eva k+".to_owned())])
    );
    for (method, path) in [
        (Method::Get, "/v1/visits"),
        (Method::Get, "/v1/people/"),
        (Method::Post, "/v1/people/eva"),
        (Method::Get, ""),
    ] {
        assert!(document.find(method, path).is_none(), "{path}");
    }
}

#[test]
fn lists_lead_to_single_ones_and_single_ones_to_what_can_be_done_with_them() {
    let document = document();
    let list = document.find(Method::Get, "/v1/people").unwrap().operation;
    let single = list.single().unwrap();
    assert_eq!(single.template, "/v1/people/{id}");
    assert_eq!(
        single.beneath().map(|one| one.template).collect::<Vec<_>>(),
        ["/v1/people/{id}/changes", "/v1/people/{id}/pardons"]
    );
    assert_eq!(list.beside(Method::Post).unwrap().summary(), "Put somebody on record");
    assert!(single.beside(Method::Post).is_none());
}

#[test]
fn what_is_made_of_others_has_the_members_of_all() {
    let document = document();
    let node = json!({ "$ref": "#/components/schemas/KnownPersonView" });
    let names: Vec<&str> = Schema::of(&document, &node).members().iter().map(|member| member.name).collect();
    assert_eq!(names, ["id", "name", "grants", "role", "since"]);
}

#[test]
fn what_may_be_empty_is_told_by_bounds_and_by_expressions_of_one_class() {
    for (pattern, is_so) in [
        ("^[a-z]{0,32}$", true),
        (r"^[^\u0000-\u001F]{0,64}$", true),
        ("^[a-z]{1,32}$", false),
        ("^a(?:[b-c]){0,3}$", false),
    ] {
        assert_eq!(takes_nothing(pattern), is_so, "{pattern}");
    }
}

#[test]
fn rows_are_found_whether_a_place_of_the_next_page_is_beside_them_or_not() {
    let document = document();
    let answer = document.find(Method::Get, "/v1/people").unwrap().operation.answer().unwrap();
    let (member, item) = answer.rows().unwrap();
    assert_eq!((member, item.name), (Some("people"), Some("PersonView")));
    assert!(item.rows().is_none(), "a person is no list, though he has one");
}

#[test]
fn what_is_required_comes_first_and_what_may_be_absent_is_what_it_is_when_present() {
    let document = document();
    let person = document.find(Method::Get, "/v1/people/x").unwrap().operation.answer().unwrap();
    let members = person.members();
    assert_eq!(
        members.iter().map(|member| member.name).collect::<Vec<_>>(),
        ["id", "name", "grants", "role"]
    );
    let role = members.last().unwrap();
    assert!(matches!(role.schema.kind(), Kind::Words(words) if words == ["operator", "auditor"]));
    assert_eq!((role.schema.name, role.schema.description), (Some("RoleWord"), Some("A role.")));
    assert_eq!(members.first().unwrap().schema.description, Some("Who he is."));
}
