//! The answer to `/csrattrs`: what a certification request should say, in both of its forms (RFC 8951 §4, RFC 9908 §3).
//!
//! The list of old names curve, signature algorithm and extensions; the template, for clients that know it, the subject as
//! well. Whoever understands the template looks at nothing else (RFC 9908 §4), so that each form is complete. What
//! no list can say stands in the template alone: an extension without a value, for which RFC 9908 §3.4 made
//! id-aa-extensionReqTemplate, has no place in the list.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::suite::Curve;
use ca_core::template::{ExtensionTemplate, RequestTemplate, SubjectTemplate};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::ID_EC_PUBLIC_KEY;
use der::asn1::{Any, AnyRef, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence, ValueOrd};
use spki::AlgorithmIdentifier;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;

/// id-aa-certificationRequestInfoTemplate (RFC 9908 §6).
const REQUEST_TEMPLATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.61");
/// id-aa-extensionReqTemplate (RFC 9908 §6).
const EXTENSION_TEMPLATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.62");

/// ```text
/// CertificationRequestInfoTemplate ::= SEQUENCE {
///     version       INTEGER { v1(0) } (v1, ...),
///     subject       NameTemplate OPTIONAL,
///     subjectPKInfo [0] SubjectPublicKeyInfoTemplate OPTIONAL,
///     attributes    [1] Attributes }
/// ```
#[derive(Sequence)]
struct WireTemplate {
    version: u8,
    subject: Option<Any>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    public_key: WireKey,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT")]
    attributes: SetOfVec<Attribute>,
}

/// ```text
/// SubjectPublicKeyInfoTemplate ::= SEQUENCE {
///     algorithm        AlgorithmIdentifier,
///     subjectPublicKey BIT STRING OPTIONAL }   -- absent unless an RSA key's size must be told
/// ```
#[derive(Sequence)]
struct WireKey {
    algorithm: AlgorithmIdentifier<ObjectIdentifier>,
}

/// ```text
/// SingleAttributeTemplate ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY OPTIONAL }
/// ```
#[derive(Sequence, ValueOrd)]
struct WireAttribute {
    kind: ObjectIdentifier,
}

/// ```text
/// ExtensionTemplate ::= SEQUENCE {
///     extnID    OBJECT IDENTIFIER,
///     critical  BOOLEAN DEFAULT FALSE,
///     extnValue OCTET STRING OPTIONAL }
/// ```
#[derive(Sequence)]
struct WireExtension {
    id: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    critical: bool,
    value: Option<OctetString>,
}

/// Encodes a template as DER of `CsrAttrs`.
///
/// # Errors
/// What the DER codec says.
pub fn encode(template: &RequestTemplate, linked: bool) -> der::Result<Vec<u8>> {
    let mut all: Vec<Any> = Vec::new();
    if linked {
        // RFC 7030 §4.5.2: where identity and proof of possession must be linked, challengePassword is listed.
        all.push(Any::encode_from(&oid::CHALLENGE_PASSWORD)?);
    }
    // RFC 9908 §3.2: the type of the key as the type, the curve as the value.
    all.push(attribute(ID_EC_PUBLIC_KEY, Any::encode_from(&template.curve.oid())?)?);
    all.push(Any::encode_from(&template.curve.signature_algorithm())?);
    // RFC 9908 §3.2: one id-ExtensionReq with one element; only extensions whose values are known.
    let known = known(&template.extensions)?;
    if !known.is_empty() {
        all.push(attribute(oid::EXTENSION_REQUEST, Any::encode_from(&known)?)?);
    }
    all.push(attribute(REQUEST_TEMPLATE, Any::encode_from(&request_template(template, linked)?)?)?);
    all.to_der()
}

fn attribute(kind: ObjectIdentifier, value: Any) -> der::Result<Any> {
    Any::encode_from(&Attribute { oid: kind, values: SetOfVec::try_from(vec![value])? })
}

fn known(extensions: &[ExtensionTemplate]) -> der::Result<Vec<Extension>> {
    extensions
        .iter()
        .filter_map(|extension| {
            extension.value.as_ref().map(|value| {
                let extn_value = OctetString::new(value.as_slice())?;
                Ok(Extension { extn_id: extension.id, critical: extension.critical, extn_value })
            })
        })
        .collect()
}

fn request_template(template: &RequestTemplate, linked: bool) -> der::Result<WireTemplate> {
    let mut attributes = Vec::new();
    if linked {
        // The value belongs to the connection that is to come: RFC 9908 §4 leaves no other place to say that it is wanted.
        attributes.push(Attribute { oid: oid::CHALLENGE_PASSWORD, values: SetOfVec::new() });
    }
    attributes.push(extension_request(&template.extensions)?);
    Ok(WireTemplate {
        version: 0,
        subject: subject(&template.subject)?,
        public_key: key(template.curve),
        attributes: SetOfVec::try_from(attributes)?,
    })
}

/// RFC 9908 §3.4: id-ExtensionReq where all values are known, id-aa-extensionReqTemplate otherwise, never both.
fn extension_request(extensions: &[ExtensionTemplate]) -> der::Result<Attribute> {
    let (kind, value) = if extensions.iter().all(|extension| extension.value.is_some()) {
        (oid::EXTENSION_REQUEST, Any::encode_from(&known(extensions)?)?)
    } else {
        let all = extensions.iter().map(partly_known).collect::<der::Result<Vec<_>>>()?;
        (EXTENSION_TEMPLATE, Any::encode_from(&all)?)
    };
    Ok(Attribute { oid: kind, values: SetOfVec::try_from(vec![value])? })
}

fn partly_known(extension: &ExtensionTemplate) -> der::Result<WireExtension> {
    let value = extension.value.as_deref().map(OctetString::new).transpose()?;
    Ok(WireExtension { id: extension.id, critical: extension.critical, value })
}

/// RFC 9908 §3.4: present where anything is required of it, without values where the client is to fill them in.
fn subject(subject: &SubjectTemplate) -> der::Result<Option<Any>> {
    match subject {
        SubjectTemplate::Free => Ok(None),
        SubjectTemplate::Name(name) => whole(name).map(Some),
        SubjectTemplate::Attributes(kinds) => {
            let rdn = |kind: &ObjectIdentifier| SetOfVec::try_from(vec![WireAttribute { kind: *kind }]);
            let rdns = kinds.iter().map(rdn).collect::<der::Result<Vec<_>>>()?;
            Any::encode_from(&rdns).map(Some)
        }
    }
}

fn whole(name: &DistinguishedName) -> der::Result<Any> {
    Ok(AnyRef::from_der(name.der())?.into())
}

const fn key(curve: Curve) -> WireKey {
    WireKey { algorithm: AlgorithmIdentifier { oid: ID_EC_PUBLIC_KEY, parameters: Some(curve.oid()) } }
}
