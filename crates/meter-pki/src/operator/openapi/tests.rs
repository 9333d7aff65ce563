//! The document against itself, and against its copy.

use crate::operator::api_document;

/// The copy that stands with the documents for operators.
const COPY: &str = include_str!("../../../../../docs/operate/openapi.json");

#[test]
fn the_copy_in_the_documents_is_what_the_program_says() {
    let said = api_document().text();
    assert!(said == COPY, "type: meter-pki api document > docs/operate/openapi.json");
}

/// Every name in a path has a form, every reference leads somewhere, and no two routes have one name.
#[test]
fn the_document_is_whole() {
    let document = &api_document().0;
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{operation}");
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path = parameters.iter().filter(|one| one["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{path}");
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let found = document.pointer(reference.trim_start_matches('#'));
        assert!(found.is_some(), "{reference} leads nowhere");
    }
    // What is bounded in the code is bounded here, and what comes in says all that may come in.
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let comes_in = name.ends_with("Text") || name.ends_with("Request");
        if comes_in && schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
    }
}
