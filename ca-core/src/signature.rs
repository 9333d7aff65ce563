//! ECDSA signature values: fixed-length r and s inside the suite, `ECDSA-Sig-Value` in X.509 (RFC 3279 §2.2.3).
//!
//! No arithmetic here: values are made by a [`Signer`](crate::ports::Signer) and checked by
//! [`PublicKey::verify`](crate::public_key::PublicKey::verify).

use der::asn1::{AnyRef, UintRef};
use der::{Encode, Reader, Sequence, SliceReader, Tagged};

use crate::suite::Curve;

/// An ECDSA signature as r followed by s, each of the curve's field length: 64 or 96 octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcdsaSignature {
    curve: Curve,
    r_and_s: Vec<u8>,
}

/// ```text
/// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
/// ```
#[derive(Sequence)]
struct EcdsaSigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// How a certification request's signature was written (decision on lenient reading: only r and s).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerForm {
    /// DER, as RFC 3279 wants it.
    Strict,
    /// r or s had its high bit set without the zero octet in front, or needless zero octets: read as unsigned.
    UnsignedOctets,
}

impl EcdsaSignature {
    /// Takes r followed by s.
    ///
    /// # Errors
    /// [`SignatureFormError::Length`] unless there are exactly 64 (P-256) or 96 (P-384) octets.
    pub fn from_fixed(curve: Curve, r_and_s: &[u8]) -> Result<Self, SignatureFormError> {
        if r_and_s.len() == 2 * curve.field_octets() {
            Ok(Self { curve, r_and_s: r_and_s.to_vec() })
        } else {
            Err(SignatureFormError::Length { octets: r_and_s.len() })
        }
    }

    /// Returns octets of the form of a signature whose DER is as long as any can be; verifies nowhere.
    pub(crate) fn widest(curve: Curve) -> Self {
        Self { curve, r_and_s: vec![0xFF; 2 * curve.field_octets()] }
    }

    /// Reads a DER `ECDSA-Sig-Value`.
    ///
    /// # Errors
    /// [`SignatureFormError::NotDer`] for anything but two minimal, non-negative INTEGERs in a SEQUENCE;
    /// [`SignatureFormError::Length`] when one is longer than the field.
    pub fn from_der(curve: Curve, der: &[u8]) -> Result<Self, SignatureFormError> {
        let value =
            <EcdsaSigValue<'_> as der::Decode<'_>>::from_der(der).map_err(|_| SignatureFormError::NotDer)?;
        Self::from_unsigned(curve, value.r.as_bytes(), value.s.as_bytes())
    }

    /// Reads a DER `ECDSA-Sig-Value` whose integers may be written as unsigned octets, as the most used DLMS library
    /// writes them: at most as many as the field has. Everything around them is read strictly. Says which form was met.
    ///
    /// # Errors
    /// As [`Self::from_der`].
    pub fn from_der_or_unsigned(curve: Curve, der: &[u8]) -> Result<(Self, IntegerForm), SignatureFormError> {
        if let Ok(signature) = Self::from_der(curve, der) {
            return Ok((signature, IntegerForm::Strict));
        }
        let (r, s) = unsigned_integers(der).map_err(|_| SignatureFormError::NotDer)?;
        let (r, s) = (unsigned(curve, &r)?, unsigned(curve, &s)?);
        Ok((Self::from_unsigned(curve, r, s)?, IntegerForm::UnsignedOctets))
    }

    fn from_unsigned(curve: Curve, r: &[u8], s: &[u8]) -> Result<Self, SignatureFormError> {
        let field = curve.field_octets();
        let mut r_and_s = Vec::with_capacity(2 * field);
        for integer in [r, s] {
            let padding = field
                .checked_sub(integer.len())
                .ok_or(SignatureFormError::Length { octets: integer.len() })?;
            r_and_s.resize(r_and_s.len() + padding, 0);
            r_and_s.extend_from_slice(integer);
        }
        Ok(Self { curve, r_and_s })
    }

    /// Returns the curve of the key that made the signature.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// Returns r followed by s: 64 or 96 octets.
    #[must_use]
    pub fn fixed(&self) -> &[u8] {
        &self.r_and_s
    }

    /// Tells whether neither r nor s loses a leading octet in DER. DLMS head-ends exist that fail on shorter ones, so
    /// the signing step draws again until this holds.
    #[must_use]
    pub fn has_full_length_integers(&self) -> bool {
        let (r, s) = self.r_and_s.split_at(self.curve.field_octets());
        [r, s].into_iter().all(|integer| integer.first().is_some_and(|octet| *octet != 0))
    }

    /// Encodes the signature as DER `ECDSA-Sig-Value`: at most 72 (P-256) or 104 (P-384) octets.
    ///
    /// # Errors
    /// What the DER encoder says; it has no cause with the lengths checked at construction.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let (r, s) = self.r_and_s.split_at(self.curve.field_octets());
        EcdsaSigValue { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der()
    }
}

/// Reads SEQUENCE { INTEGER, INTEGER } strictly, but takes the integers' content octets as they are.
fn unsigned_integers(der: &[u8]) -> der::Result<(Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(der)?;
    let header: AnyRef<'_> = reader.decode()?;
    header.tag().assert_eq(der::Tag::Sequence)?;
    let mut inner = SliceReader::new(header.value())?;
    let mut integer = || -> der::Result<Vec<u8>> {
        let any: AnyRef<'_> = inner.decode()?;
        any.tag().assert_eq(der::Tag::Integer)?;
        Ok(any.value().to_vec())
    };
    let integers = (integer()?, integer()?);
    inner.finish()?;
    reader.finish()?;
    Ok(integers)
}

/// Reads the content of an INTEGER as unsigned octets of the field, or as DER writes a number whose high bit is set.
fn unsigned(curve: Curve, content: &[u8]) -> Result<&[u8], SignatureFormError> {
    match content {
        [] => Err(SignatureFormError::NotDer),
        [0, number @ ..] if number.len() == curve.field_octets() => Ok(number),
        number if number.len() <= curve.field_octets() => Ok(number),
        longer => Err(SignatureFormError::Length { octets: longer.len() }),
    }
}

/// Why octets are not a signature value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFormError {
    /// Not a DER SEQUENCE of two INTEGERs.
    #[error("the signature value is not a DER sequence of two integers")]
    NotDer,
    /// r, s, or both together do not fit the curve.
    #[error("the signature value has {octets} octets, which does not fit the curve")]
    Length {
        /// How many octets there were.
        octets: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_it_decodes() {
        let mut fixed = vec![0x80; 64];
        fixed[32] = 0;
        let signature = EcdsaSignature::from_fixed(Curve::P256, &fixed).unwrap();
        let der = signature.to_der().unwrap();
        assert_eq!(EcdsaSignature::from_der(Curve::P256, &der), Ok(signature.clone()));
        assert!(!signature.has_full_length_integers(), "s is one octet short");
    }

    #[test]
    fn reads_unsigned_integers_only_where_asked() {
        let mut der = vec![0x30, 68, 0x02, 32];
        der.extend_from_slice(&[0x90; 32]);
        der.extend_from_slice(&[0x02, 32]);
        der.extend_from_slice(&[0x11; 32]);
        assert_eq!(EcdsaSignature::from_der(Curve::P256, &der), Err(SignatureFormError::NotDer));
        let (signature, form) = EcdsaSignature::from_der_or_unsigned(Curve::P256, &der).unwrap();
        assert_eq!(form, IntegerForm::UnsignedOctets);
        assert_eq!(signature.fixed()[..32], [0x90; 32]);
    }

    #[test]
    fn reads_a_needless_zero_octet_only_inside_the_field() {
        let value = |r: &[u8]| {
            let mut der =
                vec![0x30, u8::try_from(4 + r.len() + 32).unwrap(), 0x02, u8::try_from(r.len()).unwrap()];
            der.extend_from_slice(r);
            der.extend_from_slice(&[0x02, 32]);
            der.extend_from_slice(&[0x91; 32]);
            EcdsaSignature::from_der_or_unsigned(Curve::P256, &der).map(|(signature, _)| signature.fixed()[0])
        };
        let mut short = [0x11; 32];
        short[0] = 0;
        assert_eq!(value(&short), Ok(0), "a number of 31 octets in a field of 32");
        assert_eq!(
            value(&[&[0], [0x91; 32].as_slice()].concat()),
            Ok(0x91),
            "one integer DER, the other not"
        );
        assert_eq!(value(&[0; 34]), Err(SignatureFormError::Length { octets: 34 }));
        assert_eq!(value(&[]), Err(SignatureFormError::NotDer));
    }

    #[test]
    fn refuses_long_integers_and_trailing_octets() {
        let long = EcdsaSignature::from_fixed(Curve::P384, &[0x55; 96]).unwrap().to_der().unwrap();
        assert!(matches!(
            EcdsaSignature::from_der_or_unsigned(Curve::P256, &long),
            Err(SignatureFormError::Length { octets: 48 })
        ));
        let mut trailing = EcdsaSignature::from_fixed(Curve::P256, &[0x55; 64]).unwrap().to_der().unwrap();
        trailing.push(0);
        assert_eq!(
            EcdsaSignature::from_der_or_unsigned(Curve::P256, &trailing),
            Err(SignatureFormError::NotDer)
        );
    }
}
