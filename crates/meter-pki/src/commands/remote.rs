//! A server elsewhere, as an operator's own file names it: over TLS 1.3, with his certificate, whose key is in a file or on a token.

use client_kit::FileKey;
use rustls::version::TLS13;

use super::credential::file::{CredentialFile, read_text};
use super::credential::keys::KeyPlace;
use super::credential::{identity, roots};
use crate::config::RemoteServer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::web::WebPlace;

/// Makes its client; connects at each request.
pub(super) fn client(server: &RemoteServer) -> Result<OperatorClient, Failure> {
    let unfit = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "config.faulty", error);
    let place = WebPlace::parse(&server.url).map_err(|error| unfit(&error))?;
    if !server.url.starts_with("https://") || place.target() != "/" {
        return Err(unfit(&format!("{} is not https://HOST[:PORT]", server.url)));
    }
    let mut file = CredentialFile::read(&server.certificate_file)?;
    if let Some(path) = &server.key_file {
        let key = FileKey::from_pem(&read_text(path)?);
        let key = key.map_err(|error| unfit(&format!("{}: {error}", path.display())))?;
        if key.public() != file.certificate.public_key() {
            return Err(unfit(&format!("{} is not the key of the certificate", path.display())));
        }
        file.key = Some(key);
    }
    let identity = identity(file, &KeyPlace::open(server.token_uri.as_deref())?)?;
    let tls = client_kit::trusting(&roots(&server.trust_file)?, &identity, &[&TLS13]);
    tls.map(|tls| OperatorClient::elsewhere(place, tls, by_curl(server))).map_err(|error| unfit(&error))
}

/// How curl would reach the server.
fn by_curl(server: &RemoteServer) -> (Vec<String>, String) {
    let text = |path: &std::path::Path| path.display().to_string();
    let mut options = vec!["--cacert".to_owned(), text(&server.trust_file)];
    options.extend(["--cert".to_owned(), text(&server.certificate_file)]);
    let key = server.key_file.as_deref().map(text).or_else(|| server.token_uri.clone());
    options.extend(key.into_iter().flat_map(|key| ["--key".to_owned(), key]));
    (options, server.url.trim_end_matches('/').to_owned())
}
