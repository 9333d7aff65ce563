//! The object identifiers that profiles, certificates, CRLs and OCSP answers of this suite use, each with its source.
//!
//! One table, so that no identifier is typed twice. Curves and signature algorithms stand with [`Curve`](crate::suite::Curve).

use const_oid::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-at-commonName (RFC 5280 App. A).
pub const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
/// id-at-serialNumber (RFC 5280 App. A).
pub const SERIAL_NUMBER: ObjectIdentifier = oid("2.5.4.5");
/// id-at-countryName (RFC 5280 App. A).
pub const COUNTRY_NAME: ObjectIdentifier = oid("2.5.4.6");
/// id-at-organizationName (RFC 5280 App. A).
pub const ORGANIZATION_NAME: ObjectIdentifier = oid("2.5.4.10");
/// id-at-organizationalUnitName (RFC 5280 App. A).
pub const ORGANIZATIONAL_UNIT_NAME: ObjectIdentifier = oid("2.5.4.11");

/// id-ce-subjectKeyIdentifier (RFC 5280 §4.2.1.2).
pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
/// id-ce-keyUsage (RFC 5280 §4.2.1.3).
pub const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
/// id-ce-subjectAltName (RFC 5280 §4.2.1.6).
pub const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
/// id-ce-issuerAltName (RFC 5280 §4.2.1.7).
pub const ISSUER_ALT_NAME: ObjectIdentifier = oid("2.5.29.18");
/// id-ce-basicConstraints (RFC 5280 §4.2.1.9).
pub const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
/// id-ce-cRLNumber (RFC 5280 §5.2.3).
pub const CRL_NUMBER: ObjectIdentifier = oid("2.5.29.20");
/// id-ce-cRLReasons (RFC 5280 §5.3.1).
pub const CRL_REASON: ObjectIdentifier = oid("2.5.29.21");
/// id-ce-invalidityDate (RFC 5280 §5.3.2).
pub const INVALIDITY_DATE: ObjectIdentifier = oid("2.5.29.24");
/// id-ce-deltaCRLIndicator (RFC 5280 §5.2.4).
pub const DELTA_CRL_INDICATOR: ObjectIdentifier = oid("2.5.29.27");
/// id-ce-freshestCRL (RFC 5280 §4.2.1.15, §5.2.6).
pub const FRESHEST_CRL: ObjectIdentifier = oid("2.5.29.46");
/// id-ce-issuingDistributionPoint (RFC 5280 §5.2.5).
pub const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = oid("2.5.29.28");
/// id-ce-nameConstraints (RFC 5280 §4.2.1.10).
pub const NAME_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.30");
/// id-ce-cRLDistributionPoints (RFC 5280 §4.2.1.13).
pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
/// id-ce-certificatePolicies (RFC 5280 §4.2.1.4).
pub const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
/// id-ce-policyMappings (RFC 5280 §4.2.1.5).
pub const POLICY_MAPPINGS: ObjectIdentifier = oid("2.5.29.33");
/// id-ce-authorityKeyIdentifier (RFC 5280 §4.2.1.1).
pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
/// id-ce-policyConstraints (RFC 5280 §4.2.1.11).
pub const POLICY_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.36");
/// id-ce-extKeyUsage (RFC 5280 §4.2.1.12).
pub const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
/// id-ce-inhibitAnyPolicy (RFC 5280 §4.2.1.14).
pub const INHIBIT_ANY_POLICY: ObjectIdentifier = oid("2.5.29.54");
/// anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
pub const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37.0");
/// id-cmc-changeSubjectName (RFC 6402 §2.8).
pub const CHANGE_SUBJECT_NAME: ObjectIdentifier = oid("1.3.6.1.5.5.7.7.36");
/// id-pe-authorityInfoAccess (RFC 5280 §4.2.2.1).
pub const AUTHORITY_INFO_ACCESS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.1");
/// id-ad-ocsp (RFC 5280 §4.2.2.1).
pub const ACCESS_OCSP: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1");
/// id-ad-caIssuers (RFC 5280 §4.2.2.1).
pub const ACCESS_CA_ISSUERS: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.2");

/// id-kp-serverAuth (RFC 5280 §4.2.1.12).
pub const SERVER_AUTH: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.1");
/// id-kp-clientAuth (RFC 5280 §4.2.1.12).
pub const CLIENT_AUTH: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.2");
/// id-kp-codeSigning (RFC 5280 §4.2.1.12).
pub const CODE_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.3");
/// id-kp-timeStamping (RFC 5280 §4.2.1.12).
pub const TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.8");
/// id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
pub const OCSP_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.9");
/// id-kp-cmcCA (RFC 6402 §2.10).
pub const CMC_CA: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.27");
/// id-kp-cmcRA (RFC 6402 §2.10; RFC 7030 §3.7).
pub const CMC_RA: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.28");
/// id-kp-cmKGA (RFC 9810 §4.5).
pub const CM_KGA: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.32");

/// id-pkix-ocsp-basic (RFC 6960 §4.2.1).
pub const OCSP_BASIC: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.1");
/// id-pkix-ocsp-nonce (RFC 9654 §2.1).
pub const OCSP_NONCE: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.2");
/// id-pkix-ocsp-response (RFC 6960 §4.4.3).
pub const OCSP_ACCEPTABLE_RESPONSES: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.4");
/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
pub const OCSP_NO_CHECK: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.5");
/// id-pkix-ocsp-archive-cutoff (RFC 6960 §4.4.4).
pub const OCSP_ARCHIVE_CUTOFF: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.6");
/// id-pkix-ocsp-pref-sig-algs (RFC 6960 §4.4.7).
pub const OCSP_PREFERRED_SIGNATURE_ALGORITHMS: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.8");
/// id-pkix-ocsp-extended-revoke (RFC 6960 §4.4.8).
pub const OCSP_EXTENDED_REVOKE: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.9");
/// SHA-1, for OCSP `CertIDs` only (RFC 6960 §4.1.1).
pub const SHA_1: ObjectIdentifier = oid("1.3.14.3.2.26");
/// SHA-256, for OCSP `CertIDs` (RFC 9919).
pub const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");

/// id-on-hardwareModuleName (RFC 4108 §5).
pub const HARDWARE_MODULE_NAME: ObjectIdentifier = oid("1.3.6.1.5.5.7.8.4");
/// extensionRequest attribute (RFC 2985 §5.4.2).
pub const EXTENSION_REQUEST: ObjectIdentifier = oid("1.2.840.113549.1.9.14");
/// challengePassword attribute (RFC 2985 §5.4.1).
pub const CHALLENGE_PASSWORD: ObjectIdentifier = oid("1.2.840.113549.1.9.7");
/// smimeCapabilities attribute (RFC 8551 §2.5.2).
pub const SMIME_CAPABILITIES: ObjectIdentifier = oid("1.2.840.113549.1.9.15");
/// id-aa-decryptKeyID (RFC 4108 §2.2.5).
pub const DECRYPT_KEY_ID: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.37");
/// id-aa-asymmDecryptKeyID (RFC 7030 §4.4.1.2).
pub const ASYMMETRIC_DECRYPT_KEY_ID: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.54");
