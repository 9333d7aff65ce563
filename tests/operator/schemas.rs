//! What verbs print with `--json`, held to the schemas that are published (docs/operate/json-schemas.json), by a validator of others.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, schemathesis};
use serde_json::{Value, json};

/// What was printed, by what was typed.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    said: Vec<Value>,
}

impl Printed {
    /// Keeps what a verb printed.
    pub(crate) fn add(&mut self, words: &[&str], value: &Value) {
        self.said.push(json!({"words": words, "value": value}));
    }

    /// Keeps how a verb failed.
    pub(crate) fn add_failure(&mut self, value: &Value) {
        self.said.push(json!({"words": null, "value": value}));
    }

    /// Asserts that all of it is as the published schemas say, and nothing beside it; returns how many verbs were judged.
    #[track_caller]
    pub(crate) fn judge(&self, rehearsal: &Rehearsal) -> usize {
        let file = rehearsal.unique("printed.json");
        std::fs::write(&file, json!(self.said).to_string()).expect("a file");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let document: PathBuf = here.join("../docs/operate/json-schemas.json");
        let mut command = Command::new(schemathesis("python"));
        let said = finish(command.arg(here.join("operator/schemas.py")).args([document, file])).ok();
        let count = said.out.trim().rsplit(' ').next().and_then(|number| number.parse().ok());
        count.expect("how many were judged")
    }
}
