//! The credentials for a store: a TOML file of mode 0600 with `access_key`, `secret_key` and perhaps `session_token`.
//!
//! Read anew at each use, so that they can be changed while the program runs. Never printed.

use std::path::Path;

use rusty_s3::Credentials;
use serde::Deserialize;

use crate::private_text;
use crate::push::PushError;

/// The file as it is written. Not printable on purpose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCredentials {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
}

/// Reads the file, which nobody else may read.
pub(super) fn read(file: &Path) -> Result<Credentials, PushError> {
    let unusable = |why: &dyn std::fmt::Display| PushError::Credentials {
        file: file.display().to_string(),
        why: why.to_string(),
    };
    let text = private_text::read(file).map_err(|why| unusable(&why))?;
    // What the parser says would show the line.
    let raw: RawCredentials =
        toml::from_str(&text).map_err(|_| unusable(&"the file is TOML with access_key and secret_key"))?;
    let RawCredentials { access_key, secret_key, session_token } = raw;
    Ok(match session_token {
        Some(token) => Credentials::new_with_token(access_key, secret_key, token),
        None => Credentials::new(access_key, secret_key),
    })
}
