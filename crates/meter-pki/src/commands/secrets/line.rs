//! One line of a file of devices: what of it is read, and how its secrets are put back while everything else stays as it is, octet by octet.
//!
//! `{"system_title": "…", "suite": 1, …, "secrets": [{"kind": "guek", "wrapped_by": "…", "octets": "base64", …}, …]}`. What else stands there
//! is not looked at. No text of a line is ever part of a fault: it could be a key in clear.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{SecretKind, WrappedSecret};
use ca_core::system_title::SystemTitle;
use serde::Deserialize;
use serde_json::value::RawValue;
use signer_pkcs11::{KeyLength, LONGEST_SECRET};

/// The longest line, in octets.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// The secrets of one device in one line.
const MOST_SECRETS: usize = 64;

/// A line that was read.
#[derive(Debug)]
pub(super) struct Line<'a> {
    text: &'a str,
    pub(super) title: SystemTitle,
    /// What its suite says of its keys, if it is said.
    pub(super) suite: Option<KeyLength>,
    pub(super) secrets: Vec<WrappedSecret>,
    /// Where in the text label and octets of each secret stand, with their quotation marks.
    places: Vec<[Range<usize>; 2]>,
}

/// Why a line, or a secret of it, was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct LineFault {
    /// The device, where the line says one.
    pub(super) system_title: Option<String>,
    /// The kind of the secret that is at fault, if it is one.
    pub(super) kind: Option<&'static str>,
    /// The stable reason code.
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl LineFault {
    pub(super) fn new(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self { system_title: None, kind: None, code, message: message.to_string() }
    }

    /// Says whose fault it is.
    pub(super) fn of(mut self, title: SystemTitle, kind: Option<SecretKind>) -> Self {
        self.system_title = Some(title.to_string());
        self.kind = kind.map(SecretKind::name);
        self
    }
}

#[derive(Deserialize)]
struct Members<'a> {
    system_title: String,
    suite: Option<u8>,
    #[serde(borrow, default)]
    secrets: Vec<Secret<'a>>,
}

#[derive(Deserialize)]
struct Secret<'a> {
    kind: String,
    #[serde(borrow)]
    wrapped_by: &'a RawValue,
    #[serde(borrow)]
    octets: &'a RawValue,
}

impl<'a> Line<'a> {
    /// Reads a line; `suite` is what holds where the line does not say its own.
    pub(super) fn read(text: &'a str, suite: Option<u8>) -> Result<Self, LineFault> {
        // What serde says of a fault quotes the value.
        let members: Members<'a> = serde_json::from_str(text).map_err(|error| {
            LineFault::new(
                "line.unreadable",
                format!("it is no device in JSON: look at column {}", error.column()),
            )
        })?;
        let title = SystemTitle::parse(&members.system_title)
            .map_err(|_| LineFault::new("line.system-title", "system_title is not 16 hexadecimal digits"))?;
        let faulty = |fault: LineFault| fault.of(title, None);
        let suite = members.suite.or(suite).map(|suite| {
            KeyLength::of_suite(suite)
                .ok_or_else(|| faulty(LineFault::new("line.suite", "there are suites 0, 1 and 2")))
        });
        let suite = suite.transpose()?;
        if members.secrets.len() > MOST_SECRETS {
            let message = format!("a device has at most {MOST_SECRETS} secrets");
            return Err(faulty(LineFault::new("line.secrets", message)));
        }
        let mut line = Self { text, title, suite, secrets: Vec::new(), places: Vec::new() };
        for member in members.secrets {
            line.take(&member)?;
        }
        Ok(line)
    }

    fn take(&mut self, member: &Secret<'a>) -> Result<(), LineFault> {
        let title = self.title;
        let kind = SecretKind::named(&member.kind).ok_or_else(|| {
            LineFault::new("secret.kind", "its kind is none of kek, guek, gbek, gak, hls, lls")
                .of(title, None)
        })?;
        let fault = |code, message: &str| LineFault::new(code, message).of(title, Some(kind));
        let wrapped_by: String = serde_json::from_str(member.wrapped_by.get())
            .map_err(|_| fault("secret.label", "wrapped_by is not a text"))?;
        let not_base64 = || fault("secret.not-base64", "octets are not in base64");
        let text: String = serde_json::from_str(member.octets.get()).map_err(|_| not_base64())?;
        if text.len() > LONGEST_SECRET * 2 {
            return Err(fault("secret.length", "octets are more than any secret has"));
        }
        let octets = STANDARD.decode(&text).map_err(|_| not_base64())?;
        self.places.push([self.place(member.wrapped_by), self.place(member.octets)]);
        self.secrets.push(WrappedSecret { kind, wrapped_by, octets });
        Ok(())
    }

    /// Where in the line a value stands, which was borrowed from it.
    fn place(&self, value: &'a RawValue) -> Range<usize> {
        let start = value.get().as_ptr().addr() - self.text.as_ptr().addr();
        start..start + value.get().len()
    }

    /// Writes the line with other secrets, one for each in their order, which has the same kind.
    pub(super) fn with(&self, secrets: &[WrappedSecret]) -> String {
        let mut edits: Vec<(&Range<usize>, String)> = Vec::new();
        for ([label, octets], secret) in self.places.iter().zip(secrets) {
            edits.push((label, quoted(&secret.wrapped_by)));
            edits.push((octets, quoted(&STANDARD.encode(&secret.octets))));
        }
        edits.sort_by_key(|(place, _)| place.start);
        let mut line = String::with_capacity(self.text.len() + 64);
        let mut from = 0;
        for (place, text) in edits {
            line.push_str(self.text.get(from..place.start).unwrap_or_default());
            line.push_str(&text);
            from = place.end;
        }
        line.push_str(self.text.get(from..).unwrap_or_default());
        line
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#" {"z":1.50e1, "system_title":"4D504B0100000A01","secrets":[ {"octets":"AAAA","note":"ü\u00fc", "kind":"guek","wrapped_by":"tr\u0061nsport"}, {"kind":"lls","wrapped_by":"transport","octets":"AQID"}],"a":{"b":[null]} }"#;

    fn code(text: &str) -> &'static str {
        Line::read(text, None).unwrap_err().code
    }

    #[test]
    fn everything_but_labels_and_octets_stays_as_it_is() {
        let line = Line::read(TEXT, None).unwrap();
        assert_eq!(line.secrets[0].wrapped_by, "transport");
        assert_eq!(line.secrets[1].octets, [1, 2, 3]);
        let secrets: Vec<_> = line
            .secrets
            .iter()
            .map(|secret| WrappedSecret {
                wrapped_by: "a \"b\"".to_owned(),
                octets: vec![0xFF; 3],
                ..secret.clone()
            })
            .collect();
        assert_eq!(
            line.with(&secrets),
            r#" {"z":1.50e1, "system_title":"4D504B0100000A01","secrets":[ {"octets":"////","note":"ü\u00fc", "kind":"guek","wrapped_by":"a \"b\""}, {"kind":"lls","wrapped_by":"a \"b\"","octets":"////"}],"a":{"b":[null]} }"#
        );
    }

    #[test]
    fn each_fault_has_its_code_and_nothing_of_the_line() {
        let secret = |member: &str| format!(r#"{{"system_title":"4D504B0100000A01","secrets":[{member}]}}"#);
        for (text, expected) in [
            ("DEADBEEF".to_owned(), "line.unreadable"),
            (r#"{"system_title":"4D504B0100000A01"} {}"#.to_owned(), "line.unreadable"),
            (r#"{"system_title":"4D504B0100000A01","secrets":"DEADBEEF"}"#.to_owned(), "line.unreadable"),
            (r#"{"system_title":"DEADBEEF"}"#.to_owned(), "line.system-title"),
            (r#"{"system_title":"4D504B0100000A01","suite":3}"#.to_owned(), "line.suite"),
            (secret(r#"{"kind":"DEADBEEF","wrapped_by":"a","octets":""}"#), "secret.kind"),
            (secret(r#"{"kind":"kek","wrapped_by":"a","octets":"DEADBEEF="}"#), "secret.not-base64"),
            (secret(r#"{"kind":"kek","wrapped_by":"a","octets":["DEADBEEF"]}"#), "secret.not-base64"),
            (secret(r#"{"kind":"kek","wrapped_by":7,"octets":"DEADBEEF"}"#), "secret.label"),
            (secret(r#"{"kind":"kek","octets":"DEADBEEF","octets":"DEADBEEF"}"#), "line.unreadable"),
        ] {
            assert_eq!(code(&text), expected, "{text}");
            let fault = Line::read(&text, None).unwrap_err();
            assert!(!format!("{fault:?}").contains("DEADBEEF"), "{fault:?}");
        }
        let many = vec![r#"{"kind":"kek","wrapped_by":"a","octets":""}"#; MOST_SECRETS + 1].join(",");
        assert_eq!(code(&secret(&many)), "line.secrets");
    }

    #[test]
    fn the_suite_of_a_line_goes_before_that_of_all() {
        let suite = |text, all| Line::read(text, all).unwrap().suite;
        let (said, unsaid) =
            (r#"{"system_title":"4D504B0100000A01","suite":2}"#, r#"{"system_title":"4D504B0100000A01"}"#);
        assert_eq!(suite(said, Some(1)), Some(KeyLength::Octets32));
        assert_eq!(suite(unsaid, Some(1)), Some(KeyLength::Octets16));
        assert_eq!(suite(unsaid, None), None);
    }
}
