//! What the name of a file says: for which device it is, and for which purpose.
//!
//! The prefix is that of Gurux and others: D for digital signature, A for key agreement, T for TLS, then the system title. A
//! certification request itself never says what its key is for.

use std::fmt;

use ca_core::profile::KeyPurpose;
use ca_core::system_title::SystemTitle;

/// A device and a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wish {
    pub(crate) title: SystemTitle,
    pub(crate) purpose: KeyPurpose,
}

/// The purposes that devices have, each with its prefix.
const PREFIXES: [(char, KeyPurpose); 3] =
    [('D', KeyPurpose::Signature), ('A', KeyPurpose::KeyAgreement), ('T', KeyPurpose::Tls)];

impl Wish {
    /// Reads `D4D504B0100000001.csr` and the like; `None` for any other name.
    pub(crate) fn of_file(name: &str) -> Option<Self> {
        let (stem, _) = name.rsplit_once('.')?;
        let prefix = stem.chars().next()?;
        let (_, purpose) = PREFIXES.into_iter().find(|(letter, _)| *letter == prefix)?;
        let title = SystemTitle::parse(stem.strip_prefix(prefix)?).ok()?;
        Some(Self { title, purpose })
    }

    /// Reads a purpose as manifests write it: its name or its prefix.
    pub(crate) fn purpose(text: &str) -> Option<KeyPurpose> {
        let named = |(letter, purpose): &(char, KeyPurpose)| {
            purpose.name() == text || (text.len() == 1 && text.starts_with(*letter))
        };
        PREFIXES.into_iter().find(named).map(|(_, purpose)| purpose)
    }

    /// Returns the name under which line software and DLMS tools look for the certificate.
    pub(crate) fn result_name(&self) -> String {
        format!("{self}.pem")
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = PREFIXES.into_iter().find(|(_, purpose)| *purpose == self.purpose);
        write!(f, "{}{}", prefix.map_or('_', |(letter, _)| letter), self.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_device_and_purpose_and_leads_back() {
        for (name, purpose) in [
            ("D4D504B0100000001.csr", KeyPurpose::Signature),
            ("A4D504B0100000001.der", KeyPurpose::KeyAgreement),
            ("T4D504B0100000001.pem", KeyPurpose::Tls),
        ] {
            let wish = Wish::of_file(name).unwrap();
            assert_eq!((wish.title.to_string().as_str(), wish.purpose), ("4D504B0100000001", purpose));
            assert_eq!(Wish::of_file(&wish.result_name()), Some(wish));
            assert_eq!(Wish::purpose(purpose.name()), Some(purpose));
            assert_eq!(Wish::purpose(name.get(..1).unwrap()), Some(purpose));
        }
    }

    #[test]
    fn other_names_say_nothing() {
        for name in
            ["", "D.csr", "X4D504B0100000001.csr", "D4d504b0100000001.csr", "D4D504B0100000001", "ä.csr"]
        {
            assert_eq!(Wish::of_file(name), None, "{name}");
        }
        assert_eq!(Wish::purpose("certificate-signing"), None);
        assert_eq!(Wish::purpose(""), None);
    }
}
