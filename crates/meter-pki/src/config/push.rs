//! `[[status.push]]`: a folder of another web server, or a store that speaks S3, where what is published is also put.

use std::path::PathBuf;

use serde::Deserialize;

/// A target as it is written: either `directory`, or `endpoint` with what follows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPush {
    /// `directory`: a folder that exists, such as the root of another web server.
    pub directory: Option<PathBuf>,
    /// `endpoint`: `http[s]://HOST[:PORT]` of a store that speaks S3.
    pub endpoint: Option<String>,
    /// `bucket`: the bucket, which exists.
    pub bucket: Option<String>,
    /// `region`: as the store wants requests signed.
    #[serde(default = "default_region")]
    pub region: String,
    /// `prefix`: what the names of objects begin with; ends in `/` unless it is empty.
    #[serde(default)]
    pub prefix: String,
    /// `credentials_file`: TOML with `access_key`, `secret_key` and perhaps `session_token`; mode 0600.
    pub credentials_file: Option<PathBuf>,
    /// `roots_file`: PEM; who vouches for an endpoint that is https.
    pub roots_file: Option<PathBuf>,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}
