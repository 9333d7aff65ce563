//! The table against the command line, the document against itself and against its copy.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

use super::table::{Says, TABLE};
use super::{Definitions, document, failure, of, referred, said, text};
use crate::cli::Cli;

/// The copy that stands with the documents for operators.
const COPY: &str = include_str!("../../../../../docs/operate/json-schemas.json");

/// Every verb under a command: what takes no further word, or may do without.
fn verbs(command: &Command, before: &str, found: &mut BTreeSet<String>) {
    for one in command.get_subcommands() {
        let name = format!("{before}{}", one.get_name());
        if !one.has_subcommands() || !one.is_subcommand_required_set() {
            found.insert(name.clone());
        }
        verbs(one, &format!("{name} "), found);
    }
}

#[test]
fn i_12_every_verb_has_a_row_and_every_row_is_of_a_verb() {
    let mut typed = BTreeSet::new();
    verbs(&Cli::command(), "", &mut typed);
    let rows: BTreeSet<String> = TABLE.iter().map(|row| row.verb.to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a verb has two rows");
    assert_eq!(typed.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "verbs without a row");
    assert_eq!(rows.difference(&typed).collect::<Vec<_>>(), Vec::<&String>::new(), "rows without a verb");
}

#[test]
fn what_prints_no_json_says_why_and_all_else_has_a_type() {
    for row in TABLE {
        match row.says {
            Says::Json(types) => assert!(!types.is_empty(), "{}", row.verb),
            Says::Nothing => assert!(!row.beside.is_empty(), "{}", row.verb),
        }
    }
}

#[test]
fn no_two_types_have_one_name() {
    let mut definitions = Definitions::default();
    for row in TABLE {
        drop(said(row, &mut definitions));
    }
    assert_eq!(definitions.clashes, Vec::<String>::new());
}

#[test]
fn the_copy_in_the_documents_is_what_the_program_says() {
    assert!(text(&document()) == COPY, "type: meter-pki api schema > docs/operate/json-schemas.json");
}

/// Every reference leads somewhere, in the whole and in the schema of each verb; nothing of OpenAPI is left that JSON Schema does not know.
#[test]
fn the_document_is_whole_and_so_is_the_schema_of_each_verb() {
    let each = TABLE.iter().filter(|row| matches!(row.says, Says::Json(_))).map(|row| of(row.verb).unwrap());
    for schema in each.chain([document(), failure()]) {
        let mut names = BTreeSet::new();
        referred(&schema, &mut names);
        let known = schema["$defs"].as_object().unwrap();
        for name in names {
            assert!(known.contains_key(&name), "{name} leads nowhere in {}", schema["title"]);
        }
        let written = schema.to_string();
        for foreign in ["#/components", "\"discriminator\":", "\"nullable\":", "\"example\":", "\"xml\":"] {
            assert!(!written.contains(foreign), "{foreign} in {}", schema["title"]);
        }
    }
}

#[test]
fn a_verb_that_is_none_and_one_that_prints_no_json_are_told_apart() {
    assert_eq!(of("cert lost").unwrap_err().code, "schema.verb");
    assert_eq!(of("serve").unwrap_err().code, "schema.none");
}
