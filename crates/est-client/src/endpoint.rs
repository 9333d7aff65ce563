//! Where an EST server is: `https://host:port/.well-known/est/label` (RFC 7030 §3.2.2).

use core::fmt;

use client_kit::{Authority, ParseAuthorityError};

/// The address of an EST server, with its label if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: Authority,
    path: String,
}

impl Endpoint {
    /// Parses `https://HOST[:PORT][/.well-known/est[/LABEL]]`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// [`ParseEndpointError`].
    pub fn parse(text: &str) -> Result<Self, ParseEndpointError> {
        // RFC 7030 §3.2.2: EST is spoken over HTTPS only.
        let rest = text.strip_prefix("https://").ok_or(ParseEndpointError::NotHttps)?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let path = match path.trim_end_matches('/') {
            "" => "/.well-known/est",
            given => given,
        };
        let label = path.strip_prefix("/.well-known/est").ok_or(ParseEndpointError::Path)?;
        if !(label.is_empty() || label.starts_with('/') && label.matches('/').count() == 1) {
            return Err(ParseEndpointError::Path);
        }
        Ok(Self { authority: Authority::parse(authority, 443)?, path: path.to_owned() })
    }

    /// Returns the same server under another label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Self {
        Self { path: format!("/.well-known/est/{label}"), ..self.clone() }
    }

    /// Returns the host, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Returns the port, 443 unless given.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.authority.port()
    }

    /// Returns the path of an operation.
    #[must_use]
    pub fn path_of(&self, operation: &str) -> String {
        format!("{}/{operation}", self.path)
    }

    /// Returns what stands in the Host field (RFC 9110 §7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        self.authority.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority(), self.path)
    }
}

/// Why a text is not the address of an EST server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseEndpointError {
    /// Another scheme, or none.
    #[error("the address of an EST server begins with https://")]
    NotHttps,
    /// No host, or no port.
    #[error(transparent)]
    Authority(#[from] ParseAuthorityError),
    /// Another path.
    #[error("the path of an EST server is /.well-known/est or /.well-known/est/LABEL")]
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_host_port_and_label() {
        for (text, authority, path) in [
            ("https://est.example", "est.example:443", "/.well-known/est/cacerts"),
            ("https://est.example/", "est.example:443", "/.well-known/est/cacerts"),
            ("https://est.example:8443/.well-known/est/", "est.example:8443", "/.well-known/est/cacerts"),
            ("https://[::1]:1/.well-known/est/gw", "[::1]:1", "/.well-known/est/gw/cacerts"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(
                (endpoint.authority().as_str(), endpoint.path_of("cacerts").as_str()),
                (authority, path)
            );
            assert_eq!(Endpoint::parse(&endpoint.to_string()), Ok(endpoint));
        }
    }

    #[test]
    fn refuses_what_is_not_the_address_of_an_est_server() {
        for (text, error) in [
            ("http://est.example", ParseEndpointError::NotHttps),
            ("est.example", ParseEndpointError::NotHttps),
            ("https://", ParseAuthorityError::Host.into()),
            ("https://user@est.example", ParseAuthorityError::Host.into()),
            ("https://est.example:", ParseAuthorityError::Port.into()),
            ("https://est.example:port", ParseAuthorityError::Port.into()),
            ("https://[::1]8", ParseAuthorityError::Port.into()),
            ("https://est.example/est", ParseEndpointError::Path),
            ("https://est.example/.well-known/est/a/b", ParseEndpointError::Path),
            ("https://est.example/.well-known/established", ParseEndpointError::Path),
        ] {
            assert_eq!(Endpoint::parse(text), Err(error), "{text}");
        }
    }
}
