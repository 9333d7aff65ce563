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
    tls.map(|tls| OperatorClient::elsewhere(place, tls)).map_err(|error| unfit(&error))
}
