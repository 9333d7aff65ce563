//! A key that is made here for who asks for one (RFC 9483 §4.1.6): made, signed by the key generation authority, sealed for the
//! sender of the request.
//!
//! All that can fail is done before the certificate is issued, so that none is issued whose key cannot be delivered. In clear
//! the key is in memory only; sealed, it is kept with the answer.

use ca_core::actor::Identity;
use ca_core::issuance::IssueError;
use ca_core::made_key::{MadeKey, MadePublicKey};
use ca_core::suite::Curve;
use cmp_messages::certificate_request::{ProofOfPossession, TemplateKey};
use cmp_messages::header::CMP_2021;
use cms_messages::KeyWrap;
use cms_messages::enveloped::{KeyName, KeyRecipient, Recipient, SecretRecipient, seal};
use cms_messages::key_package;
use const_oid::db::rfc5911::ID_SIGNED_DATA;
use const_oid::db::rfc5912::ID_EC_PUBLIC_KEY;

use super::Case;
use crate::refusal::{CentralKeyError, Refusal};
use crate::sender::Means;

/// AES-256 for everybody: as strong as any key that is made here.
const WRAP: KeyWrap = KeyWrap::Aes256;

/// A key that was made for the sender of a request.
pub(super) struct Made {
    pub(super) key: MadePublicKey,
    /// The private half, as the answer carries it: DER of an `EnvelopedData`.
    pub(super) sealed: Vec<u8>,
}

/// Tells whether a template asks for a key: it has none, or one of no octets, whose algorithm is a preference.
pub(super) fn is_wanted(key: Option<&TemplateKey>) -> bool {
    key.is_none_or(|key| key.subject_public_key.raw_bytes().is_empty())
}

/// Makes a key for the sender.
pub(super) fn make(
    case: &Case<'_>,
    preference: Option<&TemplateKey>,
    proof: Option<&ProofOfPossession>,
) -> Result<Made, Refusal> {
    let parts = case.label.parts();
    let authority = parts.central_keys.as_ref().ok_or(Refusal::KeyGeneration)?;
    // RFC 9483 §4.1.6: CMP v3 MUST be indicated in the header already for the initial request message.
    if case.message.header().pvno < CMP_2021 {
        return Err(CentralKeyError::Version.into());
    }
    // RFC 9483 §4.1.1: popo MUST be absent if central key generation is requested.
    if proof.is_some() {
        return Err(CentralKeyError::Proof.into());
    }
    let key = parts.authority.make_key(&parts.profile).map_err(IssueError::from)?;
    // A label is not made without an offer of its profile.
    let key = key.ok_or(Refusal::KeyGeneration)?;
    check_preference(preference, key.public().public_key().curve())?;
    let public = key.public().clone();
    let sealed = deliver(case, key, |package| Ok(authority.sign(package)?))?;
    Ok(Made { key: public, sealed })
}

/// RFC 9483 §4.1.6: the algorithm beside an empty key is a preference; the profile decides, and another is not passed over.
fn check_preference(preference: Option<&TemplateKey>, made: Curve) -> Result<(), CentralKeyError> {
    let Some(TemplateKey { algorithm, .. }) = preference else { return Ok(()) };
    let curve = algorithm.parameters.as_ref().map(|named| named.decode_as() == Ok(made.oid()));
    if algorithm.oid == ID_EC_PUBLIC_KEY && curve.unwrap_or(true) {
        Ok(())
    } else {
        Err(CentralKeyError::Kind { made })
    }
}

/// RFC 9483 §4.1.6: how a key is sealed goes by how the request is protected.
fn deliver(
    case: &Case<'_>,
    key: MadeKey,
    sign: impl FnOnce(&[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, Refusal>,
) -> Result<Vec<u8>, Refusal> {
    let made = key.public().public_key().clone();
    let signed =
        |key: MadeKey| -> Result<_, Refusal> { sign(&key_package::of_pair(&key.into_pkcs8(), &made)?) };
    let entropy = case.authority().entropy();
    match &case.sender.means {
        Means::Signature => {
            let certificate = match &case.sender.actor.identity {
                Identity::Device(device) => &device.certificate.certificate,
                // RFC 9483 §5.2.3: the original protection is kept up to whoever makes the key, which is for who protects.
                Identity::RegistrationAuthority(_)
                | Identity::OneTimeToken { .. }
                | Identity::Operator { .. }
                | Identity::Process { .. }
                | Identity::Unauthenticated { .. } => return Err(CentralKeyError::NotOwn.into()),
            };
            // RFC 9483 §4.1.6.2: the protection certificate MUST allow for keyAgreement.
            if certificate.key_usage().is_some_and(|usage| !usage.key_agreement()) {
                return Err(CentralKeyError::NoKeyAgreement.into());
            }
            let recipient = certificate.public_key();
            check_strength(recipient.curve().strength_bits(), made.curve())?;
            let mut ukm = [0; 16];
            entropy.fill(&mut ukm)?;
            let name = KeyName::of(certificate)?;
            let recipient = KeyRecipient { key: recipient, name: &name, wrap: WRAP, ukm: Some(&ukm) };
            Ok(seal(&Recipient::Key(recipient), (ID_SIGNED_DATA, &signed(key)?), entropy)?)
        }
        Means::Mac(shared) => {
            check_strength(most_bits(&shared.secret), made.curve())?;
            let form =
                case.label.parts().central_keys.as_ref().ok_or(Refusal::KeyGeneration)?.password_wrap();
            let recipient = SecretRecipient { secret: &shared.secret, wrap: WRAP, form };
            Ok(seal(&Recipient::Secret(recipient), (ID_SIGNED_DATA, &signed(key)?), entropy)?)
        }
    }
}

/// RFC 9483 §4.1.6: the key travels under what is at least as strong as it is.
fn check_strength(bits: u16, made: Curve) -> Result<(), CentralKeyError> {
    let (bits, wanted) = (bits.min(WRAP.bits()), made.strength_bits());
    if bits < wanted { Err(CentralKeyError::TooWeak { bits, wanted }) } else { Ok(()) }
}

/// RFC 9483 §4.1.6.3: the most entropy that a secret of its length and letters can have, in bits.
fn most_bits(secret: &[u8]) -> u16 {
    let each = if secret.iter().all(u8::is_ascii_hexdigit) {
        4
    } else if secret.iter().all(u8::is_ascii_graphic) {
        6
    } else {
        8
    };
    u16::try_from(secret.len().saturating_mul(each)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9483 §4.1.6.3: the entropy of the secret SHALL NOT be less than the strength of the key.
    #[test]
    fn a_secret_is_as_strong_as_its_letters_allow_and_an_envelope_as_what_it_is_for() {
        for (secret, bits) in [
            (&b"0123456789abcdef0123456789abcdef"[..], 128),
            (b"abcdefghijklmnopqrstuv", 132),
            (b"short", 30),
            (&[0x80; 16], 128),
        ] {
            assert_eq!(most_bits(secret), bits, "{secret:?}");
        }
        assert!(check_strength(128, Curve::P256).is_ok() && check_strength(192, Curve::P384).is_ok());
        let weak = CentralKeyError::TooWeak { bits: 132, wanted: 192 };
        assert_eq!(check_strength(132, Curve::P384), Err(weak));
    }
}
