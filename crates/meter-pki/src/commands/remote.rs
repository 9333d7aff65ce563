//! A server elsewhere, as an operator's own file names it: over TLS 1.3, with his certificate, whose key is in a file or
//! on a token, or with what an identity provider gave him when he signed in.

use std::sync::Arc;

use client_kit::{FileKey, Identity};
use rustls::version::TLS13;

use super::credential::file::{CredentialFile, read_text};
use super::credential::keys::KeyPlace;
use super::credential::{identity, roots};
use crate::compose::SystemClock;
use crate::config::{RemoteServer, RemoteSignIn};
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, Reached};
use crate::sign_in::{SignInPlace, TokenFile, TokenKind, Wanted, is_fit};
use crate::web::{self, WebPlace};

/// Makes its client; connects at each request.
pub(super) fn client(server: &RemoteServer) -> Result<OperatorClient, Failure> {
    let unfit = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "config.faulty", error);
    let place = WebPlace::parse(&server.url).map_err(|error| unfit(&error))?;
    if !server.url.starts_with("https://") || place.target() != "/" {
        return Err(unfit(&format!("{} is not https://HOST[:PORT]", server.url)));
    }
    let certificate_file = match (&server.certificate_file, &server.sign_in) {
        (Some(file), None) => file,
        (None, Some(one)) => {
            let tls = client_kit::trusting(&roots(&server.trust_file)?, &Identity::Anonymous, &[&TLS13]);
            let tls = tls.map_err(|error| unfit(&error))?;
            return Ok(OperatorClient::signed_in(place, tls, (token_file(one)?, by_curl(server))));
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(unfit(&"[server] has certificate_file or [server.sign_in], and not both"));
        }
    };
    let mut file = CredentialFile::read(certificate_file)?;
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
fn by_curl(server: &RemoteServer) -> Reached {
    let text = |path: &std::path::Path| path.display().to_string();
    let mut options = vec!["--cacert".to_owned(), text(&server.trust_file)];
    match &server.certificate_file {
        Some(certificate) => options.extend(["--cert".to_owned(), text(certificate)]),
        // A token is shown nowhere.
        None => options.extend(["--oauth2-bearer", "TOKEN"].map(str::to_owned)),
    }
    let key = server.key_file.as_deref().map(text).or_else(|| server.token_uri.clone());
    options.extend(key.into_iter().flat_map(|key| ["--key".to_owned(), key]));
    (options, server.url.trim_end_matches('/').to_owned())
}

/// Where the token of whoever signs in is kept, and where he does so.
fn token_file(sign_in: &RemoteSignIn) -> Result<TokenFile, Failure> {
    let unfit = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "config.faulty", error);
    let RemoteSignIn { issuer, client_id, token_file, trust_file, .. } = sign_in;
    if !is_fit(issuer) {
        return Err(unfit(&format!("server.sign_in.issuer: {issuer} is neither https nor on this machine")));
    }
    let kind = sign_in.token.as_deref().map_or(Some(TokenKind::Access), TokenKind::from_name);
    let kind = kind.ok_or_else(|| unfit(&"server.sign_in.token: is access-token or id-token"))?;
    let tls = match trust_file {
        Some(file) => Some(web::trusting(file).map_err(|error| unfit(&error))?),
        None if issuer.starts_with("https://") => {
            return Err(unfit(&"server.sign_in.trust_file: names the roots that vouch for the provider"));
        }
        None => None,
    };
    let wanted = Wanted {
        client_id: client_id.clone(),
        scope: sign_in.scope.clone(),
        resource: sign_in.resource.clone(),
        kind,
        redirect_port: sign_in.redirect_port,
        clock: Arc::new(SystemClock),
    };
    Ok(TokenFile::new(token_file.clone(), SignInPlace::new(issuer, tls, wanted)))
}
