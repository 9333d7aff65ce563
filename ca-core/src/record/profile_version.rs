//! What profiles said while they were in force: kept, so that it can be told years later what a certificate was issued by, and what
//! was changed since.
//!
//! Values, and which of them is a new version. What is in a profile is for [`profile`](crate::profile); here it is text.

use sha2::{Digest, Sha256};

use crate::audit::{Act, AuditEvent};
use crate::hexadecimal::hexadecimal;
use crate::profile::ProfileId;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What a profile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileKind {
    /// Certificates.
    Certificate,
    /// CRLs.
    Crl,
    /// OCSP answers.
    Ocsp,
}

impl ProfileKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Certificate, Self::Crl, Self::Ocsp];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Crl => "crl",
            Self::Ocsp => "ocsp",
        }
    }
}

/// What a profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileStatement {
    /// What it is of.
    pub kind: ProfileKind,
    /// The version that its file gives it; absent of CRLs and OCSP answers.
    pub version: Option<u32>,
    /// The name of its file.
    pub file: String,
    /// Whether it is compiled into the program.
    pub built_in: bool,
    /// The text of the file.
    pub text: String,
    /// What is in force, as key and value: what the file says, what is usual, and what the deployment's variant makes of it.
    pub fields: Vec<(String, String)>,
}

impl ProfileStatement {
    /// Tells whether another statement is a new version: it is of another kind, is written otherwise, or comes to something else.
    /// Under which name the same text lies is no matter.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        (self.kind, &self.text, &self.fields) != (other.kind, &other.text, &other.fields)
    }

    /// Tells whether it comes to something else than `before` did, under the version that `before` had: certificates name that
    /// version, and it does not tell any more what they were issued by.
    #[must_use]
    pub fn reuses_version_of(&self, before: &Self) -> bool {
        self.version.is_some() && self.version == before.version && self.fields != before.fields
    }
}

/// One version of a profile, from when on it was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileVersion {
    /// Which profile.
    pub profile: ProfileId,
    /// Its number, from 1: the first one that was ever in force here, and so on.
    pub number: u32,
    /// When a server began to serve with it.
    pub since: UnixTime,
    /// The number of the audit record that tells so.
    pub record: u64,
    /// What it says.
    pub says: ProfileStatement,
}

/// The profiles with which a server begins to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfilesInForce {
    /// When.
    pub at: UnixTime,
    /// Who runs the installation.
    pub tenant: TenantId,
    /// The process, as [`Actor`](crate::actor::Actor) prints itself.
    pub actor: String,
    /// Each profile, once.
    pub profiles: Vec<(ProfileId, ProfileStatement)>,
}

impl ProfilesInForce {
    /// Returns the audit event of versions that are new, given as profile, number and statement.
    ///
    /// Its detail names each as `PROFILE/NUMBER`, with a blank between two; its digest is the SHA-256 over one line for each of them, in
    /// that order: the same name, a blank, the SHA-256 of the file's text in lower-case hexadecimal, a line feed.
    #[must_use]
    pub fn event(&self, new: &[(&ProfileId, u32, &ProfileStatement)]) -> AuditEvent {
        let names: Vec<String> =
            new.iter().map(|(profile, number, _)| format!("{profile}/{number}")).collect();
        let mut digest = Sha256::new();
        for (name, (_, _, says)) in names.iter().zip(new) {
            digest.update(format!("{name} {}\n", hexadecimal(&Sha256::digest(&says.text).into())));
        }
        AuditEvent {
            time: self.at,
            tenant: self.tenant.clone(),
            actor: self.actor.clone(),
            act: Act::ProfilesInForce,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: names.join(" "),
            digest: digest.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, validity: &str) -> ProfileStatement {
        ProfileStatement {
            kind: ProfileKind::Certificate,
            version: Some(2),
            file: "meter.toml".to_owned(),
            built_in: false,
            text: text.to_owned(),
            fields: vec![("validity".to_owned(), validity.to_owned())],
        }
    }

    #[test]
    fn a_new_text_is_a_new_version_and_so_is_a_text_that_comes_to_something_else() {
        let one = says("a", "10 years");
        assert!(one.differs(&says("b", "10 years")) && one.differs(&says("a", "9 years")));
        let moved = ProfileStatement { file: "other.toml".to_owned(), built_in: true, ..one.clone() };
        assert!(!one.differs(&moved));
    }

    #[test]
    fn a_version_is_reused_only_where_something_else_is_in_force() {
        let one = says("a", "10 years");
        assert!(says("b", "9 years").reuses_version_of(&one));
        assert!(!says("b", "10 years").reuses_version_of(&one), "a comment was changed");
        assert!(!ProfileStatement { version: Some(3), ..says("b", "9 years") }.reuses_version_of(&one));
        let without = ProfileStatement { version: None, ..one };
        assert!(!ProfileStatement { version: None, ..says("b", "9 years") }.reuses_version_of(&without));
    }

    #[test]
    fn the_record_names_each_version_and_is_bound_to_its_text() {
        let (one, other) = (ProfileId::parse("one").unwrap(), ProfileId::parse("other").unwrap());
        let tenant = TenantId::parse("dso").unwrap();
        let at = UnixTime::from_seconds(1_795_219_200);
        let in_force =
            ProfilesInForce { at, tenant, actor: "process:serve".to_owned(), profiles: Vec::new() };
        let (first, second) = (says("a", "10 years"), says("b", "10 years"));
        let event = in_force.event(&[(&one, 1, &first), (&other, 7, &second)]);
        assert_eq!((event.act, event.detail.as_str()), (Act::ProfilesInForce, "one/1 other/7"));
        // printf 'one/1 %s\nother/7 %s\n' $(printf a | sha256sum) ... | sha256sum
        let lines = "one/1 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\n\
                     other/7 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n";
        assert_eq!(event.digest, Sha256::digest(lines).to_vec());
    }
}
