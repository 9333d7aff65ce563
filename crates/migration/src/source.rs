//! Which programs there are readers for, and what each needs.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::drafts::configured::{self, Configured};
use crate::list::List;
use crate::read_error::{ConfigurationFault, ReadError};
use crate::{cfssl, ejbca, openssl, own, step};

/// A program that keeps records of a CA, or a form that others can be brought into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `openssl ca`.
    OpensslCa,
    /// CFSSL.
    Cfssl,
    /// step-ca.
    StepCa,
    /// EJBCA.
    Ejbca,
    /// Columns of our own.
    Csv,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::OpensslCa, Self::Cfssl, Self::StepCa, Self::Ejbca, Self::Csv];

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpensslCa => "openssl-ca",
            Self::Cfssl => "cfssl",
            Self::StepCa => "step-ca",
            Self::Ejbca => "ejbca",
            Self::Csv => "csv",
        }
    }
}

/// Reads what a program has on record. `certificates` is where `openssl ca` keeps them; `newcerts` beside the index unless given.
///
/// # Errors
/// [`ReadError`] where the whole cannot be read; a row that cannot be is a fault in the list.
pub fn read(source: Source, file: &Path, certificates: Option<&Path>) -> Result<List, ReadError> {
    let beside = file.parent().unwrap_or_else(|| Path::new("."));
    if source == Source::OpensslCa {
        let usual = file.with_file_name("newcerts");
        return openssl::read(file, certificates.unwrap_or(&usual));
    }
    let opened = File::open(file).map_err(|cause| ReadError::File { file: file.into(), cause })?;
    let opened = BufReader::new(opened);
    match source {
        Source::OpensslCa | Source::Csv => own::read(opened, beside),
        Source::Cfssl => cfssl::read(opened),
        Source::StepCa => step::read(opened),
        Source::Ejbca => ejbca::read(opened),
    }
}

/// Reads the configurations of a program, and proposes a profile for each kind of certificates that they describe.
///
/// # Errors
/// [`ReadError`] where one of them cannot be read; then nothing is proposed.
pub fn configured(source: Source, files: &[PathBuf]) -> Result<Configured, ReadError> {
    let mut all = Configured::default();
    for file in files {
        let octets = std::fs::read(file).map_err(|cause| ReadError::File { file: file.clone(), cause })?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = String::from_utf8(octets).map_err(|_| ConfigurationFault::Text);
        let found = text.and_then(|text| match source {
            Source::OpensslCa => configured::openssl::read(&text),
            Source::Cfssl => configured::cfssl::read(&text),
            Source::StepCa => configured::step::read(&text),
            Source::Ejbca => configured::ejbca::read(&text, &name),
            Source::Csv => Err(ConfigurationFault::NoProgram),
        });
        let fault = |fault| ReadError::Configuration { file: file.clone(), program: source.name(), fault };
        all.add(&name, found.map_err(fault)?);
    }
    Ok(all)
}
