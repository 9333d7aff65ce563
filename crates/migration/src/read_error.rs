//! What makes the whole of a program's record unreadable. A row that cannot be read is a fault in the list.

mod configuration;

use std::path::PathBuf;

pub use configuration::ConfigurationFault;

/// Why nothing can be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or directory.
    #[error("{} cannot be read: {cause}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A column that the export must have.
    #[error("the export has no column {missing}")]
    Column {
        /// Which.
        missing: String,
    },
    /// The export is not CSV.
    #[error("the export cannot be read as CSV: {0}")]
    Csv(#[source] csv::Error),
    /// The configuration of a program is none.
    #[error("{} is no configuration of {program}: {fault}", file.display())]
    Configuration {
        /// Which.
        file: PathBuf,
        /// Of which program it should be.
        program: &'static str,
        /// Why.
        #[source]
        fault: ConfigurationFault,
    },
}

impl ReadError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "migration.file",
            Self::Column { .. } => "migration.column",
            Self::Csv(_) => "migration.csv",
            Self::Configuration { .. } => "migration.config",
        }
    }
}
