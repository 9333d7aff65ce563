//! `ceremony check`: reads a ceremony file as the ceremony will, shows what the room reads aloud, and writes the script.
//!
//! Anybody can do it on any machine, long before the ceremony: nothing is opened but the file and its inputs, which lie in
//! `inputs/` beside it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ::ceremony::file::inputs::InputFault;
use ::ceremony::file::{CeremonyFile, CeremonyFileError};
use ::ceremony::script;
use serde::Serialize;

use crate::explain::{Exit, Explained};
use crate::new_file::{self, NewFileError, Readers};

/// The name of the directory of inputs.
pub(crate) const INPUTS: &str = "inputs";

/// A ceremony file that can be carried out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckedFile {
    title: String,
    held: String,
    sha256: String,
    grouped: String,
    words: Vec<&'static str>,
    people: usize,
    acts: Vec<String>,
    inputs: usize,
    script: Option<PathBuf>,
}

impl fmt::Display for CheckedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The ceremony file is in order.")?;
        writeln!(f, "  Title    {}", self.title)?;
        writeln!(f, "  Held     {}", self.held)?;
        writeln!(f, "  People   {}", self.people)?;
        writeln!(f, "  Acts     {}", self.acts.join(", "))?;
        writeln!(f, "  Inputs   {}, each as it was reviewed", self.inputs)?;
        writeln!(f, "  SHA-256  {}", self.grouped)?;
        for (number, words) in self.words.chunks(4).enumerate() {
            writeln!(f, "  {}  {}", if number == 0 { "Words  " } else { "       " }, words.join(" "))?;
        }
        if let Some(script) = &self.script {
            writeln!(f, "  Script   {}", script.display())?;
        }
        write!(f, "Next: have the file reviewed, and the words written down where they are read aloud")
    }
}

/// Checks a ceremony file and writes its script.
pub(crate) fn check(path: &Path, script: Option<&Path>) -> Result<CheckedFile, CheckFileError> {
    let unreadable = |cause| CheckFileError::Unreadable { path: path.to_owned(), cause };
    let file = CeremonyFile::parse(&fs::read(path).map_err(unreadable)?)?;
    let inputs = file.read_inputs(&path.with_file_name(INPUTS)).map_err(CheckFileError::Inputs)?;
    if let Some(out) = script {
        let text = match out.extension().and_then(|extension| extension.to_str()) {
            Some("md") => script::markdown(&file, false),
            Some("html") => script::html(&file, false),
            _ => return Err(CheckFileError::NoForm { path: out.to_owned() }),
        };
        new_file::create(out, text.as_bytes(), Readers::Everybody)?;
    }
    Ok(CheckedFile {
        title: file.title().to_owned(),
        held: file.held().to_string(),
        sha256: file.fingerprint().to_string(),
        grouped: file.fingerprint().grouped(),
        words: file.fingerprint().words(),
        people: file.people().iter().count(),
        acts: file.acts().iter().map(|act| format!("{} {}", act.number, act.kind.name())).collect(),
        inputs: inputs.len(),
        script: script.map(Path::to_owned),
    })
}

/// Why a ceremony file cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckFileError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The file is not in order.
    #[error(transparent)]
    NotInOrder(#[from] CeremonyFileError),
    /// Inputs are absent, or others than were reviewed.
    #[error("the inputs are not those of the ceremony file:{}", listed(.0))]
    Inputs(Vec<InputFault>),
    /// The name of the script says no form.
    #[error("{path} ends neither in .md nor in .html", path = path.display())]
    NoForm {
        /// Its path.
        path: PathBuf,
    },
    /// The script cannot be written.
    #[error(transparent)]
    Script(#[from] NewFileError),
}

fn listed(faults: &[InputFault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

impl Explained for CheckFileError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::NotInOrder(_) | Self::NoForm { .. } => Exit::Usage,
            Self::Inputs(faults) => {
                let absent = faults.iter().any(|fault| matches!(fault, InputFault::Absent { .. }));
                if absent { Exit::NotFound } else { Exit::Refused }
            }
            Self::Script(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file.unreadable",
            Self::NotInOrder(_) => "ceremony.file",
            Self::Inputs(_) => "ceremony.inputs",
            Self::NoForm { .. } => "ceremony.script",
            Self::Script(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and the mode of the file".to_owned(),
            Self::NotInOrder(_) => "correct the file, and have it reviewed again".to_owned(),
            Self::Inputs(_) => {
                "put the files that were reviewed into inputs/ beside the ceremony file; where one is another, find out who \
                 changed it"
                    .to_owned()
            }
            Self::NoForm { .. } => "name the script SCRIPT.md or SCRIPT.html".to_owned(),
            Self::Script(error) => error.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// The text of a ceremony that signs a sub-CA.
    fn text(request_sha256: &str) -> String {
        let mut text = String::from("format = 1\ntitle = \"First\"\nheld = \"2026-11-28T09:00:00Z\"\n");
        let folder = tempfile::tempdir().unwrap();
        let keys = signer_file::KeyDirectory::create(&folder.path().join("keys")).unwrap();
        let passphrase = signer_file::Passphrase::new(b"for tests only".to_vec().into()).unwrap();
        for role in ["administrator", "operator", "witness"] {
            let key = keys.generate(ca_core::suite::Curve::P256, &passphrase).unwrap();
            let pem =
                der::pem::encode_string("PUBLIC KEY", der::pem::LineEnding::LF, key.spki_der()).unwrap();
            write!(text, "[[person]]\nname = \"{role}\"\nrole = \"{role}\"\nkey = \"\"\"\n{pem}\"\"\"\n")
                .unwrap();
        }
        text + "[[root]]\nname = \"a\"\nsuite = 1\ntenant = \"t\"\nprofile = \"root\"\nkeys = { store = \"file\" }\n\
                subject = { country = \"NL\", organization = \"O\", common_name = \"R\" }\n\
                profiles = { variant = \"gurux-safe\", policy_arc = \"1.3.6.1.4.1.32473.1\" }\n\
                [[act]]\nkind = \"found-root\"\nroot = \"a\"\n\
                [[act]]\nkind = \"sign-sub-ca\"\nroot = \"a\"\nprofile = \"sub-factory-s1\"\nrequest = \"r\"\n"
            + &format!("sha256 = \"{request_sha256}\"\n")
    }

    #[test]
    fn r_04_an_input_that_is_absent_or_another_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ceremony.toml");
        fs::write(&path, text(&crate::fingerprint::of(b"request"))).unwrap();
        assert_eq!(check(&path, None).unwrap_err().exit(), Exit::NotFound);
        fs::create_dir(folder.path().join("inputs")).unwrap();
        fs::write(folder.path().join("inputs/r"), b"other").unwrap();
        assert_eq!(check(&path, None).unwrap_err().exit(), Exit::Refused);
        fs::write(folder.path().join("inputs/r"), b"request").unwrap();
        let checked = check(&path, Some(&folder.path().join("script.html"))).unwrap();
        assert_eq!((checked.words.len(), checked.inputs), (32, 1));
        assert!(fs::read_to_string(folder.path().join("script.html")).unwrap().contains(checked.words[0]));
        let again = check(&path, Some(&folder.path().join("script.html"))).unwrap_err();
        assert_eq!(again.exit(), Exit::Conflict);
        assert_eq!(check(&path, Some(Path::new("script.pdf"))).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn a_faulty_file_is_a_fault_of_usage_with_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ceremony.toml");
        fs::write(&path, text("00").replace("role = \"witness\"", "role = \"guest\"")).unwrap();
        let error = check(&path, None).unwrap_err();
        assert_eq!((error.exit(), error.code()), (Exit::Usage, "ceremony.file"));
        assert!(error.to_string().contains("\n  line "), "{error}");
    }
}
