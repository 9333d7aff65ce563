//! One label: which authority and profile it opens, whom it trusts, and how it answers.
//!
//! The label decides the profile, never the certification request. RFC 7030 §3.2.2.

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::made_key::MadeKey;
use ca_core::profile::{CertificateProfile, KeyPurpose, ProfileId};
use ca_core::trust::{Anchor, RegistrationAuthorityEntry, TrustDatabase, TrustFault};
use ca_core::upstream::Upstream;

use super::messages::MessageSigner;
use crate::operation::Operation;
use crate::wire::base64::LineLength;
use cms_messages::certs_only;

/// RFC 7030 §3.2.2: names that a label must not have.
pub(crate) const OPERATIONS: [&str; 6] =
    ["cacerts", "simpleenroll", "simplereenroll", "fullcmc", "serverkeygen", "csrattrs"];

/// What is done with the channel binding of a request (RFC 7030 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BindingPolicy {
    /// One that is there must be the channel binding of the connection; none need be there.
    #[default]
    IfPresent,
    /// It must be there and be the channel binding of the connection; `/csrattrs` says so (RFC 7030 §4.5.2).
    Required,
    /// It is not looked at, which RFC 7030 §3.5 does not allow: for clients that send something else in it.
    Off,
}

/// Whether the server makes keys for those who ask at a label (RFC 7030 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerKeys {
    /// It makes none.
    #[default]
    Off,
    /// It makes them, and gives them away inside TLS; encrypted besides to who asks for it.
    InTls,
    /// It makes them for those who name a key to encrypt them to, and for nobody else.
    Encrypted,
}

/// What a challengePassword is at a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChallengeMeaning {
    /// A channel binding, as RFC 7030 §3.5 has it.
    #[default]
    ChannelBinding,
    /// The secret of a one-time token, as older clients send it: it says who asks, where nothing else does.
    EnrolmentCode,
    /// An enrolment code where it begins with `code:`, which is not part of it; a channel binding otherwise.
    EitherByPrefix,
}

/// A challengePassword, read as its label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge<'a> {
    Binding(&'a str),
    Code(&'a str),
}

impl ChallengeMeaning {
    /// Tells whether enrolment codes are taken.
    pub(crate) const fn takes_codes(self) -> bool {
        match self {
            Self::ChannelBinding => false,
            Self::EnrolmentCode | Self::EitherByPrefix => true,
        }
    }

    pub(crate) fn read(self, challenge_password: &str) -> Challenge<'_> {
        match (self, challenge_password.strip_prefix("code:")) {
            (Self::EnrolmentCode, _) => Challenge::Code(challenge_password),
            (Self::EitherByPrefix, Some(code)) => Challenge::Code(code),
            (Self::ChannelBinding, _) | (Self::EitherByPrefix, None) => {
                Challenge::Binding(challenge_password)
            }
        }
    }
}

/// Everything a label says. Public so that a program can fill it; only [`Label::new`] makes a label of it.
#[derive(Debug, Clone)]
pub struct LabelParts {
    /// Its name: the path segment between `/.well-known/est/` and the operation.
    pub name: String,
    /// The authority that issues, here or elsewhere.
    pub authority: Arc<dyn Upstream>,
    /// The profile that it issues under.
    pub profile: ProfileId,
    /// The explicit trust anchor database (RFC 7030 §3.3.2).
    pub anchors: Vec<Anchor>,
    /// The registration authorities that are served.
    pub registration_authorities: Vec<RegistrationAuthorityEntry>,
    /// The length of the lines of answers.
    pub line_length: LineLength,
    /// What is done with a channel binding.
    pub channel_binding: BindingPolicy,
    /// What a challengePassword is.
    pub challenge: ChallengeMeaning,
    /// Whether the server makes keys.
    pub server_keys: ServerKeys,
    /// Whether full CMC is answered.
    pub full_cmc: bool,
    /// Who signs messages, where there are any to sign.
    pub messages: Option<MessageSigner>,
    /// What `/cacerts` answers: the current root, the certificates between it and the authority, the authority's own,
    /// and around a change of the root those that link old and new.
    pub ca_certificates: Vec<Certificate>,
}

/// A checked label.
#[derive(Debug, Clone)]
pub struct Label {
    parts: LabelParts,
    trust: TrustDatabase,
    cacerts: Vec<u8>,
}

impl Label {
    /// Checks the parts and makes a label of them.
    ///
    /// # Errors
    /// Every [`LabelFault`] found.
    pub fn new(parts: LabelParts) -> Result<Self, Vec<LabelFault>> {
        let mut faults = Vec::new();
        check_name(&parts.name, &mut faults);
        if parts.authority.profile(&parts.profile).is_none() {
            faults.push(LabelFault::ProfileNotOffered { profile: parts.profile.clone() });
        }
        check_optional_operations(&parts, &mut faults);
        let trust = TrustDatabase::new(parts.anchors.clone(), parts.registration_authorities.clone())
            .map_err(|found| faults.extend(found.into_iter().map(LabelFault::from)));
        check_ca_certificates(&parts, &mut faults);
        let certificates: Vec<&[u8]> = parts.ca_certificates.iter().map(Certificate::der).collect();
        let cacerts = certs_only::encode(&certificates)
            .map_err(|cause| faults.push(LabelFault::CaCertificatesNotEncodable { cause }));
        match (trust, cacerts) {
            (Ok(trust), Ok(cacerts)) if faults.is_empty() => Ok(Self { parts, trust, cacerts }),
            _ => Err(faults),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    pub(crate) const fn parts(&self) -> &LabelParts {
        &self.parts
    }

    /// Tells whether an operation is offered here.
    pub(crate) fn offers(&self, operation: Operation) -> bool {
        match operation {
            Operation::FullCmc => self.parts.full_cmc,
            Operation::ServerKeyGen => self.parts.server_keys != ServerKeys::Off,
            Operation::CaCerts
            | Operation::CsrAttrs
            | Operation::SimpleEnroll
            | Operation::SimpleReenroll => true,
        }
    }

    /// Returns whom the label knows by certificate.
    pub(crate) const fn trust(&self) -> &TrustDatabase {
        &self.trust
    }

    /// Returns the certs-only message of `/cacerts` (RFC 7030 §4.1.3), DER, made once.
    pub(crate) fn cacerts(&self) -> &[u8] {
        &self.cacerts
    }
}

fn check_optional_operations(parts: &LabelParts, faults: &mut Vec<LabelFault>) {
    let signs = parts.full_cmc || parts.server_keys == ServerKeys::Encrypted;
    if signs && parts.messages.is_none() {
        faults.push(LabelFault::NoMessageSigner);
    }
    let asks_more = parts.full_cmc || parts.server_keys != ServerKeys::Off || parts.challenge.takes_codes();
    let asks_more = asks_more || !parts.registration_authorities.is_empty();
    if asks_more && parts.authority.at_hand().is_none() {
        faults.push(LabelFault::AuthorityElsewhere);
    }
    if parts.server_keys == ServerKeys::Off {
        return;
    }
    let purpose = parts.authority.profile(&parts.profile).map(CertificateProfile::purpose);
    if let Some(purpose) = purpose.filter(|purpose| !MadeKey::may_serve(*purpose)) {
        faults.push(LabelFault::KeyNotMadeHere { purpose });
    }
}

fn check_name(name: &str, faults: &mut Vec<LabelFault>) {
    let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
    if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
        faults.push(LabelFault::Name { name: name.to_owned() });
    }
    // RFC 7030 §3.2.2: a label is not the same as an operation's path segment.
    if OPERATIONS.contains(&name) {
        faults.push(LabelFault::NamedAsOperation { name: name.to_owned() });
    }
}

/// RFC 7030 §4.1.3: the current root, and all that is needed to build a path to it from what the CA issues.
fn check_ca_certificates(parts: &LabelParts, faults: &mut Vec<LabelFault>) {
    let certificates = &parts.ca_certificates;
    for (place, one) in certificates.iter().enumerate() {
        if certificates.iter().skip(place + 1).any(|other| other == one) {
            faults.push(LabelFault::DoubledCaCertificate { subject: one.subject().to_string() });
        }
    }
    let mut certificate = parts.authority.certificate();
    if !certificates.contains(certificate) {
        faults.push(LabelFault::IssuerMissing);
        return;
    }
    let mut steps = certificates.iter();
    while certificate.issuer() != certificate.subject() {
        // A path has at most as many steps as there are certificates.
        let above = steps.next().and_then(|_| issuer_of(certificate, certificates));
        let Some(above) = above else {
            faults.push(LabelFault::NoPathToRoot { subject: certificate.subject().to_string() });
            return;
        };
        certificate = above;
    }
}

fn issuer_of<'a>(certificate: &Certificate, among: &'a [Certificate]) -> Option<&'a Certificate> {
    among.iter().find(|other| {
        other.subject() == certificate.issuer()
            && other.public_key().verify(certificate.tbs(), certificate.signature()).is_ok()
    })
}

/// What is wrong with a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelFault {
    /// The name is malformed.
    #[error("a label is 1 to 64 of the characters a-z, 0-9 and -, not {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// The name is an operation's.
    #[error("a label must not be named as the operation {name}")]
    NamedAsOperation {
        /// The name.
        name: String,
    },
    /// The authority does not issue under the profile.
    #[error("the authority does not issue under profile {profile}")]
    ProfileNotOffered {
        /// The profile.
        profile: ProfileId,
    },
    /// The server is to make keys that only their holders should make.
    #[error("the server makes no keys for {}, only for key agreement and TLS", purpose.name())]
    KeyNotMadeHere {
        /// The purpose.
        purpose: KeyPurpose,
    },
    /// What is to be signed has no signer.
    #[error("there is no signer of messages, which encrypted keys and full CMC need")]
    NoMessageSigner,
    /// More is to be offered than can be asked of an authority that is not in this process.
    #[error(
        "keys made by the server, full CMC, enrolment codes and registration authorities need the authority in the same process"
    )]
    AuthorityElsewhere,
    /// An anchor or a registration authority is.
    #[error(transparent)]
    Trust(#[from] TrustFault),
    /// The authority's own certificate is not among the CA certificates.
    #[error("the CA certificates lack the one of the authority itself")]
    IssuerMissing,
    /// The CA certificates do not lead to a root.
    #[error("the CA certificates hold no issuer of {subject}, so that no path leads to a root")]
    NoPathToRoot {
        /// Where the path ends.
        subject: String,
    },
    /// A CA certificate is there twice.
    #[error("the certificate of {subject} is among the CA certificates twice")]
    DoubledCaCertificate {
        /// Its subject.
        subject: String,
    },
    /// The CA certificates cannot be encoded.
    #[error("the CA certificates cannot be encoded: {cause}")]
    CaCertificatesNotEncodable {
        /// What the encoder says.
        cause: der::Error,
    },
}
