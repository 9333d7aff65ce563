//! The files that a ceremony takes in: there, and with the SHA-256 that was reviewed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::CeremonyFile;
use super::act::{FileName, InputFile};
use crate::words::Fingerprint;

/// How long an input may be, in octets: a CRL of a large sub-CA has some millions.
pub const MOST_OCTETS: u64 = 64 * 1024 * 1024;

/// An input as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Which act takes it in.
    pub act: u32,
    /// Its name.
    pub name: FileName,
    /// Its octets, which have the SHA-256 that the ceremony file says.
    pub octets: Vec<u8>,
}

impl CeremonyFile {
    /// Reads every input from a directory.
    ///
    /// # Errors
    /// Each [`InputFault`]: all are reported.
    pub fn read_inputs(&self, directory: &Path) -> Result<Vec<Input>, Vec<InputFault>> {
        let (mut inputs, mut faults) = (Vec::new(), Vec::new());
        for act in self.acts() {
            for input in act.kind.inputs() {
                match read(directory, input) {
                    Ok(octets) => inputs.push(Input { act: act.number, name: input.name.clone(), octets }),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        if faults.is_empty() { Ok(inputs) } else { Err(faults) }
    }
}

fn read(directory: &Path, input: &InputFile) -> Result<Vec<u8>, InputFault> {
    let name = &input.name;
    let absent = |cause| InputFault::Absent { name: name.clone(), cause };
    let mut octets = Vec::new();
    let file = File::open(directory.join(name.as_str())).map_err(absent)?;
    file.take(MOST_OCTETS + 1).read_to_end(&mut octets).map_err(absent)?;
    // what lies on the medium is what was reviewed.
    let found = Fingerprint::of(&octets);
    if found != input.sha256 {
        return Err(InputFault::Other { name: name.clone(), found, wanted: input.sha256 });
    }
    Ok(octets)
}

/// What is wrong with an input.
#[derive(Debug, thiserror::Error)]
pub enum InputFault {
    /// Not there, or not readable.
    #[error("{name} cannot be read: {cause}")]
    Absent {
        /// Its name.
        name: FileName,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Another file than the one that was reviewed.
    #[error("{name} has the SHA-256 {found}, and {wanted} was reviewed")]
    Other {
        /// Its name.
        name: FileName,
        /// What it has.
        found: Fingerprint,
        /// What the ceremony file says.
        wanted: Fingerprint,
    },
}
