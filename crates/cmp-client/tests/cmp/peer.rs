//! An authority made by hand: it answers each message as a test wants it to.

use std::time::Duration;

use ca_core::ports::Signer;
use ca_core::suite::Curve;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_response::{CertOrEncCert, CertRepMessage, CertResponse, CertifiedKeyPair};
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::message::PkiMessage;
use cmp_messages::name::GeneralName;
use cmp_messages::protection::{MacAlgorithm, signature_algorithm};
use cmp_messages::status::{PkiStatus, PkiStatusInfo};
use der::Decode;
use der::asn1::{Any, GeneralizedTime, OctetString};

use crate::pki::{Entity, NOW, REFERENCE, SECRET};

/// How an answer is protected.
#[derive(Clone, Copy)]
pub(crate) enum Seal<'a> {
    /// By this certificate, the second above it.
    Signature(&'a Entity, &'a Entity),
    /// By this secret.
    Mac(&'a [u8]),
    /// Not at all.
    Nothing,
}

/// Answers a message.
pub(crate) fn answer(
    seal: Seal<'_>,
    request: &[u8],
    body: PkiBody,
    change: impl FnOnce(&mut PkiHeader),
) -> Vec<u8> {
    let asked = PkiMessage::decode(request).unwrap();
    let (sender, algorithm, key) = match seal {
        Seal::Signature(signer, _) => (
            GeneralName::directory(&signer.name()).unwrap(),
            Some(signature_algorithm(Curve::P256)),
            signer.certificate().subject_key_identifier(),
        ),
        Seal::Mac(_) => (
            GeneralName::common_name(REFERENCE).unwrap(),
            asked.header().protection_alg.clone(),
            Some(REFERENCE.as_bytes().to_vec()),
        ),
        Seal::Nothing => (asked.header().recipient.clone(), None, None),
    };
    let mut header = PkiHeader {
        pvno: 2,
        sender,
        recipient: asked.header().sender.clone(),
        message_time: Some(
            GeneralizedTime::from_unix_duration(Duration::from_secs(NOW.unsigned_abs())).unwrap(),
        ),
        protection_alg: algorithm,
        sender_kid: key.map(|key| OctetString::new(key).unwrap()),
        recip_kid: None,
        transaction_id: asked.header().transaction_id.clone(),
        sender_nonce: Some(OctetString::new([0xEE; 16]).unwrap()),
        recip_nonce: asked.header().sender_nonce.clone(),
        free_text: None,
        general_info: None,
    };
    change(&mut header);
    let mac = header.protection_alg.as_ref().and_then(|algorithm| MacAlgorithm::read(algorithm).ok());
    let message = PkiMessage::new(header, body).unwrap();
    let message = match seal {
        Seal::Signature(signer, above) => {
            let key = signer.key.public().key_ref();
            let signature = signer.key.sign(&key, message.protected_part()).unwrap().to_der().unwrap();
            message.protected(signature).with_certificates(vec![signer.der.clone(), above.der.clone()])
        }
        Seal::Mac(secret) => {
            let mac = mac.unwrap().mac(secret, message.protected_part());
            message.protected(mac)
        }
        Seal::Nothing => message,
    };
    message.encode().unwrap()
}

/// Under the secret that the client has.
pub(crate) const fn shared() -> Seal<'static> {
    Seal::Mac(SECRET)
}

/// What grants this certificate, with these roots.
pub(crate) fn granted(certificate: &Entity, roots: &[&Entity]) -> CertRepMessage {
    let pair = CertifiedKeyPair {
        cert_or_enc_cert: CertOrEncCert::Certificate(Any::from_der(&certificate.der).unwrap()),
        private_key: None,
        publication_info: None,
    };
    let roots: Vec<Any> = roots.iter().map(|root| Any::from_der(&root.der).unwrap()).collect();
    let said = said(0, PkiStatusInfo::plain(PkiStatus::Accepted), Some(pair));
    CertRepMessage { ca_pubs: (!roots.is_empty()).then_some(roots), ..said }
}

/// What says this of the request.
pub(crate) fn said(
    cert_req_id: i64,
    status: PkiStatusInfo,
    certified_key_pair: Option<CertifiedKeyPair>,
) -> CertRepMessage {
    let response = CertResponse { cert_req_id, status, certified_key_pair, rsp_info: None };
    CertRepMessage { ca_pubs: None, response: vec![response] }
}

/// Grants implicitConfirm.
pub(crate) fn implicitly(header: &mut PkiHeader) {
    header.general_info = Some(vec![InfoTypeAndValue::implicit_confirm().unwrap()]);
}
