//! `/serverkeygen`: the server makes the key, certifies it and delivers both (RFC 7030 §4.4).
//!
//! All that can fail is done before the certificate is issued, so that none is issued whose key cannot be delivered. The key
//! is kept nowhere: who loses the answer is given another key and another certificate, or none.

use ca_core::actor::Actor;
use ca_core::certificate::Certificate;
use ca_core::csr::KeyDelivery;
use ca_core::issuance::IssueError;
use ca_core::made_key::MadeKey;
use ca_core::public_key::PublicKey;
use ca_core::request::{EnrolmentRequest, Evidence, asked_names};
use ca_core::subject::Subject;
use ca_core::suite::Curve;
use cms_messages::KeyWrap;
use cms_messages::enveloped::{KeyName, KeyRecipient, Recipient, seal, to_content_info};
use cms_messages::key_package::{self, KEY_PACKAGE};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::ID_SIGNED_DATA;
use der::Encode;
use x509_cert::ext::pkix::KeyUsage;
use zeroize::Zeroizing;

use super::enrolment::{check_binding, kind_for};
use super::{Exchange, record};
use crate::answer::{Answer, DeliveredKey, PrivateOctets};
use crate::config::ServerKeys;
use crate::observation;
use crate::refusal::{DeliveryError, Refusal};
use crate::wire::server_key::{SubmittedKeyRequest, decode};
use cms_messages::certs_only;

/// For whom the key is sealed.
struct Addressee {
    key: PublicKey,
    identifier: Vec<u8>,
    wrap: KeyWrap,
}

impl Addressee {
    /// What an envelope for it is worth, in bits: the key agreement, or the wrap, whichever is less.
    fn bits(&self) -> u16 {
        self.key.curve().strength_bits().min(self.wrap.bits())
    }
}

pub(super) fn make(exchange: &Exchange, actor: &Actor) -> Result<Answer, Refusal> {
    let (request, key) =
        prepare(exchange, actor).map_err(|refusal| record(&exchange.label, actor, refusal))?;
    let parts = exchange.label.parts();
    let issued = parts.authority.enrol(request)?;
    observation::issued(&*parts.authority, &parts.profile, &issued);
    let certs_only = certs_only::encode(&[issued.der()]).map_err(|cause| Refusal::NotEncoded { cause })?;
    Ok(Answer::KeyMade { key, certificate: issued.der().to_vec(), certs_only })
}

/// Reads the request, makes the key and puts it as it will be delivered.
fn prepare(exchange: &Exchange, actor: &Actor) -> Result<(EnrolmentRequest, DeliveredKey), Refusal> {
    let SubmittedKeyRequest { request, delivery, form } = decode(&exchange.body)?;
    observation::leniencies(exchange.label.name(), form, &[]);
    check_binding(exchange, actor, request.content())?;
    let kind = kind_for(exchange, actor, (request.content(), None))?;
    let (subject, kind) = asked_names(actor, request.content(), kind)?;
    let addressee = addressee(exchange, &subject, &delivery)?;
    let parts = exchange.label.parts();
    let key = exchange.authority_at_hand()?.make_key(&parts.profile).map_err(IssueError::from)?;
    // A label is not made without an offer of its profile.
    let key = key.ok_or(Refusal::NoSuchOperation)?;
    check_strength(exchange, addressee.as_ref(), key.public().public_key().curve())?;
    let evidence = Evidence::MadeHere { key: key.public().clone(), request: Box::new(request) };
    let delivered = deliver(exchange, addressee, key)?;
    let profile = parts.profile.clone();
    let request = EnrolmentRequest {
        actor: actor.clone(),
        profile,
        subject,
        evidence,
        kind,
        validity_seconds: None,
        transaction: None,
    };
    Ok((request, delivered))
}

/// RFC 7030 §4.4.1.2: a key that is not known MUST end the request.
fn addressee(
    exchange: &Exchange,
    subject: &Subject,
    wish: &KeyDelivery,
) -> Result<Option<Addressee>, Refusal> {
    match wish {
        KeyDelivery::InTls if exchange.label.parts().server_keys == ServerKeys::Encrypted => {
            Err(DeliveryError::NotEncrypted.into())
        }
        KeyDelivery::InTls => Ok(None),
        KeyDelivery::UnderSharedKey => Err(DeliveryError::SharedKey.into()),
        KeyDelivery::ToKey { identifier, capabilities } => {
            let wrap = KeyWrap::choose(capabilities).ok_or(DeliveryError::Algorithms)?;
            let key = known_key(exchange, subject, identifier)?.ok_or(DeliveryError::UnknownKey)?;
            Ok(Some(Addressee { key, identifier: identifier.clone(), wrap }))
        }
    }
}

/// RFC 7030 §4.4: the key is protected by what is at least as strong as it is: by the envelope where it has one, else by TLS.
fn check_strength(exchange: &Exchange, addressee: Option<&Addressee>, made: Curve) -> Result<(), Refusal> {
    let bits = match addressee {
        Some(addressee) => addressee.bits(),
        None => exchange.credentials.connection.cipher_bits.unwrap_or_default(),
    };
    let wanted = made.strength_bits();
    if bits < wanted { Err(DeliveryError::TooWeak { bits, wanted }.into()) } else { Ok(()) }
}

/// The key of a valid certificate that this authority's owner issued to the very device, by its subject key identifier.
fn known_key(
    exchange: &Exchange,
    subject: &Subject,
    identifier: &[u8],
) -> Result<Option<PublicKey>, Refusal> {
    let Some(title) = subject.system_title() else { return Ok(None) };
    let rows = exchange.authority_at_hand()?.valid_certificates(title).map_err(IssueError::from)?;
    let certificates = rows.iter().filter_map(|row| Certificate::from_der(&row.certificate).ok());
    // RFC 7030 §4.4.1.2: the key must support key agreement, or its use be unrestricted.
    let agrees = |certificate: &Certificate| {
        certificate.key_usage().is_none_or(|usage| KeyUsage::key_agreement(&usage))
            && certificate.subject_key_identifier().as_deref() == Some(identifier)
    };
    Ok(certificates.into_iter().find(agrees).map(|certificate| certificate.public_key().clone()))
}

fn deliver(exchange: &Exchange, addressee: Option<Addressee>, key: MadeKey) -> Result<DeliveredKey, Refusal> {
    let pkcs8 = key.into_pkcs8();
    let Some(Addressee { key, identifier, wrap }) = addressee else {
        return Ok(DeliveredKey::Pkcs8(PrivateOctets::new(pkcs8)));
    };
    let parts = exchange.label.parts();
    let messages = parts.messages.as_ref().ok_or(DeliveryError::NoSigner)?;
    let encoded = |cause| Refusal::NotEncoded { cause };
    // RFC 7030 §4.4.2: signed by whoever made the key, and encrypted as RFC 5958 §4 has it.
    let package = key_package::of_private(&pkcs8).map_err(encoded)?;
    let signed = messages.sign(KEY_PACKAGE, package.to_vec(), &[])?;
    let signed: Zeroizing<Vec<u8>> = Zeroizing::new(signed.to_der().map_err(encoded)?);
    let content: (ObjectIdentifier, &[u8]) = (ID_SIGNED_DATA, &signed);
    let name = KeyName::Identifier(identifier);
    let recipient = Recipient::Key(KeyRecipient { key: &key, name: &name, wrap, ukm: None });
    let sealed = seal(&recipient, content, exchange.authority_at_hand()?.entropy())?;
    Ok(DeliveredKey::Enveloped(to_content_info(&sealed).map_err(encoded)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::ports::{Entropy, Unavailable};

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
            octets.fill(7);
            Ok(())
        }
    }

    // RFC 7030 §4.4: an envelope is worth no more than the key that it is for, whatever it is wrapped under.
    #[test]
    fn an_envelope_is_as_strong_as_the_weaker_of_key_and_wrap() {
        for (curve, wrap, bits) in [
            (Curve::P256, KeyWrap::Aes128, 128),
            (Curve::P256, KeyWrap::Aes256, 128),
            (Curve::P384, KeyWrap::Aes128, 128),
            (Curve::P384, KeyWrap::Aes256, 192),
        ] {
            let key = MadeKey::make(curve, &Sevens).unwrap().public().public_key().clone();
            assert_eq!(Addressee { key, identifier: Vec::new(), wrap }.bits(), bits);
        }
    }
}
