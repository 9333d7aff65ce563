//! Rules for what a CRL says of its scope: the place it names, whether it is a delta and to what, where its deltas are.
//!
//! The values expected are put together here octet by octet, not by the types that drafting uses. RFC 5280 §5.2.4 to §5.2.6.

use der::asn1::UintRef;
use der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::IssuingDistributionPoint;

use super::{ExaminedCrl, find};
use crate::lint::require;
use crate::oid;
use crate::scope::CrlScope;

/// The CRL of a shard names the place of its shard and nothing else; that of all names none.
pub(super) fn distribution_point(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let found = value(crl, oid::ISSUING_DISTRIBUTION_POINT);
    match crl.input.scope {
        CrlScope::All => {
            let point = found.and_then(|value| IssuingDistributionPoint::from_der(value).ok());
            let named = point.is_some_and(|point| point.distribution_point.is_some());
            require(!named, || "the CRL of all names a place, as if it were a shard's".to_owned())
        }
        CrlScope::Shard(shard) => {
            let expected = crl.input.issuer.crl_uri(crl.input.scope).map(|uri| tlv(0x30, &place(&uri)));
            require(expected.is_some() && found.map(<[u8]>::to_vec) == expected, || {
                format!("the issuing distribution point is not that of the shard {shard}, octet for octet")
            })
        }
    }
}

/// A delta CRL names its base, which has a lower number; a complete one names none.
pub(super) fn delta_indicator(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let found = value(crl, oid::DELTA_CRL_INDICATOR);
    let Some(base) = crl.input.base else {
        return require(found.is_none(), || "a complete CRL says that it is a delta".to_owned());
    };
    require(found.map(<[u8]>::to_vec) == base.to_der().ok(), || {
        format!("the delta CRL indicator is absent, or does not name the base {base}")
    })?;
    let number = value(crl, oid::CRL_NUMBER).and_then(|value| UintRef::from_der(value).ok());
    let base = UintRef::from_der(found.unwrap_or_default()).ok();
    let higher = number.zip(base).is_some_and(|(number, base)| {
        let octets = |number: &UintRef<'_>| (number.as_bytes().len(), number.as_bytes().to_vec());
        octets(&number) > octets(&base)
    });
    require(higher, || "the base of the delta CRL has no lower number than the delta itself".to_owned())
}

/// Where the issuer publishes deltas, a complete CRL says where those of its scope are; a delta CRL never does.
pub(super) fn freshest(crl: &ExaminedCrl<'_>) -> Result<(), String> {
    let issuer = crl.input.issuer;
    let expected = issuer.freshest_uri(crl.input.scope).filter(|_| crl.input.base.is_none());
    let expected = expected.map(|uri| tlv(0x30, &tlv(0x30, &place(&uri))));
    require(value(crl, oid::FRESHEST_CRL).map(<[u8]>::to_vec) == expected, || {
        "the freshest CRL is not where the issuer publishes the deltas of this scope, or is named where it must not be"
            .to_owned()
    })
}

fn value<'a>(crl: &'a ExaminedCrl<'_>, oid: const_oid::ObjectIdentifier) -> Option<&'a [u8]> {
    find(crl.extensions(), oid).map(|Extension { extn_value, .. }| extn_value.as_bytes())
}

/// `distributionPoint [0] { fullName [0] { uniformResourceIdentifier [6] } }`
fn place(uri: &str) -> Vec<u8> {
    tlv(0xA0, &tlv(0xA0, &tlv(0x86, uri.as_bytes())))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let header = match length {
        [0, short @ 0..=0x7F] => vec![tag, short],
        [0, short] => vec![tag, 0x81, short],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), content].concat()
}
