//! What an identity provider says of itself at `/.well-known/openid-configuration` (`OpenID` Connect Discovery §3, RFC 8414).

use serde::Deserialize;

use super::link::is_fit;

/// Where its endpoints are.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    /// `issuer`
    issuer: String,
    /// `jwks_uri`
    pub(super) jwks_uri: String,
    /// `authorization_endpoint`
    pub(super) authorization_endpoint: Option<String>,
    /// `token_endpoint`
    pub(super) token_endpoint: Option<String>,
    /// `device_authorization_endpoint` (RFC 8628 §4)
    pub(super) device_authorization_endpoint: Option<String>,
    /// `revocation_endpoint` (RFC 7009)
    pub(super) revocation_endpoint: Option<String>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3)
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Reads it. The issuer has to be the one that was asked for, octet for octet, and every address over TLS, or on this machine.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn parse(issuer: &str, json: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(json).map_err(|error| format!("its metadata: {error}"))?;
        // OpenID Connect Discovery §4.3: identical.
        if read.issuer != issuer {
            return Err("its metadata names another issuer".to_owned());
        }
        let endpoints = [
            Some(&read.jwks_uri),
            read.authorization_endpoint.as_ref(),
            read.token_endpoint.as_ref(),
            read.device_authorization_endpoint.as_ref(),
            read.revocation_endpoint.as_ref(),
        ];
        if endpoints.into_iter().flatten().all(|url| is_fit(url)) {
            return Ok(read);
        }
        Err("its metadata names an address that is neither https nor on this machine".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_the_one_that_was_asked_for_and_every_address_is_secure() {
        let text = |issuer: &str, keys: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}","x":1}}"#);
        let read =
            |issuer: &str, keys: &str| Metadata::parse("https://id.example", text(issuer, keys).as_bytes());
        assert!(read("https://id.example", "https://id.example/keys").is_ok());
        for (issuer, keys) in [
            ("https://id.example/", "https://id.example/keys"),
            ("https://ID.example", "https://id.example/keys"),
            ("https://id.example", "http://id.example/keys"),
            ("https://id.example", "file:///etc/passwd"),
        ] {
            assert!(read(issuer, keys).is_err(), "{issuer} {keys}");
        }
        assert!(Metadata::parse("https://id.example", b"{}").is_err());
    }
}
