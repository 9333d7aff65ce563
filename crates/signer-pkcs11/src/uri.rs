//! PKCS#11 URIs (RFC 7512): which module, which token, and if wanted which key on it.
//!
//! Narrower than the RFC on purpose: a URI that names a slot, carries a PIN, repeats an attribute or has one that is not
//! understood is refused, since each of them ends in another key than the operator meant, or in a PIN in a log.
//! Nothing is looked up here.

use core::fmt;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::pin_source::PinSource;

/// Names a token, and one of its private keys if `object` or `id` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUri {
    token: Tokens,
    key: Keys,
    module_path: PathBuf,
    pin_source: Option<PinSource>,
}

/// What a token must be, as far as the URI says it; at least a label or a serial number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) label: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
}

/// What a private key must be, as far as the URI says it; every key when it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// `CKA_LABEL`.
    pub(crate) label: Option<String>,
    /// `CKA_ID`.
    pub(crate) id: Option<Vec<u8>>,
}

impl Keys {
    /// Tells whether the URI means one key.
    pub(crate) const fn is_one(&self) -> bool {
        self.label.is_some() || self.id.is_some()
    }
}

impl TokenUri {
    /// Parses a URI such as `pkcs11:token=root;serial=0123?module-path=/usr/lib/module.so&pin-source=file:/run/pin`.
    ///
    /// Known in the path: `token`, `serial`, `manufacturer`, `model`, `object`, `id`, `type=private`; in the query:
    /// `module-path`, `pin-source`.
    ///
    /// # Errors
    /// [`ParseTokenUriError`]. No value of the URI is ever part of it: it could be a mistyped PIN.
    pub fn parse(text: &str) -> Result<Self, ParseTokenUriError> {
        let scheme = text.get(..SCHEME.len()).unwrap_or_default();
        let rest = text.get(SCHEME.len()..).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(ParseTokenUriError::Scheme);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut attributes = Attributes::default();
        each_attribute(Component::Path, path, SCHEME.len(), |name, value| attributes.take_path(name, value))?;
        each_attribute(Component::Query, query, SCHEME.len() + path.len() + 1, |name, value| {
            attributes.take_query(name, value)
        })?;
        attributes.finish()
    }

    /// Returns the shared object that implements PKCS#11; an absolute path.
    #[must_use]
    pub fn module_path(&self) -> &Path {
        &self.module_path
    }

    /// Returns the place that holds the PIN, if the URI names one.
    #[must_use]
    pub const fn pin_source(&self) -> Option<&PinSource> {
        self.pin_source.as_ref()
    }

    /// Returns what the token must be.
    pub(crate) const fn token(&self) -> &Tokens {
        &self.token
    }

    /// Returns what the key must be.
    pub(crate) const fn key(&self) -> &Keys {
        &self.key
    }
}

const SCHEME: &str = "pkcs11:";

/// What a token may leave empty, and other programs then write into their URIs: it fits tokens that say nothing there.
const MAY_BE_EMPTY: [&str; 3] = ["serial", "manufacturer", "model"];

/// One of the two parts of the URI that hold attributes (RFC 7512 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    Path,
    Query,
}

impl Component {
    const fn delimiter(self) -> char {
        match self {
            Self::Path => ';',
            Self::Query => '&',
        }
    }

    /// RFC 7512 §2.3: `pk11-pchar` and `pk11-qchar`, without percent-encoded octets.
    const fn allows(self, octet: u8) -> bool {
        match octet {
            b'-' | b'.' | b'_' | b'~' => true,
            b':' | b'[' | b']' | b'@' | b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' => true,
            b'&' => matches!(self, Self::Path),
            b'/' | b'?' | b'|' => matches!(self, Self::Query),
            _ => octet.is_ascii_alphanumeric(),
        }
    }
}

/// Splits a component and hands over each name with its decoded value.
fn each_attribute(
    component: Component,
    text: &str,
    mut position: usize,
    mut take: impl FnMut(&str, Vec<u8>) -> Result<(), ParseTokenUriError>,
) -> Result<(), ParseTokenUriError> {
    if text.is_empty() {
        return Ok(());
    }
    for attribute in text.split(component.delimiter()) {
        let (name, value) = attribute.split_once('=').ok_or(ParseTokenUriError::NoValue { position })?;
        let octets = decode(component, value, position + name.len() + 1)?;
        if octets.is_empty() && !MAY_BE_EMPTY.contains(&name) {
            return Err(ParseTokenUriError::Empty { name: name.to_owned() });
        }
        take(name, octets)?;
        position += attribute.len() + 1;
    }
    Ok(())
}

/// Undoes percent-encoding (RFC 3986 §2.1).
fn decode(component: Component, text: &str, start: usize) -> Result<Vec<u8>, ParseTokenUriError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes().zip(start..);
    while let Some((octet, position)) = rest.next() {
        if octet == b'%' {
            let mut digit = || {
                let (octet, _) = rest.next()?;
                char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
            };
            let (high, low) = digit().zip(digit()).ok_or(ParseTokenUriError::PercentEncoding { position })?;
            octets.push(high << 4 | low);
        } else if component.allows(octet) {
            octets.push(octet);
        } else {
            return Err(ParseTokenUriError::Character { position });
        }
    }
    Ok(octets)
}

/// The attributes seen so far.
#[derive(Default)]
struct Attributes {
    token: Tokens,
    key: Keys,
    key_type: Option<()>,
    module_path: Option<PathBuf>,
    pin_source: Option<PinSource>,
}

impl Attributes {
    fn take_path(&mut self, name: &str, value: Vec<u8>) -> Result<(), ParseTokenUriError> {
        match name {
            "token" => once(&mut self.token.label, name, text(name, value)?),
            "serial" => once(&mut self.token.serial, name, text(name, value)?),
            "manufacturer" => once(&mut self.token.manufacturer, name, text(name, value)?),
            "model" => once(&mut self.token.model, name, text(name, value)?),
            "object" => once(&mut self.key.label, name, text(name, value)?),
            "id" => once(&mut self.key.id, name, value),
            "type" if value == b"private" => once(&mut self.key_type, name, ()),
            "type" => Err(ParseTokenUriError::NotAPrivateKey),
            "slot-id" | "slot-description" | "slot-manufacturer" => {
                Err(ParseTokenUriError::Slot { name: name.to_owned() })
            }
            _ => Err(unknown(name)),
        }
    }

    fn take_query(&mut self, name: &str, value: Vec<u8>) -> Result<(), ParseTokenUriError> {
        match name {
            "module-path" => {
                let path = PathBuf::from(OsString::from_vec(value));
                if !path.is_absolute() {
                    return Err(ParseTokenUriError::ModulePathNotAbsolute);
                }
                once(&mut self.module_path, name, path)
            }
            "pin-source" => {
                let source = PinSource::read(&value).ok_or(ParseTokenUriError::PinSourceNotUnderstood)?;
                once(&mut self.pin_source, name, source)
            }
            // RFC 7512 §2.4: a PIN in the URI, and it alone or beside a pin-source, is refused.
            "pin-value" => Err(ParseTokenUriError::PinValue),
            "module-name" => Err(ParseTokenUriError::ModuleName),
            _ => Err(unknown(name)),
        }
    }

    fn finish(self) -> Result<TokenUri, ParseTokenUriError> {
        let says_something = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        if !says_something(&self.token.label) && !says_something(&self.token.serial) {
            return Err(ParseTokenUriError::NoToken);
        }
        let token = self.token.to_string();
        Ok(TokenUri {
            token: self.token,
            key: self.key,
            module_path: self.module_path.ok_or(ParseTokenUriError::NoModule)?,
            pin_source: self.pin_source.map(|source| source.for_token(token)),
        })
    }
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), ParseTokenUriError> {
    // RFC 7512 §2.3: an attribute must not occur twice.
    if place.replace(value).is_some() {
        return Err(ParseTokenUriError::Repeated { name: name.to_owned() });
    }
    Ok(())
}

fn text(name: &str, value: Vec<u8>) -> Result<String, ParseTokenUriError> {
    String::from_utf8(value).map_err(|_| ParseTokenUriError::NotText { name: name.to_owned() })
}

fn unknown(name: &str) -> ParseTokenUriError {
    ParseTokenUriError::Unknown { name: name.to_owned() }
}

impl fmt::Display for TokenUri {
    /// Writes a URI that parses to the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        self.token.fmt(f)?;
        if self.key.is_one() {
            write!(f, ";{}", self.key)?;
        }
        write!(f, "?module-path={}", Encoded(self.module_path.as_os_str().as_bytes(), b"/"))?;
        match &self.pin_source {
            Some(PinSource::File(path)) => {
                write!(f, "&pin-source=file:{}", Encoded(path.as_os_str().as_bytes(), b"/"))
            }
            Some(source) => write!(f, "&pin-source={}", Encoded(source.to_string().as_bytes(), b":")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = [
            ("token", &self.label),
            ("serial", &self.serial),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
        ];
        write_attributes(f, attributes.map(|(name, value)| (name, value.as_ref().map(String::as_bytes))))
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label.as_ref().map(String::as_bytes);
        write_attributes(f, [("object", label), ("id", self.id.as_deref())])
    }
}

fn write_attributes<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    attributes: [(&str, Option<&[u8]>); N],
) -> fmt::Result {
    let present = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (number, (name, value)) in present.enumerate() {
        let delimiter = if number == 0 { "" } else { ";" };
        write!(f, "{delimiter}{name}={}", Encoded(value, b""))?;
    }
    Ok(())
}

/// Octets, percent-encoded except for unreserved characters and those given.
pub(crate) struct Encoded<'a>(pub(crate) &'a [u8], pub(crate) &'a [u8]);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            if octet.is_ascii_alphanumeric() || b"-._~".contains(octet) || self.1.contains(octet) {
                write!(f, "{}", char::from(*octet))?;
            } else {
                write!(f, "%{octet:02X}")?;
            }
        }
        Ok(())
    }
}

/// Why a text is not a PKCS#11 URI that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTokenUriError {
    /// It does not begin with `pkcs11:`.
    #[error("a PKCS#11 URI begins with pkcs11:")]
    Scheme,
    /// An attribute is not `name=value`.
    #[error("the PKCS#11 URI has an attribute without a value at character {position}")]
    NoValue {
        /// Where the attribute begins, from 0.
        position: usize,
    },
    /// A value has no octet.
    #[error("the attribute {name} of the PKCS#11 URI is empty")]
    Empty {
        /// The attribute.
        name: String,
    },
    /// A character stands as it is where it must be percent-encoded.
    #[error("character {position} of the PKCS#11 URI must be percent-encoded")]
    Character {
        /// Where it stands, from 0.
        position: usize,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    #[error(
        "the percent sign at character {position} of the PKCS#11 URI is not followed by two hexadecimal digits"
    )]
    PercentEncoding {
        /// Where it stands, from 0.
        position: usize,
    },
    /// A text attribute is not UTF-8.
    #[error("the attribute {name} of the PKCS#11 URI is not UTF-8 text")]
    NotText {
        /// The attribute.
        name: String,
    },
    /// The attribute is not understood, or stands on the wrong side of the question mark.
    #[error("the PKCS#11 URI has the attribute {name}, which is not understood there")]
    Unknown {
        /// The attribute.
        name: String,
    },
    /// The attribute stands there twice.
    #[error("the PKCS#11 URI has the attribute {name} twice")]
    Repeated {
        /// The attribute.
        name: String,
    },
    /// Slots change their numbers and names between boots.
    #[error(
        "the PKCS#11 URI has the attribute {name}; slots change, so name the token by token= and serial="
    )]
    Slot {
        /// The attribute.
        name: String,
    },
    /// A PIN in a URI is a PIN in arguments, configuration and logs.
    #[error("the PKCS#11 URI carries a PIN; put it into a file of mode 0600 and write pin-source=file:/path")]
    PinValue,
    /// A module's name would be searched for in places that the system's other programs choose.
    #[error("the PKCS#11 URI has module-name; write module-path= with the absolute path of the module")]
    ModuleName,
    /// `type` has another value than `private`.
    #[error("the PKCS#11 URI has a type that is not private")]
    NotAPrivateKey,
    /// The module would be searched for in places that others may choose.
    #[error("the module-path of the PKCS#11 URI is not an absolute path")]
    ModulePathNotAbsolute,
    /// `pin-source` is a command, a file elsewhere, a relative path, or perhaps a PIN.
    #[error(
        "the pin-source of the PKCS#11 URI is none of file:/path, credential:NAME, env:NAME, fd:NUMBER and prompt:, where \
         NAME of env: is in capitals"
    )]
    PinSourceNotUnderstood,
    /// No `module-path`.
    #[error("the PKCS#11 URI has no module-path")]
    NoModule,
    /// Neither `token` nor `serial`.
    #[error("the PKCS#11 URI names no token by token= or serial=")]
    NoToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "?module-path=/usr/lib/m.so";

    fn refusal(path: &str) -> ParseTokenUriError {
        TokenUri::parse(&format!("pkcs11:{path}{MODULE}")).unwrap_err()
    }

    fn refusal_of_query(query: &str) -> ParseTokenUriError {
        TokenUri::parse(&format!("pkcs11:token=t?{query}")).unwrap_err()
    }

    #[test]
    fn reads_every_attribute_it_knows() {
        let uri = TokenUri::parse(
            "pkcs11:token=My%20Token;serial=00ab;manufacturer=A%26B;model=x&y;object=ca%20key;id=%01%02%ff;type=private\
             ?module-path=/usr/lib/m%3f.so&pin-source=file:/run/pin",
        )
        .unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            *uri.token(),
            Tokens {
                label: text("My Token"),
                serial: text("00ab"),
                manufacturer: text("A&B"),
                model: text("x&y"),
            }
        );
        assert_eq!(*uri.key(), Keys { label: text("ca key"), id: Some(vec![1, 2, 0xFF]) });
        assert_eq!(uri.module_path(), Path::new("/usr/lib/m?.so"));
        assert_eq!(uri.pin_source(), Some(&PinSource::File("/run/pin".into())));
    }

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "pkcs11:token=t?module-path=/m",
            "PKCS11:serial=1;token=%E2%82%AC%3B?pin-source=file:///a%26b&module-path=/usr/lib/x%20y.so",
            "pkcs11:token=a=b;id=%00%7f;object=o%2F%25?module-path=/m",
            "pkcs11:model=;manufacturer=;serial=;token=t?module-path=/m",
        ] {
            let uri = TokenUri::parse(text).unwrap();
            assert_eq!(TokenUri::parse(&uri.to_string()), Ok(uri), "{text}");
        }
        for source in ["file:/p", "credential:pin%40x", "env:HSM_PIN", "fd:3", "prompt:"] {
            let uri =
                format!("pkcs11:token=a%20b;serial=1;object=k;id=%01?module-path=/m&pin-source={source}");
            assert_eq!(TokenUri::parse(&uri).unwrap().to_string(), uri);
        }
    }

    #[test]
    fn refuses_other_schemes() {
        for text in ["", "pkcs11", "pkcs12:token=t", "file:/x", "€€€€"] {
            assert_eq!(TokenUri::parse(text), Err(ParseTokenUriError::Scheme), "{text}");
        }
    }

    // Case H-11: slots are renumbered between boots.
    #[test]
    fn refuses_to_name_a_token_by_its_slot() {
        for name in ["slot-id", "slot-description", "slot-manufacturer"] {
            let expected = ParseTokenUriError::Slot { name: name.to_owned() };
            assert_eq!(refusal(&format!("token=t;{name}=1")), expected);
        }
        assert_eq!(refusal("object=k"), ParseTokenUriError::NoToken);
        assert_eq!(refusal("model=m;manufacturer=v"), ParseTokenUriError::NoToken);
        assert_eq!(refusal(""), ParseTokenUriError::NoToken);
    }

    // RFC 7512 §2.3: a value may be empty, as other programs write it for what the token leaves empty.
    #[test]
    fn an_empty_value_is_one_that_the_token_must_leave_empty() {
        let uri = TokenUri::parse("pkcs11:model=;serial=;token=t?module-path=/m").unwrap();
        assert_eq!((uri.token().model.as_deref(), uri.token().manufacturer.as_deref()), (Some(""), None));
        assert_eq!(refusal("serial=;model=m"), ParseTokenUriError::NoToken);
        for name in ["token", "object", "id"] {
            assert_eq!(
                refusal(&format!("serial=1;{name}=")),
                ParseTokenUriError::Empty { name: name.to_owned() }
            );
        }
    }

    // Case H-12: a PIN in the URI, well spelt or not, shows in no message.
    #[test]
    fn refuses_a_pin_in_the_uri_and_does_not_repeat_it() {
        assert_eq!(refusal_of_query("module-path=/m&pin-value=9876"), ParseTokenUriError::PinValue);
        assert_eq!(
            refusal_of_query("module-path=/m&pin-source=file:/p&pin-value=9876"),
            ParseTokenUriError::PinValue
        );
        for query in [
            "module-path=/m&pinvalue=9876",
            "module-path=/m&pin-source=9876",
            "module-path=/m&pin-source=env:9876",
            "module-path=/m&pin-source=prompt:9876",
            "pin-source=9876%zz",
        ] {
            let refusal = refusal_of_query(query);
            assert!(!format!("{refusal} {refusal:?}").contains("9876"), "{refusal:?}");
        }
    }

    #[test]
    fn refuses_attributes_it_does_not_understand_or_in_the_wrong_place() {
        let unknown = |name: &str| ParseTokenUriError::Unknown { name: name.to_owned() };
        assert_eq!(refusal("token=t;x-vendor=1"), unknown("x-vendor"));
        assert_eq!(refusal("token=t;Token=1"), unknown("Token"));
        assert_eq!(refusal("token=t;library-version=3.1"), unknown("library-version"));
        assert_eq!(refusal("token=t;module-path=%2Fm"), unknown("module-path"));
        assert_eq!(refusal_of_query("token=t"), unknown("token"));
        assert_eq!(refusal("token=t;module-name=m"), unknown("module-name"));
        assert_eq!(refusal_of_query("module-name=m"), ParseTokenUriError::ModuleName);
        assert_eq!(refusal_of_query("module-path=/m&module-name=m"), ParseTokenUriError::ModuleName);
    }

    // RFC 7512 §2.3: an attribute must not occur twice.
    #[test]
    fn refuses_repeated_attributes() {
        for name in ["token", "serial", "manufacturer", "model", "object", "id"] {
            let expected = ParseTokenUriError::Repeated { name: name.to_owned() };
            assert_eq!(refusal(&format!("{name}=1;{name}=1")), expected);
        }
        assert!(matches!(refusal("type=private;type=private"), ParseTokenUriError::Repeated { .. }));
        assert!(matches!(
            refusal_of_query("module-path=/m&module-path=/n"),
            ParseTokenUriError::Repeated { .. }
        ));
        assert!(matches!(
            refusal_of_query("pin-source=file:/m&pin-source=file:/m"),
            ParseTokenUriError::Repeated { .. }
        ));
    }

    // RFC 7512 §2.3: which characters stand for themselves; the slash only in the query.
    #[test]
    fn refuses_what_is_badly_written_and_says_where() {
        assert_eq!(refusal("token=t;"), ParseTokenUriError::NoValue { position: 15 });
        assert_eq!(refusal("token=t;;serial=1"), ParseTokenUriError::NoValue { position: 15 });
        assert_eq!(refusal("token"), ParseTokenUriError::NoValue { position: 7 });
        assert!(matches!(refusal("token="), ParseTokenUriError::Empty { .. }));
        for broken in ["token=a%", "token=a%4", "token=a%g0", "token=a%+4"] {
            assert_eq!(refusal(broken), ParseTokenUriError::PercentEncoding { position: 14 }, "{broken}");
        }
        for broken in ["token=a b", "token=a/b", "token=a#b", "token=aé"] {
            assert_eq!(refusal(broken), ParseTokenUriError::Character { position: 14 }, "{broken}");
        }
        assert_eq!(refusal_of_query("module-path=/a b"), ParseTokenUriError::Character { position: 29 });
        assert!(matches!(refusal("token=%ff"), ParseTokenUriError::NotText { .. }));
    }

    #[test]
    fn refuses_objects_that_are_not_private_keys() {
        assert_eq!(refusal("token=t;type=public"), ParseTokenUriError::NotAPrivateKey);
    }

    #[test]
    fn takes_only_absolute_paths() {
        assert_eq!(refusal_of_query("module-path=m.so"), ParseTokenUriError::ModulePathNotAbsolute);
        for source in ["file:pin", "/run/pin", "|pinentry", "file://host/pin", "http://h/pin", "file:"] {
            let refusal = refusal_of_query(&format!("module-path=/m&pin-source={source}"));
            assert_eq!(refusal, ParseTokenUriError::PinSourceNotUnderstood, "{source}");
        }
        assert_eq!(TokenUri::parse("pkcs11:token=t"), Err(ParseTokenUriError::NoModule));
    }
}
