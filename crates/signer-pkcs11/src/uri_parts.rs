//! The parts of a PKCS#11 URI (RFC 7512 §2.3), to write one for what somebody has, and to explain one that is there.
//!
//! Parsing is done in `uri.rs`, which decides what we take; what is written here parses there.

use core::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::token::TokenDescription;
use crate::uri::{Encoded, TokenUri};

/// What a URI says, part by part; what it does not say is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UriParts {
    /// `token`: the label of the token.
    pub token: Option<String>,
    /// `serial`: its serial number.
    pub serial: Option<String>,
    /// `manufacturer`
    pub manufacturer: Option<String>,
    /// `model`
    pub model: Option<String>,
    /// `object`: the label of the key.
    pub object: Option<String>,
    /// `id`: its `CKA_ID`.
    pub id: Option<Vec<u8>>,
    /// `module-path`
    pub module_path: PathBuf,
    /// `pin-source`, as it stands in the URI: percent-encoded.
    pub pin_source: Option<String>,
}

impl UriParts {
    /// Names a token by its label and serial number: enough to find it again in any slot.
    #[must_use]
    pub fn of_token(module_path: PathBuf, token: &TokenDescription) -> Self {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { token: said(&token.label), serial: said(&token.serial), module_path, ..Self::default() }
    }

    /// Names a key on it as well, by label and id.
    #[must_use]
    pub fn with_key(mut self, label: &str, id: &[u8]) -> Self {
        self.object = (!label.is_empty()).then(|| label.to_owned());
        self.id = (!id.is_empty()).then(|| id.to_vec());
        self
    }

    /// Tells whether a token is as these parts say.
    #[must_use]
    pub fn fits(&self, token: &TokenDescription) -> bool {
        let fits =
            |wanted: &Option<String>, there: &str| wanted.as_deref().is_none_or(|wanted| wanted == there);
        fits(&self.token, &token.label)
            && fits(&self.serial, &token.serial)
            && fits(&self.manufacturer, &token.manufacturer)
            && fits(&self.model, &token.model)
    }

    /// Tells whether a key with this label and id is as these parts say.
    #[must_use]
    pub fn fits_key(&self, label: &str, id: &[u8]) -> bool {
        self.object.as_deref().is_none_or(|wanted| wanted == label)
            && self.id.as_deref().is_none_or(|wanted| wanted == id)
    }

    /// Tells whether they name a key.
    #[must_use]
    pub const fn names_a_key(&self) -> bool {
        self.object.is_some() || self.id.is_some()
    }
}

impl TokenUri {
    /// Takes the URI apart.
    #[must_use]
    pub fn parts(&self) -> UriParts {
        let (token, key) = (self.token().clone(), self.key().clone());
        // As `Display` writes it, whatever kinds of sources there are.
        let text = self.to_string();
        let source = text.split_once("pin-source=").map(|(_, rest)| rest);
        UriParts {
            token: token.label,
            serial: token.serial,
            manufacturer: token.manufacturer,
            model: token.model,
            object: key.label,
            id: key.id,
            module_path: self.module_path().to_owned(),
            pin_source: source.map(|rest| rest.split('&').next().unwrap_or(rest).to_owned()),
        }
    }
}

impl fmt::Display for UriParts {
    /// Writes the URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let texts = [
            ("token", &self.token),
            ("serial", &self.serial),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("object", &self.object),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?.as_bytes())));
        for (number, (name, value)) in texts.chain(self.id.as_deref().map(|id| ("id", id))).enumerate() {
            let delimiter = if number == 0 { "" } else { ";" };
            write!(f, "{delimiter}{name}={}", Encoded(value, b""))?;
        }
        write!(f, "?module-path={}", Encoded(self.module_path.as_os_str().as_bytes(), b"/"))?;
        match &self.pin_source {
            Some(source) => write!(f, "&pin-source={source}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> TokenDescription {
        TokenDescription {
            label: "my token".to_owned(),
            serial: "00ab".to_owned(),
            manufacturer: "A&B".to_owned(),
            model: "x".to_owned(),
        }
    }

    #[test]
    fn what_is_written_parses_to_the_same_parts() {
        let mut parts =
            UriParts::of_token(PathBuf::from("/usr/lib/m x.so"), &token()).with_key("ca;1", &[1, 0xFF]);
        parts.pin_source = Some("file:/run/a%20pin".to_owned());
        let text = parts.to_string();
        assert_eq!(
            text,
            "pkcs11:token=my%20token;serial=00ab;object=ca%3B1;id=%01%FF?module-path=/usr/lib/m%20x.so\
             &pin-source=file:/run/a%20pin"
        );
        assert_eq!(TokenUri::parse(&text).unwrap().parts(), parts);
    }

    #[test]
    fn parts_fit_what_they_name_and_nothing_else() {
        let parts = UriParts::of_token(PathBuf::from("/m"), &token()).with_key("k", &[1]);
        let other = TokenDescription { serial: "00ac".to_owned(), ..token() };
        assert!(parts.fits(&token()) && !parts.fits(&other));
        assert!(parts.fits_key("k", &[1]) && !parts.fits_key("k", &[2]) && !parts.fits_key("l", &[1]));
        assert!(parts.names_a_key() && !UriParts::of_token(PathBuf::from("/m"), &token()).names_a_key());
    }
}
