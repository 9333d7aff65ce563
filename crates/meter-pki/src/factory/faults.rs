//! What is wrong with single files, written as CSV for people and line software.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use status_server::aside::Aside;

use crate::exit::{Exit, Failure};

/// What is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FileFault {
    pub(crate) file: String,
    pub(crate) system_title: String,
    pub(crate) purpose: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl FileFault {
    /// A fault of a file of which no more is known than its name.
    pub(crate) fn of(file: &str, code: &str, message: impl std::fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            system_title: String::new(),
            purpose: String::new(),
            code: code.to_owned(),
            message: message.to_string(),
        }
    }

    /// The same, of a file for a device and a purpose.
    pub(crate) fn wanted(self, wish: &super::names::Wish) -> Self {
        Self { system_title: wish.title.to_string(), purpose: wish.purpose.name().to_owned(), ..self }
    }
}

/// Writes the faults in the place of those of the run before; where there are none, a heading alone.
pub(crate) fn write(path: &Path, faults: &[FileFault]) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, "faults.unwritable", format!("{}: {error}", path.display()))
    };
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer
        .write_record(["file", "system_title", "purpose", "code", "message"])
        .map_err(|error| failed(&error))?;
    for fault in faults {
        let cells = [&fault.file, &fault.system_title, &fault.purpose, &fault.code, &fault.message];
        writer.write_record(cells.map(|cell| plain(cell))).map_err(|error| failed(&error))?;
    }
    let octets = writer.into_inner().map_err(|error| failed(&error.error()))?;
    let mut aside = Aside::begin(path).map_err(|error| failed(&error))?;
    aside.file().write_all(&octets).map_err(|error| failed(&error))?;
    aside.put().map(drop).map_err(|error| failed(&error))
}

/// I-07: what a spreadsheet would take for a formula is text.
fn plain(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell: String = cell.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    if formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i_07_a_name_that_is_a_formula_is_written_as_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("faults.csv");
        write(&path, &[FileFault::of("=HYPERLINK(\"x\").csr", "name.unknown", "a, \"b\"\nc")]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("file,system_title,purpose,code,message"));
        assert_eq!(lines.next(), Some("\"'=HYPERLINK(\"\"x\"\").csr\",,,name.unknown,\"a, \"\"b\"\" c\""));
        assert_eq!(lines.next(), None);
    }
}
