//! A server with people who operate it from their browsers, each with a certificate, a role and a name on record.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::browser::{Browser, Comes, Window};
use crate::peer::{make_key, make_request, path};
use crate::rehearsal::Rehearsal;
use crate::tool::finish;

/// Who is on record: a name for records, a name that is shown, a role.
const PEOPLE: [(&str, &str, &str); 7] = [
    ("eva", "Eva, administration", "administrator"),
    ("kim", "Kim, operations", "ca-operations"),
    ("ron", "Ron, dispatch", "ra-officer"),
    ("lee", "Lee, shift lead", "approver"),
    ("zoe", "Zoe, grid control", "approver"),
    ("mia", "Mia, audit", "auditor"),
    ("tim", "Tim, field", "technician"),
];

/// The office.
#[derive(Debug)]
pub struct Office {
    /// The server.
    pub rehearsal: Rehearsal,
    /// Scheme, host and port of the operators' listener.
    pub origin: String,
}

impl Office {
    /// Opens it: people are on record, and each has a certificate. Meters of the rehearsed fleet are as many as these.
    ///
    /// # Panics
    /// When it does not come about.
    #[must_use]
    pub fn open(meters: u32) -> Self {
        let rehearsal = Rehearsal::start_with(meters, configured);
        let text = std::fs::read_to_string(rehearsal.state("edited.toml")).expect("a configuration");
        let (_, door) = text.split_once("listen = \"127.0.0.1:").expect("the operators' door is the first");
        let (port, _) = door.split_once('"').expect("a port");
        let office = Self { origin: format!("https://localhost:{port}"), rehearsal };
        for (id, name, role) in PEOPLE {
            drop(office.operator(&["people", "add", id, "--name", name, "--role", role]));
            office.certify(id);
        }
        office
    }

    /// Gives somebody on record a certificate, which is his credential.
    ///
    /// # Panics
    /// When he gets none.
    #[track_caller]
    pub fn certify(&self, id: &str) {
        let file = path(&self.certificate(id));
        let whom =
            ["people", "certificate", id, "--issuer", "dso-infra-s1", "--organization", "Grid Operations"];
        drop(self.operator(&[&whom[..], &["--country", "DE", "--out", &file]].concat()));
    }

    /// Returns the file with somebody's certificate and key.
    #[must_use]
    pub fn certificate(&self, id: &str) -> PathBuf {
        self.rehearsal.state(&format!("{id}.pem"))
    }

    /// Starts a browser for everybody here.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::start(&self.rehearsal.scratch("."), &self.rehearsal.root())
    }

    /// Opens a window of somebody's.
    #[must_use]
    #[track_caller]
    pub fn window<'a>(&self, browser: &'a Browser, id: &str) -> Window<'a> {
        browser.window(&self.origin, &Comes { certificate: Some(self.certificate(id)), ..Comes::default() })
    }

    /// Types a verb at the server, as who founded it; returns what it said.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn operator(&self, arguments: &[&str]) -> String {
        self.rehearsal.operator(arguments).ok().out
    }

    /// Asks the interface as another program does, as who founded it; returns what it told.
    ///
    /// # Panics
    /// When it refuses.
    #[must_use]
    #[track_caller]
    pub fn ask(&self, target: &str, body: Option<&Value>) -> Value {
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", "--unix-socket"]).arg(self.rehearsal.state("operator.sock"));
        if let Some(body) = body {
            command.args(["--json", &body.to_string()]);
        }
        let said = finish(command.arg(format!("http://operator{target}")));
        assert!(said.success, "{target}: {}", said.all());
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{target}: {error}: {}", said.out))
    }

    /// Writes a certification request, DER, into a file of this name.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    pub fn request_file(&self, subject: &str, name: &str) -> PathBuf {
        let folder = self.rehearsal.unique("uploads");
        std::fs::create_dir(&folder).expect("a directory");
        let (key, file) = (folder.join("key.pem"), folder.join(name));
        make_key(&key, "P-256");
        std::fs::write(&file, make_request(&key, subject, "sha256", &[])).expect("a name that Linux takes");
        file
    }
}

/// What the quickstart wrote, with two people where the chapters have two.
fn configured(text: String) -> String {
    let waits = "label = \"meter-op-ds-s1\"\ngrace_minutes";
    let text =
        text.replace(waits, "label = \"meter-op-ds-s1\"\napproval = { operators = \"two\" }\ngrace_minutes");
    let factory = |text: String, row: &str| {
        let before = format!("profile = \"meter-factory-{row}-s1\"\ndoors = [\"registration-authority\"]\n");
        assert!(text.contains(&before), "a factory offer of the rehearsal");
        let after = format!("{}order = \"required\"\n", before.replace("[\"reg", "[\"operator\", \"reg"));
        text.replace(&before, &after)
    };
    let text = ["ds", "ka"].into_iter().fold(text, factory);
    format!("{text}\n[revocation]\ntwo_people_from = 2\n")
}
