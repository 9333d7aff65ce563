//! genm: what end entities may want to know (RFC 9483 §4.3).

use ca_core::actor::Identity;
use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::ports::Unavailable;
use ca_core::template::{RequestTemplate, SubjectTemplate};
use ca_core::validity::UnixTime;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{ALG_ID, AttributeTypeAndValue, CertTemplate};
use cmp_messages::general::{
    CA_CERTS, CERT_REQ_TEMPLATE, CRL_STATUS_LIST, CRLS, CertReqTemplate, CrlSource, CrlStatus, ROOT_CA_CERT,
    ROOT_CA_KEY_UPDATE, RootCaKeyUpdate,
};
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::name::GeneralName;
use const_oid::db::rfc5912;
use der::asn1::{Any, OctetString};
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName as PointName};

use super::{Case, Worked};
use crate::protect::Draft;
use crate::refusal::Refusal;

/// Answers the first question that is known; RFC 9483 §4.3: there is one.
pub(super) fn tell(case: &Case<'_>, questions: &[InfoTypeAndValue]) -> Result<Worked, Refusal> {
    for question in questions {
        let answer = match question.info_type {
            CA_CERTS => ca_certificates(case)?,
            ROOT_CA_CERT => root_update(case, question)?,
            CERT_REQ_TEMPLATE => template(case)?,
            CRL_STATUS_LIST => crls(case, question)?,
            // C-30: what is not known is looked past.
            _ => continue,
        };
        return Ok(Worked::answered(case.seal(Draft::of(PkiBody::Genp(vec![answer])))?));
    }
    Err(Refusal::NoSuchInformation)
}

/// RFC 9483 §4.3.1: the certificates between the root and what is issued.
fn ca_certificates(case: &Case<'_>) -> Result<InfoTypeAndValue, Refusal> {
    let all = &case.label.parts().ca_certificates;
    let certificates: Vec<Any> =
        all.iter().map(|one| Any::from_der(one.der())).collect::<der::Result<_>>()?;
    Ok(InfoTypeAndValue::of(CA_CERTS, &certificates)?)
}

/// RFC 9483 §4.3.2: the root that comes after the one in the question, with the links between the two; nothing if there is none.
fn root_update(case: &Case<'_>, question: &InfoTypeAndValue) -> Result<InfoTypeAndValue, Refusal> {
    let malformed = Refusal::Body { what: "a CMPCertificate" };
    let Some(value) = &question.info_value else { return Err(malformed) };
    let old = Certificate::from_der(&value.to_der()?).map_err(|_| malformed)?;
    let all = &case.label.parts().ca_certificates;
    let link = |subject: &Certificate, signer: &Certificate| {
        all.iter().find(|one| {
            one.public_key() == subject.public_key()
                && one.subject() == subject.subject()
                && one.public_key() != signer.public_key()
                && signer.public_key().verify(one.tbs(), one.signature()).is_ok()
        })
    };
    let is_root = |one: &&Certificate| one.public_key().verify(one.tbs(), one.signature()).is_ok();
    let is_later = |one: &&Certificate| one.validity().not_before() > old.validity().not_before();
    // RFC 9483 §4.3.2: newWithOld MUST be present, for without it nobody can trust the new root.
    let linked = |one| Some((one, link(one, &old)?));
    let later = all.iter().filter(is_root).filter(is_later).filter_map(linked);
    let Some((new, new_with_old)) = later.max_by_key(|(new, _)| new.validity().not_before()) else {
        return Ok(InfoTypeAndValue::empty(ROOT_CA_KEY_UPDATE));
    };
    let update = RootCaKeyUpdate {
        new_with_new: Any::from_der(new.der())?,
        new_with_old: Some(Any::from_der(new_with_old.der())?),
        old_with_new: link(&old, new).map(|one| Any::from_der(one.der())).transpose()?,
    };
    Ok(InfoTypeAndValue::of(ROOT_CA_KEY_UPDATE, &update)?)
}

/// RFC 9483 §4.3.3: what a request at this label should say; about the device, where that is known.
fn template(case: &Case<'_>) -> Result<InfoTypeAndValue, Refusal> {
    let title = match &case.sender.actor.identity {
        Identity::Device(device) => Some(&device.title),
        Identity::OneTimeToken { title, .. } => Some(title),
        Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    };
    let found = case.authority().template(&case.label.parts().profile, title);
    let found = found.map_err(ca_core::issuance::IssueError::from)?;
    let Some(template) = found else { return Ok(InfoTypeAndValue::empty(CERT_REQ_TEMPLATE)) };
    Ok(InfoTypeAndValue::of(CERT_REQ_TEMPLATE, &written(&template)?)?)
}

fn written(template: &RequestTemplate) -> der::Result<CertReqTemplate> {
    let subject = match &template.subject {
        SubjectTemplate::Name(name) if name.is_empty() => None,
        SubjectTemplate::Name(name) => Some(Any::from_der(name.der())?),
        // RFC 9483 §4.3.3: a NULL-DN is to be filled in.
        SubjectTemplate::Free | SubjectTemplate::Attributes(_) => {
            Some(Any::from_der(DistinguishedName::empty().der())?)
        }
    };
    let mut extensions = Vec::new();
    for wanted in &template.extensions {
        extensions.push(Extension {
            extn_id: wanted.id,
            critical: wanted.critical,
            extn_value: OctetString::new(wanted.value.clone().unwrap_or_default())?,
        });
    }
    let algorithm = AlgorithmIdentifierOwned {
        oid: rfc5912::ID_EC_PUBLIC_KEY,
        parameters: Some(Any::encode_from(&template.curve.oid())?),
    };
    Ok(CertReqTemplate {
        cert_template: CertTemplate { subject, extensions: Some(extensions), ..CertTemplate::default() },
        key_spec: Some(vec![AttributeTypeAndValue { kind: ALG_ID, value: Any::encode_from(&algorithm)? }]),
    })
}

/// RFC 9483 §4.3.4: the last CRL, if it is younger than the one that the requester has; nothing otherwise.
fn crls(case: &Case<'_>, question: &InfoTypeAndValue) -> Result<InfoTypeAndValue, Refusal> {
    let malformed = Refusal::Body { what: "a CRLStatusListValue" };
    let statuses: Vec<CrlStatus> = match &question.info_value {
        Some(value) => value.decode_as().map_err(|_| malformed)?,
        None => return Err(malformed),
    };
    let [status] = statuses.as_slice() else { return Err(Refusal::RequestCount { count: statuses.len() }) };
    if !is_ours(case, &status.source) {
        return Err(Refusal::ForeignCrl);
    }
    let Some(crl) = case.authority().latest_crl()? else { return Ok(InfoTypeAndValue::empty(CRLS)) };
    let had = status.this_update.map(|time| {
        UnixTime::from_seconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
    });
    if had.is_some_and(|had| had >= crl.this_update) {
        return Ok(InfoTypeAndValue::empty(CRLS));
    }
    let der = crl.der.to_vec().map_err(Unavailable::from)?;
    Ok(InfoTypeAndValue::of(CRLS, &vec![Any::from_der(&der)?])?)
}

/// Tells whether a CRL is meant that this authority issues: by its name, or by where it is published.
fn is_ours(case: &Case<'_>, source: &CrlSource) -> bool {
    let issuer = case.authority().issuer();
    match source {
        CrlSource::Issuer(names) => names
            .iter()
            .filter_map(GeneralName::as_directory)
            .any(|name| name.matches(issuer.certificate().subject())),
        CrlSource::DistributionPoint(DistributionPointName::FullName(names)) => names.iter().any(|name| {
            matches!(name, PointName::UniformResourceIdentifier(uri)
                if issuer.points().crl.as_deref() == Some(uri.as_str()))
        }),
        CrlSource::DistributionPoint(DistributionPointName::NameRelativeToCRLIssuer(_)) => false,
    }
}
