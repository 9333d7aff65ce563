//! Where an EST server is: `https://host:port/.well-known/est/label` (RFC 7030 §3.2.2).

use core::fmt;
use std::net::SocketAddr;

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

    /// Returns the same server, with connections to it going to another address, such as a relay's.
    #[must_use]
    pub fn by_way_of(&self, address: SocketAddr) -> Self {
        Self { authority: self.authority.clone().by_way_of(address), path: self.path.clone() }
    }

    /// Returns where connections go.
    pub(crate) fn destination(&self) -> (String, u16) {
        self.authority.destination()
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

    /// Returns the path that a redirection leads to, where it leads to the same origin (RFC 6454): scheme, host and port.
    #[must_use]
    pub(crate) fn path_at_same_origin(&self, location: &str) -> Option<String> {
        let path = match location.strip_prefix("https://") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/')?);
                let there = Authority::parse(authority, 443).ok()?;
                let same = there.host().eq_ignore_ascii_case(self.host()) && there.port() == self.port();
                same.then_some(path)?
            }
            None => location,
        };
        // Two slashes begin the name of another host (RFC 3986 §4.2).
        (path.starts_with('/') && !path.starts_with("//")).then(|| path.to_owned())
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
    fn a_redirection_stays_at_its_origin_or_leads_nowhere() {
        let endpoint = Endpoint::parse("https://est.example:8443/.well-known/est/gw").unwrap();
        for (location, path) in [
            ("/other?x=1", Some("/other?x=1")),
            ("https://EST.example:8443/other", Some("/other")),
            ("https://est.example/other", None),
            ("https://est.example:8443", None),
            ("https://user@est.example:8443/other", None),
            ("http://est.example:8443/other", None),
            ("//elsewhere.example/other", None),
            ("other", None),
            ("", None),
        ] {
            assert_eq!(endpoint.path_at_same_origin(location).as_deref(), path, "{location}");
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
