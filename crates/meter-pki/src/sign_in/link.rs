//! HTTP to an identity provider: short answers in a short time, over TLS with the roots that are named, or on this machine.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use rustls::ClientConfig;
use url::form_urlencoded::Serializer;
use url::{Host, Url};

use super::keys::Keys;
use super::metadata::Metadata;
use crate::web::{self, WebPlace};

/// The longest answer that is read, in octets: a set of 64 keys with certificates.
const LONGEST: usize = 256 * 1024;

/// The way to a provider.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    issuer: String,
    tls: Option<Arc<ClientConfig>>,
    patience: Duration,
}

impl Link {
    /// Makes one that waits so long for each answer; connects at each question.
    pub(crate) fn new(issuer: &str, tls: Option<ClientConfig>, patience: Duration) -> Self {
        Self { issuer: issuer.to_owned(), tls: tls.map(Arc::new), patience }
    }

    /// Returns the issuer.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Asks for what the provider says of itself (`OpenID` Connect Discovery §4.1).
    pub(super) async fn metadata(&self) -> Result<Metadata, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        Metadata::parse(&self.issuer, &self.get(&url).await?)
    }

    /// Asks for its keys.
    pub(super) async fn keys(&self, metadata: &Metadata) -> Result<Keys, String> {
        Keys::parse(&self.get(&metadata.jwks_uri).await?).map_err(|error| format!("its keys: {error}"))
    }

    async fn get(&self, url: &str) -> Result<Bytes, String> {
        match self.exchange(Method::GET, url, String::new()).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(format!("{url} answers {status}")),
        }
    }

    /// Posts a form (RFC 6749 appendix B).
    pub(super) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<(StatusCode, Bytes), String> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        self.exchange(Method::POST, url, body).await
    }

    async fn exchange(&self, method: Method, url: &str, body: String) -> Result<(StatusCode, Bytes), String> {
        let fault = |error: &dyn std::fmt::Display| format!("{url}: {error}");
        let place = WebPlace::parse(url).map_err(|error| fault(&error))?;
        let request = Request::builder()
            .method(method)
            .uri(place.target())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| fault(&error))?;
        let asked = async {
            let response =
                web::send(&place, self.tls.as_ref(), request).await.map_err(|error| fault(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST).collect().await;
            body.map(|body| (status, body.to_bytes())).map_err(|error| fault(&error))
        };
        let late = |_| format!("{url}: no answer within {} s", self.patience.as_secs());
        tokio::time::timeout(self.patience, asked).await.map_err(late)?
    }
}

/// Tells whether tokens and codes may go to an address: over TLS, or without it on this machine (RFC 8252 §8.3).
pub(crate) fn is_fit(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    is_secure && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_nowhere_but_this_machine() {
        for fit in ["https://id.example", "https://id.example/a?b", "http://127.0.0.1:8080/", "http://[::1]/"]
        {
            assert!(is_fit(fit), "{fit}");
        }
        for unfit in [
            "http://id.example",
            "ftp://localhost",
            "https://a:b@id.example",
            "https://id.example/#a",
            "http://localhost.example",
            "id.example",
        ] {
            assert!(!is_fit(unfit), "{unfit}");
        }
    }
}
