//! What general messages are answered with (RFC 9483 §4.3).

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::suite::Curve;
use cmp_messages::certificate_request::ALG_ID;
use cmp_messages::general::{
    CA_CERTS, CERT_REQ_TEMPLATE, CRL_STATUS_LIST, CRLS, CertReqTemplate, ROOT_CA_CERT, ROOT_CA_KEY_UPDATE,
    RootCaKeyUpdate,
};
use cmp_messages::header::InfoTypeAndValue;
use der::Encode;
use der::asn1::{Any, ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extension;

use crate::certificate::is_issued_by;
use crate::error::CmpError;

/// What the authority says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Information {
    /// CA certificates, each DER.
    CaCertificates(Vec<Vec<u8>>),
    /// The root that follows the one in the question, if there is one.
    RootUpdate(Option<RootUpdate>),
    /// What a request should say, if anything is wanted.
    Template(Option<Template>),
    /// The CRL, DER, if there is one, and younger than the one in the question.
    Crl(Option<Vec<u8>>),
}

/// A new root for which the old one vouches. Each DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootUpdate {
    /// The new root.
    pub new_with_new: Vec<u8>,
    /// The new root, signed by the old one.
    pub new_with_old: Vec<u8>,
    /// The old root, signed by the new one.
    pub old_with_new: Option<Vec<u8>>,
}

/// What a request should say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The subject; empty where the requester fills it in, `None` where it is as the requester likes.
    pub subject: Option<DistinguishedName>,
    /// The extensions; with an empty value where the requester fills it in.
    pub extensions: Vec<Extension>,
    /// The curves of the key, any of which will do; empty where the authority does not say.
    pub curves: Vec<Curve>,
}

/// Reads the answer to a question.
pub(crate) fn read(
    question: &InfoTypeAndValue,
    answers: &[InfoTypeAndValue],
) -> Result<Information, CmpError> {
    // RFC 9483 §4.3: a sequence of one element.
    let [answer] = answers else {
        return Err(CmpError::Answer("it holds another number of answers than one"));
    };
    let value = answer.info_value.as_ref();
    match (question.info_type, answer.info_type) {
        (CA_CERTS, CA_CERTS) => Ok(Information::CaCertificates(sequence(value)?.unwrap_or_default())),
        (ROOT_CA_CERT, ROOT_CA_KEY_UPDATE) => {
            value.map(|value| root_update(question, value)).transpose().map(Information::RootUpdate)
        }
        (CERT_REQ_TEMPLATE, CERT_REQ_TEMPLATE) => value.map(template).transpose().map(Information::Template),
        (CRL_STATUS_LIST, CRLS) => match sequence(value)?.as_deref() {
            None => Ok(Information::Crl(None)),
            // RFC 9483 §4.3.4: if present, a sequence of one CRL.
            Some([crl]) => Ok(Information::Crl(Some(crl.clone()))),
            Some(_) => Err(CmpError::Answer("it holds another number of CRLs than one")),
        },
        _ => Err(CmpError::Answer("it is about something else than was asked")),
    }
}

fn sequence(value: Option<&Any>) -> Result<Option<Vec<Vec<u8>>>, CmpError> {
    let Some(value) = value else { return Ok(None) };
    let read = || {
        let all: Vec<Any> = value.decode_as()?;
        all.iter().map(Encode::to_der).collect::<der::Result<_>>()
    };
    read().map(Some).map_err(|_| CmpError::Answer("it is no sequence"))
}

/// RFC 9483 §4.3.2: newWithOld MUST be there, because whoever trusts the old root trusts the new one by it.
fn root_update(question: &InfoTypeAndValue, value: &Any) -> Result<RootUpdate, CmpError> {
    const MALFORMED: CmpError = CmpError::Answer("it is not the update of a root");
    let update: RootCaKeyUpdate = value.decode_as().map_err(|_| MALFORMED)?;
    let read = |one: &Any| -> Result<Certificate, CmpError> {
        Certificate::from_der(&one.to_der()?).map_err(|_| MALFORMED)
    };
    let old = read(question.info_value.as_ref().ok_or(MALFORMED)?)?;
    let new = read(&update.new_with_new)?;
    let link = read(&update.new_with_old.ok_or(MALFORMED)?)?;
    let back = update.old_with_new.as_ref().map(read).transpose()?;
    let vouched = is_issued_by(&link, &old) && link.public_key() == new.public_key();
    let leads_back =
        back.as_ref().is_none_or(|one| is_issued_by(one, &new) && one.public_key() == old.public_key());
    if !vouched || link.subject() != new.subject() || !is_issued_by(&new, &new) || !leads_back {
        return Err(CmpError::Certificate("the old root does not vouch for the new one".to_owned()));
    }
    Ok(RootUpdate {
        new_with_new: new.der().to_vec(),
        new_with_old: link.der().to_vec(),
        old_with_new: back.map(|one| one.der().to_vec()),
    })
}

fn template(value: &Any) -> Result<Template, CmpError> {
    const MALFORMED: CmpError = CmpError::Answer("it is not the template of a request");
    let wanted: CertReqTemplate = value.decode_as().map_err(|_| MALFORMED)?;
    let subject = wanted.cert_template.subject.as_ref().map(|name| {
        let der = name.to_der().map_err(|_| MALFORMED)?;
        DistinguishedName::from_der(&der).map_err(|_| MALFORMED)
    });
    let curve = |algorithm: AlgorithmIdentifierOwned| {
        let named: ObjectIdentifier = algorithm.parameters?.decode_as().ok()?;
        [Curve::P256, Curve::P384].into_iter().find(|curve| curve.oid() == named)
    };
    let keys = wanted.key_spec.unwrap_or_default();
    let algorithms = keys.iter().filter(|one| one.kind == ALG_ID);
    Ok(Template {
        subject: subject.transpose()?,
        extensions: wanted.cert_template.extensions.unwrap_or_default(),
        curves: algorithms.filter_map(|one| curve(one.value.decode_as().ok()?)).collect(),
    })
}
