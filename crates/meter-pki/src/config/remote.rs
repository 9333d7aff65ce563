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
    /// `certificate_file`: PEM, the operator's certificate, and its key unless that is elsewhere; none for whoever signs in.
    pub(crate) certificate_file: Option<PathBuf>,
    /// `key_file`: its key, PEM PKCS#8, where it stands in a file of its own.
    pub(crate) key_file: Option<PathBuf>,
    /// `token_uri`: the token with its key, as a PKCS#11 URI with module-path and pin-source.
    pub(crate) token_uri: Option<String>,
    /// `[server.sign_in]`, in the place of a certificate.
    pub(crate) sign_in: Option<RemoteSignIn>,
}

/// `[server.sign_in]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoteSignIn {
    /// `issuer`: the identity provider, exactly as the server's configuration names it.
    pub(crate) issuer: String,
    /// `client_id`: what this program is called there; it has no secret.
    pub(crate) client_id: String,
    /// `token_file`: where the token is kept; made with mode 0600.
    pub(crate) token_file: PathBuf,
    /// `trust_file`: the roots that vouch for the provider; given for https.
    pub(crate) trust_file: Option<PathBuf>,
    /// `resource`: the server's name at the provider (RFC 8707), where that wants to be told.
    pub(crate) resource: Option<String>,
    /// `scope`: what is asked for; `openid` unless given.
    pub(crate) scope: Option<String>,
    /// `token`: which the server takes: `access-token`, which is usual, or `id-token`.
    pub(crate) token: Option<String>,
    /// `redirect_port`: the port of the redirection, for providers that want to know it; one of the system's choice unless given.
    pub(crate) redirect_port: Option<u16>,
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
            certificate_file: server.certificate_file.as_deref().map(|path| beside(file, path)),
            sign_in: server.sign_in.map(|one| RemoteSignIn {
                token_file: beside(file, &one.token_file),
                trust_file: one.trust_file.as_deref().map(|path| beside(file, path)),
                ..one
            }),
            key_file: server.key_file.as_deref().map(|path| beside(file, path)),
            ..server
        }))
    }
}
