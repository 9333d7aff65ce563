//! Where a server is: `HOST[:PORT]`, the authority of a URI (RFC 3986 §3.2), without a user.

use core::fmt;
use std::net::SocketAddr;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: u16,
    way: Option<SocketAddr>,
}

impl Authority {
    /// Parses `HOST[:PORT]`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// [`ParseAuthorityError`].
    pub fn parse(text: &str, default_port: u16) -> Result<Self, ParseAuthorityError> {
        let (host, rest) = match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, rest)) => (host, rest),
            None => match text.find(':') {
                Some(colon) => text.split_at(colon),
                None => (text, ""),
            },
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| ParseAuthorityError::Port)?,
            None if rest.is_empty() => default_port,
            None => return Err(ParseAuthorityError::Port),
        };
        if host.is_empty() || host.contains('@') {
            return Err(ParseAuthorityError::Host);
        }
        Ok(Self { host: host.to_owned(), port, way: None })
    }

    /// Has connections go to another address, such as a relay's; the server is still the one of this name.
    #[must_use]
    pub fn by_way_of(self, address: SocketAddr) -> Self {
        Self { way: Some(address), ..self }
    }

    /// Returns where connections go: host, an IPv6 address without brackets, and port.
    #[must_use]
    pub fn destination(&self) -> (String, u16) {
        match self.way {
            Some(address) => (address.ip().to_string(), address.port()),
            None => (self.host.clone(), self.port),
        }
    }

    /// Returns the host, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Authority {
    /// Writes what stands in the Host field (RFC 9110 §7.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text does not say where a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAuthorityError {
    /// No host, or a user name before it.
    #[error("the address names a host, and no user")]
    Host,
    /// No port number.
    #[error("what follows the host in the address is not :PORT")]
    Port,
}
