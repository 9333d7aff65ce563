//! The configuration file of whoever operates a server elsewhere: where it is, who vouches for it, and which certificate is shown.
//!
//! It stands in the place of the server's own file: `--config FILE`. Paths are relative to the file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{CheckConfigError, beside};

/// The file: `[server]` and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRemote {
    server: RemoteServer,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoteServer {
    /// `url`: `https://HOST[:PORT]`.
    pub(crate) url: String,
    /// `trust_file`: the roots that vouch for the server, PEM, or one in DER.
    pub(crate) trust_file: PathBuf,
    /// `certificate_file`: PEM, the operator's certificate, and its key unless that is elsewhere.
    pub(crate) certificate_file: PathBuf,
    /// `key_file`: its key, PEM PKCS#8, where it stands in a file of its own.
    pub(crate) key_file: Option<PathBuf>,
    /// `token_uri`: the token with its key, as a PKCS#11 URI with module-path and pin-source.
    pub(crate) token_uri: Option<String>,
}

impl RemoteServer {
    /// Reads where a server elsewhere is; none for a file of another kind.
    ///
    /// # Errors
    /// The faults of the file itself.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>, CheckConfigError> {
        // What is wrong with a file of the other kind is told where that is read.
        let is_remote = std::fs::read_to_string(file)
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok())
            .is_some_and(|table| table.contains_key("server"));
        if !is_remote {
            return Ok(None);
        }
        let RawRemote { server } = super::load(file)?;
        Ok(Some(Self {
            trust_file: beside(file, &server.trust_file),
            certificate_file: beside(file, &server.certificate_file),
            key_file: server.key_file.as_deref().map(|path| beside(file, path)),
            ..server
        }))
    }
}
