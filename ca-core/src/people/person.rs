//! A person: one human being, however many credentials there are; what was granted, by whom, until when.

use core::fmt;

use super::change::AskedChange;
use super::emergency::Emergency;
use super::role::Role;
use crate::record::Mark;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// The longest name that is shown, in characters.
pub const MAX_NAME: usize = 64;

/// The longest issuer and subject of `OpenID` Connect together, in octets.
const MAX_OIDC: usize = 255;

/// What the names of operators begin with who are only users of this machine: no person is called so.
const USER: &str = "uid-";

/// How a person is named: 1 to 32 of `a`–`z`, `0`–`9` and `-`, not beginning with `uid-`. It is never given to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(String);

impl PersonId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`ParsePersonError`].
    pub fn parse(text: &str) -> Result<Self, ParsePersonError> {
        let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        if (1..=32).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with(USER) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParsePersonError)
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text names no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a person is named by 1 to 32 of the characters a-z, 0-9 and -, and not by uid-")]
pub struct ParsePersonError;

/// By what somebody is known. One credential is one person's for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    /// A user of this machine, as the kernel tells.
    User(u32),
    /// A client certificate, by the SHA-256 of its DER.
    Certificate([u8; 32]),
    /// A subject at an identity provider (`OpenID` Connect Core §2: `iss` and `sub`).
    Oidc {
        /// The issuer's URL.
        issuer: String,
        /// The subject there.
        subject: String,
    },
}

impl Credential {
    /// Parses `uid:1001`, `certificate:` and 64 hexadecimal digits, or `oidc:` with issuer and subject and a space between.
    ///
    /// # Errors
    /// [`ParseCredentialError`].
    pub fn parse(text: &str) -> Result<Self, ParseCredentialError> {
        let (kind, rest) = text.split_once(':').ok_or(ParseCredentialError)?;
        match kind {
            // One credential has one text.
            "uid" => rest.parse().ok().map(Self::User).filter(|read| read.to_string() == text),
            "certificate" => digest(rest).map(Self::Certificate),
            "oidc" => oidc(rest),
            _ => None,
        }
        .ok_or(ParseCredentialError)
    }

    /// Makes that of a subject at an identity provider: both of visible ASCII, together at most 254 octets.
    ///
    /// # Errors
    /// [`ParseCredentialError`].
    pub fn oidc(issuer: &str, subject: &str) -> Result<Self, ParseCredentialError> {
        oidc(&format!("{issuer} {subject}")).ok_or(ParseCredentialError)
    }
}

fn oidc(text: &str) -> Option<Credential> {
    let (issuer, subject) = text.split_once(' ').filter(|_| text.len() <= MAX_OIDC)?;
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_graphic());
    (plain(issuer) && plain(subject))
        .then(|| Credential::Oidc { issuer: issuer.to_owned(), subject: subject.to_owned() })
}

fn digest(digits: &str) -> Option<[u8; 32]> {
    let is_small = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    let digits =
        Some(digits).filter(|digits| digits.len() == 64 && digits.as_bytes().iter().all(is_small))?;
    let mut octets = [0; 32];
    for (octet, pair) in octets.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(octets)
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "uid:{user}"),
            Self::Certificate(digest) => {
                f.write_str("certificate:")?;
                digest.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Oidc { issuer, subject } => write!(f, "oidc:{issuer} {subject}"),
        }
    }
}

/// The text is no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a credential is uid:NUMBER, certificate:SHA256 with 64 small hexadecimal digits, or \"oidc:ISSUER SUBJECT\""
)]
pub struct ParseCredentialError;

/// For whom a role is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// For every tenant, and for what belongs to the installation as a whole.
    Everything,
    /// For what belongs to this tenant.
    Tenant(TenantId),
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("every tenant"),
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
        }
    }
}

/// A role that somebody was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub role: Role,
    /// For whom.
    pub reach: Reach,
    /// By whom and when.
    pub granted: Mark,
    /// The last second of it; none for until it is withdrawn.
    pub until: Option<UnixTime>,
}

impl Grant {
    /// Tells whether it holds at this time.
    #[must_use]
    pub fn holds(&self, now: UnixTime) -> bool {
        self.until.is_none_or(|until| now <= until)
    }
}

/// A credential that a person has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Which.
    pub credential: Credential,
    /// By whom and when it was added.
    pub added: Mark,
}

/// A person on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// How he is named in records.
    pub id: PersonId,
    /// The name that is shown: 1 to 64 printable characters.
    pub name: String,
    /// By whom and when he was added.
    pub added: Mark,
    /// By whom and when he was removed; he may do nothing since, and stays on record.
    pub removed: Option<Mark>,
    /// What he was granted.
    pub grants: Vec<Grant>,
    /// By what he is known. What was taken away is not in it, and the ledger still knows whose it was: nobody is ever somebody
    /// else by it.
    pub credentials: Vec<Bound>,
    /// What he asked for or had in emergencies, the newest last; old ones that were reviewed are in the audit trail alone.
    pub emergencies: Vec<Emergency>,
    /// Changes that wait for the word of a second person; those whose time is over stay until another one is asked for.
    pub asked: Vec<AskedChange>,
}

impl Person {
    /// Returns what he was granted that holds at this time: nothing once he was removed.
    pub fn holding(&self, now: UnixTime) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| self.removed.is_none() && grant.holds(now))
    }

    /// Returns the role that he has in an emergency at this time, beside what he was granted.
    pub fn in_emergency(&self, now: UnixTime) -> impl Iterator<Item = Role> {
        let open = self.emergencies.iter().filter(move |one| self.removed.is_none() && one.holds(now));
        open.map(|one| one.role)
    }

    /// Tells whether he is known by this credential now.
    #[must_use]
    pub fn is_known_by(&self, credential: &Credential) -> bool {
        self.removed.is_none() && self.credentials.iter().any(|bound| bound.credential == *credential)
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A user of this machine whom the configuration lets in, and whom nobody put on record: he may do everything, since he
    /// could also change the configuration, or was named there.
    User(u32),
    /// A person on record, by one of his credentials.
    Person(Box<Person>),
    /// Somebody by a credential that was taken away, or whom the configuration does not let in.
    Stranger(Credential),
}

impl Caller {
    /// Tells who comes with a credential: `known` is whose it is or was, and a user of this machine who is nobody's is let in
    /// if the configuration says so.
    #[must_use]
    pub fn with(credential: Credential, known: Option<Person>, let_in: bool) -> Self {
        match (known, credential) {
            (Some(person), credential) if person.removed.is_some() || person.is_known_by(&credential) => {
                Self::Person(Box::new(person))
            }
            (None, Credential::User(user)) if let_in => Self::User(user),
            (_, credential) => Self::Stranger(credential),
        }
    }

    /// Returns how records name him, without what stands in front of every operator.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User(user) | Self::Stranger(Credential::User(user)) => format!("{USER}{user}"),
            Self::Person(person) => person.id.to_string(),
            Self::Stranger(credential) => credential.to_string(),
        }
    }

    /// Reads the user of this machine out of a name that records have, if it is one's.
    #[must_use]
    pub fn user_named(name: &str) -> Option<u32> {
        name.strip_prefix(USER)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_person_is_named_as_a_user_is() {
        for text in ["", "uid-1001", "Ada", "a b", "a.b", &"a".repeat(33)] {
            assert_eq!(PersonId::parse(text), Err(ParsePersonError), "{text}");
        }
        assert_eq!(PersonId::parse("ada-2").unwrap().as_str(), "ada-2");
        assert_eq!(Caller::user_named(&Caller::User(1001).name()), Some(1001));
        assert_eq!(Caller::user_named("ada"), None);
    }

    #[test]
    fn a_credential_that_was_taken_away_opens_nothing_even_where_the_configuration_names_its_user() {
        let mark = Mark { by: "operator:uid-0".to_owned(), at: UnixTime::from_seconds(0) };
        let user = || Credential::User(1001);
        let bound = Bound { credential: user(), added: mark.clone() };
        let ada = Person {
            id: PersonId::parse("ada").unwrap(),
            name: "Ada".to_owned(),
            added: mark,
            removed: None,
            grants: Vec::new(),
            credentials: vec![bound],
            emergencies: Vec::new(),
            asked: Vec::new(),
        };
        let without = Person { credentials: Vec::new(), ..ada.clone() };
        assert_eq!(Caller::with(user(), Some(ada.clone()), true), Caller::Person(Box::new(ada)));
        assert_eq!(Caller::with(user(), Some(without), true), Caller::Stranger(user()));
        assert_eq!(Caller::with(user(), None, true), Caller::User(1001));
        assert_eq!(Caller::with(user(), None, false), Caller::Stranger(user()));
        let certificate = || Credential::Certificate([1; 32]);
        assert_eq!(Caller::with(certificate(), None, true), Caller::Stranger(certificate()));
    }

    #[test]
    fn a_subject_is_issuer_and_name_and_neither_has_a_space() {
        let known = Credential::oidc("https://id.example", "tim").unwrap();
        assert_eq!(Credential::parse("oidc:https://id.example tim"), Ok(known));
        let long = "a".repeat(237);
        for (issuer, subject) in [
            ("", "tim"),
            ("https://id.example", ""),
            ("https://id.example", "t m"),
            ("https://id.example", "t\n"),
            ("https://id.example", &long),
        ] {
            assert_eq!(Credential::oidc(issuer, subject), Err(ParseCredentialError), "{issuer} {subject}");
        }
        assert!(Credential::oidc("https://id.example", &"a".repeat(236)).is_ok());
        assert!(Credential::oidc("https://id.example tim", "x").is_err());
    }

    #[test]
    fn one_credential_has_one_text() {
        let certificate = format!("certificate:{}", "0a".repeat(32));
        for text in ["uid:0", "uid:4294967295", &certificate, "oidc:https://id.example/ a1"] {
            assert_eq!(Credential::parse(text).unwrap().to_string(), text);
        }
        let large = certificate.to_uppercase().replace("CERTIFICATE", "certificate");
        for text in [
            "uid:",
            "uid:01",
            "uid:+1",
            "uid:-1",
            "uid:4294967296",
            "1001",
            "certificate:0a",
            &large,
            "oidc:a",
            "oidc: a",
            "pin:1",
        ] {
            assert_eq!(Credential::parse(text), Err(ParseCredentialError), "{text}");
        }
    }
}
