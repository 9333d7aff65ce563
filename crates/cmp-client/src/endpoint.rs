//! Where a CMP server is: `http[s]://host:port` with a well-known path, or one of its own (RFC 9811 §3.3, §3.4).

use core::fmt;
use std::net::SocketAddr;

use client_kit::{Authority, ParseAuthorityError};

use cmp_messages::operation::Operation;

/// RFC 9811 §3.4.
const WELL_KNOWN: &str = "/.well-known/cmp";

/// The address of a CMP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    is_secure: bool,
    authority: Authority,
    path: Path,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Path {
    /// The well-known one, with the name of a profile if there is one.
    WellKnown(Option<String>),
    /// The server's own, the same for all operations.
    Own(String),
}

impl Endpoint {
    /// Parses `http[s]://HOST[:PORT][/PATH]`. Without a path, or with `/.well-known/cmp[/p/LABEL]`, each operation is called
    /// by its name; any other path is taken as it stands.
    ///
    /// # Errors
    /// [`ParseEndpointError`].
    pub fn parse(text: &str, label: Option<&str>) -> Result<Self, ParseEndpointError> {
        let (is_secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(ParseEndpointError::Scheme),
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let authority = Authority::parse(authority, if is_secure { 443 } else { 80 })?;
        Ok(Self { is_secure, authority, path: read_path(path, label)? })
    }

    /// Returns the same server, with connections to it going to another address, such as a relay's.
    #[must_use]
    pub fn by_way_of(self, address: SocketAddr) -> Self {
        Self { authority: self.authority.by_way_of(address), ..self }
    }

    /// Tells whether the server is spoken to over TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Returns host and port.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the path of an operation.
    #[must_use]
    pub fn path_of(&self, operation: Operation) -> String {
        let operation = operation.segment();
        match &self.path {
            Path::WellKnown(None) => format!("{WELL_KNOWN}/{operation}"),
            Path::WellKnown(Some(label)) => format!("{WELL_KNOWN}/p/{label}/{operation}"),
            Path::Own(path) => path.clone(),
        }
    }
}

fn read_path(path: &str, label: Option<&str>) -> Result<Path, ParseEndpointError> {
    let is_segment = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    };
    let named = match path.trim_end_matches('/').strip_prefix(WELL_KNOWN) {
        Some("") => label,
        Some(rest) => match rest.strip_prefix("/p/") {
            Some(named) if label.is_none() => Some(named),
            Some(_) | None => return Err(ParseEndpointError::Path),
        },
        None if path.trim_end_matches('/').is_empty() => label,
        None if label.is_some() || path.chars().any(|c| !c.is_ascii_graphic()) => {
            return Err(ParseEndpointError::Path);
        }
        None => return Ok(Path::Own(path.to_owned())),
    };
    match named {
        Some(named) if !is_segment(named) => Err(ParseEndpointError::Path),
        named => Ok(Path::WellKnown(named.map(str::to_owned))),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_secure { "https" } else { "http" }, self.authority)
    }
}

/// Why a text is not the address of a CMP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseEndpointError {
    /// Another scheme, or none.
    #[error("the address of a CMP server begins with http:// or https://")]
    Scheme,
    /// No host, or no port.
    #[error(transparent)]
    Authority(#[from] ParseAuthorityError),
    /// A label beside a path that has no place for it, or one that is none.
    #[error("a label goes with no path, or with /.well-known/cmp, and is one segment of it")]
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9811 §3.4: /.well-known/cmp, with p and a name, with an operation; and paths that servers had before.
    #[test]
    fn operations_have_well_known_paths_or_that_of_the_server() {
        for (text, label, path) in [
            ("http://ca.example", None, "/.well-known/cmp/keyupdate"),
            ("http://ca.example/", Some("gw"), "/.well-known/cmp/p/gw/keyupdate"),
            ("https://ca.example/.well-known/cmp/", None, "/.well-known/cmp/keyupdate"),
            ("https://ca.example/.well-known/cmp/p/gw", None, "/.well-known/cmp/p/gw/keyupdate"),
            ("http://ca.example:8080/pkix/", None, "/pkix/"),
            ("http://[::1]/ejbca/publicweb/cmp/alias", None, "/ejbca/publicweb/cmp/alias"),
        ] {
            let endpoint = Endpoint::parse(text, label).unwrap();
            assert_eq!(endpoint.path_of(Operation::KeyUpdate), path, "{text}");
        }
        assert_eq!(Endpoint::parse("http://a", None).unwrap().authority().port(), 80);
        assert_eq!(Endpoint::parse("https://a", None).unwrap().authority().port(), 443);
    }

    #[test]
    fn refuses_what_is_not_the_address_of_a_cmp_server() {
        for (text, label, error) in [
            ("ca.example", None, ParseEndpointError::Scheme),
            ("coap://ca.example", None, ParseEndpointError::Scheme),
            ("http://", None, ParseAuthorityError::Host.into()),
            ("http://user@ca.example", None, ParseAuthorityError::Host.into()),
            ("http://ca.example:port", None, ParseAuthorityError::Port.into()),
            ("http://ca.example/pkix/", Some("gw"), ParseEndpointError::Path),
            ("http://ca.example/a b", None, ParseEndpointError::Path),
            ("http://ca.example", Some("a/b"), ParseEndpointError::Path),
            ("http://ca.example/.well-known/cmp/p/a", Some("b"), ParseEndpointError::Path),
            ("http://ca.example/.well-known/cmp/initialization", None, ParseEndpointError::Path),
        ] {
            assert_eq!(Endpoint::parse(text, label), Err(error), "{text}");
        }
    }
}
