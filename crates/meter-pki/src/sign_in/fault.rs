//! Why a token is not taken: one variant, one stable code, one sentence, and what to do next. Nothing of a token's text is in it.

use ca_core::people::Credential;
use ca_core::validity::UnixTime;

use crate::exit::{Exit, Failure};

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenFault {
    /// The configuration names no provider.
    #[error("a token was sent, and no identity provider is configured here")]
    Off,
    /// Two proofs for one request.
    #[error("a client certificate was shown and a token was sent: one of them says who it is")]
    Both,
    /// No token that can be read.
    #[error("the Authorization field holds no readable token")]
    Malformed,
    /// Unsigned, signed with a shared secret, or by an algorithm that is not taken.
    #[error("the token is not signed by an algorithm that is taken here")]
    Algorithm,
    /// Nobody published the key.
    #[error("the identity provider publishes no key of that name")]
    Key,
    /// It was changed, or another signed it.
    #[error("the signature of the token is wrong")]
    Signature,
    /// An access token in the place of an ID token, or the other way round.
    #[error("the token is of another kind than is taken here")]
    Kind,
    /// A claim is missing, or not what it has to be.
    #[error("the claim {claim} of the token is missing or unusable")]
    Claim {
        /// Which.
        claim: &'static str,
    },
    /// Of another provider.
    #[error("the token was issued by another identity provider")]
    Issuer,
    /// For somebody else.
    #[error("the token was not issued for this server")]
    Audience,
    /// To another program.
    #[error("the token was issued to a client that is not taken here")]
    Client,
    /// Its time is over.
    #[error("the token expired at {at}")]
    Expired {
        /// When.
        at: UnixTime,
    },
    /// Its time has not begun.
    #[error("the token is not valid before {from}")]
    NotYet {
        /// When it begins.
        from: UnixTime,
    },
    /// It is valid for too long.
    #[error("the token is valid for {seconds} s, and {longest} s is the most that is taken here")]
    LongLived {
        /// For how long.
        seconds: i64,
        /// For how long it may be.
        longest: i64,
    },
    /// Not signed in in the way that is asked for, such as with a second factor.
    #[error("the token does not say that its holder signed in in the way that is asked for here")]
    Authentication,
    /// Its keys are not to be had.
    #[error("the identity provider's keys are not to be had: {why}")]
    ProviderAway {
        /// Why.
        why: String,
    },
}

impl TokenFault {
    /// Returns the stable reason code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Off => "people.token-off",
            Self::Both => "people.token-beside-certificate",
            Self::Malformed => "people.token-malformed",
            Self::Algorithm => "people.token-algorithm",
            Self::Key => "people.token-key",
            Self::Signature => "people.token-signature",
            Self::Kind => "people.token-kind",
            Self::Claim { .. } => "people.token-claim",
            Self::Issuer => "people.token-issuer",
            Self::Audience => "people.token-audience",
            Self::Client => "people.token-client",
            Self::Expired { .. } => "people.token-expired",
            Self::NotYet { .. } => "people.token-not-yet-valid",
            Self::LongLived { .. } => "people.token-long-lived",
            Self::Authentication => "people.token-authentication",
            Self::ProviderAway { .. } => "sign-in.provider-away",
        }
    }

    /// Returns what to do next.
    const fn next(&self) -> &'static str {
        match self {
            Self::Off => "come with a client certificate, or have [operator.sign_in] configured",
            Self::Both => "leave one of them out",
            Self::Kind | Self::Issuer | Self::Audience | Self::Client => {
                "compare [server.sign_in] of the file that --config names with [operator.sign_in] of the server"
            }
            Self::LongLived { .. } => "have the identity provider issue shorter tokens",
            Self::Authentication => "meter-pki --config FILE people sign-in, with the second factor",
            Self::ProviderAway { .. } => "try again, or come with a client certificate",
            Self::NotYet { .. } => "compare the clocks of the identity provider and of the server",
            Self::Malformed
            | Self::Algorithm
            | Self::Key
            | Self::Signature
            | Self::Claim { .. }
            | Self::Expired { .. } => "meter-pki --config FILE people sign-in",
        }
    }

    /// Returns it as the answer that the requester gets.
    pub(crate) fn failure(&self) -> Failure {
        let exit = match self {
            Self::ProviderAway { .. } => Exit::Unavailable,
            Self::Off
            | Self::Both
            | Self::Malformed
            | Self::Algorithm
            | Self::Key
            | Self::Signature
            | Self::Kind
            | Self::Claim { .. }
            | Self::Issuer
            | Self::Audience
            | Self::Client
            | Self::Expired { .. }
            | Self::NotYet { .. }
            | Self::LongLived { .. }
            | Self::Authentication => Exit::Permission,
        };
        Failure::new(exit, self.code(), self).then(self.next())
    }
}

/// A token that is not taken, and whose it is where its signature says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct TokenRefused {
    /// Why.
    pub(crate) fault: TokenFault,
    /// Whose it is, once issuer and signature are right; none for what anybody could have sent.
    pub(crate) of: Option<Credential>,
}

impl From<TokenFault> for TokenRefused {
    fn from(fault: TokenFault) -> Self {
        Self { fault, of: None }
    }
}
