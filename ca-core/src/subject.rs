//! Who a certificate is for: a device by its system title, or something else by a distinguished name.
//!
//! The subject of a request says what is wanted; whether the requester is entitled to it is registration's decision.

use core::fmt;

use crate::distinguished_name::DistinguishedName;
use crate::system_title::SystemTitle;

/// The subject of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A meter, gateway, head-end or hand-held unit.
    Device(SystemTitle),
    /// Anything that a distinguished name and alternative names identify.
    Named {
        /// The distinguished name; empty when alternative names say it all.
        name: DistinguishedName,
        /// The alternative names, in the order they will be written.
        alternative_names: Vec<AlternativeName>,
    },
}

/// A subject alternative name of the kinds that profiles can allow (RFC 5280 §4.2.1.6), in ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlternativeName {
    /// dNSName.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
    /// rfc822Name.
    Email(String),
}

impl Subject {
    /// Returns the system title, if the subject is a device.
    #[must_use]
    pub const fn system_title(&self) -> Option<&SystemTitle> {
        match self {
            Self::Device(title) => Some(title),
            Self::Named { .. } => None,
        }
    }
}

impl fmt::Display for Subject {
    /// Writes what listings and audit records show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(title) => write!(f, "{title}"),
            Self::Named {
                name,
                alternative_names,
            } if name.is_empty() => match alternative_names.first() {
                Some(
                    AlternativeName::Dns(text) | AlternativeName::Uri(text) | AlternativeName::Email(text),
                ) => f.write_str(text),
                None => f.write_str("(no name)"),
            },
            Self::Named { name, .. } => write!(f, "{name}"),
        }
    }
}
