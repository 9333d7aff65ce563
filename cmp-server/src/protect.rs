//! From a body to the octets of an answer: its header, its protection, and the certificates that go with it (RFC 9483 §3).

use ca_core::ports::Entropy;
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use der::asn1::OctetString;

use crate::config::Label;
use crate::header::{self, Signature};
use crate::refusal::Refusal;
use crate::sender::{Means, SharedKey};

/// What is answered.
pub(crate) struct Draft {
    pub(crate) body: PkiBody,
    pub(crate) general_info: Vec<InfoTypeAndValue>,
    /// Certificates beside those of the signer, each DER.
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl Draft {
    /// A body and nothing else.
    pub(crate) const fn of(body: PkiBody) -> Self {
        Self { body, general_info: Vec::new(), certificates: Vec::new() }
    }
}

/// An answer as it is sent.
pub(crate) struct Sealed {
    /// The message, DER.
    pub(crate) der: Vec<u8>,
    /// The senderNonce in it.
    pub(crate) nonce: Vec<u8>,
}

/// Whom a message answers, and with what at hand.
#[derive(Clone, Copy)]
pub(crate) struct Answering<'a> {
    pub(crate) label: &'a Label,
    pub(crate) request: &'a PkiHeader,
    /// How the request was protected; `None` where nobody knows what its sender could verify (RFC 9483 §3.6.4).
    pub(crate) means: Option<&'a Means>,
    pub(crate) now: UnixTime,
}

impl Answering<'_> {
    /// Makes a message of a draft.
    ///
    /// # Errors
    /// [`Refusal`] where there is no randomness, no signature, or no encoding.
    pub(crate) fn seal(&self, draft: Draft) -> Result<Sealed, Refusal> {
        match self.means {
            None => self.unprotected(draft),
            Some(Means::Signature) => self.signed(draft),
            Some(Means::Mac(key)) => self.under_mac(draft, key),
        }
    }

    /// Tells whether it is known that nothing can be sealed now: the key of our messages is away, and the answer needs it.
    ///
    /// # Errors
    /// [`Refusal::NotSigned`].
    pub(crate) fn check_sealable(&self) -> Result<(), Refusal> {
        match self.means {
            Some(Means::Signature) => Ok(self.label.parts().messages.check_at_hand()?),
            Some(Means::Mac(_)) | None => Ok(()),
        }
    }

    fn signed(&self, draft: Draft) -> Result<Sealed, Refusal> {
        let signer = &self.label.parts().messages;
        let signature = Signature {
            sender: GeneralName::directory(signer.name())?,
            algorithm: Some(signer.algorithm()),
            key: Some(OctetString::new(signer.key_identifier())?),
        };
        let mut others = draft.certificates.clone();
        let (message, nonce) = self.message(draft, signature)?;
        let protection = signer.sign(message.protected_part())?;
        let mut certificates: Vec<Vec<u8>> = signer.certificates().map(|one| one.der().to_vec()).collect();
        others.retain(|other| !certificates.contains(other));
        certificates.append(&mut others);
        let der = message.protected(protection).with_certificates(certificates).encode()?;
        Ok(Sealed { der, nonce })
    }

    /// RFC 9483 §4.1.5: the same kind of MAC, with the same secret.
    fn under_mac(&self, draft: Draft, key: &SharedKey) -> Result<Sealed, Refusal> {
        let mut salt = [0; 16];
        self.entropy().fill(&mut salt)?;
        let algorithm = key.algorithm.with_salt(salt);
        let signature = Signature {
            sender: self.name_of(key)?,
            algorithm: Some(algorithm.identifier()?),
            key: Some(OctetString::new(key.reference.as_slice())?),
        };
        let others = draft.certificates.clone();
        let (message, nonce) = self.message(draft, signature)?;
        let mac = algorithm.mac(&key.secret, message.protected_part());
        Ok(Sealed { der: message.protected(mac).with_certificates(others).encode()?, nonce })
    }

    /// RFC 9483 §3.1: a common name that names the secret; ours where the reference is no text.
    fn name_of(&self, key: &SharedKey) -> der::Result<GeneralName> {
        let named = core::str::from_utf8(&key.reference).ok().map(GeneralName::common_name);
        match named {
            Some(Ok(name)) => Ok(name),
            Some(Err(_)) | None => GeneralName::directory(self.label.parts().messages.name()),
        }
    }

    fn unprotected(&self, draft: Draft) -> Result<Sealed, Refusal> {
        let sender = GeneralName::directory(self.label.parts().messages.name())?;
        let (message, nonce) = self.message(draft, Signature { sender, algorithm: None, key: None })?;
        Ok(Sealed { der: message.encode()?, nonce })
    }

    /// Returns a message that is not protected yet, and the senderNonce in it.
    fn message(&self, draft: Draft, signature: Signature) -> Result<(PkiMessage, Vec<u8>), Refusal> {
        let Draft { body, general_info, certificates: _ } = draft;
        let (header, nonce) =
            header::answering(self.request, signature, general_info, (self.now, self.entropy()))?;
        Ok((PkiMessage::new(header, body)?, nonce))
    }

    fn entropy(&self) -> &dyn Entropy {
        self.label.parts().authority.entropy()
    }
}
