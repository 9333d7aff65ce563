//! What a doctor is told of the process that serves, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{Sha256, UnixSeconds};

/// The process and the end of its records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProcessView {
    /// The version of the program.
    pub version: String,
    /// SHA-256 of the configuration that it was started with, in hexadecimal.
    #[schema(value_type = Sha256)]
    pub configuration_sha256: String,
    /// SHA-256 over the profile files at its start; none where they are built in.
    #[schema(value_type = Option<Sha256>)]
    pub profiles_sha256: Option<String>,
    /// Its wall clock.
    #[schema(value_type = UnixSeconds)]
    pub now: i64,
    /// The number of the last audit record.
    pub sequence: u64,
    /// When it was written; none while there is no record.
    #[schema(value_type = Option<UnixSeconds>)]
    pub last_record_at: Option<i64>,
    /// When the last backup was made, if one of the last records tells of it.
    #[schema(value_type = Option<UnixSeconds>)]
    pub last_backup_at: Option<i64>,
    /// What is wrong with the last records: they do not hold together.
    pub broken: Option<String>,
    /// How many open files the process may have.
    pub open_files: Option<u64>,
}
